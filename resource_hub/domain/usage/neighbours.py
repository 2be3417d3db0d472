"""What usage asks of the rooms below it, in one place: hosts and people, resources and units, bookings, working days.

Imports stand inside the functions because several of these rooms publish to usage through the composition root, and
so that a test of the ledger need not load the calendar.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor, OrganisationKind, Role
from resource_hub.domain.usage.records import Host
from resource_hub.domain.usage.terms import HouseTerms
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan


def host(which: UUID | str) -> Host:
    """An institution by id or code."""
    from resource_hub.domain.accounts import service as accounts

    found = accounts.organisation(which)
    return Host(found.id, found.code, found.zone, getattr(found, "jurisdiction", "CN") or "CN")


def sealing_due_day(jurisdiction: str, day: date, term: int) -> date:
    """First day on which a use of ``day`` is sealed without being asked."""
    from resource_hub.domain.availability import service as availability
    from resource_hub.domain.usage.rules.states import sealing_due

    return sealing_due(day, term, lambda on, n: availability.working_days_after(jurisdiction, on, n))


def house_terms(resource: HostKey, on: date | None = None) -> HouseTerms:
    """The terms of a resource's house rules that bear on use; the product's own where the host wrote none."""
    from resource_hub.domain.availability import service as availability

    rules, _ = availability.house_rules(resource, on)
    return HouseTerms(
        no_show_grace_seconds=rules.no_show_after * 60,
        no_show_release=rules.no_show_release,
        logout_grace_seconds=rules.logout_grace * 60,
        check_in_early_seconds=rules.check_in_early * 60,
        rotating_code_required=rules.rotating_code,
        training=rules.training,
    )


def sealing_term(host_id: UUID) -> int:
    """Working days after which a use is sealed without being asked: 3 unless the institution set another."""
    from resource_hub.domain.accounts import service as accounts

    chosen = accounts.organisation(host_id).settings.get("sealing_term_working_days")
    return chosen if isinstance(chosen, int) and 0 < chosen <= 60 else HouseTerms().sealing_term_working_days


def unit_of(host_code: str, unit_code: str) -> Any:
    """A unit by the address on its label."""
    from resource_hub.domain.catalogue import service as catalogue

    return catalogue.unit_of(host_code, unit_code)


def unit(key: HostKey) -> Any:
    from resource_hub.domain.catalogue import service as catalogue

    return catalogue.unit(key)


def units_of(keys: Sequence[HostKey]) -> dict[HostKey, list[Any]]:
    from resource_hub.domain.catalogue import service as catalogue

    return catalogue.units_of(keys)


def every_unit(key: HostKey) -> list[Any]:
    """Units out of use as well."""
    from resource_hub.domain.catalogue import service as catalogue

    return catalogue.units(key)


def resource(key: HostKey) -> Any:
    from resource_hub.domain.catalogue import service as catalogue

    return catalogue.resource(key)


def resources(keys: Sequence[HostKey]) -> dict[HostKey, Any]:
    from resource_hub.domain.catalogue import service as catalogue

    return catalogue.resources(keys)


def resources_looked_after(by: Actor) -> list[Any]:
    """The resources that an actor of the host looks after."""
    from resource_hub.domain.catalogue import service as catalogue

    return list(catalogue.resources_managed_by(by))


def booking(key: HostKey) -> Any:
    from resource_hub.domain.booking import service as bookings

    return bookings.booking(key)


def bookings_of_resources(keys: Sequence[HostKey], span: TimeSpan) -> list[Any]:
    """Bookings that hold time of these resources in a span, by start."""
    from resource_hub.domain.booking import service as bookings

    return list(bookings.of_resources(keys, span))


def booked_for_others(records: Iterable[Any]) -> dict[HostKey, UUID]:
    """Which of these were booked on behalf of somebody, and by whom."""
    from resource_hub.domain.booking import service as bookings

    return bookings.booked_for_others(records)


def bookings_due(since: datetime, until: datetime, limit: int) -> list[Any]:
    """Approved bookings of time that start in the span, oldest first."""
    from resource_hub.domain.booking import service as bookings

    return list(bookings.due_to_start(TimeSpan(since, until), limit=limit))


def booking_started(unit: Unit, key: HostKey, at: datetime | None = None) -> None:
    from resource_hub.domain.booking import service as bookings

    bookings.started(unit, key, at)


def booking_finished(unit: Unit, key: HostKey, at: datetime) -> None:
    """The use is over; what is left of the slot is free again (worked case B19)."""
    from resource_hub.domain.booking import service as bookings

    bookings.finished(unit, key, at)


def booking_missed(unit: Unit, key: HostKey) -> None:
    """Nobody came; the slot is released."""
    from resource_hub.domain.booking import service as bookings

    bookings.missed(unit, key)


def compares_use(resource: HostKey) -> bool:
    """Whether the house rules hold what was used against what was booked."""
    from resource_hub.domain.availability import service as availability

    rules, _ = availability.house_rules(resource)
    return rules.compares_use


def use_sealed(unit: Unit, key: HostKey, seconds: int) -> None:
    """All use of an order is sealed, or was corrected."""
    from resource_hub.domain.booking import service as bookings

    bookings.use_sealed(unit, key, seconds)


def qualified(institution_id: UUID, person_id: UUID, training: str, on: date) -> bool:
    """Whether a person has the training of a host that lets them use an instrument by themselves."""
    from resource_hub.domain.accounts import service as accounts

    return accounts.qualified(institution_id, person_id, training, on)


def acts_for(person_id: UUID, customer_id: UUID) -> bool:
    """Whether a person belongs to a customer."""
    from resource_hub.domain.accounts import service as accounts

    return any(customer.id == customer_id for customer in accounts.customers_of(person_id))


def customers_of(person_id: UUID) -> list[Any]:
    from resource_hub.domain.accounts import service as accounts

    return accounts.customers_of(person_id)


def customer_class(institution_id: UUID, department_id: UUID | None, customer_id: UUID, on: date) -> str:
    from resource_hub.domain.accounts import service as accounts

    return str(accounts.customer_class(institution_id, department_id, customer_id, on).value)


def customers(ids: Iterable[UUID]) -> dict[UUID, Any]:
    from resource_hub.domain.accounts import service as accounts

    return accounts.customers(ids)


def people(ids: Iterable[UUID]) -> dict[UUID, Any]:
    from resource_hub.domain.accounts import service as accounts

    return accounts.people(ids)


def staff_of(institution_id: UUID, department_id: UUID | None) -> list[UUID]:
    """Who looks after a resource: managers and deputies that reach its department."""
    from resource_hub.domain.accounts import service as accounts

    return accounts.people_with_role(institution_id, Role.MANAGER, Role.DEPUTY, department_id=department_id)


def office_of(institution_id: UUID) -> list[UUID]:
    from resource_hub.domain.accounts import service as accounts

    return accounts.people_with_role(institution_id, Role.OFFICE, Role.INSTITUTION_ADMIN)


def funders_people() -> list[tuple[UUID, UUID]]:
    """(organisation, person) of everybody who keeps watch for a funder."""
    from resource_hub.domain.accounts import service as accounts

    found = accounts.organisations(kind=OrganisationKind.FUNDER)
    return [
        (o.id, person)
        for o in found
        for person in accounts.people_with_role(o.id, Role.FUNDER_ADMIN, Role.REVIEWER, Role.FUNDER_APPROVER)
    ]


def notify(
    unit: Unit, people: Iterable[UUID], kind: str, values: Mapping[str, Any], link: str, key: str,
    organisation_id: UUID | None = None,
) -> None:  # fmt: skip
    from resource_hub.domain.notices import service as notices

    notices.notify(unit, people, kind, values, link, organisation_id, key=key)


def lock_resource(unit: Unit, key: HostKey) -> None:
    """Take the resource's place in the order of locks."""
    lock_resources(unit, [key])


def lock_resources(unit: Unit, keys: Iterable[HostKey]) -> None:
    from resource_hub.domain.availability import service as availability

    availability.lock(unit, keys)
