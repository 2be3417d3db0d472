"""Booking again and again: every day of the rule is judged like any booking, and no clash is passed over in silence.

All days are booked in one unit of work or none is. A day that cannot be had is reported with its reasons and times
that would do; the user leaves it out or gives it another time, and the series remembers which days were left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import reduce
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import FreeTime
from resource_hub.domain.booking import linking, quoting, reading, series_store, store
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    NoSuchBooking,
    SeriesClash,
    SlotTaken,
)
from resource_hub.domain.booking.ordering import alternatives, book_in
from resource_hub.domain.booking.preparing import Prepared, announce_series, judge, prepare
from resource_hub.domain.booking.rules.recurrence import Recurrence, days, is_usual, span_on, usual_of
from resource_hub.domain.booking.series_store import Occurrence, SeriesRecord
from resource_hub.domain.booking.terms import (
    FINAL,
    Asked,
    BookingKind,
    BookingState,
    OwnTime,
    QuoteRecord,
    Side,
    ThreeSums,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.infra import clock
from resource_hub.infra.database import reading as reads
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import NoSuchLocalTime, TimeSpan, local_day, zone

# So many clashes are shown with other times; the rest say why only.
WITH_ALTERNATIVES = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user wants of a day that clashes: leave it out, or this other time."""

    skip: bool = False
    span: TimeSpan | None = None


Choices = Mapping[date, Choice]


@dataclass(frozen=True, slots=True)
class DayLook:
    """One day of a series before it is booked: its time, and what speaks against it."""

    day: date
    span: TimeSpan | None
    skipped: bool = False
    reasons: tuple[Reason, ...] = ()
    alternatives: tuple[Mapping[str, str], ...] = ()
    quote: QuoteRecord | None = None

    @property
    def clashes(self) -> bool:
        return bool(self.reasons) and not self.skipped


@dataclass(frozen=True, slots=True)
class SeriesLook:
    """What a series would be: every day of it, and the sum of its prices where all are known."""

    days: tuple[DayLook, ...]

    @property
    def clashes(self) -> tuple[DayLook, ...]:
        return tuple(one for one in self.days if one.clashes)

    @property
    def booked(self) -> tuple[DayLook, ...]:
        return tuple(one for one in self.days if not one.clashes and not one.skipped)

    @property
    def sums(self) -> ThreeSums | None:
        quotes = [one.quote for one in self.booked if one.quote is not None]
        if not quotes or len(quotes) < len(self.booked):
            return None
        return reduce(ThreeSums.plus, (quote.sums for quote in quotes))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A day of a series with the time that is asked for; none where the clock skips it."""

    day: date
    span: TimeSpan | None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class _Rule:
    """A wish read as a series: time of the wall clock, length, and the time of each day."""

    starts_minute: int
    length_seconds: int
    wanted: tuple[Wanted, ...]

    @property
    def first(self) -> TimeSpan:
        return next(one.span for one in self.wanted if one.span is not None)

    @property
    def whole(self) -> TimeSpan:
        return _whole(self.wanted)


def _whole(wanted: Sequence[Wanted]) -> TimeSpan:
    spans = [one.span for one in wanted if one.span is not None]
    return TimeSpan(min(s.start for s in spans), max(s.end for s in spans))


def _read(resource: ResourceRecord, asked: Asked, rule: Recurrence, choices: Choices) -> _Rule:
    if asked.span is None or asked.kind is not BookingKind.WINDOW:
        raise InvalidOrder(Reason("booking.time_missing", {}, "time"))
    start = asked.span.start.astimezone(zone(resource.zone))
    minute, length = usual_of(asked.span, resource.zone)
    # The first day has the time that was said: of two that the clock shows alike it may be the second.
    said = {start.date(): Choice(span=asked.span)}
    wanted = tuple(_wanted(days(rule, start.date()), minute, length, resource.zone, {**said, **choices}))
    if all(one.span is None for one in wanted):
        raise InvalidOrder(Reason("booking.series_nothing_left", {}, "until"))
    return _Rule(minute, length, wanted)


def _wanted(
    on: Sequence[date], minute: int, length: int, zone_name: str, choices: Choices
) -> Iterator[Wanted]:
    for day in on:
        choice = choices.get(day, Choice())
        if choice.skip:
            yield Wanted(day, None, True)
        elif choice.span is not None:
            yield Wanted(day, choice.span)
        else:
            try:
                yield Wanted(day, span_on(day, minute, length, zone_name))
            except NoSuchLocalTime:
                yield Wanted(day, None)


def taken_by_own(
    prepared: Prepared, span: TimeSpan, planned: Sequence[TimeSpan], now: datetime
) -> tuple[Reason, ...]:
    """A repeat over one's own time is no second booking (R12), however many units there are."""
    assert prepared.plan is not None and prepared.asked.customer_id is not None
    rules = prepared.plan.rules
    wide = span.widened(
        rules.setup_seconds + rules.teardown_seconds, rules.setup_seconds + rules.teardown_seconds
    )
    own = store.own_times(
        reads(), prepared.resource.key, prepared.asked.customer_id, prepared.person_id, span, None, now
    )
    mine = any(one.person_id == prepared.person_id and one.state not in FINAL for one in own)
    if mine or any(wide.overlaps(one) for one in planned):
        return (Reason("booking.series_own", {}, "time"),)
    return ()


# ---- looking ---------------------------------------------------------------------------------------------------


def look(
    key: HostKey, asked: Asked, rule: Recurrence, *, by: Actor, choices: Choices | None = None
) -> SeriesLook:
    """What a series would be, day by day, with prices, clashes and other times. Stores nothing.

    Raises:
        InvalidOrder: the rule, the time or the customer cannot be.
    """
    resource = catalogue.visible(catalogue.resource(key), by)
    return SeriesLook(look_at(resource, asked, _read(resource, asked, rule, choices or {}).wanted, by=by))


def look_at(
    resource: ResourceRecord, asked: Asked, wanted: Sequence[Wanted], *, by: Actor
) -> tuple[DayLook, ...]:
    """Each day that is wanted, those before it counted along. One at least has a time."""
    now, key = clock.now(), resource.key
    whole = _whole(wanted)
    plan = availability.plan(key, whole)
    free: dict[bool, list[FreeTime]] = {}
    planned: list[TimeSpan] = []
    found: list[DayLook] = []
    shown = 0
    for one in wanted:
        if one.skipped:
            found.append(DayLook(one.day, None, skipped=True))
            continue
        if one.span is None:
            found.append(DayLook(one.day, None, reasons=(skipped_by_clock(one.day),)))
            continue
        wish = replace(asked, span=one.span)
        prepared = prepare(key, wish, by=by, now=now, plan=plan)
        helpers = linking.prepared(prepared, by, now)
        reasons = (
            linking.reasons_against(helpers)
            + judge(_with_planned(prepared, planned), now)
            + taken_by_own(prepared, one.span, planned, now)
        )
        outside = prepared.who.outside
        if not reasons:
            if outside not in free:
                free[outside] = availability.free_times(key, whole, outside=outside, plan=plan)
            if not any(
                f.span.contains(one.span) and asked.unit_id in (None, f.unit_id) for f in free[outside]
            ):
                reasons = availability.taken(key, one.span).reasons
        if not reasons:
            in_the_way = linking.busy([h.resource for h in helpers], one.span, outside=outside)
            if in_the_way is not None:
                taken = availability.taken(in_the_way.key, one.span)
                reasons = linking.in_the_way(in_the_way, taken.reasons)
        if reasons:
            shown += 1
            others = alternatives(key, wish, by=by) if shown <= WITH_ALTERNATIVES else []
            found.append(DayLook(one.day, one.span, reasons=reasons, alternatives=tuple(others)))
            continue
        planned.append(one.span)
        quote = quoting.preview(resource, prepared.asked, prepared.who).quote
        quote = linking.together(quote, [linking.quote_for(h, now) for h in helpers])
        found.append(DayLook(one.day, one.span, quote=quote))
    return tuple(found)


def skipped_by_clock(day: date) -> Reason:
    return Reason("booking.series_no_such_time", {"day": day.isoformat()}, "time")


def _with_planned(prepared: Prepared, planned: Sequence[TimeSpan]) -> Prepared:
    """Quotas and gaps count the days of the series that come before."""
    facts = prepared.facts
    if facts.person_id is None or facts.customer_id is None:
        return prepared
    more = tuple(OwnTime(span, BookingState.APPROVED, facts.person_id, facts.customer_id) for span in planned)
    return replace(prepared, facts=replace(facts, own=facts.own + more))


# ---- booking ---------------------------------------------------------------------------------------------------


def create(
    key: HostKey,
    asked: Asked,
    rule: Recurrence,
    *,
    by: Actor,
    choices: Choices | None = None,
    request_key: str | None = None,
) -> SeriesRecord:
    """Book every day of a series, or none of it.

    Args:
        choices: of days that clash: leave out, or another time.
        request_key: the same sending again finds the series that it made.

    Raises:
        SeriesClash: with every day that cannot be had and why; nothing is booked.
        InvalidOrder, and what pricing refuses with.
    """
    availability.warm()
    return _create(key, asked, rule, by, choices or {}, request_key)


@retried()
def _create(
    key: HostKey, asked: Asked, rule: Recurrence, by: Actor, choices: Choices, request_key: str | None
) -> SeriesRecord:
    with unit_of_work() as unit:
        # Who sends the same twice at once waits here, and finds the series of the first.
        linking.lock(unit, [key])
        if request_key:
            before = series_store.sent_before(unit.session, key.institution_id, by.person_id, request_key)
            if before is not None:
                return before
        resource = catalogue.visible(catalogue.resource(key), by)
        read = _read(resource, asked, rule, choices)
        plan = availability.plan(key, read.whole)
        series_key = HostKey(key.institution_id, new_id())
        first = prepare(key, replace(asked, span=read.first), by=by, now=unit.now, plan=plan)
        series_store.add(
            unit.session,
            {
                "institution_id": series_key.institution_id,
                "id": series_key.id,
                "resource_id": key.id,
                "customer_id": first.asked.customer_id,
                "person_id": first.person_id,
                "booked_by": by.person_id,
                "rule": rule.as_json(),
                "starts_minute": read.starts_minute,
                "length_seconds": read.length_seconds,
                "request_key": request_key,
                "version": 1,
                "created_at": unit.now,
                "changed_at": unit.now,
            },
        )
        rows: list[tuple[date, UUID | None]] = []
        asked_for: list[str] = []
        clashes: list[tuple[date, tuple[Reason, ...]]] = []
        for one in read.wanted:
            if one.skipped:
                rows.append((one.day, None))
                continue
            try:
                if one.span is None:
                    raise BookingRefused(skipped_by_clock(one.day))
                wish = replace(asked, span=one.span)
                own = taken_by_own(
                    replace(first, asked=replace(first.asked, span=one.span)), one.span, (), unit.now
                )
                if own:
                    raise BookingRefused(*own)
                booked = book_in(unit, key, wish, by, plan=plan, series_id=series_key.id)
                rows.append((one.day, booked.key.id))
                if booked.state is BookingState.REQUESTED:
                    asked_for.append(str(booked.key.id))
            except (BookingRefused, SlotTaken) as error:
                clashes.append((one.day, error.reasons))
        refuse(clashes)
        series_store.add_occurrences(unit.session, series_key, rows)
        number = sum(booking_id is not None for _day, booking_id in rows)
        what = "requested" if asked_for else "booked"
        announce_series(unit, series_key, f"booking.series_{what}", by.person_id, bookings=number)
        if asked_for:
            announce_series(
                unit,
                series_key,
                "booking.series_answer_wanted",
                by.person_id,
                booking_ids=asked_for,
                first=True,
            )
        return known(unit, series_key)


def refuse(clashes: Sequence[tuple[date, tuple[Reason, ...]]]) -> None:
    """Raise all clashes of a series at once.

    Raises:
        SeriesClash
    """
    if not clashes:
        return
    raise SeriesClash(
        Reason("booking.series_clash", {"clashes": len(clashes)}),
        clashes=[
            {"day": day.isoformat(), "reasons": [reason.as_json() for reason in reasons]}
            for day, reasons in clashes
        ],
    )


def known(unit: Unit, key: HostKey) -> SeriesRecord:
    found = series_store.series(unit.session, key)
    assert found is not None
    return found


# ---- reading ---------------------------------------------------------------------------------------------------


def series_for(key: HostKey, by: Actor) -> tuple[SeriesRecord, Side]:
    """A series for one of its two parties.

    Raises:
        NoSuchBooking: there is none, or the reader is a stranger.
    """
    found = series_store.series(reads(), key)
    if found is None:
        raise NoSuchBooking()
    side = reading.side_at(found.resource_key, found.customer_id, by)
    if side is None:
        raise NoSuchBooking()
    return found, side


def series_of(by: Actor, limit: int = 100, after: Sequence[Any] | None = None) -> list[SeriesRecord]:
    """Series of the customers that an actor acts for, the newest first."""
    customers = by.customer_ids | by.led_customer_ids
    return series_store.of_customers(reads(), customers, limit, after) if customers else []


def series_at(
    by: Actor, limit: int = 100, after: Sequence[Any] | None = None, *, resource_id: UUID | None = None
) -> list[SeriesRecord]:
    """Series at the actor's host as far as the roles reach, of one resource or of all, the newest first."""
    reach = reading.reach_of(by)
    if resource_id is not None:
        reach = [resource_id] if reach is None or resource_id in reach else []
    if reach == []:
        return []
    return series_store.of_host(reads(), by.organisation_id, reach, limit, after)


def occurrences(key: HostKey) -> list[Occurrence]:
    return series_store.occurrences(reads(), [key])[key]


def occurrences_of(keys: Sequence[HostKey]) -> dict[HostKey, list[Occurrence]]:
    return series_store.occurrences(reads(), keys)


def is_live(one: Occurrence, now: datetime) -> bool:
    """Whether a day can still be changed: booked, not over, not begun."""
    return (
        one.booking is not None
        and one.booking.state in (BookingState.REQUESTED, BookingState.APPROVED)
        and one.booking.span is not None
        and one.booking.span.start > now
    )


def can_be_booked(one: Occurrence, now: datetime, zone_name: str) -> bool:
    """Whether a day was left out and is not past, so that it can be booked after all."""
    return one.booking is None and not one.handed_over and one.day >= local_day(now, zone(zone_name))


def state_of(found: Sequence[Occurrence]) -> str:
    """``live`` while something is ahead; with nothing left ``cancelled`` when the last one was cancelled (R10)."""
    booked = [one.booking for one in found if one.booking is not None]
    if any(one.state not in FINAL for one in booked):
        return "live"
    return "cancelled" if booked and booked[-1].state is BookingState.CANCELLED else "over"


def moved_by_hand(series: SeriesRecord, one: Occurrence, zone_name: str) -> bool:
    """Whether a day has another time than the rule gives it."""
    if one.booking is None or one.booking.span is None:
        return False
    return not is_usual(one.booking.span, one.day, series.starts_minute, series.length_seconds, zone_name)


def day_of(span: TimeSpan, zone_name: str) -> date:
    return local_day(span.start, zone(zone_name))


__all__ = [
    "Choice", "Choices", "DayLook", "Occurrence", "SeriesLook", "SeriesRecord", "Wanted", "can_be_booked", "create",
    "day_of", "is_live", "known", "look", "look_at", "moved_by_hand", "occurrences", "occurrences_of", "refuse",
    "series_at", "series_for", "series_of", "skipped_by_clock", "state_of", "taken_by_own",
]  # fmt: skip
