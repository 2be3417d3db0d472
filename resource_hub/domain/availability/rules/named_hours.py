"""Named hours, such as prime time, as spans of real time in the host's zone (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from resource_hub.domain.availability.terms import NamedHours
from resource_hub.kernel.time import TimeSpan, at, intersect, local_day, merge, zone


def occurrences(row: NamedHours, span: TimeSpan, zone_name: str) -> list[TimeSpan]:
    """Each stretch of one row that meets a span, uncut and in order.

    The wall clock decides: a stretch from 01:00 to 03:00 is an hour long on the day that skips one, and one that lies
    wholly inside the hour skipped does not happen.
    """
    tz = zone(zone_name)
    day, last = local_day(span.start, tz) - timedelta(days=2), local_day(span.end, tz)
    found = []
    while day <= last:
        if day.weekday() in row.days:
            start, end = at(day, row.starts, tz), at(day, row.ends, tz)
            if start < end and start < span.end and end > span.start:
                found.append(TimeSpan(start, end))
        day += timedelta(days=1)
    return found


def inside(rows: Iterable[NamedHours], span: TimeSpan, zone_name: str) -> list[TimeSpan]:
    """What of a span lies in the hours, all rows taken together; sorted and disjoint."""
    return intersect([span], merge(one for row in rows for one in occurrences(row, span, zone_name)))
