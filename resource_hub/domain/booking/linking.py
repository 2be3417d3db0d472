"""What is booked together with a resource: its helpers follow the order through every step, all or nothing.

A helper gets a booking of its own under the order's: with its own time, unit and price, but no life of its own. The
rules of the main resource judge the order; a helper has to be open and free. All resources are locked before any is
held, in the one order of their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import OccupancyKind
from resource_hub.domain.booking import ports, quote_store, quoting, store
from resource_hub.domain.booking.errors import BookingRefused, SlotTaken
from resource_hub.domain.booking.preparing import Prepared, prepare, record_event, row_values
from resource_hub.domain.booking.rules.margins import margins
from resource_hub.domain.booking.terms import (
    Asked,
    BookingKind,
    BookingRecord,
    BookingState,
    FundsFacts,
    QuoteRecord,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import LinkRecord, Mode, ResourceRecord
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan

# What an order's step hands on to the bookings under it.
_CARRIED = (
    "state", "decided_by", "decided_at", "decision_note", "cancelled_at", "cancelled_by", "cancel_reason",
    "hold_expires_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HelperBooking:
    """A helper of an order with its resource and its part of the price."""

    record: BookingRecord
    resource: ResourceRecord
    quote: QuoteRecord | None


def lock(unit: Unit, keys: Iterable[HostKey]) -> list[LinkRecord]:
    """Lock resources and all that may be booked with them, before any of them is held; what that is, is returned."""
    wanted = set(keys)
    links = catalogue.links_of(wanted)
    availability.lock(unit, wanted | {link.helper_key for link in links})
    return links


def lock_with_orders(unit: Unit, key: HostKey) -> None:
    """Lock a resource, and all that orders hold together with it, so that these can be moved and cancelled."""
    lock(unit, {key, *store.held_together(unit.session, key, unit.now)})


def links_behind_lock(unit: Unit, key: HostKey) -> list[LinkRecord]:
    """What may be booked with a resource that is locked; what was linked to it only just now is locked as well."""
    links = catalogue.links_of([key])
    availability.lock(unit, {link.helper_key for link in links})
    return links


def chosen(key: HostKey, asked: Asked, links: Sequence[LinkRecord] | None = None) -> list[ResourceRecord]:
    """The helpers of an order, by id: those that always come along, and those that were wished for.

    ``links``: of this resource, where they are known already.
    """
    if asked.kind is not BookingKind.WINDOW:
        return []
    wanted = [
        link.helper_key
        for link in (catalogue.links_of([key]) if links is None else links)
        if link.required or link.helper_key.id in asked.helpers
    ]
    found = catalogue.resources(wanted) if wanted else {}
    return [found[one] for one in sorted(found)]


def offered(key: HostKey) -> list[tuple[ResourceRecord, bool]]:
    """What a resource can be booked together with, and whether it always is."""
    links = catalogue.links_of([key])
    found = catalogue.resources([link.helper_key for link in links])
    return [(found[link.helper_key], link.required) for link in links if link.helper_key in found]


def prepared(
    main: Prepared, by: Actor | None, now: datetime, links: Sequence[LinkRecord] | None = None
) -> list[Prepared]:
    """The orders for the helpers of an order."""
    return [_prepared(one, main.asked, by, now) for one in chosen(main.resource.key, main.asked, links)]


def _prepared(helper: ResourceRecord, asked: Asked, by: Actor | None, now: datetime) -> Prepared:
    wish = replace(
        asked,
        mode=Mode.STAFF_RUN,
        unit_id=None,
        samples=0,
        items={},
        extras=frozenset(),
        answers={},
        helpers=frozenset(),
        given_id=None,  # a price given by hand is the order's; what comes along keeps its own tariff
    )
    return prepare(helper.key, wish, by=by, now=now, customer_known=True, unlisted=True, along=True)


def in_the_way(helper: ResourceRecord, reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Reasons of a helper, said to be its own."""
    if not reasons:
        return ()
    name = {"zh": helper.name_zh, "en": helper.name_en}
    return (Reason("booking.helper_in_the_way", {"helper": name}, "time"), *reasons)


def reasons_against(helpers: Iterable[Prepared]) -> tuple[Reason, ...]:
    """Why helpers cannot come along, whoever holds them: closed, or not to be booked at all."""
    found: tuple[Reason, ...] = ()
    for one in helpers:
        own = list(one.facts.closed)
        if not one.facts.bookable:
            own.append(Reason("booking.not_bookable", {}))
        if one.facts.outside and not one.facts.open_to_outside:
            own.append(Reason("booking.not_open_to_outside", {}))
        found += in_the_way(one.resource, own)
    return found


def busy(
    helpers: Iterable[ResourceRecord],
    span: TimeSpan,
    *,
    outside: bool,
    ignore: UUID | None = None,
    leaving: Set[UUID] = frozenset(),
) -> ResourceRecord | None:
    """The first helper that is not free for a span; ``ignore`` is the order that is about to move, ``leaving`` are
    others whose time becomes free with it."""
    under: dict[UUID, BookingRecord] = {}
    away: list[BookingRecord] = []
    for one in helpers:
        if ignore is not None and not under:
            parent = HostKey(one.key.institution_id, ignore)
            under = {c.resource_id: c for c in store.children(reading(), parent)}
            away = store.children_of(reading(), one.key.institution_id, leaving) if leaving else []
        others = {c.key.id for c in away if c.resource_id == one.key.id}
        if not free_units(under.get(one.key.id), one.key, span, outside=outside, leaving=others):
            return one
    return None


def free_units(
    booked: BookingRecord | None, key: HostKey, span: TimeSpan, *, outside: bool, leaving: Set[UUID]
) -> list[UUID]:
    """Units of a resource that what is booked could have for another span: free, or held by one of those that leave."""
    rules, _number = availability.house_rules(key)
    around = margins(booked, span, rules)

    def without(holder: UUID | None) -> list[UUID]:
        return availability.free_units(key, span, outside=outside, ignore=holder, margins=around)

    found = without(booked.key.id if booked is not None else None)
    if found or booked is None or not leaving:
        return found
    held = store.holders_of(reading(), key, {booked.customer_id}, span) & leaving
    return next(filter(None, map(without, sorted(held))), [])


def room(helpers: Iterable[ResourceRecord], within: TimeSpan, *, outside: bool) -> Callable[[TimeSpan], bool]:
    """The same for many spans inside one: whether all helpers are free for it."""
    free = [
        [one.span for one in availability.free_times(helper.key, within, outside=outside)]
        for helper in helpers
    ]
    return lambda span: all(any(one.contains(span) for one in spans) for spans in free)


# ---- price -----------------------------------------------------------------------------------------------------


def together(main: QuoteRecord | None, others: Iterable[QuoteRecord | None]) -> QuoteRecord | None:
    """One price of all, for reading: the sums added, one for each currency."""
    if main is None:
        return None
    sums, support = main.sums, main.support
    for one in others:
        if one is not None:
            sums = sums.plus(one.sums)
            support += one.support
    return replace(main, sums=sums, support=support)


def quote_for(one: Prepared, now: datetime) -> QuoteRecord | None:
    """The price of a helper; one without a tariff costs nothing extra."""
    try:
        return quoting.compute(one.resource, one.asked, one.who, now)
    except quoting.UNPRICED:
        return None


# ---- taking ----------------------------------------------------------------------------------------------------


def take(
    unit: Unit,
    helpers: Sequence[Prepared],
    order: HostKey,
    state: BookingState,
    by: Actor,
    *,
    expires: datetime | None = None,
) -> None:
    """Book the helpers of an order, or turn what was held for it into bookings.

    Args:
        expires: when a hold, or a request that nobody answers, gives its time back.

    Raises:
        SlotTaken: naming the helper that is in the way; nothing of the order remains.
    """
    before = {child.resource_id: child for child in store.children(unit.session, order)}
    held = state is BookingState.HELD
    kind = OccupancyKind.HOLD if held else OccupancyKind.BOOKING
    for one in helpers:
        assert one.plan is not None and one.asked.span is not None
        child = before.pop(one.resource.key.id, None)
        key = child.key if child else HostKey(order.institution_id, new_id())
        booked = child if child is not None and child.state is not BookingState.HELD else None
        setup, teardown = margins(booked, one.asked.span, one.plan.rules)
        around: dict[str, Any] = {"setup_seconds": setup, "teardown_seconds": teardown}
        try:
            if child is not None:
                unit_id = availability.move(
                    unit, one.resource.key, key.id, one.asked.span, kind, outside=one.who.outside, expires_at=expires,
                    **around,
                )  # fmt: skip
            else:
                unit_id = availability.occupy(
                    unit, one.resource.key, None, one.asked.span, kind, key.id, outside=one.who.outside, plan=one.plan,
                    expires_at=expires, **around,
                )  # fmt: skip
        except SlotTaken as error:
            raise taken(one.resource, error) from error
        quote = None if held else _frozen(unit, one, key, by)
        values = row_values(unit, key, one, state, unit_id, quote, by)
        values |= around
        values |= {"parent_id": order.id, "answer_by": None, "hold_expires_at": expires if held else None}
        if child is not None:
            kept = ("institution_id", "id", "number", "ical_uid", "ical_sequence", "version", "created_at")
            values = {k: v for k, v in values.items() if k not in kept}
            store.change(unit.session, key, {**values, "ical_sequence": child.ical_sequence + 1})
        else:
            store.add(unit.session, values)
        kind_of_step = "changed" if child is not None else "requested"
        record_event(unit, key, by.person_id, kind_of_step, {"with": str(order.id)})
    for child in before.values():
        availability.release(unit, order.institution_id, child.key.id)
        store.change(
            unit.session, child.key, {"state": BookingState.CANCELLED.value, "hold_expires_at": None}
        )


def taken(helper: ResourceRecord, error: SlotTaken) -> SlotTaken:
    """The refusal for a helper that somebody else holds, naming it."""
    told = SlotTaken(*in_the_way(helper, error.reasons))
    told.values = {**error.values, "helper_id": str(helper.key.id)}
    return told


def _frozen(unit: Unit, one: Prepared, key: HostKey, by: Actor) -> QuoteRecord | None:
    found = quote_for(one, unit.now)
    if found is None:
        return None
    frozen = quoting.freeze(unit, found, by.person_id)
    assert one.asked.customer_id is not None
    ports.installed().hold_of_funds.hold(
        unit,
        FundsFacts(
            key, one.asked.customer_id, one.resource, frozen.sums.to_pay, frozen.support,
            quoting.day_of(one.resource, one.asked.span, unit.now),
        ),
    )  # fmt: skip
    return frozen


# ---- following -------------------------------------------------------------------------------------------------


def carry(
    unit: Unit, record: BookingRecord, changes: dict[str, Any], person_id: UUID | None, kind: str
) -> None:
    """Hand a step of an order on to the bookings under it."""
    values = {name: changes[name] for name in _CARRIED if name in changes}
    if not values or record.kind is not BookingKind.WINDOW or record.parent_id is not None:
        return
    for child in store.children(unit.session, record.key):
        sequence = {"ical_sequence": child.ical_sequence + 1}
        store.change(unit.session, child.key, {**values, **sequence, "changed_at": unit.now})
        record_event(unit, child.key, person_id, kind, {"with": str(record.key.id)})


def let_go(unit: Unit, record: BookingRecord) -> None:
    """Free the time and money of the helpers of an order."""
    if record.kind is not BookingKind.WINDOW:
        return
    for child in store.children(unit.session, record.key):
        availability.release(unit, record.institution_id, child.key.id, key=child.resource_key)
        ports.installed().hold_of_funds.release(unit, child.key)


def owe(unit: Unit, record: BookingRecord, fees: Mapping[HostKey, Money]) -> None:
    """Note the fees of the helpers of a cancelled order; each is decided when its own slot begins."""
    for key, fee in fees.items():
        store.change(unit.session, key, {"cancel_fee_minor": fee.minor, "fee_decides_at": record.starts_at})


def fees_together(record: BookingRecord) -> tuple[tuple[Money, ...], datetime | None]:
    """The fees of a cancelled order with its helpers, as they still stand, a sum for each currency (that of the order
    first, even where it is zero), and when the last of them is decided."""
    if record.kind is not BookingKind.WINDOW or record.cancelled_at is None:
        return (record.cancel_fee,), record.fee_decides_at
    owing = (record, *store.owing_under(reading(), record.key))
    sums = Money.by_currency(one.cancel_fee for one in owing)
    return sums, max((one.fee_decides_at for one in owing if one.fee_decides_at), default=None)


def end_early(unit: Unit, record: BookingRecord, at: datetime) -> None:
    for child in store.children(unit.session, record.key):
        availability.end_early(unit, child.resource_key, child.key.id, at)


def moving(record: BookingRecord, span: TimeSpan, by: Actor, now: datetime) -> list[Prepared]:
    """The helpers of an order as orders for another time."""
    if record.kind is not BookingKind.WINDOW:
        return []
    asked = Asked(
        span=span, customer_id=record.customer_id, person_id=record.person_id, purpose=record.purpose,
        project=record.project,
    )  # fmt: skip
    found = catalogue.resources([child.resource_key for child in store.children(reading(), record.key)])
    return [_prepared(found[key], asked, by, now) for key in sorted(found)]


def holders(unit: Unit, record: BookingRecord) -> list[UUID]:
    """Who holds the time of an order: itself, and each of its helpers."""
    return [record.key.id, *(child.key.id for child in store.children(unit.session, record.key))]


def move(
    unit: Unit,
    record: BookingRecord,
    span: TimeSpan,
    state: BookingState,
    by: Actor,
    expires: datetime | None = None,
    *,
    less: bool = False,
) -> None:
    """Give the helpers of an order its new time; where it is ``less`` of what they have, nothing speaks against it.

    Raises:
        BookingRefused, SlotTaken: naming the helper that is in the way.
    """
    helpers = moving(record, span, by, unit.now)
    reasons = () if less else reasons_against(helpers)
    if reasons:
        raise BookingRefused(*reasons)
    for child in store.children(unit.session, record.key):
        ports.installed().hold_of_funds.release(unit, child.key)
    if helpers:
        take(unit, helpers, record.key, state, by, expires=expires)


def helpers_of(key: HostKey) -> list[HelperBooking]:
    """The bookings under an order, for its page."""
    session = reading()
    children = store.children(session, key)
    found = catalogue.resources({child.resource_key for child in children})
    return [
        HelperBooking(
            child,
            found[child.resource_key],
            quote_store.quote(session, HostKey(key.institution_id, child.quote_id))
            if child.quote_id
            else None,
        )
        for child in children
        if child.resource_key in found
    ]
