"""A unit taken out of use, with what becomes of the bookings that it has."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from resource_hub.domain.availability.terms import ExceptionKind
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import HitsUndecided
from resource_hub.domain.booking.terms import BookingRecord, BookingState, Fate, Verdict
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import UnitRecord
from resource_hub.domain.usage import service as usage
from resource_hub.infra.database import db
from tests.builders.accounts import bearer
from tests.builders.availability import make_exception, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.support.databases import Database
from tests.support.racing import race

MORNING = ("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")
TUESDAY = span("2026-03-03T00:00+08:00", "2026-03-04T00:00+08:00")
WHY = "光源老化"


def retire(scene: Scene, unit: UnitRecord, **more: Any) -> int:
    return service.change_unit(
        unit.key, by=scene.manager, name_zh=unit.name_zh, name_en=unit.name_en, active=False, **more
    )


def on(scene: Scene, unit: UnitRecord, **more: Any) -> BookingRecord:
    return make_booking(scene, asked=make_asked(*MORNING, unit_id=unit.key.id), **more)


def again(record: BookingRecord) -> BookingRecord:
    db.session.remove()
    return service.booking(record.key)


def test_the_bookings_of_the_unit_are_shown_and_nothing_is_written(now: Any) -> None:
    scene = make_scene(units=2)
    first, second = catalogue.units(scene.key)
    hit = on(scene, first)
    on(scene, second, by=another_booker()[2])
    [found] = service.preview_unit_out(first.key, by=scene.manager)
    assert found.record is not None and found.record.key == hit.key
    assert [reason.code for reason in found.reasons] == ["availability.unit_out_of_use"]
    assert found.fates == (Fate.STAYS, Fate.MOVES, Fate.CANCELLED)
    assert {free.unit_id for free in found.times} == {second.key.id}
    with pytest.raises(HitsUndecided):
        retire(scene, first)
    assert catalogue.unit(first.key).active


def test_a_booking_moves_to_the_other_unit_and_keeps_its_time(now: Any) -> None:
    scene = make_scene(units=2)
    first, second = catalogue.units(scene.key)
    booked = on(scene, first)
    [found] = service.preview_unit_out(first.key, by=scene.manager)
    assert booked.span in [free.span for free in found.times]
    verdict = Verdict(Fate.MOVES, booked.span, booked.version)
    assert retire(scene, first, verdicts={booked.key.id: verdict}, reason=WHY) == 1
    moved = again(booked)
    assert (moved.unit_id, moved.span, moved.state) == (second.key.id, booked.span, BookingState.APPROVED)
    assert not catalogue.unit(first.key).active


def test_who_is_honoured_stays_and_is_not_asked_about_again(now: Any) -> None:
    scene = make_scene()
    [unit] = catalogue.units(scene.key)
    booked = on(scene, unit)
    [found] = service.preview_unit_out(unit.key, by=scene.manager)
    assert found.fates == (Fate.STAYS, Fate.CANCELLED)  # there is no other unit
    assert retire(scene, unit, verdicts={booked.key.id: Verdict(Fate.STAYS)}) == 1
    assert again(booked).state is BookingState.APPROVED
    assert retire(scene, unit) == 0
    # The calendar still shows it, and nothing else of the unit to be had.
    [lane] = service.calendar(scene.key, TUESDAY, scene.manager).lanes
    assert lane.unit_id == unit.key.id and lane.retired
    assert [s.holder_id for s in lane.stretches if s.holder_id] == [booked.key.id]
    assert not any(s.bookable for s in lane.stretches)
    # So does the board of that day.
    [place] = usage.day_board(scene.manager, date(2026, 3, 3)).lanes
    assert place.unit.key == unit.key and [item.booking.key.id for item in place.items] == [booked.key.id]
    assert usage.day_board(scene.manager, date(2026, 3, 4)).lanes == ()


def test_a_cancelled_one_is_told_why_and_costs_nothing(now: Any) -> None:
    scene = make_scene()
    [unit] = catalogue.units(scene.key)
    booked = on(scene, unit)
    retire(scene, unit, verdicts={booked.key.id: Verdict(Fate.CANCELLED)}, reason=WHY)
    gone = again(booked)
    assert (gone.state, gone.cancel_reason, gone.cancel_fee.minor) == (BookingState.CANCELLED, WHY, 0)


@pytest.mark.parametrize("kind", [ExceptionKind.CLOSURE, ExceptionKind.MAINTENANCE])
def test_a_booking_keeps_its_time_on_another_unit_while_its_own_is_closed(
    now: Any, kind: ExceptionKind
) -> None:
    scene = make_scene(units=2)
    first, second = catalogue.units(scene.key)
    booked = on(scene, first)
    closed = make_exception(kind, span=TUESDAY, unit_id=first.key.id)
    [found] = service.preview_exception(scene.key, closed, by=scene.manager)
    assert booked.span in [free.span for free in found.times]
    verdicts = {booked.key.id: Verdict(Fate.MOVES, booked.span)}
    service.publish_exception(scene.key, closed, by=scene.manager, verdicts=verdicts, reason=WHY)
    assert (again(booked).unit_id, again(booked).span) == (second.key.id, booked.span)


def out_of_use(scene: Scene, unit: UnitRecord, door: str) -> dict[str, Any]:
    """What takes a unit out of use, for a race: by a page or over the REST interface."""
    who = {
        "person_id": scene.manager.person_id,
        "organisation_id": scene.host.id,
        "key": scene.key,
    }
    if door == "page":
        return {"job": "retire", "unit": unit.key, "verdicts": {}, **who}
    return {
        "job": "send",
        "method": "PATCH",
        "path": f"/api/v1/resources/{scene.host.code}/{scene.resource.code}/units/{unit.key.id}",
        "json": {"active": False},
        "headers": {**bearer(scene.manager_person, scene.host), "If-Match": "*"},
        **who,
    }


@pytest.mark.slow
@pytest.mark.xdist_group("race")
@pytest.mark.parametrize("door", ["page", "api"])
def test_a_retirement_and_seven_who_book_the_unit(
    now: Any, database: Database, tmp_path: Path, door: str
) -> None:
    """Either the unit went first and nobody is on it, or somebody was first and it waits for a decision."""
    scene = make_scene()
    [unit] = catalogue.units(scene.key)
    payloads = [out_of_use(scene, unit, door)]
    for n in range(7):
        firm, person, _ = another_booker()
        asked = {"start": f"2026-03-03T{9 + n:02d}:00+08:00", "end": f"2026-03-03T{10 + n:02d}:00+08:00"}
        payloads.append(
            {"person_id": person.id, "organisation_id": firm.id, "key": scene.key, "asked": asked}
        )
    found = race(database, tmp_path, now, "request", payloads)
    fate = Counter(one[0] for one in found)
    db.session.remove()
    inside = [r for r in service.of_resources([scene.key], TUESDAY) if r.state is BookingState.APPROVED]
    if catalogue.unit(unit.key).active:
        assert fate["booking.hits_undecided"] == 1 and inside
    else:
        assert not inside and fate["won"] == 1
    assert fate["won"] == len(inside) + (not catalogue.unit(unit.key).active)
