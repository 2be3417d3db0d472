"""One bad row stops no job of orders: what can be done for the others is done, and the row is left for a later run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import (
    hand_over_offers,
    late_fees,
    managing,
    offering,
    reminding,
    service,
    waiting,
)
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import BookingState, WaitingState
from resource_hub.infra import batches, clock, outbox
from resource_hub.infra.database import db, reading
from tests.builders.accounts import make_person
from tests.builders.availability import moment
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

START = moment("2026-03-03T09:00+08:00")
ASKS = {"approval": "always"}
STEPS = {**ASKS, "steps": [{"who": "approver", "hours": 24}, {"who": "manager", "hours": 24}]}


def requested(scene: Scene) -> None:
    make_booking(scene)


def cancelled(scene: Scene) -> None:
    made = make_booking(scene)
    with clock.fixed(START - timedelta(hours=21)):
        service.cancel(made.key, by=scene.booker)


def offered(scene: Scene) -> None:
    _firm, _person, taker = another_booker()
    service.offer_hand_over(make_booking(scene).key, next(iter(taker.customer_ids)), by=scene.booker)


def waits(scene: Scene) -> None:
    make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00"))
    first, last = START, moment("2026-03-03T17:00+08:00")
    service.join_line(scene.key, replace(make_asked(), span=None), first, last, 3600, by=another_booker()[2])


def answers_wait(scene: Scene) -> None:
    make_person(roles=[(scene.firm, Role.APPROVER)])
    make_booking(scene, asked=make_asked("2026-03-20T09:00+08:00", "2026-03-20T11:00+08:00"))
    outbox.deliver_due()


def host_of(one: Any) -> Any:
    return one.institution_id if hasattr(one, "institution_id") else one.key.institution_id


CASES: dict[str, tuple[ModuleType, str, dict[str, Any], Callable[[Scene], None], Callable[[], int], datetime]]
CASES = {
    "lapse": (managing, "_lapse", ASKS, requested, service.lapse_due, START),
    "fees": (late_fees, "_decide", {}, cancelled, service.decide_fees, START),
    "hand over": (hand_over_offers, "_expire", {}, offered, service.expire_hand_overs, START),
    "waiting": (waiting, "put", {}, waits, service.close_past, START + timedelta(days=1)),
    "remind": (reminding, "write", STEPS, answers_wait, service.remind_answers, START + timedelta(days=3)),
}


def fail_at(bad: Scene, monkeypatch: pytest.MonkeyPatch, module: ModuleType, step: str) -> None:
    real = getattr(module, step)

    def failing(unit: Any, one: Any, *rest: Any, **more: Any) -> Any:
        if host_of(one) == bad.host.id:
            raise RuntimeError("a row that cannot be")
        return real(unit, one, *rest, **more)

    monkeypatch.setattr(module, step, failing)


@pytest.mark.parametrize("name", CASES)
def test_one_bad_row_stops_no_other(now: datetime, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    module, step, rules, prepare, job, when = CASES[name]
    bad, good = make_scene(rules=rules), make_scene(rules=rules)
    for scene in (bad, good):
        prepare(scene)
    with clock.fixed(when):
        fail_at(bad, monkeypatch, module, step)
        with batches.counted() as failures:
            assert job() == 1
        assert "RuntimeError: a row that cannot be" in str(failures)
        monkeypatch.undo()
        with batches.counted() as failures:
            assert job() == 1
        assert not str(failures)
        assert job() == 0


def test_one_bad_line_holds_up_no_other(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = [make_scene(), make_scene()]
    lines = []
    for scene in scenes:
        full = make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00"))
        by = another_booker()[2]
        wish = replace(make_asked(), span=None)
        lines.append((service.join_line(scene.key, wish, START, START + timedelta(hours=8), 3600, by=by), by))
        with monkeypatch.context() as patched:
            patched.setattr(waiting, "_offer_on", lambda *_: None)
            service.cancel(full.key, by=scene.booker)

    def state(n: int) -> WaitingState:
        one, by = lines[n]
        return service.entry_for(one.key, by).state

    monkeypatch.setattr(
        offering,
        "offer_in",
        lambda unit, key, real=offering.offer_in, **more: (
            1 // 0 if key == scenes[0].key else real(unit, key, **more)
        ),
    )
    assert service.offer_due() is None
    assert (state(0), state(1)) == (WaitingState.WAITING, WaitingState.OFFERED)
    monkeypatch.undo()
    service.offer_due()
    assert state(0) is WaitingState.OFFERED


def test_one_bad_wish_stops_neither_the_next_nor_who_frees_the_time(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene()
    full = make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", "2026-03-03T17:00+08:00"))
    wish, end = replace(make_asked(), span=None), START + timedelta(hours=8)
    waiters = [another_booker()[2] for _ in range(2)]
    bad, good = (service.join_line(scene.key, wish, START, end, 3600, by=by) for by in waiters)
    real = offering.publish

    def failing(unit: Any, name: str, one: Any, **more: Any) -> None:
        if one.key == bad.key:
            raise RuntimeError("a wish that cannot be")  # after its time was held already
        real(unit, name, one, **more)

    monkeypatch.setattr(offering, "publish", failing)
    assert service.cancel(full.key, by=scene.booker).state is BookingState.CANCELLED
    states = [service.entry_for(one.key, by).state for one, by in zip((bad, good), waiters, strict=True)]
    assert states == [WaitingState.WAITING, WaitingState.OFFERED]
    assert [one.state for one in held(scene)] == [BookingState.HELD]
    monkeypatch.undo()
    service.offer_due()
    assert service.entry_for(bad.key, waiters[0]).state is WaitingState.OFFERED
    assert len(held(scene)) == 2


def held(scene: Scene) -> list[Booking]:
    db.session.rollback()
    mine = (Booking.institution_id == scene.host.id, Booking.state == BookingState.HELD.value)
    return list(reading().scalars(select(Booking).where(*mine)))


def test_days_of_a_series_stay_together(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = make_scene(rules=ASKS), make_scene(rules=ASKS)
    asked = make_asked("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")
    rule = Recurrence(Frequency.DAILY, count=3)
    made = [service.create_series(scene.key, asked, rule, by=scene.booker) for scene in (bad, good)]
    fail_at(bad, monkeypatch, managing, "_lapse")
    told: list[Any] = []
    real = managing.announce_series
    monkeypatch.setattr(
        managing,
        "announce_series",
        lambda unit, key, name, person, **more: told.append(more) or real(unit, key, name, person, **more),
    )
    with clock.fixed(moment("2026-03-06T09:00+08:00")):
        assert service.lapse_due() == 3
    assert told == [{"bookings": 3}]
    days = [service.records([day.booking.key])[day.booking.key] for day in service.series_days(made[1].key)]
    assert {one.state for one in days} == {BookingState.EXPIRED}
