"""Orders of somebody who leaves go to a colleague: what accounts asks of booking, wired by ``app.py``.

Only orders of the organisation that is left, and only what is still ahead or under way: what is being used at this
moment, and what is over, stays with whoever did it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Select, func, select

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import series_store, store
from resource_hub.domain.booking.managing import handed_over
from resource_hub.domain.booking.preparing import announce_series
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import FINAL, BookingState
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey

_STAYS = FINAL | {BookingState.IN_USE}


def _theirs(statement: Select, organisation_id: UUID, person_id: UUID) -> Select:
    customers = accounts.customers_of_organisation(organisation_id)
    return statement.where(
        Booking.person_id == person_id,
        Booking.parent_id.is_(None),
        Booking.customer_id.in_([c.id for c in customers]),
        Booking.state.not_in([state.value for state in _STAYS]),
    )


class OpenOrders:
    """Accounts' port of open work."""

    def count(self, organisation_id: UUID, person_id: UUID) -> Mapping[str, int]:
        statement = _theirs(select(func.count()).select_from(Booking), organisation_id, person_id)
        return {"bookings": reading().scalar(statement) or 0}

    def hand_over(self, unit: Unit, organisation_id: UUID, person_id: UUID, successor_id: UUID) -> int:
        """Pass the orders on in the unit in which the person leaves; each keeps its id, number and calendar UID. Both
        people are told; a series of which days are left goes along."""
        statement = _theirs(select(Booking.institution_id, Booking.id), organisation_id, person_id)
        keys = [
            HostKey(*row)
            for row in unit.session.execute(statement.order_by(Booking.institution_id, Booking.id))
        ]
        records = []
        for key in keys:
            row = store.locked(unit.session, key)
            if row is None or row.person_id != person_id or BookingState(row.state) in _STAYS:
                continue
            records.append(store.record(row))
        series = Counter(of for record in records if (of := record.series_key) is not None)
        for record in records:
            key = record.key
            # Several days of a series are told of together.
            together = record.series_key is not None and series[record.series_key] > 1
            handed_over(unit, record, successor_id, None, quiet=together)
            unit.audit(
                "booking.handed_over",
                key.institution_id,
                f"booking:{key.id}",
                {"from": str(person_id), "to": str(successor_id)},
            )
        for key, days in sorted(series.items()):
            series_store.pass_on(unit.session, key, person_id, successor_id, unit.now)
            if days > 1:
                announce_series(
                    unit, key, "booking.series_handed_over", None, bookings=days, former=str(person_id),
                    to=str(successor_id),
                )  # fmt: skip
        return len(records)
