"""A slot kept for a person who is writing an order: the one that is live, and giving it back before its time."""

from __future__ import annotations

from sqlalchemy import exists, select

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import linking, ordering, store, waiting
from resource_hub.domain.booking.errors import WrongState
from resource_hub.domain.booking.managing import opened, written
from resource_hub.domain.booking.rules.states import not_open, step
from resource_hub.domain.booking.tables import Booking, WaitingEntry
from resource_hub.domain.booking.terms import Act, Asked, BookingKind, BookingRecord, BookingState
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import retried, unit_of_work
from resource_hub.kernel.keys import HostKey


def own_hold(resource: HostKey, by: Actor) -> BookingRecord | None:
    """The slot of this resource that is kept for a person now, the newest if there are several. What was offered to
    somebody who waited is no such slot: it is answered where it was offered."""
    offered = exists().where(
        WaitingEntry.institution_id == Booking.institution_id, WaitingEntry.booking_id == Booking.id
    )
    row = reading().scalar(
        select(Booking)
        .where(
            Booking.institution_id == resource.institution_id,
            Booking.resource_id == resource.id,
            Booking.booked_by == by.person_id,
            Booking.customer_id.in_(by.customer_ids),
            Booking.state == BookingState.HELD.value,
            Booking.hold_expires_at > clock.now(),
            Booking.parent_id.is_(None),
            ~offered,
        )
        .order_by(Booking.created_at.desc())
        .limit(1)
    )
    return store.record(row) if row is not None else None


def request_kept(resource: HostKey, asked: Asked, *, by: Actor) -> BookingRecord:
    """Book what a person's page shows, out of the slot that is kept for them if there is one.

    Another page of the same person may have given that slot back or ordered it since it was looked up: then this one
    queues like everybody instead of being refused for what the other did.

    Raises:
        As :func:`ordering.request`.
    """
    kept = own_hold(resource, by) if asked.kind is BookingKind.WINDOW else None
    while kept is not None:
        try:
            return ordering.request(resource, asked, by=by, hold_id=kept.key.id)
        except WrongState:
            lost, kept = kept, own_hold(resource, by)
            if kept is not None and kept.key == lost.key:
                raise
    return ordering.request(resource, asked, by=by)


@retried()
def give_back(key: HostKey, *, by: Actor) -> BookingRecord:
    """Free a slot that was only kept. Nothing was ordered, so nobody at the host is told.

    Raises:
        NoSuchBooking: it is not there, or not this actor's. WrongState: it is no hold any more.
    """
    with unit_of_work() as unit:
        _row, record, side = opened(unit, key, by, None)
        state = step(record.kind, record.state, Act.CANCEL, side)
        if record.state is not BookingState.HELD:
            raise not_open(Act.CANCEL, record.state)
        linking.let_go(unit, record)
        availability.release(unit, record.institution_id, record.key.id, key=record.resource_key)
        changes = {"state": state.value, "hold_expires_at": None, "ical_sequence": record.ical_sequence + 1}
        given = written(unit, record, changes, by.person_id, "cancelled", {}, "booking.hold_lapsed")
        waiting.freed(unit, record, record.span, by.person_id)
        return given
