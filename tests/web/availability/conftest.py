"""For the pages: a microscope with its manager signed in, on a Monday morning. For the API: its world."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from resource_hub.infra import clock
from resource_hub.infra.database import db
from tests.builders import accounts as build
from tests.builders.availability import moment
from tests.builders.booking import Scene, make_scene
from tests.support.door import make_world, other_host, world

__all__ = ["make_world", "other_host", "world"]

NOW = moment("2026-03-02T08:00+08:00")


@pytest.fixture
def now() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def in_context(app: Flask) -> Callable[[Callable[[], Any]], Any]:
    """Call something in the application's context and let go of the session again."""

    def call(function: Callable[[], Any]) -> Any:
        with app.app_context():
            try:
                return function()
            finally:
                db.session.remove()

    return call


@pytest.fixture
def scene(now: None, in_context: Callable[..., Any]) -> Scene:
    return in_context(make_scene)  # type: ignore[no-any-return]


Send = Callable[..., TestResponse]


def sender(app: Flask, person: Any) -> tuple[FlaskClient, Send]:
    """A signed-in browser, and a function that fills a form of a page and sends it."""
    client = app.test_client()
    with app.app_context():
        build.sign_in(client, person)
        db.session.remove()

    def send(page: str, action: str, **fields: Any) -> TestResponse:
        text = client.get(page).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', text)
        assert found, text[:500]
        data = {"csrf_token": found[1], **{k.replace("__", "."): v for k, v in fields.items()}}
        seen = re.search(r'name="seen" value="([^"]+)"', text)
        if seen:
            data.setdefault("seen", seen[1])
        return client.post(action, data=data)

    return client, send


@pytest.fixture
def manager(app: Flask, scene: Scene) -> tuple[FlaskClient, Send]:
    return sender(app, scene.manager_person)
