"""The waiting list over the REST interface: a place in line, an offer with its term, taken or declined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from tests.builders.availability import moment
from tests.support.door import Door, World
from tests.web.booking.test_api import book, codes

WAIT = {
    "earliest": "2026-03-03T09:00:00+08:00", "latest": "2026-03-03T17:00:00+08:00", "minutes": 480, "description": "断口形貌",
}  # fmt: skip
ALL_DAY = {"start": "2026-03-03T09:00:00+08:00", "end": "2026-03-03T17:00:00+08:00"}
ANY = {"If-Match": "*"}


def join(world: World, door: Door | None = None, status: int = 201, **changes: Any) -> Any:
    return (door or world.booker)("POST", f"{world.at}/waiting", status, json={**WAIT, **changes}).json


def one(world: World, place: Any, tail: str = "") -> str:
    return f"/hosts/{world.scene.host.code}/waiting/{place['id']}{tail}"


def offered(world: World) -> Any:
    """The booker is offered what a stranger gave up."""
    taken = book(world, world.stranger, **ALL_DAY)
    place = join(world)
    assert (place["state"], place["ahead"], place["line"]) == ("waiting", 0, "queue")
    world.stranger("POST", world.one(taken["id"]) + "/cancellation", 200, json={}, headers=ANY)
    place = world.booker("GET", one(world, place), 200).json
    assert (place["state"], place["offered_until"]) == ("offered", "2026-03-02T02:00:00Z")
    return place


def test_a_place_says_for_which_unit_it_is(make_world: Any) -> None:
    world = make_world(units=2)
    taken = [book(world, world.stranger, **ALL_DAY) for _ in range(2)]
    place = join(world, unit_id=taken[1]["unit_id"])
    assert place["unit_id"] == taken[1]["unit_id"] and join(world)["unit_id"] is None
    world.stranger("POST", world.one(taken[1]["id"]) + "/cancellation", 200, json={}, headers=ANY)
    assert world.booker("GET", one(world, place), 200).json["state"] == "offered"


def test_an_offer_is_taken_and_becomes_the_booking(world: World) -> None:
    place = offered(world)
    path, tag = one(world, place, "/acceptance"), {"If-Match": f'"{place["version"]}"'}
    world.booker("POST", path, 428)
    world.booker("POST", path, 412, headers={"If-Match": '"0"'})
    done = world.booker("POST", path, 200, headers=tag)
    assert done.json["id"] == place["booking_id"] and done.json["state"] == "approved"
    assert done.headers["ETag"] == f'"{done.json["version"]}"'
    assert codes(world.booker("POST", path, 412, headers=tag)) == ["booking.stale"]
    assert codes(world.booker("POST", path, 409, headers=ANY)) == ["booking.offer_over"]
    assert world.booker("GET", one(world, place), 200).json["state"] == "booked"


@pytest.mark.parametrize(("at", "status"), [("09:59:59", 200), ("10:00:00", 409)])
def test_an_offer_holds_until_its_last_second(world: World, at: str, status: int) -> None:
    place = offered(world)
    door = replace(world.booker, at=moment(f"2026-03-02T{at}+08:00"))
    answer = door("POST", one(world, place, "/acceptance"), status, headers=ANY)
    if status == 409:
        assert codes(answer) == ["booking.offer_over"] and answer.json["reasons"][0]["remedy"]


def test_a_declined_offer_goes_to_the_next_in_line(world: World) -> None:
    place = offered(world)
    second = join(world, world.stranger)
    assert second["ahead"] == 1
    gone = world.booker("POST", one(world, place, "/refusal"), 200, headers=ANY).json
    assert gone["state"] == "left"
    assert world.stranger("GET", one(world, second), 200).json["state"] == "offered"
    again = world.booker("POST", one(world, place, "/refusal"), 409, headers=ANY)
    assert codes(again) == ["booking.offer_over"]


def test_waiting_is_left_and_a_refusal_needs_an_offer(world: World) -> None:
    book(world, world.stranger, **ALL_DAY)
    place = join(world)
    assert codes(world.booker("POST", one(world, place, "/refusal"), 409, headers=ANY)) == [
        "booking.offer_over"
    ]
    path = one(world, place, "/departure")
    world.booker("POST", path, 428)
    assert world.booker("POST", path, 200, headers=ANY).json["state"] == "left"
    assert codes(world.booker("POST", path, 409, headers=ANY)) == ["booking.waiting_over"]


def test_a_wish_that_cannot_be_names_every_fault(world: World) -> None:
    answer = world.booker(
        "POST",
        f"{world.at}/waiting",
        422,
        json={**WAIT, "latest": "2026-03-03T09:30:00+08:00", "minutes": 45},
    )
    assert codes(answer) == ["booking.waiting_too_narrow", "booking.length_step"]
    assert all(reason["detail"] for reason in answer.json["reasons"])
    world.booker("POST", f"{world.at}/waiting", 422, json={**WAIT, "line": "front"})


def test_the_same_key_takes_one_place_and_lists_are_scoped(world: World, other_host: Door) -> None:
    book(world, world.stranger, **ALL_DAY)
    key = {"Idempotency-Key": "wait-1"}
    first = world.booker("POST", f"{world.at}/waiting", 201, json=WAIT, headers=key).json
    assert world.booker("POST", f"{world.at}/waiting", 201, json=WAIT, headers=key).json == first
    changed = world.booker("POST", f"{world.at}/waiting", 409, json={**WAIT, "minutes": 60}, headers=key)
    assert codes(changed) == ["key_reused"]
    second = join(world, minutes=240, line="alert")
    page = world.booker("GET", "/waiting?limit=1", 200).json
    rest = world.booker("GET", f"/waiting?limit=1&after={page['next']}", 200).json
    assert {page["items"][0]["id"], rest["items"][0]["id"]} == {first["id"], second["id"]} and rest[
        "next"
    ] is None
    at_host = f"/hosts/{world.scene.host.code}/waiting"
    assert {row["id"] for row in world.manager("GET", at_host, 200).json["items"]} == {
        first["id"],
        second["id"],
    }
    world.booker("GET", at_host, 403)
    other_host("GET", at_host, 404)
    for tail, method in (("", "GET"), ("/acceptance", "POST"), ("/refusal", "POST"), ("/departure", "POST")):
        world.stranger(method, one(world, first, tail), 404, headers=ANY)
        world.booker(method, one(world, {"id": uuid4()}, tail), 404, headers=ANY)
        world.visitor(method, one(world, first, tail), 401, headers=ANY)
