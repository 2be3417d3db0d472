"""Calendars that a laboratory keeps elsewhere, held as busy time: by address or file, what was read, taken away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.availability import service
from resource_hub.domain.availability.terms import CalendarRead, CalendarRecord, Clash
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.api import CursorArguments, ReasonSchema, cursor_schema
from resource_hub.entrypoints.api.common import KEEPS, kept
from resource_hub.entrypoints.api.uploading import ChecksumsField, FileField, FormBlueprint, same, take
from resource_hub.entrypoints.api.writing import (
    CreateHeaders,
    EditHeaders,
    once,
    seen,
    sent_before,
    tagged,
)
from resource_hub.entrypoints.support import calendar_reading, paging, problems, sentences, uploads
from resource_hub.entrypoints.support.fields import Identifier, Moment, Text
from resource_hub.entrypoints.support.guards import allows
from resource_hub.kernel.errors import Reason

blueprint = FormBlueprint(
    "calendars_api",
    __name__,
    url_prefix="/api/v1",
    description="Calendars kept elsewhere, read as busy time",
)
_AT = "/hosts/<host>/resources/<code>/external-calendars"
_ONE = f"{_AT}/<uuid:calendar_id>"
_ZONE = ma.validate.Length(1, 64)


class ExternalCalendarSchema(ma.Schema):
    """A calendar and what its last reading found: ``events`` that hold time, ``refused`` those that could not be read.

    Of an address only the name of the machine is given: the rest of it is often a secret. ``state`` is ``waiting``,
    ``read``, ``partly`` (some were refused) or ``failing`` (it could not be had; what was read before stays).
    """

    id = Identifier(required=True)
    name = ma.fields.String(required=True)
    place = ma.fields.String(required=True, metadata={"description": "empty for a file"})
    unit_id = Identifier(required=True, allow_none=True, metadata={"description": "null: every unit"})
    zone = ma.fields.String(required=True, metadata={"description": "of times that name none"})
    zones = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), required=True)
    unknown_zones = ma.fields.List(ma.fields.String(), required=True)
    state = ma.fields.String(required=True)
    events = ma.fields.Integer(required=True)
    refused = ma.fields.List(ma.fields.Nested(ReasonSchema), required=True)
    failures = ma.fields.Integer(required=True, metadata={"description": "readings in a row that failed"})
    tried_at = Moment(required=True, allow_none=True)
    read_at = Moment(required=True, allow_none=True)
    next_at = Moment(required=True, allow_none=True)
    added_at = Moment(required=True)


class ExternalCalendarsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ExternalCalendarSchema), required=True)


class LookedSchema(ma.Schema):
    """What the look before taking it up found."""

    events = ma.fields.Integer(required=True)
    refused = ma.fields.List(ma.fields.Nested(ReasonSchema), required=True)


class AddedCalendarSchema(ExternalCalendarSchema):
    looked = ma.fields.Nested(LookedSchema, required=True)


class _CalendarIn(ma.Schema):
    name = Text(required=True, validate=ma.validate.Length(1, 120), metadata={"example": "Group meetings"})
    zone = Text(load_default=None, allow_none=True, validate=_ZONE, metadata={
        "description": "IANA zone of times that name none; the resource's own when left out"})  # fmt: skip
    unit_id = Identifier(
        load_default=None, allow_none=True, metadata={"description": "every unit when left out"}
    )


class CalendarAddressIn(_CalendarIn):
    url = Text(
        required=True,
        validate=ma.validate.Length(1, 2000),
        metadata={"example": "https://calendar.example/lab.ics"},
    )


class CalendarFileIn(_CalendarIn):
    """iCalendar, at most 10 MB."""

    calendar = FileField(required=True)
    sha256 = ChecksumsField()


class ZonesIn(ma.Schema):
    """What names of zones stand for that nobody knows (``unknown_zones``)."""

    zones = ma.fields.Dict(
        keys=Text(validate=ma.validate.Length(1, 300)),
        values=Text(validate=_ZONE),
        required=True,
        validate=ma.validate.Length(1, 50),
        metadata={"example": {"(UTC+08:00) Beijing": "Asia/Shanghai"}},
    )


class CalendarClashSchema(ma.Schema):
    """An event in the time of a booking; the booking stands."""

    calendar_id = Identifier(required=True)
    unit_id = Identifier(required=True)
    start = Moment(required=True)
    end = Moment(required=True)
    summary = ma.fields.String(required=True)
    holder_id = Identifier(required=True, metadata={"description": "the booking"})
    seen_at = Moment(required=True)


ClashesPage = cursor_schema(CalendarClashSchema)


def _refused(faults: Sequence[Reason]) -> list[dict[str, Any]]:
    return problems.reasons_out(sentences.tell_all(faults))


def _out(one: CalendarRecord) -> dict[str, Any]:
    row = {
        name: getattr(one, name)
        for name in (
            "name", "place", "unit_id", "zone", "zones", "unknown_zones", "state", "events", "failures", "tried_at",
            "read_at",
        )
    }  # fmt: skip
    return row | {
        "id": one.key.id,
        "refused": _refused(one.faults),
        "next_at": one.due_at,
        "added_at": one.created_at,
    }


def _shown(one: CalendarRecord) -> Any:
    return _out(one), 200, tagged(service.zones_digest(one))


def _looked(url: str, zone: str, record: ResourceRecord) -> CalendarRead:
    return calendar_reading.trial_of_url(url, zone, record.key.institution_id)


def _made(record: CalendarRecord, read: CalendarRead) -> dict[str, Any]:
    return {"id": str(record.key.id), "events": read.events, "refused": [r.as_json() for r in read.faults]}


def _added(host: str, code: str, made: dict[str, Any]) -> Any:
    one = service.calendar(kept(host, code).key, UUID(made["id"]), by=g.actor)
    looked = {
        "events": made["events"],
        "refused": _refused([Reason.from_json(r) for r in made["refused"]]),
    }
    return _out(one) | {"looked": looked}, 201, tagged(service.zones_digest(one))


@blueprint.get(_AT)
@blueprint.response(200, ExternalCalendarsSchema)
@allows(*KEEPS)
def listed(host: str, code: str) -> dict[str, Any]:
    """All calendars of a resource, in the order in which they were added; there are ten at most."""
    return {"items": [_out(one) for one in service.calendars(kept(host, code).key, by=g.actor)]}


@blueprint.post(_AT)
@blueprint.arguments(CalendarAddressIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, AddedCalendarSchema)
@allows(*KEEPS)
def add_address(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> Any:
    """Take up a calendar by its address. It is looked at first; its time is held within a minute, and it is read again
    every quarter of an hour. The people of a host have sixty fetched in an hour at most."""
    record = kept(host, code)
    zone = data["zone"] or record.zone
    read = None if sent_before(headers) else _looked(data["url"], zone, record)

    def made() -> dict[str, Any]:
        assert read is not None  # a key that was known stays known for longer than a request takes
        added = service.add_calendar(
            record.key,
            name=data["name"],
            zone_name=zone,
            unit_id=data["unit_id"],
            url=data["url"],
            by=g.actor,
        )
        return _made(added, read)

    return _added(host, code, once(headers, made))


@blueprint.post(f"{_AT}/files")
@blueprint.arguments(CalendarFileIn, location="multipart")
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, AddedCalendarSchema)
@allows(*KEEPS)
def add_file(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> Any:
    """Take up a calendar as a file. It is looked at first; its time is held within a minute."""
    record = kept(host, code)
    zone, name, unit_id = data["zone"] or record.zone, data["name"], data["unit_id"]
    (taken,) = take([data["calendar"]], data["sha256"], uploads.CALENDARS, "calendar", headers)
    read = None if sent_before(headers) else calendar_reading.trial_of_file(taken.kept.sha256, zone)

    def made() -> dict[str, Any]:
        assert read is not None
        added = calendar_reading.add_file(
            record.key, taken, name=name, zone=zone, unit_id=unit_id, by=g.actor
        )
        return _made(added, read)

    return _added(host, code, once(headers, made, same([taken], name, zone, unit_id)))


@blueprint.get(f"{_AT}/clashes")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, ClashesPage)
@allows(*KEEPS)
def clashes(args: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """Events in the time of bookings from now on, by time."""
    after = paging.unpack(args["after"], datetime, UUID, UUID, UUID)
    found = service.clashes(kept(host, code).key, by=g.actor, limit=args["limit"] + 1, after=after)
    page = paging.page_of(found, args["limit"], lambda one: one.place)
    return {"items": [_clash(one) for one in page.items], "next_cursor": page.next_cursor}


def _clash(one: Clash) -> dict[str, Any]:
    return {
        "calendar_id": one.source_id,
        "unit_id": one.unit_id,
        "start": one.span.start,
        "end": one.span.end,
        "summary": one.summary,
        "holder_id": one.holder_id,
        "seen_at": one.seen_at,
    }


@blueprint.get(_ONE)
@blueprint.response(200, ExternalCalendarSchema)
@allows(*KEEPS)
def show(host: str, code: str, calendar_id: UUID) -> Any:
    """A calendar and what its last reading found; its ``ETag`` is asked for when it is changed."""
    return _shown(service.calendar(kept(host, code).key, calendar_id, by=g.actor))


@blueprint.patch(_ONE)
@blueprint.arguments(ZonesIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, ExternalCalendarSchema)
@allows(*KEEPS)
def change(data: dict[str, Any], headers: dict[str, Any], host: str, code: str, calendar_id: UUID) -> Any:
    """Say which zones are meant by names that nobody knows; it is read again within a minute."""
    key, version = kept(host, code).key, seen(headers["tag"])
    service.say_zones(key, calendar_id, data["zones"], by=g.actor, seen=version)
    return _shown(service.calendar(key, calendar_id, by=g.actor))


@blueprint.post(f"{_ONE}/readings")
@blueprint.response(200, ExternalCalendarSchema)
@allows(*KEEPS)
def read_again(host: str, code: str, calendar_id: UUID) -> Any:
    """Have it read again within a minute, changed or not; to ask twice is to ask once."""
    key = kept(host, code).key
    service.read_again(key, calendar_id, by=g.actor)
    return _shown(service.calendar(key, calendar_id, by=g.actor))


@blueprint.delete(_ONE)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(204)
@allows(*KEEPS)
def remove(headers: dict[str, Any], host: str, code: str, calendar_id: UUID) -> None:
    """Take it away; the time that it held is free. Taking away what has gone is no error."""
    key, version = kept(host, code).key, seen(headers["tag"])
    service.remove_calendar(key, calendar_id, by=g.actor, seen=version)
