"""Queries of calendars read as busy time: their rows, the pieces that they hold, their clashes; never commits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, literal, select, tuple_, update
from sqlalchemy.orm import Session

from resource_hub.domain.availability.tables import CalendarClash, CalendarSource, Occupancy
from resource_hub.domain.availability.terms import CalendarRecord, Clash, Held, OccupancyKind
from resource_hub.infra.ids import new_id
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, subtract


def as_record(row: CalendarSource) -> CalendarRecord:
    return CalendarRecord(
        key=HostKey(row.institution_id, row.id),
        resource_id=row.resource_id,
        unit_id=row.unit_id,
        name=row.name,
        url=row.url,
        file_id=row.file_id,
        zone=row.zone,
        zones=dict(row.zones),
        etag=row.etag,
        last_modified=row.last_modified,
        body_sha256=row.body_sha256,
        tried_at=row.tried_at,
        read_at=row.read_at,
        reach_at=row.reach_at,
        due_at=row.due_at,
        failures=row.failures,
        events=row.events,
        stretches=row.stretches,
        faults=tuple(Reason.from_json(one) for one in row.faults),
        created_at=row.created_at,
    )


def record(session: Session, key: HostKey) -> CalendarRecord | None:
    row = session.get(CalendarSource, tuple(key), populate_existing=True)
    return as_record(row) if row is not None else None


def of_resource(session: Session, key: HostKey) -> list[CalendarRecord]:
    t = CalendarSource
    rows = session.scalars(
        select(t)
        .where(t.institution_id == key.institution_id, t.resource_id == key.id)
        .order_by(t.created_at, t.id)
        .execution_options(populate_existing=True)
    )
    return [as_record(row) for row in rows]


def first_due(session: Session, now: datetime) -> CalendarSource | None:
    t = CalendarSource
    return session.scalars(
        select(t).where(t.due_at <= now).order_by(t.due_at).limit(1).with_for_update(skip_locked=True)
    ).first()


def make_due(session: Session, resource: HostKey, now: datetime) -> None:
    """Let every calendar of a resource be read again, changed or not."""
    t = CalendarSource
    session.execute(
        update(t)
        .where(t.institution_id == resource.institution_id, t.resource_id == resource.id)
        .values(due_at=now, body_sha256=None)
    )


# ---- pieces that are held --------------------------------------------------------------------------------------


def free(session: Session, source: HostKey, unit_id: UUID, starts: Sequence[datetime]) -> None:
    """Delete pieces of a calendar on a unit by their starts."""
    t = Occupancy
    if starts:
        session.execute(
            delete(t).where(
                t.institution_id == source.institution_id,
                t.holder_id == source.id,
                t.unit_id == unit_id,
                t.starts_at.in_(starts),
            )
        )


def hold(
    session: Session, source: HostKey, resource: HostKey, unit_id: UUID, pieces: Iterable[TimeSpan]
) -> None:
    """Hold pieces of a unit for a calendar."""
    hold_for(session, resource, unit_id, OccupancyKind.EXTERNAL, ((source.id, piece) for piece in pieces))


def _row(
    resource: HostKey, unit_id: UUID, kind: OccupancyKind, holder_id: UUID, piece: TimeSpan
) -> dict[str, Any]:
    return {
        "institution_id": resource.institution_id,
        "id": new_id(),
        "resource_id": resource.id,
        "unit_id": unit_id,
        "starts_at": piece.start,
        "ends_at": piece.end,
        "kind": kind.value,
        "holder_id": holder_id,
        "expires_at": None,
        "setup_seconds": 0,
        "teardown_seconds": 0,
    }


def hold_for(
    session: Session,
    resource: HostKey,
    unit_id: UUID,
    kind: OccupancyKind,
    pieces: Iterable[tuple[UUID, TimeSpan]],
) -> None:
    """Hold many pieces of a unit, each for its holder."""
    rows = [_row(resource, unit_id, kind, holder, piece) for holder, piece in pieces]
    if rows:
        session.execute(insert(Occupancy), rows)


def give_way(
    session: Session, resource: HostKey, unit_id: UUID, held: Iterable[Held], spans: Sequence[TimeSpan]
) -> None:
    """Cut spans out of what calendars hold of a unit: the laboratory's own work on it goes before its calendar."""
    for one in held:
        if one.kind is not OccupancyKind.EXTERNAL or not any(one.span.overlaps(span) for span in spans):
            continue
        source = HostKey(resource.institution_id, one.holder_id)
        free(session, source, unit_id, [one.span.start])
        hold(session, source, resource, unit_id, subtract([one.span], spans))


# ---- clashes ---------------------------------------------------------------------------------------------------


def _clash(row: CalendarClash) -> Clash:
    span = TimeSpan(row.starts_at, row.ends_at)
    return Clash(row.source_id, row.unit_id, span, row.holder_id, row.summary, row.seen_at)


def clashes(
    session: Session,
    institution_id: UUID,
    sources: Collection[UUID],
    *,
    since: datetime,
    limit: int | None = None,
    after: Sequence[Any] | None = None,
) -> list[Clash]:
    t = CalendarClash
    if not sources:
        return []
    place = tuple_(t.starts_at, t.source_id, t.unit_id, t.holder_id)
    statement = select(t).where(
        t.institution_id == institution_id, t.source_id.in_(sources), t.ends_at > since
    )
    if after is not None:
        statement = statement.where(place > tuple_(*map(literal, after, (c.type for c in place.clauses))))
    return [_clash(row) for row in session.scalars(statement.order_by(*place.clauses).limit(limit))]


def count_clashes(session: Session, institution_id: UUID, sources: Collection[UUID], since: datetime) -> int:
    t = CalendarClash
    found = select(func.count()).select_from(t)
    found = found.where(t.institution_id == institution_id, t.source_id.in_(sources), t.ends_at > since)
    return session.scalar(found) or 0


def open_clashes(session: Session, since: datetime, limit: int) -> dict[HostKey, list[Clash]]:
    """Clashes that have not passed, by calendar."""
    t = CalendarClash
    found: dict[HostKey, list[Clash]] = defaultdict(list)
    for row in session.scalars(select(t).where(t.ends_at > since).order_by(t.starts_at).limit(limit)):
        found[HostKey(row.institution_id, row.source_id)].append(_clash(row))
    return found


def replace_clashes(session: Session, source: HostKey, found: Sequence[Clash], now: datetime) -> None:
    """Write the difference between the clashes that are known and those that were found."""
    t = CalendarClash
    known = {
        (row.unit_id, row.holder_id, row.starts_at): row
        for row in session.scalars(
            select(t).where(t.institution_id == source.institution_id, t.source_id == source.id)
        )
    }
    wanted = {(c.unit_id, c.holder_id, c.span.start): c for c in found}
    for place, row in known.items():
        if place not in wanted:
            session.delete(row)
        else:
            row.ends_at, row.summary = wanted[place].span.end, wanted[place].summary
    session.flush()
    for place, clash in wanted.items():
        if place not in known:
            session.add(
                CalendarClash(
                    institution_id=source.institution_id,
                    id=new_id(),
                    source_id=source.id,
                    unit_id=clash.unit_id,
                    starts_at=clash.span.start,
                    ends_at=clash.span.end,
                    holder_id=clash.holder_id,
                    summary=clash.summary,
                    seen_at=now,
                )
            )
    session.flush()


def untold(session: Session, source: HostKey, holders: Collection[UUID], now: datetime) -> dict[UUID, UUID]:
    """Clash → holder of which nobody was told; from now on they count as told."""
    t = CalendarClash
    rows = session.scalars(
        select(t).where(
            t.institution_id == source.institution_id,
            t.source_id == source.id,
            t.told_at.is_(None),
            t.holder_id.in_(holders),
        )
    ).all()
    for row in rows:
        row.told_at = now
    return {row.id: row.holder_id for row in rows}


def drop_clash(session: Session, source: HostKey, clash: Clash) -> None:
    _delete(
        session, source, CalendarClash.unit_id == clash.unit_id, CalendarClash.holder_id == clash.holder_id,
        CalendarClash.starts_at == clash.span.start,
    )  # fmt: skip


def drop_clashes(session: Session, institution_id: UUID, source_id: UUID) -> None:
    _delete(session, HostKey(institution_id, source_id))


def _delete(session: Session, source: HostKey, *which: Any) -> None:
    t = CalendarClash
    session.execute(
        delete(t).where(t.institution_id == source.institution_id, t.source_id == source.id, *which)
    )
