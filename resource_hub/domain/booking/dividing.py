"""Splitting a booking into two, and handing it over: to a colleague, or to another customer as far as the rules allow.
Another organisation is asked first (``hand_over_offers``).

What was booked keeps its id, number and calendar UID; of a split the first half does, the second is a new booking.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import OccupancyKind
from resource_hub.domain.booking import (
    answers,
    cancelling,
    history_store,
    linking,
    ports,
    quoting,
    reading,
    store,
    under_quotes,
)
from resource_hub.domain.booking.changing import change_in
from resource_hub.domain.booking.errors import BookingRefused, InvalidOrder, NotYours, WrongState
from resource_hub.domain.booking.managing import decides, handed_over, opened
from resource_hub.domain.booking.ordering import book_in
from resource_hub.domain.booking.preparing import Prepared, clock_of, judge, prepare, record_event
from resource_hub.domain.booking.rules import moves
from resource_hub.domain.booking.rules.answering import answer_term, lapses_at
from resource_hub.domain.booking.rules.check import AHEAD, needs_approval
from resource_hub.domain.booking.terms import (
    BookingRecord,
    BookingState,
    FundsFacts,
    QuoteRecord,
    Side,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan

_OPEN = (BookingState.REQUESTED, BookingState.APPROVED)
# What was granted once is not asked again: when it was booked and how far ahead.
_GRANTED = AHEAD | {"booking.in_past"}


def ahead(record: BookingRecord, now: datetime) -> TimeSpan:
    """The time of a booking that has not begun.

    Raises:
        WrongState: it has begun, is over, or has no time.
    """
    if record.state not in _OPEN or record.span is None or record.span.start <= now:
        raise WrongState(Reason("booking.not_ahead", {}))
    return record.span


@retried()
def split(
    key: HostKey, at: datetime, *, by: Actor, version: int | None = None
) -> tuple[BookingRecord, BookingRecord]:
    """Make two bookings of one: the first half stays what it was, the second gets an id and number of its own.

    Raises:
        InvalidOrder: ``at`` does not lie inside it. BookingRefused: a half that the rules do not allow.
        SlotTaken: set-up and tear-down leave no room between the halves. WrongState, StaleBooking, NoSuchBooking
    """
    with unit_of_work() as unit:
        _row, record, side = opened(unit, key, by, version)
        if side is Side.HOST:
            decides(record, by)
        span = ahead(record, unit.now)
        if not span.start < at < span.end:
            raise InvalidOrder(Reason("booking.split_outside", {}, "time"))
        refuse_if_priced_by_hand(record)
        helpers = frozenset(child.resource_id for child in store.children(unit.session, key))
        _refuse_if_gone(record.resource_key, helpers)
        late = cancelling.split_late(record, unit.now)
        shares: dict[str, Any] = {"shares_of": late} if late else {}
        first = TimeSpan(span.start, at)
        change_in(unit, record, first, side, by, unit_id=record.unit_id, kind="split", frees=False)
        asked = replace(
            reading.asked_of(record, TimeSpan(at, span.end)), unit_id=record.unit_id, helpers=helpers
        )
        second = book_in(unit, record.resource_key, asked, by, granted=record.state)
        record_event(unit, key, by.person_id, "split_into", {"number": second.number, **shares})
        details: dict[str, Any] = {"number": record.number, **shares}
        events = history_store.events(unit.session, key)
        for name, found in (
            ("moved_from", moves.moved_from(events)),
            ("confirmed", moves.still_confirmed(events)),
        ):
            if found is not None:
                details[name] = moves.written(found)
        record_event(unit, second.key, by.person_id, "split_from", details)
        return _record(unit, key), second


def refuse_if_priced_by_hand(record: BookingRecord) -> None:
    """An order whose price the host named by hand stays whole and with its customer.

    Raises:
        BookingRefused
    """
    reasons = under_quotes.not_to_be_divided(record)
    if reasons:
        raise BookingRefused(*reasons)


def _refuse_if_gone(key: HostKey, helpers: Collection[UUID]) -> None:
    """No half is booked without what came along with the whole.

    Raises:
        BookingRefused
    """
    linked = {link.helper_key.id for link in catalogue.links_of([key])}
    gone = [HostKey(key.institution_id, one) for one in sorted(set(helpers) - linked)]
    reasons = [
        Reason("booking.split_helper_gone", {"helper": {"zh": one.name_zh, "en": one.name_en}})
        for one in catalogue.resources(gone).values()
    ]
    if reasons:
        raise BookingRefused(*reasons)


def _record(unit: Unit, key: HostKey) -> BookingRecord:
    row = store.locked(unit.session, key)
    assert row is not None
    return store.record(row)


def successors(key: HostKey, *, by: Actor) -> dict[UUID, list[UUID]]:
    """Who may take a booking over, by customer: its own first, then the actor's others.

    Raises:
        NoSuchBooking
    """
    record, side = reading.booking_for(key, by)
    others = sorted(by.customer_ids - {record.customer_id}) if side is Side.CUSTOMER else []
    found = {}
    for customer_id in (record.customer_id, *others):
        people = [one for one in accounts.people_of_customer(customer_id) if one != record.person_id]
        if people:
            found[customer_id] = people
    return found


# What a customer wrote about its own work; to another organisation goes the time, not the work.
_UNSAID: dict[str, Any] = {"project": "", "description": "", "hazard": {}, "answers": {}, "decision_note": ""}


def left_behind(unit: Unit, key: HostKey) -> dict[str, list[str]]:
    """Messages and documents that stay between the host and who gives a booking to another organisation."""
    return {
        "messages": [str(one.id) for one in history_store.messages(unit.session, key)],
        "files": [str(one.id) for one in history_store.files(unit.session, key)],
    }


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What it would mean for somebody to take a booking over: reasons against it, the price, and what giving it back
    would cost then, a sum for each currency, that of the order first."""

    reasons: tuple[Reason, ...]
    quote: QuoteRecord | None
    fees: tuple[Money, ...]


def another_organisation(record: BookingRecord, customer_id: UUID) -> bool:
    """Whether a customer belongs to another organisation than that of a booking."""
    theirs = accounts.customer(customer_id).organisation_id
    return theirs != accounts.customer(record.customer_id).organisation_id


@retried()
def hand_over(
    key: HostKey, person_id: UUID, *, by: Actor, customer_id: UUID | None = None, version: int | None = None
) -> BookingRecord:
    """Let another person of the same organisation use a booking. For another customer of it, such as a group, the price
    is made anew, and the host is asked again where its rules ask for a yes.

    Raises:
        InvalidOrder: the person does not act for that customer, or it belongs to another organisation, which has to
            take it (``hand_over_offers``). BookingRefused: the rules say no to them.
        NotYours: the other customer is not the actor's. WrongState, StaleBooking, NoSuchBooking
    """
    with unit_of_work() as unit:
        _row, record, side = opened(unit, key, by, version)
        if side is Side.HOST:
            decides(record, by)
        ahead(record, unit.now)
        target = customer_id or record.customer_id
        if another_organisation(record, target):
            raise InvalidOrder(Reason("booking.hand_over_to_be_taken", {}, "customer"))
        if target != record.customer_id and side is Side.CUSTOMER and target not in by.customer_ids:
            raise NotYours()
        return take_over_in(unit, record, target, person_id, side, by)


def _judged(
    record: BookingRecord, target: UUID, person_id: UUID, by: Actor, now: datetime, side: Side
) -> tuple[Prepared, tuple[Reason, ...]]:
    """A booking as an order of whom it goes to, and what speaks against it."""
    asked = replace(reading.asked_of(record), person_id=person_id, customer_id=target, unit_id=record.unit_id)
    prepared = prepare(
        record.resource_key, asked, by=by, now=now, ignore=record.key.id, customer_known=True,
        as_host=side is Side.HOST,
    )  # fmt: skip
    reasons = [
        reason
        for reason in judge(prepared, now)
        if reason.place in (None, "mode", "time") and reason.code not in _GRANTED
    ]
    if target != record.customer_id:
        reasons += under_quotes.not_to_be_divided(record)
    return prepared, tuple(reasons)


def look_take_over(
    record: BookingRecord, target: UUID, person_id: UUID, by: Actor, now: datetime
) -> TakeOver:
    """What it would mean for another customer to take a booking over. Stores nothing."""
    prepared, reasons = _judged(record, target, person_id, by, now, Side.CUSTOMER)
    fees = cancelling.fees_in_hands_of(record, prepared.who.customer_class, now)
    if record.tariff_id is None:
        return TakeOver(reasons, None, fees)
    quote = quoting.compute(prepared.resource, prepared.asked, prepared.who, now, record.tariff_id)
    helpers = linking.moving(replace(record, customer_id=target), ahead(record, now), by, now)
    together = linking.together(quote, [linking.quote_for(one, now) for one in helpers])
    return TakeOver(reasons, together, fees)


def take_over_in(
    unit: Unit, record: BookingRecord, target: UUID, person_id: UUID, side: Side, by: Actor
) -> BookingRecord:
    """Give a booking to a person of a customer inside a unit, or raise every reason against it."""
    span = ahead(record, unit.now)
    if person_id not in accounts.people_of_customer(target):
        raise InvalidOrder(Reason("booking.person_not_theirs", {}, "person"))
    prepared, reasons = _judged(record, target, person_id, by, unit.now, side)
    if reasons:
        raise BookingRefused(*reasons)
    changes = {}
    if target != record.customer_id:
        changes = _to_customer(unit, record, prepared, span, side, by)
    customer = str(target) if target != record.customer_id else None
    details: dict[str, Any] = {}
    confirmed = cancelling.committed(record, Side.CUSTOMER)
    if "state" in changes and confirmed is not None:
        # Asking anew for another customer makes nothing that was confirmed free to give back.
        details["confirmed"] = moves.written(confirmed)
    if another_organisation(record, target):
        changes |= _UNSAID
        details |= left_behind(unit, record.key)
        for child in store.children(unit.session, record.key):
            store.change(unit.session, child.key, _UNSAID)
    done = handed_over(unit, record, person_id, by.person_id, changes, customer=customer, **details)
    if record.series_id is not None and done.series_id is None:
        record_event(unit, record.key, by.person_id, "left_series", {})
    return done


def _to_customer(
    unit: Unit, record: BookingRecord, prepared: Prepared, span: TimeSpan, side: Side, by: Actor
) -> dict[str, Any]:
    """What changes with the customer: class, price, funds, and perhaps the host's yes."""
    plan, who = prepared.plan, prepared.who
    assert plan is not None and who.customer_id is not None
    changes: dict[str, Any] = {
        "customer_id": who.customer_id,
        "customer_class": who.customer_class.value,
        "booked_by": by.person_id,  # for this customer; who booked for the former one is told of nothing any more
        "rules_number": plan.rules_number,
        "series_id": None,  # whose series it is neither reads it nor moves or cancels it any more
    }
    expires = None
    waits = needs_approval(plan.rules, outside=who.outside, by_host=side is Side.HOST, kind=record.kind)
    if waits or record.state is BookingState.REQUESTED:
        answers.drop(unit, record)  # what the former customer's people answered counts no more
        term = answer_term(plan.rules, span, unit.now, clock_of(record.institution_id, plan.rules))
        expires = lapses_at(plan.rules, span, term)
        changes |= {
            "state": BookingState.REQUESTED.value, "answer_by": term, "decided_at": None, "decided_by": None,
        }  # fmt: skip
    availability.move(
        unit, record.resource_key, record.key.id, span, OccupancyKind.BOOKING, unit_id=record.unit_id,
        setup_seconds=record.setup_seconds, teardown_seconds=record.teardown_seconds, outside=who.outside,
        expires_at=expires,
    )  # fmt: skip
    funds = ports.installed().hold_of_funds
    funds.release(unit, record.key)
    if record.tariff_id is not None:
        quote = quoting.compute(prepared.resource, prepared.asked, who, unit.now, record.tariff_id)
        frozen = quoting.freeze(unit, quote, by.person_id)
        changes["quote_id"] = frozen.key.id if frozen.key else None
        on = quoting.day_of(prepared.resource, span, unit.now)
        funds.hold(
            unit,
            FundsFacts(
                record.key, who.customer_id, prepared.resource, frozen.sums.to_pay, frozen.support, on
            ),
        )
    state = BookingState(changes.get("state", record.state))
    linking.move(unit, replace(record, customer_id=who.customer_id), span, state, by, expires)
    return changes
