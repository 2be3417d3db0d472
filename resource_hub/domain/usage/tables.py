"""Tables of evidence, sessions and the sealed ledger. Host's rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import BY_HOST, HostRow, host_fk, one_of
from resource_hub.infra.types import Bytes, Id, Instant, Json, Seconds


# The keys of a session, its lines and entries reach the institution through the resource and the session, so a
# reference of their own to it would only be checked once more for every row of an import.
def _institution_id() -> Mapped[UUID]:
    return mapped_column(Id, primary_key=True, sort_order=-20)


def _where_present(name: str, *columns: str) -> Index:
    """An index of the rows that have something in the last column."""
    there = text(f"{columns[-1]} IS NOT NULL")
    return Index(name, *columns, sqlite_where=there, postgresql_where=there)


class Evidence(HostRow, Base):
    """Append-only: one thing that proves use, with the time it speaks of and the time it was entered."""

    __tablename__ = "evidence"
    kind: Mapped[str] = mapped_column(String(30))
    resource_id: Mapped[UUID] = mapped_column(Id)
    unit_id: Mapped[UUID | None] = mapped_column(Id)
    session_id: Mapped[UUID | None] = mapped_column(Id)
    booking_id: Mapped[UUID | None] = mapped_column(Id)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    entered_at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[UUID | None] = mapped_column(Id)
    customer_id: Mapped[UUID | None] = mapped_column(Id)
    by_customer: Mapped[bool] = mapped_column(Boolean, default=False)  # entered by a person of the customer
    late: Mapped[bool] = mapped_column(Boolean, default=False)  # came too late to count at its own time
    code_kind: Mapped[str] = mapped_column(String(20), default="none")
    source: Mapped[str] = mapped_column(String(120))  # printed code, rotating code, device name, import name
    source_key: Mapped[str | None] = mapped_column(String(200))  # a repeated delivery meets itself
    details: Mapped[dict[str, Any]] = mapped_column(Json)
    __table_args__ = (
        one_of(
            "kind",
            [
                "machine_signal",
                "check_in",
                "check_out",
                "operator_entry",
                "document",
                "acceptance",
                "fault",
                "no_show",
                "bulk",
            ],
        ),
        one_of("code_kind", ["none", "printed", "rotating"]),
        host_fk("evidence", "resource"),
        UniqueConstraint("institution_id", "source", "source_key", name="uq_evidence_source_key"),
        Index("ix_evidence_session", "institution_id", "session_id"),
        Index("ix_evidence_unit", "institution_id", "unit_id", "starts_at"),
        BY_HOST,
    )


class EvidencePrivate(Base):
    """Erasable: what of a piece of evidence tells about a person, and the salt without which the digest of the
    evidence in a sealed entry can be guessed by nobody."""

    __tablename__ = "evidence_private"
    institution_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    evidence_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    salt: Mapped[bytes] = mapped_column(Bytes)
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    __table_args__ = (host_fk("evidence_private", "evidence"), BY_HOST)


class UsageSession(HostRow, Base):
    """Recorded use of a unit, with or without a booking; open until its day is closed, then sealed."""

    __tablename__ = "usage_session"
    institution_id: Mapped[UUID] = _institution_id()
    resource_id: Mapped[UUID] = mapped_column(Id)
    unit_id: Mapped[UUID | None] = mapped_column(Id)
    booking_id: Mapped[UUID | None] = mapped_column(Id)
    source: Mapped[str] = mapped_column(String(20), default="booking")
    mode: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    day: Mapped[date] = mapped_column(Date)  # on which it ended (or should), in the host's zone
    booked_starts_at: Mapped[datetime | None] = mapped_column(Instant)
    booked_ends_at: Mapped[datetime | None] = mapped_column(Instant)
    starts_at: Mapped[datetime | None] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    setup_seconds: Mapped[int] = mapped_column(Seconds, default=0)
    measuring_seconds: Mapped[int] = mapped_column(Seconds, default=0)
    post_seconds: Mapped[int] = mapped_column(Seconds, default=0)
    idle_seconds: Mapped[int] = mapped_column(Seconds, default=0)
    grade: Mapped[str | None] = mapped_column(String(1))
    grade_reason: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # What an operator declared of set-up, post-processing and idle time; goes before what the machine says.
    declared: Mapped[dict[str, Any] | None] = mapped_column(Json)
    end_reason: Mapped[str] = mapped_column(String(40), default="")
    flags: Mapped[list[str]] = mapped_column(Json, default=list)
    note: Mapped[str] = mapped_column(Text, default="")
    seal_due_at: Mapped[datetime | None] = mapped_column(Instant)
    sealed_at: Mapped[datetime | None] = mapped_column(Instant)
    sealed_by: Mapped[UUID | None] = mapped_column(Id)
    source_key: Mapped[str | None] = mapped_column(String(200))
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("source", ["booking", "walk_up", "operator", "bulk"]),
        one_of("state", ["expected", "running", "ended", "no_show", "sealed", "void"]),
        one_of("mode", ["self_use", "staff_run", "send_in", "delivery"]),
        CheckConstraint("grade IS NULL OR grade IN ('A','B','C','D','E')", name="grade"),
        CheckConstraint("starts_at <= ends_at", name="span"),
        host_fk("usage_session", "resource"),
        host_fk("usage_session", "unit"),
        host_fk("usage_session", "booking"),
        UniqueConstraint("institution_id", "source_key", name="uq_usage_session_source_key"),
        Index("ix_usage_session_day", "institution_id", "day", "state"),
        Index("ix_usage_session_unit", "institution_id", "unit_id", "starts_at"),
        # Sealed history has none of these three, and need not be carried along by the scheduler's questions.
        _where_present("ix_usage_session_booking", "institution_id", "booking_id"),
        _where_present("ix_usage_session_due", "state", "seal_due_at"),
        _where_present("ix_usage_session_start", "state", "booked_starts_at"),
        # One person at a machine at a time (worked case B39): the database itself refuses a second open use.
        Index(
            "uq_usage_session_running",
            "institution_id",
            "unit_id",
            unique=True,
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        BY_HOST,
    )


class SessionLine(HostRow, Base):
    """The part of a session that served one customer's order; the shares sum to the session."""

    __tablename__ = "session_line"
    institution_id: Mapped[UUID] = _institution_id()
    session_id: Mapped[UUID] = mapped_column(Id)
    line: Mapped[int] = mapped_column(Integer)
    booking_id: Mapped[UUID | None] = mapped_column(Id)
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    customer_class: Mapped[str] = mapped_column(String(30))
    person_id: Mapped[UUID | None] = mapped_column(Id)
    purpose: Mapped[str] = mapped_column(String(40))
    share: Mapped[int] = mapped_column(Integer, default=1)  # weight among the lines of the session
    samples: Mapped[int] = mapped_column(Integer, default=0)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    accepted_by: Mapped[UUID | None] = mapped_column(Id)
    __table_args__ = (
        host_fk("session_line", "usage_session", "session_id"),
        host_fk("session_line", "booking"),
        CheckConstraint("share > 0 AND samples >= 0", name="share"),
        UniqueConstraint("institution_id", "session_id", "line", name="uq_session_line_line"),
        Index("ix_session_line_customer", "customer_id", "institution_id"),
        BY_HOST,
    )


class UsageEntry(HostRow, Base):
    """Append-only, sealed: one session line as it counts. ``body`` holds the exact bytes that were hashed."""

    __tablename__ = "usage_entry"
    institution_id: Mapped[UUID] = _institution_id()
    kind: Mapped[str] = mapped_column(String(20))
    session_id: Mapped[UUID] = mapped_column(Id)
    line_id: Mapped[UUID] = mapped_column(Id)
    corrects_id: Mapped[UUID | None] = mapped_column(Id)
    day: Mapped[date] = mapped_column(Date)
    resource_id: Mapped[UUID] = mapped_column(Id)
    unit_id: Mapped[UUID | None] = mapped_column(Id)
    booking_id: Mapped[UUID | None] = mapped_column(Id)
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    customer_class: Mapped[str] = mapped_column(String(30))
    purpose: Mapped[str] = mapped_column(String(40))
    grade: Mapped[str] = mapped_column(String(1))
    starts_at: Mapped[datetime | None] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    effective_seconds: Mapped[int] = mapped_column(Seconds)
    samples: Mapped[int] = mapped_column(Integer, default=0)
    format: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(Bytes)
    digest: Mapped[bytes] = mapped_column(Bytes)
    sealed_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("kind", ["use", "correction"]),
        CheckConstraint("grade IN ('A','B','C','D','E')", name="grade"),
        host_fk("usage_entry", "usage_session", "session_id"),
        Index(
            "uq_usage_entry_use",
            "institution_id",
            "line_id",
            unique=True,
            sqlite_where=text("kind = 'use'"),
            postgresql_where=text("kind = 'use'"),
        ),
        Index(
            "uq_usage_entry_correction",
            "institution_id",
            "corrects_id",
            unique=True,
            sqlite_where=text("kind = 'correction'"),
            postgresql_where=text("kind = 'correction'"),
        ),
        Index("ix_usage_entry_day", "institution_id", "day", "resource_id"),
        Index("ix_usage_entry_resource", "institution_id", "resource_id", "day"),
        Index("ix_usage_entry_session", "institution_id", "session_id"),
        Index("ix_usage_entry_customer", "customer_id", "day"),
        BY_HOST,
    )


class ChainLink(Base):
    """Append-only: the place of a sealed row in its chain, one chain per institution and kind, without gaps."""

    __tablename__ = "chain_link"
    institution_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(Id)
    entry_digest: Mapped[bytes] = mapped_column(Bytes)
    digest: Mapped[bytes] = mapped_column(Bytes)  # over the previous link's digest and the entry's
    sealing_day: Mapped[date] = mapped_column(Date)
    __table_args__ = (
        one_of("kind", ["usage", "money"]),
        UniqueConstraint("institution_id", "kind", "entry_id", name="uq_chain_link_entry"),
        Index("ix_chain_link_day", "institution_id", "kind", "sealing_day"),
        BY_HOST,
    )


class ChainHead(Base):
    """How far each chain has grown and been signed: says where there is work, proves nothing."""

    __tablename__ = "chain_head"
    institution_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    rooted_position: Mapped[int] = mapped_column(BigInteger, default=0)
    verified_position: Mapped[int] = mapped_column(BigInteger, default=0)
    verified_at: Mapped[datetime | None] = mapped_column(Instant)
    broken: Mapped[str | None] = mapped_column(Text)  # what the last verification found first
    __table_args__ = (one_of("kind", ["usage", "money"]),)


class UnlinkedEntry(Base):
    """Queue of sealed rows that the sealer has not linked yet; a row leaves when its link is written."""

    __tablename__ = "unlinked_entry"
    institution_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    digest: Mapped[bytes] = mapped_column(Bytes)
    sealing_day: Mapped[date] = mapped_column(Date)
    __table_args__ = (one_of("kind", ["usage", "money"]),)


class DayRoot(Base):
    """Append-only: signed head of a chain at the end of a sealing day."""

    __tablename__ = "day_root"
    institution_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    last_position: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(Bytes)
    key_id: Mapped[UUID] = mapped_column(Id, ForeignKey("signing_key.id"))
    signature: Mapped[bytes] = mapped_column(Bytes)
    signed_at: Mapped[datetime] = mapped_column(Instant)


class SigningKey(Base):
    """Public halves of the keys that signed day roots; the private ones live in files outside the database."""

    __tablename__ = "signing_key"
    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    public_key: Mapped[bytes] = mapped_column(Bytes)
    created_at: Mapped[datetime] = mapped_column(Instant)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


class DayClose(HostRow, Base):
    """A manager's word that a resource's day is right."""

    __tablename__ = "day_close"
    resource_id: Mapped[UUID] = mapped_column(Id)
    day: Mapped[date] = mapped_column(Date)
    closed_by: Mapped[UUID | None] = mapped_column(Id)  # nobody: the term ran out
    closed_at: Mapped[datetime] = mapped_column(Instant)
    sessions: Mapped[int] = mapped_column(Integer)
    __table_args__ = (
        host_fk("day_close", "resource"),
        Index("ix_day_close_day", "institution_id", "day", "resource_id"),
    )


class UsageRollup(Base):
    """Hours per day, split at midnight in the host's zone, kept in step with sealing."""

    __tablename__ = "usage_rollup"
    institution_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"), primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    customer_class: Mapped[str] = mapped_column(String(30), primary_key=True)
    outside: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(40), primary_key=True)
    grade: Mapped[str] = mapped_column(String(1), primary_key=True)
    effective_seconds: Mapped[int] = mapped_column(Seconds)
    sessions: Mapped[int] = mapped_column(BigInteger)  # counted on the day they ended
    samples: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index("ix_usage_rollup_day", "institution_id", "day"), BY_HOST)


class Device(HostRow, Base):
    """An instrument agent or meter that may send signals for a unit."""

    __tablename__ = "device"
    resource_id: Mapped[UUID] = mapped_column(Id)
    unit_id: Mapped[UUID] = mapped_column(Id)
    name: Mapped[str] = mapped_column(String(120))
    token_hash: Mapped[bytes] = mapped_column(Bytes)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    last_seen_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        host_fk("device", "unit"),
        UniqueConstraint("token_hash", name="uq_device_token_hash"),
    )


class Fault(HostRow, Base):
    """A reported fault and the downtime it causes."""

    __tablename__ = "fault"
    resource_id: Mapped[UUID] = mapped_column(Id)
    unit_id: Mapped[UUID | None] = mapped_column(Id)
    session_id: Mapped[UUID | None] = mapped_column(Id)
    severity: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    reported_by: Mapped[UUID | None] = mapped_column(Id)
    reported_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_by: Mapped[UUID | None] = mapped_column(Id)
    closing_note: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (
        one_of("severity", ["note", "limited", "down"]),
        host_fk("fault", "resource"),
        host_fk("fault", "unit"),
        Index("ix_fault_open", "institution_id", "closed_at"),
    )
