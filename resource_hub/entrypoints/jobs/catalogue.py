"""Jobs of the catalogue: imports that were released, and approved changes whose day has come."""

from __future__ import annotations

import time
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.catalogue import service
from resource_hub.domain.catalogue.errors import NotYours
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult
from resource_hub.entrypoints.support.import_files import sheet_of
from resource_hub.kernel.errors import DomainError, NotFound


def run_imports(context: JobContext | None) -> JobResult:
    """Go on with imports, oldest first, until the time is up. What one leaves the next run takes up."""
    deadline = context.deadline if context is not None else time.monotonic() + 20
    lease = context.lease if context is not None else None
    done = 0
    for record in service.imports_at_work():
        if time.monotonic() > deadline:
            break
        try:
            by = _starter(record.key.institution_id, record.started_by)
            left = max(1.0, deadline - time.monotonic())
            service.go_on(record, sheet_of(record), by=by, seconds=left, lease=lease)
        except DomainError as error:
            service.fail(record.key, error.reasons)
        done += 1
    return JobResult(done, len(service.imports_at_work()))


def _starter(institution_id: UUID, person_id: UUID | None) -> Actor:
    """Who released the import, with the rights of today.

    Raises:
        NotYours: the person has no role there any more.
    """
    try:
        if person_id is not None:
            return accounts.actor(person_id, institution_id)
    except NotFound:
        pass
    raise NotYours()


def take_effect(context: JobContext | None) -> JobResult:
    """Approved changes come into force on their day, in their host's zone."""
    done = service.take_effect(lease=context.lease if context is not None else None)
    return JobResult(done, 0)


JOBS = [
    Job(name="catalogue.imports", every_seconds=3, run=run_imports, quick=True),
    Job(name="catalogue.take_effect", every_seconds=60, run=take_effect),
]
