"""Requests of several answers: who has given his sees whose is wanted, and is not asked again."""

from __future__ import annotations

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.infra import outbox
from resource_hub.infra.database import db
from tests.builders.accounts import make_person
from tests.builders.booking import another_booker, make_asked, make_booking

pytestmark = pytest.mark.any_engine

STEPS = [{"who": "manager", "hours": 24}, {"who": "office", "hours": 12}]
LATER = ("2026-03-20T09:00+08:00", "2026-03-20T11:00+08:00")
CONFIRM = 'name="answer" value="approve"'


def test_what_waits_for_others_comes_last_and_has_no_button(app, scenery, desk_of):
    scene = scenery(rules={"approval": "always", "steps": STEPS})
    with app.app_context():
        office = make_person(roles=[(scene.host, Role.OFFICE)])
        made = make_booking(scene, asked=make_asked(*LATER))
        other = make_booking(
            scene,
            by=another_booker()[2],
            asked=make_asked("2026-03-23T09:00+08:00", "2026-03-23T11:00+08:00"),
        )
        outbox.deliver_due()
        db.session.remove()
    address = f"/o/{scene.host.code}/requests"
    before = desk_of(scene.manager_person).see(address)
    assert before.count(CONFIRM) == 2 and "Answer wanted from" not in before
    assert desk_of(office).see(address).count("Answer wanted from: The laboratory") == 2
    with app.app_context():
        service.approve(made.key, by=scene.manager)
        outbox.deliver_due()
        db.session.remove()
    after = desk_of(scene.manager_person).see(address)
    assert after.count(CONFIRM) == 1
    assert (
        after.index(other.number)
        < after.index(made.number)
        < after.index("Answer wanted from: The institution’s office")
    )
    its = desk_of(office).see(address)
    assert its.count(CONFIRM) == 1 and its.index(made.number) < its.index(other.number)
    # The number beside the entry is what waits for the reader; what waits for others is said by itself.
    for page in (after, its):
        assert 'id="waiting"' in page and 'id="others"' in page and page.count("1 request,") == 2
    today = desk_of(scene.manager_person).see(f"/o/{scene.host.code}/today")
    assert "waits for others" in today


def test_the_answers_are_read_as_parts_of_their_rule(scenery, desk_of):
    scene = scenery(rules={"approval": "always", "steps": STEPS})
    desk = desk_of(scene.manager_person)
    public = desk.see(f"/hosts/{scene.host.code}/resources/{scene.resource.code}")
    edited = desk.see(f"/o/{scene.host.code}/resources/{scene.key.id}/rules")
    assert public.count('<li class="is-step">') == len(STEPS)
    answering = edited[edited.index('id="answering"') : edited.index('id="quotas"')]
    assert answering.count('<details class="rule-fold">') == len(STEPS)
