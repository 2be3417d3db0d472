"""Queries of tariffs; rows → records. Never commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from resource_hub.domain.pricing.tables import Tariff
from resource_hub.domain.pricing.terms import TariffRecord, TariffState
from resource_hub.kernel.keys import HostKey


def record(row: Tariff) -> TariffRecord:
    return TariffRecord(
        key=HostKey(row.institution_id, row.id),
        resource_id=row.resource_id,
        number=row.number,
        state=TariffState(row.state),
        since=row.since,
        until=row.until,
        document=row.document,
        currency=row.currency,
        basis=row.basis,
        note=row.note,
        submitted_by=row.submitted_by,
        submitted_at=row.submitted_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_note=row.decision_note,
        version=row.version,
    )


def row_of(session: Session, key: HostKey, *, lock: bool = False) -> Tariff | None:
    statement = select(Tariff).where(Tariff.institution_id == key.institution_id, Tariff.id == key.id)
    return session.scalar(statement.with_for_update() if lock else statement)


def in_force(session: Session, resource: HostKey, on: date) -> Tariff | None:
    """The approved tariff with the latest first day not after ``on``."""
    return session.scalar(
        select(Tariff)
        .where(
            Tariff.institution_id == resource.institution_id,
            Tariff.resource_id == resource.id,
            Tariff.state == TariffState.APPROVED,
            Tariff.since <= on,
        )
        .order_by(Tariff.since.desc())
        .limit(1)
    )


def approved(session: Session, resource: HostKey) -> list[TariffRecord]:
    """All approved tariffs, the one with the latest first day first."""
    rows = session.scalars(
        select(Tariff)
        .where(
            Tariff.institution_id == resource.institution_id,
            Tariff.resource_id == resource.id,
            Tariff.state == TariffState.APPROVED,
        )
        .order_by(Tariff.since.desc())
    )
    return [record(row) for row in rows]


def approved_between(
    session: Session, keys: Sequence[HostKey], first: date, last: date
) -> dict[HostKey, list[Tariff]]:
    """Tariffs of many resources that are in force on some of these days, the newest first."""
    rows = session.scalars(
        select(Tariff)
        .where(
            tuple_(Tariff.institution_id, Tariff.resource_id).in_([tuple(key) for key in keys]),
            Tariff.state == TariffState.APPROVED,
            Tariff.since <= last,
            or_(Tariff.until.is_(None), Tariff.until > first),
        )
        .order_by(Tariff.since.desc())
    )
    found: dict[HostKey, list[Tariff]] = {}
    for row in rows:
        found.setdefault(HostKey(row.institution_id, row.resource_id), []).append(row)
    return found


def all_of(session: Session, resource: HostKey) -> list[Tariff]:
    """Every tariff of a resource, newest first."""
    return list(
        session.scalars(
            select(Tariff)
            .where(Tariff.institution_id == resource.institution_id, Tariff.resource_id == resource.id)
            .order_by(Tariff.number.desc())
        )
    )


def approved_neighbours(
    session: Session, resource: HostKey, since: date
) -> tuple[Tariff | None, Tariff | None]:
    """The approved tariffs that start before and after a day; one that starts on it raises in the database."""
    mine = (
        Tariff.institution_id == resource.institution_id,
        Tariff.resource_id == resource.id,
        Tariff.state == TariffState.APPROVED,
    )
    before = session.scalar(
        select(Tariff).where(*mine, Tariff.since < since).order_by(Tariff.since.desc()).limit(1)
    )
    after = session.scalar(select(Tariff).where(*mine, Tariff.since > since).order_by(Tariff.since).limit(1))
    return before, after


def starts_on(session: Session, resource: HostKey, since: date) -> Tariff | None:
    return session.scalar(
        select(Tariff).where(
            Tariff.institution_id == resource.institution_id,
            Tariff.resource_id == resource.id,
            Tariff.state == TariffState.APPROVED,
            Tariff.since == since,
        )
    )


def next_number(session: Session, resource: HostKey) -> int:
    last = session.scalar(
        select(func.max(Tariff.number)).where(
            Tariff.institution_id == resource.institution_id, Tariff.resource_id == resource.id
        )
    )
    return (last or 0) + 1


def waiting(
    session: Session,
    institution_id: UUID,
    limit: int | None = None,
    after: tuple[datetime, UUID] | None = None,
) -> list[Tariff]:
    place = tuple_(Tariff.submitted_at, Tariff.id)
    query = select(Tariff).where(Tariff.institution_id == institution_id, Tariff.state == TariffState.PENDING)
    if after is not None:
        query = query.where(place > tuple_(*map(literal, after, (c.type for c in place.clauses))))
    return list(session.scalars(query.order_by(*place.clauses).limit(limit)))


def waiting_count(session: Session, institution_id: UUID) -> int:
    query = select(func.count()).select_from(Tariff)
    query = query.where(Tariff.institution_id == institution_id, Tariff.state == TariffState.PENDING)
    return session.scalar(query) or 0


def without_tariff(session: Session, institution_id: UUID, resource_ids: Iterable[UUID]) -> set[UUID]:
    """Of these resources, those that never had an approved tariff."""
    wanted = set(resource_ids)
    have = session.scalars(
        select(Tariff.resource_id)
        .where(Tariff.institution_id == institution_id, Tariff.state == TariffState.APPROVED)
        .distinct()
    )
    return wanted - set(have)
