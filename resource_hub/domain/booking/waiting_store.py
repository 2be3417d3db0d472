"""Queries of the waiting list: rows to records; never commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from resource_hub.domain.booking import store
from resource_hub.domain.booking.tables import WaitingEntry
from resource_hub.domain.booking.terms import BookingState, WaitingKind, WaitingState
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

# Where one stands in line.
Place = tuple[datetime, UUID]
OPEN = (WaitingState.WAITING.value, WaitingState.OFFERED.value)


@dataclass(frozen=True, slots=True)
class WaitingRecord:
    """Somebody waits for so much time on a resource between two moments."""

    key: HostKey
    resource_id: UUID
    customer_id: UUID
    person_id: UUID
    kind: WaitingKind
    state: WaitingState
    earliest: datetime
    latest: datetime
    length_seconds: int
    wish: Mapping[str, Any]
    booking_id: UUID | None
    offered_until: datetime | None
    version: int
    created_at: datetime

    @property
    def place(self) -> Place:
        """By what the line is ordered."""
        return self.created_at, self.key.id

    @property
    def resource_key(self) -> HostKey:
        return HostKey(self.key.institution_id, self.resource_id)

    @property
    def granted(self) -> BookingState | None:
        """The state in which the same time was booked before it closed; None for a wish like any other."""
        return BookingState(self.wish["granted"]) if self.wish.get("granted") else None

    @property
    def unit_id(self) -> UUID | None:
        """The only unit that is waited for; None for any."""
        unit = self.wish.get("unit")
        return UUID(unit) if unit else None


def _record(row: WaitingEntry) -> WaitingRecord:
    return WaitingRecord(
        HostKey(row.institution_id, row.id), row.resource_id, row.customer_id, row.person_id,
        WaitingKind(row.kind), WaitingState(row.state), row.earliest, row.latest, row.length_seconds, row.wish,
        row.booking_id, row.offered_until, row.version, row.created_at,
    )  # fmt: skip


def add(session: Session, values: Mapping[str, Any]) -> None:
    session.execute(insert(WaitingEntry).values(**values))


def change(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(
        update(WaitingEntry)
        .where(WaitingEntry.institution_id == key.institution_id, WaitingEntry.id == key.id)
        .values(**values, version=WaitingEntry.version + 1)
        .execution_options(synchronize_session=False)
    )


def _fresh(statement: Any) -> Any:
    return statement.execution_options(populate_existing=True)


def entry(session: Session, key: HostKey) -> WaitingRecord | None:
    row = session.scalars(
        _fresh(
            select(WaitingEntry).where(
                WaitingEntry.institution_id == key.institution_id, WaitingEntry.id == key.id
            )
        )
    ).one_or_none()
    return _record(row) if row is not None else None


def of_booking(session: Session, booking: HostKey) -> WaitingRecord | None:
    """Who is offered this hold."""
    row = session.scalars(
        _fresh(
            select(WaitingEntry).where(
                WaitingEntry.institution_id == booking.institution_id, WaitingEntry.booking_id == booking.id
            )
        )
    ).one_or_none()
    return _record(row) if row is not None else None


def booked(session: Session, hold: HostKey, now: datetime) -> None:
    """What was offered to somebody in line, if this is such a hold, has become the booking."""
    t = WaitingEntry
    session.execute(
        update(t)
        .where(
            t.institution_id == hold.institution_id,
            t.booking_id == hold.id,
            t.state == WaitingState.OFFERED.value,
        )
        .values(state=WaitingState.BOOKED.value, offered_until=None, changed_at=now, version=t.version + 1)
        .execution_options(synchronize_session=False)
    )


def line(
    session: Session,
    resource: HostKey,
    kind: WaitingKind,
    limit: int,
    *,
    span: TimeSpan | None = None,
    after: Place | None = None,
) -> list[WaitingRecord]:
    """Who waits for a resource, first come first, from the place after one on; with a span only those who could use
    some of it."""
    t = WaitingEntry
    statement = select(t).where(
        t.institution_id == resource.institution_id,
        t.resource_id == resource.id,
        t.state == WaitingState.WAITING.value,
        t.kind == kind.value,
    )
    if span is not None:
        statement = statement.where(t.earliest < span.end, t.latest > span.start)
    if after is not None:
        moment, last = after
        statement = statement.where((t.created_at > moment) | ((t.created_at == moment) & (t.id > last)))
    rows = session.scalars(_fresh(statement.order_by(t.created_at, t.id).limit(limit)))
    return [_record(row) for row in rows]


def open_of(session: Session, resource: HostKey, person_id: UUID) -> list[WaitingRecord]:
    """For what one person waits at a resource, what is offered included."""
    t = WaitingEntry
    rows = session.scalars(
        _fresh(
            select(t).where(
                t.institution_id == resource.institution_id,
                t.resource_id == resource.id,
                t.state.in_(OPEN),
                t.person_id == person_id,
            )
        )
    )
    return [_record(row) for row in rows]


def of_customers(
    session: Session,
    customer_ids: Collection[UUID],
    limit: int,
    after: Sequence[Any] | None = None,
    *where: ColumnElement[bool],
) -> list[WaitingRecord]:
    statement = select(WaitingEntry).where(WaitingEntry.customer_id.in_(customer_ids), *where)
    rows = session.scalars(store.newest(statement, WaitingEntry.created_at, WaitingEntry.id, after, limit))
    return [_record(row) for row in rows]


def is_offered(now: datetime) -> ColumnElement[bool]:
    """Something is kept for this entry, and still for a while."""
    return (WaitingEntry.state == WaitingState.OFFERED.value) & (WaitingEntry.offered_until > now)


def is_waiting() -> ColumnElement[bool]:
    return WaitingEntry.state == WaitingState.WAITING.value


def of_host(
    session: Session,
    institution_id: UUID,
    resource_ids: Collection[UUID] | None,
    limit: int,
    after: Sequence[Any] | None = None,
) -> list[WaitingRecord]:
    """Who waits at a host, first come first, from the place after a row: its moment and id."""
    statement = select(WaitingEntry).where(
        WaitingEntry.institution_id == institution_id, WaitingEntry.state.in_(OPEN)
    )
    if resource_ids is not None:
        statement = statement.where(WaitingEntry.resource_id.in_(resource_ids))
    if after is not None:
        moment, last = after
        statement = statement.where(
            (WaitingEntry.created_at > moment)
            | ((WaitingEntry.created_at == moment) & (WaitingEntry.id > last))
        )
    rows = session.scalars(statement.order_by(WaitingEntry.created_at, WaitingEntry.id).limit(limit))
    return [_record(row) for row in rows]


def waited_for(
    session: Session, institution_id: UUID, resource_ids: Collection[UUID] | None
) -> list[HostKey]:
    """The resources of a host for which somebody waits."""
    statement = select(WaitingEntry.resource_id).where(
        WaitingEntry.institution_id == institution_id, WaitingEntry.state.in_(OPEN)
    )
    if resource_ids is not None:
        statement = statement.where(WaitingEntry.resource_id.in_(resource_ids))
    return [HostKey(institution_id, found) for found in session.scalars(statement.distinct())]


def ahead_of(session: Session, keys: Collection[HostKey]) -> dict[HostKey, int]:
    """How many stand before each of some in the same line."""
    other = aliased(WaitingEntry)
    ahead = (
        select(func.count())
        .select_from(other)
        .where(
            other.institution_id == WaitingEntry.institution_id,
            other.resource_id == WaitingEntry.resource_id,
            other.kind == WaitingKind.QUEUE.value,
            other.state.in_(OPEN),
            (other.created_at < WaitingEntry.created_at)
            | ((other.created_at == WaitingEntry.created_at) & (other.id < WaitingEntry.id)),
            other.earliest < WaitingEntry.latest,
            other.latest > WaitingEntry.earliest,
        )
        .scalar_subquery()
    )
    rows = session.execute(
        select(WaitingEntry.institution_id, WaitingEntry.id, ahead).where(
            tuple_(WaitingEntry.institution_id, WaitingEntry.id).in_([tuple(key) for key in keys])
        )
    )
    return {HostKey(institution_id, entry_id): count for institution_id, entry_id, count in rows}


def lines(session: Session, after: HostKey | None, limit: int) -> list[HostKey]:
    """Resources for which somebody stands in line, in the order of their keys."""
    t = WaitingEntry
    statement = (
        select(t.institution_id, t.resource_id)
        .where(t.state == WaitingState.WAITING.value, t.kind == WaitingKind.QUEUE.value)
        .distinct()
        .order_by(t.institution_id, t.resource_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(
            (t.institution_id > after.institution_id)
            | ((t.institution_id == after.institution_id) & (t.resource_id > after.id))
        )
    return [HostKey(*row) for row in session.execute(statement)]


def past(session: Session, now: datetime, limit: int) -> list[WaitingRecord]:
    """Whose wished time has passed."""
    rows = session.scalars(
        select(WaitingEntry)
        .where(WaitingEntry.state == WaitingState.WAITING.value, WaitingEntry.latest <= now)
        .order_by(WaitingEntry.institution_id, WaitingEntry.id)
        .limit(limit)
    )
    return [_record(row) for row in rows]
