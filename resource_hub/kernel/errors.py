"""Families of domain errors. Each concrete error has a code; sentences are made for the reader's language.

A code is ``capability.what_happened``; the values it carries are plain JSON types, so that they can be stored, sent
and turned into a sentence later (law 7: refusals teach).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a refusal: a code, the values for its sentence, and the field or place it speaks of."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)
    place: str | None = None

    def as_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {"code": self.code, "values": dict(self.values)}
        if self.place:
            row["place"] = self.place
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Reason:
        return cls(row["code"], row.get("values") or {}, row.get("place"))


def distinct(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Each reason once, in their order."""
    found: list[Reason] = []
    for reason in reasons:
        if reason not in found:
            found.append(reason)
    return tuple(found)


class DomainError(Exception):
    """Base of everything a service may refuse with. Knows no HTTP."""

    code = "error"

    def __init__(self, *reasons: Reason, **values: Any) -> None:
        self.values: dict[str, Any] = values
        self.reasons: tuple[Reason, ...] = reasons or (Reason(self.code, values),)
        super().__init__(f"{self.code}: " + "; ".join(f"{r.code} {dict(r.values)}" for r in self.reasons))


class NotFound(DomainError):
    """No such thing, or not for this reader; the two are told apart nowhere."""

    code = "not_found"


class Forbidden(DomainError):
    """Known, seen, but not for this role."""

    code = "forbidden"


class Invalid(DomainError):
    """Input that cannot be what was meant; each reason names its field."""

    code = "invalid"


class Refused(DomainError):
    """A rule says no. Carries every reason at once."""

    code = "refused"


class Conflict(DomainError):
    """Somebody else was first, or the state does not allow it."""

    code = "conflict"


class Stale(DomainError):
    """The thing changed since it was read; ``values`` carry both versions."""

    code = "stale"


class Busy(DomainError):
    """The system could not take the work now; trying again is safe."""

    code = "busy"


def refuse_if(reasons: Sequence[Reason], error: type[DomainError] = Refused) -> None:
    """Raise ``error`` with all reasons, or do nothing when there are none."""
    if reasons:
        raise error(*reasons)
