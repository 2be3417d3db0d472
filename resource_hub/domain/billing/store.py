"""Queries of charges, money entries and statements; rows → records. Never commits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from resource_hub.domain.billing.tables import Charge, MoneyEntry, PeriodClose, Statement, StatementLine
from resource_hub.domain.billing.terms import (
    ChargeKind,
    ChargeRecord,
    MoneyEntryKind,
    MoneyEntryRecord,
    StatementRecord,
    StatementState,
)
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money


def charge_record(row: Charge, statement_id: UUID | None = None) -> ChargeRecord:
    return ChargeRecord(
        key=HostKey(row.institution_id, row.id),
        kind=ChargeKind(row.kind),
        entry_id=row.entry_id,
        booking_id=row.booking_id,
        resource_id=row.resource_id,
        customer_id=row.customer_id,
        customer_class=row.customer_class,
        day=row.day,
        tariff_id=row.tariff_id,
        use=row.use,
        lines=tuple(row.lines),
        gross=Money(row.gross_minor, row.currency),
        deducted=Money(row.deducted_minor, row.currency),
        amount=Money(row.amount_minor, row.currency),
        created_at=row.created_at,
        statement_id=statement_id,
        source_key=row.source_key,
    )


def statement_record(row: Statement) -> StatementRecord:
    return StatementRecord(
        key=HostKey(row.institution_id, row.id),
        number=row.number,
        customer_id=row.customer_id,
        period=row.period,
        state=StatementState(row.state),
        gross=Money(row.gross_minor, row.currency),
        deducted=Money(row.deducted_minor, row.currency),
        total=Money(row.total_minor, row.currency),
        paid=Money(row.paid_minor, row.currency),
        issued_at=row.issued_at,
        due_on=row.due_on,
        note=row.note,
        version=row.version,
    )


def entry_record(row: MoneyEntry) -> MoneyEntryRecord:
    return MoneyEntryRecord(
        key=HostKey(row.institution_id, row.id),
        kind=MoneyEntryKind(row.kind),
        customer_id=row.customer_id,
        charge_id=row.charge_id,
        statement_id=row.statement_id,
        day=row.day,
        amount=Money(row.amount_minor, row.currency),
        reference=row.reference,
        entered_by=row.entered_by,
        created_at=row.created_at,
        digest=row.digest,
        body=row.body,
    )


_WITH_STATEMENT = and_(
    StatementLine.institution_id == Charge.institution_id, StatementLine.charge_id == Charge.id
)


def charge_row(session: Session, key: HostKey) -> Charge | None:
    return session.scalar(
        select(Charge).where(Charge.institution_id == key.institution_id, Charge.id == key.id)
    )


def charge_of_source(session: Session, institution_id: UUID, source_key: str) -> Charge | None:
    return session.scalar(
        select(Charge).where(Charge.institution_id == institution_id, Charge.source_key == source_key)
    )


def charges_of_entry(session: Session, institution_id: UUID, entry_id: UUID) -> list[Charge]:
    return list(
        session.scalars(
            select(Charge)
            .where(Charge.institution_id == institution_id, Charge.entry_id == entry_id)
            .order_by(Charge.id)
        )
    )


def standing_uses(session: Session, booking: HostKey) -> list[int]:
    """What each use of an order was charged, in minor units, without those that a correction took back."""
    rows = session.execute(
        select(Charge.source_key, Charge.kind, Charge.gross_minor).where(
            Charge.institution_id == booking.institution_id,
            Charge.booking_id == booking.id,
            Charge.kind.in_([ChargeKind.USE.value, ChargeKind.CORRECTION.value]),
        )
    ).all()
    back = {key for key, kind, _gross in rows if kind == ChargeKind.CORRECTION.value}
    uses = [(key, gross) for key, kind, gross in rows if kind == ChargeKind.USE.value]
    return [gross for key, gross in uses if f"{key}:reversed" not in back]


def charges_of_booking(session: Session, institution_id: UUID, booking_id: UUID) -> list[ChargeRecord]:
    rows = session.execute(
        select(Charge, StatementLine.statement_id)
        .outerjoin(StatementLine, _WITH_STATEMENT)
        .where(Charge.institution_id == institution_id, Charge.booking_id == booking_id)
        .order_by(Charge.day, Charge.id)
    )
    return [charge_record(row, statement_id) for row, statement_id in rows]


def charges_of_resource(session: Session, resource: HostKey, since: date, limit: int) -> list[Charge]:
    return list(
        session.scalars(
            select(Charge)
            .where(
                Charge.institution_id == resource.institution_id,
                Charge.resource_id == resource.id,
                Charge.day >= since,
                Charge.kind.in_([ChargeKind.USE, ChargeKind.NO_SHOW, ChargeKind.PROBLEM]),
            )
            .order_by(Charge.day.desc(), Charge.id.desc())
            .limit(limit)
        )
    )


def problems(session: Session, institution_id: UUID) -> list[Charge]:
    """Uses that no tariff could price, and that nobody has priced by hand."""
    rows = session.scalars(
        select(Charge)
        .where(Charge.institution_id == institution_id, Charge.kind == ChargeKind.PROBLEM)
        .order_by(Charge.day, Charge.id)
    ).all()
    solved = set(
        session.scalars(
            select(Charge.source_key).where(
                Charge.institution_id == institution_id,
                Charge.kind.in_([ChargeKind.MANUAL, ChargeKind.CORRECTION]),
            )
        )
    )
    return [row for row in rows if not solved & {f"{row.source_key}:manual", f"{row.source_key}:reversed"}]


def lines_of_statement(session: Session, key: HostKey) -> list[ChargeRecord]:
    rows = session.execute(
        select(Charge, StatementLine.statement_id)
        .join(StatementLine, _WITH_STATEMENT)
        .where(StatementLine.institution_id == key.institution_id, StatementLine.statement_id == key.id)
        .order_by(Charge.day, Charge.id)
    )
    return [charge_record(row, statement_id) for row, statement_id in rows]


def statement_row(session: Session, key: HostKey, *, lock: bool = False) -> Statement | None:
    statement = select(Statement).where(
        Statement.institution_id == key.institution_id, Statement.id == key.id
    )
    return session.scalar(statement.with_for_update() if lock else statement)


def statements(
    session: Session,
    *,
    institution_id: UUID | None = None,
    customer_ids: Collection[UUID] | None = None,
    period: date | None = None,
    states: Sequence[StatementState] = (),
    after: tuple[date, UUID] | None = None,
    limit: int = 100,
) -> list[Statement]:
    """Statements of a host or of customers, newest period first. Neither given: none."""
    if institution_id is None and customer_ids is None:
        return []
    statement = select(Statement)
    if institution_id is not None:
        statement = statement.where(Statement.institution_id == institution_id)
    if customer_ids is not None:
        statement = statement.where(Statement.customer_id.in_(list(customer_ids)))
    if period is not None:
        statement = statement.where(Statement.period == period)
    if states:
        statement = statement.where(Statement.state.in_(list(states)))
    if after is not None:
        day, last = after
        statement = statement.where(
            or_(Statement.period < day, and_(Statement.period == day, Statement.id < last))
        )
    return list(
        session.scalars(statement.order_by(Statement.period.desc(), Statement.id.desc()).limit(limit))
    )


def unbilled(
    session: Session, institution_id: UUID, before: date, customer_id: UUID | None = None
) -> list[Charge]:
    """Charges of days before a day that stand on no statement; problems have no amount and stay out."""
    statement = (
        select(Charge)
        .outerjoin(StatementLine, _WITH_STATEMENT)
        .where(
            Charge.institution_id == institution_id,
            Charge.day < before,
            Charge.kind != ChargeKind.PROBLEM,
            StatementLine.charge_id.is_(None),
        )
        .order_by(Charge.day, Charge.id)
    )
    if customer_id is not None:
        statement = statement.where(Charge.customer_id == customer_id)
    return list(session.scalars(statement))


def days_unbilled(session: Session, institution_id: UUID, before: date) -> list[date]:
    """The days before a day that have charges on no statement."""
    return list(
        session.scalars(
            select(Charge.day)
            .outerjoin(StatementLine, _WITH_STATEMENT)
            .where(
                Charge.institution_id == institution_id,
                Charge.day < before,
                Charge.kind != ChargeKind.PROBLEM,
                StatementLine.charge_id.is_(None),
            )
            .distinct()
        )
    )


def customers_with_unbilled(
    session: Session, institution_id: UUID, before: date, period: date, limit: int
) -> list[tuple[UUID, str]]:
    """Customers with charges on no statement and without a statement for the period yet, with the currency."""
    issued = (
        select(Statement.id)
        .where(
            Statement.institution_id == Charge.institution_id,
            Statement.customer_id == Charge.customer_id,
            Statement.currency == Charge.currency,
            Statement.period == period,
        )
        .exists()
    )
    rows = session.execute(
        select(Charge.customer_id, Charge.currency)
        .outerjoin(StatementLine, _WITH_STATEMENT)
        .where(
            Charge.institution_id == institution_id,
            Charge.day < before,
            Charge.kind != ChargeKind.PROBLEM,
            StatementLine.charge_id.is_(None),
            ~issued,
        )
        .distinct()
        .order_by(Charge.customer_id, Charge.currency)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def count_statements(session: Session, institution_id: UUID, period: date) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(Statement)
            .where(Statement.institution_id == institution_id, Statement.period == period)
        )
        or 0
    )


def period_close(session: Session, institution_id: UUID, period: date) -> PeriodClose | None:
    return session.scalar(
        select(PeriodClose).where(PeriodClose.institution_id == institution_id, PeriodClose.period == period)
    )


def period_closes(session: Session, institution_id: UUID) -> list[PeriodClose]:
    return list(
        session.scalars(
            select(PeriodClose)
            .where(PeriodClose.institution_id == institution_id)
            .order_by(PeriodClose.period.desc())
        )
    )


def institutions_with_unbilled(session: Session, before: date) -> list[UUID]:
    return list(
        session.scalars(
            select(Charge.institution_id)
            .outerjoin(StatementLine, _WITH_STATEMENT)
            .where(
                Charge.day < before,
                Charge.kind != ChargeKind.PROBLEM,
                StatementLine.charge_id.is_(None),
            )
            .distinct()
        )
    )


def balances(
    session: Session, *, institution_id: UUID | None = None, customer_ids: Collection[UUID] | None = None
) -> list[tuple[UUID, UUID, str, int]]:
    """``(institution, customer, currency, balance)`` of accounts; positive is owed."""
    if institution_id is None and customer_ids is None:
        return []
    statement = select(
        MoneyEntry.institution_id,
        MoneyEntry.customer_id,
        MoneyEntry.currency,
        func.sum(MoneyEntry.amount_minor),
    )
    if institution_id is not None:
        statement = statement.where(MoneyEntry.institution_id == institution_id)
    if customer_ids is not None:
        statement = statement.where(MoneyEntry.customer_id.in_(list(customer_ids)))
    rows = session.execute(
        statement.group_by(MoneyEntry.institution_id, MoneyEntry.customer_id, MoneyEntry.currency)
    )
    return [(r[0], r[1], r[2], int(r[3])) for r in rows]


def open_statement_sums(
    session: Session, *, institution_id: UUID | None = None, customer_ids: Collection[UUID] | None = None
) -> dict[tuple[UUID, UUID, str], int]:
    statement = select(
        Statement.institution_id,
        Statement.customer_id,
        Statement.currency,
        func.sum(Statement.total_minor - Statement.paid_minor),
    ).where(Statement.state.in_([StatementState.ISSUED, StatementState.DISPUTED]))
    if institution_id is not None:
        statement = statement.where(Statement.institution_id == institution_id)
    if customer_ids is not None:
        statement = statement.where(Statement.customer_id.in_(list(customer_ids)))
    rows = session.execute(
        statement.group_by(Statement.institution_id, Statement.customer_id, Statement.currency)
    )
    return {(r[0], r[1], r[2]): int(r[3]) for r in rows}


def statements_owed(session: Session, customer_ids: Collection[UUID], limit: int) -> list[Statement]:
    """Open statements of customers, the earliest due first."""
    statement = select(Statement).where(_owed(customer_ids)).order_by(Statement.due_on, Statement.id)
    return list(session.scalars(statement.limit(limit)))


def overdue_count(session: Session, customer_ids: Collection[UUID], on: date) -> int:
    statement = select(func.count()).select_from(Statement).where(_owed(customer_ids), Statement.due_on < on)
    return session.scalar(statement) or 0


def _owed(customer_ids: Collection[UUID]) -> ColumnElement[bool]:
    return and_(
        Statement.customer_id.in_(list(customer_ids)),
        Statement.state.in_([StatementState.ISSUED, StatementState.DISPUTED]),
        Statement.due_on.is_not(None),
        Statement.total_minor > Statement.paid_minor,
    )


def money_entries(
    session: Session, institution_id: UUID, customer_id: UUID, limit: int = 200
) -> list[MoneyEntryRecord]:
    rows = session.scalars(
        select(MoneyEntry)
        .where(MoneyEntry.institution_id == institution_id, MoneyEntry.customer_id == customer_id)
        .order_by(MoneyEntry.day.desc(), MoneyEntry.id.desc())
        .limit(limit)
    )
    return [entry_record(row) for row in rows]


def entry_of_source(session: Session, institution_id: UUID, source_key: str) -> MoneyEntry | None:
    return session.scalar(
        select(MoneyEntry).where(
            MoneyEntry.institution_id == institution_id, MoneyEntry.source_key == source_key
        )
    )


def payments_of_statement(session: Session, key: HostKey) -> list[MoneyEntryRecord]:
    rows = session.scalars(
        select(MoneyEntry)
        .where(MoneyEntry.institution_id == key.institution_id, MoneyEntry.statement_id == key.id)
        .order_by(MoneyEntry.created_at)
    )
    return [entry_record(row) for row in rows]


class Debt(NamedTuple):
    """What is left to pay of a statement."""

    institution_id: UUID
    due_on: date | None
    minor: int
    currency: str


def unpaid(session: Session, customer_id: UUID) -> list[Debt]:
    """Issued statements of a customer, of all hosts, that are not fully paid."""
    rows = session.execute(
        select(
            Statement.institution_id,
            Statement.due_on,
            Statement.total_minor - Statement.paid_minor,
            Statement.currency,
        ).where(
            Statement.customer_id == customer_id,
            Statement.state == StatementState.ISSUED,
            Statement.total_minor > Statement.paid_minor,
        )
    )
    return [Debt(*row) for row in rows]


def income(
    session: Session, institution_id: UUID, since: date, until: date, resource_id: UUID | None = None
) -> list[tuple[str, str, int, int]]:
    """``(customer class, currency, gross, deducted)`` of charges by day of use; ``until`` is exclusive."""
    statement = select(
        Charge.customer_class,
        Charge.currency,
        func.sum(Charge.gross_minor),
        func.sum(Charge.deducted_minor),
    ).where(Charge.institution_id == institution_id, Charge.day >= since, Charge.day < until)
    if resource_id is not None:
        statement = statement.where(Charge.resource_id == resource_id)
    rows = session.execute(statement.group_by(Charge.customer_class, Charge.currency))
    return [(r[0], r[1], int(r[2]), int(r[3])) for r in rows]


def costs_of_customers(
    session: Session, customer_ids: Collection[UUID], since: date, until: date
) -> list[tuple[UUID, UUID | None, str, int]]:
    """``(institution, booking or None, currency, amount)`` of charges by day of use; ``until`` is exclusive."""
    rows = session.execute(
        select(Charge.institution_id, Charge.booking_id, Charge.currency, func.sum(Charge.amount_minor))
        .where(Charge.customer_id.in_(list(customer_ids)), Charge.day >= since, Charge.day < until)
        .group_by(Charge.institution_id, Charge.booking_id, Charge.currency)
    )
    return [(r[0], r[1], r[2], int(r[3])) for r in rows]


def month_sums(session: Session, institution_id: UUID, since: date) -> list[tuple[date, int, int, int]]:
    """``(period, statements, total, paid)`` a month, newest first."""
    rows = session.execute(
        select(
            Statement.period,
            func.count(),
            func.sum(case((Statement.state != StatementState.VOID, Statement.total_minor), else_=0)),
            func.sum(Statement.paid_minor),
        )
        .where(Statement.institution_id == institution_id, Statement.period >= since)
        .group_by(Statement.period)
        .order_by(Statement.period.desc())
    )
    return [(r[0], int(r[1]), int(r[2]), int(r[3])) for r in rows]
