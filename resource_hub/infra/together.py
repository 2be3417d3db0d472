"""Writes that wait until their unit asks or ends, and are then said together: on PostgreSQL in one statement.

Only rows may wait that nothing else in the unit builds on but what asks the database, and that do not depend on each
other's order: none changes or deletes what another one adds. The session says them before any other statement of its
own and before it flushes, so what is read is always what was written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.types.numeric import Int8
from sqlalchemy import JSON, Connection, Integer, Table, event, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from resource_hub.infra.database import numbered, one_by_one
from resource_hub.infra.partitions import is_cut, part_name, partition_of
from resource_hub.infra.types import Id, Instant, id_kept, instant_kept

Values = tuple[Any, ...]
# How the value of each column is made ready for the driver; None leaves it as it is.
Converters = list[tuple[str, Callable[[Any], Any] | None]]
_WAITING = "writes that wait"
_EXPLAINED = "what their refusals mean"
_TAKEN_BACK = {_WAITING, _EXPLAINED}
_FEW = 100  # rows of one statement, whose values have to be fewer than 65,536
_DIALECTS = {"postgresql": postgresql.dialect(), "sqlite": sqlite.dialect()}


def connection_of(session: Session) -> Connection:
    """The connection of a session, to say something on it past the session."""
    return session.own if isinstance(session, UnitSession) else session.connection()


def taken_back(name: str) -> str:
    """What stands under this name in a session's ``info`` goes with a rollback, be it to a savepoint."""
    _TAKEN_BACK.add(name)
    return name


class Refused(Exception):
    """A refusal of the database that somebody explained. It ends its unit, which raises the ``meaning`` then: who asks
    something else inside meets the refusal of a row that waited, and must not take it for an answer."""

    def __init__(self, meaning: Exception) -> None:
        super().__init__(meaning)
        self.meaning = meaning


class UnitSession(Session):
    """The session of a unit of work, on its connection. What is said on the connection itself belongs to the same
    transaction; where nothing else is said, the session has nothing to end."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, expire_on_commit=False, join_transaction_mode="control_fully")
        self.own = connection

    def commit(self) -> None:
        if self.in_transaction():
            super().commit()
        self.own.commit()

    def close(self) -> None:
        if self.in_transaction() or self.identity_map or self.new:
            super().close()

    def rollback(self) -> None:
        if self.in_transaction():
            super().rollback()
        self.own.rollback()

    def begin_nested(self) -> SessionTransaction:
        """A savepoint; what waited before it is said before it, or it would be lost with it."""
        say(self)
        savepoint = super().begin_nested()
        self.connection()  # it is set when the session uses its connection, and what is said past it does not
        return savepoint


class _Write(NamedTuple):
    """One kind of change of one table: its statement with marks for one row where it adds some, and the rows."""

    statement: str
    marks: str
    rows: list[Values]


class _Waiting:
    """What waits, in its order, and how many rows it is."""

    def __init__(self) -> None:
        self.writes: list[_Write] = []
        self.rows = 0


def add_later(session: Session, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows given by column name; all of them name the same columns. Many rows do not wait."""
    if len(rows) > _FEW:
        say(session)
        session.execute(insert(table.__table__), list(rows))
        return
    dialect = _dialect(session)
    part = _part(session, dialect, table.__table__, rows)
    statement, marks, converters, rest = _insert(table.__table__, part, tuple(rows[0]), dialect)
    ready = [(*_converted(row, converters), *[make() for make in rest]) for row in rows]
    _wait(session, statement, marks, ready)


def amend_later(
    session: Session, table: type[Any], keys: Sequence[Mapping[str, Any]], values: Sequence[Mapping[str, Any]]
) -> None:
    """Change the rows of these keys, which name the same columns each, to the values beside them."""
    dialect = _dialect(session)
    part = _part(session, dialect, table.__table__, keys)
    for key, new in zip(keys, values, strict=True):
        statement, converters = _update(table.__table__, part, tuple(new), tuple(key), dialect)
        _wait(session, statement, "", [tuple(_converted({**key, **new}, converters))])


def delete_later(session: Session, table: type[Any], keys: Sequence[Mapping[str, Any]]) -> None:
    """Delete the rows of these keys."""
    dialect = _dialect(session)
    part = _part(session, dialect, table.__table__, keys)
    for key in keys:
        statement, converters = _update(table.__table__, part, (), tuple(key), dialect)
        _wait(session, statement, "", [tuple(_converted(key, converters))])


def explain(session: Session, meaning: Callable[[IntegrityError], Exception | None]) -> None:
    """What the database's refusal of a row that waits means to who asked for it: when ``meaning`` knows the
    refusal, the unit ends with its error."""
    session.info.setdefault(_EXPLAINED, []).append(meaning)


def _wait(session: Session, statement: str, marks: str, rows: list[Values]) -> None:
    waiting: _Waiting | None = session.info.get(_WAITING)
    if waiting is None:
        waiting = session.info[_WAITING] = _Waiting()
    if marks and waiting.writes and waiting.writes[-1].statement == statement:
        waiting.writes[-1].rows.extend(rows)
    else:
        waiting.writes.append(_Write(statement, marks, rows))
    waiting.rows += len(rows)
    if waiting.rows > _FEW:
        say(session)


def say(session: Session) -> None:
    """Say what waits now.

    Raises:
        IntegrityError: a constraint or guard refuses one of the rows, and nobody has explained that. Refused: somebody
            has.
    """
    waiting: _Waiting | None = session.info.pop(_WAITING, None)
    meanings = session.info.pop(_EXPLAINED, ())
    if waiting is None:
        return
    connection = connection_of(session)
    try:
        if connection.dialect.name == "postgresql":
            _in_one(connection, waiting.writes)
        else:
            one_by_one(connection, [(_whole_text(text, marks), rows) for text, marks, rows in waiting.writes])
    except IntegrityError as error:
        for meaning in meanings:
            explained = meaning(error)
            if explained is not None:
                raise Refused(explained) from error
        raise


@cache
def _whole_text(statement: str, marks: str) -> str:
    """The statement with its marks: one object, which the driver finds sooner among those that it has prepared."""
    return statement + marks


def _in_one(connection: Connection, waiting: Sequence[_Write]) -> None:
    """All writes as parts of one statement. Their references are looked at when all of them are done.

    An id or a moment that stands in several places, as that of the host does, is sent once.
    """
    values: list[Any] = []
    places: list[int] = []
    at: dict[int, int] = {}
    for write in waiting:
        for row in write.rows:
            for value in row:
                if isinstance(value, (UUID, datetime)):
                    place = at.setdefault(id(value), len(values) + 1)
                    places.append(place)
                    if place > len(values):
                        values.append(value)
                else:
                    values.append(value)
                    places.append(len(values))
    text = _text(tuple((w.statement, w.marks, len(w.rows)) for w in waiting), tuple(places))
    numbered(connection, text, tuple(values))


@lru_cache(1_000)
def _text(parts: tuple[tuple[str, str, int], ...], places: tuple[int, ...]) -> str:
    *before, last = (head + ", ".join([marks] * rows if marks else []) for head, marks, rows in parts)
    named = ", ".join(f"w{n} AS ({part})" for n, part in enumerate(before))
    pieces = (f"WITH {named} {last}" if named else last).split("%s")
    return pieces[0] + "".join(f"${place}{piece}" for place, piece in zip(places, pieces[1:], strict=True))


# ---- statements, made once for each set of columns ----------------------------------------------------------------


def _dialect(session: Session) -> str:
    return session.own.dialect.name if isinstance(session, UnitSession) else session.get_bind().dialect.name


def _part(session: Session, dialect: str, table: Table, rows: Sequence[Mapping[str, Any]]) -> int | None:
    """The partition that all of these rows are in, if they are in one."""
    if dialect != "postgresql" or not is_cut(table):
        return None
    hosts = {row["institution_id"] for row in rows}
    return partition_of(connection_of(session), hosts.pop()) if len(hosts) == 1 else None


def _converted(row: Mapping[str, Any], converters: Converters) -> list[Any]:
    return [row[name] if convert is None else convert(row[name]) for name, convert in converters]


@cache
def _insert(
    table: Table, part: int | None, given: tuple[str, ...], dialect: str
) -> tuple[str, str, Converters, list[Callable[[], Any]]]:
    """Statement, marks of a row, how the values given are converted, and what makes those that have a default."""
    left_out = [c for c in table.columns if c.name not in given and c.default is not None]
    names = ", ".join(f'"{name}"' for name in (*given, *(c.name for c in left_out)))
    marks = ", ".join([_mark(dialect)] * (len(given) + len(left_out)))
    converters = [(name, _converter(table.c[name].type, dialect)) for name in given]
    rest = [_default(c, _converter(c.type, dialect) or _as_it_is) for c in left_out]
    # Names come from our own mapped classes, never from input.
    return f'INSERT INTO "{part_name(table, part)}" ({names}) VALUES ', f"({marks})", converters, rest  # noqa: S608


def _default(column: Any, convert: Callable[[Any], Any]) -> Callable[[], Any]:
    if column.default.is_callable:
        return lambda: convert(column.default.arg(None))
    value = convert(column.default.arg)
    return lambda: value


@cache
def _update(
    table: Table, part: int | None, new: tuple[str, ...], key: tuple[str, ...], dialect: str
) -> tuple[str, Converters]:
    """The statement that changes a row, or with nothing new deletes it."""
    mark = _mark(dialect)
    where = " AND ".join(f'"{name}" = {mark}' for name in key)
    changes = ", ".join(f'"{name}" = {mark}' for name in new)
    name = part_name(table, part)
    head = f'UPDATE "{name}" SET {changes}' if new else f'DELETE FROM "{name}"'  # noqa: S608
    return f"{head} WHERE {where}", [(n, _converter(table.c[n].type, dialect)) for n in (*new, *key)]


def _mark(dialect: str) -> str:
    return "%s" if dialect == "postgresql" else "?"


def _converter(kind: Any, dialect: str) -> Callable[[Any], Any] | None:
    """What makes the driver's value out of ours; None where it is the same."""
    if isinstance(kind, JSON) or kind.dialect_impl(_DIALECTS[dialect]).__visit_name__ in ("JSON", "JSONB"):
        return _json
    if isinstance(kind, Id):
        return id_kept if dialect == "sqlite" else None
    if isinstance(kind, Instant) and dialect == "sqlite":
        return instant_kept
    if dialect == "postgresql" and isinstance(kind, Integer):
        return _whole  # else the driver chooses a type by the size of each, and each choice is a statement of its own
    found: Callable[[Any], Any] | None = kind.dialect_impl(_DIALECTS[dialect]).bind_processor(
        _DIALECTS[dialect]
    )
    return found


def _whole(value: int | None) -> Int8 | None:
    return None if value is None else Int8(value)


def _json(value: Any) -> str:
    return _EMPTY[type(value)] if not value and type(value) in _EMPTY else _encode(value)


_EMPTY: dict[type[Any], str] = {dict: "{}", list: "[]"}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _as_it_is(value: Any) -> Any:
    return value


def _before_statement(state: ORMExecuteState) -> None:
    say(state.session)


def _before_flush(session: Session, *_: Any) -> None:
    say(session)


def _after_rollback(session: Session, _transaction: SessionTransaction) -> None:
    """What was to be said inside a savepoint that is taken back is not said after it."""
    for name in _TAKEN_BACK:
        session.info.pop(name, None)


event.listen(UnitSession, "after_soft_rollback", _after_rollback)
event.listen(UnitSession, "do_orm_execute", _before_statement)
event.listen(UnitSession, "before_flush", _before_flush)
