"""Decision: what a pure rule answers. Value, reasons and citations travel together and are stored together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from resource_hub.kernel.errors import Reason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a rule or figure comes from.

    ``mark`` is the confidence mark of the source: P seen at the issuer, M mirror, C public code, D derived,
    G cut off or garbled, MEM from memory. G and MEM are shown as unverified wherever the value is shown.
    """

    document: str
    article: str = ""
    title: str = ""
    mark: str = "P"
    parameter: str = ""
    version: str = ""

    @property
    def verified(self) -> bool:
        return self.mark not in ("G", "MEM")

    def as_json(self) -> dict[str, Any]:
        return {
            "document": self.document,
            "article": self.article,
            "title": self.title,
            "mark": self.mark,
            "parameter": self.parameter,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class Decision(Generic[T]):
    """``granted`` says yes or no; ``value`` is what was granted; ``steps`` explain the arithmetic line by line."""

    granted: bool
    value: T
    reasons: tuple[Reason, ...] = ()
    citations: tuple[Citation, ...] = ()
    steps: tuple[Reason, ...] = field(default=())


def grant(value: T, *, citations: Sequence[Citation] = (), steps: Sequence[Reason] = ()) -> Decision[T]:
    return Decision(True, value, (), tuple(citations), tuple(steps))


def refuse(
    value: T, reasons: Sequence[Reason], *, citations: Sequence[Citation] = (), steps: Sequence[Reason] = ()
) -> Decision[T]:
    if not reasons:
        raise ValueError("a refusal without a reason teaches nobody")
    return Decision(False, value, tuple(reasons), tuple(citations), tuple(steps))
