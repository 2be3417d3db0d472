"""Strikes and bars tried on the past: who would have been barred and when, against a walk through the days."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.availability.terms import BarLength, BarRule, BarUnit, HouseDocument, StrikeKind
from resource_hub.domain.booking.rules.earned import Barring, Conduct, TriedStrike, differs, earned
from resource_hub.domain.booking.rules.trial import PastOrder, replay
from resource_hub.domain.booking.terms import BookingState
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import moment
from tests.builders.booking import ME, MY_FIRM
from tests.unit.booking.test_trial import PEOPLE, days, order

START = moment("2026-03-02T00:00+08:00")
ZONE = "Asia/Shanghai"


def after(number: float) -> datetime:
    return START + timedelta(days=number)


def bar(*ladder: int, count: int = 1, within: int = 0) -> BarRule:
    return BarRule((), count, within, tuple(BarLength(BarUnit.DAYS, n) for n in ladder))


HOUR = timedelta(hours=1)
SPAN = TimeSpan(after(10), after(10) + HOUR)


def gave(when: datetime) -> Conduct:
    return Conduct(given_back=((SPAN.start, when),))


@pytest.mark.parametrize(("conduct", "rules", "kinds"), [
    (Conduct(), {"strike_no_show": True, "strike_late": True, "strike_late_cancel": 60}, []),
    (Conduct(missed_at=SPAN.start + HOUR), {"strike_no_show": True}, ["no_show"]),
    (Conduct(missed_at=SPAN.start + HOUR), {"strike_late": True}, []),
    (gave(SPAN.start - HOUR), {"strike_late_cancel": 60}, []),
    (gave(SPAN.start - HOUR + timedelta(seconds=1)), {"strike_late_cancel": 60}, ["late_cancel"]),
    (gave(SPAN.start - HOUR), {}, []),
    (Conduct(came_at=SPAN.start + timedelta(minutes=15)), {"strike_late": True}, []),
    (Conduct(came_at=SPAN.start + timedelta(minutes=16)), {"strike_late": True}, ["late"]),
    (Conduct(came_at=SPAN.start + timedelta(minutes=16)), {"strike_late": True, "late_grace": 30}, []),
])  # fmt: skip
def test_what_earns_a_strike(conduct: Conduct, rules: dict[str, bool], kinds: list[str]) -> None:
    assert [kind.value for kind, _at in earned(SPAN, conduct, HouseDocument(**rules))] == kinds  # type: ignore[arg-type]


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 300), st.integers(0, 90))
def test_use_and_booking_are_compared_exactly(booked: int, used: int, percent: int, off: int) -> None:
    # minutes against exact fractions
    over = percent > 0 and (Fraction(booked - used, used) > Fraction(percent, 100) if used else booked > 0)
    rules = HouseDocument(strike_over_booked=percent, strike_off=off)
    assert differs(booked * 60, used * 60, rules) == (over or (off > 0 and abs(booked - used) > off))


def missed(asked: float, start: float, person: int = 0, misses: bool = True) -> PastOrder:
    span = TimeSpan(after(start), after(start) + HOUR)
    return order(
        after(asked).isoformat(), span.start.isoformat(), span.end.isoformat(),
        person_id=PEOPLE[person], booked_by=PEOPLE[person],
        state=BookingState.NO_SHOW if misses else BookingState.DONE,
        conduct=Conduct(missed_at=span.end) if misses else Conduct(),
    )  # fmt: skip


def test_a_booking_that_a_bar_keeps_out_earns_no_strike() -> None:
    rules = HouseDocument(step=5, least=5, strike_no_show=True, bars=(bar(10, 100, count=2),))
    orders = [missed(0, 1), missed(0.5, 2), missed(5, 6), missed(13, 14), missed(20, 21, misses=False)]
    barring = Barring(rules, ZONE)
    tried = list(replay(orders, rules, ZONE, days, (), barring))
    found = [[reason.code for reason in one.reasons] for one in tried]
    assert found == [[], [], ["booking.barred"], [], ["booking.barred"]]
    # The third strike is that of the fourteenth day: the one of the sixth would never have been.
    assert [(one.bar.since, one.bar.until, one.strikes) for one in barring.bars()] == [
        (after(2) + HOUR, after(12) + HOUR, 2),
        (after(14) + HOUR, after(114) + HOUR, 3),
    ]


def test_the_host_books_whom_it_likes_and_a_late_cancellation_counts_without_being_tried() -> None:
    rules = HouseDocument(
        step=5, least=5, strike_late_cancel=600, bars=(BarRule((), 1, 0, (BarLength(BarUnit.LIFTED),)),)
    )
    span = TimeSpan(after(1), after(1) + HOUR)
    gone = order(
        after(0).isoformat(), span.start.isoformat(), span.end.isoformat(), state=BookingState.CANCELLED,
        conduct=Conduct(given_back=((span.start, span.start - HOUR),)),
    )  # fmt: skip
    hosts = order(after(2).isoformat(), after(3).isoformat(), (after(3) + HOUR).isoformat(), by_host=True)
    own = missed(2, 4, misses=False)
    barring = Barring(rules, ZONE)
    tried = list(replay([gone, hosts, own], rules, ZONE, days, (), barring))
    assert [(one.order.key, [r.code for r in one.reasons]) for one in tried] == [
        (hosts.key, []),
        (own.key, ["booking.barred_for_good"]),
    ]
    assert [one.bar.until for one in barring.bars()] == [None]


def test_strikes_that_stand_anyhow_count() -> None:
    rules = HouseDocument(step=5, least=5, bars=(bar(30, count=2),))
    stand = [TriedStrike(StrikeKind.MISUSE, after(n), after(n + 365), ME, MY_FIRM) for n in (1, 2)]
    barring = Barring(rules, ZONE, stand)
    assert not barring.against(ME, after(1.5))
    assert barring.against(ME, after(2.5)) and not barring.against(PEOPLE[1], after(2.5))
    assert len(barring.bars()) == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 15), st.integers(0, 1), st.booleans()), max_size=10
    ),
    st.integers(1, 3),
    st.integers(1, 25),
    st.integers(0, 25),
    st.lists(st.integers(1, 12), min_size=1, max_size=3),
)
def test_who_is_barred_is_what_a_walk_through_the_days_shows(
    made: list[tuple[int, int, int, bool]], count: int, expires: int, within: int, ladder: list[int]
) -> None:
    # Asked at noon of a day for some days later, missed in the evening of that day; one look at each day.
    rules = HouseDocument(
        step=5, least=5, horizon_days=60, strike_no_show=True, strike_days=expires,
        bars=(bar(*ladder, count=count, within=within),),
    )  # fmt: skip
    orders = [
        missed(asked + 0.5 + n / 1000, asked + ahead + 0.75 - 1 / 24, person, misses)
        for n, (asked, ahead, person, misses) in enumerate(made)
    ]
    strikes: dict[int, list[int]] = {0: [], 1: []}
    barred: dict[int, list[tuple[int, int]]] = {0: [], 1: []}
    stood: list[tuple[int, int]] = []
    expected: dict[int, bool] = {}
    for today in range(80):
        for n, (asked, ahead, person, misses) in enumerate(made):
            if asked == today:
                # A bar of the evening of a day holds until the evening: at noon of its last day too.
                expected[n] = any(since < today <= until for since, until in barred[person])
                if not expected[n] and misses:
                    stood.append((today + ahead, person))
        for person in (0, 1):
            for _one in range(stood.count((today, person))):
                strikes[person].append(today)
                counting = [
                    d for d in strikes[person] if today - d < expires and (not within or today - d < within)
                ]
                if len(counting) >= count:
                    length = ladder[min(len(counting) - count, len(ladder) - 1)]
                    barred[person].append((today, today + length))
    barring = Barring(rules, ZONE)
    tried = {one.order.key: one for one in replay(orders, rules, ZONE, days, (), barring)}
    for n, one in enumerate(orders):
        assert bool(tried[one.key].reasons) == expected[n]
    found = sorted((PEOPLE.index(one.person_id), one.bar.since, one.bar.until) for one in barring.bars())
    assert found == sorted(
        (person, after(since + 0.75), after(until + 0.75))
        for person in (0, 1)
        for since, until in barred[person]
    )
