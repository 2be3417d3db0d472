"""Which days a series falls on, and the time of each (pure).

Days are those of the host's calendar and the start is a time of its wall clock, so nine o'clock stays nine o'clock
when the clocks change; the length stays the same stretch of time, as RFC 5545 has it for events with an end. Of a start
that the clock repeats the first is taken, as there; on a day without it nothing is guessed: that day clashes. A month
that has no fifth weekday, or no 31st, takes its last one: nobody wants a monthly series with months left out.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import count, islice
from typing import Any

from resource_hub.domain.booking.errors import InvalidOrder
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import RepeatedLocalTime, TimeSpan, local_day, local_exact, midnight, zone

MOST = 200
MOST_INTERVAL = 52
LAST = 5
# A rule that finds no day for so long finds none at all.
_MOST_PERIODS = 4000


class Frequency(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Monthly(StrEnum):
    """By what a monthly series goes: the day of the month, or the weekday and which one of the month it is."""

    DAY = "day"
    WEEKDAY = "weekday"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How often and until when. The first day says which day of the month or which weekday is meant.

    Attributes:
        weekdays: of a weekly series, 0 is Monday; empty means that of the first day.
        nth: of a monthly series by weekday: 1 to 4, or 5 for the last; None means that of the first day.
        count, until: one of them; ``until`` is the last day on which it may fall.
    """

    frequency: Frequency
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    monthly: Monthly = Monthly.DAY
    nth: int | None = None
    count: int | None = None
    until: date | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "frequency": self.frequency.value,
            "interval": self.interval,
            "weekdays": list(self.weekdays),
            "monthly": self.monthly.value,
            "nth": self.nth,
            "count": self.count,
            "until": self.until.isoformat() if self.until else None,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Recurrence:
        return cls(
            Frequency(row["frequency"]),
            row["interval"],
            tuple(row["weekdays"]),
            Monthly(row["monthly"]),
            row["nth"],
            row["count"],
            date.fromisoformat(row["until"]) if row["until"] else None,
        )


def faults(rule: Recurrence, first: date) -> tuple[Reason, ...]:
    """What is wrong with a rule, each with its field."""
    found = []
    if not 1 <= rule.interval <= MOST_INTERVAL:
        found.append(Reason("booking.series_interval", {"most": MOST_INTERVAL}, "interval"))
    if (rule.count is None) == (rule.until is None):
        found.append(Reason("booking.series_end_missing", {}, "count"))
    if rule.count is not None and not 2 <= rule.count <= MOST:
        found.append(Reason("booking.series_count", {"most": MOST}, "count"))
    if rule.until is not None and rule.until <= first:
        found.append(Reason("booking.series_until_first", {}, "until"))
    if any(day not in range(7) for day in rule.weekdays) or rule.nth not in (None, 1, 2, 3, 4, LAST):
        found.append(Reason("booking.series_weekdays", {}, "weekdays"))
    return tuple(found)


def days(rule: Recurrence, first: date) -> list[date]:
    """Every day of a series from its first one on, in order.

    Raises:
        InvalidOrder: the rule cannot be, finds fewer than two days, or more than ``MOST``.
    """
    wrong = faults(rule, first)
    if wrong:
        raise InvalidOrder(*wrong)
    found = []
    for day in islice(_endless(rule, first), MOST + 1):
        if rule.until is not None and day > rule.until:
            break
        found.append(day)
        if len(found) == rule.count:
            break
    if len(found) > MOST:
        raise InvalidOrder(Reason("booking.series_count", {"most": MOST}, "until"))
    if len(found) < 2:
        raise InvalidOrder(Reason("booking.series_one_day", {}, "until"))
    return found


def _endless(rule: Recurrence, first: date) -> Iterator[date]:
    for number in islice(count(0, rule.interval), _MOST_PERIODS):
        try:
            yield from (day for day in _period(rule, first, number) if day >= first)
        except (OverflowError, ValueError):  # the calendar ends
            return


def _period(rule: Recurrence, first: date, number: int) -> Iterator[date]:
    """The days of a series in the day, week or month so many after that of the first."""
    if rule.frequency is Frequency.DAILY:
        yield first + timedelta(days=number)
    elif rule.frequency is Frequency.WEEKLY:
        monday = first - timedelta(days=first.weekday()) + timedelta(weeks=number)
        for weekday in sorted(set(rule.weekdays)) or [first.weekday()]:
            yield monday + timedelta(days=weekday)
    else:
        months = first.year * 12 + first.month - 1 + number
        year, month = months // 12, months % 12 + 1
        length = calendar.monthrange(year, month)[1]
        if rule.monthly is Monthly.DAY:
            yield date(year, month, min(first.day, length))
        else:
            yield _nth(date(year, month, 1), length, first.weekday(), rule.nth or nth_of(first))


def nth_of(day: date) -> int:
    """Which of its weekdays in the month a day is; the fifth is the last."""
    return (day.day - 1) // 7 + 1


def _nth(first: date, length: int, weekday: int, nth: int) -> date:
    day = 1 + (weekday - first.weekday()) % 7 + 7 * (nth - 1)
    return first.replace(day=day if day <= length else day - 7)


def usual_of(span: TimeSpan, zone_name: str) -> tuple[int, int]:
    """The minute of the day and the length by which a series keeps a time. From midnight to midnight it is so many
    calendar days, each kept as 24 hours: on another day a change of the clock makes them longer or shorter."""
    tz = zone(zone_name)
    first, after = local_day(span.start, tz), local_day(span.end, tz)
    if first < after and (span.start, span.end) == (midnight(first, tz), midnight(after, tz)):
        return 0, (after - first).days * 86400
    start = span.start.astimezone(tz)
    return start.hour * 60 + start.minute, span.seconds


def span_on(day: date, starts_minute: int, length_seconds: int, zone_name: str) -> TimeSpan:
    """The time of a series on one day. Of a start that the clock repeats the first is taken.

    Raises:
        NoSuchLocalTime: the clock skips the start on that day.
    """
    tz = zone(zone_name)
    if starts_minute == 0 and length_seconds % 86400 == 0:
        return TimeSpan(midnight(day, tz), midnight(day + timedelta(days=length_seconds // 86400), tz))
    wall = datetime.combine(day, time(starts_minute // 60, starts_minute % 60))
    try:
        start = local_exact(wall, tz)
    except RepeatedLocalTime:
        start = local_exact(wall, tz, fold=0)
    return TimeSpan(start, start + timedelta(seconds=length_seconds))


def is_usual(span: TimeSpan, day: date, starts_minute: int, length_seconds: int, zone_name: str) -> bool:
    """Whether a span is the time of a series on a day, by the wall clock: of a start that the clock repeats either."""
    wall = datetime.combine(day, time(starts_minute // 60, starts_minute % 60))
    start = span.start.astimezone(zone(zone_name)).replace(tzinfo=None)
    if start == wall and span.seconds == length_seconds:
        return True
    return (
        usual_of(span, zone_name) == (starts_minute, length_seconds)
        and local_day(span.start, zone(zone_name)) == day
    )
