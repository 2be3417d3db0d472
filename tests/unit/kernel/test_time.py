from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.kernel.time import (
    EmptySpan,
    NaiveTime,
    NoSuchLocalTime,
    RepeatedLocalTime,
    TimeSpan,
    UnknownZone,
    at,
    hours_text,
    intersect,
    local_exact,
    merge,
    subtract,
    total_seconds,
    zone,
)

BASE = datetime(2026, 3, 1, tzinfo=UTC)
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]


def minutes(start: int, end: int) -> TimeSpan:
    return TimeSpan(BASE + timedelta(minutes=start), BASE + timedelta(minutes=end))


spans = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 60)).map(lambda p: minutes(p[0], p[0] + p[1])), max_size=12
)


def cover(items: list[TimeSpan]) -> set[int]:
    """The oracle: which minutes are covered."""
    return {
        minute
        for span in items
        for minute in range(
            int((span.start - BASE).total_seconds() // 60), int((span.end - BASE).total_seconds() // 60)
        )
    }


def test_half_open():
    assert not minutes(0, 60).overlaps(minutes(60, 120))
    assert minutes(0, 61).overlaps(minutes(60, 120))
    with pytest.raises(EmptySpan):
        minutes(5, 5)
    with pytest.raises(NaiveTime):
        TimeSpan(datetime(2026, 1, 1), BASE)


@given(spans, spans)
def test_set_arithmetic_agrees_with_minutes(left, right):
    for result, expected in (
        (merge(left), cover(left)),
        (subtract(left, right), cover(left) - cover(right)),
        (intersect(left, right), cover(left) & cover(right)),
    ):
        assert cover(result) == expected
        assert total_seconds(result) == 60 * len(expected)
        assert all(a.end < b.start for a, b in zip(result, result[1:], strict=False))


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)),
    st.integers(1, 4 * 86400),
)
def test_pieces_by_day_sum_to_the_span(name, start, length):
    tz = zone(name)
    span = TimeSpan(start.replace(tzinfo=UTC), start.replace(tzinfo=UTC) + timedelta(seconds=length))
    pieces = list(span.by_day(tz))
    assert sum((piece.end - piece.start for _, piece in pieces), timedelta()) == span.end - span.start
    for day, piece in pieces:
        assert piece.start.astimezone(tz).date() == day
        assert (piece.end - timedelta(microseconds=1)).astimezone(tz).date() == day


def test_clock_changes():
    ny = zone("America/New_York")
    # 02:30 does not exist on 13 March 2022: the clock goes from 02:00 to 03:00 at 07:00 UTC.
    assert at(date(2022, 3, 13), 150, ny) == datetime(2022, 3, 13, 7, tzinfo=UTC)
    assert at(date(2022, 3, 13), 180, ny) - at(date(2022, 3, 13), 60, ny) == timedelta(hours=1)
    assert at(date(2022, 11, 6), 120, ny) - at(date(2022, 11, 6), 0, ny) == timedelta(hours=3)
    with pytest.raises(NoSuchLocalTime):
        local_exact(datetime(2022, 3, 13, 2, 30), ny)
    with pytest.raises(RepeatedLocalTime):
        local_exact(datetime(2022, 11, 6, 1, 30), ny)
    first = local_exact(datetime(2022, 11, 6, 1, 30), ny, fold=0)
    assert local_exact(datetime(2022, 11, 6, 1, 30), ny, fold=1) - first == timedelta(hours=1)


@given(st.sampled_from(ZONES), st.dates(date(2024, 1, 1), date(2027, 12, 31)), st.integers(0, 2880))
def test_wall_clock_never_goes_back(name, day, minute):
    tz = zone(name)
    assert at(day, minute, tz) <= at(day, minute + 1, tz)


def test_unknown_zone():
    with pytest.raises(UnknownZone):
        zone("Mars/Olympus")
    with pytest.raises(UnknownZone):
        zone("../../etc/passwd")


def test_hours_are_cut_not_rounded():
    assert hours_text(3599) == "0:59"
    assert hours_text(6_633_300) == "1,842:35"
    assert hours_text(-60) == "−0:01"
