"""One bad row stops no scheduler: what can be done for the others is done, and the row is left for the next run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from resource_hub.domain.usage import clockwork, closing
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.tables import UsageSession
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult, runs
from resource_hub.entrypoints.jobs.runner import Runner
from resource_hub.infra import batches, clock
from resource_hub.infra.database import db, reading
from tests.builders.usage import make_booking, make_scene
from tests.integration.usage.test_sessions import at, check_in


def states(*scenes: Any) -> list[str]:
    db.session.rollback()
    rows = reading().execute(select(UsageSession.institution_id, UsageSession.state)).all()
    found = {row.institution_id: row.state for row in rows}
    return [found.get(scene.host.id, "none") for scene in scenes]


CASES: dict[str, tuple[Any, str, int, Callable[..., int], str, str]] = {
    "open_expected": (clockwork, "open_for_booking", 0, usage.open_expected, "none", "expected"),
    "mark_no_shows": (clockwork, "miss", 40, usage.mark_no_shows, "expected", "no_show"),
    "close_overdue": (clockwork, "end_session", 60 * 24, usage.close_overdue, "running", "ended"),
    "seal_overdue": (closing, "seal", 60 * 24 * 9, usage.seal_overdue, "expected", "sealed"),
}


@pytest.mark.parametrize("name", CASES)
def test_one_bad_row_stops_no_other(in_app: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    module, step, minutes, job, before, after = CASES[name]
    bad, good = make_scene("ustc"), make_scene("zju")
    for scene in (bad, good):
        booking = make_booking(scene)
        if before == "running":
            check_in(scene, 0, booking)
        elif before == "expected":
            with clock.fixed(at(0)):
                usage.open_expected(at(0))
    real = getattr(module, step)

    def failing(unit: Any, host: Any, *rest: Any) -> Any:
        if host.id == bad.host.id:
            raise RuntimeError("a row that cannot be")
        return real(unit, host, *rest)

    monkeypatch.setattr(module, step, failing)
    with clock.fixed(at(minutes)):
        with batches.counted() as failures:
            assert job(at(minutes)) == 1
        assert states(bad, good) == [before, after]
        assert "RuntimeError: a row that cannot be" in str(failures)
        monkeypatch.undo()
        assert job(at(minutes)) == 1
        assert states(bad, good) == [after, after]


def test_the_run_says_what_it_left_and_what_it_did(in_app: Any) -> None:
    def do(row: int) -> int:
        if row == 2:
            raise RuntimeError("a row that cannot be")
        return 1

    def run(context: JobContext) -> JobResult:
        return JobResult(batches.each(context.job, batches.found(context.job, range, 5), do))

    job = Job("test.rows", 1, run)
    runner = Runner(in_app, jobs=[job])
    assert runner.keep_lease()
    assert runner.run(job).done == 4
    db.session.rollback()
    row = reading().get(runs.JobRun, ("test.rows", reading().scalar(select(runs.JobRun.slot))))
    assert row is not None and (row.state, row.done) == ("failed", 4)
    assert row.error is not None and "1 failed" in row.error and "a row that cannot be" in row.error
