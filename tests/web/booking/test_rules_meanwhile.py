"""House rules that change between looking and clicking: whoever books or moves by them is refused with the rule that is
new, or confirmed with what it changes; over the REST interface, and on the page of moving."""

from __future__ import annotations

from typing import Any

import pytest

from resource_hub.infra import clock
from tests.support.door import NOW, World
from tests.support.pages import signed_in
from tests.web.booking.test_api import ORDER, book, codes

LATER = {"start": "2026-03-04T13:00:00+08:00", "end": "2026-03-04T15:00:00+08:00"}
STRICTER = [
    ({"least": 180}, "booking.too_short"),
    ({"most": 60}, "booking.too_long"),
    ({"lead": {"self_use": 5000}}, "booking.lead"),
]


def publish(world: World, **changes: Any) -> int:
    """Rules of today with something changed, from today on; their number."""
    shown = world.visitor("GET", f"{world.at}/rules", 200)
    document = {**shown.json["in_force"]["document"], **changes}
    made = world.manager(
        "POST", f"{world.at}/rules", 201, json={"since": "2026-03-02", "document": document},
        headers={"If-Match": shown.headers["ETag"]},
    )  # fmt: skip
    return int(made.json["number"])


def quoted(world: World) -> dict[str, Any]:
    made = world.booker("POST", f"{world.at}/quotes", 201, json=ORDER).json
    return {**ORDER, "quote_id": made["id"]}


def held(world: World) -> dict[str, Any]:
    made = world.booker("POST", f"{world.at}/holds", 201, json=ORDER).json
    return {**ORDER, "hold_id": made["id"]}


def looked(world: World) -> dict[str, Any]:
    look = world.booker("POST", f"{world.at}/bookings/preview", 200, json=ORDER).json
    assert look["reasons"] == [] and look["free_units"]
    return ORDER


WAYS = pytest.mark.parametrize("way", [looked, quoted, held])


@WAYS
@pytest.mark.parametrize(("changes", "code"), STRICTER)
def test_an_order_is_refused_by_the_rule_that_is_new(
    world: World, way: Any, changes: dict[str, Any], code: str
) -> None:
    order = way(world)
    publish(world, **changes)
    answer = world.booker("POST", f"{world.at}/bookings", 409, json=order, headers={"Idempotency-Key": "a"})
    assert codes(answer) == [code]
    assert all(reason["detail"] and reason["remedy"] for reason in answer.json["reasons"])
    # The refusal left no key behind: another request under it is judged by itself.
    other = {**order, "description": "能谱"}
    answer = world.booker("POST", f"{world.at}/bookings", 409, json=other, headers={"Idempotency-Key": "a"})
    assert codes(answer) == [code]
    assert world.booker("GET", "/bookings?state=approved", 200).json["items"] == []


@WAYS
def test_an_order_is_confirmed_with_what_the_new_rules_change(world: World, way: Any) -> None:
    order = way(world)
    number = publish(world, approval="always", setup=30)
    made = world.booker("POST", f"{world.at}/bookings", 201, json=order).json
    assert (made["state"], made["setup_seconds"], made["rules_number"]) == ("requested", 1800, number)
    assert made["answer_by"] is not None
    assert (kept(world, made)["state"], kept(world, made)["rules_number"]) == ("requested", number)


@pytest.mark.parametrize(("changes", "code"), [*STRICTER, ({"change_until": 2880}, "booking.change_until")])
def test_a_move_is_refused_by_the_rule_that_is_new(world: World, changes: dict[str, Any], code: str) -> None:
    made = book(world)
    look = world.booker("POST", f"{world.one(made['id'])}/change/preview", 200, json=LATER).json
    assert look["reasons"] == [] and look["free"]
    publish(world, **changes)
    answer = world.booker(
        "POST", f"{world.one(made['id'])}/change", 409, json=LATER, headers={"If-Match": '"1"'}
    )
    assert code in codes(answer)
    assert all(reason["detail"] and reason["remedy"] for reason in answer.json["reasons"])
    after = kept(world, made)
    assert (after["start"], after["version"], after["rules_number"]) == (
        made["start"],
        1,
        made["rules_number"],
    )


def test_a_move_is_confirmed_with_what_the_new_rules_change(world: World) -> None:
    made = book(world)
    look = world.booker("POST", f"{world.one(made['id'])}/change/preview", 200, json=LATER).json
    assert look["reasons"] == [] and not look["needs_answer"]
    number = publish(world, approval="always", setup=30)
    moved = world.booker(
        "POST", f"{world.one(made['id'])}/change", 200, json=LATER, headers={"If-Match": '"1"'}
    ).json
    assert (moved["state"], moved["setup_seconds"], moved["rules_number"]) == ("requested", 1800, number)
    assert moved["start"] == "2026-03-04T05:00:00Z" and moved["answer_by"] is not None


def page(world: World, made: Any) -> tuple[Any, Any, str]:
    """The page of moving, as the booker sees it before the rules change."""
    client, send = signed_in(world.app, world.scene.booker_person)
    with client.session_transaction() as session:
        session["language"] = "en"
    where = f"/o/{world.scene.firm.code}/bookings/{world.scene.host.code}/{made['id']}/change"
    with clock.fixed(NOW):
        shown = client.get(f"{where}?start_day=2026-03-04&start_time=13:00&end_time=15:00").text
    assert "It cannot be moved there" not in shown
    return client, send, where


def kept(world: World, made: Any) -> Any:
    return world.booker("GET", world.one(made["id"]), 200).json


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"least": 180}, "At least 3 h; asked for: 2 h."), ({"change_until": 2880}, "before the start")],
)
def test_the_page_of_moving_says_the_rule_that_is_new(world: World, changes: Any, said: str) -> None:
    made = book(world)
    _client, send, where = page(world, made)
    publish(world, **changes)
    fields = {"start_day": "2026-03-04", "start_time": "13:00", "end_time": "15:00", "version": "1"}
    with clock.fixed(NOW):
        answer = send(where, where, **fields)
    assert answer.status_code == 409 and said in answer.text, answer.text
    assert 'value="2026-03-04"' in answer.text  # what was typed stays
    # Other times are proposed where they would do.
    assert ("data-take" in answer.text) == ("change_until" not in changes)
    assert kept(world, made)["version"] == 1


def test_the_page_of_moving_says_that_the_host_answers_now(world: World) -> None:
    made = book(world)
    client, send, where = page(world, made)
    publish(world, approval="always")
    fields = {"start_day": "2026-03-04", "start_time": "13:00", "end_time": "15:00", "version": "1"}
    with clock.fixed(NOW):
        answer = send(where, where, **fields)
        assert answer.status_code == 303
        shown = client.get(answer.location).text
    assert "The host answers the new time" in shown
    assert kept(world, made)["state"] == "requested"
