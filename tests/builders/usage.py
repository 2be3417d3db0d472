"""Rows and records of usage for tests, with sane defaults. Everything goes in through a unit of work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.tables import Customer, Membership, Organisation, Person
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.catalogue.tables import Resource, Unit
from resource_hub.domain.usage.records import BulkRow, Host
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work

NINE = datetime(2026, 3, 5, 1, 0, tzinfo=UTC)
"""Thursday 5 March 2026, 09:00 in Shanghai: the start of the booking that the builders make."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One host with one instrument of one unit, its manager, and a firm with one engineer."""

    host: Host
    resource_id: UUID
    unit_id: UUID
    unit_code: str
    manager: UUID
    firm_id: UUID
    customer_id: UUID
    engineer: UUID


def _columns(table: type[Any], values: dict[str, Any]) -> Any:
    known = set(table.__mapper__.columns.keys())
    return table(**{name: value for name, value in values.items() if name in known})


def make_person(name: str = "李工", **more: Any) -> UUID:
    person_id = more.pop("id", None) or new_id()
    with unit_of_work() as unit:
        unit.session.add(
            _columns(
                Person,
                {
                    "id": person_id,
                    "name": name,
                    "email": f"{person_id}@example.org",
                    "state": "active",
                    "created_at": NINE,
                    **more,
                },
            )
        )
    return person_id


def make_role(person_id: UUID, organisation_id: UUID, role: str) -> None:
    with unit_of_work() as unit:
        unit.session.add(
            Membership(
                id=new_id(),
                person_id=person_id,
                organisation_id=organisation_id,
                role=role,
                state="active",
                since=NINE - timedelta(days=400),
            )
        )


def make_scene(code: str = "ustc", zone: str = "Asia/Shanghai") -> Scene:
    """A host, its instrument, its manager and a firm's engineer who may book."""
    institution, firm, customer, resource, lane = (new_id() for _ in range(5))
    with unit_of_work() as unit:
        session = unit.session
        for organisation_id, kind, name in (
            (institution, "institution", "中国某大学"),
            (firm, "firm", "某材料公司"),
        ):
            session.add(
                _columns(
                    Organisation,
                    {
                        "id": organisation_id,
                        "kind": kind,
                        "code": code if kind == "institution" else f"{code}-firm",
                        "name_zh": name,
                        "name_en": f"Test {kind} {code}",
                        "state": "active",
                        "zone": zone,
                        "created_at": NINE,
                    },
                )
            )
        session.flush()
        session.add(
            _columns(
                Customer,
                {
                    "id": customer,
                    "kind": "firm",
                    "organisation_id": firm,
                    "name_zh": "某材料公司",
                    "code": code,
                    "name_en": "A materials firm",
                    "state": "active",
                    "created_at": NINE,
                },
            )
        )
        session.add(
            _columns(
                Resource,
                {
                    "institution_id": institution,
                    "id": resource,
                    "code": "sem-1",
                    "kind": "instrument",
                    "name_zh": "场发射扫描电镜",
                    "name_en": "Field-emission SEM",
                    "modes": ["self_use", "staff_run", "send_in"],
                    "bookable": True,
                    "state": "public",
                    "created_at": NINE,
                    "changed_at": NINE,
                },
            )
        )
        session.flush()
        session.add(
            _columns(
                Unit,
                {
                    "institution_id": institution,
                    "id": lane,
                    "resource_id": resource,
                    "code": "sem-1-a",
                    "name_zh": "一号机",
                    "name_en": "Unit 1",
                    "position": 1,
                },
            )
        )
    manager, engineer = make_person("王老师"), make_person("李工")
    make_role(manager, institution, "manager")
    make_role(engineer, firm, "booker")
    return Scene(Host(institution, code, zone), resource, lane, "sem-1-a", manager, firm, customer, engineer)


def make_booking(scene: Scene, **more: Any) -> UUID:
    """An approved booking of the scene's unit, two hours from ``NINE`` unless told otherwise. Not through the
    booking service: no occupancy, no quote."""
    booking_id = more.pop("id", None) or new_id()
    values: dict[str, Any] = {
        "institution_id": scene.host.id,
        "id": booking_id,
        "number": f"B-{booking_id.hex[-12:]}",
        "kind": "window",
        "mode": "self_use",
        "state": "approved",
        "resource_id": scene.resource_id,
        "unit_id": scene.unit_id,
        "customer_id": scene.customer_id,
        "customer_class": "firm_small",
        "person_id": scene.engineer,
        "booked_by": scene.engineer,
        "starts_at": NINE,
        "ends_at": NINE + timedelta(hours=2),
        "purpose": "research",
        "ical_uid": f"{booking_id}@example.org",
        "created_at": NINE - timedelta(days=3),
        "changed_at": NINE - timedelta(days=3),
        **more,
    }
    with unit_of_work() as unit:
        unit.session.add(_columns(Booking, values))
    return booking_id


def make_bulk_row(scene: Scene, number: int = 1, **more: Any) -> BulkRow:
    start = more.pop("starts_at", NINE + timedelta(hours=number))
    values: dict[str, Any] = {
        "source_key": f"old-log:{number}",
        "resource_id": scene.resource_id,
        "unit_id": scene.unit_id,
        "customer_id": scene.customer_id,
        "customer_class": "firm_small",
        "starts_at": start,
        "ends_at": start + timedelta(minutes=50),
        **more,
    }
    return BulkRow(**values)
