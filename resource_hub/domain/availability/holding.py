"""Holding units: take, move, settle and free them, always behind the same lock, with the free windows kept in step.

The order is the same on every path: lock the resource, drop lapsed holds in the way, look, insert. Because all paths
queue for the resource's row, contention waits instead of dying; the database's own guard against overlaps stands
behind it and is never expected to speak.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from resource_hub.domain.availability import occupancy_store, planning, slot_store, store, window_store
from resource_hub.domain.availability.errors import NoUnit, SlotTaken
from resource_hub.domain.availability.rules import hours as hour_rules
from resource_hub.domain.availability.terms import Audience, Held, OccupancyKind
from resource_hub.infra import clock
from resource_hub.infra.together import explain
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

# Both engines name the guard so; partitions of PostgreSQL give it names of their own, hence the state.
_GUARD = "ex_occupancy_overlap"
_EXCLUSION = "23P01"

# What is around a wish is read before the house rules are known: with so many seconds to either side as set-up and
# tear-down took when the resource was last held here, or so many. Where they take more, and of very long wishes, it is
# read when they are known.
_MARGIN = 7_200
_LONGEST_AHEAD = timedelta(days=31)
_margins: dict[HostKey, int] = {}
_MOST_MARGINS = 100_000


def is_overlap(error: DBAPIError) -> bool:
    """Whether the database refused because two occupancies would overlap."""
    return getattr(error.orig, "sqlstate", None) == _EXCLUSION or str(error.orig) == _GUARD


def lock(unit: Unit, keys: Iterable[HostKey]) -> None:
    """Lock several resources before holding any of them, in the one order that cannot deadlock."""
    store.lock(unit.session, keys)


def lock_with_helpers(
    unit: Unit, key: HostKey, span: TimeSpan | None = None, subjects: Collection[UUID] = ()
) -> slot_store.BehindLock:
    """Lock a resource and all that may be booked with it, likewise. What was read behind the lock is returned: for
    ``occupy`` what is around the span that is wanted, and the stamps of these subjects."""
    near = None
    if span is not None and span.end - span.start <= _LONGEST_AHEAD:
        with suppress(OverflowError):  # at the end of all time, where the rules will refuse
            margin = _margins.get(key, _MARGIN)
            near = span.widened(margin, margin)
    return slot_store.lock_with_helpers(unit.session, key, subjects, near)


def taken(key: HostKey, span: TimeSpan, unit_id: UUID | None = None, zone: str | None = None) -> SlotTaken:
    """The refusal for a slot that somebody else holds. ``zone``: the host's, where it is known."""
    values = {
        "start": span.start.isoformat(),
        "end": span.end.isoformat(),
        "zone": zone or planning.zone_of(key.institution_id),
    }
    error = SlotTaken(Reason("availability.slot_taken", values, "time"))
    error.values = {
        "institution_id": str(key.institution_id),
        "resource_id": str(key.id),
        "unit_id": str(unit_id) if unit_id else None,
        **values,
    }
    return error


def occupy(
    unit: Unit,
    key: HostKey,
    unit_id: UUID | None,
    span: TimeSpan,
    kind: OccupancyKind,
    holder_id: UUID,
    *,
    expires_at: datetime | None = None,
    setup_seconds: int = 0,
    teardown_seconds: int = 0,
    outside: bool | None = None,
    plan: planning.Plan | None = None,
    seen: slot_store.Around | None = None,
) -> UUID:
    """Hold a unit for a span and return which one.

    Args:
        unit_id: None takes the first unit that is free, by position.
        span: the time proper; set-up and tear-down are added on either side of it.
        outside: with a value, only units are taken whose opening hours allow the span to that customer.
        seen: what was read with the lock, if nothing of the resource has changed since.

    Raises:
        SlotTaken: every unit in question is held by somebody, or closed where another is held.
        NoUnit: the resource has no such unit.
    """
    session = unit.session
    store.lock(session, [key])
    one = plan or planning.plan(key, span)
    wanted = [u.key.id for u in one.units if unit_id is None or u.key.id == unit_id]
    if not wanted:
        raise NoUnit()
    whole = hour_rules.occupied(span, setup_seconds, teardown_seconds)
    hole = _hole(whole, one)
    _remember_margin(
        key, max(setup_seconds + one.rules.teardown_seconds, teardown_seconds + one.rules.setup_seconds)
    )
    if seen is None or not seen.span.contains(hole):
        seen = slot_store.around(session, key, hole)
    if any(h.unit_id in wanted and not h.in_force(unit.now) for h in seen.holding(whole)):
        lapsed = occupancy_store.drop_lapsed(session, key, wanted, whole, unit.now)
        _regained(session, key, lapsed, one)
        seen = slot_store.around(session, key, hole)
    busy = {h.unit_id for h in seen.holding(whole)}
    free = [u for u in wanted if u not in busy]
    if outside is not None and len(one.units) > 1:
        # Where there is one unit only, its hours were judged with the order; of several they may differ.
        free = [u for u in free if not planning.reasons_against(one, u, span, outside=outside)]
    if not free:
        raise taken(key, span, unit_id)
    chosen = free[0]
    old = seen.windows(hole)[chosen]
    cut = {audience: hour_rules.subtract(spans, [hole]) for audience, spans in old.items()}
    window_store.replace_windows(session, key, chosen, old, cut)
    # A transaction that was refused answers no more questions, so all that the refusal says is at hand.
    explain(session, lambda error: taken(key, span, unit_id, one.zone) if is_overlap(error) else None)
    occupancy_store.insert_occupancy(
        session, key, chosen, whole, kind, holder_id, expires_at, setup_seconds, teardown_seconds
    )
    return chosen


def move(
    unit: Unit,
    key: HostKey,
    holder_id: UUID,
    span: TimeSpan,
    kind: OccupancyKind,
    *,
    unit_id: UUID | None = None,
    setup_seconds: int = 0,
    teardown_seconds: int = 0,
    outside: bool | None = None,
    expires_at: datetime | None = None,
) -> UUID:
    """Give a holder another span, on the unit it has where that is open and free; its old time is free afterwards.

    Raises:
        SlotTaken: and the holder keeps what it had, because the unit of work rolls back.
    """
    store.lock(unit.session, [key])
    before = occupancy_store.of_holder(unit.session, key.institution_id, holder_id)
    release(unit, key.institution_id, holder_id, key=key, held=before)
    values = {
        "setup_seconds": setup_seconds,
        "teardown_seconds": teardown_seconds,
        "outside": outside,
        "expires_at": expires_at,
    }
    if unit_id is None and before:
        try:
            return occupy(unit, key, before[0].unit_id, span, kind, holder_id, **values)  # type: ignore[arg-type]
        except (SlotTaken, NoUnit):
            pass  # looked at and not inserted, so the transaction is whole: try the other units
    return occupy(unit, key, unit_id, span, kind, holder_id, **values)  # type: ignore[arg-type]


def release(
    unit: Unit,
    institution_id: UUID,
    holder_id: UUID,
    *,
    key: HostKey | None = None,
    held: Sequence[Held] | None = None,
) -> None:
    """Free whatever a holder holds. Freeing twice is no error."""
    session = unit.session
    rows = occupancy_store.of_holder(session, institution_id, holder_id) if held is None else held
    if not rows:
        return
    for resource_id in sorted({row.resource_id for row in rows if row.resource_id}):
        one = HostKey(institution_id, resource_id)
        if key is None:
            store.lock(session, [one])
    occupancy_store.delete_of_holder(session, institution_id, holder_id)
    for row in rows:
        if row.resource_id:
            _regained(session, HostKey(institution_id, row.resource_id), [row])


def settle(
    unit: Unit, institution_id: UUID, holder_id: UUID, kind: OccupancyKind = OccupancyKind.BOOKING
) -> bool:
    """Make a hold lasting; False when it has gone."""
    return occupancy_store.settle_hold(unit.session, institution_id, holder_id, kind) > 0


def hold_until(unit: Unit, institution_id: UUID, holder_id: UUID, expires_at: datetime | None) -> None:
    """Change when a slot that waits for an answer is given back by itself; None keeps it."""
    occupancy_store.hold_until(unit.session, institution_id, holder_id, expires_at)


def end_early(unit: Unit, key: HostKey, holder_id: UUID, end: datetime) -> None:
    """Free the rest of a slot whose user has left (B19); the tear-down follows the end that really was."""
    before = occupancy_store.of_holder(unit.session, key.institution_id, holder_id)
    store.lock(unit.session, [key])
    for row in before:
        if end <= row.span.start:
            release(unit, key.institution_id, holder_id, key=key, held=[row])
            continue
        kept = end + timedelta(seconds=row.teardown_seconds)
        if kept < row.span.end:
            occupancy_store.shorten(unit.session, key.institution_id, holder_id, kept)
            _regained(
                unit.session, key, [Held(row.unit_id, TimeSpan(kept, row.span.end), row.kind, row.holder_id)]
            )


# ---- kept free windows -----------------------------------------------------------------------------------------


def _hole(whole: TimeSpan, plan: planning.Plan) -> TimeSpan:
    """What a new occupancy cuts out of the kept windows."""
    return whole.widened(plan.rules.teardown_seconds, plan.rules.setup_seconds)


def _remember_margin(key: HostKey, seconds: int) -> None:
    """How far around a span one has to look, for who looks before that is known. Only a hint."""
    if len(_margins) > _MOST_MARGINS:
        _margins.clear()
    _margins[key] = seconds


def _regained(
    session: Session, key: HostKey, rows: Sequence[Held], plan: planning.Plan | None = None
) -> None:
    """Put time that became free back into the kept windows, joined with its neighbours."""
    if not rows:
        return
    reach = window_store.reach(session, [key]).get(key)
    if reach is None:
        return
    for row in rows:
        cut = row.span.intersection(reach)
        if cut is not None:
            one = plan or planning.plan(key, cut)
            _renew(session, key, row.unit_id, cut, reach, one)


def renew(unit: Unit, key: HostKey, unit_id: UUID, span: TimeSpan) -> None:
    """Bring the kept windows of a unit into step with a span in which several pieces were taken or freed at once."""
    reach = window_store.reach(unit.session, [key]).get(key)
    cut = span.intersection(reach) if reach is not None else None
    if reach is not None and cut is not None:
        _renew(unit.session, key, unit_id, cut, reach, planning.plan(key, cut))


def _renew(
    session: Session, key: HostKey, unit_id: UUID, changed: TimeSpan, reach: TimeSpan, plan: planning.Plan
) -> None:
    """Compute the windows of a unit anew around a changed stretch."""
    setup, teardown = plan.rules.setup_seconds, plan.rules.teardown_seconds
    region = changed.widened(teardown, setup)
    olds = window_store.windows_touching(session, key.institution_id, unit_id, region.start, region.end)
    start = min([region.start, *(s.start for old in olds.values() for s in old)])
    end = max([region.end, *(s.end for old in olds.values() for s in old)])
    whole = TimeSpan(start, end).intersection(reach)
    if whole is None:
        return
    # The plan at hand may have been gathered for a shorter time.
    wide = planning.plan(key, whole)
    held = [
        h
        for h in occupancy_store.occupancies(session, [key], whole.widened(setup, teardown)).get(key, [])
        if h.unit_id == unit_id
    ]
    old = window_store.windows_touching(session, key.institution_id, unit_id, whole.start, whole.end)
    new = {}
    for audience in Audience:
        outside = audience is Audience.OUTSIDE
        open_spans = hour_rules.windows(wide.hours, whole, outside=outside, unit_id=unit_id)
        free = hour_rules.free(open_spans, [h.span for h in held], setup, teardown)
        new[audience] = _joined(old[audience], free, whole)
    window_store.replace_windows(session, key, unit_id, old, new)


def _joined(old: Sequence[TimeSpan], new: Sequence[TimeSpan], whole: TimeSpan) -> list[TimeSpan]:
    """New windows inside ``whole``, with what old ones had outside of it."""
    outside = hour_rules.subtract(old, [whole])
    return hour_rules.merge([*outside, *new])


def rebuild(unit: Unit, keys: Sequence[HostKey], span: TimeSpan) -> None:
    """Compute the kept windows of resources anew: after their hours or rules changed, or to roll on. They are kept for
    a span, and where people may book farther ahead as far as that, so that a search finds all that can be booked."""
    session = unit.session
    store.lock(session, keys)
    found = planning.plans(keys, span)
    reaches = {key: _reach(span, one) for key, one in found.items()}
    longest = max(reaches.values(), default=span)
    if longest != span:
        found = planning.plans(keys, longest)
    held = occupancy_store.occupancies(session, list(keys), longest.widened(86400, 86400)) if keys else {}
    for key, one in found.items():
        setup, teardown = one.rules.setup_seconds, one.rules.teardown_seconds
        own = reaches[key]
        window_store.drop_windows(session, key)
        if not one.hours.weekly and not one.hours.exceptions:
            window_store.set_reach(session, key, own)
            continue
        now = clock.now()
        for record in one.units:
            unit_id = record.key.id
            spans = [h.span for h in held.get(key, ()) if h.unit_id == unit_id and h.in_force(now)]
            opening = hour_rules.opening(one.hours, own, unit_id)
            open_to = {
                Audience.ALL: opening.to_all,
                Audience.OUTSIDE: (*opening.to_all, *opening.protected),
            }
            new = {who: hour_rules.free(open_to[who], spans, setup, teardown) for who in Audience}
            window_store.replace_windows(session, key, unit_id, {audience: [] for audience in Audience}, new)
        window_store.set_reach(session, key, own)


def _reach(span: TimeSpan, plan: planning.Plan) -> TimeSpan:
    """How far windows are kept: the last day on which a booking may begin, and as long as one may be."""
    days = plan.rules.farthest_days + plan.rules.most // 1440 + 2
    return TimeSpan(span.start, max(span.end, span.start + timedelta(days=days)))
