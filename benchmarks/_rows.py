"""Many bookings at once, past the rules of booking: what a house has after years."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra.bulk import collector_off, insert_rows, refresh_statistics
from resource_hub.infra.ids import derived_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders.booking import Scene

_BOOKING = (
    "institution_id", "id", "number", "kind", "mode", "state", "resource_id", "unit_id", "customer_id",
    "customer_class", "person_id", "booked_by", "starts_at", "ends_at", "setup_seconds", "teardown_seconds", "purpose",
    "project", "description", "samples", "hazard", "answers", "extras", "items", "ical_uid", "ical_sequence",
    "currency", "decision_note", "cancel_reason", "cancel_fee_minor", "version", "created_at", "changed_at",
)  # fmt: skip
_OCCUPANCY = (
    "institution_id", "id", "resource_id", "unit_id", "starts_at", "ends_at", "kind", "holder_id", "setup_seconds",
    "teardown_seconds",
)  # fmt: skip
_BATCH = 5_000


def fill(
    scene: Scene,
    keys: Sequence[HostKey],
    count: int,
    first: datetime,
    *,
    backwards: bool = False,
    number: int = 0,
) -> None:
    """``count`` bookings of an hour, shared out evenly, three hours apart from ``first`` on, or back from it into the
    past. ``number`` is the first of their numbers."""
    units = {key: found[0].key.id for key, found in catalogue.units_of(list(keys)).items()}
    step = timedelta(hours=-3 if backwards else 3)
    bookings, occupancies = [], []
    with collector_off():
        for n in range(count):
            key = keys[n % len(keys)]
            start = first + step * (n // len(keys))
            end = start + timedelta(hours=1)
            booking_id = derived_id(start, "bench", key.id, number + n)
            host = key.institution_id
            bookings.append(
                (
                    host, booking_id, f"X{number + n:09d}", "window", "self_use", "approved", key.id, units[key],
                    scene.customer_id, "firm_small", scene.booker.person_id, scene.booker.person_id, start, end, 0, 0,
                    "research", "", "", 0, {}, {}, [], {}, f"{booking_id}@hub", 0, "CNY", "", "", 0, 1, start, start,
                )
            )  # fmt: skip
            occupancies.append(
                (
                    host,
                    derived_id(start, "held", booking_id),
                    key.id,
                    units[key],
                    start,
                    end,
                    "booking",
                    booking_id,
                    0,
                    0,
                )
            )
            if len(bookings) == _BATCH or n == count - 1:
                with unit_of_work() as unit:
                    insert_rows(unit.session, Booking, _BOOKING, bookings)
                    insert_rows(unit.session, Occupancy, _OCCUPANCY, occupancies)
                bookings, occupancies = [], []
    with unit_of_work() as unit:
        refresh_statistics(unit.session, Booking, Occupancy)
