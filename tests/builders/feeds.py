"""Builders of bookings as calendar feeds meet them: straight into the tables, without the rules of booking."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.booking.tables import Booking
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey


def make_bookings(
    key: HostKey, unit_id: UUID, customer_id: UUID, person_id: UUID, starts: list[datetime], **changes: Any
) -> list[HostKey]:
    """Two-hour windows with their occupancies, in one unit of work."""
    bookings, occupancies = [], []
    with unit_of_work() as unit:
        for start in starts:
            booking_id = new_id()
            end = start + timedelta(hours=2)
            values = {
                "institution_id": key.institution_id, "id": booking_id, "number": f"B{booking_id.hex[-10:]}",
                "kind": "window", "mode": "self_use", "state": "approved", "resource_id": key.id, "unit_id": unit_id,
                "customer_id": customer_id, "customer_class": "firm_small", "person_id": person_id,
                "booked_by": person_id, "starts_at": start, "ends_at": end, "setup_seconds": 0, "teardown_seconds": 0,
                "purpose": "research", "hazard": {}, "answers": {}, "extras": [], "items": {},
                "ical_uid": f"{booking_id}@resource-hub", "ical_sequence": 0, "version": 1,
                "created_at": unit.now, "changed_at": unit.now,
            }  # fmt: skip
            values.update(changes)
            bookings.append(values)
            occupancies.append(
                {
                    "institution_id": key.institution_id,
                    "id": new_id(),
                    "resource_id": key.id,
                    "unit_id": unit_id,
                    "starts_at": start,
                    "ends_at": end,
                    "kind": "booking",
                    "holder_id": booking_id,
                    "setup_seconds": 0,
                    "teardown_seconds": 0,
                }
            )
        unit.session.execute(insert(Booking), bookings)
        unit.session.execute(insert(Occupancy), occupancies)
    return [HostKey(key.institution_id, b["id"]) for b in bookings]


def change_booking(key: HostKey, **values: Any) -> None:
    """Change columns of a booking; a cancelled one loses its occupancy."""
    with unit_of_work() as unit:
        unit.session.execute(
            update(Booking)
            .where(Booking.institution_id == key.institution_id, Booking.id == key.id)
            .values(**values)
        )
        if values.get("state") == "cancelled":
            table = Occupancy.__table__
            unit.session.execute(table.delete().where(table.c.holder_id == key.id))
