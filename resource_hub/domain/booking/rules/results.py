"""Results of an order: when they may be delivered, for how long they are kept, and when their end is told (pure)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from resource_hub.domain.booking.terms import BookingKind, BookingState
from resource_hub.kernel.errors import Reason

LONGEST = timedelta(days=3 * 366)
USUAL = timedelta(days=90)
NOTICE = timedelta(days=7)

_WORK = frozenset({BookingState.IN_PROGRESS, BookingState.DELIVERED, BookingState.DONE})
# From which states on there is something to deliver.
DELIVERABLE = {
    BookingKind.WINDOW: frozenset({BookingState.IN_USE, BookingState.DONE}),
    BookingKind.SAMPLES: _WORK,
    BookingKind.ACCESS: _WORK | {BookingState.APPROVED},
}


def deliverable(kind: BookingKind, state: BookingState) -> bool:
    return state in DELIVERABLE[kind]


def faults_of_expiry(expires_on: date, today: date) -> list[Reason]:
    """A result is kept from today until a day within three years."""
    if expires_on < today:
        return [Reason("booking.result_past", {"today": today.isoformat()}, "expires_on")]
    if expires_on > today + LONGEST:
        return [Reason("booking.result_too_long", {"days": LONGEST.days}, "expires_on")]
    return []


def remind_at(delivered_at: datetime, expires_at: datetime) -> datetime:
    """A week before the end, or half-way where it is kept for less than two weeks."""
    return max(expires_at - NOTICE, delivered_at + (expires_at - delivered_at) / 2)
