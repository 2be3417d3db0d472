"""What the filled demonstration shows of house rules: strikes, trainings, several answers, an offer, a series, protected
hours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from resource_hub.app import create_app
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Audience
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import (
    BookingState,
    HandOverState,
    StepState,
    StrikeState,
    WaitingState,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.commands.demo import demonstration_settings
from resource_hub.entrypoints.demo import today
from resource_hub.infra import clock
from resource_hub.infra.database import db

pytestmark = pytest.mark.slow


@pytest.fixture
def demo(filled_demonstration: Path, tmp_path: Path) -> Iterator[Flask]:
    folder = tmp_path / "demonstration"
    shutil.copytree(filled_demonstration, folder)
    app = create_app(demonstration_settings(folder), web=False)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def who(email: str, organisation: str) -> Actor:
    person = next(p for p, _seats in accounts.demonstration_people() if p.email == email)
    return accounts.actor(person.id, organisation)


@pytest.mark.usefixtures("demo")
def test_all_of_it_is_there() -> None:
    engineer = who("engineer@demo.example", today.FIRM)
    manager = who("manager@demo.example", today.HOST)
    now = clock.now()
    strikes = booking.strikes_of(engineer.person_id)
    assert sorted(s.state for s in strikes) == [StrikeState.APPEALED, StrikeState.GIVEN]
    assert all(s.counts(now) for s in strikes)
    ends = {t.until - now.date() for t in accounts.trainings_of(engineer.person_id) if t.until is not None}
    assert len(ends) == 3 and min(ends) < timedelta(0) < sorted(ends)[1] <= timedelta(days=30) < max(ends)
    several = [booking.answers_of(one.key) for one in booking.requests(manager)]
    office = [booking.answers_of(one.key) for one in booking.requests(who("office@demo.example", today.HOST))]
    assert [StepState.APPROVED, StepState.OPEN] in [[s.state for s in steps] for steps in several + office]
    offered = [w for w in booking.waits_of(engineer) if w.state is WaitingState.OFFERED]
    assert len(offered) == 1 and offered[0].offered_until is not None and offered[0].offered_until > now
    mine = booking.bookings_of(engineer, states=[BookingState.APPROVED], since=now, limit=200)
    days = [one for one in mine if one.series_id is not None]
    assert 3 <= len(days) <= 6 and len({one.series_id for one in days}) == 1
    outside = booking.outside_hours(manager)
    assert [(key, number) for key, number in outside.items()] == [
        (catalogue.resource_of(today.HOST, "raman").key, 1)
    ]
    hours = availability.weekly_hours(catalogue.resource_of(today.HOST, "raman").key)
    assert any(row.audience is Audience.OUTSIDE for row in hours)
    walk_ins = accounts.walk_ins(manager)
    assert [one.asked_id is not None for one in walk_ins].count(True) == 1 and len(walk_ins) == 2
    (asked,) = [one for one in walk_ins if one.asked_id is not None]
    assert asked.asked_id == engineer.organisation_id and all(one.contact for one in walk_ins)
    assert booking.bookings_of_walk_in(asked.customer.id, by=who("payer@demo.example", today.FIRM))
    offers = [
        (o.to_customer_id in engineer.customer_ids, o.state_at(now)) for o in booking.hand_overs_of(engineer)
    ]
    assert sorted(offers) == [
        (False, HandOverState.OPEN),
        (True, HandOverState.ACCEPTED),
        (True, HandOverState.DECLINED),
        (True, HandOverState.OPEN),
    ]
    by_manager = [b for b in mine if b.booked_by == manager.person_id]
    assert len(by_manager) == 1 and by_manager[0].key in booking.booked_for_others(mine)
