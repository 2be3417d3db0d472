"""A day of a series that another customer takes over leaves the series: nobody of it reads or changes it any more."""

from __future__ import annotations

from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NoSuchBooking
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.rules.series_change import Stays
from resource_hub.domain.booking.terms import BookingRecord, BookingState, Scope
from resource_hub.infra.database import db
from tests.builders.accounts import actor, make_group, make_person
from tests.builders.availability import span
from tests.builders.booking import Scene, another_booker, make_asked, make_scene

AFTERNOON = span("2026-03-03T13:00+08:00", "2026-03-03T15:00+08:00")


def taken_over(scene: Scene) -> tuple[service.SeriesRecord, BookingRecord, Actor]:
    """The middle of three days goes to another firm."""
    rule = Recurrence(Frequency.WEEKLY, count=3)
    series = service.create_series(scene.key, make_asked(), rule, by=scene.booker)
    day = service.series_days(series.key)[1].booking
    assert day is not None
    _, _, taker = another_booker()
    offer = service.offer_hand_over(day.key, next(iter(taker.customer_ids)), by=scene.booker)
    done = service.accept_hand_over(offer.key, by=taker)
    db.session.remove()
    return series, done, taker


def test_the_series_says_that_a_day_was_handed_over_and_nothing_of_it(now: Any) -> None:
    scene = make_scene()
    series, done, taker = taken_over(scene)
    assert done.series_id is None
    assert [(one.handed_over, one.booking is None) for one in service.series_days(series.key)] == [
        (False, False),
        (True, True),
        (False, False),
    ]
    assert [e.kind for e in service.detail(done.key, taker).events][-3:-1] == ["handed_over", "left_series"]


def test_moving_all_and_cancelling_the_series_leave_the_takers_booking_alone(now: Any) -> None:
    scene = make_scene()
    series, done, taker = taken_over(scene)
    first = service.series_days(series.key)[0].booking
    assert first is not None
    look = service.look_change_series(series.key, first.key.id, AFTERNOON, Scope.ALL, by=scene.booker)
    assert [one.stays for one in look.days] == [None, Stays.HANDED_OVER, None] and look.moving == 2
    service.change_series(series.key, first.key.id, AFTERNOON, Scope.ALL, by=scene.booker)
    db.session.remove()
    assert service.booking(done.key).span == done.span
    assert service.cancel_series(series.key, Scope.ALL, by=scene.booker) == 2
    db.session.remove()
    kept = service.booking(done.key)
    assert (kept.state, kept.version) == (BookingState.APPROVED, done.version)
    assert service.cancel(done.key, by=taker).state is BookingState.CANCELLED


def test_the_days_after_a_day_handed_over_may_become_a_series_of_their_own(now: Any) -> None:
    scene = make_scene()
    series, _done, _taker = taken_over(scene)
    last = service.series_days(series.key)[2].booking
    assert last is not None
    later = span("2026-03-17T13:00+08:00", "2026-03-17T15:00+08:00")
    made = service.change_series(series.key, last.key.id, later, Scope.REST, by=scene.booker)
    db.session.remove()
    assert [one.handed_over for one in service.series_days(series.key)] == [False, True]
    assert [one.booking and one.booking.key for one in service.series_days(made.key)] == [last.key]


def test_a_day_for_another_group_of_the_house_leaves_and_one_for_a_colleague_stays(now: Any) -> None:
    scene = make_scene()
    leader = make_person(roles=[(scene.host, Role.BOOKER)])
    mine, other = make_group(scene.host, leader=leader), make_group(scene.host, leader=leader)
    by = actor(leader, scene.host)
    rule = Recurrence(Frequency.WEEKLY, count=2)
    series = service.create_series(scene.key, make_asked(customer_id=mine.id), rule, by=by)
    one, two = (day.booking for day in service.series_days(series.key))
    assert one is not None and two is not None
    service.hand_over(one.key, leader.id, customer_id=other.id, by=by)
    db.session.remove()
    assert [day.handed_over for day in service.series_days(series.key)] == [True, False]
    colleague = make_person(roles=[(scene.firm, Role.BOOKER)])
    firms = service.create_series(scene.key, make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00"), rule, by=scene.booker)  # fmt: skip
    day = service.series_days(firms.key)[0].booking
    assert day is not None
    service.hand_over(day.key, colleague.id, by=scene.booker)
    db.session.remove()
    assert not any(one.handed_over for one in service.series_days(firms.key))


def test_the_host_answers_no_day_that_left_with_the_series(now: Any) -> None:
    scene = make_scene(rules={"approval": "always"})
    series, done, _taker = taken_over(scene)
    with pytest.raises(NoSuchBooking):
        service.answer_series(series.key, True, by=scene.manager, days={done.key.id: None})
    assert len(service.answer_series(series.key, True, by=scene.manager)) == 2
    assert service.booking(done.key).state is BookingState.REQUESTED
