"""Queries of availability: rows to facts, sets at a time; never commits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Interval,
    Row,
    Select,
    and_,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal,
    literal_column,
    null,
    select,
    table,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session, aliased

from resource_hub.domain.availability.rules import document as documents
from resource_hub.domain.availability.tables import (
    CalendarDay,
    FreeWindow,
    FreeWindowReach,
    HouseRules,
    Occupancy,
    OpeningException,
    OpeningHours,
)
from resource_hub.domain.availability.terms import (
    Audience,
    DatedException,
    DayKind,
    ExceptionKind,
    Held,
    HouseDocument,
    OccupancyKind,
    OnHolidays,
    RulesRecord,
    SpecialDay,
    WeeklyHours,
)
from resource_hub.infra.ids import new_id
from resource_hub.infra.together import add_later, amend_later, delete_later, say
from resource_hub.infra.types import Id, Instant
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

# The row that all who want time on a resource queue for. Only its key is read here; what it says is the catalogue's.
_resource = table("resource", column("institution_id", Id), column("id", Id))
_LOCKED = "resources locked"
_link = table(
    "resource_link", column("institution_id", Id), column("resource_id", Id), column("helper_id", Id)
)
_unit = table("unit", column("institution_id", Id), column("id", Id), column("resource_id", Id))


def lock(session: Session, keys: Iterable[HostKey]) -> None:
    """Lock resources in the order of their ids, so that two who want the same ones wait and never deadlock.

    On SQLite the writer's file lock of the unit already does this.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    # A unit's session lives for one transaction, and what it has locked stays locked.
    mine: set[HostKey] = session.info.setdefault(_LOCKED, set())
    for key in sorted(set(keys) - mine):
        mine.add(key)
        session.execute(_LOCK, {"host": key.institution_id, "resource": key.id})


_LOCK = (
    select(_resource.c.id)
    .where(_resource.c.institution_id == bindparam("host"), _resource.c.id == bindparam("resource"))
    .with_for_update(key_share=True)
)
# In the order of their ids as well: the rows are sorted before they are locked.
_LOCK_WITH_HELPERS = (
    select(_resource.c.id)
    .where(
        _resource.c.institution_id == bindparam("host"),
        _resource.c.id.in_(
            select(bindparam("resource", type_=Id).label("id")).union_all(
                select(_link.c.helper_id).where(
                    _link.c.institution_id == bindparam("host"), _link.c.resource_id == bindparam("resource")
                )
            )
        ),
    )
    .order_by(_resource.c.id)
    .with_for_update(key_share=True)
)


def lock_with_helpers(session: Session, key: HostKey) -> None:
    """Lock a resource and all that may be booked with it, in one statement."""
    if session.get_bind().dialect.name != "postgresql":
        return
    mine: set[HostKey] = session.info.setdefault(_LOCKED, set())
    if key not in mine:
        found = session.scalars(_LOCK_WITH_HELPERS, {"host": key.institution_id, "resource": key.id})
        mine.update(HostKey(key.institution_id, one) for one in found)


def _keys(institution: Any, resource: Any, keys: Sequence[HostKey]) -> Any:
    """Rows of these resources. One host is the usual case and reads by its key."""
    hosts = {key.institution_id for key in keys}
    if len(hosts) == 1:
        ids = [key.id for key in keys]
        return and_(
            institution == next(iter(hosts)), resource == ids[0] if len(ids) == 1 else resource.in_(ids)
        )
    return tuple_(institution, resource).in_([tuple(key) for key in keys])


# ---- hours ---------------------------------------------------------------------------------------------------


def _weekly(row: Any) -> WeeklyHours:
    return WeeklyHours(
        row.weekday, row.starts_minute, row.ends_minute, row.since, row.until, Audience(row.audience),
        OnHolidays(row.on_holidays), row.id,
    )  # fmt: skip


def weekly(session: Session, keys: Sequence[HostKey]) -> dict[HostKey, tuple[WeeklyHours, ...]]:
    t = OpeningHours
    rows = session.execute(
        select(
            t.institution_id, t.resource_id, t.id, t.weekday, t.starts_minute, t.ends_minute, t.since, t.until,
            t.audience, t.on_holidays,
        )
        .where(_keys(t.institution_id, t.resource_id, keys))
        .order_by(t.since, t.weekday, t.starts_minute)
    )  # fmt: skip
    found: dict[HostKey, list[WeeklyHours]] = defaultdict(list)
    for row in rows:
        found[HostKey(row.institution_id, row.resource_id)].append(_weekly(row))
    return {key: tuple(value) for key, value in found.items()}


def exception_record(row: Any) -> DatedException:
    return DatedException(
        ExceptionKind(row.kind), TimeSpan(row.starts_at, row.ends_at), Audience(row.audience), row.unit_id,
        row.reason_zh, row.reason_en, row.id, row.series_id,
    )  # fmt: skip


def exceptions(
    session: Session, keys: Sequence[HostKey], span: TimeSpan
) -> dict[HostKey, tuple[DatedException, ...]]:
    t = OpeningException
    rows = session.execute(
        select(
            t.institution_id, t.resource_id, t.id, t.unit_id, t.kind, t.starts_at, t.ends_at, t.audience,
            t.reason_zh, t.reason_en, t.series_id,
        )
        .where(_keys(t.institution_id, t.resource_id, keys), t.starts_at < span.end, t.ends_at > span.start)
        .order_by(t.starts_at)
    )  # fmt: skip
    found: dict[HostKey, list[DatedException]] = defaultdict(list)
    for row in rows:
        found[HostKey(row.institution_id, row.resource_id)].append(exception_record(row))
    return {key: tuple(value) for key, value in found.items()}


def exception_row(session: Session, key: HostKey) -> OpeningException | None:
    return session.get(OpeningException, tuple(key))


def replace_weekly(session: Session, key: HostKey, rows: Sequence[WeeklyHours]) -> None:
    t = OpeningHours
    session.execute(delete(t).where(t.institution_id == key.institution_id, t.resource_id == key.id))
    if rows:
        session.execute(
            insert(t),
            [
                {
                    "institution_id": key.institution_id,
                    "id": row.id or new_id(),
                    "resource_id": key.id,
                    "weekday": row.weekday,
                    "starts_minute": row.starts,
                    "ends_minute": row.ends,
                    "since": row.since,
                    "until": row.until,
                    "audience": row.audience.value,
                    "on_holidays": row.on_holidays.value,
                }
                for row in rows
            ],
        )


# ---- house rules ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """A document of house rules and its version; number None where a resource has the usual rules."""

    rules: HouseDocument
    number: int | None


NO_RULES = RulesInForce(HouseDocument(), None)


def rules_in_force(session: Session, keys: Sequence[HostKey], on: date) -> dict[HostKey, RulesInForce]:
    """The version of each resource that holds on a day."""
    t = HouseRules
    newest = (
        select(t.institution_id, t.resource_id, func.max(t.since).label("since"))
        .where(_keys(t.institution_id, t.resource_id, keys), t.since <= on)
        .group_by(t.institution_id, t.resource_id)
        .subquery()
    )
    rows = session.execute(
        select(t.institution_id, t.resource_id, t.number, t.document).join(
            newest,
            and_(
                t.institution_id == newest.c.institution_id,
                t.resource_id == newest.c.resource_id,
                t.since == newest.c.since,
            ),
        )
    )
    return {
        HostKey(row.institution_id, row.resource_id): RulesInForce(documents.read(row.document), row.number)
        for row in rows
    }


def rules_history(session: Session, key: HostKey) -> list[RulesRecord]:
    """All versions, the newest first."""
    t = HouseRules
    rows = session.scalars(
        select(t)
        .where(t.institution_id == key.institution_id, t.resource_id == key.id)
        .order_by(t.since.desc())
    ).all()
    result: list[RulesRecord] = []
    until: date | None = None
    for row in rows:
        result.append(
            RulesRecord(
                HostKey(row.institution_id, row.id), row.resource_id, row.number, row.since, row.document, row.note,
                row.created_at, row.created_by, until,
            )
        )  # fmt: skip
        until = row.since
    return result


# ---- special days --------------------------------------------------------------------------------------------


def calendar_days(session: Session, jurisdiction: str, first: date, last: date) -> list[CalendarDay]:
    """What administrators entered, first and last day included."""
    t = CalendarDay
    return list(
        session.scalars(
            select(t).where(t.jurisdiction == jurisdiction, t.day >= first, t.day <= last).order_by(t.day)
        )
    )


def special_day(row: CalendarDay) -> SpecialDay:
    return SpecialDay(row.day, DayKind(row.kind), row.name_zh, row.name_en, row.stands_for, False, row.source)


# ---- occupancies ---------------------------------------------------------------------------------------------


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
            before.institution_id == _unit.c.institution_id,
            before.unit_id == _unit.c.id,
            before.starts_at < span.start,
        )
        .correlate(_unit)
        .scalar_subquery()
    )
    rows = session.execute(
        select(*_OCCUPANCY)
        .select_from(_unit)
        .join(
            t,
            and_(
                t.institution_id == _unit.c.institution_id,
                t.unit_id == _unit.c.id,
                t.starts_at >= func.coalesce(last, literal(span.start, Instant)),
                t.starts_at < span.end,
                t.ends_at > span.start,
            ),
        )
        .where(_keys(_unit.c.institution_id, _unit.c.resource_id, keys))
        .order_by(t.starts_at)
    )
    found: dict[HostKey, list[Held]] = defaultdict(list)
    for row in rows:
        found[HostKey(row.institution_id, row.resource_id)].append(_held(row))
    return found


def _around() -> Select[Any]:
    """Occupancies and kept windows that meet a span and a wider one, of all units of a resource."""
    t, before, w = Occupancy, aliased(Occupancy), FreeWindow
    host, resource = bindparam("host", type_=Id), bindparam("resource", type_=Id)
    start, end = bindparam("start", type_=Instant), bindparam("end", type_=Instant)
    last = (
        select(func.max(before.starts_at))
        .where(
            before.institution_id == _unit.c.institution_id,
            before.unit_id == _unit.c.id,
            before.starts_at < start,
        )
        .correlate(_unit)
        .scalar_subquery()
    )
    held = (
        select(
            t.unit_id, t.starts_at, t.ends_at, t.kind, t.holder_id, t.expires_at, t.setup_seconds, t.teardown_seconds
        )
        .select_from(_unit)
        .join(
            t,
            and_(
                t.institution_id == _unit.c.institution_id,
                t.unit_id == _unit.c.id,
                t.starts_at >= func.coalesce(last, start),
                t.starts_at < end,
                t.ends_at > start,
            ),
        )
        .where(_unit.c.institution_id == host, _unit.c.resource_id == resource)
    )  # fmt: skip
    kept = (
        select(w.unit_id, w.starts_at, w.ends_at, w.audience, null(), null(), null(), null())
        .select_from(_unit)
        .join(
            w,
            and_(
                w.institution_id == _unit.c.institution_id,
                w.unit_id == _unit.c.id,
                w.audience.in_([literal_column(f"'{audience}'") for audience in _AUDIENCES]),
                w.starts_at <= bindparam("wide_end", type_=Instant),
                w.ends_at >= bindparam("wide_start", type_=Instant),
            ),
        )
        .where(_unit.c.institution_id == host, _unit.c.resource_id == resource)
    )
    both = held.union_all(kept).subquery()
    return select(both).order_by(both.c.starts_at)


_AROUND = _around()
Windows = dict[UUID, dict[Audience, list[TimeSpan]]]


def around(session: Session, key: HostKey, span: TimeSpan, wide: TimeSpan) -> tuple[list[Held], Windows]:
    """What holds the units of a resource in a span, as ``occupancies`` says, and their kept windows that meet or touch
    a wider one, in one statement."""
    values = {
        "host": key.institution_id, "resource": key.id, "start": span.start, "end": span.end,
        "wide_start": wide.start, "wide_end": wide.end,
    }  # fmt: skip
    held: list[Held] = []
    windows: Windows = defaultdict(lambda: {audience: [] for audience in Audience})
    for unit_id, starts_at, ends_at, kind, holder_id, expires_at, setup, teardown in session.execute(
        _AROUND, values
    ):
        one = TimeSpan(starts_at, ends_at)
        if setup is None:
            windows[unit_id][Audience(kind)].append(one)
        else:
            held.append(
                Held(unit_id, one, OccupancyKind(kind), holder_id, expires_at, key.id, setup, teardown)
            )
    return held, windows


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
    say(session)


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
        .values(ends_at=end, teardown_seconds=0)
    )


def lapsed_holds(session: Session, now: datetime, limit: int) -> list[Row[Any]]:
    t = Occupancy
    return list(
        session.execute(
            select(*_OCCUPANCY)
            .where(t.expires_at <= now)
            .order_by(t.expires_at)
            .limit(limit)
        )
    )


def resources_with_lapsed_holds(session: Session, keys: Sequence[HostKey], now: datetime) -> set[HostKey]:
    t = Occupancy
    rows = session.execute(
        select(t.institution_id, t.resource_id)
        .where(t.expires_at <= now)
        .distinct()
    )
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


# ---- kept free windows ---------------------------------------------------------------------------------------


def reach(session: Session, keys: Sequence[HostKey]) -> dict[HostKey, TimeSpan]:
    t = FreeWindowReach
    rows = session.execute(
        select(t.institution_id, t.resource_id, t.starts_at, t.ends_at).where(
            _keys(t.institution_id, t.resource_id, keys)
        )
    )
    return {HostKey(r.institution_id, r.resource_id): TimeSpan(r.starts_at, r.ends_at) for r in rows}


def set_reach(session: Session, key: HostKey, span: TimeSpan | None) -> None:
    t = FreeWindowReach
    session.execute(delete(t).where(t.institution_id == key.institution_id, t.resource_id == key.id))
    if span is not None:
        session.execute(
            insert(t).values(
                institution_id=key.institution_id, resource_id=key.id, starts_at=span.start, ends_at=span.end
            )
        )


def short_reaches(session: Session, before: datetime, limit: int) -> list[HostKey]:
    t = FreeWindowReach
    rows = session.execute(
        select(t.institution_id, t.resource_id).where(t.ends_at < before).order_by(t.ends_at).limit(limit)
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
    before = {(a.value, span.start): span.end for a in Audience for span in old[a]}
    after = {(a.value, span.start): span.end for a in Audience for span in new[a]}

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
            _keys(t.institution_id, t.resource_id, keys),
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
        statement = statement.where(_keys(t.institution_id, t.resource_id, keys))
    rows = session.execute(statement.group_by(t.institution_id, t.resource_id))
    return {HostKey(row.institution_id, row.resource_id): row.at for row in rows}


def bookings_meeting(session: Session, key: HostKey, span: TimeSpan) -> list[Held]:
    return occupancies(session, [key], span).get(key, [])


def clear_of(session: Session, institution_id: UUID, holders: Collection[UUID]) -> None:
    t = Occupancy
    if holders:
        session.execute(delete(t).where(t.institution_id == institution_id, t.holder_id.in_(holders)))
