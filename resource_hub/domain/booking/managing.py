"""What happens to an order after it was made: answers, changes, cancellation, samples, and what usage reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import HouseDocument, OccupancyKind
from resource_hub.domain.booking import (
    answers,
    linking,
    ports,
    quoting,
    reading,
    store,
    under_quotes,
    waiting,
)
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    NoSuchBooking,
    NotYours,
    SlotTaken,
    WrongState,
    unchanged,
)
from resource_hub.domain.booking.ordering import alternatives
from resource_hub.domain.booking.preparing import (
    DECIDES,
    announce,
    clock_of,
    is_staff,
    judge,
    prepare,
    record_event,
)
from resource_hub.domain.booking.rules.answering import answer_term, lapses_at
from resource_hub.domain.booking.rules.check import check_cancel, check_change, needs_approval
from resource_hub.domain.booking.rules.moves import moved_away
from resource_hub.domain.booking.rules.states import step
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import (
    Act,
    BookingRecord,
    BookingState,
    ChangeFacts,
    FileKind,
    FundsFacts,
    QuoteRecord,
    Side,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock, database
from resource_hub.infra.database import current_unit
from resource_hub.infra.unit_of_work import Lease, Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan


def opened(unit: Unit, key: HostKey, by: Actor, version: int | None) -> tuple[Booking, BookingRecord, Side]:
    """The booking, its resource locked before it, for one of its parties. A term that has run out has done its work.

    Raises:
        NoSuchBooking, StaleBooking
    """
    before, side = reading.booking_for(key, by)
    return *locked_order(unit, before, version), side


def locked_order(unit: Unit, before: BookingRecord, version: int | None) -> tuple[Booking, BookingRecord]:
    """The booking as it is now, its resource locked before it, without asking whose it is."""
    key = before.key
    linking.lock(unit, [before.resource_key, *(c.resource_key for c in store.children(unit.session, key))])
    row = store.locked(unit.session, key)
    if row is None:
        raise NoSuchBooking()
    if row.parent_id is not None:
        raise WrongState(Reason("booking.follows_its_order", {}))
    unchanged(row.version, version)
    record = store.record(row)
    if _lapse(unit, record):
        row = store.locked(unit.session, key)
        assert row is not None
        record = store.record(row)
    return row, record


def decides(record: BookingRecord, by: Actor) -> None:
    if not is_staff(by, catalogue.resource(record.resource_key), DECIDES):
        raise NotYours()


# ---- answers ---------------------------------------------------------------------------------------------------


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
    wanted = answers.current(unit, record)
    if wanted is None:
        decides(record, by)
    elif not answers.yes(unit, record, wanted, by, note):
        row = store.locked(unit.session, record.key)
        assert row is not None
        return store.record(row)
    return approve_in(unit, record, by.person_id, note, quiet=quiet)


def approve_in(
    unit: Unit, record: BookingRecord, person_id: UUID | None, note: str, *, quiet: bool = False
) -> BookingRecord:
    """Say yes inside a unit."""
    side = Side.HOST if person_id else Side.SYSTEM
    state = step(record.kind, record.state, Act.APPROVE, side)
    availability.settle(unit, record.institution_id, record.key.id)
    linking.settle(unit, record)
    values: dict[str, Any] = {
        "state": state.value,
        "decided_by": person_id,
        "decided_at": unit.now,
        "decision_note": note.strip(),
        "answer_by": None,
        "ical_sequence": record.ical_sequence + 1,
    }
    details = {"note": note.strip()}
    return written(unit, record, values, person_id, "approved", details, "booking.approved", quiet=quiet)


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
    wanted = answers.current(unit, record)
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
    _let_go(unit, record)
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
    return change(key, span, by=by, version=version, note=note, kind="proposed")


# ---- cancelling ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CancelPreview:
    """What cancelling would do now: its fee, or why it is not possible."""

    fee: Money
    reasons: tuple[Reason, ...]


def _rules_of(record: BookingRecord) -> HouseDocument:
    return availability.house_rules(record.resource_key)[0]


def _cancels_as(record: BookingRecord, side: Side) -> Side:
    """As which side a cancellation counts: whom the host moved away from the time that they chose is as free as it."""
    if side is Side.CUSTOMER and record.state is BookingState.APPROVED:
        return Side.HOST if moved_away(store.events(database.reading(), record.key)) else side
    return side


@dataclass(frozen=True, slots=True)
class _Fees:
    """What a cancellation costs: for the resource itself, and for each helper that costs something."""

    own: Money
    helpers: Mapping[HostKey, Money] = field(default_factory=dict)

    @property
    def together(self) -> Money:
        return Money.sum((self.own, *self.helpers.values()), self.own.currency)


def _fees(record: BookingRecord, side: Side, now: datetime) -> _Fees:
    # The host's own cancellation and an unanswered request cost nothing.
    if side is not Side.CUSTOMER or record.state is not BookingState.APPROVED:
        return _Fees(Money.zero(record.cancel_fee.currency))
    resource = catalogue.resource(record.resource_key)
    own = quoting.cancellation_fee(
        resource, reading.asked_of(record), record.customer_class, record.tariff_id, now
    )
    return _Fees(own, linking.cancellation_fees(record, now))


def cancel_preview(key: HostKey, *, by: Actor) -> CancelPreview:
    """The fee before the click."""
    record, side = reading.booking_for(key, by)
    return cancellation(record, clock.now(), side)


def cancellation(record: BookingRecord, now: datetime, side: Side = Side.CUSTOMER) -> CancelPreview:
    """What it would mean for a side to cancel at a moment."""
    try:
        step(record.kind, record.state, Act.CANCEL, side)
    except WrongState as error:
        return CancelPreview(Money.zero(record.cancel_fee.currency), error.reasons)
    counts = _cancels_as(record, side)
    reasons = check_cancel(record.state, record.starts_at, _rules_of(record), now, by_host=counts is Side.HOST)
    return CancelPreview(_fees(record, counts, now).together, reasons)


@retried()
def cancel(
    key: HostKey,
    *,
    by: Actor,
    reason: str = "",
    version: int | None = None,
    expected_fee: Money | None = None,
) -> BookingRecord:
    """Cancel; the time is free at once. The fee of the tariff is owed unless somebody takes the time before it begins.

    Args:
        expected_fee: the fee that the person saw before the click; a higher one refuses.

    Raises:
        BookingRefused: too late by the house rules. WrongState, NotYours, StaleBooking
        InvalidOrder: the host cancels without a reason (B15).
    """
    with unit_of_work() as unit:
        _, record, side = opened(unit, key, by, version)
        return cancel_in(unit, record, side, by, reason, expected_fee)


def cancel_in(
    unit: Unit,
    record: BookingRecord,
    side: Side,
    by: Actor,
    reason: str,
    expected_fee: Money | None = None,
    *,
    quiet: bool = False,
) -> BookingRecord:
    """Cancel inside a unit, or raise every reason against it."""
    if side is Side.HOST and not reason.strip():
        raise InvalidOrder(Reason("booking.reason_missing", {}, "reason"))
    state = step(record.kind, record.state, Act.CANCEL, side)
    counts = _cancels_as(record, side)
    reasons = check_cancel(
        record.state, record.starts_at, _rules_of(record), unit.now, by_host=counts is Side.HOST
    )
    if reasons:
        raise BookingRefused(*reasons)
    fees = _fees(record, counts, unit.now)
    fee = fees.together
    if expected_fee is not None and fee > expected_fee:
        values = {"fee": {"minor": fee.minor, "currency": fee.currency}}
        raise BookingRefused(Reason("booking.fee_rose", values))
    _let_go(unit, record)
    linking.owe(unit, record, fees.helpers)
    changes = {
        "state": state.value,
        "cancelled_at": unit.now,
        "cancelled_by": by.person_id,
        "cancel_reason": reason.strip(),
        "cancel_fee_minor": fees.own.minor,
        "fee_decides_at": record.starts_at if not fees.own.is_zero else None,
        "answer_by": None,
        "hold_expires_at": None,
        "ical_sequence": record.ical_sequence + 1,
    }
    details = {
        "reason": reason.strip(),
        "fee": {"minor": fee.minor, "currency": fee.currency},
        "by_host": side is Side.HOST,
    }
    done = written(
        unit, record, changes, by.person_id, "cancelled", details, "booking.cancelled", quiet=quiet
    )
    if not quiet:
        waiting.freed(unit, record, record.span, by.person_id)
    return done


def _let_go(unit: Unit, record: BookingRecord) -> None:
    """Free the time and the money that an order held; nobody need answer it any more."""
    if record.state is BookingState.REQUESTED:
        answers.drop(unit, record)
    linking.let_go(unit, record)
    availability.release(unit, record.institution_id, record.key.id, key=record.resource_key)
    ports.installed().hold_of_funds.release(unit, record.key)


# ---- changing --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """What moving a booking would mean, without doing it."""

    reasons: tuple[Reason, ...]
    quote: QuoteRecord | None
    free: bool
    needs_answer: bool


def change_preview(key: HostKey, span: TimeSpan, *, by: Actor, unit_id: UUID | None = None) -> ChangePreview:
    record, side = reading.booking_for(key, by)
    now = clock.now()
    reasons, quote, waits = judged(record, span, side, by, now, unit_id)
    outside = record.customer_class.outside
    units = availability.free_units(record.resource_key, span, outside=outside, ignore=record.key.id)
    free = bool(units) and (unit_id is None or unit_id in units)
    helpers = linking.moving(record, span, by, now)
    reasons += linking.reasons_against(helpers)
    if free and linking.busy([h.resource for h in helpers], span, outside=outside, ignore=record.key.id):
        free = False
    if quote is not None:
        quote = linking.together(quote, [linking.quote_for(h, now) for h in helpers])
    return ChangePreview(reasons, quote, free, waits)


def judged(
    record: BookingRecord, span: TimeSpan, side: Side, by: Actor, now: datetime, unit_id: UUID | None
) -> tuple[tuple[Reason, ...], QuoteRecord | None, bool]:
    if record.span is None:
        raise WrongState(Reason("booking.no_time_to_change", {}))
    step(record.kind, record.state, Act.CHANGE, side)
    by_host = side is Side.HOST
    asked = replace(reading.asked_of(record, span), unit_id=unit_id)
    prepared = prepare(record.resource_key, asked, by=by, now=now, ignore=record.key.id, customer_known=True)
    facts = replace(prepared.facts, by_host=by_host)
    prepared = replace(prepared, facts=facts)
    rules = prepared.plan.rules if prepared.plan else HouseDocument()
    running = record.state is BookingState.IN_USE
    reasons = [
        reason
        for reason in judge(prepared, now)
        # A running booking began in the past, and what was answered once is not asked again.
        if not (running and reason.code in ("booking.in_past", "booking.lead"))
        and reason.place in (None, "time")
    ]
    reasons += check_change(ChangeFacts(record.state, record.span, span, by_host), rules, now)
    quote: QuoteRecord | None = None
    if record.tariff_id is not None:
        # The tariff of the first quote keeps its word; only the time is new.
        quote = quoting.compute(prepared.resource, asked, prepared.who, now, record.tariff_id)
    else:
        reasons += under_quotes.reasons_against(record, asked)
    waits = not running and needs_approval(
        rules, outside=prepared.who.outside, by_host=by_host, kind=record.kind
    )
    return tuple(reasons), quote, waits


@retried()
def _change(
    key: HostKey, span: TimeSpan, by: Actor, version: int | None, unit_id: UUID | None, note: str, kind: str
) -> BookingRecord:
    with unit_of_work() as unit:
        _, record, side = opened(unit, key, by, version)
        if side is Side.HOST:
            decides(record, by)
        return change_in(unit, record, span, side, by, unit_id=unit_id, note=note, kind=kind)


def change_in(
    unit: Unit,
    record: BookingRecord,
    span: TimeSpan,
    side: Side,
    by: Actor,
    *,
    unit_id: UUID | None = None,
    note: str = "",
    kind: str = "changed",
    quiet: bool = False,
    granted: bool = False,
) -> BookingRecord:
    """Give a booking another time inside a unit, or raise every reason against it; of time that was ``granted``
    before lead and horizon are none."""
    reasons, quote, waits = judged(record, span, side, by, unit.now, unit_id)
    if granted:
        reasons = tuple(reason for reason in reasons if reason.code not in ("booking.lead", "booking.horizon"))
    if reasons:
        raise BookingRefused(*reasons)
    if record.state is BookingState.REQUESTED and side is Side.CUSTOMER:
        answers.drop(unit, record)  # another time is asked for: everybody answers anew
    plan = availability.plan(record.resource_key, span)
    again = waits and side is Side.CUSTOMER and record.state is BookingState.APPROVED
    answer_by = None
    if again or record.state is BookingState.REQUESTED:
        term = answer_term(plan.rules, span, unit.now, clock_of(record.institution_id, plan.rules))
        answer_by = term if again or record.answer_by is None else min(term, record.answer_by)
    expires = lapses_at(plan.rules, span, answer_by) if answer_by else None
    chosen = availability.move(
        unit, record.resource_key, record.key.id, span, OccupancyKind.BOOKING, unit_id=unit_id,
        setup_seconds=plan.rules.setup_seconds, teardown_seconds=plan.rules.teardown_seconds,
        outside=record.customer_class.outside,
        expires_at=expires,
    )  # fmt: skip
    changes: dict[str, Any] = {
        "starts_at": span.start,
        "ends_at": span.end,
        "unit_id": chosen,
        "setup_seconds": plan.rules.setup_seconds,
        "teardown_seconds": plan.rules.teardown_seconds,
        "rules_number": plan.rules_number,
        "ical_sequence": record.ical_sequence + 1,
        "answer_by": answer_by,
    }
    if again:
        changes |= {"state": BookingState.REQUESTED.value, "decided_at": None, "decided_by": None}
    if quote is not None:
        frozen = quoting.freeze(unit, quote, by.person_id)
        changes["quote_id"] = frozen.key.id if frozen.key else None
        funds = ports.installed().hold_of_funds
        funds.release(unit, record.key)
        resource = catalogue.resource(record.resource_key)
        funds.hold(
            unit,
            FundsFacts(
                record.key, record.customer_id, resource, frozen.sums.to_pay, frozen.support,
                quoting.day_of(resource, span, unit.now),
            ),
        )  # fmt: skip
    assert record.span is not None
    details = {
        "from": [record.span.start.isoformat(), record.span.end.isoformat()],
        "to": [span.start.isoformat(), span.end.isoformat()],
        "note": note.strip(),
        "by_host": side is Side.HOST,
    }
    linking.move(unit, record, span, BookingState(changes.get("state", record.state)), by, expires)
    done = written(unit, record, changes, by.person_id, kind, details, "booking.changed", quiet=quiet)
    if not quiet:
        waiting.freed_by_change(unit, record, span, by.person_id)
    return done


def change(
    key: HostKey,
    span: TimeSpan,
    *,
    by: Actor,
    version: int | None = None,
    unit_id: UUID | None = None,
    note: str = "",
    kind: str = "changed",
) -> BookingRecord:
    """Move, extend or shorten: same id, same number, same calendar UID with a higher sequence, a new frozen quote.

    Raises:
        BookingRefused, SlotTaken: with alternatives; the booking keeps the time that it had.
        WrongState, NotYours, StaleBooking
    """
    availability.warm()
    try:
        return _change(key, span, by, version, unit_id, note, kind)
    except (SlotTaken, BookingRefused) as error:
        if current_unit.get() is None:
            record, _ = reading.booking_for(key, by)
            asked = reading.asked_of(record, span)
            if record.customer_id in by.customer_ids:
                error.values["alternatives"] = alternatives(record.resource_key, asked, by=by, ignore=key.id)
        raise


# ---- messages and documents ------------------------------------------------------------------------------------


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
        made = store.add_message(unit.session, key, unit.now, by.person_id, side is Side.HOST, body)
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
        made = store.add_file(unit.session, key, kind, file_organisation_id, file_id)
        record_event(unit, key, by.person_id, "attached", {"kind": kind.value})
        announce(
            unit, record.key, "booking.attached", by.person_id, from_host=side is Side.HOST, kind=kind.value
        )
        return made


# ---- steps of samples and access -------------------------------------------------------------------------------

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
        state = step(record.kind, record.state, act, side)
        changes = {"state": state.value}
        return written(unit, record, changes, by.person_id, kind, {"note": note.strip()}, name)


# ---- what usage reports ----------------------------------------------------------------------------------------


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
    """The use is over; what is left of the slot is free again (B19)."""
    record = _reported(unit, key, Act.FINISH, "finished", "booking.finished")
    if record is not None and record.span is not None and at < record.span.end:
        availability.end_early(unit, record.resource_key, key.id, max(at, record.span.start))
        linking.end_early(unit, record, max(at, record.span.start))
        waiting.freed(unit, record, record.span, record.person_id)


def missed(unit: Unit, key: HostKey) -> None:
    """Nobody came: the rest of the slot is free, the booking is a no-show."""
    record = _reported(unit, key, Act.MISS, "missed", "booking.no_show")
    if record is not None:
        _let_go(unit, record)
        waiting.freed(unit, record, record.span, record.person_id)


# ---- terms that run out ----------------------------------------------------------------------------------------


def lapse_due(limit: int = 50, lease: Lease | None = None) -> int:
    """End holds that have lapsed and requests that nobody answered in time; returns how many.

    Where the house rules take silence as consent, an unanswered request is approved instead.
    """
    with unit_of_work(lease=lease) as unit:
        keys = store.unanswered(unit.session, unit.now, limit)
        records = store.records_of(unit.session, keys)
        linking.lock(unit, {record.resource_key for record in records.values()})
        done = 0
        for key in sorted(keys):
            row = store.locked(unit.session, key)
            if row is not None:
                done += _lapse(unit, store.record(row))
        return done


def _lapse(unit: Unit, record: BookingRecord) -> int:
    now_is = reading.judged_by_clock(record, unit.now)
    if now_is is record.state:
        return 0
    if now_is is BookingState.APPROVED:
        approve_in(unit, record, None, "")
        return 1
    state = step(record.kind, record.state, Act.LAPSE, Side.SYSTEM)
    _let_go(unit, record)
    changes = {"state": state.value, "ical_sequence": record.ical_sequence + 1}
    name = "booking.expired" if record.state is BookingState.REQUESTED else "booking.hold_lapsed"
    written(unit, record, changes, None, "lapsed", {}, name)
    waiting.freed(unit, record, record.span, record.person_id, lapsed=True)
    return 1


# ---- writing ---------------------------------------------------------------------------------------------------


def written(
    unit: Unit,
    record: BookingRecord,
    changes: dict[str, Any],
    person_id: UUID | None,
    kind: str,
    details: dict[str, Any],
    name: str,
    *,
    quiet: bool = False,
) -> BookingRecord:
    """Write a change, its history and its event; a quiet one is told together with others."""
    store.change(unit.session, record.key, {**changes, "changed_at": unit.now})
    linking.carry(unit, record, changes, person_id, kind)
    record_event(unit, record.key, person_id, kind, details)
    announce(unit, record.key, name, person_id, kind=record.kind.value, quiet=quiet)
    row = store.locked(unit.session, record.key)
    assert row is not None
    return store.record(row)
