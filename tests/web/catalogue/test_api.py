"""The REST interface of the catalogue."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from resource_hub.domain.accounts.terms import Role
from tests.builders import accounts as people
from tests.builders.catalogue import make_listing

CONTENTS = {
    "name": {"zh": "离心机", "en": "Centrifuge"}, "class_code": "0110", "city": "合肥", "modes": ["send_in"],
    "original_value": "1280000.50", "latitude": "31.84", "longitude": "117.26", "contact": {"name": "李老师"},
    "specification": [{"name": "转速", "value": "15000 rpm"}], "accepted_on": "2026-01-05",
}  # fmt: skip


@pytest.fixture
def world(app: Flask) -> dict[str, Any]:
    with app.app_context():
        host, other = people.make_institution(code="ustc"), people.make_institution(code="sjtu")
        manager = people.make_person(roles=[(host, Role.MANAGER)])
        office = people.make_person(roles=[(host, Role.OFFICE)])
        stranger = people.make_person(roles=[(other, Role.OFFICE)])
        make_listing(host, code="SEM-01")
        return {
            "manager": people.bearer(manager, host),
            "office": people.bearer(office, host),
            "stranger": people.bearer(stranger, other),
            "draft": make_listing(host, code="TEM", public=False),
        }


def test_search_and_read(app: Flask, world: dict[str, Any]) -> None:
    client = app.test_client()
    found = client.get("/api/v1/resources?q=扫描电镜&near=合肥&kind=instrument").get_json()
    assert found["total"] == 1 and found["items"][0]["code"] == "SEM-01"
    assert found["facets"]["city"] == [{"value": "合肥", "count": 1}]
    assert found["items"][0]["contents"]["original_value"] == "3200000.00"
    assert client.get("/api/v1/resources?kind=rubbish").status_code == 422
    shown = client.get("/api/v1/resources/ustc/SEM-01").get_json()
    assert shown["host"]["code"] == "ustc" and shown["units"] == 1
    assert client.get("/api/v1/resources/ustc/TEM").status_code == 404
    assert client.get("/api/v1/resources/ustc/TEM", headers=world["manager"]).status_code == 200
    assert client.get("/api/v1/resources/ustc/TEM", headers=world["stranger"]).status_code == 404
    assert len(client.get("/api/v1/resources/ustc/SEM-01/units").get_json()["items"]) == 1


def test_a_listing_on_its_way(app: Flask, world: dict[str, Any]) -> None:
    client = app.test_client()
    assert client.post("/api/v1/resources", json={}).status_code == 401
    new = {"code": "CF-1", "kind": "instrument", "contents": CONTENTS}
    bad = {**new, "contents": {**CONTENTS, "original_value": 12.5}}
    assert client.post("/api/v1/resources", json=bad, headers=world["manager"]).status_code == 422
    made = client.post("/api/v1/resources", json=new, headers=world["manager"])
    assert made.status_code == 201, made.get_json()
    again = client.post("/api/v1/resources", json=new, headers=world["manager"])
    assert again.status_code == 409 and again.get_json()["reasons"][0]["code"] == "catalogue.code_taken"
    row = made.get_json()
    address = f"/api/v1/resources/{row['id']}"
    stale = client.put(
        f"{address}/draft", json={"model": "X"}, headers={**world["manager"], "If-Match": '"99"'}
    )
    assert stale.status_code == 412
    kept = client.put(
        f"{address}/draft", json={"model": "X"}, headers={**world["manager"], "If-Match": '"1"'}
    )
    assert kept.get_json()["contents"]["model"] == "X"
    assert kept.get_json()["contents"]["specification"] == CONTENTS["specification"]
    assert client.put(f"{address}/draft", json={"model": "Y"}, headers=world["stranger"]).status_code == 404
    change = client.post(f"{address}/submit", json={}, headers=world["manager"]).get_json()
    assert change["state"] == "pending"
    waiting = client.get("/api/v1/listing-changes", headers=world["office"]).get_json()["items"]
    assert [w["code"] for w in waiting] == ["CF-1"] and waiting[0]["first"]
    for code in ("CF-2", "CF-3"):
        more = client.post("/api/v1/resources", json={**new, "code": code}, headers=world["manager"]).json
        client.post(f"/api/v1/resources/{more['id']}/submit", json={}, headers=world["manager"])
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/listing-changes?limit=1&after={cursor}", headers=world["office"]).json
        found += [one["code"] for one in page["items"]]
        cursor = page["next"]
    assert found == ["CF-1", "CF-2", "CF-3"]
    decision = f"/api/v1/listing-changes/{change['id']}/decision"
    assert client.post(decision, json={"decision": "approve"}, headers=world["manager"]).status_code == 403
    assert client.post(decision, json={"decision": "approve"}, headers=world["stranger"]).status_code == 404
    assert client.post(decision, json={"decision": "refuse"}, headers=world["office"]).status_code == 422
    assert client.post(decision, json={"decision": "approve"}, headers=world["office"]).status_code == 200
    assert client.get("/api/v1/resources/ustc/CF-1").get_json()["state"] == "public"
