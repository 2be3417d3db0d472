"""The REST interface of booking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from resource_hub.domain.accounts.tables import ApiToken, Person
from resource_hub.domain.accounts.terms import Role
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.accounts import bearer, make_firm, make_person
from tests.builders.availability import moment
from tests.support.door import Door, World

TUESDAY = {"start": "2026-03-03T09:00:00+08:00", "end": "2026-03-03T11:00:00+08:00"}
LATER = {"start": "2026-03-04T13:00:00+08:00", "end": "2026-03-04T15:00:00+08:00"}
ORDER = {**TUESDAY, "description": "断口形貌"}


def book(world: World, door: Door | None = None, status: int = 201, **changes: Any) -> Any:
    return (door or world.booker)("POST", f"{world.at}/bookings", status, json={**ORDER, **changes}).json


def codes(answer: Any) -> list[str]:
    return [reason["code"] for reason in answer.json["reasons"]]


def test_a_booking_from_preview_to_its_page(world: World) -> None:
    seen = world.visitor("POST", f"{world.at}/bookings/preview", 200, json=ORDER).json
    assert seen["reasons"] == [] and seen["price"]["to_pay"] == "600.00" and len(seen["free_units"]) == 1
    quote = world.booker("POST", f"{world.at}/quotes", 201, json=ORDER).json
    assert (quote["list_price"], quote["net"], quote["currency"]) == ("600.00", "600.00", "CNY")
    assert world.booker("GET", f"/hosts/{world.scene.host.code}/quotes/{quote['id']}", 200).json == quote
    world.stranger("GET", f"/hosts/{world.scene.host.code}/quotes/{quote['id']}", 404)
    made = book(world, quote_id=quote["id"])
    assert (made["state"], made["quote_id"], made["start"]) == (
        "approved",
        quote["id"],
        "2026-03-03T01:00:00Z",
    )
    shown = world.booker("GET", world.one(made["id"]), 200)
    assert shown.headers["ETag"] == f'"{made["version"]}"'
    assert {k: shown.json[k] for k in made} == made
    assert shown.json["side"] == "customer" and set(shown.json["acts"]) == {"cancel", "change"}
    assert [e["kind"] for e in shown.json["events"]] == ["requested", "approved"]
    assert world.manager("GET", world.one(made["id"]), 200).json["side"] == "host"


def test_strangers_and_other_hosts_are_told_nothing(world: World, other_host: Door) -> None:
    made = book(world)
    for door in (world.stranger, other_host):
        for method, path, body in [
            ("GET", "", None), ("GET", "/messages", None), ("GET", "/cancellation", None),
            ("POST", "/cancellation", {"reason": "x"}), ("POST", "/change", LATER), ("POST", "/change/preview", LATER),
            ("POST", "/approval", {}), ("POST", "/rejection", {"reason": "x"}), ("POST", "/proposal", LATER),
            ("POST", "/messages", {"text": "x"}), ("POST", "/steps", {"step": "receive"}),
        ]:  # fmt: skip
            answer = door(method, world.one(made["id"]) + path, 404, json=body, headers={"If-Match": "*"})
            missing = door(method, world.one(str(uuid4())) + path, 404, json=body, headers={"If-Match": "*"})
            keys = ("title", "detail", "code", "reasons")
            assert [answer.json[k] for k in keys] == [missing.json[k] for k in keys]
    other_host("GET", f"/hosts/{world.scene.host.code}/bookings", 404)
    assert world.stranger("GET", "/bookings", 200).json["items"] == []
    # The booking exists, but not at the other host's address.
    with world.app.app_context():
        code = world.stranger("GET", "/me", 200).json["organisation"]["code"]
    world.booker("GET", f"/hosts/{code}/bookings/{made['id']}", 404)
    world.visitor("GET", world.one(made["id"]), 401)


def test_a_refusal_lists_every_reason_and_times_that_would_do(make_world: Callable[..., World]) -> None:
    world = make_world(rules={"least": 60, "lead": {"all": 2880}})
    wish = {"start": "2026-03-03T16:40:00+08:00", "end": "2026-03-03T17:10:00+08:00"}
    answer = world.booker("POST", f"{world.at}/bookings", 409, json={**ORDER, **wish})
    assert answer.mimetype == "application/problem+json"
    assert codes(answer) == [
        "booking.lead", "booking.too_short", "booking.start_step", "availability.closed_hours",
    ]  # fmt: skip
    assert all(reason["detail"] and reason["remedy"] for reason in answer.json["reasons"])
    assert len(answer.json["alternatives"]) == 3
    book(world, **answer.json["alternatives"][0])


def test_a_taken_time_names_alternatives_and_no_holder(world: World) -> None:
    made = book(world)
    for path in ("bookings", "holds"):
        answer = world.stranger("POST", f"{world.at}/{path}", 409, json=ORDER)
        assert codes(answer) == ["availability.slot_taken"] and len(answer.json["alternatives"]) == 3
        for secret in (made["id"], made["number"], made["customer_id"], made["person_id"], "断口形貌"):
            assert secret not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("wish", "place", "code"),
    [
        ({"start": "2026-03-03T09:00:00"}, "/start", "moment.naive"),
        ({"end": "2026-03-03"}, "/end", "invalid"),
        ({"end": TUESDAY["start"]}, "end", "booking.end_before_start"),
        ({"end": None}, "end", "booking.time_missing"),
        ({"samples": -1}, "/samples", "invalid"),
        ({"samples": "three"}, "/samples", "invalid"),
        ({"hazards": ["dragons"]}, "/hazards/0", "invalid"),
        ({"description": "a\u0000b"}, "/description", "invalid"),
        ({"surprise": 1}, "/surprise", "invalid"),
        ({"customer_id": str(uuid4())}, "customer", "booking.customer_not_yours"),
        ({"person_id": str(uuid4())}, "person", "booking.person_not_theirs"),
        ({"unit_id": str(uuid4())}, "unit", "availability.no_such_unit"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(
    world: World, wish: dict[str, Any], place: str, code: str
) -> None:
    answer = world.booker("POST", f"{world.at}/bookings", json={**ORDER, **wish})
    assert answer.status_code in (409, 422)
    (reason,) = [r for r in answer.json["reasons"] if r["place"] == place]
    assert reason["code"] == code
    assert reason["detail"]
    if code not in ("invalid", "booking.time_missing"):
        assert reason["remedy"]


def test_the_same_key_counts_once(world: World) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = world.booker("POST", f"{world.at}/bookings", 201, json=ORDER, headers=key).json
    assert world.booker("POST", f"{world.at}/bookings", 201, json=ORDER, headers=key).json == first
    reused = world.booker("POST", f"{world.at}/bookings", 409, json={**ORDER, "samples": 2}, headers=key)
    assert codes(reused) == ["booking.key_reused"]
    # Another person's key is another key.
    world.stranger("POST", f"{world.at}/bookings", 201, json={**ORDER, **LATER}, headers=key)
    assert len(world.booker("GET", "/bookings", 200).json["items"]) == 1
    for path, body in [("/messages", {"text": "样品今天寄出"})]:
        once = world.booker(
            "POST", world.one(first["id"]) + path, 201, json=body, headers={"Idempotency-Key": "m"}
        )
        twice = world.booker(
            "POST", world.one(first["id"]) + path, 201, json=body, headers={"Idempotency-Key": "m"}
        )
        assert once.json == twice.json
    other = world.booker(
        "POST",
        world.one(first["id"]) + "/messages",
        409,
        json={"text": "x"},
        headers={"Idempotency-Key": "m"},
    )
    assert codes(other) == ["key_reused"]
    assert len(world.manager("GET", world.one(first["id"]) + "/messages", 200).json["items"]) == 1
    quote = world.booker("POST", f"{world.at}/quotes", 201, json=LATER, headers={"Idempotency-Key": "q"}).json
    assert (
        world.booker("POST", f"{world.at}/quotes", 201, json=LATER, headers={"Idempotency-Key": "q"}).json
        == quote
    )
    bad = world.booker("POST", f"{world.at}/bookings", 422, json=ORDER, headers={"Idempotency-Key": "é" * 3})
    assert bad.json["reasons"][0]["place"] == "/Idempotency-Key"


def test_a_key_of_one_organisation_is_none_of_another(world: World) -> None:
    with world.app.app_context():
        firms = make_firm(), make_firm()
        person = make_person(roles=[(firm, Role.BOOKER) for firm in firms])
        here, elsewhere = (replace(world.booker, headers=bearer(person, firm)) for firm in firms)
    key = {"Idempotency-Key": "same"}
    here("POST", f"{world.at}/bookings", 201, json=ORDER, headers=key)
    answer = elsewhere("POST", f"{world.at}/bookings", 409, json=ORDER, headers=key)
    assert codes(answer) == ["booking.key_reused"]
    here("POST", f"{world.at}/quotes", 201, json=ORDER, headers={"Idempotency-Key": "q"})
    answer = elsewhere("POST", f"{world.at}/quotes", 409, json=ORDER, headers={"Idempotency-Key": "q"})
    assert codes(answer) == ["key_reused"]


def test_a_hold_keeps_the_time_until_it_lapses_or_is_booked(world: World) -> None:
    key = {"Idempotency-Key": "h"}
    held = world.booker("POST", f"{world.at}/holds", 201, json=ORDER, headers=key).json
    assert world.booker("POST", f"{world.at}/holds", 201, json=ORDER, headers=key).json == held
    assert held["state"] == "held" and held["hold_expires_at"] == "2026-03-02T00:15:00Z"
    book(world, world.stranger, 409)
    book(world, world.stranger, 404, hold_id=held["id"], **LATER)
    made = book(world, hold_id=held["id"])
    assert made["id"] == held["id"] and made["state"] == "approved"
    other = world.booker("POST", f"{world.at}/holds", 201, json=LATER).json
    later = replace(world.booker, at=moment("2026-03-02T08:15+08:00"))
    assert later("GET", world.one(other["id"]), 200).json["state"] == "expired"
    later("POST", f"{world.at}/bookings", 201, json={**ORDER, **LATER})


def test_time_given_back_late_costs_what_its_preview_says(world: World) -> None:
    made = book(world)
    path, any_version = world.one(made["id"]), {"If-Match": "*"}
    late = replace(world.booker, at=moment("2026-03-02T12:00+08:00"))
    shorter = {"start": TUESDAY["start"], "end": "2026-03-03T09:30:00+08:00"}
    seen = late("POST", f"{path}/change/preview", 200, json=shorter).json
    assert (seen["fee"], seen["currency"], seen["more"]) == ("75.00", "CNY", [])
    dear = late("POST", f"{path}/change", 409, json={**shorter, "expected_fee": "74.99"}, headers=any_version)
    assert codes(dear) == ["booking.change_fee_rose"] and dear.json["reasons"][0]["remedy"]
    late("POST", f"{path}/change", 200, json={**shorter, "expected_fee": "75.00"}, headers=any_version)
    (part,) = late("GET", path, 200).json["given_back"]
    assert (part["start"], part["end"]) == ("2026-03-03T01:30:00Z", "2026-03-03T03:00:00Z")
    assert (part["fee"], part["currency"], part["decides_at"]) == ("75.00", "CNY", part["start"])
    assert late("GET", f"{path}/cancellation", 200).json["fee"] == "25.00"


def test_edits_name_the_version_that_was_read(world: World) -> None:
    made = book(world)
    path = world.one(made["id"])
    missing = world.booker("POST", f"{path}/change", 428, json=LATER)
    assert codes(missing) == ["precondition.missing"] and missing.json["reasons"][0]["remedy"]
    for tag in ('"99"', "rubbish", '"-1"'):
        world.booker("POST", f"{path}/change", 412, json=LATER, headers={"If-Match": tag})
    preview = world.booker("POST", f"{path}/change/preview", 200, json=LATER).json
    assert preview["free"] and preview["reasons"] == [] and preview["price"]["to_pay"] == "600.00"
    moved = world.booker(
        "POST", f"{path}/change", 200, json=LATER, headers={"If-Match": f'"{made["version"]}"'}
    )
    assert moved.json["start"] == "2026-03-04T05:00:00Z" and moved.json["number"] == made["number"]
    assert moved.headers["ETag"] == f'"{made["version"] + 1}"'
    stale = world.booker(
        "POST", f"{path}/cancellation", 412, json={}, headers={"If-Match": f'"{made["version"]}"'}
    )
    assert codes(stale) == ["booking.stale"]
    book(world, world.stranger, **{**ORDER, **TUESDAY})
    back = world.booker("POST", f"{path}/change", 409, json=TUESDAY, headers={"If-Match": "*"})
    assert codes(back) == ["availability.slot_taken"] and len(back.json["alternatives"]) == 3
    assert world.booker("GET", path, 200).json["start"] == "2026-03-04T05:00:00Z"


def test_cancelling_says_its_fee_first(world: World) -> None:
    made = book(world)
    path, any_version = world.one(made["id"]), {"If-Match": "*"}
    assert world.booker("GET", f"{path}/cancellation", 200).json == {
        "fee": "0.00",
        "currency": "CNY",
        "more": [],
        "reasons": [],
    }
    late = replace(world.booker, at=moment("2026-03-02T09:00:01+08:00"))
    assert late("GET", f"{path}/cancellation", 200).json["fee"] == "100.00"
    rose = late("POST", f"{path}/cancellation", 409, json={"expected_fee": "99.99"}, headers=any_version)
    assert codes(rose) == ["booking.fee_rose"]
    done = late(
        "POST", f"{path}/cancellation", 200, json={"expected_fee": "100.00"}, headers=any_version
    ).json
    assert (done["state"], done["cancel_fee"]) == ("cancelled", "100.00")
    again = late("POST", f"{path}/cancellation", 409, json={}, headers=any_version)
    assert codes(again) == ["booking.wrong_state"]
    other = book(world, **LATER)
    without = world.manager(
        "POST", f"{world.one(other['id'])}/cancellation", 422, json={}, headers=any_version
    )
    assert codes(without) == ["booking.reason_missing"]


def test_the_hosts_answers(make_world: Callable[..., World]) -> None:
    world = make_world(rules={"approval": "always"})
    made = book(world)
    assert made["state"] == "requested" and made["answer_by"]
    waiting = world.manager("GET", f"/hosts/{world.scene.host.code}/bookings?state=requested", 200).json
    assert [one["id"] for one in waiting["items"]] == [made["id"]]
    path, tag = world.one(made["id"]), {"If-Match": f'"{made["version"]}"'}
    world.booker("POST", f"{path}/approval", 403, json={}, headers=tag)
    world.manager("POST", f"{path}/approval", 428, json={})
    proposed = world.manager("POST", f"{path}/proposal", 200, json={**LATER, "note": "上午检定"}, headers=tag)
    assert proposed.json["state"] == "requested" and proposed.json["start"] == "2026-03-04T05:00:00Z"
    done = world.manager(
        "POST", f"{path}/approval", 200, json={"note": "欢迎"}, headers={"If-Match": proposed.headers["ETag"]}
    )
    assert (done.json["state"], done.json["decision_note"]) == ("approved", "欢迎")
    other = book(world)
    one = world.one(other["id"])
    world.manager("POST", f"{one}/rejection", 422, json={}, headers={"If-Match": "*"})
    refused = world.manager(
        "POST", f"{one}/rejection", 200, json={"reason": "停电"}, headers={"If-Match": "*"}
    )
    assert refused.json["state"] == "rejected"
    late = world.manager("POST", f"{one}/approval", 409, json={}, headers={"If-Match": "*"})
    assert codes(late) == ["booking.wrong_state"]


def test_lists_go_by_cursor_and_skip_nothing(world: World) -> None:
    made = [
        book(world, start=f"2026-03-03T{hour:02d}:00:00+08:00", end=f"2026-03-03T{hour + 1:02d}:00:00+08:00")[
            "id"
        ]
        for hour in range(9, 14)
    ]
    for door, path in (
        (world.booker, "/bookings"),
        (world.manager, f"/hosts/{world.scene.host.code}/bookings"),
    ):
        found, after = [], ""
        for _ in range(3):
            page = door("GET", f"{path}?newest=false&limit=2{after}", 200).json
            found += [one["id"] for one in page["items"]]
            after = f"&after={page['next']}"
        assert found == made and page["next"] is None
        door("GET", f"{path}?after=rubbish", 422)
        door("GET", f"{path}?state=rubbish", 422)
    assert world.booker("GET", "/bookings?state=cancelled", 200).json["items"] == []
    world.booker("GET", f"/hosts/{world.scene.host.code}/bookings", 403)


def test_samples_and_access_step_by_step(make_world: Callable[..., World]) -> None:
    from resource_hub.domain.catalogue.terms import Mode

    world = make_world(modes=(Mode.SELF_USE, Mode.SEND_IN))
    none = world.booker("POST", f"{world.at}/bookings", 409, json={"kind": "samples"})
    assert codes(none) == ["booking.samples_missing"]
    made = world.booker(
        "POST", f"{world.at}/bookings", 201, json={"kind": "samples", "samples": 5, "description": "合金"}
    ).json
    assert (made["state"], made["mode"], made["sums"]["to_pay"]) == ("requested", "send_in", "400.00")
    path = world.one(made["id"])
    any_version = {"If-Match": "*"}
    early = world.manager("POST", f"{path}/steps", 409, json={"step": "receive"}, headers=any_version)
    assert codes(early) == ["booking.wrong_state"]
    world.manager("POST", f"{path}/approval", 200, json={}, headers=any_version)
    world.booker("POST", f"{path}/steps", 409, json={"step": "receive"}, headers=any_version)
    for step, state in (("receive", "received"), ("begin", "in_progress"), ("deliver", "delivered")):
        done = world.manager("POST", f"{path}/steps", 200, json={"step": step}, headers=any_version)
        assert done.json["state"] == state
    world.booker("POST", f"{path}/steps", 428, json={"step": "finish"})
    last = world.booker("POST", f"{path}/steps", 200, json={"step": "finish"}, headers=any_version)
    assert last.json["state"] == "done"
    world.booker("POST", f"{path}/steps", 422, json={"step": "start"}, headers=any_version)


def test_a_booking_takes_a_handful_of_statements_over_http(world: World) -> None:
    """A bound that only a new question breaks, never a slow machine."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    for day in (3, 4):
        book(world, start=f"2026-03-0{day}T09:00:00+08:00", end=f"2026-03-0{day}T10:00:00+08:00")
    with world.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        book(world, start="2026-03-05T09:00:00+08:00", end="2026-03-05T10:00:00+08:00")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    said = [one for one in sent if not one.startswith("BEGIN")]
    # On PostgreSQL one function of the schema asks all that is asked behind the lock.
    stamps = [one for one in said if "change_stamp" in one or "slot_behind_lock" in one]
    assert len(stamps) == 1, "behind the lock; at the door what was seen last is believed"
    assert len(said) <= (2 if engine.dialect.name == "postgresql" else 15), said


def test_a_token_ends_with_the_next_request_whoever_ends_it(world: World) -> None:
    world.booker("GET", "/bookings", 200)
    world.booker("GET", "/bookings", 200)
    with world.app.app_context(), unit_of_work() as unit:  # as another process would: nothing here is told
        person = unit.session.scalar(sa.select(Person).where(Person.id == world.scene.booker.person_id))
        assert person is not None
        person.state = "suspended"
    world.booker("GET", "/bookings", 401)
    with world.app.app_context(), unit_of_work() as unit:
        unit.session.execute(sa.update(Person).values(state="active"))
    world.booker("GET", "/bookings", 200)
    with world.app.app_context(), unit_of_work() as unit:
        unit.session.execute(sa.update(ApiToken).values(revoked_at=clock.machine_now()))
    world.booker("GET", "/bookings", 401)


@pytest.mark.parametrize("body", ["[" * 100_000, '{"description":' * 5_000, "{", '{"start": 1e999}'])
def test_a_body_that_is_no_order_is_refused_however_deep(world: World, body: str) -> None:
    for path in ("bookings", "holds", "series"):
        headers = {"Content-Type": "application/json"}
        assert world.booker("POST", f"{world.at}/{path}", data=body, headers=headers).status_code in (
            400,
            422,
        )
