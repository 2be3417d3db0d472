"""Calendar feeds over the REST interface: the secret is shown once, others' feeds and customers are not there."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from resource_hub.domain.accounts.feeds import MOST_FEEDS
from resource_hub.domain.accounts.terms import Role
from resource_hub.entrypoints.support import protection
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.tables import IdempotencyKey
from tests.builders import accounts as people
from tests.builders.catalogue import make_listing
from tests.support.application import application
from tests.support.door import NOW, Door, World, make_world, other_host, world
from tests.web.booking.test_api import book, codes

__all__ = ["make_world", "other_host", "world"]


def make(door: Door, status: int = 201, *, headers: Any = None, **body: Any) -> Any:
    return door("POST", "/me/feeds", status, json=body, headers=headers)


def asked(world: World, address: str) -> Any:
    with clock.fixed(NOW):
        return world.app.test_client().get(address[address.index("/feeds/") :])


def test_a_feed_is_made_read_and_revoked(world: World) -> None:
    made = book(world)
    key = {"Idempotency-Key": "mine"}
    feed = make(world.booker, kind="person", headers=key).json
    answer = asked(world, feed["address"])
    assert answer.status_code == 200 and made["id"] in answer.text
    # A repetition makes no second one and cannot say the secret: it stands nowhere.
    again = make(world.booker, kind="person", headers=key).json
    assert again == {**feed, "address": None}
    secret = feed["address"].rsplit("/", 1)[1].removesuffix(".ics")
    with world.app.app_context():
        (kept,) = reading().scalars(sa.select(IdempotencyKey.answer))
        assert secret not in str(kept)
    assert codes(make(world.booker, 409, kind="resource", host=world.scene.host.code,
                      resource=world.scene.resource.code, headers=key)) == ["key_reused"]  # fmt: skip
    listed = world.booker("GET", "/me/feeds", 200)
    assert listed.json["items"] == [{k: v for k, v in feed.items() if k != "address"}]
    assert secret not in listed.text
    world.stranger("DELETE", f"/me/feeds/{feed['id']}", 404)
    for _ in range(2):
        world.booker("DELETE", f"/me/feeds/{feed['id']}", 204)
    assert asked(world, feed["address"]).status_code == 404
    assert world.booker("GET", "/me/feeds", 200).json["items"] == []


def test_what_one_may_have(world: World, other_host: Door) -> None:
    place = {"host": world.scene.host.code, "resource": world.scene.resource.code}
    (unit,) = world.visitor("GET", f"/resources/{place['host']}/{place['resource']}/units", 200).json["items"]
    book(world)
    for door, body in (
        (world.booker, {"kind": "customer", "customer_id": str(world.scene.customer_id)}),
        (world.stranger, {"kind": "resource", **place}),
        (world.stranger, {"kind": "unit", "unit_id": unit["id"], **place}),
        (world.manager, {"kind": "laboratory"}),
    ):
        found = make(door, **body).json
        assert found["name"] and asked(world, found["address"]).status_code == 200
    make(world.stranger, 404, kind="customer", customer_id=str(world.scene.customer_id))
    make(world.booker, 404, kind="laboratory")
    make(world.visitor, 401, kind="person")
    world.visitor("GET", "/me/feeds", 401)
    with world.app.app_context(), clock.fixed(NOW):
        hidden = make_listing(world.scene.host, public=False)
        elsewhere = people.make_department(people.make_institution())
    make(world.manager, 404, kind="laboratory", department_id=str(elsewhere.id))
    make(world.stranger, 404, kind="resource", host=world.scene.host.code, resource=hidden.code)
    make(world.stranger, 404, kind="unit", unit_id=str(hidden.key.id), **place)


def test_what_is_refused(world: World) -> None:
    for body, places in (
        ({"kind": "resource"}, ["host", "resource"]),
        ({"kind": "unit", "host": "x", "resource": "y"}, ["unit_id"]),
        ({"kind": "customer"}, ["customer_id"]),
        ({"kind": "moon"}, ["/kind"]),
        ({}, ["/kind"]),
    ):
        answer = make(world.booker, 422, **body)
        assert [reason["place"] for reason in answer.json["reasons"]] == places
    for _ in range(MOST_FEEDS):
        make(world.booker, kind="person")
    full = make(world.booker, 409, kind="person")
    assert codes(full) == ["accounts.too_many_feeds"] and full.json["reasons"][0]["remedy"]
    found, after = [], ""
    while after is not None:
        page = world.booker("GET", f"/me/feeds?limit=20{after}", 200).json
        found += [one["id"] for one in page["items"]]
        after = f"&after={page['next']}" if page["next"] else None
    assert len(found) == len(set(found)) == MOST_FEEDS


def test_so_many_addresses_a_minute(database: Any, tmp_path: Any) -> None:
    """As on the page; who asks for more is told to wait."""
    with application(database, tmp_path, extra={"RATELIMIT_ENABLED": True}) as app, app.app_context():
        firm = people.make_firm()
        headers = people.bearer(people.make_person(roles=[(firm, Role.BOOKER)]), firm)
        client = app.test_client()
        said = [client.post("/api/v1/me/feeds", json={"kind": "person"}, headers=headers) for _ in range(31)]
    protection.limiter.enabled = False
    assert {answer.status_code for answer in said[:-1]} == {201}
    assert said[-1].status_code == 429 and said[-1].mimetype == "application/problem+json"
    assert int(said[-1].headers["Retry-After"]) > 0
