"""Calendars read as busy time: what they hold, what they free, and what happens where somebody was there first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import service
from resource_hub.domain.availability.errors import (
    CalendarChanged,
    CalendarRefused,
    NoSuchCalendar,
    NoUnit,
    SlotTaken,
)
from resource_hub.domain.availability.publishing import NotYourResource
from resource_hub.domain.availability.rules import hours as rules
from resource_hub.domain.availability.tables import CalendarClash, FreeWindow, Occupancy
from resource_hub.domain.availability.terms import (
    Audience,
    BusyEvent,
    CalendarRead,
    CalendarRecord,
    Look,
    OccupancyKind,
    Viewer,
)
from resource_hub.domain.notices.tables import Notice
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import NotFound, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, subtract
from tests.builders.accounts import make_actor, make_institution
from tests.builders.availability import make_weekly, moment, span
from tests.builders.catalogue import make_listing

NOW = moment("2026-03-02T08:00+08:00")


def day(hours: str, on: str = "2026-03-03") -> TimeSpan:
    """``9-11`` on a day in Shanghai."""
    first, last = (int(part) for part in hours.split("-"))
    return span(f"{on}T{first:02d}:00+08:00", f"{on}T{last:02d}:00+08:00")


def opened(units: int = 1) -> tuple[HostKey, Actor]:
    host = make_institution()
    key = make_listing(host, units=units).key
    manager = make_actor(host, Role.MANAGER)
    service.save_hours(key, make_weekly(), NOW.date(), by=manager)
    return key, manager


def added(key: HostKey, by: Actor, unit_id: UUID | None = None, name: str = "Group") -> CalendarRecord:
    return service.add_calendar(
        key,
        name=name,
        zone_name="Asia/Shanghai",
        by=by,
        unit_id=unit_id,
        url="https://calendar.example/group.ics",
    )


def read(record: CalendarRecord, *spans: TimeSpan) -> int:
    busy = tuple(BusyEvent(one, f"Event {n}") for n, one in enumerate(sorted(spans)))
    return service.settle_calendar(
        record, CalendarRead("", len(busy), busy), service.reading_span(clock.now())
    )


def held(key: HostKey, kind: OccupancyKind = OccupancyKind.EXTERNAL) -> list[TimeSpan]:
    rows = reading().execute(
        select(Occupancy.starts_at, Occupancy.ends_at)
        .where(Occupancy.resource_id == key.id, Occupancy.kind == kind.value)
        .order_by(Occupancy.unit_id, Occupancy.starts_at)
    )
    return [TimeSpan(*row) for row in rows]


def book(key: HostKey, when: TimeSpan, kind: OccupancyKind = OccupancyKind.BOOKING, **more: object) -> UUID:
    holder = new_id()
    with unit_of_work() as unit:
        service.occupy(unit, key, None, when, kind, holder, **more)  # type: ignore[arg-type]
    return holder


def windows(key: HostKey) -> list[TimeSpan]:
    rows = reading().execute(
        select(FreeWindow.starts_at, FreeWindow.ends_at)
        .where(FreeWindow.resource_id == key.id, FreeWindow.audience == Audience.OUTSIDE.value)
        .order_by(FreeWindow.starts_at)
    )
    return [TimeSpan(*row) for row in rows]


def expected_windows(key: HostKey) -> list[TimeSpan]:
    """From hours and occupancies alone, as if nothing were kept."""
    kept = service.kept_span()
    hours = service.plan(key, kept).hours
    taken = reading().execute(
        select(Occupancy.starts_at, Occupancy.ends_at).where(Occupancy.resource_id == key.id)
    )
    return subtract(rules.windows(hours, kept, outside=True), [TimeSpan(*row) for row in taken])


def notices(kind: str) -> int:
    return reading().scalar(select(func.count()).select_from(Notice).where(Notice.kind == kind)) or 0


def test_events_hold_every_unit_and_go_when_they_are_gone(now: datetime) -> None:
    key, manager = opened(units=2)
    record = added(key, manager)
    assert read(record, day("9-11"), day("10-12")) == 2
    assert held(key) == [day("9-12")] * 2
    with pytest.raises(SlotTaken):
        book(key, day("11-13"))
    assert read(record, day("9-11"), day("10-12")) == 0
    assert read(record, day("9-10")) == 2
    assert held(key) == [day("9-10")] * 2
    book(key, day("11-13"))
    assert read(record) == 2
    assert held(key) == []


def test_one_unit_only(now: datetime) -> None:
    key, manager = opened(units=2)
    first, second = service.free_units(key, day("9-11"))
    read(added(key, manager, second), day("9-11"))
    assert service.free_units(key, day("9-11")) == [first]
    foreign, _ = opened()
    with pytest.raises(NoUnit):
        added(key, manager, service.free_units(foreign, day("9-11"))[0])


def test_kept_windows_follow(now: datetime) -> None:
    key, manager = opened()
    record = added(key, manager)
    for spans in (
        [day("9-11"), day("15-23", "2026-03-06")],
        [day("9-10"), day("11-12"), day("8-20", "2026-03-12")],
        [],
    ):
        read(record, *spans)
        assert windows(key) == expected_windows(key)


def test_pieces_are_cut_at_weeks_and_stay_the_same_next_week(now: datetime) -> None:
    key, manager = opened()
    record = added(key, manager)
    long = span("2026-03-04T00:00Z", "2026-03-18T00:00Z")
    read(record, long)
    assert len(held(key)) == 3
    assert TimeSpan(held(key)[0].start, held(key)[-1].end) == long
    ids = set(reading().scalars(select(Occupancy.id)))
    with clock.fixed(NOW + timedelta(days=8)):
        assert read(record, long) == 0
    assert set(reading().scalars(select(Occupancy.id))) == ids


def test_what_has_passed_stays_as_it_was(now: datetime) -> None:
    key, manager = opened()
    record = added(key, manager)
    read(record, day("9-11"), day("9-11", "2026-03-05"))
    with clock.fixed(moment("2026-03-04T08:00+08:00")):
        read(record)
        assert held(key) == [day("9-11")]


def test_a_booking_stays_and_the_clash_is_told_once(now: datetime) -> None:
    key, manager = opened()
    holder = book(key, day("10-11"))
    record = added(key, manager)
    read(record, day("9-12"))
    assert held(key) == [day("9-10"), day("11-12")]
    assert held(key, OccupancyKind.BOOKING) == [day("10-11")]
    (clash,) = service.clashes(key, by=manager)
    assert (clash.holder_id, clash.span, clash.summary) == (holder, day("9-12"), "Event 0")
    assert notices("availability.calendar_clash") == 1
    read(record, day("9-12"))
    assert notices("availability.calendar_clash") == 1
    assert service.calendars(key, by=manager)[0].failures == 0


def test_when_the_booking_goes_the_event_has_its_time(now: datetime) -> None:
    key, manager = opened()
    holder = book(key, day("10-11"))
    record = added(key, manager)
    read(record, day("9-12"))
    assert service.fill_after_clashes() == 0
    with unit_of_work() as unit:
        service.release(unit, key.institution_id, holder)
    assert service.fill_after_clashes() == 1
    assert service.clashes(key, by=manager) == []
    assert sum(s.seconds for s in held(key)) == day("9-12").seconds
    assert windows(key) == expected_windows(key)
    # The next reading joins the pieces.
    read(record, day("9-12"))
    assert held(key) == [day("9-12")]
    assert windows(key) == expected_windows(key)


def test_a_booking_that_shrinks_leaves_the_rest_to_the_event(now: datetime) -> None:
    key, manager = opened()
    holder = book(key, day("10-12"))
    read(added(key, manager), day("9-12"))
    with unit_of_work() as unit:
        service.move(unit, key, holder, day("10-11"), OccupancyKind.BOOKING)
    assert service.fill_after_clashes() == 0
    assert held(key) == [day("9-10"), day("11-12")]
    assert [c.holder_id for c in service.clashes(key, by=manager)] == [holder]
    assert windows(key) == expected_windows(key)


def test_a_hold_is_told_of_once_it_has_become_a_booking(now: datetime) -> None:
    key, manager = opened()
    holder = book(key, day("10-11"), OccupancyKind.HOLD, expires_at=NOW + timedelta(minutes=15))
    record = added(key, manager)
    read(record, day("9-12"))
    assert notices("availability.calendar_clash") == 0
    with unit_of_work() as unit:
        assert service.settle(unit, key.institution_id, holder)
    read(record, day("9-12"))
    assert notices("availability.calendar_clash") == 1


def test_a_lapsed_hold_gives_way(now: datetime) -> None:
    key, manager = opened()
    book(key, day("10-11"), OccupancyKind.HOLD, expires_at=NOW + timedelta(minutes=15))
    record = added(key, manager)
    with clock.fixed(NOW + timedelta(minutes=15)):
        read(record, day("9-12"))
        assert held(key) == [day("9-12")]
        assert reading().scalar(select(func.count()).select_from(CalendarClash)) == 0


def test_two_calendars_that_say_the_same(now: datetime) -> None:
    key, manager = opened()
    first, second = added(key, manager), added(key, manager, name="Second")
    read(first, day("9-11"))
    read(second, day("10-12"))
    assert held(key) == [day("9-11"), day("11-12")]
    assert service.clashes(key, by=manager) == []
    service.remove_calendar(key, first.key.id, by=manager)
    assert held(key) == [day("11-12")]
    due = service.claim_due()
    assert due is not None and due.record.key == second.key and due.whole
    read(second, day("10-12"))
    assert held(key) == [day("10-12")]


def test_a_calendar_that_is_taken_away_frees_its_time(now: datetime) -> None:
    key, manager = opened()
    book(key, day("10-11"))
    record = added(key, manager)
    read(record, day("9-12"))
    service.remove_calendar(key, record.key.id, by=manager)
    service.remove_calendar(key, record.key.id, by=manager)
    assert held(key) == []
    assert service.calendars(key, by=manager) == []
    assert windows(key) == expected_windows(key)
    assert read(record, day("9-12")) == 0
    assert held(key) == []


def looks(key: HostKey, viewer: Viewer) -> Iterable[tuple[Look, str | None, UUID | None]]:
    week = service.week(key, day("9-10"), viewer)
    return [(s.look, s.why.code if s.why else None, s.holder_id) for s in week.lanes[0].stretches]


def test_strangers_see_taken_and_the_host_sees_why(now: datetime) -> None:
    key, manager = opened()
    read(added(key, manager), day("9-10"))
    assert looks(key, Viewer()) == [(Look.TAKEN, "availability.taken", None)]
    assert looks(key, Viewer(host=True)) == [(Look.TAKEN, "availability.external", None)]


def test_failures_wait_longer_each_time_and_are_told_after_three(now: datetime) -> None:
    key, manager = opened()
    record = added(key, manager)
    read(record, day("9-10"))
    waits = []
    for count in range(1, 9):
        service.calendar_failed(record, [Reason("calendar.url_slow", {"host": "calendar.example"})])
        present = service.calendars(key, by=manager)[0]
        assert present.failures == count and present.due_at is not None
        waits.append((present.due_at - NOW).total_seconds() / 60)
        assert notices("availability.calendar_failed") == (1 if count >= 3 else 0)
    assert waits == [15, 30, 60, 120, 240, 360, 360, 360]
    assert held(key) == [day("9-10")]
    service.calendar_unchanged(record)
    assert service.calendars(key, by=manager)[0].failures == 0


def test_a_claimed_calendar_stands_in_nobodys_way(now: datetime) -> None:
    key, manager = opened()
    first, second = added(key, manager), added(key, manager, name="Second")
    claimed = [service.claim_due(), service.claim_due(), service.claim_due()]
    assert {one.record.key for one in claimed if one} == {first.key, second.key}
    assert claimed[2] is None
    with clock.fixed(NOW + timedelta(minutes=15)):
        assert service.claim_due() is not None


def test_only_who_looks_after_the_resource(now: datetime) -> None:
    key, manager = opened()
    record = added(key, manager)
    other, stranger = opened()
    operator = make_actor_of(key, Role.OPERATOR)
    for call in (
        lambda by: service.calendars(key, by=by),
        lambda by: service.clashes(key, by=by),
        lambda by: added(key, by),
        lambda by: service.read_again(key, record.key.id, by=by),
        lambda by: service.remove_calendar(key, record.key.id, by=by),
    ):
        with pytest.raises(NotFound):
            call(stranger)
        with pytest.raises(NotYourResource):
            call(operator)
    with pytest.raises(NoSuchCalendar):
        service.read_again(other, record.key.id, by=stranger)


def make_actor_of(key: HostKey, role: Role) -> Actor:
    from resource_hub.domain.accounts import service as accounts

    return make_actor(accounts.organisation(key.institution_id), role)


def test_zones_and_number_of_calendars(now: datetime) -> None:
    key, manager = opened()
    with pytest.raises(CalendarRefused):
        service.add_calendar(
            key, name="x", zone_name="Middle/Earth", by=manager, url="https://calendar.example/"
        )
    record = added(key, manager)
    with pytest.raises(CalendarRefused):
        service.say_zones(key, record.key.id, {"Beijing": "Middle/Earth"}, by=manager)
    with pytest.raises(CalendarRefused):  # no event waits for it
        service.say_zones(key, record.key.id, {"Beijing": "Asia/Shanghai"}, by=manager)
    seen = service.zones_digest(record)
    asked = CalendarRead("", 0, (), (Reason("calendar.unknown_zone", {"zone": "Beijing", "events": 1}),))
    service.settle_calendar(record, asked, service.reading_span(now))
    service.say_zones(key, record.key.id, {"Beijing": "Asia/Shanghai"}, by=manager, seen=seen)
    with pytest.raises(CalendarChanged):
        service.say_zones(key, record.key.id, {"Beijing": "Asia/Tokyo"}, by=manager, seen=seen)
    assert service.calendars(key, by=manager)[0].zones == {"Beijing": "Asia/Shanghai"}
    for n in range(9):
        added(key, manager, name=str(n))
    with pytest.raises(CalendarRefused):
        added(key, manager)


def test_two_thousand_events_in_a_few_short_units(now: datetime) -> None:
    key, manager = opened()
    record = added(key, manager)
    start = moment("2026-03-02T00:00Z")
    spans = [
        TimeSpan(start + timedelta(hours=4 * n), start + timedelta(hours=4 * n + 3)) for n in range(2000)
    ]
    assert read(record, *spans) == 48
    assert held(key) == [s for s in spans if s.end > NOW]
    assert read(record, *spans) == 0
    assert windows(key) == expected_windows(key)
