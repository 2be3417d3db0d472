"""Builders of facts for the rule engine (no database), and of a bookable instrument with its people (in one)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor, OrganisationRecord, PersonRecord, Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import WeeklyHours
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import (
    Asked,
    BookingFacts,
    BookingKind,
    BookingRecord,
    BookingState,
    OwnTime,
)
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders.accounts import actor, make_firm, make_institution, make_person
from tests.builders.availability import make_rules, make_weekly, span
from tests.builders.catalogue import make_listing
from tests.support import again

ME = new_id()
MY_FIRM = new_id()


def make_facts(
    start: str = "2026-03-02T09:00+08:00", end: str = "2026-03-02T11:00+08:00", **changes: Any
) -> BookingFacts:
    """Two hours of self-use on a Monday morning in Shanghai, by somebody from outside, with nothing against it."""
    values: dict[str, Any] = {
        "kind": BookingKind.WINDOW,
        "mode": Mode.SELF_USE,
        "zone": "Asia/Shanghai",
        "span": span(start, end),
        "person_id": ME,
        "customer_id": MY_FIRM,
    }
    values.update(changes)
    return BookingFacts(**values)


def make_own(start: str, end: str, state: BookingState = BookingState.APPROVED, **changes: Any) -> OwnTime:
    values: dict[str, Any] = {"person_id": ME, "customer_id": MY_FIRM}
    values.update(changes)
    return OwnTime(span(start, end), state, **values)


# ---- in the database -------------------------------------------------------------------------------------------

TARIFF: dict[str, Any] = {
    "format": 1,
    "currency": "CNY",
    "hour": {"in_house": "150.00", "outside": "300.00"},
    "sample": {"all": "80.00"},
    "cancellation": {"consequence": "fee", "fee": {"all": "100.00"}, "notice_minutes": 1440},
    "no_show": {"consequence": "booked"},
}


@dataclass(frozen=True)
class Scene:
    """A host with one open, priced instrument, its manager, and a firm with somebody who books."""

    host: OrganisationRecord
    resource: ResourceRecord
    manager_person: PersonRecord
    manager: Actor
    firm: OrganisationRecord
    booker_person: PersonRecord
    booker: Actor

    @property
    def key(self) -> HostKey:
        return self.resource.key

    @property
    def customer_id(self) -> UUID:
        return next(iter(self.booker.customer_ids))


def make_scene(**changes: Any) -> Scene:
    """Open on workdays from 9 to 17, 300 yuan an hour for firms, half of it in the house, a fee of 100 for cancelling
    within 24 hours. ``changes``: see ``_make_scene``."""
    return again.once(f"scene {changes}", lambda: _make_scene(**changes))


def _make_scene(
    *,
    units: int = 1,
    weekly: tuple[WeeklyHours, ...] | None = None,
    rules: Mapping[str, Any] | None = None,
    tariff: Mapping[str, Any] | None = TARIFF,
    zone: str = "Asia/Shanghai",
    **contents: Any,
) -> Scene:
    host = make_institution(zone=zone)
    resource = make_listing(host, units=units, **contents)
    manager_person = make_person(roles=[(host, Role.MANAGER)])
    manager = actor(manager_person, host)
    with unit_of_work() as unit:
        availability.set_hours_directly(
            unit, resource.key, make_weekly() if weekly is None else weekly, make_rules(**(rules or {}))
        )
        availability.rebuild(unit, [resource.key], availability.kept_span())
    if tariff is not None:
        pricing.adopt(resource.key, tariff, date(2020, 1, 1))
    firm = make_firm()
    booker_person = make_person(roles=[(firm, Role.BOOKER)])
    return Scene(host, resource, manager_person, manager, firm, booker_person, actor(booker_person, firm))


def another_booker(name: str = "") -> tuple[OrganisationRecord, PersonRecord, Actor]:
    """Somebody of another firm."""
    firm = make_firm()
    person = make_person(name=name, roles=[(firm, Role.BOOKER)])
    return firm, person, actor(person, firm)


def make_asked(
    start: str = "2026-03-03T09:00+08:00", end: str = "2026-03-03T11:00+08:00", **changes: Any
) -> Asked:
    values: dict[str, Any] = {"span": span(start, end), "description": "断口形貌"}
    values.update(changes)
    return Asked(**values)


def make_booking(
    scene: Scene, *, by: Actor | None = None, asked: Asked | None = None, **more: Any
) -> BookingRecord:
    """A booking made through the service, by the scene's booker unless told otherwise."""
    return booking.request(scene.key, asked or make_asked(), by=by or scene.booker, **more)
