"""The calendar of a resource in the view and at the days asked for: month, week, day or list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import request, url_for

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import HouseDocument, Look, Stretch
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import Asked
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import formatting
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.months import month, month_of, next_month, span_of
from resource_hub.entrypoints.web.booking.reading_forms import query_of
from resource_hub.entrypoints.web.booking.timetable import days_name, first_day, first_start, timetable
from resource_hub.infra import clock
from resource_hub.kernel.time import TimeSpan, local_day, zone

VIEWS = ("month", "week", "day", "list")
USUAL = "week"


def shown(record: ResourceRecord, asked: Asked, by: Actor | None, rules: HouseDocument) -> dict[str, Any]:
    """What ``booking/_week.html`` shows: the days, their name, earlier and later ones, the other views."""
    view = request.args.get("view", "")
    chosen = view if view in VIEWS else USUAL
    today = local_day(clock.now(), zone(record.zone))
    text = request.args.get("week") or request.args.get("start_day")
    last = today + timedelta(days=rules.farthest_days)
    if chosen == "month":
        first = month_of(text, today)
        before, after = next_month(first, -1), next_month(first)
        # From a month to its weeks and days: to today, where it lies in it.
        other = today if first <= today < after else first
        found = _month(record, asked, by, first)
    else:
        first = other = first_day(text, today, chosen)
        step = timedelta(days=1 if chosen == "day" else 7)
        before, after = first - step, first + step
        found = _days(record, asked, by, first, after, view)
    return {
        **found,
        "booking_view": chosen,
        "booking_views": [
            {
                "title": word("booking.view", v),
                "href": calendar_here(record, other, view=v),
                "current": v == chosen,
            }
            for v in VIEWS
        ],
        "booking_here": request.path,
        "booking_previous": calendar_here(record, before) if first > today else "",
        "booking_next": calendar_here(record, after) if after <= last else "",
        "booking_today": calendar_here(record, today),
    }


def _month(record: ResourceRecord, asked: Asked, by: Actor | None, first: date) -> dict[str, Any]:
    week = service.calendar(record.key, span_of(record.zone, first), by, asked.customer_id)
    table = month(
        week,
        lambda day: calendar_here(record, day, view="day"),
        lambda day: calendar_here(record, day, view="week"),
    )
    return {"booking_table": None, "booking_month": table, "booking_days": table.name}


def _days(
    record: ResourceRecord, asked: Asked, by: Actor | None, first: date, after: date, view: str
) -> dict[str, Any]:
    span = availability.days_of(record.zone, first, (after - first).days)
    table = timetable(
        service.calendar(record.key, span, by, asked.customer_id),
        link=_link(record, asked, first.isoformat(), view if view in VIEWS else ""),
        move=own_change(record, by),
    )
    last = after - timedelta(days=1)
    name = formatting.day(first) if first == last else days_name(first, last)
    return {"booking_table": table, "booking_month": None, "booking_days": name}


def calendar_url(record: ResourceRecord, **values: Any) -> str:
    return url_for("booking.calendar", host=record.host_code, code=record.code, **values)


def _link(record: ResourceRecord, asked: Asked, week: str, view: str) -> Any:
    """A free piece leads to this page with its beginning chosen: so the calendar works without scripts too. An own
    booking leads to its page."""
    tz = zone(record.zone)
    rules, _number = availability.house_rules(record.key)
    length = default_minutes(rules)

    def link(stretch: Stretch, piece: TimeSpan, unit_id: UUID) -> str:
        if stretch.look is Look.MINE and stretch.holder_id is not None:
            return url_for("booking.permanent", host=record.host_code, booking_id=stretch.holder_id)
        if not stretch.bookable:
            return ""
        start = first_start(piece, tz, rules.step)
        if start is None:
            return ""
        end = min(
            start + timedelta(minutes=length),
            max(piece.end.astimezone(tz), start + timedelta(minutes=rules.step)),
        )
        values = query_of(replace(asked, span=TimeSpan(start, end), unit_id=unit_id), record.zone, view=view)
        if request.endpoint == "booking.calendar":
            return calendar_url(record, week=week, **values) + "#choose"
        here = dict(request.view_args or {})
        return url_for(request.endpoint or "booking.calendar", **here, week=week, **values) + "#choose"

    return link


def default_minutes(rules: HouseDocument) -> int:
    """How long a booking is meant to be when only its beginning was pointed at."""
    return max(rules.least, min(60, rules.most or 60))


def own_change(record: ResourceRecord, by: Actor | None) -> Callable[[Stretch], str]:
    """The address under which a booking of the reader's own is moved."""

    def move(stretch: Stretch) -> str:
        if by is None or stretch.look is not Look.MINE or stretch.holder_id is None:
            return ""
        return url_for(
            "bookings.change_form",
            organisation=by.organisation_code,
            host=record.host_code,
            booking_id=stretch.holder_id,
        )

    return move


def calendar_here(record: ResourceRecord, day: Any, view: str = "") -> str:
    """Another week or view of the page that is open, with the choice kept."""
    values: dict[str, Any] = {k: v for k, v in request.args.items() if k != "week"}
    if view:
        values["view"] = view
    if request.endpoint == "booking.calendar":
        return calendar_url(record, **values, week=day.isoformat())
    here = dict(request.view_args or {})
    return url_for(request.endpoint or "booking.calendar", **here, **values, week=day.isoformat()) + "#week"
