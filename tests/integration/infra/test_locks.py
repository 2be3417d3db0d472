"""One leader at a time; a leader that lost its lease cannot commit."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from resource_hub.infra import clock, locks
from resource_hub.infra.database import reading
from resource_hub.infra.file_lock import WriterBusy, writer_lock
from resource_hub.infra.tables import JobLease, Setting
from resource_hub.infra.unit_of_work import unit_of_work


def test_one_leads_and_another_takes_over_after_the_lease_ended(core):
    first = locks.acquire("jobs", "one", 60)
    assert first and first.epoch == 1
    assert locks.acquire("jobs", "two", 60) is None
    assert locks.acquire("jobs", "one", 60) == first
    with unit_of_work() as unit:
        unit.session.execute(
            sa.update(JobLease).values(expires_at=clock.machine_now() - timedelta(seconds=1))
        )
    second = locks.acquire("jobs", "two", 60)
    assert second and second.epoch == 2
    with pytest.raises(locks.LeaseLost), unit_of_work(lease=first) as unit:
        unit.session.add(Setting(name="late", value=1, changed_at=unit.now))
    assert reading().get(Setting, "late") is None
    with unit_of_work(lease=second) as unit:
        unit.session.add(Setting(name="right", value=1, changed_at=unit.now))
    locks.release(second)
    assert locks.acquire("jobs", "three", 60).epoch == 3


def test_the_writer_lock_queues_and_gives_up_clearly(tmp_path):
    path = tmp_path / "writer"
    order = []
    held = threading.Event()

    def hold():
        with writer_lock(path):
            held.set()
            time.sleep(0.3)
            order.append("first")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with pytest.raises(WriterBusy), writer_lock(path, timeout=0.05):
        pass
    with writer_lock(path, timeout=5):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
    # The waiter that gave up must not keep the lock.
    with writer_lock(path, timeout=1):
        pass
