"""Pages on which the laboratory books for a customer or somebody at the door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import PersonRecord, Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import BookingRecord
from resource_hub.infra.database import reading
from resource_hub.infra.tables import AuditEntry
from tests.builders import accounts as build
from tests.builders.booking import Scene, make_asked
from tests.support.door import Door, World
from tests.web.booking.pages.conftest import NOW, Desk
from tests.web.booking.test_api import ORDER, codes

pytestmark = pytest.mark.any_engine

TIME = {"start_day": "2026-03-03", "start_time": "09:00", "end_time": "11:00", "mode": "self_use"}


def at(scene: Scene) -> str:
    return f"/o/{scene.host.code}/calendar/{scene.resource.code}/book"


def test_the_laboratory_books_for_a_customer(
    app: Flask, scene: Scene, desk_of: Callable[[PersonRecord], Desk]
) -> None:
    desk = desk_of(scene.manager_person)
    week = desk.see(f"/o/{scene.host.code}/calendar", day="2026-03-03")
    # A free stretch of the calendar leads to the form with its beginning; what is past leads nowhere.
    free = f"{at(scene)}?start_day=2026-03-03&start_time=09:00&unit="
    assert free in week
    assert "&start_time=" not in desk.see(f"/o/{scene.host.code}/calendar", day="2026-03-01")
    assert 'value="09:00"' in desk.see(week[week.index(free) :].split('"')[0])
    page = desk.see(at(scene), search=scene.firm.uscc)
    whom = f"{scene.customer_id}:{scene.booker_person.id}"
    assert whom in page
    looked = desk.send(at(scene), page, **TIME, whom=whom, search=scene.firm.uscc, look="1")
    assert "600.00" in looked.get_data(as_text=True)
    done = desk.send(at(scene), page, **TIME, whom=whom, search=scene.firm.uscc, book="1")
    assert done.status_code == 303
    assert "The host booked for the customer." in desk_of(scene.booker_person).see(
        done.headers["Location"].replace(f"/o/{scene.host.code}/", f"/o/{scene.firm.code}/")
    )


def test_the_same_page_books_another_time_and_the_same_time_once(
    app: Flask, scene: Scene, desk_of: Callable[[PersonRecord], Desk]
) -> None:
    desk = desk_of(scene.manager_person)
    page = desk.see(at(scene), search=scene.firm.uscc)
    whom = f"{scene.customer_id}:{scene.booker_person.id}"
    order = {**TIME, "whom": whom, "search": scene.firm.uscc or "", "book": "1"}
    later = {**order, "start_time": "13:00", "end_time": "15:00"}
    first, second, again = (desk.send(at(scene), page, **one).location for one in (order, later, order))
    assert first == again != second
    with app.app_context():
        assert len(service.bookings_at(scene.manager)) == 2


def test_groups_of_the_house_are_found_by_name(
    app: Flask, scene: Scene, desk_of: Callable[[PersonRecord], Desk]
) -> None:
    with app.app_context():
        leader = build.make_person(name="赵明")
        group = build.make_group(scene.host, name_en="Thin films", leader=leader)
    desk = desk_of(scene.manager_person)
    assert str(group.id) not in desk.see(at(scene))
    assert f"{group.id}:{leader.id}" in desk.see(at(scene), search="thin")
    assert f"{at(scene)}" in desk.see(f"/o/{scene.host.code}/calendar")
    assert "#book-for" in desk.see(f"/o/{scene.host.code}/today")


def test_a_failed_rule_offers_to_set_it_aside_only_to_who_decides(
    app: Flask, scenery: Callable[..., Scene], desk_of: Callable[[PersonRecord], Desk]
) -> None:
    scene = scenery(rules={"most": 60})
    with app.app_context():
        operator = build.make_person(roles=[(scene.host, Role.OPERATOR)])
    whom = {"whom": f"{scene.customer_id}:{scene.booker_person.id}", "search": scene.firm.uscc or "", **TIME}
    for person, offered in ((operator, False), (scene.manager_person, True)):
        desk = desk_of(person)
        page = desk.send(at(scene), desk.see(at(scene)), **whom, look="1").get_data(as_text=True)
        assert "The house rules say no:" in page and ('name="override"' in page) is offered
    done = desk.send(at(scene), desk.see(at(scene)), **whom, book="1", override="Urgent")
    assert done.status_code == 303
    assert "Set aside because: Urgent" in desk.see(done.headers["Location"])


def test_somebody_at_the_door_is_booked_and_joined_to_a_firm(
    app: Flask, scene: Scene, desk_of: Callable[[PersonRecord], Desk]
) -> None:
    desk, walk_ins = desk_of(scene.manager_person), f"/o/{scene.host.code}/walk-ins"
    assert "Nobody is written down" in desk.see(walk_ins)
    page = desk.see(at(scene))
    missing = desk.send(at(scene), page, **TIME, whom="walk_in", book="1")
    assert missing.status_code == 422
    looked = desk.send(at(scene), page, **TIME, whom="walk_in", walk_in="新材公司", look="1")
    assert "600.00" in looked.get_data(as_text=True)
    done = desk.send(
        at(scene), desk.see(at(scene)), **TIME, whom="walk_in", walk_in="新材公司", contact="138", book="1"
    )
    assert done.status_code == 303
    listed = desk.see(walk_ins)
    assert "新材公司" in listed and "138" in listed
    with app.app_context():
        (record,) = service.bookings_at(scene.manager)
        admin = build.make_person(roles=[(scene.firm, Role.FIRM_ADMIN)])
    wrong = desk.send(f"{walk_ins}/{record.customer_id}/ask", listed, uscc="91340100000000000X")
    assert wrong.status_code == 422
    asked = desk.send(f"{walk_ins}/{record.customer_id}/ask", desk.see(walk_ins), uscc=scene.firm.uscc)
    assert asked.status_code == 303 and "has not answered yet" in desk.see(walk_ins)
    theirs, firm = f"/o/{scene.firm.code}/walk-in/{record.customer_id}", desk_of(admin)
    desk_of(scene.booker_person).see(theirs, 403)
    home = f"/o/{scene.firm.code}/home"
    assert theirs in firm.see(home) and theirs not in desk_of(scene.booker_person).see(home)
    page = firm.see(theirs)
    assert "新材公司" in page and "600.00" in page
    assert firm.send(theirs, page, answer="yes").status_code == 303
    firm.see(theirs, 404)
    assert theirs not in firm.see(home)
    assert record.number in desk_of(scene.booker_person).see(f"/o/{scene.firm.code}/bookings")


def test_only_the_hosts_people_see_these_pages(scene: Scene, desk_of: Callable[[PersonRecord], Desk]) -> None:
    desk = desk_of(scene.booker_person)
    desk.see(f"/o/{scene.firm.code}/calendar/{scene.resource.code}/book", 403)
    desk.see(f"/o/{scene.firm.code}/walk-ins", 403)
    desk.see(at(scene), 404)


def test_the_same_over_the_rest_interface(world: World) -> None:
    host = f"/hosts/{world.scene.host.code}"
    body = {**ORDER, "walk_in": {"name": "新材公司", "contact": "138"}}
    key = {"Idempotency-Key": "door"}
    made = world.manager("POST", f"{world.at}/bookings", 201, json=body, headers=key).json
    assert world.manager("POST", f"{world.at}/bookings", 201, json=body, headers=key).json == made
    world.booker("POST", f"{world.at}/bookings", 404, json=body)
    (one,) = world.manager("GET", f"{host}/walk-ins", 200).json["items"]
    name = {"zh": "新材公司", "en": ""}
    assert one == {
        "customer_id": made["customer_id"], "name": name, "contact": "138", "contact_erased_at": None,
        "asked_firm_id": None,
    }  # fmt: skip
    world.booker("GET", f"{host}/walk-ins", 403)
    path = f"{host}/walk-ins/{one['customer_id']}/firm"
    wrong = world.manager("POST", path, 422, json={"uscc": "91340100000000000X"})
    assert codes(wrong) == ["accounts.no_such_firm"]
    asked = world.manager("POST", path, 201, json={"uscc": world.scene.firm.uscc}).json
    assert asked == {"firm_id": str(world.scene.firm.id)}
    with world.app.app_context():
        admin = build.make_person(roles=[(world.scene.firm, Role.FIRM_ADMIN)])
        firm = Door(world.app, build.bearer(admin, world.scene.firm))
    theirs = f"/walk-ins/{one['customer_id']}"
    assert [row["id"] for row in firm("GET", f"{theirs}/bookings", 200).json["items"]] == [made["id"]]
    world.booker("POST", f"{theirs}/answer", 403, json={"accept": True})
    firm("POST", f"{theirs}/answer", 204, json={"accept": True})
    firm("POST", f"{theirs}/answer", 404, json={"accept": True})
    assert [row["id"] for row in world.booker("GET", "/bookings", 200).json["items"]] == [made["id"]]
    long = {"start": "2026-03-04T09:00:00+08:00", "end": "2026-03-04T11:10:00+08:00"}
    wish = {**ORDER, **long, "customer_id": str(world.scene.customer_id)}
    assert codes(world.manager("POST", f"{world.at}/bookings", 409, json=wish)) == ["booking.length_step"]
    world.manager("POST", f"{world.at}/bookings", 201, json={**wish, "override": "急用"})


def test_pages_say_who_booked_for_whom(
    app: Flask, scene: Scene, desk_of: Callable[[PersonRecord], Desk]
) -> None:
    def booked(whom: bool, start: str, end: str) -> BookingRecord:
        asked = make_asked(f"2026-03-02T{start}+08:00", f"2026-03-02T{end}+08:00")
        if not whom:
            return service.book_walk_in(scene.key, asked, "王五", "138", by=scene.manager)
        asked = replace(asked, customer_id=scene.customer_id, person_id=scene.booker_person.id)
        return service.request(scene.key, asked, by=scene.manager)

    with app.app_context():
        known, walk_in = booked(True, "10:00", "11:00"), booked(False, "13:00", "14:00")
    desk, theirs = desk_of(scene.manager_person), desk_of(scene.booker_person)
    manager, booker = scene.manager_person.name, scene.booker_person.name
    for record, whom in ((known, booker), (walk_in, "王五")):
        said = f"Booked by {manager} for {whom}"
        assert said in desk.see(f"/o/{scene.host.code}/bookings/{scene.host.code}/{record.key.id}")
        assert said in desk.see(f"/o/{scene.host.code}/today")
    mine = theirs.see(f"/o/{scene.firm.code}/bookings")
    assert f"Booked by {manager} for {booker}" in mine and f"booked by {manager}" in mine
    assert manager in theirs.see(f"/o/{scene.firm.code}/bookings", export="csv")
    # A feed lies on other people's servers: it says that, not who.
    own = theirs.see(f"/hosts/{scene.host.code}/bookings/{known.key.id}.ics").replace("\r\n ", "")
    assert "Booked by the laboratory" in own and manager not in own and booker not in own


def test_the_manager_erases_how_to_reach_somebody_and_the_use_stays(
    app: Flask, scene: Scene, desk_of: Callable[[PersonRecord], Desk]
) -> None:
    with app.app_context():
        operator = build.make_person(roles=[(scene.host, Role.OPERATOR)])
        other = build.make_institution()
        stranger = build.make_person(roles=[(other, Role.MANAGER)])
        record = service.book_walk_in(scene.key, make_asked(), "王五", "138 0000 7777", by=scene.manager)
    walk_ins, desk = f"/o/{scene.host.code}/walk-ins", desk_of(scene.manager_person)
    erase = f"{walk_ins}/{record.customer_id}/erase"
    assert erase not in desk_of(operator).see(walk_ins)
    desk_of(operator).see(erase, 403)
    desk_of(stranger).see(f"/o/{other.code}/walk-ins/{record.customer_id}/erase", 404)
    assert erase in desk.see(walk_ins)
    look = desk.see(erase)
    assert "138 0000 7777" in look and "1 booking" in look and "138 0000 7777" in desk.see(walk_ins)
    assert desk.send(erase, look).status_code == 303
    listed = desk.see(walk_ins)
    assert "7777" not in listed and "王五" in listed and "was erased on" in listed
    assert "no contact to erase" in desk.see(erase)
    assert desk.send(erase, desk.see(erase)).status_code == 303
    with app.app_context():
        found = accounts.walk_in(record.customer_id, by=scene.manager)
        assert (found.contact, found.erased_at) == ("", NOW)
        assert service.booking(record.key).state is record.state
        entries = list(
            reading().scalars(
                select(AuditEntry).where(AuditEntry.action == "accounts.walk_in_contact_erased")
            )
        )
        mine = [e for e in entries if str(record.customer_id).encode() in e.body]
        assert [e.person_id for e in mine] == [scene.manager.person_id] and b"7777" not in mine[0].body


def test_a_program_of_a_manager_erases_how_to_reach_somebody(world: World) -> None:
    scene = world.scene
    host = f"/hosts/{scene.host.code}"
    body = {**ORDER, "walk_in": {"name": "王五", "contact": "138 0000 7777"}}
    made = world.manager("POST", f"{world.at}/bookings", 201, json=body).json
    path = f"{host}/walk-ins/{made['customer_id']}/contact"
    with world.app.app_context():
        operator = build.make_person(roles=[(scene.host, Role.OPERATOR)])
        other = build.make_institution()
        stranger = build.make_person(roles=[(other, Role.MANAGER)])
        theirs, strange = (
            Door(world.app, build.bearer(person, house))
            for person, house in ((operator, scene.host), (stranger, other))
        )
    theirs("DELETE", path, 403)
    world.booker("DELETE", path, 403)
    strange("DELETE", path, 404)
    strange("DELETE", path.replace(scene.host.code, other.code), 404)
    world.manager("DELETE", f"{host}/walk-ins/{scene.customer_id}/contact", 404)
    for _ in range(2):
        world.manager("DELETE", path, 204)
    (one,) = world.manager("GET", f"{host}/walk-ins", 200).json["items"]
    assert one["contact"] == "" and datetime.fromisoformat(one["contact_erased_at"]) == NOW
    assert one["name"]["zh"] == "王五"
    world.manager("GET", f"{host}/bookings/{made['id']}", 200)
    described = world.visitor("GET", "/openapi.json", 200).json["paths"]
    erase = described["/api/v1/hosts/{host}/walk-ins/{customer_id}/contact"]["delete"]
    assert erase["summary"].startswith("Erase how to reach") and "204" in erase["responses"]
