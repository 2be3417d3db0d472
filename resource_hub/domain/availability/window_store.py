"""Queries of kept free windows and how far they reach; never commits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Interval,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from resource_hub.domain.availability.store import keys_in
from resource_hub.domain.availability.tables import (
    FreeWindow,
    FreeWindowReach,
)
from resource_hub.domain.availability.terms import (
    Audience,
)
from resource_hub.infra.together import add_later, amend_later, delete_later
from resource_hub.infra.types import Instant
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

_AUDIENCES = [audience.value for audience in Audience]
_NAMES = [(audience, audience.value) for audience in Audience]


def reach(session: Session, keys: Sequence[HostKey]) -> dict[HostKey, TimeSpan]:
    t = FreeWindowReach
    rows = session.execute(
        select(t.institution_id, t.resource_id, t.starts_at, t.ends_at).where(
            keys_in(t.institution_id, t.resource_id, keys)
        )
    )
    return {HostKey(r.institution_id, r.resource_id): TimeSpan(r.starts_at, r.ends_at) for r in rows}


def kept_resources(session: Session, institution_id: UUID | None = None) -> list[HostKey]:
    """Resources, of one host or of all, for which free windows are kept: those whose hours are published."""
    t = FreeWindowReach
    query = select(t.institution_id, t.resource_id).order_by(t.institution_id, t.resource_id)
    if institution_id is not None:
        query = query.where(t.institution_id == institution_id)
    return [HostKey(*row) for row in session.execute(query)]


def set_reach(session: Session, key: HostKey, span: TimeSpan | None) -> None:
    t = FreeWindowReach
    session.execute(delete(t).where(t.institution_id == key.institution_id, t.resource_id == key.id))
    if span is not None:
        session.execute(
            insert(t).values(
                institution_id=key.institution_id, resource_id=key.id, starts_at=span.start, ends_at=span.end
            )
        )


def old_reaches(session: Session, before: datetime, limit: int) -> list[HostKey]:
    """Resources whose windows were last made anew for a time that begins before a moment, the oldest first."""
    t = FreeWindowReach
    rows = session.execute(
        select(t.institution_id, t.resource_id).where(t.starts_at < before).order_by(t.starts_at).limit(limit)
    )
    return [HostKey(*row) for row in rows]


def windows_touching(
    session: Session, institution_id: UUID, unit_id: UUID, start: datetime, end: datetime
) -> dict[Audience, list[TimeSpan]]:
    """Kept windows of a unit that meet or touch a stretch, of each audience."""
    t = FreeWindow
    rows = session.execute(
        select(t.audience, t.starts_at, t.ends_at)
        .where(
            t.institution_id == institution_id,
            t.unit_id == unit_id,
            t.audience.in_(_AUDIENCES),
            t.starts_at <= end,
            t.ends_at >= start,
        )
        .order_by(t.starts_at)
    )
    found: dict[Audience, list[TimeSpan]] = {audience: [] for audience in Audience}
    for audience, starts_at, ends_at in rows:
        found[Audience(audience)].append(TimeSpan(starts_at, ends_at))
    return found


def replace_windows(
    session: Session,
    key: HostKey,
    unit_id: UUID,
    old: Mapping[Audience, Sequence[TimeSpan]],
    new: Mapping[Audience, Sequence[TimeSpan]],
) -> None:
    """Write the difference between two sets of windows of a unit."""
    before = {(name, span.start): span.end for a, name in _NAMES for span in old[a]}
    after = {(name, span.start): span.end for a, name in _NAMES for span in new[a]}

    def named(audience: str, start: datetime) -> dict[str, Any]:
        return {
            "institution_id": key.institution_id, "unit_id": unit_id, "audience": audience, "starts_at": start
        }  # fmt: skip

    delete_later(session, FreeWindow, [named(*one) for one in before if one not in after])
    longer = {one: end for one, end in after.items() if one in before and before[one] != end}
    amend_later(
        session, FreeWindow, [named(*one) for one in longer], [{"ends_at": e} for e in longer.values()]
    )
    added = {one: end for one, end in after.items() if one not in before}
    if added:
        rows = [{**named(*one), "ends_at": end, "resource_id": key.id} for one, end in added.items()]
        add_later(session, FreeWindow, rows)


def drop_windows(session: Session, key: HostKey) -> None:
    t = FreeWindow
    session.execute(delete(t).where(t.institution_id == key.institution_id, t.resource_id == key.id))


def windows_of(
    session: Session, keys: Sequence[HostKey], audience: Audience, span: TimeSpan
) -> dict[tuple[HostKey, UUID], list[TimeSpan]]:
    """Kept windows that meet a span, cut to it, by resource and unit."""
    t = FreeWindow
    rows = session.execute(
        select(t.institution_id, t.resource_id, t.unit_id, t.starts_at, t.ends_at)
        .where(
            keys_in(t.institution_id, t.resource_id, keys),
            t.audience == audience.value,
            t.ends_at > span.start,
            t.starts_at < span.end,
        )
        .order_by(t.starts_at)
    )
    found: dict[tuple[HostKey, UUID], list[TimeSpan]] = defaultdict(list)
    for row in rows:
        cut = TimeSpan(max(row.starts_at, span.start), min(row.ends_at, span.end))
        found[HostKey(row.institution_id, row.resource_id), row.unit_id].append(cut)
    return found


def first_windows(
    session: Session,
    keys: Sequence[HostKey] | None,
    audience: Audience,
    seconds: int,
    after: datetime,
    until: datetime,
) -> dict[HostKey, datetime]:
    """The first moment from which each resource has so much free time in one piece; one statement for all of them.

    ``keys`` None looks at every resource.
    """
    t = FreeWindow
    length = timedelta(seconds=seconds)
    if session.get_bind().dialect.name == "postgresql":
        start: Any = func.greatest(t.starts_at, after)
        long_enough = type_coerce(t.ends_at - t.starts_at, Interval()) >= bindparam(
            None, length, type_=Interval()
        )
    else:
        # Instants are whole microseconds on SQLite; max() of two arguments is a plain function there.
        start = func.max(t.starts_at, bindparam(None, after, type_=Instant()), type_=Instant())
        long_enough = (
            type_coerce(t.ends_at, BigInteger) - type_coerce(t.starts_at, BigInteger) >= seconds * 1_000_000
        )
    statement: Select[Any] = select(t.institution_id, t.resource_id, func.min(start).label("at")).where(
        t.audience == audience.value, t.ends_at >= after + length, t.starts_at < until, long_enough
    )
    if keys is not None:
        statement = statement.where(keys_in(t.institution_id, t.resource_id, keys))
    rows = session.execute(statement.group_by(t.institution_id, t.resource_id))
    return {HostKey(row.institution_id, row.resource_id): row.at for row in rows}
