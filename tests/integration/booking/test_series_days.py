"""A day of a series that was left out is booked after all: judged anew, like the other days, and told of."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import (
    BookingRefused,
    NoSuchBooking,
    NotYours,
    SlotTaken,
    StaleBooking,
    WrongState,
)
from resource_hub.domain.booking.terms import BookingState, Scope
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from tests.builders.accounts import actor, make_person
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.test_linked import linked
from tests.integration.booking.test_series import WEEKLY4, hours, on

LEFT = on("2026-03-10")
SKIP = {LEFT: service.Choice(skip=True)}


def left_out(scene: Scene | None = None, **asked: Any) -> tuple[Scene, service.SeriesRecord]:
    scene = scene or make_scene()
    series = service.create_series(scene.key, make_asked(**asked), WEEKLY4, by=scene.booker, choices=SKIP)
    return scene, series


def test_a_day_left_out_is_booked_at_the_time_of_the_rule_with_the_wish_of_its_neighbours(now: Any) -> None:
    scene, series = left_out(purpose="production", description="alloy 7", samples=3)
    look = service.look_series_day(series.key, LEFT, by=scene.booker)
    assert look.reasons == () and look.quote is not None and look.quote.sums.to_pay.minor == 840_00
    booked = service.book_series_day(series.key, LEFT, by=scene.booker, version=series.version)
    assert (booked.purpose, booked.description, booked.samples) == ("production", "alloy 7", 3)
    assert booked.series_id == series.key.id and booked.state is BookingState.APPROVED
    assert hours(series) == [f"03-{day} 09:00–11:00" for day in ("03", "10", "17", "24")]
    found = service.series_for(series.key, scene.booker)[0]
    assert found.version == series.version + 1
    assert not service.moved_by_hand(found, service.series_days(series.key)[1], "Asia/Shanghai")


def test_at_another_time_it_counts_as_moved_by_hand(now: Any) -> None:
    scene, series = left_out()
    later = span("2026-03-11T13:00+08:00", "2026-03-11T15:00+08:00")
    service.book_series_day(series.key, LEFT, later, by=scene.booker)
    assert hours(series)[1] == "03-11 13:00–15:00"
    assert service.moved_by_hand(series, service.series_days(series.key)[1], "Asia/Shanghai")


def test_what_clashes_still_says_why_and_what_would_do(now: Any) -> None:
    scene = make_scene()
    _, _, other = another_booker()
    make_booking(scene, by=other, asked=make_asked("2026-03-10T10:00+08:00", "2026-03-10T12:00+08:00"))
    scene, series = left_out(scene)
    look = service.look_series_day(series.key, LEFT, by=scene.booker)
    assert look.clashes and look.alternatives
    with pytest.raises(SlotTaken):
        service.book_series_day(series.key, LEFT, by=scene.booker)
    own = span("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00")
    with pytest.raises(BookingRefused, match="series_own"):
        service.book_series_day(series.key, LEFT, own, by=scene.booker)
    assert hours(series)[1] == "–"


def test_only_a_day_that_was_left_out_and_by_who_may(now: Any) -> None:
    scene, series = left_out()
    with pytest.raises(WrongState):
        service.book_series_day(series.key, on("2026-03-17"), by=scene.booker)
    with pytest.raises(NoSuchBooking):
        service.book_series_day(series.key, on("2026-03-11"), by=scene.booker)
    with pytest.raises(NoSuchBooking):
        service.look_series_day(series.key, LEFT, by=another_booker()[2])
    operator = make_person(roles=[(scene.host, Role.OPERATOR)])
    with pytest.raises(NotYours):
        service.book_series_day(series.key, LEFT, by=actor(operator, scene.host))
    with pytest.raises(StaleBooking):
        service.book_series_day(series.key, LEFT, by=scene.booker, version=series.version + 1)
    service.book_series_day(series.key, LEFT, by=scene.booker)
    with pytest.raises(WrongState):
        service.book_series_day(series.key, LEFT, by=scene.booker)


def test_a_day_that_is_past_or_was_handed_over_stays_left_out(now: Any) -> None:
    scene, series = left_out()
    with clock.fixed(moment("2026-03-10T09:30+08:00")), pytest.raises(BookingRefused, match="in_past"):
        service.book_series_day(series.key, LEFT, by=scene.booker)
    third = service.series_days(series.key)[2].booking
    assert third is not None
    _, _, taker = another_booker()
    offer = service.offer_hand_over(third.key, next(iter(taker.customer_ids)), by=scene.booker)
    service.accept_hand_over(offer.key, by=taker)
    with pytest.raises(WrongState):
        service.book_series_day(series.key, on("2026-03-17"), by=scene.booker)


def test_the_host_books_it_for_the_customer_and_both_sides_are_told(now: Any) -> None:
    scene, series = left_out()
    booked = service.book_series_day(series.key, LEFT, by=scene.manager)
    assert booked.customer_id == scene.customer_id and booked.person_id == scene.booker.person_id
    while outbox.deliver_due():
        pass
    db.session.remove()
    assert "booking.booked_for_you" in [one.kind for one in notices.inbox(scene.booker.person_id)]


def test_it_asks_for_the_hosts_yes_where_the_rules_do(now: Any) -> None:
    scene, series = left_out(make_scene(rules={"approval": "always"}))
    booked = service.book_series_day(series.key, LEFT, by=scene.booker)
    assert booked.state is BookingState.REQUESTED
    while outbox.deliver_due():
        pass
    db.session.remove()
    assert "booking.requested_at_host" in [one.kind for one in notices.inbox(scene.manager.person_id)]


def test_what_comes_along_with_the_other_days_comes_along(now: Any) -> None:
    world = linked()
    scene, room, operator = world.scene, world.room, world.operator
    asked = make_asked(helpers=frozenset({operator.key.id}))
    series = service.create_series(scene.key, asked, WEEKLY4, by=scene.booker, choices=SKIP)
    booked = service.book_series_day(series.key, LEFT, by=scene.booker)
    along = {one.record.resource_key for one in service.helpers_of(booked.key)}
    assert along == {room.key, operator.key}


def test_it_moves_and_goes_with_the_series_from_then_on(now: Any) -> None:
    scene, series = left_out()
    service.book_series_day(series.key, LEFT, by=scene.booker)
    assert service.cancel_series(series.key, Scope.ALL, by=scene.booker) == 4
    days: list[date] = [one.day for one in service.series_days(series.key)]
    assert days == [on(f"2026-03-{day}") for day in ("03", "10", "17", "24")]
