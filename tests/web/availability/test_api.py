"""The REST interface of calendars, hours and house rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from resource_hub.infra import clock
from resource_hub.infra.database import db
from tests.builders.availability import moment
from tests.builders.booking import make_scene
from tests.builders.catalogue import make_listing
from tests.support.door import Door, World
from tests.web.booking.test_api import ORDER, book, codes

DAY = "since=2026-03-03T00:00:00%2B08:00&until=2026-03-04T00:00:00%2B08:00"
CLOSURE = {
    "kind": "closure",
    "start": "2026-03-03T10:00:00+08:00",
    "end": "2026-03-03T12:00:00+08:00",
    "reason": {"zh": "停电检修", "en": "Power cut"},
}
MORNINGS = [{"weekday": day, "starts_minute": 540, "ends_minute": 600} for day in range(5)]


def looks(calendar: Any) -> list[str]:
    return [one["look"] for one in calendar["lanes"][0]["stretches"]]


def test_a_calendar_shows_holders_to_the_parties_only(world: World) -> None:
    made = book(world)
    for door, seen, holder in (
        (world.visitor, "taken", None),
        (world.stranger, "taken", None),
        (world.booker, "mine", made["id"]),
        (world.manager, "taken", made["id"]),
    ):
        answer = door("GET", f"{world.at}/calendar?{DAY}", 200)
        assert looks(answer.json) == ["closed", seen, "free", "closed"]
        assert answer.json["lanes"][0]["stretches"][1]["holder_id"] == holder
        stretches = answer.json["lanes"][0]["stretches"]
        assert [s["start"] for s in stretches[1:]] == [s["end"] for s in stretches[:-1]]
        assert (stretches[0]["start"], stretches[-1]["end"]) == (answer.json["since"], answer.json["until"])
        if holder is None:
            for secret in (made["id"], made["number"], made["customer_id"], made["person_id"]):
                assert secret not in answer.get_data(as_text=True)
    assert answer.json["lanes"][0]["stretches"][0]["why"]["code"] == "availability.closed_hours"


def test_free_times_are_what_can_be_booked(world: World) -> None:
    book(world)
    free = world.visitor("GET", f"{world.at}/free-times?{DAY}", 200).json["items"]
    assert [(one["start"], one["end"]) for one in free] == [("2026-03-03T03:00:00Z", "2026-03-03T09:00:00Z")]
    assert world.visitor("GET", f"{world.at}/free-times?{DAY}&minutes=360", 200).json["items"] == free
    assert world.visitor("GET", f"{world.at}/free-times?{DAY}&minutes=361", 200).json["items"] == []
    book(world, world.stranger, start=free[0]["start"], end=free[0]["end"], unit_id=free[0]["unit_id"])
    assert world.visitor("GET", f"{world.at}/free-times?{DAY}", 200).json["items"] == []
    today = world.visitor("GET", f"{world.at}/free-times", 200).json["items"]
    assert today[0]["start"] == "2026-03-02T01:00:00Z"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("since=2026-03-03T00:00:00", "moment.naive"),
        ("since=yesterday", "invalid"),
        ("since=2026-03-03T00:00:00Z&until=2026-03-03T00:00:00Z", "booking.end_before_start"),
        ("since=2026-03-03T00:00:00Z&until=2026-05-04T00:00:01Z", "availability.span_too_long"),
    ],
)
def test_spans_that_are_none(world: World, query: str, code: str) -> None:
    for path in ("calendar", "free-times"):
        assert codes(world.visitor("GET", f"{world.at}/{path}?{query}", 422)) == [code]


def test_weekly_hours_are_looked_at_and_published(world: World, other_host: Door) -> None:
    made = book(world)
    shown = world.visitor("GET", f"{world.at}/hours", 200)
    assert len(shown.json["stretches"]) == 5
    new = {"since": "2026-03-03", "stretches": MORNINGS}
    (hit,) = world.manager("POST", f"{world.at}/hours/preview", 200, json=new).json["hits"]
    assert hit["holder_id"] == made["id"] and hit["start"] == made["start"]
    assert hit["reasons"][0]["code"] == "availability.closed_hours"
    assert world.visitor("GET", f"{world.at}/hours", 200).json == shown.json
    tag = {"If-Match": shown.headers["ETag"]}
    for door, status in ((world.booker, 403), (world.visitor, 401), (other_host, 404)):
        door("POST", f"{world.at}/hours/preview", status, json=new)
        door("PUT", f"{world.at}/hours", status, json=new, headers=tag)
    world.manager("PUT", f"{world.at}/hours", 428, json=new)
    undecided = world.manager("PUT", f"{world.at}/hours", 409, json=new, headers=tag)
    assert [(r["code"], r["place"]) for r in undecided.json["reasons"]] == [
        ("booking.hit_undecided", f"hit.{made['id']}")
    ]
    new["verdicts"] = [{"booking_id": made["id"], "fate": "stays", "version": hit["version"]}]
    saved = world.manager("PUT", f"{world.at}/hours", 200, json=new, headers=tag)
    assert saved.json["hits"] == 1
    stale = world.manager("PUT", f"{world.at}/hours", 412, json=new, headers=tag)
    assert codes(stale) == ["availability.hours_changed"]
    assert saved.headers["ETag"] == world.visitor("GET", f"{world.at}/hours", 200).headers["ETag"]
    late = world.stranger("POST", f"{world.at}/bookings", 409, json={**ORDER, "start": "2026-03-04T10:00:00+08:00",
                                                                    "end": "2026-03-04T11:00:00+08:00"})  # fmt: skip
    assert codes(late) == ["availability.closed_hours"]
    past = world.manager(
        "PUT", f"{world.at}/hours", 422, json={**new, "since": "2026-03-01"}, headers={"If-Match": "*"}
    )
    assert codes(past) == ["availability.rules_past"]
    bad = {**new, "stretches": [*MORNINGS, {"weekday": 0, "starts_minute": 543, "ends_minute": 541}]}
    answer = world.manager("PUT", f"{world.at}/hours", 422, json=bad, headers={"If-Match": "*"})
    assert {"availability.hours_granularity", "availability.hours_end_before_start"} <= set(codes(answer))


def test_a_closure_is_looked_at_entered_and_taken_back(world: World, other_host: Door) -> None:
    made = book(world)
    (hit,) = world.manager("POST", f"{world.at}/exceptions/preview", 200, json=CLOSURE).json["hits"]
    assert hit["holder_id"] == made["id"] and "cancelled" in hit["fates"] and hit["times"]
    assert codes(world.manager("POST", f"{world.at}/exceptions", 409, json=CLOSURE)) == [
        "booking.hit_undecided"
    ]
    moved = {
        "booking_id": made["id"],
        "fate": "moves",
        "start": hit["times"][0]["start"],
        "end": hit["times"][0]["end"],
    }
    closure = {**CLOSURE, "verdicts": [moved], "reason_to_customers": "停电检修"}
    for door, status in ((world.booker, 403), (world.visitor, 401), (other_host, 404)):
        door("POST", f"{world.at}/exceptions", status, json=CLOSURE)
    key = {"Idempotency-Key": "closure"}
    one = world.manager("POST", f"{world.at}/exceptions", 201, json=closure, headers=key).json
    assert world.manager("POST", f"{world.at}/exceptions", 201, json=closure, headers=key).json == one
    assert world.booker("GET", world.one(made["id"]), 200).json["start"] == hit["times"][0]["start"]
    (shown,) = world.visitor("GET", f"{world.at}/exceptions?{DAY}", 200).json["items"]
    assert shown == one and shown["reason"]["zh"] == "停电检修"
    afternoon = {"start": "2026-03-03T11:00:00+08:00", "end": "2026-03-03T12:00:00+08:00"}
    refused = world.stranger("POST", f"{world.at}/bookings", 409, json={**ORDER, **afternoon})
    assert codes(refused) == ["availability.closed_closure"]
    assert "停电检修" in refused.json["detail"] and refused.json["alternatives"]
    tag = {"If-Match": world.visitor("GET", f"{world.at}/exceptions/{one['id']}", 200).headers["ETag"]}
    world.manager("DELETE", f"{world.at}/exceptions/{one['id']}", 428)
    world.manager("DELETE", f"{world.at}/exceptions/{one['id']}", 412, headers={"If-Match": '"other"'})
    for _ in range(2):
        world.manager("DELETE", f"{world.at}/exceptions/{one['id']}", 204, headers=tag)
    world.visitor("GET", f"{world.at}/exceptions/{one['id']}", 404)
    other_host("DELETE", f"{world.at}/exceptions/{one['id']}", 404)
    book(world, world.stranger, **afternoon)


def test_an_extra_opening_is_taken_back_with_its_bookings_settled(world: World, other_host: Door) -> None:
    hours = {"start": "2026-03-07T10:00:00+08:00", "end": "2026-03-07T12:00:00+08:00"}
    extra = world.manager("POST", f"{world.at}/exceptions", 201, json={"kind": "extra", **hours}).json
    path = f"{world.at}/exceptions/{extra['id']}"
    made = book(world, **hours)
    (hit,) = world.manager("POST", f"{path}/removal/preview", 200).json["hits"]
    assert hit["holder_id"] == made["id"] and {"stays", "cancelled"} <= set(hit["fates"])
    for door, status in ((world.booker, 403), (world.visitor, 401), (other_host, 404)):
        door("POST", f"{path}/removal/preview", status)
    tag = {"If-Match": "*"}
    assert codes(world.manager("DELETE", path, 409, headers=tag)) == ["booking.hit_undecided"]
    goes = {"verdicts": [{"booking_id": made["id"], "fate": "cancelled"}]}
    world.manager("DELETE", path, 422, json=goes, headers=tag)  # nobody is cancelled without a reason
    world.manager("DELETE", path, 204, json={**goes, "reason_to_customers": "值班人员请假"}, headers=tag)
    assert world.booker("GET", world.one(made["id"]), 200).json["state"] == "cancelled"


def test_maintenance_that_comes_again_is_entered_with_its_bookings_settled(
    world: World, other_host: Door
) -> None:
    made = book(world)
    path = f"{world.at}/exceptions/repeated"
    work = {**CLOSURE, "kind": "maintenance", "rule": {"frequency": "weekly", "count": 3}}
    look = world.manager("POST", f"{path}/preview", 200, json=work).json
    assert [one["bookings"] for one in look["dates"]] == [1, 0, 0]
    (hit,) = look["hits"]
    assert hit["holder_id"] == made["id"] and hit["fates"] == ["moves", "cancelled"]
    for door, status in ((world.booker, 403), (world.visitor, 401), (other_host, 404)):
        door("POST", path, status, json=work)
        door("POST", f"{path}/preview", status, json=work)
    assert codes(world.manager("POST", path, 409, json=work)) == ["booking.hit_undecided"]
    why = {"reason_to_customers": "校准"}
    key = {"Idempotency-Key": "dates"}
    for _ in range(2):
        answer = world.manager("POST", path, 201, json={**work, "for_all": "moves", **why}, headers=key).json
        assert answer == {"entered": 3, "left_out": 0}
    moved = world.booker("GET", world.one(made["id"]), 200).json
    assert (moved["state"], moved["start"]) == ("approved", hit["times"][0]["start"])


def test_maintenance_gives_way_to_a_booking_and_then_keeps_the_units(world: World) -> None:
    made = book(world)
    work = {**CLOSURE, "kind": "maintenance"}
    answer = world.manager("POST", f"{world.at}/exceptions", 409, json=work)
    assert codes(answer) == ["booking.hit_undecided"]
    kept = {**work, "verdicts": [{"booking_id": made["id"], "fate": "stays"}]}
    answer = world.manager("POST", f"{world.at}/exceptions", 409, json=kept)
    assert codes(answer) == ["booking.hit_by_maintenance"]
    assert world.visitor("GET", f"{world.at}/exceptions?{DAY}", 200).json["items"] == []
    world.booker("POST", f"{world.one(made['id'])}/cancellation", 200, json={}, headers={"If-Match": "*"})
    world.manager("POST", f"{world.at}/exceptions", 201, json=work)
    assert codes(world.booker("POST", f"{world.at}/bookings", 409, json=ORDER)) == ["availability.slot_taken"]
    shown = looks(world.visitor("GET", f"{world.at}/calendar?{DAY}", 200).json)
    assert shown == ["closed", "free", "maintenance", "free", "closed"]
    foreign = {**work, "unit_id": made["id"]}
    assert codes(world.manager("POST", f"{world.at}/exceptions", 422, json=foreign)) == [
        "availability.no_such_unit"
    ]
    past = {**work, "start": "2026-02-01T09:00:00+08:00", "end": "2026-02-01T10:00:00+08:00"}
    assert codes(world.manager("POST", f"{world.at}/exceptions", 422, json=past)) == [
        "availability.exception_past"
    ]


def test_house_rules_are_read_back_and_versions_never_change(world: World, other_host: Door) -> None:
    shown = world.visitor("GET", f"{world.at}/rules", 200)
    document = {**shown.json["in_force"]["document"], "least": 60}
    assert shown.json["number"] == 1 and shown.json["in_force"]["sentences"]
    back = world.manager("POST", f"{world.at}/rules/preview", 200, json={"document": document}).json
    assert back["document"] == document and back["sentences"] != shown.json["in_force"]["sentences"]
    bad = world.manager(
        "POST", f"{world.at}/rules/preview", 422, json={"document": {"lest": 60, "step": 7, "most": -1}}
    )
    assert set(codes(bad)) == {"availability.rules_unknown", "availability.rules_number"}
    new = {"since": "2026-03-03", "document": document, "note": "短时预约太多"}
    tag = {"If-Match": shown.headers["ETag"]}
    for door, status in ((world.booker, 403), (world.visitor, 401), (other_host, 404)):
        door("POST", f"{world.at}/rules", status, json=new, headers=tag)
    world.manager("POST", f"{world.at}/rules", 428, json=new)
    made = world.manager("POST", f"{world.at}/rules", 201, json=new, headers=tag)
    assert (made.json["number"], made.json["since"], made.json["until"]) == (2, "2026-03-03", None)
    stale = world.manager("POST", f"{world.at}/rules", 412, json=new, headers=tag)
    assert codes(stale) == ["availability.rules_changed"]
    past = {**new, "since": "2026-03-01"}
    assert codes(world.manager("POST", f"{world.at}/rules", 409, json=past, headers={"If-Match": "*"})) == [
        "availability.rules_past"
    ]
    versions = world.visitor("GET", f"{world.at}/rules", 200).json["versions"]
    assert [v["number"] for v in versions] == [2, 1] and versions[1]["until"] == "2026-03-03"


def test_house_rules_are_tried_on_past_bookings(world: World) -> None:
    made = book(world, end="2026-03-03T09:30:00+08:00")
    later = replace(world.manager, at=moment("2026-03-10T09:00+08:00"))
    document = {**later("GET", f"{world.at}/rules", 200).json["in_force"]["document"], "least": 60}
    trial = later("POST", f"{world.at}/rules/preview", 200, json={"document": document, "months": 3}).json[
        "trial"
    ]
    assert (trial["tried"], trial["refused"], trial["refused_today"], trial["whole"]) == (1, 1, 0, True)
    assert (trial["barred"], trial["barred_today"], trial["bars"]) == (0, 0, [])
    assert [(one["code"], one["count"]) for one in trial["by_rule"]] == [("booking.too_short", 1)]
    assert [one["booking_id"] for one in trial["bookings"]] == [made["id"]]
    later("POST", f"{world.at}/rules/preview", 422, json={"document": document, "months": 4})


def test_what_is_not_listed_is_not_there(world: World, other_host: Door) -> None:
    with world.app.app_context():
        draft = make_listing(world.scene.host, code="DRAFT", public=False)
    path = f"/hosts/{world.scene.host.code}/resources/{draft.code}"
    for end in ("calendar", "free-times", "hours", "exceptions", "rules"):
        for door in (world.visitor, world.stranger, other_host):
            door("GET", f"{path}/{end}", 404)
        world.manager("GET", f"{path}/{end}", 200)
        world.visitor("GET", f"/hosts/nobody/resources/x/{end}", 404)


def test_what_else_is_free_when_a_time_is_taken(world: World) -> None:
    with world.app.app_context(), clock.fixed(moment("2026-03-02T08:00+08:00")):
        other = make_scene()
        draft = make_listing(world.scene.host, code="HIDDEN", public=False)
        db.session.remove()
    made = book(world)
    time = f"start={made['start']}&end={made['end']}"
    (item,) = world.visitor("GET", f"{world.at}/elsewhere?{time}", 200).json["items"]
    assert (item["code"], item["time"]["start"], item["time"]["end"]) == (
        other.resource.code, made["start"], made["end"],
    )  # fmt: skip
    assert item["time"]["price"]["to_pay"] == "600.00"
    naive = world.visitor("GET", f"{world.at}/elsewhere?start=2026-03-03T09:00:00&end={made['end']}", 422)
    assert codes(naive) == ["moment.naive"]
    none = world.visitor("GET", f"{world.at}/elsewhere?start={made['end']}&end={made['end']}", 422)
    assert codes(none) == ["booking.end_before_start"]
    world.visitor("GET", f"/hosts/{world.scene.host.code}/resources/{draft.code}/elsewhere?{time}", 404)
