"""Offers to take a booking over: rows to records; never commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, insert, or_, select, update
from sqlalchemy.orm import Session

from resource_hub.domain.booking import store
from resource_hub.domain.booking.hand_over_tables import HandOverOffer
from resource_hub.domain.booking.terms import HandOverState
from resource_hub.kernel.keys import HostKey


@dataclass(frozen=True, slots=True)
class HandOverRecord:
    """An offer to another organisation to take a booking over. Until it is accepted, who booked stays liable."""

    key: HostKey
    booking_id: UUID
    from_customer_id: UUID
    to_customer_id: UUID
    state: HandOverState
    note: str
    offered_by: UUID
    offered_at: datetime
    expires_at: datetime
    answered_by: UUID | None
    answered_at: datetime | None
    reason: str
    version: int

    @property
    def booking_key(self) -> HostKey:
        return HostKey(self.key.institution_id, self.booking_id)

    def state_at(self, now: datetime) -> HandOverState:
        """By the clock: an offer that nobody answered in time is over, whether a job has run or not."""
        over = self.state is HandOverState.OPEN and now >= self.expires_at
        return HandOverState.EXPIRED if over else self.state


def _record(row: HandOverOffer) -> HandOverRecord:
    return HandOverRecord(
        HostKey(row.institution_id, row.id), row.booking_id, row.from_customer_id, row.to_customer_id,
        HandOverState(row.state), row.note, row.offered_by, row.offered_at, row.expires_at, row.answered_by,
        row.answered_at, row.reason, row.version,
    )  # fmt: skip


def add(session: Session, values: Mapping[str, Any]) -> None:
    session.execute(insert(HandOverOffer).values(**values))


def change(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(
        update(HandOverOffer)
        .where(HandOverOffer.institution_id == key.institution_id, HandOverOffer.id == key.id)
        .values(**values, version=HandOverOffer.version + 1)
        .execution_options(synchronize_session=False)
    )


def offer(session: Session, key: HostKey) -> HandOverRecord | None:
    statement = select(HandOverOffer).where(
        HandOverOffer.institution_id == key.institution_id, HandOverOffer.id == key.id
    )
    row = session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    return _record(row) if row is not None else None


def open_of(session: Session, booking: HostKey) -> HandOverRecord | None:
    """The offer of a booking that nobody has answered; its term may be over."""
    statement = select(HandOverOffer).where(
        HandOverOffer.institution_id == booking.institution_id,
        HandOverOffer.booking_id == booking.id,
        HandOverOffer.state == HandOverState.OPEN.value,
    )
    row = session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    return _record(row) if row is not None else None


def of_customers(
    session: Session,
    customer_ids: Collection[UUID],
    limit: int,
    after: Sequence[Any] | None = None,
    *where: ColumnElement[bool],
) -> list[HandOverRecord]:
    """Offers to and from customers, the newest first."""
    t = HandOverOffer
    theirs = or_(t.to_customer_id.in_(customer_ids), t.from_customer_id.in_(customer_ids))
    statement = select(t).where(theirs, *where)
    return [
        _record(row) for row in session.scalars(store.newest(statement, t.offered_at, t.id, after, limit))
    ]


def open_of_customers(
    session: Session, customer_ids: Collection[UUID], limit: int, now: datetime
) -> list[HandOverRecord]:
    """Offers to and from customers that wait for an answer, the nearest term first."""
    t = HandOverOffer
    theirs = or_(t.to_customer_id.in_(customer_ids), t.from_customer_id.in_(customer_ids))
    statement = select(t).where(theirs, is_open(now)).order_by(t.expires_at, t.id).limit(limit)
    return [_record(row) for row in session.scalars(statement)]


def is_open(now: datetime) -> ColumnElement[bool]:
    """It waits for an answer, and its term is not over."""
    t = HandOverOffer
    return (t.state == HandOverState.OPEN.value) & (t.expires_at > now)


def due(session: Session, now: datetime, limit: int) -> list[HandOverRecord]:
    """Offers whose term is over."""
    t = HandOverOffer
    statement = select(t).where(t.state == HandOverState.OPEN.value, t.expires_at <= now)
    return [_record(row) for row in session.scalars(statement.order_by(t.expires_at, t.id).limit(limit))]
