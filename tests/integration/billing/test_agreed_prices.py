"""A use under a quote that the host gave by hand is charged at exactly that quote, once for the order."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.billing import service as billing
from resource_hub.domain.billing.tables import Charge
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.errors import QuoteLapsed
from resource_hub.domain.booking.inquiry_words import QuoteLine, Wish
from resource_hub.domain.booking.terms import BookingKind, BookingRecord
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode, ResourceKind
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.service import LineEntry, OperatorEntry
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import NotFound
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from tests.builders.accounts import make_actor
from tests.builders.availability import make_rules, make_weekly
from tests.builders.booking import another_booker
from tests.builders.catalogue import make_listing
from tests.builders.money import MoneyScene, book, close, deliver, make_money_scene, use

NINE = datetime.fromisoformat("2026-03-03T09:00+08:00")
ASK = {"format": 1, "currency": "CNY", "ask": True}


@pytest.fixture
def scene(in_app: Any) -> MoneyScene:
    with clock.fixed(NINE - timedelta(days=1)):
        return make_money_scene(tariff=ASK)


def booked(scene: MoneyScene) -> BookingRecord:
    lines = [QuoteLine("机时", Money.cny("600.00")), QuoteLine("制样", Money.cny("0.01"))]
    wish = Wish(BookingKind.WINDOW, Mode.SELF_USE, 7200, description="断口形貌")
    with clock.fixed(NINE - timedelta(days=1)):
        found = booking.ask_for_quote(scene.resource.key, wish, by=scene.booker)
        booking.give_quote(found.key, lines, date(2026, 3, 2), by=scene.manager)
        taken = booking.accept_quote(found.key, 1, by=scene.booker)
        assert taken.quote is not None
        return book(scene, NINE, given_id=taken.quote.key.id)


def charges() -> list[Charge]:
    db.session.rollback()
    return list(reading().scalars(select(Charge).order_by(Charge.created_at, Charge.id)))


@pytest.mark.parametrize("minutes", [30, 120])
def test_the_charge_is_the_quote_however_long_the_use_was(scene: MoneyScene, minutes: int) -> None:
    record = booked(scene)
    quote = booking.quote_of(HostKey(scene.host.id, record.quote_id or record.key.id))
    use(scene, record, minutes=minutes)
    deliver(NINE + timedelta(hours=4))
    (row,) = charges()
    assert (row.kind, row.gross_minor, row.tariff_id) == ("use", 60001, None)
    assert quote.sums.list_price.minor == row.gross_minor and quote.sums.to_pay.minor == row.amount_minor
    assert [(line["code"], line["values"]["version"], line["amount_minor"]) for line in row.lines] == [
        ("pricing.line.agreed", 1, 60000), ("pricing.line.agreed", 1, 1),
    ]  # fmt: skip
    assert row.lines[0]["values"]["quote"].startswith("Q26-")


def second(scene: MoneyScene, record: BookingRecord) -> None:
    """The operator enters another session of the same order, and the day is closed again."""
    at = NINE + timedelta(hours=4)
    with clock.fixed(NINE + timedelta(hours=6)):
        line = LineEntry(record.customer_id, booking_id=record.key.id)
        entry = OperatorEntry(at, at + timedelta(hours=1), (line,), source_key="again")
        unit_id = scene.unit_key.id
        usage.record_operator_entry(scene.resource.key, entry, scene.manager, unit_id=unit_id)
    close(scene, record, NINE + timedelta(hours=7))
    deliver(NINE + timedelta(hours=8))


def test_several_sessions_pay_the_quote_once(scene: MoneyScene) -> None:
    record = booked(scene)
    use(scene, record)
    deliver(NINE + timedelta(hours=3))
    second(scene, record)
    assert sorted(row.gross_minor for row in charges()) == [0, 60001]
    (account,) = billing.accounts_of_host(scene.host.id)
    assert account.balance.minor == sum(row.amount_minor for row in charges())


def test_a_correction_charges_the_quote_again_and_no_more(scene: MoneyScene) -> None:
    record = booked(scene)
    use(scene, record)
    deliver(NINE + timedelta(hours=4))
    view = usage.session_view(usage.sessions_of_booking(record.key)[0].key, scene.manager)
    moment = NINE + timedelta(days=1)
    with clock.fixed(moment):
        change = usage.Correction(ends_at=NINE + timedelta(hours=1), reason="机时有误")
        usage.correct(view.current_entries[0].key, change, scene.manager)
    deliver(moment)
    assert sorted((row.kind, row.gross_minor) for row in charges()) == [
        ("correction", -60001), ("use", 60001), ("use", 60001),
    ]  # fmt: skip


def missed(record: BookingRecord) -> None:
    """Nobody comes, and the day is sealed after the institution's term."""
    late = NINE + timedelta(minutes=30)
    with clock.fixed(late):
        usage.open_expected(late)
        usage.mark_no_shows(late)
    with clock.fixed(NINE + timedelta(days=9)):
        usage.seal_overdue(NINE + timedelta(days=9))
    deliver(NINE + timedelta(days=9))


def test_not_coming_costs_nothing_that_nobody_named(scene: MoneyScene) -> None:
    record = booked(scene)
    missed(record)
    (row,) = charges()
    assert (row.kind, row.gross_minor, row.amount_minor, row.tariff_id) == ("no_show", 0, 0, None)
    ((code, values),) = [(line["code"], line["values"]) for line in row.lines]
    assert code == "pricing.line.agreed_no_show" and values["quote"].startswith("Q26-")
    assert all(account.balance.is_zero for account in billing.accounts_of_host(scene.host.id))


def test_both_sides_see_why_not_coming_costs_nothing_and_others_nothing_of_it(scene: MoneyScene) -> None:
    record = booked(scene)
    missed(record)
    (row,) = charges()
    key = HostKey(scene.host.id, row.id)
    for by in (scene.booker, scene.manager):
        assert [line["code"] for line in billing.charge(key, by=by).lines] == ["pricing.line.agreed_no_show"]
    with pytest.raises(NotFound):
        billing.charge(key, by=another_booker()[2])


def test_who_did_not_come_has_no_price_for_another_order(scene: MoneyScene) -> None:
    record = booked(scene)
    missed(record)
    given = booking.quote_of(HostKey(scene.host.id, record.quote_id or record.key.id)).given_id
    with clock.fixed(NINE + timedelta(days=9)), pytest.raises(QuoteLapsed) as refused:
        book(scene, NINE + timedelta(days=10), given_id=given)
    assert [reason.code for reason in refused.value.reasons] == ["booking.given_used"]


def test_a_use_that_is_entered_after_a_no_show_bears_the_price(scene: MoneyScene) -> None:
    record = booked(scene)
    missed(record)
    at = NINE + timedelta(hours=4)
    with clock.fixed(NINE + timedelta(days=9)):
        line = LineEntry(record.customer_id, booking_id=record.key.id)
        entry = OperatorEntry(at, at + timedelta(hours=1), (line,), source_key="late")
        usage.record_operator_entry(scene.resource.key, entry, scene.manager, unit_id=scene.unit_key.id)
    close(scene, record, NINE + timedelta(days=9, hours=1))
    deliver(NINE + timedelta(days=9, hours=2))
    assert sorted((row.kind, row.gross_minor) for row in charges()) == [("no_show", 0), ("use", 60001)]


def test_what_was_booked_together_keeps_its_own_fee_for_not_coming(in_app: Any) -> None:
    with clock.fixed(NINE - timedelta(days=1)):
        scene = make_money_scene(tariff=ASK)
        room = make_listing(
            scene.host, kind=ResourceKind.FACILITY, listed=False, bookable=True, name_zh="制样室"
        )
        with unit_of_work() as unit:
            availability.set_hours_directly(unit, room.key, make_weekly(), make_rules())
            availability.rebuild(unit, [room.key], availability.kept_span())
        fee = {"consequence": "fee", "fee": {"all": "30.00"}}
        document = {"format": 1, "currency": "CNY", "hour": {"all": "50.00"}, "no_show": fee}
        pricing.adopt(room.key, document, date(2020, 1, 1))
        office = make_actor(scene.host, Role.OFFICE)
        catalogue.save_links(scene.resource.key, {room.key.id: True}, by=office)
    missed(booked(scene))
    assert sorted((row.kind, row.gross_minor) for row in charges()) == [("no_show", 0), ("no_show", 30_00)]
