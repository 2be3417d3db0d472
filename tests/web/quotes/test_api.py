"""Quotes given by hand over the REST interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.builders.availability import moment
from tests.support.door import Door, World
from tests.web.quotes.conftest import ASK

WISH = {"kind": "window", "mode": "self_use", "length_seconds": 7200, "description": "断口形貌"}
PRICE = {"lines": [{"text": "机时", "amount": "880.00"}], "valid_until": "2026-03-10"}
ORDER = {"start": "2026-03-03T09:00:00+08:00", "end": "2026-03-03T11:00:00+08:00", "description": "断口形貌"}


def test_asked_named_accepted_and_booked(make_world: Callable[..., World], other_host: Door) -> None:
    world = make_world(tariff=ASK)
    key = {"Idempotency-Key": "ask-1"}
    made = world.booker("POST", f"{world.at}/inquiries", 201, json=WISH, headers=key).json
    again = world.booker("POST", f"{world.at}/inquiries", 201, json=WISH, headers=key).json
    assert made["id"] == again["id"] and made["state"] == "asked"
    one = f"/hosts/{world.scene.host.code}/inquiries/{made['id']}"
    for door in (world.stranger, other_host):
        door("GET", one, 404)
        door("POST", f"{one}/quotes", 404, json=PRICE, headers={"If-Match": "*"})
        door("POST", f"{one}/acceptance", 404, json={"number": 1}, headers={"If-Match": "*"})
    other_host("GET", f"/hosts/{world.scene.host.code}/inquiries", 404)
    world.booker("POST", f"{one}/quotes", 403, json=PRICE, headers={"If-Match": "*"})
    assert (
        world.manager("GET", f"/hosts/{world.scene.host.code}/inquiries", 200).json["items"][0]["id"]
        == made["id"]
    )
    for amount in ("0.00", "-1.00", "1.001", "1e3000", "x"):
        bad: Any = {**PRICE, "lines": [{"text": "机时", "amount": amount}]}
        world.manager("POST", f"{one}/quotes", 422, json=bad, headers={"If-Match": "*"})
    named = world.manager("POST", f"{one}/quotes", 201, json=PRICE, headers={"If-Match": '"1"'})
    assert named.json["quote"]["total"] == "880.00" and named.headers["ETag"] == '"2"'
    world.booker("POST", f"{one}/acceptance", 428, json={"number": 1})
    world.booker("POST", f"{one}/acceptance", 412, json={"number": 1}, headers={"If-Match": '"1"'})
    taken = world.booker(
        "POST", f"{one}/acceptance", 200, json={"number": 1}, headers={"If-Match": '"2"'}
    ).json
    assert taken["state"] == "accepted"
    order = {**ORDER, "given_quote_id": taken["quote"]["id"]}
    seen = world.booker("POST", f"{world.at}/bookings/preview", 200, json=order).json
    assert seen["price"]["to_pay"] == "880.00"
    booked = world.booker("POST", f"{world.at}/bookings", 201, json=order).json
    later = {**order, "start": "2026-03-04T09:00:00+08:00", "end": "2026-03-04T11:00:00+08:00"}
    refused = world.booker("POST", f"{world.at}/bookings", 409, json=later)
    assert [r["code"] for r in refused.json["reasons"]] == ["booking.given_used"]
    quote = world.booker("GET", f"/hosts/{world.scene.host.code}/quotes/{booked['quote_id']}", 200).json
    assert quote["list_price"] == "880.00" and quote["lines"][0]["amount"] == "880.00"
    assert world.booker("GET", f"{one}/quotes", 200).json["items"][0]["state"] == "accepted"


def test_the_last_day_to_order_is_said_and_what_is_over_is_asked_again(
    make_world: Callable[..., World], other_host: Door
) -> None:
    world = make_world(tariff=ASK)
    made = world.booker("POST", f"{world.at}/inquiries", 201, json=WISH).json
    assert made["former_id"] is None
    one, at = f"/hosts/{world.scene.host.code}/inquiries/{made['id']}", "2026-06-08T{}+08:00"
    world.manager("POST", f"{one}/quotes", 201, json=PRICE, headers={"If-Match": "*"})
    taken = world.booker("POST", f"{one}/acceptance", 200, json={"number": 1}, headers={"If-Match": "*"}).json
    assert taken["quote"]["order_until"] == "2026-06-08"
    times = {"start": "2026-06-10T09:00:00+08:00", "end": "2026-06-10T11:00:00+08:00"}
    order = {**ORDER, **times, "given_quote_id": taken["quote"]["id"]}
    before = replace(world.booker, at=moment(at.format("23:59:59")))
    after = replace(world.booker, at=moment(at.format("23:59:59")) + timedelta(seconds=1))
    seen = before("POST", f"{world.at}/bookings/preview", 200, json=order).json
    assert seen["price"]["to_pay"] == "880.00"
    refused = after("POST", f"{world.at}/bookings", 409, json=order).json["reasons"]
    assert [one["code"] for one in refused] == ["booking.given_order_over"] and refused[0]["remedy"]
    before("POST", f"{one}/repetition", 409, json={})
    for door, status in ((world.stranger, 404), (other_host, 404), (world.visitor, 401)):
        replace(door, at=after.at)("POST", f"{one}/repetition", status, json={})
    replace(world.manager, at=after.at)("POST", f"{one}/repetition", 422, json={})
    key = {"Idempotency-Key": "again-1"}
    again = after("POST", f"{one}/repetition", 201, json={"wanted_from": "2026-06-20"}, headers=key).json
    assert (
        after("POST", f"{one}/repetition", 201, json={"wanted_from": "2026-06-20"}, headers=key).json == again
    )
    assert again["former_id"] == made["id"] and again["state"] == "asked" and again["id"] != made["id"]
    assert (again["description"], again["wanted_from"]) == (WISH["description"], "2026-06-20")
    assert again["wanted_until"] is None, "the former one's days are over"
    twice = after("POST", f"{one}/repetition", 409, json={}).json["reasons"]
    assert [one["code"] for one in twice] == ["booking.asked_again"]


def test_declined_withdrawn_refused(make_world: Callable[..., World]) -> None:
    world = make_world(tariff=ASK)
    made = world.booker("POST", f"{world.at}/inquiries", 201, json=WISH).json
    one, any_version = f"/hosts/{world.scene.host.code}/inquiries/{made['id']}", {"If-Match": "*"}
    world.manager("POST", f"{one}/quotes", 201, json=PRICE, headers=any_version)
    no = {"number": 1, "reason": "太贵"}
    assert (
        world.booker("POST", f"{one}/decline", 200, json=no, headers=any_version).json["state"] == "declined"
    )
    world.manager("POST", f"{one}/quotes", 201, json=PRICE, headers=any_version)
    back = {"number": 2, "reason": "写错了"}
    assert (
        world.manager("POST", f"{one}/price-withdrawal", 200, json=back, headers=any_version).json["state"]
        == "asked"
    )
    world.manager("POST", f"{one}/refusal", 200, json={"reason": "做不了"}, headers=any_version)
    world.booker("POST", f"{one}/withdrawal", 409, json={}, headers=any_version)
