"""A draft of house rules tried on the past agrees with asking for each booking as it was made."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.availability.rules.working_days import working_days_after
from resource_hub.domain.availability.terms import HouseDocument, Quota, QuotaMeasure, QuotaPer, QuotaPeriod
from resource_hub.domain.booking.rules.check import check
from resource_hub.domain.booking.rules.trial import PastOrder, replay
from resource_hub.domain.booking.terms import BookingState, OwnTime
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.infra.ids import new_id
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import make_rules, moment, span
from tests.builders.booking import ME, MY_FIRM, make_facts

HOST = new_id()
START = moment("2026-03-02T00:00+08:00")
PEOPLE = [ME, new_id()]


def days(day: Any, count: int) -> Any:
    return working_days_after(day, count, lambda _day: None)


def order(asked_at: str, start: str, end: str, **changes: Any) -> PastOrder:
    values: dict[str, Any] = {
        "key": HostKey(HOST, new_id()), "asked_at": moment(asked_at), "span": span(start, end), "state": BookingState.DONE,
        "mode": Mode.SELF_USE, "unit_id": None, "customer_id": MY_FIRM, "person_id": ME, "booked_by": ME, "outside": True,
    }  # fmt: skip
    return PastOrder(**{**values, **changes})


def refused(orders: list[PastOrder], **rules: Any) -> list[list[str]]:
    document = make_rules(**{"step": 5, "least": 5, **rules})
    return [[r.code for r in one.reasons] for one in replay(orders, document, "Asia/Shanghai", days)]


def test_who_would_have_been_refused_does_not_use_up_the_quota() -> None:
    orders = [
        order("2026-03-01T08:00+08:00", "2026-03-02T09:00+08:00", "2026-03-02T14:00+08:00"),  # 5 h: too many
        order(
            "2026-03-01T09:00+08:00", "2026-03-02T14:00+08:00", "2026-03-02T17:00+08:00"
        ),  # 3 h: fits alone
        order(
            "2026-03-01T10:00+08:00", "2026-03-02T17:00+08:00", "2026-03-02T19:00+08:00"
        ),  # 2 h more: too many
    ]
    quota = {"per": "person", "period": "day", "measure": "minutes", "limit": 240}
    assert refused(orders, quotas=[quota]) == [
        ["booking.quota_minutes_day"],
        [],
        ["booking.quota_minutes_day"],
    ]


def test_each_is_judged_at_the_moment_when_it_was_asked_for() -> None:
    late = order("2026-03-02T08:30+08:00", "2026-03-02T09:00+08:00", "2026-03-02T10:00+08:00")
    early = order("2026-03-01T08:30+08:00", "2026-03-02T11:00+08:00", "2026-03-02T12:00+08:00")
    assert refused([late, early], lead={"all": 60}) == [[], ["booking.lead"]]
    assert refused([late, early], lead_days=1) == [[], ["booking.lead_days"]]


def test_what_the_host_booked_is_bound_by_hours_only() -> None:
    by_host = order(
        "2026-03-02T08:30+08:00", "2026-03-02T09:00+08:00", "2026-03-02T10:00+08:00", by_host=True
    )
    assert refused([by_host], lead={"all": 600}) == [[]]


def test_of_an_unchanged_document_nothing_new_is_refused() -> None:
    assert refused([]) == []


@st.composite
def pasts(draw: Any) -> list[PastOrder]:
    def made(n: int) -> PastOrder:
        start = START + timedelta(minutes=30 * draw(st.integers(0, 48 * 14)))
        asked_at: datetime = start - timedelta(minutes=draw(st.integers(0, 60 * 24 * 10)))
        who: UUID = draw(st.sampled_from(PEOPLE))
        length = timedelta(minutes=30 * draw(st.integers(1, 40)))
        return order(
            asked_at.isoformat(),
            start.isoformat(),
            (start + length).isoformat(),
            person_id=who,
            booked_by=who,
        )

    return [made(n) for n in range(draw(st.integers(1, 8)))]


@given(
    pasts(),
    st.builds(
        Quota, st.sampled_from(QuotaPer), st.sampled_from([QuotaPeriod.DAY, QuotaPeriod.WEEK, QuotaPeriod.FUTURE]),
        st.sampled_from(QuotaMeasure), st.integers(1, 900),
    ),
    st.integers(0, 600),
    st.integers(0, 20),
)  # fmt: skip
def test_the_replay_is_the_engine_asked_one_by_one(
    past: list[PastOrder], quota: Quota, lead: int, gap: int
) -> None:
    rules = HouseDocument(quotas=(quota,), lead={"all": lead}, gap=gap * 30, horizon_days=5)
    accepted: list[PastOrder] = []
    for tried in replay(past, rules, "Asia/Shanghai", days):
        one = tried.order
        own = tuple(OwnTime(a.span, BookingState.APPROVED, a.person_id, a.customer_id) for a in accepted)
        facts = make_facts(span=one.span, own=own, person_id=one.person_id, booked_by=one.booked_by)
        expected = [r for r in check(facts, rules, one.asked_at) if r.code != "booking.in_past"]
        assert list(tried.reasons) == expected
        if not tried.reasons:
            accepted.append(one)


def test_a_thousand_bookings_are_tried_without_growing_beyond_reason() -> None:
    quota = {"per": "customer", "period": "week", "measure": "minutes", "limit": 10_000}
    orders = [
        PastOrder(
            HostKey(HOST, new_id()), START + timedelta(hours=n), TimeSpan(START + timedelta(hours=2 * n), START + timedelta(hours=2 * n + 1)),
            BookingState.DONE, Mode.SELF_USE, None, MY_FIRM, ME, ME, True,
        )
        for n in range(1000)
    ]  # fmt: skip
    assert len(refused(orders, quotas=[quota], horizon_days=730)) == 1000
