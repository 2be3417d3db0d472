"""Where a booking lies against the time that its customer chose (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from resource_hub.domain.booking.terms import EventRecord
from resource_hub.kernel.time import TimeSpan

_MOVES = ("changed", "proposed")


def moved_away(events: Iterable[EventRecord]) -> bool:
    """Whether the host moved a booking away from the time that its customer last chose.

    An extension around that time, or a move back to it, leaves the customer what was chosen.
    """
    chosen: TimeSpan | None = None
    away = False
    for event in events:
        if event.kind not in _MOVES or not event.details.get("from"):
            continue
        if not event.details.get("by_host"):
            chosen, away = None, False
            continue
        before, after = (
            TimeSpan(*map(datetime.fromisoformat, event.details[side])) for side in ("from", "to")
        )
        chosen = chosen or before
        away = not after.contains(chosen)
    return away
