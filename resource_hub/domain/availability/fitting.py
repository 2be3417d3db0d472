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
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    Subquery,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy import union_all as union
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationKind, OrganisationRecord
from resource_hub.domain.availability import occupancy_store, planning
from resource_hub.domain.availability.errors import InvalidWish
from resource_hub.domain.availability.rules import hours as hour_rules
from resource_hub.domain.availability.rules.ahead import bookers, within_horizon
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
    now = clock.now()
    hosts: dict[str, list[UUID]] = defaultdict(list)
    known = {host.id: host for host in accounts.organisations(kind=OrganisationKind.INSTITUTION)}
    for host in known.values():
        hosts[host.zone].append(host.id)
    waits = _waits(known, now)
    selects: list[Any] = []
    for name, ids in sorted(hosts.items()):
        binding = _binding(name, waits, now)
        own = ids if len(hosts) > 1 else None
        if spans := parts(wish, name, now):
            selects.append(_of_zone(wish, spans, own, binding))
        if binding is not None and (days := _runs_of_days(wish, zone(name))):
            selects.append(_by_day(wish, days, own, binding))
    whole: Any = union(*selects) if selects else _nothing()
    rows = whole.subquery()
    first = func.min(rows.c.at, type_=Instant())
    chosen = select(rows.c.institution_id, rows.c.resource_id, first.label("at")).group_by(
        rows.c.institution_id, rows.c.resource_id
    )
    inner = chosen.subquery()
    return select(inner, _micros(inner.c.at).label("at_micros")).subquery("fitting")


# ---- house rules that every window is held against -----------------------------------------------------------------

_LEAD = func.coalesce(HouseRules.document[("lead", "all")].as_integer(), 0)
_LEAD_DAYS = func.coalesce(HouseRules.document["lead_days"].as_integer(), 0)
_BY_DAY = func.coalesce(HouseRules.document["step"].as_integer(), 0) == BY_DAY
_BINDS = or_(_LEAD > 0, _LEAD_DAYS > 0, _BY_DAY)


def _waits(
    hosts: Mapping[UUID, OrganisationRecord], now: datetime
) -> dict[tuple[UUID, int], datetime] | None:
    """The midnight that each lead in working days leaves open, by host; None where no house has a rule that every
    window must be held against."""
    t = HouseRules
    rows = reading().execute(select(t.institution_id, _LEAD_DAYS).where(_BINDS).distinct()).all()
    if not rows:
        return None
    found = {}
    for host, days in rows:
        earliest = planning.earliest_day(hosts[host], days, now) if host in hosts else None
        if earliest is not None:
            found[host, days] = midnight(earliest, zone(hosts[host].zone))
    return found


def _binding(
    zone_name: str, waits: Mapping[tuple[UUID, int], datetime] | None, now: datetime
) -> Subquery | None:
    """Resources with such rules in force today: the first moment that they leave open, and whether they are booked by
    the day."""
    if waits is None:
        return None
    t, newer = HouseRules, aliased(HouseRules)
    today = local_day(now, zone(zone_name))
    in_force = (
        select(func.max(newer.since))
        .where(
            newer.institution_id == t.institution_id, newer.resource_id == t.resource_id, newer.since <= today
        )
        .correlate(t)
        .scalar_subquery()
    )
    if _postgresql():
        first: Any = _moment(now) + func.make_interval(0, 0, 0, 0, 0, _LEAD)
    else:
        first = literal(micros(now), BigInteger) + _LEAD * 60_000_000
    first = type_coerce(first, Instant())
    if waits:
        cases = (
            (and_(t.institution_id == host, literal(days) == _LEAD_DAYS), _moment(opens))
            for (host, days), opens in waits.items()
        )
        first = _later(first, case(*cases, else_=_moment(now)))
    return (
        select(t.institution_id, t.resource_id, first.label("first"), _BY_DAY.label("by_day"))
        .where(_BINDS, t.since == in_force)
        .subquery()
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


def _of_zone(
    wish: Wish, spans: Sequence[TimeSpan], hosts: Sequence[UUID] | None, binding: Subquery | None
) -> Any:
    """Windows of hosts of one zone, each with the first moment at which it fits. ``spans`` are in order."""
    t = FreeWindow
    length = timedelta(seconds=wish.seconds)
    opens = t.starts_at if binding is None else _opens(binding)
    begin: Any = case(*((opens <= _moment(s.end - length), _later(opens, _moment(s.start))) for s in spans))
    begin = type_coerce(begin, Instant())
    if _postgresql():
        room: Any = t.ends_at - func.make_interval(0, 0, 0, 0, 0, 0, wish.seconds)
    else:
        room = type_coerce(t.ends_at, BigInteger) - wish.seconds * 1_000_000
    statement = select(t.institution_id, t.resource_id, begin.label("at")).where(
        *_of_hosts(wish, hosts),
        t.starts_at <= _moment(spans[-1].end - length),
        t.ends_at >= _moment(spans[0].start + length),
        type_coerce(begin, BigInteger) <= room if not _postgresql() else begin <= room,
    )
    if binding is None:
        return statement
    statement = statement.select_from(FreeWindow.__table__.outerjoin(binding, _same(binding)))
    if wish.seconds % 86400 == 0:
        statement = statement.where(func.coalesce(binding.c.by_day, false()).is_(False))
    return statement


def _by_day(wish: Wish, runs: Sequence[TimeSpan], hosts: Sequence[UUID] | None, binding: Subquery) -> Any:
    """Windows of what is booked by the day, each with the first midnight from which so many days are free: calendar
    days of the host, also where a change of the clock makes one of them longer or shorter."""
    t = FreeWindow
    opens = _opens(binding)
    begin = type_coerce(case(*((opens <= _moment(run.start), _moment(run.start)) for run in runs)), Instant())
    end = type_coerce(case(*((opens <= _moment(run.start), _moment(run.end)) for run in runs)), Instant())
    return (
        select(t.institution_id, t.resource_id, begin.label("at"))
        .select_from(FreeWindow.__table__.join(binding, _same(binding)))
        .where(
            *_of_hosts(wish, hosts),
            binding.c.by_day,
            t.starts_at <= _moment(runs[-1].start),
            t.ends_at >= _moment(runs[0].end),
            end <= t.ends_at,
        )
    )


def _opens(binding: Subquery) -> ColumnElement[Any]:
    """From when on a window counts."""
    start = FreeWindow.starts_at
    return _later(start, func.coalesce(binding.c.first, start, type_=Instant()))


def _same(binding: Subquery) -> ColumnElement[bool]:
    t = FreeWindow
    return and_(binding.c.institution_id == t.institution_id, binding.c.resource_id == t.resource_id)


def _of_hosts(wish: Wish, hosts: Sequence[UUID] | None) -> list[ColumnElement[bool]]:
    found = [_audience(wish)]
    return found if hosts is None else [FreeWindow.institution_id.in_(hosts), *found]


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
            allowed(
                plan.rules,
                wish.seconds,
                laid,
                plan.zone,
                now,
                outside=outside,
                customer_id=one,
                earliest=opens,
            )
            for one in bookers(plan.rules, wish.customers)
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
) -> list[TimeSpan]:
    """What is left of some spans under the rules of the house about length, lead and horizon. ``customer_id``: for
    whom; None is anybody whom no row names. ``earliest``: the first day that a lead in working days leaves open."""
    if (
        seconds < rules.least * 60
        or (rules.most and seconds > rules.most * 60)
        or seconds % (rules.step * 60)
    ):
        return []
    tz = zone(zone_name)
    opens = now + timedelta(minutes=rules.lead_for("all"))
    if earliest is not None:
        opens = max(opens, midnight(earliest, tz))
    # The last day on which it may begin; it may end later.
    latest = midnight(local_day(now, tz) + timedelta(days=rules.farthest_days + 1), tz) + timedelta(
        seconds=seconds
    )
    if latest <= opens:
        return []
    whole = TimeSpan(opens, latest)
    fit = [whole]
    if rules.ahead:
        fit = within_horizon(rules, whole, zone_name, now, outside=outside, customer_id=customer_id)
    return hour_rules.intersect(spans, fit)
