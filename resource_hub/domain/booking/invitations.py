"""Answers that come back from people's calendars: yes, perhaps, no.

A yes changes nothing but the history. A no cancels where that costs nothing and is still possible; else the booking
stands and the person is told what cancelling would cost, because a click in a calendar saw no fee.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import cancelling, history_store, linking, reading, store
from resource_hub.domain.booking.errors import NoSuchBooking
from resource_hub.domain.booking.managing import locked_order
from resource_hub.domain.booking.preparing import announce, record_event
from resource_hub.domain.booking.terms import Side
from resource_hub.domain.notices import service as notices
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import NotFound
from resource_hub.kernel.keys import HostKey

# Under this name the values of a letter say which booking its invitation is for: ``host id/booking id``.
INVITATION = "invitation"
DECLINED = "booking.declined"
# Told to whoever had a booking that is somebody else's now.
HANDED_AWAY = "booking.handed_away"
# Letters that put the time into the reader's calendar or correct it there, and those that take it out again.
INVITES = frozenset({"booking.approved", "booking.booked_for_you", "booking.changed", "booking.handed_over"})
ENDS = frozenset({"booking.cancelled", "booking.rejected", "booking.expired", HANDED_AWAY})


class Answer(StrEnum):
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


class Outcome(StrEnum):
    """What became of an answer."""

    NOTED = "noted"
    CANCELLED = "cancelled"
    STANDS = "stands"  # declined, but cancelling costs something or is too late
    REPEATED = "repeated"
    STALE = "stale"  # the answer is to an older invitation, or the booking is over


def key_of(value: str) -> HostKey:
    """The booking that a letter invites to."""
    host, _, booking = value.partition("/")
    return HostKey(UUID(host), UUID(booking))


def invited(unit: Unit, link: str) -> set[UUID]:
    """In whose calendars a booking stands by its letters, the last one to each deciding."""
    found: set[UUID] = set()
    for letter in notices.letters_about(unit, link, INVITES | ENDS):
        if letter.person_id is not None and letter.values.get(INVITATION):
            (found.discard if letter.kind in ENDS else found.add)(letter.person_id)
    return found


@retried()
def answered(key: HostKey, person_id: UUID, answer: Answer, *, sequence: int, mark: str) -> Outcome:
    """Take an answer from somebody's calendar. The same mark counts once.

    Args:
        sequence: of the invitation that was answered.
        mark: what tells this answer from another one, such as the Message-ID of the letter that brought it.

    Raises:
        NoSuchBooking: it is not there, or the person has no part in it.
    """
    with unit_of_work() as unit:
        before = reading.booking(key)
        try:
            by = accounts.actor(person_id, accounts.customer(before.customer_id).organisation_id)
        except NotFound:
            raise NoSuchBooking() from None
        reading.booking_for(key, by)
        linking.lock(unit, [before.resource_key])
        row = store.locked(unit.session, key)
        if row is None:
            raise NoSuchBooking()
        # The invitation that was answered is the one of before the term that runs out only now.
        invited = row.ical_sequence
        _row, record = locked_order(unit, before, None)
        if any(event.details.get("mark") == mark for event in history_store.events(unit.session, key)):
            return Outcome.REPEATED
        if record.final or sequence < invited:
            return Outcome.STALE
        record_event(unit, key, person_id, f"calendar_{answer.value}", {"mark": mark})
        if answer is not Answer.DECLINED:
            return Outcome.NOTED
        preview = cancelling.cancellation(record, unit.now)
        if preview.reasons or not preview.free:
            announce(unit, key, DECLINED, None, declined_by=str(person_id))
            return Outcome.STANDS
        # Nobody has seen a fee, so that none can be taken.
        cancelling.cancel_in(unit, record, Side.CUSTOMER, by, "", expected=())
        return Outcome.CANCELLED
