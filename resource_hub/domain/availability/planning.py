"""What decides when resources are open, gathered for many at once, and the calendar made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationRecord
from resource_hub.domain.availability import occupancy_store, store
from resource_hub.domain.availability.calendar_days import library_days
from resource_hub.domain.availability.calendar_days import warm as load_library
from resource_hub.domain.availability.rules import lanes
from resource_hub.domain.availability.rules import working_days as arithmetic
from resource_hub.domain.availability.terms import (
    DatedException,
    DayKind,
    ExceptionKind,
    Held,
    Hours,
    HouseDocument,
    Lane,
    OccupancyKind,
    RulesRecord,
    SpecialDay,
    Viewer,
    Week,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import UnitRecord
from resource_hub.infra import clock, stamps
from resource_hub.infra.database import reading
from resource_hub.infra.keeping import each_remembered, kept
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, local_day, midnight, zone

# A stretch of hours may begin so long before the time that one looks at.
_REACH = timedelta(days=3)
# Of more resources at once plans are made for the moment only: a search over all of them would fill the memory.
_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides when one resource may be booked, apart from who holds it."""

    key: HostKey
    hours: Hours
    rules: HouseDocument
    rules_number: int | None
    units: tuple[UnitRecord, ...]

    @property
    def zone(self) -> str:
        return self.hours.zone


def country(jurisdiction: str) -> str:
    """The jurisdiction whose public holidays hold: a region of China, by its code of GB/T 2260 or of ISO 3166-2, has
    those of the country; elsewhere a region may have its own."""
    where = jurisdiction.upper()
    return "CN" if where[:1].isdigit() or where.startswith("CN-") else where


def special_days(jurisdiction: str, first: date, last: date) -> dict[date, SpecialDay]:
    """Holidays and make-up workdays, first and last day included; what administrators entered goes first."""
    found = _special_days_of_years(country(jurisdiction), first.year, last.year)
    return {day: special for day, special in found.items() if first <= day <= last}


@kept
def _special_days_of_years(where: str, first: int, last: int) -> dict[date, SpecialDay]:
    """The same of whole years, so that whoever looks at other days of them asks no more."""
    found = {
        day: special for year in range(first, last + 1) for day, special in library_days(where, year).items()
    }
    for row in store.calendar_days(reading(), where, date(first, 1, 1), date(last, 12, 31)):
        if row.kind == DayKind.ORDINARY.value:
            found.pop(row.day, None)
        else:
            found[row.day] = store.special_day(row)
    return found


def plans(keys: Sequence[HostKey], span: TimeSpan, *, on: date | None = None) -> dict[HostKey, Plan]:
    """Plans for a span of time, a handful of queries however many resources there are.

    ``on`` is the day whose house rules hold; without it today in each host's zone.
    """
    if not keys:
        return {}
    if len(keys) > _REMEMBERED or stamps.current() is None:
        return _made(keys, span, on)
    # Made for whole months, so that the next one who asks finds them.
    first = span.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = span.end.replace(day=28, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=4)
    months = TimeSpan(first, after.replace(day=1))
    return each_remembered(
        ("plan", months, on, clock.quarter() if on is None else None),
        keys,
        lambda key: (key.id, key.institution_id, stamps.CALENDARS),
        lambda missing: _made(missing, months, on),
    )


def _made(keys: Sequence[HostKey], span: TimeSpan, on: date | None) -> dict[HostKey, Plan]:
    session = reading()
    wide = TimeSpan(span.start - _REACH, span.end + timedelta(days=1))
    hosts = accounts.organisation_names({key.institution_id for key in keys})
    weekly = store.weekly(session, keys)
    exceptions = store.exceptions(session, keys, wide)
    units = catalogue.units_of(keys)
    now = clock.now()
    rules: dict[HostKey, store.RulesInForce] = {}
    by_day: dict[date, list[HostKey]] = defaultdict(list)
    for key in keys:
        by_day[on or local_day(now, zone(hosts[key.institution_id].zone))].append(key)
    for day, own in by_day.items():
        rules |= store.rules_in_force(session, own, day)
    first, last = wide.start.date() - timedelta(days=1), wide.end.date() + timedelta(days=1)
    days = {
        where: special_days(where, first, last) for where in {country(h.jurisdiction) for h in hosts.values()}
    }
    result = {}
    for key in keys:
        host = hosts[key.institution_id]
        held = rules.get(key, store.NO_RULES)
        hours = Hours(
            host.zone, weekly.get(key, ()), exceptions.get(key, ()), days[country(host.jurisdiction)]
        )
        result[key] = Plan(key, hours, held.rules, held.number, tuple(units.get(key, ())))
    return result


def plan(key: HostKey, span: TimeSpan, *, on: date | None = None) -> Plan:
    return plans([key], span, on=on)[key]


def _host(institution_id: UUID) -> OrganisationRecord:
    return accounts.organisation(institution_id)


def warm() -> None:
    """Load what is slow the first time. Called before units, so that nobody waits for it behind a lock."""
    load_library(clock.now().year)


def zone_of(institution_id: UUID) -> str:
    """The zone in which a host's clock runs."""
    return _host(institution_id).zone


@kept
def house_rules(key: HostKey, on: date | None = None) -> tuple[HouseDocument, int | None]:
    """The house rules of a resource on a day (today), with their version; None where nobody wrote any."""
    day = on or local_day(clock.now(), zone(zone_of(key.institution_id)))
    found = store.rules_in_force(reading(), [key], day).get(key, store.NO_RULES)
    return found.rules, found.number


def house_rules_of(keys: Iterable[HostKey]) -> dict[HostKey, HouseDocument]:
    """The house rules of today of several resources, those where nobody wrote any left out; one query a host."""
    by_host: dict[UUID, list[HostKey]] = defaultdict(list)
    for key in keys:
        by_host[key.institution_id].append(key)
    found: dict[HostKey, HouseDocument] = {}
    for host, own in by_host.items():
        today = local_day(clock.now(), zone(zone_of(host)))
        found |= {key: held.rules for key, held in store.rules_in_force(reading(), own, today).items()}
    return found


def rules_numbered(key: HostKey, number: int | None) -> HouseDocument:
    """The version of the house rules by which something was judged; without a number the usual ones."""
    if number is None:
        return store.NO_RULES.rules
    return store.rules_numbered(reading(), key, number)


def rules_of_numbers(
    wanted: Iterable[tuple[HostKey, int | None]],
) -> dict[tuple[HostKey, int | None], HouseDocument]:
    """The same of many, in one query."""
    asked = set(wanted)
    known = store.rules_of_numbers(reading(), [(key, number) for key, number in asked if number is not None])
    return {
        (key, number): store.NO_RULES.rules if number is None else known[key, number] for key, number in asked
    }


def rules_history(key: HostKey, limit: int | None = None, before: date | None = None) -> list[RulesRecord]:
    """Versions of the house rules, the newest first; all of them, or some of those that begin before a day."""
    return store.rules_history(reading(), key, limit, before)


def newest_rules_number(key: HostKey) -> int:
    """By what a form says which rules it was made from; 0 where there are none."""
    return store.newest_rules_number(reading(), key)


@kept
def working_day_after(jurisdiction: str, day: date, number: int) -> tuple[date, bool]:
    """The working day so many after ``day``, and whether its calendar is only provisional."""
    found, provisional = _working_day_after(jurisdiction, day, number)
    return found, provisional or is_provisional(jurisdiction, found.year)


def _working_day_after(jurisdiction: str, day: date, number: int) -> tuple[date, bool]:
    known = special_days(jurisdiction, day, day + _enough(number))
    found = arithmetic.working_days_after(day, number, known.get)
    return found, any(d.provisional for when, d in known.items() if day < when <= found)


def working_days(jurisdiction: str, after: date, last: date, most: int) -> list[date]:
    """The working days after a day up to another; no more than ``most``."""
    last = min(last, after + _enough(most))
    known = special_days(jurisdiction, after, last)
    days = (after + timedelta(days=n) for n in range(1, (last - after).days + 1))
    return [day for day in days if arithmetic.is_working_day(day, known.get(day))][:most]


def _enough(number: int) -> timedelta:
    """So many working days lie in it at least."""
    return timedelta(days=number * 2 + 30)


def is_provisional(jurisdiction: str, year: int) -> bool:
    """Whether the notice of a year is neither published, as far as is known, nor entered by an administrator."""
    if country(jurisdiction) != "CN":
        return False
    entered = store.calendar_days(reading(), "CN", date(year, 1, 1), date(year, 12, 31))
    return not entered and any(day.provisional for day in library_days("CN", year).values())


def working_days_after(jurisdiction: str, day: date, number: int) -> date:
    """The working day so many after ``day``; ``day`` itself is not counted."""
    return _working_day_after(jurisdiction, day, number)[0]


def earliest_day(host: OrganisationRecord, lead_days: int, now: datetime) -> date | None:
    """The first day of a host that a lead in working days leaves open; None without one."""
    if not lead_days:
        return None
    return working_days_after(host.jurisdiction, local_day(now, zone(host.zone)), lead_days)


def is_working_day(jurisdiction: str, day: date) -> bool:
    return arithmetic.is_working_day(day, special_days(jurisdiction, day, day).get(day))


def days_of(zone_name: str, first: date, count: int) -> TimeSpan:
    """So many whole calendar days of a zone as a span."""
    tz = zone(zone_name)
    return TimeSpan(midnight(first, tz), midnight(first + timedelta(days=count), tz))


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def week(key: HostKey, span: TimeSpan, viewer: Viewer) -> Week:
    """Lanes of a resource over a span, each piece with its reason; strangers see no holders."""
    return weeks([key], span, viewer)[key]


def weeks(keys: Sequence[HostKey], span: TimeSpan, viewer: Viewer) -> dict[HostKey, Week]:
    """Calendars of many resources over one span, in as many queries as for one."""
    now = clock.now()
    found = plans(keys, span)
    held = occupancy_store.occupancies(reading(), list(keys), span) if keys else {}
    result = {}
    for key, one in found.items():
        tz = zone(one.zone)
        first, last = local_day(span.start, tz), local_day(span.end - timedelta(microseconds=1), tz)
        days = tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
        result[key] = Week(
            key=key,
            span=span,
            zone=one.zone,
            days=days,
            special={day: one.hours.days[day] for day in days if day in one.hours.days},
            lanes=_lanes(one, span, held.get(key, ()), viewer, now),
            step_minutes=one.rules.step,
            setup_seconds=one.rules.setup_seconds,
            teardown_seconds=one.rules.teardown_seconds,
            as_of=now,
        )
    return result


def _lanes(
    one: Plan, span: TimeSpan, held: Sequence[Held], viewer: Viewer, now: datetime
) -> tuple[Lane, ...]:
    """A lane for each unit in use, and for one that is not while bookings stand on it: there it is closed."""
    units = list(one.units)
    booked = {h.unit_id for h in held if h.kind is OccupancyKind.BOOKING} - {unit.key.id for unit in units}
    if booked:
        units += [unit for unit in catalogue.units(one.key) if unit.key.id in booked]
    closed = replace(one.hours, exceptions=(DatedException(ExceptionKind.CLOSURE, span),))
    return tuple(
        Lane(
            unit.key.id,
            unit.code,
            lanes.lane(one.hours if unit.active else closed, span, unit.key.id, held, viewer, now),
            not unit.active,
            unit.name_zh,
            unit.name_en,
        )
        for unit in units
    )


def may_occupy(key: HostKey, unit_id: UUID | None, span: TimeSpan, *, outside: bool) -> list[Reason]:
    """Why opening hours do not allow a span; with no unit named, what holds for the unit that comes closest."""
    return reasons_against(plan(key, span), unit_id, span, outside=outside)


def reasons_against(one: Plan, unit_id: UUID | None, span: TimeSpan, *, outside: bool) -> list[Reason]:
    """The same from a plan that is at hand."""
    if not one.units:
        return [Reason("availability.no_unit", {})]
    if unit_id is not None:
        if unit_id not in {unit.key.id for unit in one.units}:
            return [Reason("availability.no_such_unit", {}, "unit")]
        return lanes.reasons_against(one.hours, span, outside=outside, unit_id=unit_id)
    if not any(exception.unit_id for exception in one.hours.exceptions):
        return lanes.reasons_against(one.hours, span, outside=outside)
    found = [
        lanes.reasons_against(one.hours, span, outside=outside, unit_id=unit.key.id) for unit in one.units
    ]
    return min(found, key=len)


def booked_near(
    key: HostKey, span: TimeSpan, unit_id: UUID | None, now: datetime, ignore: UUID | None = None
) -> tuple[TimeSpan, ...]:
    """Booked time of a resource in a span, set-up and tear-down left out, on one unit or on any."""
    kinds = (OccupancyKind.BOOKING, OccupancyKind.HOLD)
    return tuple(
        proper
        for held in occupancy_store.occupancies(reading(), [key], span).get(key, ())
        if held.kind in kinds
        and held.in_force(now)
        and held.holder_id != ignore
        and unit_id in (None, held.unit_id)
        and (proper := held.proper) is not None
    )


def now_in(zone_name: str) -> datetime:
    return clock.now().astimezone(zone(zone_name))
