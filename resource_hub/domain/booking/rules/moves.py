"""Where a booking lies against the time that its customer chose (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from resource_hub.domain.booking.terms import EventRecord
from resource_hub.kernel.time import TimeSpan

_MOVES = ("changed", "proposed")


def moved_from(events: Iterable[EventRecord]) -> TimeSpan | None:
    """The time that the customer last chose and the host moved the booking away from; None where it did not.

    An extension around that time, or a move back to it, leaves the customer what was chosen. Half of a booking brings
    along what its customer chose of the whole.
    """
    chosen: TimeSpan | None = None
    away = False
    for event in events:
        if event.details.get("moved_from"):
            chosen, away = TimeSpan(*map(datetime.fromisoformat, event.details["moved_from"])), True
            continue
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
    return chosen if away else None


def still_confirmed(events: Iterable[EventRecord]) -> TimeSpan | None:
    """Of the time that an order asks for anew, what the host had confirmed before and it never gave up since. Half of
    an order brings along what was confirmed of the whole, and so does one that another customer took over."""
    found: TimeSpan | None = None
    for event in events:
        if event.kind == "approved":
            found = None
        if event.details.get("confirmed"):
            found = TimeSpan(*map(datetime.fromisoformat, event.details["confirmed"]))
        if event.kind not in _MOVES or not event.details.get("from"):
            continue
        before, after = (
            TimeSpan(*map(datetime.fromisoformat, event.details[side])) for side in ("from", "to")
        )
        if event.details.get("by_host"):
            found = None
        elif event.details.get("asks_again"):
            found = before.intersection(after)
        elif found is not None:
            found = found.intersection(after)
    return found
