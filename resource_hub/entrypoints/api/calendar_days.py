"""Public holidays and make-up workdays, for the platform's staff: the year, the yearly notice read, days entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service
from resource_hub.domain.availability.service import COUNTRY
from resource_hub.domain.availability.terms import DayKind, SpecialDay
from resource_hub.domain.booking import service as booking
from resource_hub.entrypoints.api.accounts import NameSchema
from resource_hub.entrypoints.api.availability_schemas import ReasonTextSchema, YearArguments
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.writing import CreateHeaders, once
from resource_hub.entrypoints.support.fields import Text
from resource_hub.entrypoints.support.guards import allows
from resource_hub.infra import clock
from resource_hub.kernel.errors import NotFound

blueprint = Blueprint(
    "calendar_days_api", __name__, url_prefix="/api/v1/calendar-days", description="Public holidays"
)
_DAYS = ma.validate.Range(date(2000, 1, 1), date(2199, 12, 31))


class CalendarDaySchema(ma.Schema):
    """A holiday or make-up workday. ``entered``: by the platform's staff, not as published; ``provisional``: the notice
    of the year is not out yet."""

    day = ma.fields.Date(required=True)
    kind = ma.fields.String(required=True)
    name = ma.fields.Nested(NameSchema, required=True)
    stands_for = ma.fields.Date(
        required=True, allow_none=True, metadata={"description": "the day whose work it makes up"}
    )
    source = ma.fields.String(required=True)
    provisional = ma.fields.Boolean(required=True)
    entered = ma.fields.Boolean(required=True)


class CalendarYearSchema(ma.Schema):
    year = ma.fields.Integer(required=True)
    days = ma.fields.List(ma.fields.Nested(CalendarDaySchema), required=True)


class CalendarDayIn(ma.Schema):
    day = ma.fields.Date(required=True, validate=_DAYS)
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf([kind.value for kind in DayKind]))
    name = ma.fields.Nested(ReasonTextSchema, load_default=lambda: {"zh": "", "en": ""})
    stands_for = ma.fields.Date(load_default=None, allow_none=True, validate=_DAYS)
    source = Text(
        load_default="",
        validate=ma.validate.Length(max=300),
        metadata={"example": "国办发明电〔2025〕7号"},
    )


class CalendarDaysIn(ma.Schema):
    days = ma.fields.List(ma.fields.Nested(CalendarDayIn), required=True, validate=ma.validate.Length(1, 100))


class HostHitsSchema(ma.Schema):
    host = ma.fields.String(required=True)
    bookings = ma.fields.Integer(required=True)


class DaysHitSchema(ma.Schema):
    """How many bookings of each host would be left outside its hours, most first. Each host settles its own."""

    hosts = ma.fields.List(ma.fields.Nested(HostHitsSchema), required=True)


class NoticeIn(ma.Schema):
    """The yearly notice as published."""

    text = Text(required=True, validate=ma.validate.Length(1, 5000))
    year = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Range(2000, 2199))


class ReadNoticeSchema(DaysHitSchema):
    days = ma.fields.List(ma.fields.Nested(CalendarDaySchema), required=True)
    unread = ma.fields.List(ma.fields.String(), required=True, metadata={
        "description": "lines that name days and could not be read"})  # fmt: skip


def _out(one: SpecialDay, entered: bool) -> dict[str, Any]:
    return {
        "day": one.day,
        "kind": one.kind.value,
        "name": {"zh": one.name_zh, "en": one.name_en},
        "stands_for": one.stands_for,
        "source": one.source,
        "provisional": one.provisional,
        "entered": entered,
    }


def _in(rows: Sequence[Mapping[str, Any]]) -> list[SpecialDay]:
    return [
        SpecialDay(
            row["day"],
            DayKind(row["kind"]),
            row["name"]["zh"],
            row["name"]["en"],
            row["stands_for"],
            False,
            row["source"],
        )
        for row in rows
    ]


def _hits(found: Mapping[UUID, int]) -> dict[str, Any]:
    hosts = accounts.organisation_names(found)
    rows = sorted(found.items(), key=lambda row: (-row[1], hosts[row[0]].code))
    return {"hosts": [{"host": hosts[host].code, "bookings": count} for host, count in rows]}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound() from None


@blueprint.get("")
@blueprint.arguments(YearArguments, location="query")
@blueprint.response(200, CalendarYearSchema)
@allows(Role.PLATFORM_STAFF)
def year(args: dict[str, Any]) -> dict[str, Any]:
    """Holidays and make-up workdays of a year, as published and as entered."""
    asked = args["year"] or clock.now().year
    found, entered = service.calendar_year(COUNTRY, asked)
    return {"year": asked, "days": [_out(found[day], day in entered) for day in sorted(found)]}


@blueprint.post("/preview")
@blueprint.arguments(CalendarDaysIn)
@blueprint.response(200, DaysHitSchema)
@allows(Role.PLATFORM_STAFF)
def preview(data: dict[str, Any]) -> dict[str, Any]:
    """Bookings that these days would leave outside the hours, host by host; nothing is written."""
    return _hits(booking.preview_days(COUNTRY, _in(data["days"])))


@blueprint.post("/notice/preview")
@blueprint.arguments(NoticeIn)
@blueprint.response(200, ReadNoticeSchema)
@allows(Role.PLATFORM_STAFF)
def notice(data: dict[str, Any]) -> dict[str, Any]:
    """The days that a notice names, and the bookings that they would leave outside the hours; nothing is written."""
    read = service.read_notice(data["text"], data["year"])
    return {
        "days": [_out(one, False) for one in read.days],
        "unread": read.unread,
        **_hits(booking.preview_days(COUNTRY, read.days)),
    }


@blueprint.post("")
@blueprint.arguments(CalendarDaysIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, CalendarDaysIn)
@allows(Role.PLATFORM_STAFF)
def enter(data: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    """Enter days, all or none; what stood for them before is replaced. Calendars follow within a minute, and each host
    is told of its bookings that are left outside the hours."""

    def made() -> dict[str, Any]:
        service.enter_days(COUNTRY, _in(data["days"]), by=g.actor)
        return {}

    once(headers, made)
    return data


@blueprint.post("/<day>/removal/preview")
@blueprint.response(200, DaysHitSchema)
@allows(Role.PLATFORM_STAFF)
def removal_preview(day: str) -> dict[str, Any]:
    """Bookings that the published calendar would leave outside the hours, if it holds again; nothing is written."""
    return _hits(booking.preview_forgetting(COUNTRY, _day(day)))


@blueprint.delete("/<day>")
@blueprint.response(204)
@allows(Role.PLATFORM_STAFF)
def forget(day: str) -> None:
    """Take an entered day back: the published calendar holds again. Taking back what has gone is no error."""
    service.forget_day(COUNTRY, _day(day), by=g.actor)
