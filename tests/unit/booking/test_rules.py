"""The rule engine by tables that a lab manager can check, and the state machine by its own table."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.availability.rules.lanes import reasons_against
from resource_hub.domain.availability.terms import QuotaPeriod, WeeklyHours
from resource_hub.domain.booking.errors import WrongState
from resource_hub.domain.booking.rules.check import check, check_cancel, check_change
from resource_hub.domain.booking.rules.quotas import periods
from resource_hub.domain.booking.rules.states import PATHS, STEPS, open_acts, step
from resource_hub.domain.booking.terms import (
    FINAL,
    Act,
    BookingKind,
    BookingState,
    ChangeFacts,
    OwnTime,
    Side,
)
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.infra.ids import new_id
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan, total_seconds
from tests.builders.availability import make_hours, make_rules, span
from tests.builders.booking import ME, MY_FIRM, make_facts, make_own

SHANGHAI = ZoneInfo("Asia/Shanghai")
TABLES = tomllib.loads(
    (Path(__file__).parents[2] / "examples" / "booking" / "rules.toml").read_text(encoding="utf-8")
)


def at(text: str, tz: ZoneInfo = SHANGHAI) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=tz)


def between(pair: list[str], tz: ZoneInfo = SHANGHAI) -> TimeSpan:
    return TimeSpan(at(pair[0], tz), at(pair[1], tz))


def named(case: dict[str, Any]) -> str:
    return str(case["name"])


@pytest.mark.parametrize("case", TABLES["case"], ids=named)
def test_house_rules(case: dict[str, Any]) -> None:
    tz = ZoneInfo(case.get("zone", "Asia/Shanghai"))
    asked = between(case["asked"], tz)
    own = [
        OwnTime(between([s, e], tz), BookingState(state), ME, MY_FIRM) for s, e, state in case.get("own", [])
    ]
    own += [
        OwnTime(between([s, e], tz), BookingState(state), new_id(), MY_FIRM)
        for s, e, state in case.get("colleague", [])
    ]
    facts = make_facts(
        span=asked,
        zone=tz.key,
        mode=Mode(case.get("mode", "self_use")),
        own=tuple(own),
        outside=case.get("outside", True),
        by_host=case.get("by_host", False),
        customer_id=UUID(case["customer"]) if "customer" in case else MY_FIRM,
        qualified=case.get("qualified"),
        closed=closed(case, asked),
        standing=tuple(Reason(code, {}) for code in case.get("standing", [])),
        booked_by=new_id() if case.get("booked_by_other") else ME,
        earliest_day=date.fromisoformat(case["earliest_day"]) if "earliest_day" in case else None,
        taken=tuple(between(pair, tz) for pair in case.get("taken", [])),
    )
    rules = {"step": 5, "least": 5, **case.get("rules", {})}
    if "times" in case:
        rules |= TABLES[case["times"]]
    found = check(facts, make_rules(**rules), at(case["now"], tz))
    assert [reason.code for reason in found] == case["fails"]


def closed(case: dict[str, Any], asked: TimeSpan) -> tuple[Reason, ...]:
    """What opening hours say: as the case puts it, or from hours of the days asked for, minutes after midnight."""
    if "hours" in case:
        first = asked.start.astimezone(SHANGHAI).weekday()
        weekly = tuple(WeeklyHours(first + n, *row) for n, row in enumerate(case["hours"]))
        return tuple(reasons_against(make_hours(weekly=weekly), asked, outside=True))
    return (Reason("availability.closed_hours", {}, "time"),) if case.get("closed") else ()


@pytest.mark.parametrize("case", TABLES["cancel"], ids=named)
def test_cancelling(case: dict[str, Any]) -> None:
    found = check_cancel(
        BookingState.APPROVED,
        at(case["start"]),
        make_rules(**case.get("rules", {})),
        at(case["now"]),
        by_host=case.get("by_host", False),
    )
    assert [reason.code for reason in found] == case["fails"]


@pytest.mark.parametrize("case", TABLES["change"], ids=named)
def test_changing(case: dict[str, Any]) -> None:
    facts = ChangeFacts(
        BookingState(case.get("state", "approved")),
        between(case["before"]),
        between(case["after"]),
        case.get("by_host", False),
    )
    found = check_change(facts, make_rules(**case.get("rules", {})), at(case["now"]))
    assert [reason.code for reason in found] == case["fails"]


def test_a_final_state_can_only_be_left_by_late_proof() -> None:
    for (kind, state, act), found in STEPS.items():
        if state in FINAL:
            assert (kind, state, act) == (BookingKind.WINDOW, BookingState.NO_SHOW, Act.START)
            assert Side.CUSTOMER not in found.who


@pytest.mark.parametrize("kind", BookingKind)
def test_every_path_can_be_walked(kind: BookingKind) -> None:
    for before, after in zip(PATHS[kind], PATHS[kind][1:], strict=False):
        assert any(k is kind and s is before and found.to is after for (k, s, _), found in STEPS.items())


@pytest.mark.parametrize("state", [BookingState.CANCELLED, BookingState.NO_SHOW, BookingState.DONE])
def test_what_is_over_can_neither_be_moved_nor_cancelled(state: BookingState) -> None:
    for act in (Act.CHANGE, Act.CANCEL):
        with pytest.raises(WrongState):
            step(BookingKind.WINDOW, state, act, Side.CUSTOMER)


def test_the_customer_cannot_approve() -> None:
    assert Act.APPROVE not in open_acts(BookingKind.WINDOW, BookingState.REQUESTED, Side.CUSTOMER)
    with pytest.raises(WrongState):
        step(BookingKind.WINDOW, BookingState.REQUESTED, Act.APPROVE, Side.CUSTOMER)


@given(
    st.integers(0, 5000),
    st.integers(1, 90 * 24),
    st.sampled_from([QuotaPeriod.DAY, QuotaPeriod.WEEK, QuotaPeriod.MONTH]),
)
def test_periods_cover_a_span_exactly_once(start: int, hours: int, period: QuotaPeriod) -> None:
    from datetime import UTC, timedelta

    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=start)
    asked = TimeSpan(begin, begin + timedelta(hours=hours))
    found = list(periods(asked, period, "America/New_York"))
    assert all(a.end == b.start for a, b in zip(found, found[1:], strict=False))
    parts = [part for one in found if (part := asked.intersection(one))]
    assert total_seconds(parts) == asked.seconds and len(parts) == len(found)


def test_new_span_example_is_half_open() -> None:
    # B3: a booking that ends exactly where the next one starts is no gap trouble without a gap rule.
    facts = make_facts(own=(make_own("2026-03-02T11:00+08:00", "2026-03-02T12:00+08:00"),))
    assert check(facts, make_rules(), span("2026-03-02T08:00+08:00", "2026-03-02T08:01+08:00").start) == ()
