"""What is booked together, split, handed over and held against somebody, over the REST interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.catalogue.terms import ResourceKind
from resource_hub.infra import clock, outbox
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders.accounts import bearer, make_person
from tests.builders.availability import make_exception, make_rules, make_weekly, moment, span
from tests.builders.catalogue import make_listing
from tests.support.door import NOW, Door, World
from tests.web.booking.test_api import ORDER, book, codes

ANY = {"If-Match": "*"}


# ---- linked resources ------------------------------------------------------------------------------------------


@pytest.fixture
def room(world: World) -> str:
    """The id of a preparation room that is always booked with the instrument."""
    with world.app.app_context(), clock.fixed(NOW):
        made = make_listing(
            world.scene.host,
            kind=ResourceKind.FACILITY,
            listed=False,
            bookable=True,
            name_zh="制样室",
            name_en="Prep",
        )
        with unit_of_work() as unit:
            availability.set_hours_directly(unit, made.key, make_weekly(), make_rules())
            availability.rebuild(unit, [made.key], availability.kept_span())
    empty = world.visitor("GET", f"{world.at}/helpers", 200)
    assert empty.json == {"items": []}
    wanted = {"helpers": [{"resource_id": str(made.key.id), "required": True}]}
    world.manager("PUT", f"{world.at}/helpers", 428, json=wanted)
    tag = {"If-Match": empty.headers["ETag"]}
    saved = world.manager("PUT", f"{world.at}/helpers", 200, json=wanted, headers=tag)
    assert [(row["code"], row["required"]) for row in saved.json["items"]] == [(made.code, True)]
    stale = world.manager("PUT", f"{world.at}/helpers", 412, json={"helpers": []}, headers=tag)
    assert codes(stale) == ["catalogue.listing_stale"]
    return str(made.key.id)


def test_what_comes_along_is_priced_and_booked_with_it(world: World, room: str) -> None:
    made = book(world)
    (helper,) = world.booker("GET", world.one(made["id"]) + "/helpers", 200).json["items"]
    assert (helper["resource_id"], helper["start"], helper["state"]) == (room, made["start"], "approved")
    world.stranger("GET", world.one(made["id"]) + "/helpers", 404)
    world.booker("GET", world.one(str(uuid4())) + "/helpers", 404)
    world.booker("POST", f"{world.one(helper['id'])}/cancellation", 409, json={}, headers=ANY)
    world.booker("POST", f"{world.one(made['id'])}/cancellation", 200, json={}, headers=ANY)
    assert world.booker("GET", world.one(made["id"]) + "/helpers", 200).json["items"] == []
    # The room is free again, with the instrument.
    book(world, world.stranger)


def test_a_helper_in_the_way_is_named_before_and_nothing_is_booked(world: World, room: str) -> None:
    with world.app.app_context(), clock.fixed(NOW):
        closed = make_exception(span=span("2026-03-03T10:00+08:00", "2026-03-03T11:00+08:00"))
        availability.add_exception(HostKey(world.scene.host.id, UUID(room)), closed, by=world.scene.manager)
    seen = world.booker("POST", f"{world.at}/bookings/preview", 200, json=ORDER).json
    assert seen["reasons"][0]["code"] == "booking.helper_in_the_way"
    refused = world.booker("POST", f"{world.at}/bookings", 409, json=ORDER)
    assert codes(refused)[0] == "booking.helper_in_the_way"
    assert world.booker("GET", "/bookings", 200).json["items"] == []


def test_who_may_say_what_belongs_together(world: World, other_host: Door) -> None:
    wanted = {"helpers": [{"resource_id": str(uuid4())}]}
    world.booker("PUT", f"{world.at}/helpers", 403, json=wanted, headers=ANY)
    other_host("PUT", f"{world.at}/helpers", 404, json=wanted, headers=ANY)
    unfit = world.manager("PUT", f"{world.at}/helpers", 422, json=wanted, headers=ANY)
    assert codes(unfit) == ["catalogue.link_unfit"]


# ---- splitting and handing over --------------------------------------------------------------------------------


def test_a_booking_is_split_once_from_the_version_that_was_read(world: World) -> None:
    made = book(world)
    path, at = f"{world.one(made['id'])}/split", {"at": "2026-03-03T10:00:00+08:00"}
    world.booker("POST", path, 428, json=at)
    tag = {"If-Match": f'"{made["version"]}"'}
    halves = world.booker("POST", path, 200, json=at, headers=tag).json
    assert halves["first"]["id"] == made["id"] and halves["first"]["end"] == halves["second"]["start"]
    assert codes(world.booker("POST", path, 412, json=at, headers=tag)) == ["booking.stale"]
    outside = world.booker("POST", path, 422, json={"at": "2026-03-03T12:00:00+08:00"}, headers=ANY)
    assert codes(outside) == ["booking.split_outside"]
    world.stranger("POST", path, 404, json=at, headers=ANY)


def test_a_colleague_takes_a_booking_over(world: World) -> None:
    with world.app.app_context(), clock.fixed(NOW):
        person = make_person(roles=[(world.scene.firm, Role.BOOKER)])
    made = book(world)
    (group,) = world.booker("GET", f"{world.one(made['id'])}/successors", 200).json["items"]
    assert group["customer_id"] == made["customer_id"]
    assert [one["id"] for one in group["people"]] == [str(person.id)]
    path = f"{world.one(made['id'])}/hand-over"
    done = world.booker("POST", path, 200, json={"person_id": str(person.id)}, headers=ANY).json
    assert (done["id"], done["person_id"], done["number"]) == (made["id"], str(person.id), made["number"])
    nobody = world.booker("POST", path, 422, json={"person_id": str(uuid4())}, headers=ANY)
    assert codes(nobody) == ["booking.person_not_theirs"]
    world.stranger("POST", path, 404, json={"person_id": str(person.id)}, headers=ANY)
    world.stranger("GET", f"{world.one(made['id'])}/successors", 404)


# ---- strikes ---------------------------------------------------------------------------------------------------


def deciding(world: World) -> Door:
    """A second person of the host: who gave a strike does not decide on it."""
    with world.app.app_context(), clock.fixed(NOW):
        person = make_person(roles=[(world.scene.host, Role.MANAGER)])
        return Door(world.app, bearer(person, world.scene.host))


def test_a_strike_is_given_appealed_and_decided(world: World, other_host: Door) -> None:
    made = book(world)
    at = f"/hosts/{world.scene.host.code}/strikes"
    body, key = {"number": made["number"], "note": "样品台未清理"}, {"Idempotency-Key": "s"}
    given = world.manager("POST", at, 201, json=body, headers=key).json
    assert world.manager("POST", at, 201, json=body, headers=key).json == given
    assert (given["kind"], given["state"], given["counts"]) == ("misuse", "given", True)
    assert [one["id"] for one in world.booker("GET", "/me/strikes", 200).json["items"]] == [given["id"]]
    path = f"{at}/{given['id']}"
    shown = world.booker("GET", path, 200)
    tag = {"If-Match": shown.headers["ETag"]}
    world.booker("POST", f"{path}/appeal", 428, json={"text": "不是我"})
    appealed = world.booker("POST", f"{path}/appeal", 200, json={"text": "不是我"}, headers=tag).json
    assert (appealed["state"], appealed["appeal"]) == ("appealed", "不是我")
    assert codes(world.booker("POST", f"{path}/appeal", 412, json={"text": "x"}, headers=tag)) == [
        "booking.stale"
    ]
    open_ = world.manager("GET", f"{at}?state=appealed", 200).json["items"]
    assert [one["id"] for one in open_] == [given["id"]]
    decision = {"lift": True, "text": "监控已核对"}
    first = world.manager("POST", f"{path}/decision", 403, json=decision, headers=ANY)
    assert codes(first) == ["booking.strike_second_person"]
    done = deciding(world)("POST", f"{path}/decision", 200, json=decision, headers=ANY).json
    assert (done["state"], done["decision"], done["counts"]) == ("lifted", "监控已核对", False)
    late = deciding(world)("POST", f"{path}/decision", 409, json={**decision, "lift": False}, headers=ANY)
    assert codes(late) == ["booking.strike_decided"]
    for door in (world.stranger, other_host):
        door("GET", path, 404)
        door("POST", f"{path}/appeal", 404, json={"text": "x"}, headers=ANY)
        door("POST", f"{path}/decision", 404, json=decision, headers=ANY)
    world.booker("GET", at, 403)
    other_host("GET", at, 404)
    other_host("POST", at, 404, json=body)
    world.visitor("GET", "/me/strikes", 401)


def test_a_late_cancellation_is_seen_among_ones_own(make_world: Callable[..., World]) -> None:
    world = make_world(rules={"strike_late_cancel": 1440})
    made = book(world)
    late = replace(world.booker, at=moment("2026-03-02T09:00:01+08:00"))
    late("POST", f"{world.one(made['id'])}/cancellation", 200, json={}, headers=ANY)
    with world.app.app_context(), clock.fixed(late.at):
        outbox.deliver_due()
    (strike,) = late("GET", "/me/strikes", 200).json["items"]
    assert (strike["kind"], strike["booking_id"]) == ("late_cancel", made["id"])


def test_a_bar_is_listed_and_lifted(make_world: Callable[..., World], other_host: Door) -> None:
    world = make_world(rules={"bars": [{"count": 1, "ladder": [{"unit": "lifted"}]}]})
    made = book(world)
    at = f"/hosts/{world.scene.host.code}/bars"
    body = {"number": made["number"], "note": "样品台未清理"}
    world.manager(
        "POST", f"/hosts/{world.scene.host.code}/strikes", 201, json=body, headers={"Idempotency-Key": "s"}
    )
    (bar,) = world.manager("GET", at, 200).json["items"]
    assert (bar["until"], bar["strikes"], bar["resource_code"]) == (None, 1, world.scene.resource.code)
    assert world.booker("GET", "/me/bars", 200).json["items"] == [bar]
    path = f"{at}/{bar['resource_id']}/{bar['person_id']}/lift"
    world.manager("POST", path, 422, json={})
    world.booker("POST", path, 403, json={"reason": "x"})
    other_host("GET", at, 404)
    other_host("POST", path, 404, json={"reason": "x"})
    assert world.manager("POST", path, 200, json={"reason": "已谈话"}).json["lifted_at"]
    assert codes(world.manager("POST", path, 409, json={"reason": "已谈话"})) == ["booking.not_barred"]
    assert world.booker("GET", "/me/bars", 200).json["items"] == []
