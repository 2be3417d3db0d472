"""Booked against used, by instrument: what was reserved, what was used, what was never used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, func, or_, select, type_coerce
from sqlalchemy.sql.elements import ColumnElement

from resource_hub.domain.catalogue.tables import Resource
from resource_hub.domain.usage.tables import UsageSession
from resource_hub.infra.database import dialect_name, reading

_SETTLED = ("sealed", "no_show", "ended")


@dataclass(frozen=True, slots=True)
class BookedActual:
    """Units: whole seconds and sessions, by the day on which the session ended."""

    resource_id: UUID
    code: str
    name_zh: str
    name_en: str
    sessions: int
    booked_seconds: int
    used_seconds: int
    effective_seconds: int
    overrun_seconds: int
    no_shows: int
    unbooked: int


def _seconds(start: Any, end: Any) -> ColumnElement[int]:
    if dialect_name() == "postgresql":
        return func.coalesce(func.extract("epoch", end) - func.extract("epoch", start), 0)
    # Instants are microseconds here.
    return func.coalesce((type_coerce(end, BigInteger) - type_coerce(start, BigInteger)) // 1_000_000, 0)


def by_resource(institution_id: UUID, since: date, until: date) -> list[BookedActual]:
    """One row an instrument with sessions in ``[since, until)``, by code. Sessions still open are left out."""
    booked = _seconds(UsageSession.booked_starts_at, UsageSession.booked_ends_at)
    used = _seconds(UsageSession.starts_at, UsageSession.ends_at)
    effective = UsageSession.setup_seconds + UsageSession.measuring_seconds + UsageSession.post_seconds
    has_booking = UsageSession.booking_id.is_not(None)
    # A no-show is sealed like everything else; what remains of it is a booking without any recorded start.
    never_used = or_(
        UsageSession.state == "no_show",
        and_(UsageSession.state == "sealed", has_booking, UsageSession.starts_at.is_(None)),
    )
    query = (
        select(
            Resource.id,
            Resource.code,
            Resource.name_zh,
            Resource.name_en,
            func.count(),
            func.sum(case((has_booking, booked), else_=0)),
            func.sum(used),
            func.sum(effective),
            func.sum(case((and_(has_booking, used > booked), used - booked), else_=0)),
            func.sum(case((never_used, 1), else_=0)),
            func.sum(case((has_booking, 0), else_=1)),
        )
        .join(
            Resource,
            and_(
                Resource.institution_id == UsageSession.institution_id,
                Resource.id == UsageSession.resource_id,
            ),
        )
        .where(
            UsageSession.institution_id == institution_id,
            UsageSession.day >= since,
            UsageSession.day < until,
            UsageSession.state.in_(_SETTLED),
        )
        .group_by(Resource.id, Resource.code, Resource.name_zh, Resource.name_en)
        .order_by(Resource.code)
    )
    return [
        BookedActual(row[0], row[1], row[2], row[3], *(int(value or 0) for value in row[4:]))
        for row in reading().execute(query)
    ]
