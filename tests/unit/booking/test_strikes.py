"""When strikes bar, by a table and against a count day by day."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.availability.errors import InvalidRules
from resource_hub.domain.availability.rules.document import read, write
from resource_hub.domain.availability.terms import BarLength, BarRule, BarUnit
from resource_hub.domain.booking.rules.strikes import barred, bars_of
from resource_hub.domain.booking.terms import StrikeKind, StrikeRecord, StrikeState
from resource_hub.infra.ids import new_id
from resource_hub.kernel.keys import HostKey
from tests.builders.availability import moment

START = moment("2026-01-01T00:00+08:00")
LONG = 365
SHANGHAI = ZoneInfo("Asia/Shanghai")


def strike(day: float, counts_for: int = LONG, state: StrikeState = StrikeState.GIVEN) -> StrikeRecord:
    at = START + timedelta(days=day)
    return StrikeRecord(
        key=HostKey(new_id(), new_id()), resource_id=new_id(), booking_id=None, customer_id=new_id(), person_id=new_id(),
        kind=StrikeKind.NO_SHOW, state=state, given_at=at, given_by=None, expires_at=at + timedelta(days=counts_for),
        note="", appealed_at=None, appeal="", decided_at=None, decided_by=None, decision="", version=1,
    )  # fmt: skip


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def days(number: int) -> BarLength:
    return BarLength(BarUnit.DAYS, number) if number else BarLength(BarUnit.WARNING)


def months(number: int) -> BarLength:
    return BarLength(BarUnit.MONTHS, number)


def ends(strikes: list[StrikeRecord], rule: BarRule) -> datetime | None:
    """The end of the last bar."""
    return max((bar.longest for bar in bars_of(strikes, rule, SHANGHAI)), default=None)


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
    ([strike(0, 10), strike(9, 10), strike(18, 10)], 3, 30, None),  # never three at once
])  # fmt: skip
def test_bars(strikes: list[StrikeRecord], limit: int, bar_days: int, end: datetime | None) -> None:
    assert ends(strikes, BarRule((), limit, 0, (days(bar_days),))) == end


NO_SHOW, LATE_CANCEL = StrikeKind.NO_SHOW, StrikeKind.LATE_CANCEL
WARNING, UNTIL_LIFTED = BarLength(BarUnit.WARNING), BarLength(BarUnit.LIFTED)


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(1, 40), st.sampled_from([NO_SHOW, LATE_CANCEL])), max_size=6
    ),
    st.sampled_from([(), (NO_SHOW,), (LATE_CANCEL,), (NO_SHOW, LATE_CANCEL)]),
    st.integers(1, 4),
    st.integers(0, 30),
    st.lists(st.one_of(st.integers(0, 20), st.just(UNTIL_LIFTED)), min_size=1, max_size=3),
    st.integers(0, 130),
    st.integers(-1, 70),
)
def test_the_bar_is_what_a_calendar_shows(
    given_on: list[tuple[int, int, StrikeKind]],
    kinds: tuple[StrikeKind, ...],
    count: int,
    within: int,
    ladder: list[int | BarLength],
    asked: int,
    lifted: int,
) -> None:
    # Walk through the days: on each, see which strikes given until then still count, whether one was given today, and
    # what the ladder says. A lift ends what had begun.
    barred_on: set[int] = set()
    counted = [one for one in given_on if not kinds or one[2] in kinds]
    for today in range(130):
        found = [
            g
            for g, length, _kind in counted
            if g <= today < g + length and (not within or today - g < within)
        ]
        if len(found) >= count and any(g == today for g, _length, _kind in counted) and today > lifted:
            step = ladder[min(len(found) - count, len(ladder) - 1)]
            barred_on |= set(range(today, 1000 if isinstance(step, BarLength) else today + step))
    rule = BarRule(kinds, count, within, tuple(s if isinstance(s, BarLength) else days(s) for s in ladder))
    strikes = [replace(strike(d, length), kind=kind) for d, length, kind in given_on]
    lifted_at = day(lifted) if lifted >= 0 else None
    bar = barred(strikes, [rule], SHANGHAI, day(asked), lifted_at)
    assert (bar is not None) == (asked in barred_on)
    if bar is not None:
        last = next(d for d in range(asked, 1001) if d not in barred_on)
        # The bars that hold now may be followed by others that begin before they end.
        assert bar.longest <= day(last) if bar.until else last == 1000


@pytest.mark.parametrize(("given_on", "rule", "end"), [
    # China University of Petroleum: a warning, three days, a week
    ([0], BarRule((NO_SHOW,), 1, 0, (WARNING, days(3), days(7),)), None),
    ([0, 10], BarRule((NO_SHOW,), 1, 0, (WARNING, days(3), days(7),)), day(13)),
    ([0, 10, 20, 30], BarRule((NO_SHOW,), 1, 0, (WARNING, days(3), days(7),)), day(37)),
    # NYCU: three no-shows in a year, six months; one late cancellation, one month; ShanghaiTech: three, one month
    ([0, 100, 200], BarRule((NO_SHOW,), 3, 365, (months(6),)), moment("2027-01-20T00:00+08:00")),
    ([0, 1, 200], BarRule((LATE_CANCEL,), 1, 0, (months(1),)), None),
    ([0, 3, 30], BarRule((NO_SHOW,), 3, 0, (months(1),)), moment("2026-02-28T00:00+08:00")),
    # a shared group: two wasted, a week; the first has left the window on the thirtieth day
    ([0, 29], BarRule((NO_SHOW,), 2, 30, (days(7),)), day(36)),
    ([0, 30], BarRule((NO_SHOW,), 2, 30, (days(7),)), None),
])  # fmt: skip
def test_bars_for_some_kinds(given_on: list[int], rule: BarRule, end: datetime | None) -> None:
    assert ends([strike(d) for d in given_on], rule) == end


def test_one_late_cancellation_bars_for_a_month() -> None:
    # NYCU; what is no late cancellation does not count.
    rule = BarRule((LATE_CANCEL,), 1, 0, (months(1),))
    late = replace(strike(5), kind=LATE_CANCEL)
    assert ends([strike(0), late, strike(7)], rule) == moment("2026-02-06T00:00+08:00")


def test_each_kind_is_counted_by_its_own_rule() -> None:
    late = replace(strike(5), kind=LATE_CANCEL)
    assert ends([strike(0), late], BarRule((LATE_CANCEL,), 1, 0, (days(30),))) == day(35)
    assert (
        ends(
            [strike(0), late],
            BarRule(
                (
                    NO_SHOW,
                    LATE_CANCEL,
                ),
                3,
                0,
                (days(30),),
            ),
        )
        is None
    )


@pytest.mark.parametrize(("given_at", "months", "until"), [
    ("2026-01-31T09:30:20+08:00", 1, "2026-02-28T09:30:20+08:00"),
    ("2026-01-05T00:00+08:00", 6, "2026-07-05T00:00+08:00"),
    # the clock of New York goes on in between: the same time of day
    ("2026-02-10T09:30-05:00", 1, "2026-03-10T09:30-04:00"),
])  # fmt: skip
def test_months_are_those_of_the_hosts_calendar(given_at: str, months: int, until: str) -> None:
    tz = ZoneInfo("Asia/Shanghai" if given_at.endswith("08:00") else "America/New_York")
    one = replace(strike(0), given_at=moment(given_at), expires_at=moment(given_at) + timedelta(days=1))
    (bar,) = bars_of([one], BarRule((), 1, 0, (BarLength(BarUnit.MONTHS, months),)), tz)
    assert bar.until == moment(until)


def test_a_bar_until_it_is_lifted_outlives_its_strikes() -> None:
    # ShanghaiTech: three no-shows and one is on the blacklist; only those after the lift bar again
    rules, found = [BarRule((NO_SHOW,), 3, 0, (UNTIL_LIFTED,))], [strike(0, 10), strike(1, 10), strike(2, 10)]
    bar = barred(found, rules, SHANGHAI, day(2000))
    assert bar is not None and bar.until is None
    assert barred(found, rules, SHANGHAI, day(2000), lifted_at=day(2)) is None
    assert barred([*found, strike(3, 10)], rules, SHANGHAI, day(2000), lifted_at=day(2)) is not None


POINTS = {NO_SHOW: 3, LATE_CANCEL: 1, StrikeKind.LATE: 0}


def marks(*given: tuple[float, StrikeKind]) -> list[StrikeRecord]:
    return [replace(strike(at), kind=kind) for at, kind in given]


@pytest.mark.parametrize(("given", "count", "within", "end"), [
    # six points: two no-shows, or one and three late cancellations
    ([(0, NO_SHOW)], 6, 0, None),
    ([(0, NO_SHOW), (1, NO_SHOW)], 6, 0, day(31)),
    ([(0, NO_SHOW), (1, LATE_CANCEL), (2, LATE_CANCEL)], 6, 0, None),
    ([(0, NO_SHOW), (1, LATE_CANCEL), (2, LATE_CANCEL), (3, LATE_CANCEL)], 6, 0, day(33)),
    # what costs no points neither counts nor bars
    ([(0, NO_SHOW), (1, NO_SHOW), (40, StrikeKind.LATE)], 6, 0, day(31)),
    # of a kind that nothing is said of each is one point
    ([(0, NO_SHOW), (1, StrikeKind.MISUSE)], 4, 0, day(31)),
    # inside the window
    ([(0, NO_SHOW), (29, NO_SHOW)], 6, 30, day(59)),
    ([(0, NO_SHOW), (30, NO_SHOW)], 6, 30, None),
])  # fmt: skip
def test_each_kind_costs_its_own_points(
    given: list[tuple[float, StrikeKind]], count: int, within: int, end: datetime | None
) -> None:
    rule = BarRule((), count, within, (days(30),))
    assert max((bar.longest for bar in bars_of(marks(*given), rule, SHANGHAI, POINTS)), default=None) == end


def test_by_points_too_each_further_strike_brings_the_next_step() -> None:
    rule = BarRule((), 4, 0, (WARNING, days(3), days(7)))
    found = marks((0, NO_SHOW), (10, NO_SHOW), (20, LATE_CANCEL), (30, NO_SHOW))
    assert [bar.until for bar in bars_of(found, rule, SHANGHAI, POINTS)] == [day(23), day(37)]


@pytest.mark.parametrize(("points", "holds"), [
    ({"no_show": 3, "late": 0}, True), ({}, True), ({"nobody": 1}, False), ({"no_show": -1}, False),
    ({"no_show": "3"}, False), ([], False), ({"no_show": 101}, False),
])  # fmt: skip
def test_points_of_a_document(points: Any, holds: bool) -> None:
    if not holds:
        with pytest.raises(InvalidRules):
            read({"points": points})
        return
    rules = read({"strike_no_show": True, "points": points})
    assert rules.points == {StrikeKind(kind): number for kind, number in points.items()}
    assert read(write(rules)) == rules


STEPS = [{"unit": "warning", "count": 0}, {"unit": "days", "count": 3}, {"unit": "lifted", "count": 0}]
ROW = {"kinds": ["no_show"], "count": 1, "within": 0, "ladder": STEPS}


@pytest.mark.parametrize(("old", "bars"), [
    ({}, ()),
    ({"strike_limit": 0, "bar_days": 10}, ()),
    ({"format": 1, "strike_limit": 3, "bar_days": 10}, (BarRule((), 3, 0, (days(10),)),)),
    ({"strike_limit": 3}, (BarRule((), 3, 0, (days(30),)),)),
    ({"strike_limit": 3, "bars": [{**ROW, "ladder": [0, 3]}]},
     (BarRule((), 3, 0, (days(30),)), BarRule((NO_SHOW,), 1, 0, (WARNING, days(3))))),
    ({"bars": [{**ROW, "ladder": [7]}]}, (BarRule((NO_SHOW,), 1, 0, (days(7),)),)),
    ({"format": 2, "bars": [ROW]}, (BarRule((NO_SHOW,), 1, 0, (WARNING, days(3), UNTIL_LIFTED)),)),
])  # fmt: skip
def test_what_older_documents_said_of_bars_is_read_in_todays_words(
    old: dict[str, Any], bars: tuple[BarRule, ...]
) -> None:
    rules = read({"strike_no_show": True, **old})
    assert rules.bars == bars
    again = write(rules)
    assert again["format"] == 2 and "strike_limit" not in again and read(again) == rules


@pytest.mark.parametrize("wrong", [
    {"format": 2, "strike_limit": 3},
    {"format": 3},
    {"strike_limit": 101},
    {"strike_limit": "3"},
    {"strike_limit": 3, "bar_days": 0.5},
    {"strike_limit": 3, "bars": 5},
    {"bars": [{**ROW, "ladder": []}]},
    {"bars": [{**ROW, "ladder": STEPS * 4}]},
    {"bars": [{**ROW, "ladder": ["lifted"]}]},
    {"bars": [{**ROW, "ladder": [{"unit": "lifted", "count": 1}]}]},
    {"bars": [{**ROW, "ladder": [{"unit": "days"}]}]},
    {"bars": [{**ROW, "ladder": [{"unit": "months", "count": 37}]}]},
    {"bars": [{**ROW, "kinds": ["late"]}]},  # no strike is noted for it
])  # fmt: skip
def test_bars_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRules):
        read({"strike_no_show": True, **wrong})
