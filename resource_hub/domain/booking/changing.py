"""Moving, lengthening and shortening: what it means, judged again, then done under the same id."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import HouseDocument, OccupancyKind
from resource_hub.domain.booking import (
    answers,
    cancelling,
    giving_back,
    linking,
    ports,
    quoting,
    reading,
    under_quotes,
    waiting,
)
from resource_hub.domain.booking.errors import (
    BookingRefused,
    SlotTaken,
    WrongState,
)
from resource_hub.domain.booking.managing import decides, opened, written
from resource_hub.domain.booking.ordering import alternatives
from resource_hub.domain.booking.preparing import (
    clock_of,
    judge,
    prepare,
)
from resource_hub.domain.booking.rules import moves
from resource_hub.domain.booking.rules.answering import answer_term, capped, lapses_at
from resource_hub.domain.booking.rules.check import (
    AHEAD,
    SHAPE,
    check_change,
    held_fast,
    moved_after_start,
    needs_approval,
)
from resource_hub.domain.booking.rules.margins import margins
from resource_hub.domain.booking.rules.states import step
from resource_hub.domain.booking.terms import (
    Act,
    BookingRecord,
    BookingState,
    ChangeFacts,
    FundsFacts,
    QuoteRecord,
    Side,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.infra import clock
from resource_hub.infra.database import current_unit
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """What moving a booking would mean, without doing it. ``fees``: of the time that it gives back late, a sum for each
    currency, that of the order first, even where it is zero."""

    reasons: tuple[Reason, ...]
    quote: QuoteRecord | None
    taken: tuple[Reason, ...]  # who holds the time, or that of what is booked along
    needs_answer: bool
    fees: tuple[Money, ...]

    @property
    def free(self) -> bool:
        return not self.taken


def change_preview(key: HostKey, span: TimeSpan, *, by: Actor, unit_id: UUID | None = None) -> ChangePreview:
    record, side = reading.booking_for(key, by)
    return looked(record, span, side, by, clock.now(), unit_id)


def looked(
    record: BookingRecord,
    span: TimeSpan,
    side: Side,
    by: Actor,
    now: datetime,
    unit_id: UUID | None = None,
    *,
    leaving: Set[UUID] = frozenset(),
) -> ChangePreview:
    """The same of an order at a moment; ``leaving`` are others whose time becomes free with it."""
    record = reading.as_of(record, now)
    unit_id = _unit_of_use(record) if unit_id is None else unit_id
    reasons, quote, waits = judged(record, span, side, by, now, unit_id)
    helpers = linking.moving(record, span, by, now)
    taken: tuple[Reason, ...] = ()
    if not takes_less(record, span, unit_id):
        reasons += linking.reasons_against(helpers)
        taken = _taken(record, span, unit_id, [one.resource for one in helpers], leaving)
    if quote is not None:
        quote = linking.together(quote, [linking.quote_for(h, now) for h in helpers])
    fees = giving_back.sums(record, giving_back.parts(record, cancelling.committed(record, side), span, now))
    return ChangePreview(reasons, quote, taken, waits, fees)


def _taken(
    record: BookingRecord,
    span: TimeSpan,
    unit_id: UUID | None,
    helpers: Sequence[ResourceRecord],
    leaving: Set[UUID],
) -> tuple[Reason, ...]:
    """Who holds another time of an order, or of what is booked along with it."""
    outside, key = record.customer_class.outside, record.resource_key
    others = leaving - {record.key.id}
    units = linking.free_units(record, key, span, outside=outside, leaving=others)
    if not units or unit_id not in (None, *units):
        return availability.taken(key, span).reasons
    busy = linking.busy(helpers, span, outside=outside, ignore=record.key.id, leaving=others)
    return () if busy is None else linking.in_the_way(busy, availability.taken(busy.key, span).reasons)


def _unit_of_use(record: BookingRecord) -> UUID | None:
    """Who sits at a unit goes on there; whoever has not begun can be given another."""
    return record.unit_id if record.state is BookingState.IN_USE else None


def takes_less(record: BookingRecord, span: TimeSpan, unit_id: UUID | None = None) -> bool:
    """Whether another time is nothing but part of what a booking has, so that time is only given back."""
    return record.span is not None and record.span.contains(span) and unit_id in (None, record.unit_id)


def judged(
    record: BookingRecord, span: TimeSpan, side: Side, by: Actor, now: datetime, unit_id: UUID | None
) -> tuple[tuple[Reason, ...], QuoteRecord | None, bool]:
    if record.span is None:
        raise WrongState(Reason("booking.no_time_to_change", {}))
    step(record.kind, record.state, Act.CHANGE, side)
    by_host = side is Side.HOST
    asked = replace(reading.asked_of(record, span), unit_id=unit_id)
    prepared = prepare(
        record.resource_key, asked, by=by, now=now, ignore=record.key.id, customer_known=True, as_host=by_host
    )
    rules = prepared.plan.rules if prepared.plan else HouseDocument()
    running = record.state is BookingState.IN_USE
    less = takes_less(record, span, unit_id)
    # How far ahead one books counts for a start that is newly taken, not for more of what is booked.
    started = record.span.start <= span.start < record.span.end
    found = judge(prepared, now)
    if less:
        # Giving time back is refused for the shape of what is left and nothing else.
        reasons = [reason for reason in found if reason.code in SHAPE]
    else:
        reasons = [
            reason
            for reason in found
            if reason.place in (None, "time")
            and not (started and reason.code in AHEAD)
            # A running booking began in the past.
            and not (running and reason.code == "booking.in_past")
        ]
        if not by_host and not running:
            # A training holds until its day; the time is what can be chosen otherwise.
            reasons += [replace(r, place="time") for r in found if r.code == "booking.training"]
    reasons += check_change(ChangeFacts(record.state, record.span, span, by_host), rules, now)
    quote: QuoteRecord | None = None
    if record.tariff_id is not None:
        # The tariff of the first quote keeps its word; only the time is new.
        quote = quoting.compute(prepared.resource, asked, prepared.who, now, record.tariff_id)
    else:
        reasons += under_quotes.reasons_against(record, asked)
    granted = running or (less and record.state is BookingState.APPROVED)
    waits = not granted and needs_approval(
        rules, outside=prepared.who.outside, by_host=by_host, kind=record.kind
    )
    return tuple(reasons), quote, waits


@retried()
def _change(
    key: HostKey,
    span: TimeSpan,
    by: Actor,
    version: int | None,
    unit_id: UUID | None,
    note: str,
    kind: str,
    as_host: bool,
    expected: Sequence[Money] | None,
) -> BookingRecord:
    with unit_of_work() as unit:
        _, record, side = opened(unit, key, by, version)
        if as_host:
            side = Side.HOST
        if side is Side.HOST:
            decides(record, by)
        return change_in(
            unit, record, span, side, by, unit_id=unit_id, note=note, kind=kind, expected=expected
        )


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
    frees: bool = True,
    expected: Sequence[Money] | None = None,
    owed: list[Money] | None = None,
) -> BookingRecord:
    """Give a booking another time inside a unit, or raise every reason against it.

    Args:
        frees: others may have what it leaves.
        expected: the fees for time given back late that the person saw before the click; higher ones refuse.
        owed: takes up these fees, where they are looked at together with those of others.
    """
    unit_id = _unit_of_use(record) if unit_id is None else unit_id
    reasons, quote, waits = judged(record, span, side, by, unit.now, unit_id)
    if reasons:
        raise BookingRefused(*reasons)
    bound = cancelling.committed(record, side)
    given = giving_back.parts(record, bound, span, unit.now) if frees else ()
    fees = giving_back.sums(record, given)
    cancelling.not_risen(fees, expected, giving_back.FEE_ROSE)
    if owed is not None:
        owed += fees
    if record.state is BookingState.REQUESTED and side is Side.CUSTOMER:
        answers.drop(unit, record)  # another time is asked for: everybody answers anew
    plan = availability.plan(record.resource_key, span)
    again = waits and side is Side.CUSTOMER and record.state is BookingState.APPROVED
    answer_by = None
    if again or record.state is BookingState.REQUESTED:
        if side is Side.HOST and record.answer_by is not None:
            answer_by = capped(record.answer_by, span, unit.now)
        else:
            # Whoever answers has the whole term for what is asked now, above all where silence is a yes.
            answer_by = answer_term(plan.rules, span, unit.now, clock_of(record.institution_id, plan.rules))
    expires = lapses_at(plan.rules, span, answer_by) if answer_by else None
    less = takes_less(record, span, unit_id)
    setup, teardown = margins(record, span, plan.rules)
    chosen = availability.move(
        unit, record.resource_key, record.key.id, span, OccupancyKind.BOOKING,
        unit_id=record.unit_id if less else unit_id,
        setup_seconds=setup, teardown_seconds=teardown,
        outside=None if less else record.customer_class.outside,
        expires_at=expires,
    )  # fmt: skip
    changes: dict[str, Any] = {
        "starts_at": span.start,
        "ends_at": span.end,
        "unit_id": chosen,
        "setup_seconds": setup,
        "teardown_seconds": teardown,
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
        "from": moves.written(record.span),
        "to": moves.written(span),
        "note": note.strip(),
        "by_host": side is Side.HOST,
    }
    if given:
        details["fee"] = [fee.as_json() for fee in cancelling.shown(fees)]
    if again and bound is not None:
        details["asks_again"] = True
    told: dict[str, Any] = {}
    if frees and bound is not None and not span.contains(bound):
        details["gave"] = moves.written(bound)
        told = {"gave": details["gave"], "of": [str(record.person_id), str(record.customer_id)]}
    giving_back.taken_back(unit, record.key, span)
    giving_back.note(unit, record, given)
    if moved_after_start(ChangeFacts(record.state, record.span, span), unit.now):
        # Only the host may: what would have been a no-show is none, so it stays on record who wanted that.
        unit.audit(
            "booking.moved_after_start", record.institution_id, f"booking:{record.key.id}", details,
            person_id=by.person_id,
        )  # fmt: skip
    state = BookingState(changes.get("state", record.state))
    linking.move(unit, record, span, state, by, expires, less=less)
    done = written(unit, record, changes, by.person_id, kind, details, "booking.changed", quiet=quiet, **told)
    if frees and not quiet:
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
    as_host: bool = False,
    expected: Sequence[Money] | None = None,
) -> BookingRecord:
    """Move, extend or shorten: same id, same number, same calendar UID with a higher sequence, a new frozen quote.
    ``as_host``: who acts for the customer as well does it as the host. ``expected``: the fees that the person saw
    before the click for time given back late, a sum for each currency; a higher one refuses.

    Raises:
        BookingRefused, SlotTaken: with alternatives where others would do; the booking keeps its time.
        WrongState, NotYours, StaleBooking
    """
    availability.warm()
    try:
        return _change(key, span, by, version, unit_id, note, kind, as_host, expected)
    except (SlotTaken, BookingRefused) as error:
        if current_unit.get() is None:
            record, _ = reading.booking_for(key, by)
            asked = reading.asked_of(record, span)
            if record.customer_id in by.customer_ids and not held_fast(error.reasons):
                error.values["alternatives"] = alternatives(record.resource_key, asked, by=by, ignore=key.id)
        raise
