"""Tables of charges, money entries and statements. Host's rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import BY_HOST, HostRow, host_fk, one_of
from resource_hub.infra.types import Bytes, Id, Instant, Json, Minor


class Charge(HostRow, Base):
    """Append-only: what one sealed line (or a fee) costs. A correction is a further charge, never a changed one."""

    __tablename__ = "charge"
    kind: Mapped[str] = mapped_column(String(20))
    source_key: Mapped[str] = mapped_column(
        String(200)
    )  # entry × purpose: a job that runs twice meets itself
    entry_id: Mapped[UUID | None] = mapped_column(Id)
    booking_id: Mapped[UUID | None] = mapped_column(Id)
    resource_id: Mapped[UUID] = mapped_column(Id)
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    customer_class: Mapped[str] = mapped_column(String(30))
    day: Mapped[date] = mapped_column(Date)  # on which its use ended; decides the period
    tariff_id: Mapped[UUID | None] = mapped_column(Id)
    use: Mapped[dict[str, Any]] = mapped_column(Json)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    gross_minor: Mapped[int] = mapped_column(Minor)
    deducted_minor: Mapped[int] = mapped_column(Minor, default=0)  # taken off at once by a programme
    amount_minor: Mapped[int] = mapped_column(Minor)  # what the customer owes
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("kind", ["use", "correction", "no_show", "cancellation", "manual", "problem"]),
        CheckConstraint("amount_minor = gross_minor - deducted_minor", name="amount"),
        UniqueConstraint("institution_id", "source_key", name="uq_charge_source_key"),
        Index("ix_charge_customer", "customer_id", "institution_id", "day"),
        Index("ix_charge_day", "institution_id", "day"),
        Index("ix_charge_entry", "institution_id", "entry_id"),
        BY_HOST,
    )


class MoneyEntry(HostRow, Base):
    """Append-only, hash-linked: one movement on a customer's account with a host. Positive: the customer owes more."""

    __tablename__ = "money_entry"
    kind: Mapped[str] = mapped_column(String(20))
    source_key: Mapped[str] = mapped_column(String(200))
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    charge_id: Mapped[UUID | None] = mapped_column(Id)
    statement_id: Mapped[UUID | None] = mapped_column(Id)
    day: Mapped[date] = mapped_column(Date)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    reference: Mapped[str] = mapped_column(String(200), default="")
    entered_by: Mapped[UUID | None] = mapped_column(Id)
    format: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(Bytes)
    digest: Mapped[bytes] = mapped_column(Bytes)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("kind", ["charge", "payment", "credit", "refund", "write_off"]),
        UniqueConstraint("institution_id", "source_key", name="uq_money_entry_source_key"),
        Index("ix_money_entry_customer", "institution_id", "customer_id", "day"),
        BY_HOST,
    )


class Statement(HostRow, Base):
    """What a customer owes to one institution for a month."""

    __tablename__ = "statement"
    number: Mapped[str] = mapped_column(String(40))
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    period: Mapped[date] = mapped_column(Date)  # first day of the month
    state: Mapped[str] = mapped_column(String(20))
    gross_minor: Mapped[int] = mapped_column(Minor)
    deducted_minor: Mapped[int] = mapped_column(Minor)
    total_minor: Mapped[int] = mapped_column(Minor)
    paid_minor: Mapped[int] = mapped_column(Minor, default=0)
    currency: Mapped[str] = mapped_column(String(3))
    issued_at: Mapped[datetime | None] = mapped_column(Instant)
    due_on: Mapped[date | None] = mapped_column(Date)
    note: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("state", ["issued", "paid", "disputed", "void"]),
        UniqueConstraint("institution_id", "number", name="uq_statement_number"),
        UniqueConstraint("institution_id", "customer_id", "period", "currency", name="uq_statement_period"),
        Index("ix_statement_customer", "customer_id", "period"),
    )


class StatementLine(Base):
    """A charge stands on one statement."""

    __tablename__ = "statement_line"
    institution_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    charge_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    statement_id: Mapped[UUID] = mapped_column(Id)
    __table_args__ = (
        host_fk("statement_line", "statement"),
        Index("ix_statement_line_statement", "institution_id", "statement_id"),
        BY_HOST,
    )


class PeriodClose(HostRow, Base):
    """A month that an office closed: later corrections fall into the next one."""

    __tablename__ = "period_close"
    period: Mapped[date] = mapped_column(Date)
    closed_by: Mapped[UUID | None] = mapped_column(Id)
    closed_at: Mapped[datetime] = mapped_column(Instant)
    statements: Mapped[int] = mapped_column(Integer)
    __table_args__ = (UniqueConstraint("institution_id", "period", name="uq_period_close_period"),)
