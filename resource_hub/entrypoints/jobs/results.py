"""Jobs of results: told before their end, ended after their last day, their bytes erased."""

from __future__ import annotations

from datetime import timedelta

from resource_hub.domain.booking import service as booking
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult, in_batches
from resource_hub.entrypoints.support import uploads
from resource_hub.infra import clock
from resource_hub.infra.database import db

BATCH = 50
# Bytes that came so lately may be of a file whose row is still being written.
SETTLING = timedelta(minutes=10)


def remind(context: JobContext) -> JobResult:
    """Tell customers of results that are deleted soon."""
    return in_batches(context, lambda: booking.remind_results(BATCH, context.lease), BATCH)


def end(context: JobContext) -> JobResult:
    """End results whose last day is over, and erase the bytes of all that have ended; what died between the two steps
    is taken up here."""
    done = in_batches(context, lambda: booking.end_results(BATCH, context.lease), BATCH).done
    db.session.rollback()
    store, gone = uploads.store(), []
    unsettled = clock.machine_now() - SETTLING
    for found, elsewhere in booking.results_to_erase(BATCH):
        if elsewhere or store.erase(found.sha256, unless_since=unsettled):
            gone.append(found.key)
    db.session.rollback()
    erased = booking.results_erased(gone, context.lease) if gone else 0
    return JobResult(done + erased, BATCH if erased == BATCH else 0)


JOBS = [
    Job(name="booking.remind_results", every_seconds=3600, run=remind),
    Job(name="booking.end_results", every_seconds=300, run=end),
]
