"""Days and times of a series: worked cases R1 to R8 and R13, and any rule against the plainest way to find its days."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.booking.errors import InvalidOrder
from resource_hub.domain.booking.rules.recurrence import (
    LAST,
    MOST,
    Frequency,
    Monthly,
    Recurrence,
    days,
    nth_of,
    span_on,
)
from resource_hub.kernel.time import NoSuchLocalTime

D, W, M = Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY


def on(text: str) -> date:
    return date.fromisoformat(text)


def test_r1_the_last_day_is_included() -> None:
    assert len(days(Recurrence(D, until=on("2026-03-12")), on("2026-03-02"))) == 11


def test_r4_the_fifth_weekday_of_a_month_is_the_last() -> None:
    rule = Recurrence(M, monthly=Monthly.WEEKDAY, count=4)
    assert days(rule, on("2014-09-29")) == list(
        map(on, ["2014-09-29", "2014-10-27", "2014-11-24", "2014-12-29"])
    )


def test_a_fourth_weekday_stays_the_fourth_unless_the_last_was_meant() -> None:
    fourth = days(Recurrence(M, monthly=Monthly.WEEKDAY, count=3), on("2026-02-23"))
    assert fourth == list(map(on, ["2026-02-23", "2026-03-23", "2026-04-27"]))
    last = days(Recurrence(M, monthly=Monthly.WEEKDAY, nth=LAST, count=3), on("2026-02-23"))
    assert last == list(map(on, ["2026-02-23", "2026-03-30", "2026-04-27"]))


def test_the_31st_is_the_last_day_of_a_shorter_month_and_comes_back() -> None:
    found = days(Recurrence(M, count=5), on("2026-01-31"))
    assert found == list(map(on, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]))


def test_r6_every_second_day() -> None:
    found = days(Recurrence(D, interval=2, until=on("2010-04-02")), on("2010-02-12"))
    assert len(found) == 1 + 24
    new_york = ZoneInfo("America/New_York")
    assert {
        span_on(d, 510, 3600, "America/New_York").start.astimezone(new_york).strftime("%H:%M") for d in found
    } == {"08:30"}


def test_r7_three_weekdays_every_second_week() -> None:
    found = days(Recurrence(W, interval=2, weekdays=(0, 2, 4), until=on("2026-04-16")), on("2026-03-02"))
    assert found == list(
        map(
            on,
            [
                "2026-03-02", "2026-03-04", "2026-03-06", "2026-03-16", "2026-03-18", "2026-03-20",
                "2026-03-30", "2026-04-01", "2026-04-03", "2026-04-13", "2026-04-15",
            ],
        )
    )  # fmt: skip


def test_a_series_begins_on_the_first_of_its_weekdays() -> None:
    assert days(Recurrence(W, weekdays=(1,), count=2), on("2026-03-04")) == [
        on("2026-03-10"),
        on("2026-03-17"),
    ]


@pytest.mark.parametrize("weekdays", [(0, 1, 2, 3, 4), (5, 6)])
def test_r8_workdays_only_and_weekends_only(weekdays: tuple[int, ...]) -> None:
    found = days(Recurrence(W, weekdays=weekdays, count=20), on("2026-03-02"))
    assert {d.weekday() for d in found} == set(weekdays)
    assert len(found) == len(set(found)) == 20


@pytest.mark.parametrize(
    "zone_name", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Shanghai"]
)
def test_r8_weekly_for_a_year_keeps_weekday_and_local_time(zone_name: str) -> None:
    found = days(Recurrence(W, until=on("2027-03-01")), on("2026-03-02"))
    assert len(found) == 53
    spans = [span_on(d, 540, 7200, zone_name) for d in found]
    local = [s.start.astimezone(ZoneInfo(zone_name)) for s in spans]
    assert {(t.weekday(), t.hour, t.minute) for t in local} == {(0, 9, 0)}
    assert {s.seconds for s in spans} == {7200}


def test_r13_a_skipped_start_is_told_and_of_a_repeated_one_the_first_is_taken() -> None:
    with pytest.raises(NoSuchLocalTime):
        span_on(on("2026-03-08"), 150, 3600, "America/New_York")
    span = span_on(on("2026-11-01"), 90, 7200, "America/New_York")
    assert span.start == datetime.fromisoformat("2026-11-01T05:30+00:00")
    assert span.seconds == 7200


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Recurrence(D, interval=0, count=3), "booking.series_interval"),
        (Recurrence(D, interval=53, count=3), "booking.series_interval"),
        (Recurrence(D), "booking.series_end_missing"),
        (Recurrence(D, count=3, until=date(2026, 4, 1)), "booking.series_end_missing"),
        (Recurrence(D, count=1), "booking.series_count"),
        (Recurrence(D, count=MOST + 1), "booking.series_count"),
        (Recurrence(D, until=date(2027, 3, 2)), "booking.series_count"),
        (Recurrence(D, until=date(2026, 3, 2)), "booking.series_until_first"),
        (Recurrence(W, weekdays=(7,), count=2), "booking.series_weekdays"),
        (Recurrence(M, nth=6, count=2), "booking.series_weekdays"),
        (Recurrence(M, until=date(2026, 3, 20)), "booking.series_one_day"),
    ],
)
def test_rules_that_cannot_be(rule: Recurrence, code: str) -> None:
    with pytest.raises(InvalidOrder) as refused:
        days(rule, on("2026-03-02"))
    assert [r.code for r in refused.value.reasons] == [code]


def test_the_most_and_one_more() -> None:
    first = on("2026-03-02")
    assert len(days(Recurrence(D, until=first + timedelta(days=MOST - 1)), first)) == MOST
    with pytest.raises(InvalidOrder):
        days(Recurrence(D, until=first + timedelta(days=MOST)), first)


def test_the_end_of_the_calendar_ends_a_series() -> None:
    assert len(days(Recurrence(D, count=MOST), on("9999-12-01"))) == 31


RULES = st.builds(
    Recurrence,
    frequency=st.sampled_from(Frequency),
    interval=st.integers(1, 5),
    weekdays=st.lists(st.integers(0, 6), unique=True, max_size=4).map(tuple),
    monthly=st.sampled_from(Monthly),
    nth=st.sampled_from([None, 1, 2, 3, 4, LAST]),
    count=st.just(None),
    until=st.dates(date(2026, 4, 1), date(2026, 7, 1)),
)


def falls(rule: Recurrence, first: date, day: date) -> bool:
    """Whether a rule falls on a day, asked of every day by itself."""
    if rule.frequency is D:
        return (day - first).days % rule.interval == 0
    if rule.frequency is W:
        week = (day - timedelta(days=day.weekday()) - (first - timedelta(days=first.weekday()))).days // 7
        return week % rule.interval == 0 and day.weekday() in (rule.weekdays or (first.weekday(),))
    if ((day.year - first.year) * 12 + day.month - first.month) % rule.interval:
        return False
    is_last_day = (day + timedelta(days=1)).month != day.month
    if rule.monthly is Monthly.DAY:
        return day.day == first.day or (is_last_day and day.day < first.day)
    if day.weekday() != first.weekday():
        return False
    nth = rule.nth or nth_of(first)
    return nth_of(day) == nth or (nth == LAST and (day + timedelta(days=7)).month != day.month)


@given(RULES, st.dates(date(2026, 1, 1), date(2026, 3, 31)))
def test_any_rule_day_by_day(rule: Recurrence, first: date) -> None:
    assert rule.until is not None
    wanted = [
        day
        for day in (first + timedelta(days=n) for n in range((rule.until - first).days + 1))
        if falls(rule, first, day)
    ]
    assert Recurrence.from_json(rule.as_json()) == rule
    if len(wanted) < 2:
        with pytest.raises(InvalidOrder):
            days(rule, first)
    else:
        assert days(rule, first) == wanted
