"""Where a booking lies against the time that its customer chose (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from resource_hub.domain.booking.terms import EventRecord
from resource_hub.kernel.time import TimeSpan, subtract

_MOVES = ("changed", "proposed")


def written(span: TimeSpan) -> list[str]:
    """A time as the details of an event keep it."""
    return [span.start.isoformat(), span.end.isoformat()]


def _span(event: EventRecord, name: str) -> TimeSpan:
    return TimeSpan(*map(datetime.fromisoformat, event.details[name]))


def moved_from(events: Iterable[EventRecord]) -> TimeSpan | None:
    """The time that the customer last chose and the host moved the booking away from; None where it did not.

    An extension around that time, or a move back to it, leaves the customer what was chosen. Half of a booking brings
    along what its customer chose of the whole.
    """
    chosen: TimeSpan | None = None
    away = False
    for event in events:
        if event.details.get("moved_from"):
            chosen, away = _span(event, "moved_from"), True
            continue
        if event.kind not in _MOVES or not event.details.get("from"):
            continue
        if not event.details.get("by_host"):
            chosen, away = None, False
            continue
        before, after = _span(event, "from"), _span(event, "to")
        chosen = chosen or before
        away = not after.contains(chosen)
    return chosen if away else None


def given_back(events: Iterable[EventRecord]) -> tuple[tuple[datetime, datetime], ...]:
    """What its customer gave back of a booking and did not take again, by cancelling, moving or shortening: when the
    time that had been confirmed would have begun, and when it was given back. Who had it before answers for that."""
    found: list[tuple[TimeSpan, datetime, datetime]] = []
    for event in events:
        if event.kind == "handed_over":
            found = []
        after = _span(event, "to") if event.kind in _MOVES and "to" in event.details else None
        if after is not None:
            found = [(left, start, at) for span, start, at in found for left in subtract([span], [after])]
        if event.details.get("gave"):
            bound = _span(event, "gave")
            left = subtract([bound], [after] if after is not None else [])
            found += [(span, bound.start, event.at) for span in left]
    return tuple(dict.fromkeys((start, at) for _span, start, at in found))


def still_confirmed(events: Iterable[EventRecord]) -> TimeSpan | None:
    """Of the time that an order asks for anew, what the host had confirmed before and it never gave up since. Half of
    an order brings along what was confirmed of the whole, and so does one that another customer took over."""
    found: TimeSpan | None = None
    for event in events:
        if event.kind == "approved":
            found = None
        if event.details.get("confirmed"):
            found = _span(event, "confirmed")
        if event.kind not in _MOVES or not event.details.get("from"):
            continue
        before, after = _span(event, "from"), _span(event, "to")
        if event.details.get("by_host"):
            found = None
        elif event.details.get("asks_again"):
            found = before.intersection(after)
        elif found is not None:
            found = found.intersection(after)
    return found


def split_out_of(events: Iterable[EventRecord]) -> dict[UUID, list[TimeSpan]]:
    """The stretches out of which an order was split when its customer was bound already, by resource."""
    found: dict[UUID, list[TimeSpan]] = {}
    for event in events:
        for resource_id, whole in event.details.get("shares_of", {}).items():
            found.setdefault(UUID(resource_id), []).append(TimeSpan(*map(datetime.fromisoformat, whole)))
    return found
