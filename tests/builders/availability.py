"""Builders of hours, closures and occupancies: keywords, sane defaults, no database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.availability.rules import document
from resource_hub.domain.availability.terms import (
    Audience,
    DatedException,
    ExceptionKind,
    Held,
    Hours,
    HouseDocument,
    OccupancyKind,
    OnHolidays,
    SpecialDay,
    WeeklyHours,
)
from resource_hub.infra.ids import new_id
from resource_hub.kernel.time import TimeSpan

WORKDAYS = range(5)


def span(start: str, end: str) -> TimeSpan:
    """A span from two texts in UTC or with an offset: ``span("2026-03-02T09:00+08:00", "…")``."""
    return TimeSpan(moment(start), moment(end))


def moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def make_weekly(
    *,
    weekdays: Iterable[int] = WORKDAYS,
    starts: int = 9 * 60,
    ends: int = 17 * 60,
    since: date = date(2020, 1, 1),
    until: date | None = None,
    audience: Audience = Audience.ALL,
    on_holidays: OnHolidays = OnHolidays.CLOSED,
) -> tuple[WeeklyHours, ...]:
    """Monday to Friday, 09:00 to 17:00."""
    return tuple(WeeklyHours(day, starts, ends, since, until, audience, on_holidays) for day in weekdays)


def make_hours(
    *,
    zone: str = "Asia/Shanghai",
    weekly: tuple[WeeklyHours, ...] | None = None,
    exceptions: tuple[DatedException, ...] = (),
    days: Iterable[SpecialDay] = (),
) -> Hours:
    return Hours(
        zone, make_weekly() if weekly is None else weekly, exceptions, {day.day: day for day in days}
    )


def make_exception(kind: ExceptionKind = ExceptionKind.CLOSURE, **changes: Any) -> DatedException:
    values: dict[str, Any] = {
        "span": span("2026-03-04T00:00+08:00", "2026-03-05T00:00+08:00"),
        "reason_zh": "停电检修",
    }
    values.update(changes)
    return DatedException(kind, **values)


def make_held(
    unit_id: UUID | None = None, kind: OccupancyKind = OccupancyKind.BOOKING, **changes: Any
) -> Held:
    values: dict[str, Any] = {
        "span": span("2026-03-02T10:00+08:00", "2026-03-02T12:00+08:00"),
        "holder_id": new_id(),
    }
    values.update(changes)
    return Held(unit_id or new_id(), kind=kind, **values)


def make_rules(**changes: Any) -> HouseDocument:
    """House rules with the defaults, and what is given changed, read through the document as in real life."""
    return document.read({**document.write(HouseDocument()), **changes})
