"""A day of a series that was left out, booked after all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask import flash, g, render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NoSuchBooking
from resource_hub.domain.booking.terms import BookingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.support import formatting, forms, sentences
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.web import nav
from resource_hub.entrypoints.web.booking.reading_forms import span_fields, typed_span
from resource_hub.entrypoints.web.booking.series import back_to, key_of, series
from resource_hub.kernel.errors import DomainError, Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

_DAY = "/o/<organisation>/series/<host>/<uuid:series_id>/days/<day>"


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NoSuchBooking() from None


@series.get(_DAY, endpoint="day_form")
@allows(MEMBER)
def day_form(organisation: str, host: str, series_id: UUID, day: str) -> tuple[str, int]:
    """What booking the day would mean, at the time of the series or the one in the address."""
    return _page(organisation, key_of(host, series_id), _date(day), None)


def _page(organisation: str, key: HostKey, day: date, form: Form | None) -> tuple[str, int]:
    record, side = service.series_for(key, g.actor)
    nav.wear(side, g.actor)
    resource = catalogue.resource(record.resource_key)
    forms.remember_zone(resource.zone)
    typed = typed_span(request.form if form is not None else request.args, resource.zone)
    look = service.look_series_day(key, day, typed.span, by=g.actor)
    told = sentences.tell_all(look.reasons)
    if typed.fault:
        told = [sentences.tell(Reason(typed.fault, {}, "time"))]
    here: dict[str, Any] = {"organisation": organisation, "host": resource.host_code, "series_id": key.id}
    html = render_template(
        "booking/series_day.html",
        record=record,
        resource=resource,
        day=day,
        look=look,
        told=told,
        form=form or Form({**span_fields(look.span, resource.zone), **dict(request.args)}),
        others=_others(look.alternatives, resource.zone, {**here, "day": day.isoformat()}) if told else [],
        back=url_for("series.show", **here),
    )
    return html, form.status if form else 200


def _others(
    alternatives: Iterable[Mapping[str, str]], zone_name: str, here: Mapping[str, Any]
) -> list[dict[str, str]]:
    """Times at which the day can be had, as links to this page."""
    result = []
    for one in alternatives:
        other = TimeSpan(datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"]))
        fields = span_fields(other, zone_name)
        href = url_for("series.day_form", **{**here, **fields})
        result.append(
            {"text": formatting.span(other, zone_name, year=False), "href": href, "unit": "", **fields}
        )
    return result


@series.post(_DAY, endpoint="day_booked")
@allows(MEMBER)
@once
def day_booked(organisation: str, host: str, series_id: UUID, day: str) -> Any:
    """Show what another time would mean, or book the day."""
    key, form, on = key_of(host, series_id), Form.sent(), _date(day)
    record, _side = service.series_for(key, g.actor)
    typed = typed_span(request.form, catalogue.resource(record.resource_key).zone)
    if typed.span is None:
        form.note("time", typed.fault or "booking.time_missing")
    if form.ok and request.form.get("book"):
        try:
            made = service.book_series_day(key, on, typed.span, by=g.actor, version=form.version())
        except DomainError as error:
            form.refuse(error)
        else:
            waits = made.state is BookingState.REQUESTED
            flash(_("Sent. The host answers this day.") if waits else _("The day is booked."), "good")
            return back_to(organisation, host, key)
    return _page(organisation, key, on, form)
