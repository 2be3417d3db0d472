"""A laboratory's own calendar, fetched or taken from the store, and read: for the page and the job. Never in a unit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from flask import current_app

from resource_hub.adapters import calendar_fetch, calendar_files
from resource_hub.domain.availability.errors import CalendarRefused
from resource_hub.domain.availability.terms import CalendarRead
from resource_hub.entrypoints.support import uploads
from resource_hub.infra import files
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan

# A person waits for the answer: less patience than the job has.
TRIAL_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class Looked:
    """A calendar as it came. ``read`` None: it has not changed since the marks that were sent along."""

    read: CalendarRead | None
    etag: str = ""
    last_modified: str = ""
    sha256: bytes | None = None


def from_url(
    url: str,
    span: TimeSpan,
    zone: str,
    zones: Mapping[str, str] | None = None,
    *,
    etag: str = "",
    last_modified: str = "",
    known: bytes | None = None,
    seconds: float = calendar_fetch.SECONDS,
) -> Looked:
    """Fetch and read a calendar; what has the same bytes as ``known`` is not read again.

    Raises:
        CalendarRefused, CalendarAway
    """
    networks = current_app.extensions["resource_hub_settings"].calendar_networks
    fetched = calendar_fetch.fetch(
        url,
        etag=etag,
        last_modified=last_modified,
        allowed=calendar_fetch.allowed_networks(networks),
        seconds=seconds,
    )
    if fetched.body is None:
        return Looked(None, fetched.etag, fetched.last_modified, known)
    digest = hashlib.sha256(fetched.body).digest()
    if digest == known:
        return Looked(None, fetched.etag, fetched.last_modified, digest)
    read = calendar_files.read(fetched.body, span, zone, zones)
    return Looked(read, fetched.etag, fetched.last_modified, digest)


def from_file(
    institution_id: UUID, file_id: UUID, span: TimeSpan, zone: str, zones: Mapping[str, str] | None = None
) -> Looked:
    """Read a calendar from the store of files.

    Raises:
        CalendarRefused
    """
    stored = files.find(institution_id, file_id)
    if stored is None or not uploads.store().has(stored.sha256):
        raise CalendarRefused(Reason("calendar.file_gone", {}))
    with uploads.store().open(stored.sha256) as file:
        body = file.read()
    return Looked(calendar_files.read(body, span, zone, zones), sha256=stored.sha256)
