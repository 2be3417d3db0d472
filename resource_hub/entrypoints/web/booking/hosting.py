"""The host's side: requests that wait for an answer, and the calendar of all that one looks after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import g, render_template, request, url_for

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Lane, Stretch, Viewer
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import BookingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ListingState
from resource_hub.entrypoints.support import forms
from resource_hub.entrypoints.support.formatting import language, plain
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.booking.blueprints import calendar, requests
from resource_hub.entrypoints.web.booking.lists import rows_of
from resource_hub.entrypoints.web.booking.timetable import lane_name, monday_of, shown_part, timetable
from resource_hub.infra import clock
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, local_day, zone

SEES = (Role.MANAGER, Role.DEPUTY, Role.OPERATOR, Role.OFFICE, Role.INSTITUTION_ADMIN)
SHOWN = 40


@requests.get("/o/<organisation>/requests")
@allows(*SEES)
def index(organisation: str) -> str:
    """What waits for an answer, the nearest term first, each with what it would take from whom."""
    host = accounts.organisation(organisation)
    forms.remember_zone(host.zone)
    waiting = rows_of(service.requests(g.actor))
    working = rows_of(
        service.bookings_at(
            g.actor,
            states=[BookingState.RECEIVED, BookingState.IN_PROGRESS, BookingState.DELIVERED],
            limit=100,
        )
    )
    answered = rows_of(
        service.bookings_at(
            g.actor,
            states=[BookingState.APPROVED, BookingState.REJECTED],
            since=clock.now() - timedelta(days=14),
            limit=15,
            newest=True,
        )
    )
    return render_template(
        "booking/requests.html",
        waiting=waiting,
        working=working,
        answered=answered,
        host=host,
        now=clock.now(),
    )


@calendar.get("/o/<organisation>/calendar", endpoint="index")
@allows(*SEES)
def hosts_calendar(organisation: str) -> str:
    """All that one looks after over a day or a week: units as lanes, with who holds them."""
    host = accounts.organisation(organisation)
    forms.remember_zone(host.zone)
    today = local_day(clock.now(), zone(host.zone))
    view = "week" if request.args.get("view") == "week" else "day"
    asked = request.args.get("day", "")
    monday = monday_of(asked, today)
    try:
        day = today.fromisoformat(asked) if asked else today
    except ValueError:
        day = today
    if abs((day - today).days) > 800:
        day = today
    managed = [r for r in catalogue.resources_managed_by(g.actor, states=[ListingState.PUBLIC]) if r.bookable]
    chosen = request.args.get("resource", "")
    shown = [r for r in managed if r.code == chosen] or managed
    first = monday if view == "week" else day
    span = availability.days_of(host.zone, first, 7 if view == "week" else 1)
    keys = [r.key for r in shown[:SHOWN]]
    weeks = availability.weeks(keys, span, Viewer(outside=True, host=True)) if keys else {}
    holders = {
        s.holder_id
        for w in weeks.values()
        for lane in w.lanes
        for s in lane.stretches
        if s.holder_id is not None
    }
    booked = service.records([HostKey(host.id, h) for h in holders])
    customers = accounts.customers({b.customer_id for b in booked.values()})

    def tell(stretch: Stretch) -> str:
        found = booked.get(HostKey(host.id, stretch.holder_id)) if stretch.holder_id else None
        if found is None or stretch.look.value in ("setup", "teardown"):
            return ""
        customer = customers.get(found.customer_id)
        return plain(customer.name_in(language())) if customer else found.number

    def link(stretch: Stretch, piece: TimeSpan, unit_id: UUID) -> str:
        if stretch.holder_id is None or HostKey(host.id, stretch.holder_id) not in booked:
            return ""
        return url_for(
            "bookings.show", organisation=organisation, host=host.code, booking_id=stretch.holder_id
        )

    part = shown_part(weeks.values())

    def label(lane: Lane) -> str:
        return lane_name(lane)

    tables = [
        (r, timetable(weeks[r.key], link=link, tell=tell, part=part, label=label))
        for r in shown[:SHOWN]
        if r.key in weeks
    ]
    step = timedelta(days=7 if view == "week" else 1)
    here: dict[str, Any] = {"view": view, "resource": chosen or None}
    return render_template(
        "booking/hosts_calendar.html",
        tables=tables,
        managed=managed,
        chosen=chosen,
        view=view,
        day=first,
        last=first + timedelta(days=6),
        host=host,
        more=max(0, len(shown) - SHOWN),
        previous=url_for("calendar.index", organisation=organisation, day=(first - step).isoformat(), **here),
        following=url_for(
            "calendar.index", organisation=organisation, day=(first + step).isoformat(), **here
        ),
        today_href=url_for("calendar.index", organisation=organisation, **here),
        week_href=url_for(
            "calendar.index",
            organisation=organisation,
            day=first.isoformat(),
            view="week",
            resource=chosen or None,
        ),
        day_href=url_for(
            "calendar.index", organisation=organisation, day=first.isoformat(), resource=chosen or None
        ),
    )
