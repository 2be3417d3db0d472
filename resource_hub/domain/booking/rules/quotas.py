"""Booking quotas per person or customer (pure).

Time is counted where it lies: a booking over midnight counts in both days, one over several weeks in each of them,
and with named hours only what lies in them. A booking as such is counted in the period in which its counted time
begins. What was missed counts as used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from resource_hub.domain.availability.rules.named_hours import inside
from resource_hub.domain.availability.rules.sentences import counted_per
from resource_hub.domain.availability.terms import (
    HouseDocument,
    NamedHours,
    Quota,
    QuotaFor,
    QuotaMeasure,
    QuotaPer,
    QuotaPeriod,
)
from resource_hub.domain.booking.terms import COUNTED, FINAL, HOLDING, BookingFacts, OwnTime
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan, intersect, local_day, midnight, total_seconds, zone


def period_of(day: date, period: QuotaPeriod) -> tuple[date, date]:
    """First day of the period and the day after its last. Weeks begin on Monday."""
    if period is QuotaPeriod.WEEK:
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=7)
    if period is QuotaPeriod.MONTH:
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)
    return day, day + timedelta(days=1)


def periods(span: TimeSpan, period: QuotaPeriod, zone_name: str) -> Iterator[TimeSpan]:
    """The periods that a span touches, as spans of the host's calendar."""
    tz = zone(zone_name)
    day = local_day(span.start, tz)
    while True:
        first, after = period_of(day, period)
        found = TimeSpan(midnight(first, tz), midnight(after, tz))
        yield found
        if found.end >= span.end:
            return
        day = after


@dataclass(frozen=True, slots=True)
class _Measure:
    """How one quota counts."""

    quota: Quota
    hours: tuple[NamedHours, ...]
    zone: str

    @property
    def limit(self) -> int:
        return self.quota.limit * 60 if self.in_time else self.quota.limit

    @property
    def in_time(self) -> bool:
        return self.quota.measure is QuotaMeasure.MINUTES

    def counted(self, span: TimeSpan) -> list[TimeSpan]:
        return inside(self.hours, span, self.zone) if self.quota.inside else [span]

    def whole(self, span: TimeSpan) -> int:
        parts = self.counted(span)
        return total_seconds(parts) if self.in_time else int(bool(parts))

    def part(self, span: TimeSpan, period: TimeSpan) -> int:
        both = span.intersection(period)
        if both is None:
            return 0
        if not self.quota.inside:
            return both.seconds if self.in_time else int(period.contains(span.start))
        parts = self.counted(span)
        if self.in_time:
            return total_seconds(intersect(parts, [period]))
        return int(bool(parts) and period.contains(parts[0].start))


# So many days, weeks or months in which a quota is overstepped are named one by one.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Over:
    """A quota that an order oversteps: how much of it is used, and how much is asked for; in the period, if it has
    one."""

    measure: _Measure
    used: int
    asked: int
    period: TimeSpan | None = None

    @property
    def quota(self) -> Quota:
        return self.measure.quota

    @property
    def in_time(self) -> bool:
        return self.measure.in_time

    @property
    def limit(self) -> int:
        return self.measure.limit


def quota_reasons(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    for _quota, found in groupby(steps_over(facts, rules, now), key=lambda over: id(over.quota)):
        over = list(found)
        yield from map(_reason, over[:_NAMED])
        if len(over) > _NAMED:
            yield Reason("booking.quota_more", {"count": len(over) - _NAMED}, "time")


def steps_over(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Over]:
    """Each quota that an order oversteps, in the order of the rules: of days, weeks and months each that is full."""
    if facts.span is None:
        return
    for quota in rules.quotas:
        if not _binds(quota.whom, facts.outside):
            continue
        measure = _Measure(quota, rules.named_hours(quota.inside), facts.zone)
        own = [time for time in facts.own if _belongs(time, facts, quota)]
        if quota.period is QuotaPeriod.FUTURE:
            ahead = [time for time in own if time.span.end > now and time.state not in FINAL]
            over = Over(measure, sum(measure.whole(time.span) for time in ahead), measure.whole(facts.span))
        elif quota.period is QuotaPeriod.BOOKING:
            over = Over(measure, 0, measure.whole(facts.span))
        elif quota.period is QuotaPeriod.CONCURRENT:
            parts = measure.counted(facts.span)
            running = most_at_once(parts, [t.span for t in own if t.state in HOLDING])
            over = Over(measure, running, int(bool(parts)))
        else:
            for period in periods(facts.span, quota.period, facts.zone):
                used = sum(measure.part(time.span, period) for time in own)
                over = Over(measure, used, measure.part(facts.span, period), period)
                if _is_over(over):
                    yield over
            continue
        if _is_over(over):
            yield over


def _binds(whom: QuotaFor, outside: bool) -> bool:
    return whom is QuotaFor.ALL or (whom is QuotaFor.OUTSIDE) is outside


def _belongs(time: OwnTime, facts: BookingFacts, quota: Quota) -> bool:
    if quota.per is QuotaPer.PERSON:
        mine = time.person_id == facts.person_id
    else:
        mine = time.customer_id == facts.customer_id
    return mine and quota.reach in time.within and time.state in COUNTED


def most_at_once(parts: Iterable[TimeSpan], others: Iterable[TimeSpan]) -> int:
    """How many of the others run at the fullest moment of the parts."""
    others = list(others)
    most = 0
    for part in parts:
        edges = [(both.start, 1) for one in others if (both := one.intersection(part))]
        edges += [(both.end, -1) for one in others if (both := one.intersection(part))]
        running = 0
        for _, step in sorted(edges):
            running += step
            most = max(most, running)
    return most


def _is_over(over: Over) -> bool:
    return over.asked > 0 and over.used + over.asked > over.limit


def _reason(over: Over) -> Reason:
    measure, quota = over.measure, over.quota
    values: dict[str, object] = {"per": counted_per(quota, "booking.quota_per")}
    suffix = "_seconds" if measure.in_time else ""
    values |= {f"limit{suffix}": measure.limit, f"used{suffix}": over.used, f"asked{suffix}": over.asked}
    if over.period is not None:
        values["since"] = over.period.start.astimezone(zone(measure.zone)).date().isoformat()
    code = f"booking.quota_{quota.measure}_{quota.period}"
    if measure.hours:
        values["hours"] = {"zh": measure.hours[0].name_zh, "en": measure.hours[0].name_en}
        code += "_inside"
    return Reason(code, values, "time")
