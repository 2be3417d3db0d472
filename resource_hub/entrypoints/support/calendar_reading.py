"""A laboratory's own calendar, fetched or taken from the store, and read: for the page and the job. Never in a unit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from flask import current_app

from resource_hub.adapters import calendar_fetch, calendar_files
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.errors import CalendarAway, CalendarRefused
from resource_hub.domain.availability.terms import CalendarRead, CalendarRecord
from resource_hub.entrypoints.support import uploads
from resource_hub.infra import clock, files
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
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
    if stored is None:
        raise CalendarRefused(Reason("calendar.file_gone", {}))
    return from_store(stored.sha256, span, zone, zones)


def from_store(sha256: bytes, span: TimeSpan, zone: str, zones: Mapping[str, str] | None = None) -> Looked:
    """Read bytes of the store, also before a row names them.

    Raises:
        CalendarRefused
    """
    try:
        with uploads.store().open(sha256) as file:
            body = file.read()
    except FileNotFoundError:
        raise CalendarRefused(Reason("calendar.file_gone", {})) from None
    return Looked(calendar_files.read(body, span, zone, zones), sha256=sha256)


def trial_of_url(url: str, zone: str, institution_id: UUID) -> CalendarRead:
    """What a calendar says, looked at before it is taken up, so that a slip in the address is found while one is there.

    Raises:
        CalendarsLookedTooOften: the host's people looked at too many. CalendarRefused, CalendarAway
    """
    availability.check_zone(zone)
    availability.note_look(institution_id)
    try:
        looked = from_url(url, availability.reading_span(clock.now()), zone, seconds=TRIAL_SECONDS)
    except (CalendarRefused, CalendarAway) as error:
        raise _placed(error, "url") from error
    assert looked.read is not None  # no marks were sent along
    return looked.read


def trial_of_file(sha256: bytes, zone: str) -> CalendarRead:
    """The same with bytes that were handed in.

    Raises:
        CalendarRefused
    """
    availability.check_zone(zone)
    try:
        looked = from_store(sha256, availability.reading_span(clock.now()), zone)
    except CalendarRefused as error:
        raise _placed(error, "file") from error
    assert looked.read is not None
    return looked.read


def _placed(error: CalendarRefused | CalendarAway, place: str) -> CalendarRefused | CalendarAway:
    """The same, with each reason at the field of the form."""
    return type(error)(*(Reason(one.code, one.values, place) for one in error.reasons))


def add_file(
    key: HostKey, taken: uploads.Taken, *, name: str, zone: str, unit_id: UUID | None, by: Actor
) -> CalendarRecord:
    """Take a calendar up with the bytes that were handed in: the file is named and is a calendar's, or neither."""
    with unit_of_work():
        stored = uploads.note(taken, by.organisation_id, person_id=by.person_id)
        return availability.add_calendar(
            key, name=name, zone_name=zone, unit_id=unit_id, file_id=stored.id, by=by
        )
