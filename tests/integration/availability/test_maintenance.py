"""Maintenance entered over other maintenance: the time stays closed as long as any of it stands over it."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import occupancy_store, service
from resource_hub.domain.availability.errors import SlotTaken
from resource_hub.domain.availability.terms import DatedException, ExceptionKind, OccupancyKind
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra.database import db, reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, intersect, merge
from tests.builders.accounts import make_actor, make_institution
from tests.builders.availability import make_weekly, span
from tests.builders.catalogue import make_listing

MORNING = span("2026-03-10T09:00+08:00", "2026-03-10T12:00+08:00")
FROM_ELEVEN = span("2026-03-10T11:00+08:00", "2026-03-10T14:00+08:00")
NOON = span("2026-03-10T12:00+08:00", "2026-03-10T13:00+08:00")
DAY = span("2026-03-10T09:00+08:00", "2026-03-10T17:00+08:00")


class Place:
    """A microscope, open on every day from 9 to 17."""

    def __init__(self, units: int = 1) -> None:
        host = make_institution()
        self.key: HostKey = make_listing(host, units=units).key
        self.manager = make_actor(host, Role.MANAGER)
        service.save_hours(self.key, make_weekly(weekdays=range(7)), date(2026, 3, 2), by=self.manager)
        self.units = [unit.key.id for unit in catalogue.units(self.key)]

    def enter(self, when: TimeSpan, unit_id: UUID | None = None) -> UUID:
        wanted = DatedException(ExceptionKind.MAINTENANCE, when, unit_id=unit_id, reason_zh="校准")
        assert service.preview_exception(self.key, wanted, by=self.manager) == []
        made = service.add_exception(self.key, wanted, by=self.manager)
        assert made.id is not None
        return made.id

    def enter_weekly(self, when: TimeSpan, count: int, unit_id: UUID | None = None) -> UUID:
        days = [
            TimeSpan(when.start + timedelta(weeks=n), when.end + timedelta(weeks=n)) for n in range(count)
        ]
        dates = [DatedException(ExceptionKind.MAINTENANCE, one, unit_id=unit_id) for one in days]
        return service.add_dates(self.key, dates, by=self.manager)

    def take_back(self, exception_id: UUID) -> None:
        service.remove_exception(self.key, exception_id, by=self.manager)
        db.session.remove()

    def closed(self, unit_id: UUID, when: TimeSpan = DAY) -> list[TimeSpan]:
        held = occupancy_store.occupancies(reading(), [self.key], when).get(self.key, [])
        return merge(h.span for h in held if h.unit_id == unit_id and h.kind is OccupancyKind.MAINTENANCE)

    def book(self, when: TimeSpan) -> None:
        with unit_of_work() as unit:
            service.occupy(unit, self.key, None, when, OccupancyKind.BOOKING, new_id())

    def findable(self, when: TimeSpan) -> bool:
        """Whether the kept windows that the search reads offer the time."""
        found = service.next_free([self.key], when.seconds, when.start, days=1)
        return found.get(self.key) == when.start


def test_a_single_one_taken_back_under_a_weekly_one_frees_only_what_nothing_else_closes(
    now: datetime,
) -> None:
    place = Place()
    single = place.enter(MORNING)
    place.enter_weekly(FROM_ELEVEN.widened(7 * 86400, -7 * 86400), 3)
    place.take_back(single)
    assert place.closed(place.units[0]) == [FROM_ELEVEN]
    with pytest.raises(SlotTaken):
        place.book(NOON)
    with pytest.raises(SlotTaken):
        place.book(span("2026-03-10T10:00+08:00", "2026-03-10T11:30+08:00"))
    assert not place.findable(NOON)
    free = span("2026-03-10T09:00+08:00", "2026-03-10T11:00+08:00")
    assert place.findable(free)
    place.book(free)


def test_weekly_ones_taken_back_leave_the_single_one_that_they_lay_under(now: datetime) -> None:
    place = Place()
    weekly = place.enter_weekly(FROM_ELEVEN, 3)
    place.enter(DAY)
    assert service.remove_dates(place.key, weekly, by=place.manager) == 3
    db.session.remove()
    assert place.closed(place.units[0]) == [DAY] and not place.findable(NOON)
    later = FROM_ELEVEN.widened(-7 * 86400, 7 * 86400)
    assert place.closed(place.units[0], later) == [] and place.findable(later)


def test_a_booking_still_stands_in_the_way_of_what_lies_over_other_maintenance(now: datetime) -> None:
    place = Place()
    place.enter(MORNING)
    place.book(span("2026-03-10T12:00+08:00", "2026-03-10T14:00+08:00"))
    wanted = DatedException(ExceptionKind.MAINTENANCE, FROM_ELEVEN)
    assert len(service.preview_exception(place.key, wanted, by=place.manager)) == 1
    with pytest.raises(SlotTaken):
        service.add_exception(place.key, wanted, by=place.manager)


def test_a_unit_that_comes_back_is_held_once_where_two_lie_over_each_other(now: datetime) -> None:
    place = Place(units=2)
    unit = catalogue.units(place.key)[1]
    names = {"name_zh": unit.name_zh, "name_en": unit.name_en}
    catalogue.change_unit(unit.key, by=place.manager, **names, active=False)
    single = place.enter(MORNING)
    place.enter(FROM_ELEVEN)
    catalogue.change_unit(unit.key, by=place.manager, **names, active=True)
    place.take_back(single)
    assert [place.closed(one) for one in place.units] == [[FROM_ELEVEN]] * 2


@pytest.mark.parametrize("seed", range(4))
def test_entered_and_taken_back_in_any_order_what_stands_is_closed_and_the_rest_is_free(
    now: datetime, seed: int
) -> None:
    draw = random.Random(seed)
    place = Place(units=2)
    standing: dict[UUID, tuple[TimeSpan, UUID | None]] = {}
    hours = [DAY.start + timedelta(hours=n) for n in range(9)]
    for _ in range(25):
        if standing and draw.random() < 0.45:
            gone = draw.choice(sorted(standing))
            place.take_back(gone)
            del standing[gone]
        else:
            start, end = sorted(draw.sample(hours, 2))
            when, whom = TimeSpan(start, end), draw.choice([None, *place.units])
            standing[place.enter(when, whom)] = (when, whom)
        for unit_id in place.units:
            wanted = merge(when for when, whom in standing.values() if whom in (None, unit_id))
            assert place.closed(unit_id) == wanted
        both = intersect(*(place.closed(unit_id) for unit_id in place.units))
        for start in hours[:-1]:
            hour = TimeSpan(start, start + timedelta(hours=1))
            assert place.findable(hour) == (not any(one.overlaps(hour) for one in both))
