"""What is said to be refused around a time is refused at each start of it; drawn at random against the rules."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from resource_hub.domain.availability.terms import HouseDocument, Quota, QuotaMeasure, QuotaPer, QuotaPeriod
from resource_hub.domain.booking.rules.check import check
from resource_hub.domain.booking.rules.refused import refused_around
from resource_hub.domain.booking.terms import BookingState, OwnTime
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import make_rules, moment
from tests.builders.booking import ME, MY_FIRM, make_facts

NOW = moment("2026-03-25T08:00+01:00")
STEP = timedelta(minutes=15)


def drawn(rng: random.Random) -> tuple[HouseDocument, Any]:
    start = NOW.replace(minute=0) + timedelta(hours=rng.randint(0, 24 * 12))
    length = timedelta(minutes=15 * rng.randint(1, 40))
    quotas = tuple(
        Quota(
            QuotaPer.PERSON,
            rng.choice(list(QuotaPeriod)),
            measure := rng.choice(list(QuotaMeasure)),
            rng.randint(1, 3) if measure is QuotaMeasure.BOOKINGS else 15 * rng.randint(1, 60),
        )
        for _ in range(rng.randint(0, 2))
    )
    own = []
    for _ in range(rng.randint(0, 5)):
        begins = NOW + timedelta(minutes=15 * rng.randint(0, 4 * 24 * 12))
        its = TimeSpan(begins, begins + timedelta(minutes=15 * rng.randint(1, 40)))
        own.append(OwnTime(its, BookingState.APPROVED, ME, MY_FIRM))
    rules = replace(
        make_rules(step=15, least=15, horizon_days=rng.randint(2, 12)),
        quotas=quotas,
        gap=rng.choice([0, 0, 60, 600]),
    )
    order = make_facts(span=TimeSpan(start, start + length), own=tuple(own), zone="Europe/Berlin")
    return rules, order


@pytest.mark.parametrize("seed", range(60))
def test_no_start_of_the_stretch_would_do(seed: int) -> None:
    rng = random.Random(seed)
    rules, order = drawn(rng)
    if not check(order, rules, NOW):
        return
    stretch = refused_around(order, rules, NOW)
    assert stretch.contains(order.span.start)
    length = order.span.end - order.span.start
    first: datetime = order.span.start - timedelta(days=16)
    starts = [start for n in range(32 * 96) if stretch.contains(start := first + n * STEP)]
    for start in {starts[0], starts[-1], *rng.choices(starts, k=40)}:
        other = replace(order, span=TimeSpan(start, start + length))
        assert any(reason.place == "time" for reason in check(other, rules, NOW)), start
