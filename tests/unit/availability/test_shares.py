"""Shares of a day for a month at a glance: every second is free, taken, over or closed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from resource_hub.domain.availability.rules.shares import DayShare, day_shares
from resource_hub.domain.availability.terms import Lane, Look, Stretch, Week
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

ZONE = "Asia/Shanghai"
MONDAY = date(2026, 3, 2)
START = datetime.fromisoformat("2026-03-02T00:00+08:00")
HOUR = 3600


def stretch(look: Look, first: float, last: float, bookable: bool = False) -> Stretch:
    span = TimeSpan(START + timedelta(hours=first), START + timedelta(hours=last))
    return Stretch(span, look, None, None, bookable)


def week(*lanes: list[Stretch], days: int = 1) -> Week:
    made = tuple(Lane(UUID(int=n), "", tuple(lane)) for n, lane in enumerate(lanes))
    return Week(
        HostKey(UUID(int=1), UUID(int=2)), TimeSpan(START, START + timedelta(days=days)), ZONE,
        tuple(MONDAY + timedelta(days=n) for n in range(days)), {}, made, 30,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("look", "bookable", "expected"),
    [
        (Look.FREE, True, DayShare(free=HOUR)),
        (Look.PROTECTED, True, DayShare(free=HOUR)),
        (Look.PROTECTED, False, DayShare(closed=HOUR)),
        (Look.TAKEN, False, DayShare(taken=HOUR)),
        (Look.MINE, False, DayShare(taken=HOUR, mine=True)),
        (Look.HELD, False, DayShare(taken=HOUR)),
        (Look.MAINTENANCE, False, DayShare(taken=HOUR)),
        (Look.SETUP, False, DayShare(taken=HOUR)),
        (Look.TEARDOWN, False, DayShare(taken=HOUR)),
        (Look.PAST, False, DayShare(over=HOUR)),
        (Look.CLOSED, False, DayShare(closed=HOUR)),
    ],
)
def test_each_look_counts_once(look: Look, bookable: bool, expected: DayShare) -> None:
    assert day_shares(week([stretch(look, 9, 10, bookable)])) == {MONDAY: expected}


def test_lanes_add_up_and_midnight_divides() -> None:
    night = stretch(Look.FREE, 22, 26, True)
    found = day_shares(week([night], [night, stretch(Look.TAKEN, 26, 27)], days=2))
    assert found[MONDAY] == DayShare(free=4 * HOUR)
    assert found[MONDAY + timedelta(days=1)] == DayShare(free=4 * HOUR, taken=HOUR)
    assert found[MONDAY].open == 4 * HOUR


def test_what_reaches_beyond_the_days_is_left_out() -> None:
    assert day_shares(week([stretch(Look.FREE, 23, 25, True)])) == {MONDAY: DayShare(free=HOUR)}
