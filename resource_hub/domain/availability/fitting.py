"""Resources that are free for so long, on some days and in a part of the day: all of them in one pass over the kept
windows, and exactly, by opening hours and house rules, for the few that a page shows.

The part of the day is laid out beforehand as spans in UTC, one a day, for each zone in which hosts live. A window
fits at the first of these spans that leaves room for it after the window's start; when it does not fit there, it fits
nowhere later. So one CASE over the window's start decides, whatever the clock does in between. Where house rules keep
people from booking at once a window counts from the first moment that they leave open, so that what is soonest comes
first; what is booked by the day begins at a midnight and ends at one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    BigInteger,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy import union_all as union
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationKind
from resource_hub.domain.availability import occupancy_store, planning
from resource_hub.domain.availability.errors import InvalidWish
from resource_hub.domain.availability.rules import hours as hour_rules
from resource_hub.domain.availability.rules.ahead import bookers, within_horizon
from resource_hub.domain.availability.rules.document import MOST_LEAD_DAYS
from resource_hub.domain.availability.store import unit_table
from resource_hub.domain.availability.tables import FreeWindow, HouseRules
from resource_hub.domain.availability.terms import (
    BY_DAY,
    FIRST_YEAR,
    LAST_YEAR,
    Audience,
    FreeTime,
    Held,
    HouseDocument,
    Wish,
)
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.types import Instant, micros
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, at, local_day, merge, midnight, zone

MOST_DAYS = 62
LEAST_SECONDS = 300
MOST_SECONDS = 31 * 86400
# Most leads are of so many working days or less, and most resources have a time within so long after it.
_USUAL_LEAD = 2
_NEAR = timedelta(days=2)


def checked(wish: Wish) -> None:
    """Refuse what cannot be meant.

    Raises:
        InvalidWish: with every fault at its field.
    """
    faults = []
    if not FIRST_YEAR <= min(wish.first, wish.last).year <= max(wish.first, wish.last).year <= LAST_YEAR:
        faults.append(Reason("availability.wish_year", {"first": FIRST_YEAR, "last": LAST_YEAR}, "from"))
    elif wish.last < wish.first:
        faults.append(Reason("availability.wish_days", {}, "until"))
    elif (wish.last - wish.first).days >= MOST_DAYS:
        faults.append(Reason("availability.wish_too_many_days", {"most": MOST_DAYS}, "until"))
    if not LEAST_SECONDS <= wish.seconds <= MOST_SECONDS:
        faults.append(Reason("availability.wish_length", {"least": 5, "most_days": 31}, "length"))
    if not (0 <= wish.starts < 1440 and wish.starts < wish.ends <= wish.starts + 1440):
        faults.append(Reason("availability.wish_part", {}, "part"))
    elif not wish.whole_days and wish.seconds > (wish.ends - wish.starts) * 60:
        faults.append(Reason("availability.wish_longer_than_part", {}, "length"))
    if faults:
        raise InvalidWish(*faults)


def parts(wish: Wish, zone_name: str, now: datetime) -> list[TimeSpan]:
    """The spans of a zone in which the time may lie, from now on; too short ones are left out."""
    tz = zone(zone_name)
    days = [wish.first + timedelta(days=n) for n in range((wish.last - wish.first).days + 1)]
    if wish.whole_days:
        laid = [(at(wish.first, 0, tz), at(wish.last + timedelta(days=1), 0, tz))]
    else:
        laid = [(at(day, wish.starts, tz), at(day, wish.ends, tz)) for day in days]
    length = timedelta(seconds=wish.seconds)
    found = [(max(start, now), end) for start, end in laid if max(start, now) + length <= end]
    return merge(TimeSpan(start, end) for start, end in found if start < end)


def fitting(wish: Wish) -> Subquery:
    """One row a resource that fits: its key, ``at``, the first moment, and ``at_micros``, the same as a number.

    Raises:
        InvalidWish
    """
    checked(wish)
    calendars = _calendars(wish, clock.now())
    found = (_in_one_pass if _postgresql() else _unit_by_unit)(calendars)
    inner = (found if found is not None else _nothing()).subquery()
    return select(inner, _micros(inner.c.at).label("at_micros")).subquery("fitting")


@dataclass(frozen=True, slots=True)
class _Calendar:
    """What is looked for at the hosts of one zone and country.

    Attributes:
        hosts: their ids; None for all that there are.
        spans: in which a time may lie, in order.
        runs: of calendar days that may be had together, in order, where whole days are looked for.
        leads: resources whose house rules in force every window is held against: the first moment that they leave
            open, and whether they are booked by the day.
        near: when most resources have had their first time.
    """

    wish: Wish
    hosts: tuple[UUID, ...] | None
    spans: tuple[TimeSpan, ...]
    runs: tuple[TimeSpan, ...]
    leads: CTE
    near: datetime

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.wish.seconds)

    @property
    def soon(self) -> _Calendar:
        """The same up to the time that is near."""
        first = TimeSpan(datetime.min.replace(tzinfo=UTC), self.near + self.length)
        spans = hour_rules.intersect(self.spans, [first])
        return replace(self, spans=tuple(spans), runs=tuple(r for r in self.runs if r.start <= self.near))

    def of_hosts(self, institution: Any) -> list[ColumnElement[bool]]:
        return [] if self.hosts is None else [institution.in_(self.hosts)]


def _calendars(wish: Wish, now: datetime) -> list[_Calendar]:
    """One for each zone and country in which hosts live, as far as anything there is left of the wish."""
    hosts: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    for host in accounts.organisations(kind=OrganisationKind.INSTITUTION):
        hosts[host.zone, planning.country(host.jurisdiction)].append(host.id)
    found = []
    for n, ((zone_name, country), ids) in enumerate(sorted(hosts.items())):
        spans = parts(wish, zone_name, now)
        runs = [run for run in _runs_of_days(wish, zone(zone_name)) if run.start >= now]
        if not spans and not runs:
            continue
        own = tuple(ids) if len(hosts) > 1 else None
        opens = _after_working_days(wish, zone_name, country, now)
        starts = min(one[0].start for one in (spans, runs) if one)
        near = max([starts, *opens[:_USUAL_LEAD]]) + _NEAR
        leads = _leads(wish.mode, own, opens, zone_name, now).cte(f"leads_{n}")
        found.append(_Calendar(wish, own, tuple(spans), tuple(runs), leads.prefix_with("MATERIALIZED"), near))
    return found


def _in_one_pass(calendars: Sequence[_Calendar]) -> Any:
    """Over all windows at once, as PostgreSQL is quick at: first those of the days that are near, where most resources
    have a time, then all of them for the resources that are left. Putting windows together by resource costs five
    times as much as reading them."""
    soon = [one.soon for one in calendars]
    first = _firsts([statement for one in soon for statement in _of_windows(one, one.leads, outer=True)])
    if first is None or soon == list(calendars):
        return first
    near = first.cte("near").prefix_with("MATERIALIZED")
    t = unit_table.c
    known = select(near.c.resource_id).where(
        near.c.institution_id == t.institution_id, near.c.resource_id == t.resource_id
    )
    later = []
    for n, one in enumerate(calendars):
        # Once for each unit: DISTINCT would hide from the planner how many they are, and it would sort every window.
        rest = (
            select(t.institution_id, t.resource_id, one.leads.c.first, one.leads.c.by_day)
            .select_from(unit_table.outerjoin(one.leads, _same(t, one.leads)))
            .where(*one.of_hosts(t.institution_id), ~known.exists())
            .cte(f"rest_{n}")
            .prefix_with("MATERIALIZED")
        )
        later += _of_windows(one, rest, outer=False)
    return union(select(near), _firsts(later))


def _of_windows(one: _Calendar, leads: CTE, *, outer: bool) -> list[Any]:
    """Windows with the first moment at which each fits; ``outer``: also those of resources not in ``leads``."""
    t = FreeWindow.__table__
    found = []
    for begin, conditions in _ways_to_fit(one, leads):
        found.append(
            select(t.c.institution_id, t.c.resource_id, begin.label("at"))
            .select_from(t.join(leads, _same(t.c, leads), isouter=outer))
            .where(*one.of_hosts(t.c.institution_id), *conditions)
        )
    return found


def _unit_by_unit(calendars: Sequence[_Calendar]) -> Any:
    """The first window of each unit that fits, looked up by itself, as SQLite is quick at: windows of a unit do not
    overlap, so what ends first begins first."""
    t, w = unit_table.c, FreeWindow
    found = []
    for n, one in enumerate(calendars):
        units = (
            select(t.institution_id, t.resource_id, t.id, one.leads.c.first, one.leads.c.by_day)
            .select_from(unit_table.outerjoin(one.leads, _same(t, one.leads)))
            .where(*one.of_hosts(t.institution_id))
            .cte(f"units_{n}")
            .prefix_with("MATERIALIZED")
        )
        for begin, conditions in _ways_to_fit(one, units):
            at = (
                select(begin)
                .where(_same(units.c, w), w.unit_id == units.c.id, *conditions)
                .order_by(w.ends_at)
                .limit(1)
                .correlate(units)
                .scalar_subquery()
            )
            found.append(select(units.c.institution_id, units.c.resource_id, at.label("at")))
    return _firsts(found)


def _firsts(statements: Sequence[Any]) -> Any:
    """The first moment of each resource in some statements; None where there are none."""
    if not statements:
        return None
    rows = union(*statements).subquery()
    first = func.min(rows.c.at, type_=Instant())
    return (
        select(rows.c.institution_id, rows.c.resource_id, first.label("at"))
        .group_by(rows.c.institution_id, rows.c.resource_id)
        .having(first.is_not(None))
    )


# ---- house rules that every window is held against -----------------------------------------------------------------


def _after_working_days(wish: Wish, zone_name: str, country: str, now: datetime) -> list[datetime]:
    """The midnight that a lead of one working day leaves open, of two, and so on, as far as the wish reaches: no part
    of its last day ends later than the day after it."""
    tz = zone(zone_name)
    last = wish.last + timedelta(days=2)
    return [
        midnight(day, tz) for day in planning.working_days(country, local_day(now, tz), last, MOST_LEAD_DAYS)
    ]


def _leads(
    mode: str, hosts: Sequence[UUID] | None, opens: Sequence[datetime], zone_name: str, now: datetime
) -> Select[Any]:
    """Resources with such rules in force today."""
    t, newer = HouseRules, aliased(HouseRules)
    today = local_day(now, zone(zone_name))
    document = t.document
    lead = func.coalesce(*(document[("lead", one)].as_integer() for one in dict.fromkeys((mode, "all"))), 0)
    if _postgresql():
        first: Any = _moment(now) + func.make_interval(0, 0, 0, 0, 0, lead)
    else:
        first = literal(micros(now), BigInteger) + lead * 60_000_000
    # Who asks for more working days than these has nothing open in the time of the wish.
    never = datetime.max.replace(tzinfo=UTC)
    days = dict(enumerate(map(_moment, [now, *opens])))
    number = func.coalesce(document["lead_days"].as_integer(), 0)
    working = case(days, value=number, else_=_moment(never))
    superseded = select(newer.id).where(
        newer.institution_id == t.institution_id,
        newer.resource_id == t.resource_id,
        newer.since > t.since,
        newer.since <= today,
    )
    return select(
        t.institution_id,
        t.resource_id,
        _later(type_coerce(first, Instant()), working).label("first"),
        (func.coalesce(document["step"].as_integer(), 0) == BY_DAY).label("by_day"),
    ).where(
        t.binds,
        t.since <= today,
        ~superseded.exists(),
        *([] if hosts is None else [t.institution_id.in_(hosts)]),
    )


def _runs_of_days(wish: Wish, tz: ZoneInfo) -> list[TimeSpan]:
    """Every run of calendar days of the length that is wished for, in order; none where that is no number of days."""
    count, rest = divmod(wish.seconds, 86400)
    if rest:
        return []
    whole = TimeSpan(midnight(wish.first, tz), midnight(wish.last + timedelta(days=1), tz))
    return list(hour_rules.whole_days(whole, count, tz))


def _nothing() -> Any:
    t = FreeWindow
    return select(t.institution_id, t.resource_id, t.starts_at.label("at")).where(literal(False))


def _postgresql() -> bool:
    return reading().get_bind().dialect.name == "postgresql"


def _micros(moment: Any) -> ColumnElement[Any]:
    if _postgresql():
        return func.floor(func.extract("epoch", moment) * 1_000_000).cast(BigInteger)
    return type_coerce(moment, BigInteger)


def _moment(value: datetime) -> ColumnElement[Any]:
    return bindparam(None, value, type_=Instant())


def _later(left: Any, right: Any) -> ColumnElement[Any]:
    if _postgresql():
        return func.greatest(left, right, type_=Instant())
    return func.max(left, right, type_=Instant())


def _ways_to_fit(
    one: _Calendar, leads: CTE
) -> Iterator[tuple[ColumnElement[Any], list[ColumnElement[bool]]]]:
    """When a window fits and from which moment on: by the hour, and what is booked by the day by the day."""
    if one.spans:
        yield _by_hour(one, leads)
    if one.runs:
        yield _by_day(one, leads)


def _by_hour(one: _Calendar, leads: CTE) -> tuple[ColumnElement[Any], list[ColumnElement[bool]]]:
    t, spans = FreeWindow, one.spans
    opens = _opens(leads)
    begin: Any = type_coerce(
        case(*((opens <= _moment(s.end - one.length), _later(opens, _moment(s.start))) for s in spans)),
        Instant(),
    )
    conditions = [
        _audience(one.wish),
        t.starts_at <= _moment(spans[-1].end - one.length),
        t.ends_at >= _moment(spans[0].start + one.length),
        _fits(t.starts_at, one.length),
        _fits(begin, one.length),
    ]
    if one.wish.seconds % 86400 == 0:
        conditions.append(func.coalesce(leads.c.by_day, false()).is_(False))
    return begin, conditions


def _by_day(one: _Calendar, leads: CTE) -> tuple[ColumnElement[Any], list[ColumnElement[bool]]]:
    """From the first midnight on from which so many days are free: calendar days of the host, also where a change of
    the clock makes one of them longer or shorter."""
    t, runs = FreeWindow, one.runs
    opens = _opens(leads)
    begin = type_coerce(case(*((opens <= _moment(run.start), _moment(run.start)) for run in runs)), Instant())
    end = type_coerce(case(*((opens <= _moment(run.start), _moment(run.end)) for run in runs)), Instant())
    return begin, [
        _audience(one.wish),
        leads.c.by_day,
        t.starts_at <= _moment(runs[-1].start),
        t.ends_at >= _moment(runs[0].end),
        _fits(t.starts_at, min(run.end - run.start for run in runs)),
        end <= t.ends_at,
    ]


def _fits(begin: Any, length: timedelta) -> ColumnElement[bool]:
    """There is so much of a window after a moment. Said of its start as well, before any rules are looked at: what is
    too short is left out sooner."""
    t, seconds = FreeWindow, int(length.total_seconds())
    if _postgresql():
        return begin <= t.ends_at - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    return type_coerce(begin, BigInteger) <= type_coerce(t.ends_at, BigInteger) - seconds * 1_000_000


def _opens(leads: CTE) -> ColumnElement[Any]:
    """From when on a window counts."""
    start = FreeWindow.starts_at
    return _later(start, func.coalesce(leads.c.first, start, type_=Instant()))


def _same(columns: Any, other: Any) -> ColumnElement[bool]:
    """Of the same resource."""
    its = getattr(other, "c", other)
    return and_(columns.institution_id == its.institution_id, columns.resource_id == its.resource_id)


def _audience(wish: Wish) -> ColumnElement[bool]:
    """Everybody is from outside except at hosts of their own."""
    t = FreeWindow
    if not wish.inside:
        return t.audience == Audience.OUTSIDE.value
    own = t.institution_id.in_(sorted(wish.inside))
    return ((t.audience == Audience.OUTSIDE.value) & ~own) | and_(t.audience == Audience.ALL.value, own)


def first_fits(
    keys: Sequence[HostKey], wish: Wish, together: Mapping[HostKey, Sequence[HostKey]] | None = None
) -> dict[HostKey, FreeTime]:
    """The first time of each resource that opening hours, what holds its units and the length, step, lead and horizon
    of its house rules allow; resources without one are left out. As many queries for one as for a page of them.

    ``together`` names what always is booked with a resource: each of these has to be free at that time as well.
    """
    checked(wish)
    together = together or {}
    if not keys:
        return {}
    now = clock.now()
    span = TimeSpan(
        datetime.combine(wish.first, datetime.min.time(), tzinfo=now.tzinfo) - timedelta(days=1),
        datetime.combine(wish.last, datetime.min.time(), tzinfo=now.tzinfo) + timedelta(days=3),
    )
    whole = list(dict.fromkeys([*keys, *(one for key in keys for one in together.get(key, ()))]))
    plans = planning.plans(whole, span)
    held = occupancy_store.occupancies(reading(), whole, span.widened(86400, 86400))
    hosts = accounts.organisation_names({key.institution_id for key in keys})
    found = {}
    for key in keys:
        plan = plans[key]
        outside = key.institution_id not in wish.inside
        companions = [
            _free_of_units(plans[one], held.get(one, ()), span, now, outside=outside)
            for one in together.get(key, ())
        ]
        days = plan.rules.by_day and wish.seconds % 86400 == 0
        laid = merge(_runs_of_days(wish, zone(plan.zone))) if days else parts(wish, plan.zone, now)
        opens = planning.earliest_day(hosts[key.institution_id], plan.rules.lead_days, now)
        # Who books for several customers may take any time that one of them may.
        suits = [
            spans
            for one in bookers(plan.rules, wish.customers)
            for spans in allowed(
                plan.rules,
                wish.seconds,
                laid,
                plan.zone,
                now,
                outside=outside,
                customer_id=one,
                earliest=opens,
                mode=wish.mode,
            )
        ]
        last = local_day(now, zone(plan.zone)) + timedelta(days=plan.rules.farthest_days)
        beyond = midnight(last + timedelta(days=1), zone(plan.zone))
        best: FreeTime | None = None
        for unit_id, free in _free_of_units(plan, held.get(key, ()), span, now, outside=outside).items():
            for spans in suits:
                found_starts = starts(hour_rules.intersect(free, spans), wish.seconds, plan)
                in_time = (one for one in found_starts if one.start < beyond and _all_free(companions, one))
                first = next(in_time, None)
                if first is not None and (best is None or first < best.span):
                    best = FreeTime(key, unit_id, first)
        if best is not None:
            found[key] = best
    return found


def _free_of_units(
    plan: planning.Plan, held: Sequence[Held], span: TimeSpan, now: datetime, *, outside: bool
) -> dict[UUID, list[TimeSpan]]:
    """When each unit is open and not held, margins off, in the order of the units."""
    found = {}
    for unit in plan.units:
        own = [h for h in held if h.unit_id == unit.key.id]
        found[unit.key.id] = hour_rules.free(
            hour_rules.windows(plan.hours, span, outside=outside, unit_id=unit.key.id),
            hour_rules.held_by_others(own, now),
            plan.rules.setup_seconds,
            plan.rules.teardown_seconds,
        )
    return found


def _all_free(companions: Sequence[Mapping[UUID, Sequence[TimeSpan]]], span: TimeSpan) -> bool:
    """Each of them has a unit that is free for the whole span."""
    return all(any(free.contains(span) for spans in units.values() for free in spans) for units in companions)


def starts(spans: Sequence[TimeSpan], seconds: int, plan: planning.Plan) -> Iterator[TimeSpan]:
    """Spans of the length, on the step of the house rules; by whole days of the calendar where those go by the day."""
    if not plan.rules.by_day:
        yield from hour_rules.aligned_starts(spans, seconds, plan.rules.step, plan.zone)
        return
    days = hour_rules.days_in(seconds)
    for span in spans if days else ():
        yield from hour_rules.whole_days(span, days, zone(plan.zone))


def allowed(
    rules: HouseDocument,
    seconds: int,
    spans: Sequence[TimeSpan],
    zone_name: str,
    now: datetime,
    *,
    outside: bool,
    customer_id: UUID | None = None,
    earliest: date | None = None,
    mode: str = "all",
) -> list[list[TimeSpan]]:
    """What is left of some spans under the rules of the house about length, lead and horizon, each list for itself: a
    time lies in one of them.

    ``customer_id``: for whom; None is anybody whom no row names. ``earliest``: the first day that a lead in working
    days leaves open. ``mode``: the one whose lead counts.
    """
    if (
        seconds < rules.least * 60
        or (rules.most and seconds > rules.most * 60)
        or seconds % (rules.step * 60)
    ):
        return []
    tz = zone(zone_name)
    opens = now + timedelta(minutes=rules.lead_for(mode))
    if earliest is not None:
        opens = max(opens, midnight(earliest, tz))
    # The last day on which it may begin; it may end later.
    latest = midnight(local_day(now, tz) + timedelta(days=rules.farthest_days + 1), tz) + timedelta(
        seconds=seconds
    )
    if latest <= opens:
        return []
    whole = TimeSpan(opens, latest)
    fit = [[whole]]
    if rules.ahead:
        fit = within_horizon(rules, whole, seconds, zone_name, now, outside=outside, customer_id=customer_id)
    return [hour_rules.intersect(spans, one) for one in fit]
