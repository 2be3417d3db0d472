"""What is read with the lock of a resource says the same as the rows themselves, on both engines."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from resource_hub.domain.availability import service, slot_store
from resource_hub.domain.availability.errors import SlotTaken
from resource_hub.domain.availability.tables import FreeWindow, Occupancy
from resource_hub.domain.availability.terms import Audience, OccupancyKind
from resource_hub.infra import stamps
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan
from tests.builders.accounts import make_institution
from tests.builders.availability import make_rules, make_weekly, moment, span
from tests.builders.catalogue import make_listing

MONDAY = moment("2026-03-02T09:00+08:00")


def opened(units: int) -> HostKey:
    key = make_listing(make_institution(), units=units).key
    weekly = make_weekly() + make_weekly(weekdays=[5], audience=Audience.OUTSIDE)
    with unit_of_work() as unit:
        service.set_hours_directly(unit, key, weekly, make_rules())
        service.rebuild(unit, [key], TimeSpan(MONDAY - timedelta(days=2), MONDAY + timedelta(days=14)))
    return key


def hold(unit: Unit, key: HostKey, when: TimeSpan, **more: object) -> object:
    return service.occupy(unit, key, None, when, OccupancyKind.BOOKING, new_id(), **more)  # type: ignore[arg-type]


def by_rows(key: HostKey, wanted: TimeSpan) -> tuple[set[object], set[object]]:
    """The same by going through all rows."""
    held = {
        (row.unit_id, row.starts_at, row.ends_at, row.kind)
        for row in reading().scalars(select(Occupancy).where(Occupancy.resource_id == key.id))
        if row.starts_at < wanted.end and row.ends_at > wanted.start
    }
    kept = {
        (row.unit_id, row.audience, row.starts_at, row.ends_at)
        for row in reading().scalars(select(FreeWindow).where(FreeWindow.resource_id == key.id))
        if row.starts_at <= wanted.end and row.ends_at >= wanted.start
    }
    return held, kept


@pytest.mark.parametrize("units", [1, 3])
def test_what_is_around_a_span_is_what_the_rows_say(now: datetime, units: int) -> None:
    key, other, chance = opened(units), opened(units), random.Random(units)
    for _ in range(30):
        start = MONDAY + timedelta(minutes=30 * chance.randrange(96))
        for one in (key, other):
            with unit_of_work() as unit:
                try:
                    hold(unit, one, TimeSpan(start, start + timedelta(minutes=30 * chance.randrange(1, 8))))
                except SlotTaken:
                    continue
    for _ in range(80):
        # On the half hours, so that many of them touch what they meet.
        start = MONDAY + timedelta(minutes=30 * chance.randrange(-20, 110))
        wanted = TimeSpan(start, start + timedelta(minutes=30 * chance.randrange(1, 30)))
        with unit_of_work() as unit:
            found = slot_store.around(unit.session, key, wanted)
        held, kept = by_rows(key, wanted)
        assert {(h.unit_id, h.span.start, h.span.end, h.kind.value) for h in found.held} == held
        assert {(u, a.value, w.start, w.end) for u, a, w in found.kept} == kept
        assert len(found.held) == len(held) and len(found.kept) == len(kept)


def test_the_stamps_that_come_with_the_lock_are_the_ones_that_stand(now: datetime) -> None:
    key = opened(1)
    subjects = [key.id, key.institution_id, stamps.CALENDARS, new_id()]
    with unit_of_work() as unit:
        drawn = service.lock_with_helpers(unit, key, None, subjects).stamps
        assert drawn[key.id] and drawn[subjects[-1]] == ()
        assert tuple(drawn[one] for one in subjects) == stamps.Stamps().of(subjects)


def test_what_came_with_the_lock_is_read_again_where_the_rules_reach_further(now: datetime) -> None:
    key = opened(1)
    ten, one = moment("2026-03-03T10:00+08:00"), moment("2026-03-03T13:00+08:00")
    with unit_of_work() as unit:
        hold(unit, key, TimeSpan(ten - timedelta(hours=1), ten))
    wish = TimeSpan(one, one + timedelta(hours=1))
    for setup, fits in ((3 * 3600, True), (3 * 3600 + 60, False)):
        with unit_of_work() as unit:
            seen = service.lock_with_helpers(unit, key, wish).around
            assert seen is None or not seen.held
            if fits:
                hold(unit, key, wish, setup_seconds=setup, seen=seen)
                unit.session.rollback()
                continue
            with pytest.raises(SlotTaken):
                hold(unit, key, wish, setup_seconds=setup, seen=seen)


def test_as_much_is_read_ahead_as_the_resource_took_last_time(now: datetime) -> None:
    key = opened(1)
    first = span("2026-03-02T10:00+08:00", "2026-03-02T11:00+08:00")
    wish = span("2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00")
    with unit_of_work() as unit:
        hold(unit, key, first, setup_seconds=600, teardown_seconds=60)
    with unit_of_work() as unit:
        seen = service.lock_with_helpers(unit, key, wish).around
        assert seen is not None and seen.span == wish.widened(600, 600)


@pytest.mark.parametrize("wish", [
    TimeSpan(datetime(9999, 12, 31, 22, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)),
    span("2026-03-02T09:00+08:00", "2036-03-02T09:00+08:00"),
])  # fmt: skip
def test_nothing_is_read_ahead_of_a_wish_that_no_rule_allows(now: datetime, wish: TimeSpan) -> None:
    key = opened(1)
    with unit_of_work() as unit:
        assert service.lock_with_helpers(unit, key, wish).around is None
