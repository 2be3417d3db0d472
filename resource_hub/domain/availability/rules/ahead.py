"""How far ahead times may be booked, where hours of a name have a horizon of their own (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from resource_hub.domain.availability.rules.named_hours import inside
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.kernel.time import TimeSpan, local_day, midnight, subtract, zone


def horizons(
    rules: HouseDocument, span: TimeSpan, zone_name: str, *, outside: bool, customer_id: UUID | None
) -> Iterator[tuple[str, int]]:
    """The horizons that bind a span, in days: that of each name whose hours it touches, and with no name that of all
    other time, where some of it lies in that."""
    named: list[TimeSpan] = []
    for code in rules.hours_ahead:
        own = inside(rules.named_hours(code), span, zone_name)
        if own:
            named += own
            yield code, rules.days_ahead(outside, customer_id, code)
    if subtract([span], named):
        yield "", rules.days_ahead(outside, customer_id)


def bookers(rules: HouseDocument, customers: Iterable[UUID]) -> list[UUID | None]:
    """The customers for whom somebody books as far as these rules tell them apart; None for all others, and where it is
    not known for whom."""
    groups = {row.group for row in rules.ahead if row.group is not None}
    found = {one if one in groups else None for one in customers}
    return sorted(found, key=str) or [None]


def within_horizon(
    rules: HouseDocument,
    span: TimeSpan,
    seconds: int,
    zone_name: str,
    now: datetime,
    *,
    outside: bool,
    customer_id: UUID | None = None,
) -> list[list[TimeSpan]]:
    """Where in a span times of a length may lie inside every horizon that binds them; each list stands for itself.

    A horizon is for the beginning. So up to the end of the first one nothing is cut out; of what begins after it, and
    before the end of the next one, the hours of the first are; and so on.
    """
    tz = zone(zone_name)
    today = local_day(now, tz)
    hours = {code: inside(rules.named_hours(code), span, zone_name) for code in rules.hours_ahead}
    hours[""] = subtract([span], [one for named in hours.values() for one in named])
    ends = {
        code: midnight(today + timedelta(days=rules.days_ahead(outside, customer_id, code) + 1), tz)
        for code in hours
    }
    edges = sorted({span.start, span.end, *(end for end in ends.values() if span.start < end < span.end)})
    found = []
    for first, last in pairwise(edges):
        # It begins before the last moment, by a second at least.
        reach = TimeSpan(first, min(span.end, last + timedelta(seconds=seconds - 1)))
        closed = [one for code, end in ends.items() if end <= first for one in hours[code]]
        found.append(subtract([reach], closed))
    return found
