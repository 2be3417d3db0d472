"""When a resource can be had: its calendar and free times for everybody, hours and house rules for who keeps them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import g

from resource_hub.domain.availability import service
from resource_hub.domain.availability.errors import InvalidHours
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import Fate
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.api import CursorArguments
from resource_hub.entrypoints.api.availability_schemas import (
    CalendarSchema,
    DatesPage,
    DatesSchema,
    DecidedIn,
    DocumentIn,
    ExceptionIn,
    ExceptionSchema,
    ExceptionsSchema,
    FreeArguments,
    FreeTimesSchema,
    HitsSchema,
    HoursIn,
    HoursSchema,
    ProtectedHoursSchema,
    PublishedHoursSchema,
    PublishExceptionIn,
    PublishHoursIn,
    PublishRepeatedIn,
    RepeatedHitsSchema,
    RepeatedIn,
    RepeatedSchema,
    RulesHistorySchema,
    RulesIn,
    RulesPreviewSchema,
    RulesSchema,
    SettledSchema,
    SpanArguments,
    TakenBackSchema,
    ToSettlePage,
    YearArguments,
)
from resource_hub.entrypoints.api.availability_values import (
    dates_out,
    exception_in,
    exception_out,
    hit_out,
    lane_out,
    read_back,
    stretches_in,
    trial_out,
    use_out,
    verdicts_in,
    version_out,
    weekly_out,
)
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.booking_values import rule_in
from resource_hub.entrypoints.api.common import KEEPS, kept, own_house, seen_resource, span_of
from resource_hub.entrypoints.api.writing import CreateHeaders, EditHeaders, once, seen, seen_number, tagged
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.guards import PUBLIC, allows
from resource_hub.infra import clock
from resource_hub.infra.ids import new_id
from resource_hub.kernel.errors import NotFound, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, local_day, zone
from resource_hub.reports import protected_hours

blueprint = Blueprint(
    "availability_api",
    __name__,
    url_prefix="/api/v1",
    description="Calendars, free times, hours and house rules",
)
# So many days are looked at in one answer.
MOST_DAYS = 62
_AT = "/hosts/<host>/resources/<code>"


# ---- reading and writing values --------------------------------------------------------------------------------


def _asked_span(args: dict[str, Any], most_days: int = MOST_DAYS) -> TimeSpan:
    since = args["since"] or clock.now()
    return span_of(since, args["until"] or since + timedelta(days=7), "until", most_days)


# ---- calendar and free times -----------------------------------------------------------------------------------


@blueprint.get(f"{_AT}/calendar")
@blueprint.arguments(SpanArguments, location="query")
@blueprint.response(200, CalendarSchema)
@allows(PUBLIC)
def calendar(args: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """The lanes of a resource, piece by piece, each with its reason. Strangers see that a time is taken, no more."""
    record = seen_resource(host, code)
    week = booking.calendar(record.key, _asked_span(args), g.get("actor"))
    return {
        "zone": week.zone,
        "since": week.span.start,
        "until": week.span.end,
        "as_of": week.as_of,
        "step_minutes": week.step_minutes,
        "setup_seconds": week.setup_seconds,
        "teardown_seconds": week.teardown_seconds,
        "special_days": [
            {
                "day": day,
                "kind": special.kind.value,
                "name": {"zh": special.name_zh, "en": special.name_en},
                "provisional": special.provisional,
            }
            for day, special in sorted(week.special.items())
        ],
        "lanes": [lane_out(lane) for lane in week.lanes],
    }


@blueprint.get(f"{_AT}/free-times")
@blueprint.arguments(FreeArguments, location="query")
@blueprint.response(200, FreeTimesSchema)
@allows(PUBLIC)
def free_times(args: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """Where a booking may lie, by time and unit. Protected hours are among them for customers from outside."""
    record = seen_resource(host, code)
    span = _asked_span(args)
    viewer = booking.viewer_of(record, span, g.get("actor"))
    least = timedelta(minutes=args["minutes"])
    ahead = max(span.start, clock.now())
    found = service.free_times(record.key, span, outside=viewer.may_use_protected)
    items = [
        {"unit_id": one.unit_id, "start": max(one.span.start, ahead), "end": one.span.end}
        for one in found
        if one.span.end > ahead and one.span.end - max(one.span.start, ahead) >= least
    ]
    return {"zone": record.zone, "items": items}


# ---- weekly hours ----------------------------------------------------------------------------------------------


@blueprint.get(f"{_AT}/hours")
@blueprint.response(200, HoursSchema)
@allows(PUBLIC)
def hours(host: str, code: str) -> Any:
    """The weekly pattern, past and future stretches too; the ``ETag`` is asked for when it is changed."""
    record = seen_resource(host, code)
    rows = service.weekly_hours(record.key)
    answer = {"zone": record.zone, "stretches": [weekly_out(row) for row in rows]}
    return answer, 200, tagged(service.hours_digest(rows))


def _not_past(record: ResourceRecord, since: date) -> None:
    today = local_day(clock.now(), zone(record.zone))
    if since < today:
        raise InvalidHours(Reason("availability.rules_past", {"today": today.isoformat()}, "since"))


@blueprint.post(f"{_AT}/hours/preview")
@blueprint.arguments(HoursIn)
@blueprint.response(200, HitsSchema)
@allows(*KEEPS)
def hours_preview(data: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """Bookings that new weekly hours would leave outside; nothing is written."""
    record = kept(host, code)
    _not_past(record, data["since"])
    rows = stretches_in(data["stretches"])
    return {"hits": [hit_out(h) for h in booking.preview_hours(record.key, rows, data["since"], by=g.actor)]}


@blueprint.put(f"{_AT}/hours")
@blueprint.arguments(PublishHoursIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, PublishedHoursSchema)
@allows(*KEEPS)
def save_hours(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> Any:
    """Publish a weekly pattern from a day on, with a verdict on each booking that it leaves outside."""
    record = kept(host, code)
    version = seen(headers["tag"])
    _not_past(record, data["since"])
    rows = stretches_in(data["stretches"])
    hits = booking.publish_hours(
        record.key,
        rows,
        data["since"],
        by=g.actor,
        seen=version,
        verdicts=verdicts_in(data),
        reason=data["reason_to_customers"],
    )
    present = service.weekly_hours(record.key)
    answer = {"zone": record.zone, "stretches": [weekly_out(r) for r in present], "hits": hits}
    return answer, 200, tagged(service.hours_digest(present))


# ---- closures, extra openings, maintenance ---------------------------------------------------------------------


@blueprint.get(f"{_AT}/exceptions")
@blueprint.arguments(SpanArguments, location="query")
@blueprint.response(200, ExceptionsSchema)
@allows(PUBLIC)
def exceptions(args: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """Closures, extra openings and maintenance that meet a span."""
    record = seen_resource(host, code)
    return {"items": [exception_out(one) for one in service.exceptions(record.key, _asked_span(args, 732))]}


@blueprint.post(f"{_AT}/exceptions/preview")
@blueprint.arguments(ExceptionIn)
@blueprint.response(200, HitsSchema)
@allows(*KEEPS)
def exception_preview(data: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """Bookings that a closure would leave outside, or that stand in the way of maintenance; nothing is written."""
    record = kept(host, code)
    hits = booking.preview_exception(record.key, exception_in(data), by=g.actor)
    return {"hits": [hit_out(h) for h in hits]}


@blueprint.post(f"{_AT}/exceptions")
@blueprint.arguments(PublishExceptionIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, ExceptionSchema)
@allows(*KEEPS)
def add_exception(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> Any:
    """Enter a closure, an extra opening or maintenance, with a verdict on each booking that it hits.

    A closure may leave a booking where it is; maintenance takes the units, so a booking in its way moves or goes.
    """
    record = kept(host, code)
    wanted = replace(exception_in(data), id=new_id())

    def made() -> dict[str, Any]:
        booking.publish_exception(
            record.key, wanted, by=g.actor, verdicts=verdicts_in(data), reason=data["reason_to_customers"]
        )
        return {"id": str(wanted.id)}

    return _exception(record.key, UUID(once(headers, made)["id"]), 201)


def _exception(key: HostKey, exception_id: UUID, status: int) -> Any:
    one = service.exception(key, exception_id)
    return exception_out(one), status, tagged(service.dates_digest([exception_id]))


@blueprint.get(f"{_AT}/exceptions/<uuid:exception_id>")
@blueprint.response(200, ExceptionSchema)
@allows(PUBLIC)
def one_exception(host: str, code: str, exception_id: UUID) -> Any:
    """A closure, extra opening or maintenance; its ``ETag`` is asked for when it is taken back."""
    return _exception(seen_resource(host, code).key, exception_id, 200)


@blueprint.post(f"{_AT}/exceptions/<uuid:exception_id>/removal/preview")
@blueprint.response(200, HitsSchema)
@allows(*KEEPS)
def removal_preview(host: str, code: str, exception_id: UUID) -> dict[str, Any]:
    """Bookings in time that closes again when an extra opening is taken back; nothing is written."""
    record = kept(host, code)
    hits = booking.preview_take_back(record.key, [exception_id], by=g.actor)
    return {"hits": [hit_out(h) for h in hits]}


@blueprint.delete(f"{_AT}/exceptions/<uuid:exception_id>")
@blueprint.arguments(DecidedIn, required=False)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(204)
@allows(*KEEPS)
def remove_exception(
    data: dict[str, Any], headers: dict[str, Any], host: str, code: str, exception_id: UUID
) -> None:
    """Take it back, with a verdict on each booking in time that closes again. Removing what has gone is no error.

    Where nobody is hit no body is needed.
    """
    record = kept(host, code)
    version = seen(headers["tag"])
    booking.take_back(
        record.key,
        exception_id,
        by=g.actor,
        seen=version,
        verdicts=verdicts_in(data),
        reason=data["reason_to_customers"],
    )


@blueprint.post(f"{_AT}/exceptions/repeated/preview")
@blueprint.arguments(RepeatedIn)
@blueprint.response(200, RepeatedHitsSchema)
@allows(*KEEPS)
def repeated_preview(data: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """The dates of a closure, extra opening or maintenance that comes again, and the bookings that they would hit;
    nothing is written."""
    record = kept(host, code)
    first, rule = exception_in(data), rule_in(data["rule"])
    dates = booking.preview_repeated(record.key, first, rule, by=g.actor)
    return {
        "dates": [
            {"start": d.exception.span.start, "end": d.exception.span.end, "bookings": len(d.holders)}
            for d in dates
        ],
        "hits": [hit_out(h) for h in booking.preview_hits(record.key, first, rule, by=g.actor)],
    }


@blueprint.post(f"{_AT}/exceptions/repeated")
@blueprint.arguments(PublishRepeatedIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, RepeatedSchema)
@allows(*KEEPS)
def add_repeated(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """Enter every date, with a verdict on each booking that it hits; or leave out the dates that hit bookings."""
    record = kept(host, code)

    def made() -> dict[str, Any]:
        entered, left_out = booking.publish_repeated(
            record.key,
            exception_in(data),
            rule_in(data["rule"]),
            by=g.actor,
            leave_out=data["leave_out"],
            verdicts=verdicts_in(data),
            for_all=Fate(data["for_all"]) if data["for_all"] else None,
            reason=data["reason_to_customers"],
        )
        return {"entered": entered, "left_out": left_out}

    return once(headers, made)


@blueprint.get(f"{_AT}/exceptions/repeated")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, DatesPage)
@allows(*KEEPS)
def repeated(args: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """What was entered as dates that come again and is not over, the next date first."""
    found = service.dates_entered(kept(host, code).key)
    after = paging.unpack(args["after"], datetime, UUID)
    page = paging.part_of(found, args["limit"], lambda one: one.place, after)
    return {"items": [dates_out(one) for one in page.items], "next_cursor": page.next_cursor}


@blueprint.post(f"{_AT}/exceptions/repeated/<uuid:series_id>/removal/preview")
@blueprint.response(200, HitsSchema)
@allows(*KEEPS)
def repeated_removal_preview(host: str, code: str, series_id: UUID) -> dict[str, Any]:
    """Bookings in time that closes again when the dates that have not begun are taken back; nothing is written."""
    key = kept(host, code).key
    hits = booking.preview_take_back(key, service.dates_ahead(key, series_id), by=g.actor)
    return {"hits": [hit_out(h) for h in hits]}


@blueprint.get(f"{_AT}/exceptions/repeated/<uuid:series_id>")
@blueprint.response(200, DatesSchema)
@allows(*KEEPS)
def one_repeated(host: str, code: str, series_id: UUID) -> Any:
    """Dates that come again and are not over; their ``ETag`` is asked for when they are taken back."""
    key = kept(host, code).key
    found = next((one for one in service.dates_entered(key) if one.id == series_id), None)
    if found is None:
        raise NotFound()
    return dates_out(found), 200, tagged(service.dates_digest(service.dates_ahead(key, series_id)))


@blueprint.delete(f"{_AT}/exceptions/repeated/<uuid:series_id>")
@blueprint.arguments(DecidedIn, required=False)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, TakenBackSchema)
@allows(*KEEPS)
def remove_repeated(
    data: dict[str, Any], headers: dict[str, Any], host: str, code: str, series_id: UUID
) -> dict[str, Any]:
    """Take back the dates that have not begun, with a verdict on each booking in time that closes again. Taking back
    what has gone is no error; where nobody is hit no body is needed."""
    key = kept(host, code).key
    version = seen(headers["tag"])
    dates, hits = booking.take_back_dates(
        key,
        series_id,
        by=g.actor,
        seen=version,
        verdicts=verdicts_in(data),
        reason=data["reason_to_customers"],
    )
    return {"dates": dates, "hits": hits}


# ---- protected hours, and bookings outside the hours -----------------------------------------------------------


@blueprint.get(f"{_AT}/protected-hours")
@blueprint.arguments(YearArguments, location="query")
@blueprint.response(200, ProtectedHoursSchema)
@allows(*KEEPS)
def protected(args: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """Hours kept for customers from outside, month by month: promised, used by them, broken and by what, left free.

    Time ahead counts as it is booked now.
    """
    record = kept(host, code)
    year = args["year"] or local_day(clock.now(), zone(record.zone)).year
    months = protected_hours.of_year(record.key, year)
    return {
        "zone": record.zone,
        "year": year,
        "as_of": clock.now(),
        "months": [{"month": f"{month.first:%Y-%m}", **use_out(month.use)} for month in months],
        "whole": use_out(protected_hours.total(months)),
    }


@blueprint.get("/hosts/<host>/outside-hours")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, ToSettlePage)
@allows(*KEEPS)
def to_settle(args: dict[str, Any], host: str) -> dict[str, Any]:
    """Resources of the token's host with bookings that a public holiday or make-up workday left outside the hours, as
    far as the person's roles reach, by code."""
    own_house(host)
    counted = booking.outside_hours(g.actor)
    found = sorted(catalogue.resources(counted).values(), key=lambda one: one.code)
    page = paging.part_of(found, args["limit"], lambda one: (one.code,), paging.unpack(args["after"], str))
    items = [{"id": r.key.id, "code": r.code, "bookings": counted[r.key]} for r in page.items]
    return {"items": items, "next_cursor": page.next_cursor}


@blueprint.get(f"{_AT}/outside-hours")
@blueprint.response(200, HitsSchema)
@allows(*KEEPS)
def outside(host: str, code: str) -> dict[str, Any]:
    """Bookings of a resource that wait for what becomes of them. They stand until somebody decides."""
    return {"hits": [hit_out(h) for h in booking.preview_outside(kept(host, code).key, by=g.actor)]}


@blueprint.post(f"{_AT}/outside-hours")
@blueprint.arguments(DecidedIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(200, SettledSchema)
@allows(*KEEPS)
def settle(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """Settle them all, with a verdict on each: it stays, moves or is cancelled."""
    key = kept(host, code).key

    def made() -> dict[str, Any]:
        hits = booking.settle_outside(
            key, by=g.actor, verdicts=verdicts_in(data), reason=data["reason_to_customers"]
        )
        return {"hits": hits}

    return once(headers, made)


# ---- house rules -----------------------------------------------------------------------------------------------


@blueprint.get(f"{_AT}/rules")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, RulesHistorySchema)
@allows(PUBLIC)
def rules(args: dict[str, Any], host: str, code: str) -> Any:
    """The house rules of today and their versions, the newest first; the ``ETag`` is asked for when a new one is
    written."""
    record = seen_resource(host, code)
    present, number = service.house_rules(record.key)
    (before,) = paging.unpack(args["after"], date) or (None,)
    found = service.rules_history(record.key, args["limit"] + 1, before)
    page = paging.page_of(found, args["limit"], lambda one: (one.since,))
    answer = {
        "in_force": read_back(service.write_rules(present)),
        "number": number,
        "versions": [version_out(one) for one in page.items],
        "next": page.next_cursor,
    }
    return answer, 200, tagged(service.newest_rules_number(record.key))


@blueprint.post(f"{_AT}/rules/preview")
@blueprint.arguments(DocumentIn)
@blueprint.response(200, RulesPreviewSchema)
@allows(*KEEPS)
def rules_preview(data: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """A document checked, read back, and tried on the bookings of the last months; nothing is written."""
    record = kept(host, code)
    draft = service.read_rules(data["document"])
    return read_back(data["document"]) | {
        "trial": trial_out(booking.try_rules(record.key, draft, by=g.actor, months=data["months"]))
    }


@blueprint.post(f"{_AT}/rules")
@blueprint.arguments(RulesIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(201, RulesSchema)
@allows(*KEEPS)
def save_rules(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> Any:
    """Publish house rules from a day on. A version in force never changes; one that is still ahead is replaced."""
    record = kept(host, code)
    number = service.save_rules(
        record.key,
        data["document"],
        data["since"],
        note=data["note"],
        by=g.actor,
        seen=seen_number(headers["tag"]),
    )
    (made,) = service.rules_history(record.key, 1, data["since"] + timedelta(days=1))
    return version_out(made), 201, tagged(number)
