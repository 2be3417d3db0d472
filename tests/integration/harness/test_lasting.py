"""A PostgreSQL database that the next test has too shows it nothing of this one; where more than rows was changed, the
next test has another."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from tests.builders.booking import make_booking, make_scene
from tests.builders.money import NOW
from tests.support import lasting
from tests.support.application import application
from tests.support.databases import POSTGRESQL, Database, Factory


@pytest.fixture
def factory(database_factory: Factory, engine_name: str) -> Factory:
    if engine_name != POSTGRESQL:
        pytest.skip("PostgreSQL alone keeps a database: on SQLite each test has a file of its own")
    return database_factory


def contents(database: Database) -> dict[str, list[str]]:
    with database.engine(owner=True) as engine, engine.connect() as connection:
        rows = {
            name: sorted(str(row) for row in connection.execute(text(f'SELECT * FROM "{name}"')))
            for name in inspect(engine).get_table_names()
        }
        numbers = connection.execute(
            text("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
        ).all()
    return {**rows, "numbers": [str(number) for number in numbers]}


def strike(database: Database, statement: str) -> None:
    assert database.server is not None
    with database.server.connect(database.name) as administrator:
        administrator.execute(statement.replace("{name}", database.name).encode())


def test_the_next_test_finds_what_a_new_database_has(factory: Factory, tmp_path: Path) -> None:
    with factory._new(factory.template()) as database:
        new = contents(database)
    seen = []
    for _ in range(3):
        with (
            factory.migrated() as database,
            application(database, tmp_path, web=False) as app,
            app.app_context(),
            clock.fixed(NOW),
        ):
            assert contents(database) == new
            make_booking(make_scene())
            filled = contents(database)
            # What is only ever added to is there, and the number of a row was drawn.
            assert filled["audit_entry"] and filled["outbox_event"] and filled["numbers"] != new["numbers"]
            seen.append(database.name)
    assert len(set(seen)) == 1, "and it is the same database"


MORE_THAN_ROWS = [
    "CREATE TABLE left_behind (id integer)",
    "CREATE TABLE left_behind (id integer); DROP TABLE setting",
    "CREATE INDEX left_behind ON setting (changed_at)",
    "ALTER TABLE setting ALTER COLUMN value DROP NOT NULL",
    "ALTER TABLE setting ALTER COLUMN value SET DEFAULT '1'",
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "CREATE FUNCTION left_behind() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA left_behind",
    "CREATE TYPE left_behind AS ENUM ('a')",
    "GRANT DELETE ON audit_entry TO rh_app",
    "ANALYZE setting",
    "VACUUM setting",
    "ALTER DATABASE {name} SET work_mem = '1MB'",
    "SELECT lo_create(0)",
    "UPDATE alembic_version SET version_num = 'x'",
    "DELETE FROM alembic_version",
]


def test_what_is_more_than_rows_is_noticed(factory: Factory) -> None:
    overlooked = []
    for statement in MORE_THAN_ROWS:
        with factory.migrated() as database:
            strike(database, statement)
        with factory.migrated() as after:
            if after.name == database.name:
                overlooked.append(statement)
        with factory.migrated() as last:
            assert last.name == after.name, "where nothing was changed it is kept"
    assert overlooked == []


def test_what_was_undone_is_no_change(factory: Factory) -> None:
    with factory.migrated() as database:
        strike(database, "BEGIN; CREATE TABLE left_behind (id integer); ROLLBACK")
    with factory.migrated() as after:
        assert after.name == database.name


def test_one_beside_another_is_a_database_of_its_own(factory: Factory) -> None:
    with factory.migrated() as one, factory.migrated() as other:
        assert one.name != other.name
        strike(one, "INSERT INTO setting (name, value, changed_at) VALUES ('a', '1', now())")
        assert contents(one)["setting"] and not contents(other)["setting"]
    with factory.migrated() as one, factory.migrated() as other:
        assert not contents(one)["setting"] and not contents(other)["setting"]


def test_who_is_still_there_is_sent_away(factory: Factory) -> None:
    with factory.migrated() as database:
        engine = create_engine(database.url)
        late = engine.connect()
        insert = text("INSERT INTO setting (name, value, changed_at) VALUES ('late', '1', now())")
        late.execute(insert)
    with factory.migrated() as after:
        assert after.name == database.name
        with pytest.raises(OperationalError):
            late.execute(insert)
        assert not contents(after)["setting"]
    late.invalidate()
    engine.dispose()


def test_what_is_worn_is_replaced(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    with factory.migrated() as database:
        assert database.lasting is not None
        monkeypatch.setattr(lasting, "WORN", database.lasting._worn + 20)
        strike(
            database,
            "INSERT INTO setting (name, value, changed_at) SELECT n, '1', now() FROM generate_series(1, 20) n",
        )
    with factory.migrated() as after:
        assert after.name != database.name


def test_connections_stay_and_forget_what_was_set(factory: Factory, tmp_path: Path) -> None:
    def here() -> tuple[int, str]:
        found = reading().execute(text("SELECT pg_backend_pid(), current_setting('work_mem')")).one()
        return found[0], found[1]

    seen = []
    for turn in range(4):
        with (
            factory.migrated() as database,
            application(database, tmp_path, web=False) as app,
            app.app_context(),
        ):
            seen.append(here())
            reading().execute(text("SET work_mem = '64kB'"))
            assert here() == (seen[-1][0], "64kB")
            db.session.remove()
            if turn == 2:  # the third loses its connection, as a failing network would
                strike(database, f"SELECT pg_terminate_backend({seen[-1][0]}, 5000)")
    pids, memories = zip(*seen, strict=True)
    assert pids[0] == pids[1] == pids[2] != pids[3]
    assert len(set(memories)) == 1 and memories[0] != "64kB"
