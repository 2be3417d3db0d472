"""Hours, closures, maintenance and units out of use published together with what becomes of the bookings that they hit.

Availability knows hours and who holds a unit; what a booking is, what it costs and who is told stands here. Hours and
bookings change in one unit of work: nobody is left with a booking that was to be cancelled, and nobody is cancelled
for hours that were not published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import (
    DatedException,
    ExceptionKind,
    FreeTime,
    Held,
    WeeklyHours,
)
from resource_hub.domain.booking import (
    answers,
    cancelling,
    changing,
    linking,
    managing,
    quote_store,
    quoting,
    reading,
    store,
    waiting,
)
from resource_hub.domain.booking.errors import BookingRefused, HitsUndecided, InvalidOrder
from resource_hub.domain.booking.offering import offer_in
from resource_hub.domain.booking.preparing import announce_series
from resource_hub.domain.booking.rules.states import open_acts
from resource_hub.domain.booking.terms import Act, BookingRecord, BookingState, Fate, Side, Verdict
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.errors import UnitChanged
from resource_hub.infra import clock, database
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import DomainError, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

# For so many hit bookings other times are looked for; whoever hits more settles them in smaller steps.
OFFERED = 40
_TIMES = 4


@dataclass(frozen=True, slots=True)
class HitBooking:
    """A booking that a change would leave outside the hours, with what may become of it.

    Attributes:
        record: the order, also where what is hit came along with it; None where another system holds the unit.
        fates: what may be chosen; empty where the time has to be settled elsewhere.
        times: where it could move, under the new hours and for no more money.
    """

    held: Held
    reasons: tuple[Reason, ...]
    record: BookingRecord | None
    fates: tuple[Fate, ...]
    times: tuple[FreeTime, ...] = ()


# ---- looking ---------------------------------------------------------------------------------------------------


def preview_hours(
    key: HostKey, rows: Sequence[WeeklyHours], since: date, *, by: Actor
) -> tuple[HitBooking, ...]:
    """Bookings that new weekly hours would leave outside; nothing is written.

    Raises:
        InvalidHours, NotYourResource
    """
    hits = availability.preview_hours(key, rows, since, by=by, outsiders=outsiders_of(key.institution_id))
    return with_choices(key, hits, availability.hours_draft(rows, since))


def preview_exception(key: HostKey, exception: DatedException, *, by: Actor) -> tuple[HitBooking, ...]:
    """Bookings that an exception would leave outside the hours, or that stand in the way of maintenance."""
    hits = availability.preview_exception(key, exception, by=by, outsiders=outsiders_of(key.institution_id))
    stays = exception.kind is not ExceptionKind.MAINTENANCE
    return with_choices(key, hits, availability.exception_draft(exception), stays)


def preview_unit_out(unit_key: HostKey, *, by: Actor) -> tuple[HitBooking, ...]:
    """Bookings of a unit that is to be taken out of use; nothing is written. One that is out of use has none to ask
    about: its bookings were settled then.

    Raises:
        ResourceNotFound, NotYourResource
    """
    unit = catalogue.unit(unit_key)
    if not unit.active:
        return ()
    key = HostKey(unit_key.institution_id, unit.resource_id)
    hits = availability.preview_unit_out(key, unit_key.id, by=by)
    return with_choices(key, hits, availability.unit_out_draft(unit_key.id))


def preview_take_back(key: HostKey, ids: Collection[UUID], *, by: Actor) -> tuple[HitBooking, ...]:
    """Bookings in time that closes again when extra openings are taken back; closures and maintenance hit nobody."""
    hits = availability.preview_removal(key, ids, by=by, outsiders=outsiders_of(key.institution_id))
    return with_choices(key, hits, availability.removal_draft(ids))


def outsiders_of(institution_id: UUID) -> availability.Outsiders:
    """Who among holders is from outside, as availability asks."""

    def of(held: Sequence[Held]) -> Mapping[UUID, bool]:
        found = reading.records([HostKey(institution_id, h.holder_id) for h in held])
        return {key.id: record.customer_class.outside for key, record in found.items()}

    return of


def with_choices(
    key: HostKey, hits: Sequence[availability.Hit], draft: availability.Draft, stays: bool = True
) -> tuple[HitBooking, ...]:
    records = _orders_of(key, hits)
    promised: list[FreeTime] = []
    result = []
    for n, hit in enumerate(hits):
        record = records.get(hit.held.holder_id)
        fates = _fates(record, stays)
        times: tuple[FreeTime, ...] = ()
        if record is not None and Fate.MOVES in fates and n < OFFERED:
            times = _other_times(key, hit.held, record, draft, promised)
            promised += times[:1]
        if not times:
            fates = tuple(one for one in fates if one is not Fate.MOVES)
        result.append(HitBooking(hit.held, hit.reasons, record, fates, times))
    return tuple(result)


def _fates(record: BookingRecord | None, stays: bool) -> tuple[Fate, ...]:
    found = [Fate.STAYS] if stays else []
    if record is not None:
        acts = open_acts(record.kind, reading.judged_by_clock(record, clock.now()), Side.HOST)
        if Act.CHANGE in acts and record.state is not BookingState.IN_USE:
            found.append(Fate.MOVES)
        if Act.CANCEL in acts:
            found.append(Fate.CANCELLED)
    return tuple(found)


def _orders_of(key: HostKey, hits: Sequence[availability.Hit]) -> dict[UUID, BookingRecord]:
    """By holder the order that is hit: its booking, or the one with which its booking came along."""
    holders = [HostKey(key.institution_id, hit.held.holder_id) for hit in hits]
    return {holder.id: order for holder, order in _orders(database.reading(), holders).items()}


def _orders(session: Session, keys: Collection[HostKey]) -> dict[HostKey, BookingRecord]:
    """By booking the order that it follows, or itself."""
    found = store.records_of(session, keys)
    parents = {own: HostKey(own.institution_id, one.parent_id) for own, one in found.items() if one.parent_id}
    orders = store.records_of(session, set(parents.values()))
    return {own: orders[parents[own]] if own in parents else one for own, one in found.items()}


def _other_times(
    key: HostKey,
    held: Held,
    record: BookingRecord,
    draft: availability.Draft,
    promised: Sequence[FreeTime],
) -> tuple[FreeTime, ...]:
    """Times of a resource under the new hours, nearest first, that nobody else in the list is offered before."""
    assert record.span is not None
    outside = record.customer_class.outside
    found = availability.alternatives(
        key, record.span, outside=outside, not_before=clock.now(), ignore=held.holder_id,
        count=_TIMES + len(promised), draft=draft,
    )  # fmt: skip
    start = record.span.start
    near = sorted(found, key=lambda free: (abs(free.span.start - start), free.span.start))
    free = [f for f in near if not any(f.unit_id == p.unit_id and f.span.overlaps(p.span) for p in promised)]
    if key != record.resource_key:
        # The order has to find its place as well.
        free = [
            f
            for f in free
            if availability.free_units(record.resource_key, f.span, outside=outside, ignore=record.key.id)
        ]
    return tuple(f for f in free if not _dearer(record, f.span))[:_TIMES]


def _dearer(record: BookingRecord, span: TimeSpan) -> tuple[Reason, ...]:
    """What is to be said where another time would cost the customer more, by the tariff of the booking."""
    if record.tariff_id is None or record.quote_id is None:
        return ()
    frozen = quote_store.quote(database.reading(), HostKey(record.institution_id, record.quote_id))
    if frozen is None:
        return ()
    now = clock.now()
    resource = catalogue.resource(record.resource_key)
    asked = reading.asked_of(record, span)
    who = quoting.buyer(resource, record.customer_id, quoting.day_of(resource, span, now))
    price = quoting.compute(resource, asked, who, now, record.tariff_id).sums.list_price
    before = frozen.sums.list_price
    if price <= before:
        return ()
    values = {
        "before": {"minor": before.minor, "currency": before.currency},
        "after": {"minor": price.minor, "currency": price.currency},
    }
    return (Reason("booking.move_dearer", values),)


# ---- publishing ------------------------------------------------------------------------------------------------


@retried()
def publish_hours(
    key: HostKey,
    rows: Sequence[WeeklyHours],
    since: date,
    *,
    by: Actor,
    seen: str | None = None,
    verdicts: Mapping[UUID, Verdict] | None = None,
    reason: str = "",
) -> int:
    """Publish weekly hours from a day on, with what becomes of each booking outside them; returns how many there are.

    Args:
        seen: ``hours_digest`` of the pattern that the form was made from.
        verdicts: by booking. A booking that came in since the look has none, and nothing is published.
        reason: what customers of moved and cancelled bookings read.

    Raises:
        HitsUndecided: bookings are hit that nobody has decided on. InvalidOrder: a reason is missing.
        InvalidHours, HoursChanged, NotYourResource, and what moving and cancelling refuse with.
    """
    availability.warm()
    with unit_of_work() as unit:
        availability.may_manage(key, by)
        linking.lock_with_orders(unit, key)
        hits = availability.save_hours(
            key, rows, since, by=by, seen=seen, outsiders=outsiders_of(key.institution_id)
        )
        chosen = decided(key, hits, verdicts or {}, reason)
        carry_out(unit, chosen, by, reason)
    return len(hits)


@retried()
def publish_exception(
    key: HostKey,
    exception: DatedException,
    *,
    by: Actor,
    verdicts: Mapping[UUID, Verdict] | None = None,
    reason: str = "",
) -> int:
    """Publish a closure, an extra opening or maintenance, with what becomes of each booking in its way.

    Maintenance takes the units itself: each booking in its way moves or is cancelled.

    Raises:
        HitsUndecided, InvalidOrder, BadDay, SlotTaken, NotYourResource, and what moving and cancelling refuse with.
    """
    availability.warm()
    maintenance = exception.kind is ExceptionKind.MAINTENANCE
    with unit_of_work() as unit, waiting.offered_last():
        availability.may_manage(key, by)
        linking.lock_with_orders(unit, key)
        hits = availability.preview_exception(
            key, exception, by=by, outsiders=outsiders_of(key.institution_id)
        )
        chosen = decided(key, hits, verdicts or {}, reason, stays=not maintenance)
        # Moves are judged by the hours that hold then; maintenance needs its units free before.
        if maintenance:
            carry_out(unit, chosen, by, reason, availability.exception_draft(exception))
        availability.add_exception(key, exception, by=by)
        if not maintenance:
            carry_out(unit, chosen, by, reason)
    return len(hits)


@retried()
def take_back(
    key: HostKey,
    exception_id: UUID,
    *,
    by: Actor,
    verdicts: Mapping[UUID, Verdict] | None = None,
    reason: str = "",
    seen: str | None = None,
) -> int:
    """Take a closure, extra opening or maintenance back, with what becomes of each booking in time that closes again;
    returns how many there are. Taking back what has gone is no error.

    Args:
        seen: ``dates_digest`` of what was looked at.

    Raises:
        HitsUndecided, InvalidOrder, NotYourResource, HoursChanged, and what moving and cancelling refuse with.
    """
    availability.warm()
    with unit_of_work() as unit:
        _as_seen([exception_id], seen)
        chosen, number = _closing_again(unit, key, [exception_id], by, verdicts, reason)
        availability.remove_exception(key, exception_id, by=by)
        carry_out(unit, chosen, by, reason)
        offer_in(unit, key)
    return number


@retried()
def take_back_dates(
    key: HostKey,
    series_id: UUID,
    *,
    by: Actor,
    verdicts: Mapping[UUID, Verdict] | None = None,
    reason: str = "",
    seen: str | None = None,
) -> tuple[int, int]:
    """The same for the dates of a series that have not begun; returns how many these were, and how many bookings.
    ``seen``: their ``dates_digest``."""
    availability.warm()
    with unit_of_work() as unit:
        linking.lock_with_orders(unit, key)
        ids = availability.dates_ahead(key, series_id)
        _as_seen(ids, seen)
        chosen, number = _closing_again(unit, key, ids, by, verdicts, reason)
        gone = availability.remove_dates(key, series_id, by=by)
        carry_out(unit, chosen, by, reason)
        offer_in(unit, key)
    return gone, number


def _as_seen(ids: Collection[UUID], seen: str | None) -> None:
    """Dates never change, they come and go."""
    if seen is not None and ids and availability.dates_digest(ids) != seen:
        raise availability.HoursChanged()


def _closing_again(
    unit: Unit,
    key: HostKey,
    ids: Collection[UUID],
    by: Actor,
    verdicts: Mapping[UUID, Verdict] | None,
    reason: str,
) -> tuple[dict[HostKey, Verdict], int]:
    availability.may_manage(key, by)
    linking.lock_with_orders(unit, key)
    hits = availability.preview_removal(key, ids, by=by, outsiders=outsiders_of(key.institution_id))
    return decided(key, hits, verdicts or {}, reason), len(hits)


@retried()
def change_unit(
    unit_key: HostKey,
    *,
    by: Actor,
    name_zh: str,
    name_en: str,
    active: bool,
    serial_number: str = "",
    verdicts: Mapping[UUID, Verdict] | None = None,
    reason: str = "",
    seen: str | None = None,
) -> int:
    """Rename a unit, bring it back or take it out of use, then with what becomes of each of its bookings; returns how
    many there are.

    Args:
        seen: ``catalogue.unit_digest`` of the unit that was looked at.

    Raises:
        HitsUndecided, InvalidOrder, ResourceNotFound, NotYourResource, UnitChanged, and what moving and cancelling
        refuse with.
    """
    availability.warm()
    with unit_of_work() as unit:
        key = HostKey(unit_key.institution_id, catalogue.unit(unit_key).resource_id)
        availability.may_manage(key, by)
        linking.lock_with_orders(unit, key)
        # Another may have taken it out of use while this one waited for the lock.
        if seen is not None and catalogue.unit_digest(catalogue.unit(unit_key)) != seen:
            raise UnitChanged()
        hits = (
            availability.preview_unit_out(key, unit_key.id, by=by)
            if not active and catalogue.unit(unit_key).active
            else []
        )
        chosen = decided(key, hits, verdicts or {}, reason)
        catalogue.change_unit(
            unit_key, by=by, name_zh=name_zh, name_en=name_en, active=active, serial_number=serial_number
        )
        carry_out(unit, chosen, by, reason)
    return len(hits)


def decided(
    key: HostKey,
    hits: Sequence[availability.Hit],
    verdicts: Mapping[UUID, Verdict],
    reason: str,
    stays: bool = True,
) -> dict[HostKey, Verdict]:
    """What is to be done, by booking; who stays as it is needs nothing."""
    faults, found = [], {}
    for hit in hits:
        verdict = verdicts.get(hit.held.holder_id)
        place = _place(hit.held.holder_id)
        if verdict is None:
            faults.append(Reason("booking.hit_undecided", {}, place))
        elif verdict.fate is Fate.STAYS and not stays:
            faults.append(Reason("booking.hit_by_maintenance", {}, place))
        elif verdict.fate is Fate.MOVES and verdict.span is None:
            faults.append(Reason("booking.time_missing", {}, place))
        elif verdict.fate is not Fate.STAYS:
            found[HostKey(key.institution_id, hit.held.holder_id)] = verdict
    if faults:
        raise HitsUndecided(*faults)
    if found and not reason.strip():
        raise InvalidOrder(Reason("booking.reason_missing", {}, "reason"))
    return found


def _place(booking_id: UUID) -> str:
    return f"hit.{booking_id}"


def _unit_for(record: BookingRecord, span: TimeSpan, draft: availability.Draft | None) -> UUID | None:
    """The unit that a booking moves to: its own where that can be had then, else the first; None leaves the refusal to
    the move itself. Where only its own unit is closed a booking keeps its time."""
    plan = availability.plan(record.resource_key, span)
    if draft is not None:
        plan = replace(plan, hours=draft(plan))
    found = availability.free_times(
        record.resource_key, span, outside=record.customer_class.outside, ignore=record.key.id, plan=plan
    )
    fits = {free.unit_id for free in found if free.span.contains(span)}
    in_order = [one.key.id for one in plan.units if one.key.id in fits]
    return record.unit_id if record.unit_id in fits else next(iter(in_order), None)


def carry_out(
    unit: Unit,
    chosen: Mapping[HostKey, Verdict],
    by: Actor,
    reason: str,
    draft: availability.Draft | None = None,
) -> None:
    """Cancel and move; a refusal names its booking and takes everything back. What meets several days of a series is
    told once. ``draft`` makes the hours that are published only afterwards."""
    orders = _orders(unit.session, chosen)
    series = {key: order.series_key for key, order in orders.items()}
    days = Counter((series.get(key), verdict.fate) for key, verdict in chosen.items())
    moved: dict[HostKey, list[BookingRecord]] = {}
    with waiting.offered_last():
        for key, verdict in sorted(chosen.items()):
            series_key = series.get(key)
            quiet = series_key is not None and days[series_key, verdict.fate] > 1
            try:
                order = orders[key].key if key in orders else key
                _row, record, side = managing.opened(unit, order, by, verdict.version)
                if verdict.fate is Fate.CANCELLED:
                    waiting.first_again(unit, record)
                    cancelling.cancel_in(unit, record, side, by, reason, quiet=quiet)
                    if quiet:
                        waiting.freed(unit, record, record.span, by.person_id)
                    continue
                assert verdict.span is not None
                dearer = _dearer(record, verdict.span)
                if dearer:
                    raise BookingRefused(*dearer)
                managing.decides(record, by)
                # Hours that come are those of what is hit: of an order with which it came along they are not.
                unit_id = _unit_for(record, verdict.span, draft if order == key else None)
                done = changing.change_in(
                    unit, record, verdict.span, side, by, unit_id=unit_id, note=reason, kind="proposed", quiet=quiet
                )  # fmt: skip
                if series_key is not None and quiet:
                    waiting.freed_by_change(unit, record, verdict.span, by.person_id)
                    moved.setdefault(series_key, []).append(done)
            except DomainError as error:
                error.reasons = tuple(replace(one, place=_place(key.id)) for one in error.reasons)
                raise
    for (series_key, fate), number in days.items():
        if series_key is not None and number > 1:
            what = "cancelled" if fate is Fate.CANCELLED else "changed"
            announce_series(
                unit,
                series_key,
                f"booking.series_{what}",
                by.person_id,
                bookings=number,
                reason=reason.strip(),
                by_host=True,
            )
    for series_key, days_moved in moved.items():
        answers.want_for(unit, series_key, days_moved, by.person_id)
