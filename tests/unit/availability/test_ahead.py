"""How far ahead: what a search calls bookable is what the engine lets pass, minute by minute."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from resource_hub.domain.availability.rules.ahead import within_horizon
from resource_hub.domain.availability.terms import AheadRule, HouseDocument, NamedHours, QuotaFor
from resource_hub.domain.booking.rules.check import check
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import moment
from tests.builders.booking import make_facts

NOW = moment("2026-03-02T08:00+08:00")
MORNING = NamedHours("morning", "上午", "Morning", (0, 1, 2, 3, 4, 5, 6), 480, 720)
NIGHT = NamedHours("night", "夜间", "Night", (0, 2, 4), 1320, 1740)
NOON = NamedHours("noon", "中午", "Noon", (0, 1, 2, 3, 4), 660, 840)
GROUP = UUID(int=7)


@given(
    st.lists(
        st.builds(
            AheadRule, st.integers(0, 9), st.sampled_from(QuotaFor), st.sampled_from([None, GROUP]),
            st.sampled_from(["", "morning", "night", "noon"]),
        ),
        min_size=1, max_size=4,
    ),
    st.integers(1, 9),
    st.booleans(),
    st.integers(0, 12 * 48 - 1),
    st.integers(1, 96),
    st.sampled_from([None, UUID(int=1), GROUP]),
)  # fmt: skip
# It begins inside the horizon of the mornings and reaches over a later one.
@example([AheadRule(1, inside="morning")], 9, True, 32, 96, None)
def test_a_search_finds_what_may_be_booked(
    ahead: list[AheadRule], horizon: int, outside: bool, slot: int, length: int, customer: UUID | None
) -> None:
    rules = HouseDocument(
        step=5, least=5, horizon_days=horizon, ahead=tuple(ahead), times=(MORNING, NIGHT, NOON)
    )
    start = NOW + timedelta(minutes=30 * slot)
    span = TimeSpan(start, start + timedelta(minutes=30 * length))
    facts = make_facts(span=span, outside=outside, customer_id=customer)
    refused = any(reason.code.startswith("booking.horizon") for reason in check(facts, rules, NOW))
    whole = TimeSpan(NOW, NOW + timedelta(days=14))
    zone_name, seconds = "Asia/Shanghai", span.seconds
    found = within_horizon(rules, whole, seconds, zone_name, NOW, outside=outside, customer_id=customer)
    assert any(one.contains(span) for spans in found for one in spans) is not refused


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_the_first_row_that_concerns_decides(first: int, second: int, horizon: int, member: bool) -> None:
    rules = HouseDocument(
        horizon_days=horizon + 1,
        ahead=(AheadRule(first, QuotaFor.ALL, GROUP), AheadRule(second, QuotaFor.INSIDE)),
    )
    customer = GROUP if member else UUID(int=1)
    assert rules.days_ahead(False, customer) == (first if member else second)
    assert rules.days_ahead(True, customer) == (first if member else horizon + 1)
