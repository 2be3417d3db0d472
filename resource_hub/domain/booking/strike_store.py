"""Strikes as stored, and whether they bar somebody; never commits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking import store
from resource_hub.domain.booking.bar_tables import BarLift
from resource_hub.domain.booking.errors import NoSuchStrike
from resource_hub.domain.booking.rules.strikes import Bar, bar_reason, barred
from resource_hub.domain.booking.tables import Booking, Strike
from resource_hub.domain.booking.terms import (
    BookingRecord,
    BookingState,
    StrikeKind,
    StrikeRecord,
    StrikeState,
)
from resource_hub.infra import database
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import zone

# So many no-shows before one are counted; no fee has more steps.
MOST_MISSED = 20


def reasons_against(
    person_id: UUID, resource: HostKey, rules: HouseDocument, now: datetime
) -> tuple[Reason, ...]:
    """The bar that a person's strikes bring, if one holds now."""
    found = bar_on(database.reading(), person_id, resource, rules, now)
    if found is None:
        return ()
    bar, strikes = found
    return (bar_reason(bar, strikes, availability.zone_of(resource.institution_id)),)


def bar_on(
    session: Session, person_id: UUID, resource: HostKey, rules: HouseDocument, now: datetime
) -> tuple[Bar, int] | None:
    """The bar of a person that holds now, with how many strikes count. Whether it was lifted is asked only then."""
    if not rules.bars:
        return None
    where = [Strike.person_id == person_id, Strike.institution_id == resource.institution_id]
    if not rules.strike_everywhere:
        where.append(Strike.resource_id == resource.id)
    found = [record_of(row) for row in session.scalars(select(Strike).where(*where))]
    tz = zone(availability.zone_of(resource.institution_id))
    bar = barred(found, rules.bars, tz, now, points=rules.points)
    if bar is not None:
        lifted_at = lifts(session, [person_id]).get((resource, person_id))
        bar = barred(found, rules.bars, tz, now, lifted_at, rules.points) if lifted_at else bar
    return (bar, sum(strike.counts(now) for strike in found)) if bar is not None else None


def lifts(session: Session, people: Collection[UUID]) -> dict[tuple[HostKey, UUID], datetime]:
    """When bars of these people were last lifted, by resource and person."""
    t = BarLift
    rows = session.execute(
        select(t.institution_id, t.resource_id, t.person_id, func.max(t.lifted_at))
        .where(t.person_id.in_(people))
        .group_by(t.institution_id, t.resource_id, t.person_id)
    )
    return {(HostKey(host, resource), person): lifted_at for host, resource, person, lifted_at in rows}


def lock_of_person(session: Session, institution_id: UUID, person_id: UUID) -> None:
    """Whoever lifts a bar of the person waits for who lifts it now."""
    session.execute(
        select(Strike.id)
        .where(Strike.institution_id == institution_id, Strike.person_id == person_id)
        .order_by(Strike.id)
        .with_for_update(key_share=True)
    )


def listed(
    session: Session, statement: Any, limit: int = 200, after: Sequence[Any] | None = None
) -> list[StrikeRecord]:
    """The newest first."""
    rows = session.scalars(store.newest(statement, Strike.given_at, Strike.id, after, limit))
    return [record_of(row) for row in rows]


def since(session: Session, institution_id: UUID, moment: datetime) -> list[StrikeRecord]:
    """Strikes of a host that were given since then."""
    where = (Strike.institution_id == institution_id, Strike.given_at >= moment)
    return [record_of(row) for row in session.scalars(select(Strike).where(*where))]


def missed_before(session: Session, record: BookingRecord) -> list[datetime]:
    """When the no-shows began that the person of a booking had on its resource for the same customer before, the
    newest first; those whose strike was lifted are none."""
    excused = exists().where(
        Strike.institution_id == Booking.institution_id,
        Strike.booking_id == Booking.id,
        Strike.kind == StrikeKind.NO_SHOW.value,
        Strike.state == StrikeState.LIFTED.value,
    )
    statement = (
        select(Booking.starts_at)
        .where(
            Booking.institution_id == record.institution_id,
            Booking.resource_id == record.resource_id,
            Booking.person_id == record.person_id,
            Booking.customer_id == record.customer_id,
            Booking.state == BookingState.NO_SHOW.value,
            Booking.starts_at < record.starts_at,
            ~excused,
        )
        .order_by(Booking.starts_at.desc())
        .limit(MOST_MISSED)
    )
    return [moment for moment in session.scalars(statement) if moment is not None]


def lifted(session: Session, resource: HostKey, kind: StrikeKind) -> frozenset[UUID | None]:
    """Bookings of a resource whose strike of this kind was lifted."""
    statement = select(Strike.booking_id).where(
        Strike.institution_id == resource.institution_id,
        Strike.resource_id == resource.id,
        Strike.kind == kind.value,
        Strike.state == StrikeState.LIFTED.value,
    )
    return frozenset(session.scalars(statement))


def known(session: Session, key: HostKey) -> StrikeRecord:
    row = session.scalars(
        select(Strike)
        .where(Strike.institution_id == key.institution_id, Strike.id == key.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NoSuchStrike()
    return record_of(row)


def of_booking(session: Session, key: HostKey, kind: StrikeKind) -> Strike | None:
    return session.scalars(
        select(Strike).where(
            Strike.institution_id == key.institution_id,
            Strike.booking_id == key.id,
            Strike.kind == kind.value,
        )
    ).one_or_none()


def record_of(row: Strike) -> StrikeRecord:
    return StrikeRecord(
        key=HostKey(row.institution_id, row.id),
        resource_id=row.resource_id,
        booking_id=row.booking_id,
        customer_id=row.customer_id,
        person_id=row.person_id,
        kind=StrikeKind(row.kind),
        state=StrikeState(row.state),
        given_at=row.given_at,
        given_by=row.given_by,
        expires_at=row.expires_at,
        note=row.note,
        appealed_at=row.appealed_at,
        appeal=row.appeal,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decision=row.decision,
        version=row.version,
    )
