"""Ratings by both sides of an order: until when they are given, when they are shown, what may be rated (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from resource_hub.domain.booking.terms import Side
from resource_hub.kernel.errors import Reason

OPEN_FOR = timedelta(days=14)
LEAST, MOST = 1, 5
LONGEST = 2000
# Fewer than these are shown to nobody: one could tell who gave them, and they say little.
PUBLIC_FROM = 3

# What each side says something about, beside the whole.
ASPECTS: Mapping[Side, tuple[str, ...]] = {
    Side.CUSTOMER: ("equipment", "support", "punctuality", "results"),
    Side.HOST: ("preparation", "punctuality", "care", "communication"),
}


def closes_at(done_at: datetime) -> datetime:
    """From this moment on both are shown, and nothing is given or changed any more."""
    return done_at + OPEN_FOR


def shown(revealed_at: datetime | None, closes: datetime, now: datetime) -> bool:
    """Whether the other side may read it: both were given, or the time is over."""
    return revealed_at is not None or now >= closes


def faults(side: Side, stars: int, aspects: Mapping[str, int], words: str) -> list[Reason]:
    found = []
    if not LEAST <= stars <= MOST:
        found.append(Reason("booking.rating_stars", {"least": LEAST, "most": MOST}, "stars"))
    for name, value in aspects.items():
        if name not in ASPECTS[side] or not LEAST <= value <= MOST:
            found.append(Reason("booking.rating_stars", {"least": LEAST, "most": MOST}, f"aspects.{name}"))
    if len(words) > LONGEST:
        found.append(Reason("booking.rating_words", {"most": LONGEST}, "words"))
    return found


def mean(total: int, count: int) -> Decimal:
    """The mean to one digit, halves up."""
    return (Decimal(total) / Decimal(count)).quantize(Decimal("0.1"), ROUND_HALF_UP)
