"""A resource of several units of which one is closed, or kept for others: no way of booking leads onto it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Audience, ExceptionKind, OccupancyKind
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import BookingRefused, SeriesClash, SlotTaken
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.terms import BookingState, Fate, Scope, Verdict, WaitingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders.accounts import actor, make_actor, make_group, make_person
from tests.builders.availability import make_exception, moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.test_linked import helper, linked
from tests.integration.booking.test_races import assert_no_overlap, assert_windows_are_kept, people
from tests.support.databases import Database
from tests.support.racing import race

TUESDAY = span("2026-03-03T00:00+08:00", "2026-03-04T00:00+08:00")
MORNING = span("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")
NOON = span("2026-03-03T11:00+08:00", "2026-03-03T13:00+08:00")
WEDNESDAY = ("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00")


def units_of(key: HostKey) -> list[UUID]:
    return [unit.key.id for unit in catalogue.units(key)]


def close(scene: Scene, unit_id: UUID, key: HostKey | None = None) -> None:
    availability.add_exception(
        key or scene.key, make_exception(span=TUESDAY, unit_id=unit_id), by=scene.manager
    )


def closed_second(**rules: Any) -> tuple[Scene, UUID, UUID]:
    """Two units, of which the second is closed on Tuesday."""
    scene = make_scene(units=2, rules=rules)
    first, second = units_of(scene.key)
    close(scene, second)
    return scene, first, second


def on_second(scene: Scene, second: UUID, start: str = WEDNESDAY[0], end: str = WEDNESDAY[1]) -> Any:
    return make_booking(scene, asked=make_asked(start, end, unit_id=second))


@pytest.mark.parametrize("approval", ["never", "always"])
def test_an_order_without_a_unit_is_refused_once_the_open_units_are_taken(
    now: datetime, approval: str
) -> None:
    scene, first, _ = closed_second(approval=approval)
    assert make_booking(scene).unit_id == first
    for act in (service.request, service.hold):
        with pytest.raises(SlotTaken) as caught:
            act(scene.key, make_asked(), by=another_booker()[2])
        assert len(caught.value.values["alternatives"]) == 3
    with pytest.raises(BookingRefused) as refused:
        make_booking(scene, asked=make_asked(unit_id=units_of(scene.key)[1]))
    assert [one.code for one in refused.value.reasons] == ["availability.closed_closure"]


def test_a_move_without_a_unit_leaves_the_closed_one(now: datetime) -> None:
    scene, first, second = closed_second()
    booked = on_second(scene, second)
    assert service.change_preview(booked.key, MORNING, by=scene.booker).free
    moved = service.change(booked.key, MORNING, by=scene.booker)
    assert (moved.unit_id, moved.span) == (first, MORNING)


def test_a_move_onto_the_closed_unit_is_refused_where_the_other_is_taken(now: datetime) -> None:
    scene, _, second = closed_second()
    booked = on_second(scene, second)
    make_booking(scene, by=another_booker()[2])
    look = service.change_preview(booked.key, MORNING, by=scene.booker)
    assert not look.free
    with pytest.raises(SlotTaken) as caught:
        service.change(booked.key, MORNING, by=scene.booker)
    assert caught.value.values["alternatives"]
    stays = service.booking(booked.key)
    assert (stays.unit_id, stays.span) == (second, booked.span)


def test_a_booking_does_not_grow_into_the_closure_of_its_unit(now: datetime) -> None:
    scene = make_scene(units=2)
    first, second = units_of(scene.key)
    booked = on_second(scene, second, "2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")
    closure = make_exception(span=NOON, unit_id=second)
    availability.add_exception(scene.key, closure, by=scene.manager)
    longer = span("2026-03-03T09:00+08:00", "2026-03-03T12:00+08:00")
    taken = make_booking(scene, by=another_booker()[2], asked=make_asked(unit_id=first))
    with pytest.raises(SlotTaken):
        service.change(booked.key, longer, by=scene.booker)
    service.cancel(taken.key, by=scene.manager, reason="检定")
    assert service.change(booked.key, longer, by=scene.booker).unit_id == first


def test_a_running_use_does_not_grow_onto_another_unit(now: datetime) -> None:
    scene = make_scene(units=2)
    _, second = units_of(scene.key)
    booked = on_second(scene, second, "2026-03-02T09:00+08:00", "2026-03-02T11:00+08:00")
    closure = make_exception(span=span("2026-03-02T11:00+08:00", "2026-03-02T13:00+08:00"), unit_id=second)
    availability.add_exception(scene.key, closure, by=scene.manager)
    with clock.fixed(moment("2026-03-02T09:05+08:00")):
        with unit_of_work() as unit:
            service.started(unit, booked.key)
        with pytest.raises(BookingRefused) as caught:
            service.change(
                booked.key, span("2026-03-02T09:00+08:00", "2026-03-02T12:00+08:00"), by=scene.booker
            )
    assert [one.code for one in caught.value.reasons] == ["availability.closed_closure"]


def test_a_unit_kept_for_firms_is_not_given_to_a_group_of_the_house(now: datetime) -> None:
    scene = make_scene(units=2)
    first, second = units_of(scene.key)
    kept = make_exception(
        ExceptionKind.EXTRA,
        span=span("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00"),
        unit_id=first,
        audience=Audience.OUTSIDE,
    )
    availability.add_exception(scene.key, kept, by=scene.manager)
    make_booking(scene, asked=make_asked(unit_id=second))
    leader = make_person(roles=[(scene.host, Role.BOOKER)])
    group = make_group(scene.host, leader=leader)
    inside = actor(leader, scene.host)
    with pytest.raises(SlotTaken):
        make_booking(scene, by=inside, asked=make_asked(customer_id=group.id))
    booked = make_booking(scene, by=another_booker()[2])
    assert booked.unit_id == first


def test_what_is_booked_along_is_not_taken_on_its_closed_unit(now: datetime) -> None:
    scene = linked().scene
    bench = helper(scene, "双间", units=2)
    office = make_actor(scene.host, Role.OFFICE)
    catalogue.save_links(scene.key, {bench.key.id: True}, by=office)
    first, second = units_of(bench.key)
    close(scene, second, bench.key)
    booked = make_booking(scene)
    [along] = service.helpers_of(booked.key)
    assert along.record.unit_id == first
    other = another_booker()[2]
    wednesday = make_booking(scene, by=other, asked=make_asked(*WEDNESDAY))
    service.cancel(booked.key, by=scene.booker)
    # The first unit of what comes along is busy with something else now.
    with unit_of_work() as unit:
        availability.occupy(unit, bench.key, first, MORNING, OccupancyKind.EXTERNAL, new_id())
    with pytest.raises(SlotTaken) as caught:
        make_booking(scene)
    assert caught.value.reasons[0].code == "booking.helper_in_the_way"
    with pytest.raises(SlotTaken):
        service.change(wednesday.key, MORNING, by=other)


def test_a_series_asks_each_day_for_its_open_units(now: datetime) -> None:
    scene, _, second = closed_second()
    make_booking(scene, by=another_booker()[2])
    rule = Recurrence(Frequency.WEEKLY, count=2)
    look = service.look_series(scene.key, make_asked(), rule, by=scene.booker)
    assert [bool(day.reasons) for day in look.days] == [True, False]
    with pytest.raises(SeriesClash):
        service.create_series(scene.key, make_asked(), rule, by=scene.booker)
    series = service.create_series(scene.key, make_asked(*WEDNESDAY, unit_id=second), rule, by=scene.booker)
    [one, _] = service.series_days(series.key)
    assert one.booking is not None
    with pytest.raises(SeriesClash):
        service.change_series(series.key, one.booking.key.id, MORNING, Scope.ONE, by=scene.booker)


def test_who_waits_is_offered_no_closed_unit(now: datetime) -> None:
    scene, first, _ = closed_second()
    whole = make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00")
    booked = make_booking(scene, asked=whole)
    _, _, other = another_booker()
    entry = service.join_line(
        scene.key,
        make_asked(),
        whole.span.start,
        whole.span.end,
        7200,
        by=other,  # type: ignore[union-attr]
    )
    assert entry.state is WaitingState.WAITING
    service.cancel(booked.key, by=scene.booker)
    entry = service.entry_for(entry.key, other)
    assert entry.state is WaitingState.OFFERED and entry.booking_id is not None
    assert service.booking(HostKey(entry.key.institution_id, entry.booking_id)).unit_id == first
    assert service.accept_offer(entry.key, by=other).unit_id == first


def test_a_booking_that_the_host_lets_stand_on_a_closed_unit_stands(now: datetime) -> None:
    scene = make_scene(units=2, rules={"approval": "always"})
    _, second = units_of(scene.key)
    asked = on_second(scene, second, "2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")
    closure = make_exception(span=TUESDAY, unit_id=second)
    verdicts = {asked.key.id: Verdict(Fate.STAYS)}
    service.publish_exception(scene.key, closure, by=scene.manager, verdicts=verdicts)
    done = service.approve(asked.key, by=scene.manager)
    assert (done.state, done.unit_id) == (BookingState.APPROVED, second)
    colleague = make_person(roles=[(scene.firm, Role.BOOKER)])
    with pytest.raises(BookingRefused) as caught:
        service.hand_over(asked.key, colleague.id, by=scene.booker)
    assert [one.code for one in caught.value.reasons] == ["availability.closed_closure"]


@pytest.mark.slow
@pytest.mark.xdist_group("race")
def test_eight_at_three_units_of_which_one_is_closed(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene(units=3)
    first, second, third = units_of(scene.key)
    close(scene, second)
    found = race(database, tmp_path, now, "request", [{"key": scene.key, **who} for who in people()])
    assert Counter(one[0] for one in found) == {"won": 2, "taken": 6}
    db.session.remove()
    booked = service.bookings_at(scene.manager)
    assert {one.unit_id for one in booked} == {first, third}
    assert_no_overlap()
    assert_windows_are_kept(scene.key)


@pytest.mark.slow
@pytest.mark.xdist_group("race")
def test_eight_move_to_a_day_on_which_their_unit_is_closed(
    now: Any, database: Database, tmp_path: Path
) -> None:
    scene = make_scene(units=2)
    first, second = units_of(scene.key)
    payloads = []
    for n, who in enumerate(people()):
        by = accounts.actor(who["person_id"], who["organisation_id"])
        day = 4 + n // 4
        start = 9 + n % 4 * 2
        asked = make_asked(
            f"2026-03-{day:02d}T{start:02d}:00+08:00",
            f"2026-03-{day:02d}T{start + 2:02d}:00+08:00",
            unit_id=second,
        )
        booking = make_booking(scene, by=by, asked=asked)
        payloads.append({"booking": booking.key, "span": MORNING, **who})
    close(scene, second)
    found = race(database, tmp_path, now, "change", payloads)
    assert Counter(one[0] for one in found) == {"won": 1, "taken": 7}
    db.session.remove()
    moved = [one for one in service.bookings_at(scene.manager) if one.span == MORNING]
    assert [one.unit_id for one in moved] == [first]
    assert_no_overlap()
    assert_windows_are_kept(scene.key)
