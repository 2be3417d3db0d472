"""What counts for the quotas and gaps of an order: one's other bookings, here and as far as a rule reaches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from resource_hub.domain.availability.terms import HouseDocument, Reach
from resource_hub.domain.booking import store
from resource_hub.domain.booking.terms import OwnTime
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.infra.database import current_unit, reading
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

# Quotas of a month reach so far to either side of a booking, and nobody books further ahead than this.
NEAR = int(timedelta(days=62).total_seconds())
_AHEAD = timedelta(days=800)


def own_times(
    resource: ResourceRecord,
    customer_id: UUID,
    person_id: UUID,
    span: TimeSpan,
    rules: HouseDocument,
    ignore: UUID | None,
    now: datetime,
) -> tuple[OwnTime, ...]:
    """One's other bookings that bear on an order. Inside a unit nobody else of the customer books what counts with it
    meanwhile: two bookings of two instruments do not both take what is left of a quota."""
    if not rules.quotas and not rules.gap:
        return ()
    near = span.widened(NEAR, NEAR)
    near = TimeSpan(min(near.start, now), max(near.end, now + _AHEAD))
    unit = current_unit.get()
    if unit is not None and rules.counts_elsewhere:
        store.count_alone(unit.session, resource.key.institution_id, (customer_id, person_id))
    own = store.own_times(reading(), resource.key, customer_id, person_id, near, ignore, now)
    if not rules.counts_elsewhere:
        return own
    found = store.own_elsewhere(reading(), resource.key, [customer_id], [person_id], near, ignore, now)
    reaches = reaches_to(resource, {one[0] for one in found})
    return own + tuple(replace(time, within=reaches[other]) for other, _made, time in found)


def reaches_to(resource: ResourceRecord, others: Collection[UUID]) -> Mapping[UUID, frozenset[Reach]]:
    """How far a rule of a resource has to reach to see other ones of its host."""
    host = resource.key.institution_id
    found = catalogue.resources([HostKey(host, other) for other in others])
    return {key.id: _reaches(resource, other) for key, other in found.items()}


def _reaches(one: ResourceRecord, other: ResourceRecord) -> frozenset[Reach]:
    reaches = {Reach.HOST}
    if one.department_id is not None and one.department_id == other.department_id:
        reaches.add(Reach.DEPARTMENT)
    if one.class_code and one.class_code == other.class_code:
        reaches.add(Reach.CLASS)
    return frozenset(reaches)
