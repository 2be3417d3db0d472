"""Queries of programmes, budgets, quota, claim lines and runs; rows → records. Never commits."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from resource_hub.domain.subsidy.tables import (
    Budget,
    CapCounter,
    ClaimLine,
    Clawback,
    FundsHold,
    Objection,
    PayoutRun,
    Programme,
    Quota,
    RunLine,
    RunSample,
)
from resource_hub.domain.subsidy.terms import (
    BudgetRecord,
    ClaimLineRecord,
    ClaimState,
    ObjectionState,
    ProgrammeKind,
    ProgrammeRecord,
    ProgrammeState,
    QuotaRecord,
    QuotaState,
    Relation,
    RunLineRecord,
    RunRecord,
    RunState,
    SampleResult,
)
from resource_hub.kernel.decision import Citation
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import FunderKey, HostKey
from resource_hub.kernel.money import Money

# A claim line in one of these states counts against caps, quota and cost.
COUNTS = (ClaimState.ACCRUED, ClaimState.IN_RUN, ClaimState.PAID)


# ---- rows → records


def programme_record(row: Programme) -> ProgrammeRecord:
    return ProgrammeRecord(
        row.id, row.funder_id, row.code, ProgrammeKind(row.kind), row.scheme, row.name_zh, row.name_en,
        ProgrammeState(row.state), row.settings,
    )  # fmt: skip


def budget_record(row: Budget) -> BudgetRecord:
    def money(minor: int) -> Money:
        return Money(minor, row.currency)

    return BudgetRecord(
        FunderKey(row.funder_id, row.id), row.programme_id, row.year, money(row.amount_minor),
        money(row.held_minor), money(row.accrued_minor), money(row.paid_minor),
    )  # fmt: skip


def quota_record(row: Quota) -> QuotaRecord:
    return QuotaRecord(
        key=FunderKey(row.funder_id, row.id),
        programme_id=row.programme_id,
        customer_id=row.customer_id,
        year=row.year,
        state=QuotaState(row.state),
        amount=Money(row.amount_minor, row.currency),
        held=Money(row.held_minor, row.currency),
        used=Money(row.used_minor, row.currency),
        valid_until=row.valid_until,
        relation=Relation(row.declaration.get("relation", "undeclared")),
        requested_at=row.requested_at,
        decided_at=row.decided_at,
        decision_note=row.decision_note,
        version=row.version,
    )


def claim_record(row: ClaimLine) -> ClaimLineRecord:
    return ClaimLineRecord(
        key=HostKey(row.institution_id, row.id),
        programme_id=row.programme_id,
        funder_id=row.funder_id,
        charge_id=row.charge_id,
        entry_id=row.entry_id,
        customer_id=row.customer_id,
        beneficiary_id=row.beneficiary_id,
        day=row.day,
        state=ClaimState(row.state),
        base=Money(row.base_minor, row.currency),
        amount=Money(row.amount_minor, row.currency),
        rule_version=row.rule_version,
        facts=row.facts,
        reasons=tuple(Reason.from_json(r) for r in row.reasons),
        steps=tuple(Reason.from_json(r) for r in row.steps),
        citations=tuple(Citation(**c) for c in row.citations),
        run_id=row.run_id,
        created_at=row.created_at,
    )


def run_record(row: PayoutRun) -> RunRecord:
    return RunRecord(
        key=FunderKey(row.funder_id, row.id),
        programme_id=row.programme_id,
        number=row.number,
        period_start=row.period_start,
        period_end=row.period_end,
        state=RunState(row.state),
        lines=row.lines,
        amount=Money(row.amount_minor, row.currency),
        rule_version=row.rule_version,
        digest=row.digest.hex(),
        seed=row.seed,
        computed_by=row.computed_by,
        computed_at=row.computed_at,
        sampled_by=row.sampled_by,
        sampled_at=row.sampled_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        notice_until=row.notice_until,
        paid_at=row.paid_at,
        paid_by=row.paid_by,
        version=row.version,
    )


def line_record(row: RunLine, sample: RunSample | None) -> RunLineRecord:
    return RunLineRecord(
        key=FunderKey(row.funder_id, row.id),
        position=row.position,
        claim_key=HostKey(row.institution_id, row.claim_line_id),
        customer_id=row.customer_id,
        beneficiary_id=row.beneficiary_id,
        amount=Money(row.amount_minor, row.currency),
        body=json.loads(row.body),
        sampled=SampleResult(sample.result) if sample else None,
        sample_note=sample.note if sample else "",
    )


# ---- programmes, budgets, quota


def programme_row(session: Session, programme_id: UUID) -> Programme | None:
    return session.get(Programme, programme_id)


def programme_of_code(session: Session, code: str) -> Programme | None:
    return session.scalar(select(Programme).where(Programme.code == code))


def programmes(
    session: Session,
    *,
    funder_id: UUID | None = None,
    state: ProgrammeState | None = None,
    ids: Collection[UUID] | None = None,
) -> list[Programme]:
    statement = select(Programme)
    if funder_id is not None:
        statement = statement.where(Programme.funder_id == funder_id)
    if state is not None:
        statement = statement.where(Programme.state == state)
    if ids is not None:
        statement = statement.where(Programme.id.in_(list(ids)))
    return list(session.scalars(statement.order_by(Programme.code)))


def budgets(session: Session, programme_ids: Collection[UUID], year: int | None = None) -> list[Budget]:
    statement = select(Budget).where(Budget.programme_id.in_(list(programme_ids)))
    if year is not None:
        statement = statement.where(Budget.year == year)
    return list(session.scalars(statement.order_by(Budget.year.desc())))


def budget_row(session: Session, programme_id: UUID, year: int) -> Budget | None:
    return session.scalar(select(Budget).where(Budget.programme_id == programme_id, Budget.year == year))


def move_budget(
    session: Session, programme_id: UUID, year: int, *, held: int = 0, accrued: int = 0, paid: int = 0
) -> bool:
    """Change a year's budget by one conditional UPDATE; False when the money does not reach (or there is none)."""
    total = Budget.held_minor + Budget.accrued_minor + Budget.paid_minor + (held + accrued + paid)
    result = session.execute(
        update(Budget)
        .where(
            Budget.programme_id == programme_id,
            Budget.year == year,
            total <= Budget.amount_minor if held + accrued + paid > 0 else Budget.amount_minor >= 0,
            Budget.held_minor + held >= 0,
            Budget.accrued_minor + accrued >= 0,
            Budget.paid_minor + paid >= 0,
        )
        .values(
            held_minor=Budget.held_minor + held,
            accrued_minor=Budget.accrued_minor + accrued,
            paid_minor=Budget.paid_minor + paid,
        )
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def quota_row(
    session: Session, programme_id: UUID, customer_id: UUID, year: int, *, lock: bool = False
) -> Quota | None:
    statement = select(Quota).where(
        Quota.programme_id == programme_id, Quota.customer_id == customer_id, Quota.year == year
    )
    return session.scalar(statement.with_for_update() if lock else statement)


def quota_by_key(session: Session, key: FunderKey, *, lock: bool = False) -> Quota | None:
    statement = select(Quota).where(Quota.funder_id == key.funder_id, Quota.id == key.id)
    return session.scalar(statement.with_for_update() if lock else statement)


def move_quota(session: Session, key: FunderKey, *, held: int = 0, used: int = 0) -> bool:
    """Change a quota by one conditional UPDATE; False when it does not reach."""
    total = Quota.held_minor + Quota.used_minor + (held + used)
    result = session.execute(
        update(Quota)
        .where(
            Quota.funder_id == key.funder_id,
            Quota.id == key.id,
            Quota.state == QuotaState.GRANTED,
            total <= Quota.amount_minor if held + used > 0 else Quota.amount_minor >= 0,
            Quota.held_minor + held >= 0,
            Quota.used_minor + used >= 0,
        )
        .values(held_minor=Quota.held_minor + held, used_minor=Quota.used_minor + used)
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


def quotas(
    session: Session,
    *,
    customer_ids: Collection[UUID] | None = None,
    funder_id: UUID | None = None,
    programme_id: UUID | None = None,
    states: Sequence[QuotaState] = (),
) -> list[Quota]:
    if customer_ids is None and funder_id is None:
        return []
    statement = select(Quota)
    if customer_ids is not None:
        statement = statement.where(Quota.customer_id.in_(list(customer_ids)))
    if funder_id is not None:
        statement = statement.where(Quota.funder_id == funder_id)
    if programme_id is not None:
        statement = statement.where(Quota.programme_id == programme_id)
    if states:
        statement = statement.where(Quota.state.in_(list(states)))
    return list(session.scalars(statement.order_by(Quota.year.desc(), Quota.requested_at.desc())))


# ---- counters


def counters(session: Session, programme_id: UUID, subject_id: UUID, year: int) -> dict[str, CapCounter]:
    rows = session.scalars(
        select(CapCounter).where(
            CapCounter.programme_id == programme_id,
            CapCounter.subject_id == subject_id,
            CapCounter.year == year,
        )
    )
    return {row.scope: row for row in rows}


def lock_counter(session: Session, programme_id: UUID, subject_id: UUID, year: int, scope: str) -> None:
    """Make sure that the counter exists and hold it until the unit ends: two claims never read the same sum."""
    insert = postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    session.execute(
        insert(CapCounter)
        .values(
            programme_id=programme_id,
            subject_id=subject_id,
            year=year,
            scope=scope,
            base_minor=0,
            granted_minor=0,
        )
        .on_conflict_do_nothing()
    )
    session.execute(
        select(CapCounter.scope)
        .where(
            CapCounter.programme_id == programme_id,
            CapCounter.subject_id == subject_id,
            CapCounter.year == year,
            CapCounter.scope == scope,
        )
        .with_for_update()
    )


def add_to_counter(
    session: Session, programme_id: UUID, subject_id: UUID, year: int, scope: str, *, base: int, granted: int
) -> None:
    insert = postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = insert(CapCounter).values(
        programme_id=programme_id, subject_id=subject_id, year=year, scope=scope, base_minor=base,
        granted_minor=granted,
    )  # fmt: skip
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["programme_id", "subject_id", "year", "scope"],
            set_={
                "base_minor": CapCounter.base_minor + statement.excluded.base_minor,
                "granted_minor": CapCounter.granted_minor + statement.excluded.granted_minor,
            },
        )
    )
    session.expire_all()


# ---- holds


def holds(session: Session, booking: HostKey, *, state: str = "held") -> list[FundsHold]:
    return list(
        session.scalars(
            select(FundsHold)
            .where(
                FundsHold.institution_id == booking.institution_id,
                FundsHold.booking_id == booking.id,
                FundsHold.state == state,
            )
            .order_by(FundsHold.programme_id)
        )
    )


# ---- claim lines


def claim_of_source(session: Session, institution_id: UUID, source_key: str) -> ClaimLine | None:
    return session.scalar(
        select(ClaimLine).where(
            ClaimLine.institution_id == institution_id, ClaimLine.source_key == source_key
        )
    )


def claim_row(session: Session, key: HostKey) -> ClaimLine | None:
    return session.scalar(
        select(ClaimLine).where(ClaimLine.institution_id == key.institution_id, ClaimLine.id == key.id)
    )


def claims_of_charge(session: Session, charge: HostKey) -> list[ClaimLine]:
    return list(
        session.scalars(
            select(ClaimLine)
            .where(ClaimLine.institution_id == charge.institution_id, ClaimLine.charge_id == charge.id)
            .order_by(ClaimLine.id)
        )
    )


def claims(
    session: Session,
    *,
    customer_ids: Collection[UUID] | None = None,
    institution_id: UUID | None = None,
    funder_id: UUID | None = None,
    programme_id: UUID | None = None,
    states: Sequence[ClaimState] = (),
    since: date | None = None,
    until: date | None = None,
    entry_ids: Collection[UUID] | None = None,
    after: tuple[date, UUID] | None = None,
    limit: int = 200,
) -> list[ClaimLine]:
    """Claim lines of a customer, a host or a funder, newest day first. None of them given: none."""
    if customer_ids is None and institution_id is None and funder_id is None:
        return []
    statement = select(ClaimLine)
    if customer_ids is not None:
        statement = statement.where(ClaimLine.customer_id.in_(list(customer_ids)))
    if institution_id is not None:
        statement = statement.where(ClaimLine.institution_id == institution_id)
    if funder_id is not None:
        statement = statement.where(ClaimLine.funder_id == funder_id)
    if programme_id is not None:
        statement = statement.where(ClaimLine.programme_id == programme_id)
    if states:
        statement = statement.where(ClaimLine.state.in_(list(states)))
    if since is not None:
        statement = statement.where(ClaimLine.day >= since)
    if until is not None:
        statement = statement.where(ClaimLine.day < until)
    if entry_ids is not None:
        statement = statement.where(ClaimLine.entry_id.in_(list(entry_ids)))
    if after is not None:
        day, last = after
        statement = statement.where(or_(ClaimLine.day < day, and_(ClaimLine.day == day, ClaimLine.id < last)))
    return list(session.scalars(statement.order_by(ClaimLine.day.desc(), ClaimLine.id.desc()).limit(limit)))


def claims_to_freeze(session: Session, programme_id: UUID, start: date, end: date) -> list[ClaimLine]:
    """Accrued lines of a period, in the stated order of a run: host, day, id."""
    return list(
        session.scalars(
            select(ClaimLine)
            .where(
                ClaimLine.programme_id == programme_id,
                ClaimLine.state == ClaimState.ACCRUED,
                ClaimLine.day >= start,
                ClaimLine.day < end,
            )
            .order_by(ClaimLine.institution_id, ClaimLine.day, ClaimLine.id)
        )
    )


def claim_sums(session: Session, programme_ids: Collection[UUID]) -> dict[tuple[UUID, str], tuple[int, int]]:
    """``(programme, state) → (lines, amount)``."""
    rows = session.execute(
        select(ClaimLine.programme_id, ClaimLine.state, func.count(), func.sum(ClaimLine.amount_minor))
        .where(ClaimLine.programme_id.in_(list(programme_ids)))
        .group_by(ClaimLine.programme_id, ClaimLine.state)
    )
    return {(r[0], r[1]): (int(r[2]), int(r[3] or 0)) for r in rows}


def set_claims_of_run(session: Session, run_id: UUID, state: ClaimState, **more: Any) -> int:
    result = session.execute(
        update(ClaimLine)
        .where(ClaimLine.run_id == run_id, ClaimLine.state == ClaimState.IN_RUN)
        .values(state=state.value, **more)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


# ---- runs


def run_row(session: Session, key: FunderKey, *, lock: bool = False) -> PayoutRun | None:
    statement = select(PayoutRun).where(PayoutRun.funder_id == key.funder_id, PayoutRun.id == key.id)
    return session.scalar(statement.with_for_update() if lock else statement)


def runs(
    session: Session,
    *,
    funder_id: UUID | None = None,
    states: Sequence[RunState] = (),
    programme_id: UUID | None = None,
    limit: int = 100,
    after: tuple[datetime, UUID] | None = None,
) -> list[PayoutRun]:
    statement = select(PayoutRun)
    if funder_id is not None:
        statement = statement.where(PayoutRun.funder_id == funder_id)
    if programme_id is not None:
        statement = statement.where(PayoutRun.programme_id == programme_id)
    if states:
        statement = statement.where(PayoutRun.state.in_(list(states)))
    t = PayoutRun
    if after is not None:
        moment, last = after
        statement = statement.where(or_(t.computed_at < moment, and_(t.computed_at == moment, t.id < last)))
    return list(session.scalars(statement.order_by(t.computed_at.desc(), t.id.desc()).limit(limit)))


def runs_by_id(session: Session, ids: Collection[UUID]) -> Mapping[UUID, PayoutRun]:
    rows = session.scalars(select(PayoutRun).where(PayoutRun.id.in_(list(ids))))
    return {row.id: row for row in rows}


def count_runs(session: Session, programme_id: UUID) -> int:
    return (
        session.scalar(
            select(func.count()).select_from(PayoutRun).where(PayoutRun.programme_id == programme_id)
        )
        or 0
    )


def lines_of_run(session: Session, key: FunderKey) -> list[tuple[RunLine, RunSample | None]]:
    rows = session.execute(
        select(RunLine, RunSample)
        .outerjoin(
            RunSample, and_(RunSample.funder_id == RunLine.funder_id, RunSample.run_line_id == RunLine.id)
        )
        .where(RunLine.funder_id == key.funder_id, RunLine.run_id == key.id)
        .order_by(RunLine.position)
    )
    return [(row[0], row[1]) for row in rows]


def samples_of_run(session: Session, key: FunderKey) -> list[RunSample]:
    return list(
        session.scalars(
            select(RunSample).where(RunSample.funder_id == key.funder_id, RunSample.run_id == key.id)
        )
    )


def withdrawn_of_run(session: Session, run_id: UUID) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(ClaimLine)
            .where(ClaimLine.run_id == run_id, ClaimLine.state == ClaimState.WITHDRAWN)
        )
        or 0
    )


def objections(session: Session, key: FunderKey) -> list[Objection]:
    return list(
        session.scalars(
            select(Objection)
            .where(Objection.funder_id == key.funder_id, Objection.run_id == key.id)
            .order_by(Objection.created_at)
        )
    )


def open_objections(session: Session, key: FunderKey) -> int:
    return sum(row.state == ObjectionState.OPEN for row in objections(session, key))


def clawbacks(session: Session, funder_id: UUID) -> list[Clawback]:
    return list(
        session.scalars(
            select(Clawback).where(Clawback.funder_id == funder_id).order_by(Clawback.created_at.desc())
        )
    )
