"""Cancelling: what it costs, said before it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from resource_hub.domain.accounts.terms import Actor, CustomerClass
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking import (
    given_back_store,
    history_store,
    linking,
    quoting,
    reading,
    store,
    waiting,
)
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    WrongState,
)
from resource_hub.domain.booking.managing import let_go, opened, written
from resource_hub.domain.booking.rules import moves
from resource_hub.domain.booking.rules.check import check_cancel
from resource_hub.domain.booking.rules.giving_back import stretch
from resource_hub.domain.booking.rules.states import step
from resource_hub.domain.booking.terms import (
    Act,
    BookingKind,
    BookingRecord,
    BookingState,
    Side,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock, database
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan


@dataclass(frozen=True, slots=True)
class CancelPreview:
    """What cancelling would do now: its fees, or why it is not possible. A sum for each currency: that of the order
    first, even where it is zero, then those of what is booked together with it in other currencies."""

    fees: tuple[Money, ...]
    reasons: tuple[Reason, ...]

    @property
    def free(self) -> bool:
        return all(fee.is_zero for fee in self.fees)


def _rules_of(record: BookingRecord) -> HouseDocument:
    return availability.house_rules(record.resource_key)[0]


def _cancels_as(record: BookingRecord, side: Side) -> Side:
    """As which side a cancellation counts: whom the host moved away from the time that they chose is as free as it."""
    if side is Side.CUSTOMER and record.state is BookingState.APPROVED:
        return Side.HOST if moves.moved_from(history_store.events(database.reading(), record.key)) else side
    return side


@dataclass(frozen=True, slots=True)
class _Fees:
    """What a cancellation costs: for the resource itself, and for each helper that costs something."""

    own: Money
    helpers: Mapping[HostKey, Money] = field(default_factory=dict)

    @property
    def together(self) -> tuple[Money, ...]:
        return Money.by_currency((self.own, *self.helpers.values()))


def committed(record: BookingRecord, side: Side) -> TimeSpan | None:
    """The time of an order that a side is bound to by the tariff's notice: what the host confirmed. None for the host,
    for whom it moved away, and for what was only asked for; of an order that asks for more than was confirmed, or
    anew for another customer who took it over, what it had and still has."""
    if side is not Side.CUSTOMER or record.span is None:
        return None
    if record.state is BookingState.APPROVED:
        return record.span if _cancels_as(record, side) is Side.CUSTOMER else None
    if record.state is BookingState.REQUESTED:
        confirmed = moves.still_confirmed(history_store.events(database.reading(), record.key))
        return confirmed.intersection(record.span) if confirmed is not None else None
    return None


def with_tariff(record: BookingRecord) -> list[BookingRecord]:
    """An order and what is booked along with it, as far as a tariff prices them."""
    along = store.children(database.reading(), record.key) if record.kind is BookingKind.WINDOW else []
    return [one for one in (record, *along) if one.tariff_id is not None]


def earlier_of(record: BookingRecord, orders: Sequence[BookingRecord]) -> Mapping[HostKey, list[TimeSpan]]:
    """What was given back late before, of an order and of each that is booked along with it, and out of what it was
    split late."""
    split = moves.split_out_of(history_store.events(database.reading(), record.key))
    found = {one.key: list(split.get(one.resource_id, ())) for one in orders}
    for given in given_back_store.of_order(database.reading(), record.key):
        found.setdefault(HostKey(given.key.institution_id, given.booking_id), []).append(given.span)
    return found


def fees_in_hands_of(
    record: BookingRecord, customer_class: CustomerClass, now: datetime
) -> tuple[Money, ...]:
    """What cancelling would cost a customer of a class that takes an order over: what the host confirmed stays so."""
    along = [replace(one, customer_class=customer_class) for one in with_tariff(record)]
    return _fees(record, Side.CUSTOMER, now, along).together


def _fees(
    record: BookingRecord, side: Side, now: datetime, orders: Sequence[BookingRecord] | None = None
) -> _Fees:
    fees = {one.key: fee for one, _, fee in _priced(record, side, now, orders)}
    own = fees.pop(record.key, Money.zero(record.cancel_fee.currency))
    return _Fees(own, {key: fee for key, fee in fees.items() if not fee.is_zero})


def _priced(
    record: BookingRecord, side: Side, now: datetime, orders: Sequence[BookingRecord] | None = None
) -> list[tuple[BookingRecord, TimeSpan, Money]]:
    """An order and what is booked along with it, each with the stretch of which it is a share, and its fee."""
    span = committed(record, side)
    if span is None:
        return []
    orders = with_tariff(record) if orders is None else orders
    earlier = earlier_of(record, orders)
    resources = catalogue.resources([one.resource_key for one in orders])
    found = []
    for one in orders:
        whole = stretch(span, earlier[one.key])
        fee = quoting.cancellation_fee(
            resources[one.resource_key], reading.asked_of(one, span), one.customer_class, one.tariff_id, now,
            given=span, whole=whole,
        )  # fmt: skip
        found.append((one, whole, fee))
    return found


def split_late(record: BookingRecord, now: datetime) -> dict[str, list[str]]:
    """Of what the halves of an order stay shares, by resource: of all of it where its customer is bound already, so
    that nobody pays less by splitting first and cancelling a half then."""
    return {
        str(one.resource_id): [whole.start.isoformat(), whole.end.isoformat()]
        for one, whole, fee in _priced(record, Side.CUSTOMER, now)
        if not fee.is_zero
    }


def shown(fees: Sequence[Money]) -> tuple[Money, ...]:
    """The sums that are said: those that cost something, or that nothing does."""
    return tuple(fee for fee in fees if not fee.is_zero) or tuple(fees[:1])


def not_risen(
    fees: Sequence[Money], expected: Sequence[Money] | None, code: str = "booking.fee_rose"
) -> None:
    """Nothing costs more than was seen before the click; ``expected`` None means that nobody asks.

    Raises:
        BookingRefused
    """
    if expected is None:
        return
    seen = {one.currency: one for one in Money.by_currency(expected)}
    if any(fee > seen.get(fee.currency, Money.zero(fee.currency)) for fee in fees):
        raise BookingRefused(Reason(code, {"fee": [fee.as_json() for fee in shown(fees)]}))


def cancel_preview(key: HostKey, *, by: Actor) -> CancelPreview:
    """The fee before the click."""
    record, side = reading.booking_for(key, by)
    return cancellation(record, clock.now(), side)


def cancellation(record: BookingRecord, now: datetime, side: Side = Side.CUSTOMER) -> CancelPreview:
    """What it would mean for a side to cancel at a moment."""
    record = reading.as_of(record, now)
    try:
        step(record.kind, record.state, Act.CANCEL, side)
    except WrongState as error:
        return CancelPreview((Money.zero(record.cancel_fee.currency),), error.reasons)
    counts = _cancels_as(record, side)
    reasons = check_cancel(
        record.state, record.starts_at, _rules_of(record), now, by_host=counts is Side.HOST
    )
    return CancelPreview(_fees(record, side, now).together, reasons)


@retried()
def cancel(
    key: HostKey,
    *,
    by: Actor,
    reason: str = "",
    version: int | None = None,
    expected: Sequence[Money] | None = None,
) -> BookingRecord:
    """Cancel; the time is free at once. The fee of the tariff is owed unless somebody takes the time before it begins.

    Args:
        expected: the fees that the person saw before the click, a sum for each currency; a higher one refuses, and so
            does one in a currency that was not seen.

    Raises:
        BookingRefused: too late by the house rules. WrongState, NotYours, StaleBooking
        InvalidOrder: the host cancels without a reason (B15).
    """
    with unit_of_work() as unit:
        _, record, side = opened(unit, key, by, version)
        return cancel_in(unit, record, side, by, reason, expected)


def cancel_in(
    unit: Unit,
    record: BookingRecord,
    side: Side,
    by: Actor,
    reason: str,
    expected: Sequence[Money] | None = None,
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
    fees = _fees(record, side, unit.now)
    not_risen(fees.together, expected)
    let_go(unit, record)
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
    details: dict[str, Any] = {
        "reason": reason.strip(),
        "fee": [fee.as_json() for fee in shown(fees.together)],
        "by_host": side is Side.HOST,
    }
    bound = committed(record, side)
    if bound is not None:
        details["gave"] = moves.written(bound)
    # Of a slot that was only kept for the customer nobody at the host was told.
    kept = record.state is BookingState.HELD and side is Side.CUSTOMER
    name = "booking.hold_lapsed" if kept else "booking.cancelled"
    done = written(unit, record, changes, by.person_id, "cancelled", details, name, quiet=quiet)
    if not quiet:
        waiting.freed(unit, record, record.span, by.person_id)
    return done
