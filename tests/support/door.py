"""A host with one instrument, and clients that speak for its two parties and for a stranger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from resource_hub.domain.accounts.terms import Role
from resource_hub.infra import clock
from tests.builders import accounts as people
from tests.builders.availability import moment
from tests.builders.booking import Scene, another_booker, make_scene

NOW = moment("2026-03-02T08:00+08:00")


@dataclass(frozen=True)
class Door:
    """The API as one person sees it, at a moment that stands still."""

    app: Flask
    headers: dict[str, str]
    at: datetime = NOW

    def __call__(
        self, method: str, path: str, status: int | None = None, *, headers: Any = None, **more: Any
    ) -> TestResponse:
        with clock.fixed(self.at):
            answer = self.app.test_client().open(
                f"/api/v1{path}", method=method, headers={**self.headers, **(headers or {})}, **more
            )
        if status is not None:
            assert answer.status_code == status, answer.get_data(as_text=True)
        return answer


@dataclass(frozen=True)
class World:
    app: Flask
    scene: Scene
    booker: Door
    manager: Door
    stranger: Door
    visitor: Door

    @property
    def at(self) -> str:
        return f"/hosts/{self.scene.host.code}/resources/{self.scene.resource.code}"

    def one(self, booking_id: str) -> str:
        return f"/hosts/{self.scene.host.code}/bookings/{booking_id}"


@pytest.fixture
def make_world(app: Flask) -> Callable[..., World]:
    def made(**changes: Any) -> World:
        with app.app_context(), clock.fixed(NOW):
            scene = make_scene(**changes)
            firm, person, _ = another_booker()
            return World(
                app,
                scene,
                Door(app, people.bearer(scene.booker_person, scene.firm)),
                Door(app, people.bearer(scene.manager_person, scene.host)),
                Door(app, people.bearer(person, firm)),
                Door(app, {}),
            )

    return made


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture
def other_host(app: Flask) -> Door:
    """Somebody with all rights at another host."""
    with app.app_context(), clock.fixed(NOW):
        host = people.make_institution()
        return Door(app, people.bearer(people.make_person(roles=[(host, Role.INSTITUTION_ADMIN)]), host))
