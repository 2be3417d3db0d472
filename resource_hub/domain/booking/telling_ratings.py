"""Who is told of ratings: the other side that there is one, both when they can be read, and of what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import PLATFORM_ID, Role
from resource_hub.domain.booking import reading
from resource_hub.domain.booking.ordering import names_of
from resource_hub.domain.booking.telling import hosts_people
from resource_hub.domain.booking.terms import Side
from resource_hub.domain.notices import service as notices
from resource_hub.infra.outbox import Event
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
    customers = list(dict.fromkeys([record.person_id, record.booked_by]))
    customer_org = accounts.customer(record.customer_id).organisation_id

    def send(people: Iterable[UUID], organisation_id: UUID, link: str) -> None:
        others = [person for person in people if person != actor]
        notices.notify(unit, others, event.name, values, link, organisation_id, key=str(event.id))

    page = f"/hosts/{accounts.organisation(key.institution_id).code}/bookings/{key.id}"
    if what == "rating_reported":
        people = accounts.people_with_role(PLATFORM_ID, Role.PLATFORM_STAFF)
        send(people, PLATFORM_ID, "/o/platform/ratings")
        return
    by_host = event.payload.get("side") == Side.HOST.value
    if what in _BOTH or what == "rating_answered" or by_host:
        send(customers, customer_org, page)
    if what in _BOTH or (what == "rating_given" and not by_host):
        told = set(customers)
        send([p for p in hosts_people(record.resource_key) if p not in told], record.institution_id, page)


SUBSCRIPTIONS = {
    f"booking.{what}": [("booking.tell_ratings", tell)]
    for what in (*_BOTH, "rating_given", "rating_answered", "rating_reported")
}
