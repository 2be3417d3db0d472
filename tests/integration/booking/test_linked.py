"""A microscope, its preparation room and its operator: booked together all or nothing, and together through every step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.availability.terms import OccupancyKind
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import BookingRefused, NotYours, SlotTaken, WrongState
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import Act, BookingState, WaitingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.errors import ListingInvalid
from resource_hub.domain.catalogue.terms import ResourceKind, ResourceRecord
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db, reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.money import Money
from tests.builders.accounts import actor, make_actor, make_person
from tests.builders.availability import make_rules, make_weekly, moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing
from tests.integration.booking.test_answers import somebody
from tests.support.databases import Database
from tests.support.racing import race

ROOM = {"format": 1, "currency": "CNY", "hour": {"all": "50.00"}, "no_show": {"consequence": "booked"}}


@dataclass(frozen=True)
class Linked:
    scene: Scene
    room: ResourceRecord
    operator: ResourceRecord

    @property
    def key(self) -> Any:
        return self.scene.key


def helper(
    scene: Scene, name: str, kind: ResourceKind = ResourceKind.FACILITY, units: int = 1
) -> ResourceRecord:
    made = make_listing(
        scene.host, kind=kind, listed=False, units=units, name_zh=name, name_en=name, bookable=True
    )
    with unit_of_work() as unit:
        availability.set_hours_directly(unit, made.key, make_weekly(), make_rules())
        availability.rebuild(unit, [made.key], availability.kept_span())
    return made


def linked(**more: Any) -> Linked:
    """The room always comes along and costs 50 an hour; the operator where wished, for nothing."""
    scene = make_scene(**more)
    room, operator = helper(scene, "制样室"), helper(scene, "操作员")
    pricing.adopt(room.key, ROOM, date(2020, 1, 1))
    office = make_actor(scene.host, Role.OFFICE)
    catalogue.save_links(scene.key, {room.key.id: True, operator.key.id: False}, by=office)
    return Linked(scene, room, operator)


def under(order: Any) -> dict[str, Any]:
    db.session.remove()
    return {h.resource.name_zh: h for h in service.helpers_of(order.key)}


def rows(table: Any) -> int:
    db.session.remove()
    return reading().scalar(select(func.count()).select_from(table)) or 0


def occupied(resource: ResourceRecord, start: str, end: str) -> None:
    """Somebody else holds a helper."""
    with unit_of_work() as unit:
        availability.occupy(unit, resource.key, None, span(start, end), OccupancyKind.EXTERNAL, new_id())


def test_what_always_comes_along_is_booked_with_the_order(now: Any) -> None:
    world = linked()
    made = make_booking(world.scene)
    found = under(made)
    assert set(found) == {"制样室"}
    child = found["制样室"].record
    assert (child.span, child.state, child.parent_id) == (made.span, BookingState.APPROVED, made.key.id)
    assert child.customer_id == made.customer_id and child.ical_uid != made.ical_uid
    assert rows(Occupancy) == 2
    assert service.bookings_of(world.scene.booker) == [service.booking(made.key)]


def test_one_price_with_a_part_for_each(now: Any) -> None:
    world = linked()
    made = make_booking(world.scene)
    quote = under(made)["制样室"].quote
    assert quote is not None and quote.sums.to_pay.minor == 10000
    assert service.sums_of([made])[made.key].to_pay.minor == 60000 + 10000


def test_what_is_wished_for_comes_along(now: Any) -> None:
    world = linked()
    made = make_booking(world.scene, asked=make_asked(helpers=frozenset({world.operator.key.id, new_id()})))
    found = under(made)
    assert set(found) == {"制样室", "操作员"} and found["操作员"].quote is None
    assert rows(Occupancy) == 3


def test_all_or_nothing_and_the_refusal_names_the_one_in_the_way_with_times_that_fit_all(now: Any) -> None:
    world = linked()
    occupied(world.room, "2026-03-03T10:00+08:00", "2026-03-03T13:00+08:00")
    with pytest.raises(SlotTaken) as refused:
        make_booking(world.scene)
    assert [r.code for r in refused.value.reasons] == ["booking.helper_in_the_way", "availability.slot_taken"]
    assert refused.value.reasons[0].values["helper"]["zh"] == "制样室"
    assert rows(Booking) == 0 and rows(Occupancy) == 1
    others = refused.value.values["alternatives"]
    assert len(others) == 3
    room = span("2026-03-03T10:00+08:00", "2026-03-03T13:00+08:00")
    for one in others:
        wish = span(one["start"], one["end"])
        assert not wish.overlaps(room)
        assert make_booking(world.scene, asked=make_asked(one["start"], one["end"])).span == wish


def test_both_sides_of_the_border_of_a_helper(now: Any) -> None:
    world = linked()
    occupied(world.room, "2026-03-03T11:00+08:00", "2026-03-03T13:00+08:00")
    make_booking(world.scene)  # until 11:00
    with pytest.raises(SlotTaken):
        make_booking(world.scene, asked=make_asked("2026-03-03T12:30+08:00", "2026-03-03T14:00+08:00"))
    make_booking(world.scene, asked=make_asked("2026-03-03T13:00+08:00", "2026-03-03T14:00+08:00"))


def test_a_closed_helper_refuses_too(now: Any) -> None:
    world = linked(weekly=make_weekly(weekdays=range(7)))
    saturday = make_asked("2026-03-07T09:00+08:00", "2026-03-07T11:00+08:00")
    with pytest.raises(BookingRefused) as refused:
        make_booking(world.scene, asked=saturday)
    assert [r.code for r in refused.value.reasons] == ["booking.helper_in_the_way", "availability.closed_day"]


def test_a_move_takes_the_helpers_along_with_id_and_uid(now: Any) -> None:
    world = linked()
    made = make_booking(world.scene)
    before = under(made)["制样室"].record
    wish = span("2026-03-03T13:00+08:00", "2026-03-03T16:00+08:00")
    assert service.change_preview(made.key, wish, by=world.scene.booker).free
    service.change(made.key, wish, by=world.scene.booker)
    after = under(made)["制样室"]
    assert after.record.span == wish and after.quote is not None and after.quote.sums.to_pay.minor == 15000
    assert (after.record.key, after.record.number, after.record.ical_uid) == (
        before.key,
        before.number,
        before.ical_uid,
    )
    assert after.record.ical_sequence > before.ical_sequence
    assert rows(Occupancy) == 2


def test_a_move_that_a_helper_cannot_follow_moves_nothing(now: Any) -> None:
    world = linked()
    made = make_booking(world.scene)
    occupied(world.room, "2026-03-03T14:00+08:00", "2026-03-03T15:00+08:00")
    wish = span("2026-03-03T13:00+08:00", "2026-03-03T15:00+08:00")
    assert not service.change_preview(made.key, wish, by=world.scene.booker).free
    with pytest.raises(SlotTaken) as refused:
        service.change(made.key, wish, by=world.scene.booker)
    assert refused.value.reasons[0].code == "booking.helper_in_the_way"
    db.session.remove()
    assert service.booking(made.key).span == made.span
    assert under(made)["制样室"].record.span == made.span


@pytest.mark.parametrize(
    ("act", "state"), [("cancel", "cancelled"), ("reject", "rejected"), ("approve", "approved")]
)
def test_answers_and_cancellation_carry_the_helpers(now: Any, act: str, state: str) -> None:
    world = linked(rules={"approval": "always"})
    made = make_booking(world.scene)
    child = under(made)["制样室"].record
    assert child.state is BookingState.REQUESTED
    assert [r.key for r in service.requests(world.scene.manager)] == [made.key]
    assert service.waiting_count(world.scene.manager) == 1
    if act == "cancel":
        service.cancel(made.key, by=world.scene.booker)
    elif act == "reject":
        service.reject(made.key, by=world.scene.manager, reason="检定")
    else:
        service.approve(made.key, by=world.scene.manager)
    db.session.remove()
    assert service.booking(child.key).state.value == state
    assert rows(Occupancy) == (2 if act == "approve" else 0)


def test_a_request_that_lapses_takes_the_helpers_with_it(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        world = linked(rules={"approval": "always", "answer_hours": 1})
        made = make_booking(world.scene)
        child = under(made)["制样室"].record
    with clock.fixed(moment("2026-03-02T09:00+08:00")):
        assert service.lapse_due() == 1
        db.session.remove()
        assert service.booking(child.key).state is BookingState.EXPIRED and rows(Occupancy) == 0


def test_an_unanswered_request_gives_the_helpers_back_by_the_clock_and_an_approved_one_keeps_them(
    in_app: Any,
) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        world = linked(rules={"approval": "always", "answer_hours": 1})
        make_booking(world.scene)
        kept = make_booking(world.scene, asked=make_asked("2026-03-03T13:00+08:00", "2026-03-03T15:00+08:00"))
        service.approve(kept.key, by=world.scene.manager)
    with clock.fixed(moment("2026-03-02T09:00+08:00")):
        room, outside = world.room.key, True
        assert availability.free_units(
            room, span("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00"), outside=outside
        )
        after = span("2026-03-03T13:00+08:00", "2026-03-03T15:00+08:00")
        assert not availability.free_units(room, after, outside=outside)


def test_use_no_show_and_an_early_end_free_the_helpers(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        world = linked()
        used = make_booking(world.scene)
        missed = make_booking(
            world.scene, asked=make_asked("2026-03-03T13:00+08:00", "2026-03-03T15:00+08:00")
        )
    with clock.fixed(moment("2026-03-03T10:00+08:00")), unit_of_work() as unit:
        service.started(unit, used.key)
        service.finished(unit, used.key, moment("2026-03-03T10:00+08:00"))
    with clock.fixed(moment("2026-03-03T13:31+08:00")):
        with unit_of_work() as unit:
            service.missed(unit, missed.key)
        db.session.remove()
        assert under(used)["制样室"].record.state is BookingState.DONE
        assert under(missed)["制样室"].record.state is BookingState.NO_SHOW
        assert rows(Occupancy) == 2
        assert availability.free_units(
            world.room.key, span("2026-03-03T10:00+08:00", "2026-03-03T17:00+08:00")
        )


def test_a_helper_has_no_life_of_its_own(now: Any) -> None:
    world = linked()
    made = make_booking(world.scene)
    child = under(made)["制样室"].record
    for by in (world.scene.booker, world.scene.manager):
        with pytest.raises(WrongState) as refused:
            service.cancel(child.key, by=by, reason="x")
        assert refused.value.reasons[0].code == "booking.follows_its_order"
        with pytest.raises(WrongState):
            service.change(child.key, span("2026-03-03T13:00+08:00", "2026-03-03T15:00+08:00"), by=by)
    assert service.detail(child.key, world.scene.booker).acts == frozenset()
    assert Act.CANCEL in service.detail(made.key, world.scene.booker).acts


def test_a_hold_keeps_the_helpers_and_becomes_the_same_bookings(now: Any) -> None:
    world = linked()
    asked = make_asked(helpers=frozenset({world.operator.key.id}))
    held = service.hold(world.key, asked, by=world.scene.booker)
    before = {name: h.record.key for name, h in under(held).items()}
    assert set(before) == {"制样室", "操作员"} and rows(Occupancy) == 3
    booked = make_booking(
        world.scene, asked=make_asked(), hold_id=held.key.id
    )  # the operator is not needed after all
    assert booked.key == held.key
    after = {name: h.record for name, h in under(booked).items()}
    assert {n: r.key for n, r in after.items()} == {"制样室": before["制样室"]}
    assert after["制样室"].state is BookingState.APPROVED and rows(Occupancy) == 2


def test_a_series_takes_the_helpers_and_reports_the_day_on_which_one_is_in_the_way(now: Any) -> None:
    world = linked()
    occupied(world.room, "2026-03-10T10:00+08:00", "2026-03-10T11:00+08:00")
    rule = Recurrence(Frequency.WEEKLY, count=3)
    look = service.look_series(world.key, make_asked(), rule, by=world.scene.booker)
    assert [d.day.isoformat() for d in look.clashes] == ["2026-03-10"]
    assert look.clashes[0].reasons[0].code == "booking.helper_in_the_way"
    assert look.sums is not None and look.sums.to_pay.minor == 2 * 70000
    choices = {date(2026, 3, 10): service.Choice(skip=True)}
    service.create_series(world.key, make_asked(), rule, by=world.scene.booker, choices=choices)
    assert rows(Occupancy) == 1 + 4


def test_an_offer_from_the_waiting_list_keeps_the_helpers(now: Any) -> None:
    world = linked()
    made = make_booking(world.scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00"))
    _, _, by = another_booker()
    one = service.join_line(
        world.key,
        make_asked(),
        moment("2026-03-03T09:00+08:00"),
        moment("2026-03-03T17:00+08:00"),
        7200,
        by=by,
    )
    service.cancel(made.key, by=world.scene.booker)
    db.session.remove()
    offered = service.entry_for(one.key, by)
    assert offered.state is WaitingState.OFFERED and rows(Occupancy) == 2
    booked = service.accept_offer(one.key, by=by)
    assert under(booked)["制样室"].record.state is BookingState.APPROVED and rows(Occupancy) == 2


@pytest.mark.parametrize("no", ["decline_offer", "leave_line"])
def test_an_offer_that_is_not_wanted_gives_the_helpers_back_at_once(now: Any, no: str) -> None:
    world = linked()
    made = make_booking(world.scene)
    _, _, other = another_booker()
    hours = (moment("2026-03-03T09:00+08:00"), moment("2026-03-03T11:00+08:00"))
    one = service.join_line(world.key, make_asked(), *hours, 7200, by=other)
    service.cancel(made.key, by=world.scene.booker)
    assert rows(Occupancy) == 2  # the instrument and its room are kept
    getattr(service, no)(one.key, by=other)
    assert rows(Occupancy) == 0
    states = reading().scalars(select(Booking.state).where(Booking.id != made.key.id))
    assert set(states) == {"cancelled"}


def test_an_offer_keeps_nothing_where_a_helper_is_taken(now: Any) -> None:
    world = linked()
    occupied(world.room, "2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00")
    occupied(world.room, "2026-03-03T12:30+08:00", "2026-03-03T16:30+08:00")
    day = moment("2026-03-03T09:00+08:00"), moment("2026-03-03T17:00+08:00")
    _, _, by = another_booker()
    one = service.join_line(world.key, make_asked(), *day, 7200, by=by)
    assert service.entry_for(one.key, by).state is WaitingState.WAITING
    assert rows(Occupancy) == 2, "the room twice, and nothing of the instrument"
    assert rows(Booking) == 0
    short = service.join_line(world.key, make_asked(), *day, 5400, by=by)
    offered = service.entry_for(short.key, by)
    assert offered.state is WaitingState.OFFERED and rows(Occupancy) == 4
    booked = service.accept_offer(short.key, by=by)
    assert booked.span == span("2026-03-03T11:00+08:00", "2026-03-03T12:30+08:00")


# ---- what the host says ----------------------------------------------------------------------------------------


def test_links_are_refused_where_they_cannot_be(now: Any) -> None:
    world = linked()
    office = make_actor(world.scene.host, Role.OFFICE)
    data = make_listing(
        world.scene.host, kind=ResourceKind.DATASET, public=False, class_code="", listed=False,
        details={"identifier": "10.1/x", "creator": "X", "publisher": "Y", "publication_year": "2024", "resource_type": "Dataset"},
    )  # fmt: skip
    for wanted, code in (
        ({world.key.id: True}, "catalogue.link_unfit"),
        ({new_id(): True}, "catalogue.link_unfit"),
        ({data.key.id: True}, "catalogue.link_unfit"),
    ):
        with pytest.raises(ListingInvalid) as refused:
            catalogue.save_links(world.key, wanted, by=office)
        assert code in [r.code for r in refused.value.reasons]
    with pytest.raises(ListingInvalid) as refused:
        catalogue.save_links(world.room.key, {world.operator.key.id: True}, by=office)
    assert [r.code for r in refused.value.reasons] == ["catalogue.link_chain"]
    assert [(link.helper_key, link.required) for link in catalogue.links_of([world.key])] == [
        (world.room.key, True), (world.operator.key, False),
    ]  # fmt: skip
    assert catalogue.save_links(world.key, {}, by=office) == []


# ---- eight at once ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.xdist_group("race")
def test_eight_instruments_want_one_operator_at_once(now: Any, database: Database, tmp_path: Path) -> None:
    world = linked()
    office = make_actor(world.scene.host, Role.OFFICE)
    payloads = []
    for _ in range(8):
        one = make_listing(world.scene.host)
        with unit_of_work() as unit:
            availability.set_hours_directly(unit, one.key, make_weekly(), make_rules())
            availability.rebuild(unit, [one.key], availability.kept_span())
        pricing.adopt(one.key, ROOM, date(2020, 1, 1))
        catalogue.save_links(one.key, {world.operator.key.id: True, world.room.key.id: True}, by=office)
        firm, person, _ = another_booker()
        payloads.append({"key": one.key, "person_id": person.id, "organisation_id": firm.id})
    found = race(database, tmp_path, now, "request", payloads)
    assert Counter(one[0] for one in found) == {"won": 1, "taken": 7}
    assert rows(Booking) == 3 and rows(Occupancy) == 3


def test_an_approvers_limit_counts_what_is_booked_along(now: datetime) -> None:
    steps = [{"who": "approver", "hours": 24}, {"who": "manager", "hours": 24}]
    there = linked(rules={"approval": "always", "steps": steps})
    person = make_person(roles=[(there.scene.host, Role.OPERATOR), (there.scene.host, Role.APPROVER)])
    approver = actor(person, there.scene.host)
    _booker, booker = somebody(there.scene, there.scene.host, Role.BOOKER)
    made = make_booking(there.scene, by=booker)
    outbox.deliver_due()
    total = service.sums_of([service.booking(made.key)])[made.key].to_pay
    short = replace(approver, approve_limit=total - Money.cny("0.01"))
    enough = replace(approver, approve_limit=total)
    for by, mine in ((short, False), (enough, True)):
        assert service.may_answer_now(made, by) is mine
        assert [one.mine for one in service.to_approve(by)] == [mine]
        assert bool(service.requests_waiting(by)) is mine
    with pytest.raises(NotYours):
        service.approve(made.key, by=short)
    service.approve(made.key, by=enough)
