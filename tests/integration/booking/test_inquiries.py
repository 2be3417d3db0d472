"""Quotes given by hand: asked for, given, renewed, accepted until their last day, and the order made at one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.dividing import look_take_over
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    NoSuchInquiry,
    NotYours,
    QuoteLapsed,
    StaleBooking,
    WrongState,
)
from resource_hub.domain.booking.inquiry_words import GivenState, Inquiry, InquiryState, QuoteLine, Wish
from resource_hub.domain.booking.terms import Asked, BookingKind
from resource_hub.domain.catalogue.terms import Mode, ResourceKind
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import reading
from resource_hub.infra.tables import AuditEntry
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from tests.builders.accounts import actor, make_actor, make_person
from tests.builders.availability import moment
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.test_linked import linked

ASK = {"format": 1, "currency": "CNY", "ask": True}
LAST_DAY = date(2026, 3, 10)


@pytest.fixture
def scene(now: datetime) -> Scene:
    return make_scene(tariff=ASK)


def wish(**changes: Any) -> Wish:
    return replace(Wish(BookingKind.WINDOW, Mode.SELF_USE, 7200, description="断口形貌"), **changes)


def line(text: str = "机时与制样", amount: str = "880.00") -> QuoteLine:
    return QuoteLine(text, Money.cny(amount))


def given(scene: Scene, found: Inquiry | None = None, *lines: QuoteLine, until: date = LAST_DAY) -> Inquiry:
    found = found or service.ask_for_quote(scene.key, wish(), by=scene.booker)
    return service.give_quote(found.key, lines or [line()], until, by=scene.manager)


def accepted(scene: Scene) -> Inquiry:
    return service.accept_quote(given(scene).key, 1, by=scene.booker)


def codes(error: Any) -> list[str]:
    return [reason.code for reason in error.value.reasons]


def test_asked_given_accepted_and_booked_at_it(scene: Scene) -> None:
    asked = service.ask_for_quote(scene.key, wish(), by=scene.booker)
    assert (asked.state, asked.number[:4]) == (InquiryState.ASKED, "Q26-")
    assert service.inquiries_waiting(scene.manager) == 1
    offer = given(scene, asked, line("机时", "600.00"), line("制样", "280.00"))
    assert offer.quote is not None and offer.quote.total == Money.cny("880.00")
    assert service.inquiries_waiting(scene.manager) == 0
    taken = service.accept_quote(asked.key, 1, by=scene.booker)
    assert taken.state is InquiryState.ACCEPTED and taken.quote is not None
    made = make_booking(scene, asked=make_asked(given_id=taken.quote.key.id))
    quote = service.quote_of(HostKey(scene.host.id, made.quote_id), scene.booker)
    assert quote.sums.list_price == Money.cny("880.00") and quote.given_id == taken.quote.key.id
    assert [(one.why.code, one.why.values["quote"], one.amount.minor) for one in quote.lines] == [
        ("pricing.line.agreed", asked.number, 60000), ("pricing.line.agreed", asked.number, 28000),
    ]  # fmt: skip
    assert service.order_of_inquiry(service.inquiry_for(asked.key, scene.booker)[0]) == made.key


def test_both_sides_are_told_and_it_is_audited(scene: Scene) -> None:
    found = accepted(scene)
    outbox.deliver_due()
    kinds = [notice.kind for notice in notices.inbox(scene.booker_person.id)]
    assert "booking.inquiry_given" in kinds
    host = [notice.kind for notice in notices.inbox(scene.manager_person.id)]
    assert {"booking.inquiry_asked", "booking.inquiry_accepted"} <= set(host)
    rows = reading().scalars(select(AuditEntry.action).where(AuditEntry.subject == f"inquiry:{found.key.id}"))
    assert set(rows) == {"booking.inquiry_asked", "booking.inquiry_given", "booking.inquiry_accepted"}


@pytest.mark.parametrize(
    ("at", "open_still"), [("2026-03-10T23:59:59+08:00", True), ("2026-03-11T00:00+08:00", False)]
)
def test_the_last_day_counts_whole_in_the_hosts_zone(scene: Scene, at: str, open_still: bool) -> None:
    offer = given(scene)
    with clock.fixed(moment(at)):
        if open_still:
            assert service.accept_quote(offer.key, 1, by=scene.booker).state is InquiryState.ACCEPTED
            return
        for decide in (service.accept_quote, service.decline_quote):
            with pytest.raises(WrongState):
                decide(offer.key, 1, by=scene.booker)
        found, _side = service.inquiry_for(offer.key, scene.booker)
        assert found.state_on(date(2026, 3, 11)) is InquiryState.EXPIRED
        # Renewed, it can be accepted again; the old version stays.
        again = service.give_quote(offer.key, [line(amount="900.00")], date(2026, 3, 11), by=scene.manager)
        assert again.quote is not None and again.quote.number == 2
        service.accept_quote(offer.key, 2, by=scene.booker)
        states = [(v.number, v.state, v.total.minor) for v in service.given_versions(offer.key)]
        assert states == [(2, GivenState.ACCEPTED, 90000), (1, GivenState.REPLACED, 88000)]


def test_a_zone_of_its_own(now: datetime) -> None:
    scene = make_scene(tariff=ASK, zone="America/New_York")
    offer = given(scene)
    with clock.fixed(moment("2026-03-10T23:59:59-04:00")):
        service.accept_quote(offer.key, 1, by=scene.booker)


def test_the_version_that_was_read_is_the_one_accepted(scene: Scene) -> None:
    first = given(scene)
    second = given(scene, first, line(amount="990.00"))
    with pytest.raises(StaleBooking):
        service.accept_quote(first.key, 1, by=scene.booker)
    with pytest.raises(StaleBooking):
        service.accept_quote(first.key, 2, by=scene.booker, version=first.version)
    assert service.accept_quote(first.key, 2, by=scene.booker, version=second.version).quote is not None


def test_who_may_name_a_price_and_who_may_accept_it(scene: Scene) -> None:
    asked = service.ask_for_quote(scene.key, wish(), by=scene.booker)
    operator = make_actor(scene.host, Role.OPERATOR)
    stranger = another_booker()[2]
    for by, error in ((operator, NotYours), (scene.booker, NotYours), (stranger, NoSuchInquiry)):
        with pytest.raises(error):
            service.give_quote(asked.key, [line()], LAST_DAY, by=by)
    given(scene, asked)
    for by, error in ((scene.manager, NotYours), (stranger, NoSuchInquiry)):
        with pytest.raises(error):
            service.accept_quote(asked.key, 1, by=by)
    with pytest.raises(NoSuchInquiry):
        service.inquiry_for(asked.key, stranger)
    assert service.inquiries_of(stranger) == [] and service.inquiries_at(stranger) == []


def test_nobody_names_the_price_that_they_accept(scene: Scene) -> None:
    both = make_person(roles=[(scene.host, Role.MANAGER), (scene.firm, Role.BOOKER)])
    as_host, as_customer = actor(both, scene.host), actor(both, scene.firm)
    own = service.ask_for_quote(scene.key, wish(), by=as_customer)
    with pytest.raises(NotYours):
        service.give_quote(own.key, [line()], LAST_DAY, by=as_host)
    assert not service.may_price(own, as_host)
    theirs = service.ask_for_quote(scene.key, wish(), by=scene.booker)
    service.give_quote(theirs.key, [line()], LAST_DAY, by=as_host)
    with pytest.raises(NotYours):
        service.accept_quote(theirs.key, 1, by=as_customer)


def test_a_price_is_positive_in_the_hosts_currency_and_has_a_day(scene: Scene) -> None:
    asked = service.ask_for_quote(scene.key, wish(), by=scene.booker)
    bad = [line("", "1.00"), line("x", "0.00"), line("x", "-5.00"), QuoteLine("x", Money(100, "JPY"))]
    with pytest.raises(InvalidOrder) as caught:
        service.give_quote(asked.key, bad, date(2026, 3, 1), by=scene.manager)
    assert codes(caught) == [
        "booking.given_line_text", "booking.given_amount", "booking.given_amount", "booking.given_currency",
        "booking.given_past",
    ]  # fmt: skip
    with pytest.raises(InvalidOrder):
        service.give_quote(asked.key, [], LAST_DAY, by=scene.manager)
    # Today is a last day, a day more than a year is none.
    service.give_quote(asked.key, [line()], date(2026, 3, 2), by=scene.manager)
    with pytest.raises(InvalidOrder):
        service.give_quote(asked.key, [line()], date(2026, 3, 2) + timedelta(days=367), by=scene.manager)


def test_what_is_asked_must_be_known_and_not_be_in_the_tariff(scene: Scene) -> None:
    with pytest.raises(InvalidOrder) as caught:
        service.ask_for_quote(scene.key, Wish(BookingKind.WINDOW), by=scene.booker)
    assert codes(caught) == ["booking.inquiry_length", "booking.inquiry_description"]
    priced = make_scene()
    with pytest.raises(InvalidOrder) as caught:
        service.ask_for_quote(priced.key, wish(), by=priced.booker)
    assert codes(caught) == ["booking.inquiry_not_needed"]


def test_declined_refused_withdrawn_and_taken_back(scene: Scene) -> None:
    offer = given(scene)
    declined = service.decline_quote(offer.key, 1, by=scene.booker, reason="太贵")
    assert declined.state is InquiryState.DECLINED
    better = given(scene, offer, line(amount="500.00"))
    assert better.quote is not None and better.quote.number == 2
    with pytest.raises(InvalidOrder):
        service.withdraw_quote(offer.key, 2, by=scene.manager, reason=" ")
    back = service.withdraw_quote(offer.key, 2, by=scene.manager, reason="写错了")
    assert back.state is InquiryState.ASKED
    with pytest.raises(WrongState):
        service.accept_quote(offer.key, 2, by=scene.booker)
    refused = service.refuse_inquiry(offer.key, by=scene.manager, reason="做不了")
    assert (refused.state, refused.reason) == (InquiryState.REFUSED, "做不了")
    with pytest.raises(WrongState):
        given(scene, offer)
    assert [v.state for v in service.given_versions(offer.key)] == [GivenState.WITHDRAWN, GivenState.DECLINED]
    other = given(scene)
    assert service.take_back_inquiry(other.key, by=scene.booker).state is InquiryState.WITHDRAWN
    with pytest.raises(WrongState):
        service.accept_quote(other.key, 1, by=scene.booker)


def test_an_accepted_price_stands(scene: Scene) -> None:
    found = accepted(scene)
    for act in (
        lambda: given(scene, found),
        lambda: service.withdraw_quote(found.key, 1, by=scene.manager, reason="x"),
        lambda: service.refuse_inquiry(found.key, by=scene.manager, reason="x"),
        lambda: service.take_back_inquiry(found.key, by=scene.booker),
        lambda: service.decline_quote(found.key, 1, by=scene.booker),
    ):
        with pytest.raises(WrongState):
            act()


def test_one_order_a_quote_until_it_is_dropped(scene: Scene) -> None:
    found = accepted(scene)
    assert found.quote is not None
    at = make_asked(given_id=found.quote.key.id)
    made = make_booking(scene, asked=at)
    other = make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00", given_id=found.quote.key.id)
    with pytest.raises(QuoteLapsed) as caught:
        make_booking(scene, asked=other)
    assert codes(caught) == ["booking.given_used"]
    service.cancel(made.key, by=scene.booker)
    assert make_booking(scene, asked=other).quote_id is not None


def test_a_frozen_copy_is_no_second_order(scene: Scene) -> None:
    found = accepted(scene)
    assert found.quote is not None
    frozen = service.quote(scene.key, make_asked(given_id=found.quote.key.id), by=scene.booker)
    assert frozen.key is not None
    with pytest.raises(QuoteLapsed):
        make_booking(scene, asked=make_asked(), quote_id=frozen.key.id)
    made = make_booking(scene, asked=make_asked(given_id=found.quote.key.id), quote_id=frozen.key.id)
    assert made.quote_id == frozen.key.id


def test_the_order_is_what_the_price_was_named_for(scene: Scene) -> None:
    offer = given(scene)
    assert offer.quote is not None
    given_id = offer.quote.key.id
    with pytest.raises(QuoteLapsed) as caught:
        make_booking(scene, asked=make_asked(given_id=given_id))
    assert codes(caught) == ["booking.given_not_accepted"]
    service.accept_quote(offer.key, 1, by=scene.booker)
    with pytest.raises(QuoteLapsed) as caught:
        make_booking(
            scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T11:30+08:00", given_id=given_id)
        )
    assert codes(caught) == ["booking.given_longer"]
    with pytest.raises(QuoteLapsed) as caught:
        make_booking(scene, by=another_booker()[2], asked=make_asked(given_id=given_id))
    assert codes(caught) == ["booking.quote_for_other"]
    made = make_booking(scene, asked=make_asked(given_id=given_id))
    later = make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00")
    assert later.span is not None
    moved = service.change(made.key, later.span, by=scene.booker)
    assert moved.quote_id == made.quote_id
    longer = make_asked("2026-03-04T09:00+08:00", "2026-03-04T12:00+08:00")
    assert longer.span is not None
    with pytest.raises(BookingRefused) as refused:
        service.change(made.key, longer.span, by=scene.booker)
    assert codes(refused) == ["booking.given_longer"]
    with pytest.raises(BookingRefused) as refused:
        service.split(made.key, moment("2026-03-04T10:00+08:00"), by=scene.booker)
    assert codes(refused) == ["booking.given_not_divided"]


def test_it_goes_to_no_other_customer(scene: Scene) -> None:
    found = accepted(scene)
    assert found.quote is not None
    made = make_booking(scene, asked=make_asked(given_id=found.quote.key.id))
    _firm, person, other = another_booker()
    customer_id = next(iter(other.customer_ids))
    with pytest.raises(BookingRefused) as refused:
        service.offer_hand_over(made.key, customer_id, by=scene.booker)
    assert codes(refused) == ["booking.given_not_divided"]
    look = look_take_over(made, customer_id, person.id, other, clock.now())
    assert "booking.given_not_divided" in [reason.code for reason in look.reasons]
    # A colleague of the same customer may use it.
    colleague = make_person(roles=[(scene.firm, Role.BOOKER)])
    assert service.hand_over(made.key, colleague.id, by=scene.booker).quote_id == made.quote_id


def test_access_to_something_untimed_at_a_named_price(now: datetime) -> None:
    facts = ("identifier", "creator", "publisher", "publication_year", "resource_type")
    details = {**dict.fromkeys(facts, "2024"), "identifier": "10.5072/example", "resource_type": "Dataset"}
    scene = make_scene(kind=ResourceKind.DATASET, tariff=None, details=details)
    asked = service.ask_for_quote(
        scene.key, Wish(BookingKind.ACCESS, description="训练材料模型"), by=scene.booker
    )
    found = service.accept_quote(given(scene, asked).key, 1, by=scene.booker)
    assert found.quote is not None
    order = Asked(kind=BookingKind.ACCESS, mode=None, description="训练材料模型", given_id=found.quote.key.id)
    made = make_booking(scene, asked=order)
    assert service.sums_of([made])[made.key].list_price == Money.cny("880.00")


def test_samples_at_a_named_price_are_no_more_than_were_priced(now: datetime) -> None:
    scene = make_scene(tariff=ASK, modes=(Mode.SEND_IN,))
    with pytest.raises(InvalidOrder) as caught:
        service.ask_for_quote(scene.key, wish(kind=BookingKind.SAMPLES, mode=Mode.SEND_IN), by=scene.booker)
    assert codes(caught) == ["booking.inquiry_samples"]
    ten = wish(kind=BookingKind.SAMPLES, mode=Mode.SEND_IN, length_seconds=0, samples=10)
    found = given(scene, service.ask_for_quote(scene.key, ten, by=scene.booker))
    found = service.accept_quote(found.key, 1, by=scene.booker)
    assert found.quote is not None
    order = Asked(
        kind=BookingKind.SAMPLES, mode=Mode.SEND_IN, samples=11, description="断口形貌", hazards=frozenset({"none"}),
        given_id=found.quote.key.id,
    )  # fmt: skip
    with pytest.raises(QuoteLapsed) as lapsed:
        make_booking(scene, asked=order)
    assert codes(lapsed) == ["booking.given_more_samples"]
    made = make_booking(scene, asked=replace(order, samples=10))
    assert service.sums_of([made])[made.key].list_price == Money.cny("880.00")
    # A window is another thing than samples.
    with pytest.raises(QuoteLapsed) as lapsed:
        make_booking(scene, asked=make_asked(given_id=found.quote.key.id, mode=Mode.SEND_IN))
    assert "booking.given_used" in codes(lapsed)


def test_what_always_comes_along_keeps_its_own_tariff_under_a_named_price(now: datetime) -> None:
    world = linked(tariff=ASK)
    found = accepted(world.scene)
    assert found.quote is not None
    made = make_booking(world.scene, asked=make_asked(given_id=found.quote.key.id))
    (room,) = service.helpers_of(made.key)
    assert room.quote is not None and room.quote.given_id is None
    assert room.quote.sums.list_price == Money.cny("100") and room.quote.tariff_id is not None
    assert service.sums_of([made])[made.key].list_price == Money.cny("980")
