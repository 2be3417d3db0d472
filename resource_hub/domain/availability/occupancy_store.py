"""Queries of occupancies: who holds which unit; never commits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    and_,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from resource_hub.domain.availability.store import keys_in, unit_table
from resource_hub.domain.availability.tables import (
    Occupancy,
)
from resource_hub.domain.availability.terms import (
    Audience,
    Held,
    OccupancyKind,
)
from resource_hub.infra.ids import new_id
from resource_hub.infra.together import add_later
from resource_hub.infra.types import Instant
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan


def _held(row: Any) -> Held:
    return Held(
        row.unit_id, TimeSpan(row.starts_at, row.ends_at), OccupancyKind(row.kind), row.holder_id, row.expires_at,
        row.resource_id, row.setup_seconds, row.teardown_seconds,
    )  # fmt: skip


_AUDIENCES = [audience.value for audience in Audience]
_OCCUPANCY = (
    Occupancy.institution_id, Occupancy.resource_id, Occupancy.unit_id, Occupancy.starts_at, Occupancy.ends_at,
    Occupancy.kind, Occupancy.holder_id, Occupancy.expires_at, Occupancy.setup_seconds, Occupancy.teardown_seconds,
)  # fmt: skip


def occupancies(session: Session, keys: Sequence[HostKey], span: TimeSpan) -> dict[HostKey, list[Held]]:
    """What holds the units of these resources in a span, by time. Lapsed holds are among them: judge by the clock.

    Stored rows of a unit never overlap, so of those that start before the span only the last can reach into it: years
    of past bookings cost nothing.
    """
    t, before = Occupancy, aliased(Occupancy)
    last = (
        select(func.max(before.starts_at))
        .where(
            before.institution_id == unit_table.c.institution_id,
            before.unit_id == unit_table.c.id,
            before.starts_at < span.start,
        )
        .correlate(unit_table)
        .scalar_subquery()
    )
    rows = session.execute(
        select(*_OCCUPANCY)
        .select_from(unit_table)
        .join(
            t,
            and_(
                t.institution_id == unit_table.c.institution_id,
                t.unit_id == unit_table.c.id,
                t.starts_at >= func.coalesce(last, literal(span.start, Instant)),
                t.starts_at < span.end,
                t.ends_at > span.start,
            ),
        )
        .where(keys_in(unit_table.c.institution_id, unit_table.c.resource_id, keys))
        .order_by(t.starts_at)
    )
    found: dict[HostKey, list[Held]] = defaultdict(list)
    for row in rows:
        found[HostKey(row.institution_id, row.resource_id)].append(_held(row))
    return found


def of_holder(session: Session, institution_id: UUID, holder_id: UUID) -> list[Held]:
    t = Occupancy
    rows = session.execute(
        select(*_OCCUPANCY)
        .where(t.institution_id == institution_id, t.holder_id == holder_id)
        .order_by(t.starts_at)
    )
    return [_held(row) for row in rows]


def drop_lapsed(
    session: Session, key: HostKey, units: Collection[UUID], span: TimeSpan, now: datetime
) -> list[Held]:
    """Delete what is in the way and has expired; returns it."""
    t = Occupancy
    where = (
        t.institution_id == key.institution_id,
        t.unit_id.in_(units),
        t.starts_at < span.end,
        t.ends_at > span.start,
        t.expires_at <= now,
    )
    rows = [_held(row) for row in session.execute(select(*_OCCUPANCY).where(*where))]
    if rows:
        session.execute(delete(t).where(*where))
    return rows


def insert_occupancy(
    session: Session,
    key: HostKey,
    unit_id: UUID,
    span: TimeSpan,
    kind: OccupancyKind,
    holder_id: UUID,
    expires_at: datetime | None,
    setup_seconds: int,
    teardown_seconds: int,
) -> None:
    row = {
        "institution_id": key.institution_id,
        "id": new_id(),
        "resource_id": key.id,
        "unit_id": unit_id,
        "starts_at": span.start,
        "ends_at": span.end,
        "kind": kind.value,
        "holder_id": holder_id,
        "expires_at": expires_at,
        "setup_seconds": setup_seconds,
        "teardown_seconds": teardown_seconds,
    }
    add_later(session, Occupancy, [row])


def delete_of_holder(session: Session, institution_id: UUID, holder_id: UUID) -> None:
    t = Occupancy
    session.execute(delete(t).where(t.institution_id == institution_id, t.holder_id == holder_id))


def settle_hold(session: Session, institution_id: UUID, holder_id: UUID, kind: OccupancyKind) -> int:
    """Turn a hold into what it was held for; returns how many rows there were."""
    t = Occupancy
    result = session.execute(
        update(t)
        .where(t.institution_id == institution_id, t.holder_id == holder_id)
        .values(kind=kind.value, expires_at=None)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def hold_until(session: Session, institution_id: UUID, holder_id: UUID, expires_at: datetime | None) -> None:
    """Change when a hold lapses by itself."""
    t = Occupancy
    session.execute(
        update(t)
        .where(t.institution_id == institution_id, t.holder_id == holder_id)
        .values(expires_at=expires_at)
    )


def shorten(session: Session, institution_id: UUID, holder_id: UUID, end: datetime) -> None:
    t = Occupancy
    session.execute(
        update(t)
        .where(
            t.institution_id == institution_id, t.holder_id == holder_id, t.ends_at > end, t.starts_at < end
        )
        .values(ends_at=end)
    )


def resources_with_lapsed_holds(session: Session, keys: Sequence[HostKey], now: datetime) -> set[HostKey]:
    t = Occupancy
    rows = session.execute(select(t.institution_id, t.resource_id).where(t.expires_at <= now).distinct())
    wanted = set(keys)
    return {HostKey(*row) for row in rows} & wanted


def future_bookings(session: Session, key: HostKey, since: datetime) -> list[Held]:
    """Bookings and holds of a resource that end after a moment, by time."""
    t = Occupancy
    rows = session.execute(
        select(*_OCCUPANCY)
        .where(
            t.institution_id == key.institution_id,
            t.resource_id == key.id,
            t.ends_at > since,
            t.kind.in_([OccupancyKind.BOOKING.value, OccupancyKind.HOLD.value]),
        )
        .order_by(t.starts_at)
    )
    return [_held(row) for row in rows]


def clear_of(session: Session, institution_id: UUID, holders: Collection[UUID]) -> None:
    t = Occupancy
    if holders:
        session.execute(delete(t).where(t.institution_id == institution_id, t.holder_id.in_(holders)))
