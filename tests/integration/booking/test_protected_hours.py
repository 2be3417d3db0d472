"""The report of protected hours on real bookings."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Audience, DatedException, ExceptionKind
from resource_hub.reports import protected_hours
from tests.builders.availability import make_weekly, span
from tests.builders.booking import Scene, make_booking, make_scene

HOUR = 3600


@pytest.fixture
def scene(now: datetime) -> Scene:
    return make_scene()


def test_promised_used_broken_and_free(scene: Scene) -> None:
    booked = make_booking(scene)
    assert booked.span is not None
    day = booked.span.start.astimezone().date()
    weekly = make_weekly() + make_weekly(
        weekdays=[day.weekday()], since=date(2026, 3, 2), audience=Audience.OUTSIDE
    )
    availability.save_hours(scene.key, weekly, date(2026, 3, 2), by=scene.manager)
    later = span("2026-03-30T00:00+08:00", "2026-04-05T00:00+08:00")
    availability.add_exception(scene.key, DatedException(ExceptionKind.CLOSURE, later), by=scene.manager)
    months = protected_hours.of_year(scene.key, 2026)
    march = months[2].use
    units = len(availability.plan(scene.key, later).units)
    assert months[0].use.promised == 0
    assert march.outside == booked.span.seconds
    assert march.closed in (0, 8 * HOUR * units)
    assert march.promised == march.outside + march.free + march.broken
    total = protected_hours.total(months)
    assert total.closed == 8 * HOUR * units
    assert total.promised == total.outside + total.free + total.broken


def test_a_year_without_protected_hours(scene: Scene) -> None:
    assert protected_hours.total(protected_hours.of_year(scene.key, 2026)).promised == 0
