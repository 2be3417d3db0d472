"""Several answers on the pages: the customer's approver first, then the laboratory, each where it is theirs."""

from __future__ import annotations

from typing import Any

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import BookingState
from tests.builders.accounts import make_person
from tests.builders.booking import make_booking, make_scene
from tests.support.pages import signed_in

STEPS = [{"who": "approver", "hours": 24}, {"who": "manager", "hours": 24}]


def test_the_answer_form_stands_where_the_answer_is_wanted(app: Any, now: None, in_context: Any) -> None:
    from resource_hub.infra import outbox

    def make() -> Any:
        scene = make_scene(rules={"approval": "always", "steps": STEPS})
        approver = make_person(roles=[(scene.firm, Role.APPROVER)])
        made = make_booking(scene)
        outbox.deliver_due()
        return scene, approver, made

    scene, approver, made = in_context(make)
    where = f"{scene.host.code}/{made.key.id}"
    firm, host = (f"/o/{one.code}/bookings/{where}" for one in (scene.firm, scene.host))
    booker, _ = signed_in(app, scene.booker_person)
    theirs, their_send = signed_in(app, approver)
    manager, manager_send = signed_in(app, scene.manager_person)
    assert 'name="answer"' in theirs.get(firm).text
    assert 'name="answer"' not in booker.get(firm).text and 'name="answer"' not in manager.get(host).text
    waiting = manager.get(f"/o/{scene.host.code}/requests").text
    assert made.number in waiting
    assert manager_send(host, f"{host}/answer", answer="approve").status_code in (303, 403, 422)
    assert in_context(lambda: booking.booking(made.key)).state is BookingState.REQUESTED
    assert their_send(firm, f"{firm}/answer", answer="approve").status_code == 303
    assert 'name="answer"' in manager.get(host).text and 'name="answer"' not in theirs.get(firm).text
    assert manager_send(host, f"{host}/answer", answer="approve").status_code == 303
    assert in_context(lambda: booking.booking(made.key)).state is BookingState.APPROVED
