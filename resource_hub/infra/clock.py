"""The two hands of the clock. Nothing else in the product asks what time it is.

*Business time* decides starts, no-shows, terms, sealing, periods and entry times. *Machine time* decides time-outs,
rate limits and tokens; leases use the database's clock. They are one, except in a database marked as demonstration,
where business time runs ahead by a stored offset that only grows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flask import current_app
from sqlalchemy import select, update

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_fixed: ContextVar[datetime | None] = ContextVar("fixed_time", default=None)


def machine_now() -> datetime:
    return datetime.now(UTC)


def now() -> datetime:
    """Business time. In a demonstration the offset is read with the session at hand."""
    held = _fixed.get()
    if held is not None:
        return held
    return machine_now() + _offset()


def quarter() -> int:
    """The quarter of an hour of business time. In every zone a day begins with one, so what depends on the day of some
    place is the same throughout."""
    return int(now().timestamp()) // 900


_NOTHING = timedelta()


def _offset() -> timedelta:
    try:
        extensions = current_app.extensions
    except RuntimeError:  # outside of any application
        return _NOTHING
    if not extensions.get("resource_hub_demonstration"):
        return _NOTHING
    from resource_hub.infra.database import reading
    from resource_hub.infra.tables import DemoState

    session = reading()
    # Asking the time must not write what its caller is still putting together.
    with session.no_autoflush:
        seconds = session.scalar(select(DemoState.offset_seconds).where(DemoState.id == 1))
    return timedelta(seconds=seconds or 0)


@contextmanager
def fixed(moment: datetime) -> Iterator[None]:
    """Business time stands still at ``moment`` inside the block. For tests and for replaying the past."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a zone")
    token = _fixed.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _fixed.reset(token)


class NotADemonstration(RuntimeError):
    """Business time of a real database cannot be moved."""


def is_demonstration(session: Session) -> bool:
    from resource_hub.infra.tables import DemoState

    return session.scalar(select(DemoState.id).where(DemoState.id == 1)) is not None


def mark_demonstration(session: Session) -> None:
    """Make an empty database a demonstration, for good.

    Raises:
        NotADemonstration: somebody uses this database already.
    """
    from resource_hub.infra.tables import AuditEntry, DemoState

    if session.scalar(select(AuditEntry.id).limit(1)) is not None:
        raise NotADemonstration("this database is in use; a demonstration needs an empty one")
    session.add(DemoState(id=1, offset_seconds=0))
    session.flush()


def filled(session: Session, *, done: bool = False) -> bool:
    """Whether the demonstration's data is complete; ``done=True`` says that it is now."""
    from resource_hub.infra.tables import DemoState

    row = session.get(DemoState, 1)
    if row is not None and done:
        row.filled_at = machine_now()
    return row is not None and row.filled_at is not None


def advance(session: Session, to: datetime) -> datetime:
    """Move business time of a demonstration forward to ``to``; never back. Returns the new business time.

    Raises:
        NotADemonstration: the database is a real one.
    """
    from resource_hub.infra.tables import DemoState

    if not is_demonstration(session):
        raise NotADemonstration("this database is not a demonstration; its time cannot be moved")
    # Up to the next whole second: who goes to a start is not a moment before it.
    wanted = -((machine_now() - to.astimezone(UTC)) // timedelta(seconds=1))
    session.execute(
        update(DemoState)
        .where(DemoState.id == 1, DemoState.offset_seconds < wanted)
        .values(offset_seconds=wanted)
    )
    offset = session.scalar(select(DemoState.offset_seconds).where(DemoState.id == 1)) or 0
    return machine_now() + timedelta(seconds=offset)
