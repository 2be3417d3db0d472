"""What is longer than anybody books is refused at once, and a long wish is told its faults in few words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from resource_hub.domain.availability.terms import OnHolidays
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import BookingRefused, InvalidOrder
from resource_hub.domain.booking.terms import BookingKind, BookingState
from resource_hub.infra import clock
from tests.builders.availability import make_weekly, moment
from tests.builders.booking import Scene, make_asked, make_booking, make_scene

ALWAYS = make_weekly(weekdays=range(7), starts=0, ends=1440, on_holidays=OnHolidays.OPEN)
START = moment("2026-03-03T00:00+08:00")


def until(end: datetime) -> dict[str, str]:
    return {"start": START.isoformat(), "end": end.isoformat()}


@pytest.fixture
def scene(now: datetime) -> Scene:
    return make_scene(weekly=ALWAYS)


def test_a_year_can_be_booked_and_a_minute_more_cannot(scene: Scene) -> None:
    year = START + timedelta(days=366)
    with pytest.raises(InvalidOrder) as caught:
        make_booking(scene, asked=make_asked(**until(year + timedelta(minutes=30))))
    assert [(r.code, r.place) for r in caught.value.reasons] == [("availability.span_too_long", "time")]
    assert make_booking(scene, asked=make_asked(**until(year))).state is BookingState.APPROVED


@pytest.mark.parametrize("kind", [BookingKind.WINDOW, BookingKind.SAMPLES, BookingKind.ACCESS])
def test_nobody_asks_for_a_century(scene: Scene, kind: BookingKind) -> None:
    asked = make_asked(**until(START + timedelta(days=36_525)), kind=kind, samples=1, description="x")
    for ask in (
        lambda: service.request(scene.key, asked, by=scene.booker),
        lambda: service.hold(scene.key, asked, by=scene.booker),
        lambda: service.prepare(scene.key, asked, by=None, now=clock.now()),
    ):
        with pytest.raises(InvalidOrder) as caught:
            ask()
        assert [r.code for r in caught.value.reasons] == ["availability.span_too_long"]


def test_a_booking_is_not_extended_beyond_a_year(scene: Scene) -> None:
    made = make_booking(scene, asked=make_asked(**until(START + timedelta(days=1))))
    with pytest.raises(InvalidOrder):
        service.change(made.key, made.span.__class__(START, START + timedelta(days=400)), by=scene.booker)  # type: ignore[union-attr]


def test_the_faults_of_a_long_wish_are_few(now: datetime) -> None:
    """Closed every night, holidays among them, and a quota of each day overstepped on each of them."""
    quota = {"per": "person", "measure": "minutes", "limit": 60, "period": "day"}
    scene = make_scene(rules={"quotas": [quota]})
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=make_asked(**until(START + timedelta(days=366))))
    codes = [reason.code for reason in caught.value.reasons]
    assert len(codes) <= 16, codes
    more = {r.code: r.values for r in caught.value.reasons if r.code.endswith("_more")}
    assert more["booking.quota_more"]["count"] == 366 - 5
    assert more["availability.closed_more"]["count"] > 0
