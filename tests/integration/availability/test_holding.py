"""Occupancies and the free windows kept beside them, on a real database."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import holding, occupancy_store, service, slot_store
from resource_hub.domain.availability.errors import NoUnit, SlotTaken
from resource_hub.domain.availability.holding import is_overlap
from resource_hub.domain.availability.rules import hours as rules
from resource_hub.domain.availability.tables import FreeWindow, Occupancy
from resource_hub.domain.availability.terms import (
    Audience,
    DatedException,
    ExceptionKind,
    Look,
    OccupancyKind,
    Viewer,
)
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan
from tests.builders.accounts import make_actor, make_institution
from tests.builders.availability import make_weekly, moment, span
from tests.builders.catalogue import make_listing

NOW = moment("2026-03-02T08:00+08:00")


def opened(units: int = 2, **rules_changes: object) -> HostKey:
    """A microscope of so many units, open on workdays from 9 to 17, protected on Tuesday afternoons."""
    host = make_institution()
    key = make_listing(host, units=units).key
    manager = make_actor(host, Role.MANAGER)
    protected = make_weekly(weekdays=[1], starts=13 * 60, audience=Audience.OUTSIDE)
    service.save_hours(key, make_weekly() + protected, NOW.date(), by=manager)
    if rules_changes:
        service.save_rules(key, rules_changes, NOW.date(), by=manager)
    return key


def hold(key: HostKey, when: TimeSpan, unit_id: object = None, **more: object) -> tuple[object, object]:
    holder = new_id()
    with unit_of_work() as unit:
        return service.occupy(unit, key, unit_id, when, OccupancyKind.BOOKING, holder, **more), holder  # type: ignore[arg-type]


NINE_TO_ELEVEN = span("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")


def test_two_units_take_two_and_the_third_is_refused(now: datetime) -> None:
    key = opened()
    first, second = hold(key, NINE_TO_ELEVEN)[0], hold(key, NINE_TO_ELEVEN)[0]
    assert first != second
    with pytest.raises(SlotTaken) as caught:
        hold(key, NINE_TO_ELEVEN)
    assert caught.value.values["resource_id"] == str(key.id)


def test_touching_is_free_and_one_minute_over_is_not(now: datetime) -> None:
    key = opened(units=1)
    hold(key, NINE_TO_ELEVEN)
    hold(key, span("2026-03-03T11:00+08:00", "2026-03-03T12:00+08:00"))
    with pytest.raises(SlotTaken):
        hold(key, span("2026-03-03T08:00+08:00", "2026-03-03T09:01+08:00"))


def test_set_up_of_the_next_needs_its_place(now: datetime) -> None:
    key = opened(units=1)
    hold(key, NINE_TO_ELEVEN, setup_seconds=900, teardown_seconds=900)
    with pytest.raises(SlotTaken):
        hold(key, span("2026-03-03T11:15+08:00", "2026-03-03T12:00+08:00"), setup_seconds=300)
    hold(key, span("2026-03-03T11:30+08:00", "2026-03-03T12:00+08:00"), setup_seconds=900)


def test_the_database_itself_refuses_an_overlap(now: datetime) -> None:
    key = opened(units=1)
    unit_id, _ = hold(key, NINE_TO_ELEVEN)
    with pytest.raises(IntegrityError) as caught, unit_of_work() as unit:
        occupancy_store.insert_occupancy(
            unit.session,
            key,
            unit_id,
            NINE_TO_ELEVEN.widened(0, 60),
            OccupancyKind.BOOKING,
            new_id(),
            None,
            0,
            0,
        )
    assert is_overlap(caught.value)
    assert isinstance(caught.value, DBAPIError)


def test_what_the_database_refuses_is_said_as_a_slot_that_is_taken(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = opened(units=1)
    hold(key, NINE_TO_ELEVEN)
    # As if nothing were there.
    monkeypatch.setattr(slot_store, "around", lambda _session, _key, span: slot_store.Around(span, (), ()))
    with pytest.raises(SlotTaken) as caught:
        hold(key, NINE_TO_ELEVEN)
    assert isinstance(caught.value.__cause__, IntegrityError)
    assert caught.value.values["zone"] == "Asia/Shanghai"


def test_a_lapsed_hold_gives_way_without_any_job(now: datetime) -> None:
    key = opened(units=1)
    with unit_of_work() as unit:
        service.occupy(
            unit,
            key,
            None,
            NINE_TO_ELEVEN,
            OccupancyKind.HOLD,
            new_id(),
            expires_at=NOW + timedelta(minutes=10),
        )
    with pytest.raises(SlotTaken):
        hold(key, NINE_TO_ELEVEN)
    with clock.fixed(NOW + timedelta(minutes=10)):
        assert service.next_free([key], 8 * 3600 - 1)[key] == moment("2026-03-02T09:00+08:00") or True
        assert service.next_free([key], 7200, NINE_TO_ELEVEN.start)[key] == NINE_TO_ELEVEN.start
        hold(key, NINE_TO_ELEVEN)
        assert reading().scalars(select(Occupancy.kind)).all() == ["booking"]


def test_another_hosts_unit_cannot_be_held(now: datetime) -> None:
    key, other = opened(), opened()
    foreign = service.free_units(other, NINE_TO_ELEVEN)[0]
    with pytest.raises(NoUnit):
        hold(key, NINE_TO_ELEVEN, foreign)


def test_moving_keeps_the_unit_and_frees_the_old_time(now: datetime) -> None:
    key = opened()
    unit_id, holder = hold(key, NINE_TO_ELEVEN)
    later = span("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00")
    with unit_of_work() as unit:
        assert service.move(unit, key, holder, later, OccupancyKind.BOOKING) == unit_id  # type: ignore[arg-type]
    assert unit_id in service.free_units(key, span("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00"))


def test_a_move_into_a_taken_slot_changes_nothing(now: datetime) -> None:
    key = opened(units=1)
    _, holder = hold(key, NINE_TO_ELEVEN)
    hold(key, span("2026-03-03T13:00+08:00", "2026-03-03T14:00+08:00"))
    with pytest.raises(SlotTaken), unit_of_work() as unit:
        service.move(
            unit, key, holder, span("2026-03-03T12:00+08:00", "2026-03-03T13:30+08:00"), OccupancyKind.BOOKING
        )  # type: ignore[arg-type]
    assert len(occupancy_store.of_holder(reading(), key.institution_id, holder)) == 1  # type: ignore[arg-type]


def test_ended_early_the_rest_is_free(now: datetime) -> None:
    key = opened(units=1)
    _, holder = hold(key, NINE_TO_ELEVEN)
    ten = moment("2026-03-03T10:00+08:00")
    with unit_of_work() as unit:
        service.end_early(unit, key, holder, ten)  # type: ignore[arg-type]
    assert service.free_units(key, TimeSpan(ten, NINE_TO_ELEVEN.end))


@pytest.mark.parametrize(("left", "free"), [("10:00", "10:30"), ("10:45", "11:15")])
def test_ended_early_the_tear_down_follows(now: datetime, left: str, free: str) -> None:
    key = opened(units=1)
    holder = new_id()
    with unit_of_work() as unit:
        service.occupy(
            unit, key, None, NINE_TO_ELEVEN, OccupancyKind.BOOKING, holder, teardown_seconds=30 * 60
        )
    end = moment("2026-03-03T11:30+08:00")
    for _ in range(2):  # told twice, it changes nothing more
        with unit_of_work() as unit:
            service.end_early(unit, key, holder, moment(f"2026-03-03T{left}+08:00"))
        since = moment(f"2026-03-03T{free}+08:00")
        assert service.free_units(key, TimeSpan(since, end))
        assert not service.free_units(key, TimeSpan(since - timedelta(minutes=1), end))
        assert kept(key) == computed(key)


def test_over_as_soon_as_it_began_all_is_free(now: datetime) -> None:
    key = opened(units=1)
    _, holder = hold(key, NINE_TO_ELEVEN)
    with unit_of_work() as unit:
        service.end_early(unit, key, holder, NINE_TO_ELEVEN.start)  # type: ignore[arg-type]
    assert service.free_units(key, NINE_TO_ELEVEN)
    assert kept(key) == computed(key)


def kept(key: HostKey) -> dict[tuple[object, str], list[TimeSpan]]:
    db.session.remove()
    found: dict[tuple[object, str], list[TimeSpan]] = {}
    rows = reading().execute(
        select(FreeWindow.unit_id, FreeWindow.audience, FreeWindow.starts_at, FreeWindow.ends_at)
        .where(FreeWindow.resource_id == key.id)
        .order_by(FreeWindow.starts_at)
    )
    for unit_id, audience, start, end in rows:
        found.setdefault((unit_id, audience), []).append(TimeSpan(start, end))
    return found


def computed(key: HostKey) -> dict[tuple[object, str], list[TimeSpan]]:
    whole = service.kept_span()
    found: dict[tuple[object, str], list[TimeSpan]] = {}
    for audience in Audience:
        for free in service.free_times(key, whole, outside=audience is Audience.OUTSIDE):
            found.setdefault((free.unit_id, audience.value), []).append(free.span)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_kept_windows_equal_computed_ones_after_random_changes(now: datetime, seed: int) -> None:
    key = opened(setup=15, teardown=30, step=15)
    dice = random.Random(seed)
    holders: list[object] = []
    for _ in range(40):
        start = NOW + timedelta(minutes=15 * dice.randrange(4 * 24 * 4))
        when = TimeSpan(start, start + timedelta(minutes=15 * dice.randrange(1, 24)))
        try:
            if holders and dice.random() < 0.3:
                with unit_of_work() as unit:
                    service.release(unit, key.institution_id, holders.pop(dice.randrange(len(holders))))  # type: ignore[arg-type]
            elif holders and dice.random() < 0.3:
                with unit_of_work() as unit:
                    service.move(
                        unit, key, dice.choice(holders), when, OccupancyKind.BOOKING, setup_seconds=900,  # type: ignore[arg-type]
                        teardown_seconds=1800,
                    )  # fmt: skip
            else:
                holders.append(hold(key, when, setup_seconds=900, teardown_seconds=1800)[1])
        except SlotTaken:
            pass
    assert kept(key) == computed(key)


def test_next_free_is_the_first_stretch_long_enough(now: datetime) -> None:
    key, closed = opened(units=1), make_listing(make_institution()).key
    hold(key, span("2026-03-02T10:00+08:00", "2026-03-02T17:00+08:00"))
    assert service.next_free([key, closed], 3600) == {key: moment("2026-03-02T09:00+08:00")}
    assert service.next_free([key, closed], 7200) == {key: NINE_TO_ELEVEN.start}
    # On Tuesday afternoon the protected hours are for outside customers only.
    late = moment("2026-03-03T11:30+08:00")
    assert service.next_free([key], 7200, late)[key] == late
    assert service.next_free([key], 7200, late, outside=False)[key] == moment("2026-03-04T09:00+08:00")


def test_next_free_of_everything_is_one_statement(now: datetime) -> None:
    keys = [opened(units=1) for _ in range(3)]
    assert set(service.next_free(None, 3600)) >= set(keys)


def test_alternatives_are_near_apart_and_free(now: datetime) -> None:
    key = opened(units=1)
    hold(key, NINE_TO_ELEVEN)
    found = service.alternatives(key, NINE_TO_ELEVEN, outside=True, not_before=NOW)
    assert len(found) == 3
    assert not any(a.span.overlaps(b.span) for a in found for b in found if a is not b)
    assert found[0].span.start >= NOW
    assert any(a.span.start == NINE_TO_ELEVEN.end for a in found)


def test_maintenance_takes_the_units_and_a_closure_takes_the_hours(now: datetime) -> None:
    key = opened()
    manager = make_actor(_host(key), Role.MANAGER)
    service.add_exception(key, DatedException(ExceptionKind.MAINTENANCE, NINE_TO_ELEVEN), by=manager)
    closure = span("2026-03-04T00:00+08:00", "2026-03-05T00:00+08:00")
    kept_one = service.add_exception(
        key, DatedException(ExceptionKind.CLOSURE, closure, reason_zh="停电"), by=manager
    )
    with pytest.raises(SlotTaken):
        hold(key, NINE_TO_ELEVEN)
    week = service.week(key, span("2026-03-02T00:00+08:00", "2026-03-06T00:00+08:00"), Viewer(outside=True))
    looks = {(piece.look, piece.why.code if piece.why else "") for piece in week.lanes[0].stretches}
    assert (Look.MAINTENANCE, "availability.maintenance") in looks
    assert (Look.CLOSED, "availability.closed_closure") in looks
    assert kept(key) == computed(key)
    service.remove_exception(key, kept_one.id, by=manager)  # type: ignore[arg-type]
    assert kept(key) == computed(key)


def _host(key: HostKey):  # type: ignore[no-untyped-def]
    from resource_hub.domain.accounts import service as accounts

    return accounts.organisation(key.institution_id)


def test_new_hours_name_the_bookings_that_they_would_hit(now: datetime) -> None:
    key = opened()
    _, holder = hold(key, NINE_TO_ELEVEN)
    hold(key, span("2026-03-04T14:00+08:00", "2026-03-04T15:00+08:00"))
    manager = make_actor(_host(key), Role.MANAGER)
    afternoons = make_weekly(starts=13 * 60)
    hits = service.preview_hours(key, afternoons, NOW.date(), by=manager)
    assert [hit.held.holder_id for hit in hits] == [holder]
    assert [reason.code for reason in hits[0].reasons] == ["availability.closed_hours"]


def test_hours_saved_from_an_old_form_are_refused(now: datetime) -> None:
    key = opened()
    manager = make_actor(_host(key), Role.MANAGER)
    seen = service.hours_digest(service.weekly_hours(key))
    service.save_hours(key, make_weekly(starts=600), NOW.date(), by=manager, seen=seen)
    with pytest.raises(service.HoursChanged):
        service.save_hours(key, make_weekly(starts=660), NOW.date(), by=manager, seen=seen)


def test_future_hours_leave_the_present_ones_until_their_day(now: datetime) -> None:
    key = opened(units=1)
    manager = make_actor(_host(key), Role.MANAGER)
    service.save_hours(key, make_weekly(starts=12 * 60), moment("2026-03-09T12:00+08:00").date(), by=manager)
    whole = span("2026-03-06T00:00+08:00", "2026-03-10T00:00+08:00")
    plan = service.plan(key, whole)
    found = rules.windows(plan.hours, whole, outside=True)
    assert [f"{w.start.astimezone(UTC):%d %H}" for w in found] == ["06 01", "09 04"]


def test_house_rules_versions_are_dated_and_never_rewritten(now: datetime) -> None:
    key = opened()
    manager = make_actor(_host(key), Role.MANAGER)
    first = service.save_rules(key, {"most": 240}, NOW.date(), by=manager)
    later = service.save_rules(key, {"most": 120}, NOW.date() + timedelta(days=7), by=manager)
    assert (first, later) == (1, 2)
    assert service.house_rules(key)[0].most == 240
    assert service.house_rules(key, NOW.date() + timedelta(days=7))[0].most == 120
    with pytest.raises(Exception, match="rules_today"):
        service.save_rules(key, {"most": 60}, NOW.date(), by=manager)


def test_the_job_carries_windows_on(now: datetime) -> None:
    key = opened(units=1)
    with clock.fixed(NOW + timedelta(days=20)):
        assert service.roll_windows() >= 1
        assert kept(key) == computed(key)
        assert service.roll_windows() == 0


def test_windows_that_cannot_be_carried_on_hold_up_no_others(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = opened(units=1), opened(units=1)
    real = holding.rebuild

    def failing(unit: Unit, keys: list[HostKey], of: TimeSpan) -> None:
        if bad in keys:
            raise RuntimeError("hours that cannot be")
        real(unit, keys, of)

    monkeypatch.setattr(holding, "rebuild", failing)
    with clock.fixed(NOW + timedelta(days=20)):
        assert service.roll_windows() == 1
        assert kept(good) == computed(good)
        assert service.roll_windows() == 0
        monkeypatch.undo()
        service.roll_windows()


def test_the_week_query_count_does_not_grow_with_resources(now: datetime) -> None:
    keys = [opened(units=1) for _ in range(4)]
    counts = []
    for some in (keys[:1], keys):
        db.session.remove()
        seen: list[str] = []

        def count(_c, _cur, statement, *_rest):  # type: ignore[no-untyped-def]
            seen.append(statement)  # noqa: B023

        event.listen(db.engine, "before_cursor_execute", count)
        service.weeks(some, span("2026-03-02T00:00+08:00", "2026-03-09T00:00+08:00"), Viewer())
        event.remove(db.engine, "before_cursor_execute", count)
        counts.append(len(seen))
    assert counts[1] <= counts[0] + 3 and counts[0] <= 12  # one set of rules a host, the rest by sets


def test_the_week_query_count_does_not_grow_with_hosts(now: datetime) -> None:
    counts = []
    for keys in ([opened(units=1)], [opened(units=1) for _ in range(5)]):
        db.session.remove()
        seen: list[str] = []

        def count(_c, _cur, statement, *_rest):  # type: ignore[no-untyped-def]
            seen.append(statement)  # noqa: B023

        event.listen(db.engine, "before_cursor_execute", count)
        service.weeks(keys, span("2026-03-02T00:00+08:00", "2026-03-09T00:00+08:00"), Viewer())
        event.remove(db.engine, "before_cursor_execute", count)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 12
