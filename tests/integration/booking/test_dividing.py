"""Splitting a booking and handing it over: ids that stay, rules that hold, the host asked where it wants to be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.availability.terms import DatedException, ExceptionKind
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    NotYours,
    SlotTaken,
    StaleBooking,
    WrongState,
)
from resource_hub.domain.booking.terms import BookingState, WaitingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from tests.builders.accounts import actor, make_actor, make_group, make_person
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.test_linked import linked

TEN = moment("2026-03-03T10:00+08:00")


def rows(table: Any) -> int:
    db.session.remove()
    return reading().scalar(select(func.count()).select_from(table)) or 0


def colleague(scene: Scene) -> Any:
    return make_person(roles=[(scene.firm, Role.BOOKER)])


# ---- splitting -------------------------------------------------------------------------------------------------


def test_a_split_makes_two_that_together_are_the_one(now: Any) -> None:
    scene = make_scene()
    made = make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T12:00+08:00"))
    first, second = service.split(made.key, TEN, by=scene.booker)
    assert (first.key, first.number, first.ical_uid) == (made.key, made.number, made.ical_uid)
    assert first.ical_sequence > made.ical_sequence
    assert first.span == span("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00")
    assert second.span == span("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00")
    assert (second.unit_id, second.customer_id, second.person_id) == (
        made.unit_id,
        made.customer_id,
        made.person_id,
    )
    assert len({second.number, second.ical_uid, first.number, first.ical_uid}) == 4
    assert rows(Occupancy) == 2
    sums = service.sums_of([first, second])
    assert sums[first.key].to_pay.minor + sums[second.key].to_pay.minor == 90000
    assert [e.kind for e in service.detail(second.key, scene.booker).events][-1] == "split_from"


@pytest.mark.parametrize("at", ["2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00", "2026-03-03T12:00+08:00"])
def test_a_split_lies_inside(now: Any, at: str) -> None:
    scene = make_scene()
    made = make_booking(scene)
    with pytest.raises(InvalidOrder):
        service.split(made.key, moment(at), by=scene.booker)
    assert service.booking(made.key).version == made.version


def test_halves_that_the_rules_do_not_allow_are_refused_and_nothing_changes(now: Any) -> None:
    scene = make_scene(rules={"least": 90})
    made = make_booking(scene)
    with pytest.raises(BookingRefused) as refused:
        service.split(made.key, TEN, by=scene.booker)
    assert "booking.too_short" in [r.code for r in refused.value.reasons]
    db.session.remove()
    assert service.booking(made.key).span == made.span


def test_a_quota_of_bookings_counts_both_halves(now: Any) -> None:
    scene = make_scene(
        rules={"quotas": [{"per": "person", "period": "day", "measure": "bookings", "limit": 1}]}
    )
    made = make_booking(scene)
    with pytest.raises(BookingRefused):
        service.split(made.key, TEN, by=scene.booker)


def test_set_up_between_the_halves_leaves_no_room(now: Any) -> None:
    scene = make_scene(rules={"setup": 15})
    made = make_booking(scene)
    with pytest.raises(SlotTaken):
        service.split(made.key, TEN, by=scene.booker)
    db.session.remove()
    assert service.booking(made.key).span == made.span and rows(Occupancy) == 1


def test_lead_is_not_asked_again_and_who_waits_gets_nothing_of_it(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene(rules={"lead": {"all": 24 * 60}})
        made = make_booking(scene)
        one = service.join_line(
            scene.key, make_asked(), moment("2026-03-03T09:00+08:00"), moment("2026-03-03T11:00+08:00"), 3600,
            by=another_booker()[2],
        )  # fmt: skip
    with clock.fixed(moment("2026-03-02T12:00+08:00")):
        _, second = service.split(made.key, TEN, by=scene.booker)
        assert second.state is BookingState.APPROVED
        assert service.waits_at(scene.manager)[0].key == one.key
        assert service.waits_at(scene.manager)[0].state is WaitingState.WAITING


def test_less_of_what_was_approved_needs_no_new_yes(now: Any) -> None:
    scene = make_scene(rules={"approval": "always"})
    made = service.approve(make_booking(scene).key, by=scene.manager)
    shorter = span("2026-03-03T09:00+08:00", "2026-03-03T10:30+08:00")
    assert not service.change_preview(made.key, shorter, by=scene.booker).needs_answer
    less = service.change(made.key, shorter, by=scene.booker)
    assert (less.state, less.span) == (BookingState.APPROVED, shorter)
    first, second = service.split(made.key, TEN, by=scene.booker)
    assert first.state is second.state is BookingState.APPROVED
    more = service.change(
        second.key, span("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00"), by=scene.booker
    )
    assert more.state is BookingState.REQUESTED


def test_halves_of_a_request_wait_both(now: Any) -> None:
    scene = make_scene(rules={"approval": "always"})
    for by in (scene.booker, scene.manager):
        made = make_booking(scene)
        halves = service.split(made.key, TEN, by=by)
        assert {one.state for one in halves} == {BookingState.REQUESTED}
        for one in halves:
            service.reject(one.key, by=scene.manager, reason="检定")


def test_who_is_barred_gives_time_back_all_the_same(now: Any) -> None:
    bars = [{"kinds": ["misuse"], "count": 1, "within": 0, "ladder": [{"unit": "days", "count": 30}]}]
    scene = make_scene(rules={"least": 60, "bars": bars})
    made = make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T12:00+08:00"))
    misused = make_booking(scene, asked=make_asked("2026-03-05T09:00+08:00", "2026-03-05T11:00+08:00"))
    service.give_strike(misused.number, note="未关机", by=scene.manager)
    with pytest.raises(BookingRefused):
        service.change(made.key, span("2026-03-03T09:00+08:00", "2026-03-03T13:00+08:00"), by=scene.booker)
    with pytest.raises(BookingRefused) as refused:
        service.change(made.key, span("2026-03-03T09:00+08:00", "2026-03-03T09:30+08:00"), by=scene.booker)
    assert [reason.code for reason in refused.value.reasons] == ["booking.too_short"]
    shorter = span("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")
    preview = service.change_preview(made.key, shorter, by=scene.booker)
    assert preview.free and preview.reasons == ()
    assert service.change(made.key, shorter, by=scene.booker).span == shorter
    assert len(service.split(made.key, TEN, by=scene.booker)) == 2


def test_time_is_given_back_though_the_hours_have_closed_since(now: Any) -> None:
    scene = make_scene(units=2)
    _first, second = catalogue.units(scene.key)
    made = make_booking(scene, asked=make_asked(unit_id=second.key.id))
    day = span("2026-03-03T00:00+08:00", "2026-03-04T00:00+08:00")
    closed = DatedException(ExceptionKind.CLOSURE, day, unit_id=second.key.id, reason_zh="检修")
    availability.add_exception(scene.key, closed, by=scene.manager)
    shorter = span("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00")
    assert service.change_preview(made.key, shorter, by=scene.booker).free
    less = service.change(made.key, shorter, by=scene.booker)
    assert (less.span, less.unit_id) == (shorter, second.key.id)


def test_what_has_begun_is_not_split(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene()
        made = make_booking(scene)
    with clock.fixed(moment("2026-03-03T09:00+08:00")), pytest.raises(WrongState):
        service.split(made.key, TEN, by=scene.booker)


# ---- handing over ----------------------------------------------------------------------------------------------


def test_to_a_colleague_with_the_same_id_and_price(now: Any) -> None:
    scene = make_scene()
    made = make_booking(scene)
    other = colleague(scene)
    done = service.hand_over(made.key, other.id, by=scene.booker, version=made.version)
    assert done.person_id == other.id
    assert (done.key, done.number, done.ical_uid, done.quote_id) == (
        made.key,
        made.number,
        made.ical_uid,
        made.quote_id,
    )
    assert done.ical_sequence == made.ical_sequence + 1 and done.state is BookingState.APPROVED
    with pytest.raises(StaleBooking):
        service.hand_over(made.key, scene.booker.person_id, by=scene.booker, version=made.version)


def test_not_to_a_stranger(now: Any) -> None:
    scene = make_scene()
    made = make_booking(scene)
    _firm, person, by = another_booker()
    with pytest.raises(InvalidOrder):
        service.hand_over(made.key, person.id, by=scene.booker)
    with pytest.raises(InvalidOrder) as to_be_taken:
        service.hand_over(made.key, person.id, customer_id=next(iter(by.customer_ids)), by=scene.booker)
    assert [r.code for r in to_be_taken.value.reasons] == ["booking.hand_over_to_be_taken"]


def test_the_quota_of_the_one_who_takes_it_holds(now: Any) -> None:
    quota = {"per": "person", "period": "future", "measure": "bookings", "limit": 1}
    scene = make_scene(rules={"quotas": [quota]})
    made = make_booking(scene)
    other = colleague(scene)
    make_booking(
        scene,
        by=actor(other, scene.firm),
        asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T10:00+08:00"),
    )
    with pytest.raises(BookingRefused) as refused:
        service.hand_over(made.key, other.id, by=scene.booker)
    assert [r.code for r in refused.value.reasons] == ["booking.quota_bookings_future"]


@pytest.mark.parametrize(("approval", "by_host", "state"), [
    ("never", False, "approved"), ("always", False, "requested"), ("always", True, "approved"),
])  # fmt: skip
def test_to_another_group_with_its_own_price_and_the_hosts_yes(
    now: Any, approval: str, by_host: bool, state: str
) -> None:
    scene = make_scene(rules={"approval": approval})
    leader = make_person(roles=[(scene.host, Role.BOOKER)])
    first, group = make_group(scene.host, leader=leader), make_group(scene.host, leader=make_person())
    mine = actor(leader, scene.host)
    made = make_booking(scene, by=mine, asked=make_asked(customer_id=first.id))
    if approval == "always":
        service.approve(made.key, by=scene.manager)
    by = scene.manager if by_host else mine
    assert group.leader_id is not None
    if not by_host:
        with pytest.raises(NotYours):
            service.hand_over(made.key, group.leader_id, customer_id=group.id, by=by)
        by = replace(by, customer_ids=by.customer_ids | {group.id})
    done = service.hand_over(made.key, group.leader_id, customer_id=group.id, by=by)
    assert (done.key, done.ical_uid, done.customer_id) == (made.key, made.ical_uid, group.id)
    assert done.state.value == state and done.span == made.span and done.quote_id != made.quote_id
    assert service.sums_of([done])[done.key].to_pay.minor == 30000  # in the house half the price
    assert rows(Occupancy) == 1


# ---- what both halves keep -------------------------------------------------------------------------------------


def test_no_half_is_without_what_came_along(now: Any) -> None:
    one = linked()
    made = make_booking(one.scene, asked=make_asked(helpers=frozenset({one.operator.key.id})))
    catalogue.save_links(one.key, {one.room.key.id: True}, by=make_actor(one.scene.host, Role.OFFICE))
    with pytest.raises(BookingRefused) as refused:
        service.split(made.key, TEN, by=one.scene.booker)
    assert [r.code for r in refused.value.reasons] == ["booking.split_helper_gone"]
    assert service.booking(made.key).span == made.span


def test_both_halves_of_what_the_host_moved_are_cancelled_for_nothing(now: Any) -> None:
    scene = make_scene()
    made = make_booking(scene, asked=make_asked("2026-03-09T09:00+08:00", "2026-03-09T11:00+08:00"))
    service.propose(made.key, span("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00"), by=scene.manager)
    halves = service.split(made.key, TEN, by=scene.booker)
    with clock.fixed(moment("2026-03-03T08:00+08:00")):
        assert all(service.cancel_preview(half.key, by=scene.booker).free for half in halves)
