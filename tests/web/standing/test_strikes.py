"""Strikes on both sides' pages: appealed by the person, decided by the laboratory, closed to others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import StrikeState
from resource_hub.infra import clock
from tests.builders.booking import make_booking, make_scene
from tests.support.pages import signed_in


@pytest.fixture
def given(scene: Any, in_context: Any) -> Any:
    from resource_hub.domain.accounts.terms import Role
    from tests.builders.accounts import actor, make_person

    def make() -> Any:
        made = make_booking(scene)
        deputy = actor(make_person(roles=[(scene.host, Role.DEPUTY)]), scene.host)
        return booking.give_strike(made.number, note="未关机离开", by=deputy)

    return in_context(make)


def test_the_person_appeals_and_the_manager_lifts(
    app: Any, scene: Any, manager: Any, given: Any, in_context: Any
) -> None:
    client, send = signed_in(app, scene.booker_person)
    page = client.get("/me/standing").text
    assert "未关机离开" in page
    target = f"/me/strikes/{scene.host.code}/{given.key.id}/appeal"
    empty = send("/me/standing", target, appeal=" ", version="1")
    assert empty.status_code == 422 and f'id="e-appeal-{given.key.id}"' in empty.text
    assert send("/me/standing", target, appeal="我关了机", version="1").status_code == 303
    his, his_send = manager
    board = f"/o/{scene.host.code}/strikes"
    assert "我关了机" in his.get(board).text
    decided = his_send(board, f"{board}/{given.key.id}", decision="属实，撤销", lift="1", version="2")
    assert decided.status_code == 303
    (found,) = in_context(lambda: booking.strikes_of(scene.booker_person.id))
    assert found.state is StrikeState.LIFTED
    assert "属实，撤销" in client.get("/me/standing").text


def test_a_strike_by_hand(app: Any, scene: Any, manager: Any, in_context: Any) -> None:
    made = in_context(lambda: make_booking(scene))
    _client, send = manager
    board = f"/o/{scene.host.code}/strikes"
    wrong = send(board, board, number="B26-0000-0000", note="未关机")
    assert wrong.status_code == 422 and 'id="e-number"' in wrong.text
    assert send(board, board, number=made.number.lower(), note="未关机").status_code == 303
    assert len(in_context(lambda: booking.strikes_of(scene.booker_person.id))) == 1


def test_others_see_and_decide_nothing(app: Any, scene: Any, given: Any, in_context: Any) -> None:
    other = in_context(make_scene)
    theirs, send = signed_in(app, other.manager_person)
    assert theirs.get(f"/o/{scene.host.code}/strikes").status_code in (403, 404)
    board = f"/o/{other.host.code}/strikes"
    assert "未关机离开" not in theirs.get(board).text
    assert send(board, f"{board}/{given.key.id}", decision="x", lift="1").status_code == 404
    _booker, booker_send = signed_in(app, other.booker_person)
    target = f"/me/strikes/{scene.host.code}/{given.key.id}/appeal"
    assert booker_send("/me", target, appeal="x").status_code == 404


def test_a_bar_is_seen_by_both_and_lifted_with_a_reason(
    app: Any, scene: Any, manager: Any, given: Any, in_context: Any
) -> None:
    def bar() -> None:
        from resource_hub.domain.availability import service as availability

        document = {"bars": [{"count": 1, "ladder": [{"unit": "lifted"}]}]}
        today = clock.now().date()
        availability.save_rules(scene.key, document, today + timedelta(days=1), by=scene.manager)

    in_context(bar)
    later = in_context(lambda: clock.now() + timedelta(days=2))
    with clock.fixed(later):
        client, _send = signed_in(app, scene.booker_person)
        assert "直至解除" in client.get("/me/standing").text
        his, send = signed_in(app, scene.manager_person)
        board = f"/o/{scene.host.code}/strikes"
        target = f"/o/{scene.host.code}/resources/{scene.key.id}/bars/{scene.booker_person.id}"
        assert target in his.get(board).text
        empty = send(board, target, reason=" ")
        assert empty.status_code == 422
        assert f'id="e-reason-{scene.key.id}-{scene.booker_person.id}"' in empty.text
        assert send(board, target, reason="已谈话").status_code == 303
        assert "目前无人被暂停预约" in his.get(board).text
        assert send(board, target, reason="已谈话").status_code == 409
        assert "直至解除" not in client.get("/me/standing").text
