"""``resource-hub init``: once, in a real database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.terms import Role
from resource_hub.entrypoints.commands import accounts as commands
from resource_hub.infra.tables import DemoState
from resource_hub.infra.unit_of_work import unit_of_work
from tests.support import application
from tests.support.databases import Database

ARGUMENTS = ["init", "--name", "Zhang", "--email", "Admin@Example.org"]


def run(database: Database, folder: Path, password: str = "seven blue teapots") -> Any:
    env = application.environment(database, folder, RESOURCE_HUB_ADMIN_PASSWORD=password)
    program = click.Group()
    commands.register(program)
    return CliRunner().invoke(program, ARGUMENTS, env=env)


def test_the_first_administrator_once(database: Database, tmp_path: Path) -> None:
    first = run(database, tmp_path)
    assert first.exit_code == 0, first.output
    assert "admin@example.org" in first.output
    again = run(database, tmp_path)
    assert again.exit_code == 1 and "already" in again.output
    with application.application(database, tmp_path) as app, app.app_context():
        person = service.sign_in("admin@example.org", "seven blue teapots")
        assert service.actor(person.id, "platform").has(Role.PLATFORM_STAFF)


def test_a_weak_password_changes_nothing(database: Database, tmp_path: Path) -> None:
    assert run(database, tmp_path, "short").exit_code == 1
    with application.application(database, tmp_path, web=False) as app, app.app_context():
        assert not service.is_initialised()


def test_a_demonstration_is_left_alone(database: Database, tmp_path: Path) -> None:
    with application.application(database, tmp_path, web=False) as app, app.app_context():
        with unit_of_work() as unit:
            unit.session.add(DemoState(id=1, offset_seconds=0))
    answer = run(database, tmp_path)
    assert answer.exit_code == 1 and "demonstration" in answer.output


def test_sign_in_hashes_are_argon2(in_app: Any) -> None:
    from sqlalchemy import select

    from resource_hub.domain.accounts.tables import Person
    from resource_hub.infra.database import reading

    service.initialise(name="Zhang", email="a@example.org", password="seven blue teapots")
    assert reading().scalars(select(Person.password_hash)).one().startswith("$argon2id$")
    with pytest.raises(Exception, match="already_initialised"):
        service.initialise(name="Zhang", email="b@example.org", password="seven blue teapots")
