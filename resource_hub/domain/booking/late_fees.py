"""The fee of a late cancellation, or of time given back late, waits for the moment at which the slot begins: if it was
taken again, nobody owes it.

Taken means wholly, by orders that were approved: what stays empty, or was only asked for, was kept for the one who
cancelled. It does not matter who takes it. Set-up and tear-down on either side leave nothing empty that anybody could
have had.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from resource_hub.domain.booking import given_back_store, reading, store
from resource_hub.domain.booking.preparing import announce, record_event
from resource_hub.domain.booking.terms import BookingRecord, BookingState, GivenBackRecord
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

    def decide_parts(keys: Sequence[HostKey]) -> int:
        with unit_of_work(lease=lease) as unit:
            for key in keys:
                one = given_back_store.one(unit.session, key, lock=True)
                if one is not None and one.decides_at is not None:
                    _decide_part(unit, one)
            return len(keys)

    job = "booking.decide_fees"
    keys = batches.found(job, lambda many: store.fees_to_decide(reads(), clock.now(), many), limit)
    done = batches.together(job, keys, decide)
    job = "booking.decide_parts"
    keys = batches.found(job, lambda many: given_back_store.to_decide(reads(), clock.now(), many), limit)
    return done + batches.together(job, keys, decide_parts)


def _decide(unit: Unit, record: BookingRecord) -> None:
    assert record.span is not None
    near = store.near_on_unit(unit.session, record.resource_key, record.unit_id, record.span, record.key.id)
    empty, until = _empty(unit, record.span, near)
    changes: dict[str, Any] = {"changed_at": unit.now, "fee_decides_at": until}
    if until is not None:
        store.change(unit.session, record.key, changes)
        return
    fee = {"minor": record.cancel_fee.minor, "currency": record.cancel_fee.currency}
    if not empty:
        changes["cancel_fee_minor"] = 0
        record_event(unit, record.key, None, "fee_waived", {"fee": fee})
    store.change(unit.session, record.key, changes)
    name = "booking.fee_due" if empty else "booking.fee_waived"
    announce(unit, record.key, name, None, fee=fee)


def _decide_part(unit: Unit, one: GivenBackRecord) -> None:
    near = store.near_on_unit(unit.session, one.resource_key, one.unit_id, one.span)
    empty, until = _empty(unit, one.span, near)
    changes: dict[str, Any] = {"decides_at": until}
    if until is not None:
        given_back_store.change(unit.session, one.key, changes)
        return
    fee = {"minor": one.fee.minor, "currency": one.fee.currency}
    told = {"fee": fee, "given_back": str(one.key.id)}
    if not empty:
        changes["fee_minor"] = 0
        record_event(unit, one.order_key, None, "fee_waived", {"fee": fee})
    given_back_store.change(unit.session, one.key, changes)
    name = "booking.fee_due" if empty else "booking.fee_waived"
    announce(unit, one.order_key, name, None, **told)


def _empty(
    unit: Unit, span: TimeSpan, near: Sequence[BookingRecord]
) -> tuple[list[TimeSpan], datetime | None]:
    """What of a time nobody has taken again, and until when somebody may still get what was asked for; None where
    nothing is open. ``near``: orders that hold some of it, be it for set-up or tear-down alone."""
    taken, asked = _taken(unit, near)
    if not any(one.span is not None and one.span.overlaps(span) for one in [*taken, *(o for o, _ in asked)]):
        return [span], None
    empty = subtract([span], [one.held for one in taken if one.held])
    if empty and asked and not subtract(empty, [one.held for one, _ in asked if one.held]):
        # Somebody has asked for what is empty: the answer decides.
        return empty, min(until for _, until in asked)
    return empty, None


def _taken(
    unit: Unit, near: Sequence[BookingRecord]
) -> tuple[list[BookingRecord], list[tuple[BookingRecord, datetime]]]:
    """Those who have their time, and those who have asked for it, with the end of the term."""
    taken, asked = [], []
    for one in near:
        assert one.span is not None
        order = one if one.parent_id is None else reading.booking(HostKey(one.institution_id, one.parent_id))
        state = reading.judged_by_clock(order, unit.now)
        if state is BookingState.REQUESTED:
            until = order.answer_by or one.span.end
            if until > unit.now:
                asked.append((one, until))
        elif state is not BookingState.EXPIRED:
            taken.append(one)
    return taken, asked
