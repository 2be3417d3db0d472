"""A scene that is put back into a new database is the one that was built, row for row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from resource_hub.infra import clock
from tests.builders.accounts import make_institution
from tests.builders.booking import Scene, make_booking, make_scene
from tests.builders.money import NOW
from tests.support import again
from tests.support.application import application
from tests.support.databases import Database, Factory

Place = Callable[..., AbstractContextManager[Database]]


@pytest.fixture(autouse=True)
def nothing_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "_built", {})


@pytest.fixture
def place(database_factory: Factory, tmp_path: Path) -> Place:
    @contextmanager
    def new(at: datetime = NOW) -> Iterator[Database]:
        with (
            database_factory.migrated() as database,
            application(database, tmp_path, web=False) as app,
            app.app_context(),
            clock.fixed(at),
        ):
            yield database

    return new


def contents(database: Database) -> dict[str, list[str]]:
    with database.engine(owner=True) as engine, engine.connect() as connection:
        return {
            name: sorted(str(row) for row in connection.execute(text(f'SELECT * FROM "{name}"')))
            for name in inspect(engine).get_table_names()
        }


def test_what_is_put_back_is_what_was_built(place: Place) -> None:
    seen: list[tuple[Scene, dict[str, list[str]]]] = []
    for _ in range(3):
        with place() as database:
            seen.append((make_scene(), contents(database)))
            # It is alive: it can be booked, and another may stand beside it.
            assert make_booking(seen[-1][0]).resource_key == seen[-1][0].key
            assert make_scene().key != seen[-1][0].key
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0][1]["resource"]) == len(seen[0][1]["tariff"]) == 1


def test_only_a_new_database_is_filled_so(place: Place) -> None:
    with place():
        first = make_scene()
    with place() as database:
        before = make_institution()
        assert make_scene().host.id != first.host.id
        rows = contents(database)
        assert sum(before.code in row for row in rows["organisation"]) == len(rows["resource"]) == 1


def test_each_moment_has_its_own(place: Place) -> None:
    with place():
        first = make_scene()
    with place(NOW + timedelta(days=1)):
        second = make_scene()
    with place():
        assert make_scene() == first != second
