"""Who leads, what runs when, and what is caught up after a stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

import config
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult, all_jobs, in_batches, runs
from resource_hub.entrypoints.jobs.runner import Runner
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.locks import LeaseLost, acquire
from resource_hub.infra.tables import DemoState, JobLease, JobRun, OutboxDelivery, OutboxEvent, Setting
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.usage import NINE, make_booking, make_scene
from tests.support.application import environment

LATER = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)


def counting(calls: list, name: str = "test.count", **more) -> Job:
    def run(context: JobContext) -> JobResult:
        calls.append(context.slot)
        return JobResult(1)

    return Job(name=name, every_seconds=3600, run=run, **more)


def leader(app, *jobs, holder="one", seconds=30.0) -> Runner:
    runner = Runner(app, jobs, holder=holder, lease_seconds=seconds)
    runner.keep_lease()
    return runner


def test_a_slot_runs_once_whoever_looks(in_app):
    calls: list = []
    job = counting(calls)
    first = leader(in_app, job)
    first.run(job)
    first.run(job)
    assert len(calls) == 1
    run = reading().scalars(select(JobRun)).one()
    assert (run.state, run.done, run.epoch) == ("done", 1, 1)


def test_one_leads_and_the_other_runs_nothing(in_app):
    calls: list = []
    job = counting(calls)
    first, second = leader(in_app, job), leader(in_app, job, holder="two")
    assert first.lease is not None and second.lease is None
    second.run(job)
    assert calls == []


def test_another_takes_over_when_the_lease_has_run_out(in_app):
    first = leader(in_app, seconds=0.2)
    time.sleep(0.3)
    second = leader(in_app, holder="two")
    assert second.lease.epoch == first.lease.epoch + 1


def test_the_old_leader_that_wakes_up_changes_nothing(in_app):
    def write(context: JobContext) -> JobResult:
        # Another took over while this one was held up in the middle of its work.
        time.sleep(0.3)
        leader(in_app, holder="two")
        with unit_of_work(lease=context.lease) as unit:
            unit.session.add(Setting(name="written by", value="the old leader", changed_at=unit.now))
        return JobResult(1)

    job = Job(name="test.write", every_seconds=3600, run=write)
    first = leader(in_app, job, seconds=0.2)
    assert first.run(job).done == 0
    assert first.lease is None
    db.session.rollback()
    assert (
        reading().scalar(select(func.count()).select_from(Setting).where(Setting.name == "written by")) == 0
    )


def test_a_unit_of_a_lost_lease_is_rolled_back(in_app):
    lease = acquire("scheduler", "one", 0.1)
    time.sleep(0.2)
    acquire("scheduler", "two", 30)
    with pytest.raises(LeaseLost), unit_of_work(lease=lease) as unit:
        unit.session.add(Setting(name="x", value=1, changed_at=unit.now))
    assert reading().get(Setting, "x") is None


def test_a_failing_job_is_kept_with_its_run_and_stops_nobody(in_app):
    calls: list = []

    def fail(_context: JobContext) -> JobResult:
        raise ValueError("no such thing")

    bad, good = Job(name="test.bad", every_seconds=60, run=fail), counting(calls)
    leader(in_app, bad, good).catch_up()
    run = reading().scalars(select(JobRun).where(JobRun.job == "test.bad")).first()
    assert run.state == "failed" and "no such thing" in run.error
    assert calls


def test_a_run_that_a_dead_process_left_is_taken_over(in_app):
    calls: list = []
    job = counting(calls)
    first = leader(in_app, job, seconds=0.2)
    now = clock.machine_now()
    assert runs.begin(job, runs.slot_of(job, now), first.lease.epoch, now, first.lease)
    time.sleep(0.3)
    second = leader(in_app, job, holder="two")
    second.run(job)
    assert len(calls) == 1


def test_quick_jobs_write_one_row_a_minute(in_app):
    calls: list = []
    job = counting(calls, quick=True)
    runner = leader(in_app, job)
    for _ in range(20):
        runner.run(job)
    assert len(calls) == 20
    assert reading().scalar(select(func.count()).select_from(JobRun)) <= 2


def test_all_that_became_due_during_a_stop_is_done_in_one_go(in_app):
    scene = make_scene()
    make_booking(scene)
    make_booking(scene, starts_at=NINE + timedelta(days=1), ends_at=NINE + timedelta(days=1, hours=1))
    with clock.fixed(LATER):
        runner = Runner(in_app, holder="one")
        runner.keep_lease()
        runner.catch_up()
        db.session.rollback()
        from resource_hub.domain.usage.tables import ChainLink, UsageSession

        assert [s for (s,) in reading().execute(select(UsageSession.state))] == ["sealed", "sealed"]
        assert (
            reading().scalar(select(func.count()).select_from(ChainLink).where(ChainLink.kind == "usage"))
            == 2
        )
        assert reading().scalar(
            select(func.count()).select_from(OutboxDelivery).where(OutboxDelivery.state != "done")
        ) == 0  # fmt: skip
        events = reading().scalar(select(func.count()).select_from(OutboxEvent))
        runner.catch_up()
        db.session.rollback()
        assert reading().scalar(select(func.count()).select_from(OutboxEvent)) == events


def test_every_job_has_its_own_name_and_time(in_app):
    jobs = all_jobs()
    assert len({j.name for j in jobs}) == len(jobs) > 5
    assert all(j.every_seconds > 0 for j in jobs)


def test_the_overview_names_every_job_and_what_it_did(in_app):
    runner = Runner(in_app, holder="one")
    runner.keep_lease()
    runner.catch_up()
    db.session.rollback()
    rows = {row.name: row for row in runs.overview(clock.machine_now())}
    assert rows["usage.open_expected"].state == "done"
    assert rows["usage.open_expected"].next_at is not None
    assert set(rows) == {job.name for job in all_jobs()}


def test_batches_stop_when_less_was_done_than_asked(in_app):
    left = [3, 3, 1, 3]
    result = in_batches(JobContext("x", LATER), lambda: left.pop(0), 3)
    assert (result.done, result.backlog, left) == (7, 0, [3])


def wait_for(condition, seconds=40.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        db.session.rollback()
        if condition():
            return True
        time.sleep(0.1)
    return False


def start(database, tmp_path, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "resource_hub.entrypoints.cli", "scheduler", *options],
        cwd=config.ROOT,
        env=environment(database, tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def test_a_killed_leader_is_followed_and_a_stopped_one_steps_down(in_app, database, tmp_path):
    """SIGKILL, then SIGSTOP and SIGCONT: another takes over each time, and nobody leads twice."""

    def lease():
        return reading().scalars(select(JobLease)).one_or_none()

    first = start(database, tmp_path, "--lease-seconds", "2")
    others = []
    try:
        assert wait_for(lambda: lease() is not None)
        one = lease().holder
        others.append(start(database, tmp_path, "--lease-seconds", "2"))
        time.sleep(1)
        first.send_signal(signal.SIGKILL)
        assert wait_for(lambda: lease().holder != one)
        second = lease()
        two, epoch = second.holder, second.epoch
        others.append(start(database, tmp_path, "--lease-seconds", "2"))
        time.sleep(1.5)
        os.kill(others[0].pid, signal.SIGSTOP)
        assert wait_for(lambda: lease().holder != two)
        os.kill(others[0].pid, signal.SIGCONT)
        time.sleep(2)
        db.session.rollback()
        assert lease().holder != two and lease().epoch > epoch
    finally:
        for process in [first, *others]:
            process.kill()
            process.wait(10)


def test_moved_business_time_is_acted_upon_within_seconds(in_app, database, tmp_path):
    scene = make_scene()
    now = clock.machine_now()
    make_booking(scene, starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    with unit_of_work() as unit:
        unit.session.add(DemoState(id=1, offset_seconds=0))
    from resource_hub.domain.usage.tables import UsageSession

    process = start(database, tmp_path)
    try:
        assert wait_for(lambda: reading().scalar(select(func.count()).select_from(JobRun)) > 3)
        with unit_of_work() as unit:
            clock.advance(unit.session, now + timedelta(days=20))
        began = time.monotonic()
        assert wait_for(
            lambda: [s for (s,) in reading().execute(select(UsageSession.state))] == ["sealed"], 20
        )
        assert time.monotonic() - began < 15
    finally:
        process.terminate()
        assert process.wait(20) == 0
