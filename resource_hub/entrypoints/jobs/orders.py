"""Jobs of orders: the waiting list, fees of late cancellations that are decided when the slot begins, offers to take a
booking over, and ratings that are shown in time."""

from __future__ import annotations

from resource_hub.domain.booking import service as booking
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult, in_batches

LINES = 10
BATCH = 50
# Where a run stopped for want of time the next one goes on, so that the last in line has its turn too.
_left_off: booking.Turn | None = None


def offer(context: JobContext) -> JobResult:
    """Offer what became free without a booking, such as longer hours; let go whose wished time has passed."""
    done = in_batches(context, lambda: booking.close_past(BATCH, context.lease), BATCH).done
    global _left_off
    after, _left_off = _left_off, None
    while context.time_left:
        after = booking.offer_due(LINES, after, context.lease)
        if after is None:
            return JobResult(done)
    _left_off = after
    return JobResult(done, 1)


def decide_fees(context: JobContext) -> JobResult:
    return in_batches(context, lambda: booking.decide_fees(BATCH, context.lease), BATCH)


def expire_hand_overs(context: JobContext) -> JobResult:
    return in_batches(context, lambda: booking.expire_hand_overs(BATCH, context.lease), BATCH)


def reveal_ratings(context: JobContext) -> JobResult:
    """Tell both sides of ratings that can be read since their time is over."""
    return in_batches(context, lambda: booking.reveal_ratings(BATCH, context.lease), BATCH)


JOBS = [
    Job(name="booking.reveal_ratings", every_seconds=600, run=reveal_ratings),
    Job(name="booking.offer", every_seconds=30, run=offer, quick=True),
    Job(name="booking.decide_fees", every_seconds=60, run=decide_fees, quick=True),
    Job(name="booking.expire_hand_overs", every_seconds=60, run=expire_hand_overs, quick=True),
]
