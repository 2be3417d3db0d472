"""Queries of what belongs to a booking: its events, messages and files; never commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, insert, or_, select
from sqlalchemy.orm import Session

from resource_hub.domain.booking.rules import moves
from resource_hub.domain.booking.rules.earned import Conduct
from resource_hub.domain.booking.tables import BookingEvent, BookingFile, BookingMessage
from resource_hub.domain.booking.terms import (
    BookingRecord,
    EventRecord,
    FileKind,
    FileRecord,
    MessageRecord,
)
from resource_hub.infra.ids import new_id
from resource_hub.infra.tables import StoredFile
from resource_hub.infra.together import add_later
from resource_hub.kernel.keys import HostKey

# Events that say what became of a booking.
_CONDUCT = ("missed", "cancelled", "started", "changed", "proposed", "handed_over")


def add_event(
    session: Session,
    key: HostKey,
    at: datetime,
    person_id: UUID | None,
    kind: str,
    details: Mapping[str, Any],
) -> None:
    row = {
        "institution_id": key.institution_id,
        "id": new_id(),
        "booking_id": key.id,
        "at": at,
        "person_id": person_id,
        "kind": kind,
        "details": dict(details),
    }
    add_later(session, BookingEvent, [row])


def events(session: Session, key: HostKey) -> list[EventRecord]:
    rows = session.execute(
        select(BookingEvent.at, BookingEvent.person_id, BookingEvent.kind, BookingEvent.details)
        .where(BookingEvent.institution_id == key.institution_id, BookingEvent.booking_id == key.id)
        .order_by(BookingEvent.at, BookingEvent.id)
    )
    return [EventRecord(*row) for row in rows]


def conduct(session: Session, institution_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Conduct]:
    """What became of bookings: when they were missed, given back by the customer, or somebody came."""
    found: dict[UUID, Conduct] = {}
    told: dict[UUID, list[EventRecord]] = {}
    for start in range(0, len(ids), 500):
        rows = session.execute(
            select(
                BookingEvent.booking_id,
                BookingEvent.at,
                BookingEvent.person_id,
                BookingEvent.kind,
                BookingEvent.details,
            )
            .where(
                BookingEvent.institution_id == institution_id,
                BookingEvent.booking_id.in_(ids[start : start + 500]),
                BookingEvent.kind.in_(_CONDUCT),
            )
            .order_by(BookingEvent.at, BookingEvent.id)
        )
        for row in rows:
            own = found.setdefault(row.booking_id, Conduct())
            if row.kind == "missed" and own.missed_at is None:
                found[row.booking_id] = replace(own, missed_at=row.at)
            elif row.kind == "started" and own.came_at is None:
                came = row.details.get("at")
                came_at = datetime.fromisoformat(came) if came else row.at
                found[row.booking_id] = replace(own, came_at=came_at)
            told.setdefault(row.booking_id, []).append(EventRecord(*row[1:]))
    given = {one: moves.given_back(events) for one, events in told.items()}
    return {one: replace(own, given_back=given[one]) for one, own in found.items()}


@dataclass(frozen=True, slots=True)
class Asking:
    """Ids of bookings that the host's people made for a customer, and of those that were handed over since."""

    by_host: frozenset[UUID] = frozenset()
    handed_over: frozenset[UUID] = frozenset()


def asking_of(session: Session, records: Collection[BookingRecord]) -> Asking:
    """How bookings came to be whose they are; of those under an order, its hand-over counts."""
    if not records:
        return Asking()
    ids = {record.key.id for record in records} | {r.parent_id for r in records if r.parent_id is not None}
    by_host = and_(BookingEvent.kind == "requested", BookingEvent.details["by_host"].as_boolean())
    rows = session.execute(
        select(BookingEvent.booking_id, BookingEvent.kind).where(
            BookingEvent.institution_id.in_({record.institution_id for record in records}),
            BookingEvent.booking_id.in_(ids),
            or_(BookingEvent.kind == "handed_over", by_host),
        )
    ).all()
    return Asking(
        frozenset(one for one, kind in rows if kind == "requested"),
        frozenset(one for one, kind in rows if kind == "handed_over"),
    )


def add_message(
    session: Session, key: HostKey, at: datetime, person_id: UUID, from_host: bool, text: str
) -> UUID:
    made = new_id()
    session.execute(
        insert(BookingMessage).values(
            institution_id=key.institution_id,
            id=made,
            booking_id=key.id,
            at=at,
            person_id=person_id,
            from_host=from_host,
            text=text,
        )
    )
    return made


def messages(session: Session, key: HostKey) -> list[MessageRecord]:
    t = BookingMessage
    rows = session.execute(
        select(t.id, t.at, t.person_id, t.from_host, t.text)
        .where(t.institution_id == key.institution_id, t.booking_id == key.id)
        .order_by(t.at, t.id)
    )
    return [MessageRecord(*row) for row in rows]


def add_file(session: Session, key: HostKey, kind: FileKind, organisation_id: UUID, file_id: UUID) -> UUID:
    made = new_id()
    session.execute(
        insert(BookingFile).values(
            institution_id=key.institution_id,
            id=made,
            booking_id=key.id,
            file_organisation_id=organisation_id,
            file_id=file_id,
            kind=kind.value,
        )
    )
    return made


def files(session: Session, key: HostKey) -> list[FileRecord]:
    t = BookingFile
    rows = session.execute(
        select(
            t.id,
            t.kind,
            t.file_organisation_id,
            t.file_id,
            StoredFile.name,
            StoredFile.size,
            StoredFile.media_type,
            StoredFile.sha256,
        )
        .join(
            StoredFile, and_(StoredFile.organisation_id == t.file_organisation_id, StoredFile.id == t.file_id)
        )
        .where(t.institution_id == key.institution_id, t.booking_id == key.id)
        .order_by(t.id)
    )
    return [FileRecord(row[0], FileKind(row[1]), *row[2:]) for row in rows]
