"""Changing and cancelling a series: one unit of work, one message, every day told before the click."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import (
    answers,
    cancelling,
    changing,
    giving_back,
    linking,
    managing,
    reading,
    series_store,
    store,
    waiting,
)
from resource_hub.domain.booking.cancelling import CancelPreview
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    NotYours,
    SlotTaken,
    unchanged,
)
from resource_hub.domain.booking.ordering import alternatives
from resource_hub.domain.booking.preparing import DECIDES, announce_series, is_staff
from resource_hub.domain.booking.rules.series_change import SeriesChange, Stays, facts_at, plan_change
from resource_hub.domain.booking.series import (
    WITH_ALTERNATIVES,
    Choices,
    is_live,
    known,
    occurrences,
    refuse,
    series_for,
)
from resource_hub.domain.booking.series_store import Occurrence, SeriesRecord
from resource_hub.domain.booking.terms import BookingRecord, BookingState, QuoteRecord, Scope, Side
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason, distinct
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan

_COMING = (BookingState.REQUESTED, BookingState.APPROVED)
_USED = (BookingState.IN_USE, BookingState.DONE, BookingState.NO_SHOW)


@dataclass(frozen=True, slots=True)
class DayChangeLook:
    """One day before the click: what it is, what it becomes, why it stays or cannot."""

    day: date
    booking: BookingRecord | None
    after: TimeSpan | None
    stays: Stays | None
    reasons: tuple[Reason, ...] = ()
    alternatives: tuple[Mapping[str, str], ...] = ()
    quote: QuoteRecord | None = None
    fees: tuple[Money, ...] = ()

    @property
    def clashes(self) -> bool:
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class SeriesChangeLook:
    days: tuple[DayChangeLook, ...]
    split: bool

    @property
    def clashes(self) -> tuple[DayChangeLook, ...]:
        return tuple(one for one in self.days if one.clashes)

    @property
    def fees(self) -> tuple[Money, ...]:
        """What the time costs that is given back late, a sum for each currency; none where no day moves."""
        return Money.by_currency(fee for one in self.days if not one.clashes for fee in one.fees)

    @property
    def moving(self) -> int:
        return sum(one.stays is None and not one.clashes for one in self.days)


def _planned(
    series: SeriesRecord,
    found: Sequence[Occurrence],
    anchor: UUID,
    span: TimeSpan,
    scope: Scope,
    choices: Choices,
    now: datetime,
) -> SeriesChange:
    rows = [
        (
            one.id,
            one.day,
            one.booking.span if one.booking else None,
            one.booking is not None and one.booking.state in _COMING,
            one.booking is not None and one.booking.state in _USED,
        )
        for one in found
    ]
    zone_name = catalogue.resource(series.resource_key).zone
    here = next((one.id for one in found if one.booking is not None and one.booking.key.id == anchor), anchor)
    chosen = {day: choice.span for day, choice in choices.items() if choice.skip or choice.span is not None}
    return plan_change(
        series.rule, series.starts_minute, series.length_seconds, facts_at(now, rows), here, span, scope,
        zone_name, chosen,
    )  # fmt: skip


def look_change(
    key: HostKey,
    booking_id: UUID,
    span: TimeSpan,
    scope: Scope,
    *,
    by: Actor,
    choices: Choices | None = None,
) -> SeriesChangeLook:
    """What moving this day, this and the following, or all days, would mean for each of them. Stores nothing.

    Raises:
        NoSuchBooking, WrongState, InvalidOrder
    """
    series, side = series_for(key, by)
    found = {one.id: one for one in occurrences(key)}
    now = clock.now()
    planned = _planned(series, list(found.values()), booking_id, span, scope, choices or {}, now)
    moving = {one.booking.key.id for one in found.values() if one.booking is not None}
    result = []
    shown = 0
    for one in planned.days:
        booking, day = found[one.id].booking, found[one.id].day
        if one.stays is not None or booking is None:
            stays = Stays.HANDED_OVER if found[one.id].handed_over else one.stays
            result.append(DayChangeLook(day, booking, None, stays))
            continue
        if one.after is None:
            reason = Reason("booking.series_no_such_time", {"day": one.day.isoformat()}, "time")
            result.append(DayChangeLook(day, booking, None, None, (reason,)))
            continue
        seen = changing.looked(booking, one.after, side, by, now, leaving=moving)
        reasons = seen.reasons or seen.taken
        others: Sequence[Mapping[str, str]] = ()
        if reasons:
            shown += 1
            if shown <= WITH_ALTERNATIVES and side is Side.CUSTOMER:
                asked = reading.asked_of(booking, one.after)
                others = alternatives(series.resource_key, asked, by=by, ignore=booking.key.id)
        result.append(
            DayChangeLook(day, booking, one.after, None, reasons, tuple(others), seen.quote, seen.fees)
        )
    return SeriesChangeLook(tuple(result), planned.split)


@retried()
def _change(
    key: HostKey,
    booking_id: UUID,
    span: TimeSpan,
    scope: Scope,
    by: Actor,
    choices: Choices,
    version: int | None,
    note: str,
    expected: Sequence[Money] | None,
) -> SeriesRecord:
    with unit_of_work() as unit:
        series, side, found = opened(unit, key, by, version)
        planned = _planned(series, list(found.values()), booking_id, span, scope, choices, unit.now)
        target = _target(unit, series, planned)
        clashes: list[tuple[date, tuple[Reason, ...]]] = []
        moved = 0
        changed: list[BookingRecord] = []
        owed: list[Money] = []
        lapsed: managing.Lapsed = Counter()
        several = scope is not Scope.ONE
        # Where times move on the last day goes first, so that no day stands in the way of the one before it.
        for one in reversed(planned.days) if planned.later else planned.days:
            booking, day = found[one.id].booking, found[one.id].day
            if one.stays is None and booking is not None:
                try:
                    _row, booking = managing.locked_order(unit, booking, None, lapsed)
                    if one.after is None:
                        raise BookingRefused(
                            Reason("booking.series_no_such_time", {"day": one.day.isoformat()}, "time")
                        )
                    done = changing.change_in(
                        unit, booking, one.after, side, by, note=note, quiet=several, owed=owed
                    )
                    moved += 1
                    changed.append(done)
                except (BookingRefused, SlotTaken) as error:
                    clashes.append((day, error.reasons))
            series_store.move_occurrence(unit.session, key.institution_id, one.id, target.id, one.day)
        refuse(sorted(clashes, key=lambda clash: clash[0]))
        cancelling.not_risen(Money.by_currency(owed), expected, giving_back.FEE_ROSE)
        managing.tell_lapsed(unit, lapsed)
        if planned.split:
            ids = [b.key.id for one in planned.days if (b := found[one.id].booking) is not None]
            series_store.move_bookings(unit.session, key.institution_id, ids, target.id)
        if several:
            for one in planned.days:
                booking = found[one.id].booking
                if one.stays is None and booking is not None and one.after is not None:
                    waiting.freed_by_change(unit, booking, one.after, by.person_id)
            by_host = side is Side.HOST
            announce_series(
                unit, target, "booking.series_changed", by.person_id, bookings=moved, by_host=by_host
            )
            answers.want_for(unit, target, changed, by.person_id)
        return known(unit, target)


def _target(unit: Unit, series: SeriesRecord, planned: SeriesChange) -> HostKey:
    """The series that the changed days belong to: itself, or a new one that leaves the earlier part as it was."""
    values: dict[str, Any] = {
        "rule": planned.rule.as_json(),
        "starts_minute": planned.starts_minute,
        "length_seconds": planned.length_seconds,
        "changed_at": unit.now,
    }
    if not planned.split:
        series_store.change(unit.session, series.key, values)
        return series.key
    earlier = replace(series.rule, count=None, until=planned.earlier_until)
    series_store.change(unit.session, series.key, {"rule": earlier.as_json(), "changed_at": unit.now})
    made = HostKey(series.key.institution_id, new_id())
    series_store.add(
        unit.session,
        {
            **values,
            "institution_id": made.institution_id,
            "id": made.id,
            "resource_id": series.resource_id,
            "customer_id": series.customer_id,
            "person_id": series.person_id,
            "booked_by": series.booked_by,
            "split_from": series.key.id,
            "version": 1,
            "created_at": unit.now,
        },
    )
    return made


def change(
    key: HostKey,
    booking_id: UUID,
    span: TimeSpan,
    scope: Scope,
    *,
    by: Actor,
    choices: Choices | None = None,
    version: int | None = None,
    note: str = "",
    expected: Sequence[Money] | None = None,
) -> SeriesRecord:
    """Give this day the new time, and carry it to the following ones, or to all, as the scope says.

    The bookings keep their ids, numbers and calendar UIDs. What has begun keeps its time; with days before the
    changed ones, these become a series of their own, which is returned, and the earlier part keeps its id.

    Args:
        choices: of days that clash: leave where it is, or another time.
        expected: the fees for time given back late that the person saw before the click; higher ones refuse.

    Raises:
        BookingRefused: it would cost more than was shown.
        SeriesClash: with every day that cannot move; nothing has moved.
        WrongState, InvalidOrder, NotYours, StaleBooking, NoSuchBooking
    """
    availability.warm()
    return _change(key, booking_id, span, scope, by, choices or {}, version, note, expected)


def opened(
    unit: Unit, key: HostKey, by: Actor, version: int | None
) -> tuple[SeriesRecord, Side, dict[UUID, Occurrence]]:
    """A series with its days, its resource locked before, for one of its parties."""
    series, side = series_for(key, by)
    days = [one.booking.key.id for one in occurrences(key) if one.booking is not None]
    helpers = store.children_of(unit.session, key.institution_id, days)
    linking.lock(unit, {series.resource_key, *(one.resource_key for one in helpers)})
    series = known(unit, key)
    unchanged(series.version, version)
    if side is Side.HOST and not is_staff(by, catalogue.resource(series.resource_key), DECIDES):
        raise NotYours()
    return series, side, {one.id: one for one in series_store.occurrences(unit.session, [key])[key]}


# ---- cancelling ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SeriesCancelLook:
    """What cancelling would do to each day that is still ahead."""

    days: tuple[tuple[Occurrence, CancelPreview], ...]

    @property
    def possible(self) -> tuple[tuple[Occurrence, CancelPreview], ...]:
        return tuple(one for one in self.days if not one[1].reasons)

    @property
    def kept(self) -> tuple[tuple[Occurrence, CancelPreview], ...]:
        return tuple(one for one in self.days if one[1].reasons)

    @property
    def fees(self) -> tuple[Money, ...]:
        """A sum for each currency, that of the series first; none where nothing can be cancelled."""
        return Money.by_currency(fee for _, preview in self.possible for fee in preview.fees)


def _in_scope(
    found: Sequence[Occurrence], scope: Scope, since: date | None, now: datetime
) -> list[Occurrence]:
    ahead = [one for one in found if is_live(one, now)]
    return [one for one in ahead if scope is Scope.ALL or since is None or one.day >= since]


def look_cancel(key: HostKey, scope: Scope, since: date | None = None, *, by: Actor) -> SeriesCancelLook:
    """Fees and refusals before the click."""
    series, side = series_for(key, by)
    now = clock.now()
    return SeriesCancelLook(
        tuple(
            (one, cancelling.cancellation(one.booking, now, side))
            for one in _in_scope(occurrences(series.key), scope, since, now)
            if one.booking is not None
        )
    )


@retried()
def cancel(
    key: HostKey,
    scope: Scope,
    since: date | None = None,
    *,
    by: Actor,
    reason: str = "",
    expected: Sequence[Money] | None = None,
    version: int | None = None,
) -> int:
    """Cancel what is still ahead, from a day on or all; what may not be cancelled any more stays, as was shown.

    Raises:
        BookingRefused: nothing can be cancelled, or it would cost more than was shown.
        InvalidOrder: the host cancels without a reason. NotYours, StaleBooking, NoSuchBooking
    """
    with unit_of_work() as unit:
        series, side, found = opened(unit, key, by, version)
        if side is Side.HOST and not reason.strip():
            raise InvalidOrder(Reason("booking.reason_missing", {}, "reason"))
        chosen = _in_scope(list(found.values()), scope, since, unit.now)
        kept: list[Reason] = []
        done: list[BookingRecord] = []
        lapsed: managing.Lapsed = Counter()
        for one in chosen:
            assert one.booking is not None
            _row, booking = managing.locked_order(unit, one.booking, None, lapsed)
            preview = cancelling.cancellation(booking, unit.now, side)
            if preview.reasons:
                kept += preview.reasons
                continue
            done.append(cancelling.cancel_in(unit, booking, side, by, reason, quiet=True))
        managing.tell_lapsed(unit, lapsed)
        if not done:
            raise BookingRefused(*(distinct(kept) if kept else [Reason("booking.series_nothing_ahead", {})]))
        owed = Money.by_currency(fee for one in done for fee in linking.fees_together(one)[0])
        cancelling.not_risen(owed, expected)
        for booking in done:
            waiting.freed(unit, booking, booking.span, by.person_id)
        series_store.change(unit.session, series.key, {"changed_at": unit.now})
        announce_series(
            unit,
            series.key,
            "booking.series_cancelled",
            by.person_id,
            bookings=len(done),
            reason=reason.strip(),
            by_host=side is Side.HOST,
        )
        return len(done)
