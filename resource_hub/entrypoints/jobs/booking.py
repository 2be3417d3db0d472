"""Jobs of availability and booking: terms that run out, free windows that roll on, keys nobody will send again."""

from __future__ import annotations

from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service as booking
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult, in_batches

LAPSE_BATCH = 20
ROLL_BATCH = 4


def lapse(context: JobContext) -> JobResult:
    """End holds and unanswered requests whose term is over. They blocked nobody since then."""
    return in_batches(context, lambda: booking.lapse_due(LAPSE_BATCH, context.lease), LAPSE_BATCH)


def remind_answers(context: JobContext) -> JobResult:
    """Remind of answers that are due, and tell those above of answers whose term is over."""
    return in_batches(context, lambda: booking.remind_answers(LAPSE_BATCH, context.lease), LAPSE_BATCH)


def roll_windows(context: JobContext) -> JobResult:
    """Carry the kept free windows on to the horizon, and make new ones where hours or holidays changed."""
    return in_batches(context, lambda: availability.roll_windows(ROLL_BATCH, context.lease), ROLL_BATCH)


def sweep_keys(context: JobContext) -> JobResult:
    return JobResult(booking.sweep_keys())


JOBS = [
    Job(name="booking.remind_answers", every_seconds=60, run=remind_answers),
    Job(name="booking.lapse", every_seconds=10, run=lapse, quick=True),
    Job(name="availability.roll_windows", every_seconds=20, run=roll_windows, quick=True),
    Job(name="booking.sweep_keys", every_seconds=3600, run=sweep_keys),
]
