"""Leadership among schedulers: a lease row with an epoch, judged by the database's clock.

A leader renews before the lease ends. Another takes over once it has ended and raises the epoch; the old leader, when
it wakes, finds a higher epoch at its next commit and steps down. A cut-off holder keeps nothing, which an advisory
lock could not promise. For the length of a transaction such a lock is what keeps those who count one thing apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from resource_hub.infra import clock
from resource_hub.infra.tables import JobLease
from resource_hub.infra.unit_of_work import unit_of_work


class LeaseLost(RuntimeError):
    """Another process leads now; what this unit did is rolled back."""


def database_now(session: Session) -> datetime:
    """The database's clock. SQLite has none of its own: all its users share this machine's."""
    if session.get_bind().dialect.name == "postgresql":
        return session.execute(select(func.clock_timestamp())).scalar_one()
    return clock.machine_now()


@dataclass(frozen=True, slots=True)
class JobLeadership:
    """What a leading process holds; handed to every unit of its jobs."""

    name: str
    holder: str
    epoch: int

    def still_held(self, session: Session) -> None:
        row = session.execute(
            select(JobLease.epoch, JobLease.holder, JobLease.expires_at)
            .where(JobLease.name == self.name)
            .with_for_update(read=True)
        ).one_or_none()
        if row is None or row.epoch != self.epoch or row.holder != self.holder:
            raise LeaseLost(f"{self.name}: epoch {self.epoch} of {self.holder} has passed")


def acquire(name: str, holder: str, ttl_seconds: float) -> JobLeadership | None:
    """Take or renew the lease; ``None`` while another holds it."""
    with unit_of_work() as unit:
        moment = database_now(unit.session)
        until = moment + timedelta(seconds=ttl_seconds)
        row = unit.session.execute(
            select(JobLease).where(JobLease.name == name).with_for_update()
        ).scalar_one_or_none()
        if row is None:
            # Two first starts at once: the primary key lets one in, the other fails and tries again.
            row = JobLease(name=name, holder=holder, epoch=1, expires_at=until)
            unit.session.add(row)
        elif row.holder == holder and row.expires_at > moment:
            row.expires_at = until
        elif row.expires_at <= moment:
            row.holder, row.epoch, row.expires_at = holder, row.epoch + 1, until
        else:
            return None
        return JobLeadership(name, row.holder, row.epoch)


def release(lease: JobLeadership) -> None:
    """Give the lease back at an orderly end, so that the next leader need not wait."""
    with unit_of_work() as unit:
        row = unit.session.get(JobLease, lease.name)
        if row is not None and row.epoch == lease.epoch and row.holder == lease.holder:
            row.expires_at = database_now(unit.session)


def alone(session: Session, what: Iterable[bytes], *, wait: bool = True) -> bool:
    """Until the end of the transaction nobody else is alone with one of these. They are taken in one order, so that
    nobody who takes all of its own at once waits in a circle; who takes several one after another does not ``wait`` and
    is told whether it has them.

    On SQLite there is one writer.
    """
    if session.get_bind().dialect.name != "postgresql":
        return True
    function = func.pg_advisory_xact_lock if wait else func.pg_try_advisory_xact_lock
    numbers = (blake2b(one, digest_size=8).digest() for one in set(what))
    for number in sorted(int.from_bytes(one, "big", signed=True) for one in numbers):
        if session.scalar(select(function(number))) is False:
            return False
    return True
