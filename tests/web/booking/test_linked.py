"""Resources booked together through the pages: the manager says which, the customer sees the price of all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from flask import Flask

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import OccupancyKind
from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceKind
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders import accounts as people
from tests.builders.availability import make_rules, make_weekly, moment, span
from tests.builders.booking import Scene, make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing
from tests.support.pages import fields_of

ROOM = {"format": 1, "currency": "CNY", "hour": {"all": "50.00"}}


@pytest.fixture
def now() -> Iterator[None]:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        yield


@pytest.fixture
def world(app: Flask, now: None) -> dict[str, Any]:
    with app.app_context():
        scene = make_scene()
        found = {}
        for code, name in (("ROOM-1", "Preparation room"), ("OP-1", "Operator")):
            found[code] = make_listing(
                scene.host, code=code, kind=ResourceKind.FACILITY, listed=False, name_zh=name, name_en=name
            )
            with unit_of_work() as unit:
                availability.set_hours_directly(unit, found[code].key, make_weekly(), make_rules())
                availability.rebuild(unit, [found[code].key], availability.kept_span())
        pricing.adopt(found["ROOM-1"].key, ROOM, date(2020, 1, 1))
    return {"scene": scene, **found}


def signed_in(app: Flask, person: Any) -> Any:
    client = app.test_client()
    with app.app_context():
        people.sign_in(client, person)
    with client.session_transaction() as session:
        session["language"] = "en"
    return client


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def token(client: Any, address: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', text(client.get(address)))
    return found[1] if found else ""


def tokens(client: Any, page: str) -> dict[str, str]:
    """What the form of helpers carries beside the choices."""
    found = fields_of(client.get(page).get_data(as_text=True), page + "/helpers")
    return {name: found[name] for name in ("csrf_token", "seen")}


def link(app: Flask, world: dict[str, Any], **choices: str) -> Any:
    scene: Scene = world["scene"]
    client = signed_in(app, scene.manager_person)
    page = f"/o/{scene.host.code}/resources/{scene.key.id}"
    data = {f"link.{world[code.replace('_', '-')].key.id}": choice for code, choice in choices.items()}
    return client, page, client.post(page + "/helpers", data={**tokens(client, page), **data})


def test_two_tabs_overwrite_nothing_unseen(app: Flask, world: dict[str, Any]) -> None:
    client, page, first = link(app, world, ROOM_1="required")
    seen = tokens(client, page)
    data = {f"link.{world['OP-1'].key.id}": "required"}
    assert first.status_code == 303
    assert client.post(page + "/helpers", data={**seen, **data}).status_code == 303
    stale = client.post(page + "/helpers", data=seen)
    assert stale.status_code == 412 and "Somebody else changed this resource" in text(stale)
    with app.app_context():
        assert [one.helper_key for one in catalogue.links_of([world["scene"].key])] == [world["OP-1"].key]


def test_the_manager_says_what_comes_along(app: Flask, world: dict[str, Any]) -> None:
    client, page, answer = link(app, world, ROOM_1="required", OP_1="optional")
    assert answer.status_code == 303
    with app.app_context():
        found = {r.key: required for r, required in service.offered_helpers(world["scene"].key)}
    assert found == {world["ROOM-1"].key: True, world["OP-1"].key: False}
    shown = text(client.get(page))
    assert re.search(rf'name="link.{world["ROOM-1"].key.id}" value="required"[^>]* checked', shown)
    other = signed_in(app, world["scene"].booker_person)
    assert other.post(page + "/helpers", data={"csrf_token": "x"}).status_code in (400, 404)


def test_a_helper_of_a_helper_is_refused_with_the_reason(app: Flask, world: dict[str, Any]) -> None:
    link(app, world, ROOM_1="required")
    client = signed_in(app, world["scene"].manager_person)
    page = f"/o/{world['scene'].host.code}/resources/{world['ROOM-1'].key.id}"
    data = {**tokens(client, page), f"link.{world['OP-1'].key.id}": "required"}
    answer = client.post(page + "/helpers", data=data)
    assert "cannot have helpers of its own" in text(answer)
    with app.app_context():
        assert catalogue.links_of([world["ROOM-1"].key]) == []


def test_the_order_shows_the_price_of_all_and_books_them_together(app: Flask, world: dict[str, Any]) -> None:
    link(app, world, ROOM_1="required", OP_1="optional")
    scene: Scene = world["scene"]
    client = signed_in(app, scene.booker_person)
    address = f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}"
    when = {"start_day": "2026-03-03", "start_time": "09:00", "end_time": "11:00", "mode": "self_use"}
    page = text(client.get(address, query_string=when))
    assert "Always: Preparation room." in page and "700.00" in page and "Preparation room: " in page
    data = {
        **when,
        "purpose": "research",
        "csrf_token": token(client, address),
        "helpers": str(world["OP-1"].key.id),
    }
    booked = client.post(address, data=data)
    assert booked.status_code == 303
    shown = text(client.get(booked.location))
    assert "Operator, Preparation room" in shown or "Preparation room, Operator" in shown
    assert "700.00" in shown
    again = client.post(address, data=data)
    assert again.status_code == 409


def test_before_the_click_each_part_says_what_late_cancelling_costs(
    app: Flask, world: dict[str, Any]
) -> None:
    link(app, world, ROOM_1="required", OP_1="required")
    scene: Scene = world["scene"]
    late = {"consequence": "fee", "fee": {"all": "30.00"}, "notice_minutes": 720}
    with app.app_context():
        pricing.adopt(world["ROOM-1"].key, {**ROOM, "cancellation": late}, date(2026, 3, 2))
    client = signed_in(app, scene.booker_person)
    address = f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}"
    when = {"start_day": "2026-03-03", "start_time": "09:00", "end_time": "11:00", "mode": "self_use"}
    page = text(client.get(address, query_string=when))
    assert re.search(r"Cancelling: Free until 24 h before the start, then ¥.100\.00", page)
    assert re.search(r"Cancelling: Preparation room: Free until 12 h before the start, then ¥.30\.00", page)
    assert page.count("Cancelling: ") == 2
    booked = client.post(address, data={**when, "purpose": "research", "csrf_token": token(client, address)})
    assert booked.status_code == 303
    with clock.fixed(moment("2026-03-02T22:00+08:00")):
        assert "130.00" in text(client.get(booked.location))


def dollars(app: Flask, world: dict[str, Any], **more: Any) -> None:
    """From now on the room is priced in another currency, with a fee of its own."""
    late = {"consequence": "fee", "fee": {"all": "30.00"}, "notice_minutes": 720}
    with app.app_context():
        document = {**ROOM, "currency": "USD", "cancellation": late, **more}
        pricing.adopt(world["ROOM-1"].key, document, date(2026, 3, 2))


BOTH = r"¥.600\.00, (US\$|\$|USD).?100\.00"


def test_a_price_in_another_currency_stands_beside_the_other_on_every_page(
    app: Flask, world: dict[str, Any]
) -> None:
    link(app, world, ROOM_1="required")
    dollars(app, world)
    scene: Scene = world["scene"]
    client = signed_in(app, scene.booker_person)
    book = f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}"
    when = {"start_day": "2026-03-03", "start_time": "09:00", "end_time": "11:00", "mode": "self_use"}
    assert re.search(BOTH, text(client.get(book, query_string=when)))
    with app.app_context():
        made = make_booking(scene)
    page = f"/o/{scene.firm.code}/bookings"
    for address in (page, f"{page}/{scene.host.code}/{made.key.id}"):
        assert re.search(BOTH, text(client.get(address))), address
    home = text(client.get(f"/o/{scene.firm.code}/home"))
    assert re.search(r"¥.600\.00", home) and re.search(r"(US\$|\$|USD).?100\.00", home)
    export = client.get(page + "?export=csv").get_data(as_text=True)
    assert "600.00,CNY,100.00 USD" in export


def test_rows_of_several_currencies_each_name_theirs(app: Flask, world: dict[str, Any]) -> None:
    scene: Scene = world["scene"]
    client = signed_in(app, scene.booker_person)
    page = f"/o/{scene.firm.code}/bookings"
    with app.app_context():
        make_booking(scene)
    assert re.search(r">600\.00", text(client.get(page)))
    link(app, world, ROOM_1="required")
    dollars(app, world)
    with app.app_context():
        make_booking(scene, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00"))
    after = text(client.get(page))
    assert re.search(BOTH, after) and not re.search(r">600\.00", after)


def test_a_series_says_the_sum_of_each_currency(app: Flask, world: dict[str, Any]) -> None:
    link(app, world, ROOM_1="required")
    dollars(app, world)
    scene: Scene = world["scene"]
    with app.app_context():
        rule = Recurrence(Frequency.DAILY, count=2)
        series = service.create_series(scene.key, make_asked(), rule, by=scene.booker)
    client = signed_in(app, scene.booker_person)
    page = text(client.get(f"/o/{scene.firm.code}/series/{scene.host.code}/{series.key.id}"))
    assert len(re.findall(BOTH, page)) == 2
    assert re.search(r"¥.1,200\.00, (US\$|\$|USD).?200\.00", page)


def test_a_program_sees_the_price_in_each_currency(app: Flask, world: dict[str, Any]) -> None:
    link(app, world, ROOM_1="required")
    dollars(app, world)
    scene: Scene = world["scene"]
    with app.app_context():
        headers = people.bearer(scene.booker_person, scene.firm)
    client = app.test_client()
    at = f"/api/v1/hosts/{scene.host.code}/resources/{scene.resource.code}/bookings"
    wish = {"start": "2026-03-03T09:00:00+08:00", "end": "2026-03-03T11:00:00+08:00"}
    preview = client.post(f"{at}/preview", json=wish, headers=headers).get_json()["price"]
    made = client.post(at, json=wish, headers=headers).get_json()
    one = client.get(f"/api/v1/hosts/{scene.host.code}/bookings/{made['id']}", headers=headers).get_json()
    (listed,) = client.get("/api/v1/bookings", headers=headers).get_json()["items"]
    for sums in (preview, made["sums"], one["sums"], listed["sums"]):
        assert (sums["to_pay"], sums["currency"]) == ("600.00", "CNY")
        (more,) = sums["more"]
        assert (more["list_price"], more["to_pay"], more["net"]) == ("100.00", "100.00", "100.00")
        assert more["currency"] == "USD" and "more" not in more


def test_a_fee_in_another_currency_stands_beside_the_other_before_the_click(
    app: Flask, world: dict[str, Any]
) -> None:
    link(app, world, ROOM_1="required")
    dollars(app, world)
    scene: Scene = world["scene"]
    client = signed_in(app, scene.booker_person)
    with app.app_context():
        made = make_booking(scene)
    page = f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}"
    with clock.fixed(moment("2026-03-02T22:00+08:00")):
        before = text(client.get(page))
        both = r"¥.100\.00, (US\$|\$|USD).?30\.00"
        assert re.search(f"Cancel: costs {both}", before) and re.search(f"A fee of {both} is charged", before)
        fields = {"csrf_token": token(client, page), "reason": ""}
        unseen = client.post(page + "/cancel", data={**fields, "fees": "10000/CNY"})
        assert unseen.status_code == 409 and re.search(f"would cost {both}", text(unseen))
        seen = re.search(r'name="fees" value="([^"]+)"', before)
        assert seen is not None and seen[1] == "10000/CNY 3000/USD"
        assert client.post(page + "/cancel", data={**fields, "fees": seen[1]}).status_code == 303
        after = text(client.get(page))
        assert re.search(f"Fee of the cancellation: {both}", after) and re.search(f"Fee: {both}", after)


def test_a_program_sees_and_says_the_fee_in_each_currency(app: Flask, world: dict[str, Any]) -> None:
    link(app, world, ROOM_1="required")
    dollars(app, world)
    scene: Scene = world["scene"]
    with app.app_context():
        made = make_booking(scene)
        headers = {**people.bearer(scene.booker_person, scene.firm), "If-Match": "*"}
    path = f"/api/v1/hosts/{scene.host.code}/bookings/{made.key.id}/cancellation"
    more = [{"amount": "30.00", "currency": "USD"}]
    with clock.fixed(moment("2026-03-02T22:00+08:00")):
        client = app.test_client()
        seen = client.get(path, headers=headers).json
        assert (seen["fee"], seen["currency"], seen["more"]) == ("100.00", "CNY", more)
        for body, status in (
            ({"expected_fee": "100.00"}, 409),
            ({"expected_fee": "100.00", "expected_more": [{"amount": "29.99", "currency": "USD"}]}, 409),
            ({"expected_fee": "100.00", "expected_more": [{"amount": "x", "currency": "USD"}]}, 422),
            ({"expected_fee": "100.00", "expected_more": more}, 200),
        ):
            answer = client.post(path, headers=headers, json=body)
            assert answer.status_code == status, answer.json


def test_the_panel_names_the_helper_that_is_in_the_way(app: Flask, world: dict[str, Any]) -> None:
    link(app, world, ROOM_1="required")
    scene: Scene = world["scene"]
    with app.app_context(), unit_of_work() as unit:
        busy = span("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00")
        availability.occupy(unit, world["ROOM-1"].key, None, busy, OccupancyKind.EXTERNAL, new_id())
    client = signed_in(app, scene.booker_person)
    address = f"/hosts/{scene.host.code}/resources/{scene.resource.code}/price"
    when = {"start_day": "2026-03-03", "start_time": "09:00", "end_time": "11:00", "mode": "self_use"}
    page = text(client.get(address, query_string=when))
    assert "Preparation room, which is booked together with it, is in the way:" in page


def test_a_program_names_what_comes_along(app: Flask, world: dict[str, Any]) -> None:
    link(app, world, ROOM_1="required", OP_1="optional")
    scene: Scene = world["scene"]
    with app.app_context():
        headers = people.bearer(scene.booker_person, scene.firm)
    body = {
        "start": "2026-03-03T09:00:00+08:00", "end": "2026-03-03T11:00:00+08:00",
        "helpers": [str(world["OP-1"].key.id)],
    }  # fmt: skip
    address = f"/api/v1/hosts/{scene.host.code}/resources/{scene.resource.code}/bookings"
    answer = app.test_client().post(address, json=body, headers=headers)
    assert answer.status_code == 201, answer.get_json()
    with app.app_context():
        (order,) = service.bookings_of(scene.booker)
        assert {h.resource.code for h in service.helpers_of(order.key)} == {"ROOM-1", "OP-1"}
