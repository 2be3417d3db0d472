"""The tests' own ground: fresh databases on both engines, the two roles, servers and a browser."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from tests.support import application
from tests.support.databases import POSTGRESQL, Database
from tests.support.server import LiveServer, Process


def test_each_test_has_a_migrated_database_of_its_own(database: Database) -> None:
    with database.engine() as engine:
        assert "audit_entry" in inspect(engine).get_table_names()


@pytest.mark.parametrize("round_", [1, 2])
def test_what_one_test_writes_the_next_does_not_see(database: Database, round_: int) -> None:
    with database.engine(owner=True) as engine, engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (id INTEGER)"))


def test_on_postgresql_the_application_owns_no_table(database: Database) -> None:
    if database.engine_name != POSTGRESQL:
        assert database.url == database.owner_url
        return
    with database.engine() as engine, engine.connect() as connection:
        owners = connection.execute(
            text("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        ).scalars()
        assert set(owners) == {"rh_owner"}
        with pytest.raises(DBAPIError):
            connection.execute(text("DROP TABLE audit_entry"))


def test_a_blank_database_has_no_tables(blank_database: Database) -> None:
    with blank_database.engine() as engine:
        assert inspect(engine).get_table_names() == []


def test_the_application_answers_behind_a_socket(live_server: LiveServer) -> None:
    with urllib.request.urlopen(live_server.url) as answer:
        assert answer.status == 200


def test_the_application_answers_from_processes_of_its_own(database: Database, tmp_path: Path) -> None:
    environment = application.environment(database, tmp_path)
    with Process.web(environment, log=tmp_path / "web.log") as web, urllib.request.urlopen(web.url) as answer:
        assert answer.status == 200
