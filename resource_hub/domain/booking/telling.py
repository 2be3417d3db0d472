"""Notices of booking: who is told what. Run by the outbox, so that a booking's commit waits for no letter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import (
    cancelling,
    given_back_store,
    history_store,
    linking,
    quoting,
    reading,
    series_store,
    store,
    waiting_store,
)
from resource_hub.domain.booking.errors import NoSuchBooking
from resource_hub.domain.booking.invitations import (
    DECLINED,
    ENDS,
    HANDED_AWAY,
    INVITATION,
    INVITES,
    invited,
)
from resource_hub.domain.booking.ordering import names_of
from resource_hub.domain.booking.preparing import STAFF
from resource_hub.domain.booking.rules.waiting import least_room
from resource_hub.domain.booking.series_store import SeriesRecord
from resource_hub.domain.booking.terms import BookingRecord, BookingState, WaitingKind
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.notices import service as notices
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

# Which side is told of what. The one who did it is not told of it.
_CUSTOMER = {
    "booking.approved", "booking.rejected", "booking.cancelled", "booking.changed", "booking.expired",
    "booking.received", "booking.delivered", "booking.no_show", "booking.requested", "booking.handed_over",
}  # fmt: skip
_HOST = {"booking.requested", "booking.approved", "booking.cancelled", "booking.changed", "booking.expired"}


# Of those who asked for alerts so many are told in one unit, the others in the next.
_TOLD_AT_ONCE = 100


def customers_people(record: BookingRecord | SeriesRecord) -> list[UUID]:
    """For whom it is and who booked it, as far as they still act for its customer, or booked for it at the host."""
    acting = set(accounts.people_of_customer(record.customer_id))
    acting |= set(accounts.people_with_role(record.key.institution_id, *STAFF))
    return [one for one in dict.fromkeys([record.person_id, record.booked_by]) if one in acting]


def hosts_people(key: HostKey) -> list[UUID]:
    """Who looks after a resource; the office where nobody does."""
    resource = catalogue.resource(key)
    found = accounts.people_with_role(
        key.institution_id, Role.MANAGER, Role.DEPUTY, department_id=resource.department_id
    )
    return list(found) or list(
        accounts.people_with_role(key.institution_id, Role.OFFICE, Role.INSTITUTION_ADMIN)
    )


def tell(unit: Unit, event: Event) -> None:
    """Tell both sides of a booking's change; delivered again, it tells nobody twice. Of a quiet one, which is told
    together with others, hears by a letter of its own only in whose calendar it stands."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["booking_id"]))
    try:
        record = reading.booking(key)
    except NoSuchBooking:
        return
    actor = UUID(event.payload["person_id"]) if event.payload.get("person_id") else None
    host = accounts.organisation(record.institution_id)
    values = names_of(record)
    if event.name == "booking.cancelled":
        values["reason"] = record.cancel_reason or "–"
        fees = cancelling.shown(linking.fees_together(record)[0])
        values["fee"] = [fee.as_json() for fee in fees]
    if event.name in ("booking.rejected", "booking.approved"):
        values["reason"] = record.decision_note or "–"
    link = f"/hosts/{host.code}/bookings/{record.key.id}"
    customer = accounts.customer(record.customer_id)

    def send(people: Iterable[UUID], kind: str, organisation_id: UUID) -> None:
        others = [person for person in people if person != actor]
        notices.notify(unit, others, kind, values, link, organisation_id, key=str(event.id))

    if event.name == DECLINED:
        preview = cancelling.cancellation(record, unit.now)
        values["fee"] = [fee.as_json() for fee in cancelling.shown(preview.fees)]
        kind = "booking.decline_too_late" if preview.reasons else "booking.decline_costs"
        # Told to the person who declined: it is their click that still changes nothing.
        declined_by = UUID(event.payload["declined_by"])
        notices.notify(unit, [declined_by], kind, values, link, customer.organisation_id, key=str(event.id))
        return

    if event.name in ("booking.message", "booking.attached"):
        from_host = bool(event.payload.get("from_host"))
        people = customers_people(record) if from_host else hosts_people(record.resource_key)
        send(people, event.name, customer.organisation_id if from_host else record.institution_id)
        return
    # The person who booked for another is told as the customer's side is.
    if event.name in _CUSTOMER:
        booked_for = event.name == "booking.approved" and event.payload.get("by_host")
        kind = "booking.booked_for_you" if booked_for else event.name
        former = UUID(event.payload["former"]) if event.payload.get("former") else None
        told = [person for person in customers_people(record) if person != former]
        by_calendar = _by_calendar(unit, event, record, link, told)
        if by_calendar:
            named = {**values, INVITATION: _named(record)}
            notices.notify(unit, by_calendar, kind, named, link, customer.organisation_id, key=str(event.id))
        if former is not None:
            _tell_former(unit, event, record, link, values)
        if event.payload.get("quiet"):
            return
        send([person for person in told if person not in by_calendar], kind, customer.organisation_id)
    if event.name in _HOST:
        told = customers_people(record)
        people = [person for person in hosts_people(record.resource_key) if person not in told]
        send(people, _kind_at_host(event, values), record.institution_id)


def _by_calendar(
    unit: Unit, event: Event, record: BookingRecord, link: str, told: Sequence[UUID]
) -> list[UUID]:
    """To whom of those who are told the letter brings the time into the calendar, or takes it out of it there."""
    if record.span is None or event.name not in INVITES | ENDS:
        return []
    actor = event.payload.get("person_id")
    others = [person for person in told if str(person) != actor]
    if event.name in ENDS:
        # Also who did it: the calendar did not see the click.
        held = invited(unit, link)
        gone = event.name == "booking.cancelled" and not event.payload.get("quiet")
        return [person for person in told if person in held or (gone and person in others)]
    # Who did it has the old time in the calendar, if it stands there.
    held = invited(unit, link)
    if event.name == "booking.handed_over":
        # Of what is told together with others only what stood in a calendar comes into the next one.
        comes = record.state is BookingState.APPROVED and (held or not event.payload.get("quiet"))
        return [record.person_id] if comes else []
    if event.payload.get("quiet"):
        return [person for person in told if person in held]
    # Who booked and then handed it over does not use it.
    if any(one.kind == "handed_over" for one in history_store.events(unit.session, record.key)):
        others = [person for person in others if person == record.person_id]
    return [person for person in told if person in others or person in held]


def _tell_former(
    unit: Unit, event: Event, record: BookingRecord, link: str, values: Mapping[str, Any]
) -> None:
    """Who had a booking that is another's now, and in whose calendars it stood, are told so, and nothing of what
    becomes of it."""
    organisation = accounts.customer(UUID(event.payload["former_customer"])).organisation_id
    theirs = organisation == accounts.customer(record.customer_id).organisation_id
    to = link if theirs else f"/o/{accounts.organisation(organisation).code}/hand-overs"
    told = {name: values[name] for name in ("number", "resource", "zone")}
    told |= {name: event.payload[name] for name in ("start", "end") if name in event.payload}
    had = invited(unit, link) - {record.person_id} if "start" in told else set()
    actor, former = event.payload.get("person_id"), UUID(event.payload["former"])
    hears = former not in had | {record.person_id} and str(former) != actor and not event.payload.get("quiet")
    for people, more in ((sorted(had), {INVITATION: _named(record)}), ([former] if hears else [], {})):
        notices.notify(unit, people, HANDED_AWAY, {**told, **more}, to, organisation, key=str(event.id))


def _named(record: BookingRecord) -> str:
    return f"{record.institution_id}/{record.key.id}"


def _kind_at_host(event: Event, values: dict[str, Any]) -> str:
    """The letter to those who look after a resource: of what one of them did it names that colleague."""
    if not event.payload.get("by_host") or not event.payload["person_id"]:
        return f"{event.name}_at_host"
    actor = UUID(event.payload["person_id"])
    person = accounts.people([actor]).get(actor)
    values["by"] = person.name if person else "–"
    return f"{event.name}_by_host"


# What happens to a series: who is told, beside the one who did it.
_SERIES = {
    "booking.series_booked": "both",
    "booking.series_requested": "both",
    "booking.series_changed": "both",
    "booking.series_cancelled": "both",
    "booking.series_approved": "both",
    "booking.series_rejected": "customer",
    "booking.series_expired": "both",
    "booking.series_handed_over": "customer",
}


def tell_series(unit: Unit, event: Event) -> None:
    """One letter about all days of a series, instead of one for each."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["series_id"]))
    series = series_store.series(unit.session, key)
    if series is None:
        return
    actor = UUID(event.payload["person_id"]) if event.payload["person_id"] else None
    host = accounts.organisation(key.institution_id)
    resource = catalogue.resource(series.resource_key)
    customer = accounts.customer(series.customer_id)
    values = {
        "resource": {"zh": resource.name_zh, "en": resource.name_en},
        "customer": {"zh": customer.name_zh, "en": customer.name_en},
        "bookings": event.payload["bookings"],
        "reason": event.payload.get("reason") or "–",
    }
    link = f"/hosts/{host.code}/series/{key.id}"
    asks = "#answer" if event.name == "booking.series_requested" else ""
    customers = set(customers_people(series))
    told = []
    if event.payload.get("former"):
        former = UUID(event.payload["former"])
        customers = (customers | {UUID(event.payload["to"])}) - {former}
        told.append(([former], "booking.series_handed_away", customer.organisation_id, link))
    told.append((sorted(customers - {actor}), event.name, customer.organisation_id, link))
    if _SERIES[event.name] == "both":
        people = [p for p in hosts_people(series.resource_key) if p not in customers | {actor}]
        told.append((people, _kind_at_host(event, values), key.institution_id, link + asks))
    for people, kind, organisation_id, to in told:
        notices.notify(unit, people, kind, values, to, organisation_id, key=str(event.id))


# ---- the waiting list ------------------------------------------------------------------------------------------


def tell_waiting(unit: Unit, event: Event) -> None:
    """Somebody in line is offered time, did not take it, the host took it back, or is first in it after a failure."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["entry_id"]))
    one = waiting_store.entry(unit.session, key)
    if one is None:
        return
    withdrawn = event.payload.get("booking_id")
    booking_id = UUID(withdrawn) if withdrawn else one.booking_id
    if booking_id is None:
        return
    try:
        record = reading.booking(HostKey(key.institution_id, booking_id))
    except NoSuchBooking:
        return
    values = names_of(record)
    if record.hold_expires_at is not None:
        values["until"] = record.hold_expires_at.isoformat()
    customer = accounts.customer(one.customer_id)
    link = f"/o/{accounts.organisation(customer.organisation_id).code}/waiting"
    notices.notify(
        unit, [one.person_id], event.name, values, link, customer.organisation_id, key=str(event.id)
    )


def tell_freed(unit: Unit, event: Event) -> None:
    """Time became free: who asked for an alert is told, and whose booking comes next on the unit (U3).

    Only of time that is still free, not past, and long enough to be booked; not the one who freed it.
    """
    payload = event.payload
    key = HostKey(UUID(payload["institution_id"]), UUID(payload["resource_id"]))
    start = max(datetime.fromisoformat(payload["start"]), unit.now)
    end = datetime.fromisoformat(payload["end"])
    by = UUID(payload["person_id"]) if payload["person_id"] else None
    rules, _number = availability.house_rules(key)
    if end - start < least_room(rules.least * 60, rules):
        return
    span = TimeSpan(start, end)
    resource = catalogue.resource(key)
    host = accounts.organisation(key.institution_id)
    values = {
        "resource": {"zh": resource.name_zh, "en": resource.name_en},
        "start": start.isoformat(),
        "end": end.isoformat(),
        "zone": resource.zone,
    }
    free = {outside: availability.free_times(key, span, outside=outside) for outside in (False, True)}
    after = payload.get("after")
    place = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
    line = waiting_store.line(unit.session, key, WaitingKind.ALERT, _TOLD_AT_ONCE, span=span, after=place)
    for one in line:
        if one.person_id == by:
            continue
        outside = quoting.buyer(resource, one.customer_id, quoting.day_of(resource, span, unit.now)).outside
        length = least_room(one.length_seconds, rules)
        fits = (
            min(f.span.end, one.latest) - max(f.span.start, one.earliest) >= length
            for f in free[outside]
            if one.unit_id in (None, f.unit_id)
        )
        if any(fits):
            link = f"/hosts/{host.code}/resources/{resource.code}/calendar"
            organisation_id = accounts.customer(one.customer_id).organisation_id
            notices.notify(
                unit,
                [one.person_id],
                "booking.freed",
                values,
                link,
                organisation_id,
                key=f"{event.id}:{one.key.id}",
            )
    if len(line) == _TOLD_AT_ONCE:
        moment, last = line[-1].place
        rest = {**payload, "after": [moment.isoformat(), str(last)]}
        unit.publish("booking.freed", f"{key.institution_id}:{key.id}", rest)
    if place is not None:
        return
    following = store.next_on_unit(unit.session, key, UUID(payload["unit_id"]), end)
    if following is None or following.person_id == by:
        return
    just_before = any(f.span.end == end for found in free.values() for f in found)
    if just_before and following.starts_at is not None and following.starts_at - end <= timedelta(hours=1):
        organisation_id = accounts.customer(following.customer_id).organisation_id
        link = f"/hosts/{host.code}/bookings/{following.key.id}"
        told = {**values, "number": following.number}
        notices.notify(
            unit,
            [following.person_id],
            "booking.freed_before",
            told,
            link,
            organisation_id,
            key=f"{event.id}:next",
        )


def tell_waived(unit: Unit, event: Event) -> None:
    """Somebody took the slot, so the fee of the cancellation is not owed."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["booking_id"]))
    record = reading.booking(key)
    host = accounts.organisation(key.institution_id)
    values = {**names_of(record), "fee": event.payload["fee"]}
    kind = event.name
    if event.payload.get("given_back"):
        part = given_back_store.one(
            unit.session, HostKey(key.institution_id, UUID(event.payload["given_back"]))
        )
        if part is None or part.customer_id != record.customer_id:
            return  # whoever has the booking now did not give that time back
        kind = "booking.part_waived"
        values |= {"start": part.span.start.isoformat(), "end": part.span.end.isoformat()}
    link = f"/hosts/{host.code}/bookings/{key.id}"
    organisation_id = accounts.customer(record.customer_id).organisation_id
    notices.notify(unit, customers_people(record), kind, values, link, organisation_id, key=str(event.id))


SUBSCRIPTIONS = {
    **{
        name: [("booking.tell", tell)]
        for name in sorted(_CUSTOMER | _HOST | {"booking.message", "booking.attached", DECLINED})
    },
    **{name: [("booking.tell_series", tell_series)] for name in sorted(_SERIES)},
    "booking.offered": [("booking.tell_waiting", tell_waiting)],
    "booking.offer_missed": [("booking.tell_waiting", tell_waiting)],
    "booking.offer_withdrawn": [("booking.tell_waiting", tell_waiting)],
    "booking.first_in_line": [("booking.tell_waiting", tell_waiting)],
    "booking.freed": [("booking.tell_freed", tell_freed)],
    "booking.fee_waived": [("booking.tell_waived", tell_waived)],
}
