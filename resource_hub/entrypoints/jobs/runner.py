"""The scheduler's process: leads by a lease, looks at each job when its time comes, and catches up after a stop.

APScheduler only rings the bell, from memory; what ran and what is due stands in the database. A job is told nothing of
missed rings: it judges every term by the clock, so that one run after a stop does all that became due meanwhile.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from resource_hub.entrypoints.jobs import Job, JobContext, JobResult, all_jobs, runs
from resource_hub.infra import batches, clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.locks import JobLeadership, LeaseLost, acquire, database_now, release
from resource_hub.infra.tables import DemoState

log = logging.getLogger("resource_hub.jobs")

LEASE = "scheduler"
LEASE_SECONDS = 10.0
FLUSH_SECONDS = 10.0
"""So often at most the run row of a quick job is written."""
ROUNDS = 12
"""After a jump of business time one job's work makes another's due; more rounds than the longest such chain."""


@dataclass
class _Quick:
    """What a quick job did since its run row was last written."""

    slot: datetime | None = None
    done: int = 0
    backlog: int = 0
    error: str | None = None
    written_at: float = 0.0


@dataclass
class Runner:
    """Runs jobs in the application's context while it holds the lease."""

    app: Flask
    jobs: Sequence[Job] = field(default_factory=all_jobs)
    holder: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    lease_seconds: float = LEASE_SECONDS
    lease: JobLeadership | None = None
    _quick: dict[str, _Quick] = field(default_factory=dict)
    _offset: int | None = None
    _catching_up: threading.Lock = field(default_factory=threading.Lock)

    # ---- leading -------------------------------------------------------------------------------------------------

    def keep_lease(self) -> bool:
        """Take or renew the lease; True when this process has just begun to lead."""
        with self.app.app_context():
            try:
                held = acquire(LEASE, self.holder, self.lease_seconds)
            except DBAPIError:
                # Two first starts at once, or a database that is away: try again at the next ring. While the old
                # lease may still hold, commits ask the database themselves.
                log.warning("the lease could not be renewed", exc_info=True)
                return False
            finally:
                db.session.remove()
        began = held is not None and (self.lease is None or self.lease.epoch != held.epoch)
        if self.lease is not None and held is None:
            log.warning("another scheduler leads now")
        self.lease = held
        if began and held is not None:
            log.info("leading as %s, epoch %d", self.holder, held.epoch)
        return began

    def give_up_lease(self) -> None:
        held, self.lease = self.lease, None
        if held is not None:
            with self.app.app_context():
                release(held)
                db.session.remove()

    # ---- running -------------------------------------------------------------------------------------------------

    def run(self, job: Job, *, extra: bool = False) -> JobResult:
        """Run a job for its present slot, or (``extra``) once more at once. A failure is kept with the run."""
        lease = self.lease
        if lease is None:
            return JobResult()
        with self.app.app_context():
            try:
                if job.quick:
                    return self._run_quick(job, lease)
                return self._run_slot(job, lease, extra)
            except LeaseLost as lost:
                log.warning("%s", lost)
                if self.lease is lease:
                    self.lease = None
                return JobResult()
            finally:
                db.session.remove()

    def _run_slot(self, job: Job, lease: JobLeadership, extra: bool) -> JobResult:
        started = database_now(reading()).astimezone(UTC)
        db.session.rollback()
        slot = started if extra else runs.slot_of(job, started)
        if not runs.begin(job, slot, lease.epoch, started, lease):
            return JobResult()
        result, error = self._called(job, slot, lease)
        runs.end(job, slot, lease.epoch, clock.machine_now(), result, error)
        return result

    def _run_quick(self, job: Job, lease: JobLeadership) -> JobResult:
        now = clock.machine_now()
        slot = runs.slot_of(job, now)
        kept = self._quick.setdefault(job.name, _Quick())
        result, error = self._called(job, slot, lease)
        if kept.slot != slot:
            self._write_quick(job, kept, lease, now)
            kept.slot, kept.done, kept.backlog, kept.error = slot, result.done, result.backlog, error
            runs.begin(job, slot, lease.epoch, now, lease)
            # The row says at once how it went; a crash leaves no run that seems to go on.
            self._write_quick(job, kept, lease, now)
            return result
        kept.done += result.done
        kept.backlog, kept.error = result.backlog, error
        if (kept.done or error) and time.monotonic() - kept.written_at > FLUSH_SECONDS:
            self._write_quick(job, kept, lease, now)
        return result

    def _write_quick(self, job: Job, kept: _Quick, lease: JobLeadership, now: datetime) -> None:
        if kept.slot is None:
            return
        runs.end(job, kept.slot, lease.epoch, now, JobResult(kept.done, kept.backlog), kept.error)
        kept.done, kept.written_at = 0, time.monotonic()

    def _called(self, job: Job, slot: datetime, lease: JobLeadership) -> tuple[JobResult, str | None]:
        try:
            with batches.counted() as failures:
                result = job.run(JobContext(job.name, slot, lease))
            # What was done is done; what a row refused stands beside it.
            return result, str(failures) or None
        except LeaseLost:
            raise
        except Exception as error:  # one job's failure is its own; it stands on the operations page
            log.exception("job %s failed", job.name)
            db.session.rollback()
            return JobResult(), "".join(traceback.format_exception_only(error))[-2000:]

    def catch_up(self) -> int:
        """Run all jobs in turn until nothing is left to do; returns how much was done. One at a time."""
        if not self._catching_up.acquire(blocking=False):
            return 0
        try:
            total = 0
            for _ in range(ROUNDS):
                done = sum(self.run(job, extra=True).done for job in self.jobs)
                total += done
                if done == 0:
                    break
            return total
        finally:
            self._catching_up.release()

    def time_moved(self) -> bool:
        """Whether business time of a demonstration was moved since the last look."""
        with self.app.app_context():
            if not self.app.extensions.get("resource_hub_demonstration"):
                return False
            try:
                offset = reading().scalar(select(DemoState.offset_seconds).where(DemoState.id == 1)) or 0
            finally:
                db.session.remove()
        before, self._offset = self._offset, offset
        return before is not None and offset != before


def serve(runner: Runner, until: Callable[[], bool]) -> None:
    """Ring the bells until ``until`` says so, then end what is running and give the lease back."""
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    scheduler = BackgroundScheduler(
        executors={
            "default": ThreadPoolExecutor(3),
            # Delivery of events and the lease never wait behind a long job.
            "quick": ThreadPoolExecutor(4),
            "lease": ThreadPoolExecutor(1),
        },
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=UTC,
    )

    def ring(job: Job) -> None:
        result = runner.run(job)
        # A backlog does not wait for the next ring; others get their turn in between.
        while result.backlog and result.done and runner.lease is not None and not until():
            result = runner.run(job, extra=True)

    def look() -> None:
        if runner.keep_lease():
            scheduler.add_job(runner.catch_up, executor="default", id="catch-up", replace_existing=True)

    def watch() -> None:
        if runner.time_moved():
            log.info("business time was moved")
            scheduler.add_job(runner.catch_up, executor="default", id="catch-up", replace_existing=True)

    runner.keep_lease()
    runner.time_moved()
    now = clock.machine_now()
    scheduler.add_job(look, "interval", seconds=runner.lease_seconds / 3, executor="lease", id="lease")
    scheduler.add_job(watch, "interval", seconds=0.5, executor="quick", id="watch")
    for job in runner.jobs:
        scheduler.add_job(
            ring,
            "interval",
            args=[job],
            seconds=job.every_seconds,
            executor="quick" if job.quick else "default",
            id=job.name,
            name=job.name,
            next_run_time=now,
        )
    scheduler.start()
    try:
        while not until():
            time.sleep(0.2)
    finally:
        scheduler.shutdown(wait=True)
        runner.give_up_lease()
