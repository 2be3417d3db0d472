"""Public holidays and make-up workdays that leave bookings outside the hours: shown before, noted, told, settled."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import (
    DatedException,
    DayKind,
    ExceptionKind,
    OnHolidays,
    SpecialDay,
)
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import HitsUndecided
from resource_hub.domain.booking.terms import BookingState, Fate, Verdict
from resource_hub.domain.notices import service as notices
from resource_hub.infra import outbox
from resource_hub.infra.database import db
from tests.builders.accounts import actor, make_actor, make_institution, make_person, make_platform
from tests.builders.availability import make_weekly, span
from tests.builders.booking import Scene, make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing
from tests.integration.booking.test_linked import Linked, linked

TUESDAY, SATURDAY = date(2026, 3, 3), date(2026, 3, 7)
HOLIDAY = SpecialDay(TUESDAY, DayKind.HOLIDAY, "校庆", "Anniversary")
MAKE_UP = SpecialDay(SATURDAY, DayKind.WORKDAY, "补班", "Make-up", stands_for=date(2026, 3, 4))
ORDINARY = SpecialDay(TUESDAY, DayKind.ORDINARY)
MORNING = span("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")
WHY = "放假"


@pytest.fixture
def staff(now: Any) -> Actor:
    platform = make_platform()
    return actor(make_person(roles=[(platform, Role.PLATFORM_STAFF)]), platform)


def enter(staff: Actor, *days: SpecialDay) -> None:
    availability.enter_days("CN", days, by=staff)
    outbox.deliver_due()
    db.session.remove()


def waiting(scene: Scene) -> dict[Any, int]:
    return dict(service.outside_hours(scene.manager))


def told(scene: Scene) -> list[str]:
    return [n.kind for n in notices.inbox(scene.manager_person.id) if n.kind == "booking.outside_hours"]


def test_each_host_is_counted_before_and_told_after(staff: Actor) -> None:
    one, other, spared = (
        make_scene(units=2),
        make_scene(units=1),
        make_scene(weekly=make_weekly(on_holidays=OnHolidays.OPEN)),
    )
    booked = make_booking(one)
    make_booking(one, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00"))
    make_booking(other)
    make_booking(spared)
    assert service.preview_days("CN", [HOLIDAY]) == {one.host.id: 1, other.host.id: 1}
    assert waiting(one) == {}
    enter(staff, HOLIDAY)
    assert waiting(one) == {one.key: 1} and waiting(other) == {other.key: 1} and waiting(spared) == {}
    assert (told(one), told(spared)) == (["booking.outside_hours"], [])
    [found] = service.preview_outside(one.key, by=one.manager)
    assert found.record is not None and found.record.key == booked.key
    assert found.fates == (Fate.STAYS, Fate.MOVES, Fate.CANCELLED)
    assert [reason.code for reason in found.reasons] == ["availability.closed_holiday"]
    # Entered again under another name it hits nobody anew.
    enter(staff, SpecialDay(TUESDAY, DayKind.HOLIDAY, "校庆日"))
    assert waiting(one) == {one.key: 1} and len(told(one)) == 1


@pytest.mark.parametrize("jurisdiction", ["CN-JS", "320500"])
def test_days_of_the_country_hold_in_its_regions(staff: Actor, jurisdiction: str) -> None:
    host = make_institution(jurisdiction=jurisdiction)
    key = make_listing(host).key
    availability.save_hours(key, make_weekly(), TUESDAY, by=make_actor(host, Role.MANAGER))
    enter(staff, HOLIDAY)
    reasons = availability.may_occupy(key, None, MORNING, outside=True)
    assert [reason.code for reason in reasons] == ["availability.closed_holiday"]


@pytest.mark.parametrize("fate", list(Fate))
def test_the_host_settles_its_own(staff: Actor, fate: Fate) -> None:
    scene = make_scene()
    booked = make_booking(scene)
    enter(staff, HOLIDAY)
    with pytest.raises(HitsUndecided):
        service.settle_outside(scene.key, by=scene.manager, verdicts={})
    [found] = service.preview_outside(scene.key, by=scene.manager)
    verdict = Verdict(fate, found.times[0].span if fate is Fate.MOVES else None, booked.version)
    assert (
        service.settle_outside(scene.key, by=scene.manager, verdicts={booked.key.id: verdict}, reason=WHY)
        == 1
    )
    db.session.remove()
    after = service.booking(booked.key)
    assert after.state is (BookingState.CANCELLED if fate is Fate.CANCELLED else BookingState.APPROVED)
    assert (after.span == booked.span) is (fate is not Fate.MOVES)
    assert waiting(scene) == {} and service.preview_outside(scene.key, by=scene.manager) == ()


def test_who_moves_or_cancels_by_itself_need_not_be_settled(staff: Actor) -> None:
    scene = make_scene(units=2)
    one, other = (
        make_booking(scene),
        make_booking(scene, asked=make_asked("2026-03-03T14:00+08:00", "2026-03-03T15:00+08:00")),
    )
    enter(staff, HOLIDAY)
    assert waiting(scene) == {scene.key: 2}
    service.change(one.key, span("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00"), by=scene.booker)
    service.cancel(other.key, by=scene.booker)
    db.session.remove()
    assert waiting(scene) == {}


def test_a_day_that_is_taken_back_asks_nothing_more(staff: Actor) -> None:
    scene = make_scene()
    make_booking(scene)
    enter(staff, HOLIDAY)
    availability.forget_day("CN", TUESDAY, by=staff)
    outbox.deliver_due()
    db.session.remove()
    assert waiting(scene) == {}


def test_a_make_up_workday_that_is_taken_back_leaves_bookings_outside(staff: Actor) -> None:
    scene = make_scene()
    enter(staff, MAKE_UP)
    make_booking(scene, asked=make_asked("2026-03-07T09:00+08:00", "2026-03-07T11:00+08:00"))
    assert service.preview_days("CN", [SpecialDay(SATURDAY, DayKind.ORDINARY)]) == {scene.host.id: 1}
    enter(staff, SpecialDay(SATURDAY, DayKind.ORDINARY))
    assert waiting(scene) == {scene.key: 1}


def test_only_who_looks_after_it_sees_and_settles(staff: Actor) -> None:
    scene = make_scene(units=2)
    make_booking(scene)
    enter(staff, HOLIDAY)
    operator = actor(make_person(roles=[(scene.host, Role.OPERATOR)]), scene.host)
    assert not service.outside_hours(operator)
    with pytest.raises(availability.NotYourResource):
        service.preview_outside(scene.key, by=operator)


# ---- what is booked along ---------------------------------------------------------------------------------------


@pytest.fixture
def world(staff: Actor) -> Linked:
    """The instrument is open on holidays; the room that always comes along is not."""
    return linked(weekly=make_weekly(on_holidays=OnHolidays.OPEN))


@pytest.mark.parametrize("fate", list(Fate))
def test_a_room_that_closes_leaves_its_order_to_be_settled(staff: Actor, world: Linked, fate: Fate) -> None:
    scene = world.scene
    order = make_booking(scene)
    assert service.preview_days("CN", [HOLIDAY]) == {scene.host.id: 1}
    enter(staff, HOLIDAY)
    assert waiting(scene) == {world.room.key: 1}
    [found] = service.preview_outside(world.room.key, by=scene.manager)
    assert found.record is not None and found.record.key == order.key
    assert found.fates == (Fate.STAYS, Fate.MOVES, Fate.CANCELLED)
    verdict = Verdict(fate, found.times[0].span if fate is Fate.MOVES else None, order.version)
    chosen = {found.held.holder_id: verdict}
    assert service.settle_outside(world.room.key, by=scene.manager, verdicts=chosen, reason=WHY) == 1
    db.session.remove()
    after = service.booking(order.key)
    assert after.state is (BookingState.CANCELLED if fate is Fate.CANCELLED else BookingState.APPROVED)
    assert (after.span == order.span) is (fate is not Fate.MOVES)
    assert waiting(scene) == {}


def test_an_order_that_is_hit_with_its_room_is_settled_once(staff: Actor) -> None:
    world = linked()
    make_booking(world.scene)
    assert service.preview_days("CN", [HOLIDAY]) == {world.scene.host.id: 1}
    enter(staff, HOLIDAY)
    assert waiting(world.scene) == {world.key: 1}


def test_a_closure_of_a_room_moves_the_order(staff: Actor, world: Linked) -> None:
    order = make_booking(world.scene)
    closure = DatedException(ExceptionKind.CLOSURE, MORNING)
    [hit] = service.preview_exception(world.room.key, closure, by=world.scene.manager)
    assert hit.record is not None and hit.record.key == order.key and hit.times
    verdict = Verdict(Fate.MOVES, hit.times[0].span, order.version)
    chosen = {hit.held.holder_id: verdict}
    by = world.scene.manager
    assert service.publish_exception(world.room.key, closure, by=by, verdicts=chosen, reason=WHY) == 1
    db.session.remove()
    assert service.booking(order.key).span == hit.times[0].span
