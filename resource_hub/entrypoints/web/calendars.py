"""Calendars that a laboratory keeps elsewhere: added by address or file, with what was read, what could not be, and
which bookings they clash with."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.availability import service
from resource_hub.domain.availability.errors import (
    CalendarChanged,
    CalendarRefused,
    CalendarsLookedTooOften,
)
from resource_hub.domain.availability.terms import CalendarRead, CalendarRecord, Clash
from resource_hub.domain.booking import service as booking
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import calendar_reading, formatting, uploads
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.availability.blueprints import MANAGES, managed
from resource_hub.entrypoints.web.booking.lists import Row, rows_of
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, Reason
from resource_hub.kernel.keys import HostKey

blueprint = Blueprint("calendars", __name__)

MOST_CLASHES = 30
_PAGE = "/o/<organisation>/resources/<uuid:resource_id>/calendars"

Answer = tuple[str, int] | Response


@dataclass(frozen=True, slots=True)
class Shown:
    """One calendar on the page."""

    record: CalendarRecord
    unit: str
    faults: tuple[Reason, ...]
    guesses: tuple[tuple[str, str], ...]
    seen: str


@dataclass(frozen=True, slots=True)
class ClashRow:
    clash: Clash
    calendar: str
    row: Row | None


@blueprint.get(_PAGE)
@allows(*MANAGES)
def index(organisation: str, resource_id: UUID) -> Answer:
    """The calendars of a resource and the clashes that wait for an answer."""
    return _page(organisation, managed(resource_id))


def _page(organisation: str, record: ResourceRecord, form: Form | None = None) -> Answer:
    sources = service.calendars(record.key, by=g.actor)
    units = catalogue.units(record.key, active_only=True)
    names = {unit.key.id: unit.name(formatting.language()) for unit in units}
    shown = form or Form({"zone": record.zone, "way": "url"})
    clashes = service.clashes(record.key, by=g.actor, limit=MOST_CLASHES)
    count = service.count_clashes(record.key, by=g.actor) if len(clashes) == MOST_CLASHES else len(clashes)
    html = render_template(
        "availability/calendars.html",
        record=record,
        organisation_code=organisation,
        sources=[_shown(source, names, record.zone) for source in sources],
        clashes=_clash_rows(record, clashes, sources),
        more_clashes=count - len(clashes),
        units=[(str(key), name) for key, name in names.items()],
        form=shown,
        now=clock.now(),
    )
    return html, shown.status


def _shown(source: CalendarRecord, units: dict[UUID, str], zone: str) -> Shown:
    asked = tuple((name, source.zones.get(name, zone)) for name in source.unknown_zones)
    unit = units.get(source.unit_id, "") if source.unit_id else ""
    return Shown(source, unit, source.faults, asked, service.zones_digest(source))


def _clash_rows(record: ResourceRecord, found: list[Clash], sources: list[CalendarRecord]) -> list[ClashRow]:
    keys = [HostKey(record.key.institution_id, clash.holder_id) for clash in found]
    booked = booking.records(keys)
    rows = {row.record.key: row for row in rows_of(list(booked.values()))}
    names = {source.key.id: source.name for source in sources}
    return [
        ClashRow(clash, names.get(clash.source_id, ""), rows.get(key))
        for clash, key in zip(found, keys, strict=True)
    ]


def _back(organisation: str, resource_id: UUID) -> Response:
    return redirect(url_for("calendars.index", organisation=organisation, resource_id=resource_id), 303)


@blueprint.post(_PAGE)
@allows(*MANAGES)
@once
def added(organisation: str, resource_id: UUID) -> Answer:
    """Look at the calendar, then take it up."""
    record = managed(resource_id)
    form = Form.sent()
    name = form.text("name", required=True, longest=120)
    zone = form.text("zone", required=True, longest=64)
    unit_id = form.id("unit")
    way = form.choice("way", ("url", "file"), required=True)
    if not form.ok or name is None or zone is None:
        return _page(organisation, record, form)
    try:
        read = (_from_url if way == "url" else _from_file)(form, record, name, zone, unit_id)
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, record, form)
    if read is None:
        return _page(organisation, record, form)
    flash(_("Taken up: %(events)s events. Their time is held within a minute.", events=read.events), "good")
    if read.faults:
        flash(_("Some of them could not be read; see below."), "wait")
    return _back(organisation, resource_id)


def _from_url(
    form: Form, record: ResourceRecord, name: str, zone: str, unit_id: UUID | None
) -> CalendarRead | None:
    url = form.text("url", required=True, longest=2000)
    if url is None:
        return None
    read = calendar_reading.trial_of_url(url, zone, record.key.institution_id)
    service.add_calendar(record.key, name=name, zone_name=zone, unit_id=unit_id, url=url, by=g.actor)
    return read


def _from_file(
    form: Form, record: ResourceRecord, name: str, zone: str, unit_id: UUID | None
) -> CalendarRead | None:
    chosen = form.file("file", required=True, most_bytes=uploads.CALENDARS.limit)
    if chosen is None:
        return None
    taken = uploads.take(chosen, uploads.CALENDARS)
    read = calendar_reading.trial_of_file(taken.kept.sha256, zone)
    calendar_reading.add_file(record.key, taken, name=name, zone=zone, unit_id=unit_id, by=g.actor)
    return read


@blueprint.post(f"{_PAGE}/<uuid:source_id>/read")
@allows(*MANAGES)
def read_again(organisation: str, resource_id: UUID, source_id: UUID) -> Answer:
    record = managed(resource_id)
    try:
        service.read_again(record.key, source_id, by=g.actor)
    except CalendarsLookedTooOften as error:
        return _refused(organisation, record, error)
    flash(_("It is read again within a minute."), "good")
    return _back(organisation, resource_id)


def _seen() -> str:
    """What the page showed of the calendar that its form is about."""
    return request.form.get("seen", "")


def _refused(organisation: str, record: ResourceRecord, error: DomainError) -> Answer:
    form = Form({"zone": record.zone, "way": "url"})
    form.refuse(error)
    return _page(organisation, record, form)


@blueprint.post(f"{_PAGE}/<uuid:source_id>/zones")
@allows(*MANAGES)
def zones_said(organisation: str, resource_id: UUID, source_id: UUID) -> Answer:
    """Which zone is meant by a name that nobody knows."""
    record = managed(resource_id)
    known = service.calendar(record.key, source_id, by=g.actor).unknown_zones
    said = {name: request.form.get(f"zone.{n}", "").strip() for n, name in enumerate(known)}
    try:
        service.say_zones(
            record.key, source_id, {k: v for k, v in said.items() if v}, by=g.actor, seen=_seen()
        )
    except (CalendarRefused, CalendarChanged) as error:
        return _refused(organisation, record, error)
    flash(_("It is read again within a minute."), "good")
    return _back(organisation, resource_id)


@blueprint.post(f"{_PAGE}/<uuid:source_id>/remove")
@allows(*MANAGES)
def removed(organisation: str, resource_id: UUID, source_id: UUID) -> Answer:
    record = managed(resource_id)
    try:
        service.remove_calendar(record.key, source_id, by=g.actor, seen=_seen())
    except CalendarChanged as error:
        return _refused(organisation, record, error)
    flash(_("Removed; the time that it held is free."), "good")
    return _back(organisation, resource_id)
