"""Tables of what follows an order: results with their downloads. Host's rows."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import HostRow, host_fk
from resource_hub.infra.types import Bytes, Id, Instant


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
