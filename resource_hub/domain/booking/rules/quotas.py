"""Booking quotas per person or customer in periods of the host's calendar (pure).

Time is counted where it lies: a booking over midnight counts in both days, one over several weeks in each of them.
A booking is counted in the period in which it starts. What was missed counts as used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from resource_hub.domain.availability.terms import Quota, QuotaMeasure, QuotaPer, QuotaPeriod
from resource_hub.domain.booking.terms import COUNTED, FINAL, BookingFacts, OwnTime
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan, local_day, midnight, zone


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


def quota_reasons(facts: BookingFacts, quotas: Iterable[Quota], now: datetime) -> Iterator[Reason]:
    if facts.span is None:
        return
    for quota in quotas:
        own = [time for time in facts.own if _belongs(time, facts, quota.per)]
        if quota.period is QuotaPeriod.FUTURE:
            yield from _future(facts.span, own, quota, now)
            continue
        for period in periods(facts.span, quota.period, facts.zone):
            used, asked = _used(own, period, quota.measure), _part(facts.span, period, quota.measure)
            if asked and used + asked > _limit(quota):
                yield _reason(quota, used, asked, period, facts.zone)


def _belongs(time: OwnTime, facts: BookingFacts, per: QuotaPer) -> bool:
    mine = (
        time.person_id == facts.person_id if per is QuotaPer.PERSON else time.customer_id == facts.customer_id
    )
    return mine and time.state in COUNTED


def _limit(quota: Quota) -> int:
    return quota.limit * 60 if quota.measure is QuotaMeasure.MINUTES else quota.limit


def _part(span: TimeSpan, period: TimeSpan, measure: QuotaMeasure) -> int:
    if measure is QuotaMeasure.BOOKINGS:
        return int(period.contains(span.start))
    inside = span.intersection(period)
    return inside.seconds if inside else 0


def _used(own: Iterable[OwnTime], period: TimeSpan, measure: QuotaMeasure) -> int:
    return sum(_part(time.span, period, measure) for time in own)


def _future(span: TimeSpan, own: list[OwnTime], quota: Quota, now: datetime) -> Iterator[Reason]:
    ahead = [time for time in own if time.span.end > now and time.state not in FINAL]
    if quota.measure is QuotaMeasure.BOOKINGS:
        used, asked = len(ahead), 1
    else:
        used, asked = sum(time.span.seconds for time in ahead), span.seconds
    if used + asked > _limit(quota):
        yield _reason(quota, used, asked, None, "")


def _reason(quota: Quota, used: int, asked: int, period: TimeSpan | None, zone_name: str) -> Reason:
    values: dict[str, object] = {"per": {"word": ["booking.quota_per", quota.per.value]}}
    suffix = "_seconds" if quota.measure is QuotaMeasure.MINUTES else ""
    values |= {f"limit{suffix}": _limit(quota), f"used{suffix}": used, f"asked{suffix}": asked}
    if period is not None:
        values["since"] = period.start.astimezone(zone(zone_name)).date().isoformat()
    return Reason(f"booking.quota_{quota.measure}_{quota.period}", values, "time")
