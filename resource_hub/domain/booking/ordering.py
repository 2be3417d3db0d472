"""Asking for something: facts gathered, rules asked, the slot held, the price frozen, all in one unit of work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import OccupancyKind
from resource_hub.domain.booking import linking, ports, quoting, store, under_quotes, waiting_store
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    KeyReused,
    NoSuchBooking,
    SlotTaken,
)
from resource_hub.domain.booking.preparing import (
    Prepared,
    announce,
    clock_of,
    is_staff,
    judge,
    prepare,
    record_event,
    record_for_customer,
    row_values,
    set_aside,
)
from resource_hub.domain.booking.rules.answering import answer_term, lapses_at
from resource_hub.domain.booking.rules.check import AHEAD, check, needs_approval
from resource_hub.domain.booking.rules.lengths import fitted
from resource_hub.domain.booking.rules.refused import refused_around
from resource_hub.domain.booking.rules.states import not_open
from resource_hub.domain.booking.terms import (
    Act,
    Asked,
    BookingKind,
    BookingRecord,
    BookingState,
    FundsFacts,
    QuoteRecord,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import LinkRecord
from resource_hub.infra import clock, idempotency
from resource_hub.infra.database import current_unit
from resource_hub.infra.ids import new_id
from resource_hub.infra.keeping import keeping
from resource_hub.infra.stamps import CALENDARS, PROGRAMMES, believed, stamped
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.errors import DomainError, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, local_day, midnight, zone

# ---- sending twice counts once ---------------------------------------------------------------------------------


def _once(
    by: Actor, idempotency_key: str | None, body: bytes, make: Callable[[Unit], BookingRecord]
) -> BookingRecord:
    """Make a booking in a unit of its own, or find the one that the same key made before.

    Raises:
        KeyReused: the key belongs to another request.
    """
    availability.warm()
    if not idempotency_key:
        with unit_of_work() as unit:
            return make(unit)
    for last in (False, True):
        try:
            with unit_of_work() as unit:
                before = idempotency.claim(unit, by.person_id, idempotency_key, body)
                if before is not None and before.digest != body:
                    raise KeyReused(Reason("booking.key_reused", {}, "idempotency_key"))
                if before is not None:
                    answer = before.answer
                    return _known(HostKey(UUID(answer["institution_id"]), UUID(answer["booking_id"])))
                made = make(unit)
                answer = {"institution_id": str(made.institution_id), "booking_id": str(made.key.id)}
                idempotency.remember(unit, by.person_id, idempotency_key, answer)
                return made
        except IntegrityError as error:
            # Two requests with one key at the same moment: the other one was first, and its booking is the answer.
            if last or current_unit.get() is not None or not idempotency.collided(error):
                raise
    raise AssertionError("unreachable")


def sweep_keys() -> int:
    """Forget idempotency keys that nobody will send again."""
    with unit_of_work() as unit:
        return idempotency.sweep(unit)


def _digest(key: HostKey, asked: Asked, by: Actor, **more: Any) -> bytes:
    """One digest for one request, to tell a repetition from another request under the same key. Who acts for another
    organisation asks for something else."""
    plain = {
        "resource": [str(part) for part in key],
        "kind": asked.kind.value,
        "mode": asked.mode.value if asked.mode else None,
        "span": [asked.span.start.isoformat(), asked.span.end.isoformat()] if asked.span else None,
        "unit": str(asked.unit_id),
        "customer": str(asked.customer_id),
        "person": str(asked.person_id),
        "text": [asked.purpose, asked.project, asked.description, asked.hazard_note],
        "samples": asked.samples,
        "items": dict(asked.items),
        "extras": sorted(asked.extras),
        "answers": {k: str(v) for k, v in asked.answers.items()},
        "hazards": sorted(asked.hazards),
        "helpers": sorted(str(one) for one in asked.helpers),
        "given": str(asked.given_id),
        "override": asked.override,
        "organisation": str(by.organisation_id),
        "more": {k: str(v) for k, v in more.items()},
    }
    return digest(canonical_bytes(plain))


# ---- requesting ------------------------------------------------------------------------------------------------


def request(
    key: HostKey,
    asked: Asked,
    *,
    by: Actor,
    idempotency_key: str | None = None,
    quote_id: UUID | None = None,
    hold_id: UUID | None = None,
) -> BookingRecord:
    """Book: the slot, the price and the rules are settled together or not at all.

    The result is approved at once or waits for the host, as the house rules say. A second call with the same
    idempotency key gives the same booking.

    Raises:
        BookingRefused: with every failed rule, and other times where the time was the trouble.
        SlotTaken: somebody holds every unit in question; ``values["alternatives"]`` names what is free.
        InvalidOrder, QuoteLapsed, KeyReused, NotFound, and what pricing refuses with.
    """
    try:
        return _request(key, asked, by, idempotency_key, quote_id, hold_id)
    except (SlotTaken, BookingRefused) as error:
        if current_unit.get() is None:
            add_alternatives(error, key, asked, by)
        raise


@retried()
def _request(
    key: HostKey,
    asked: Asked,
    by: Actor,
    idempotency_key: str | None,
    quote_id: UUID | None,
    hold_id: UUID | None,
) -> BookingRecord:
    body = _digest(key, asked, by, quote=quote_id, hold=hold_id) if idempotency_key else b""
    return _once(by, idempotency_key, body, lambda unit: book_in(unit, key, asked, by, quote_id, hold_id))


def _known(key: HostKey) -> BookingRecord:
    with unit_of_work() as unit:
        row = store.locked(unit.session, key)
        if row is None:
            raise NoSuchBooking()
        return store.record(row)


def book_in(
    unit: Unit,
    key: HostKey,
    asked: Asked,
    by: Actor,
    quote_id: UUID | None = None,
    hold_id: UUID | None = None,
    *,
    plan: availability.Plan | None = None,
    series_id: UUID | None = None,
    granted: BookingState | None = None,
) -> BookingRecord:
    """Book inside a unit. Of a series nobody is told one by one. What was ``granted`` before, such as half of a
    booking, keeps the state that it had: lead, horizon, bars and debts are not asked again."""
    with _behind_lock(unit, key, asked, by) as (links, seen):
        hold_id = _still_held(unit, key, hold_id, asked, by)
        return _book_in(unit, key, asked, by, quote_id, hold_id, plan, series_id, granted, links, seen)


@contextmanager
def _behind_lock(
    unit: Unit, key: HostKey, asked: Asked, by: Actor
) -> Iterator[tuple[list[LinkRecord], availability.Around | None]]:
    """The resource locked with all that may be booked with it, and what is around the time asked for. Booking changes
    nothing of what host, customer, price and programmes are made of, so that their answers hold throughout."""
    subjects = _subjects(key, asked, by)
    behind = availability.lock_with_helpers(
        unit, key, asked.span if asked.kind is BookingKind.WINDOW else None, subjects.union(believed())
    )
    with keeping(joining=True), stamped(subjects, behind.stamps):
        yield linking.links_behind_lock(unit, key), behind.around


def _subjects(key: HostKey, asked: Asked, by: Actor | None) -> set[UUID]:
    """Of whom answers are asked when a booking is judged."""
    found = {key.id, key.institution_id, CALENDARS, PROGRAMMES}
    if asked.customer_id is not None:
        found.add(asked.customer_id)
    return found if by is None else found | {by.organisation_id, *by.customer_ids}


def _book_in(
    unit: Unit,
    key: HostKey,
    asked: Asked,
    by: Actor,
    quote_id: UUID | None,
    hold_id: UUID | None,
    plan: availability.Plan | None,
    series_id: UUID | None,
    granted: BookingState | None,
    links: Sequence[LinkRecord],
    seen: availability.Around | None,
) -> BookingRecord:
    prepared = prepare(key, asked, by=by, now=unit.now, ignore=hold_id, plan=plan)
    helpers = linking.prepared(prepared, by, unit.now, links)
    reasons = judge(prepared, unit.now) + linking.reasons_against(helpers)
    if granted is not None:
        standing = prepared.facts.standing
        reasons = tuple(one for one in reasons if one.code not in AHEAD and one not in standing)
    waived = set_aside(prepared, reasons, by)
    if len(waived) < len(reasons):
        raise BookingRefused(*(reason for reason in reasons if reason not in waived))
    resource, plan, asked = prepared.resource, prepared.plan, prepared.asked
    assert plan is not None and asked.customer_id is not None
    if asked.given_id is not None:
        under_quotes.take(unit, resource, asked.given_id, hold_id)
    quoted, on_request = _priced(key, quote_id, prepared, unit.now, by)
    waits = on_request or (
        granted is BookingState.REQUESTED
        if granted is not None
        else needs_approval(
            plan.rules, outside=prepared.who.outside, by_host=prepared.by_host, kind=asked.kind
        )
    )
    state = BookingState.REQUESTED if waits else BookingState.APPROVED
    booking_key = HostKey(key.institution_id, hold_id or new_id())
    unit_id = _take_slot(unit, key, prepared, booking_key, hold_id, seen, waits=waits)
    if quoted is not None and quote_id is None:
        quoted = quoting.freeze(unit, quoted, by.person_id)
    values = row_values(unit, booking_key, prepared, state, unit_id, quoted, by)
    values["series_id"] = series_id
    sums = quoted.sums if quoted is not None and not helpers else None
    if hold_id is not None:
        kept = ("institution_id", "id", "number", "ical_uid", "ical_sequence", "version", "created_at")
        store.change(unit.session, booking_key, {k: v for k, v in values.items() if k not in kept})
        made = replace(_known(booking_key), sums=sums)
        waiting_store.booked(unit.session, booking_key, unit.now)
    else:
        made = store.add(unit.session, values, sums)
    if helpers or hold_id is not None:
        linking.take(unit, helpers, booking_key, state, by, expires=_lapses(plan, asked, waits, unit.now))
    record_event(unit, booking_key, by.person_id, "requested", {"by_host": prepared.by_host})
    for_customer = {"by_host": True} if prepared.by_host else {}
    if prepared.by_host:
        record_for_customer(unit, booking_key, prepared, waived, by)
    if not waits:
        record_event(unit, booking_key, None, "approved", {"automatic": True})
    if quoted is not None:
        # Budgets come last, so that nobody waits for them longer than a commit takes.
        ports.installed().hold_of_funds.hold(
            unit,
            FundsFacts(
                booking_key, asked.customer_id, resource, quoted.sums.to_pay, quoted.support,
                quoting.day_of(resource, asked.span, unit.now),
            ),
        )  # fmt: skip
    name = "booking.requested" if waits else "booking.approved"
    announce(unit, booking_key, name, by.person_id, quiet=series_id is not None, **for_customer)
    return made


def _priced(
    key: HostKey, quote_id: UUID | None, prepared: Prepared, now: datetime, by: Actor
) -> tuple[QuoteRecord | None, bool]:
    """The price at which is booked: that of a quote, or a new one that is not frozen yet; without any, whether the host
    will name it."""
    resource, asked = prepared.resource, prepared.asked
    if quote_id is not None:
        quoted = HostKey(key.institution_id, quote_id)
        return quoting.redeem(quoted, resource, asked, prepared.who, now, by), False
    try:
        return quoting.compute(resource, asked, prepared.who, now), False
    except quoting.UNPRICED as error:
        # The host names the price when it answers; a window without any tariff is not silently free.
        if asked.kind is BookingKind.WINDOW and not isinstance(error, quoting.pricing_errors.PriceOnRequest):
            raise
        return None, True


def _still_held(unit: Unit, key: HostKey, hold_id: UUID | None, asked: Asked, by: Actor) -> UUID | None:
    """The hold, if it still keeps its time. Of one that has lapsed nothing is left: its owner queues like everybody.

    Raises:
        NoSuchBooking: nobody for whom the actor may book has such a hold of this resource. WrongState: it has become
            an order, or was given back.
    """
    if hold_id is None:
        return None
    row = store.locked(unit.session, HostKey(key.institution_id, hold_id))
    if row is None or row.resource_id != key.id:
        raise NoSuchBooking()
    if row.customer_id not in by.customer_ids:
        # The host's people use what is held for the customer for whom they book, and for nobody else.
        if row.customer_id != asked.customer_id or not is_staff(by, catalogue.resource(key)):
            raise NoSuchBooking()
    if row.state not in (BookingState.HELD.value, BookingState.EXPIRED.value):
        raise not_open(Act.REQUEST, BookingState(row.state))
    held = row.state == BookingState.HELD.value and row.hold_expires_at and row.hold_expires_at > unit.now
    return hold_id if held else None


def _lapses(plan: availability.Plan, asked: Asked, waits: bool, now: datetime) -> datetime | None:
    """When a request that nobody answers gives its time back."""
    if not waits or asked.span is None:
        return None
    clock = clock_of(plan.key.institution_id, plan.rules)
    return lapses_at(plan.rules, asked.span, answer_term(plan.rules, asked.span, now, clock))


def _take_slot(
    unit: Unit,
    key: HostKey,
    prepared: Prepared,
    booking_key: HostKey,
    hold_id: UUID | None,
    seen: availability.Around | None,
    *,
    waits: bool,
) -> UUID | None:
    asked, plan = prepared.asked, prepared.plan
    assert plan is not None
    if asked.kind is not BookingKind.WINDOW:
        return asked.unit_id
    if asked.span is None:
        raise InvalidOrder(Reason("booking.time_missing", {}, "time"))
    setup, teardown = plan.rules.setup_seconds, plan.rules.teardown_seconds
    expires = _lapses(plan, asked, waits, unit.now)
    if hold_id is not None:
        # What was held may be booked; a changed wish gives the hold back and queues like everybody.
        return availability.move(
            unit, key, hold_id, asked.span, OccupancyKind.BOOKING, unit_id=asked.unit_id,
            outside=prepared.who.outside, setup_seconds=setup, teardown_seconds=teardown, expires_at=expires,
        )  # fmt: skip
    return availability.occupy(
        unit, key, asked.unit_id, asked.span, OccupancyKind.BOOKING, booking_key.id,
        outside=prepared.who.outside, plan=plan, setup_seconds=setup, teardown_seconds=teardown, expires_at=expires,
        seen=seen,
    )  # fmt: skip


def add_alternatives(error: DomainError, key: HostKey, asked: Asked, by: Actor | None) -> None:
    """Other times that would do, added to the refusal after the unit is over: looking for them holds up nobody.
    Without ``by`` those that anybody from outside might have."""
    about_time = isinstance(error, SlotTaken) or any(reason.place == "time" for reason in error.reasons)
    if asked.span is None or not about_time:
        return
    with keeping(), stamped(_subjects(key, asked, by)):
        error.values["alternatives"] = alternatives(key, asked, by=by, unlisted=True)


def alternatives(
    key: HostKey,
    asked: Asked,
    *,
    by: Actor | None,
    ignore: UUID | None = None,
    count: int = 3,
    unlisted: bool = False,
) -> list[dict[str, str]]:
    """Up to three times of about the wished length that the rules allow and that are free, nearest first."""
    if asked.span is None:
        return []
    now = clock.now()
    prepared = prepare(key, replace(asked, person_id=None), by=by, now=now, ignore=ignore, unlisted=unlisted)
    assert prepared.plan is not None
    rules = prepared.plan.rules
    tz = zone(prepared.plan.zone)
    opens, closes = now, None
    if not prepared.by_host:
        opens += timedelta(minutes=rules.lead_for(asked.mode.value if asked.mode else "all"))
        if prepared.facts.earliest_day is not None:
            opens = max(opens, midnight(prepared.facts.earliest_day, tz))
        closes = midnight(local_day(now, tz) + timedelta(days=rules.farthest_days + 1), tz)
    span = fitted(asked.span, rules, prepared.plan.zone)
    if span is None:
        return []
    facts = replace(prepared.facts, closed=())

    helpers = linking.chosen(key, asked)
    outside = prepared.who.outside

    def suits(other: TimeSpan) -> TimeSpan | None:
        wish = replace(facts, span=other)
        if any(r.place == "time" for r in check(wish, rules, now)):
            return refused_around(wish, rules, now)
        busy = linking.busy(helpers, other, outside=outside, ignore=ignore)
        return TimeSpan(other.start, other.end) if busy is not None else None

    found = availability.alternatives(
        key,
        span,
        outside=outside,
        not_before=opens,
        not_after=closes,
        ignore=ignore,
        count=count,
        suits=suits,
    )
    return availability.alternatives_json(found)


def hold(key: HostKey, asked: Asked, *, by: Actor, idempotency_key: str | None = None) -> BookingRecord:
    """Keep a slot for some minutes while the order is being written; it lapses by itself.

    Raises:
        BookingRefused: for rules about the time itself. SlotTaken: either with other times that would do. KeyReused
    """
    try:
        return _hold(key, asked, by, idempotency_key)
    except (SlotTaken, BookingRefused) as error:
        if current_unit.get() is None:
            add_alternatives(error, key, asked, by)
        raise


@retried()
def _hold(key: HostKey, asked: Asked, by: Actor, idempotency_key: str | None) -> BookingRecord:
    body = _digest(key, asked, by, act="hold") if idempotency_key else b""
    return _once(by, idempotency_key, body, lambda unit: hold_in(unit, key, asked, by))


def hold_in(
    unit: Unit,
    key: HostKey,
    asked: Asked,
    by: Actor,
    *,
    until: datetime | None = None,
    granted: bool = False,
) -> BookingRecord:
    """Keep a slot inside a unit; without ``until`` as long as the house rules give. Of what was ``granted`` before
    nobody asks how far ahead it is."""
    with _behind_lock(unit, key, asked, by) as (links, seen):
        return _hold_in(unit, key, asked, by, until, granted, links, seen)


def _hold_in(
    unit: Unit,
    key: HostKey,
    asked: Asked,
    by: Actor,
    until: datetime | None,
    granted: bool,
    links: Sequence[LinkRecord],
    seen: availability.Around | None,
) -> BookingRecord:
    prepared = prepare(key, asked, by=by, now=unit.now)
    helpers = linking.prepared(prepared, by, unit.now, links)
    waived = AHEAD if granted else frozenset()
    found = judge(prepared, unit.now)
    reasons = [reason for reason in found if reason.place == "time" and reason.code not in waived]
    reasons += linking.reasons_against(helpers)
    if reasons or prepared.plan is None or asked.span is None:
        raise BookingRefused(*(reasons or [Reason("booking.time_missing", {}, "time")]))
    booking_key = HostKey(key.institution_id, new_id())
    rules = prepared.plan.rules
    expires = until or unit.now + timedelta(minutes=rules.hold)
    unit_id = availability.occupy(
        unit, key, asked.unit_id, asked.span, OccupancyKind.HOLD, booking_key.id, expires_at=expires,
        setup_seconds=rules.setup_seconds, teardown_seconds=rules.teardown_seconds,
        outside=prepared.who.outside, plan=prepared.plan, seen=seen,
    )  # fmt: skip
    values = row_values(unit, booking_key, prepared, BookingState.HELD, unit_id, None, by)
    made = store.add(unit.session, {**values, "hold_expires_at": expires, "decided_at": None})
    if helpers:
        linking.take(unit, helpers, booking_key, BookingState.HELD, by, expires=expires)
    record_event(unit, booking_key, by.person_id, "held", {"until": expires.isoformat()})
    return made


def people_of(record: BookingRecord) -> Collection[UUID]:
    return {record.person_id, record.booked_by}


def names_of(record: BookingRecord) -> dict[str, Any]:
    """Names and times of a booking for the values of notices."""
    resource = catalogue.resource(record.resource_key)
    customer = accounts.customer(record.customer_id)
    values: dict[str, Any] = {
        "number": record.number,
        "resource": {"zh": resource.name_zh, "en": resource.name_en},
        "customer": {"zh": customer.name_zh, "en": customer.name_en},
        "zone": resource.zone,
    }
    if record.span is not None:
        values |= {"start": record.span.start.isoformat(), "end": record.span.end.isoformat()}
    return values
