"""Results of orders as stored; never commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from resource_hub.domain.booking.after_tables import ResultDownload, ResultFile
from resource_hub.domain.booking.tables import BookingFile
from resource_hub.infra import files
from resource_hub.infra.ids import new_id
from resource_hub.infra.tables import StoredFile
from resource_hub.kernel.keys import HostKey


@dataclass(frozen=True, slots=True)
class ResultRecord:
    """A delivered file, or what is known of one that is deleted. ``deleted_at`` is when its bytes were gone."""

    key: HostKey
    booking_id: UUID
    name: str
    size: int
    media_type: str
    sha256: bytes
    delivered_by: UUID
    delivered_at: datetime
    expires_on: date
    expires_at: datetime
    ended_at: datetime | None
    ended_by: UUID | None
    reason: str
    deleted_at: datetime | None
    downloads: int = 0
    last_download: datetime | None = None

    def available(self, now: datetime) -> bool:
        """To the end of its last day, whether or not a job has run."""
        return self.ended_at is None and now < self.expires_at


def _record(row: ResultFile, downloads: int = 0, last: datetime | None = None) -> ResultRecord:
    return ResultRecord(
        HostKey(row.institution_id, row.id),
        row.booking_id,
        row.name,
        row.size,
        row.media_type,
        row.sha256,
        row.delivered_by,
        row.delivered_at,
        row.expires_on,
        row.expires_at,
        row.ended_at,
        row.ended_by,
        row.reason,
        row.deleted_at,
        downloads,
        last,
    )


def add(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(insert(ResultFile).values(institution_id=key.institution_id, id=key.id, **values))


def change(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(
        update(ResultFile)
        .where(ResultFile.institution_id == key.institution_id, ResultFile.id == key.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def locked(session: Session, key: HostKey) -> ResultRecord | None:
    row = session.scalars(
        select(ResultFile)
        .where(ResultFile.institution_id == key.institution_id, ResultFile.id == key.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return _record(row) if row is not None else None


def of_booking(session: Session, booking: HostKey) -> list[ResultRecord]:
    """Results of an order with how often they were fetched, the newest first."""
    rows = session.scalars(
        select(ResultFile)
        .where(ResultFile.institution_id == booking.institution_id, ResultFile.booking_id == booking.id)
        .order_by(ResultFile.delivered_at.desc(), ResultFile.id)
        .execution_options(populate_existing=True)
    ).all()
    if not rows:
        return []
    fetched = session.execute(
        select(ResultDownload.result_id, func.count(), func.max(ResultDownload.at))
        .where(
            ResultDownload.institution_id == booking.institution_id,
            ResultDownload.result_id.in_([row.id for row in rows]),
        )
        .group_by(ResultDownload.result_id)
    )
    counts = {result_id: (count, last) for result_id, count, last in fetched}
    return [_record(row, *counts.get(row.id, (0, None))) for row in rows]


def stored_of(session: Session, key: HostKey) -> tuple[UUID, UUID] | None:
    """Organisation and id of the stored file of a result, while there is one."""
    found = session.execute(
        select(BookingFile.file_organisation_id, BookingFile.file_id).where(
            BookingFile.institution_id == key.institution_id, BookingFile.id == key.id
        )
    ).one_or_none()
    return (found[0], found[1]) if found is not None else None


def add_download(session: Session, key: HostKey, at: datetime, person_id: UUID) -> None:
    session.execute(
        insert(ResultDownload).values(
            institution_id=key.institution_id, id=new_id(), result_id=key.id, at=at, person_id=person_id
        )
    )


def forget_file(session: Session, key: HostKey) -> None:
    """Take the document out of the order, and the row of its stored file."""
    stored = stored_of(session, key)
    session.execute(
        delete(BookingFile).where(BookingFile.institution_id == key.institution_id, BookingFile.id == key.id)
    )
    if stored is not None:
        files.forget(session, *stored)


# ---- what the clock asks for -----------------------------------------------------------------------------------


def due_to_end(session: Session, now: datetime, limit: int) -> list[HostKey]:
    rows = session.execute(
        select(ResultFile.institution_id, ResultFile.id)
        .where(ResultFile.expires_at <= now, ResultFile.ended_at.is_(None))
        .order_by(ResultFile.expires_at, ResultFile.id)
        .limit(limit)
    )
    return [HostKey(*row) for row in rows]


def due_to_remind(session: Session, now: datetime, limit: int) -> list[ResultRecord]:
    rows = session.scalars(
        select(ResultFile)
        .where(ResultFile.remind_at <= now)
        .order_by(ResultFile.remind_at, ResultFile.id)
        .limit(limit)
    )
    return [_record(row) for row in rows]


def ended(session: Session, limit: int) -> list[ResultRecord]:
    """Results that nobody gets any more and whose bytes may still be there."""
    rows = session.scalars(
        select(ResultFile)
        .where(ResultFile.ended_at.is_not(None), ResultFile.deleted_at.is_(None))
        .order_by(ResultFile.ended_at, ResultFile.id)
        .limit(limit)
    )
    return [_record(row) for row in rows]


def named_by_others(session: Session, sha256: bytes) -> bool:
    """Whether a row still names these bytes: the same file handed in elsewhere."""
    return session.scalar(select(StoredFile.id).where(StoredFile.sha256 == sha256).limit(1)) is not None
