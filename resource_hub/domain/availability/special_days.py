"""Special days as the platform's staff enter them, before or instead of the published calendar."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import occupancy_store, planning, store, window_store
from resource_hub.domain.availability.calendar_days import library_days
from resource_hub.domain.availability.errors import BadDay
from resource_hub.domain.availability.publishing import Hit, Outsiders, hits_between
from resource_hub.domain.availability.tables import CalendarDay, FreeWindowReach
from resource_hub.domain.availability.terms import DayKind, OccupancyKind, SpecialDay
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import Forbidden, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, midnight, zone

# Whose days are entered here.
COUNTRY = "CN"
# What days are, or were; None: like any other day of the week.
Days = Mapping[date, SpecialDay | None]


def calendar_year(jurisdiction: str, year: int) -> tuple[dict[date, SpecialDay], set[date]]:
    """Special days of a year, and those among them that somebody entered here."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    entered = {row.day for row in store.calendar_days(reading(), planning.country(jurisdiction), first, last)}
    return planning.special_days(jurisdiction, first, last), entered


def enter_days(jurisdiction: str, days: Sequence[SpecialDay], *, by: Actor) -> None:
    """Enter or change special days, all or none; free windows follow with the job that rolls them on.

    Each host is told by the outbox which days changed and what they were, so that bookings that are left outside the
    hours are found behind the locks of their resources.

    Raises:
        BadDay: a make-up workday that makes up itself.
    """
    if not by.has(Role.PLATFORM_STAFF):
        raise Forbidden()
    if any(special.stands_for == special.day for special in days):
        raise BadDay(Reason("availability.day_for_itself", {}, "stands_for"))
    with unit_of_work() as unit:
        where = planning.country(jurisdiction)
        before = _days_before(jurisdiction, [special.day for special in days])
        for special in days:
            unit.session.merge(
                CalendarDay(
                    jurisdiction=where,
                    day=special.day,
                    kind=special.kind.value,
                    name_zh=special.name_zh,
                    name_en=special.name_en,
                    source=special.source,
                    stands_for=special.stands_for,
                )
            )
            details = {"day": special.day.isoformat(), "kind": special.kind.value}
            unit.audit(
                "availability.day", by.organisation_id, f"day:{where}", details, person_id=by.person_id
            )
        _changed(unit, where, before)


def forget_day(jurisdiction: str, day: date, *, by: Actor) -> None:
    """Take an entered day back: the published calendar holds again."""
    if not by.has(Role.PLATFORM_STAFF):
        raise Forbidden()
    with unit_of_work() as unit:
        where = planning.country(jurisdiction)
        before = _days_before(jurisdiction, [day])
        unit.session.execute(
            delete(CalendarDay).where(CalendarDay.jurisdiction == where, CalendarDay.day == day)
        )
        unit.audit("availability.day_removed", by.organisation_id, f"day:{where}", {"day": day.isoformat()},
                   person_id=by.person_id)  # fmt: skip
        _changed(unit, where, before)


def published_day(jurisdiction: str, day: date) -> SpecialDay:
    """What the published calendar says of a day, whatever was entered here."""
    found = library_days(planning.country(jurisdiction), day.year)
    return found.get(day, SpecialDay(day, DayKind.ORDINARY))


def _days_before(jurisdiction: str, days: Sequence[date]) -> Days:
    return {day: planning.special_days(jurisdiction, day, day).get(day) for day in days}


def _changed(unit: Unit, where: str, before: Days) -> None:
    _stale_everything(unit)
    days = [[day.isoformat(), _as_json(special)] for day, special in sorted(before.items())]
    for institution_id in _hosts_in(where):
        unit.publish(
            "availability.days_changed",
            f"{institution_id}:days",
            {"institution_id": str(institution_id), "before": days},
        )


def _hosts_in(where: str) -> list[UUID]:
    """Hosts in a country that have published hours."""
    ids = {key.institution_id for key in window_store.kept_resources(reading())}
    found = accounts.organisation_names(ids)
    return sorted(one for one in ids if planning.country(found[one].jurisdiction) == where)


def _as_json(special: SpecialDay | None) -> list[str | None] | None:
    if special is None:
        return None
    stands_for = special.stands_for.isoformat() if special.stands_for else None
    return [special.kind.value, special.name_zh, special.name_en, stands_for]


def days_from_json(rows: Sequence[Any]) -> Days:
    """Days as an event carries them; None where a day was like any other."""
    found: dict[date, SpecialDay | None] = {}
    for text, row in rows:
        day = date.fromisoformat(text)
        found[day] = row and SpecialDay(
            day, DayKind(row[0]), row[1], row[2], date.fromisoformat(row[3]) if row[3] else None
        )
    return found


def hits_of_days(
    institution_id: UUID, days: Days, outsiders: Outsiders, *, were: bool
) -> dict[HostKey, list[Hit]]:
    """Bookings of a host that days as they were (``were``), or as they would be, leave outside the hours: those that
    one of the two would allow and the other, later one would not."""
    now = clock.now()
    tz = zone(planning.zone_of(institution_id))
    # Hours that begin on such a day may reach into the next.
    start = max(now, midnight(min(days), tz))
    end = midnight(max(days) + timedelta(days=3), tz)
    keys = window_store.kept_resources(reading(), institution_id)
    if start >= end or not keys:
        return {}
    span = TimeSpan(start, end)
    held = {
        key: [h for h in rows if h.kind in (OccupancyKind.BOOKING, OccupancyKind.HOLD) and h.in_force(now)]
        for key, rows in occupancy_store.occupancies(reading(), keys, span).items()
    }
    found: dict[HostKey, list[Hit]] = {}
    for key, plan in planning.plans([key for key, rows in held.items() if rows], span).items():
        changed = {**plan.hours.days, **{day: special for day, special in days.items() if special}}
        for day, special in days.items():
            if special is None or special.kind is DayKind.ORDINARY:
                changed.pop(day, None)
        other = replace(plan.hours, days=changed)
        first, second = (other, plan.hours) if were else (plan.hours, other)
        if hits := hits_between(held[key], first, second, outsiders):
            found[key] = hits
    return found


def preview_days(
    jurisdiction: str, days: Sequence[SpecialDay], outsiders: Callable[[UUID], Outsiders]
) -> dict[UUID, list[Hit]]:
    """Who holds time of each host that special days would leave outside its hours; nothing is written."""
    wanted: Days = {special.day: special for special in days}
    found = {}
    for host in _hosts_in(planning.country(jurisdiction)) if wanted else ():
        hits = hits_of_days(host, wanted, outsiders(host), were=False)
        if hits:
            found[host] = [hit for of_key in hits.values() for hit in of_key]
    return found


def bookings_outside(key: HostKey, holders: Collection[UUID], outsiders: Outsiders) -> list[Hit]:
    """Which of these holders stand outside the hours that hold now."""
    now = clock.now()
    held = [
        h
        for h in occupancy_store.future_bookings(reading(), key, now)
        if h.holder_id in holders and h.in_force(now)
    ]
    if not held:
        return []
    hours = planning.plan(key, TimeSpan(held[0].span.start, max(h.span.end for h in held))).hours
    return hits_between(held, None, hours, outsiders)


def _stale_everything(unit: Unit) -> None:
    """Let the job compute all kept windows anew: it takes those first whose reach is short."""
    unit.session.execute(
        update(FreeWindowReach).values(ends_at=unit.now, starts_at=unit.now - timedelta(seconds=1))
    )
