"""House rules at the door: facts come from the database, refusals name times that the rules allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from resource_hub.domain.booking import ports, service
from resource_hub.domain.booking.errors import BookingRefused, SlotTaken
from resource_hub.domain.booking.terms import BookingState
from resource_hub.infra import clock
from resource_hub.kernel.errors import Reason
from tests.builders.accounts import actor, make_person
from tests.builders.availability import make_weekly, moment, span
from tests.builders.booking import another_booker, make_asked, make_booking, make_scene

ALWAYS_OPEN = make_weekly(weekdays=range(7), starts=0, ends=1440)


def codes(caught: Any) -> list[str]:
    return [reason.code for reason in caught.value.reasons]


def test_other_times_keep_the_quota_too(now: datetime) -> None:
    # Tuesday is used up; the nearest free hour is on Tuesday, the nearest that may be booked is on another day.
    scene = make_scene(
        rules={"quotas": [{"per": "person", "period": "day", "measure": "minutes", "limit": 120}]}
    )
    make_booking(scene)
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=make_asked("2026-03-03T13:00+08:00", "2026-03-03T14:00+08:00"))
    assert codes(caught) == ["booking.quota_minutes_day"]
    offered = [datetime.fromisoformat(one["start"]) for one in caught.value.values["alternatives"]]
    assert len(offered) == 3
    assert all(start.astimezone(now.tzinfo or UTC).date() != date(2026, 3, 3) for start in offered)
    for one in caught.value.values["alternatives"]:
        again = make_asked(one["start"], one["end"], unit_id=UUID(one["unit_id"]))
        assert service.judge(service.prepare(scene.key, again, by=scene.booker, now=now), now) == ()


def test_a_lapsed_hold_uses_up_no_quota_before_the_job_has_run(now: datetime) -> None:
    rules = {"quotas": [{"per": "person", "period": "future", "measure": "bookings", "limit": 1}], "hold": 15}
    scene = make_scene(rules=rules)
    service.hold(scene.key, make_asked(), by=scene.booker)
    later = make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00")
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=later)
    assert codes(caught) == ["booking.quota_bookings_future"]
    with clock.fixed(now + timedelta(minutes=15)):
        assert make_booking(scene, asked=later).state is BookingState.APPROVED


def test_the_firms_quota_counts_colleagues_and_no_other_firm(now: datetime) -> None:
    rules = {"quotas": [{"per": "customer", "period": "week", "measure": "minutes", "limit": 180}]}
    scene = make_scene(units=2, rules=rules)
    make_booking(scene)
    from resource_hub.domain.accounts.terms import Role

    colleague = actor(make_person(roles=[(scene.firm, Role.BOOKER)]), scene.firm)
    asked = make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00")
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene, by=colleague, asked=asked)
    assert codes(caught) == ["booking.quota_minutes_week"]
    _, _, stranger = another_booker()
    assert make_booking(scene, by=stranger, asked=asked).state is BookingState.APPROVED


def test_a_third_booking_at_a_time_is_refused_though_a_unit_is_free(now: datetime) -> None:
    rules = {"quotas": [{"per": "person", "period": "concurrent", "measure": "bookings", "limit": 2}]}
    scene = make_scene(units=3, rules=rules)
    make_booking(scene)
    make_booking(scene)
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene)
    assert codes(caught) == ["booking.quota_bookings_concurrent"]


def test_working_days_ahead_leave_out_the_weekend_and_public_holidays(now: datetime) -> None:
    # Monday 2 March: three working days on is Thursday.
    scene = make_scene(rules={"lead_days": 3})
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00"))
    assert codes(caught) == ["booking.lead_days"]
    make_booking(scene, asked=make_asked("2026-03-05T09:00+08:00", "2026-03-05T11:00+08:00"))
    # Thursday 30 April 2026: Labour Day keeps everybody at home until 5 May.
    with clock.fixed(moment("2026-04-30T08:00+08:00")), pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=make_asked("2026-05-07T09:00+08:00", "2026-05-07T11:00+08:00"))
    assert codes(caught) == ["booking.lead_days"]


def test_a_block_opens_when_somebody_has_the_one_before(now: datetime) -> None:
    times = [
        {"code": "a", "name_en": "Block A", "days": [0, 1, 2, 3, 4, 5, 6], "starts": 1050, "ends": 1230},
        {"code": "b", "name_en": "Block B", "days": [0, 1, 2, 3, 4, 5, 6], "starts": 1230, "ends": 1440, "after": "a"},
    ]  # fmt: skip
    scene = make_scene(weekly=ALWAYS_OPEN, rules={"times": times})
    block_b = make_asked("2026-03-03T20:30+08:00", "2026-03-04T00:00+08:00")
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=block_b)
    assert codes(caught) == ["booking.hours_before_free"]
    _, _, other = another_booker()
    taken = make_booking(
        scene, by=other, asked=make_asked("2026-03-03T17:30+08:00", "2026-03-03T20:30+08:00")
    )
    make_booking(scene, asked=block_b)
    service.cancel(taken.key, by=other)


def test_debts_are_asked_of_whom_the_rules_name(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_of: list[UUID | None] = []

    class Debts:
        def reasons_against(self, customer_id, on, creditor_id=None):  # type: ignore[no-untyped-def]
            asked_of.append(creditor_id)
            return [Reason("billing.overdue", {})] if creditor_id is None else []

    monkeypatch.setattr(ports, "_ports", replace(ports.installed(), standing=Debts()))
    here = make_scene()
    make_booking(here)
    assert asked_of == [here.key.institution_id]
    with pytest.raises(BookingRefused):
        make_booking(make_scene(rules={"debt": "anywhere"}))
    assert asked_of[-1] is None
    count = len(asked_of)
    make_booking(make_scene(rules={"debt": "never"}))
    assert len(asked_of) == count


def test_everybody_books_for_themselves_where_the_house_says_so(now: datetime) -> None:
    from resource_hub.domain.accounts.terms import Role

    scene = make_scene(rules={"own_account": True})
    colleague = make_person(roles=[(scene.firm, Role.BOOKER)])
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=make_asked(person_id=colleague.id))
    assert codes(caught) == ["booking.own_account"]
    assert make_booking(scene).state is BookingState.APPROVED


def test_lead_counts_for_the_start_that_is_newly_taken(now: datetime) -> None:
    # B22 with a lead: 11 h before, more of what is booked is no new start; an earlier one, or another day, is.
    scene = make_scene(rules={"lead": {"all": 24 * 60}, "change_until": 12 * 60})
    mine = make_booking(scene)
    with clock.fixed(moment("2026-03-02T22:00+08:00")):
        longer = span("2026-03-03T09:00+08:00", "2026-03-03T13:00+08:00")
        assert service.change_preview(mine.key, longer, by=scene.booker).reasons == ()
        assert service.change(mine.key, longer, by=scene.booker).span == longer
        other = span("2026-03-03T14:00+08:00", "2026-03-03T15:00+08:00")
        with pytest.raises(BookingRefused) as refused:
            service.change(mine.key, other, by=scene.booker)
        assert codes(refused) == ["booking.lead", "booking.change_until"]


def test_extending_into_the_next_booking_or_past_the_hours(now: datetime) -> None:
    # B22 and B23: inside the locked window the start stays, the end may move as long as nobody follows.
    scene = make_scene(rules={"change_until": 2880})
    mine = make_booking(scene)
    _, _, other = another_booker()
    make_booking(scene, by=other, asked=make_asked("2026-03-03T12:00+08:00", "2026-03-03T13:00+08:00"))
    with pytest.raises(BookingRefused) as refused:
        service.change(mine.key, span("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00"), by=scene.booker)
    assert codes(refused) == ["booking.change_until"]
    assert "alternatives" not in refused.value.values  # each of them would be refused likewise
    with pytest.raises(SlotTaken):
        service.change(mine.key, span("2026-03-03T09:00+08:00", "2026-03-03T12:30+08:00"), by=scene.booker)
    longer = service.change(
        mine.key, span("2026-03-03T09:00+08:00", "2026-03-03T12:00+08:00"), by=scene.booker
    )
    assert longer.key == mine.key and longer.ical_uid == mine.ical_uid
    last = make_booking(scene, asked=make_asked("2026-03-04T15:00+08:00", "2026-03-04T17:00+08:00"))
    with pytest.raises(BookingRefused) as refused:
        service.change(last.key, span("2026-03-04T15:00+08:00", "2026-03-04T18:00+08:00"), by=scene.booker)
    assert codes(refused) == ["availability.closed_hours"]
