"""Results of an order: the host delivers and takes back, both parties fetch; each fetch is written down."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, g, request
from flask_babel import gettext as _

from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import WrongState
from resource_hub.entrypoints.support import uploads
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.web.booking.blueprints import bookings
from resource_hub.entrypoints.web.booking.detail import back_to, key_of, refused, show_page
from resource_hub.kernel.errors import DomainError

_ONE = "/o/<organisation>/bookings/<host>/<uuid:booking_id>/results"


@bookings.post(_ONE)
@allows(MEMBER)
@once
def delivered(organisation: str, host: str, booking_id: UUID) -> Any:
    """The host delivers files with a last day; their bytes are stored before the unit."""
    key, form = key_of(host, booking_id), Form.sent()
    service.booking_for(key, g.actor)
    until = form.day("expires_on", required=True)
    given = [one for one in request.files.getlist("results") if one.filename]
    if not given:
        form.note("results", "form.file_missing")
    if not form.ok or until is None:
        return show_page(organisation, key, form)
    try:
        taken = [uploads.take(one, uploads.RESULTS, "results") for one in given]
        files = [service.NewFile(t.name, t.media_type, t.kept.size, t.kept.sha256) for t in taken]
        service.deliver_results(key, files, until, by=g.actor)
    except DomainError as error:
        return refused(organisation, key, error)
    flash(_("Delivered; the customer is told."), "good")
    return back_to(organisation, host, booking_id, "#results")


@bookings.post(f"{_ONE}/<uuid:result_id>/download")
@allows(MEMBER)
def fetched(organisation: str, host: str, booking_id: UUID, result_id: UUID) -> Any:
    """A result as a download. It is a form, because that it was fetched is written down."""
    key = key_of(host, booking_id)
    try:
        record = service.fetch_result(key, result_id, by=g.actor)
    except WrongState as error:
        return refused(organisation, key, error)
    return uploads.answer(record, download=True)


@bookings.post(f"{_ONE}/<uuid:result_id>/end")
@allows(MEMBER)
@once
def ended(organisation: str, host: str, booking_id: UUID, result_id: UUID) -> Any:
    """The host takes a result back before its last day."""
    key, form = key_of(host, booking_id), Form.sent()
    try:
        service.end_result(key, result_id, by=g.actor, reason=form.text("reason", longest=500) or "")
    except DomainError as error:
        return refused(organisation, key, error)
    flash(_("Taken back; nobody can fetch it any more, and the customer is told."), "good")
    return back_to(organisation, host, booking_id, "#results")
