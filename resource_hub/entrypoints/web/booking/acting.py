"""What either side does with one booking from its page: cancel, say, hand in, go on, answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, g, redirect, url_for
from flask_babel import gettext as _

from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import (
    HANDED_IN,
    Act,
    BookingState,
    FileKind,
)
from resource_hub.entrypoints.support import money_text, uploads
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.web.booking.blueprints import bookings
from resource_hub.entrypoints.web.booking.detail import ADVANCES, back_to, key_of, refused, show_page
from resource_hub.infra import files
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import DomainError


@bookings.post("/o/<organisation>/bookings/<host>/<uuid:booking_id>/cancel")
@allows(MEMBER)
@once
def cancelled(organisation: str, host: str, booking_id: UUID) -> Any:
    key, form = key_of(host, booking_id), Form.sent()
    try:
        service.cancel(
            key,
            by=g.actor,
            reason=form.text("reason", longest=500) or "",
            version=form.version(),
            expected=money_text.unpacked(form.text("fees")),
        )
    except DomainError as error:
        return refused(organisation, key, error)
    flash(_("Cancelled. The time is free again."), "good")
    return back_to(organisation, host, booking_id)


@bookings.post("/o/<organisation>/bookings/<host>/<uuid:booking_id>/messages")
@allows(MEMBER)
@once
def said(organisation: str, host: str, booking_id: UUID) -> Any:
    key, form = key_of(host, booking_id), Form.sent()
    try:
        service.say(key, form.text("text", longest=4000) or "", by=g.actor)
    except DomainError as error:
        return refused(organisation, key, error)
    return back_to(organisation, host, booking_id, "#messages")


@bookings.post("/o/<organisation>/bookings/<host>/<uuid:booking_id>/files")
@allows(MEMBER)
@once
def attached(organisation: str, host: str, booking_id: UUID) -> Any:
    key, form = key_of(host, booking_id), Form.sent()
    service.booking_for(key, g.actor)
    upload = form.file("document", required=True, most_bytes=uploads.DOCUMENTS.limit)
    kind = form.choice("kind", HANDED_IN) or FileKind.ATTACHMENT.value
    if upload is None:
        return show_page(organisation, key, form)
    try:
        taken = uploads.take(upload, uploads.DOCUMENTS, "document")
        with unit_of_work():
            stored = uploads.note(taken, g.actor.organisation_id, person_id=g.actor.person_id)
            service.attach(key, stored.organisation_id, stored.id, FileKind(kind), by=g.actor)
    except DomainError as error:
        return refused(organisation, key, error)
    flash(_("Added."), "good")
    return back_to(organisation, host, booking_id, "#documents")


@bookings.get("/o/<organisation>/bookings/<host>/<uuid:booking_id>/files/<uuid:file_id>")
@allows(MEMBER)
def file(organisation: str, host: str, booking_id: UUID, file_id: UUID) -> Any:
    """A document of the order, for its two parties; always a download."""
    found = service.file_of(key_of(host, booking_id), file_id, g.actor)
    record = files.find(found.file_organisation_id, found.file_id)
    if record is None:
        raise uploads.FileGone()
    return uploads.answer(record, download=True)


@bookings.post("/o/<organisation>/bookings/<host>/<uuid:booking_id>/advance")
@allows(MEMBER)
@once
def advanced(organisation: str, host: str, booking_id: UUID) -> Any:
    key, form = key_of(host, booking_id), Form.sent()
    act = form.choice("act", ADVANCES, required=True)
    try:
        service.advance(
            key,
            Act(act or "receive"),
            by=g.actor,
            note=form.text("note", longest=500) or "",
            version=form.version(),
        )
    except DomainError as error:
        return refused(organisation, key, error)
    flash(_("Noted; the other side is told."), "good")
    return back_to(organisation, host, booking_id)


@bookings.post("/o/<organisation>/bookings/<host>/<uuid:booking_id>/answer")
@allows(MEMBER)
@once
def answered(organisation: str, host: str, booking_id: UUID) -> Any:
    """The host's yes or no; from the booking's page or the list of requests."""
    key, form = key_of(host, booking_id), Form.sent()
    answer = form.choice("answer", ("approve", "refuse"), required=True)
    note = form.text("reason", longest=500) or ""
    try:
        if answer == "approve":
            given = service.approve(key, by=g.actor, note=note, version=form.version())
            last = given.state is not BookingState.REQUESTED
            told = (
                _("Confirmed; the customer is told.")
                if last
                else _("Your yes is noted; the next answer is wanted.")
            )
            flash(told, "good")
        else:
            service.reject(key, by=g.actor, reason=note, version=form.version())
            flash(_("Refused; the customer reads your reason, and the time is free."), "good")
    except DomainError as error:
        return refused(organisation, key, error)
    if form.text("next") == "requests":
        return redirect(url_for("requests.index", organisation=organisation), 303)
    return back_to(organisation, host, booking_id)
