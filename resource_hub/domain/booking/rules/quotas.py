"""Booking quotas per person or customer (pure).

Time is counted where it lies: a booking over midnight counts in both days, one over several weeks in each of them,
and with named hours only what lies in them. A booking as such is counted in the period in which its counted time
begins. What was missed counts as used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

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


def quota_reasons(facts: BookingFacts, rules: HouseDocument, now: datetime) -> Iterator[Reason]:
    if facts.span is None:
        return
    for quota in rules.quotas:
        if not _binds(quota.whom, facts.outside):
            continue
        measure = _Measure(quota, rules.named_hours(quota.inside), facts.zone)
        own = [time for time in facts.own if _belongs(time, facts, quota)]
        if quota.period is QuotaPeriod.FUTURE:
            ahead = [time for time in own if time.span.end > now and time.state not in FINAL]
            found = sum(measure.whole(time.span) for time in ahead), measure.whole(facts.span), None
        elif quota.period is QuotaPeriod.BOOKING:
            found = 0, measure.whole(facts.span), None
        elif quota.period is QuotaPeriod.CONCURRENT:
            parts = measure.counted(facts.span)
            found = most_at_once(parts, [t.span for t in own if t.state in HOLDING]), int(bool(parts)), None
        else:
            over = [
                reason
                for period in periods(facts.span, quota.period, facts.zone)
                for reason in _over(
                    measure,
                    sum(measure.part(time.span, period) for time in own),
                    measure.part(facts.span, period),
                    period,
                )
            ]
            yield from over[:_NAMED]
            if len(over) > _NAMED:
                yield Reason("booking.quota_more", {"count": len(over) - _NAMED}, "time")
            continue
        yield from _over(measure, *found)


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


def _over(measure: _Measure, used: int, asked: int, period: TimeSpan | None) -> Iterator[Reason]:
    if not asked or used + asked <= measure.limit:
        return
    quota = measure.quota
    values: dict[str, object] = {"per": counted_per(quota, "booking.quota_per")}
    suffix = "_seconds" if measure.in_time else ""
    values |= {f"limit{suffix}": measure.limit, f"used{suffix}": used, f"asked{suffix}": asked}
    if period is not None:
        values["since"] = period.start.astimezone(zone(measure.zone)).date().isoformat()
    code = f"booking.quota_{quota.measure}_{quota.period}"
    if measure.hours:
        values["hours"] = {"zh": measure.hours[0].name_zh, "en": measure.hours[0].name_en}
        code += "_inside"
    yield Reason(code, values, "time")
