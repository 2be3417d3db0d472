"""The database: one declarative base, engines set up for both dialects, and the read-only session of a request.

Law 10: a request reads through ``reading()`` and changes things only in a unit of work, which has a session of its
own. The read session refuses to write, so a GET cannot change anything by accident.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import psycopg
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from psycopg import RawCursor
from sqlalchemy import Connection, Engine, MetaData, Select, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session

if TYPE_CHECKING:
    from resource_hub.infra.unit_of_work import Unit

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Execution option that marks connections of units of work: they begin IMMEDIATE on SQLite.
WRITES = "resource_hub_writes"
# Execution option of a statement whose best plan on PostgreSQL hangs on its values: never prepared, so that the server
# does not take, after some times, one plan for all values.
PLANNED_ANEW = "resource_hub_planned_anew"


class Base(DeclarativeBase):
    """Base of every mapped class."""

    metadata = MetaData(naming_convention=NAMING)


# Says of a read session that its statements stand in one transaction.
_IN_ONE = "in one transaction"


def reading_engine(engine: Engine) -> Engine:
    """The engine of the read session; it shares the connections."""
    return _engine_with(
        engine, **{"isolation_level": "AUTOCOMMIT"} if engine.dialect.name == "postgresql" else {}
    )


def writing_engine(engine: Engine) -> Engine:
    """The engine of units of work, likewise."""
    return _engine_with(engine, **{WRITES: True})


def _engine_with(engine: Engine, **options: Any) -> Engine:
    """One for each set of options, kept where it ends with the engine."""
    made: dict[Any, Engine] = vars(engine).setdefault("resource_hub_engines", {})
    key = tuple(options.items())
    if key not in made:
        made[key] = engine.execution_options(**options)
    return made[key]


class WriteOutsideUnit(RuntimeError):
    """Something tried to change data through the read-only session."""


class ReadSession(FlaskSession):
    """Session that reads only; on PostgreSQL each statement by itself.

    There, reading at the isolation level of the product shows in each statement what is committed by then, so a
    transaction around several would only cost two ways to the server, and its rollback every statement that the
    driver has prepared on the connection.
    """

    _bound: Engine | None = None

    def get_bind(self, *_: Any, bind: Engine | Connection | None = None, **__: Any) -> Engine | Connection:
        if bind is not None:
            return bind
        if self._bound is None:  # there is one database
            self._bound = db.engine if self.info.get(_IN_ONE) else reading_engine(db.engine)
        return self._bound


def _refuse_flush(session: Session, *_: Any) -> None:
    raise WriteOutsideUnit("changes belong in a unit of work (resource_hub.infra.unit_of_work)")


def _refuse_statement(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        raise WriteOutsideUnit("changes belong in a unit of work (resource_hub.infra.unit_of_work)")


event.listen(ReadSession, "before_flush", _refuse_flush)
event.listen(ReadSession, "do_orm_execute", _refuse_statement)

db = SQLAlchemy(model_class=Base, session_options={"class_": ReadSession, "autoflush": False})

current_unit: ContextVar[Unit | None] = ContextVar("current_unit", default=None)


def reading() -> Session:
    """The session to read with: the unit's inside a unit of work, else the read-only one of the app context."""
    unit = current_unit.get()
    return unit.session if unit is not None else db.session()


def streamed(query: Select[*tuple[Any, ...]], batch: int) -> Iterator[Any]:
    """The rows of a long answer, ``batch`` of them at a time in memory, as they were when the first was asked for."""
    unit = current_unit.get()
    if unit is not None:
        yield from unit.session.execute(query.execution_options(yield_per=batch))
        return
    with ReadSession(db, autoflush=False, info={_IN_ONE: True}) as session:
        yield from session.execute(query.execution_options(yield_per=batch))


def dialect_name() -> str:
    return db.engine.dialect.name


def prepare_engine(engine: Engine) -> None:
    """Set up connections of an engine for this product; call once per engine."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
    else:
        _ask_the_idle(engine)
        event.listen(engine, "do_execute", _execute_unprepared)


def numbered(connection: Connection, statement: str, values: tuple[Any, ...]) -> list[Any]:
    """The rows of a statement whose values are numbered, said to the driver itself and as it gives them: ``$1`` for
    PostgreSQL, whose driver passes it on as it is where it would read and write anew one with marks; ``?1`` for
    SQLite."""
    _begun(connection)
    if connection.dialect.name == "sqlite":
        return _straight(connection, [(statement, values)]).fetchall()
    driver: Any = connection.connection.driver_connection
    with RawCursor(driver) as cursor:
        _hear(connection, cursor, statement, values, False)
        try:
            cursor.execute(statement, values)
        except psycopg.Error as error:
            # Where the server is gone, all connections of the process are dropped with this one.
            connection._handle_dbapi_exception(error, statement, values, None, None)
        return cursor.fetchall() if cursor.pgresult is not None and cursor.pgresult.nfields else []


def _execute_unprepared(cursor: Any, statement: str, values: Any, context: Any) -> bool | None:
    """Say a statement that is planned anew each time. True when that is done."""
    if context is None or not context.execution_options.get(PLANNED_ANEW):
        return None
    cursor.execute(statement, values, prepare=False)
    return True


def one_by_one(connection: Connection, writes: Sequence[tuple[str, list[tuple[Any, ...]]]]) -> None:
    """Say statements for SQLite with their rows."""
    _begun(connection)
    _straight(connection, writes, many=True)


def _begun(connection: Connection) -> None:
    if not connection.in_transaction():
        connection.begin()


def _hear(connection: Connection, cursor: Any, statement: str, values: Any, many: bool) -> None:
    """Let those who listen to the engine hear what is said past it."""
    listeners = connection.engine.dispatch.before_cursor_execute
    if listeners:
        listeners(connection, cursor or connection.connection.cursor(), statement, values, None, many)


def _straight(
    connection: Connection, said: Sequence[tuple[str, Any]], *, many: bool = False
) -> sqlite3.Cursor:
    """Say statements to SQLite's driver itself: what is done around one takes longer there than the statement. Who
    listens to the engine hears of them all the same, and refusals are the usual ones. The cursor is the last one's."""
    driver: Any = connection.connection.driver_connection
    say = driver.executemany if many else driver.execute
    for statement, values in said:
        _hear(connection, None, statement, values, many)
        try:
            cursor: sqlite3.Cursor = say(statement, values)
        except sqlite3.Error as error:
            raise DBAPIError.instance(
                statement, values, error, sqlite3.Error, dialect=connection.dialect
            ) from error
    return cursor


# A connection that worked so short a while ago, in seconds, is taken to be there still.
_FRESH = 5


def _ask_the_idle(engine: Engine) -> None:
    """Ask a connection whether it is still there, before it is used, only where it has not been used for a while.

    When the server is gone, the first statement that finds out drops all connections of the process.
    """

    def returned(_connection: Any, record: Any) -> None:
        record.info["returned"] = time.monotonic()

    def taken(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("returned", time.monotonic()) < _FRESH:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            raise DisconnectionError() from error  # the pool then makes a new one

    event.listen(engine, "checkin", returned)
    event.listen(engine, "checkout", taken)


def _sqlite_connect(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver must not open transactions by itself: BEGIN is ours, IMMEDIATE for units and deferred for readers.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # Else INSERT OR REPLACE would delete a sealed row without asking its delete trigger.
    cursor.execute("PRAGMA recursive_triggers=ON")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.execute("PRAGMA cache_size=-32000")
    cursor.close()


def _sqlite_begin(connection: Any) -> None:
    text = "BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN"
    try:
        connection.connection.driver_connection.execute(text)
    except sqlite3.Error as error:
        raise DBAPIError.instance(text, (), error, sqlite3.Error, dialect=connection.dialect) from error
