"""Walks the map of addresses: every route says who may enter, and looking at a page changes nothing."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, Rule, UUIDConverter

from resource_hub.domain.accounts.terms import ROLES_OF_KIND, OrganisationKind, PersonRecord, Role
from resource_hub.entrypoints.support import guards
from resource_hub.infra.database import db
from tests.builders import accounts as build

# Writes that come with looking: who entered when, and how often somebody tried.
LET_THROUGH = {"audit_entry", "audit_origin", "sign_in_attempt"}
_WRITE = re.compile(r"^\s*(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM)\s+\"?(\w+)", re.I)
_LINK = re.compile(r'(?:href|hx-get|data-href)="(/[^"#]*)')
_POST_FORM = re.compile(r'<form\b[^>]*method="post"[^>]*>(.*?)</form>', re.S | re.I)
PAGES_A_PERSON = 120


@contextmanager
def writes(app: Flask) -> Iterator[list[str]]:
    """Tables that were written to inside the block, as a list that fills."""
    found: list[str] = []

    def note(_conn, _cursor, statement, *_rest):
        match = _WRITE.match(statement)
        if match and match[1].lower() not in LET_THROUGH:
            found.append(match[1].lower())

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def addresses(app: Flask, values: dict[str, str]) -> Iterator[tuple[Rule, str]]:
    """One address for every GET route."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or set()) or rule.endpoint == "static":
            continue
        # There is no public way to ask a rule for its converters.
        filled = {name: values.get(name) or _example(rule._converters[name]) for name in rule.arguments}
        yield rule, adapter.build(rule.endpoint, filled)


def _example(converter: BaseConverter) -> object:
    if isinstance(converter, UUIDConverter):
        return uuid4()
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    return 1 if isinstance(converter, IntegerConverter) else "x"


def enter(app: Flask, person: PersonRecord) -> FlaskClient:
    """A browser in which the person is signed in."""
    client = app.test_client()
    build.sign_in(client, person)
    return client


@pytest.fixture
def people(app) -> dict[str, tuple[FlaskClient, str]]:
    """A client per role, with the code of the organisation it is for, and a visitor."""
    with app.app_context():
        made = {
            OrganisationKind.INSTITUTION: build.make_institution(),
            OrganisationKind.FIRM: build.make_firm(),
            OrganisationKind.FUNDER: build.make_funder(),
        }
        build.make_department(made[OrganisationKind.INSTITUTION])
        found = {}
        for kind, organisation in made.items():
            for role in sorted(ROLES_OF_KIND[kind]):
                person = build.make_person(roles=[(organisation, role)])
                found[f"{kind.value} {role.value}"] = (person, organisation.code)
        platform = build.make_platform()
        found["platform"] = (build.make_person(roles=[(platform, Role.PLATFORM_STAFF)]), platform.code)
    clients = {name: (enter(app, person), code) for name, (person, code) in found.items()}
    clients["visitor"] = (app.test_client(), made[OrganisationKind.INSTITUTION].code)
    return clients


def test_every_route_says_who_may_enter(app):
    assert guards.undeclared(app) == []


def test_an_open_door_is_found(app):
    app.view_functions["shell.health"] = lambda: "open"
    assert any("/healthz" in line for line in guards.undeclared(app))


@pytest.mark.slow
def test_looking_changes_nothing(app, people):
    """Every GET route as every role, then every link found on the way: no write, no crash, no text without Chinese,
    every form guarded."""
    problems = []
    for name, (client, code) in people.items():
        queue = deque(path for _rule, path in addresses(app, {"organisation": code, "host": code}))
        seen = set(queue)
        shapes: dict[str, int] = {}
        looked = 0
        while queue and looked < PAGES_A_PERSON + len(app.url_map._rules):
            path = queue.popleft()
            looked += 1
            with writes(app) as written:
                answer = client.get(path)
            if written:
                problems.append(f"GET {path} as {name} wrote to {', '.join(sorted(set(written)))}")
            if answer.status_code >= 500:
                problems.append(f"GET {path} as {name} answered {answer.status_code}")
            if "X-Untranslated" in answer.headers:
                problems.append(f"GET {path} as {name} has no Chinese for {answer.headers['X-Untranslated']}")
            if answer.mimetype != "text/html" or answer.is_streamed:
                answer.close()
                continue
            html = answer.get_data(as_text=True)
            if any("csrf_token" not in body for body in _POST_FORM.findall(html)):
                problems.append(f"GET {path} as {name} has a form without its token")
            for link in map(unescape, _LINK.findall(html)):
                parts = urlsplit(link)
                shape = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "#", parts.path) + re.sub(
                    "=[^&]*", "", parts.query
                )
                if link not in seen and not link.startswith("/static/") and shapes.get(shape, 0) < 2:
                    shapes[shape] = shapes.get(shape, 0) + 1
                    seen.add(link)
                    queue.append(link)
    assert not problems, "\n".join(dict.fromkeys(problems))


def test_a_get_that_writes_is_caught(app, people):
    from resource_hub.domain.notices import service as notices
    from resource_hub.entrypoints.support.guards import SIGNED_IN, allows

    person_id = uuid4()

    @allows(SIGNED_IN)
    def sly():
        notices.set_preferences(person_id, [])
        from sqlalchemy import text

        from resource_hub.infra.unit_of_work import unit_of_work

        with unit_of_work() as unit:
            unit.session.execute(text("UPDATE setting SET name = name"))
        return "ok"

    app.view_functions["shell.health"] = sly
    client, _code = next(iter(people.values()))
    with writes(app) as written:
        assert client.get("/healthz").status_code == 200
    assert "setting" in written


def test_strangers_see_nothing_of_an_organisation(app, people):
    """Somebody else's organisation is not there; a visitor is asked to sign in; a role too small is told so."""
    firm, institution = people["firm booker"], people["institution manager"]
    for rule, path in addresses(app, {"organisation": institution[1]}):
        who = guards.declared(app, rule.endpoint, "GET")
        if "organisation" not in rule.arguments or who == {guards.PUBLIC}:
            continue
        assert firm[0].get(path).status_code == 404, path
        answer = people["visitor"][0].get(path)
        assert answer.status_code == 401 or "sign-in" in (answer.location or ""), path
