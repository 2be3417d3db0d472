"""Lines of the waiting list: what suits a wish under the house rules is found, and the last in a long line has a turn."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import ExceptionKind
from resource_hub.domain.booking import service, waiting_store
from resource_hub.domain.booking.errors import BookingRefused, QuoteLapsed, WrongState
from resource_hub.domain.booking.inquiry_words import QuoteLine, Wish
from resource_hub.domain.booking.rules.waiting import MOST_PLACES
from resource_hub.domain.booking.terms import (
    Asked,
    BookingKind,
    BookingState,
    Fate,
    Verdict,
    WaitingKind,
    WaitingState,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.entrypoints.jobs import orders
from resource_hub.infra import clock
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from tests.builders.availability import make_exception, moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.test_waiting import cancel_all, full, hold_of, state, told, waits

__all__ = ["full"]

DAY = ("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00")
LATER = moment("2026-03-02T08:01+08:00")
WEEK = ("2026-03-03T09:00+08:00", "2026-03-06T17:00+08:00")


def crowd(scene: Scene, one: service.WaitingRecord, number: int) -> None:
    """So many others who wait for the same."""
    with unit_of_work() as unit:
        for n in range(number):
            waiting_store.add(
                unit.session,
                {
                    "institution_id": scene.key.institution_id,
                    "id": new_id(),
                    "resource_id": scene.key.id,
                    "customer_id": one.customer_id,
                    "person_id": one.person_id,
                    "kind": one.kind.value,
                    "state": "waiting",
                    "earliest": one.earliest,
                    "latest": one.latest,
                    "length_seconds": one.length_seconds,
                    "wish": dict(one.wish),
                    "version": 1,
                    "created_at": unit.now + timedelta(microseconds=n),
                    "changed_at": unit.now,
                },
            )


# ---- the house rules -------------------------------------------------------------------------------------------


def test_lead_in_working_days(now: datetime) -> None:
    scene = make_scene(rules={"lead_days": 3})
    one = waits(scene, scene.booker, *WEEK, hours=1)
    assert state(one) is WaitingState.OFFERED
    assert hold_of(one).span == span("2026-03-05T09:00+08:00", "2026-03-05T10:00+08:00")


@pytest.mark.parametrize("step", [5, 30])
def test_one_booking_a_day(now: datetime, step: int) -> None:
    quota = {"per": "person", "period": "day", "measure": "bookings", "limit": 1}
    scene = make_scene(rules={"quotas": [quota], "step": step, "least": step})
    make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00"))
    one = waits(scene, scene.booker, *WEEK, hours=1)
    assert state(one) is WaitingState.OFFERED
    assert hold_of(one).span == span("2026-03-04T09:00+08:00", "2026-03-04T10:00+08:00")


def test_a_wish_for_one_unit_while_another_is_free(now: datetime) -> None:
    scene = make_scene(units=2)
    second = catalogue.units(scene.key)[1].key.id
    make_booking(scene, asked=make_asked(DAY[0], "2026-03-03T15:00+08:00", unit_id=second))
    _, _, other = another_booker()
    one = service.join_line(
        scene.key, make_asked(unit_id=second), moment(DAY[0]), moment(DAY[1]), 3600, by=other
    )
    assert one.state is WaitingState.OFFERED
    held = hold_of(one)
    assert (held.unit_id, held.span) == (second, span("2026-03-03T15:00+08:00", "2026-03-03T16:00+08:00"))


# ---- long lines ------------------------------------------------------------------------------------------------


def test_the_101st_whose_day_is_free_is_offered_it_at_once(full: Scene) -> None:
    crowd(full, waits(full, another_booker()[2]), 100)
    _, _, last = another_booker()
    with clock.fixed(LATER):
        one = waits(full, last, "2026-03-04T09:00+08:00", "2026-03-04T17:00+08:00")
    assert one.state is WaitingState.OFFERED


def test_the_job_comes_to_the_end_of_a_long_line(full: Scene) -> None:
    """All want the full day; the last could also do with the next one."""
    crowd(full, waits(full, another_booker()[2]), 100)
    _, _, last = another_booker()
    with clock.fixed(LATER):
        one = waits(full, last, *WEEK)
    assert state(one) is WaitingState.WAITING
    assert service.ahead_of([one])[one.key] == 101
    turn = service.offer_due(3)
    assert turn is not None and turn.rest is not None and state(one) is WaitingState.WAITING
    while turn is not None:
        turn = service.offer_due(3, turn)
    assert state(one) is WaitingState.OFFERED


def test_freed_time_goes_to_those_who_can_use_it_however_many_wait_for_other_days(full: Scene) -> None:
    make_booking(full, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T17:00+08:00"))
    entry = waits(full, another_booker()[2], "2026-03-04T09:00+08:00", "2026-03-04T17:00+08:00")
    crowd(full, entry, 100)
    _, _, last = another_booker()
    one = waits(full, last)
    [booked] = [one for one in service.bookings_of(full.booker) if one.span == span(*DAY)]
    service.cancel(booked.key, by=full.booker)
    assert state(one) is WaitingState.OFFERED


def test_one_person_does_not_fill_a_line(full: Scene) -> None:
    _, _, by = another_booker()

    def wait(n: int, who: Actor = by) -> service.WaitingRecord:
        kind = WaitingKind.ALERT if n % 2 else WaitingKind.QUEUE
        return waits(full, who, end=f"2026-03-03T17:{n:02d}+08:00", hours=8, kind=kind)

    entries = [wait(n) for n in range(MOST_PLACES)]
    with pytest.raises(BookingRefused) as caught:
        wait(MOST_PLACES)
    assert [(one.code, one.values) for one in caught.value.reasons] == [
        ("booking.waiting_most", {"most": MOST_PLACES})
    ]
    assert wait(0).key == entries[0].key
    assert wait(MOST_PLACES, another_booker()[2]).state is WaitingState.WAITING
    service.leave_line(entries[0].key, by=by)
    assert wait(MOST_PLACES).state is WaitingState.WAITING


def test_u3_everybody_who_asked_to_be_told_is_told_once(full: Scene) -> None:
    _, person, first = another_booker()
    crowd(full, waits(full, first, kind=WaitingKind.ALERT), 249)
    cancel_all(full)
    found: list[Any] = told("booking.freed")
    assert found == [person.id] * 250


def test_a_job_that_is_out_of_time_goes_on_where_it_stopped(
    full: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "LINES", 1)
    crowd(full, waits(full, another_booker()[2]), 100)
    with clock.fixed(LATER):
        one = waits(full, another_booker()[2], *WEEK)
    assert state(one) is WaitingState.WAITING

    class OneStep:
        """Time for the first part of the job, and for one step of the second."""

        lease = None
        asked = 0

        @property
        def time_left(self) -> bool:
            self.asked += 1
            return self.asked < 3

    runs = 0
    while orders.offer(OneStep()).backlog:  # type: ignore[arg-type]
        runs += 1
    assert runs > 10 and state(one) is WaitingState.OFFERED


# ---- what becomes of an offer ----------------------------------------------------------------------------------


def test_an_offer_that_is_booked_by_its_hold_is_booked(now: datetime) -> None:
    scene = make_scene()
    _, _, first = another_booker()
    one = waits(scene, first)
    make_booking(scene, asked=make_asked("2026-03-03T11:00+08:00", DAY[1]))
    with clock.fixed(LATER):
        two = waits(scene, another_booker()[2])
    assert (state(two), service.ahead_of([two])[two.key]) == (WaitingState.WAITING, 1)
    booked = make_booking(scene, by=first, hold_id=hold_of(one).key.id)
    assert booked.key == hold_of(one).key and booked.state is BookingState.APPROVED
    assert state(one) is WaitingState.BOOKED
    assert service.offers_to(first) == [] and service.ahead_of([two])[two.key] == 0
    with clock.fixed(now + timedelta(hours=3)):
        service.lapse_due()
        assert state(one) is WaitingState.BOOKED
        with pytest.raises(WrongState):
            service.accept_offer(one.key, by=first)


@pytest.mark.parametrize("kind", [ExceptionKind.CLOSURE, ExceptionKind.MAINTENANCE])
def test_whose_offer_the_host_closes_has_the_old_place_again(now: datetime, kind: ExceptionKind) -> None:
    scene = make_scene()
    _, person, first = another_booker()
    one = waits(scene, first, hours=8)
    with clock.fixed(LATER):
        two = waits(scene, another_booker()[2], hours=8)
    assert (state(one), state(two)) == (WaitingState.OFFERED, WaitingState.WAITING)
    closure = make_exception(kind, span=span("2026-03-03T12:00+08:00", "2026-03-03T13:00+08:00"))
    hold = hold_of(one)
    with clock.fixed(LATER):
        service.publish_exception(
            scene.key,
            closure,
            by=scene.manager,
            verdicts={hold.key.id: Verdict(Fate.CANCELLED)},
            reason="停电",
        )
        assert (state(one), state(two)) == (WaitingState.WAITING, WaitingState.WAITING)
        assert told("booking.offer_withdrawn") == [person.id]
        again = service.entry_for(one.key, first)
        assert (again.booking_id, again.offered_until) == (None, None)
        assert service.ahead_of([again])[again.key] == 0 and service.ahead_of([two])[two.key] == 1
    [published] = availability.exceptions(scene.key, closure.span)
    assert published.id is not None
    service.take_back(scene.key, published.id, by=scene.manager)
    service.offer_due()
    assert (state(one), state(two)) == (WaitingState.OFFERED, WaitingState.WAITING)
    service.cancel(hold_of(one).key, by=first)
    assert (state(one), state(two)) == (WaitingState.LEFT, WaitingState.OFFERED)


@pytest.mark.parametrize("kind", [ExceptionKind.CLOSURE, ExceptionKind.MAINTENANCE])
@pytest.mark.parametrize("first", [True, False])
def test_whose_booking_a_failure_takes_is_first_in_line_for_the_same_hours(
    now: datetime, kind: ExceptionKind, first: bool
) -> None:
    scene = make_scene(rules={"first_in_line": first})
    made = make_booking(scene, asked=make_asked(description="断口", samples=2))
    with clock.fixed(LATER):
        two = waits(scene, another_booker()[2], end="2026-03-03T11:00+08:00")
        broken = make_exception(kind, span=span("2026-03-03T08:00+08:00", "2026-03-03T17:00+08:00"))
        verdicts = {made.key.id: Verdict(Fate.CANCELLED)}
        service.publish_exception(scene.key, broken, by=scene.manager, verdicts=verdicts, reason="真空泵故障")
        assert state(two) is WaitingState.WAITING
        mine = service.waits_of(scene.booker)
        assert len(mine) == first
        assert told("booking.first_in_line") == [scene.booker_person.id] * first
        [published] = availability.exceptions(scene.key, broken.span)
        assert published.id is not None
        service.take_back(scene.key, published.id, by=scene.manager)
        # In the same unit: nobody comes in between.
        assert state(two) is (WaitingState.WAITING if first else WaitingState.OFFERED)
        if not first:
            return
        (one,) = service.offers_to(scene.booker)
        again = service.accept_offer(one.key, by=scene.booker)
    assert (again.span, again.samples, again.description) == (made.span, 2, "断口")


@pytest.mark.parametrize("approval", ["never", "always"])
def test_what_was_granted_before_a_failure_is_not_asked_again_after_it(now: datetime, approval: str) -> None:
    """Neither how far ahead one books nor the yes of the laboratory."""
    scene = make_scene(
        rules={"first_in_line": True, "lead": {"all": 1200}, "lead_days": 1, "approval": approval}
    )
    made = make_booking(scene)
    if made.state is BookingState.REQUESTED:
        service.approve(made.key, by=scene.manager)
    broken = make_exception(span=span("2026-03-03T08:00+08:00", "2026-03-03T17:00+08:00"))
    verdicts = {made.key.id: Verdict(Fate.CANCELLED)}
    service.publish_exception(scene.key, broken, by=scene.manager, verdicts=verdicts, reason="真空泵故障")
    [published] = availability.exceptions(scene.key, broken.span)
    assert published.id is not None
    with clock.fixed(moment("2026-03-02T20:00+08:00")):
        service.take_back(scene.key, published.id, by=scene.manager)
        (one,) = service.offers_to(scene.booker)
        again = service.accept_offer(one.key, by=scene.booker)
    assert (again.span, again.state) == (made.span, BookingState.APPROVED)


def test_another_unit_of_the_same_hours_is_kept_for_whom_a_failure_took_one(now: datetime) -> None:
    scene = make_scene(units=2, rules={"first_in_line": True})
    made = make_booking(scene)
    broken = make_exception(
        ExceptionKind.MAINTENANCE,
        span=span("2026-03-03T08:00+08:00", "2026-03-03T17:00+08:00"),
        unit_id=made.unit_id,
    )
    verdicts = {made.key.id: Verdict(Fate.CANCELLED)}
    service.publish_exception(scene.key, broken, by=scene.manager, verdicts=verdicts, reason="真空泵故障")
    (one,) = service.offers_to(scene.booker)
    held = hold_of(one)
    assert held.span == made.span and held.unit_id != made.unit_id


def test_whose_offer_is_closed_is_offered_other_time_at_once(now: datetime) -> None:
    scene = make_scene()
    _, _, first = another_booker()
    one = waits(scene, first, *WEEK, hours=8)
    before = hold_of(one)
    closure = make_exception(span=span("2026-03-03T12:00+08:00", "2026-03-03T13:00+08:00"))
    service.publish_exception(
        scene.key, closure, by=scene.manager, verdicts={before.key.id: Verdict(Fate.CANCELLED)}, reason="停电"
    )
    assert state(one) is WaitingState.OFFERED and hold_of(one).key != before.key
    assert hold_of(one).span == span("2026-03-04T09:00+08:00", "2026-03-04T17:00+08:00")
    assert service.accept_offer(one.key, by=first).state is BookingState.APPROVED


def test_an_offer_that_closed_time_keeps_from_being_taken_costs_no_place(now: datetime) -> None:
    scene = make_scene()
    _, person, first = another_booker()
    one = waits(scene, first, hours=8)
    hold = hold_of(one)
    closure = make_exception(span=span("2026-03-03T12:00+08:00", "2026-03-03T13:00+08:00"))
    verdicts = {hold.key.id: Verdict(Fate.STAYS)}
    service.publish_exception(scene.key, closure, by=scene.manager, verdicts=verdicts)
    with pytest.raises(BookingRefused):
        service.accept_offer(one.key, by=first)
    assert state(one) is WaitingState.OFFERED
    with clock.fixed(now + timedelta(hours=2)):
        service.lapse_due()
        assert state(one) is WaitingState.WAITING
        assert told("booking.offer_withdrawn") == [person.id] and told("booking.offer_missed") == []


# ---- what goes along with a wish -------------------------------------------------------------------------------

WITH_EXTRAS = {
    "format": 1,
    "currency": "CNY",
    "hour": {"all": "300.00"},
    "extras": [
        {"code": "cryo", "name_zh": "冷冻台", "name_en": "Cryo stage", "amount": {"all": "100.00"}},
        {"code": "film", "name_zh": "镀膜", "name_en": "Coating", "per": "item", "amount": {"all": "50.00"}},
    ],
}


def test_extras_and_items_of_a_wish_are_booked_and_priced(now: datetime) -> None:
    scene = make_scene(tariff=WITH_EXTRAS)
    asked = make_asked(extras=frozenset({"cryo"}), items={"film": 3}, samples=2)
    one = service.join_line(scene.key, asked, moment(DAY[0]), moment(DAY[1]), 7200, by=scene.booker)
    booked = service.accept_offer(one.key, by=scene.booker)
    assert (set(booked.extras), dict(booked.items), booked.samples) == ({"cryo"}, {"film": 3}, 2)
    quote = service.quote_of(HostKey(scene.host.id, booked.quote_id), scene.booker)
    assert quote.sums.list_price == Money.cny("850.00")


def test_what_the_tariff_does_not_know_is_refused_at_once(now: datetime) -> None:
    scene = make_scene(tariff=WITH_EXTRAS)
    asked = make_asked(extras=frozenset({"laser"}))
    with pytest.raises(DomainError) as caught:
        service.join_line(scene.key, asked, moment(DAY[0]), moment(DAY[1]), 7200, by=scene.booker)
    assert [one.code for one in caught.value.reasons] == ["pricing.tariff.unknown_extra"]


def test_a_price_given_by_hand_stays_with_the_wish(now: datetime) -> None:
    scene = make_scene(tariff={"format": 1, "currency": "CNY", "ask": True})
    wish = Wish(BookingKind.WINDOW, Mode.SELF_USE, 7200, description="断口形貌")
    inquiry = service.ask_for_quote(scene.key, wish, by=scene.booker)
    line = QuoteLine("机时", Money.cny("600.00"))
    service.give_quote(inquiry.key, [line], date(2026, 3, 10), by=scene.manager)
    given = make_asked(given_id=new_id())

    def wait(asked: Asked) -> service.WaitingRecord:
        return service.join_line(scene.key, asked, moment(DAY[0]), moment(DAY[1]), 7200, by=scene.booker)

    with pytest.raises(QuoteLapsed) as caught:
        wait(given)
    assert [one.code for one in caught.value.reasons] == ["booking.quote_for_other"]
    quote = service.accept_quote(inquiry.key, 1, by=scene.booker).quote
    assert quote is not None
    one = wait(make_asked(given_id=quote.key.id))
    booked = service.accept_offer(one.key, by=scene.booker)
    priced = service.quote_of(HostKey(scene.host.id, booked.quote_id), scene.booker)
    assert (booked.state, priced.sums.list_price) == (BookingState.APPROVED, Money.cny("600.00"))


def test_a_wish_from_before_is_read_as_it_was(now: datetime) -> None:
    scene = make_scene()
    one = waits(scene, scene.booker)
    with unit_of_work() as unit:
        old = {k: v for k, v in one.wish.items() if k not in ("items", "extras", "given")}
        waiting_store.change(unit.session, one.key, {"wish": old})
    assert service.accept_offer(one.key, by=scene.booker).state is BookingState.APPROVED
