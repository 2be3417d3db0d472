"""Ratings as stored; never commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from resource_hub.domain.booking import store
from resource_hub.domain.booking.after_tables import Rating
from resource_hub.domain.booking.rules.ratings import shown
from resource_hub.domain.booking.tables import Booking, BookingEvent
from resource_hub.domain.booking.terms import BookingRecord, BookingState, Side
from resource_hub.kernel.keys import HostKey

LOOKED_BACK = timedelta(days=46)


@dataclass(frozen=True, slots=True)
class RatingRecord:
    """What one side said of the other. A hidden one is read by nobody but the platform; that it was hidden, and why,
    both sides read."""

    key: HostKey
    booking_id: UUID
    resource_id: UUID
    side: Side
    stars: int
    aspects: Mapping[str, int]
    words: str
    given_by: UUID
    given_at: datetime
    closes_at: datetime
    revealed_at: datetime | None
    answer: str
    answered_at: datetime | None
    report: str
    reported_at: datetime | None
    hidden: bool
    decision: str
    decided_at: datetime | None
    version: int

    @property
    def booking_key(self) -> HostKey:
        return HostKey(self.key.institution_id, self.booking_id)

    def shown(self, now: datetime) -> bool:
        return shown(self.revealed_at, self.closes_at, now)


def record(row: Rating) -> RatingRecord:
    return RatingRecord(
        key=HostKey(row.institution_id, row.id),
        booking_id=row.booking_id,
        resource_id=row.resource_id,
        side=Side(row.side),
        stars=row.stars,
        aspects=dict(row.aspects),
        words=row.words,
        given_by=row.given_by,
        given_at=row.given_at,
        closes_at=row.closes_at,
        revealed_at=row.revealed_at,
        answer=row.answer,
        answered_at=row.answered_at,
        report=row.report,
        reported_at=row.reported_at,
        hidden=row.hidden,
        decision=row.decision,
        decided_at=row.decided_at,
        version=row.version,
    )


def of_booking(session: Session, booking: HostKey) -> dict[Side, RatingRecord]:
    rows = session.scalars(
        select(Rating)
        .where(Rating.institution_id == booking.institution_id, Rating.booking_id == booking.id)
        .execution_options(populate_existing=True)
    )
    return {found.side: found for found in map(record, rows)}


def locked(session: Session, key: HostKey) -> RatingRecord | None:
    row = session.scalars(
        select(Rating)
        .where(Rating.institution_id == key.institution_id, Rating.id == key.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return record(row) if row is not None else None


def add(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(insert(Rating).values(institution_id=key.institution_id, id=key.id, **values))


def change(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(
        update(Rating)
        .where(Rating.institution_id == key.institution_id, Rating.id == key.id)
        .values(**values, version=Rating.version + 1)
        .execution_options(synchronize_session=False)
    )


def unrated(
    session: Session, side: Side, whose: ColumnElement[bool], done_since: datetime, limit: int
) -> list[BookingRecord]:
    """Orders that a side used and has not rated, the latest first; ``whose`` says which are looked at.

    Of times only those that began in the last two months are looked for, so that the years before cost nothing."""
    has = exists().where(
        Rating.institution_id == Booking.institution_id,
        Rating.booking_id == Booking.id,
        Rating.side == side.value,
    )
    rows = session.scalars(
        select(Booking)
        .where(
            whose,
            Booking.state == BookingState.DONE.value,
            Booking.parent_id.is_(None),
            Booking.changed_at > done_since,
            or_(Booking.starts_at.is_(None), Booking.starts_at > done_since - LOOKED_BACK),
            ~has,
        )
        .order_by(Booking.changed_at.desc(), Booking.id)
        .limit(limit)
    )
    return [store.record(row) for row in rows]


def done_at(session: Session, records: Collection[BookingRecord]) -> dict[HostKey, datetime]:
    """When each was done: its last end, for a late proof may have reopened it."""
    rows = session.execute(
        select(BookingEvent.institution_id, BookingEvent.booking_id, func.max(BookingEvent.at))
        .where(
            BookingEvent.institution_id.in_({r.institution_id for r in records}),
            BookingEvent.booking_id.in_({r.key.id for r in records}),
            BookingEvent.kind == "finished",
        )
        .group_by(BookingEvent.institution_id, BookingEvent.booking_id)
    )
    ends = {HostKey(host, one): at for host, one, at in rows}
    return {r.key: ends.get(r.key, r.changed_at) for r in records}


def _public(resources: Collection[HostKey], now: datetime) -> Any:
    return and_(
        Rating.institution_id.in_({key.institution_id for key in resources}),
        Rating.resource_id.in_([key.id for key in resources]),
        Rating.side == Side.CUSTOMER.value,
        Rating.hidden.is_(False),
        or_(Rating.revealed_at.is_not(None), Rating.closes_at <= now),
    )


def sums_of(
    session: Session, resources: Collection[HostKey], now: datetime
) -> dict[HostKey, tuple[int, int]]:
    """Sum and number of the stars that customers gave each and that may be shown; without any it is missing."""
    if not resources:
        return {}
    rows = session.execute(
        select(Rating.institution_id, Rating.resource_id, func.sum(Rating.stars), func.count())
        .where(_public(resources, now))
        .group_by(Rating.institution_id, Rating.resource_id)
    )
    return {HostKey(host, one): (int(total), count) for host, one, total, count in rows}


def with_words(session: Session, resource: HostKey, now: datetime, limit: int) -> list[RatingRecord]:
    """The newest that say something in words."""
    rows = session.scalars(
        select(Rating)
        .where(_public([resource], now), Rating.words != "")
        .order_by(Rating.closes_at.desc(), Rating.id)
        .limit(limit)
    )
    return [record(row) for row in rows]


def reported(
    session: Session,
    limit: int,
    *,
    decided: bool | None = None,
    after: tuple[bool, datetime, UUID] | None = None,
) -> list[RatingRecord]:
    """What was reported, at every host: undecided first, then the newest; ``after`` is the last row that was read."""
    is_decided = Rating.decided_at.is_not(None)
    query = select(Rating).where(Rating.reported_at.is_not(None))
    if decided is not None:
        query = query.where(is_decided if decided else ~is_decided)
    if after is not None:
        was_decided, at, rating_id = after
        later = or_(Rating.reported_at < at, and_(Rating.reported_at == at, Rating.id > rating_id))
        query = query.where(and_(is_decided, later) if was_decided else or_(is_decided, later))
    rows = session.scalars(query.order_by(is_decided, Rating.reported_at.desc(), Rating.id).limit(limit))
    return [record(row) for row in rows]


def of_key(session: Session, key: HostKey) -> RatingRecord | None:
    row = session.scalars(
        select(Rating)
        .where(Rating.institution_id == key.institution_id, Rating.id == key.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return record(row) if row is not None else None


def due_to_reveal(session: Session, now: datetime, limit: int) -> list[RatingRecord]:
    rows = session.scalars(
        select(Rating)
        .where(Rating.revealed_at.is_(None), Rating.closes_at <= now)
        .order_by(Rating.closes_at, Rating.id)
        .limit(limit)
    )
    return [record(row) for row in rows]
