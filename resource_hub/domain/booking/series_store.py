"""Queries of series: rows to records; never commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, insert, select, update
from sqlalchemy.orm import Session

from resource_hub.domain.booking import store
from resource_hub.domain.booking.rules.recurrence import Recurrence
from resource_hub.domain.booking.tables import Booking, BookingSeries, SeriesOccurrence
from resource_hub.domain.booking.terms import BookingRecord
from resource_hub.infra.ids import new_id
from resource_hub.kernel.keys import HostKey


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """A rule by which somebody books again and again: at which time of the host's wall clock, how long."""

    key: HostKey
    resource_id: UUID
    customer_id: UUID
    person_id: UUID
    booked_by: UUID
    rule: Recurrence
    starts_minute: int
    length_seconds: int
    split_from: UUID | None
    version: int
    created_at: datetime

    @property
    def resource_key(self) -> HostKey:
        return HostKey(self.key.institution_id, self.resource_id)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One day of a series; without a booking where the user left it out, or handed it over to another customer: then
    the booking is no day of it any more, and nothing of it is said here."""

    id: UUID
    day: date
    booking: BookingRecord | None
    handed_over: bool = False


def _record(row: BookingSeries) -> SeriesRecord:
    return SeriesRecord(
        HostKey(row.institution_id, row.id), row.resource_id, row.customer_id, row.person_id, row.booked_by,
        Recurrence.from_json(row.rule), row.starts_minute, row.length_seconds, row.split_from, row.version,
        row.created_at,
    )  # fmt: skip


def add(session: Session, values: Mapping[str, Any]) -> None:
    session.execute(insert(BookingSeries).values(**values))


def change(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(
        update(BookingSeries)
        .where(BookingSeries.institution_id == key.institution_id, BookingSeries.id == key.id)
        .values(**values, version=BookingSeries.version + 1)
        .execution_options(synchronize_session=False)
    )


def pass_on(session: Session, key: HostKey, person_id: UUID, successor_id: UUID, now: datetime) -> None:
    """A series of somebody is somebody else's from now on."""
    found = series(session, key)
    if found is not None and found.person_id == person_id:
        change(session, key, {"person_id": successor_id, "changed_at": now})


def series(session: Session, key: HostKey) -> SeriesRecord | None:
    statement = select(BookingSeries).where(
        BookingSeries.institution_id == key.institution_id, BookingSeries.id == key.id
    )
    row = session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    return _record(row) if row is not None else None


def sent_before(
    session: Session, institution_id: UUID, booked_by: UUID, request_key: str
) -> SeriesRecord | None:
    """The series that the same sending made before."""
    row = session.scalars(
        select(BookingSeries).where(
            BookingSeries.institution_id == institution_id,
            BookingSeries.booked_by == booked_by,
            BookingSeries.request_key == request_key,
        )
    ).one_or_none()
    return _record(row) if row is not None else None


def of_customers(
    session: Session, customer_ids: Collection[UUID], limit: int, after: Sequence[Any] | None = None
) -> list[SeriesRecord]:
    t = BookingSeries
    statement = select(t).where(t.customer_id.in_(customer_ids))
    return [
        _record(row) for row in session.scalars(store.newest(statement, t.created_at, t.id, after, limit))
    ]


def of_host(
    session: Session,
    institution_id: UUID,
    resource_ids: Collection[UUID] | None,
    limit: int,
    after: Sequence[Any] | None = None,
) -> list[SeriesRecord]:
    """Series at a host, of some of its resources or of all, the newest first."""
    t = BookingSeries
    statement = select(t).where(t.institution_id == institution_id)
    if resource_ids is not None:
        statement = statement.where(t.resource_id.in_(resource_ids))
    return [
        _record(row) for row in session.scalars(store.newest(statement, t.created_at, t.id, after, limit))
    ]


def add_occurrences(session: Session, series_key: HostKey, rows: Sequence[tuple[date, UUID | None]]) -> None:
    session.execute(
        insert(SeriesOccurrence),
        [
            {
                "institution_id": series_key.institution_id,
                "id": new_id(),
                "series_id": series_key.id,
                "day": day,
                "booking_id": booking_id,
            }
            for day, booking_id in rows
        ],
    )


def move_occurrence(
    session: Session, institution_id: UUID, occurrence_id: UUID, series_id: UUID, day: date
) -> None:
    session.execute(
        update(SeriesOccurrence)
        .where(SeriesOccurrence.institution_id == institution_id, SeriesOccurrence.id == occurrence_id)
        .values(series_id=series_id, day=day)
        .execution_options(synchronize_session=False)
    )


def book_occurrence(
    session: Session, series_key: HostKey, occurrence_id: UUID, booking_id: UUID, now: datetime
) -> None:
    """Let a booking be the day of a series that had none."""
    session.execute(
        update(SeriesOccurrence)
        .where(
            SeriesOccurrence.institution_id == series_key.institution_id, SeriesOccurrence.id == occurrence_id
        )
        .values(booking_id=booking_id)
        .execution_options(synchronize_session=False)
    )
    move_bookings(session, series_key.institution_id, [booking_id], series_key.id)
    change(session, series_key, {"changed_at": now})


def occurrences(session: Session, series_keys: Collection[HostKey]) -> dict[HostKey, list[Occurrence]]:
    """The days of some series with their bookings, in order."""
    found: dict[HostKey, list[Occurrence]] = {key: [] for key in series_keys}
    by_host: dict[UUID, list[UUID]] = {}
    for key in series_keys:
        by_host.setdefault(key.institution_id, []).append(key.id)
    t = SeriesOccurrence
    for institution_id, ids in by_host.items():
        rows = session.execute(
            select(t.series_id, t.id, t.day, and_(t.booking_id.is_not(None), Booking.id.is_(None)), Booking)
            .outerjoin(
                Booking,
                and_(
                    Booking.institution_id == t.institution_id,
                    Booking.id == t.booking_id,
                    Booking.series_id == t.series_id,
                ),
            )
            .where(t.institution_id == institution_id, t.series_id.in_(ids))
            .order_by(t.day)
            .execution_options(populate_existing=True)
        )
        for series_id, occurrence_id, day, handed_over, row in rows:
            booked = store.record(row) if row is not None else None
            found[HostKey(institution_id, series_id)].append(
                Occurrence(occurrence_id, day, booked, handed_over)
            )
    return found


def move_bookings(
    session: Session, institution_id: UUID, booking_ids: Collection[UUID], series_id: UUID
) -> None:
    """Let bookings belong to the later part of a series; they themselves stay what they are."""
    session.execute(
        update(Booking)
        .where(Booking.institution_id == institution_id, Booking.id.in_(booking_ids))
        .values(series_id=series_id)
        .execution_options(synchronize_session=False)
    )
