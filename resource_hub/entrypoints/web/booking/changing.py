"""Moving, extending or shortening a booking: by form and by dragging it in its week, with what that would mean."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import flash, g, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Stretch
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import BookingState, Side
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.support import formatting, forms, money_text, pages, sentences
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.web import nav
from resource_hub.entrypoints.web.booking.blueprints import bookings
from resource_hub.entrypoints.web.booking.detail import back_to, key_of
from resource_hub.entrypoints.web.booking.reading_forms import span_fields, typed_span
from resource_hub.entrypoints.web.booking.timetable import days_name, first_start, monday_of, timetable
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, local_day, zone


@bookings.get("/o/<organisation>/bookings/<host>/<uuid:booking_id>/change")
@allows(MEMBER)
def change_form(organisation: str, host: str, booking_id: UUID) -> tuple[str, int]:
    """Move, extend or shorten; with a time in the address, what that would mean."""
    return _change_page(organisation, key_of(host, booking_id), None)


def _change_page(organisation: str, key: HostKey, form: Form | None) -> tuple[str, int]:
    found = service.detail(key, g.actor)
    nav.wear(found.side, g.actor)
    record, resource = found.record, found.resource
    forms.remember_zone(resource.zone)
    values = request.form if form is not None else request.args
    typed = typed_span(values, resource.zone)
    preview = None
    told: list[sentences.Told] = []
    if typed.fault:
        told = [sentences.tell(Reason(typed.fault, {}, "time"))]
    elif typed.span is not None and typed.span != record.span:
        try:
            preview = service.change_preview(key, typed.span, by=g.actor)
            told = sentences.tell_all(preview.reasons)
            if not preview.free and not told:
                reason = {
                    "start": typed.span.start.isoformat(),
                    "end": typed.span.end.isoformat(),
                    "zone": resource.zone,
                }
                told = [sentences.tell(Reason("availability.slot_taken", reason, "time"))]
        except DomainError as error:
            told = sentences.tell_all(error)
    fixed = preview is not None and service.held_fast(preview.reasons)
    html = pages.render(
        "booking/change.html",
        "booking/_change.html",
        d=found,
        record=record,
        resource=resource,
        form=form or Form({**span_fields(record.span, resource.zone), **dict(request.args)}),
        preview=preview,
        fees=service.shown_fees(preview.fees) if preview is not None else (),
        seen_fees=money_text.packed(preview.fees) if preview is not None else "",
        told=told,
        others=_others(organisation, found, typed.span) if told and not fixed else (),
        new_span=typed.span,
        is_host=found.side is Side.HOST,
        organisation_code=organisation,
        host=accounts.organisation(record.institution_id),
        rules=availability.house_rules(record.resource_key)[0],
        **_week(organisation, found, typed.span),
    )
    return html, form.status if form is not None else 200


def _change_url(organisation: str, found: service.Detail, **values: Any) -> str:
    return url_for(
        "bookings.change_form",
        organisation=organisation,
        host=found.resource.host_code,
        booking_id=found.record.key.id,
        **values,
    )


def _others(organisation: str, found: service.Detail, span: TimeSpan | None) -> list[dict[str, str]]:
    """Times to which the booking could be moved, nearest to the one wished for."""
    record, zone_name = found.record, found.resource.zone
    if span is None or record.span is None or record.customer_id not in g.actor.customer_ids:
        return []
    rows = service.alternatives(
        record.resource_key, service.asked_of(record, span), by=g.actor, ignore=record.key.id
    )
    result = []
    for row in rows:
        other = TimeSpan(datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["end"]))
        fields = span_fields(other, zone_name)
        result.append(
            {
                "text": formatting.span(other, zone_name, year=False),
                "href": _change_url(organisation, found, **fields) + "#choose",
                "unit": row["unit_id"],
                **fields,
            }
        )
    return result


def _week(organisation: str, found: service.Detail, span: TimeSpan | None) -> dict[str, Any]:
    """The week in which the booking stands or shall stand, to drag it in."""
    record, resource = found.record, found.resource
    if record.span is None or not resource.bookable:
        return {"table": None}
    tz = zone(resource.zone)
    shown = span or record.span
    monday = monday_of(request.args.get("week"), local_day(shown.start, tz))
    week = service.calendar(record.resource_key, availability.days_of(resource.zone, monday, 7), g.actor)

    def move(stretch: Stretch) -> str:
        return _change_url(organisation, found) if stretch.holder_id == record.key.id else ""

    def link(stretch: Stretch, piece: TimeSpan, unit_id: UUID) -> str:
        if not stretch.bookable or record.span is None:
            return ""
        start = first_start(piece, tz, week.step_minutes)
        if start is None:
            return ""
        wish = TimeSpan(start, start + timedelta(seconds=record.span.seconds))
        return _change_url(organisation, found, **span_fields(wish, resource.zone)) + "#choose"

    step = timedelta(days=7)
    return {
        "table": timetable(week, link=link, move=move),
        "days_shown": days_name(monday, monday + timedelta(days=6)),
        "previous": _change_url(organisation, found, week=(monday - step).isoformat())
        if monday > local_day(clock.now(), tz)
        else "",
        "following": _change_url(organisation, found, week=(monday + step).isoformat()),
    }


@bookings.post("/o/<organisation>/bookings/<host>/<uuid:booking_id>/change")
@allows(MEMBER)
@once
def changed(organisation: str, host: str, booking_id: UUID) -> Any:
    key, form = key_of(host, booking_id), Form.sent()
    record, side = service.booking_for(key, g.actor)
    typed = typed_span(request.form, catalogue.resource(record.resource_key).zone)
    if typed.span is None:
        form.note("time", typed.fault or "booking.time_missing")
        return _change_page(organisation, key, form)
    try:
        done = service.change(
            key, typed.span, by=g.actor, version=form.version(), note=form.text("note", longest=500) or "",
            kind="proposed" if side is Side.HOST else "changed", expected=money_text.unpacked(form.text("fees")) or (),
        )  # fmt: skip
    except DomainError as error:
        form.refuse(error)
        return _change_page(organisation, key, form)
    if done.state is BookingState.REQUESTED and record.state is BookingState.APPROVED:
        flash(_("Moved. The host answers the new time; the old one is free."), "wait")
    else:
        flash(_("Moved. Number and calendar entry stay the same."), "good")
    return back_to(organisation, host, booking_id)
