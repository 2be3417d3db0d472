"""Bookings that a public holiday or a make-up workday leaves outside the hours.

The platform enters days for all hosts; what becomes of a booking is its host's affair. So the bookings are noted behind
the locks of their resources once the days stand, who looks after a resource is told, and each host settles its own as
with a closure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import SpecialDay
from resource_hub.domain.booking import linking
from resource_hub.domain.booking.preparing import DECIDES, is_staff
from resource_hub.domain.booking.publishing import (
    HitBooking,
    carry_out,
    decided,
    outsiders_of,
    with_choices,
)
from resource_hub.domain.booking.tables import Booking, OutsideHours
from resource_hub.domain.booking.telling import hosts_people
from resource_hub.domain.booking.terms import HOLDING, Verdict
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.keys import HostKey


def preview_days(jurisdiction: str, days: Sequence[SpecialDay]) -> dict[UUID, int]:
    """How many orders of each host special days would leave outside its hours; nothing is written."""
    found = availability.preview_days(jurisdiction, days, outsiders_of)
    return {host: len(set(_orders(host, hits).values())) for host, hits in found.items()}


def preview_forgetting(jurisdiction: str, day: date) -> dict[UUID, int]:
    """The same where an entered day is taken back and the published calendar holds again."""
    return preview_days(jurisdiction, [availability.published_day(jurisdiction, day)])


def note(unit: Unit, event: Event) -> None:
    """Note the bookings of a host that changed days have left outside its hours, and tell who looks after them; those
    that are inside again by now are forgotten."""
    host = UUID(event.payload["institution_id"])
    linking.lock(unit, availability.kept_resources(unit.session, host))
    for key, holders in _noted(host).items():
        outside = {h.held.holder_id for h in availability.bookings_outside(key, holders, outsiders_of(host))}
        _forget(unit, key, [one for one in holders if one not in outside])
    days = availability.days_from_json(event.payload["before"])
    found = availability.hits_of_days(host, days, outsiders_of(host), were=True)
    orders = _orders(host, [hit for hits in found.values() for hit in hits])
    for key, hits in found.items():
        # What came along with an order that is hit itself is settled with it.
        _note(unit, event, key, [hit for hit in hits if _is_asked(hit.held.holder_id, orders)])


def _is_asked(holder: UUID, orders: Mapping[UUID, UUID]) -> bool:
    order = orders.get(holder)
    return order is not None and (order == holder or order not in orders)


def _orders(institution_id: UUID, hits: Sequence[availability.Hit]) -> dict[UUID, UUID]:
    """By booking that is hit its order: itself, or the one with which it came along."""
    query = select(Booking.id, Booking.parent_id).where(
        Booking.institution_id == institution_id, Booking.id.in_([hit.held.holder_id for hit in hits])
    )
    return {row.id: row.parent_id or row.id for row in reading().execute(query)}


def _note(unit: Unit, event: Event, key: HostKey, hits: Sequence[availability.Hit]) -> None:
    t = OutsideHours
    found = {hit.held.holder_id: hit for hit in hits}
    if not found:
        return
    _forget(unit, key, list(found))
    rows = [
        {
            "institution_id": key.institution_id,
            "id": booking_id,
            "resource_id": key.id,
            "starts_at": (hit.held.proper or hit.held.span).start,
            "noted_at": unit.now,
        }
        for booking_id, hit in found.items()
    ]
    unit.session.execute(insert(t), rows)
    resource = catalogue.resource(key)
    host = accounts.organisation(key.institution_id)
    values = {"resource": {"zh": resource.name_zh, "en": resource.name_en}, "bookings": len(rows)}
    link = f"/o/{host.code}/resources/{key.id}/outside-hours"
    notices.notify(
        unit,
        hosts_people(key),
        "booking.outside_hours",
        values,
        link,
        key.institution_id,
        key=f"{event.id}:{key.id}",
    )


def _forget(unit: Unit, key: HostKey, bookings: Sequence[UUID]) -> None:
    t = OutsideHours
    if bookings:
        unit.session.execute(delete(t).where(t.institution_id == key.institution_id, t.id.in_(bookings)))


def _noted(institution_id: UUID, resource_id: UUID | None = None) -> dict[HostKey, list[UUID]]:
    """Bookings that wait to be settled, by resource: those that still hold the time that they had then."""
    t, b = OutsideHours, Booking
    query = select(t.resource_id, t.id).join(
        b, (b.institution_id == t.institution_id) & (b.id == t.id) & (b.starts_at == t.starts_at)
    )
    query = query.where(
        t.institution_id == institution_id,
        t.settled_at.is_(None),
        b.ends_at > clock.now(),
        b.state.in_([state.value for state in HOLDING]),
    )
    if resource_id is not None:
        query = query.where(t.resource_id == resource_id)
    found: dict[HostKey, list[UUID]] = {}
    for row in reading().execute(query.order_by(t.resource_id, t.starts_at)):
        found.setdefault(HostKey(institution_id, row.resource_id), []).append(row.id)
    return found


def outside_hours(by: Actor) -> Counter[HostKey]:
    """How many bookings wait to be settled, by resource that an actor decides on."""
    noted = _noted(by.organisation_id)
    found = catalogue.resources(list(noted)) if noted else {}
    return Counter({key: len(ids) for key, ids in noted.items() if is_staff(by, found[key], DECIDES)})


def preview_outside(key: HostKey, *, by: Actor) -> tuple[HitBooking, ...]:
    """Bookings of a resource that wait to be settled, with what may become of each.

    Raises:
        NotYourResource
    """
    availability.may_manage(key, by)
    return with_choices(key, _outside(key), lambda plan: plan.hours)


def _outside(key: HostKey) -> list[availability.Hit]:
    noted = _noted(key.institution_id, key.id).get(key, [])
    return availability.bookings_outside(key, noted, outsiders_of(key.institution_id)) if noted else []


@retried()
def settle_outside(key: HostKey, *, by: Actor, verdicts: Mapping[UUID, Verdict], reason: str = "") -> int:
    """Settle them: each stays, moves or is cancelled; returns how many there were.

    Raises:
        HitsUndecided, InvalidOrder, NotYourResource, and what moving and cancelling refuse with.
    """
    availability.warm()
    with unit_of_work() as unit:
        availability.may_manage(key, by)
        linking.lock_with_orders(unit, key)
        hits = _outside(key)
        carry_out(unit, decided(key, hits, verdicts, reason), by, reason)
        t = OutsideHours
        unit.session.execute(
            update(t)
            .where(t.institution_id == key.institution_id, t.resource_id == key.id, t.settled_at.is_(None))
            .values(settled_at=unit.now, settled_by=by.person_id)
        )
        unit.audit(
            "booking.outside_hours_settled", key.institution_id, f"resource:{key.id}", {"bookings": len(hits)},
            person_id=by.person_id,
        )  # fmt: skip
    return len(hits)


SUBSCRIPTIONS = {"availability.days_changed": [("booking.outside_hours", note)]}
