"""Queries of availability: rows to facts, sets at a time; never commits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    and_,
    bindparam,
    column,
    delete,
    func,
    insert,
    select,
    table,
    tuple_,
)
from sqlalchemy.orm import Session

from resource_hub.domain.availability.rules import document as documents
from resource_hub.domain.availability.tables import (
    CalendarDay,
    HouseRules,
    OpeningException,
    OpeningHours,
)
from resource_hub.domain.availability.terms import (
    Audience,
    DatedException,
    DayKind,
    ExceptionKind,
    HouseDocument,
    OnHolidays,
    RulesRecord,
    SpecialDay,
    WeeklyHours,
)
from resource_hub.infra.ids import new_id
from resource_hub.infra.together import taken_back
from resource_hub.infra.types import Id
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

# The row that all who want time on a resource queue for. Only its key is read here; what it says is the catalogue's.
_resource = table("resource", column("institution_id", Id), column("id", Id))
_LOCKED = taken_back("resources locked")
# Units as others' tables are joined to them.
unit_table = table("unit", column("institution_id", Id), column("id", Id), column("resource_id", Id))


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


def locked(session: Session, keys: Iterable[HostKey]) -> None:
    """These are locked by another statement."""
    session.info.setdefault(_LOCKED, set()).update(keys)


def keys_in(institution: Any, resource: Any, keys: Sequence[HostKey]) -> Any:
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
        .where(keys_in(t.institution_id, t.resource_id, keys))
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
        .where(keys_in(t.institution_id, t.resource_id, keys), t.starts_at < span.end, t.ends_at > span.start)
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
        .where(keys_in(t.institution_id, t.resource_id, keys), t.since <= on)
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


def newest_rules_number(session: Session, key: HostKey) -> int:
    t = HouseRules
    newest = select(func.max(t.number)).where(t.institution_id == key.institution_id, t.resource_id == key.id)
    return session.scalar(newest) or 0


def rules_numbered(session: Session, key: HostKey, number: int) -> HouseDocument:
    t = HouseRules
    statement = select(t.document).where(
        t.institution_id == key.institution_id, t.resource_id == key.id, t.number == number
    )
    return documents.read(session.scalars(statement).one())


def rules_of_numbers(
    session: Session, wanted: Sequence[tuple[HostKey, int]]
) -> dict[tuple[HostKey, int], HouseDocument]:
    """Versions by resource and number; those without a row are left out."""
    t = HouseRules
    if not wanted:
        return {}
    places = [(*key, number) for key, number in wanted]
    rows = session.execute(
        select(t.institution_id, t.resource_id, t.number, t.document).where(
            tuple_(t.institution_id, t.resource_id, t.number).in_(places)
        )
    )
    return {(HostKey(host, one), number): documents.read(found) for host, one, number, found in rows}


def rules_history(
    session: Session, key: HostKey, limit: int | None = None, before: date | None = None
) -> list[RulesRecord]:
    """Versions, the newest first; all of them, or some of those from before a day."""
    t = HouseRules
    its = and_(t.institution_id == key.institution_id, t.resource_id == key.id)
    statement = select(t).where(its)
    result: list[RulesRecord] = []
    until: date | None = None
    if before is not None:
        statement = statement.where(t.since < before)
        until = session.scalar(select(func.min(t.since)).where(its, t.since >= before))
    for row in session.scalars(statement.order_by(t.since.desc()).limit(limit)):
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
