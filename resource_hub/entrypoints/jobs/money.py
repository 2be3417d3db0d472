"""Jobs of money: the statements of a month, once its days are sealed."""

from __future__ import annotations

from resource_hub.domain.billing import service as billing
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult
from resource_hub.infra.database import db


def issue_statements(context: JobContext) -> JobResult:
    """Issue what has become due, a few hosts at a time."""
    done, left = 0, 0
    while context.time_left:
        # What the last round wrote is to be seen by the next one's question.
        db.session.rollback()
        issued, left = billing.issue_due(context.lease)
        done += issued
        if not left:
            break
    db.session.rollback()
    return JobResult(done, left)


JOBS = [Job(name="billing.issue_statements", every_seconds=60, run=issue_statements)]
