"""Jobs of the platform itself: delivery of events, and tidying of what nobody will ask for again."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice

from resource_hub.domain.accounts import service as accounts
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult, in_batches, runs
from resource_hub.entrypoints.support import uploads
from resource_hub.infra import clock, files, outbox, stamps
from resource_hub.infra.database import db
from resource_hub.infra.unit_of_work import unit_of_work

BATCH = 50
# A row follows its bytes within the request; a day is long beside that.
UNNAMED = timedelta(days=1)


def deliver(context: JobContext) -> JobResult:
    """Deliver events to their subscribers, in order per subject."""
    done = 0
    while context.time_left:
        db.session.rollback()
        step = outbox.deliver_due(BATCH, context.lease)
        done += step
        if step == 0:
            break
    db.session.rollback()
    return JobResult(done, 0 if context.time_left else outbox.backlog())


def tidy(context: JobContext) -> JobResult:
    """Drop run rows and delivered events that are three days old; join the stamps of what changed often."""
    with unit_of_work(lease=context.lease) as unit:
        joined = stamps.join(unit)
    return JobResult(runs.tidy(clock.machine_now()) + joined)


def sweep_files(context: JobContext) -> JobResult:
    """Erase handed-in bytes that no row has named for a day: of uploads that were refused, or died half-way."""
    store, before = uploads.store(), clock.machine_now() - UNNAMED
    settled, gone = store.settled(before), 0
    while context.time_left and (some := list(islice(settled, 500))):
        db.session.rollback()
        gone += sum(store.erase(digest, unless_since=before) for digest in files.unnamed(some))
    return JobResult(gone)


def remind_trainings(context: JobContext) -> JobResult:
    """Tell people whose training at a host expires within a month."""
    return in_batches(context, lambda: accounts.remind_expiring(BATCH, context.lease), BATCH)


JOBS = [
    Job(name="accounts.remind_trainings", every_seconds=3600, run=remind_trainings),
    Job(name="platform.deliver", every_seconds=0.5, run=deliver, quick=True),
    Job(name="platform.tidy", every_seconds=3600, run=tidy),
    Job(name="platform.sweep_files", every_seconds=86_400, run=sweep_files),
]
