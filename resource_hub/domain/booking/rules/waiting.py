"""Waiting for time: what a wish may be, and how long an offer is kept (pure)."""

from __future__ import annotations

from datetime import datetime, timedelta

from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.kernel.errors import Reason

MOST_DAYS = 30
# For so many times one person may wait at one resource.
MOST_PLACES = 10
SHORTEST_OFFER = timedelta(minutes=5)


def faults(
    earliest: datetime, latest: datetime, seconds: int, rules: HouseDocument, now: datetime
) -> tuple[Reason, ...]:
    """What is wrong with a wish, each with its field."""
    found = []
    if latest <= earliest or latest - earliest < timedelta(seconds=seconds):
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


def offered_until(now: datetime, start: datetime, rules: HouseDocument) -> datetime | None:
    """Until when freed time is kept for the first in line: as long as the house rules say, near the start half of what
    is left, so that the next one still has a chance. None when it begins too soon to ask anybody."""
    left = min(timedelta(minutes=rules.offer), (start - now) / 2)
    if left < SHORTEST_OFFER:
        return None
    return (now + left).replace(microsecond=0)
