"""Windows and free time against an oracle that walks minute by minute, in zones that change their clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_hub.domain.availability.rules import hours as rules
from resource_hub.domain.availability.terms import (
    Audience,
    DatedException,
    DayKind,
    ExceptionKind,
    Hours,
    OnHolidays,
    SpecialDay,
    WeeklyHours,
)
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import make_exception, make_hours, make_weekly, span

MINUTE = timedelta(minutes=1)
# Half-hour change, midnight change, a skipped day, a date line, and none.
ZONES = [
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "UTC",
]
CHANGES = {
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Europe/Berlin": [date(2026, 3, 29), date(2026, 10, 25)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "America/Santiago": [date(2026, 4, 5), date(2026, 9, 6)],
}


def oracle(hours: Hours, within: TimeSpan) -> tuple[set[datetime], set[datetime]]:
    """Minutes open to all and minutes protected, by looking at the wall clock of every minute around the span.

    A stretch is open from the first minute whose wall clock has reached its start until the first that has reached
    its end.
    """
    tz = ZoneInfo(hours.zone)
    first = within.start - timedelta(days=4)
    minutes = [first + MINUTE * n for n in range(int((within.end + timedelta(days=4) - first) / MINUTE))]
    walls = [m.astimezone(tz).replace(tzinfo=None) for m in minutes]
    found: dict[Audience, set[datetime]] = {Audience.ALL: set(), Audience.OUTSIDE: set()}
    days = sorted({w.date() for w in walls} | {walls[0].date() + timedelta(days=n) for n in range(12)})
    for day in days:
        special = hours.days.get(day)
        for row in hours.weekly:
            if rules.weekday_of(day, special) != row.weekday or day < row.since:
                continue
            if row.until and day >= row.until:
                continue
            if special and special.kind is DayKind.HOLIDAY and row.on_holidays is OnHolidays.CLOSED:
                continue
            midnight = datetime(day.year, day.month, day.day)
            begin, end = midnight + MINUTE * row.starts, midnight + MINUTE * row.ends
            opened = next((n for n, w in enumerate(walls) if w >= begin), len(walls))
            closed = next((n for n, w in enumerate(walls) if w >= end), len(walls))
            if walls and walls[0] < begin:
                found[row.audience] |= set(minutes[opened:closed])

    def covered(kind: ExceptionKind, audience: Audience | None, minute: datetime) -> bool:
        return any(
            e.kind is kind and (audience is None or e.audience is audience) and e.span.contains(minute)
            for e in hours.exceptions
        )

    to_all, protected = set(), set()
    for minute in minutes:
        if not within.contains(minute) or covered(ExceptionKind.CLOSURE, None, minute):
            continue
        kept = minute in found[Audience.OUTSIDE] and not covered(ExceptionKind.EXTRA, Audience.ALL, minute)
        kept = kept or covered(ExceptionKind.EXTRA, Audience.OUTSIDE, minute)
        if kept:
            protected.add(minute)
        elif (
            minute in found[Audience.ALL]
            or minute in found[Audience.OUTSIDE]
            or covered(ExceptionKind.EXTRA, None, minute)
        ):
            to_all.add(minute)
    return to_all, protected


def minutes_of(spans: tuple[TimeSpan, ...] | list[TimeSpan]) -> set[datetime]:
    return {s.start + MINUTE * n for s in spans for n in range(int((s.end - s.start) / MINUTE))}


@st.composite
def some_hours(draw: st.DrawFn) -> tuple[Hours, TimeSpan]:
    zone = draw(st.sampled_from(ZONES))
    anchor = draw(st.sampled_from(CHANGES.get(zone, [date(2026, 2, 13)]))) + timedelta(
        days=draw(st.integers(-2, 1))
    )
    weekly = tuple(
        WeeklyHours(
            draw(st.integers(0, 6)),
            start := draw(st.integers(0, 287)) * 5,
            min(start + draw(st.integers(1, 300)) * 5, 2880),
            date(2026, 1, 1) if draw(st.booleans()) else anchor,
            None if draw(st.booleans()) else anchor + timedelta(days=1),
            draw(st.sampled_from(Audience)),
            draw(st.sampled_from(OnHolidays)),
        )
        for _ in range(draw(st.integers(0, 6)))
    )
    base = datetime(anchor.year, anchor.month, anchor.day, tzinfo=UTC)
    exceptions = tuple(
        DatedException(
            draw(st.sampled_from(ExceptionKind)),
            TimeSpan(
                begin := base + timedelta(minutes=draw(st.integers(-600, 2000))),
                begin + timedelta(minutes=draw(st.integers(1, 900))),
            ),
            draw(st.sampled_from(Audience)),
        )
        for _ in range(draw(st.integers(0, 3)))
    )
    days = {
        (day := anchor + timedelta(days=n)): SpecialDay(
            day, draw(st.sampled_from([DayKind.HOLIDAY, DayKind.WORKDAY]))
        )
        for n in draw(st.sets(st.integers(-1, 2), max_size=2))
    }
    length = draw(st.integers(1, 2 * 1440))
    return Hours(zone, weekly, exceptions, days), TimeSpan(base, base + timedelta(minutes=length))


@settings(max_examples=120)
@given(some_hours())
def test_windows_equal_a_walk_over_every_minute(case: tuple[Hours, TimeSpan]) -> None:
    hours, within = case
    to_all, protected = oracle(hours, within)
    found = rules.opening(hours, within)
    assert minutes_of(found.to_all) == to_all
    assert minutes_of(found.protected) == protected


spans = st.builds(
    lambda start, length: TimeSpan(
        datetime(2026, 3, 1, tzinfo=UTC) + MINUTE * start,
        datetime(2026, 3, 1, tzinfo=UTC) + MINUTE * (start + length),
    ),
    st.integers(0, 600),
    st.integers(1, 200),
)


@given(st.lists(spans, max_size=5), st.lists(spans, max_size=5), st.integers(0, 40), st.integers(0, 40))
def test_a_free_booking_never_touches_another_with_its_margins(
    open_spans: list[TimeSpan], held: list[TimeSpan], setup: int, teardown: int
) -> None:
    free = rules.free(open_spans, held, setup * 60, teardown * 60)
    inside = minutes_of(open_spans)
    for piece in free:
        assert minutes_of([piece]) <= inside
        with_margins = rules.occupied(piece, setup * 60, teardown * 60)
        assert not any(with_margins.overlaps(h) for h in held)
    # Nothing is lost: a minute outside the result is closed, or its margins would meet somebody.
    for minute in inside - minutes_of(free):
        alone = rules.occupied(TimeSpan(minute, minute + MINUTE), setup * 60, teardown * 60)
        assert any(alone.overlaps(h) for h in held)


def test_a_holiday_closes_and_a_make_up_saturday_works_for_the_day_it_makes_up() -> None:
    # 2026-02-28, a Saturday, makes up Monday 2026-02-23.
    monday = make_weekly(weekdays=[0], starts=13 * 60, ends=15 * 60)
    friday = make_weekly(weekdays=[4], starts=8 * 60, ends=10 * 60)
    days = [
        SpecialDay(date(2026, 2, 23), DayKind.HOLIDAY),
        SpecialDay(date(2026, 2, 28), DayKind.WORKDAY, stands_for=date(2026, 2, 23)),
    ]
    hours = make_hours(weekly=monday + friday, days=days)
    week = span("2026-02-23T00:00+08:00", "2026-03-01T00:00+08:00")
    assert rules.windows(hours, week, outside=True) == [
        span("2026-02-27T08:00+08:00", "2026-02-27T10:00+08:00"),
        span("2026-02-28T13:00+08:00", "2026-02-28T15:00+08:00"),
    ]


def test_protected_hours_are_for_outside_customers_only() -> None:
    protected = make_weekly(weekdays=[1], starts=14 * 60, audience=Audience.OUTSIDE)
    hours = make_hours(weekly=make_weekly(weekdays=[1]) + protected)
    tuesday = span("2026-03-03T00:00+08:00", "2026-03-04T00:00+08:00")
    assert rules.windows(hours, tuesday, outside=False) == [
        span("2026-03-03T09:00+08:00", "2026-03-03T14:00+08:00")
    ]
    assert rules.windows(hours, tuesday, outside=True) == [
        span("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00")
    ]


def test_a_closure_of_one_unit_leaves_the_other_open() -> None:
    from resource_hub.infra.ids import new_id

    one, other = new_id(), new_id()
    hours = make_hours(exceptions=(make_exception(unit_id=one),))
    wednesday = span("2026-03-04T00:00+08:00", "2026-03-05T00:00+08:00")
    assert rules.windows(hours, wednesday, outside=True, unit_id=one) == []
    assert len(rules.windows(hours, wednesday, outside=True, unit_id=other)) == 1


@pytest.mark.parametrize(
    ("starts", "ends", "code"),
    [
        (540, 540, "availability.hours_end_before_start"),
        (541, 600, "availability.hours_granularity"),
        (1440, 1500, "availability.hours_out_of_range"),
        (600, 2885, "availability.hours_too_long"),
        (0, 1440, None),
        (1380, 2880, None),
    ],
)
def test_faults_of_a_pattern(starts: int, ends: int, code: str | None) -> None:
    found = rules.problems([WeeklyHours(0, starts, ends, date(2026, 1, 1))])
    assert [reason.code for reason in found] == ([code] if code else [])


def test_overlapping_stretches_are_told_and_touching_ones_are_not() -> None:
    sunday_night = WeeklyHours(6, 22 * 60, 26 * 60, date(2026, 1, 1))
    assert rules.problems([sunday_night, WeeklyHours(0, 0, 120, date(2026, 1, 1))])
    assert not rules.problems([sunday_night, WeeklyHours(0, 120, 240, date(2026, 1, 1))])


def test_starts_keep_to_the_step_of_the_wall_clock() -> None:
    free = [span("2026-03-02T09:10+08:00", "2026-03-02T12:00+08:00")]
    starts = list(rules.aligned_starts(free, 3600, 30, "Asia/Shanghai"))
    assert [s.start.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%H:%M") for s in starts] == [
        "09:30", "10:00", "10:30", "11:00",
    ]  # fmt: skip


def test_a_start_that_the_clock_shows_twice_is_offered_twice() -> None:
    """Lord Howe goes back half an hour at two: half past one comes again, and an hour and a half is the step."""
    free = [span("2026-04-05T00:00+11:00", "2026-04-05T03:30+10:30")]
    starts = [
        s.start.astimezone(UTC).strftime("%H:%M")
        for s in rules.aligned_starts(free, 300, 90, "Australia/Lord_Howe")
    ]
    assert starts == ["13:00", "14:30", "15:00", "16:30"]


@given(
    st.sampled_from(ZONES),
    st.data(),
    st.sampled_from([5, 10, 15, 30, 45, 50, 60, 90, 120, 240, 720, 1440]),
    st.integers(0, 59),
    st.sampled_from([0, 1, 999_999]),
)
@settings(max_examples=150, deadline=None)
def test_starts_on_the_step_equal_a_walk_over_every_minute(
    zone_name: str, data: st.DataObject, step: int, second: int, microsecond: int
) -> None:
    day = data.draw(st.sampled_from(CHANGES.get(zone_name, [date(2026, 3, 5)])))
    first = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=14)
    first += timedelta(minutes=data.draw(st.integers(0, 1440)), seconds=second, microseconds=microsecond)
    free = TimeSpan(first, first + timedelta(minutes=data.draw(st.integers(30, 2400))))
    length = timedelta(minutes=data.draw(st.sampled_from([5, 30, 60])))
    tz = ZoneInfo(zone_name)
    expected = []
    minute = first.replace(second=0, microsecond=0)
    while minute + length <= free.end:
        wall = minute.astimezone(tz)
        if minute >= first and (wall.hour * 60 + wall.minute) % step == 0:
            expected.append(minute)
        minute += MINUTE
    found = [s.start for s in rules.aligned_starts([free], int(length.total_seconds()), step, zone_name)]
    assert found == expected
