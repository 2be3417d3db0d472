"""Statements and payments: a month's charges of a customer at a host, numbered, due, paid.

Issuing is idempotent: a customer has one statement a period and currency, a charge stands on one statement. What is
sealed late, or corrected after a month was closed, falls into the next one.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.billing import store
from resource_hub.domain.billing.charging import enter_money, price_by_hand
from resource_hub.domain.billing.errors import (
    ChargeNotFound,
    InvalidPayment,
    NotAProblem,
    NotYourAccount,
    PaymentTwice,
    PeriodOpen,
    StatementNotFound,
)
from resource_hub.domain.billing.rules import month_of, next_month, statement_number
from resource_hub.domain.billing.tables import PeriodClose, Statement, StatementLine
from resource_hub.domain.billing.terms import (
    ChargeKind,
    ChargeRecord,
    MoneyEntryKind,
    StatementRecord,
    StatementState,
)
from resource_hub.infra import batches, clock, outbox
from resource_hub.infra.database import reading
from resource_hub.infra.ids import derived_id
from resource_hub.infra.keeping import remembered
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work
from resource_hub.kernel.errors import Reason, Stale
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import local_day, zone

KEEPS_BOOKS = (Role.OFFICE, Role.INSTITUTION_ADMIN)
PAYMENT_DAYS = 30
# Days after a month's end on which the job issues its statements: the sealing term has run out by then.
ISSUE_AFTER_DAYS = 7
# The subscribers of the outbox that make charges; their names stand in its rows.
CHARGES = ("billing.charge_usage", "billing.charge_cancellation")
# A customer whose bill is this many days overdue may not book until it is paid.
DEBT_BLOCK_DAYS = 60
BATCH = 40


def issue_statements(
    institution_id: UUID,
    period: date,
    *,
    by: Actor | None = None,
    batch: int = BATCH,
    lease: Lease | None = None,
) -> int:
    """Issue the statements of a month (its first day) to every customer with open charges; returns how many.

    Small units, so that the writer is held briefly; called again it goes on, and at the end changes nothing.

    Raises:
        PeriodOpen: the month is not over in the host's zone.
    """
    if by is not None:
        _keeper(institution_id, by)
    period = month_of(period)
    host = accounts.organisation(institution_id)
    today = local_day(clock.now(), zone(host.zone))
    if today < next_month(period):
        raise PeriodOpen(period=period.isoformat(), over_on=next_month(period).isoformat())
    issued = 0
    while True:
        with unit_of_work(lease=lease) as unit:
            waiting = store.customers_with_unbilled(
                unit.session, institution_id, next_month(period), period, batch
            )
            for customer_id, currency in waiting:
                _issue(unit, host.code, institution_id, customer_id, currency, period, today)
            issued += len(waiting)
            if len(waiting) < batch:
                _close(unit, institution_id, period, by)
                return issued


def _issue(
    unit: Unit,
    host_code: str,
    institution_id: UUID,
    customer_id: UUID,
    currency: str,
    period: date,
    today: date,
) -> None:
    rows = [
        row
        for row in store.unbilled(unit.session, institution_id, next_month(period), customer_id)
        if row.currency == currency
    ]
    sequence = store.count_statements(unit.session, institution_id, period) + 1
    gross = sum(row.gross_minor for row in rows)
    deducted = sum(row.deducted_minor for row in rows)
    total = gross - deducted
    statement = Statement(
        institution_id=institution_id,
        id=derived_id(unit.now, "statement", institution_id, customer_id, period, currency),
        number=statement_number(host_code, period, sequence),
        customer_id=customer_id,
        period=period,
        # Nothing is asked for a month whose corrections outweigh it; the credit stays on the account.
        state=StatementState.ISSUED.value if total > 0 else StatementState.PAID.value,
        gross_minor=gross,
        deducted_minor=deducted,
        total_minor=total,
        paid_minor=0 if total > 0 else total,
        currency=currency,
        issued_at=unit.now,
        due_on=today + timedelta(days=PAYMENT_DAYS),
        note="",
        version=1,
        created_at=unit.now,
    )
    unit.session.add(statement)
    unit.session.flush()
    for row in rows:
        unit.session.add(
            StatementLine(institution_id=institution_id, charge_id=row.id, statement_id=statement.id)
        )
    unit.session.flush()
    unit.publish(
        "billing.statement_issued",
        f"{institution_id}:{customer_id}",
        {
            "institution_id": str(institution_id),
            "statement_id": str(statement.id),
            "customer_id": str(customer_id),
        },
    )


def _close(unit: Unit, institution_id: UUID, period: date, by: Actor | None) -> None:
    """Mark the month as closed once every customer has been served."""
    if store.period_close(unit.session, institution_id, period) is not None:
        return
    unit.session.add(
        PeriodClose(
            institution_id=institution_id,
            id=derived_id(unit.now, "period_close", institution_id, period),
            period=period,
            closed_by=by.person_id if by else None,
            closed_at=unit.now,
            statements=store.count_statements(unit.session, institution_id, period),
        )
    )
    unit.audit(
        "billing.period_closed",
        institution_id,
        f"period:{period.isoformat()}",
        {"statements": store.count_statements(unit.session, institution_id, period)},
    )


def issue_due(lease: Lease | None = None, limit: int = 5) -> tuple[int, int]:
    """Statements of months whose issuing day has come, a few hosts at a time: ``(issued, hosts left)``.

    None while a use or cancellation of long ago still waits to be charged: it belongs on its own month's statement.
    """
    now = clock.now()
    if outbox.waiting(CHARGES, now - timedelta(hours=1)):
        return 0, 0
    # Hosts east of the server may already be a day further; asking one day too early only finds fewer of them.
    first = month_of((now - timedelta(days=ISSUE_AFTER_DAYS)).date())

    def hosts(_many: int) -> list[UUID]:
        return [one for one in store.institutions_with_unbilled(reading(), first) if _due_periods(one)]

    def issue(institution_id: UUID) -> int:
        periods = _due_periods(institution_id)
        return sum(issue_statements(institution_id, period, lease=lease) for period in periods)

    job = "billing.issue_statements"
    due = batches.found(job, hosts, limit)
    return batches.each(job, due[:limit], issue), max(0, len(due) - limit)


def _due_periods(institution_id: UUID) -> list[date]:
    """Months of open charges that are over by the issuing term and not closed; late ones go to the newest of them."""
    host = accounts.organisation(institution_id)
    today = local_day(clock.now(), zone(host.zone))
    newest = month_of(today - timedelta(days=ISSUE_AFTER_DAYS))
    session = reading()
    months = sorted({month_of(day) for day in store.days_unbilled(session, institution_id, newest)})
    closed = {row.period for row in store.period_closes(session, institution_id)}
    open_months = [month for month in months if month not in closed]
    last = month_of(newest - timedelta(days=1))
    if any(month in closed for month in months) and last not in closed and last not in open_months:
        open_months.append(last)
    return open_months


# ---- reading


def statement(key: HostKey, *, by: Actor) -> tuple[StatementRecord, list[ChargeRecord]]:
    """A statement with its charges, for the two parties.

    Raises:
        StatementNotFound: none such, or not for this reader.
    """
    session = reading()
    row = store.statement_row(session, key)
    if row is None or not _may_read(by, key.institution_id, row.customer_id):
        raise StatementNotFound()
    return store.statement_record(row), store.lines_of_statement(session, key)


def _may_read(by: Actor, institution_id: UUID, customer_id: UUID) -> bool:
    if by.organisation_id == institution_id and by.has(*KEEPS_BOOKS, Role.MANAGER, Role.DEPUTY):
        return True
    return customer_id in by.customer_ids | by.led_customer_ids


def statements_of_customers(
    by: Actor, limit: int = 100, after: tuple[date, UUID] | None = None
) -> list[StatementRecord]:
    """Statements of the actor's customers, the newest period first, from the place after one (its period and id) on."""
    customers = by.customer_ids | by.led_customer_ids
    rows = store.statements(reading(), customer_ids=customers, after=after, limit=limit)
    return [store.statement_record(row) for row in rows]


def statements_owed(by: Actor, limit: int = 100) -> list[StatementRecord]:
    """Statements that the actor's customers still have to pay, the earliest due first."""
    customers = by.customer_ids | by.led_customer_ids
    return [store.statement_record(row) for row in store.statements_owed(reading(), customers, limit)]


def overdue_count(by: Actor, on: date) -> int:
    """How many of the statements that the actor's customers have to pay are late on a day."""
    return store.overdue_count(reading(), by.customer_ids | by.led_customer_ids, on)


def statements_of_host(
    institution_id: UUID,
    *,
    by: Actor,
    period: date | None = None,
    open_only: bool = False,
    limit: int = 200,
    after: tuple[date, UUID] | None = None,
) -> list[StatementRecord]:
    """The same of a host, for who keeps its books."""
    _keeper(institution_id, by)
    states = (StatementState.ISSUED, StatementState.DISPUTED) if open_only else ()
    rows = store.statements(
        reading(), institution_id=institution_id, period=period, states=states, after=after, limit=limit
    )
    return [store.statement_record(row) for row in rows]


def _keeper(institution_id: UUID, by: Actor) -> None:
    if by.organisation_id != institution_id or not by.has(*KEEPS_BOOKS):
        raise NotYourAccount()


# ---- payments


def record_payment(
    key: HostKey,
    amount: Money,
    again: Money,
    reference: str,
    paid_on: date,
    *,
    by: Actor,
    version: int | None = None,
) -> StatementRecord:
    """Record that a customer paid. The amount is typed twice, and a reference of a bank counts once.

    Raises:
        InvalidPayment: with every reason: the two amounts differ, nothing or more than is open, no reference,
            a day to come. PaymentTwice, StatementNotFound, Stale.
    """
    _keeper(key.institution_id, by)
    with unit_of_work() as unit:
        row = store.statement_row(unit.session, key, lock=True)
        if row is None:
            raise StatementNotFound()
        if version is not None and version != row.version:
            raise Stale(yours=version, current=row.version)
        reasons = _payment_faults(row, amount, again, reference, paid_on, unit)
        if reasons:
            raise InvalidPayment(*reasons)
        source_key = f"payment:{reference.strip().upper()}"
        if store.entry_of_source(unit.session, key.institution_id, source_key) is not None:
            raise PaymentTwice(reference=reference)
        row.paid_minor += amount.minor
        row.version += 1
        if row.paid_minor == row.total_minor:
            row.state = StatementState.PAID.value
        enter_money(
            unit,
            institution_id=key.institution_id,
            kind=MoneyEntryKind.PAYMENT,
            source_key=source_key,
            customer_id=row.customer_id,
            statement_id=row.id,
            day=paid_on,
            amount=-amount,
            reference=reference.strip(),
            person_id=by.person_id,
        )
        unit.audit(
            "billing.payment_recorded",
            key.institution_id,
            f"statement:{row.id}",
            {"amount_minor": amount.minor, "reference": reference.strip()},
        )
        unit.publish(
            "billing.statement_paid"
            if row.state == StatementState.PAID.value
            else "billing.payment_recorded",
            f"{key.institution_id}:{row.customer_id}",
            {
                "institution_id": str(key.institution_id),
                "statement_id": str(row.id),
                "customer_id": str(row.customer_id),
                "paid_on": paid_on.isoformat(),
            },
        )
        return store.statement_record(row)


def _payment_faults(
    row: Statement, amount: Money, again: Money, reference: str, paid_on: date, unit: Unit
) -> list[Reason]:
    left = row.total_minor - row.paid_minor
    reasons = []
    if amount.currency != row.currency:
        reasons.append(Reason("billing.payment.currency", {"wanted": row.currency}, "amount"))
    if amount != again:
        reasons.append(Reason("billing.payment.differs", {}, "again"))
    if amount.minor <= 0:
        reasons.append(Reason("billing.payment.nothing", {}, "amount"))
    elif amount.minor > left:
        reasons.append(
            Reason("billing.payment.too_much", {"open": {"minor": left, "currency": row.currency}}, "amount")
        )
    if not reference.strip():
        reasons.append(Reason("billing.payment.reference", {}, "reference"))
    host = accounts.organisation(row.institution_id)
    if paid_on > local_day(unit.now, zone(host.zone)):
        reasons.append(Reason("billing.payment.future", {"day": paid_on.isoformat()}, "paid_on"))
    return reasons


# ---- problems, standing


def solve_problem(key: HostKey, amount: Money, note: str, *, by: Actor) -> ChargeRecord:
    """Price by hand a use that no tariff could price; zero is possible, with a note."""
    _keeper(key.institution_id, by)
    with unit_of_work() as unit:
        row = store.charge_row(unit.session, key)
        if row is None:
            raise ChargeNotFound()
        done = store.charge_of_source(unit.session, key.institution_id, f"{row.source_key}:manual")
        if row.kind != ChargeKind.PROBLEM or done is not None:
            raise NotAProblem()
        if amount.is_negative or not note.strip():
            raise InvalidPayment(Reason("billing.manual.note", {}, "note"))
        unit.audit(
            "billing.priced_by_hand",
            key.institution_id,
            f"charge:{row.id}",
            {"amount_minor": amount.minor, "note": note.strip()},
        )
        return price_by_hand(unit, row, amount, note.strip(), by.person_id)


class Standing:
    """Billing's answer to booking: debts that are long overdue."""

    def reasons_against(self, customer_id: UUID, on: date, creditor_id: UUID | None = None) -> list[Reason]:
        before = on - timedelta(days=DEBT_BLOCK_DAYS)
        rows = [
            row
            for row in _unpaid(customer_id)
            if row.due_on is not None and row.due_on < before and creditor_id in (None, row.institution_id)
        ]
        if not rows:
            return []
        sums = Money.by_currency(Money(row.minor, row.currency) for row in rows)
        return [
            Reason(
                "billing.overdue",
                {
                    "statements": len(rows),
                    "amount": [one.as_json() for one in sums],
                    "days": DEBT_BLOCK_DAYS,
                },
            )
        ]


@remembered(about=lambda customer_id: (customer_id,))
def _unpaid(customer_id: UUID) -> list[store.Debt]:
    return store.unpaid(reading(), customer_id)
