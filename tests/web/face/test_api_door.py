"""The door of the API: a token names person and organisation; the description says what is sent."""

from __future__ import annotations

import pytest
from flask import Blueprint, g

from resource_hub.domain.accounts.terms import Role
from resource_hub.entrypoints.support.guards import MEMBER, PUBLIC, allows
from tests.builders import accounts as build


@pytest.fixture
def door(own_app):
    trial = Blueprint("trial", __name__)

    @trial.get("/api/v1/trial/members")
    @allows(MEMBER)
    def members():
        return {"organisation": g.actor.organisation_code}

    @trial.post("/api/v1/trial/managers")
    @allows(Role.MANAGER)
    def managers():
        return {}

    @trial.get("/api/v1/trial/open")
    @allows(PUBLIC)
    def everybody():
        return {"known": g.actor is not None}

    own_app.register_blueprint(trial)
    with own_app.app_context():
        firm = build.make_firm()
        booker = build.make_person(roles=[(firm, Role.BOOKER)])
        own_app.extensions["door"] = (firm.code, build.bearer(booker, firm))
    return own_app


def test_without_a_token_nobody_enters(door):
    answer = door.test_client().get("/api/v1/trial/members")
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json["code"] == "not_signed_in"


def test_a_token_is_a_person_in_an_organisation(door):
    code, bearer = door.extensions["door"]
    client = door.test_client()
    assert client.get("/api/v1/trial/members", headers=bearer).json == {"organisation": code}
    assert client.post("/api/v1/trial/managers", headers=bearer).status_code == 403
    assert client.get("/api/v1/trial/open").json == {"known": False}
    assert client.get("/api/v1/trial/open", headers=bearer).json == {"known": True}


@pytest.mark.parametrize("value", ["Bearer x", "Bearer ", "Basic dTpw", "rh_abc", "Bearer " + "x" * 5000])
def test_wrong_tokens_are_refused(door, value):
    assert (
        door.test_client().get("/api/v1/trial/members", headers={"Authorization": value}).status_code == 401
    )


def test_a_browser_session_opens_no_door_of_the_api(door):
    client = door.test_client()
    with door.app_context():
        firm = build.make_firm()
        build.sign_in(client, build.make_person(roles=[(firm, Role.BOOKER)]))
    assert client.get("/api/v1/trial/members").status_code == 401


def test_errors_are_described_as_they_are_sent(app):
    spec = app.test_client().get("/api/v1/openapi.json").json
    error = spec["components"]["responses"].get("DEFAULT_ERROR")
    if error is not None:
        assert list(error["content"]) == ["application/problem+json"]
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method in ("get", "post", "put", "patch", "delete"):
                assert "default" in operation["responses"], f"{method} {path}"
