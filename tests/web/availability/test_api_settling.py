"""Over the REST interface: calendar days with the bookings that they hit, settling these, protected hours, and dates
that were entered as one and are taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Audience
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from tests.builders import accounts as people
from tests.builders.availability import make_weekly
from tests.support.door import NOW, Door, World
from tests.web.availability.test_api import CLOSURE
from tests.web.booking.test_api import book, codes

DAYS = "/calendar-days"
PARTY = {"day": "2026-03-03", "kind": "holiday", "name": {"zh": "校庆"}, "source": "校发〔2026〕1号"}
NOTICE = (
    "二、春节：2月5日（农历除夕、周五）至11日（周四）放假调休，共7天。1月31日（周日）、2月13日（周六）上班。"
)


@pytest.fixture
def staff(app: Any) -> Door:
    with app.app_context(), clock.fixed(NOW):
        platform = people.make_platform()
        return Door(app, people.bearer(people.make_person(roles=[(platform, Role.PLATFORM_STAFF)]), platform))


def delivered(world: World) -> None:
    with world.app.app_context(), clock.fixed(NOW):
        outbox.deliver_due()
        db.session.remove()


def test_a_day_is_looked_at_entered_settled_and_taken_back(
    world: World, staff: Door, other_host: Door
) -> None:
    made = book(world)
    look = staff("POST", f"{DAYS}/preview", 200, json={"days": [PARTY]}).json
    assert look == {"hosts": [{"host": world.scene.host.code, "bookings": 1}]}
    assert all(d["day"] != "2026-03-03" for d in staff("GET", f"{DAYS}?year=2026", 200).json["days"])
    key = {"Idempotency-Key": "party"}
    for _ in range(2):
        staff("POST", DAYS, 201, json={"days": [PARTY]}, headers=key)
    assert codes(staff("POST", DAYS, 409, json={"days": [{**PARTY, "kind": "workday"}]}, headers=key)) == [
        "key_reused"
    ]
    (shown,) = [d for d in staff("GET", DAYS, 200).json["days"] if d["entered"]]
    assert (shown["day"], shown["name"]["zh"], shown["source"]) == ("2026-03-03", "校庆", "校发〔2026〕1号")
    delivered(world)
    # The host's to-do list, and each booking with what may become of it.
    todo, one = f"/hosts/{world.scene.host.code}/outside-hours", f"{world.at}/outside-hours"
    waits = world.manager("GET", todo, 200).json
    assert waits == {
        "items": [{"id": str(world.scene.key.id), "code": world.scene.resource.code, "bookings": 1}],
        "next": None,
    }
    (hit,) = world.manager("GET", one, 200).json["hits"]
    assert hit["holder_id"] == made["id"] and {"stays", "cancelled"} <= set(hit["fates"])
    for door, status in ((world.booker, 403), (world.visitor, 401), (other_host, 404)):
        door("GET", todo, status)
        door("GET", one, status)
        door("POST", one, status, json={})
    assert codes(world.manager("POST", one, 409, json={})) == ["booking.hit_undecided"]
    goes = {"verdicts": [{"booking_id": made["id"], "fate": "cancelled"}]}
    world.manager("POST", one, 422, json=goes)  # nobody is cancelled without a reason
    key = {"Idempotency-Key": "settled"}
    for _ in range(2):
        done = world.manager("POST", one, 200, json={**goes, "reason_to_customers": "放假"}, headers=key).json
        assert done == {"hits": 1}
    assert world.booker("GET", world.one(made["id"]), 200).json["state"] == "cancelled"
    assert world.manager("GET", todo, 200).json["items"] == []
    assert staff("POST", f"{DAYS}/2026-03-03/removal/preview", 200).json == {"hosts": []}
    for _ in range(2):
        staff("DELETE", f"{DAYS}/2026-03-03", 204)
    assert not [d for d in staff("GET", DAYS, 200).json["days"] if d["entered"]]


def test_a_notice_is_read_and_writes_nothing(world: World, staff: Door) -> None:
    read = staff("POST", f"{DAYS}/notice/preview", 200, json={"text": NOTICE, "year": 2033}).json
    kinds = {d["day"]: d["kind"] for d in read["days"]}
    assert len(kinds) == 9 and (kinds["2033-01-31"], kinds["2033-02-11"]) == ("workday", "holiday")
    assert not [d for d in staff("GET", f"{DAYS}?year=2033", 200).json["days"] if d["entered"]]
    days = [
        {name: d[name] for name in ("day", "kind", "name", "stands_for")}
        | {"source": "国办发明电〔2032〕1号"}
        for d in read["days"]
    ]
    staff("POST", DAYS, 201, json={"days": days})
    assert len([d for d in staff("GET", f"{DAYS}?year=2033", 200).json["days"] if d["entered"]]) == 9


def test_days_are_for_the_platforms_staff_and_must_be_days(world: World, staff: Door) -> None:
    for door, status in ((world.manager, 403), (world.booker, 403), (world.visitor, 401)):
        door("GET", DAYS, status)
        door("POST", DAYS, status, json={"days": [PARTY]})
        door("POST", f"{DAYS}/preview", status, json={"days": [PARTY]})
        door("POST", f"{DAYS}/notice/preview", status, json={"text": NOTICE, "year": 2033})
        door("POST", f"{DAYS}/2026-03-03/removal/preview", status)
        door("DELETE", f"{DAYS}/2026-03-03", status)
    for days in ([], [{**PARTY, "day": "1999-01-01"}], [{**PARTY, "kind": "moon"}], [PARTY] * 101):
        staff("POST", DAYS, 422, json={"days": days})
    itself = {**PARTY, "kind": "workday", "stands_for": "2026-03-03"}
    assert codes(staff("POST", DAYS, 422, json={"days": [itself]})) == ["availability.day_for_itself"]
    for day in ("2026-02-30", "tomorrow"):
        staff("DELETE", f"{DAYS}/{day}", 404)
        staff("POST", f"{DAYS}/{day}/removal/preview", 404)


def test_protected_hours_of_a_year(world: World, other_host: Door) -> None:
    with world.app.app_context(), clock.fixed(NOW):
        weekly = make_weekly() + make_weekly(weekdays=[5], audience=Audience.OUTSIDE)
        availability.save_hours(world.scene.key, weekly, date(2026, 3, 2), by=world.scene.manager)
        db.session.remove()
    path = f"{world.at}/protected-hours"
    book(world, start="2026-03-07T10:00:00+08:00", end="2026-03-07T12:00:00+08:00")
    year = world.manager("GET", path, 200).json
    assert (year["year"], len(year["months"]), year["zone"]) == (2026, 12, "Asia/Shanghai")
    march = year["months"][2]
    # Four Saturdays of eight hours, two of them used.
    assert (march["month"], march["promised_seconds"], march["outside_seconds"]) == (
        "2026-03",
        115_200,
        7_200,
    )
    for whole in (march, year["whole"]):
        parts = ("outside", "free", "inside", "closed", "maintained", "elsewhere")
        assert whole["promised_seconds"] == sum(whole[f"{name}_seconds"] for name in parts)
    assert world.manager("GET", f"{path}?year=2025", 200).json["whole"]["promised_seconds"] == 0
    for bad in ("1999", "x", "2200"):
        world.manager("GET", f"{path}?year={bad}", 422)
    for door, status in ((world.booker, 403), (world.visitor, 401), (other_host, 404)):
        door("GET", path, status)


def test_dates_entered_as_one_are_listed_in_pages_and_taken_back(
    make_world: Callable[..., World], other_host: Door
) -> None:
    world = make_world()
    path = f"{world.at}/exceptions/repeated"
    saturday = {"kind": "extra", "start": "2026-03-07T10:00:00+08:00", "end": "2026-03-07T12:00:00+08:00"}
    again = {"rule": {"frequency": "weekly", "count": 3}}
    world.manager("POST", path, 201, json={**saturday, **again})
    work = {**CLOSURE, "kind": "maintenance"}
    for hour in ("09", "10", "11"):
        times = {"start": f"2026-03-04T{hour}:00:00+08:00", "end": f"2026-03-04T{hour}:30:00+08:00"}
        world.manager("POST", path, 201, json={**work, **times, **again})
    found, after = [], ""
    while after is not None:
        page = world.manager("GET", f"{path}?limit=3{after}", 200).json
        found += page["items"]
        after = f"&after={page['next']}" if page["next"] else None
    assert [(one["kind"], one["count"]) for one in found] == [("maintenance", 3)] * 3 + [("extra", 3)]
    extra = found[-1]
    assert (extra["next_start"], extra["last_start"]) == ("2026-03-07T02:00:00Z", "2026-03-21T02:00:00Z")
    dates = world.visitor(
        "GET", f"{world.at}/exceptions?since=2026-03-07T00:00:00Z&until=2026-03-08T00:00:00Z", 200
    )
    assert [one["series_id"] for one in dates.json["items"]] == [extra["id"]]
    made = book(world, start="2026-03-14T10:00:00+08:00", end="2026-03-14T12:00:00+08:00")
    one = f"{path}/{extra['id']}"
    (hit,) = world.manager("POST", f"{one}/removal/preview", 200).json["hits"]
    assert hit["holder_id"] == made["id"]
    for door, status in ((world.booker, 403), (world.visitor, 401), (other_host, 404)):
        door("GET", path, status)
        door("POST", f"{one}/removal/preview", status)
        door("DELETE", one, status)
    shown = world.manager("GET", one, 200)
    assert shown.json == extra
    tag = {"If-Match": shown.headers["ETag"]}
    # A colleague takes one of the dates back: what was seen is no longer what there is.
    (last,) = world.visitor(
        "GET", f"{world.at}/exceptions?since=2026-03-21T00:00:00Z&until=2026-03-22T00:00:00Z", 200
    ).json["items"]
    world.manager("DELETE", f"{world.at}/exceptions/{last['id']}", 204, headers={"If-Match": "*"})
    world.manager("DELETE", one, 428)
    world.manager("DELETE", one, 412, headers=tag)
    tag = {"If-Match": world.manager("GET", one, 200).headers["ETag"]}
    assert codes(world.manager("DELETE", one, 409, headers=tag)) == ["booking.hit_undecided"]
    stays = {"verdicts": [{"booking_id": made["id"], "fate": "stays"}]}
    assert world.manager("DELETE", one, 200, json=stays, headers=tag).json == {"dates": 2, "hits": 1}
    assert world.booker("GET", world.one(made["id"]), 200).json["state"] == "approved"
    assert world.manager("DELETE", one, 200, headers=tag).json == {"dates": 0, "hits": 0}
    world.manager("GET", one, 404)
    # Maintenance hits nobody when it goes.
    gone = world.manager("DELETE", f"{path}/{found[0]['id']}", 200, headers={"If-Match": "*"})
    assert gone.json == {"dates": 3, "hits": 0}
    assert len(world.manager("GET", path, 200).json["items"]) == 2
