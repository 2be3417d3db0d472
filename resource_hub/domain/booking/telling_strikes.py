"""Who is told of a strike, an appeal and its decision, and which happenings of a booking may earn a strike."""

from __future__ import annotations

from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import strike_store, strikes
from resource_hub.domain.booking.bar_tables import BarLift
from resource_hub.domain.booking.telling import hosts_people
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.notices import service as notices
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey


def tell_strike(unit: Unit, event: Event) -> None:
    """Tell the person of a strike and of what was decided, and the laboratory of an appeal."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["strike_id"]))
    found = strike_store.known(unit.session, key)
    resource = catalogue.resource(found.resource_key)
    actor = UUID(event.payload["person_id"]) if event.payload.get("person_id") else None
    person = accounts.people([found.person_id]).get(found.person_id)
    values = {
        "resource": {"zh": resource.name_zh, "en": resource.name_en},
        "kind": {"word": ["booking.strike", found.kind.value]},
        "expires": found.expires_at.isoformat(),
        "zone": resource.zone,
        "decision": found.decision or "–",
        "person": person.name if person else "–",
    }
    if event.name == "booking.strike_appealed":
        people = [one for one in hosts_people(found.resource_key) if one != actor]
        host = accounts.organisation(key.institution_id)
        link, organisation_id = f"/o/{host.code}/strikes", key.institution_id
    else:
        people = [found.person_id]
        link, organisation_id = "/me/standing", accounts.customer(found.customer_id).organisation_id
    notices.notify(unit, people, event.name, values, link, organisation_id, key=str(event.id))


def tell_bar_lifted(unit: Unit, event: Event) -> None:
    """Tell the person that booking is open again, and why."""
    host, lift_id = UUID(event.payload["institution_id"]), UUID(event.payload["lift_id"])
    lift = unit.session.get_one(BarLift, (host, lift_id))
    resource = catalogue.resource(HostKey(host, lift.resource_id))
    values = {"resource": {"zh": resource.name_zh, "en": resource.name_en}, "reason": lift.reason}
    notices.notify(unit, [lift.person_id], event.name, values, "/me/standing", None, key=str(event.id))


SUBSCRIPTIONS = {
    # What becomes of a booking may earn a strike, or take one back.
    **{
        name: [("booking.strikes", strikes.on_booking)]
        for name in ("booking.no_show", "booking.cancelled", "booking.changed", "booking.started")
    },
    **{
        f"booking.strike_{what}": [("booking.tell_strike", tell_strike)]
        for what in ("given", "appealed", "upheld", "lifted")
    },
    "booking.bar_lifted": [("booking.tell_bar_lifted", tell_bar_lifted)],
}
