"""Time: aware instants, half-open spans, whole seconds. A zone is needed only at the edge."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class TimeError(ValueError):
    """A time that cannot be used; the message says why and what would."""


class NaiveTime(TimeError):
    """A date and time without a zone or offset."""


class EmptySpan(TimeError):
    """A span that ends when or before it starts."""


class UnknownZone(TimeError):
    """A zone name that the IANA database does not know."""


class NoSuchLocalTime(TimeError):
    """A wall-clock time that a clock change skips."""


class RepeatedLocalTime(TimeError):
    """A wall-clock time that a clock change repeats, where the caller must say which one."""


def instant(value: datetime) -> datetime:
    """The same moment in UTC; refuses naive values."""
    if value.tzinfo is UTC:
        return value
    if value.tzinfo is None or value.utcoffset() is None:
        raise NaiveTime(f"{value.isoformat()} has no zone; write an offset such as +08:00")
    return value.astimezone(UTC)


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(f"{name!r} is not a zone of the IANA database, such as Asia/Shanghai") from None


@lru_cache(50_000)  # opening hours ask for the same ones again and again
def at(day: date, minutes: int, tz: tzinfo) -> datetime:
    """The UTC instant of a wall-clock time given as minutes after midnight (may exceed 1440).

    Of a time that the clock repeats the first is taken. A time that the clock skips becomes the moment of the change:
    "open from 02:30" on a day without 02:30 opens when the clock goes on.
    """
    day, minutes = day + timedelta(days=minutes // 1440), minutes % 1440
    wall = datetime.combine(day, time(minutes // 60, minutes % 60))
    utc = wall.replace(tzinfo=tz).astimezone(UTC)
    if utc.astimezone(tz).replace(tzinfo=None) == wall:
        return utc
    # Inside a gap the two readings lie on either side of the change; halve the stretch between them.
    before = wall.replace(tzinfo=tz, fold=1).astimezone(UTC)
    offset = before.astimezone(tz).utcoffset()
    low, high = 0, int((utc - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        same = (before + timedelta(seconds=middle)).astimezone(tz).utcoffset() == offset
        low, high = (middle, high) if same else (low, middle)
    return before + timedelta(seconds=high)


def local_exact(wall: datetime, tz: tzinfo, fold: int | None = None) -> datetime:
    """The UTC instant of a wall-clock time that a person typed.

    Raises:
        NoSuchLocalTime: the clock skips it.
        RepeatedLocalTime: it happens twice and ``fold`` (0 first, 1 second) was not said.
    """
    if wall.tzinfo is not None:
        raise TimeError("give the wall-clock time without a zone")
    first = wall.replace(tzinfo=tz, fold=0).astimezone(UTC)
    second = wall.replace(tzinfo=tz, fold=1).astimezone(UTC)
    if first.astimezone(tz).replace(tzinfo=None) != wall:
        raise NoSuchLocalTime(
            f"{wall:%Y-%m-%d %H:%M} does not exist in {tz}: the clock is put forward over it"
        )
    if first != second and fold is None:
        raise RepeatedLocalTime(f"{wall:%Y-%m-%d %H:%M} happens twice in {tz}; say which one")
    return second if fold == 1 else first


def readings(wall: datetime, tz: tzinfo) -> tuple[datetime, ...]:
    """The instants at which the clock shows a time: one, or both where a clock change repeats it.

    Raises:
        NoSuchLocalTime: the clock skips it.
    """
    first, second = local_exact(wall, tz, fold=0), local_exact(wall, tz, fold=1)
    return (first,) if first == second else (first, second)


def is_repeated(moment: datetime, tz: tzinfo) -> bool:
    """Whether the clock shows the time of this instant at another one too."""
    local = instant(moment).astimezone(tz)
    return local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset()


def local_day(moment: datetime, tz: tzinfo) -> date:
    return instant(moment).astimezone(tz).date()


def after_months(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where it has no such day."""
    total = day.year * 12 + day.month - 1 + months
    year, month = divmod(total, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def midnight(day: date, tz: tzinfo) -> datetime:
    return at(day, 0, tz)


@dataclass(frozen=True, slots=True, order=True)
class TimeSpan:
    """Half-open stretch of time ``[start, end)``, kept in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.end.tzinfo is not UTC:
            object.__setattr__(self, "start", instant(self.start))
            object.__setattr__(self, "end", instant(self.end))
        if self.end <= self.start:
            raise EmptySpan(f"ends at {self.end.isoformat()}, not after its start {self.start.isoformat()}")

    @property
    def seconds(self) -> int:
        """Whole seconds; fractions of a second are cut off once, at the end."""
        return int((self.end - self.start) // timedelta(seconds=1))

    def overlaps(self, other: TimeSpan) -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, other: TimeSpan | datetime) -> bool:
        if isinstance(other, TimeSpan):
            return self.start <= other.start and other.end <= self.end
        return self.start <= instant(other) < self.end

    def intersection(self, other: TimeSpan) -> TimeSpan | None:
        start, end = max(self.start, other.start), min(self.end, other.end)
        return TimeSpan(start, end) if start < end else None

    def widened(self, before: int = 0, after: int = 0) -> TimeSpan:
        """The span with so many seconds added at either side."""
        return TimeSpan(self.start - timedelta(seconds=before), self.end + timedelta(seconds=after))

    def by_day(self, tz: tzinfo) -> Iterator[tuple[date, TimeSpan]]:
        """The pieces that fall on each calendar day of the zone, in order."""
        start = self.start
        while start < self.end:
            day = start.astimezone(tz).date()
            end = min(midnight(day + timedelta(days=1), tz), self.end)
            if end <= start:  # a zone that skipped a whole day
                end = self.end
            yield day, TimeSpan(start, end)
            start = end


def merge(spans: Iterable[TimeSpan]) -> list[TimeSpan]:
    """Sorted, disjoint spans that cover the same time; touching spans become one."""
    ordered = sorted(spans)
    if len(ordered) < 2:
        return ordered
    result: list[TimeSpan] = []
    for span in ordered:
        if result and span.start <= result[-1].end:
            if span.end > result[-1].end:
                result[-1] = TimeSpan(result[-1].start, span.end)
        else:
            result.append(span)
    return result


def subtract(spans: Iterable[TimeSpan], holes: Iterable[TimeSpan]) -> list[TimeSpan]:
    """What is left of the spans (taken together) outside the holes; sorted and disjoint."""
    whole, cuts = merge(spans), merge(holes)
    if not cuts:
        return whole
    result: list[TimeSpan] = []
    first = 0
    for span in whole:
        start = span.start
        while first < len(cuts) and cuts[first].end <= start:
            first += 1
        index = first
        while index < len(cuts) and cuts[index].start < span.end:
            if cuts[index].start > start:
                result.append(TimeSpan(start, cuts[index].start))
            start = max(start, cuts[index].end)
            index += 1
        if start < span.end:
            result.append(TimeSpan(start, span.end))
    return result


def intersect(left: Iterable[TimeSpan], right: Iterable[TimeSpan]) -> list[TimeSpan]:
    """Time covered by both sides; sorted and disjoint."""
    a, b = merge(left), merge(right)
    result: list[TimeSpan] = []
    i = j = 0
    while i < len(a) and j < len(b):
        both = a[i].intersection(b[j])
        if both:
            result.append(both)
        if a[i].end <= b[j].end:
            i += 1
        else:
            j += 1
    return result


def total_seconds(spans: Iterable[TimeSpan]) -> int:
    return sum(span.seconds for span in spans)


def hours_text(seconds: int) -> str:
    """``h:mm`` for reading; the exact seconds stand in exports. Cuts, never rounds up."""
    sign = "−" if seconds < 0 else ""
    minutes = abs(seconds) // 60
    return f"{sign}{minutes // 60:,}:{minutes % 60:02d}"
