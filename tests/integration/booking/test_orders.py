"""The life of an order through the services, on a real database."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import ports, service
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    KeyReused,
    NoSuchBooking,
    NotYours,
    QuoteLapsed,
    SlotTaken,
    StaleBooking,
    WrongState,
)
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import Act, Asked, BookingKind, BookingState, ExpectedSupportLine, Side
from resource_hub.domain.catalogue.terms import ResourceKind
from resource_hub.domain.notices import service as notices
from resource_hub.domain.pricing.errors import NoTariff
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db, reading
from resource_hub.infra.tables import AuditEntry
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import NotFound, Reason
from resource_hub.kernel.money import Money
from tests.builders.accounts import actor, make_department, make_group, make_person
from tests.builders.availability import make_exception, moment, span
from tests.builders.booking import another_booker, make_asked, make_booking, make_scene

LATER = span("2026-03-04T13:00+08:00", "2026-03-04T15:00+08:00")


def test_a_booking_is_approved_at_once_where_nobody_asks(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    assert made.state is BookingState.APPROVED
    assert made.number.startswith("B26-") and len(made.number) == 13
    assert made.ical_uid == f"{made.key.id}@bookings.resource-hub"
    quote = service.quote_of(availability_key(made), scene.booker)
    assert quote.sums.to_pay == Money.cny("600")
    assert made.tariff_id == quote.tariff_id is not None
    assert [e.kind for e in service.detail(made.key, scene.booker).events] == ["requested", "approved"]


def availability_key(made: Any) -> Any:
    from resource_hub.kernel.keys import HostKey

    return HostKey(made.key.institution_id, made.quote_id)


def test_set_up_and_tear_down_are_held_beside_the_booked_time(now: datetime) -> None:
    scene = make_scene(rules={"setup": 30, "teardown": 15})
    made = make_booking(scene, asked=make_asked("2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00"))
    assert made.span == span("2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00")
    _, _, other = another_booker()
    with pytest.raises(SlotTaken):
        make_booking(scene, by=other, asked=make_asked("2026-03-03T11:30+08:00", "2026-03-03T12:00+08:00"))
    make_booking(scene, by=other, asked=make_asked("2026-03-03T12:00+08:00", "2026-03-03T12:30+08:00"))


def test_all_failed_rules_come_at_once_with_times_that_would_do(now: datetime) -> None:
    scene = make_scene(rules={"least": 60, "lead": {"all": 2880}})
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=make_asked("2026-03-03T16:40+08:00", "2026-03-03T17:10+08:00"))
    assert [r.code for r in caught.value.reasons] == [
        "booking.lead", "booking.too_short", "booking.start_step", "availability.closed_hours",
    ]  # fmt: skip
    found = caught.value.values["alternatives"]
    assert len(found) == 3
    for one in found:
        again = make_asked(one["start"], one["end"], unit_id=UUID(one["unit_id"]))
        assert service.judge(service.prepare(scene.key, again, by=scene.booker, now=now), now) == ()


def test_a_taken_slot_names_what_is_free(now: datetime) -> None:
    scene = make_scene()
    make_booking(scene)
    _, _, other = another_booker()
    with pytest.raises(SlotTaken) as caught:
        make_booking(scene, by=other)
    found = caught.value.values["alternatives"]
    assert found[0]["start"] >= now.isoformat()
    assert len(found) == 3


def test_the_same_key_gives_the_same_booking_and_another_wish_is_refused(now: datetime) -> None:
    scene = make_scene()
    first = make_booking(scene, idempotency_key="abc")
    assert make_booking(scene, idempotency_key="abc") == first
    with pytest.raises(KeyReused):
        make_booking(scene, asked=make_asked(samples=3), idempotency_key="abc")
    assert reading().scalar(select(func.count()).select_from(Booking)) == 1


def test_a_refused_request_does_not_use_up_its_key(now: datetime) -> None:
    scene = make_scene()
    early = make_asked("2026-03-03T08:00+08:00", "2026-03-03T09:00+08:00")
    with pytest.raises(BookingRefused):
        make_booking(scene, asked=early, idempotency_key="abc")
    assert make_booking(scene, idempotency_key="abc").state is BookingState.APPROVED


def test_approval_and_both_sides_are_told(now: datetime) -> None:
    scene = make_scene(rules={"approval": "always", "answer_hours": 24})
    made = make_booking(scene)
    assert made.state is BookingState.REQUESTED
    assert made.answer_by == now + timedelta(hours=24)
    assert service.waiting_count(scene.manager) == 1
    with pytest.raises(NotYours):
        service.approve(made.key, by=scene.booker)
    done = service.approve(made.key, by=scene.manager, version=made.version, note="欢迎")
    assert (done.state, done.ical_sequence, done.version) == (BookingState.APPROVED, 1, made.version + 1)
    outbox.deliver_due()
    assert [n.kind for n in notices.inbox(scene.booker.person_id)] == ["booking.approved"]
    assert [n.kind for n in notices.inbox(scene.manager.person_id)] == ["booking.requested_at_host"]
    with pytest.raises(WrongState):
        service.reject(made.key, by=scene.manager, reason="zu spät")


def test_a_refusal_needs_a_reason_and_frees_the_time(now: datetime) -> None:
    scene = make_scene(rules={"approval": "outside"})
    made = make_booking(scene)
    with pytest.raises(InvalidOrder):
        service.reject(made.key, by=scene.manager, reason=" ")
    service.reject(made.key, by=scene.manager, reason="当日设备检定")
    _, _, other = another_booker()
    assert make_booking(scene, by=other).span == made.span


def test_a_stale_form_is_refused(now: datetime) -> None:
    scene = make_scene(rules={"approval": "always"})
    made = make_booking(scene)
    service.approve(made.key, by=scene.manager)
    with pytest.raises(StaleBooking):
        service.cancel(made.key, by=scene.booker, version=made.version)


@pytest.mark.parametrize(("before", "fee"), [(86400, "0"), (86399, "100"), (3600, "100")])
def test_the_fee_at_exactly_24_hours(now: datetime, before: int, fee: str) -> None:
    scene = make_scene()
    made = make_booking(scene)
    assert made.span is not None
    with clock.fixed(made.span.start - timedelta(seconds=before)):
        assert service.cancel_preview(made.key, by=scene.booker).fees == (Money.cny(fee),)
        if fee != "0":
            with pytest.raises(BookingRefused, match="fee_rose"):
                service.cancel(made.key, by=scene.booker, expected=[Money.cny("0")])
        done = service.cancel(made.key, by=scene.booker, expected=[Money.cny(fee)])
    assert done.cancel_fee == Money.cny(fee)
    assert done.state is BookingState.CANCELLED and done.ical_sequence == 1


def test_the_host_cancels_with_a_reason_and_without_a_fee(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    with pytest.raises(InvalidOrder):
        service.cancel(made.key, by=scene.manager)
    assert service.cancel(made.key, by=scene.manager, reason="故障").cancel_fee.is_zero


def test_what_has_begun_cannot_be_cancelled(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    assert made.span is not None
    with clock.fixed(made.span.start):
        with pytest.raises(BookingRefused, match="cancel_started"):
            service.cancel(made.key, by=scene.booker)


def test_what_has_begun_is_moved_away_by_the_host_only(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    assert made.span is not None
    audited = select(AuditEntry.person_id).where(AuditEntry.action == "booking.moved_after_start")
    with clock.fixed(made.span.start):
        with pytest.raises(BookingRefused, match="change_started"):
            service.change(made.key, LATER, by=scene.booker)
        assert "booking.change_started" in [
            reason.code for reason in service.change_preview(made.key, LATER, by=scene.booker).reasons
        ]
        assert reading().scalars(audited).all() == []
        service.propose(made.key, LATER, by=scene.manager, note="仪器故障")
        assert service.booking(made.key).span == LATER
        assert reading().scalars(audited).all() == [scene.manager.person_id]


def test_a_move_keeps_id_number_and_uid(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    moved = service.change(made.key, LATER, by=scene.booker, version=made.version)
    assert (moved.key, moved.number, moved.ical_uid) == (made.key, made.number, made.ical_uid)
    assert moved.span == LATER and moved.ical_sequence == made.ical_sequence + 1
    assert moved.tariff_id == made.tariff_id and moved.quote_id != made.quote_id
    _, _, other = another_booker()
    assert make_booking(scene, by=other).span == made.span


def test_a_move_into_a_taken_slot_keeps_the_old_one(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    _, _, other = another_booker()
    make_booking(scene, by=other, asked=make_asked(LATER.start.isoformat(), LATER.end.isoformat()))
    with pytest.raises(SlotTaken) as caught:
        service.change(made.key, LATER, by=scene.booker)
    assert caught.value.values["alternatives"]
    assert service.booking(made.key) == made
    assert not availability.free_units(scene.key, made.span)  # type: ignore[arg-type]


def test_a_move_asks_again_where_the_host_approves(now: datetime) -> None:
    scene = make_scene(rules={"approval": "always"})
    made = service.approve(make_booking(scene).key, by=scene.manager)
    assert service.change(made.key, LATER, by=scene.booker).state is BookingState.REQUESTED
    by_host = service.propose(
        made.key, span("2026-03-05T09:00+08:00", "2026-03-05T11:00+08:00"), by=scene.manager
    )
    assert by_host.state is BookingState.REQUESTED


def test_extending_and_shortening_reprice(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    longer = service.change(
        made.key, span("2026-03-03T09:00+08:00", "2026-03-03T12:00+08:00"), by=scene.booker
    )
    assert service.quote_of(availability_key(longer)).sums.to_pay == Money.cny("900")
    preview = service.change_preview(
        made.key, span("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00"), by=scene.booker
    )
    assert preview.free and preview.reasons == () and preview.quote is not None
    assert preview.quote.sums.to_pay == Money.cny("300")


def test_strangers_see_no_booking_and_no_name(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    _, _, other = another_booker()
    with pytest.raises(NoSuchBooking):
        service.detail(made.key, other)
    week = service.calendar(scene.key, span("2026-03-03T00:00+08:00", "2026-03-04T00:00+08:00"), other)
    assert {s.look.value for s in week.lanes[0].stretches} >= {"taken"}
    assert not any(s.holder_id for s in week.lanes[0].stretches)
    mine = service.calendar(scene.key, week.span, scene.booker)
    assert [s.holder_id for s in mine.lanes[0].stretches if s.holder_id] == [made.key.id]


def test_a_group_of_the_house_pays_its_price_and_keeps_out_of_protected_hours(now: datetime) -> None:
    from resource_hub.domain.availability.terms import Audience
    from tests.builders.availability import make_weekly

    scene = make_scene(
        weekly=make_weekly() + make_weekly(weekdays=[1], starts=540, ends=600, audience=Audience.OUTSIDE)
    )
    person = make_person(roles=[(scene.host, Role.BOOKER)])
    group = make_group(scene.host, leader=person)
    inside = replace(actor(person, scene.host), customer_ids=frozenset({group.id}))
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene, by=inside)
    assert [r.code for r in caught.value.reasons] == ["availability.protected"]
    made = make_booking(
        scene, by=inside, asked=make_asked("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00")
    )
    assert service.quote_of(availability_key(made)).sums.to_pay == Money.cny("300")


def test_staff_book_for_a_customer(now: datetime) -> None:
    scene = make_scene(rules={"approval": "always", "lead": {"all": 10000}})
    asked = make_asked(customer_id=scene.customer_id, person_id=scene.booker.person_id)
    made = service.request(scene.key, asked, by=scene.manager)
    assert made.state is BookingState.APPROVED and made.person_id == scene.booker.person_id
    _, _, other = another_booker()
    with pytest.raises(InvalidOrder):
        service.request(scene.key, asked, by=other)


def test_staff_book_what_they_held_for_the_customer_and_for_nobody_else(now: datetime) -> None:
    scene = make_scene()
    for_firm = make_asked(customer_id=scene.customer_id, person_id=scene.booker.person_id)
    held = service.hold(scene.key, for_firm, by=scene.manager)
    _, other_person, other = another_booker()
    (other_id,) = other.customer_ids
    for_other = make_asked(customer_id=other_id, person_id=other_person.id)
    for asked, by in ((for_other, scene.manager), (make_asked(), other), (for_firm, other)):
        with pytest.raises((NoSuchBooking, InvalidOrder)):
            service.request(scene.key, asked, by=by, hold_id=held.key.id)
    made = service.request(scene.key, for_firm, by=scene.manager, hold_id=held.key.id)
    assert (made.key, made.state) == (held.key, BookingState.APPROVED)
    # What the customer holds itself, the laboratory may book for it as well.
    own = service.hold(
        scene.key, make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00"), by=scene.booker
    )
    later = replace(for_firm, span=own.span)
    assert service.request(scene.key, later, by=scene.manager, hold_id=own.key.id).key == own.key


def test_a_hold_lapses_by_the_clock_and_becomes_the_booking_in_time(now: datetime) -> None:
    scene = make_scene(rules={"hold": 10})
    held = service.hold(scene.key, make_asked(), by=scene.booker)
    _, _, other = another_booker()
    with pytest.raises(SlotTaken):
        make_booking(scene, by=other)
    made = make_booking(scene, hold_id=held.key.id)
    assert (made.key, made.number, made.state) == (held.key, held.number, BookingState.APPROVED)
    again = service.hold(
        scene.key, make_asked(LATER.start.isoformat(), LATER.end.isoformat()), by=scene.booker
    )
    with clock.fixed(now + timedelta(minutes=10)):
        assert service.judged_by_clock(again, clock.now()) is BookingState.EXPIRED
        taken = make_booking(
            scene, by=other, asked=make_asked(LATER.start.isoformat(), LATER.end.isoformat())
        )
        assert service.lapse_due() == 1
        assert service.booking(again.key).state is BookingState.EXPIRED
        assert service.booking(taken.key).state is BookingState.APPROVED


@pytest.mark.parametrize(("silence", "state"), [("lapse", "expired"), ("consent", "approved")])
def test_silence(now: datetime, silence: str, state: str) -> None:
    scene = make_scene(rules={"approval": "always", "silence": silence, "answer_hours": 12})
    made = make_booking(scene)
    with clock.fixed(now + timedelta(hours=12)):
        assert service.lapse_due() == 1
        assert service.lapse_due() == 0
    assert service.booking(made.key).state.value == state


def test_a_quote_holds_until_it_lapses_and_only_for_its_wish(now: datetime) -> None:
    from resource_hub.domain.pricing import service as pricing
    from tests.builders.booking import TARIFF

    scene = make_scene()
    quote = service.quote(scene.key, make_asked(), by=scene.booker)
    pricing.adopt(scene.key, {**TARIFF, "hour": {"all": "999.00"}}, date(2026, 3, 2))
    assert quote.key is not None
    with pytest.raises(QuoteLapsed):
        make_booking(scene, asked=make_asked(samples=2), quote_id=quote.key.id)
    made = make_booking(scene, quote_id=quote.key.id)
    assert service.quote_of(availability_key(made)).sums.to_pay == Money.cny("600")


def test_a_quote_is_read_by_its_customer_and_by_who_decides(now: datetime) -> None:
    scene = make_scene()
    key = service.quote(scene.key, make_asked(), by=scene.booker).key
    assert key is not None
    colleague = actor(make_person(roles=[(scene.firm, Role.BOOKER)]), scene.firm)
    office = actor(make_person(roles=[(scene.host, Role.OFFICE)]), scene.host)
    for reader in (scene.booker, colleague, scene.manager, office):
        assert service.quote_of(key, reader).key == key
    elsewhere = make_department(scene.host)
    strangers = [
        actor(make_person(roles=[(scene.host, Role.BOOKER)]), scene.host),
        actor(make_person(roles=[(scene.host, Role.OPERATOR)]), scene.host),
        actor(make_person(roles=[(scene.host, Role.MANAGER, {"department_id": elsewhere.id})]), scene.host),
        another_booker()[2],
    ]
    for reader in strangers:
        with pytest.raises(NoSuchBooking):
            service.quote_of(key, reader)
    # Who asked without a customer reads it all the same.
    own = service.quote(scene.key, make_asked(), by=strangers[1]).key
    assert own is not None and service.quote_of(own, strangers[1]).key == own


def test_nothing_is_free_for_want_of_a_tariff(now: datetime) -> None:
    scene = make_scene(tariff=None)
    with pytest.raises(NoTariff):
        make_booking(scene)
    assert (
        service.preview(scene.resource, make_asked(), service.buyer(scene.resource, None, now.date())).quote
        is None
    )


def test_a_tariff_that_says_ask_waits_for_the_host(now: datetime) -> None:
    scene = make_scene(tariff={"format": 1, "currency": "CNY", "ask": True})
    made = make_booking(scene)
    assert made.state is BookingState.REQUESTED and made.quote_id is None


def test_three_sums_and_funds_in_the_same_unit(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []

    class Support:
        def expected(self, institution_id, resource, customer_id, price, on):  # type: ignore[no-untyped-def]
            return [
                ExpectedSupportLine("voucher", "科技局", "deducted", Money.cny("100"), reserved=True),
                ExpectedSupportLine("reward", "财政局", "later", Money.cny("50"), by_when=date(2026, 9, 1)),
            ]

    class Funds:
        def hold(self, unit, facts):  # type: ignore[no-untyped-def]
            held.append(f"hold {facts.to_pay}")

        def release(self, unit, booking_key):  # type: ignore[no-untyped-def]
            held.append("release")

    monkeypatch.setattr(
        ports, "_ports", replace(ports.installed(), expected_support=Support(), hold_of_funds=Funds())
    )
    scene = make_scene()
    made = make_booking(scene)
    sums = service.quote_of(availability_key(made)).sums
    assert (sums.list_price, sums.to_pay, sums.back, sums.net) == tuple(
        map(Money.cny, ("600", "500", "50", "450"))
    )
    service.cancel(made.key, by=scene.booker)
    assert held == ["hold 500.00 CNY", "release"]


def test_a_bad_standing_is_among_the_reasons(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    class Debts:
        def reasons_against(self, customer_id, on, creditor_id=None):  # type: ignore[no-untyped-def]
            return [Reason("billing.debt", {})]

    monkeypatch.setattr(ports, "_ports", replace(ports.installed(), standing=Debts()))
    with pytest.raises(BookingRefused) as caught:
        make_booking(make_scene())
    assert [r.code for r in caught.value.reasons] == ["billing.debt"]


def test_samples_go_their_own_way(now: datetime) -> None:
    from resource_hub.domain.catalogue.terms import Mode

    scene = make_scene()
    asked = Asked(kind=BookingKind.SAMPLES, mode=Mode.SEND_IN, samples=5, description="合金断口")
    made = make_booking(scene, asked=asked)
    assert made.state is BookingState.REQUESTED and made.span is None
    assert service.quote_of(availability_key(made)).sums.to_pay == Money.cny("400")
    service.approve(made.key, by=scene.manager)
    with pytest.raises(WrongState):
        service.advance(made.key, Act.RECEIVE, by=scene.booker)
    for act in (Act.RECEIVE, Act.BEGIN, Act.DELIVER):
        service.advance(made.key, act, by=scene.manager)
    assert service.advance(made.key, Act.FINISH, by=scene.booker).state is BookingState.DONE
    with pytest.raises(BookingRefused, match="samples_missing"):
        make_booking(scene, asked=replace(asked, samples=0))


def test_an_access_request_for_a_dataset(now: datetime) -> None:
    facts = ("identifier", "creator", "publisher", "publication_year", "resource_type")
    details = {**dict.fromkeys(facts, "2024"), "identifier": "10.5072/example", "resource_type": "Dataset"}
    scene = make_scene(kind=ResourceKind.DATASET, tariff=None, details=details)
    made = make_booking(scene, asked=Asked(kind=BookingKind.ACCESS, mode=None, description="训练材料模型"))
    assert made.state is BookingState.REQUESTED and made.quote_id is None
    service.approve(made.key, by=scene.manager)
    delivered = service.advance(made.key, Act.DELIVER, by=scene.manager, note="下载链接已发")
    assert delivered.state is BookingState.DELIVERED
    with pytest.raises(BookingRefused, match="purpose_missing"):
        make_booking(scene, asked=Asked(kind=BookingKind.ACCESS, mode=None))


def test_usage_reports_and_early_leavers_free_the_rest(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    ten = moment("2026-03-03T10:00+08:00")
    with clock.fixed(ten):
        with unit_of_work() as unit:
            service.started(unit, made.key)
            service.started(unit, made.key)
            service.finished(unit, made.key, ten)
        assert service.booking(made.key).state is BookingState.DONE
        _, _, other = another_booker()
        make_booking(scene, by=other, asked=make_asked("2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00"))


def test_after_an_early_leaver_there_is_still_time_to_tear_down(now: datetime) -> None:
    scene = make_scene(rules={"teardown": 30})
    made = make_booking(scene)
    ten = moment("2026-03-03T10:00+08:00")
    with clock.fixed(ten):
        with unit_of_work() as unit:
            service.started(unit, made.key)
            service.finished(unit, made.key, ten)
        _, _, other = another_booker()
        with pytest.raises(SlotTaken):
            make_booking(
                scene, by=other, asked=make_asked("2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00")
            )
        make_booking(scene, by=other, asked=make_asked("2026-03-03T10:30+08:00", "2026-03-03T11:30+08:00"))


def test_a_use_that_was_over_as_it_began_is_in_nobodys_way(now: datetime) -> None:
    """Of such a use only set-up and tear-down are left: a closure does not hit it, and no gap is kept to it."""
    scene = make_scene(rules={"setup": 30, "teardown": 30, "gap": 60})
    made = make_booking(scene)
    with clock.fixed(moment("2026-03-03T09:00+08:00")), unit_of_work() as unit:
        service.started(unit, made.key)
        service.finished(unit, made.key, unit.now)
    with clock.fixed(moment("2026-03-03T09:00+08:00")):
        closure = make_exception(span=span("2026-03-03T08:00+08:00", "2026-03-03T10:00+08:00"))
        assert not service.preview_exception(scene.key, closure, by=scene.manager)
        make_booking(scene, asked=make_asked("2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00"))


def test_a_no_show_frees_its_slot(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    with clock.fixed(moment("2026-03-03T09:30+08:00")), unit_of_work() as unit:
        service.missed(unit, made.key)
    assert service.booking(made.key).state is BookingState.NO_SHOW
    assert availability.free_units(scene.key, made.span)  # type: ignore[arg-type]


def test_messages_reach_the_other_side(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    service.say(made.key, "样品需要喷金吗？", by=scene.booker)
    service.say(made.key, "请先喷金。", by=scene.manager)
    found = service.detail(made.key, scene.booker)
    assert [(m.from_host, m.text) for m in found.messages] == [
        (False, "样品需要喷金吗？"),
        (True, "请先喷金。"),
    ]
    assert found.side is Side.CUSTOMER
    outbox.deliver_due()
    kinds = [n.kind for n in notices.inbox(scene.booker.person_id)]
    assert kinds == ["booking.message"]


def test_what_usage_and_the_time_bar_ask(now: datetime) -> None:
    scene = make_scene()
    made = make_booking(scene)
    whole = span("2026-03-03T00:00+08:00", "2026-03-04T00:00+08:00")
    assert [r.key for r in service.due_to_start(whole)] == [made.key]
    assert [r.key for r in service.of_resources([scene.key], whole)] == [made.key]
    assert service.next_start_of(scene.booker.person_id, after=now) == made.starts_at


def test_a_withdrawn_resource_cannot_be_booked_by_strangers(now: datetime) -> None:
    scene = make_scene(public=False)
    with pytest.raises(NotFound):
        make_booking(scene)


def test_other_times_are_those_that_are_free_after_the_refusal(now: datetime, in_app: Flask) -> None:
    scene = make_scene()
    db.session.remove()
    reading().scalar(select(Booking.id))  # on SQLite the request reads from here on as of now

    def rival() -> None:
        with in_app.app_context(), clock.fixed(now):
            make_booking(scene, by=another_booker()[2])
            db.session.remove()

    thread = threading.Thread(target=rival)
    thread.start()
    thread.join()
    with pytest.raises(SlotTaken) as refused:
        make_booking(scene)
    taken = make_asked().span
    assert taken is not None
    starts = [datetime.fromisoformat(one["start"]) for one in refused.value.values["alternatives"]]
    assert starts and taken.start not in starts
