"""What measurements share: databases of both engines, statements heard and said again bare, tables of results."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import RawCursor
from sqlalchemy import Engine, event

from resource_hub.infra.database import PLANNED_ANEW
from tests.support import postgres
from tests.support.databases import ENGINES, POSTGRESQL, TITLES, Database, Factory


def arguments(about: str, *more: tuple[str, dict[str, Any]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--engine", choices=ENGINES, help="one engine only")
    for name, options in more:
        parser.add_argument(name, **options)
    return parser.parse_args()


@contextmanager
def databases(engine: str) -> Iterator[Factory]:
    """Makes databases of an engine; a PostgreSQL server of its own for the length of the block."""
    with ExitStack() as stack:
        server = stack.enter_context(postgres.running()) if engine == POSTGRESQL else None
        shared = Path(tempfile.mkdtemp(prefix="resource-hub-bench-"))
        stack.callback(shutil.rmtree, shared, ignore_errors=True)
        factory = Factory(engine, shared, server, anew=True)
        stack.callback(factory.close)
        yield factory


def engines(only: str | None) -> tuple[str, ...]:
    return (only,) if only else ENGINES


def deadlocks(database: Database) -> int:
    """How many the server has counted in this database; SQLite knows none."""
    if database.server is None:
        return 0
    with database.server.connect() as connection:
        row = connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = %s", (database.name,)
        ).fetchone()
    return int(row[0]) if row else 0


def worked(pid: int) -> float:
    """Processor time of a process and of those below it, in seconds; 0 where the system does not say."""
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    own = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(worked(int(one)) for one in below)


@dataclass
class Table:
    """Results as they come, and whether each goal holds."""

    missed: list[str] = field(default_factory=list)

    def title(self, text: str) -> None:
        print(f"\n{text}", flush=True)

    def row(self, name: str, value: str, goal: str = "", holds: bool | None = None) -> None:
        mark = {True: "holds", False: "MISSED", None: ""}[holds]
        print(f"  {name:<58} {value:>24}  {goal:<18} {mark}", flush=True)
        if holds is False:
            self.missed.append(f"{name}: {value}, goal {goal}")

    def end(self) -> int:
        print()
        for text in self.missed:
            print(f"missed: {text}")
        print("every goal holds" if not self.missed else f"{len(self.missed)} goals missed")
        return 1 if self.missed else 0


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median(work: Callable[[int], Any], times: int) -> float:
    return statistics.median(timed(lambda n=n: work(n)) for n in range(times))  # type: ignore[misc]


# Statements that were heard to be planned anew each time; so they are when they are said again.
_anew: set[str] = set()


@contextmanager
def heard(engine: Engine) -> Iterator[list[tuple[str, Any, bool]]]:
    """Statements with their parameters as they go to the driver inside the block."""
    said: list[tuple[str, Any, bool]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        options = context.execution_options if context is not None else {}
        if options.get(PLANNED_ANEW):
            _anew.add(statement)
        said.append((statement, values, many))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


def say_again(engine: Engine, said: list[tuple[str, Any, bool]]) -> tuple[float, float]:
    """The seconds that the same statements and rows take bare (the driver alone, one transaction, one commit), and the
    processor time here."""
    sqlite = engine.dialect.name == "sqlite"
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        numbered = None if sqlite else RawCursor(raw.driver_connection)
        started, used = time.perf_counter(), time.process_time()
        if sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        for statement, values, many in said:
            if statement.startswith("BEGIN"):
                continue
            if not sqlite and "$1" in statement:  # said with numbered values
                numbered.execute(statement, values)
                if numbered.description is not None:
                    numbered.fetchall()
                continue
            if statement in _anew:
                cursor.execute(statement, values, **({} if sqlite else {"prepare": False}))
            else:
                (cursor.executemany if many else cursor.execute)(statement, values)
            if cursor.description is not None:
                cursor.fetchall()
        if sqlite:
            cursor.execute("COMMIT")
        else:
            raw.commit()
        return time.perf_counter() - started, time.process_time() - used
    finally:
        raw.close()


__all__ = [
    "TITLES", "Database", "Table", "arguments", "databases", "deadlocks", "engines", "heard", "median", "milliseconds",
    "say_again", "timed", "worked",
]  # fmt: skip
