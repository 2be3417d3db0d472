"""Who is told of each step when a booking is offered to another organisation."""

from __future__ import annotations

from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import hand_over_store, reading
from resource_hub.domain.booking.ordering import names_of
from resource_hub.domain.booking.telling import hosts_people
from resource_hub.domain.notices import service as notices
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey

# The side that waits to hear of it; of an end by the clock hear both.
_GIVER = {"booking.hand_over_accepted", "booking.hand_over_declined", "booking.hand_over_expired"}
_TAKER = {"booking.hand_over_offered", "booking.hand_over_withdrawn", "booking.hand_over_expired"}
_HOST = {"booking.hand_over_accepted"}


def tell(unit: Unit, event: Event) -> None:
    """Tell giver, taker and laboratory; the taker learns which time it is, not what was to be measured."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["offer_id"]))
    one = hand_over_store.offer(unit.session, key)
    if one is None:
        return
    record = reading.booking(one.booking_key)
    actor = UUID(event.payload["person_id"]) if event.payload.get("person_id") else None
    giver, taker = accounts.customer(one.from_customer_id), accounts.customer(one.to_customer_id)
    values = {
        **names_of(record),
        "customer": {"zh": giver.name_zh, "en": giver.name_en},
        "taker": {"zh": taker.name_zh, "en": taker.name_en},
        "until": one.expires_at.isoformat(),
        "reason": one.reason or "–",
    }
    told = []
    if event.name in _GIVER:
        told.append((event.name, [one.offered_by], giver.organisation_id))
    if event.name in _TAKER:
        kind = event.name if event.name not in _GIVER else f"{event.name}_for_taker"
        told.append((kind, accounts.people_of_customer(one.to_customer_id), taker.organisation_id))
    if event.name in _HOST:
        told.append((f"{event.name}_at_host", hosts_people(record.resource_key), key.institution_id))
    host = accounts.organisation(key.institution_id)
    for kind, people, organisation_id in told:
        link = f"/o/{accounts.organisation(organisation_id).code}/hand-overs"
        if organisation_id == host.id:
            link = f"/hosts/{host.code}/bookings/{record.key.id}"
        others = [person for person in dict.fromkeys(people) if person != actor]
        notices.notify(unit, others, kind, values, link, organisation_id, key=str(event.id))


SUBSCRIPTIONS = {name: [("booking.tell_hand_over", tell)] for name in sorted(_GIVER | _TAKER | _HOST)}
