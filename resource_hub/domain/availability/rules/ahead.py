"""How far ahead times may be booked, where hours of a name have a horizon of their own (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
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
    zone_name: str,
    now: datetime,
    *,
    outside: bool,
    customer_id: UUID | None = None,
) -> list[TimeSpan]:
    """What of a span lies inside every horizon that binds it."""
    tz = zone(zone_name)
    today = local_day(now, tz)

    def after(days: int) -> list[TimeSpan]:
        end = midnight(today + timedelta(days=days + 1), tz)
        return [TimeSpan(max(end, span.start), span.end)] if end < span.end else []

    left, named = [span], []
    for code in rules.hours_ahead:
        own = inside(rules.named_hours(code), span, zone_name)
        named += own
        too_far = after(rules.days_ahead(outside, customer_id, code))
        left = subtract(left, subtract(own, subtract([span], too_far)))
    rest = subtract(after(rules.days_ahead(outside, customer_id)), named)
    return subtract(left, rest)
