"""When strikes bar a person from booking (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from resource_hub.domain.availability.terms import BarRule
from resource_hub.domain.booking.terms import StrikeRecord, StrikeState


def barred_until(strikes: Iterable[StrikeRecord], limit: int, bar_days: int) -> datetime | None:
    """The end of the last bar that these strikes bring; None when there is none.

    A strike that is the ``limit``-th or a later one of those that count at its moment bars for ``bar_days`` from then.
    An appeal that waits for its decision holds nothing up; a lifted strike never was.
    """
    if limit <= 0:
        return None
    found = [strike for strike in strikes if strike.state is not StrikeState.LIFTED]
    ends = [
        strike.given_at + timedelta(days=bar_days)
        for strike in found
        if sum(other.counts(strike.given_at) for other in found) >= limit
    ]
    return max(ends, default=None)


def barred_by(strikes: Iterable[StrikeRecord], rule: BarRule) -> datetime | None:
    """The end of the last bar by a rule for some kinds of strikes, longer with each further one as its ladder says."""
    found = [one for one in strikes if one.kind in rule.kinds and one.state is not StrikeState.LIFTED]
    ends = []
    for strike in found:
        at = strike.given_at
        since = at - timedelta(days=rule.within) if rule.within else datetime.min.replace(tzinfo=at.tzinfo)
        over = sum(other.counts(at) and other.given_at > since for other in found) - rule.count
        days = rule.ladder[min(over, len(rule.ladder) - 1)] if over >= 0 else 0
        if days:
            ends.append(at + timedelta(days=days))
    return max(ends, default=None)
