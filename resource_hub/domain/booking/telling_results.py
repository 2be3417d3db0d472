"""The customer's people are told of results, of their end, and before it."""

from __future__ import annotations

from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import reading
from resource_hub.domain.booking.ordering import names_of
from resource_hub.domain.booking.telling import customers_people
from resource_hub.domain.notices import service as notices
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey


def tell(unit: Unit, event: Event) -> None:
    """Tell the customer's people; delivered again, it tells nobody twice."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["booking_id"]))
    record = reading.booking(key)
    more = {
        name: event.payload[name] for name in ("files", "until", "file", "reason") if name in event.payload
    }
    link = f"/hosts/{accounts.organisation(key.institution_id).code}/bookings/{key.id}"
    people = customers_people(record)
    organisation_id = accounts.customer(record.customer_id).organisation_id
    values = {**names_of(record), **more}
    notices.notify(unit, people, event.name, values, link, organisation_id, key=str(event.id))


SUBSCRIPTIONS = {
    f"booking.{what}": [("booking.tell_results", tell)]
    for what in ("results_delivered", "result_ended", "result_expiring")
}
