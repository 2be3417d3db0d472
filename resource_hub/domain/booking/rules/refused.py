"""How far the reason against one time reaches: between two moments no other time as long as it would do either (pure).

Who looks for a time passes over all of that at once, instead of asking for every five minutes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from resource_hub.domain.availability.terms import HouseDocument, QuotaPeriod
from resource_hub.domain.booking.rules.quotas import steps_over
from resource_hub.domain.booking.terms import FINAL, BookingFacts
from resource_hub.kernel.time import TimeSpan, local_day, midnight, zone

_EVER = TimeSpan(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_SECOND = timedelta(seconds=1)


def refused_around(facts: BookingFacts, rules: HouseDocument, now: datetime) -> TimeSpan:
    """The longest stretch of starts around that of a refused time at which a time of its length is refused as well, as
    far as that can be told; at least its own start."""
    assert facts.span is not None
    own = TimeSpan(facts.span.start, facts.span.start + _SECOND)
    if rules.by_day:
        return own  # days are not equally long
    found = (one for one in _stretches(facts, facts.span, rules, now) if one.contains(facts.span.start))
    return max((own, *found), key=lambda one: one.end - one.start)


def _stretches(
    facts: BookingFacts, span: TimeSpan, rules: HouseDocument, now: datetime
) -> Iterator[TimeSpan]:
    length, tz = span.end - span.start, zone(facts.zone)
    if not rules.ahead:
        beyond = midnight(local_day(now, tz) + timedelta(days=rules.horizon_days + 1), tz)
        yield TimeSpan(beyond, _EVER.end)
    gap = timedelta(minutes=rules.gap)
    for one in facts.own if rules.gap else ():
        if one.person_id == facts.person_id and rules.gap_reach in one.within and one.state not in FINAL:
            yield TimeSpan(one.span.start - gap - length + _SECOND, one.span.end + gap)
    for over in steps_over(facts, rules, now):
        if over.quota.inside:
            continue  # other hours of the same period may do
        if over.quota.period is QuotaPeriod.FUTURE:
            yield _EVER
        elif over.period is not None and not over.in_time:
            yield over.period
        elif over.period is not None:
            room = timedelta(seconds=max(0, over.limit - over.used))
            yield TimeSpan(over.period.start - length + room + _SECOND, over.period.end - room)
