"""Who is told of ratings: both sides are asked after a use, the other side hears that there is one, both when they can
be read, and of what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import PLATFORM_ID, Role
from resource_hub.domain.booking import ratings, reading
from resource_hub.domain.booking.ordering import names_of
from resource_hub.domain.booking.telling import customers_people, hosts_people
from resource_hub.domain.booking.terms import BookingRecord, Side
from resource_hub.domain.notices import service as notices
from resource_hub.infra.outbox import Event, Handler
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey

_BOTH = ("ratings_shown", "rating_hidden", "rating_kept")


def tell(unit: Unit, event: Event) -> None:
    """Tell those whom it concerns; delivered again, it tells nobody twice."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["booking_id"]))
    record = reading.booking(key)
    actor = UUID(event.payload["person_id"]) if event.payload.get("person_id") else None
    values = {**names_of(record), "reason": event.payload.get("reason", "–")}
    what = event.name.removeprefix("booking.")
    customers = customers_people(record)
    customer_org = accounts.customer(record.customer_id).organisation_id

    if what == "rating_given":
        _ask_too(unit, event, values)
        return

    def send(people: Iterable[UUID], organisation_id: UUID, link: str) -> None:
        others = [person for person in people if person != actor]
        notices.notify(unit, others, event.name, values, link, organisation_id, key=str(event.id))

    page = f"/hosts/{accounts.organisation(key.institution_id).code}/bookings/{key.id}"
    if what == "rating_reported":
        people = accounts.people_with_role(PLATFORM_ID, Role.PLATFORM_STAFF)
        send(people, PLATFORM_ID, "/o/platform/ratings")
        return
    if what in _BOTH or what == "rating_answered":
        send(customers, customer_org, page)
    if what in _BOTH:
        told = set(customers)
        send([p for p in hosts_people(record.resource_key) if p not in told], record.institution_id, page)


# What each side is asked after a use.
ASKED = {Side.CUSTOMER: "booking.rate_asked", Side.HOST: "booking.rate_asked_at_host"}
# What a side is asked once the other has rated.
GIVEN = "booking.rating_given"


def _people(record: BookingRecord, side: Side) -> list[UUID]:
    """Whom to ask: who used or booked it, as far as they act for the customer; who looks after the resource."""
    acting = set(accounts.people_of_customer(record.customer_id))
    customers = [p for p in dict.fromkeys([record.person_id, record.booked_by]) if p in acting]
    if side is Side.CUSTOMER:
        return customers
    return [person for person in hosts_people(record.resource_key) if person not in customers]


def _page(record: BookingRecord) -> str:
    return f"/hosts/{accounts.organisation(record.institution_id).code}/bookings/{record.key.id}#ratings"


def _ask_too(unit: Unit, event: Event, values: Mapping[str, Any]) -> None:
    """One side has rated: the other is asked to, as long as it may and did not."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["booking_id"]))
    side = Side.CUSTOMER if event.payload.get("side") == Side.HOST.value else Side.HOST
    look = ratings.invited(unit, key)
    if look is None or side not in look[2]:
        return
    record, closes, _missing = look
    people = [person for person in _people(record, side) if str(person) != event.payload.get("person_id")]
    organisation_id = record.institution_id
    if side is Side.CUSTOMER:
        organisation_id = accounts.customer(record.customer_id).organisation_id
    notices.notify(
        unit, people, GIVEN, values, _page(record), organisation_id, key=str(event.id), until=closes
    )  # fmt: skip


def tell_used(unit: Unit, event: Event) -> None:
    """A use is finished: each side that has not rated is asked once, as long as it may."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["booking_id"]))
    look = ratings.invited(unit, key)
    if look is None:
        return
    record, closes, missing = look
    values = {**names_of(record), "until": closes.isoformat()}
    customer = accounts.customer(record.customer_id).organisation_id
    for side in missing:
        organisation_id = customer if side is Side.CUSTOMER else record.institution_id
        people, kind, link = _people(record, side), ASKED[side], _page(record)
        # One question an order: a late proof that ends it again asks nobody twice.
        notices.notify(unit, people, kind, values, link, organisation_id, key=f"rate:{key.id}", until=closes)


def tell_answered(unit: Unit, event: Event) -> None:
    """A side has rated: its people are asked no more."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["booking_id"]))
    record = reading.booking(key)
    given = event.payload.get("side")
    for side in Side.CUSTOMER, Side.HOST:
        if given in (None, side.value):
            notices.settle(unit, _people(record, side), [ASKED[side], GIVEN], _page(record))


SUBSCRIPTIONS: dict[str, list[tuple[str, Handler]]] = {
    "booking.finished": [("booking.tell_used", tell_used)],
    **{
        f"booking.{what}": [("booking.tell_ratings", tell)]
        for what in ("rating_hidden", "rating_kept", "rating_answered", "rating_reported")
    },
    **{
        f"booking.{what}": [("booking.tell_ratings", tell), ("booking.tell_answered", tell_answered)]
        for what in ("rating_given", "ratings_shown")
    },
}
