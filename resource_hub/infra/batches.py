"""What a job does to many rows: one that fails stops none of the others.

It is logged, counted with the run, and left for the next one. What fails again and again is tried more and more rarely,
so that it neither costs much nor stands for ever at the head of a batch. A lost lease and a database that is away are
no row's fault: they end the run.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from resource_hub.infra.locks import LeaseLost
from resource_hub.infra.together import Refused, say
from resource_hub.infra.unit_of_work import Unit, retried

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

LONGEST_REST = 3600.0
"""So many seconds at most a row that keeps failing is left alone."""


@dataclass(slots=True)
class _Failing:
    times: int = 0
    until: float = 0.0
    error: str = ""


@dataclass(slots=True)
class Failures:
    """What one run of a job left because it failed, now or when it was last tried."""

    rows: dict[Hashable, str] = field(default_factory=dict)

    def __str__(self) -> str:
        first = next(iter(self.rows.values()), "")
        return (
            f"{len(self.rows)} failed and are left for a later run; the first: {first}" if self.rows else ""
        )


@dataclass(slots=True)
class _Memory:
    """The rows of a job that failed when they were last tried, in this process."""

    failing: dict[Hashable, _Failing] = field(default_factory=dict)

    def resting(self) -> set[Hashable]:
        now = time.monotonic()
        # What nobody has asked for in two long rests has gone some other way.
        for key in [k for k, one in self.failing.items() if one.until < now - 2 * LONGEST_REST]:
            del self.failing[key]
        return {key for key, one in self.failing.items() if one.until > now}


_memories: dict[str, _Memory] = defaultdict(_Memory)
_counting: ContextVar[Failures | None] = ContextVar("failed_rows", default=None)


@contextmanager
def counted() -> Iterator[Failures]:
    """Count what fails inside the block."""
    failures = Failures()
    token = _counting.set(failures)
    try:
        yield failures
    finally:
        _counting.reset(token)


def found(job: str, find: Callable[[int], Iterable[K]], limit: int) -> list[K]:
    """What ``find`` finds, which is told how many are wanted, without what has failed too often to be tried now."""
    memory = _memories[job]
    resting = memory.resting()
    rows = list(find(limit + len(resting)))
    _count(job, memory, [row for row in rows if row in resting])
    return [row for row in rows if row not in resting]


def each(job: str, rows: Iterable[K], do: Callable[[K], int]) -> int:
    """Do one row after the other, each in a unit of its own; returns how much was done."""
    return sum(_tried(job, [row], lambda some: do(some[0])) for row in rows)


def together(
    job: str,
    rows: Sequence[K],
    do: Callable[[Sequence[K]], int],
    parts: Callable[[Sequence[K]], Iterable[Sequence[K]]] | None = None,
) -> int:
    """Do all rows in one unit; where that fails part by part, by default row by row. Returns how much was done."""
    if not rows:
        return 0
    pieces = [[row] for row in rows] if parts is None else list(parts(rows))
    if len(pieces) > 1:
        try:
            return retried()(do)(rows)
        except Exception as error:
            _no_rows_fault(error)
            log.info("%s: a batch of %d failed as a whole", job, len(rows))
    return sum(_tried(job, piece, do) for piece in pieces)


def apart(unit: Unit, job: str, row: Hashable, do: Callable[[], object]) -> None:
    """Do something about one row inside a unit, which goes on without it where that fails."""
    memory = _memories[job]
    if row in memory.failing and row in memory.resting():
        _count(job, memory, [row])
        return
    try:
        with unit.session.begin_nested():
            do()
            say(unit.session)  # what was to be said together is refused here, where this row alone goes
    except Refused:
        raise  # it ends the unit
    except Exception as error:
        _no_rows_fault(error)
        if isinstance(error, OperationalError):
            raise  # the unit was chosen as the one to try again
        _failed(job, [row], error)
    else:
        memory.failing.pop(row, None)


def _tried(job: str, rows: Sequence[K], do: Callable[[Sequence[K]], int]) -> int:
    try:
        done = retried()(do)(rows)
    except Exception as error:  # this row's failure is its own
        _no_rows_fault(error)
        _failed(job, rows, error)
        return 0
    for row in rows:
        _memories[job].failing.pop(row, None)
    return done


def _no_rows_fault(error: Exception) -> None:
    """Raise what no row can be blamed for."""
    if isinstance(error, LeaseLost):
        raise error
    if isinstance(error, DBAPIError) and (error.connection_invalidated or _away(error)):
        raise error


def _away(error: DBAPIError) -> bool:
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    name = getattr(error.orig, "sqlite_errorname", None) or ""
    return not name.startswith("SQLITE_BUSY") and (state is None or state.startswith(("08", "57P")))


def _failed(job: str, rows: Collection[Hashable], error: Exception) -> None:
    memory, now = _memories[job], time.monotonic()
    for row in rows:
        one = memory.failing.setdefault(row, _Failing())
        # The next run tries again; then after one minute, two, four and so on.
        one.until = now + min(30.0 * 2**one.times, LONGEST_REST) if one.times else now
        one.times = min(one.times + 1, 20)
        one.error = "".join(traceback.format_exception_only(error))[-1500:].strip()
    log.error("%s: %s failed and is left for the next run", job, rows, exc_info=error)
    _count(job, memory, rows)


def _count(job: str, memory: _Memory, rows: Iterable[Hashable]) -> None:
    failures = _counting.get()
    if failures is not None:
        failures.rows |= {(job, row): memory.failing[row].error for row in rows}
