"""Finding free time: of one resource, of very many, and what would do instead of a slot that is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby
from uuid import UUID

from resource_hub.domain.availability import occupancy_store, planning, window_store
from resource_hub.domain.availability.fitting import starts
from resource_hub.domain.availability.rules import hours as hour_rules
from resource_hub.domain.availability.terms import Audience, FreeTime, Hours
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

# Beyond this nobody is offered a time unasked.
LOOK_AHEAD_DAYS = 30
# So many free times are held against the house rules before no more are offered, and so many of those that lie in the
# same 24 hours: what stands against one of a day often stands against all of it.
MOST_TRIED = 600
MOST_TRIED_OF_DAY = 120


def free_times(
    key: HostKey,
    span: TimeSpan,
    *,
    outside: bool,
    ignore: UUID | None = None,
    plan: planning.Plan | None = None,
    margins: tuple[int, int] | None = None,
) -> list[FreeTime]:
    """Stretches in which a booking may lie, exactly, by unit and time; margins for set-up and tear-down are off.

    ``ignore`` leaves out one holder: a booking that is about to move does not stand in its own way. ``margins`` are
    the seconds of set-up and tear-down, where they are not those of the rules.
    """
    one = plan or planning.plan(key, span)
    setup, teardown = margins or (one.rules.setup_seconds, one.rules.teardown_seconds)
    held = occupancy_store.occupancies(reading(), [key], span.widened(setup, teardown)).get(key, [])
    now = clock.now()
    result = []
    for unit in one.units:
        unit_id = unit.key.id
        spans = hour_rules.held_by_others([h for h in held if h.unit_id == unit_id], now, ignore)
        open_spans = hour_rules.windows(one.hours, span, outside=outside, unit_id=unit_id)
        result += [FreeTime(key, unit_id, s) for s in hour_rules.free(open_spans, spans, setup, teardown)]
    return sorted(result, key=lambda f: (f.span, str(f.unit_id)))


def free_units(
    key: HostKey,
    span: TimeSpan,
    *,
    outside: bool = True,
    ignore: UUID | None = None,
    margins: tuple[int, int] | None = None,
) -> list[UUID]:
    """Units that could be booked for exactly this span, in their order."""
    plan = planning.plan(key, span)
    free = free_times(key, span, outside=outside, ignore=ignore, plan=plan, margins=margins)
    fits = {f.unit_id for f in free if f.span.contains(span)}
    return [unit.key.id for unit in plan.units if unit.key.id in fits]


def in_turn(
    key: HostKey, within: TimeSpan, seconds: int, *, outside: bool, unit_id: UUID | None = None
) -> Iterator[TimeSpan]:
    """Times of a length that can be had in a stretch, one after the other by their beginning; what several units have
    comes once. ``unit_id`` asks for that one only."""
    plan = planning.plan(key, within)
    free: dict[UUID, list[TimeSpan]] = defaultdict(list)
    for one in free_times(key, within, outside=outside, plan=plan):
        if unit_id in (None, one.unit_id):
            free[one.unit_id].append(one.span)
    for span, _ in groupby(merge(*(starts(spans, seconds, plan) for spans in free.values()))):
        yield span


def next_free(
    keys: Sequence[HostKey] | None, seconds: int, after: datetime | None = None, *, outside: bool = True,
    days: int = LOOK_AHEAD_DAYS,
) -> dict[HostKey, datetime]:  # fmt: skip
    """The first moment from which each resource is free for so long; resources without one are left out.

    One statement over kept windows, whatever the number of resources; ``keys`` None looks at all of them. A resource
    whose hold has just lapsed is looked at by itself, so that no answer waits for a job.
    """
    if keys is not None and not keys:
        return {}
    now = clock.now()
    after = max(after, now) if after is not None else now
    until = after + timedelta(days=days)
    audience = Audience.OUTSIDE if outside else Audience.ALL
    session = reading()
    found = window_store.first_windows(session, keys, audience, seconds, after, until)
    if keys is not None:
        for key in occupancy_store.resources_with_lapsed_holds(session, keys, now):
            exact = _first(key, seconds, TimeSpan(after, until), outside)
            if exact is not None:
                found[key] = exact
    return found


def _first(key: HostKey, seconds: int, span: TimeSpan, outside: bool) -> datetime | None:
    length = timedelta(seconds=seconds)
    fits = [
        f.span.start for f in free_times(key, span, outside=outside) if f.span.end - f.span.start >= length
    ]
    return min(fits, default=None)


def hours_free(keys: Sequence[HostKey], span: TimeSpan, *, outside: bool = True) -> dict[HostKey, list[int]]:
    """Free seconds of each resource on each 24 hours of a span, all units together, from kept windows: for the small
    bars beside a search hit."""
    audience = Audience.OUTSIDE if outside else Audience.ALL
    days = max(1, -(-span.seconds // 86400))
    result = {key: [0] * days for key in keys}
    if not keys:
        return result
    for (key, _unit), spans in window_store.windows_of(reading(), keys, audience, span).items():
        for free in spans:
            for n in range(days):
                day = TimeSpan(span.start + timedelta(days=n), span.start + timedelta(days=n + 1))
                part = free.intersection(day)
                if part is not None:
                    result[key][n] += part.seconds
    return result


def alternatives(
    key: HostKey,
    span: TimeSpan,
    *,
    outside: bool,
    not_before: datetime,
    not_after: datetime | None = None,
    ignore: UUID | None = None,
    count: int = 3,
    draft: Callable[[planning.Plan], Hours] | None = None,
    suits: Callable[[TimeSpan], TimeSpan | None] | None = None,
) -> list[FreeTime]:
    """Times of the same length that can be had, those nearest to the wish first; they do not overlap each other.

    Looks a fortnight to either side of the wish (of the last moment allowed, where the wish lies beyond it) and, when
    nothing is found, on to the end of ``LOOK_AHEAD_DAYS``. ``draft`` makes the hours that are about to be published
    from a plan as it is; ``suits`` may turn down a time that is free, as house rules do, by the stretch of starts at
    which it would turn down every time of this length; it holds its own start at least.
    """
    length = span.end - span.start
    for back, ahead in ((14, 14), (0, LOOK_AHEAD_DAYS)):
        wish = span.start if not_after is None else min(span.start, not_after)
        start = max(not_before, wish - timedelta(days=back))
        end = max(span.end, start + length) + timedelta(days=ahead)
        if not_after is not None:
            end = min(end, not_after + length)
        if end - start < length:
            continue
        found = _nearest(key, span, TimeSpan(start, end), outside, ignore, count, draft, suits)
        if found:
            return found
    return []


def _nearest(
    key: HostKey,
    span: TimeSpan,
    within: TimeSpan,
    outside: bool,
    ignore: UUID | None,
    count: int,
    draft: Callable[[planning.Plan], Hours] | None,
    suits: Callable[[TimeSpan], TimeSpan | None] | None,
) -> list[FreeTime]:
    plan = planning.plan(key, within)
    if draft is not None:
        plan = replace(plan, hours=draft(plan))
    free = free_times(key, within, outside=outside, ignore=ignore, plan=plan)
    chosen: list[FreeTime] = []
    refused: list[TimeSpan] = []
    tried = 0
    for some in _by_distance(free, span, within, plan):
        of_day = 0
        for one in some:
            if any(one.span.overlaps(other.span) for other in chosen):
                continue
            if any(stretch.contains(one.span.start) for stretch in refused):
                continue
            if tried == MOST_TRIED:
                return sorted(chosen, key=lambda f: f.span)
            if of_day == MOST_TRIED_OF_DAY:
                break
            tried, of_day = tried + 1, of_day + 1
            against = suits(one.span) if suits is not None else None
            if against is not None:
                refused.append(against)
                continue
            chosen.append(one)
            if len(chosen) == count:
                return sorted(chosen, key=lambda f: f.span)
    return sorted(chosen, key=lambda f: f.span)


def _by_distance(
    free: Sequence[FreeTime], wish: TimeSpan, within: TimeSpan, plan: planning.Plan
) -> Iterator[list[FreeTime]]:
    """Times as long as the wish, each once however many units have it: those that begin within 24 hours of it to either
    side, the nearest first, then those within the next 24, and so on."""
    day = timedelta(days=1)
    # A calendar day may be longer than the one that was wished for.
    reach = wish.end - wish.start + timedelta(hours=2)
    first = max(0, (wish.start - within.end) // day, (within.start - wish.start) // day - 1)
    last = max(wish.start - within.start, within.end - wish.start) // day
    for n in range(first, last + 1):
        found: dict[datetime, FreeTime] = {}
        for begin in (wish.start + n * day, wish.start - (n + 1) * day):
            part = TimeSpan(begin, begin + day + reach)
            for one in free:
                cut = one.span.intersection(part)
                for span in starts([cut], wish.seconds, plan) if cut is not None else ():
                    if span.start >= begin + day:
                        break
                    found.setdefault(span.start, FreeTime(one.key, one.unit_id, span))
        yield sorted(found.values(), key=lambda f: (abs(f.span.start - wish.start), f.span.start))


def alternatives_json(found: Iterable[FreeTime]) -> list[dict[str, str]]:
    """As they travel in a refusal."""
    return [
        {"unit_id": str(f.unit_id), "start": f.span.start.isoformat(), "end": f.span.end.isoformat()}
        for f in found
    ]
