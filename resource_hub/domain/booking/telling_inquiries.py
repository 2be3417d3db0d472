"""Who is told of an inquiry, of the price that was named for it, and of what became of that."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import inquiry_store
from resource_hub.domain.booking.telling import hosts_people
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.notices import service as notices
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey

# What the customer does, the host is told; what the host does, the person who asked.
_TO_HOST = ("asked", "accepted", "declined", "withdrawn")
_TO_CUSTOMER = ("given", "taken_back", "refused")


def tell(unit: Unit, event: Event) -> None:
    """Tell the other side; delivered again, it tells nobody twice."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["inquiry_id"]))
    found = inquiry_store.inquiry(unit.session, key)
    if found is None:
        return
    resource, customer = catalogue.resource(found.resource_key), accounts.customer(found.customer_id)
    quote = found.quote
    values: dict[str, Any] = {
        "number": found.number,
        "resource": {"zh": resource.name_zh, "en": resource.name_en},
        "customer": {"zh": customer.name_zh, "en": customer.name_en},
        "reason": found.reason or (quote.reason if quote else "") or "–",
    }
    if quote is not None:
        values |= {
            "total": quote.total.as_json(),
            "until": quote.valid_until.isoformat(),
            "version": quote.number,
        }
    to_host = event.name.removeprefix("booking.inquiry_") in _TO_HOST
    actor = UUID(event.payload["person_id"]) if event.payload.get("person_id") else None
    people = hosts_people(found.resource_key) if to_host else [found.person_id]
    link = f"/hosts/{accounts.organisation(key.institution_id).code}/quotes/{key.id}"
    organisation_id = key.institution_id if to_host else customer.organisation_id
    others = [person for person in people if person != actor]
    notices.notify(unit, others, event.name, values, link, organisation_id, key=str(event.id))


SUBSCRIPTIONS = {
    f"booking.inquiry_{what}": [("booking.tell_inquiry", tell)] for what in (*_TO_HOST, *_TO_CUSTOMER)
}
