"""Answers to an order: yes, no, another time."""

from __future__ import annotations

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.booking import (
    answers,
    store,
    waiting,
)
from resource_hub.domain.booking.changing import change
from resource_hub.domain.booking.errors import (
    InvalidOrder,
)
from resource_hub.domain.booking.managing import approve_in, decides, let_go, opened, written
from resource_hub.domain.booking.rules.states import step
from resource_hub.domain.booking.terms import (
    Act,
    BookingRecord,
    Side,
)
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan


@retried()
def approve(key: HostKey, *, by: Actor, version: int | None = None, note: str = "") -> BookingRecord:
    """Say yes. The time was held since the request, so nothing can be in the way.

    Raises:
        WrongState: it was answered, cancelled or has lapsed. NotYours, StaleBooking
    """
    with unit_of_work() as unit:
        _, record, _ = opened(unit, key, by, version)
        return say_yes(unit, record, by, note)


def say_yes(unit: Unit, record: BookingRecord, by: Actor, note: str, *, quiet: bool = False) -> BookingRecord:
    """One person's yes inside a unit: the order is confirmed by the last one of those that are asked."""
    wanted = answers.current(unit, record, quiet=quiet)
    if wanted is None:
        decides(record, by)
    elif not answers.yes(unit, record, wanted, by, note, quiet=quiet):
        row = store.locked(unit.session, record.key)
        assert row is not None
        return store.record(row)
    return approve_in(unit, record, by.person_id, note, quiet=quiet)


@retried()
def reject(key: HostKey, *, by: Actor, reason: str, version: int | None = None) -> BookingRecord:
    """Say no, with the reason that the customer reads; the time is free at once.

    Raises:
        InvalidOrder: without a reason. WrongState, NotYours, StaleBooking
    """
    if not reason.strip():
        raise InvalidOrder(Reason("booking.reason_missing", {}, "reason"))
    with unit_of_work() as unit:
        _, record, _ = opened(unit, key, by, version)
        return say_no(unit, record, by, reason.strip())


def say_no(
    unit: Unit, record: BookingRecord, by: Actor, reason: str, *, quiet: bool = False
) -> BookingRecord:
    """One person's no inside a unit; it is enough."""
    wanted = answers.current(unit, record, quiet=quiet)
    if wanted is None:
        decides(record, by)
    else:
        answers.no(unit, record, wanted, by, reason)
    return reject_in(unit, record, by, reason, quiet=quiet)


def reject_in(
    unit: Unit, record: BookingRecord, by: Actor, reason: str, *, quiet: bool = False
) -> BookingRecord:
    """Say no inside a unit."""
    state = step(record.kind, record.state, Act.REJECT, Side.HOST)
    let_go(unit, record)
    values = {
        "state": state.value,
        "decided_by": by.person_id,
        "decided_at": unit.now,
        "decision_note": reason,
        "answer_by": None,
        "ical_sequence": record.ical_sequence + 1,
    }
    details = {"reason": reason}
    done = written(unit, record, values, by.person_id, "rejected", details, "booking.rejected", quiet=quiet)
    if not quiet:
        waiting.freed(unit, record, record.span, by.person_id)
    return done


def propose(
    key: HostKey, span: TimeSpan, *, by: Actor, note: str = "", version: int | None = None
) -> BookingRecord:
    """Offer the customer another time instead: moved by the host, still to be answered by a click of the customer's
    only where it does not suit (who does not want it cancels for nothing)."""
    return change(key, span, by=by, version=version, note=note, kind="proposed", as_host=True)
