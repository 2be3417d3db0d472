"""Handing a booking to another organisation: an offer that it takes or declines within a term.

Until it is taken, the booking stays what it was and who booked stays liable; an offer that nobody answers falls back by
itself. Who takes it pays the price of its own class, by the rules as they are then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import not_

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import hand_over_store, history_store, managing, reading
from resource_hub.domain.booking.dividing import (
    TakeOver,
    ahead,
    another_organisation,
    look_take_over,
    refuse_if_priced_by_hand,
    take_over_in,
)
from resource_hub.domain.booking.errors import InvalidOrder, NoSuchBooking, WrongState, unchanged
from resource_hub.domain.booking.hand_over_store import HandOverRecord
from resource_hub.domain.booking.preparing import record_event
from resource_hub.domain.booking.terms import BookingRecord, HandOverState, Side
from resource_hub.infra import batches, clock
from resource_hub.infra.database import reading as reads
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Lease, Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey

LONGEST = 500


def _text(text: str, place: str) -> str:
    text = text.strip()
    if len(text) > LONGEST:
        raise InvalidOrder(Reason("form.too_long", {"limit": LONGEST}, place))
    return text


# ---- offering --------------------------------------------------------------------------------------------------


@retried()
def offer(
    key: HostKey, customer_id: UUID, *, by: Actor, note: str = "", version: int | None = None
) -> HandOverRecord:
    """Offer a booking that has not begun to a customer of another organisation.

    Raises:
        InvalidOrder: it is the same organisation, where handing over needs no answer.
        WrongState: it is offered already, has begun or is over. BookingRefused: its price was named for its customer.
        NotYours, StaleBooking, NoSuchBooking
    """
    with unit_of_work() as unit:
        _row, record, side = managing.opened(unit, key, by, version)
        if side is Side.HOST:
            managing.decides(record, by)
        span = ahead(record, unit.now)
        if not accounts.customer(customer_id).active or not another_organisation(record, customer_id):
            raise InvalidOrder(Reason("booking.hand_over_same", {}, "customer"))
        refuse_if_priced_by_hand(record)
        before = hand_over_store.open_of(unit.session, key)
        if before is not None:
            if before.state_at(unit.now) is HandOverState.OPEN:
                raise WrongState(Reason("booking.hand_over_open", {}))
            _expire(unit, before)
        rules, _number = availability.house_rules(record.resource_key)
        made = HostKey(key.institution_id, new_id())
        expires = min(unit.now + timedelta(hours=rules.hand_over_hours), span.start)
        hand_over_store.add(
            unit.session,
            {
                "institution_id": made.institution_id,
                "id": made.id,
                "booking_id": key.id,
                "from_customer_id": record.customer_id,
                "to_customer_id": customer_id,
                "state": HandOverState.OPEN.value,
                "note": _text(note, "note"),
                "offered_by": by.person_id,
                "offered_at": unit.now,
                "expires_at": expires,
                "reason": "",
                "version": 1,
            },
        )
        _happened(unit, known(unit, made), "offered", by.person_id)
        return known(unit, made)


def known(unit: Unit, key: HostKey) -> HandOverRecord:
    found = hand_over_store.offer(unit.session, key)
    assert found is not None
    return found


def _happened(unit: Unit, one: HandOverRecord, what: str, person_id: UUID | None) -> None:
    """History, audit and message of a step; the other organisation is named by its id."""
    details = {
        "to": str(one.to_customer_id),
        "from": str(one.from_customer_id),
        "note": one.reason or one.note,
    }
    record_event(unit, one.booking_key, person_id, f"hand_over_{what}", {"note": details["note"]})
    unit.audit(
        f"booking.hand_over_{what}",
        one.key.institution_id,
        f"booking:{one.booking_id}",
        details,
        person_id=person_id,
    )
    payload = {
        "institution_id": str(one.key.institution_id),
        "offer_id": str(one.key.id),
        "person_id": str(person_id) if person_id else None,
    }
    unit.publish(f"booking.hand_over_{what}", f"{one.key.institution_id}:{one.booking_id}", payload)


# ---- answering -------------------------------------------------------------------------------------------------


def offer_for(key: HostKey, by: Actor) -> tuple[HandOverRecord, bool]:
    """An offer, and whether it is made to the reader's side; else it is the giver's or the host's.

    Raises:
        NoSuchBooking: there is none, or not for this reader.
    """
    found = hand_over_store.offer(reads(), key)
    if found is None:
        raise NoSuchBooking()
    if found.to_customer_id in by.customer_ids | by.led_customer_ids:
        return found, True
    if found.from_customer_id not in by.customer_ids | by.led_customer_ids:
        reading.booking_for(found.booking_key, by)
        if by.organisation_id != key.institution_id:
            raise NoSuchBooking()
    return found, False


def offers_of(
    by: Actor, limit: int = 100, after: Sequence[Any] | None = None, *, waiting: bool | None = None
) -> list[HandOverRecord]:
    """Offers to and from the customers that an actor acts for, the newest first: all, or only those over. Those that
    wait for an answer come by their term, the nearest first, and from the start."""
    customers = by.customer_ids | by.led_customer_ids
    if not customers:
        return []
    now = clock.now()
    if waiting:
        return hand_over_store.open_of_customers(reads(), customers, limit, now)
    where = [] if waiting is None else [not_(hand_over_store.is_open(now))]
    return hand_over_store.of_customers(reads(), customers, limit, after, *where)


def open_offer_of(key: HostKey) -> HandOverRecord | None:
    """The offer of a booking that waits for an answer."""
    found = hand_over_store.open_of(reads(), key)
    return found if found is not None and found.state_at(clock.now()) is HandOverState.OPEN else None


def look_offer(key: HostKey, *, by: Actor) -> TakeOver:
    """What taking it would mean for the reader's side: reasons against it and its price. Stores nothing.

    Raises:
        NoSuchBooking: it is not offered to the reader.
    """
    found, ours = offer_for(key, by)
    if not ours:
        raise NoSuchBooking()
    record = reading.booking(found.booking_key)
    look = look_take_over(record, found.to_customer_id, by.person_id, by, clock.now())
    return replace(look, reasons=_changed(found) + look.reasons)


def _changed(one: HandOverRecord) -> tuple[Reason, ...]:
    """Who takes a booking over takes what was offered, not what was made of it since."""
    events = history_store.events(reads(), one.booking_key)
    changed = any(e.at > one.offered_at and e.kind in ("changed", "proposed", "split") for e in events)
    return (Reason("booking.hand_over_changed", {}),) if changed else ()


def _opened(
    unit: Unit, key: HostKey, by: Actor, version: int | None, *, theirs: bool
) -> tuple[HandOverRecord, BookingRecord]:
    """An offer that still waits, its booking locked before it.

    Raises:
        NoSuchBooking: it is not this side's to answer. WrongState: it is over. StaleBooking
    """
    found, ours = offer_for(key, by)
    if ours is not theirs:
        raise NoSuchBooking()
    _row, record = managing.locked_order(unit, reading.booking(found.booking_key), None)
    found = known(unit, key)
    unchanged(found.version, version)
    if found.state_at(unit.now) is not HandOverState.OPEN or record.customer_id != found.from_customer_id:
        raise WrongState(Reason("booking.hand_over_over", {}))
    return found, record


def _answer(
    unit: Unit, one: HandOverRecord, state: HandOverState, by: UUID | None, reason: str
) -> HandOverRecord:
    values = {"state": state.value, "answered_by": by, "answered_at": unit.now, "reason": reason}
    hand_over_store.change(unit.session, one.key, values)
    return known(unit, one.key)


@retried()
def accept(
    key: HostKey, *, by: Actor, person_id: UUID | None = None, version: int | None = None
) -> BookingRecord:
    """Take a booking over: customer, class, price and funds are the taker's from now on; the host is asked again where
    its rules ask for a yes.

    Args:
        person_id: who will use it; the actor when left out.

    Raises:
        WrongState: the offer is over, or the booking has begun. BookingRefused: the rules say no to the taker.
        InvalidOrder: the person does not act for the customer. StaleBooking, NoSuchBooking
    """
    availability.warm()
    with unit_of_work() as unit:
        one, record = _opened(unit, key, by, version, theirs=True)
        if one.to_customer_id not in by.customer_ids:
            raise NoSuchBooking()
        if _changed(one):
            raise WrongState(*_changed(one))
        done = take_over_in(unit, record, one.to_customer_id, person_id or by.person_id, Side.CUSTOMER, by)
        _happened(
            unit, _answer(unit, one, HandOverState.ACCEPTED, by.person_id, ""), "accepted", by.person_id
        )
        return done


@retried()
def decline(key: HostKey, *, by: Actor, reason: str = "", version: int | None = None) -> HandOverRecord:
    """Leave a booking with who offered it.

    Raises:
        WrongState: the offer is over. StaleBooking, NoSuchBooking
    """
    with unit_of_work() as unit:
        one, _record = _opened(unit, key, by, version, theirs=True)
        one = _answer(unit, one, HandOverState.DECLINED, by.person_id, _text(reason, "reason"))
        _happened(unit, one, "declined", by.person_id)
        return one


@retried()
def withdraw(key: HostKey, *, by: Actor, version: int | None = None) -> HandOverRecord:
    """Take an offer back that nobody has answered.

    Raises:
        WrongState: it is over. StaleBooking, NoSuchBooking
    """
    with unit_of_work() as unit:
        one, record = _opened(unit, key, by, version, theirs=False)
        if by.organisation_id == key.institution_id and record.customer_id not in by.customer_ids:
            managing.decides(record, by)
        one = _answer(unit, one, HandOverState.WITHDRAWN, by.person_id, "")
        _happened(unit, one, "withdrawn", by.person_id)
        return one


# ---- the job ---------------------------------------------------------------------------------------------------


def _expire(unit: Unit, one: HandOverRecord) -> None:
    _happened(unit, _answer(unit, one, HandOverState.EXPIRED, None, ""), "expired", None)


def expire_due(limit: int = 50, lease: Lease | None = None) -> int:
    """Close offers that nobody answered in time, and tell both sides; returns how many."""

    def expire(keys: Sequence[HostKey]) -> int:
        with unit_of_work(lease=lease) as unit:
            for key in keys:
                managing.locked_order(unit, reading.booking(known(unit, key).booking_key), None)
                fresh = known(unit, key)
                if fresh.state is HandOverState.OPEN:
                    _expire(unit, fresh)
            return len(keys)

    def due(many: int) -> list[HostKey]:
        return [one.key for one in hand_over_store.due(reads(), clock.now(), many)]

    job = "booking.expire_hand_overs"
    return batches.together(job, batches.found(job, due, limit), expire)
