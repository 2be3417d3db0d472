"""Maintenance and closures that come again: dates at the same wall-clock time, clashes named, all or the free ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.errors import BadDay, SlotTaken
from resource_hub.domain.availability.tables import FreeWindow, Occupancy
from resource_hub.domain.availability.terms import (
    Audience,
    BusyEvent,
    CalendarRead,
    DatedException,
    ExceptionKind,
    OccupancyKind,
)
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.errors import HitsUndecided
from resource_hub.domain.booking.repeating import dates
from resource_hub.domain.booking.rules.recurrence import Frequency, Monthly, Recurrence
from resource_hub.domain.booking.terms import BookingState, Fate, Verdict
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.time import TimeSpan, subtract
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

NOW = moment("2026-03-02T08:00+08:00")
WEEKLY = Recurrence(Frequency.WEEKLY, until=date(2026, 4, 30))
MONDAYS = DatedException(
    ExceptionKind.MAINTENANCE, span("2026-03-09T08:00+08:00", "2026-03-09T10:00+08:00"), reason_zh="校准"
)


def local(found: list[DatedException], zone: str) -> list[datetime]:
    return [one.span.start.astimezone(ZoneInfo(zone)) for one in found]


def first(start: str, end: str) -> DatedException:
    return DatedException(ExceptionKind.MAINTENANCE, span(start, end))


# ---- R8: dates at the same local time --------------------------------------------------------------------------


def test_daily_for_seven_days() -> None:
    found = dates(
        first("2026-03-06T13:00Z", "2026-03-06T15:00Z"),
        Recurrence(Frequency.DAILY, count=7),
        "America/New_York",
    )
    at = local(found, "America/New_York")
    assert [(t.day, t.hour, t.minute) for t in at] == [(d, 8, 0) for d in range(6, 13)]


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Shanghai"]
)
def test_weekly_for_a_year_through_both_clock_changes(zone: str) -> None:
    start = datetime(2026, 3, 4, 9, 30, tzinfo=ZoneInfo(zone))
    one = DatedException(ExceptionKind.MAINTENANCE, TimeSpan(start, start + timedelta(hours=2)))
    found = dates(one, Recurrence(Frequency.WEEKLY, until=date(2027, 3, 3)), zone)
    assert len(found) == 53
    at = local(found, zone)
    assert {(t.weekday(), t.hour, t.minute) for t in at} == {(2, 9, 30)}
    assert all(b.date() - a.date() == timedelta(days=7) for a, b in pairwise(at))
    assert {o.span.seconds for o in found} == {7200}


@pytest.mark.parametrize(("weekdays", "days"), [((0, 1, 2, 3, 4), 10), ((5, 6), 4)])
def test_weekdays_only_and_weekends_only(weekdays: tuple[int, ...], days: int) -> None:
    monday = "2026-03-07" if weekdays[0] == 5 else "2026-03-02"
    rule = Recurrence(Frequency.WEEKLY, weekdays=weekdays, until=date(2026, 3, 15))
    found = dates(first(f"{monday}T01:00Z", f"{monday}T02:00Z"), rule, "Asia/Shanghai")
    assert len(found) == days
    assert {t.weekday() for t in local(found, "Asia/Shanghai")} == set(weekdays)


def test_the_fifth_monday_is_the_last_one() -> None:
    rule = Recurrence(Frequency.MONTHLY, monthly=Monthly.WEEKDAY, count=4)
    found = dates(first("2014-09-29T01:00Z", "2014-09-29T02:00Z"), rule, "Asia/Shanghai")
    assert [t.date() for t in local(found, "Asia/Shanghai")] == [
        date(2014, 9, 29), date(2014, 10, 27), date(2014, 11, 24), date(2014, 12, 29)
    ]  # fmt: skip


def test_a_night_keeps_its_ends_by_the_clock_and_the_skipped_hour_does_not_happen() -> None:
    night = first("2026-03-27T21:00Z", "2026-03-28T05:00Z")  # 22:00 to 06:00 in Berlin
    found = dates(night, Recurrence(Frequency.DAILY, count=3), "Europe/Berlin")
    assert [o.span.seconds // 3600 for o in found] == [8, 7, 8]
    skipped = first("2026-03-28T01:15Z", "2026-03-28T01:45Z")  # 02:15 to 02:45
    assert len(dates(skipped, Recurrence(Frequency.DAILY, count=3), "Europe/Berlin")) == 2


# ---- published -------------------------------------------------------------------------------------------------


@pytest.fixture
def scene(now: datetime) -> Scene:
    return make_scene()


def held(scene: Scene, kind: OccupancyKind = OccupancyKind.MAINTENANCE) -> list[TimeSpan]:
    rows = reading().execute(
        select(Occupancy.starts_at, Occupancy.ends_at)
        .where(Occupancy.resource_id == scene.key.id, Occupancy.kind == kind.value)
        .order_by(Occupancy.starts_at)
    )
    return [TimeSpan(*row) for row in rows]


def windows_are_right(scene: Scene) -> bool:
    kept = availability.kept_span()
    plan = availability.plan(scene.key, kept)
    unit_id = plan.units[0].key.id
    rows = reading().execute(
        select(FreeWindow.starts_at, FreeWindow.ends_at)
        .where(FreeWindow.unit_id == unit_id, FreeWindow.audience == Audience.OUTSIDE.value)
        .order_by(FreeWindow.starts_at)
    )
    free = [f.span for f in availability.free_times(scene.key, kept, outside=True) if f.unit_id == unit_id]
    return [TimeSpan(*row) for row in rows] == subtract(free, [])


def test_every_date_holds_its_time(scene: Scene) -> None:
    assert booking.publish_repeated(scene.key, MONDAYS, WEEKLY, by=scene.manager) == (8, 0)
    assert len(held(scene)) == 8 * len(availability.plan(scene.key, MONDAYS.span).units)
    assert windows_are_right(scene)
    with pytest.raises(SlotTaken), unit_of_work() as unit:
        availability.occupy(unit, scene.key, None, MONDAYS.span, OccupancyKind.BOOKING, new_id())
    kept = availability.exceptions(scene.key, span("2026-03-01T00:00Z", "2026-06-01T00:00Z"))
    assert len({one.series_id for one in kept}) == 1 and len({one.id for one in kept}) == 8


def on_booked_day(scene: Scene) -> tuple[Any, DatedException]:
    booked = make_booking(scene)
    assert booked.span is not None
    day = booked.span.start
    return booked, DatedException(ExceptionKind.MAINTENANCE, TimeSpan(day, day + timedelta(hours=1)))


@pytest.mark.parametrize("kind", [ExceptionKind.MAINTENANCE, ExceptionKind.CLOSURE])
def test_a_date_that_hits_a_booking_is_named_and_left_out_only_when_said_so(
    scene: Scene, kind: ExceptionKind
) -> None:
    booked, one = on_booked_day(scene)
    rule = Recurrence(Frequency.WEEKLY, count=4)
    wanted = DatedException(kind, one.span)
    seen = booking.preview_repeated(scene.key, wanted, rule, by=scene.manager)
    assert [row.holders for row in seen] == [(booked.key.id,), (), (), ()]
    with pytest.raises(HitsUndecided) as caught:
        booking.publish_repeated(scene.key, wanted, rule, by=scene.manager)
    assert [r.code for r in caught.value.reasons] == ["booking.hit_undecided"]
    assert held(scene) == []
    assert booking.publish_repeated(scene.key, wanted, rule, by=scene.manager, leave_out=True) == (3, 1)
    assert windows_are_right(scene)


@pytest.mark.parametrize("kind", [ExceptionKind.MAINTENANCE, ExceptionKind.CLOSURE])
@pytest.mark.parametrize("fate", list(Fate))
def test_every_date_is_entered_with_its_bookings_settled(
    scene: Scene, kind: ExceptionKind, fate: Fate
) -> None:
    booked, one = on_booked_day(scene)
    other = make_booking(
        scene,
        by=another_booker()[2],
        asked=make_asked("2026-03-10T09:00+08:00", "2026-03-10T11:00+08:00"),
    )
    rule, wanted = Recurrence(Frequency.WEEKLY, count=4), DatedException(kind, one.span)
    hits = booking.preview_hits(scene.key, wanted, rule, by=scene.manager)
    assert [hit.record.key for hit in hits if hit.record] == [booked.key, other.key]
    assert (Fate.STAYS in hits[0].fates) is (kind is ExceptionKind.CLOSURE)

    def publish(**more: Any) -> tuple[int, int]:
        return booking.publish_repeated(scene.key, wanted, rule, by=scene.manager, reason="校准", **more)

    stays = {other.key.id: Verdict(Fate.CANCELLED, version=other.version)}
    with pytest.raises(HitsUndecided):
        publish(verdicts=stays)
    if fate not in hits[0].fates:
        with pytest.raises(HitsUndecided):
            publish(for_all=fate)
        return
    assert publish(verdicts=stays, for_all=fate) == (4, 0)
    db.session.remove()
    assert booking.booking(other.key).cancel_reason == "校准"
    after = booking.booking(booked.key)
    assert after.state is (BookingState.CANCELLED if fate is Fate.CANCELLED else BookingState.APPROVED)
    assert (after.span == booked.span) is (fate is not Fate.MOVES)
    assert windows_are_right(scene)


def test_the_dates_ahead_are_taken_back(scene: Scene) -> None:
    booking.publish_repeated(scene.key, MONDAYS, WEEKLY, by=scene.manager)
    units = len(availability.plan(scene.key, MONDAYS.span).units)
    series_id = availability.exceptions(scene.key, MONDAYS.span)[0].series_id
    assert series_id is not None
    with clock.fixed(moment("2026-03-20T08:00+08:00")):
        assert availability.remove_dates(scene.key, series_id, by=scene.manager) == 6
        assert availability.remove_dates(scene.key, series_id, by=scene.manager) == 0
        assert len(held(scene)) == 2 * units
        assert windows_are_right(scene)


def test_one_date_may_go_alone(scene: Scene) -> None:
    booking.publish_repeated(scene.key, MONDAYS, WEEKLY, by=scene.manager)
    one = availability.exceptions(scene.key, MONDAYS.span)[0]
    assert one.id is not None
    availability.remove_exception(scene.key, one.id, by=scene.manager)
    kept = availability.exceptions(scene.key, span("2026-03-01T00:00Z", "2026-06-01T00:00Z"))
    assert len(kept) == 7


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda: (MONDAYS, Recurrence(Frequency.DAILY, count=2)), None),
        (
            lambda: (first("2026-03-09T01:00Z", "2026-03-11T01:00Z"), Recurrence(Frequency.DAILY, count=2)),
            "availability.dates_overlap",
        ),
        (lambda: (first("2026-02-09T01:00Z", "2026-02-09T02:00Z"), WEEKLY), "availability.exception_past"),
    ],
)
def test_dates_that_cannot_be(
    scene: Scene, change: Callable[[], tuple[DatedException, Recurrence]], code: str | None
) -> None:
    wanted, rule = change()
    if code is None:
        booking.publish_repeated(scene.key, wanted, rule, by=scene.manager)
        return
    with pytest.raises(BadDay) as caught:
        booking.publish_repeated(scene.key, wanted, rule, by=scene.manager)
    assert caught.value.reasons[0].code == code


def test_a_calendar_gives_way_to_maintenance_and_comes_back_after_it(scene: Scene) -> None:
    record = availability.add_calendar(
        scene.key, name="Lab", zone_name="Asia/Shanghai", url="https://calendar.example/", by=scene.manager
    )
    whole = span("2026-03-09T00:00+08:00", "2026-03-09T12:00+08:00")
    busy = CalendarRead("", 1, (BusyEvent(whole),))
    availability.settle_calendar(record, busy, availability.reading_span(NOW))
    units = len(availability.plan(scene.key, whole).units)
    one = availability.add_exception(scene.key, MONDAYS, by=scene.manager)
    assert total(scene) == units * (whole.seconds - MONDAYS.span.seconds)
    assert held(scene) == [MONDAYS.span] * units
    assert availability.settle_calendar(record, busy, availability.reading_span(NOW)) == 0
    assert one.id is not None
    availability.remove_exception(scene.key, one.id, by=scene.manager)
    assert availability.claim_due() is not None
    availability.settle_calendar(record, busy, availability.reading_span(NOW))
    assert total(scene) == units * whole.seconds
    booking.publish_repeated(scene.key, MONDAYS, WEEKLY, by=scene.manager)
    assert total(scene) == units * (whole.seconds - MONDAYS.span.seconds)
    assert windows_are_right(scene)


def total(scene: Scene) -> int:
    return sum(one.seconds for one in held(scene, OccupancyKind.EXTERNAL))
