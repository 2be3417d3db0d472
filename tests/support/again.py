"""What tests build over and over in a new database is built once a process; later its rows are put back as they were.

A scene takes a tenth of a second to build through the services, and most tests begin with one. Only a database that is
as new as its template is filled so, at the same standing moment of the clock; whatever else is the case, the scene is
built. Answers that the product keeps in memory are dropped either way, so a test finds the same thing when it is the
first in its process as when it is the last.
"""

from __future__ import annotations

import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from psycopg import sql

from resource_hub.infra import clock, stamps
from resource_hub.infra.database import db
from tests.support import application, postgres
from tests.support.databases import NEW, SQLITE, Database

R = TypeVar("R")

_built: dict[tuple[Any, ...], tuple[Any, Any]] = {}
MOST = 16  # kept at a time; tests that begin alike stand in one file


def once(name: str, build: Callable[[], R]) -> R:
    """What ``build`` makes in the database of the test at hand."""
    database, moment = application.at_hand(), clock._fixed.get()
    if (
        database is None
        or moment is None
        or database.url != db.engine.url.render_as_string(hide_password=False)
    ):
        return build()
    with _rows(database) as rows:
        if not rows.untouched():
            return build()
        key = (name, database.engine_name, moment, os.getpid())
        if key in _built:
            kept, made = _built[key] = _built.pop(key)  # the one used last goes last
            db.session.remove()
            rows.put_back(kept)
        else:
            before = rows.all()
            made = build()
            db.session.remove()
            kept = rows.since(before)
            if kept is not None:
                _built[key] = kept, made
                if len(_built) > MOST:
                    del _built[next(iter(_built))]
    stamps._memories.pop(db.engine, None)
    stamps._usual.clear()
    return made  # type: ignore[no-any-return]


def _rows(database: Database) -> _Rows:
    return _SqliteRows(database) if database.engine_name == SQLITE else _PostgresRows(database)


class _Rows(ABC):
    """All rows of one database, past the product and past its guards."""

    @abstractmethod
    def untouched(self) -> bool:
        """Whether nothing was ever written to it."""

    @abstractmethod
    def all(self) -> Any:
        """What is in it."""

    @abstractmethod
    def since(self, before: Any) -> Any:
        """What came since then; None when that cannot be put back."""

    @abstractmethod
    def put_back(self, kept: Any) -> None:
        """Add what ``since`` gave."""

    def __enter__(self) -> _Rows:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class _SqliteRows(_Rows):
    """The whole file, page by page: what was in it before is in it again."""

    def __init__(self, database: Database) -> None:
        self._path = Path(database.name)

    def untouched(self) -> bool:
        log = self._path.with_name(f"{self._path.name}-wal")
        return self._path.stat().st_mtime == NEW and not (log.exists() and log.stat().st_size)

    def all(self) -> None:
        return None

    def since(self, before: None) -> sqlite3.Connection:
        kept = sqlite3.connect(":memory:", check_same_thread=False)
        with sqlite3.connect(self._path) as own:
            own.backup(kept)
        own.close()
        return kept

    def put_back(self, kept: sqlite3.Connection) -> None:
        with sqlite3.connect(self._path) as own:
            kept.backup(own)
        own.close()


class _PostgresRows(_Rows):
    """Table by table, partitions too, as an administrator whose writing rings no trigger."""

    def __init__(self, database: Database) -> None:
        assert database.server is not None
        self._new = database.size_when_new
        self._connection = database.server.connect(database.name)
        self._may = database.server._is_superuser(self._connection)

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def untouched(self) -> bool:
        return self._may and postgres.size(self._connection) == self._new

    def all(self) -> dict[str, bytes]:
        names = self._connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND pg_relation_size(oid) > 0"
        ).fetchall()
        rows = {}
        with self._connection.cursor() as cursor:
            for (name,) in names:
                with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))) as copy:
                    rows[name] = b"".join(bytes(part) for part in copy)
        return rows

    def since(self, before: dict[str, bytes]) -> Any:
        now = self.all()
        if any(now.get(name) != rows for name, rows in before.items()):
            return None  # rows of the template were changed
        numbers = self._connection.execute(
            "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
        ).fetchall()
        return {name: rows for name, rows in now.items() if name not in before and rows}, numbers

    def put_back(self, kept: Any) -> None:
        tables, numbers = kept
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for name, rows in tables.items():
                with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy:
                    copy.write(rows)
            for name, value in numbers:
                cursor.execute("SELECT setval(%s::regclass, %s)", (name, value))
