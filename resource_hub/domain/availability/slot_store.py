"""What a booking reads before it takes a slot: behind the lock of its resource, in one way to the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from resource_hub.domain.availability.store import locked
from resource_hub.domain.availability.terms import Audience, Held, OccupancyKind
from resource_hub.infra.database import numbered
from resource_hub.infra.partitions import partition_of
from resource_hub.infra.stamps import Stamp
from resource_hub.infra.together import connection_of, say
from resource_hub.infra.types import id_of, instant_of, micros
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, instant

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
        found: Windows = defaultdict(lambda: {Audience.ALL: [], Audience.OUTSIDE: []})
        for unit_id, audience, window in self.kept:
            if window.start <= span.end and window.end >= span.start:
                found[unit_id][audience].append(window)
        return found


@dataclass(frozen=True, slots=True)
class BehindLock:
    """What was read behind the lock of a resource."""

    stamps: Mapping[UUID, Stamp]
    around: Around | None


def lock_with_helpers(
    session: Session, key: HostKey, subjects: Collection[UUID], span: TimeSpan | None
) -> BehindLock:
    """Lock a resource and all that may be booked with it; behind the lock read the stamps of these subjects, and what
    is around the span."""
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
    return _read(key, span, _behind_lock(session, key, (), span))


def _read(key: HostKey, span: TimeSpan, rows: Collection[Any]) -> Around:
    held = [
        Held(
            unit_id,
            TimeSpan(starts, ends),
            OccupancyKind(kind),
            holder,
            expires and instant(expires),
            key.id,
            setup,
            teardown,
        )
        for what, unit_id, starts, ends, kind, holder, expires, setup, teardown in rows
        if what == "held"
    ]
    kept = [
        (unit_id, Audience(audience), TimeSpan(starts, ends))
        for what, unit_id, starts, ends, audience, *_ in rows
        if what == "window"
    ]
    return Around(span, tuple(held), tuple(kept))


def _behind_lock(
    session: Session, key: HostKey, subjects: Collection[UUID], span: TimeSpan | None
) -> Collection[Any]:
    """The rows of the function that ``migrations/guards.py`` makes for each partition of PostgreSQL, or of the same
    asked of SQLite, where the writer's lock of the unit is there already."""
    say(session)
    connection = connection_of(session)
    number = partition_of(connection, key.institution_id)
    if number is None:
        return _of_sqlite(connection, key, subjects, span)
    named = "{" + ",".join(map(str, subjects)) + "}"
    start, end = (span.start, span.end) if span else (None, None)
    return numbered(
        connection,
        f"SELECT * FROM slot_behind_lock_p{number}($1, $2, $3::uuid[], $4::timestamptz, $5::timestamptz)",  # noqa: S608
        (key.institution_id, key.id, named, start, end),
    )


def _of_sqlite(
    connection: Connection, key: HostKey, subjects: Collection[UUID], span: TimeSpan | None
) -> Collection[Any]:
    known = {one.bytes: one for one in subjects}
    start, end = (micros(span.start), micros(span.end)) if span else (None, None)
    rows = numbered(
        connection,
        _sqlite_text(len(known)),
        (key.institution_id.bytes, key.id.bytes, start, end, *known),
    )
    return [
        (what, known[one], None, None, None, other, None, None, None)
        if what == "stamp"
        else (
            what, id_of(one), instant_of(starts), instant_of(ends), kind, id_of(other) if other else None,
            instant_of(expires) if expires is not None else None, setup, teardown,
        )
        for what, one, starts, ends, kind, other, expires, setup, teardown in rows
    ]  # fmt: skip


@cache
def _sqlite_text(subjects: int) -> str:
    """The statement for so many subjects. CROSS JOIN makes SQLite begin with the units: else it would go through all
    that a host ever had. Without a span nothing is before or after anything."""
    marks = ", ".join(f"?{n + 5}" for n in range(subjects))
    audiences = " UNION ALL ".join(f"SELECT '{audience.value}' AS audience" for audience in Audience)
    # Only marks and our own words are put in.
    return (
        "SELECT 'stamp', subject_id, NULL, NULL, NULL, stamp, NULL, NULL, NULL FROM change_stamp"  # noqa: S608
        f" WHERE subject_id IN ({marks})"
        " UNION ALL SELECT 'held', t.unit_id, t.starts_at, t.ends_at, t.kind, t.holder_id, t.expires_at,"
        " t.setup_seconds, t.teardown_seconds FROM unit u CROSS JOIN occupancy t"
        " WHERE u.institution_id = ?1 AND u.resource_id = ?2 AND t.institution_id = ?1 AND t.unit_id = u.id"
        " AND t.starts_at >= coalesce((SELECT max(b.starts_at) FROM occupancy b WHERE b.institution_id = ?1"
        " AND b.unit_id = u.id AND b.starts_at < ?3), ?3) AND t.starts_at < ?4 AND t.ends_at > ?3"
        " UNION ALL SELECT 'window', w.unit_id, w.starts_at, w.ends_at, w.audience, NULL, NULL, NULL, NULL"
        f" FROM unit u CROSS JOIN ({audiences}) a CROSS JOIN free_window w"
        " WHERE u.institution_id = ?1 AND u.resource_id = ?2 AND w.institution_id = ?1 AND w.unit_id = u.id"
        " AND w.audience = a.audience AND w.starts_at >= coalesce((SELECT max(b.starts_at) FROM free_window b"
        " WHERE b.institution_id = ?1 AND b.unit_id = u.id AND b.audience = a.audience AND b.starts_at < ?3), ?3)"
        " AND w.starts_at <= ?4 AND w.ends_at >= ?3"
    )
