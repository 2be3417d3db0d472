"""A day of a series that was left out, booked after all: by the wish of the day next to it, judged like any booking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import reading, series_store, store
from resource_hub.domain.booking.errors import BookingRefused, NoSuchBooking, SlotTaken, WrongState
from resource_hub.domain.booking.ordering import add_alternatives, book_in
from resource_hub.domain.booking.preparing import prepare
from resource_hub.domain.booking.rules.recurrence import span_on
from resource_hub.domain.booking.series import (
    DayLook,
    Wanted,
    look_at,
    occurrences,
    series_for,
    skipped_by_clock,
    taken_by_own,
)
from resource_hub.domain.booking.series_changing import opened
from resource_hub.domain.booking.series_store import Occurrence, SeriesRecord
from resource_hub.domain.booking.terms import Asked, BookingRecord, BookingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra.database import current_unit
from resource_hub.infra.database import reading as reads
from resource_hub.infra.unit_of_work import retried, unit_of_work
from resource_hub.kernel.errors import DomainError, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import NoSuchLocalTime, TimeSpan

_GIVEN_UP = (BookingState.CANCELLED, BookingState.REJECTED, BookingState.EXPIRED)


def look(key: HostKey, day: date, span: TimeSpan | None = None, *, by: Actor) -> DayLook:
    """What booking a day that was left out would mean, at the time of the rule unless another is named. Stores nothing.

    Raises:
        NoSuchBooking: it is no day of this series, or the series is not for the reader. WrongState: it is booked, or
            another customer took it over.
    """
    series, _side = series_for(key, by)
    found = occurrences(key)
    _left_out(found, day)
    wish = _wish(series, found, day, span)
    if wish.span is None:
        return DayLook(day, None, reasons=(skipped_by_clock(day),))
    resource = catalogue.resource(series.resource_key)
    (seen,) = look_at(resource, wish, [Wanted(day, wish.span)], by=by)
    return seen


def book(
    key: HostKey, day: date, span: TimeSpan | None = None, *, by: Actor, version: int | None = None
) -> BookingRecord:
    """Book a day that was left out; it is a day of the series from then on.

    Raises:
        BookingRefused, SlotTaken: with other times where the time was the trouble.
        NoSuchBooking, WrongState, NotYours, StaleBooking, and what pricing refuses with.
    """
    availability.warm()
    try:
        return _book(key, day, span, by, version)
    except DomainError as error:
        if current_unit.get() is None and isinstance(error, BookingRefused | SlotTaken):
            series, _side = series_for(key, by)
            add_alternatives(error, series.resource_key, _wish(series, occurrences(key), day, span), by)
        raise


@retried()
def _book(key: HostKey, day: date, span: TimeSpan | None, by: Actor, version: int | None) -> BookingRecord:
    with unit_of_work() as unit:
        series, _side, found = opened(unit, key, by, version)
        one = _left_out(found.values(), day)
        wish = _wish(series, found.values(), day, span)
        if wish.span is None:
            raise BookingRefused(skipped_by_clock(day))
        prepared = prepare(series.resource_key, wish, by=by, now=unit.now)
        own = taken_by_own(prepared, wish.span, (), unit.now)
        if own:
            raise BookingRefused(*own)
        booked = book_in(unit, series.resource_key, wish, by)
        series_store.book_occurrence(unit.session, key, one.id, booked.key.id, unit.now)
        return replace(booked, series_id=key.id)


def _left_out(found: Iterable[Occurrence], day: date) -> Occurrence:
    """The day that was left out.

    Raises:
        NoSuchBooking: the series has no such day. WrongState: it is booked, or another customer's by now.
    """
    one = next((one for one in found if one.day == day), None)
    if one is None:
        raise NoSuchBooking()
    if one.booking is not None or one.handed_over:
        raise WrongState(Reason("booking.series_day_not_left_out", {"day": day.isoformat()}))
    return one


def _wish(series: SeriesRecord, found: Iterable[Occurrence], day: date, span: TimeSpan | None) -> Asked:
    """What the nearest day that is booked asks for, for this day; without a time where the clock skips it.

    Raises:
        WrongState: no day is this customer's any more.
    """
    days = [(one.booking.state in _GIVEN_UP, abs(one.day - day), one.booking) for one in found if one.booking]
    record = min(days, key=lambda one: one[:2])[2] if days else None
    if record is None:
        raise WrongState(Reason("booking.series_all_gone", {}))
    if span is None:
        zone_name = catalogue.resource(series.resource_key).zone
        try:
            span = span_on(day, series.starts_minute, series.length_seconds, zone_name)
        except NoSuchLocalTime:
            span = None
    along = frozenset(child.resource_id for child in store.children(reads(), record.key))
    return replace(reading.asked_of(record), span=span, person_id=series.person_id, helpers=along)
