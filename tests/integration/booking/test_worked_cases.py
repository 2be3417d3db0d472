"""Worked cases of booking rules that need a database; the table beside the examples names them."""

from __future__ import annotations

from datetime import datetime

import pytest

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import DatedException, ExceptionKind
from resource_hub.domain.booking.errors import SlotTaken
from tests.builders.availability import span
from tests.builders.booking import another_booker, make_asked, make_booking, make_scene


def test_one_minute_into_maintenance_on_either_side(now: datetime) -> None:
    scene = make_scene(rules={"step": 5, "least": 5})
    outage = DatedException(
        ExceptionKind.MAINTENANCE, span("2026-03-03T11:00+08:00", "2026-03-03T13:00+08:00")
    )
    availability.add_exception(scene.key, outage, by=scene.manager)
    for start, end in (("10:00", "11:05"), ("12:55", "14:00")):
        with pytest.raises(SlotTaken):
            make_booking(scene, asked=make_asked(f"2026-03-03T{start}+08:00", f"2026-03-03T{end}+08:00"))
    for start, end in (("10:00", "11:00"), ("13:00", "14:00")):
        make_booking(scene, asked=make_asked(f"2026-03-03T{start}+08:00", f"2026-03-03T{end}+08:00"))


def test_an_area_of_one_place_holds_one(now: datetime) -> None:
    scene = make_scene()
    make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00"))
    with pytest.raises(SlotTaken):
        make_booking(scene, asked=make_asked("2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00"))
    _, _, other = another_booker()
    with pytest.raises(SlotTaken):
        make_booking(scene, by=other, asked=make_asked("2026-03-03T12:00+08:00", "2026-03-03T13:00+08:00"))
