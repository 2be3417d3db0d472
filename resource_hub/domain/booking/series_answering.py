"""Several days of a series answered at once: each day as a whole or not at all, and each that was not says why.

Whoever is asked may answer, the host's people and the customer's approver alike; who may is judged day by day, as for a
booking that stands alone. What cannot be answered stays as it is and keeps none of the others waiting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.booking import (
    answers,
    deciding,
    linking,
    managing,
    reading,
    series_store,
    store,
    waiting,
)
from resource_hub.domain.booking.errors import (
    InvalidOrder,
    NoSuchBooking,
    NotYours,
    SeriesUnanswered,
    StaleBooking,
    WrongState,
    unchanged,
)
from resource_hub.domain.booking.preparing import DECIDES, announce_series, is_staff
from resource_hub.domain.booking.series import known, occurrences, series_for
from resource_hub.domain.booking.series_store import Occurrence, SeriesRecord
from resource_hub.domain.booking.terms import BookingRecord, BookingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock
from resource_hub.infra.database import reading as reads
from resource_hub.infra.unit_of_work import Unit, retried, unit_of_work
from resource_hub.kernel.errors import Reason, distinct
from resource_hub.kernel.keys import HostKey


class Given(StrEnum):
    """What an answer did to a day: it is confirmed, one yes of several is noted, it is refused, or nothing."""

    CONFIRMED = "confirmed"
    NOTED = "noted"
    REFUSED = "refused"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class DayAnswer:
    """One day after the answer; ``reasons`` say why it was kept as it is."""

    day: date
    booking_id: UUID
    given: Given
    reasons: tuple[Reason, ...] = ()


# A day whose order was changed since it was read is answered by nobody who has not seen it.
Chosen = Mapping[UUID, int | None]


@retried()
def answer(
    key: HostKey,
    accept: bool,
    *,
    by: Actor,
    note: str = "",
    version: int | None = None,
    days: Chosen | None = None,
) -> list[DayAnswer]:
    """Say yes or no to days of a series; answers what became of each, in their order.

    Args:
        days: ids of the bookings, each with the version that was read or None; left out, all that wait.

    Raises:
        SeriesUnanswered: no day could be answered, each with its reasons. NotYours: none is this actor's to answer.
        InvalidOrder: a no without a reason. WrongState: nothing waits. StaleBooking
        NoSuchBooking: no such series for this reader, or a day that is not of it.
    """
    if not accept and not note.strip():
        raise InvalidOrder(Reason("booking.reason_missing", {}, "reason"))
    with unit_of_work() as unit:
        series, chosen = _opened(unit, key, by, version, days)
        found = []
        lapsed: managing.Lapsed = Counter()
        for one, seen in chosen:
            found.append(_answered(unit, one, seen, accept, by, note.strip(), lapsed))
        _any_answered(found)
        managing.tell_lapsed(unit, lapsed)
        _told(unit, series, found, by, note.strip())
        return found


def _opened(
    unit: Unit, key: HostKey, by: Actor, version: int | None, days: Chosen | None
) -> tuple[SeriesRecord, list[tuple[Occurrence, int | None]]]:
    """A series and its days that are to be answered; all that they hold is locked before the first of them."""
    series, _side = series_for(key, by)
    before = [one.booking for one in occurrences(key) if one.booking is not None]
    helpers = store.children_of(unit.session, key.institution_id, [one.key.id for one in before])
    linking.lock(unit, {series.resource_key, *(one.resource_key for one in helpers)})
    series = known(unit, key)
    unchanged(series.version, version)
    every = [one for one in series_store.occurrences(unit.session, [key])[key] if one.booking is not None]
    if days is None:
        waiting_days = [(one, None) for one in every if one.booking.state is BookingState.REQUESTED]  # type: ignore[union-attr]
        if not waiting_days:
            raise WrongState(Reason("booking.series_nothing_waits", {}))
        return series, list(waiting_days)
    if not days:
        raise InvalidOrder(Reason("booking.series_none_chosen", {}, "days"))
    chosen = [(one, days[one.booking.key.id]) for one in every if one.booking and one.booking.key.id in days]
    if len(chosen) < len(days):
        raise NoSuchBooking()
    return series, chosen


def _answered(
    unit: Unit,
    one: Occurrence,
    seen: int | None,
    accept: bool,
    by: Actor,
    note: str,
    lapsed: managing.Lapsed,
) -> DayAnswer:
    assert one.booking is not None
    booking_id = one.booking.key.id
    try:
        _row, record = managing.locked_order(unit, one.booking, seen, lapsed)
        with unit.session.begin_nested():
            if accept:
                done = deciding.say_yes(unit, record, by, note, quiet=True)
                given = Given.NOTED if done.state is BookingState.REQUESTED else Given.CONFIRMED
            else:
                deciding.say_no(unit, record, by, note, quiet=True)
                waiting.freed(unit, record, record.span, by.person_id)
                given = Given.REFUSED
    except (WrongState, NotYours, StaleBooking) as error:
        return DayAnswer(one.day, booking_id, Given.KEPT, error.reasons or (Reason(error.code),))
    return DayAnswer(one.day, booking_id, given)


def _any_answered(found: Sequence[DayAnswer]) -> None:
    if any(one.given is not Given.KEPT for one in found):
        return
    reasons = distinct(reason for one in found for reason in one.reasons)
    if {reason.code for reason in reasons} <= _NOT_YOURS:
        raise NotYours(*reasons)
    raise SeriesUnanswered(
        Reason("booking.series_unanswered", {"days": len(found)}),
        clashes=[
            {"day": one.day.isoformat(), "reasons": [reason.as_json() for reason in one.reasons]}
            for one in found
        ],
    )


_NOT_YOURS = {NotYours.code, "booking.answer_not_yours", "booking.answer_second_person"}


def _told(unit: Unit, series: SeriesRecord, found: Sequence[DayAnswer], by: Actor, note: str) -> None:
    series_store.change(unit.session, series.key, {"changed_at": unit.now})
    for given, name in (
        (Given.CONFIRMED, "booking.series_approved"),
        (Given.REFUSED, "booking.series_rejected"),
    ):
        number = sum(one.given is given for one in found)
        if number:
            announce_series(unit, series.key, name, by.person_id, bookings=number, reason=note)
    noted = [str(one.booking_id) for one in found if one.given is Given.NOTED]
    if noted:
        announce_series(unit, series.key, "booking.series_answer_wanted", by.person_id, booking_ids=noted)


def answerable(key: HostKey, found: Iterable[Occurrence], by: Actor) -> list[Occurrence]:
    """Days of a series that wait for an answer which is this actor's to give."""
    now = clock.now()
    asked = [
        (one, one.booking)
        for one in found
        if one.booking is not None and reading.judged_by_clock(one.booking, now) is BookingState.REQUESTED
    ]
    if not asked:
        return []
    steps = answers.open_steps(reads(), key.institution_id, [booking.key.id for _one, booking in asked])
    decides = is_staff(by, catalogue.resource(asked[0][1].resource_key), DECIDES)

    def mine(booking: BookingRecord) -> bool:
        step = steps.get(booking.key.id)
        return decides if step is None else answers.may_answer(booking, step, by, now)

    return [one for one, booking in asked if mine(booking)]


__all__ = ["Chosen", "DayAnswer", "Given", "answer", "answerable"]
