"""What waits for the customer's own approver: on Home, on its page, over the REST interface; answered from there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from resource_hub.domain.accounts.terms import PersonRecord, Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import BookingRecord, BookingState
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from tests.builders.accounts import actor, bearer, make_person
from tests.builders.booking import Scene, make_asked, make_booking
from tests.support.door import Door
from tests.web.booking.pages.conftest import NOW, Desk

pytestmark = pytest.mark.any_engine

FAR = {"start": "2026-03-20T09:00+08:00", "end": "2026-03-20T11:00+08:00"}
STEPS = [{"who": "approver", "hours": 24}, {"who": "manager", "hours": 24}]


@pytest.fixture
def waiting(
    app: Flask, scenery: Callable[..., Scene]
) -> Callable[..., tuple[Scene, PersonRecord, BookingRecord]]:
    """A booking that waits for the firm's approver, who has a limit in yuan or none."""

    def made(
        limit: int | None = None, steps: Any = STEPS, **rules: Any
    ) -> tuple[Scene, PersonRecord, BookingRecord]:
        scene = scenery(rules={"approval": "always", "steps": steps, **rules})
        with app.app_context():
            grant = (scene.firm, Role.APPROVER, {"limit_minor": limit * 100} if limit is not None else {})
            approver = make_person(roles=[grant])
            booked = make_booking(scene, asked=make_asked(**FAR))
            outbox.deliver_due()
            db.session.remove()
        return scene, approver, booked

    return made


def door_of(app: Flask, person: PersonRecord, scene: Scene) -> Door:
    with app.app_context():
        return Door(app, bearer(person, scene.firm), NOW)


def test_it_stands_on_home_and_is_answered_from_its_page(
    app: Flask, waiting: Any, desk_of: Callable[[PersonRecord], Desk]
) -> None:
    scene, approver, booked = waiting()
    desk, at = desk_of(approver), f"/o/{scene.firm.code}/to-approve"
    home = desk.see(f"/o/{scene.firm.code}/home")
    assert "your yes is wanted" in home and "600.00" in home and at in home
    page = desk.see(at)
    assert booked.number in page and "600.00" in page and "No limit is set" in page
    assert "The customer’s own approver" in page and "The laboratory" in page
    # How long there is to answer is said beside the term, once.
    assert re.search(r"is-wait[^>]*>.*?\d+ h(?: \d+ min)? left", page) and page.count("Answer by") == 1
    answer = f"{at}/{scene.host.code}/{booked.key.id}"
    without = desk.send(answer, page, answer="no", version=str(booked.version))
    assert without.status_code == 422
    stale = desk.send(answer, page, answer="yes", version="99")
    assert stale.status_code == 412 or "changed this booking" in stale.get_data(as_text=True)
    with app.app_context():
        version = service.booking(booked.key).version
    done = desk.send(answer, desk.see(at), answer="yes", version=str(version))
    assert done.status_code == 303
    after = desk.see(at)
    assert "Your yes is noted" in after and "Nothing waits for your yes" in after
    with app.app_context():
        assert [s.state.value for s in service.answers_of(booked.key)] == ["approved", "open"]
        assert service.booking(booked.key).state is BookingState.REQUESTED


def test_a_no_with_its_reason_ends_it(
    app: Flask, waiting: Any, desk_of: Callable[[PersonRecord], Desk]
) -> None:
    scene, approver, booked = waiting()
    desk, at = desk_of(approver), f"/o/{scene.firm.code}/to-approve"
    sent = desk.send(
        f"{at}/{scene.host.code}/{booked.key.id}", desk.see(at), answer="no", reason="本月预算已用完"
    )
    assert sent.status_code == 303
    with app.app_context():
        found = service.booking(booked.key)
    assert (found.state, found.decision_note) == (BookingState.REJECTED, "本月预算已用完")


@pytest.mark.parametrize(("limit", "mine"), [(600, True), (599, False)])
def test_beyond_the_limit_somebody_else_answers(
    app: Flask, waiting: Any, desk_of: Callable[[PersonRecord], Desk], limit: int, mine: bool
) -> None:
    scene, approver, booked = waiting(limit)
    desk, at = desk_of(approver), f"/o/{scene.firm.code}/to-approve"
    page = desk.see(at)
    assert booked.number in page and f"{limit}.00" in page
    assert ("beyond your limit" in page) is not mine
    assert ("your yes is wanted" in desk.see(f"/o/{scene.firm.code}/home")) is mine
    answer = desk.send(f"{at}/{scene.host.code}/{booked.key.id}", page, answer="yes")
    assert answer.status_code == (303 if mine else 403)
    seen = door_of(app, approver, scene)("GET", "/to-approve", 200).json
    assert seen["limit"] == f"{limit}.00"
    assert [one["mine"] for one in seen["items"]] == ([] if mine else [False])


def test_the_administrator_joins_once_the_term_is_over(
    app: Flask, waiting: Any, desk_of: Callable[[PersonRecord], Desk]
) -> None:
    scene, _approver, booked = waiting(escalate_hours=24)
    with app.app_context():
        person = make_person(roles=[(scene.firm, Role.FIRM_ADMIN)])
        by = actor(person, scene.firm)
        (one,) = service.to_approve(by)
        assert (one.mine, one.above) == (False, True)
        assert one.step.answer_by == NOW + timedelta(hours=24)
    desk = desk_of(person)
    assert "Your approvers are asked first" in desk.see(f"/o/{scene.firm.code}/to-approve")
    for moment, mine in ((NOW + timedelta(hours=24, seconds=-1), False), (NOW + timedelta(hours=24), True)):
        with app.app_context(), clock.fixed(moment):
            (one,) = service.to_approve(by)
            assert one.mine is mine and one.record.key == booked.key


def test_silence_that_counted_as_a_yes_waits_for_nobody_here(app: Flask, waiting: Any) -> None:
    scene, approver, _booked = waiting(silence="consent")
    with app.app_context():
        by = actor(approver, scene.firm)
        with clock.fixed(NOW + timedelta(hours=24, seconds=-1)):
            assert len(service.to_approve(by)) == 1
        with clock.fixed(NOW + timedelta(hours=24)):
            assert service.to_approve(by) == []


def test_others_see_nothing_of_it(
    app: Flask, waiting: Any, scenery: Callable[..., Scene], desk_of: Callable[[PersonRecord], Desk]
) -> None:
    scene, _approver, booked = waiting()
    assert "Nothing waits for your yes" in desk_of(scene.booker_person).see(
        f"/o/{scene.firm.code}/to-approve"
    )
    other = scenery()
    with app.app_context():
        stranger = make_person(roles=[(other.firm, Role.APPROVER)])
    desk, at = desk_of(stranger), f"/o/{other.firm.code}/to-approve"
    page = desk.see(at)
    assert booked.number not in page
    answer = desk.send(f"{at}/{scene.host.code}/{booked.key.id}", page, answer="yes")
    assert answer.status_code == 404 or "404" in answer.get_data(as_text=True)
    assert Door(app, {}, NOW)("GET", "/to-approve").status_code == 401
    assert door_of(app, stranger, other)("GET", "/to-approve", 200).json["items"] == []
