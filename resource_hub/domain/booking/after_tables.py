"""Tables of what follows an order: results with their downloads, ratings of both sides. Host's rows."""

from __future__ import annotations

from datetime import date, datetime
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
from resource_hub.infra.rows import HostRow, host_fk, one_of
from resource_hub.infra.types import Bytes, Id, Instant, Json


class ResultFile(HostRow, Base):
    """A file that the host delivered for an order. Its id is that of the document of the order; the document and the
    stored file go at the expiry, this row stays and says what there was and when it was deleted."""

    __tablename__ = "result_file"
    booking_id: Mapped[UUID] = mapped_column(Id)
    name: Mapped[str] = mapped_column(String(300))
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[bytes] = mapped_column(Bytes)
    delivered_by: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    delivered_at: Mapped[datetime] = mapped_column(Instant)
    expires_on: Mapped[date] = mapped_column(Date)  # the last day, in the host's zone
    expires_at: Mapped[datetime] = mapped_column(Instant)  # its end
    remind_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)  # from then on nobody gets it
    ended_by: Mapped[UUID | None] = mapped_column(Id)  # none: by the clock
    reason: Mapped[str] = mapped_column(Text, default="")
    deleted_at: Mapped[datetime | None] = mapped_column(Instant)  # the bytes are gone
    __table_args__ = (
        CheckConstraint("delivered_at < expires_at", name="span"),
        CheckConstraint("deleted_at IS NULL OR ended_at IS NOT NULL", name="deleted"),
        host_fk("result_file", "booking"),
        Index("ix_result_file_booking", "institution_id", "booking_id"),
        Index("ix_result_file_expires_at", "expires_at"),
        Index("ix_result_file_remind_at", "remind_at"),
    )


class ResultDownload(HostRow, Base):
    """Append-only: who fetched a result, and when."""

    __tablename__ = "result_download"
    result_id: Mapped[UUID] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[UUID] = mapped_column(Id)
    __table_args__ = (
        host_fk("result_download", "result_file", "result_id"),
        Index("ix_result_download_result", "institution_id", "result_id", "at"),
    )


class Rating(HostRow, Base):
    """What one side of an order says of the other after it. Neither sees the other's before both gave theirs or the
    time to give them is over."""

    __tablename__ = "rating"
    booking_id: Mapped[UUID] = mapped_column(Id)
    resource_id: Mapped[UUID] = mapped_column(Id)
    side: Mapped[str] = mapped_column(String(20))  # who rates
    stars: Mapped[int] = mapped_column(Integer)
    aspects: Mapped[dict[str, int]] = mapped_column(Json)
    words: Mapped[str] = mapped_column(Text, default="")
    given_by: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    given_at: Mapped[datetime] = mapped_column(Instant)
    closes_at: Mapped[datetime] = mapped_column(Instant)  # then it is shown, whatever the other side did
    revealed_at: Mapped[datetime | None] = mapped_column(Instant)  # both were given, or the job came by
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by: Mapped[UUID | None] = mapped_column(Id)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    report: Mapped[str] = mapped_column(Text, default="")
    reported_by: Mapped[UUID | None] = mapped_column(Id)
    reported_at: Mapped[datetime | None] = mapped_column(Instant)
    hidden: Mapped[bool] = mapped_column(default=False)
    decision: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[UUID | None] = mapped_column(Id)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    version: Mapped[int] = mapped_column(Integer, default=1)
    __table_args__ = (
        one_of("side", ["customer", "host"]),
        CheckConstraint("stars >= 1 AND stars <= 5", name="stars"),
        CheckConstraint("answer = '' OR side = 'customer'", name="answer"),
        host_fk("rating", "booking"),
        host_fk("rating", "resource"),
        UniqueConstraint("institution_id", "booking_id", "side", name="uq_rating_booking"),
        Index("ix_rating_resource", "institution_id", "resource_id", "side"),
        Index("ix_rating_closes_at", "revealed_at", "closes_at"),
        Index("ix_rating_reported_at", "reported_at"),
    )
