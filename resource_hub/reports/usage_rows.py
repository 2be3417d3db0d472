"""Rows behind the figures of use: the sealed entries themselves, hours by month and class, load by weekday and hour.

An entry that a correction replaced is not counted and not listed. Hours of an entry that crosses the edge of the period
count with the part that fell inside, exactly as the rollup has it, so that a list adds up to its figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import String, and_, cast, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql import Select

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.assessment.terms import Rows
from resource_hub.domain.catalogue.tables import Resource
from resource_hub.domain.usage.rules.hours import by_day
from resource_hub.domain.usage.tables import UsageEntry, UsageRollup
from resource_hub.infra.database import reading, streamed
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, midnight, zone

OUTSIDE_CLASSES = tuple(each.value for each in CustomerClass if each.outside)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One sealed entry in force. ``counted_seconds``: the part of its effective seconds inside the period."""

    key: HostKey
    session_id: UUID
    resource_id: UUID
    resource_code: str
    name_zh: str
    name_en: str
    day: date
    starts_at: datetime | None
    ends_at: datetime | None
    customer_id: UUID
    customer_class: str
    purpose: str
    grade: str
    effective_seconds: int
    counted_seconds: int
    samples: int


def _asked(rows: Rows, zone_name: str) -> Select[Any]:
    tz = zone(zone_name)
    later = aliased(UsageEntry)
    query: Any = (
        select(UsageEntry, Resource.code, Resource.name_zh, Resource.name_en)
        .join(
            Resource,
            and_(Resource.institution_id == UsageEntry.institution_id, Resource.id == UsageEntry.resource_id),
        )
        .where(
            UsageEntry.institution_id == rows.institution_id,
            UsageEntry.day >= rows.since,
            # A use that ends after the period may have begun inside it.
            or_(
                UsageEntry.day < rows.until,
                and_(
                    UsageEntry.day < rows.until + timedelta(days=62),
                    UsageEntry.starts_at < midnight(rows.until, tz),
                ),
            ),
            ~exists().where(
                later.institution_id == UsageEntry.institution_id, later.corrects_id == UsageEntry.id
            ),
        )
    )
    if rows.resource_ids:
        query = query.where(UsageEntry.resource_id.in_(list(rows.resource_ids)))
    if rows.external is not None:
        outside = UsageEntry.customer_class.in_(OUTSIDE_CLASSES)
        query = query.where(outside if rows.external else ~outside)
    if rows.grades:
        query = query.where(UsageEntry.grade.in_(list(rows.grades)))
    if rows.purposes:
        query = query.where(UsageEntry.purpose.in_(list(rows.purposes)))
    return query


def _counted(entry: UsageEntry, rows: Rows, zone_name: str) -> int:
    span = None
    if entry.starts_at is not None and entry.ends_at is not None and entry.ends_at > entry.starts_at:
        span = TimeSpan(entry.starts_at, entry.ends_at)
    pieces = by_day(span, entry.effective_seconds, zone(zone_name), entry.day)
    return sum(seconds for day, seconds in pieces if rows.since <= day < rows.until)


def _row(found: Any, rows: Rows, zone_name: str) -> UsageRow:
    entry, code, zh, en = found
    return UsageRow(
        HostKey(entry.institution_id, entry.id),
        entry.session_id,
        entry.resource_id,
        code,
        zh,
        en,
        entry.day,
        entry.starts_at,
        entry.ends_at,
        entry.customer_id,
        entry.customer_class,
        entry.purpose,
        entry.grade,
        entry.effective_seconds,
        _counted(entry, rows, zone_name),
        entry.samples,
    )


def page(
    rows: Rows, zone_name: str, *, after: tuple[date, UUID] | None = None, limit: int = 50
) -> list[UsageRow]:
    """Up to ``limit + 1`` entries, newest first; ``after`` is day and id of the last one shown."""
    query = _asked(rows, zone_name).order_by(UsageEntry.day.desc(), UsageEntry.id.desc()).limit(limit + 1)
    if after is not None:
        day, entry_id = after
        query = query.where(or_(UsageEntry.day < day, and_(UsageEntry.day == day, UsageEntry.id < entry_id)))
    return [_row(found, rows, zone_name) for found in reading().execute(query)]


def every(rows: Rows, zone_name: str) -> Iterator[UsageRow]:
    """All entries, oldest first, streamed: for exports."""
    query = _asked(rows, zone_name).order_by(UsageEntry.day, UsageEntry.id)
    for found in streamed(query, 500):
        yield _row(found, rows, zone_name)


@dataclass(frozen=True, slots=True)
class MonthHours:
    """Effective seconds of one month by customer class and by evidence grade."""

    month: date
    by_class: dict[str, int]
    by_grade: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_class.values())


def months(rows: Rows) -> list[MonthHours]:
    """Every month of the period, also those without use."""
    label = func.substr(cast(UsageRollup.day, String), 1, 7)
    query = (
        select(label, UsageRollup.customer_class, UsageRollup.grade, func.sum(UsageRollup.effective_seconds))
        .where(
            UsageRollup.institution_id == rows.institution_id,
            UsageRollup.day >= rows.since,
            UsageRollup.day < rows.until,
        )
        .group_by(label, UsageRollup.customer_class, UsageRollup.grade)
    )
    if rows.resource_ids:
        query = query.where(UsageRollup.resource_id.in_(list(rows.resource_ids)))
    classes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    grades: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for month, customer_class, grade, seconds in reading().execute(query):
        classes[month][customer_class] += int(seconds)
        grades[month][grade] += int(seconds)
    found = []
    month = rows.since.replace(day=1)
    while month < rows.until:
        name = f"{month:%Y-%m}"
        found.append(MonthHours(month, dict(classes[name]), dict(grades[name])))
        month = (month + timedelta(days=32)).replace(day=1)
    return found


def week_load(rows: Rows, zone_name: str) -> list[list[int]]:
    """Effective seconds by weekday (Monday first) and hour of the day in the host's zone, for one instrument.

    A use is spread over its span in proportion. Meant for single resources: it reads their entries one by one.
    """
    tz = zone(zone_name)
    load = [[0] * 24 for _ in range(7)]
    query = _asked(rows, zone_name).with_only_columns(
        UsageEntry.starts_at, UsageEntry.ends_at, UsageEntry.effective_seconds
    )
    for starts_at, ends_at, effective in streamed(query, 1000):
        if starts_at is None or ends_at is None or ends_at <= starts_at or not effective:
            continue
        length = int((ends_at - starts_at).total_seconds())
        counted, moment = 0, starts_at
        while moment < ends_at:
            local = moment.astimezone(tz)
            edge = moment + timedelta(
                seconds=3600 - local.minute * 60 - local.second, microseconds=-local.microsecond
            )
            until = min(edge, ends_at)
            done = int((until - starts_at).total_seconds()) * effective // length
            load[local.weekday()][local.hour] += done - counted
            counted, moment = done, until
    return load


def total_seconds(found: Sequence[UsageRow]) -> int:
    return sum(row.counted_seconds for row in found)
