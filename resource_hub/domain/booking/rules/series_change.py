"""What a change of a series means for each of its days (pure).

What has begun keeps its time (R9): when days lie before the first one that is changed, the changed ones become a
series of their own and the earlier part stays as it was. A day that was moved by hand keeps the time it was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from resource_hub.domain.booking.errors import InvalidOrder, WrongState
from resource_hub.domain.booking.rules.recurrence import (
    Frequency,
    Recurrence,
    days,
    is_usual,
    span_on,
    usual_of,
)
from resource_hub.domain.booking.terms import Scope
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import NoSuchLocalTime, TimeSpan, zone


class Stays(StrEnum):
    """Why a day keeps its time."""

    OVER = "over"  # it has begun, or will not take place
    BY_HAND = "by_hand"
    CHOSEN = "chosen"
    LEFT_OUT = "left_out"
    HANDED_OVER = "handed_over"


@dataclass(frozen=True, slots=True)
class DayFacts:
    """One day of a series as it stands; ``span`` is None where it was left out."""

    id: UUID
    day: date
    span: TimeSpan | None
    live: bool
    begun: bool


@dataclass(frozen=True, slots=True)
class DayChange:
    """What becomes of one day: the time after the change, or why it stays. ``after`` None: there is no such time."""

    id: UUID
    before: TimeSpan | None
    day: date
    after: TimeSpan | None
    stays: Stays | None = None


@dataclass(frozen=True, slots=True)
class SeriesChange:
    """A change of a series in full. ``split``: the days named here leave for a series of their own."""

    starts_minute: int
    length_seconds: int
    rule: Recurrence
    days: tuple[DayChange, ...]
    split: bool
    earlier_until: date | None
    later: bool  # times move on, so the last day goes first


def plan_change(
    rule: Recurrence,
    starts_minute: int,
    length_seconds: int,
    found: Sequence[DayFacts],
    anchor: UUID,
    span: TimeSpan,
    scope: Scope,
    zone_name: str,
    chosen: Mapping[date, TimeSpan | None],
) -> SeriesChange:
    """Apply the new time of one day to the days of the scope.

    Args:
        chosen: by day of the rule before the change: another time, or None to leave that day where it is.

    Raises:
        WrongState: the day has begun or does not take place. InvalidOrder: it is the time that it has.
    """
    here = next((one for one in found if one.id == anchor), None)
    if here is None or not here.live or here.span is None:
        raise WrongState(Reason("booking.series_day_over", {}))
    tz = zone(zone_name)
    start = span.start.astimezone(tz)
    minute, length = usual_of(span, zone_name)
    delta = start.date() - here.span.start.astimezone(tz).date()
    if span == here.span:
        raise InvalidOrder(Reason("booking.series_same_time", {}, "time"))
    if scope is Scope.ONE:
        alone = (DayChange(here.id, here.span, here.day, span),)
        return SeriesChange(starts_minute, length_seconds, rule, alone, False, None, False)
    pivot = here.day if scope is Scope.REST else _first_open(found)
    part = [one for one in found if one.day >= pivot]
    earlier = [one for one in found if one.day < pivot]
    new_rule = _shifted(rule, delta)
    new_days = _new_days(new_rule, part, delta)
    changes = []
    for one, day in zip(part, new_days, strict=True):
        by_hand = (
            one.id != anchor
            and one.span is not None
            and not is_usual(one.span, one.day, starts_minute, length_seconds, zone_name)
        )
        changes.append(
            _day_change(
                one, day, minute, length, zone_name, by_hand, span if one.id == anchor else None, chosen
            )
        )
    return SeriesChange(
        minute,
        length,
        replace(new_rule, count=None, until=new_days[-1]),
        tuple(changes),
        bool(earlier),
        earlier[-1].day if earlier else None,
        span.start > here.span.start,
    )


def _day_change(
    one: DayFacts,
    day: date,
    minute: int,
    length: int,
    zone_name: str,
    by_hand: bool,
    exactly: TimeSpan | None,
    chosen: Mapping[date, TimeSpan | None],
) -> DayChange:
    if one.span is None:
        return DayChange(one.id, None, day, None, Stays.LEFT_OUT)
    if not one.live:
        return DayChange(one.id, one.span, day, None, Stays.OVER)
    if one.day in chosen:
        other = chosen[one.day]
        return DayChange(one.id, one.span, day, other, None if other is not None else Stays.CHOSEN)
    if by_hand:
        return DayChange(one.id, one.span, day, None, Stays.BY_HAND)
    if exactly is not None:
        return DayChange(one.id, one.span, day, exactly)
    try:
        return DayChange(one.id, one.span, day, span_on(day, minute, length, zone_name))
    except NoSuchLocalTime:
        return DayChange(one.id, one.span, day, None)


def _first_open(found: Sequence[DayFacts]) -> date:
    """The first day after the last one that has begun."""
    begun = [n for n, one in enumerate(found) if one.begun]
    return found[begun[-1] + 1].day if begun else found[0].day


def _shifted(rule: Recurrence, delta: timedelta) -> Recurrence:
    """The rule for days that all moved by so many days."""
    weekdays = tuple(sorted((day + delta.days) % 7 for day in rule.weekdays))
    nth = rule.nth if not delta.days else None
    return replace(rule, weekdays=weekdays, nth=nth)


def _new_days(rule: Recurrence, part: Sequence[DayFacts], delta: timedelta) -> list[date]:
    if rule.frequency is not Frequency.MONTHLY or not delta.days or len(part) < 2:
        return [one.day + delta for one in part]
    # The second Monday moved to the Tuesday after it is the second Tuesday of every month.
    return days(replace(rule, count=len(part), until=None), part[0].day + delta)


def facts_at(
    now: datetime, found: Iterable[tuple[UUID, date, TimeSpan | None, bool, bool]]
) -> list[DayFacts]:
    """Rows of a series as facts: id, day, time, whether it is still to come by its state, whether it was used."""
    result = []
    for one_id, day, span, coming, used in found:
        begun = used or (coming and span is not None and span.start <= now)
        result.append(DayFacts(one_id, day, span, coming and not begun, begun))
    return result
