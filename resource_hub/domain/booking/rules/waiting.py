"""Waiting for time: what a wish may be, and how long an offer is kept (pure)."""

from __future__ import annotations

from datetime import datetime, timedelta

from resource_hub.domain.availability.rules.hours import days_in, whole_days
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan, zone

MOST_DAYS = 30
# For so many times one person may wait at one resource.
MOST_PLACES = 10
SHORTEST_OFFER = timedelta(minutes=5)


def faults(
    earliest: datetime, latest: datetime, seconds: int, rules: HouseDocument, now: datetime, zone_name: str
) -> tuple[Reason, ...]:
    """What is wrong with a wish, each with its field."""
    found = []
    if latest <= earliest or not _fits(earliest, latest, seconds, rules, zone_name):
        found.append(Reason("booking.waiting_too_narrow", {}, "latest"))
    if latest <= now:
        found.append(Reason("booking.in_past", {}, "latest"))
    if latest - max(earliest, now) > timedelta(days=MOST_DAYS):
        found.append(Reason("booking.waiting_too_wide", {"days": MOST_DAYS}, "latest"))
    if seconds <= 0 or seconds % (rules.step * 60):
        found.append(Reason("booking.length_step", {"step": rules.step}, "length"))
    if seconds < rules.least * 60:
        values = {"least_seconds": rules.least * 60, "asked_seconds": seconds}
        found.append(Reason("booking.too_short", values, "length"))
    if rules.most and seconds > rules.most * 60:
        values = {"most_seconds": rules.most * 60, "asked_seconds": seconds}
        found.append(Reason("booking.too_long", values, "length"))
    return tuple(found)


def _fits(earliest: datetime, latest: datetime, seconds: int, rules: HouseDocument, zone_name: str) -> bool:
    if not rules.by_day:
        return latest - earliest >= timedelta(seconds=seconds)
    runs = whole_days(TimeSpan(earliest, latest), max(days_in(seconds), 1), zone(zone_name))
    return next(runs, None) is not None


def least_room(seconds: int, rules: HouseDocument) -> timedelta:
    """Where less is left, a wish cannot be met: a change of the clock takes up to two hours from calendar days."""
    return timedelta(seconds=seconds - 7_200 if rules.by_day else seconds)


def offered_until(now: datetime, start: datetime, rules: HouseDocument) -> datetime | None:
    """Until when freed time is kept for the first in line: as long as the house rules say, near the start half of what
    is left, so that the next one still has a chance. None when it begins too soon to ask anybody."""
    left = min(timedelta(minutes=rules.offer), (start - now) / 2)
    if left < SHORTEST_OFFER:
        return None
    return (now + left).replace(microsecond=0)
