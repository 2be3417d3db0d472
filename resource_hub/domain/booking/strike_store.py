"""Strikes as stored, and whether they bar somebody; never commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking import store
from resource_hub.domain.booking.errors import NoSuchStrike
from resource_hub.domain.booking.rules.strikes import barred_by, barred_until
from resource_hub.domain.booking.tables import Strike
from resource_hub.domain.booking.terms import StrikeKind, StrikeRecord, StrikeState
from resource_hub.infra import database
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey


def reasons_against(
    person_id: UUID, resource: HostKey, rules: HouseDocument, now: datetime
) -> tuple[Reason, ...]:
    """The bar that a person's strikes bring, if one holds now."""
    if not rules.strike_limit and not rules.bars:
        return ()
    where = [Strike.person_id == person_id, Strike.institution_id == resource.institution_id]
    if not rules.strike_everywhere:
        where.append(Strike.resource_id == resource.id)
    found = [record_of(row) for row in database.reading().scalars(select(Strike).where(*where))]
    ends = [barred_until(found, rules.strike_limit, rules.bar_days)]
    ends += [barred_by(found, rule) for rule in rules.bars]
    until = max((end for end in ends if end is not None), default=now)
    if until <= now:
        return ()
    zone = availability.zone_of(resource.institution_id)
    counted = sum(strike.counts(now) for strike in found)
    return (Reason("booking.barred", {"until": until.isoformat(), "strikes": counted, "zone": zone}),)


def listed(
    session: Session, statement: Any, limit: int = 200, after: Sequence[Any] | None = None
) -> list[StrikeRecord]:
    """The newest first."""
    rows = session.scalars(store.newest(statement, Strike.given_at, Strike.id, after, limit))
    return [record_of(row) for row in rows]


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
