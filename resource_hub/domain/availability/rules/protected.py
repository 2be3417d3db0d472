"""What became of the hours that are kept for customers from outside: used by them, broken, or left free (pure).

What was promised is what weekly hours and extra openings protect, before any closure. The promise is broken where the
time was closed, maintained, taken by the laboratory's own calendar, or used by somebody of the host itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from uuid import UUID

from resource_hub.domain.availability.rules.hours import opening
from resource_hub.domain.availability.terms import ExceptionKind, Held, Hours, OccupancyKind
from resource_hub.kernel.time import TimeSpan, intersect, subtract, total_seconds


@dataclass(frozen=True, slots=True)
class ProtectedUse:
    """Seconds. ``promised`` is the sum of all the others."""

    promised: int = 0
    outside: int = 0
    free: int = 0
    inside: int = 0
    closed: int = 0
    maintained: int = 0
    elsewhere: int = 0

    @property
    def broken(self) -> int:
        return self.inside + self.closed + self.maintained + self.elsewhere

    def __add__(self, other: ProtectedUse) -> ProtectedUse:
        return ProtectedUse(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def protected_use(
    hours: Hours, span: TimeSpan, unit_id: UUID, held: Iterable[Held], outside: Mapping[UUID, bool]
) -> ProtectedUse:
    """The protected hours of one unit in a span.

    Args:
        outside: which holders are customers from outside; others are the host's own.
    """
    kept = tuple(e for e in hours.exceptions if e.kind is not ExceptionKind.CLOSURE)
    promised = opening(replace(hours, exceptions=kept), span, unit_id).protected
    rest = list(opening(hours, span, unit_id).protected)
    closed = total_seconds(promised) - total_seconds(rest)
    by_use: dict[str, list[TimeSpan]] = {"outside": [], "inside": [], "maintained": [], "elsewhere": []}
    for one in held:
        if one.unit_id == unit_id and one.span.overlaps(span) and one.kind is not OccupancyKind.HOLD:
            by_use[_use(one, outside)].append(one.span)
    seconds = {name: total_seconds(intersect(rest, spans)) for name, spans in by_use.items()}
    free = subtract(rest, [s for spans in by_use.values() for s in spans])
    return ProtectedUse(total_seconds(promised), free=total_seconds(free), closed=closed, **seconds)


def _use(held: Held, outside: Mapping[UUID, bool]) -> str:
    if held.kind is OccupancyKind.MAINTENANCE:
        return "maintained"
    if held.kind is OccupancyKind.EXTERNAL:
        return "elsewhere"
    return "outside" if outside.get(held.holder_id, False) else "inside"
