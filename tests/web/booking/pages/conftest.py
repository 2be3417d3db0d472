"""A host with one priced instrument, a firm that books, and browsers of its people; the week stands still."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from resource_hub.domain.accounts.terms import PersonRecord
from resource_hub.infra import clock
from resource_hub.infra.database import db
from tests.builders import accounts as build
from tests.builders.availability import moment
from tests.builders.booking import Scene, make_scene

NOW = moment("2026-03-02T08:00+08:00")


class Desk:
    """Somebody's browser: pages as text, forms filled and sent."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def see(self, path: str, status: int = 200, **query: Any) -> str:
        answer = self.client.get(path, query_string=query or None)
        assert answer.status_code == status, f"{path}: {answer.status_code}"
        return html.unescape(answer.get_data(as_text=True))

    def send(self, path: str, page: str, **fields: Any) -> Any:
        """Send a form to ``path``; its tokens are those of the page."""
        found = {name: re.search(f'name="{name}" value="([^"]*)"', page) for name in ("csrf_token", "_once")}
        hidden = {name: match[1] for name, match in found.items() if match}
        return self.client.post(path, data={**hidden, **fields})


@pytest.fixture
def now(app: Flask) -> Iterator[datetime]:
    with clock.fixed(NOW):
        yield NOW


@pytest.fixture
def scenery(app: Flask, now: datetime) -> Callable[..., Scene]:
    """Makes scenes; each has its own host and firm."""

    def make(**more: Any) -> Scene:
        with app.app_context():
            found = make_scene(**more)
            db.session.remove()
        return found

    return make


@pytest.fixture
def scene(scenery: Callable[..., Scene]) -> Scene:
    return scenery()


@pytest.fixture
def desk_of(app: Flask) -> Callable[[PersonRecord], Desk]:
    def open_desk(person: PersonRecord, language: str = "en") -> Desk:
        client = app.test_client()
        with app.app_context():
            build.sign_in(client, person)
            db.session.remove()
        with client.session_transaction() as session:
            session["language"] = language
        return Desk(client)

    return open_desk


@pytest.fixture
def desk(scene: Scene, desk_of: Callable[[PersonRecord], Desk]) -> Desk:
    """The booker's browser, in English."""
    return desk_of(scene.booker_person)


@pytest.fixture
def visitor(app: Flask) -> Desk:
    client = app.test_client()
    with client.session_transaction() as session:
        session["language"] = "en"
    return Desk(client)
