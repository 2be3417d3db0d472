"""Rows of job runs: one per job and slot of its schedule, so that a slot runs once whoever looks at the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from resource_hub.entrypoints.jobs import Job, JobResult, all_jobs
from resource_hub.infra.database import reading
from resource_hub.infra.tables import JobRun, OutboxDelivery, OutboxEvent
from resource_hub.infra.unit_of_work import Lease, unit_of_work

QUICK_SLOT = 60
KEPT_RUNS = timedelta(days=3)


def slot_of(job: Job, now: datetime) -> datetime:
    """The slot of the job's schedule in which ``now`` lies."""
    step = QUICK_SLOT if job.quick else max(1, int(job.every_seconds))
    return datetime.fromtimestamp(int(now.timestamp()) // step * step, UTC)


def begin(job: Job, slot: datetime, epoch: int, now: datetime, lease: Lease | None) -> bool:
    """Claim a slot; False when another process (or an earlier turn) has it.

    A slot that a dead process of an earlier epoch left running is taken over: what it did is committed, what it did
    not do is still due, and the job finds that out by itself.
    """
    try:
        with unit_of_work(lease=lease) as unit:
            unit.session.add(
                JobRun(
                    job=job.name, slot=slot, epoch=epoch, state="running", started_at=now, done=0, backlog=0
                )
            )
        return True
    except IntegrityError:
        pass
    with unit_of_work(lease=lease) as unit:
        statement = update(JobRun).where(JobRun.job == job.name, JobRun.slot == slot)
        if job.quick:
            statement = statement.where(JobRun.epoch <= epoch)
        else:
            statement = statement.where(JobRun.epoch < epoch, JobRun.state == "running")
        taken = unit.session.execute(statement.values(epoch=epoch, state="running", started_at=now))
        return bool(taken.rowcount)  # type: ignore[attr-defined]


def end(job: Job, slot: datetime, epoch: int, now: datetime, result: JobResult, error: str | None) -> None:
    with unit_of_work() as unit:
        unit.session.execute(
            update(JobRun)
            .where(JobRun.job == job.name, JobRun.slot == slot, JobRun.epoch == epoch)
            .values(
                state="failed" if error else "done",
                ended_at=now,
                done=JobRun.done + result.done,
                backlog=result.backlog,
                error=error,
            )
        )


def tidy(now: datetime) -> int:
    """Drop run rows and delivered events older than three days."""
    limit = now - KEPT_RUNS
    with unit_of_work() as unit:
        gone = unit.session.execute(delete(JobRun).where(JobRun.slot < limit)).rowcount  # type: ignore[attr-defined]
        old = select(OutboxDelivery.id).where(OutboxDelivery.state == "done", OutboxDelivery.done_at < limit)
        gone += unit.session.execute(  # type: ignore[attr-defined]
            delete(OutboxDelivery).where(OutboxDelivery.id.in_(old.limit(2000)))
        ).rowcount
        empty = (
            select(OutboxEvent.id)
            .outerjoin(OutboxDelivery, OutboxDelivery.event_id == OutboxEvent.id)
            .where(OutboxDelivery.id.is_(None), OutboxEvent.at < limit)
            .limit(2000)
        )
        gone += unit.session.execute(  # type: ignore[attr-defined]
            delete(OutboxEvent).where(OutboxEvent.id.in_(empty))
        ).rowcount
    return int(gone)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One line of the operations page."""

    name: str
    every_seconds: float
    state: str
    slot: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    next_at: datetime | None
    done: int
    backlog: int
    error: str | None


def overview(now: datetime) -> list[JobRow]:
    """Every declared job with its newest run and its next one; a job that never ran says so."""
    session = reading()
    newest = select(JobRun.job, func.max(JobRun.slot).label("slot")).group_by(JobRun.job).subquery()
    found = {
        run.job: run
        for run in session.scalars(
            select(JobRun).join(newest, (JobRun.job == newest.c.job) & (JobRun.slot == newest.c.slot))
        )
    }
    rows = []
    for job in all_jobs():
        run = found.get(job.name)
        if run is None:
            rows.append(JobRow(job.name, job.every_seconds, "never", None, None, None, None, 0, 0, None))
            continue
        following = (run.ended_at or run.started_at) + timedelta(seconds=job.every_seconds)
        rows.append(
            JobRow(
                job.name,
                job.every_seconds,
                run.state,
                run.slot,
                run.started_at,
                run.ended_at,
                max(following, now) if run.state != "running" else following,
                run.done,
                run.backlog,
                run.error,
            )
        )
    return rows
