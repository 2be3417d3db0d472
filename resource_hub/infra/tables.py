"""Tables that belong to no capability: audit, outbox, jobs, idempotency, stored files, the demonstration's mark."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.types import Bytes, Id, Instant, Json


class AuditEntry(Base):
    """Append-only: who changed what. ``body`` holds the exact bytes that were hashed."""

    __tablename__ = "audit_entry"
    organisation_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[UUID | None] = mapped_column(Id)
    action: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(200))
    origin_digest: Mapped[bytes] = mapped_column(Bytes)
    format: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(Bytes)
    digest: Mapped[bytes] = mapped_column(Bytes)
    __table_args__ = (
        Index("ix_audit_entry_subject", "organisation_id", "subject", "at"),
        Index("ix_audit_entry_at", "organisation_id", "at"),
    )


class AuditOrigin(Base):
    """Erasable: the address and device behind an audit row."""

    __tablename__ = "audit_origin"
    organisation_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    audit_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    address: Mapped[str] = mapped_column(String(64))
    device: Mapped[str] = mapped_column(String(300))


class OutboxEvent(Base):
    __tablename__ = "outbox_event"
    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    at: Mapped[datetime] = mapped_column(Instant)


class OutboxDelivery(Base):
    __tablename__ = "outbox_delivery"
    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(Id, ForeignKey("outbox_event.id"))
    subscriber: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(Integer)
    not_before: Mapped[datetime] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        UniqueConstraint("event_id", "subscriber", name="uq_outbox_delivery_event"),
        CheckConstraint("state IN ('waiting','done','parked')", name="state"),
        Index("ix_outbox_delivery_due", "state", "not_before"),
        Index("ix_outbox_delivery_order", "subscriber", "subject", "state", "id"),
    )


class JobLease(Base):
    """Who leads. ``epoch`` grows with every take-over; times are the database's."""

    __tablename__ = "job_lease"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(120))
    epoch: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime] = mapped_column(Instant)


class JobRun(Base):
    """One run of a job for one slot of its schedule; the key makes a slot run once."""

    __tablename__ = "job_run"
    job: Mapped[str] = mapped_column(String(80), primary_key=True)
    slot: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    backlog: Mapped[int] = mapped_column(BigInteger, default=0)
    error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (CheckConstraint("state IN ('running','done','failed')", name="state"),)


class IdempotencyKey(Base):
    """An answer kept for a write that a client may send twice."""

    __tablename__ = "idempotency_key"
    person_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    request_digest: Mapped[bytes] = mapped_column(Bytes)
    answer: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (Index("ix_idempotency_key_created_at", "created_at"),)


class StoredFile(Base):
    """Facts about a file that somebody handed in; the bytes live in the file store under their digest."""

    __tablename__ = "stored_file"
    organisation_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(Bytes)
    public: Mapped[bool] = mapped_column(default=False)
    person_id: Mapped[UUID | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (Index("ix_stored_file_sha256", "sha256"),)


class Setting(Base):
    """Facts about this installation: initialised when, instance id, ledger verified when."""

    __tablename__ = "setting"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class ChangeStamp(Base):
    """Drawn anew by the database whenever a row about a subject changes (a resource, an organisation, a customer).

    All rows of a subject together are its stamp.
    """

    __tablename__ = "change_stamp"
    subject_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    stamp: Mapped[UUID] = mapped_column(Id, primary_key=True)


class DemoState(Base):
    """Exists only in a demonstration; how far business time runs ahead."""

    __tablename__ = "demo_state"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    offset_seconds: Mapped[int] = mapped_column(BigInteger, default=0)
    filled_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("offset_seconds >= 0", name="forward"),
    )
