"""The laboratory's day: who comes, who is in, what is late; and closing it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import segno
from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response

import config
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service as bookings
from resource_hub.domain.booking.terms import Side
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.errors import NoSuchUnit
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.booking.ratings import asks_to_rate
from resource_hub.entrypoints.web.usage.codes import kiosk_code
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone

blueprint = Blueprint("usage", __name__)
Answer = str | Response | tuple[str, int]
LABORATORY = (Role.MANAGER, Role.DEPUTY, Role.OPERATOR)
_MOST_TO_RATE = 50
CLOSES = (Role.MANAGER, Role.DEPUTY)


def asked_day(today: date) -> date:
    """The day in the address, else today; nonsense is today."""
    try:
        return date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return today


def here() -> Any:
    """The actor's institution; its zone becomes the page's."""
    host = accounts.organisation(g.actor.organisation_id)
    g.zone = host.zone
    return host


# ---- today ------------------------------------------------------------------------------------------------------


@blueprint.get("/o/<organisation>/today")
@allows(*LABORATORY)
def today(organisation: str) -> str:
    host = here()
    now = clock.now()
    present = local_day(now, zone(host.zone))
    board = usage.day_board(g.actor, asked_day(present))
    return render_template(
        "usage/today.html",
        board=board,
        today=present,
        before=board.day - timedelta(days=1),
        after=board.day + timedelta(days=1),
        requests=bookings.waiting_count(g.actor),
        others=bookings.waiting_count(g.actor, mine=False),
        to_rate=_to_rate(),
        outside=bookings.outside_hours(g.actor),
        hours=_scale(board),
        place=_place(board),
        may_close=g.actor.has(*CLOSES),
    )


def _to_rate() -> str:
    """How many uses wait for a rating; from fifty on that there are more."""
    found = len(bookings.to_rate(g.actor, Side.HOST, _MOST_TO_RATE + 1)) if asks_to_rate(Side.HOST) else 0
    return f"{_MOST_TO_RATE}+" if found > _MOST_TO_RATE else str(found or "")


def _scale(board: usage.DayBoard) -> list[tuple[int, float]]:
    """Hours of the board's axis with their place in per cent: the part of the day in which anything happens."""
    first, last = _edges(board)
    length = (last - first).total_seconds()
    marks = []
    moment = first
    while moment <= last:
        marks.append(
            (moment.astimezone(zone(board.host.zone)).hour, (moment - first).total_seconds() / length * 100)
        )
        moment += timedelta(hours=2)
    return marks


def _edges(board: usage.DayBoard) -> tuple[Any, Any]:
    tz = zone(board.host.zone)
    begin = board.span.start.astimezone(tz).replace(hour=8).astimezone(board.span.start.tzinfo)
    end = begin + timedelta(hours=12)
    for lane in board.lanes:
        for item in lane.items:
            if item.span is not None:
                begin = min(begin, max(item.span.start, board.span.start))
                end = max(end, min(item.span.end, board.span.end))
    begin = begin.replace(minute=0, second=0, microsecond=0)
    return max(begin, board.span.start), min(end, board.span.end)


def _place(board: usage.DayBoard) -> Any:
    """Where a moment lies on the axis, in per cent, cut to the axis."""
    first, last = _edges(board)
    length = (last - first).total_seconds()

    def place(moment: Any) -> float:
        return round(min(100.0, max(0.0, (moment - first).total_seconds() / length * 100)), 2)

    return place


@blueprint.post("/o/<organisation>/sessions/<uuid:session_id>/no-show")
@allows(*LABORATORY)
@once
def no_show(organisation: str, session_id: UUID) -> Answer:
    """The button on a booking that is late: nobody is coming."""
    usage.mark_no_show(HostKey(g.actor.organisation_id, session_id), g.actor)
    flash(_("Recorded as a no-show. The rest of the slot is free."), "good")
    return redirect(url_for("usage.today", organisation=organisation), 303)


@blueprint.post("/o/<organisation>/faults/<uuid:fault_id>/close")
@allows(*LABORATORY)
@once
def close_fault(organisation: str, fault_id: UUID) -> Answer:
    form = Form.sent()
    note = form.text("note", longest=2000) or ""
    usage.close_fault(g.actor, HostKey(g.actor.organisation_id, fault_id), note)
    flash(_("The fault is closed."), "good")
    return redirect(url_for("usage.today", organisation=organisation), 303)


# ---- the day close ----------------------------------------------------------------------------------------------


@blueprint.get("/o/<organisation>/day-close")
@allows(*LABORATORY)
def day_close(organisation: str) -> Answer:
    return _close_page(Form())


def _close_page(form: Form) -> tuple[str, int]:
    host = here()
    present = local_day(clock.now(), zone(host.zone))
    ids = [r.key.id for r in catalogue.resources_managed_by(g.actor)]
    open_days = usage.open_days(host.id, ids, present)
    # Without a day in the address the oldest one that waits comes first: its term runs out first.
    day = asked_day(open_days[0].day if open_days else present)
    lines = usage.close_lines(g.actor, day)
    resources = catalogue.resources([HostKey(host.id, line.session.resource_id) for line in lines])
    html = render_template(
        "usage/day_close.html",
        form=form,
        day=day,
        today=present,
        open_days=open_days,
        lines=lines,
        to_look=[line for line in lines if line.look and line.suggestion != "wait"],
        agreeing=[line for line in lines if line.agrees],
        waiting=[line for line in lines if line.suggestion == "wait"],
        resources=resources,
        customers=accounts.customers({c for line in lines for c in line.customers}),
        may_close=g.actor.has(*CLOSES),
        due=min((d.seal_due_at for d in open_days if d.day == day and d.seal_due_at), default=None),
    )
    return html, form.status


@blueprint.post("/o/<organisation>/day-close")
@allows(*CLOSES)
@once
def close_day(organisation: str) -> Answer:
    """Seal what was ticked. Each line carries the version that was looked at."""
    here()
    form = Form.sent()
    day = form.day("day", required=True)
    verdicts = []
    for text in request.form.getlist("session"):
        session_id, _sep, version = text.partition(":")
        answer = request.form.get(f"answer-{session_id}", "accept")
        if answer == "later" or not version.isdigit():
            continue
        try:
            verdicts.append(usage.Verdict(UUID(session_id), int(version), no_show=answer == "no_show"))
        except ValueError:
            form.note(None, "form.not_an_id")
    if form.ok and day is not None:
        try:
            sealed = usage.close_day(g.actor, day, verdicts)
        except DomainError as error:
            form.refuse(error)
        else:
            count = len(sealed)
            flash(
                ngettext("%(num)d session is sealed.", "%(num)d sessions are sealed.", count)
                if count
                else _("Nothing was chosen, so nothing was sealed."),
                "good" if count else "wait",
            )
            return redirect(url_for("usage.day_close", organisation=organisation), 303)
    return _close_page(form)


# ---- labels, screens, devices -----------------------------------------------------------------------------------


def unit_address(host_code: str, unit_code: str, code: str | None = None) -> str:
    settings: config.Settings = current_app.extensions["resource_hub_settings"]
    return settings.base_url + url_for("phone.unit", host=host_code, unit=unit_code, c=code)


def qr(text: str, scale: int = 5) -> Markup:
    """A QR code as an inline SVG; ours, so nothing of it needs escaping."""
    drawn = segno.make(text, error="m").svg_inline(
        scale=scale, dark="#000", light="#fff", border=3, omitsize=True
    )
    return Markup(drawn)  # noqa: S704


def _lane(unit_id: UUID) -> tuple[Any, Any]:
    """A unit that the actor looks after, with its resource."""
    lane = catalogue.unit(HostKey(g.actor.organisation_id, unit_id))
    resource = next(
        (r for r in catalogue.resources_managed_by(g.actor) if r.key.id == lane.resource_id), None
    )
    if resource is None:
        raise NoSuchUnit()
    return lane, resource


@blueprint.get("/o/<organisation>/labels")
@allows(*LABORATORY)
def labels(organisation: str) -> str:
    """Labels with the code of each unit, to be printed and stuck to the machine."""
    host = here()
    resources = [r for r in catalogue.resources_managed_by(g.actor) if r.bookable]
    lanes = catalogue.units_of([r.key for r in resources])
    return render_template(
        "usage/labels.html",
        host=host,
        rows=[
            (resource, unit, unit_address(host.code, unit.code), qr(unit_address(host.code, unit.code), 4))
            for resource in resources
            for unit in lanes.get(resource.key, [])
        ],
    )


@blueprint.get("/o/<organisation>/kiosk/<uuid:unit_id>")
@allows(*LABORATORY)
def kiosk(organisation: str, unit_id: UUID) -> str:
    """A screen at the machine: its code changes every 30 seconds and proves that somebody stood before it."""
    host = here()
    lane, resource = _lane(unit_id)
    address = unit_address(host.code, lane.code, kiosk_code(lane.key, clock.machine_now()))
    return render_template(
        "usage/kiosk.html",
        host=host,
        unit=lane,
        resource=resource,
        code=qr(address, 8),
        digits=kiosk_code(lane.key, clock.machine_now()),
        now=usage.unit_now(host.code, lane.code, None),
        customers=False,
    )


@blueprint.get("/o/<organisation>/devices")
@allows(*CLOSES)
def devices(organisation: str) -> Answer:
    return _devices_page(Form(), None)


def _devices_page(form: Form, token: str | None) -> tuple[str, int]:
    host = here()
    mine = catalogue.resources_managed_by(g.actor)
    lanes = catalogue.units_of([r.key for r in mine])
    names = {u.key.id: (r, u) for r in mine for u in lanes.get(r.key, [])}
    found = [d for d in usage.devices(host.id) if d.unit_id in names]
    html = render_template(
        "usage/devices.html",
        form=form,
        host=host,
        devices=found,
        names=names,
        token=token,
        units=lanes,
        resources=mine,
    )
    return html, form.status


@blueprint.post("/o/<organisation>/devices")
@allows(*CLOSES)
def add_device(organisation: str) -> Answer:
    """Register a device; its token is shown on the answer and never again, so a repeated sending makes another."""
    form = Form.sent()
    name = form.text("name", required=True, longest=120)
    unit_id = form.id("unit_id", required=True)
    if form.ok and name and unit_id:
        try:
            _record, token = usage.add_device(g.actor, HostKey(g.actor.organisation_id, unit_id), name)
            return _devices_page(Form(), token)
        except DomainError as error:
            form.refuse(error)
    return _devices_page(form, None)


@blueprint.post("/o/<organisation>/devices/<uuid:device_id>/revoke")
@allows(*CLOSES)
@once
def revoke_device(organisation: str, device_id: UUID) -> Answer:
    usage.revoke_device(g.actor, HostKey(g.actor.organisation_id, device_id))
    flash(_("The device may send no more."), "good")
    return redirect(url_for("usage.devices", organisation=organisation), 303)
