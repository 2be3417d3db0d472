"""How an order goes on: messages, documents, steps of samples and access, what usage reports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import (
    history_store,
    linking,
    reading,
    store,
    waiting,
)
from resource_hub.domain.booking.errors import (
    InvalidOrder,
    WrongState,
)
from resource_hub.domain.booking.managing import let_go, opened, written
from resource_hub.domain.booking.preparing import (
    announce,
    is_staff,
    record_event,
)
from resource_hub.domain.booking.rules.states import step
from resource_hub.domain.booking.terms import (
    Act,
    BookingRecord,
    FileKind,
    Side,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan


def say(key: HostKey, text: str, *, by: Actor) -> UUID:
    """Write to the other party; returns the id of the message.

    Raises:
        InvalidOrder: an empty message, or one of more than 4,000 characters.
    """
    body = text.strip()
    if not body or len(body) > 4000:
        raise InvalidOrder(Reason("booking.message_length", {"most": 4000}, "text"))
    with unit_of_work() as unit:
        record, side = reading.booking_for(key, by)
        made = history_store.add_message(unit.session, key, unit.now, by.person_id, side is Side.HOST, body)
        announce(unit, record.key, "booking.message", by.person_id, from_host=side is Side.HOST)
        return made


def attach(key: HostKey, file_organisation_id: UUID, file_id: UUID, kind: FileKind, *, by: Actor) -> UUID:
    """Add a stored document to an order, from either side. Results are delivered, with a last day.

    Raises:
        InvalidOrder: it is meant to be a result. NoSuchBooking
    """
    if kind is FileKind.RESULT:
        raise InvalidOrder(Reason("booking.result_is_delivered", {}, "kind"))
    with unit_of_work() as unit:
        record, side = reading.booking_for(key, by)
        made = history_store.add_file(unit.session, key, kind, file_organisation_id, file_id)
        record_event(unit, key, by.person_id, "attached", {"kind": kind.value})
        announce(
            unit, record.key, "booking.attached", by.person_id, from_host=side is Side.HOST, kind=kind.value
        )
        return made


_NAMES = {
    Act.RECEIVE: ("received", "booking.received"),
    Act.BEGIN: ("begun", "booking.begun"),
    Act.DELIVER: ("delivered", "booking.delivered"),
    Act.FINISH: ("finished", "booking.finished"),
}


@retried()
def advance(
    key: HostKey, act: Act, *, by: Actor, note: str = "", version: int | None = None
) -> BookingRecord:
    """Take a sample order or an access request one step on: received, begun, delivered, finished.

    Raises:
        WrongState: the step is not open, or not to this side. StaleBooking
    """
    if act not in _NAMES:
        raise WrongState(Reason("booking.no_such_step", {}))
    kind, name = _NAMES[act]
    with unit_of_work() as unit:
        _, record, side = opened(unit, key, by, version)
        if act is not Act.FINISH and is_staff(by, catalogue.resource(record.resource_key)):
            side = Side.HOST  # the laboratory's work, whoever the customer is
        state = step(record.kind, record.state, act, side)
        changes = {"state": state.value}
        return written(unit, record, changes, by.person_id, kind, {"note": note.strip()}, name)


def _reported(
    unit: Unit, key: HostKey, act: Act, kind: str, name: str, details: dict[str, Any] | None = None
) -> BookingRecord | None:
    """A step that the use itself makes; what has moved on already stays as it is."""
    row = store.locked(unit.session, key)
    if row is None:
        return None
    record = store.record(row)
    try:
        state = step(record.kind, record.state, act, Side.SYSTEM)
    except WrongState:
        return None
    return written(unit, record, {"state": state.value}, None, kind, details or {}, name)


def started(unit: Unit, key: HostKey, at: datetime | None = None) -> None:
    """The customer is at the instrument, since ``at``. Repeating changes nothing."""
    details = {"at": (at or unit.now).isoformat()}
    _reported(unit, key, Act.START, "started", "booking.started", details)


def finished(unit: Unit, key: HostKey, at: datetime) -> None:
    """The use is over; what is left of the slot after the tear-down is free again (B19)."""
    record = _reported(unit, key, Act.FINISH, "finished", "booking.finished")
    if record is not None and record.span is not None and at < record.span.end:
        end, teardown = max(at, record.span.start), timedelta(seconds=record.teardown_seconds)
        availability.end_early(unit, record.resource_key, key.id, end)
        linking.end_early(unit, record, end)
        waiting.freed(unit, record, TimeSpan(end + teardown, record.span.end + teardown), record.person_id)


def missed(unit: Unit, key: HostKey) -> None:
    """Nobody came: the rest of the slot is free, the booking is a no-show."""
    record = _reported(unit, key, Act.MISS, "missed", "booking.no_show")
    if record is not None:
        let_go(unit, record)
        waiting.freed(unit, record, record.span, record.person_id)
