"""Many rows at once: COPY on PostgreSQL, one prepared statement on SQLite. For history and for the sealer.

Goes around the mapper but not around the column types, constraints or guards.
"""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import JSON, Insert, Table, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from resource_hub.infra.together import say
from resource_hub.infra.types import Id, Instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BYTES = attrgetter("bytes")
_HEX = attrgetter("hex")


_collecting = threading.Lock()
_without = 0  # blocks that go on without the collector, in all threads
_was_on = False
_ended = 0
_EVERYTHING = 8  # one block in so many


@contextmanager
def collector_off() -> Iterator[None]:
    """No cycle collection inside the block: a batch makes many rows and no cycles, and looking for them in vain took
    a quarter of an import's time.

    Blocks of several threads may overlap without end, so each looks through what is young when it ends. What one
    threw away while another looked counts as old by then, so now and then one looks through everything.
    """
    global _without, _was_on, _ended
    with _collecting:
        if _without == 0:
            _was_on = gc.isenabled()
            gc.disable()
        _without += 1
    try:
        yield
    finally:
        with _collecting:
            _without -= 1
            _ended += 1
            everything = _ended % _EVERYTHING == 0
            if _without == 0 and _was_on:
                gc.enable()
        if _was_on:
            gc.collect(2 if everything else 1)


def add_rows(session: Session, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert a few rows given by column name, past the mapper: it takes longer over one row than the database does."""
    session.execute(_insert(table.__table__), list(rows))


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


def insert_rows(
    session: Session, table: type[Any], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> int:
    """Insert rows given as sequences in the order of ``columns``; returns how many.

    The rows are part of the session's transaction. Columns left out get no Python-side default.
    """
    if not rows:
        return 0
    target: Table = table.__table__
    say(session)
    connection = session.connection()
    # Column by column: one conversion function a column instead of one a value, which halves the time of an import.
    ready = zip(
        *(
            _converted(target.c[name].type, connection.dialect, values)
            for name, values in zip(columns, zip(*rows, strict=True), strict=True)
        ),
        strict=True,
    )
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "postgresql":
        statement = f'COPY "{target.name}" ({names}) FROM STDIN'
        try:
            with connection.connection.cursor().copy(statement) as copy:
                for row in ready:
                    copy.write_row(row)
        except connection.dialect.loaded_dbapi.IntegrityError as error:
            raise IntegrityError(statement, None, error) from error
    else:
        marks = ", ".join("?" * len(columns))
        # Names come from our own mapped classes, never from input.
        statement = f'INSERT INTO "{target.name}" ({names}) VALUES ({marks})'  # noqa: S608
        connection.exec_driver_sql(statement, list(ready))
    return len(rows)


def _converted(kind: Any, dialect: Any, values: Sequence[Any]) -> Iterable[Any]:
    """The values of one column as the driver wants them."""
    if isinstance(kind, JSON):
        return _each_once(_json, values, none="null")
    if dialect.name == "postgresql":
        return _each_once(_HEX, values) if isinstance(kind, Id) else values
    if isinstance(kind, Id):
        return _each_once(_BYTES, values)
    if isinstance(kind, Instant):
        return _each_once(_microseconds, values)
    convert = kind.dialect_impl(dialect).bind_processor(dialect)
    return values if convert is None else _each_once(convert, values)


def _each_once(convert: Callable[[Any], Any], values: Sequence[Any], none: Any = None) -> list[Any]:
    """The values converted. Many rows share one object (a host, a customer, an empty list), which is converted once."""
    known: dict[int, Any] = {id(None): none}
    converted = []
    for value in values:
        key = id(value)
        if key not in known:
            known[key] = convert(value)
        converted.append(known[key])
    return converted


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _microseconds(moment: datetime) -> int:
    """The same figure as ``Instant`` stores, without a division: this is most of an import's arithmetic."""
    since = moment - _EPOCH
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def refresh_statistics(session: Session, *tables: type[Any]) -> None:
    """Tell PostgreSQL's planner what a bulk load changed; without it the next queries take the wrong index.

    Needs the right MAINTAIN, which the migrations give; without it the server warns and goes on. SQLite keeps the
    plans that its indexes suggest.
    """
    if session.get_bind().dialect.name == "postgresql":
        for table in tables:
            session.connection().exec_driver_sql(f'ANALYZE "{table.__table__.name}"')
