"""The waiting list: freed time is kept for the first in line, then for the next; who only wants to know is told.

Freed time is offered in the unit that frees it, so nobody slips in between. An offer is a hold like any other, made and
accepted on the guarded path; the job comes round for time that became free without a booking, such as longer hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import not_

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import linking, quoting, reading, store, waiting_store
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    NoSuchBooking,
    WrongState,
    unchanged,
)
from resource_hub.domain.booking.offering import offer_in, publish, put, wish_of
from resource_hub.domain.booking.ordering import book_in
from resource_hub.domain.booking.preparing import judge, prepare, record_event
from resource_hub.domain.booking.rules.waiting import MOST_PLACES, faults
from resource_hub.domain.booking.terms import (
    Asked,
    BookingKind,
    BookingRecord,
    BookingState,
    WaitingKind,
    WaitingState,
)
from resource_hub.domain.booking.waiting_store import WaitingRecord
from resource_hub.infra import batches, clock
from resource_hub.infra.database import reading as reads
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Lease, Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, subtract


def _as_json(asked: Asked) -> dict[str, Any]:
    return {
        "mode": asked.mode.value if asked.mode else "",
        "unit": str(asked.unit_id) if asked.unit_id else "",
        "purpose": asked.purpose,
        "project": asked.project,
        "description": asked.description,
        "samples": asked.samples,
        "items": dict(asked.items),
        "extras": sorted(asked.extras),
        "given": str(asked.given_id) if asked.given_id else "",
        "answers": dict(asked.answers),
        "hazards": sorted(asked.hazards),
        "hazard_note": asked.hazard_note,
        "helpers": sorted(str(helper) for helper in asked.helpers),
    }


# ---- standing in line ------------------------------------------------------------------------------------------


def join(
    key: HostKey,
    asked: Asked,
    earliest: datetime,
    latest: datetime,
    seconds: int,
    *,
    by: Actor,
    kind: WaitingKind = WaitingKind.QUEUE,
) -> WaitingRecord:
    """Wait for so much time between two moments. Who waits for the same already keeps the place in line.

    Raises:
        InvalidOrder: the wish cannot be. BookingRefused: for rules that have nothing to do with the time, or because
            this person waits for many other times already. QuoteLapsed: the price given by hand is not for this wish.
            InvalidTariff: the tariff knows no such extra.
    """
    with unit_of_work() as unit:
        linking.lock(unit, [key])
        rules, _number = availability.house_rules(key)
        wrong = faults(earliest, latest, seconds, rules, unit.now, availability.zone_of(key.institution_id))
        if wrong:
            raise InvalidOrder(*wrong)
        wish = replace(
            asked, kind=BookingKind.WINDOW, span=TimeSpan(earliest, earliest + timedelta(seconds=seconds))
        )
        prepared = prepare(key, wish, by=by, now=unit.now)
        reasons = [reason for reason in judge(prepared, unit.now) if reason.place != "time"]
        if reasons:
            raise BookingRefused(*reasons)
        assert prepared.asked.customer_id is not None
        if asked.extras or asked.items or asked.given_id:
            # What cannot be priced like this is said now, not when time is kept at last.
            with suppress(*quoting.UNPRICED):
                quoting.compute(prepared.resource, prepared.asked, prepared.who, unit.now)
        mine = waiting_store.open_of(unit.session, key, prepared.person_id)
        for other in mine:
            wished = (other.earliest, other.latest, other.length_seconds, other.unit_id)
            same = wished == (earliest, latest, seconds, asked.unit_id)
            if same and other.state is WaitingState.WAITING and other.kind is kind:
                return other
        if len(mine) >= MOST_PLACES:
            raise BookingRefused(Reason("booking.waiting_most", {"most": MOST_PLACES}))
        made = _stand(
            unit, key, prepared.asked, prepared.person_id, TimeSpan(earliest, latest), seconds, kind
        )
        if kind is WaitingKind.QUEUE:
            # Perhaps there is room already: a wide wish need not wait for somebody to cancel.
            offer_in(unit, key, TimeSpan(earliest, latest))
        return known(unit, made)


def _stand(
    unit: Unit,
    key: HostKey,
    asked: Asked,
    person_id: UUID,
    within: TimeSpan,
    seconds: int,
    kind: WaitingKind,
    since: datetime | None = None,
    granted: BookingState | None = None,
) -> HostKey:
    """Write a place in line, the last one where it is not ``since`` another moment; ``granted`` is the state in which
    the same time was booked before."""
    made = HostKey(key.institution_id, new_id())
    waiting_store.add(
        unit.session,
        {
            "institution_id": made.institution_id,
            "id": made.id,
            "resource_id": key.id,
            "customer_id": asked.customer_id,
            "person_id": person_id,
            "kind": kind.value,
            "state": WaitingState.WAITING.value,
            "earliest": within.start,
            "latest": within.end,
            "length_seconds": seconds,
            "wish": _as_json(asked) | ({"granted": granted.value} if granted is not None else {}),
            "version": 1,
            "created_at": since or unit.now,
            "changed_at": unit.now,
        },
    )
    return made


def first_again(unit: Unit, record: BookingRecord) -> None:
    """Whose booking is about to be cancelled because its time closes stands before all others for the same hours, where
    the house rules say so."""
    rules, _number = availability.house_rules(record.resource_key)
    coming = record.state in (BookingState.REQUESTED, BookingState.APPROVED)
    if not rules.first_in_line or not coming or record.span is None or record.span.start <= unit.now:
        return
    line = waiting_store.line(unit.session, record.resource_key, WaitingKind.QUEUE, 1, span=record.span)
    since = min(record.created_at, *(one.created_at - timedelta(microseconds=1) for one in line), unit.now)
    along = frozenset(child.resource_id for child in store.children(unit.session, record.key))
    asked = replace(reading.asked_of(record), helpers=along)
    made = _stand(
        unit, record.resource_key, asked, record.person_id, record.span, record.span.seconds, WaitingKind.QUEUE, since,
        record.state,
    )  # fmt: skip
    publish(unit, "booking.first_in_line", known(unit, made), booking_id=str(record.key.id))


def entry_for(key: HostKey, by: Actor) -> WaitingRecord:
    """A place in line, for its own person's side.

    Raises:
        NoSuchBooking: there is none, or not for this reader.
    """
    found = waiting_store.entry(reads(), key)
    if found is None or found.customer_id not in by.customer_ids | by.led_customer_ids:
        raise NoSuchBooking()
    return found


def waits_of(
    by: Actor, limit: int = 100, after: Sequence[Any] | None = None, *, waiting: bool | None = None
) -> list[WaitingRecord]:
    """Places in line of the customers that an actor acts for, the newest first: all, only those that wait, or only
    those that neither wait nor are offered something."""
    customers = by.customer_ids | by.led_customer_ids
    if not customers:
        return []
    waits, offered = waiting_store.is_waiting(), waiting_store.is_offered(clock.now())
    where = {None: [], True: [waits], False: [not_(waits), not_(offered)]}[waiting]
    return waiting_store.of_customers(reads(), customers, limit, after, *where)


def offers_to(by: Actor, limit: int = 50) -> list[WaitingRecord]:
    """What is kept for the customers that an actor acts for, the newest first."""
    customers = by.customer_ids | by.led_customer_ids
    offered = waiting_store.is_offered(clock.now())
    return waiting_store.of_customers(reads(), customers, limit, None, offered) if customers else []


def waits_at(
    by: Actor, limit: int = 200, after: Sequence[Any] | None = None, *, resource: HostKey | None = None
) -> list[WaitingRecord]:
    """Who waits for what an actor of the host looks after, first come first: for all of it, or for one resource."""
    reach = reading.reach_of(by)
    if resource is not None:
        reach = [resource.id] if reach is None or resource.id in reach else []
    return [] if reach == [] else waiting_store.of_host(reads(), by.organisation_id, reach, limit, after)


def waited_for(by: Actor) -> list[HostKey]:
    """Of what an actor of the host looks after, the resources for which somebody waits."""
    reach = reading.reach_of(by)
    return [] if reach == [] else waiting_store.waited_for(reads(), by.organisation_id, reach)


def ahead_of(found: Iterable[WaitingRecord]) -> dict[HostKey, int]:
    """How many stand before each of those that wait; the others have nobody before them."""
    keys = [one.key for one in found if one.state is WaitingState.WAITING]
    return waiting_store.ahead_of(reads(), keys) if keys else {}


@retried()
def leave(key: HostKey, *, by: Actor, version: int | None = None) -> WaitingRecord:
    """Wait no longer; an offer that was made goes to the next in line.

    Raises:
        WrongState: it is over already. StaleBooking, NoSuchBooking
    """
    with unit_of_work() as unit:
        one = _opened(unit, key, by, version)
        if one.state not in (WaitingState.WAITING, WaitingState.OFFERED):
            raise WrongState(Reason("booking.waiting_over", {}))
        put(unit, one, WaitingState.LEFT)
        if one.booking_id is not None:
            freed = _give_back(unit, HostKey(key.institution_id, one.booking_id), by)
            if freed is not None:
                offer_in(unit, one.resource_key, freed)
        return known(unit, key)


@retried()
def decline(key: HostKey, *, by: Actor, version: int | None = None) -> WaitingRecord:
    """Say no to what is offered: it goes to the next in line, and the place in line is given up with it.

    Raises:
        WrongState: nothing is offered any more. StaleBooking, NoSuchBooking
    """
    with unit_of_work() as unit:
        one = _opened(unit, key, by, version)
        if one.state is not WaitingState.OFFERED:
            raise WrongState(Reason("booking.offer_over", {}))
        return leave(key, by=by)


def _opened(unit: Unit, key: HostKey, by: Actor, version: int | None) -> WaitingRecord:
    one = entry_for(key, by)
    linking.lock(unit, [one.resource_key])
    one = known(unit, key)
    unchanged(one.version, version)
    return one


def known(unit: Unit, key: HostKey) -> WaitingRecord:
    found = waiting_store.entry(unit.session, key)
    assert found is not None
    return found


def _give_back(unit: Unit, key: HostKey, by: Actor) -> TimeSpan | None:
    """Free a hold that was offered and is not wanted, and what was to come along; its time, if it was there."""
    row = store.locked(unit.session, key)
    if row is None or row.state != BookingState.HELD.value:
        return None
    record = store.record(row)
    linking.let_go(unit, record)
    availability.release(unit, key.institution_id, key.id)
    changes = {
        "state": BookingState.CANCELLED.value,
        "cancelled_at": unit.now,
        "cancelled_by": by.person_id,
        "hold_expires_at": None,
        "changed_at": unit.now,
    }
    store.change(unit.session, key, changes)
    linking.carry(unit, record, changes, by.person_id, "cancelled")
    record_event(unit, key, by.person_id, "cancelled", {})
    return record.span


# ---- offering --------------------------------------------------------------------------------------------------


_last: ContextVar[list[Callable[[], None]] | None] = ContextVar("offered last", default=None)


@contextmanager
def offered_last() -> Iterator[None]:
    """What becomes free inside the block is offered on at its end: first comes whatever else it does with the time."""
    if _last.get() is not None:
        yield
        return
    offers: list[Callable[[], None]] = []
    token = _last.set(offers)
    try:
        yield
    finally:
        _last.reset(token)
    for offer in offers:
        offer()


def freed(
    unit: Unit, record: BookingRecord, span: TimeSpan | None, person_id: UUID | None, *, lapsed: bool = False
) -> None:
    """Time of a booking became free: offer it on, and let those know who asked to be told.

    An offer that ran out, or that was given up, leaves its place in line.
    """
    offered = (
        waiting_store.of_booking(unit.session, record.key) if record.state is BookingState.HELD else None
    )
    if offered is not None and offered.state is WaitingState.OFFERED:
        _offer_ended(unit, offered, record, person_id, lapsed=lapsed)
    if span is None or span.end <= unit.now or record.kind is not BookingKind.WINDOW:
        return
    later = _last.get()
    if later is None:
        _offer_on(unit, record, span, person_id)
    else:
        later.append(lambda: _offer_on(unit, record, span, person_id))


def _offer_ended(
    unit: Unit, offered: WaitingRecord, record: BookingRecord, person_id: UUID | None, *, lapsed: bool
) -> None:
    """What becomes of a place in line whose offer was not taken. From whom the host took it back, or closed its time so
    that it could not be taken, has the old place again."""
    if not lapsed and person_id in accounts.people_of_customer(offered.customer_id):
        put(unit, offered, WaitingState.LEFT)
        return
    assert record.span is not None
    outside = record.customer_class.outside
    if lapsed and not availability.may_occupy(
        record.resource_key, record.unit_id, record.span, outside=outside
    ):
        put(unit, offered, WaitingState.MISSED)
        publish(unit, "booking.offer_missed", offered)
        return
    put(unit, offered, WaitingState.WAITING, booking_id=None, offered_until=None)
    publish(unit, "booking.offer_withdrawn", offered, booking_id=str(record.key.id))


def _offer_on(unit: Unit, record: BookingRecord, span: TimeSpan, person_id: UUID | None) -> None:
    offer_in(unit, record.resource_key, span)
    if record.state is BookingState.HELD or record.unit_id is None:
        return
    payload = {
        "institution_id": str(record.institution_id),
        "resource_id": str(record.resource_id),
        "unit_id": str(record.unit_id),
        "start": max(span.start, unit.now).isoformat(),
        "end": span.end.isoformat(),
        "person_id": str(person_id) if person_id else None,
    }
    unit.publish("booking.freed", f"{record.institution_id}:{record.resource_id}", payload)


def freed_by_change(unit: Unit, record: BookingRecord, after: TimeSpan, person_id: UUID | None) -> None:
    """What a move or a cut leaves behind."""
    for piece in subtract([record.span], [after]) if record.span is not None else ():
        freed(unit, record, piece, person_id)


# ---- taking an offer -------------------------------------------------------------------------------------------


@retried()
def accept(key: HostKey, *, by: Actor, version: int | None = None) -> BookingRecord:
    """Take what was offered: the hold becomes the booking, with the same id, by the rules as they are now.

    Raises:
        WrongState: the offer has run out, or was taken or given up. BookingRefused, StaleBooking, NoSuchBooking
    """
    availability.warm()
    with unit_of_work() as unit:
        one = _opened(unit, key, by, version)
        in_time = one.offered_until is not None and one.offered_until > unit.now
        if one.state is not WaitingState.OFFERED or one.booking_id is None or not in_time:
            raise WrongState(Reason("booking.offer_over", {}))
        held = HostKey(key.institution_id, one.booking_id)
        row = store.locked(unit.session, held)
        if row is None or row.state != BookingState.HELD.value:
            raise WrongState(Reason("booking.offer_over", {}))
        record = store.record(row)
        assert record.span is not None
        asked = replace(wish_of(one, record.span), unit_id=record.unit_id)
        return book_in(unit, one.resource_key, asked, by, hold_id=held.id, granted=one.granted)


# ---- the job ---------------------------------------------------------------------------------------------------


def close_past(limit: int = 100, lease: Lease | None = None) -> int:
    """Let those go whose wished time has passed."""

    def close(keys: Sequence[HostKey]) -> int:
        with unit_of_work(lease=lease) as unit:
            for key in keys:
                one = waiting_store.entry(unit.session, key)
                if one is not None and one.state is WaitingState.WAITING:
                    put(unit, one, WaitingState.OVER)
            return len(keys)

    def past(many: int) -> list[HostKey]:
        return [one.key for one in waiting_store.past(reads(), clock.now(), many)]

    job = "booking.close_past"
    return batches.together(job, batches.found(job, past, limit), close)
