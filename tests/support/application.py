"""The whole application on a test's own database, in this process or in processes of its own."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from psycopg.pq import ExecStatus
from sqlalchemy import event, make_url
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

import config
from resource_hub.app import create_app, is_demonstration
from resource_hub.infra import schema
from resource_hub.infra.database import db
from tests.support.databases import Database

SECRET = "a key for tests only, never one of an installation"


def settings(database: Database, instance: Path, **changes: Any) -> config.Settings:
    """Settings for a test; `instance` is the folder for files, keys and mail."""
    values: dict[str, Any] = {
        "database_url": database.url,
        "migration_url": database.owner_url,
        "app_role": database.app_role,
        "instance_dir": instance,
        "secret_key": SECRET,
        "base_url": "http://127.0.0.1",
        "testing": True,
        **changes,
    }
    return config.Settings(**values)


_at_hand: list[Database] = []
_TURN = "turn of the kept application"


def at_hand() -> Database | None:
    """The database of the kept application in use; None when there is none, or one inside another."""
    return _at_hand[0] if len(_at_hand) == 1 else None


@contextlib.contextmanager
def application(
    database: Database, instance: Path, *, web: bool = True, own: bool = False, **changes: Any
) -> Iterator[Flask]:
    """The application, its connections closed afterwards or kept for the next test that has the same database.

    Building one, reading its templates and composing its statements takes half a second, so one is kept for each
    engine and door and set before the test's database. ``own``, or any changed setting: one that is built for the
    test and thrown away, for tests that add routes to it.
    """
    kept = None if own or changes else _kept(database, instance, web)
    if kept is None:
        app = create_app(settings(database, instance, **changes), web=web)
    else:
        app = kept.turned_to(database, settings(database, instance))
        _at_hand.append(database)
    try:
        yield app
    finally:
        with app.app_context():
            db.session.remove()
            if kept is None or not kept.keeps_connections(database):
                db.engine.dispose()
        if kept is not None:
            kept.in_use = False
            _at_hand.remove(database)


class _Kept:
    """An application that one test after the other uses, with what it was made with."""

    def __init__(self, database: Database, instance: Path, web: bool) -> None:
        self.app = create_app(settings(database, instance), web=web)
        self.in_use = False
        self._turn = 0
        with self.app.app_context():
            self._engine: Engine = db.engine
        parts = (self.app.config, self.app.extensions, self.app.view_functions)
        self._parts: list[tuple[dict[str, Any], dict[str, Any]]] = [(part, dict(part)) for part in parts]
        event.listen(self._engine, "do_connect", self._connect)
        if database.lasting is not None and database.server is not None:
            self._staying = database.server.staying
            event.listen(self._engine, "connect", self._connected)
            event.listen(self._engine, "close", self._closed)
            event.listen(self._engine, "checkout", self._taken)
            self._engine.dispose()  # of the connection that was made before we listened
        # Kept to the end, like the modules and the tests: no need to look through it for what was thrown away.
        gc.collect()
        gc.freeze()

    def _connect(self, dialect: Dialect, _record: Any, arguments: list[Any], named: dict[str, Any]) -> None:
        """Connect to the database of the test at hand instead of the first one's."""
        where, how = dialect.create_connect_args(self._engine.url)
        arguments[:] = where
        named.update(how)

    def keeps_connections(self, database: Database) -> bool:
        """Whether the connections may stay: this process has the database for the next test too, and all are back."""
        pool = self._engine.pool
        return database.lasting is not None and isinstance(pool, QueuePool) and not pool.checkedout()

    def _connected(self, connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[_TURN] = self._turn
        self._staying.add(connection.info.backend_pid)

    def _closed(self, connection: Any, _record: Any) -> None:
        self._staying.discard(connection.info.backend_pid)

    def _taken(self, connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        """What a test has set for its session, or has lost, is no matter of the next one."""
        if record.info.get(_TURN) != self._turn:
            done = connection.pgconn.exec_(b"RESET ALL; SELECT pg_advisory_unlock_all()")
            if done.status != ExecStatus.TUPLES_OK:
                raise DisconnectionError()
            record.info[_TURN] = self._turn

    def turned_to(self, database: Database, changed: config.Settings) -> Flask:
        self.in_use = True
        self._turn += 1
        for part, before in self._parts:  # a test may have changed them
            part.clear()
            part.update(before)
        url = make_url(schema.normal_url(database.url))
        if url != self._engine.url:
            self._engine.dispose()
            self._engine.url = url
        self.app.extensions["resource_hub_settings"] = changed
        with self.app.app_context():
            self.app.extensions["resource_hub_demonstration"] = is_demonstration()
        return self.app


_applications: dict[tuple[str, bool, int], _Kept] = {}


def _kept(database: Database, instance: Path, web: bool) -> _Kept | None:
    """The kept application of this process, unless a test around this one uses it already."""
    key = (database.engine_name, web, os.getpid())
    if key not in _applications:
        _applications[key] = _Kept(database, instance, web)
    kept = _applications[key]
    return None if kept.in_use else kept


def environment(database: Database, instance: Path, **more: str) -> dict[str, str]:
    """The same settings for a process of its own: a web server, a scheduler, the command line."""
    return {
        **os.environ,
        "RESOURCE_HUB_DATABASE_URL": database.url,
        "RESOURCE_HUB_MIGRATION_URL": database.owner_url,
        "RESOURCE_HUB_APP_ROLE": database.app_role,
        "RESOURCE_HUB_INSTANCE": str(instance),
        "RESOURCE_HUB_SECRET_KEY": SECRET,
        "PYTHONPATH": str(config.ROOT),
        **more,
    }
