"""From patterns and exceptions to windows, and from windows to free time (pure).

How the parts are put together, the later one winning:

1. the weekly pattern, on each day by the weekday whose work that day does: a holiday has only the stretches that are
   marked as open on holidays, a make-up workday has those of the day that it makes up;
2. stretches for outside customers are protected, also where they overlap stretches for all;
3. an extra opening adds time; one for all lifts the protection where it lies, one for outside sets it;
4. a closure takes time away, whatever else says otherwise.

Maintenance is no closure: it holds units like a booking does, so that nothing can be booked into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from uuid import UUID

from resource_hub.domain.availability.terms import (
    GRANULARITY_MINUTES,
    Audience,
    DatedException,
    DayKind,
    ExceptionKind,
    Held,
    Hours,
    OnHolidays,
    Opening,
    SpecialDay,
    WeeklyHours,
)
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan, at, intersect, local_day, merge, midnight, subtract, zone

# A stretch may last two days and a clock may move by an hour or two: look so far back for what reaches into a span.
_REACH_DAYS = 3


def weekday_of(day: date, special: SpecialDay | None) -> int:
    """The weekday whose hours hold on a day.

    A make-up workday works for the day that it makes up; where the notice does not say which, a Saturday works for
    Friday and a Sunday for Monday.
    """
    if special is None or special.kind is not DayKind.WORKDAY:
        return day.weekday()
    if special.stands_for is not None:
        return special.stands_for.weekday()
    return {5: 4, 6: 0}.get(day.weekday(), day.weekday())


def stretches_on(hours: Hours, day: date) -> Iterator[WeeklyHours]:
    """Stretches of the weekly pattern that begin on a day."""
    special = hours.days.get(day)
    holiday = special is not None and special.kind is DayKind.HOLIDAY
    weekday = weekday_of(day, special)
    for stretch in hours.weekly:
        if (
            stretch.weekday != weekday
            or day < stretch.since
            or (stretch.until is not None and day >= stretch.until)
        ):
            continue
        if holiday and stretch.on_holidays is OnHolidays.CLOSED:
            continue
        yield stretch


def _weekly(hours: Hours, span: TimeSpan) -> tuple[list[TimeSpan], list[TimeSpan]]:
    """The pattern's spans that meet ``span``: for all, and for outside customers."""
    tz = zone(hours.zone)
    first = local_day(span.start, tz) - timedelta(days=_REACH_DAYS)
    last = local_day(span.end, tz)
    found: dict[Audience, list[TimeSpan]] = {Audience.ALL: [], Audience.OUTSIDE: []}
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        for stretch in stretches_on(hours, day):
            start, end = at(day, stretch.starts, tz), at(day, stretch.ends, tz)
            # A stretch that lies wholly inside the hour that the clock skips does not happen.
            if start < end and start < span.end and end > span.start:
                found[stretch.audience].append(TimeSpan(start, end))
    return found[Audience.ALL], found[Audience.OUTSIDE]


def exceptions_of(exceptions: Iterable[DatedException], unit_id: UUID | None) -> Iterator[DatedException]:
    """Those that concern a unit: its own and those of the whole resource."""
    return (e for e in exceptions if e.unit_id is None or e.unit_id == unit_id)


def opening(hours: Hours, span: TimeSpan, unit_id: UUID | None = None) -> Opening:
    """Windows of one unit inside ``span``, cut to it."""
    to_all, protected = _weekly(hours, span)
    own = [e for e in exceptions_of(hours.exceptions, unit_id) if e.span.overlaps(span)]
    if not own and not protected:
        return Opening(to_all=tuple(intersect(to_all, [span])), protected=())

    def spans(kind: ExceptionKind, audience: Audience | None = None) -> list[TimeSpan]:
        return [e.span for e in own if e.kind is kind and (audience is None or e.audience is audience)]

    extra_all = spans(ExceptionKind.EXTRA, Audience.ALL)
    kept = merge([*subtract(protected, extra_all), *spans(ExceptionKind.EXTRA, Audience.OUTSIDE)])
    everything = merge([*to_all, *protected, *spans(ExceptionKind.EXTRA)])
    closed = spans(ExceptionKind.CLOSURE)
    inside = [span]
    return Opening(
        to_all=tuple(intersect(subtract(subtract(everything, kept), closed), inside)),
        protected=tuple(intersect(subtract(kept, closed), inside)),
    )


def windows(hours: Hours, span: TimeSpan, *, outside: bool, unit_id: UUID | None = None) -> list[TimeSpan]:
    """Time inside ``span`` that a customer may book: outside ones have the protected hours too."""
    found = opening(hours, span, unit_id)
    return merge([*found.to_all, *found.protected]) if outside else list(found.to_all)


def free(
    open_spans: Iterable[TimeSpan],
    held: Iterable[TimeSpan],
    setup_seconds: int = 0,
    teardown_seconds: int = 0,
) -> list[TimeSpan]:
    """Stretches in which a booking may lie: windows minus occupancies, which are widened so that the set-up and
    tear-down of the new booking fit beside them. Set-up and tear-down themselves may lie outside opening hours:
    the host's staff does them."""
    return subtract(open_spans, [span.widened(teardown_seconds, setup_seconds) for span in held])


def occupied(span: TimeSpan, setup_seconds: int, teardown_seconds: int) -> TimeSpan:
    """What a booking holds of its unit."""
    return span.widened(setup_seconds, teardown_seconds)


def aligned_starts(
    spans: Iterable[TimeSpan], seconds: int, step_minutes: int, zone_name: str
) -> Iterator[TimeSpan]:
    """Spans of a length that fit into the free stretches, beginning on the step of the host's wall clock."""
    tz = zone(zone_name)
    length = timedelta(seconds=seconds)
    for span in spans:
        start = next_step(span.start, step_minutes, tz)
        while start + length <= span.end:
            yield TimeSpan(start, start + length)
            start = next_step(start + timedelta(seconds=1), step_minutes, tz)


def days_in(seconds: int) -> int:
    """How many calendar days a length is, which a change of the clock makes longer or shorter."""
    return (seconds + 43_200) // 86_400


def whole_days(within: TimeSpan, count: int, tz: tzinfo) -> Iterator[TimeSpan]:
    """Every run of so many calendar days inside a stretch, from midnight to midnight."""
    day = local_day(within.start - timedelta(microseconds=1), tz)
    while midnight(day, tz) < within.start:
        day += timedelta(days=1)
    while (end := midnight(day + timedelta(days=count), tz)) <= within.end:
        if midnight(day, tz) < end:  # else a zone has skipped the day
            yield TimeSpan(midnight(day, tz), end)
        day += timedelta(days=1)


def next_step(moment: datetime, step_minutes: int, tz: tzinfo) -> datetime:
    """The first moment not before ``moment`` whose wall clock is a multiple of the step after midnight.

    Each day counts anew, and where the clock changes on the way one looks again from there.
    """
    if moment.microsecond:
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    while True:
        wall = moment.astimezone(tz)
        into = wall.hour * 3600 + wall.minute * 60 + wall.second
        rest = -into % (step_minutes * 60)
        if not rest:
            return moment
        midnight_after = midnight(wall.date() + timedelta(days=1), tz)
        ahead = min(one for one in (moment + timedelta(seconds=rest), midnight_after) if one > moment)
        moment = _change_of_clock(moment, ahead, tz) or ahead


def _change_of_clock(since: datetime, until: datetime, tz: tzinfo) -> datetime | None:
    """The moment after ``since`` and not after ``until`` at which the clock is changed; whole seconds."""
    before = since.astimezone(tz).utcoffset()
    if until.astimezone(tz).utcoffset() == before:
        return None
    while until - since > timedelta(seconds=1):
        middle = since + (until - since) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        since, until = (middle, until) if middle.astimezone(tz).utcoffset() == before else (since, middle)
    return until


def held_by_others(held: Iterable[Held], now: datetime, ignore: UUID | None = None) -> list[TimeSpan]:
    """Spans that stand in the way at ``now``; those of one holder may be left out (it is moving itself)."""
    return [h.span for h in held if h.in_force(now) and h.holder_id != ignore]


def problems(weekly: Sequence[WeeklyHours]) -> list[Reason]:
    """What is wrong with a weekly pattern as typed; empty when it can be kept. ``place`` is the row's number."""
    found: list[Reason] = []
    for index, row in enumerate(weekly):
        place = f"hours.{index}"
        if row.starts % GRANULARITY_MINUTES or row.ends % GRANULARITY_MINUTES:
            found.append(Reason("availability.hours_granularity", {"minutes": GRANULARITY_MINUTES}, place))
        if not 0 <= row.weekday <= 6 or not 0 <= row.starts < 1440:
            found.append(Reason("availability.hours_out_of_range", {}, place))
        if row.ends <= row.starts:
            found.append(Reason("availability.hours_end_before_start", {}, place))
        elif row.ends > 2880:
            found.append(Reason("availability.hours_too_long", {}, place))
        if row.until is not None and row.until <= row.since:
            found.append(Reason("availability.hours_dates", {}, place))
    for i, left in enumerate(weekly):
        for j in range(i + 1, len(weekly)):
            right = weekly[j]
            if left.audience is right.audience and _dates_meet(left, right) and _times_meet(left, right):
                found.append(Reason("availability.hours_overlap", {"other": i + 1}, f"hours.{j}"))
    return found


def _dates_meet(left: WeeklyHours, right: WeeklyHours) -> bool:
    return (left.until is None or right.since < left.until) and (
        right.until is None or left.since < right.until
    )


def _times_meet(left: WeeklyHours, right: WeeklyHours) -> bool:
    """Whether two stretches share a minute of some week, overnight ones included. Touching is no overlap."""
    week = 7 * 1440
    a, b = left.weekday * 1440 + left.starts, right.weekday * 1440 + right.starts
    a_end, b_end = a + left.ends - left.starts, b + right.ends - right.starts
    return any(a + shift < b_end and b < a_end + shift for shift in (-week, 0, week))
