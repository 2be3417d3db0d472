"""The door to billing: charges, statements, payments, accounts, income."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.billing import store
from resource_hub.domain.billing.charging import on_cancellation_fee_due, on_usage_sealed
from resource_hub.domain.billing.errors import ChargeNotFound
from resource_hub.domain.billing.ports import install
from resource_hub.domain.billing.statements import (
    DEBT_BLOCK_DAYS,
    ISSUE_AFTER_DAYS,
    KEEPS_BOOKS,
    Standing,
    issue_due,
    issue_statements,
    overdue_count,
    record_payment,
    solve_problem,
    statement,
    statements_of_customers,
    statements_of_host,
    statements_owed,
)
from resource_hub.domain.billing.telling import SUBSCRIPTIONS as _NOTICES
from resource_hub.domain.billing.terms import AccountRecord, ChargeRecord, MoneyEntryRecord, TriedLine
from resource_hub.domain.billing.trying import try_tariff
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money

__all__ = [
    "DEBT_BLOCK_DAYS", "ISSUE_AFTER_DAYS", "KEEPS_BOOKS", "SUBSCRIPTIONS", "Standing", "accounts_of_customers",
    "accounts_of_host", "charge", "charge_for_rules", "charges_of_booking", "charges_of_entry", "costs_of_customers",
    "income", "install", "issue_due", "issue_statements", "money_entries", "months", "open_sums",
    "overdue_count", "payments", "problems", "record_payment", "solve_problem", "statement", "statements_of_customers",
    "statements_of_host", "statements_owed", "tried",
]  # fmt: skip


def charge(key: HostKey, *, by: Actor) -> ChargeRecord:
    """A charge, for the two parties.

    Raises:
        ChargeNotFound: none such, or not for this reader.
    """
    row = store.charge_row(reading(), key)
    own = by.organisation_id == key.institution_id and by.has(*KEEPS_BOOKS, Role.MANAGER, Role.DEPUTY)
    if row is None or not (own or row.customer_id in by.customer_ids | by.led_customer_ids):
        raise ChargeNotFound()
    return store.charge_record(row)


def charge_for_rules(key: HostKey) -> ChargeRecord:
    """A charge for the rooms above, which judge by it; no reader, so no scope.

    Raises:
        ChargeNotFound
    """
    row = store.charge_row(reading(), key)
    if row is None:
        raise ChargeNotFound()
    return store.charge_record(row)


def charges_of_booking(key: HostKey) -> list[ChargeRecord]:
    """What a booking came to cost, with the statement each charge stands on. The caller has checked the reader."""
    return store.charges_of_booking(reading(), key.institution_id, key.id)


def charges_of_entry(key: HostKey) -> list[ChargeRecord]:
    """Charges made from one usage entry, for the session's page. The caller has checked the reader."""
    return [store.charge_record(row) for row in store.charges_of_entry(reading(), key.institution_id, key.id)]


def problems(institution_id: UUID) -> list[ChargeRecord]:
    return [store.charge_record(row) for row in store.problems(reading(), institution_id)]


def payments(key: HostKey) -> list[MoneyEntryRecord]:
    return store.payments_of_statement(reading(), key)


def money_entries(institution_id: UUID, customer_id: UUID) -> list[MoneyEntryRecord]:
    return store.money_entries(reading(), institution_id, customer_id)


def accounts_of_host(institution_id: UUID) -> list[AccountRecord]:
    """Where every customer stands with a host, largest debt first."""
    session = reading()
    open_sums = store.open_statement_sums(session, institution_id=institution_id)
    return _accounts(store.balances(session, institution_id=institution_id), open_sums)


def accounts_of_customers(customer_ids: Collection[UUID]) -> list[AccountRecord]:
    """Where customers stand with every host."""
    session = reading()
    open_sums = store.open_statement_sums(session, customer_ids=customer_ids)
    return _accounts(store.balances(session, customer_ids=customer_ids), open_sums)


def _accounts(
    balances: list[tuple[UUID, UUID, str, int]], open_sums: Mapping[tuple[UUID, UUID, str], int]
) -> list[AccountRecord]:
    found = []
    for institution_id, customer_id, currency, balance in balances:
        open_minor = open_sums.get((institution_id, customer_id, currency), 0)
        found.append(
            AccountRecord(
                institution_id,
                customer_id,
                Money(balance, currency),
                Money(open_minor, currency),
                Money(balance - open_minor, currency),
            )
        )
    return sorted(found, key=lambda account: -account.balance.minor)


def open_sums(customer_ids: Collection[UUID]) -> dict[str, Money]:
    """What these customers owe on statements, by currency."""
    found: dict[str, int] = {}
    for (_, _, currency), minor in store.open_statement_sums(reading(), customer_ids=customer_ids).items():
        found[currency] = found.get(currency, 0) + minor
    return {currency: Money(minor, currency) for currency, minor in found.items()}


def costs_of_customers(
    customer_ids: Collection[UUID], since: date, until: date
) -> list[tuple[HostKey | None, Money]]:
    """What uses on these days came to cost, by booking; None gathers what had none. ``until`` is exclusive."""
    return [
        (HostKey(institution_id, booking_id) if booking_id else None, Money(minor, currency))
        for institution_id, booking_id, currency, minor in store.costs_of_customers(
            reading(), customer_ids, since, until
        )
    ]


def months(institution_id: UUID, since: date) -> list[tuple[date, int, Money, Money]]:
    """``(month, statements, total, paid)`` of a host since a month, newest first."""
    return [
        (period, number, Money(total), Money(paid))
        for period, number, total, paid in store.month_sums(reading(), institution_id, since)
    ]


def income(
    institution_id: UUID, since: date, until: date, resource_id: UUID | None = None
) -> list[tuple[str, Money, Money]]:
    """Income by customer class and day of use: ``(class, gross, deducted)``; ``until`` is exclusive."""
    return [
        (customer_class, Money(gross, currency), Money(deducted, currency))
        for customer_class, currency, gross, deducted in store.income(
            reading(), institution_id, since, until, resource_id
        )
    ]


def tried(
    resource: HostKey, document: Mapping[str, Any], days: int = 180, limit: int = 200
) -> list[TriedLine]:
    """Past charges of a resource beside what another tariff would have made of them, newest first.

    Raises:
        InvalidTariff
    """
    since = clock.now().date() - timedelta(days=days)
    charges = [store.charge_record(r) for r in store.charges_of_resource(reading(), resource, since, limit)]
    return [
        TriedLine(charge, price.total if price else None, reason)
        for charge, price, reason in try_tariff(document, charges)
    ]


SUBSCRIPTIONS = {
    "usage.sealed": [("billing.charge_usage", on_usage_sealed)],
    "booking.fee_due": [("billing.charge_cancellation", on_cancellation_fee_due)],
    **_NOTICES,
}
