"""Booking by the day, lead times and steps against an oracle that walks through time minute by minute on the host's wall
clock, over its changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.availability.rules.hours import days_in, whole_days
from resource_hub.domain.availability.rules.working_days import working_days_after
from resource_hub.domain.availability.terms import DayKind, HouseDocument, SpecialDay
from resource_hub.domain.booking.rules.check import check
from resource_hub.domain.booking.rules.lengths import fitted
from resource_hub.domain.booking.rules.recurrence import is_usual, span_on, usual_of
from resource_hub.domain.booking.rules.waiting import faults
from resource_hub.kernel.time import TimeSpan, zone
from tests.builders.availability import span
from tests.builders.booking import make_facts
from tests.unit.booking.test_minutes import STARTS, WEEKS, minutes, spans, walls

zones = st.sampled_from(sorted(STARTS))
OF_TIME = {
    "booking.lead", "booking.lead_days", "booking.whole_days", "booking.too_few_days", "booking.too_many_days",
    "booking.length_step", "booking.start_step", "booking.in_past",
}  # fmt: skip


def dates(one: TimeSpan, name: str) -> list[date]:
    """The days that the wall clock shows during a span, in order."""
    return list(dict.fromkeys(walls(name)[minute][0].date() for minute in minutes(one, name)))


def begins(minute: int, name: str) -> bool:
    """Whether a day begins with this minute."""
    return walls(name)[minute - 1][0].date() != walls(name)[minute][0].date()


def told(one: TimeSpan, name: str, rules: HouseDocument, now: datetime, **more: Any) -> set[str]:
    facts = make_facts(zone=name, span=one, **more)
    return {reason.code for reason in check(facts, rules, now)} & OF_TIME


@st.composite
def day_spans(draw: Any, name: str) -> TimeSpan:
    """Spans from midnight to midnight, and such as miss it by some minutes."""
    midnights = [m for m in range(1440, (WEEKS * 7 - 1) * 1440) if begins(m, name)]
    first = draw(st.integers(0, len(midnights) - 12))
    last = first + draw(st.integers(1, 11))
    off = st.sampled_from([0, 0, 0, -60, -30, -5, 5, 30, 60])
    start, end = (STARTS[name] + timedelta(minutes=midnights[n] + draw(off)) for n in (first, last))
    return TimeSpan(start, end)


by_day = st.builds(
    lambda least, more: HouseDocument(
        step=1440, least=least * 1440, most=(least + more) * 1440 if more >= 0 else 0, horizon_days=730
    ),
    st.integers(1, 4),
    st.integers(-1, 5),
)


@given(st.data())
def test_days_are_those_that_the_clock_shows(data: Any) -> None:
    name, rules = data.draw(zones), data.draw(by_day)
    one = data.draw(day_spans(name))
    touched, every = dates(one, name), minutes(one, name)
    expected = set()
    if not (begins(every[0], name) and begins(every[-1] + 1, name)):
        expected.add("booking.whole_days")
    if len(touched) < rules.least // 1440:
        expected.add("booking.too_few_days")
    if rules.most and len(touched) > rules.most // 1440:
        expected.add("booking.too_many_days")
    assert told(one, name, rules, STARTS[name] - timedelta(days=1)) == expected


@given(st.data())
def test_what_is_offered_by_the_day_is_allowed_and_touches_the_days_that_were_wished_for(data: Any) -> None:
    name, rules = data.draw(zones), data.draw(by_day)
    one = data.draw(day_spans(name))
    found = fitted(one, rules, name)
    assert found is not None
    assert not told(found, name, rules, STARTS[name] - timedelta(days=1))
    wished, offered = dates(one, name), dates(found, name)
    assert offered[0] == wished[0]
    most = rules.most // 1440 or len(wished) + rules.least // 1440
    assert len(offered) == min(max(len(wished), rules.least // 1440), most)
    assert days_in(found.seconds) == len(offered)


@given(st.data())
def test_runs_of_days_inside_a_stretch_are_all_of_them(data: Any) -> None:
    name, count = data.draw(zones), data.draw(st.integers(1, 5))
    within = data.draw(day_spans(name))
    every = minutes(within, name)
    midnights = [m for m in range(every[0], every[-1] + 2) if begins(m, name)]
    expected = [
        TimeSpan(*(STARTS[name] + timedelta(minutes=m) for m in pair))
        for pair in zip(midnights, midnights[count:], strict=False)
    ]
    assert list(whole_days(within, count, zone(name))) == expected
    # Whoever waits for so many days needs room for them, and no more.
    rules = HouseDocument(step=1440, least=1440)
    found = faults(within.start, within.end, count * 86400, rules, within.start, name)
    assert (not found) == bool(expected)


@given(st.data())
def test_whole_days_of_a_series_are_whole_on_every_day(data: Any) -> None:
    name = data.draw(zones)
    one = data.draw(day_spans(name))
    minute, length = usual_of(one, name)
    every = minutes(one, name)
    whole = begins(every[0], name) and begins(every[-1] + 1, name)
    first = walls(name)[every[0]][0].date()
    assert is_usual(one, first, minute, length, name)
    if whole:
        assert (minute, length) == (0, len(dates(one, name)) * 86400)
        later = first + timedelta(days=data.draw(st.integers(0, 20)))
        again = span_on(later, minute, length, name)
        assert usual_of(again, name) == (minute, length) and is_usual(again, later, minute, length, name)


@given(st.data())
def test_a_lead_is_so_many_minutes(data: Any) -> None:
    name = data.draw(zones)
    one = data.draw(spans(name))
    lead = data.draw(st.sampled_from([0, 5, 60, 1440, 6 * 1440])) + data.draw(st.integers(0, 60))
    rules = HouseDocument(step=5, least=5, horizon_days=730, lead={"all": lead})
    before = lead + data.draw(st.integers(-10, 10))
    now = one.start - timedelta(minutes=before)
    expected = {"booking.in_past"} if before < 0 else {"booking.lead"} if before < lead else set()
    assert told(one, name, rules, now) == expected
    assert told(one, name, rules, now, by_host=True) == expected - {"booking.lead"}


@given(st.data())
def test_a_lead_in_working_days_counts_the_days_that_the_clock_shows(data: Any) -> None:
    name = data.draw(zones)
    one = data.draw(spans(name))
    first = minutes(one, name)[0]
    now_minute = max(0, first - data.draw(st.integers(0, 16 * 1440)))
    now = STARTS[name] + timedelta(minutes=now_minute)
    today = walls(name)[now_minute][0].date()
    some = data.draw(st.dictionaries(st.integers(0, 20), st.sampled_from(DayKind), max_size=6))
    special = {
        today + timedelta(days=n): SpecialDay(today + timedelta(days=n), kind, "", "")
        for n, kind in some.items()
        if kind is not DayKind.ORDINARY
    }

    def works(day: date) -> bool:
        if day in special:
            return special[day].kind is DayKind.WORKDAY
        return day.weekday() < 5

    wanted = data.draw(st.integers(1, 9))
    shown = dict.fromkeys(walls(name)[minute][0].date() for minute in range(now_minute, first + 1))
    passed = sum(works(day) for day in shown if day > today)
    earliest = working_days_after(today, wanted, special.get)
    # On the day on which the count is full, and on those after it; a day off after it is late enough as well.
    rules = HouseDocument(step=5, least=5, horizon_days=730, lead_days=wanted)
    found = told(one, name, rules, now, earliest_day=earliest)
    assert ("booking.lead_days" in found) == (passed < wanted)


@given(st.data())
def test_a_step_is_one_of_the_wall_clock(data: Any) -> None:
    name, step = data.draw(zones), data.draw(st.sampled_from([5, 15, 30, 60, 90, 240, 720]))
    first = data.draw(st.integers(0, (WEEKS * 7 - 14) * 288)) * 5
    length = data.draw(st.one_of(st.integers(1, 40).map(lambda n: n * step), st.integers(1, 600)))
    start = STARTS[name] + timedelta(minutes=first)
    one = TimeSpan(start, start + timedelta(minutes=length))
    wall = walls(name)[first][0]
    expected = set()
    if (wall.hour * 60 + wall.minute) % step:
        expected.add("booking.start_step")
    if len(minutes(one, name)) % step:
        expected.add("booking.length_step")
    rules = HouseDocument(step=step, least=5, horizon_days=730)
    assert told(one, name, rules, STARTS[name] - timedelta(days=1)) == expected


@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("Europe/Berlin", span("2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"), 23),
        ("Europe/Berlin", span("2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00"), 25),
        ("Australia/Lord_Howe", span("2026-10-04T00:00+10:30", "2026-10-05T00:00+11:00"), 23.5),
    ],
)
def test_a_day_that_the_clock_makes_shorter_or_longer_is_one_day(
    name: str, day: TimeSpan, hours: float
) -> None:
    rules = HouseDocument(step=1440, least=1440, most=7 * 1440)
    assert day.seconds == hours * 3600
    assert fitted(day, rules, name) == day
    assert usual_of(day, name) == (0, 86400)
    assert faults(day.start, day.end, 86400, rules, datetime(2026, 3, 1, tzinfo=UTC), name) == ()
