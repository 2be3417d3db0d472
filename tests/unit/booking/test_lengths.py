"""The length that is offered instead of one that the rules do not allow."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking.rules.check import check
from resource_hub.domain.booking.rules.lengths import fitted
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import moment
from tests.builders.booking import make_facts

START = moment("2026-03-02T09:00+08:00")
NOW = moment("2026-03-01T09:00+08:00")
ZONE = "Asia/Shanghai"
minutes = st.integers(1, 60).map(lambda n: n * 5)


def lasting(length: int) -> TimeSpan:
    return TimeSpan(START, START + timedelta(minutes=length))


@pytest.mark.parametrize(
    ("asked", "step", "least", "most", "expected"),
    [
        (60, 30, 30, 0, 60),
        (70, 30, 30, 0, 90),
        (20, 30, 50, 0, 60),  # the shortest that is long enough and on the step
        (300, 30, 30, 130, 120),  # the longest that is short enough and on the step
        (60, 60, 30, 50, None),
    ],
)
def test_lengths(asked: int, step: int, least: int, most: int, expected: int | None) -> None:
    found = fitted(lasting(asked), HouseDocument(step=step, least=least, most=most), ZONE)
    assert found == (lasting(expected) if expected else None)


@given(asked=st.integers(1, 400), step=minutes, least=minutes, most=st.one_of(st.just(0), minutes))
def test_what_is_offered_is_allowed_and_nearest(asked: int, step: int, least: int, most: int) -> None:
    rules = HouseDocument(step=step, least=least, most=most)

    def allowed(length: int) -> bool:
        facts = make_facts(span=lasting(length))
        codes = {reason.code for reason in check(facts, rules, NOW)}
        return not codes & {"booking.too_short", "booking.too_long", "booking.length_step"}

    lengths = [length for length in range(5, 901, 5) if allowed(length)]
    found = fitted(lasting(asked), rules, ZONE)
    longer = [length for length in lengths if length >= asked]
    expected = longer[0] if longer else lengths[-1] if lengths else None
    assert found == (lasting(expected) if expected else None)
