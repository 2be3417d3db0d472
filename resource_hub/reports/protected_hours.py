"""Hours kept for customers from outside: what was promised, what they used, what was broken and by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import and_, select, tuple_

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.rules.protected import ProtectedUse, protected_use
from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.availability.terms import Held, OccupancyKind
from resource_hub.domain.booking import service as booking
from resource_hub.infra.database import reading
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, midnight, zone


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a resource, all units together."""

    first: date
    use: ProtectedUse


def of_year(key: HostKey, year: int) -> list[Month]:
    """The twelve months of a calendar year in the host's zone."""
    tz = zone(availability.zone_of(key.institution_id))
    firsts = [date(year, n, 1) for n in range(1, 13)] + [date(year + 1, 1, 1)]
    spans = [TimeSpan(midnight(a, tz), midnight(b, tz)) for a, b in zip(firsts, firsts[1:], strict=False)]
    whole = TimeSpan(spans[0].start, spans[-1].end)
    plan = availability.plan(key, whole)
    held = _held([key], whole)
    outside = _outside(key, held)
    return [
        Month(
            first,
            sum(
                (protected_use(plan.hours, span, unit.key.id, held, outside) for unit in plan.units),
                ProtectedUse(),
            ),
        )
        for first, span in zip(firsts, spans, strict=False)
    ]


def total(months: Sequence[Month]) -> ProtectedUse:
    return sum((month.use for month in months), ProtectedUse())


def _held(keys: Sequence[HostKey], span: TimeSpan) -> list[Held]:
    t = Occupancy
    rows = reading().execute(
        select(t.unit_id, t.starts_at, t.ends_at, t.kind, t.holder_id).where(
            and_(
                tuple_(t.institution_id, t.resource_id).in_([tuple(key) for key in keys]),
                t.starts_at < span.end,
                t.ends_at > span.start,
            )
        )
    )
    return [
        Held(r.unit_id, TimeSpan(r.starts_at, r.ends_at), OccupancyKind(r.kind), r.holder_id) for r in rows
    ]


def _outside(key: HostKey, held: Sequence[Held]) -> dict[UUID, bool]:
    holders = {h.holder_id for h in held if h.kind is OccupancyKind.BOOKING}
    records = booking.records([HostKey(key.institution_id, holder) for holder in holders])
    return {found.id: record.customer_class.outside for found, record in records.items()}
