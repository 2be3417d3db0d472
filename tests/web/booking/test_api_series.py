"""Series over the REST interface: every clash is answered, one day, the rest or all move and go together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service as booking
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders.accounts import bearer, make_department, make_person
from tests.builders.availability import make_rules, make_weekly
from tests.builders.booking import TARIFF, another_booker
from tests.builders.catalogue import make_listing
from tests.support.door import NOW, Door, World
from tests.web.booking.test_api import LATER, ORDER, book, codes

WEEKLY = {"rule": {"frequency": "weekly", "count": 3}}
SERIES = {**ORDER, **WEEKLY}
ANY = {"If-Match": "*"}


def make(world: World, status: int = 201, **changes: Any) -> Any:
    return world.booker("POST", f"{world.at}/series", status, json={**SERIES, **changes}).json


def one(world: World, made: Any, tail: str = "") -> str:
    return f"/hosts/{world.scene.host.code}/series/{made['id']}{tail}"


def starts(series: Any) -> list[str]:
    return [day["booking"]["start"] for day in series["days"]]


def test_a_series_from_its_preview_to_its_days(world: World) -> None:
    seen = world.booker("POST", f"{world.at}/series/preview", 200, json=SERIES).json
    assert [day["day"] for day in seen["days"]] == ["2026-03-03", "2026-03-10", "2026-03-17"]
    assert seen["clashes"] == 0 and seen["sums"]["to_pay"] == "1800.00"
    made = make(world)
    assert (made["state"], made["ahead"], made["side"], made["zone"]) == (
        "live",
        3,
        "customer",
        "Asia/Shanghai",
    )
    assert starts(made) == ["2026-03-03T01:00:00Z", "2026-03-10T01:00:00Z", "2026-03-17T01:00:00Z"]
    assert {day["booking"]["series_id"] for day in made["days"]} == {made["id"]}
    shown = world.booker("GET", one(world, made), 200)
    assert shown.json == made and shown.headers["ETag"] == f'"{made["version"]}"'
    assert world.manager("GET", one(world, made), 200).json["side"] == "host"
    assert [row["id"] for row in world.booker("GET", "/series", 200).json["items"]] == [made["id"]]
    assert world.stranger("GET", "/series", 200).json["items"] == []


def test_a_clash_is_named_by_its_day_and_answered_by_a_choice(world: World) -> None:
    taken = {"start": "2026-03-10T10:00:00+08:00", "end": "2026-03-10T12:00:00+08:00"}
    book(world, world.stranger, **taken)
    seen = world.booker("POST", f"{world.at}/series/preview", 200, json=SERIES).json
    assert seen["clashes"] == 1 and len(seen["days"][1]["alternatives"]) == 3
    refused = world.booker("POST", f"{world.at}/series", 409, json=SERIES)
    assert refused.mimetype == "application/problem+json" and codes(refused) == ["booking.series_clash"]
    (clash,) = refused.json["clashes"]
    assert clash["day"] == "2026-03-10"
    assert clash["reasons"][0]["code"] == "availability.slot_taken" and clash["reasons"][0]["remedy"]
    assert world.booker("GET", "/bookings", 200).json["items"] == []
    other = seen["days"][1]["alternatives"][0]
    choice = {"day": "2026-03-10", "start": other["start"], "end": other["end"]}
    made = make(world, choices=[choice])
    assert starts(made)[1] == other["start"] and made["days"][1]["moved_by_hand"]
    left = {"start": "2026-03-05T09:00:00+08:00", "end": "2026-03-05T11:00:00+08:00"}
    second = make(world, **left, choices=[{"day": "2026-03-12", "skip": True}])
    assert [day["booking"] is None for day in second["days"]] == [False, True, False]


def test_the_same_key_makes_one_series(world: World) -> None:
    key = {"Idempotency-Key": "series-1"}
    first = world.booker("POST", f"{world.at}/series", 201, json=SERIES, headers=key).json
    assert world.booker("POST", f"{world.at}/series", 201, json=SERIES, headers=key).json == first
    other = world.booker("POST", f"{world.at}/series", 409, json={**SERIES, "samples": 1}, headers=key)
    assert codes(other) == ["key_reused"]
    assert len(world.booker("GET", "/bookings", 200).json["items"]) == 3


def test_one_day_moves_alone_the_rest_becomes_a_series_and_all_move_together(world: World) -> None:
    made = make(world)
    day = made["days"][1]["booking"]
    wish = {"booking_id": day["id"], "start": "2026-03-11T13:00:00+08:00", "end": "2026-03-11T15:00:00+08:00"}
    world.booker("POST", one(world, made, "/change"), 428, json=wish)
    world.booker("POST", one(world, made, "/change"), 412, json=wish, headers={"If-Match": '"99"'})
    seen = world.booker("POST", one(world, made, "/change/preview"), 200, json=wish).json
    assert (seen["moving"], seen["clashes"], seen["split"]) == (1, 0, False)
    tag = {"If-Match": f'"{made["version"]}"'}
    alone = world.booker("POST", one(world, made, "/change"), 200, json=wish, headers=tag)
    assert alone.json["id"] == made["id"] and alone.headers["ETag"] == f'"{made["version"] + 1}"'
    assert starts(alone.json)[1] == "2026-03-11T05:00:00Z" and starts(alone.json)[2] == starts(made)[2]
    third = made["days"][2]["booking"]
    later = {
        "booking_id": third["id"],
        "start": "2026-03-17T14:00:00+08:00",
        "end": "2026-03-17T16:00:00+08:00",
    }
    rest = world.booker(
        "POST", one(world, made, "/change"), 200, json={**later, "scope": "rest"}, headers=ANY
    ).json
    assert rest["split_from"] == made["id"] and starts(rest) == ["2026-03-17T06:00:00Z"]
    first = made["days"][0]["booking"]
    all_ = {
        "booking_id": first["id"],
        "start": "2026-03-03T15:00:00+08:00",
        "end": "2026-03-03T17:00:00+08:00",
    }
    moved = world.booker(
        "POST", one(world, made, "/change"), 200, json={**all_, "scope": "all"}, headers=ANY
    ).json
    # What was moved by hand stays where it is.
    assert starts(moved) == ["2026-03-03T07:00:00Z", "2026-03-11T05:00:00Z"]


def test_a_day_that_was_left_out_is_booked_after_all(world: World) -> None:
    made = make(world, choices=[{"day": "2026-03-10", "skip": True}])
    assert [day["can_be_booked"] for day in made["days"]] == [False, True, False]
    path = one(world, made, "/days/2026-03-10")
    seen = world.booker("POST", f"{path}/preview", 200, json={}).json
    assert (seen["start"], seen["reasons"]) == ("2026-03-10T01:00:00Z", [])
    assert seen["price"]["to_pay"] == "600.00"
    half = world.booker("POST", f"{path}/preview", 422, json={"start": "2026-03-10T13:00:00+08:00"})
    assert codes(half) == ["booking.time_missing"]
    late = {"start": "2026-03-10T20:00:00+08:00", "end": "2026-03-10T22:00:00+08:00"}
    refused = world.booker("POST", f"{path}/booking", 409, json=late, headers=ANY)
    assert refused.json["alternatives"]
    world.booker("POST", f"{path}/booking", 428, json={})
    world.stranger("POST", f"{path}/preview", 404, json={})
    world.stranger("POST", f"{path}/booking", 404, json={}, headers=ANY)
    world.booker("POST", one(world, made, "/days/soon/preview"), 404, json={})
    done = world.booker("POST", f"{path}/booking", 200, json={}, headers={"If-Match": f'"{made["version"]}"'})
    assert starts(done.json)[1] == "2026-03-10T01:00:00Z"
    assert [day["can_be_booked"] for day in done.json["days"]] == [False] * 3
    assert done.headers["ETag"] == f'"{made["version"] + 1}"'
    again = world.booker("POST", f"{path}/booking", 409, json={}, headers=ANY)
    assert codes(again) == ["booking.series_day_not_left_out"]


def test_a_change_that_clashes_moves_nothing(world: World) -> None:
    made = make(world)
    book(world, world.stranger, start="2026-03-10T14:00:00+08:00", end="2026-03-10T15:00:00+08:00")
    wish = {"start": "2026-03-03T13:00:00+08:00", "end": "2026-03-03T15:00:00+08:00"}
    wish |= {"booking_id": made["days"][0]["booking"]["id"], "scope": "all"}
    refused = world.booker("POST", one(world, made, "/change"), 409, json=wish, headers=ANY)
    assert [clash["day"] for clash in refused.json["clashes"]] == ["2026-03-10"]
    assert starts(world.booker("GET", one(world, made), 200).json) == starts(made)
    stays = {**wish, "choices": [{"day": "2026-03-10", "skip": True}]}
    moved = world.booker("POST", one(world, made, "/change"), 200, json=stays, headers=ANY).json
    assert [start[11:13] for start in starts(moved)] == ["05", "01", "05"]


def test_cancelling_says_its_fee_and_its_reach(world: World) -> None:
    made = make(world)
    path = one(world, made, "/cancellation")
    seen = world.booker("GET", f"{path}?since=2026-03-10", 200).json
    assert (len(seen["days"]), seen["fee"], seen["currency"]) == (2, "0.00", "CNY")
    rest = world.booker(
        "POST", path, 200, json={"since": "2026-03-10", "expected_fee": "0.00"}, headers=ANY
    ).json
    assert [day["booking"]["state"] for day in rest["days"]] == ["approved", "cancelled", "cancelled"]
    without = world.manager("POST", path, 422, json={}, headers=ANY)
    assert codes(without) == ["booking.reason_missing"]
    stale = world.booker("POST", path, 412, json={}, headers={"If-Match": f'"{made["version"]}"'})
    assert codes(stale) == ["booking.stale"]
    world.booker("POST", path, 200, json={}, headers=ANY)
    again = world.booker("POST", path, 409, json={}, headers=ANY)
    assert codes(again) == ["booking.series_nothing_ahead"]


def test_the_host_answers_all_days_at_once(make_world: Callable[..., World]) -> None:
    world = make_world(rules={"approval": "always"})
    made = make(world)
    assert {day["booking"]["state"] for day in made["days"]} == {"requested"}
    world.booker("POST", one(world, made, "/approval"), 403, json={}, headers=ANY)
    world.manager("POST", one(world, made, "/rejection"), 422, json={}, headers=ANY)
    done = world.manager("POST", one(world, made, "/approval"), 200, json={"note": "欢迎"}, headers=ANY).json
    assert {day["booking"]["state"] for day in done["days"]} == {"approved"}
    late = world.manager("POST", one(world, made, "/rejection"), 409, json={"reason": "停电"}, headers=ANY)
    assert codes(late) == ["booking.series_nothing_waits"]


def test_chosen_days_are_answered_each_by_itself(make_world: Callable[..., World]) -> None:
    world = make_world(rules={"approval": "always"})
    made = make(world)
    days = [{"booking_id": d["booking"]["id"], "version": d["booking"]["version"]} for d in made["days"]]
    world.booker("POST", f"{world.one(days[0]['booking_id'])}/cancellation", 200, json={}, headers=ANY)
    path = one(world, made, "/approval")
    done = world.manager("POST", path, 200, json={"days": days[:2]}, headers=ANY).json
    assert [(a["day"], a["given"], [r["code"] for r in a["reasons"]]) for a in done["answers"]] == [
        ("2026-03-03", "kept", ["booking.stale"]),
        ("2026-03-10", "confirmed", []),
    ]
    assert done["answers"][0]["reasons"][0]["detail"]
    assert [d["booking"]["state"] for d in done["days"]] == ["cancelled", "approved", "requested"]
    # Where no day can be answered, the refusal names each.
    refused = world.manager("POST", path, 409, json={"days": days[:2]}, headers=ANY)
    assert codes(refused) == ["booking.series_unanswered"]
    assert [(c["day"], c["reasons"][0]["code"]) for c in refused.json["clashes"]] == [
        ("2026-03-03", "booking.stale"),
        ("2026-03-10", "booking.stale"),
    ]
    world.manager("POST", path, 404, json={"days": [{"booking_id": str(uuid4())}]}, headers=ANY)
    world.manager("POST", path, 422, json={"days": []}, headers=ANY)
    no = {"days": days[2:], "reason": "检修"}
    last = world.manager("POST", one(world, made, "/rejection"), 200, json=no, headers=ANY).json
    assert [a["given"] for a in last["answers"]] == ["refused"]


def test_a_host_lists_series_page_by_page_and_reads_each(
    make_world: Callable[..., World], other_host: Door
) -> None:
    world = make_world(rules={"approval": "outside"})
    at = f"/hosts/{world.scene.host.code}/series"
    days = [
        {"start": f"2026-03-0{d}T09:00:00+08:00", "end": f"2026-03-0{d}T11:00:00+08:00"} for d in (3, 4, 5)
    ]
    made = [make(world, **day)["id"] for day in days]
    found, after = [], None
    while True:
        query = {"limit": 2, **({"after": after} if after else {})}
        page = world.manager("GET", at, 200, query_string=query).json
        found += page["items"]
        after = page["next"]
        if after is None:
            break
    assert sorted(row["id"] for row in found) == sorted(made) and len(found) == 3
    assert {(row["waiting"], row["ahead"], row["state"]) for row in found} == {(3, 3, "live")}
    shown = world.manager("GET", f"{at}/{made[0]}", 200).json
    assert shown["side"] == "host" and len(shown["days"]) == 3
    world.manager("POST", f"{at}/{made[0]}/approval", 200, json={}, headers=ANY)
    waiting = {row["id"]: row["waiting"] for row in world.manager("GET", at, 200).json["items"]}
    assert [waiting[one] for one in made] == [0, 3, 3]
    # The customer has its own list; other hosts are told of nothing here, and visitors of nothing at all.
    world.booker("GET", at, 403)
    other_host("GET", at, 404)
    world.visitor("GET", at, 401)
    world.manager("GET", at, 422, query_string={"after": "nonsense"})
    world.manager("GET", at, 404, query_string={"resource": "no-such"})


def test_a_host_sees_the_series_that_its_role_reaches(world: World) -> None:
    made, host = make(world)["id"], world.scene.host
    with world.app.app_context(), clock.fixed(NOW):
        mine, other = make_department(host), make_department(host)
        near = make_listing(host, department=mine)
        doors = {
            place.id: Door(
                world.app,
                bearer(make_person(roles=[(host, Role.MANAGER, {"department_id": place.id})]), host),
            )
            for place in (mine, other)
        }
        office = Door(world.app, bearer(make_person(roles=[(host, Role.OFFICE)]), host))
        with unit_of_work() as unit:
            availability.set_hours_directly(unit, near.key, make_weekly(), make_rules())
            availability.rebuild(unit, [near.key], availability.kept_span())
        pricing.adopt(near.key, TARIFF, date(2020, 1, 1))
    path = f"/hosts/{host.code}/resources/{near.code}/series"
    second = world.booker("POST", path, 201, json=SERIES).json["id"]
    at = f"/hosts/{host.code}/series"

    def seen(door: Door, **query: str) -> set[str]:
        return {row["id"] for row in door("GET", at, 200, query_string=query).json["items"]}

    assert seen(office) == seen(world.manager) == {made, second}
    assert seen(doors[mine.id]) == {second} and seen(doors[other.id]) == set()
    assert seen(office, resource=near.code) == {second}
    assert seen(doors[other.id], resource=near.code) == set()
    doors[mine.id]("GET", f"{at}/{second}", 200)
    doors[mine.id]("GET", f"{at}/{made}", 404)
    doors[other.id]("GET", f"{at}/{second}", 404)


def test_strangers_are_told_nothing_of_a_series(world: World, other_host: Door) -> None:
    made = make(world)
    wish = {**LATER, "booking_id": made["days"][0]["booking"]["id"]}
    for door in (world.stranger, other_host):
        for method, tail, body in [
            ("GET", "", None), ("POST", "/change/preview", wish), ("POST", "/change", wish), ("GET", "/cancellation", None),
            ("POST", "/cancellation", {"reason": "x"}), ("POST", "/approval", {}), ("POST", "/rejection", {"reason": "x"}),
        ]:  # fmt: skip
            answer = door(method, one(world, made, tail), 404, json=body, headers=ANY)
            missing = door(method, one(world, {"id": uuid4()}, tail), 404, json=body, headers=ANY)
            assert [answer.json[k] for k in ("title", "detail", "code")] == [
                missing.json[k] for k in ("title", "detail", "code")
            ]
    world.visitor("GET", one(world, made), 401)
    # A day of another series is no day of this one.
    other = make(world, start="2026-03-05T09:00:00+08:00", end="2026-03-05T11:00:00+08:00")
    wrong = {**LATER, "booking_id": other["days"][0]["booking"]["id"]}
    answer = world.booker("POST", one(world, made, "/change"), 409, json=wrong, headers=ANY)
    assert codes(answer) == ["booking.series_day_over"]


def test_a_rule_that_cannot_be_is_refused_at_its_place(world: World) -> None:
    for rule, place in [
        ({"frequency": "weekly"}, "count"),
        ({"frequency": "weekly", "count": 3, "until": "2026-04-01"}, "count"),
        ({"frequency": "weekly", "until": "2026-03-03"}, "until"),
        ({"frequency": "hourly", "count": 3}, "/rule/frequency"),
        ({"frequency": "weekly", "count": 1}, "/rule/count"),
        ({"frequency": "weekly", "count": 2, "weekdays": [7]}, "/rule/weekdays/0"),
    ]:
        answer = world.booker("POST", f"{world.at}/series/preview", 422, json={**ORDER, "rule": rule})
        assert place in [reason["place"] for reason in answer.json["reasons"]], answer.json


def test_a_day_handed_over_shows_nothing_of_who_took_it(world: World) -> None:
    made = make(world)
    day = made["days"][1]["booking"]
    with world.app.app_context(), clock.fixed(NOW):
        _, _, taker = another_booker()
        key = HostKey(world.scene.key.institution_id, UUID(day["id"]))
        offer = booking.offer_hand_over(key, next(iter(taker.customer_ids)), by=world.scene.booker)
        booking.accept_hand_over(offer.key, by=taker)
    shown = world.booker("GET", one(world, made), 200).json["days"]
    assert shown[1] == {
        "day": day["start"][:10],
        "live": False,
        "moved_by_hand": False,
        "handed_over": True,
        "can_be_booked": False,
        "booking": None,
    }
    assert [row["handed_over"] for row in shown] == [False, True, False]
