"""The fee of a late cancellation waits for the moment at which the slot begins: if it was taken again, nobody owes it.

Taken means wholly, by orders that were approved: what stays empty, or was only asked for, was kept for the one who
cancelled. It does not matter who takes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from resource_hub.domain.booking import reading, store
from resource_hub.domain.booking.preparing import announce, record_event
from resource_hub.domain.booking.terms import BookingRecord, BookingState
from resource_hub.infra import batches, clock
from resource_hub.infra.database import reading as reads
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, subtract


def decide_fees(limit: int = 50, lease: Lease | None = None) -> int:
    """Decide the fees of slots that have begun; returns how many."""

    def decide(keys: Sequence[HostKey]) -> int:
        with unit_of_work(lease=lease) as unit:
            for key in keys:
                row = store.locked(unit.session, key)
                if row is not None and row.fee_decides_at is not None:
                    _decide(unit, store.record(row))
            return len(keys)

    job = "booking.decide_fees"
    keys = batches.found(job, lambda many: store.fees_to_decide(reads(), clock.now(), many), limit)
    return batches.together(job, keys, decide)


def _decide(unit: Unit, record: BookingRecord) -> None:
    assert record.span is not None
    taken, asked = _taken(unit, record)
    empty = subtract([record.span], taken)
    changes: dict[str, Any] = {"changed_at": unit.now}
    if empty and asked and not subtract(empty, [span for span, _ in asked]):
        # Somebody has asked for what is empty: the answer decides.
        changes["fee_decides_at"] = min(until for _, until in asked)
        store.change(unit.session, record.key, changes)
        return
    changes["fee_decides_at"] = None
    fee = {"minor": record.cancel_fee.minor, "currency": record.cancel_fee.currency}
    if not empty:
        changes["cancel_fee_minor"] = 0
        record_event(unit, record.key, None, "fee_waived", {"fee": fee})
    store.change(unit.session, record.key, changes)
    name = "booking.fee_due" if empty else "booking.fee_waived"
    announce(unit, record.key, name, None, fee=fee)


def _taken(unit: Unit, gone: BookingRecord) -> tuple[list[TimeSpan], list[tuple[TimeSpan, datetime]]]:
    """Times that others have of a cancelled order's, and those that they have asked for, with the end of the term."""
    taken, asked = [], []
    for one in store.taken_again(unit.session, gone):
        assert one.span is not None
        order = one if one.parent_id is None else reading.booking(HostKey(one.institution_id, one.parent_id))
        state = reading.judged_by_clock(order, unit.now)
        if state is BookingState.REQUESTED:
            until = order.answer_by or one.span.end
            if until > unit.now:
                asked.append((one.span, until))
        elif state is not BookingState.EXPIRED:
            taken.append(one.span)
    return taken, asked
