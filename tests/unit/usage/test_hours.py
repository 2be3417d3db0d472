"""Effective hours, shares and the split at midnight, held against oracles that count one step at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_hub.domain.usage.rules.hours import (
    by_day,
    day_of,
    effective_hours,
    forgotten_end,
    split_hours,
    split_seconds,
)
from resource_hub.domain.usage.terms import Hours, Phase, PhaseSpan
from resource_hub.kernel.time import TimeSpan

T0 = datetime(2026, 3, 5, 6, 0, tzinfo=UTC)
ZONES = ["Asia/Shanghai", "UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata"]
minutes = st.integers(min_value=0, max_value=300)


def span(start: int, end: int) -> TimeSpan:
    return TimeSpan(T0 + timedelta(minutes=start), T0 + timedelta(minutes=end))


spans = st.tuples(minutes, st.integers(1, 200)).map(lambda p: (p[0], p[0] + p[1]))
RANK = [Phase.MEASURING, Phase.SETUP, Phase.POST, Phase.IDLE]


@given(spans, st.lists(st.tuples(st.sampled_from(list(Phase)), spans), max_size=8))
def test_effective_hours_equal_a_count_minute_by_minute(recorded, phases):
    got = effective_hours(span(*recorded), [PhaseSpan(p, span(*s)) for p, s in phases])
    count = dict.fromkeys(RANK, 0)
    for minute in range(*recorded):
        here = [p for p, (a, b) in phases if a <= minute < b]
        best = next((p for p in RANK if p in here), Phase.IDLE) if phases else Phase.MEASURING
        count[best] += 60
    assert got == Hours(count[Phase.SETUP], count[Phase.MEASURING], count[Phase.POST], count[Phase.IDLE])
    assert got.total == span(*recorded).seconds


def test_no_show_has_no_hours():
    assert effective_hours(None, [PhaseSpan(Phase.MEASURING, span(0, 5))]).total == 0


@given(st.integers(0, 10**7), st.lists(st.integers(0, 1000), min_size=1, max_size=9).filter(any))
def test_parts_sum_to_the_whole_and_stay_within_one_second(total, weights):
    parts = split_seconds(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1
        assert part == 0 or weight > 0


def test_leftover_seconds_go_to_the_largest_remainder_then_to_the_first():
    assert split_seconds(10, [1, 1, 1]) == [4, 3, 3]
    assert split_seconds(100, [1, 5]) == [17, 83]


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, []), (1, [0, 0]), (5, [2, -1])])
def test_shares_that_cannot_be_are_refused(total, weights):
    with pytest.raises(ValueError, match="seconds and weights"):
        split_seconds(total, weights)


@given(
    st.builds(Hours, *[st.integers(0, 10**6)] * 4),
    st.lists(st.integers(0, 50), min_size=1, max_size=5).filter(any),
)
def test_lines_sum_to_the_session_in_each_kind(hours, weights):
    lines = split_hours(hours, weights)
    for kind in ("setup", "measuring", "post", "idle", "effective"):
        assert sum(getattr(line, kind) for line in lines) == getattr(hours, kind)


@settings(max_examples=60)
@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2011, 12, 20), datetime(2012, 4, 10)),
    st.integers(1, 3 * 1440),
)
def test_split_at_midnight_equals_a_count_minute_by_minute(name, start, length):
    tz = ZoneInfo(name)
    start = start.replace(tzinfo=UTC, second=0, microsecond=0)
    whole = TimeSpan(start, start + timedelta(minutes=length))
    count: dict[date, int] = {}
    for minute in range(length):
        day = (start + timedelta(minutes=minute)).astimezone(tz).date()
        count[day] = count.get(day, 0) + 60
    assert dict(by_day(whole, whole.seconds, tz, day_of(whole.end, tz))) == count


@given(st.integers(0, 200_000), st.integers(1, 200_000))
def test_days_sum_to_the_seconds_that_count(seconds, length):
    whole = TimeSpan(T0, T0 + timedelta(seconds=length))
    pieces = by_day(whole, seconds, ZoneInfo("Asia/Shanghai"), date(2026, 3, 5))
    assert sum(part for _, part in pieces) == seconds


def test_the_day_is_that_on_which_the_use_ended():
    tz = ZoneInfo("Asia/Shanghai")
    assert day_of(datetime(2026, 3, 5, 16, 30, tzinfo=UTC), tz) == date(2026, 3, 6)
    # Ended at midnight sharp: the day that it filled.
    assert day_of(datetime(2026, 3, 5, 16, 0, tzinfo=UTC), tz) == date(2026, 3, 5)


def test_forgotten_log_out_is_capped_at_booking_end_plus_grace():
    start, end = T0, T0 + timedelta(hours=2)
    cap = end + timedelta(minutes=15)
    assert forgotten_end(start, end, 900, cap - timedelta(seconds=1)) is None
    assert forgotten_end(start, end, 900, cap) == cap
    # However late the job looks, the cap is the same.
    assert forgotten_end(start, end, 900, cap + timedelta(days=9)) == cap


def test_forgotten_log_out_without_booking_ends_after_the_longest_use():
    assert forgotten_end(T0, None, 900, T0 + timedelta(hours=11)) is None
    assert forgotten_end(T0, None, 900, T0 + timedelta(hours=13)) == T0 + timedelta(hours=12)
