"""Finding free time: of one resource, of very many, and what would do instead of a slot that is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby, islice
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
# So many free times are held against the house rules before nothing is offered.
MOST_TRIED = 300


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
    suits: Callable[[TimeSpan], bool] | None = None,
) -> list[FreeTime]:
    """Times of the same length that can be had, those nearest to the wish first; they do not overlap each other.

    Looks a fortnight to either side of the wish (of the last moment allowed, where the wish lies beyond it) and, when
    nothing is found, on to the end of ``LOOK_AHEAD_DAYS``. ``draft`` makes the hours that are about to be published
    from a plan as it is; ``suits`` may turn down a time that is free, as house rules do.
    """
    for back, ahead in ((14, 14), (0, LOOK_AHEAD_DAYS)):
        wish = span.start if not_after is None else min(span.start, not_after)
        start = max(not_before, wish - timedelta(days=back))
        end = span.end + timedelta(days=ahead)
        if not_after is not None:
            end = min(end, not_after + (span.end - span.start))
        if end - start < span.end - span.start:
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
    suits: Callable[[TimeSpan], bool] | None,
) -> list[FreeTime]:
    plan = planning.plan(key, within)
    if draft is not None:
        plan = replace(plan, hours=draft(plan))
    wanted: list[FreeTime] = []
    for free in free_times(key, within, outside=outside, ignore=ignore, plan=plan):
        starts = hour_rules.aligned_starts([free.span], span.seconds, plan.rules.step, plan.zone)
        wanted += [FreeTime(key, free.unit_id, s) for s in islice(starts, 500)]
    wanted.sort(key=lambda f: (abs(f.span.start - span.start), f.span.start))
    chosen: list[FreeTime] = []
    tried = 0
    for one in wanted:
        if any(one.span.overlaps(other.span) for other in chosen):
            continue
        tried += 1
        if tried > MOST_TRIED:
            break
        if suits is None or suits(one.span):
            chosen.append(one)
            if len(chosen) == count:
                break
    return sorted(chosen, key=lambda f: f.span)


def alternatives_json(found: Iterable[FreeTime]) -> list[dict[str, str]]:
    """As they travel in a refusal."""
    return [
        {"unit_id": str(f.unit_id), "start": f.span.start.isoformat(), "end": f.span.end.isoformat()}
        for f in found
    ]
