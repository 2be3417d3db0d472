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
from tests.support import application
from tests.support.databases import NEW, POSTGRESQL, Database
from tests.support.lasting import Lasting

R = TypeVar("R")

_built: dict[tuple[Any, ...], tuple[Any, Any]] = {}
MOST = 16  # kept at a time; tests that begin alike stand in one file


def once(name: str, build: Callable[[], R]) -> R:
    """What ``build`` makes in the database of the test at hand."""
    database, moment = application.at_hand(), clock._fixed.get()
    if (
        database is None
        or moment is None
        or (database.engine_name == POSTGRESQL and database.lasting is None)
        or database.url != db.engine.url.render_as_string(hide_password=False)
    ):
        return build()
    rows = _rows(database)
    if not rows.untouched():
        return build()
    key = (name, database.engine_name, moment, os.getpid())
    if key in _built:
        kept, made = _built[key] = _built.pop(key)  # the one used last goes last
        db.session.remove()
        rows.put_back(kept)
    else:
        made = build()
        db.session.remove()
        _built[key] = rows.all(), made
        if len(_built) > MOST:
            del _built[next(iter(_built))]
    stamps._memories.pop(db.engine, None)
    stamps._usual.clear()
    return made  # type: ignore[no-any-return]


def _rows(database: Database) -> _Rows:
    return _SqliteRows(database) if database.lasting is None else _PostgresRows(database.lasting)


class _Rows(ABC):
    """All rows of one database, past the product and past its guards."""

    @abstractmethod
    def untouched(self) -> bool:
        """Whether nothing is written in it that was not there when it was new."""

    @abstractmethod
    def all(self) -> Any:
        """What has been written to it."""

    @abstractmethod
    def put_back(self, kept: Any) -> None:
        """Write into a new one what ``all`` gave."""


class _SqliteRows(_Rows):
    """The whole file, page by page: what was in it before is in it again."""

    def __init__(self, database: Database) -> None:
        self._path = Path(database.name)

    def untouched(self) -> bool:
        log = self._path.with_name(f"{self._path.name}-wal")
        return self._path.stat().st_mtime == NEW and not (log.exists() and log.stat().st_size)

    def all(self) -> sqlite3.Connection:
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
    """Table by table, partitions too, as an administrator."""

    def __init__(self, lasting: Lasting) -> None:
        self._lasting, self._connection = lasting, lasting.connection  # its writing rings no trigger

    def untouched(self) -> bool:
        return not self._lasting.written()

    def all(self) -> Any:
        rows = {}
        with self._connection.cursor() as cursor:
            for name in self._lasting.written():
                with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))) as copy:
                    rows[name] = b"".join(bytes(part) for part in copy)
        numbers = self._connection.execute(
            "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
        ).fetchall()
        return rows, numbers

    def put_back(self, kept: Any) -> None:
        tables, numbers = kept
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for name, rows in tables.items():
                with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy:
                    copy.write(rows)
            for name, value in numbers:
                cursor.execute("SELECT setval(%s::regclass, %s)", (name, value))
