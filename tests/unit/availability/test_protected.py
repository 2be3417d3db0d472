"""Protected hours: promised, used, broken, free; against a walk over every minute."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from resource_hub.domain.availability.rules.protected import ProtectedUse, protected_use
from resource_hub.domain.availability.terms import Audience, ExceptionKind, Held, OccupancyKind
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import make_exception, make_hours, make_weekly, moment, span

UNIT, OTHER = UUID(int=1), UUID(int=2)
IN, OUT = UUID(int=10), UUID(int=11)
START = moment("2026-03-02T00:00+08:00")
WEEK = TimeSpan(START, START + timedelta(days=2))
MINUTE = timedelta(minutes=1)
OUTSIDE = {OUT: True, IN: False}

pieces = st.tuples(st.integers(0, 570), st.integers(1, 60))
KINDS = [
    (OccupancyKind.BOOKING, OUT), (OccupancyKind.BOOKING, IN), (OccupancyKind.BOOKING, UUID(int=99)),
    (OccupancyKind.MAINTENANCE, UUID(int=12)), (OccupancyKind.EXTERNAL, UUID(int=13)), (OccupancyKind.HOLD, UUID(int=14)),
]  # fmt: skip


def at(five: int, length: int) -> TimeSpan:
    return TimeSpan(START + 5 * five * MINUTE, START + 5 * (five + length) * MINUTE)


@given(
    st.lists(st.tuples(pieces, st.sampled_from(KINDS), st.sampled_from([UNIT, OTHER])), max_size=8),
    st.lists(st.tuples(pieces, st.sampled_from([None, UNIT, OTHER])), max_size=3),
    st.lists(st.tuples(pieces, st.sampled_from(list(Audience))), max_size=3),
)
@settings(max_examples=80, deadline=None)
def test_every_minute_is_counted_once(held_rows, closures, extras) -> None:  # type: ignore[no-untyped-def]
    weekly = make_weekly(weekdays=[0], starts=480, ends=1200) + make_weekly(
        weekdays=[0, 1], starts=720, ends=960, audience=Audience.OUTSIDE
    )
    exceptions = [make_exception(ExceptionKind.CLOSURE, span=at(*p), unit_id=u) for p, u in closures]
    exceptions += [
        make_exception(ExceptionKind.EXTRA, span=at(*p), audience=a, unit_id=None) for p, a in extras
    ]
    hours = make_hours(weekly=tuple(weekly), exceptions=tuple(exceptions))
    held: list[Held] = []
    for piece, (kind, holder), unit in held_rows:
        one = Held(unit, at(*piece), kind, holder)
        if not any(h.unit_id == unit and h.span.overlaps(one.span) for h in held):
            held.append(one)
    counted = dict.fromkeys(("promised", "outside", "free", "inside", "closed", "maintained", "elsewhere"), 0)
    minute = WEEK.start
    while minute < WEEK.end:
        if _protected(minute, extras):
            counted["promised"] += 60
            counted[_fate(minute, held, closures)] += 60
        minute += MINUTE
    found = protected_use(hours, WEEK, UNIT, held, OUTSIDE)
    assert found == ProtectedUse(**counted)
    assert found.promised == found.outside + found.free + found.broken


def _protected(minute, extras) -> bool:  # type: ignore[no-untyped-def]
    local = minute - START
    into = int(local.total_seconds()) // 60 % 1440
    kept = 720 <= into < 960
    for_all = any(a is Audience.ALL and at(*p).contains(minute) for p, a in extras)
    for_outside = any(a is Audience.OUTSIDE and at(*p).contains(minute) for p, a in extras)
    return for_outside or (kept and not for_all)


def _fate(minute, held, closures) -> str:  # type: ignore[no-untyped-def]
    if any(u in (None, UNIT) and at(*p).contains(minute) for p, u in closures):
        return "closed"
    for one in held:
        if one.unit_id == UNIT and one.span.contains(minute):
            if one.kind is OccupancyKind.HOLD:
                return "free"
            if one.kind is OccupancyKind.BOOKING:
                return "outside" if one.holder_id == OUT else "inside"
            return "maintained" if one.kind is OccupancyKind.MAINTENANCE else "elsewhere"
    return "free"


def test_sums() -> None:
    one = ProtectedUse(100, outside=40, free=30, inside=10, closed=10, maintained=5, elsewhere=5)
    assert (one + one).promised == 200 and (one + one).broken == 60
    assert one.broken == 30


def test_nothing_protected_is_nothing() -> None:
    hours = make_hours(weekly=tuple(make_weekly()))
    assert (
        protected_use(hours, span("2026-03-02T00:00Z", "2026-03-09T00:00Z"), UNIT, [], {}) == ProtectedUse()
    )
