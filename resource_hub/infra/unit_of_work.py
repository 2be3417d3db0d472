"""The unit of work: the only place that commits.

One service call, one unit; nested calls join it. On SQLite a unit takes the writer's file lock and begins IMMEDIATE;
on PostgreSQL it is an ordinary transaction in which services lock rows in the stated order (law 10).
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any, ParamSpec, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from resource_hub.infra import clock, stamps
from resource_hub.infra.database import current_unit, db, writing_engine
from resource_hub.infra.file_lock import writer_lock
from resource_hub.infra.together import Refused, UnitSession, say

P = ParamSpec("P")
R = TypeVar("R")


class Lease(Protocol):
    """What a job holds; asked at each commit."""

    def still_held(self, session: Session) -> None:
        """Raise when another process has taken over."""


class Unit:
    """One transaction: its session, its business time, what it publishes and what it writes into the audit log."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lease: Lease | None = None
        self._now: datetime | None = None
        self._after_commit: list[Callable[[], None]] = []

    @property
    def now(self) -> datetime:
        """Business time of this unit: one value, however often it is asked for."""
        if self._now is None:
            self._now = clock.now()
        return self._now

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Business time of this unit is ``moment`` inside the block: for telling the past of a demonstration."""
        before = self._now
        self._now = moment
        try:
            with clock.fixed(moment):
                yield
        finally:
            self._now = before

    def publish(self, name: str, subject: str, payload: Mapping[str, Any]) -> None:
        """Write an event and one delivery per subscriber into the outbox, in this transaction."""
        from resource_hub.infra import outbox

        outbox.publish(self, name, subject, payload)

    def audit(
        self,
        action: str,
        organisation_id: UUID,
        subject: str,
        details: Mapping[str, Any] | None = None,
        *,
        person_id: UUID | None = None,
    ) -> None:
        """Append an audit row in this transaction."""
        from resource_hub.infra import audit

        audit.append(self, action, organisation_id, subject, details or {}, person_id)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run ``call`` once the commit is durable: waking a worker, say. It must not change data."""
        self._after_commit.append(call)


@contextmanager
def unit_of_work(*, lease: Lease | None = None) -> Iterator[Unit]:
    """The current unit, or a new one that commits at the end of the block and rolls back on any exception. What the
    database refused, and somebody explained, is raised as what it means."""
    joined = current_unit.get()
    if joined is not None:
        yield joined
        return
    engine = db.engine
    with _queue(engine), writing_engine(engine).connect() as connection, UnitSession(connection) as session:
        unit = Unit(session)
        unit.lease = lease
        token = current_unit.set(unit)
        try:
            yield unit
            stamps.hold_unit()
            session.flush()
            say(session)
            if unit.lease is not None:
                unit.lease.still_held(session)
            session.commit()
        except Refused as refused:
            session.rollback()
            raise refused.meaning from refused.__cause__
        except BaseException:
            session.rollback()
            raise
        finally:
            current_unit.reset(token)
            # What is read next must show what was just written, and after a refusal what somebody else wrote: the
            # read session lets go of its snapshot and its rows.
            stamps.forget()
            if db.session.registry.has():
                db.session.rollback()
    for call in unit._after_commit:
        call()


def _queue(engine: Engine) -> AbstractContextManager[None]:
    """SQLite's writers one after the other."""
    if engine.dialect.name == "sqlite" and engine.url.database:
        return writer_lock(engine.url.database + ".writer")
    return nullcontext()


# Deadlock, serialisation failure, lock not available: the database chose this transaction as the one to try again.
_RETRY_STATES = {"40P01", "40001", "55P03"}


def retried(times: int = 4) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Repeat a service call that the database gave up for another's sake, with jitter. Not inside another unit."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if current_unit.get() is not None:
                return function(*args, **kwargs)
            for attempt in range(times):
                try:
                    return function(*args, **kwargs)
                except DBAPIError as error:
                    state = getattr(error.orig, "sqlstate", None)
                    name = getattr(error.orig, "sqlite_errorname", "") or ""
                    if attempt == times - 1 or not (state in _RETRY_STATES or name.startswith("SQLITE_BUSY")):
                        raise
                    time.sleep(random.uniform(0.005, 0.03) * (attempt + 1))
            raise AssertionError("unreachable")

        return call

    return decorate
