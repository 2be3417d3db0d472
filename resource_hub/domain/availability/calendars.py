"""Calendars that a laboratory keeps elsewhere, held as busy time.

A calendar is fetched and read outside of any unit (adapters); what it says of the time from this week to ``REACH`` is
then settled here, week by week behind the resource's lock: pieces that are new are held, pieces that have gone are
freed, everything else stays as it is. Where somebody holds the unit already the holder keeps it, the rest of the event
is held around it, and the clash is written down and told to the resource's managers. When the holder goes, the time
that it kept is held for the calendar within a minute.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import (
    calendar_store,
    holding,
    occupancy_store,
    planning,
    store,
    window_store,
)
from resource_hub.domain.availability.calendar_looks import count_look
from resource_hub.domain.availability.errors import CalendarChanged, CalendarRefused, NoSuchCalendar, NoUnit
from resource_hub.domain.availability.publishing import may_manage
from resource_hub.domain.availability.tables import CalendarSource
from resource_hub.domain.availability.terms import (
    BusyEvent,
    CalendarRead,
    CalendarRecord,
    Clash,
    Held,
    OccupancyKind,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, files
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, UnknownZone, merge, subtract, zone

REACH = timedelta(days=800)
# Recurrences are written out anew before the farthest horizon of house rules (730 days) comes near.
ROLL = timedelta(days=30)
EVERY = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=6)
MOST_PER_RESOURCE = 10
# After so many failures in a row the managers are told.
TOLD_AFTER = 3
_WEEK = timedelta(days=7)
_FIRST_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Due:
    """A calendar that is to be read now, and for which span of time."""

    record: CalendarRecord
    span: TimeSpan
    whole: bool  # ask for the file even if it has not changed


# ---- what a manager does ---------------------------------------------------------------------------------------


def calendars(key: HostKey, *, by: Actor) -> list[CalendarRecord]:
    """Calendars of a resource, in the order in which they were added."""
    may_manage(key, by)
    return calendar_store.of_resource(reading(), key)


def clashes(
    key: HostKey, *, by: Actor, limit: int | None = None, after: Sequence[Any] | None = None
) -> list[Clash]:
    """Events that stand against bookings now, by time, from the place after a clash on (``Clash.place``); those that
    have passed are history."""
    may_manage(key, by)
    sources = [source.key.id for source in calendar_store.of_resource(reading(), key)]
    return calendar_store.clashes(
        reading(), key.institution_id, sources, since=clock.now(), limit=limit, after=after
    )


def count_clashes(key: HostKey, *, by: Actor) -> int:
    """How many events stand against bookings now."""
    may_manage(key, by)
    sources = [source.key.id for source in calendar_store.of_resource(reading(), key)]
    return calendar_store.count_clashes(reading(), key.institution_id, sources, clock.now())


def calendar(key: HostKey, source_id: UUID, *, by: Actor) -> CalendarRecord:
    may_manage(key, by)
    return _record(HostKey(key.institution_id, source_id), key)


def _record(source: HostKey, resource: HostKey) -> CalendarRecord:
    found = calendar_store.record(reading(), source)
    if found is None or found.resource_id != resource.id:
        raise NoSuchCalendar()
    return found


def add_calendar(
    key: HostKey,
    *,
    name: str,
    zone_name: str,
    by: Actor,
    unit_id: UUID | None = None,
    url: str | None = None,
    file_id: UUID | None = None,
) -> CalendarRecord:
    """Take up a calendar; a job reads it within seconds.

    Raises:
        CalendarRefused: a zone that nobody knows, or too many calendars. NoUnit: the unit is another resource's.
    """
    may_manage(key, by)
    check_zone(zone_name)
    if unit_id is not None and unit_id not in {u.key.id for u in catalogue.units(key, active_only=True)}:
        raise NoUnit()
    with unit_of_work() as unit:
        store.lock(unit.session, [key])
        if len(calendar_store.of_resource(unit.session, key)) >= MOST_PER_RESOURCE:
            raise CalendarRefused(Reason("calendar.too_many_calendars", {"most": MOST_PER_RESOURCE}))
        row = CalendarSource(
            institution_id=key.institution_id,
            id=new_id(),
            resource_id=key.id,
            unit_id=unit_id,
            name=name[:120],
            url=url,
            file_id=file_id,
            zone=zone_name,
            zones={},
            due_at=unit.now,
            faults=[],
            created_by=by.person_id,
            created_at=unit.now,
        )
        unit.session.add(row)
        unit.session.flush()
        details = {"calendar": str(row.id), "host": urlsplit(url).hostname if url else None}
        unit.audit("availability.calendar_added", key.institution_id, f"resource:{key.id}", details,
                   person_id=by.person_id)  # fmt: skip
        return calendar_store.as_record(row)


def check_zone(name: str) -> None:
    """Refuse a zone that the IANA database does not know."""
    try:
        zone(name)
    except UnknownZone as error:
        raise CalendarRefused(Reason("calendar.zone", {"zone": name[:64]}, "zone")) from error


def zones_digest(record: CalendarRecord) -> str:
    """A short mark of what the zones of a calendar stand for: who changes it says which state was seen."""
    return digest(canonical_bytes([record.zone, dict(record.zones)])).hex()[:16]


def say_zones(
    key: HostKey, source_id: UUID, zones: Mapping[str, str], *, by: Actor, seen: str | None = None
) -> None:
    """Say what names of zones stand for that nobody knows, and read the calendar again.

    Args:
        seen: ``zones_digest`` of the calendar that was looked at.

    Raises:
        CalendarRefused: a name of the other side is unknown as well, or the calendar does not ask for the name.
        CalendarChanged
    """
    may_manage(key, by)
    for name in zones.values():
        check_zone(name)
    with unit_of_work() as unit:
        row = _locked(unit, key, source_id)
        record = calendar_store.as_record(row)
        if seen is not None and zones_digest(record) != seen:
            raise CalendarChanged()
        if strange := sorted(set(zones) - set(record.zones) - set(record.unknown_zones)):
            raise CalendarRefused(
                *(Reason("calendar.zone_known", {"zone": z[:64]}, "zones") for z in strange)
            )
        row.zones = {**row.zones, **zones}
        row.due_at, row.body_sha256, row.reach_at = unit.now, None, None
        unit.audit("availability.calendar_zones", key.institution_id, f"resource:{key.id}",
                   {"calendar": str(source_id), "zones": dict(zones)}, person_id=by.person_id)  # fmt: skip


def read_again(key: HostKey, source_id: UUID, *, by: Actor) -> None:
    """Let the job read it now, changed or not.

    Raises:
        CalendarsLookedTooOften: the host's people asked for too many readings. NoSuchCalendar
    """
    may_manage(key, by)
    with unit_of_work() as unit:
        row = _locked(unit, key, source_id)
        if row.url and (row.due_at is None or row.due_at > unit.now):
            count_look(unit, key.institution_id)
        row.due_at, row.body_sha256, row.reach_at = unit.now, None, None


def _locked(unit: Unit, key: HostKey, source_id: UUID) -> CalendarSource:
    store.lock(unit.session, [key])
    row = unit.session.get(CalendarSource, (key.institution_id, source_id))
    if row is None or row.resource_id != key.id:
        raise NoSuchCalendar()
    return row


def remove_calendar(key: HostKey, source_id: UUID, *, by: Actor, seen: str | None = None) -> None:
    """Take a calendar away: what it held is free again. Removing what has gone is no error.

    Args:
        seen: ``zones_digest`` of the calendar that was looked at.

    Raises:
        CalendarChanged
    """
    may_manage(key, by)
    with unit_of_work() as unit:
        try:
            row = _locked(unit, key, source_id)
        except NoSuchCalendar:
            return
        if seen is not None and zones_digest(calendar_store.as_record(row)) != seen:
            raise CalendarChanged()
        calendar_store.drop_clashes(unit.session, key.institution_id, source_id)
        occupancy_store.delete_of_holder(unit.session, key.institution_id, source_id)
        unit.session.delete(row)
        if row.file_id is not None:
            files.forget(unit.session, key.institution_id, row.file_id)
        unit.session.flush()
        reach = window_store.reach(unit.session, [key]).get(key)
        if reach is not None:
            holding.rebuild(unit, [key], reach)
        # Where two calendars said the same, the other one held nothing of its own.
        calendar_store.make_due(unit.session, key, unit.now)
        unit.audit("availability.calendar_removed", key.institution_id, f"resource:{key.id}",
                   {"calendar": str(source_id)}, person_id=by.person_id)  # fmt: skip


# ---- what the job does -----------------------------------------------------------------------------------------


def claim_due(*, lease: Lease | None = None) -> Due | None:
    """The calendar that has waited longest for its time, or None. A reader that dies over it has it again later, so
    that one calendar never stands in the way of the others."""
    with unit_of_work(lease=lease) as unit:
        row = calendar_store.first_due(unit.session, unit.now)
        if row is None:
            return None
        row.due_at = unit.now + EVERY
        record = calendar_store.as_record(row)
        stale = record.reach_at is None or record.reach_at < unit.now + REACH - ROLL
        return Due(record, reading_span(unit.now), stale or record.body_sha256 is None)


def reading_span(now: datetime) -> TimeSpan:
    """From the Monday of this week on, so that pieces are cut at the same places every time."""
    monday = _monday(now)
    return TimeSpan(monday, _monday(now + REACH) + _WEEK)


def _monday(moment: datetime) -> datetime:
    return _FIRST_MONDAY + (moment - _FIRST_MONDAY) // _WEEK * _WEEK


def unchanged(record: CalendarRecord, *, lease: Lease | None = None) -> None:
    """The calendar was asked for and is as it was."""
    with unit_of_work(lease=lease) as unit:
        row = unit.session.get(CalendarSource, tuple(record.key))
        if row is not None:
            row.tried_at = row.read_at = unit.now
            row.failures = 0
            row.due_at = _next(row, unit.now)


def _next(row: CalendarSource, now: datetime) -> datetime:
    return now + (EVERY if row.url is not None else ROLL)


def failed(record: CalendarRecord, reasons: Sequence[Reason], *, lease: Lease | None = None) -> None:
    """The calendar could not be had or read; what it held stays held, and it is tried again later."""
    with unit_of_work(lease=lease) as unit:
        row = unit.session.get(CalendarSource, tuple(record.key))
        if row is None:
            return
        row.failures += 1
        row.tried_at = unit.now
        row.due_at = unit.now + min(EVERY * 2 ** min(row.failures - 1, 10), LONGEST_WAIT)
        row.faults = [reason.as_json() for reason in reasons]
        if row.failures == TOLD_AFTER:
            _tell(unit, row, "availability.calendar_failed", {}, f"{row.id}:{unit.now.isoformat()}")


def settle(
    record: CalendarRecord,
    read: CalendarRead,
    span: TimeSpan,
    *,
    etag: str = "",
    last_modified: str = "",
    body_sha256: bytes | None = None,
    lease: Lease | None = None,
) -> int:
    """Hold what a calendar says from now on and free what it no longer says; returns how many weeks changed.

    Running it again with the same calendar changes nothing.
    """
    planning.warm()
    key = HostKey(record.key.institution_id, record.resource_id)
    units = [
        u.key.id
        for u in catalogue.units(key, active_only=True)
        if record.unit_id is None or u.key.id == record.unit_id
    ]
    said = merge(event.span for event in read.busy)
    changed = 0
    for unit_id in units:
        for week in _weeks_to_settle(record, key, unit_id, said, span):
            if not _settle_week(record, key, unit_id, said, week, lease):
                return changed
            changed += 1
    _finish(record, key, units, read, span, (etag, last_modified, body_sha256), lease)
    return changed


def _weeks_to_settle(
    record: CalendarRecord, key: HostKey, unit_id: UUID, said: Sequence[TimeSpan], span: TimeSpan
) -> list[TimeSpan]:
    """Weeks in which something differs, as far as can be seen without the lock."""
    now = clock.now()
    found = occupancy_store.occupancies(reading(), [key], span).get(key, [])
    held = [h for h in found if h.unit_id == unit_id]
    gone, added = _difference(record.key.id, held, said, span, now)
    mondays = {_monday(one.start) for one in (*gone, *added)}
    return [TimeSpan(monday, monday + _WEEK) for monday in sorted(mondays)]


def _difference(
    source_id: UUID, held: Iterable[Held], said: Sequence[TimeSpan], span: TimeSpan, now: datetime
) -> tuple[list[TimeSpan], list[TimeSpan]]:
    """Pieces to free and pieces to hold. What has passed stays as it was."""
    own, others = set(), []
    for one in held:
        if one.holder_id == source_id:
            own.add(one.span)
        elif one.in_force(now):
            others.append(one.span)
    pieces: set[TimeSpan] = set()
    first = max(0, bisect_left(said, span.start, key=lambda s: s.start) - 1)
    inside = list(takewhile(lambda s: s.start < span.end, said[first:]))
    for left in subtract(inside, others):
        pieces |= set(_by_week(left, span))
    gone = sorted(s for s in own - pieces if s.end > now)
    return gone, sorted(s for s in pieces - own if s.end > now)


def _by_week(one: TimeSpan, span: TimeSpan) -> Iterable[TimeSpan]:
    start, end = max(one.start, span.start), min(one.end, span.end)
    while start < end:
        stop = min(end, _monday(start) + _WEEK)
        yield TimeSpan(start, stop)
        start = stop


def _settle_week(
    record: CalendarRecord,
    key: HostKey,
    unit_id: UUID,
    said: Sequence[TimeSpan],
    week: TimeSpan,
    lease: Lease | None,
) -> bool:
    """One week of one unit in one short unit of work; False when the calendar was taken away meanwhile."""
    with unit_of_work(lease=lease) as unit:
        store.lock(unit.session, [key])
        if unit.session.get(CalendarSource, tuple(record.key)) is None:
            return False
        dropped = occupancy_store.drop_lapsed(unit.session, key, [unit_id], week, unit.now)
        held = [
            h
            for h in occupancy_store.occupancies(unit.session, [key], week).get(key, [])
            if h.unit_id == unit_id
        ]
        gone, added = _difference(record.key.id, held, said, week, unit.now)
        calendar_store.free(unit.session, record.key, unit_id, [s.start for s in gone])
        calendar_store.hold(unit.session, record.key, key, unit_id, added)
        changed = [*gone, *added, *(h.span for h in dropped)]
        if changed:
            holding.renew(
                unit, key, unit_id, TimeSpan(min(s.start for s in changed), max(s.end for s in changed))
            )
    return True


def _finish(
    record: CalendarRecord,
    key: HostKey,
    units: Sequence[UUID],
    read: CalendarRead,
    span: TimeSpan,
    marks: tuple[str, str, bytes | None],
    lease: Lease | None,
) -> None:
    """Write down clashes and that the calendar was read; tell the managers of clashes that are new."""
    with unit_of_work(lease=lease) as unit:
        store.lock(unit.session, [key])
        row = unit.session.get(CalendarSource, tuple(record.key))
        if row is None:
            return
        future = TimeSpan(unit.now, span.end)
        held = [
            h
            for h in occupancy_store.occupancies(unit.session, [key], future).get(key, [])
            if h.unit_id in units and h.kind in _CLASHING and h.in_force(unit.now)
        ]
        found = _clashes(record.key.id, held, read.busy, unit.now)
        calendar_store.replace_clashes(unit.session, record.key, found, unit.now)
        _tell_clashes(unit, row, held)
        row.etag, row.last_modified, row.body_sha256 = marks
        row.tried_at = row.read_at = unit.now
        row.reach_at = span.end
        row.failures = 0
        row.events, row.stretches = read.events, len(read.busy)
        row.faults = [reason.as_json() for reason in read.faults]
        row.due_at = _next(row, unit.now)


_CLASHING = (OccupancyKind.BOOKING, OccupancyKind.HOLD)


def _clashes(
    source_id: UUID, held: Sequence[Held], events: Sequence[BusyEvent], now: datetime
) -> list[Clash]:
    """Every event that meets a holder; events are sorted by their start."""
    longest = max((e.span.end - e.span.start for e in events), default=timedelta())
    found: dict[tuple[UUID, UUID, datetime], Clash] = {}
    for one in held:
        first = bisect_left(events, one.span.start - longest, key=lambda e: e.span.start)
        for event in events[first:]:
            if event.span.start >= one.span.end:
                break
            if event.span.overlaps(one.span):
                clash = Clash(source_id, one.unit_id, event.span, one.holder_id, event.summary, now)
                before = found.get((one.unit_id, one.holder_id, event.span.start))
                if before is None or before.span.end < event.span.end:
                    found[one.unit_id, one.holder_id, event.span.start] = clash
    return list(found.values())


def _tell_clashes(unit: Unit, row: CalendarSource, held: Sequence[Held]) -> None:
    """One notice for all bookings of which nobody was told yet. A hold is told of once it has become a booking."""
    booked = {h.holder_id for h in held if h.kind is OccupancyKind.BOOKING}
    new = calendar_store.untold(unit.session, HostKey(row.institution_id, row.id), booked, unit.now)
    if new:
        _tell(unit, row, "availability.calendar_clash", {"count": len(set(new.values()))}, str(min(new)))


def _tell(unit: Unit, row: CalendarSource, kind: str, values: Mapping[str, object], key: str) -> None:
    resource = catalogue.resource(HostKey(row.institution_id, row.resource_id))
    people = accounts.people_with_role(
        row.institution_id, Role.MANAGER, Role.DEPUTY, department_id=resource.department_id
    ) or accounts.people_with_role(row.institution_id, Role.OFFICE, Role.INSTITUTION_ADMIN)
    host = accounts.organisation(row.institution_id)
    named = {
        "calendar": row.name,
        "resource": {"zh": resource.name_zh, "en": resource.name_en},
        **values,
    }
    link = f"/o/{host.code}/resources/{row.resource_id}/calendars"
    notices.notify(unit, people, kind, named, link, row.institution_id, key=key)


def fill_after_clashes(limit: int = 200, *, lease: Lease | None = None) -> int:
    """Hold what a calendar said where whoever stood in the way has gone or moved; returns how many clashes ended."""
    session = reading()
    now = clock.now()
    ended = 0
    for source, rows in calendar_store.open_clashes(session, now, limit).items():
        record = calendar_store.record(session, source)
        if record is None:
            continue
        key = HostKey(source.institution_id, record.resource_id)
        hull = TimeSpan(min(c.span.start for c in rows), max(c.span.end for c in rows))
        held = occupancy_store.occupancies(session, [key], hull).get(key, [])
        for clash in rows:
            own = [h for h in held if h.unit_id == clash.unit_id]
            rest = subtract([clash.span], [h.span for h in own if h.in_force(now)])
            met = any(h.holder_id == clash.holder_id and h.span.overlaps(clash.span) for h in own)
            if not met or any(s.end > now for s in rest):
                _fill(record, key, clash, ended=not met, lease=lease)
                ended += not met
    return ended


def _fill(record: CalendarRecord, key: HostKey, clash: Clash, *, ended: bool, lease: Lease | None) -> None:
    with unit_of_work(lease=lease) as unit:
        store.lock(unit.session, [key])
        if unit.session.get(CalendarSource, tuple(record.key)) is None:
            return
        occupancy_store.drop_lapsed(unit.session, key, [clash.unit_id], clash.span, unit.now)
        held = occupancy_store.occupancies(unit.session, [key], clash.span).get(key, [])
        rest = subtract([clash.span], [h.span for h in held if h.unit_id == clash.unit_id])
        whole = reading_span(unit.now)
        added = [p for s in rest for p in _by_week(s, whole) if p.end > unit.now]
        calendar_store.hold(unit.session, record.key, key, clash.unit_id, added)
        if added:
            holding.renew(unit, key, clash.unit_id, clash.span)
        if ended:
            calendar_store.drop_clash(unit.session, record.key, clash)
