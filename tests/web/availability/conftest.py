"""For the pages: a microscope with its manager signed in, on a Monday morning. For the API: its world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from resource_hub.infra import clock
from resource_hub.infra.database import db
from tests.builders.availability import moment
from tests.builders.booking import Scene, make_scene
from tests.support.door import make_world, other_host, world
from tests.support.pages import Send, signed_in

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


@pytest.fixture
def manager(app: Flask, scene: Scene) -> tuple[FlaskClient, Send]:
    return signed_in(app, scene.manager_person)
