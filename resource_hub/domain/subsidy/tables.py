"""Tables of programmes, budgets, quota, claim lines and payout runs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import BY_HOST, FunderRow, HostRow, SharedRow, funder_fk, one_of
from resource_hub.infra.types import Bytes, Id, Instant, Json, Minor


class Programme(SharedRow, Base):
    """A funder's scheme; its rules are the dated, cited parameters named by ``scheme``."""

    __tablename__ = "programme"
    funder_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"))
    code: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(30))
    scheme: Mapped[str] = mapped_column(String(120))  # path in the rulebook: cn/jiangsu_voucher
    name_zh: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(20))
    settings: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("kind", ["voucher", "host_reward", "usage_grant", "service_purchase"]),
        one_of("state", ["draft", "open", "closed"]),
        UniqueConstraint("code", name="uq_programme_code"),
        Index("ix_programme_funder", "funder_id"),
    )


class Budget(FunderRow, Base):
    """Money of a programme for a year. Changed last in a unit, by one conditional UPDATE."""

    __tablename__ = "budget"
    programme_id: Mapped[UUID] = mapped_column(Id, ForeignKey("programme.id"))
    year: Mapped[int] = mapped_column(Integer)
    amount_minor: Mapped[int] = mapped_column(Minor)
    held_minor: Mapped[int] = mapped_column(Minor, default=0)
    accrued_minor: Mapped[int] = mapped_column(Minor, default=0)
    paid_minor: Mapped[int] = mapped_column(Minor, default=0)
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    version: Mapped[int] = mapped_column(Integer, default=1)
    __table_args__ = (
        UniqueConstraint("funder_id", "programme_id", "year", name="uq_budget_year"),
        CheckConstraint("held_minor >= 0 AND accrued_minor >= 0 AND paid_minor >= 0", name="not_negative"),
        CheckConstraint("held_minor + accrued_minor + paid_minor <= amount_minor", name="not_overdrawn"),
    )


class Quota(FunderRow, Base):
    """What a customer may use of a programme in a year, once granted."""

    __tablename__ = "quota"
    programme_id: Mapped[UUID] = mapped_column(Id, ForeignKey("programme.id"))
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    year: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[int] = mapped_column(Minor)
    held_minor: Mapped[int] = mapped_column(Minor, default=0)
    used_minor: Mapped[int] = mapped_column(Minor, default=0)
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    valid_until: Mapped[date | None] = mapped_column(Date)
    declaration: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    requested_by: Mapped[UUID | None] = mapped_column(Id)
    requested_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[UUID | None] = mapped_column(Id)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decision_note: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    __table_args__ = (
        one_of("state", ["requested", "granted", "refused", "lapsed"]),
        UniqueConstraint("funder_id", "programme_id", "customer_id", "year", name="uq_quota_year"),
        CheckConstraint("held_minor >= 0 AND used_minor >= 0", name="not_negative"),
        CheckConstraint("held_minor + used_minor <= amount_minor", name="not_overdrawn"),
    )


class FundsHold(HostRow, Base):
    """Support reserved for a booking; becomes used when the line accrues, or is given back."""

    __tablename__ = "funds_hold"
    booking_id: Mapped[UUID] = mapped_column(Id)
    programme_id: Mapped[UUID] = mapped_column(Id, ForeignKey("programme.id"))
    funder_id: Mapped[UUID] = mapped_column(Id)
    quota_id: Mapped[UUID | None] = mapped_column(Id)
    year: Mapped[int] = mapped_column(Integer)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    state: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("state", ["held", "used", "released"]),
        UniqueConstraint("institution_id", "booking_id", "programme_id", name="uq_funds_hold_booking"),
    )


class CapCounter(Base):
    """What a programme has already granted to a subject in a year, across all hosts."""

    __tablename__ = "cap_counter"
    programme_id: Mapped[UUID] = mapped_column(Id, ForeignKey("programme.id"), primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(Id, primary_key=True)  # customer, institution or resource
    year: Mapped[int] = mapped_column(Integer, primary_key=True)
    scope: Mapped[str] = mapped_column(String(60), primary_key=True)
    base_minor: Mapped[int] = mapped_column(Minor, default=0)
    granted_minor: Mapped[int] = mapped_column(Minor, default=0)


class ClaimLine(HostRow, Base):
    """One session line × one programme: decision, amount, reasons, citations."""

    __tablename__ = "claim_line"
    source_key: Mapped[str] = mapped_column(String(200))  # charge × programme
    programme_id: Mapped[UUID] = mapped_column(Id, ForeignKey("programme.id"))
    funder_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"))
    charge_id: Mapped[UUID] = mapped_column(Id)
    entry_id: Mapped[UUID | None] = mapped_column(Id)
    line_id: Mapped[UUID | None] = mapped_column(Id)
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    beneficiary_id: Mapped[UUID] = mapped_column(Id)  # customer or institution that receives the money
    day: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(20))
    base_minor: Mapped[int] = mapped_column(Minor)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    rule_version: Mapped[str] = mapped_column(String(120))
    facts: Mapped[dict[str, Any]] = mapped_column(Json)  # what the rule was given, so that it can be replayed
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    citations: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    run_id: Mapped[UUID | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("state", ["accrued", "refused", "in_run", "paid", "withdrawn"]),
        CheckConstraint("amount_minor >= 0", name="amount"),
        UniqueConstraint("institution_id", "source_key", name="uq_claim_line_source_key"),
        Index("ix_claim_line_programme", "programme_id", "state", "day"),
        Index("ix_claim_line_customer", "customer_id", "day"),
        Index("ix_claim_line_charge", "institution_id", "charge_id"),
        BY_HOST,
    )


class ClaimedDocument(Base):
    """An invoice or report number that was claimed once, by anybody, anywhere."""

    __tablename__ = "claimed_document"
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[str] = mapped_column(String(120), primary_key=True)
    programme_id: Mapped[UUID | None] = mapped_column(Id)
    institution_id: Mapped[UUID | None] = mapped_column(Id)
    claim_line_id: Mapped[UUID | None] = mapped_column(Id)
    source: Mapped[str] = mapped_column(String(200), default="")
    entered_at: Mapped[datetime] = mapped_column(Instant)


class PayoutRun(FunderRow, Base):
    """Frozen set of claim lines of a period on its way to payment."""

    __tablename__ = "payout_run"
    programme_id: Mapped[UUID] = mapped_column(Id, ForeignKey("programme.id"))
    number: Mapped[str] = mapped_column(String(40))
    period_start: Mapped[date] = mapped_column(Date)
    period_end: Mapped[date] = mapped_column(Date)  # exclusive
    state: Mapped[str] = mapped_column(String(20))
    lines: Mapped[int] = mapped_column(Integer)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    rule_version: Mapped[str] = mapped_column(String(120))
    digest: Mapped[bytes] = mapped_column(Bytes)
    seed: Mapped[str] = mapped_column(String(64), default="")
    computed_by: Mapped[UUID | None] = mapped_column(Id)
    computed_at: Mapped[datetime] = mapped_column(Instant)
    sampled_by: Mapped[UUID | None] = mapped_column(Id)
    sampled_at: Mapped[datetime | None] = mapped_column(Instant)
    approved_by: Mapped[UUID | None] = mapped_column(Id)
    approved_at: Mapped[datetime | None] = mapped_column(Instant)
    notice_until: Mapped[date | None] = mapped_column(Date)
    paid_at: Mapped[datetime | None] = mapped_column(Instant)
    paid_by: Mapped[UUID | None] = mapped_column(Id)
    version: Mapped[int] = mapped_column(Integer, default=1)
    __table_args__ = (
        one_of("state", ["computed", "sampled", "approved", "notice", "paid", "cancelled"]),
        CheckConstraint("approved_by IS NULL OR approved_by <> computed_by", name="second_person"),
        UniqueConstraint("funder_id", "number", name="uq_payout_run_number"),
        Index("ix_payout_run_programme", "funder_id", "programme_id", "period_start"),
    )


class RunLine(FunderRow, Base):
    """Append-only: a claim line as it was frozen into a run, with the whole key of its source."""

    __tablename__ = "run_line"
    run_id: Mapped[UUID] = mapped_column(Id)
    position: Mapped[int] = mapped_column(BigInteger)
    institution_id: Mapped[UUID] = mapped_column(Id)
    claim_line_id: Mapped[UUID] = mapped_column(Id)
    customer_id: Mapped[UUID] = mapped_column(Id)
    beneficiary_id: Mapped[UUID] = mapped_column(Id)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    body: Mapped[bytes] = mapped_column(Bytes)
    digest: Mapped[bytes] = mapped_column(Bytes)
    __table_args__ = (
        funder_fk("run_line", "payout_run", "run_id"),
        UniqueConstraint("funder_id", "run_id", "position", name="uq_run_line_position"),
        UniqueConstraint("funder_id", "run_id", "claim_line_id", name="uq_run_line_claim"),
    )


class RunSample(FunderRow, Base):
    """A line drawn for checking, and what the reviewer found."""

    __tablename__ = "run_sample"
    run_id: Mapped[UUID] = mapped_column(Id)
    run_line_id: Mapped[UUID] = mapped_column(Id)
    result: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text, default="")
    checked_by: Mapped[UUID | None] = mapped_column(Id)
    checked_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        one_of("result", ["open", "right", "wrong"]),
        funder_fk("run_sample", "payout_run", "run_id"),
        UniqueConstraint("funder_id", "run_id", "run_line_id", name="uq_run_sample_line"),
    )


class Objection(FunderRow, Base):
    """Somebody's word against a run in public notice."""

    __tablename__ = "objection"
    run_id: Mapped[UUID] = mapped_column(Id)
    text: Mapped[str] = mapped_column(Text)
    contact: Mapped[str] = mapped_column(String(254), default="")
    state: Mapped[str] = mapped_column(String(20))
    answer: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(Instant)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        one_of("state", ["open", "upheld", "dismissed"]),
        funder_fk("objection", "payout_run", "run_id"),
    )


class Clawback(FunderRow, Base):
    """Support that was paid and has to come back, because the use behind it was corrected or did not happen."""

    __tablename__ = "clawback"
    programme_id: Mapped[UUID] = mapped_column(Id, ForeignKey("programme.id"))
    institution_id: Mapped[UUID] = mapped_column(Id)
    claim_line_id: Mapped[UUID] = mapped_column(Id)
    beneficiary_id: Mapped[UUID] = mapped_column(Id)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_by: Mapped[UUID | None] = mapped_column(Id)
    note: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (
        one_of("state", ["open", "settled", "waived"]),
        CheckConstraint("amount_minor > 0", name="amount"),
        UniqueConstraint("funder_id", "institution_id", "claim_line_id", name="uq_clawback_claim"),
    )
