"""Pages and doors by which a booking goes to another organisation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask

from resource_hub.domain.accounts.terms import PersonRecord
from resource_hub.domain.booking import service
from resource_hub.infra import clock
from tests.builders.booking import Scene, another_booker, make_booking
from tests.support.door import Door, World, make_world, other_host, world
from tests.web.booking.pages.conftest import Desk
from tests.web.booking.test_api import book, codes

pytestmark = pytest.mark.any_engine

__all__ = ["make_world", "other_host", "world"]
ANY = {"If-Match": "*"}


def test_a_booking_is_offered_found_and_taken(
    app: Flask, scene: Scene, desk: Desk, desk_of: Callable[[PersonRecord], Desk]
) -> None:
    with app.app_context():
        made = make_booking(scene)
        firm, person, _ = another_booker("李工")
    at = f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}"
    page = desk.see(f"{at}/divide")
    nothing = desk.send(f"{at}/offer", page, search="no such firm")
    assert "No registered organisation is found" in nothing.get_data(as_text=True)
    found = desk.send(f"{at}/offer", page, search=firm.uscc).get_data(as_text=True)
    assert firm.code in found
    done = desk.send(f"{at}/offer", found, search=firm.uscc, to=firm.code, offer="1", offer_note="临时出差")
    assert done.status_code == 303
    assert "It is offered until" in desk.see(f"{at}/divide")
    taker, mine = desk_of(person), f"/o/{firm.code}/hand-overs"
    offer = taker.see(mine)
    assert "临时出差" in offer and "600.00" in offer and "李工" in offer
    answer = offer.split(f"{mine}/{scene.host.code}/")[1].split("/accept")[0]
    path = f"{mine}/{scene.host.code}/{answer}"
    taken = taker.send(f"{path}/accept", offer, person=str(person.id), version="1")
    assert taken.status_code == 303 and made.number in taker.see(taken.headers["Location"])
    desk.see(at, 404)
    past = desk.see(f"/o/{scene.firm.code}/hand-overs")
    assert "Nothing waits for an answer" in past and "taken" in past


def test_a_booking_is_declined_and_an_offer_taken_back(
    app: Flask, scene: Scene, desk: Desk, desk_of: Callable[[PersonRecord], Desk]
) -> None:
    with app.app_context():
        made = make_booking(scene)
        firm, person, _ = another_booker()
    at = f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}"

    def offer() -> str:
        page = desk.see(f"{at}/divide")
        assert desk.send(f"{at}/offer", page, search=firm.uscc, to=firm.code, offer="1").status_code == 303
        return desk.see(f"/o/{scene.firm.code}/hand-overs")

    ours = f"/o/{scene.firm.code}/hand-overs/{scene.host.code}/"
    first = offer().split(ours)[1].split("/withdraw")[0]
    taker = desk_of(person)
    theirs = f"/o/{firm.code}/hand-overs"
    said = taker.send(
        f"{theirs}/{scene.host.code}/{first}/decline", taker.see(theirs), reason="已有安排", version="1"
    )
    assert said.status_code == 303 and "已有安排" in desk.see(f"/o/{scene.firm.code}/hand-overs")
    page = offer()
    second = page.split(ours)[1].split("/withdraw")[0]
    assert desk.send(f"{ours}{second}/withdraw", page, version="1").status_code == 303
    late = taker.send(f"{theirs}/{scene.host.code}/{second}/accept", taker.see(theirs), version="2")
    assert late.status_code == 409 or "This offer is over." in late.get_data(as_text=True)


def test_the_same_over_the_rest_interface(world: World, other_host: Door) -> None:
    made, host = book(world), world.scene.host.code
    me = world.stranger("GET", "/me", 200).json["organisation"]["code"]
    body, key = {"organisation": me, "note": "临时出差"}, {"Idempotency-Key": "o"}
    path = f"{world.one(made['id'])}/hand-overs"
    one = world.booker("POST", path, 201, json=body, headers=key).json
    assert world.booker("POST", path, 201, json=body, headers=key).json == one
    assert (one["state"], one["ours"], one["expires_at"]) == ("open", False, "2026-03-03T01:00:00Z")
    assert codes(world.booker("POST", path, 409, json=body)) == ["booking.hand_over_open"]
    own = world.booker("GET", "/me", 200).json["organisation"]["code"]
    assert codes(world.booker("POST", path, 422, json={"organisation": own})) == ["booking.hand_over_same"]
    world.booker("POST", path, 404, json={"organisation": "nobody"})
    at = f"/hosts/{host}/hand-overs/{one['id']}"
    shown = world.stranger("GET", at, 200)
    assert shown.json["ours"] and [
        o["id"] for o in world.stranger("GET", "/hand-overs", 200).json["items"]
    ] == [one["id"]]
    seen = world.stranger("GET", f"{at}/preview", 200).json
    assert seen["reasons"] == [] and seen["price"]["to_pay"] == "600.00"
    assert (seen["fee"], seen["currency"], seen["more"]) == ("0.00", "CNY", [])
    for tail, data in (
        ("", None),
        ("/preview", None),
        ("/acceptance", {}),
        ("/refusal", {}),
        ("/withdrawal", None),
    ):
        method = "GET" if data is None and tail != "/withdrawal" else "POST"
        other_host(method, at + tail, 404, json=data, headers=ANY)
        world.stranger(method, f"/hosts/{host}/hand-overs/{uuid4()}{tail}", 404, json=data, headers=ANY)
    world.booker("POST", f"{at}/acceptance", 404, json={}, headers=ANY)
    world.stranger("POST", f"{at}/withdrawal", 404, headers=ANY)
    world.stranger("POST", f"{at}/acceptance", 428, json={})
    taken = world.stranger(
        "POST", f"{at}/acceptance", 200, json={}, headers={"If-Match": shown.headers["ETag"]}
    ).json
    assert taken["id"] == made["id"] and taken["customer_id"] == one["to_customer_id"]
    world.booker("GET", world.one(made["id"]), 404)
    assert codes(world.stranger("POST", f"{at}/refusal", 409, json={}, headers=ANY)) == [
        "booking.hand_over_over"
    ]


@pytest.mark.parametrize(("language", "said"), [("en", "cancelling it costs you"), ("zh", "取消预约需付")])
def test_who_takes_it_over_late_reads_what_giving_it_back_costs(
    app: Flask, scene: Scene, desk_of: Callable[..., Desk], language: str, said: str
) -> None:
    with app.app_context():
        made = make_booking(scene)
        firm, person, by = another_booker()
        assert made.span is not None
        late = made.span.start - timedelta(hours=1)
        with clock.fixed(late):
            service.offer_hand_over(made.key, next(iter(by.customer_ids)), by=scene.booker)
    with clock.fixed(late):
        taker = desk_of(person, language)
        page = taker.see(f"/o/{firm.code}/hand-overs")
    assert said in page and "100.00" in page
