"""The weekly hours of a resource: as they hold, as they would be, with the bookings that this would hit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.availability import service
from resource_hub.domain.availability.terms import (
    Audience,
    DatedException,
    ExceptionKind,
    OnHolidays,
    WeeklyHours,
)
from resource_hub.domain.booking import service as booking
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import formatting, paging
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.availability import week_form
from resource_hub.entrypoints.web.availability.blueprints import MANAGES, blueprint, managed, today_of
from resource_hub.entrypoints.web.availability.hits import hit_rows, settled, typed_verdicts
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.time import TimeSpan

Hits = Sequence[booking.HitBooking]


@blueprint.get("/o/<organisation>/resources/<uuid:resource_id>/hours")
@allows(*MANAGES)
def hours(organisation: str, resource_id: UUID) -> tuple[str, int]:
    """Weekly hours from a day on, and what differs from them on single days."""
    return hours_page(organisation, managed(resource_id))


def hours_page(
    organisation: str,
    record: ResourceRecord,
    form: Form | None = None,
    *,
    draft: Sequence[WeeklyHours] | None = None,
    other: Form | None = None,
    hits: Hits | None = None,
) -> tuple[str, int]:
    """The page. ``form`` holds typed weekly hours, ``other`` a typed exception; ``hits`` belong to the one of them."""
    today = today_of(record)
    every = service.weekly_hours(record.key)
    in_force = [r for r in every if r.since <= today and (r.until is None or r.until > today)]
    later = sorted({r.since for r in every if r.since > today})
    now = clock.now()
    span = TimeSpan(now - timedelta(days=7), now + timedelta(days=400))
    units = catalogue.units(record.key, active_only=True)
    names = {u.key.id: u.name(formatting.language()) for u in units}
    weekly = form or Form({**week_form.initial(in_force if every else week_form.USUAL), "since": today})
    exception = other or Form({"kind": ExceptionKind.CLOSURE.value})
    looked = form if form is not None else other
    since = _typed_day(form)
    more = bool(request.form.get("more"))
    lines = week_form.shown_lines(weekly, more=more)
    dated = paging.part_of(
        sorted(service.exceptions(record.key, span), key=_place),
        paging.asked_limit(20),
        _place,
        paging.unpack(paging.asked_after(), datetime, UUID),
    )
    html = render_template(
        "availability/hours.html",
        record=record,
        organisation_code=organisation,
        form=weekly,
        lines=lines,
        first_new=week_form.filled(weekly) if more else None,
        seen=service.hours_digest(every),
        draft=week_form.in_words(draft) if draft is not None else None,
        draft_bars=week_form.bars(draft) if draft is not None else (),
        dropped=[day for day in later if since is not None and day >= since] if draft is not None else (),
        since=since,
        hits=hit_rows(hits, looked) if hits is not None and looked is not None else None,
        week=week_form.in_words(in_force),
        week_bars=week_form.bars(in_force),
        is_open=bool(in_force),
        later=[(day, week_form.in_words(r for r in every if r.since == day)) for day in later],
        weekdays=list(enumerate(week_form.weekday_names())),
        audiences=[(a.value, word("availability.audience", a)) for a in Audience],
        holidays=[(h.value, word("availability.on_holidays", h)) for h in OnHolidays],
        exceptions=[
            (e, names.get(e.unit_id, "") if e.unit_id else "", e.span.end <= now) for e in dated.items
        ],
        page=dated,
        units=[(str(u.key.id), names[u.key.id]) for u in units],
        kinds=[(k.value, word("availability.exception", k)) for k in ExceptionKind],
        other=exception,
        looked_at_other=other is not None,
        outside=booking.outside_hours(g.actor).get(record.key, 0),
    )
    return html, max(weekly.status, exception.status)


def _place(one: DatedException) -> tuple[datetime, UUID]:
    return one.span.start, one.id or UUID(int=0)


def _typed_day(form: Form | None) -> date | None:
    try:
        return date.fromisoformat(form.value("since")) if form is not None else None
    except ValueError:
        return None


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/hours")
@allows(*MANAGES)
@once
def hours_saved(organisation: str, resource_id: UUID) -> Any:
    """Look first, then publish: the same form, with what it would hit in between."""
    record = managed(resource_id)
    form = Form.sent()
    if request.form.get("more"):
        return hours_page(organisation, record, form)
    rows, lines = week_form.typed(form)
    since = form.day("since", required=True)
    if since is not None and since < today_of(record):
        form.note("since", "availability.rules_past", today=today_of(record).isoformat())
    if form.text("seen") != service.hours_digest(service.weekly_hours(record.key)):
        form.refuse(service.HoursChanged())
    if not form.ok or since is None:
        return hours_page(organisation, record, form)
    hits: Hits | None = None
    try:
        hits = booking.preview_hours(record.key, rows, since, by=g.actor)
        if request.form.get("look"):
            return hours_page(organisation, record, form, draft=rows, hits=hits)
        count = booking.publish_hours(
            record.key,
            rows,
            since,
            by=g.actor,
            seen=form.text("seen"),
            verdicts=typed_verdicts(form),
            reason=form.text("reason", longest=500) or "",
        )
    except DomainError as error:
        form.refuse(week_form.placed(error, lines))
        return hours_page(organisation, record, form, draft=rows if hits is not None else None, hits=hits)
    flash(_("Published; the hours hold from %(day)s.", day=formatting.day(since)) + settled(count), "good")
    return redirect(url_for("availability.hours", organisation=organisation, resource_id=resource_id), 303)
