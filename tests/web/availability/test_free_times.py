"""Search for time on the page and over the API."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from flask import Flask

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceKind
from resource_hub.domain.pricing import service as pricing
from tests.builders import accounts as build
from tests.builders.accounts import make_actor
from tests.builders.availability import make_weekly
from tests.builders.catalogue import make_listing
from tests.integration.booking.test_linked import helper
from tests.web.availability.conftest import NOW

WEEK = {"since": "2026-03-02", "until": "2026-03-08", "minutes": 120}


@pytest.fixture
def other(scene: Any, in_context: Any) -> Any:
    """A second microscope, open later in the week only."""

    def make() -> Any:
        record = make_listing(scene.host, code="LATE")
        availability.save_hours(record.key, make_weekly(weekdays=[3]), NOW.date(), by=scene.manager)
        return record

    return in_context(make)


def ask(app: Flask, headers: Any = None, **values: Any) -> Any:
    return app.test_client().get("/api/v1/free-times", query_string={**WEEK, **values}, headers=headers or {})


def test_the_soonest_first_with_its_exact_time(app: Flask, scene: Any, other: Any) -> None:
    found = ask(app).get_json()
    assert found["total"] == 2
    assert [item["code"] for item in found["items"]][1] == "LATE"
    assert found["items"][1]["time"] == {
        "unit_id": found["items"][1]["time"]["unit_id"],
        "start": "2026-03-05T01:00:00Z",
        "end": "2026-03-05T03:00:00Z",
        "price": None,
    }
    assert ask(app, q="没有这种仪器").get_json()["total"] == 0
    assert ask(app, until="2026-03-03").get_json()["total"] == 1
    assert ask(app, part_from="22:00", part_until="08:00").get_json()["total"] == 0
    page = ask(app, limit=1).get_json()
    assert [i["code"] for i in ask(app, limit=1, after=page["next"]).get_json()["items"]] == ["LATE"]


@pytest.mark.parametrize(
    "values",
    [
        {"since": "rubbish"}, {"minutes": 4}, {"minutes": 31 * 1440 + 1}, {"minutes": "x"}, {"until": "2026-03-01"},
        {"until": "2026-06-01"}, {"part_from": "25:00"}, {"part_from": "12:00", "part_until": "13:00"},
        {"since": "9999-12-31", "until": "9999-12-31"}, {"since": "0001-01-01", "until": "0001-01-02"},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_reasons(app: Flask, scene: Any, values: dict[str, Any]) -> None:
    answer = ask(app, **values)
    assert answer.status_code == 422
    assert answer.get_json()["reasons"]


def test_a_token_of_the_host_does_not_see_protected_hours(app: Flask, scene: Any, in_context: Any) -> None:
    from resource_hub.domain.availability.terms import Audience

    def protect() -> Any:
        record = make_listing(scene.host, code="KEPT")
        weekly = make_weekly(weekdays=[2], audience=Audience.OUTSIDE)
        availability.save_hours(record.key, weekly, NOW.date(), by=scene.manager)
        return None

    in_context(protect)

    def codes(headers: Any = None) -> list[str]:
        return [item["code"] for item in ask(app, headers).get_json()["items"]]

    assert "KEPT" in codes()
    assert "KEPT" not in codes(group_token(in_context, scene))


def test_only_what_the_asker_may_book_has_a_time(app: Flask, scene: Any, in_context: Any) -> None:
    def made(code: str, **changes: Any) -> Any:
        record = make_listing(scene.host, code=code, **changes)
        availability.save_hours(record.key, make_weekly(weekdays=[3]), NOW.date(), by=scene.manager)
        return record

    def make() -> None:
        made("OWN", open_to_outside=False)
        made("SHUT", bookable=False)
        for code, closed in (("WITH-OWN", {"open_to_outside": False}), ("WITH-SHUT", {"bookable": False})):
            room = made(f"ROOM-{code}", kind=ResourceKind.FACILITY, listed=False, **closed)
            catalogue.save_links(made(code).key, {room.key.id: True}, by=make_actor(scene.host, Role.OFFICE))

    in_context(make)

    def times(headers: Any = None) -> dict[str, bool]:
        items = ask(app, headers).get_json()["items"]
        return {item["code"]: item["time"] is not None for item in items if "SEM" not in item["code"]}

    shut = {"SHUT": False, "WITH-SHUT": False}
    assert times() == {**shut, "WITH-OWN": False}
    assert times(group_token(in_context, scene)) == {**shut, "OWN": True, "WITH-OWN": True}


def group_token(in_context: Any, scene: Any) -> Any:
    def make() -> Any:
        leader = build.make_person()
        build.make_group(scene.host, leader=leader)
        return build.bearer(leader, scene.host)

    return in_context(make)


def test_the_page_shows_the_time_and_leads_into_the_calendar(app: Flask, scene: Any, other: Any) -> None:
    client = app.test_client()
    text = client.get("/search?length=120&from=2026-03-02&until=2026-03-08").get_data(as_text=True)
    links = re.findall(r'href="(/hosts/[^"]+/calendar\?[^"]+#choose)"', text)
    assert len(links) == 2
    chosen = client.get(links[1].replace("&amp;", "&"))
    assert chosen.status_code == 200
    assert 'value="2026-03-05"' in chosen.get_data(as_text=True)
    # Links of the page keep the time.
    assert text.count("length=120") >= 3
    plain = client.get("/search").get_data(as_text=True)
    assert "#choose" not in plain


def test_a_wish_that_cannot_be_is_said_on_the_page(app: Flask, scene: Any) -> None:
    client = app.test_client()
    with client.session_transaction() as session:
        session["language"] = "en"
    answer = client.get("/search?length=480&part=morning&from=2026-03-05&until=2026-03-03")
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert "The last day lies before the first" in text and "shorter than the time" in text
    for rubbish in (
        "length=abc",
        "length=99999",
        "from=x&length=60",
        "length=60&part=nowhere",
        "length=60&from=9999-12-30",
    ):
        assert client.get(f"/search?{rubbish}").status_code == 200


def test_a_signed_in_person_may_search(app: Flask, scene: Any, in_context: Any) -> None:
    client = app.test_client()
    with app.app_context():
        build.sign_in(client, scene.manager_person)
    assert client.get("/search?length=120").status_code == 200


def test_the_price_of_the_time_and_who_is_asked_for_his(
    app: Flask, scene: Any, other: Any, in_context: Any
) -> None:
    on_request = {"format": 1, "currency": "CNY", "ask": True}
    in_context(lambda: pricing.adopt(other.key, on_request, NOW.date()))
    items = ask(app, order="price").get_json()["items"]
    assert items[1]["code"] == "LATE"
    assert [item["price"] for item in items] == [
        {"on_request": False, "amount": "300.00", "currency": "CNY", "per": "hour", "net": None},
        {"on_request": True, "amount": None, "currency": None, "per": "ask", "net": None},
    ]
    assert items[0]["time"]["price"] == {
        "list_price": "600.00", "to_pay": "600.00", "back": "0.00", "net": "600.00", "currency": "CNY",
        "included": [], "without": [],
    }  # fmt: skip
    assert items[1]["time"]["price"] is None
    page = (
        app.test_client()
        .get("/search?length=120&from=2026-03-02&until=2026-03-08&order=price")
        .get_data(True)
    )
    assert page.index("300.00") < page.index("价格面议")
    assert "600.00" in page and "价格面议和未公布价格的排在最后" in page


@pytest.mark.parametrize(
    ("document", "amount", "included", "word"),
    [
        ({"currency": "CNY", "hour": {"all": "50.00"}}, "700.00", True, "含制样室"),
        ({"currency": "USD", "hour": {"all": "50.00"}}, "600.00", False, "不含制样室（另行计价）"),
        ({"currency": "CNY", "ask": True}, "600.00", False, "不含制样室（另行计价）"),
    ],
)
def test_what_always_comes_along_is_in_the_sums_or_named_as_left_out(
    app: Flask, scene: Any, in_context: Any, document: Any, amount: str, included: bool, word: str
) -> None:
    def link() -> Any:
        room = helper(scene, "制样室")
        pricing.adopt(room.key, {"format": 1, **document}, date(2020, 1, 1))
        catalogue.save_links(scene.key, {room.key.id: True}, by=make_actor(scene.host, Role.OFFICE))
        return room

    room = in_context(link)
    (item,) = [row for row in ask(app).get_json()["items"] if row["code"] == scene.resource.code]
    price = item["time"]["price"]
    assert price["to_pay"] == amount
    assert (price["included"], price["without"]) == (([room.code], []) if included else ([], [room.code]))
    page = app.test_client().get("/search?length=120&from=2026-03-02&until=2026-03-08").get_data(True)
    assert amount in page and word in page
