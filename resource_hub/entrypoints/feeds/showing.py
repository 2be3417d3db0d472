"""From rows to events: the words of a feed in its owner's language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from flask import current_app, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.feeds import FeedKind, FeedRecord
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.feeds import ical
from resource_hub.entrypoints.support.formatting import language, plain
from resource_hub.entrypoints.support.words import word
from resource_hub.infra import clock
from resource_hub.kernel.errors import NotFound
from resource_hub.kernel.keys import HostKey
from resource_hub.reports import calendar_feed

# How many addresses one may make.
MAKING = "30/minute;100/hour"
HOST_ROLES = (Role.MANAGER, Role.DEPUTY, Role.OPERATOR, Role.OFFICE, Role.INSTITUTION_ADMIN)


def address(kind: FeedKind, secret: str) -> str:
    """The whole address; the installation's own name, since calendar programs ask from elsewhere."""
    base = current_app.extensions["resource_hub_settings"].base_url
    return f"{base}{url_for('feeds.feed', kind=kind.value, secret=secret)}"


def subject_of(record: ResourceRecord, unit_id: UUID | None = None) -> UUID:
    """The subject of the calendar of a resource, or of a unit of it in use; only what everybody may see and book.

    Raises:
        NotFound
    """
    if not record.bookable or not record.listed:
        raise NotFound()
    if unit_id is None:
        return record.key.id
    if unit_id not in {unit.key.id for unit in catalogue.units(record.key, active_only=True)}:
        raise NotFound()
    return unit_id


def name_of(record: FeedRecord) -> str:
    """What a feed is called in a calendar program and on the page of feeds."""
    if record.kind is FeedKind.PERSON:
        return _("My bookings")
    if record.kind is FeedKind.CUSTOMER:
        found = accounts.customers([record.subject_id] if record.subject_id else [])
        named = [c.name_in(language()) for c in found.values()]
        return _("Bookings of %(name)s", name=plain(named[0] if named else "–"))
    if record.kind is FeedKind.LABORATORY:
        return _("Bookings at %(name)s", name=plain(_laboratory_name(record)))
    resource = _resource(record)
    return _taken_name(record, resource) if resource is not None else "–"


def _taken_name(record: FeedRecord, resource: ResourceRecord) -> str:
    name = resource.name(language())
    if record.kind is FeedKind.UNIT:
        assert record.organisation_id is not None and record.subject_id is not None
        unit = catalogue.unit(HostKey(record.organisation_id, record.subject_id))
        name = f"{name} · {unit.name(language())}"
    return plain(name)


def _laboratory_name(record: FeedRecord) -> str:
    if record.organisation_id is None:
        return "–"
    host = accounts.organisation(record.organisation_id)
    if record.subject_id is None:
        return host.name_in(language())
    return accounts.department(host.id, record.subject_id).name_in(language())


def _resource(record: FeedRecord) -> ResourceRecord | None:
    if record.organisation_id is None or record.subject_id is None:
        return None
    key = HostKey(record.organisation_id, record.subject_id)
    try:
        if record.kind is FeedKind.UNIT:
            key = HostKey(record.organisation_id, catalogue.unit(key).resource_id)
        return catalogue.resource(key)
    except NotFound:
        return None


def feed(record: FeedRecord) -> str | None:
    """The calendar of a feed; None when there is nothing to be shown any more: the resource is not listed now."""
    now = clock.now()
    if record.kind in (FeedKind.RESOURCE, FeedKind.UNIT):
        resource = _shown_resource(record)
        if resource is None:
            return None
        rows = calendar_feed.taken(resource.key, now, _unit_id(record))
        several = resource.unit_count > 1 and record.kind is FeedKind.RESOURCE
        return ical.calendar(_taken_name(record, resource), _taken(rows, resource.zone, several))
    return ical.calendar(name_of(record), _booked(_windows(record, now)))


def free_busy(record: FeedRecord) -> str | None:
    """The same as busy time alone: what a program asks that looks for a time for several people and instruments."""
    now = clock.now()
    busy: Iterable[calendar_feed.TakenRow | calendar_feed.BookedRow]
    if record.kind in (FeedKind.RESOURCE, FeedKind.UNIT):
        resource = _shown_resource(record)
        if resource is None:
            return None
        busy = calendar_feed.taken(resource.key, now, _unit_id(record))
    else:
        busy = _windows(record, now)
    spans = [(row.start, row.end) for row in busy if not row.gone]
    return ical.free_busy(f"{record.id}@resource-hub", spans, now, now + calendar_feed.FUTURE)


def _windows(record: FeedRecord, now: datetime) -> list[calendar_feed.BookedRow]:
    if record.kind is FeedKind.PERSON:
        return calendar_feed.of_person(record.person_id, now)
    if record.kind is FeedKind.CUSTOMER:
        assert record.subject_id is not None
        return calendar_feed.of_customer(record.subject_id, now)
    assert record.organisation_id is not None
    return calendar_feed.of_laboratory(record.organisation_id, _departments(record), now)


def _unit_id(record: FeedRecord) -> UUID | None:
    return record.subject_id if record.kind is FeedKind.UNIT else None


def _shown_resource(record: FeedRecord) -> ResourceRecord | None:
    resource = _resource(record)
    return resource if resource is not None and resource.bookable and resource.listed else None


def _departments(record: FeedRecord) -> frozenset[UUID] | None:
    assert record.organisation_id is not None
    if record.subject_id is not None:
        return frozenset({record.subject_id})
    return accounts.actor(record.person_id, record.organisation_id).department_ids


def booking(key: HostKey, person_id: UUID) -> str | None:
    """One booking as a calendar, or None for somebody who is neither of its customer nor of its host."""
    who = calendar_feed.customer_and_person(key)
    if who is None or not _may_see(key, person_id, *who):
        return None
    row = calendar_feed.of_booking(key)
    return None if row is None else ical.calendar(row.number, _booked([row]))


def _may_see(
    key: HostKey, person_id: UUID, customer_id: UUID, owner_id: UUID, department_id: UUID | None
) -> bool:
    if person_id == owner_id or any(c.id == customer_id for c in accounts.customers_of(person_id)):
        return True
    try:
        by = accounts.actor(person_id, key.institution_id)
    except NotFound:
        return False
    return by.has(*HOST_ROLES) and by.reaches(department_id)


def event_of(row: calendar_feed.BookedRow) -> ical.Event:
    """A window as its two parties see it in their calendars."""
    return _booked([row])[0]


def _booked(rows: Iterable[calendar_feed.BookedRow]) -> list[ical.Event]:
    base = current_app.extensions["resource_hub_settings"].base_url
    chinese = language() == "zh"
    words: dict[str, str] = {}
    behalf = {
        "host": _("Booked by the laboratory for the customer"),
        "colleague": _("Booked by one person for another"),
    }
    events = []
    for row in rows:
        if row.state not in words:
            words[row.state] = word("booking.state", row.state)
        state = words[row.state]
        resource = (row.resource_zh or row.resource_en) if chinese else (row.resource_en or row.resource_zh)
        unit = ((row.unit_zh or row.unit_en) if chinese else (row.unit_en or row.unit_zh)) or row.unit_code
        place = (row.place_zh or row.place_en) if chinese else (row.place_en or row.place_zh)
        url = f"{base}/hosts/{row.host_code}/bookings/{row.key.id}"
        summary = f"{resource} · {unit}" if unit else resource
        events.append(
            ical.Event(
                uid=row.uid or f"{row.key.id}@resource-hub",
                start=row.start,
                end=row.end,
                zone=row.zone,
                summary=plain(f"{summary} ({state})" if row.state == "requested" else summary),
                changed_at=row.changed_at,
                status="CANCELLED" if row.gone else "TENTATIVE" if row.state == "requested" else "CONFIRMED",
                sequence=row.sequence,
                description=plain(
                    "\n".join(filter(None, (f"{row.number} · {state}", behalf.get(row.behalf), url)))
                ),
                location=plain(place),
                url=url,
            )
        )
    return events


def _taken(rows: Iterable[calendar_feed.TakenRow], zone: str, several: bool) -> list[ical.Event]:
    chinese = language() == "zh"
    text = _("Taken")
    events = []
    for row in rows:
        unit = ((row.unit_zh or row.unit_en) if chinese else (row.unit_en or row.unit_zh)) or row.unit_code
        events.append(
            ical.Event(
                uid=row.uid,
                start=row.start,
                end=row.end,
                zone=zone,
                summary=plain(f"{text} · {unit}" if several and unit else text),
                changed_at=row.changed_at,
                status="CANCELLED" if row.gone else "CONFIRMED",
                sequence=row.sequence,
                private=False,
            )
        )
    return events
