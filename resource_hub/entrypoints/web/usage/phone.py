"""At the instrument, on a phone: this unit now, start, stop, report a fault, "I am not booked".

Works without a script: every button is a form. With one, a press without a connection waits in the page's storage and
is sent when the connection is back, with the phone's time and the measured difference to ours.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking.terms import Purpose
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.terms import EvidenceKind, Tap
from resource_hub.entrypoints.support import sentences, words
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import PUBLIC, SIGNED_IN, allows
from resource_hub.entrypoints.support.problems import status_of
from resource_hub.entrypoints.web.usage.codes import code_kind
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError

blueprint = Blueprint("phone", __name__)
Answer = str | Response | tuple[Any, int]
_ACTIONS = {"start": EvidenceKind.CHECK_IN, "stop": EvidenceKind.CHECK_OUT}
SEVERITIES = ("note", "limited", "down")


def _me() -> UUID | None:
    return current_user.person.id if current_user.is_authenticated else None


@blueprint.get("/u/<host>/<unit>")
@allows(PUBLIC)
def unit(host: str, unit: str) -> Answer:
    return _page(host, unit, Form({"purpose": "research"}))


def _page(host: str, unit: str, form: Form, error: DomainError | None = None) -> tuple[str, int]:
    lane = catalogue.unit_of(host, unit)
    now = usage.unit_now(host, unit, _me())
    g.zone = now.host.zone
    html = render_template(
        "usage/unit.html",
        now=now,
        lane=lane,
        resource=catalogue.resource(lane.key._replace(id=lane.resource_id)),
        form=form,
        error=error,
        code=request.values.get("c", ""),
        moment=clock.now(),
        purposes=[(p.value, words.word("usage.purpose", p.value)) for p in Purpose],
        severities=[(s, words.word("usage.severity", s)) for s in SEVERITIES],
        sign_in=url_for("accounts.sign_in", next=request.full_path.rstrip("?")),
    )
    return html, status_of(error) if error is not None else form.status


@blueprint.get("/u/<host>/<unit>/clock")
@allows(PUBLIC)
def server_clock(host: str, unit: str) -> Response:
    """Our time, for the page to measure the phone's difference by, and a fresh token for presses that waited."""
    answer = jsonify(
        {"now": clock.now().isoformat(), "token": generate_csrf(), "signed_in": _me() is not None}
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/u/<host>/<unit>/tap")
@allows(SIGNED_IN)
def tap(host: str, unit: str) -> Answer:
    """Start or stop. The press carries an id of its own, so that it may be sent as often as the network needs."""
    lane = catalogue.unit_of(host, unit)
    form = Form.sent()
    action = form.choice("action", _ACTIONS, required=True)
    press = Tap(
        action=_ACTIONS.get(action or "", EvidenceKind.CHECK_IN),
        received_at=clock.now(),
        phone_at=_phone_time(request.form.get("phone_at", "")),
        clock_offset_seconds=form.whole("clock_offset", least=-(10**6), most=10**6),
        code_kind=code_kind(lane.key, _code_at(), clock.machine_now()),
        tap_id=_tap_id(request.form.get("tap_id", "")),
    )
    error: DomainError | None = None
    record = None
    if form.ok:
        try:
            if press.action is EvidenceKind.CHECK_IN:
                record = usage.check_in(
                    lane.key,
                    current_user.person.id,
                    press,
                    booking_id=form.id("booking_id"),
                    customer_id=form.id("customer_id"),
                    purpose=form.choice("purpose", [p.value for p in Purpose]) or Purpose.RESEARCH.value,
                )
            else:
                record = usage.check_out(
                    lane.key, current_user.person.id, press, session_id=form.id("session_id")
                )
        except DomainError as refused:
            error = refused
    if _wants_json():
        if error is not None:
            told = sentences.tell_all(error)
            lines = [t.whole for t in told]
            return jsonify({"done": False, "final": True, "said": lines}), status_of(error)
        if record is None:
            return jsonify({"done": False, "final": True, "said": [t.sentence for t in form.errors]}), 422
        return jsonify({"done": True, "state": record.state}), 200
    if error is not None or record is None:
        return _page(host, unit, form, error)
    flash(_("Started. Have a good run.") if record.state == "running" else _("Stopped. Thank you."), "good")
    return redirect(url_for("phone.unit", host=host, unit=unit), 303)


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def _code_at() -> str:
    return request.form.get("c", "")[:12]


def _tap_id(text: str) -> str | None:
    """An id that the page drew; what does not look like one is left out, and the press counts without."""
    text = text.strip()
    return text if 8 <= len(text) <= 64 and text.replace("-", "").isalnum() else None


def _phone_time(text: str) -> datetime | None:
    """When the button was pressed by the phone's own clock; None for a press that came in at once."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None


@blueprint.post("/u/<host>/<unit>/fault")
@allows(SIGNED_IN)
@once
def fault(host: str, unit: str) -> Answer:
    lane = catalogue.unit_of(host, unit)
    form = Form.sent()
    text = form.text("text", required=True, longest=2000)
    severity = form.choice("severity", SEVERITIES) or "limited"
    if form.ok and text:
        try:
            usage.report_fault(lane.key, current_user.person.id, text, severity)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Reported. Those who look after the instrument are told."), "good")
            return redirect(url_for("phone.unit", host=host, unit=unit), 303)
    return _page(host, unit, form)


@blueprint.get("/u/<host>")
@allows(PUBLIC)
def units(host: str) -> Response:
    """A label that was cut off still leads somewhere: to the host."""
    record = accounts.organisation(host)
    return redirect(f"/hosts/{record.code}")
