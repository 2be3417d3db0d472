"""The fee of a late cancellation waits for the moment at which the slot begins: if it was taken again, nobody owes it.

Taken means wholly: what stays empty was kept for the one who cancelled. It does not matter who takes it.
"""

from __future__ import annotations

from typing import Any

from resource_hub.domain.booking import store
from resource_hub.domain.booking.preparing import announce, record_event
from resource_hub.domain.booking.terms import BookingRecord
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work
from resource_hub.kernel.time import subtract


def decide_fees(limit: int = 50, lease: Lease | None = None) -> int:
    """Decide the fees of slots that have begun; returns how many."""
    with unit_of_work(lease=lease) as unit:
        keys = store.fees_to_decide(unit.session, unit.now, limit)
        for key in keys:
            row = store.locked(unit.session, key)
            if row is not None and row.fee_decides_at is not None:
                _decide(unit, store.record(row))
        return len(keys)


def _decide(unit: Unit, record: BookingRecord) -> None:
    assert record.span is not None
    taken = store.taken_again(unit.session, record, record.span)
    waived = not subtract([record.span], taken)
    changes: dict[str, Any] = {"fee_decides_at": None, "changed_at": unit.now}
    fee = {"minor": record.cancel_fee.minor, "currency": record.cancel_fee.currency}
    if waived:
        changes["cancel_fee_minor"] = 0
        record_event(unit, record.key, None, "fee_waived", {"fee": fee})
    store.change(unit.session, record.key, changes)
    name = "booking.fee_waived" if waived else "booking.fee_due"
    announce(unit, record.key, name, None, fee=fee)
