"""Who is barred from booking now, and the host's word that ends a bar before its time.

A bar is worked out from strikes whenever somebody asks; all that is kept is that it was lifted, by whom and why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import strike_store
from resource_hub.domain.booking.bar_tables import BarLift
from resource_hub.domain.booking.errors import NotYours, WrongState
from resource_hub.domain.booking.preparing import DECIDES, is_staff
from resource_hub.domain.booking.rules.strikes import Bar, barred
from resource_hub.domain.booking.strikes import written
from resource_hub.domain.booking.tables import Strike
from resource_hub.domain.booking.terms import StrikeRecord, StrikeState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock, database
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import retried, unit_of_work
from resource_hub.kernel.errors import NotFound, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import zone

# Of a host's strikes so many are looked at, the newest first.
MOST_STRIKES = 2_000


@dataclass(frozen=True, slots=True)
class BarredPerson:
    """Somebody who is barred from a resource now, by so many strikes that count."""

    resource_key: HostKey
    person_id: UUID
    customer_id: UUID
    bar: Bar
    strikes: int


def barred_at(by: Actor) -> list[BarredPerson]:
    """Who is barred from the resources that the actor decides on; whose bar ends last comes first."""
    if not by.has(*DECIDES):
        return []
    statement = select(Strike).where(
        Strike.institution_id == by.organisation_id, Strike.state != StrikeState.LIFTED.value
    )
    found = strike_store.listed(database.reading(), statement, MOST_STRIKES)
    return _barred(found, [record.key for record in catalogue.resources_managed_by(by)] if found else ())


def bars_on(person_id: UUID) -> list[BarredPerson]:
    """From which of the resources where a person has strikes the person is barred now."""
    statement = select(Strike).where(Strike.person_id == person_id, Strike.state != StrikeState.LIFTED.value)
    found = strike_store.listed(database.reading(), statement, MOST_STRIKES)
    return _barred(found, {strike.resource_key for strike in found})


def _barred(strikes: list[StrikeRecord], resources: Iterable[HostKey]) -> list[BarredPerson]:
    now = clock.now()
    by_person: dict[tuple[UUID, UUID], list[StrikeRecord]] = defaultdict(list)
    for strike in strikes:
        by_person[strike.key.institution_id, strike.person_id].append(strike)
    rules_of = availability.house_rules_of(resources)
    lifts = strike_store.lifts(database.reading(), {person for _host, person in by_person})
    found = []
    for resource, rules in rules_of.items():
        if not rules.bars:
            continue
        tz = zone(availability.zone_of(resource.institution_id))
        for (host, person_id), own in by_person.items():
            if host != resource.institution_id:
                continue
            here = own if rules.strike_everywhere else [s for s in own if s.resource_id == resource.id]
            bar = barred(here, rules.bars, tz, now, lifts.get((resource, person_id)), rules.points)
            if bar is not None:
                counted = sum(strike.counts(now) for strike in here)
                found.append(BarredPerson(resource, person_id, here[0].customer_id, bar, counted))
    return sorted(found, key=lambda one: (one.bar.longest, one.bar.since), reverse=True)


@retried()
def lift_bar(resource: HostKey, person_id: UUID, *, reason: str, by: Actor) -> datetime:
    """End a person's bar from a resource now; the person is told, with the reason. The strikes stay, and the next
    one counts with them.

    Raises:
        NotFound: the resource is out of the actor's reach. NotYours: nobody lifts their own bar.
        WrongState: nobody is barred. InvalidOrder: without a reason.
    """
    if not is_staff(by, catalogue.resource(resource), DECIDES):
        raise NotFound()
    if by.person_id == person_id:
        raise NotYours(Reason("booking.strike_second_person", {}))
    rules, _number = availability.house_rules(resource)
    with unit_of_work() as unit:
        strike_store.lock_of_person(unit.session, resource.institution_id, person_id)
        if strike_store.bar_on(unit.session, person_id, resource, rules, unit.now) is None:
            raise WrongState(Reason("booking.not_barred", {}))
        words = written(reason, "reason")
        key = HostKey(resource.institution_id, new_id())
        unit.session.execute(
            insert(BarLift).values(
                institution_id=key.institution_id,
                id=key.id,
                resource_id=resource.id,
                person_id=person_id,
                lifted_at=unit.now,
                lifted_by=by.person_id,
                reason=words,
            )
        )
        details = {"person": str(person_id)}
        unit.audit(
            "booking.bar_lifted",
            key.institution_id,
            f"resource:{resource.id}",
            details,
            person_id=by.person_id,
        )
        payload = {
            "institution_id": str(key.institution_id),
            "lift_id": str(key.id),
        }
        unit.publish("booking.bar_lifted", f"{key.institution_id}:{key.id}", payload)
        return unit.now
