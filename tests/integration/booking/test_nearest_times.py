"""Times that are offered instead of the wished one, and booking by the day over changes of the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import OccupancyKind, OnHolidays, Wish
from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.terms import WaitingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.service import Query
from resource_hub.domain.catalogue.terms import ResourceKind
from resource_hub.infra import clock
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.time import TimeSpan
from resource_hub.reports import free_times
from tests.builders.accounts import make_actor
from tests.builders.availability import make_rules, make_weekly, moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing

ALWAYS = make_weekly(weekdays=range(7), starts=0, ends=1440, on_holidays=OnHolidays.OPEN)
CHEAP = {"format": 1, "currency": "CNY", "hour": {"all": "1.00"}}


def nearest(scene: Scene, wish: TimeSpan) -> list[TimeSpan]:
    asked = replace(make_asked(), span=wish)
    found = service.alternatives(scene.key, asked, by=another_booker()[2])
    return [span(one["start"], one["end"]) for one in found]


def test_with_a_lead_of_working_days_the_first_times_after_it_are_offered(now: datetime) -> None:
    scene = make_scene(rules={"lead_days": 6, "step": 5, "least": 5})
    assert nearest(scene, span("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00")) == [
        span("2026-03-10T09:00+08:00", "2026-03-10T10:00+08:00"),
        span("2026-03-10T10:00+08:00", "2026-03-10T11:00+08:00"),
        span("2026-03-10T11:00+08:00", "2026-03-10T12:00+08:00"),
    ]


def test_beyond_the_horizon_the_last_times_within_it_are_offered(now: datetime) -> None:
    scene = make_scene(rules={"horizon_days": 3})
    assert nearest(scene, span("2026-03-25T09:00+08:00", "2026-03-25T11:00+08:00"))[-1] == span(
        "2026-03-05T15:00+08:00", "2026-03-05T17:00+08:00"
    )


def test_on_what_is_always_open_times_before_and_after_the_wish_are_offered(now: datetime) -> None:
    scene = make_scene(rules={"step": 5, "least": 5}, weekly=ALWAYS, tariff=CHEAP)
    wish = span("2026-03-10T09:00+08:00", "2026-03-10T11:00+08:00")
    make_booking(scene, asked=replace(make_asked(), span=wish))
    assert nearest(scene, wish) == [
        span("2026-03-10T05:00+08:00", "2026-03-10T07:00+08:00"),
        span("2026-03-10T07:00+08:00", "2026-03-10T09:00+08:00"),
        span("2026-03-10T11:00+08:00", "2026-03-10T13:00+08:00"),
    ]


def test_what_a_rule_forbids_on_the_day_of_the_wish_is_offered_on_days_beside_it(now: datetime) -> None:
    quota = {"per": "person", "period": "day", "measure": "minutes", "limit": 120}
    scene = make_scene(rules={"step": 5, "least": 5, "quotas": [quota]}, weekly=ALWAYS, tariff=CHEAP, units=2)
    wish = span("2026-03-10T09:00+08:00", "2026-03-10T11:00+08:00")
    make_booking(scene, asked=replace(make_asked(), span=wish))
    later = span("2026-03-10T12:00+08:00", "2026-03-10T14:00+08:00")
    found = service.alternatives(scene.key, replace(make_asked(), span=later), by=scene.booker)
    assert len(found) == 3
    assert all(datetime.fromisoformat(one["start"]).astimezone(now.tzinfo).day != 10 for one in found)


# ---- behind very many times that the rules refuse ---------------------------------------------------------------

FAR = ("2026-03-02T09:00+08:00", "2026-03-31T09:00+08:00")


def two_weeks_used_up(**quota: Any) -> Scene:
    """Always open, in steps of five minutes; the quota of this week and of the next one is used."""
    full = {"per": "person", "period": "week", "measure": "minutes", "limit": 120, **quota}
    scene = make_scene(rules={"step": 5, "least": 5, "quotas": [full]}, weekly=ALWAYS, tariff=CHEAP, units=2)
    for day in ("03", "10"):
        asked = make_asked(f"2026-03-{day}T09:00+08:00", f"2026-03-{day}T11:00+08:00")
        make_booking(scene, asked=asked)
    return scene


def waits_far(scene: Scene) -> Any:
    wish = replace(make_asked(), span=None)
    return service.join_line(scene.key, wish, moment(FAR[0]), moment(FAR[1]), 7200, by=scene.booker)


@pytest.mark.parametrize("quota", [{}, {"measure": "bookings", "limit": 1}])
def test_whom_a_quota_keeps_out_for_two_weeks_is_kept_the_first_time_after_it_at_once(
    now: datetime, quota: Any
) -> None:
    one = waits_far(two_weeks_used_up(**quota))
    assert one.state is WaitingState.OFFERED
    assert service.booking(one.key._replace(id=one.booking_id)).span == span(
        "2026-03-16T00:00+08:00", "2026-03-16T02:00+08:00"
    )


def test_other_times_lie_beyond_the_weeks_whose_quota_is_used_up(now: datetime) -> None:
    scene = two_weeks_used_up()
    wish = span("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00")
    found = service.alternatives(scene.key, replace(make_asked(), span=wish), by=scene.booker)
    assert span(found[0]["start"], found[0]["end"]) == span(
        "2026-03-16T00:00+08:00", "2026-03-16T02:00+08:00"
    )


def test_what_the_job_leaves_of_a_wish_it_takes_up_again(now: datetime) -> None:
    """Nobody can tell how far it reaches that something else is busy: the next turn goes on where one stopped."""
    scene = make_scene(rules={"step": 5, "least": 5}, weekly=ALWAYS, tariff=CHEAP)
    room = make_listing(scene.host, kind=ResourceKind.FACILITY, listed=False, bookable=True)
    with unit_of_work() as unit:
        availability.set_hours_directly(unit, room.key, ALWAYS, make_rules(step=5, least=5))
        availability.rebuild(unit, [room.key], availability.kept_span())
        busy = span("2026-03-02T08:00+08:00", "2026-03-20T08:00+08:00")
        availability.occupy(unit, room.key, None, busy, OccupancyKind.EXTERNAL, new_id())
    catalogue.save_links(scene.key, {room.key.id: True}, by=make_actor(scene.host, Role.OFFICE))
    one = waits_far(scene)
    assert one.state is WaitingState.WAITING
    turn = service.offer_due(1)
    while turn is not None:
        turn = service.offer_due(1, turn)
    found = service.entry_for(one.key, scene.booker)
    assert found.state is WaitingState.OFFERED
    assert service.booking(one.key._replace(id=found.booking_id)).span == span(
        "2026-03-20T08:00+08:00", "2026-03-20T10:00+08:00"
    )


# ---- by the day over changes of the clock --------------------------------------------------------------------------

SPRING = span("2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00")  # 23 hours
AUTUMN = span("2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00")  # 25 hours


@pytest.fixture
def berlin(now: datetime) -> Scene:
    return make_scene(
        zone="Europe/Berlin", weekly=ALWAYS, tariff=CHEAP,
        rules={"step": 1440, "least": 1440, "most": 7 * 1440, "horizon_days": 365},
    )  # fmt: skip


def wait(scene: Scene, day: TimeSpan) -> Any:
    return service.join_line(
        scene.key, replace(make_asked(), span=None), day.start, day.end, 86400, by=another_booker()[2]
    )


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_a_day_of_the_calendar_is_booked_waited_for_and_offered(berlin: Scene, day: TimeSpan) -> None:
    before = TimeSpan(day.start - timedelta(days=1), day.start)
    make_booking(berlin, asked=replace(make_asked(), span=before))
    assert day in nearest(berlin, before)
    with clock.fixed(day.start - timedelta(days=5)):
        one = wait(berlin, day)
        assert one.state is WaitingState.OFFERED
        assert service.booking(berlin.key._replace(id=one.booking_id)).span == day


def test_one_day_is_wished_for_and_one_day_is_offered(berlin: Scene) -> None:
    make_booking(berlin, asked=replace(make_asked(), span=AUTUMN))
    assert nearest(berlin, AUTUMN) == [
        span("2026-10-23T00:00+02:00", "2026-10-24T00:00+02:00"),
        span("2026-10-24T00:00+02:00", "2026-10-25T00:00+02:00"),
        span("2026-10-26T00:00+01:00", "2026-10-27T00:00+01:00"),
    ]


def test_the_search_finds_every_day(berlin: Scene) -> None:
    with clock.fixed(moment("2026-03-25T08:00+01:00")):
        with unit_of_work() as unit:
            availability.rebuild(unit, [berlin.key], availability.kept_span())
        for day in (date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30), date(2026, 10, 25)):
            found = free_times.search(Query(), Wish(day, day, 86400))
            assert [one.span for one in found.times.values()] == [
                availability.days_of("Europe/Berlin", day, 1)
            ]


def test_a_series_of_days_goes_over_the_change(berlin: Scene) -> None:
    sunday = availability.days_of("Europe/Berlin", date(2026, 3, 15), 1)
    rule = Recurrence(Frequency.WEEKLY, count=4)
    asked = replace(make_asked(), span=sunday)
    look = service.look_series(berlin.key, asked, rule, by=berlin.booker)
    assert not look.clashes
    assert [one.span.seconds // 3600 for one in look.days if one.span] == [24, 24, 23, 24]
    series = service.create_series(berlin.key, asked, rule, by=berlin.booker)
    days = service.series_days(series.key)
    assert [one.booking.span for one in days if one.booking] == [
        availability.days_of("Europe/Berlin", date(2026, 3, 15) + timedelta(weeks=n), 1) for n in range(4)
    ]
    assert not any(service.moved_by_hand(series, one, "Europe/Berlin") for one in days)
