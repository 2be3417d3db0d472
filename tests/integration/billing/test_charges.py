"""From the sealed session to the paid statement, on both engines."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from resource_hub.domain.availability import service as availability
from resource_hub.domain.billing import service as billing
from resource_hub.domain.billing import store
from resource_hub.domain.billing.errors import (
    InvalidPayment,
    NotYourAccount,
    PaymentTwice,
    PeriodOpen,
    StatementNotFound,
)
from resource_hub.domain.billing.tables import Charge, MoneyEntry
from resource_hub.domain.billing.terms import ChargeKind, StatementState
from resource_hub.domain.booking import service as booking
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceKind
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.usage import service as usage
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from tests.builders.availability import make_rules, make_weekly
from tests.builders.catalogue import make_listing
from tests.builders.money import book, deliver, issue, make_money_scene, use, used

NINE = datetime.fromisoformat("2026-03-03T09:00+08:00")
APRIL = datetime.fromisoformat("2026-04-10T09:00+08:00")
MARCH = date(2026, 3, 1)


def charges() -> list[Charge]:
    db.session.rollback()
    return list(reading().scalars(select(Charge).order_by(Charge.created_at, Charge.id)))


def test_the_charge_is_the_quote_less_what_the_voucher_takes_off(scene):
    record = used(scene, NINE)
    (row,) = charges()
    quoted = booking.quote_of(HostKey(scene.host.id, record.quote_id))
    assert (row.kind, row.gross_minor, row.deducted_minor, row.amount_minor) == ("use", 60000, 15000, 45000)
    assert quoted.sums.list_price == Money.cny("600.00")
    assert quoted.sums.to_pay == Money.cny("450.00")
    (entry,) = billing.money_entries(scene.host.id, scene.customer_id)
    assert entry.amount == Money.cny("450.00")


def test_a_second_delivery_changes_nothing(scene):
    record = used(scene, NINE)
    entry = usage.session_view(usage.sessions_of_booking(record.key)[0].key, scene.manager).current_entries[0]
    from resource_hub.domain.billing.charging import on_usage_sealed
    from resource_hub.infra.outbox import Event

    event = Event(
        entry.key.id, "usage.sealed", "x",
        {"institution_id": str(scene.host.id), "entry_id": str(entry.key.id), "line_id": str(entry.line_id)}, NINE,
    )  # fmt: skip
    with clock.fixed(NINE + timedelta(hours=9)), unit_of_work() as unit:
        on_usage_sealed(unit, event)
    assert len(charges()) == 1


def test_a_no_show_costs_its_fee_and_frees_what_was_held(scene):
    with clock.fixed(NINE - timedelta(hours=2)):
        book(scene, NINE)
    later = NINE + timedelta(minutes=30)
    with clock.fixed(later):
        usage.open_expected(later)
        usage.mark_no_shows(later)
    with clock.fixed(NINE + timedelta(days=9)):
        usage.seal_overdue(NINE + timedelta(days=9))
    deliver(NINE + timedelta(days=9))
    (row,) = charges()
    assert (row.kind, row.amount_minor, row.deducted_minor) == ("no_show", 10000, 0)
    from resource_hub.domain.subsidy import service as subsidy

    (quota,) = subsidy.quotas_of_customers([scene.customer_id])
    assert quota.held.is_zero
    assert quota.used.is_zero


def test_the_fee_of_a_no_show_grows_with_those_before_it(in_app):
    grows = {
        "format": 1,
        "currency": "CNY",
        "hour": {"all": "300.00"},
        "no_show": {
            "consequence": "fee",
            "fee": {"all": "100.00"},
            "times": ["0", "1", "5"],
            "within_days": 3,
        },
    }
    with clock.fixed(NINE - timedelta(days=1)):
        scene = make_money_scene(tariff=grows, quota=None)
        for day in (0, 1, 2, 3, 9):
            book(scene, NINE + timedelta(days=day))
    for day in (0, 1, 2, 3, 9):
        later = NINE + timedelta(days=day, minutes=30)
        with clock.fixed(later):
            usage.open_expected(later)
            usage.mark_no_shows(later)
    end = NINE + timedelta(days=30)
    with clock.fixed(end):
        usage.seal_overdue(end)
    deliver(end)
    rows = sorted(charges(), key=lambda row: row.day)
    # A warning, the fee, five times; on the fourth day the first has left the period, on the tenth all have.
    assert [row.amount_minor for row in rows] == [0, 10000, 50000, 50000, 0]
    assert [row.lines[0]["values"]["number"] for row in rows] == [1, 2, 3, 3, 1]


def test_a_correction_takes_the_charge_back_and_charges_anew(scene):
    record = used(scene, NINE)
    view = usage.session_view(usage.sessions_of_booking(record.key)[0].key, scene.manager)
    moment = NINE + timedelta(days=1)
    with clock.fixed(moment):
        usage.correct(
            view.current_entries[0].key,
            usage.Correction(ends_at=NINE + timedelta(hours=1), reason="机时有误"),
            scene.manager,
        )
    deliver(moment)
    rows = charges()
    assert sorted((row.kind, row.gross_minor, row.deducted_minor) for row in rows) == [
        ("correction", -60000, -15000),
        ("use", 30000, 7500),
        ("use", 60000, 15000),
    ]
    (account,) = billing.accounts_of_host(scene.host.id)
    assert account.balance == Money.cny("225.00")


def test_a_use_that_no_tariff_prices_waits_for_the_office_and_is_never_free(in_app):
    with clock.fixed(NINE - timedelta(days=1)):
        scene = make_money_scene(tariff={"format": 1, "currency": "CNY", "ask": True}, quota=None)
        record = book(scene, NINE)
        booking.approve(record.key, by=scene.manager)
    use(scene, record)
    deliver(NINE + timedelta(hours=4))
    (row,) = charges()
    assert (row.kind, row.amount_minor) == ("problem", 0)
    (problem,) = billing.problems(scene.host.id)
    with clock.fixed(NINE + timedelta(days=1)):
        billing.solve_problem(problem.key, Money.cny("500.00"), "按协议价", by=scene.office)
    db.session.rollback()
    assert billing.problems(scene.host.id) == []
    assert {row.kind for row in charges()} == {ChargeKind.PROBLEM, ChargeKind.MANUAL}


def test_a_statement_a_customer_and_month_and_issuing_again_changes_nothing(scene):
    used(scene, NINE)
    used(scene, NINE + timedelta(days=2))
    with clock.fixed(NINE), pytest.raises(PeriodOpen):
        billing.issue_statements(scene.host.id, MARCH)
    assert issue(scene, APRIL, MARCH) == 1
    assert issue(scene, APRIL, MARCH) == 0
    (statement,) = billing.statements_of_customers(scene.payer)
    assert statement.number == f"{scene.host.code.upper()}-202603-0001"
    assert (statement.gross, statement.deducted, statement.total) == (
        Money.cny("1200.00"), Money.cny("300.00"), Money.cny("900.00"),
    )  # fmt: skip
    _, lines = billing.statement(statement.key, by=scene.payer)
    assert len(lines) == 2
    with pytest.raises(StatementNotFound):
        billing.statement(statement.key, by=scene.reviewer)


def test_what_comes_after_the_month_was_closed_falls_into_the_next(scene):
    used(scene, NINE)
    issue(scene, APRIL, MARCH)
    used(scene, NINE + timedelta(days=42))
    moment = datetime.fromisoformat("2026-05-12T09:00+08:00")
    with clock.fixed(moment):
        assert billing.issue_due() == (1, 0)
        assert billing.issue_due() == (0, 0)
    assert [s.period for s in billing.statements_of_customers(scene.payer)] == [date(2026, 4, 1), MARCH]


def test_no_statement_before_the_last_use_of_its_month_is_charged(scene):
    used(scene, NINE)
    with clock.fixed(NINE + timedelta(days=1)):
        late = book(scene, NINE + timedelta(days=2))
    use(scene, late)  # sealed, but nobody has delivered the news yet
    with clock.fixed(datetime.fromisoformat("2026-04-12T09:00+08:00")):
        assert billing.issue_due() == (0, 0)
    deliver(NINE + timedelta(days=3))
    with clock.fixed(datetime.fromisoformat("2026-04-12T09:00+08:00")):
        assert billing.issue_due() == (1, 0)
    (statement,) = billing.statements_of_customers(scene.payer)
    assert statement.total == Money.cny("900.00")


def test_a_payment_is_typed_twice_and_counts_once(scene):
    used(scene, NINE)
    issue(scene, APRIL, MARCH)
    (statement,) = billing.statements_of_customers(scene.payer)
    with clock.fixed(APRIL):
        with pytest.raises(InvalidPayment) as refused:
            billing.record_payment(
                statement.key, Money.cny("9999"), Money.cny("1"), "", date(2026, 12, 1), by=scene.office
            )
        assert {r.code for r in refused.value.reasons} == {
            "billing.payment.differs", "billing.payment.too_much", "billing.payment.reference",
            "billing.payment.future",
        }  # fmt: skip
        with pytest.raises(NotYourAccount):
            billing.record_payment(
                statement.key, Money.cny("450"), Money.cny("450"), "B1", APRIL.date(), by=scene.payer
            )
        paid = billing.record_payment(
            statement.key, Money.cny("200"), Money.cny("200"), "B1", APRIL.date(), by=scene.office
        )
        assert (paid.state, paid.open) == (StatementState.ISSUED, Money.cny("250"))
        with pytest.raises(PaymentTwice):
            billing.record_payment(
                statement.key, Money.cny("250"), Money.cny("250"), "b1 ", APRIL.date(), by=scene.office
            )
        paid = billing.record_payment(
            statement.key, Money.cny("250"), Money.cny("250"), "B2", APRIL.date(), by=scene.office
        )
    assert paid.state is StatementState.PAID
    (account,) = billing.accounts_of_customers([scene.customer_id])
    assert account.balance.is_zero


def test_debts_long_overdue_stop_new_bookings(scene):
    used(scene, NINE)
    issue(scene, APRIL, MARCH)
    (statement,) = billing.statements_of_customers(scene.payer)
    standing = billing.Standing()
    last = statement.due_on + timedelta(days=billing.DEBT_BLOCK_DAYS)
    assert standing.reasons_against(scene.customer_id, last) == []
    (reason,) = standing.reasons_against(scene.customer_id, last + timedelta(days=1))
    assert (reason.code, reason.values["amount"]) == ("billing.overdue", [statement.total.as_json()])


def test_debts_in_several_currencies_are_said_side_by_side(scene, monkeypatch):
    rows = [store.Debt(scene.host.id, MARCH, 100_00, currency) for currency in ("CNY", "USD", "CNY")]
    monkeypatch.setattr(store, "unpaid", lambda *_: rows)
    (reason,) = billing.Standing().reasons_against(scene.customer_id, MARCH + timedelta(days=365))
    assert reason.values["amount"] == [Money(200_00, "CNY").as_json(), Money(100_00, "USD").as_json()]


def test_the_database_itself_refuses_to_change_charges_and_money_entries(scene):
    used(scene, NINE)
    for table, column in ((Charge, "gross_minor"), (MoneyEntry, "amount_minor")):
        with pytest.raises(DBAPIError), unit_of_work() as unit:
            unit.session.execute(update(table).values(**{column: 1}))


def test_money_entries_are_linked_into_the_hosts_chain(scene):
    used(scene, NINE)
    with clock.fixed(NINE + timedelta(days=1)):
        usage.link_due()
    db.session.rollback()
    from resource_hub.domain.usage.tables import ChainLink

    linked = reading().scalar(select(func.count()).select_from(ChainLink).where(ChainLink.kind == "money"))
    assert linked == 1


def test_what_was_booked_together_is_charged_for_as_long_as_the_instrument_was_used(scene):
    with clock.fixed(NINE - timedelta(days=1)):
        room = make_listing(scene.host, kind=ResourceKind.FACILITY, listed=False, name_zh="制样室")
        with unit_of_work() as unit:
            availability.set_hours_directly(unit, room.key, make_weekly(), make_rules())
            availability.rebuild(unit, [room.key], availability.kept_span())
        tariff = {"format": 1, "currency": "CNY", "hour": {"all": "50.00"}}
        pricing.adopt(room.key, tariff, date(2020, 1, 1))
        catalogue.save_links(scene.resource.key, {room.key.id: True}, by=scene.office)
    record = used(scene, NINE)
    (helper,) = booking.helpers_of(record.key)
    found = {row.booking_id: row for row in charges()}
    assert set(found) == {record.key.id, helper.record.key.id}
    assert found[helper.record.key.id].gross_minor == 10000
    assert found[helper.record.key.id].resource_id == room.key.id
    assert helper.quote is not None and helper.quote.sums.list_price.minor == 10000
    deliver(NINE + timedelta(hours=6))
    assert len(charges()) == 2
