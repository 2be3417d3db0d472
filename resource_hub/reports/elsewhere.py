"""Instruments of the same kind in other places that are free when the one that was wished for is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from resource_hub.domain.availability.errors import InvalidWish
from resource_hub.domain.availability.terms import FreeTime, Wish
from resource_hub.domain.booking.terms import ThreeSums
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.kernel.time import TimeSpan, local_day, zone
from resource_hub.reports import free_times

MOST = 3
_DAY = 1440


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """One of them: where, how far from the one that was wished for, when, and what that time costs (None where time
    alone does not decide the price), with what comes along ``included`` and what is priced apart ``without``."""

    hit: catalogue.Hit
    time: FreeTime
    sums: ThreeSums | None
    included: tuple[ResourceRecord, ...]
    without: tuple[ResourceRecord, ...]


def elsewhere(
    record: ResourceRecord,
    span: TimeSpan,
    *,
    customer_id: UUID | None = None,
    inside: frozenset[UUID] = frozenset(),
    customers: frozenset[UUID] = frozenset(),
) -> tuple[Elsewhere, ...]:
    """Up to three instruments of the same class, the nearest first: free at that very time, else as long on the same
    days.

    ``inside`` are hosts at whose resources the asker is no outsider, ``customers`` for whom the asker books.
    """
    if not record.class_code:
        return ()
    for wish in _wishes(record, span, inside, customers):
        query = catalogue.Query(
            kinds=(record.kind,),
            class_groups=(record.class_code,),
            open_to_outside=not inside,
            near=record.contents.city,
            order="distance" if record.contents.city else "",
            limit=MOST + 1,
        )
        try:
            found = free_times.search(query, wish, customer_id=customer_id)
        except InvalidWish:
            return ()  # too short or too long to be looked for
        others = tuple(
            Elsewhere(
                hit,
                found.times[key],
                found.sums.get(key),
                found.included.get(key, ()),
                found.without.get(key, ()),
            )
            for hit in found.results.hits
            if (key := hit.resource.key) != record.key and key in found.times
        )
        if others:
            return others[:MOST]
    return ()


def _wishes(
    record: ResourceRecord, span: TimeSpan, inside: frozenset[UUID], customers: frozenset[UUID]
) -> list[Wish]:
    """That very time by the clock of the host, and then any time of these days."""
    tz = zone(record.zone)
    begins = span.start.astimezone(tz)
    days = begins.date(), local_day(span.end - timedelta(microseconds=1), tz)
    minute, minutes = begins.hour * 60 + begins.minute, -(-span.seconds // 60)
    whose = (inside, customers)
    wishes = [Wish(*days, span.seconds, 0, _DAY, *whose)]
    if minutes < _DAY:
        wishes.insert(0, Wish(days[0], days[0], span.seconds, minute, minute + minutes, *whose))
    return wishes
