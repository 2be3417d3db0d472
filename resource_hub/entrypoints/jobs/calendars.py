"""Job of calendars that laboratories keep elsewhere: fetch, read in a process of its own, settle in small units."""

from __future__ import annotations

from resource_hub.domain.availability import service
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult
from resource_hub.entrypoints.support import calendar_reading
from resource_hub.kernel.errors import DomainError


def read_calendars(context: JobContext) -> JobResult:
    """Fill up where a booking that stood in the way has gone, then read what is due, the longest waiting first."""
    done = service.fill_after_clashes(lease=context.lease)
    while context.time_left:
        due = service.claim_due(lease=context.lease)
        if due is None:
            return JobResult(done, 0)
        _read(due, context)
        done += 1
    return JobResult(done, 1)


def _read(due: service.Due, context: JobContext) -> None:
    record = due.record
    try:
        if record.url is not None:
            looked = calendar_reading.from_url(
                record.url,
                due.span,
                record.zone,
                record.zones,
                etag="" if due.whole else record.etag,
                last_modified="" if due.whole else record.last_modified,
                known=None if due.whole else record.body_sha256,
            )
        else:
            assert record.file_id is not None
            looked = calendar_reading.from_file(
                record.key.institution_id, record.file_id, due.span, record.zone, record.zones
            )
        if looked.read is None:
            service.calendar_unchanged(record, lease=context.lease)
            return
        service.settle_calendar(
            record,
            looked.read,
            due.span,
            etag=looked.etag,
            last_modified=looked.last_modified,
            body_sha256=looked.sha256,
            lease=context.lease,
        )
    except DomainError as error:
        service.calendar_failed(record, error.reasons, lease=context.lease)


JOBS = [Job(name="availability.calendars", every_seconds=10, run=read_calendars, quick=True)]
