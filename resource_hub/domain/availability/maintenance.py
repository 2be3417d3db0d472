"""Maintenance holds its units. Entries may lie over each other: each moment is held by one of them, and when that one
is taken back by the next that is still entered."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from uuid import UUID

from resource_hub.domain.availability import calendar_store, holding, occupancy_store, store
from resource_hub.domain.availability.terms import DatedException, ExceptionKind, Held, OccupancyKind
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, subtract


def in_the_way(key: HostKey, dates: Sequence[DatedException]) -> list[Held]:
    """Bookings and holds where units are to be maintained; the dates are in order and do not overlap."""
    now = clock.now()
    starts = [one.span.start for one in dates]
    found = []
    for held in occupancy_store.future_bookings(reading(), key, dates[0].span.start):
        if not held.in_force(now) or (dates[0].unit_id is not None and dates[0].unit_id != held.unit_id):
            continue
        last = bisect_left(starts, held.span.end)
        if any(one.span.overlaps(held.span) for one in dates[max(0, last - 2) : last]):
            found.append(held)
    return found


def take(unit: Unit, key: HostKey, dates: Sequence[DatedException]) -> None:
    """Let maintenance that was just entered hold its units; the dates are in order.

    Raises:
        SlotTaken: a booking stands there.
    """
    for held in in_the_way(key, dates):
        raise holding.taken(key, held.span, held.unit_id)
    keep(unit, key, TimeSpan(dates[0].span.start, dates[-1].span.end))


def keep(unit: Unit, key: HostKey, span: TimeSpan) -> None:
    """Let all maintenance that is entered in a span hold what of its time nobody holds: after some was entered or taken
    back, or a unit came into use. Free windows are for the caller."""
    entered = [
        one
        for one in store.exceptions(unit.session, [key], span).get(key, ())
        if one.kind is ExceptionKind.MAINTENANCE
    ]
    if not entered:
        return
    hull = TimeSpan(entered[0].span.start, max(one.span.end for one in entered))
    units = [record.key.id for record in catalogue.units(key, active_only=True)]
    occupancy_store.drop_lapsed(unit.session, key, units, hull, unit.now)
    present = occupancy_store.occupancies(unit.session, [key], hull).get(key, [])
    for unit_id in units:
        of_unit = [one for one in entered if one.unit_id in (None, unit_id)]
        own = [held for held in present if held.unit_id == unit_id]
        calendar_store.give_way(unit.session, key, unit_id, own, [one.span for one in of_unit])
        lasting = [held.span for held in own if held.kind is not OccupancyKind.EXTERNAL]
        calendar_store.hold_for(
            unit.session, key, unit_id, OccupancyKind.MAINTENANCE, _beside(of_unit, lasting)
        )


def _beside(entered: Sequence[DatedException], held: Sequence[TimeSpan]) -> Iterator[tuple[UUID, TimeSpan]]:
    """What of each entry is held neither by others nor for an entry before it; both are by time."""
    until = None
    for one in entered:
        start = one.span.start if until is None else max(one.span.start, until)
        if start >= one.span.end:
            continue
        until = one.span.end
        first = bisect_right(held, start, key=lambda span: span.end)
        last = bisect_left(held, until, key=lambda span: span.start)
        assert one.id is not None
        for part in subtract([TimeSpan(start, until)], held[first:last]):
            yield one.id, part
