"""Units over the REST interface: listed in pages, added once, renamed, taken out of use with their bookings settled."""

from __future__ import annotations

from typing import Any

from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock
from tests.builders.catalogue import make_listing
from tests.support.door import Door, World
from tests.web.availability.conftest import NOW
from tests.web.booking.test_api import book, codes


def path(world: World, rest: str = "") -> str:
    return f"/resources/{world.scene.host.code}/{world.scene.resource.code}/units{rest}"


def units(world: World, query: str = "") -> Any:
    return world.visitor("GET", path(world, query), 200).json


def test_units_are_added_once_and_listed_in_pages(world: World) -> None:
    key = {"Idempotency-Key": "units"}
    made = world.manager("POST", path(world), 201, json={"count": 6}, headers=key).json["items"]
    assert world.manager("POST", path(world), 201, json={"count": 6}, headers=key).json["items"] == made
    assert codes(world.manager("POST", path(world), 409, json={"count": 7}, headers=key)) == ["key_reused"]
    assert [one["position"] for one in made] == [2, 3, 4, 5, 6, 7]
    whole = units(world)
    assert len(whole["items"]) == 7 and whole["next"] is None
    assert "serial_number" not in whole["items"][0]
    found, after = [], ""
    while after is not None:
        page = units(world, f"?limit=3{after}")
        found += page["items"]
        after = f"&after={page['next']}" if page["next"] else None
    assert found == whole["items"]
    for count in (0, 501, "2", None):
        world.manager("POST", path(world), 422, json={"count": count})
    assert codes(world.visitor("GET", path(world, "?after=x"), 422)) == ["cursor.unreadable"]
    # One of the new ones can be booked at once.
    book(world)
    book(world, world.stranger)


def test_a_unit_is_renamed(world: World) -> None:
    (one,) = units(world)["items"]
    at = path(world, f"/{one['id']}")
    seen = world.manager("GET", at, 200)
    tag = {"If-Match": seen.headers["ETag"]}
    world.manager("PATCH", at, 428, json={"name": {"zh": "左"}})
    changed = world.manager(
        "PATCH", at, 200, json={"name": {"zh": "左"}, "serial_number": "S-1"}, headers=tag
    )
    assert changed.json["name"] == {"zh": "左", "en": one["name"]["en"]}
    assert (changed.json["serial_number"], changed.json["active"], changed.json["hits"]) == ("S-1", True, 0)
    assert changed.headers["ETag"] == world.manager("GET", at, 200).headers["ETag"] != tag["If-Match"]
    stale = world.manager("PATCH", at, 412, json={"name": {"en": "Left"}}, headers=tag)
    assert codes(stale) == ["catalogue.unit_changed"] and stale.json["reasons"][0]["remedy"]
    for bad in (
        {"name": {"zh": "x" * 121}},
        {"active": "perhaps"},
        {"name": {"zh": "a\u0000"}},
        {"colour": "red"},
    ):
        world.manager("PATCH", at, 422, json=bad, headers={"If-Match": "*"})


def test_a_unit_goes_out_of_use_with_its_bookings_settled(world: World) -> None:
    world.manager("POST", path(world), 201, json={"count": 1})
    first, second = units(world)["items"]
    made = book(world, unit_id=first["id"])
    at = path(world, f"/{first['id']}")
    (hit,) = world.manager("POST", f"{at}/out/preview", 200).json["hits"]
    assert hit["holder_id"] == made["id"] and hit["fates"] == ["stays", "moves", "cancelled"]
    assert {time["unit_id"] for time in hit["times"]} == {second["id"]}
    tag = {"If-Match": world.manager("GET", at, 200).headers["ETag"]}
    undecided = world.manager("PATCH", at, 409, json={"active": False}, headers=tag)
    assert codes(undecided) == ["booking.hit_undecided"]
    assert undecided.json["reasons"][0]["place"] == f"hit.{made['id']}"
    assert units(world)["items"][0]["active"]
    moves = {"booking_id": made["id"], "fate": "moves", "start": made["start"], "end": made["end"],
             "version": hit["version"]}  # fmt: skip
    out = {"active": False, "verdicts": [moves], "reason_to_customers": "光源老化"}
    done = world.manager("PATCH", at, 200, json=out, headers=tag).json
    assert (done["active"], done["hits"]) == (False, 1)
    moved = world.booker("GET", world.one(made["id"]), 200).json
    assert (moved["unit_id"], moved["start"]) == (second["id"], made["start"])
    # What was answered already is not asked again, and it comes back.
    assert world.manager("POST", f"{at}/out/preview", 200).json["hits"] == []
    back = world.manager("PATCH", at, 200, json={"active": True}, headers={"If-Match": "*"}).json
    assert (back["active"], back["hits"]) == (True, 0)
    book(world, world.stranger, unit_id=first["id"])


def test_others_do_not_come_in(world: World, other_host: Door) -> None:
    (one,) = units(world)["items"]
    at = path(world, f"/{one['id']}")
    for door, status in ((world.booker, 403), (world.visitor, 401), (other_host, 404)):
        door("GET", at, status)
        door("POST", path(world), status, json={"count": 1})
        door("POST", f"{at}/out/preview", status)
        door("PATCH", at, status, json={"active": False}, headers={"If-Match": "*"})
    with world.app.app_context(), clock.fixed(NOW):
        beside = make_listing(world.scene.host)
        (strange,) = catalogue.units(beside.key)
    for method, rest in (("GET", ""), ("POST", "/out/preview")):
        world.manager(method, path(world, f"/{strange.key.id}{rest}"), 404)
    world.manager("PATCH", path(world, f"/{strange.key.id}"), 404, json={}, headers={"If-Match": "*"})
    assert len(units(world)["items"]) == 1
