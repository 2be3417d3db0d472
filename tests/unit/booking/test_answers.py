"""Terms of answers: hours of the clock, hours of working days against a walk over every minute, chains of several."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.booking.rules.answering import answer_term, by_the_clock, chain_end, working_clock
from tests.builders.availability import make_rules, moment, span

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
HOLIDAYS = {date(2026, 4, 6), date(2026, 3, 30)}


def works(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS


@pytest.mark.parametrize(("since", "hours", "end"), [
    ("2026-03-02T09:00+08:00", 8, "2026-03-02T17:00+08:00"),
    ("2026-03-02T09:00+08:00", 9, "2026-03-03T10:00+08:00"),
    ("2026-03-02T16:30+08:00", 1, "2026-03-03T09:30+08:00"),
    ("2026-03-06T20:00+08:00", 4, "2026-03-09T13:00+08:00"),  # Friday evening: Monday
    ("2026-03-07T11:00+08:00", 1, "2026-03-09T10:00+08:00"),  # Saturday
    ("2026-04-03T15:00+08:00", 4, "2026-04-07T11:00+08:00"),  # over a holiday
])  # fmt: skip
def test_working_hours(since: str, hours: int, end: str) -> None:
    assert working_clock(SHANGHAI, works)(moment(since), hours) == moment(end)


@given(st.integers(0, 21 * 24 * 60), st.integers(1, 60))
def test_working_hours_are_those_that_one_counts_minute_by_minute(minute: int, hours: int) -> None:
    start = moment("2026-03-20T00:00+00:00") + timedelta(minutes=minute)
    left, now = hours * 60, start
    while left:
        wall = now.astimezone(BERLIN)
        left -= works(wall.date()) and 9 <= wall.hour < 17
        now += timedelta(minutes=1)
    assert working_clock(BERLIN, works)(start, hours) == now


def test_hust_twelve_hours_of_silence() -> None:
    # P14: 12 hours by the clock, night included.
    rules = make_rules(approval="always", answer_hours=12, silence="consent")
    now = moment("2026-03-02T20:00+08:00")
    slot = span("2026-03-05T09:00+08:00", "2026-03-05T10:00+08:00")
    assert answer_term(rules, slot, now) == moment("2026-03-03T08:00+08:00")


@pytest.mark.parametrize(("silence", "escalate", "hours"), [
    ("lapse", 0, 24), ("lapse", 6, 30), ("consent", 0, 36), ("consent", 6, 48),
])  # fmt: skip
def test_when_silence_decides_a_chain(silence: str, escalate: int, hours: int) -> None:
    steps = [{"who": "manager", "hours": 24}, {"who": "office", "hours": 12}]
    rules = make_rules(approval="always", silence=silence, steps=steps, escalate_hours=escalate)
    now: datetime = moment("2026-03-02T08:00+08:00")
    assert chain_end(rules, [24, 12], now, by_the_clock) == now + timedelta(hours=hours)
