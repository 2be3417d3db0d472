"""When strikes bar a person from booking (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

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
