"""The waiting list: offers to the first in line, the next when one lapses, alerts of freed time (U3), waived fees."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.availability.terms import DatedException, ExceptionKind, HouseDocument
from resource_hub.domain.billing import service as billing
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    NoSuchBooking,
    SlotTaken,
    WrongState,
)
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.rules.waiting import offered_until
from resource_hub.domain.booking.tables import Booking, BookingSeries, WaitingEntry
from resource_hub.domain.booking.terms import BookingState, Fate, Scope, Verdict, WaitingKind, WaitingState
from resource_hub.domain.notices.tables import Notice
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db, reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.availability import make_weekly, moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.support.databases import Database
from tests.support.racing import race

DAY = ("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00")
WHOLE_DAY = make_asked(*DAY)


def waits(
    scene: Scene,
    by: Actor,
    start: str = DAY[0],
    end: str = DAY[1],
    hours: int = 2,
    kind: WaitingKind = WaitingKind.QUEUE,
    unit: UUID | None = None,
) -> service.WaitingRecord:
    return service.join_line(
        scene.key, make_asked(unit_id=unit), moment(start), moment(end), hours * 3600, by=by, kind=kind
    )


def state(one: service.WaitingRecord) -> WaitingState:
    db.session.remove()
    found = reading().scalar(select(WaitingEntry.state).where(WaitingEntry.id == one.key.id))
    return WaitingState(found)


def hold_of(one: service.WaitingRecord) -> Any:
    db.session.remove()
    row = reading().scalars(select(WaitingEntry).where(WaitingEntry.id == one.key.id)).one()
    return service.records([type(one.key)(row.institution_id, row.booking_id)]).popitem()[1]


def rows(table: Any, *where: Any) -> int:
    db.session.remove()
    return reading().scalar(select(func.count()).select_from(table).where(*where)) or 0


def told(kind: str) -> list[Any]:
    """Who was told of something, after the outbox was emptied."""
    while outbox.deliver_due():
        pass
    db.session.remove()
    return list(reading().scalars(select(Notice.person_id).where(Notice.kind == kind)))


@pytest.fixture
def full(now: Any) -> Scene:
    """A day that one booking fills."""
    scene = make_scene()
    make_booking(scene, asked=WHOLE_DAY)
    return scene


def cancel_all(scene: Scene) -> None:
    for record in service.bookings_of(scene.booker, states=[BookingState.APPROVED]):
        service.cancel(record.key, by=scene.booker)


# ---- standing in line ------------------------------------------------------------------------------------------


def test_who_waits_gets_freed_time_in_the_unit_that_frees_it(full: Scene) -> None:
    _, person, first = another_booker()
    _, _, second = another_booker()
    one, two = waits(full, first), waits(full, second, hours=7)
    assert (state(one), state(two)) == (WaitingState.WAITING, WaitingState.WAITING)
    assert service.ahead_of([two]).get(two.key, 0) == 1
    cancel_all(full)
    assert (state(one), state(two)) == (WaitingState.OFFERED, WaitingState.WAITING)
    held = hold_of(one)
    assert held.state is BookingState.HELD and held.customer_id in first.customer_ids
    assert held.span == span("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")
    assert told("booking.offered") == [person.id]


def test_everybody_for_whom_there_is_room_is_offered_something(full: Scene) -> None:
    people = [another_booker()[2] for _ in range(5)]
    entries = [waits(full, by) for by in people]
    cancel_all(full)
    assert [state(one).value for one in entries] == ["offered"] * 4 + ["waiting"]
    assert rows(Occupancy) == 4


def test_an_offer_is_taken_with_the_same_id_and_by_its_own_person_only(full: Scene) -> None:
    _, _, first = another_booker()
    one = waits(full, first)
    cancel_all(full)
    held = hold_of(one)
    with pytest.raises(NoSuchBooking):
        service.accept_offer(one.key, by=full.booker)
    booked = service.accept_offer(one.key, by=first)
    assert (booked.key, booked.number, booked.ical_uid) == (held.key, held.number, held.ical_uid)
    assert booked.state is BookingState.APPROVED and booked.quote_id is not None
    assert state(one) is WaitingState.BOOKED
    with pytest.raises(WrongState):
        service.accept_offer(one.key, by=first)


def test_an_offer_that_lapses_goes_to_the_next(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene()
        make_booking(scene, asked=WHOLE_DAY)
        _, person, first = another_booker()
        _, _, second = another_booker()
        one, two = waits(scene, first, hours=8), waits(scene, second, hours=8)
        cancel_all(scene)
        assert (state(one), state(two)) == (WaitingState.OFFERED, WaitingState.WAITING)
    with clock.fixed(moment("2026-03-02T10:00+08:00")):  # exactly two hours later
        with pytest.raises(WrongState):
            service.accept_offer(one.key, by=first)
        service.lapse_due()
        assert (state(one), state(two)) == (WaitingState.MISSED, WaitingState.OFFERED)
        assert told("booking.offer_missed") == [person.id]
        assert service.accept_offer(two.key, by=second).state is BookingState.APPROVED


def test_one_second_before_it_lapses_an_offer_can_be_taken(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene()
        make_booking(scene, asked=WHOLE_DAY)
        _, _, first = another_booker()
        one = waits(scene, first)
        cancel_all(scene)
    with clock.fixed(moment("2026-03-02T10:00+08:00") - timedelta(seconds=1)):
        assert service.accept_offer(one.key, by=first).state is BookingState.APPROVED


def test_what_is_not_wanted_goes_to_the_next_at_once(full: Scene) -> None:
    _, _, first = another_booker()
    _, _, second = another_booker()
    one, two = waits(full, first, hours=8), waits(full, second, hours=8)
    cancel_all(full)
    service.leave_line(one.key, by=first)
    assert (state(one), state(two)) == (WaitingState.LEFT, WaitingState.OFFERED)
    with pytest.raises(WrongState):
        service.leave_line(one.key, by=first)


def test_nobody_slips_in_while_it_is_offered(full: Scene) -> None:
    _, _, first = another_booker()
    _, _, second = another_booker()
    waits(full, first, hours=8)
    cancel_all(full)
    with pytest.raises(SlotTaken):
        make_booking(full, by=second)


@pytest.mark.parametrize(
    ("start", "end", "hours", "offered"),
    [
        ("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00", 2, True),
        ("2026-03-03T15:00+08:00", "2026-03-03T17:00+08:00", 2, True),
        ("2026-03-03T16:00+08:00", "2026-03-03T18:00+08:00", 2, False),  # the house closes at 17:00
        ("2026-03-03T16:00+08:00", "2026-03-03T20:00+08:00", 1, True),
        ("2026-03-03T17:00+08:00", "2026-03-03T20:00+08:00", 1, False),
    ],
)
def test_both_sides_of_every_border_of_a_wish(
    full: Scene, start: str, end: str, hours: int, offered: bool
) -> None:
    _, _, first = another_booker()
    one = waits(full, first, start, end, hours)
    cancel_all(full)
    assert (state(one) is WaitingState.OFFERED) is offered


def test_who_waits_for_what_is_free_is_offered_it_at_once(now: Any) -> None:
    scene = make_scene()
    assert waits(scene, scene.booker).state is WaitingState.OFFERED


def test_the_rules_hold_for_offers_too(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        quota = {"per": "person", "period": "future", "measure": "bookings", "limit": 1}
        scene = make_scene(rules={"quotas": [quota]})
        make_booking(scene, asked=WHOLE_DAY)
        _, _, first = another_booker()
        make_booking(scene, by=first, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T10:00+08:00"))
        one = waits(scene, first)
        cancel_all(scene)
        assert state(one) is WaitingState.WAITING


def test_time_freed_by_a_move_a_cut_and_a_refusal_is_offered(now: Any) -> None:
    scene = make_scene(rules={"approval": "always"})
    made = make_booking(scene, asked=WHOLE_DAY)
    _, _, first = another_booker()
    one = waits(scene, first)
    service.change(made.key, span("2026-03-03T11:00+08:00", "2026-03-03T17:00+08:00"), by=scene.booker)
    assert state(one) is WaitingState.OFFERED
    two = waits(scene, another_booker()[2], hours=6)
    service.reject(made.key, by=scene.manager, reason="维修")
    assert state(two) is WaitingState.OFFERED


def test_a_series_that_moves_is_not_robbed_on_the_way(now: Any) -> None:
    scene = make_scene()
    asked = make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00")
    series = service.create_series(scene.key, asked, Recurrence(Frequency.DAILY, count=3), by=scene.booker)
    _, _, first = another_booker()
    one = waits(scene, first, "2026-03-03T09:00+08:00", "2026-03-06T17:00+08:00", 8)
    assert one.state is WaitingState.OFFERED  # Friday was free
    service.leave_line(one.key, by=first)
    two = waits(scene, first, "2026-03-03T09:00+08:00", "2026-03-05T17:00+08:00", 8)
    first_day = service.series_days(series.key)[0].booking
    assert first_day is not None
    service.change_series(
        series.key, first_day.key.id, span("2026-03-04T09:00+08:00", "2026-03-04T17:00+08:00"), Scope.ALL,
        by=scene.booker,
    )  # fmt: skip
    assert state(two) is WaitingState.OFFERED
    assert hold_of(two).span == span(*DAY)


def test_longer_hours_are_found_by_the_job_and_past_wishes_end(in_app: Any) -> None:

    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene(weekly=())
        one, two = waits(scene, scene.booker), waits(scene, scene.booker, "2026-03-02T09:00+08:00")
        assert service.offer_due() is None and state(one) is WaitingState.WAITING
    with clock.fixed(moment("2026-03-03T08:00+08:00")):
        with unit_of_work() as unit:
            availability.set_hours_directly(unit, scene.key, make_weekly(), None)
            availability.rebuild(unit, [scene.key], availability.kept_span())
        service.offer_due()
        assert (state(one), state(two)) == (WaitingState.OFFERED, WaitingState.OFFERED)
        three = waits(scene, scene.booker, hours=8)
    with clock.fixed(moment("2026-03-03T17:00+08:00")):
        assert service.close_past() == 1 and state(three) is WaitingState.OVER
        assert service.close_past() == 0


@pytest.mark.parametrize(
    ("start", "end", "hours", "code"),
    [
        ("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00", 2, "booking.waiting_too_narrow"),
        ("2026-03-03T09:00+08:00", "2026-03-03T08:00+08:00", 2, "booking.waiting_too_narrow"),
        ("2026-03-01T09:00+08:00", "2026-03-02T08:00+08:00", 2, "booking.in_past"),
        ("2026-03-02T08:00+08:00", "2026-04-01T08:30+08:00", 2, "booking.waiting_too_wide"),
        ("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00", 0, "booking.too_short"),
    ],
)
def test_wishes_that_cannot_be(now: Any, start: str, end: str, hours: int, code: str) -> None:
    scene = make_scene()
    with pytest.raises(InvalidOrder) as refused:
        waits(scene, scene.booker, start, end, hours)
    assert code in [r.code for r in refused.value.reasons]


def test_rules_about_other_things_are_told_at_once(now: Any) -> None:
    scene = make_scene(rules={"hazard": True})
    with pytest.raises(BookingRefused) as refused:
        waits(scene, scene.booker)
    assert [r.code for r in refused.value.reasons] == ["booking.hazard_missing"]


def test_waiting_twice_for_the_same_keeps_one_place(full: Scene) -> None:
    _, _, first = another_booker()
    assert waits(full, first).key == waits(full, first).key
    assert rows(WaitingEntry) == 1


def test_the_host_sees_who_waits_and_strangers_do_not(full: Scene) -> None:
    _, _, first = another_booker()
    one = waits(full, first)
    assert [w.key for w in service.waits_at(full.manager)] == [one.key]
    assert service.waits_at(first) == [] and service.waits_of(full.booker) == []
    assert [w.key for w in service.waits_of(first)] == [one.key]


@pytest.mark.parametrize(
    ("offer", "minutes", "kept"),
    [
        (120, 1, None), (120, 9, None), (120, 10, 5), (120, 60, 30), (120, 240, 120), (120, 10_000, 120),
        (45, 89, 44.5), (45, 90, 45), (45, 91, 45), (5, 9, None), (5, 10, 5), (1440, 2880, 1440), (1440, 2878, 1439),
    ],
)  # fmt: skip
def test_how_long_an_offer_is_kept(offer: int, minutes: int, kept: float | None) -> None:
    now = datetime.fromisoformat("2026-03-02T00:00+00:00")
    found = offered_until(now, now + timedelta(minutes=minutes), HouseDocument(offer=offer))
    assert found == (now + timedelta(minutes=kept) if kept else None)


def test_the_house_says_how_long_freed_time_is_kept(now: Any) -> None:
    scene = make_scene(rules={"offer": 30})
    made = make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00"))
    by = another_booker()[2]
    one = waits(scene, by, hours=8)
    service.cancel(made.key, by=scene.booker)
    until = now + timedelta(minutes=30)
    assert service.entry_for(one.key, by).offered_until == until
    with clock.fixed(until), pytest.raises(WrongState):
        service.accept_offer(one.key, by=by)
    with clock.fixed(until - timedelta(seconds=1)):
        assert service.accept_offer(one.key, by=by).state is BookingState.APPROVED


@pytest.fixture
def pair(now: Any) -> tuple[Scene, list[Any]]:
    """Two units that are booked all day, and the bookings, by unit."""
    scene = make_scene(units=2)
    return scene, sorted(
        (make_booking(scene, asked=WHOLE_DAY) for _ in range(2)), key=lambda one: one.unit_id
    )


@pytest.mark.parametrize("wanted", [0, 1])
def test_who_waits_for_a_unit_is_offered_that_one_only(pair: tuple[Scene, list[Any]], wanted: int) -> None:
    scene, made = pair
    _, _, by = another_booker()
    one = waits(scene, by, unit=made[wanted].unit_id)
    assert one.unit_id == made[wanted].unit_id
    service.cancel(made[1 - wanted].key, by=scene.booker)
    assert state(one) is WaitingState.WAITING
    service.cancel(made[wanted].key, by=scene.booker)
    assert state(one) is WaitingState.OFFERED and hold_of(one).unit_id == made[wanted].unit_id
    assert service.accept_offer(one.key, by=by).unit_id == made[wanted].unit_id


@pytest.mark.parametrize("wanted", [0, 1])
def test_an_alert_for_a_unit_tells_of_that_one_only(pair: tuple[Scene, list[Any]], wanted: int) -> None:
    scene, made = pair
    _, person, by = another_booker()
    waits(scene, by, kind=WaitingKind.ALERT, unit=made[wanted].unit_id)
    service.cancel(made[1 - wanted].key, by=scene.booker)
    assert told("booking.freed") == []
    service.cancel(made[wanted].key, by=scene.booker)
    assert told("booking.freed") == [person.id]


def test_the_same_time_on_another_unit_is_another_place(pair: tuple[Scene, list[Any]]) -> None:
    scene, made = pair
    by = another_booker()[2]
    places = [waits(scene, by, unit=unit).key for unit in (None, made[0].unit_id, made[1].unit_id)]
    assert len(set(places)) == 3
    assert waits(scene, by, unit=made[1].unit_id).key == places[2]
    with pytest.raises(BookingRefused, match="no_such_unit"):
        waits(scene, by, unit=new_id())


# ---- alerts (U3) -----------------------------------------------------------------------------------------------


def test_u3_an_alert_tells_and_keeps_nothing(full: Scene) -> None:
    _, person, first = another_booker()
    _, _, second = another_booker()
    waits(full, first, kind=WaitingKind.ALERT)
    waits(full, second, "2026-03-04T09:00+08:00", "2026-03-04T17:00+08:00", kind=WaitingKind.ALERT)
    cancel_all(full)
    assert told("booking.freed") == [person.id]
    assert rows(Occupancy) == 0


def test_u3_not_below_the_minimum_not_the_one_who_freed_it_not_the_past(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene(rules={"least": 60})
        made = make_booking(scene, asked=WHOLE_DAY)
        waits(scene, scene.booker, hours=1, kind=WaitingKind.ALERT)
        _, person, first = another_booker()
        waits(scene, first, hours=1, kind=WaitingKind.ALERT)
        # Half an hour is less than a booking lasts.
        service.change(made.key, span("2026-03-03T09:30+08:00", "2026-03-03T17:00+08:00"), by=scene.booker)
        assert told("booking.freed") == []
        service.change(made.key, span("2026-03-03T10:30+08:00", "2026-03-03T17:00+08:00"), by=scene.booker)
        assert told("booking.freed") == [person.id]
        service.change(made.key, span("2026-03-03T12:00+08:00", "2026-03-03T17:00+08:00"), by=scene.booker)
    with clock.fixed(moment("2026-03-03T12:00+08:00")):
        assert told("booking.freed") == [person.id]


def test_u3_the_owner_of_the_next_booking_is_told(now: Any) -> None:
    scene = make_scene()
    made = make_booking(scene)
    _, person, following = another_booker()
    make_booking(scene, by=following, asked=make_asked("2026-03-03T11:00+08:00", "2026-03-03T13:00+08:00"))
    make_booking(
        scene, by=another_booker()[2], asked=make_asked("2026-03-03T15:00+08:00", "2026-03-03T16:00+08:00")
    )
    service.cancel(made.key, by=scene.booker)
    assert told("booking.freed_before") == [person.id]


def test_what_is_offered_to_somebody_is_announced_to_nobody(full: Scene) -> None:
    waits(full, another_booker()[2], hours=8)
    waits(full, another_booker()[2], kind=WaitingKind.ALERT)
    cancel_all(full)
    assert told("booking.freed") == []


# ---- fees of late cancellations --------------------------------------------------------------------------------

LATE = moment("2026-03-02T12:00+08:00")  # 21 h before the start; the tariff asks for a day
START = moment("2026-03-03T09:00+08:00")


def cancelled_late() -> tuple[Scene, Any]:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene()
        made = make_booking(scene)
    with clock.fixed(LATE):
        gone = service.cancel(made.key, by=scene.booker)
        assert gone.cancel_fee.minor == 10000 and gone.fee_decides_at == START
    return scene, gone


def fees(gone: Any) -> list[int]:
    while outbox.deliver_due():
        pass
    db.session.remove()
    return [charge.gross.minor for charge in billing.charges_of_booking(gone.key)]


def test_the_fee_is_owed_when_the_slot_begins_and_not_before(in_app: Any) -> None:
    _scene, gone = cancelled_late()
    with clock.fixed(START - timedelta(seconds=1)):
        assert service.decide_fees() == 0
        assert fees(gone) == []
    with clock.fixed(START):
        assert service.decide_fees() == 1
        assert service.decide_fees() == 0
        assert fees(gone) == [10000]
        db.session.remove()
        assert service.booking(gone.key).fee_decides_at is None


def test_the_fee_is_waived_when_somebody_takes_the_slot(in_app: Any) -> None:
    scene, gone = cancelled_late()
    with clock.fixed(LATE):
        make_booking(scene, by=another_booker()[2])
    with clock.fixed(START):
        service.decide_fees()
        assert fees(gone) == []
        found = service.booking(gone.key)
        assert found.cancel_fee.is_zero and found.fee_decides_at is None
        assert told("booking.fee_waived") == [scene.booker_person.id]
        events = service.detail(gone.key, scene.booker).events
        assert events[-1].kind == "fee_waived" and events[-1].details["fee"]["minor"] == 10000


def test_half_a_slot_is_not_the_slot(in_app: Any) -> None:
    scene, gone = cancelled_late()
    with clock.fixed(LATE):
        by = another_booker()[2]
        make_booking(scene, by=by, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00"))
    with clock.fixed(START):
        service.decide_fees()
        assert fees(gone) == [10000]


def test_two_halves_are(in_app: Any) -> None:
    scene, gone = cancelled_late()
    with clock.fixed(LATE):
        by = another_booker()[2]
        make_booking(scene, by=by, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00"))
        make_booking(scene, by=by, asked=make_asked("2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00"))
    with clock.fixed(START):
        service.decide_fees()
        assert fees(gone) == []


@pytest.mark.parametrize("answered", [False, True])
def test_a_request_takes_the_slot_once_it_is_approved(in_app: Any, answered: bool) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene(rules={"approval": "always"})
        made = make_booking(scene)
        service.approve(made.key, by=scene.manager)
    with clock.fixed(LATE):
        gone = service.cancel(made.key, by=scene.booker)
    with clock.fixed(START - timedelta(minutes=2)):
        asked = make_booking(scene, by=another_booker()[2])
        assert asked.answer_by is not None and asked.answer_by > START
    with clock.fixed(START):
        service.decide_fees()
        assert fees(gone) == []
        assert service.booking(gone.key).fee_decides_at == asked.answer_by
    with clock.fixed(asked.answer_by - timedelta(seconds=1)):
        if answered:
            service.approve(asked.key, by=scene.manager)
    with clock.fixed(asked.answer_by):
        service.decide_fees()
        assert fees(gone) == ([] if answered else [10000])
        assert service.booking(gone.key).fee_decides_at is None


def test_through_the_waiting_list_too(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene()
        made = make_booking(scene, asked=WHOLE_DAY)
        by = another_booker()[2]
        one = waits(scene, by, hours=8)
    with clock.fixed(LATE):
        gone = service.cancel(made.key, by=scene.booker)
        service.accept_offer(one.key, by=by)
    with clock.fixed(START):
        service.decide_fees()
        assert fees(gone) == []


# ---- eight at once ---------------------------------------------------------------------------------------------


def who(by: Actor) -> dict[str, Any]:
    return {"person_id": by.person_id, "organisation_id": by.organisation_id}


@pytest.mark.slow
@pytest.mark.xdist_group("race")
def test_eight_make_the_offers_of_one_slot_at_once(now: Any, database: Database, tmp_path: Path) -> None:

    scene = make_scene(weekly=())
    people = [another_booker()[2] for _ in range(8)]
    entries = [waits(scene, by, hours=8) for by in people]
    with unit_of_work() as unit:
        availability.set_hours_directly(unit, scene.key, make_weekly(), None)
        availability.rebuild(unit, [scene.key], availability.kept_span())
    payloads = [
        {"key": scene.key, "entry": one.key, **who(by)} for one, by in zip(entries, people, strict=True)
    ]
    assert {f[0] for f in race(database, tmp_path, now, "offer", payloads)} == {"won"}
    assert Counter(state(one).value for one in entries) == {"offered": 1, "waiting": 7}
    assert rows(Occupancy) == 1


@pytest.mark.slow
@pytest.mark.xdist_group("race")
def test_eight_accept_one_offer_at_once(full: Scene, now: Any, database: Database, tmp_path: Path) -> None:
    _, _, first = another_booker()
    one = waits(full, first, hours=8)
    cancel_all(full)
    payload = {"key": full.key, "entry": one.key, **who(first)}
    found = race(database, tmp_path, now, "accept", [payload] * 8)
    assert Counter(f[0] for f in found) == {"won": 1, "booking.wrong_state": 7}
    assert rows(Booking, Booking.state == "approved") == 1


@pytest.mark.slow
@pytest.mark.xdist_group("race")
def test_eight_series_over_the_same_days_at_once(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    rule = Recurrence(Frequency.WEEKLY, count=4)
    payloads = [{"key": scene.key, "rule": rule, **who(another_booker()[2])} for _ in range(8)]
    found = race(database, tmp_path, now, "series", payloads)
    assert Counter(f[0] for f in found) == {"won": 1, "booking.series_clash": 7}
    assert rows(BookingSeries) == 1 and rows(Occupancy) == 4


@pytest.mark.slow
@pytest.mark.xdist_group("race")
def test_eight_times_the_same_series_form_makes_one(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    rule = Recurrence(Frequency.WEEKLY, count=4)
    payload = {"key": scene.key, "rule": rule, "token": "one form", **who(scene.booker)}
    found = race(database, tmp_path, now, "series", [payload] * 8)
    assert {f[0] for f in found} == {"won"} and len({f[1] for f in found}) == 1
    assert rows(BookingSeries) == 1 and rows(Booking) == 4


def test_maintenance_takes_the_time_before_it_is_offered_on(now: datetime) -> None:
    scene = make_scene()
    one = make_booking(scene, asked=WHOLE_DAY)
    _, _, other = another_booker()
    entry = waits(scene, other)
    day = span("2026-03-03T08:00+08:00", "2026-03-03T18:00+08:00")
    kept = DatedException(ExceptionKind.MAINTENANCE, day, reason_zh="检修")
    service.publish_exception(
        scene.key, kept, by=scene.manager, reason="检修", verdicts={one.key.id: Verdict(Fate.CANCELLED)}
    )
    assert service.booking(one.key).state is BookingState.CANCELLED
    assert state(entry) is WaitingState.WAITING
