"""When strikes bar, by a table and against a count day by day."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.availability.rules.document import read, write
from resource_hub.domain.availability.terms import BarRule
from resource_hub.domain.booking.rules.strikes import barred_by, barred_until
from resource_hub.domain.booking.terms import StrikeKind, StrikeRecord, StrikeState
from resource_hub.infra.ids import new_id
from resource_hub.kernel.keys import HostKey
from tests.builders.availability import moment

START = moment("2026-01-01T00:00+08:00")
LONG = 365


def strike(day: float, counts_for: int = LONG, state: StrikeState = StrikeState.GIVEN) -> StrikeRecord:
    at = START + timedelta(days=day)
    return StrikeRecord(
        key=HostKey(new_id(), new_id()), resource_id=new_id(), booking_id=None, customer_id=new_id(), person_id=new_id(),
        kind=StrikeKind.NO_SHOW, state=state, given_at=at, given_by=None, expires_at=at + timedelta(days=counts_for),
        note="", appealed_at=None, appeal="", decided_at=None, decided_by=None, decision="", version=1,
    )  # fmt: skip


def day(number: float) -> datetime:
    return START + timedelta(days=number)


@pytest.mark.parametrize(("strikes", "limit", "bar_days", "end"), [
    ([], 3, 30, None),
    ([strike(0), strike(1)], 3, 30, None),
    # ShanghaiTech: 3 lates, one month; NYCU: 3 no-shows in a year, six months
    ([strike(0), strike(1), strike(2)], 3, 30, day(32)),
    ([strike(0), strike(100), strike(364)], 3, 180, day(544)),
    ([strike(0), strike(100), strike(365)], 3, 180, None),  # the first has expired on that day
    ([strike(0), strike(1), strike(2), strike(10)], 3, 30, day(40)),
    ([strike(0), strike(1), strike(2, state=StrikeState.LIFTED)], 3, 30, None),
    ([strike(0), strike(1), strike(2, state=StrikeState.APPEALED)], 3, 30, day(32)),
    ([strike(0), strike(1), strike(2, state=StrikeState.UPHELD)], 3, 30, day(32)),
    ([strike(5)], 1, 7, day(12)),
    ([strike(5)], 0, 7, None),
    ([strike(0, 10), strike(9, 10), strike(18, 10)], 3, 30, None),  # never three at once
])  # fmt: skip
def test_bars(strikes: list[StrikeRecord], limit: int, bar_days: int, end: datetime | None) -> None:
    assert barred_until(strikes, limit, bar_days) == end


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=6),
    st.integers(1, 4),
    st.integers(1, 20),
)
def test_the_bar_is_what_a_calendar_shows(given_on: list[tuple[int, int]], limit: int, bar_days: int) -> None:
    # Walk through the days: on each, see which strikes given until then still count, and whether one was given today.
    barred: set[int] = set()
    for today in range(130):
        counting = [g for g, length in given_on if g <= today < g + length]
        if len(counting) >= limit and any(g == today for g, _length in given_on):
            barred |= set(range(today, today + bar_days))
    end = barred_until([strike(d, length) for d, length in given_on], limit, bar_days)
    assert (end is None) == (not barred)
    if end is not None:
        assert end == day(max(barred) + 1)


NO_SHOW, LATE_CANCEL = StrikeKind.NO_SHOW, StrikeKind.LATE_CANCEL


@pytest.mark.parametrize(("days", "rule", "end"), [
    # China University of Petroleum: a warning, three days, a week
    ([0], BarRule((NO_SHOW,), 1, 0, (0, 3, 7)), None),
    ([0, 10], BarRule((NO_SHOW,), 1, 0, (0, 3, 7)), day(13)),
    ([0, 10, 20, 30], BarRule((NO_SHOW,), 1, 0, (0, 3, 7)), day(37)),
    # NYCU: three no-shows in a year, six months; one late cancellation, one month
    ([0, 100, 200], BarRule((NO_SHOW,), 3, 365, (180,)), day(380)),
    ([0, 1, 200], BarRule((LATE_CANCEL,), 1, 0, (30,)), None),
    # a shared group: two wasted, a week; the first has left the window on the thirtieth day
    ([0, 29], BarRule((NO_SHOW,), 2, 30, (7,)), day(36)),
    ([0, 30], BarRule((NO_SHOW,), 2, 30, (7,)), None),
])  # fmt: skip
def test_bars_for_some_kinds(days: list[int], rule: BarRule, end: datetime | None) -> None:
    assert barred_by([strike(d) for d in days], rule) == end


def test_each_kind_is_counted_by_its_own_rule() -> None:
    late = replace(strike(5), kind=LATE_CANCEL)
    assert barred_by([strike(0), late], BarRule((LATE_CANCEL,), 1, 0, (30,))) == day(35)
    assert barred_by([strike(0), late], BarRule((NO_SHOW, LATE_CANCEL), 3, 0, (30,))) is None


def test_documents_with_and_without_bars_read_as_written() -> None:
    old = read({"strike_limit": 3, "bar_days": 10})
    assert (old.strike_limit, old.bar_days, old.bars) == (3, 10, ())
    row = {"kinds": ["no_show"], "count": 1, "within": 0, "ladder": [0, 3, 7]}
    new = read({"strike_no_show": True, "bars": [row]})
    assert new.bars == (BarRule((NO_SHOW,), 1, 0, (0, 3, 7)),) and read(write(new)) == new
