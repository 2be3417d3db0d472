"""Booking for somebody else: the host's people for a customer or a walk-in, with what they may set aside.

The price is the customer's, and so is the booking: they are told, and cancel by the rules. Who acted for whom stands in
the history and in the audit log; a rule that was set aside stands there with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import history_store, ordering, reading, store
from resource_hub.domain.booking.errors import BookingRefused, SlotTaken
from resource_hub.domain.booking.preparing import is_staff
from resource_hub.domain.booking.terms import Asked, BookingRecord
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import database
from resource_hub.infra.unit_of_work import retried, unit_of_work
from resource_hub.kernel.errors import NotFound
from resource_hub.kernel.keys import HostKey


def book_walk_in(key: HostKey, asked: Asked, name: str, contact: str, *, by: Actor) -> BookingRecord:
    """Book for somebody who stands at the door: written down and booked together, or neither.

    Raises:
        NotFound: the resource is not the actor's to book for others. BadInput: without a name; and what
        ``ordering.request`` raises.
    """
    if not is_staff(by, catalogue.resource(key)):
        raise NotFound()
    try:
        return _book_walk_in(key, asked, name, contact, by)
    except (SlotTaken, BookingRefused) as error:
        ordering.add_alternatives(error, key, asked, None)
        raise


@retried()
def _book_walk_in(key: HostKey, asked: Asked, name: str, contact: str, by: Actor) -> BookingRecord:
    availability.warm()
    with unit_of_work():
        customer = accounts.add_walk_in(name, contact, by=by)
        return ordering.request(key, replace(asked, customer_id=customer.id, person_id=None), by=by)


def booked_for_others(records: Iterable[BookingRecord]) -> dict[HostKey, UUID]:
    """Which of these were booked on behalf of somebody, and by whom: for another person, or by the host's people for a
    customer. One question for all of them; what was handed over since is left out."""
    records = list(records)
    asking = history_store.asking_of(database.reading(), records)
    found = {}
    for record in records:
        # Who took it over did not have it booked for them, and who booked it may be another firm's.
        if asking.handed_over & {record.key.id, record.parent_id}:
            continue
        # A walk-in has nobody with an account, so that the host's person stands for it.
        if record.booked_by != record.person_id or record.key.id in asking.by_host:
            found[record.key] = record.booked_by
    return found


def bookings_of_walk_in(customer_id: UUID, *, by: Actor, limit: int = 100) -> list[BookingRecord]:
    """What a firm that is asked about a walk-in would take over.

    Raises:
        UnknownCustomer: the firm is not asked.
    """
    accounts.asked_walk_in(customer_id, by=by)
    return store.of_customers(database.reading(), [customer_id], limit=limit)


def bookings_of_customer_at(customer_id: UUID, *, by: Actor) -> int:
    """How many orders a customer has at the actor's host."""
    return store.count_of_customer(database.reading(), by.organisation_id, customer_id)


def customers_at(by: Actor, limit: int = 200) -> Sequence[UUID]:
    """Customers who booked what an actor of the host looks after, the latest first."""
    reach = reading.reach_of(by)
    if reach == []:
        return []
    return store.customers_of_host(database.reading(), by.organisation_id, reach, limit)
