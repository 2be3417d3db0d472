"""Jobs of usage: sessions by the clock, sealing, links, roots, and the daily look whether the ledger holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from flask import current_app

import config
from resource_hub.adapters.signing import FileSigner
from resource_hub.domain.usage import service as usage
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult, in_batches
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.infra.unit_of_work import Lease
from resource_hub.reports import ledger

BATCH = 50
VERIFY_EVERY = timedelta(hours=24)


def _by_clock(step: Callable[[datetime, int, Lease | None], int]) -> Callable[[JobContext], JobResult]:
    def run(context: JobContext) -> JobResult:
        def batch() -> int:
            # What the last batch wrote is to be seen by the next one's question.
            db.session.rollback()
            return step(clock.now(), BATCH, context.lease)

        return in_batches(context, batch, BATCH)

    return run


def link(context: JobContext) -> JobResult:
    """Link sealed rows into their chains."""

    def batch() -> int:
        db.session.rollback()
        return usage.link_due(500, context.lease)

    done = 0
    while context.time_left:
        step = batch()
        done += step
        if step == 0:
            break
    db.session.rollback()
    return JobResult(done, usage.sealer_backlog())


def sign_roots(context: JobContext) -> JobResult:
    """Sign where each chain stood when a day was over."""
    settings: config.Settings = current_app.extensions["resource_hub_settings"]
    return JobResult(usage.sign_roots(clock.now(), FileSigner(settings.keys_dir), lease=context.lease))


def verify_ledger(context: JobContext) -> JobResult:
    """Verify each chain once a day; what is found stands on the operations page."""
    done = left = 0
    now = clock.now()
    for chain in usage.verified():
        if chain.verified_at is not None and now - chain.verified_at < VERIFY_EVERY:
            continue
        if not context.time_left:
            left += 1
            continue
        db.session.rollback()
        *_, verdict = ledger.verify(chain.institution_id, chain.kind)
        db.session.rollback()
        broken = None if verdict.broken is None else f"{verdict.broken.position}: {verdict.broken.what}"
        usage.note_verified(chain.institution_id, chain.kind, verdict.links, broken, context.lease)
        done += 1
    return JobResult(done, left)


JOBS = [
    Job(name="usage.open_expected", every_seconds=20, run=_by_clock(usage.open_expected)),
    Job(name="usage.close_overdue", every_seconds=30, run=_by_clock(usage.close_overdue)),
    Job(name="usage.mark_no_shows", every_seconds=30, run=_by_clock(usage.mark_no_shows)),
    Job(name="usage.seal_overdue", every_seconds=60, run=_by_clock(usage.seal_overdue)),
    Job(name="usage.link", every_seconds=2, run=link, quick=True),
    Job(name="usage.sign_roots", every_seconds=60, run=sign_roots),
    Job(name="usage.verify_ledger", every_seconds=600, run=verify_ledger),
]
