"""Calendars kept elsewhere, for programs: taken up by address or file, what was read, zones said, taken away."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import BusyEvent, CalendarRead
from resource_hub.entrypoints.jobs import JobContext
from resource_hub.entrypoints.jobs.calendars import read_calendars
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.infra.tables import StoredFile
from resource_hub.kernel.time import TimeSpan
from tests.builders.booking import make_scene
from tests.builders.catalogue import make_listing
from tests.support.door import Door, World
from tests.web.availability.conftest import NOW
from tests.web.availability.test_calendars import BEIJING, LAB, Handler, may_ask_here, server
from tests.web.booking.test_api import book, codes

__all__ = ["may_ask_here", "server"]


def path(world: World, rest: str = "") -> str:
    return f"{world.at}/external-calendars{rest}"


def by_address(world: World, url: str, status: int = 201, **more: Any) -> Any:
    headers = more.pop("headers", None)
    return world.manager(
        "POST", path(world), status, json={"name": "Lab", "url": url, **more}, headers=headers
    )


def by_file(
    world: World, body: bytes = LAB, status: int = 201, *, door: Door | None = None, **more: Any
) -> Any:
    headers = more.pop("headers", None)
    form = {"name": "Lab", "calendar": (io.BytesIO(body), "lab.ics"), **more}
    return (door or world.manager)(
        "POST", path(world, "/files"), status, data=form, headers=headers, content_type="multipart/form-data"
    )


def read(world: World) -> None:
    with world.app.app_context(), clock.fixed(NOW):
        read_calendars(JobContext("availability.calendars", clock.now()))
        db.session.remove()


def looks(world: World) -> list[str]:
    day = "since=2026-03-03T00:00:00%2B08:00&until=2026-03-04T00:00:00%2B08:00"
    return [
        one["look"]
        for one in world.visitor("GET", f"{world.at}/calendar?{day}", 200).json["lanes"][0]["stretches"]
    ]


def test_an_address_is_taken_up_read_and_taken_away(server: str, may_ask_here: None, world: World) -> None:
    free = looks(world)
    key = {"Idempotency-Key": "lab"}
    made = by_address(world, server, headers=key).json
    assert (made["state"], made["place"], made["zone"]) == ("waiting", "127.0.0.1", "Asia/Shanghai")
    assert made["looked"]["events"] == 2 and [r["code"] for r in made["looked"]["refused"]] == [
        "calendar.rule_too_fine"
    ]
    # A repetition asks nobody, even when the other side has gone.
    asked = len(Handler.asked)
    again = by_address(world, server, headers=key)
    assert again.json == made and len(Handler.asked) == asked and "lab.ics" not in again.text
    assert codes(by_address(world, server, 409, headers=key, name="Other")) == ["key_reused"]
    read(world)
    (shown,) = world.manager("GET", path(world), 200).json["items"]
    one = world.manager("GET", path(world, f"/{made['id']}"), 200)
    assert one.json == shown and "lab.ics" not in one.text
    assert (shown["state"], shown["events"], shown["read_at"]) == ("partly", 2, "2026-03-02T00:00:00Z")
    (refused,) = shown["refused"]
    assert (
        refused["code"] == "calendar.rule_too_fine" and "MINUTELY" in refused["detail"] and refused["remedy"]
    )
    assert looks(world) != free
    assert shown["next_at"] == "2026-03-02T00:15:00Z"
    for _ in range(2):
        due = world.manager("POST", path(world, f"/{made['id']}/readings"), 200).json
        assert due["next_at"] == "2026-03-02T00:00:00Z"
    world.manager("DELETE", path(world, f"/{made['id']}"), 428)
    world.manager("DELETE", path(world, f"/{made['id']}"), 412, headers={"If-Match": '"other"'})
    for _ in range(2):
        tag = {"If-Match": one.headers["ETag"]}
        world.manager("DELETE", path(world, f"/{made['id']}"), 204, headers=tag)
    assert world.manager("GET", path(world), 200).json["items"] == [] and looks(world) == free
    for method, rest in (("GET", ""), ("POST", "/readings")):
        gone = world.manager(method, path(world, f"/{made['id']}{rest}"), 404)
        assert codes(gone) == ["calendar.not_found"]


def test_a_file_is_taken_up_once_and_a_booking_stands(world: World) -> None:
    held = book(world)
    key = {"Idempotency-Key": "file"}
    made = by_file(world, headers=key).json
    assert (made["place"], made["state"]) == ("", "waiting")
    assert by_file(world, headers=key).json == made
    assert codes(by_file(world, BEIJING, 409, headers=key)) == ["key_reused"]
    read(world)
    (clash,) = world.manager("GET", path(world, "/clashes"), 200).json["items"]
    assert (clash["calendar_id"], clash["holder_id"], clash["summary"]) == (
        made["id"],
        held["id"],
        "Group meeting",
    )
    assert world.booker("GET", world.one(held["id"]), 200).json["state"] == held["state"]
    # Taken away, its file is forgotten with it; the bytes go with those that no row names.
    with world.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(StoredFile)) == 1
    world.manager("DELETE", path(world, f"/{made['id']}"), 204, headers={"If-Match": "*"})
    with world.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(StoredFile)) == 0


def test_zones_that_nobody_knows_are_said(world: World) -> None:
    made = by_file(world, BEIJING).json
    read(world)
    one = world.manager("GET", path(world, f"/{made['id']}"), 200)
    assert one.json["unknown_zones"] == ["(UTC+08:00) Beijing"] and one.json["state"] == "partly"
    said = {"zones": {"(UTC+08:00) Beijing": "Asia/Shanghai"}}
    tag = {"If-Match": one.headers["ETag"]}
    at = path(world, f"/{made['id']}")
    world.manager("PATCH", at, 428, json=said)
    for zones, code in (
        ({"(UTC+08:00) Beijing": "Middle/Earth"}, "calendar.zone"),
        ({"Elsewhere": "Asia/Shanghai"}, "calendar.zone_known"),
    ):
        answer = world.manager("PATCH", at, 422, json={"zones": zones}, headers=tag)
        assert codes(answer) == [code] and answer.json["reasons"][0]["remedy"]
    world.manager("PATCH", at, 422, json={"zones": {}}, headers=tag)
    changed = world.manager("PATCH", at, 200, json=said, headers=tag)
    assert changed.json["zones"] == said["zones"] and changed.headers["ETag"] != one.headers["ETag"]
    assert codes(world.manager("PATCH", at, 412, json=said, headers=tag)) == ["calendar.changed"]
    read(world)
    assert world.manager("GET", at, 200).json["unknown_zones"] == []


@pytest.mark.parametrize(
    ("sent", "code", "place"),
    [
        ({"url": "http://127.0.0.1/lab.ics"}, "calendar.url_inside", "url"),
        ({"url": "file:///etc/passwd"}, "calendar.url_scheme", "url"),
        ({"url": "http://127.0.0.1/", "zone": "Middle/Earth"}, "calendar.zone", "zone"),
        ({"url": ""}, "invalid", "/url"),
        ({"url": "http://127.0.0.1/", "name": ""}, "invalid", "/name"),
    ],
)
def test_addresses_that_are_refused(world: World, sent: dict[str, Any], code: str, place: str) -> None:
    answer = by_address(world, status=422, **sent)
    assert [(r["code"], r["place"]) for r in answer.json["reasons"]] == [(code, place)]
    assert world.manager("GET", path(world), 200).json["items"] == []


@pytest.mark.parametrize("body", [b"<html>", b"", LAB[:-40]])
def test_files_that_are_no_calendar_leave_no_row(world: World, body: bytes) -> None:
    assert by_file(world, body, 422).json["reasons"]
    assert world.manager("GET", path(world), 200).json["items"] == []
    with world.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(StoredFile)) == 0
    unit = by_file(world, status=404, unit_id="01980000-0000-7000-8000-000000000000")
    assert codes(unit) == ["availability.no_unit"]
    with world.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(StoredFile)) == 0


def test_others_do_not_come_in(world: World, other_host: Door) -> None:
    made = by_file(world).json
    at = path(world, f"/{made['id']}")
    with world.app.app_context(), clock.fixed(NOW):
        beside = make_listing(world.scene.host)
        foreign = make_scene(units=2)
    for door, status in ((world.booker, 403), (world.visitor, 401), (other_host, 404)):
        for method, rest in (
            ("GET", path(world)), ("GET", path(world, "/clashes")), ("GET", at), ("POST", f"{at}/readings"),
            ("DELETE", at),
        ):  # fmt: skip
            door(method, rest, status)
        door("PATCH", at, status, json={"zones": {"a": "UTC"}}, headers={"If-Match": "*"})
        door("POST", path(world), status, json={"name": "Lab", "url": "https://calendar.example/"})
        by_file(world, status=status, door=door)
    # Under another resource's address it is not there, whoever looks after both.
    for resource in (beside, foreign.resource):
        host = world.scene.host.code if resource is beside else foreign.host.code
        elsewhere = f"/hosts/{host}/resources/{resource.code}/external-calendars/{made['id']}"
        world.manager("GET", elsewhere, 404)
        world.manager("PATCH", elsewhere, 404, json={"zones": {"a": "UTC"}}, headers={"If-Match": "*"})
    assert len(world.manager("GET", path(world), 200).json["items"]) == 1


def test_clashes_come_in_pages(world: World) -> None:
    """Two calendars that say the same of many bookings: each clash is reached once, in order."""
    for n in range(5):
        book(
            world, start=f"2026-03-{3 + n:02}T09:00:00+08:00", end=f"2026-03-{3 + n:02}T10:00:00+08:00"
        ) if n < 4 else None
    with world.app.app_context(), clock.fixed(NOW):
        for name in ("A", "B"):
            source = availability.add_calendar(
                world.scene.key,
                name=name,
                zone_name="UTC",
                by=world.scene.manager,
                url="https://c.example/a.ics",
            )
            busy = tuple(
                BusyEvent(TimeSpan(start, start + timedelta(minutes=30)), name)
                for start in (NOW + timedelta(days=1 + n, hours=1) for n in range(4))
            )
            availability.settle_calendar(
                source, CalendarRead("", 4, busy), availability.reading_span(clock.now())
            )
        db.session.remove()
    whole = world.manager("GET", path(world, "/clashes"), 200).json
    assert len(whole["items"]) == 8 and whole["next"] is None
    found, after = [], ""
    while after is not None:
        page = world.manager("GET", path(world, f"/clashes?limit=3{after}"), 200).json
        found += page["items"]
        after = f"&after={page['next']}" if page["next"] else None
    assert found == whole["items"]
    assert codes(world.manager("GET", path(world, "/clashes?after=x"), 422)) == ["cursor.unreadable"]
