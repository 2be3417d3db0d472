"""What a booking reads before it takes a slot: behind the lock of its resource, in one way to PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, func, literal_column, null, select
from sqlalchemy.orm import Session, aliased

from resource_hub.domain.availability.store import locked, unit_table
from resource_hub.domain.availability.tables import FreeWindow, Occupancy
from resource_hub.domain.availability.terms import Audience, Held, OccupancyKind
from resource_hub.infra.database import numbered
from resource_hub.infra.partitions import partition_of
from resource_hub.infra.stamps import Stamp
from resource_hub.infra.together import connection_of, say
from resource_hub.infra.types import Id, Instant
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

Windows = dict[UUID, dict[Audience, list[TimeSpan]]]


@dataclass(frozen=True, slots=True)
class Around:
    """What holds the units of a resource in a span, lapsed holds among it, and the kept free windows that meet or touch
    the span. Good behind the lock of the resource until something of it is changed."""

    span: TimeSpan
    held: tuple[Held, ...]
    kept: tuple[tuple[UUID, Audience, TimeSpan], ...]

    def holding(self, span: TimeSpan) -> list[Held]:
        return [one for one in self.held if one.span.overlaps(span)]

    def windows(self, span: TimeSpan) -> Windows:
        found: Windows = defaultdict(lambda: {audience: [] for audience in Audience})
        for unit_id, audience, window in self.kept:
            if window.start <= span.end and window.end >= span.start:
                found[unit_id][audience].append(window)
        return found


@dataclass(frozen=True, slots=True)
class BehindLock:
    """What was read on the way to the lock of a resource; None is still to be asked for."""

    stamps: Mapping[UUID, Stamp] | None = None
    around: Around | None = None


def lock_with_helpers(
    session: Session, key: HostKey, subjects: Collection[UUID], span: TimeSpan | None
) -> BehindLock:
    """Lock a resource and all that may be booked with it; behind the lock read the stamps of these subjects, and what
    is around the span. On SQLite the writer's lock of the unit is there already, and nothing is read ahead."""
    if session.get_bind().dialect.name != "postgresql":
        return BehindLock()
    rows = _behind_lock(session, key, subjects, span)
    locked(session, [HostKey(key.institution_id, row[1]) for row in rows if row[0] == "locked"])
    drawn: dict[UUID, list[Any]] = {one: [] for one in subjects}
    for row in rows:
        if row[0] == "stamp":
            drawn[row[1]].append(row[5])
    return BehindLock(
        {one: tuple(stamps) for one, stamps in drawn.items()}, _read(key, span, rows) if span else None
    )


def around(session: Session, key: HostKey, span: TimeSpan) -> Around:
    """What is around a span, in one statement; the resource is locked."""
    if session.get_bind().dialect.name == "postgresql":
        return _read(key, span, _behind_lock(session, key, (), span))
    say(session)
    values = {"host": key.institution_id, "resource": key.id, "start": span.start, "end": span.end}
    found = connection_of(session).execute(_around(), values)
    return _read(key, span, [("held" if row[6] is not None else "window", *row) for row in found])


def _read(key: HostKey, span: TimeSpan, rows: Collection[Any]) -> Around:
    held = [
        Held(
            unit_id, _span(starts, ends), OccupancyKind(kind), holder, _utc(expires), key.id, setup, teardown
        )
        for what, unit_id, starts, ends, kind, holder, expires, setup, teardown in rows
        if what == "held" and starts is not None  # outer joins name units that have nothing
    ]
    kept = [
        (unit_id, Audience(audience), _span(starts, ends))
        for what, unit_id, starts, ends, audience, *_ in rows
        if what == "window" and starts is not None
    ]
    return Around(span, tuple(held), tuple(kept))


def _span(start: datetime, end: datetime) -> TimeSpan:
    return TimeSpan(start.astimezone(UTC), end.astimezone(UTC))


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment is not None else None


def _behind_lock(
    session: Session, key: HostKey, subjects: Collection[UUID], span: TimeSpan | None
) -> Collection[Any]:
    """The rows of the function that ``migrations/guards.py`` makes for each partition."""
    say(session)
    connection = connection_of(session)
    number = partition_of(connection, key.institution_id)
    named = "{" + ",".join(map(str, subjects)) + "}"
    start, end = (span.start, span.end) if span else (None, None)
    return numbered(
        connection,
        f"SELECT * FROM slot_behind_lock_p{number}($1, $2, $3::uuid[], $4::timestamptz, $5::timestamptz)",  # noqa: S608
        (key.institution_id, key.id, named, start, end),
    )


@cache
def _around() -> Select[Any]:
    """The same for SQLite. Outer joins, so that it begins with the units: with the others it would go through all that
    a host ever had. Of what starts before the span only the last can reach into it."""
    t, before, w = Occupancy, aliased(Occupancy), FreeWindow
    host, resource = bindparam("host", type_=Id), bindparam("resource", type_=Id)
    start, end = bindparam("start", type_=Instant), bindparam("end", type_=Instant)
    last = (
        select(func.max(before.starts_at))
        .where(
            before.institution_id == unit_table.c.institution_id,
            before.unit_id == unit_table.c.id,
            before.starts_at < start,
        )
        .correlate(unit_table)
        .scalar_subquery()
    )
    held = (
        select(
            t.unit_id, t.starts_at, t.ends_at, t.kind, t.holder_id, t.expires_at, t.setup_seconds, t.teardown_seconds
        )
        .select_from(unit_table)
        .outerjoin(
            t,
            and_(
                t.institution_id == unit_table.c.institution_id,
                t.unit_id == unit_table.c.id,
                t.starts_at >= func.coalesce(last, start),
                t.starts_at < end,
                t.ends_at > start,
            ),
        )
        .where(unit_table.c.institution_id == host, unit_table.c.resource_id == resource)
    )  # fmt: skip
    audiences: list[Any] = [literal_column(f"'{audience.value}'") for audience in Audience]
    kept = (
        select(w.unit_id, w.starts_at, w.ends_at, w.audience, null(), null(), null(), null())
        .select_from(unit_table)
        .outerjoin(
            w,
            and_(
                w.institution_id == unit_table.c.institution_id,
                w.unit_id == unit_table.c.id,
                w.audience.in_(audiences),
                w.starts_at <= end,
                w.ends_at >= start,
            ),
        )
        .where(unit_table.c.institution_id == host, unit_table.c.resource_id == resource)
    )
    both = held.union_all(kept).subquery()
    return select(both).order_by(both.c.starts_at)
