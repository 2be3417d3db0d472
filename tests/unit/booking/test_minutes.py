"""Quotas, named hours and gaps against an oracle that walks through time minute by minute on the host's wall clock."""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.availability.rules.named_hours import inside
from resource_hub.domain.availability.terms import (
    HouseDocument,
    NamedHours,
    Quota,
    QuotaFor,
    QuotaMeasure,
    QuotaPer,
    QuotaPeriod,
)
from resource_hub.domain.booking.rules.check import check
from resource_hub.domain.booking.rules.quotas import quota_reasons
from resource_hub.domain.booking.terms import COUNTED, FINAL, HOLDING, BookingFacts, BookingState, OwnTime
from resource_hub.infra.ids import new_id
from resource_hub.kernel.time import TimeSpan, total_seconds
from tests.builders.booking import ME, MY_FIRM, make_facts

# Each of them changes its clock inside these weeks, Shanghai never: forward in spring, back in autumn, by half an hour.
STARTS = {
    "Asia/Shanghai": datetime(2026, 3, 1, tzinfo=UTC),
    "Europe/Berlin": datetime(2026, 3, 8, tzinfo=UTC),
    "America/New_York": datetime(2026, 10, 11, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 3, 15, tzinfo=UTC),
}
WEEKS = 7
COLLEAGUE, OTHER_FIRM = new_id(), new_id()


@functools.cache
def walls(zone: str) -> list[tuple[datetime, datetime]]:
    """For each minute the wall clock, and the latest that it had shown by then."""
    tz, moment = ZoneInfo(zone), STARTS[zone] - timedelta(days=3)
    found, latest = [], datetime.min
    for _ in range((WEEKS * 7 + 3) * 1440):
        wall = moment.astimezone(tz).replace(tzinfo=None)
        latest = max(latest, wall)
        found.append((wall, latest))
        moment += timedelta(minutes=1)
    return found[3 * 1440 :]


def minutes(span: TimeSpan, zone: str) -> range:
    first = int((span.start - STARTS[zone]).total_seconds()) // 60
    return range(first, first + span.seconds // 60)


def is_inside(rows: tuple[NamedHours, ...], zone: str, minute: int) -> bool:
    """A stretch begins when the clock has first shown its start and ends when it has first shown its end."""
    latest = walls(zone)[minute][1]
    for row in rows:
        for back in range(3):
            day = latest.date() - timedelta(days=back)
            if day.weekday() in row.days:
                midnight = datetime.combine(day, datetime.min.time())
                starts, ends = (midnight + timedelta(minutes=m) for m in (row.starts, row.ends))
                if starts <= latest < ends:
                    return True
    return False


def period_key(day: date, period: QuotaPeriod) -> date:
    if period is QuotaPeriod.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period is QuotaPeriod.MONTH else day


def expected(facts: BookingFacts, rules: HouseDocument, now: datetime) -> list[tuple[int, int, str | None]]:
    """``(used, asked, first day of the period)`` for each time that the one quota is exceeded."""
    quota = rules.quotas[0]
    assert facts.span is not None
    if quota.whom is not QuotaFor.ALL and (quota.whom is QuotaFor.OUTSIDE) != facts.outside:
        return []
    zone = facts.zone

    def counted(span: TimeSpan) -> list[int]:
        every = minutes(span, zone)
        return [m for m in every if not quota.inside or is_inside(rules.times, zone, m)]

    def mine(time: OwnTime) -> bool:
        if quota.per is QuotaPer.PERSON:
            return time.person_id == facts.person_id
        return time.customer_id == facts.customer_id

    own = [time for time in facts.own if mine(time) and time.state in COUNTED]
    asked = counted(facts.span)
    if not asked:
        return []
    in_time = quota.measure is QuotaMeasure.MINUTES
    limit = quota.limit
    if quota.period is QuotaPeriod.FUTURE:
        ahead = [counted(t.span) for t in own if t.span.end > now and t.state not in FINAL]
        used = sum(len(found) if in_time else bool(found) for found in ahead)
        amount = len(asked) if in_time else 1
        return [(used, amount, None)] if used + amount > limit else []
    if quota.period is QuotaPeriod.BOOKING:
        return [(0, len(asked), None)] if len(asked) > limit else []
    if quota.period is QuotaPeriod.CONCURRENT:
        running = [set(minutes(t.span, zone)) for t in own if t.state in HOLDING]
        used = max(sum(minute in one for one in running) for minute in asked)
        return [(used, 1, None)] if used + 1 > limit else []

    def by_period(span: TimeSpan) -> dict[date, int]:
        result: dict[date, int] = {}
        found = counted(span)
        for minute in found if in_time else found[:1]:
            key = period_key(walls(zone)[minute][0].date(), quota.period)
            result[key] = result.get(key, 0) + 1
        return result

    wanted, others = by_period(facts.span), [by_period(t.span) for t in own]
    result = []
    for key in sorted(wanted):
        used = sum(one.get(key, 0) for one in others)
        if used + wanted[key] > limit:
            result.append((used, wanted[key], key.isoformat()))
    return result


def spans(zone: str, longest: int = 12 * 24 * 60) -> st.SearchStrategy[TimeSpan]:
    last = (WEEKS * 7 - 14) * 1440
    lengths = st.one_of(st.integers(1, 48), st.integers(1, 4 * 288), st.integers(1, longest // 5))

    def made(start: int, steps: int) -> TimeSpan:
        begin = STARTS[zone] + timedelta(minutes=start * 5)
        return TimeSpan(begin, begin + timedelta(minutes=5 * steps))

    return st.builds(made, st.integers(0, last // 5), lengths)


@st.composite
def named_rows(draw: Any) -> NamedHours:
    starts = draw(st.integers(0, 287)) * 5
    ends = starts + draw(st.integers(1, 288)) * 5
    days = draw(st.sets(st.integers(0, 6), min_size=1))
    return NamedHours("prime", "高峰时段", "Prime time", tuple(sorted(days)), starts, ends)


@st.composite
def scenes(draw: Any) -> tuple[BookingFacts, HouseDocument, datetime]:
    zone = draw(st.sampled_from(sorted(STARTS)))
    people: st.SearchStrategy[UUID] = st.sampled_from([ME, COLLEAGUE])
    own = st.builds(
        OwnTime, spans(zone), st.sampled_from(BookingState), people, st.sampled_from([MY_FIRM, OTHER_FIRM])
    )
    quota = st.builds(
        Quota,
        st.sampled_from(QuotaPer),
        st.sampled_from(QuotaPeriod),
        st.sampled_from(QuotaMeasure),
        st.one_of(st.integers(1, 4), st.integers(5, 3000)),
        st.sampled_from(["", "prime"]),
        st.sampled_from(QuotaFor),
    ).filter(
        lambda q: (
            (q.period is not QuotaPeriod.CONCURRENT or q.measure is QuotaMeasure.BOOKINGS)
            and (q.period is not QuotaPeriod.BOOKING or q.measure is QuotaMeasure.MINUTES)
        )
    )
    facts = make_facts(
        zone=zone,
        span=draw(spans(zone)),
        own=tuple(draw(st.lists(own, max_size=5))),
        outside=draw(st.booleans()),
    )
    rows = tuple(draw(st.lists(named_rows(), min_size=1, max_size=2)))
    now = STARTS[zone] + timedelta(minutes=5 * draw(st.integers(0, WEEKS * 7 * 288)))
    return facts, HouseDocument(quotas=(draw(quota),), times=rows), now


@given(scenes())
def test_quotas_count_as_somebody_with_a_clock_would(
    scene: tuple[BookingFacts, HouseDocument, datetime],
) -> None:
    facts, rules, now = scene
    in_time = rules.quotas[0].measure is QuotaMeasure.MINUTES
    found = []
    rest = 0
    for reason in quota_reasons(facts, rules, now):
        values = reason.values
        if reason.code == "booking.quota_more":
            rest = values["count"]  # those after the first few are only counted
            continue
        used, asked = (
            (values["used_seconds"] // 60, values["asked_seconds"] // 60)
            if in_time
            else (values["used"], values["asked"])
        )
        found.append((used, asked, values.get("since")))
    wanted = expected(facts, rules, now)
    assert (found, rest) == (wanted[: len(found)], len(wanted) - len(found))


@given(st.data())
def test_named_hours_are_what_the_clock_shows(data: Any) -> None:
    zone = data.draw(st.sampled_from(sorted(STARTS)))
    rows = tuple(data.draw(st.lists(named_rows(), min_size=1, max_size=3)))
    span = data.draw(spans(zone))
    found = inside(rows, span, zone)
    assert total_seconds(found) == 60 * sum(is_inside(rows, zone, m) for m in minutes(span, zone))
    assert all(a.end < b.start for a, b in zip(found, found[1:], strict=False))


@given(st.data())
def test_a_gap_is_kept_on_both_sides(data: Any) -> None:
    zone = data.draw(st.sampled_from(sorted(STARTS)))
    span, own = data.draw(spans(zone)), data.draw(spans(zone))
    gap = data.draw(st.integers(1, 600)) * 5
    facts = make_facts(zone=zone, span=span, own=(OwnTime(own, BookingState.APPROVED, ME, MY_FIRM),))
    rules = HouseDocument(step=5, least=5, horizon_days=730, gap=gap)
    near = set(range(minutes(span, zone)[0] - gap, minutes(span, zone)[-1] + 1 + gap))
    told = {reason.code for reason in check(facts, rules, STARTS[zone] - timedelta(days=1))}
    assert ("booking.gap" in told) == bool(near & set(minutes(own, zone)))


@pytest.mark.parametrize(("zone", "day", "expected_minutes"), [
    ("Europe/Berlin", date(2026, 3, 29), 60),  # 01:00 to 03:00 on the wall, an hour skipped
    ("America/New_York", date(2026, 11, 1), 180),  # 01:00 to 03:00 on the wall, an hour repeated
    ("Asia/Shanghai", date(2026, 3, 29), 120),
])  # fmt: skip
def test_named_hours_across_a_clock_change(zone: str, day: date, expected_minutes: int) -> None:
    tz = ZoneInfo(zone)
    whole = TimeSpan(
        datetime.combine(day, datetime.min.time(), tz),
        datetime.combine(day + timedelta(days=1), datetime.min.time(), tz),
    )
    row = NamedHours("night", "夜间", "Night", (day.weekday(),), 60, 180)
    assert total_seconds(inside([row], whole, zone)) == expected_minutes * 60
