"""Which lengths the house rules allow (pure)."""

from __future__ import annotations

from datetime import timedelta

from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.kernel.time import TimeSpan, local_day, midnight, zone


def fitted(span: TimeSpan, rules: HouseDocument, zone_name: str) -> TimeSpan | None:
    """A span of the shortest allowed length that is long enough, else of the longest; None where none is allowed.
    Where the rules go by the day it is the calendar days of the zone that it touches."""
    if rules.by_day:
        return _days(span, rules, zone_name)
    step = rules.step * 60
    steps = -(-max(span.seconds, rules.least * 60) // step)
    if rules.most:
        steps = min(steps, rules.most * 60 // step)
    if steps * step < rules.least * 60 or not steps:
        return None
    return TimeSpan(span.start, span.start + timedelta(seconds=steps * step))


def _days(span: TimeSpan, rules: HouseDocument, zone_name: str) -> TimeSpan | None:
    tz = zone(zone_name)
    first, last = local_day(span.start, tz), local_day(span.end - timedelta(microseconds=1), tz)
    days = max((last - first).days + 1, rules.least // 1440)
    if rules.most:
        days = min(days, rules.most // 1440)
    if days < max(rules.least // 1440, 1):
        return None
    return TimeSpan(midnight(first, tz), midnight(first + timedelta(days=days), tz))
