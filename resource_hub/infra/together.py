"""Writes that wait until their unit asks or ends, and are then said together: on PostgreSQL in one statement.

Only rows may wait that nothing else in the unit builds on but what asks the database, and that do not depend on each
other's order: none changes or deletes what another one adds. The session says them before any other statement of its
own and before it flushes, so what is read is always what was written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from psycopg.types.numeric import Int8
from sqlalchemy import JSON, Connection, Integer, Table, event, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from resource_hub.infra.database import numbered, one_by_one
from resource_hub.infra.partitions import is_cut, part_name, partition_of
from resource_hub.infra.types import Id

Values = tuple[Any, ...]
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
        return super().begin_nested()


@dataclass(frozen=True, slots=True)
class _Write:
    """One kind of change of one table: its statement with marks for one row, and the rows."""

    statement: str
    marks: str
    rows: list[Values]

    @property
    def adds(self) -> bool:
        return bool(self.marks)


def add_later(session: Session, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows given by column name; all of them name the same columns. Many rows do not wait."""
    if len(rows) > _FEW:
        say(session)
        session.execute(insert(table.__table__), list(rows))
        return
    part = _part(session, table.__table__, rows)
    statement, marks, converters, rest = _insert(table.__table__, part, tuple(rows[0]), _dialect(session))
    ready = [(*[c(row[name]) for name, c in converters], *[make() for make in rest]) for row in rows]
    _wait(session, _Write(statement, marks, ready))


def amend_later(
    session: Session, table: type[Any], keys: Sequence[Mapping[str, Any]], values: Sequence[Mapping[str, Any]]
) -> None:
    """Change the rows of these keys, which name the same columns each, to the values beside them."""
    part = _part(session, table.__table__, keys)
    for key, new in zip(keys, values, strict=True):
        statement, converters = _update(table.__table__, part, tuple(new), tuple(key), _dialect(session))
        row = {**key, **new}
        _wait(session, _Write(statement, "", [tuple(convert(row[name]) for name, convert in converters)]))


def delete_later(session: Session, table: type[Any], keys: Sequence[Mapping[str, Any]]) -> None:
    """Delete the rows of these keys."""
    part = _part(session, table.__table__, keys)
    for key in keys:
        statement, converters = _update(table.__table__, part, (), tuple(key), _dialect(session))
        _wait(session, _Write(statement, "", [tuple(convert(key[name]) for name, convert in converters)]))


def explain(session: Session, meaning: Callable[[IntegrityError], Exception | None]) -> None:
    """What the database's refusal of a row that waits means to who asked for it: when ``meaning`` knows the
    refusal, the unit ends with its error."""
    session.info.setdefault(_EXPLAINED, []).append(meaning)


def _wait(session: Session, write: _Write) -> None:
    waiting: list[_Write] = session.info.setdefault(_WAITING, [])
    if write.adds and waiting and waiting[-1].statement == write.statement:
        waiting[-1].rows.extend(write.rows)
    else:
        waiting.append(write)
    if sum(len(one.rows) for one in waiting) > _FEW:
        say(session)


def say(session: Session) -> None:
    """Say what waits now.

    Raises:
        IntegrityError: a constraint or guard refuses one of the rows, and nobody has explained that. Refused: somebody
            has.
    """
    waiting: list[_Write] = session.info.pop(_WAITING, [])
    meanings = session.info.pop(_EXPLAINED, [])
    if not waiting:
        return
    connection = connection_of(session)
    try:
        if connection.dialect.name == "postgresql":
            _in_one(connection, waiting)
        else:
            one_by_one(connection, [(write.statement + write.marks, write.rows) for write in waiting])
    except IntegrityError as error:
        for meaning in meanings:
            explained = meaning(error)
            if explained is not None:
                raise Refused(explained) from error
        raise


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


def _part(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> int | None:
    """The partition that all of these rows are in, if they are in one."""
    if not is_cut(table) or _dialect(session) != "postgresql":
        return None
    hosts = {row["institution_id"] for row in rows}
    return partition_of(connection_of(session), hosts.pop()) if len(hosts) == 1 else None


@cache
def _insert(
    table: Table, part: int | None, given: tuple[str, ...], dialect: str
) -> tuple[str, str, list[tuple[str, Callable[[Any], Any]]], list[Callable[[], Any]]]:
    """Statement, marks of a row, how the values given are converted, and what makes those that have a default."""
    left_out = [c for c in table.columns if c.name not in given and c.default is not None]
    names = ", ".join(f'"{name}"' for name in (*given, *(c.name for c in left_out)))
    marks = ", ".join([_mark(dialect)] * (len(given) + len(left_out)))
    converters = [(name, _converter(table.c[name].type, dialect)) for name in given]
    rest = [_default(c, _converter(c.type, dialect)) for c in left_out]
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
) -> tuple[str, list[tuple[str, Callable[[Any], Any]]]]:
    """The statement that changes a row, or with nothing new deletes it."""
    mark = _mark(dialect)
    where = " AND ".join(f'"{name}" = {mark}' for name in key)
    changes = ", ".join(f'"{name}" = {mark}' for name in new)
    name = part_name(table, part)
    head = f'UPDATE "{name}" SET {changes}' if new else f'DELETE FROM "{name}"'  # noqa: S608
    return f"{head} WHERE {where}", [(n, _converter(table.c[n].type, dialect)) for n in (*new, *key)]


def _mark(dialect: str) -> str:
    return "%s" if dialect == "postgresql" else "?"


def _converter(kind: Any, dialect: str) -> Callable[[Any], Any]:
    if isinstance(kind, JSON) or kind.dialect_impl(_DIALECTS[dialect]).__visit_name__ in ("JSON", "JSONB"):
        return _json
    if dialect == "postgresql" and isinstance(kind, Id):
        return _as_it_is
    if dialect == "postgresql" and isinstance(kind, Integer):
        return _whole  # else the driver chooses a type by the size of each, and each choice is a statement of its own
    convert = kind.dialect_impl(_DIALECTS[dialect]).bind_processor(_DIALECTS[dialect])
    return convert or _as_it_is


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
