"""Ask for a quote: what is needed, when, with documents."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NoSuchInquiry
from resource_hub.domain.booking.inquiry_words import Inquiry, Wish
from resource_hub.domain.booking.terms import BookingKind
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.entrypoints.support import formatting, forms, uploads
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, SIGNED_IN, allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.public import public_resource
from resource_hub.entrypoints.web.booking.reading_forms import acting, asked_from, booking_seats
from resource_hub.entrypoints.web.quotes.blueprints import blueprint
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey

MOST_FILES = 5


@blueprint.get("/hosts/<host>/resources/<code>/quote")
@allows(SIGNED_IN)
def start(host: str, code: str) -> Response | tuple[str, int]:
    """Into the organisation for which the reader asks; a question where there is none."""
    record = public_resource(host, code)
    by = acting()
    if by is not None and by.customer_ids:
        values: dict[str, Any] = request.args.to_dict(flat=False)
        return redirect(
            url_for("quotes.ask", organisation=by.organisation_code, host=host, code=code, **values)
        )
    return render_template("booking/no_customer.html", record=record, seats=booking_seats()), 409


@blueprint.get("/o/<organisation>/quotes/ask/<host>/<code>")
@allows(MEMBER)
def ask(organisation: str, host: str, code: str) -> tuple[str, int]:
    record = public_resource(host, code)
    asked, _fault = asked_from(request.args, record)
    start = {
        "mode": asked.mode,
        "customer": str(asked.customer_id or next(iter(sorted(g.actor.customer_ids)), "")),
        "samples": asked.samples or "",
        "length": f"{asked.span.seconds / 3600:g}" if asked.span else "",
    }
    former = _former(record, request.args.get("former"))
    if former is not None:
        start |= _fields_of(former.wish)
    return _page(organisation, record, Form(start), former)


def _former(record: ResourceRecord, text: str | None) -> Inquiry | None:
    """The inquiry that is asked again.

    Raises:
        NoSuchInquiry: it is not the reader's, or of another resource.
    """
    if not text:
        return None
    try:
        key = HostKey(record.key.institution_id, UUID(text))
    except ValueError:
        raise NoSuchInquiry() from None
    found, _side = service.inquiry_for(key, g.actor)
    if found.resource_key != record.key or found.customer_id not in g.actor.customer_ids:
        raise NoSuchInquiry()
    return found


def _fields_of(wish: Wish) -> dict[str, Any]:
    """What was asked before, to be asked again; the days are for the reader to choose anew."""
    return {
        "mode": wish.mode,
        "customer": str(wish.customer_id),
        "samples": wish.samples or "",
        "length": f"{wish.length_seconds / 3600:g}" if wish.length_seconds else "",
        "description": wish.description,
    }


def _page(
    organisation: str, record: ResourceRecord, form: Form, former: Inquiry | None = None
) -> tuple[str, int]:
    g.hat = "customer"
    forms.remember_zone(record.zone)
    customers = sorted(accounts.customers(g.actor.customer_ids).values(), key=lambda c: c.code)
    html = render_template(
        "quotes/ask.html",
        organisation_code=organisation,
        record=record,
        host=accounts.organisation(record.key.institution_id),
        form=form,
        former=former,
        customers=[(str(c.id), c.name_in(formatting.language())) for c in customers],
        modes=[(m.value, word("booking.mode", m.value)) for m in record.modes],
        is_access=record.takes_access_requests,
        takes_samples=Mode.SEND_IN in record.modes,
        only_samples=tuple(record.modes) == (Mode.SEND_IN,),
    )
    return html, form.status


@blueprint.post("/o/<organisation>/quotes/ask/<host>/<code>")
@allows(MEMBER)
@once
def asked_for(organisation: str, host: str, code: str) -> Any:
    """Send the inquiry; what was typed stays where something is missing."""
    record = public_resource(host, code)
    form = Form.sent()
    wish, former = _wish(form, record), _former(record, request.form.get("former"))
    files = [f for f in request.files.getlist("documents") if f.filename]
    if len(files) > MOST_FILES:
        form.note("documents", "booking.too_many_files", most=MOST_FILES)
    if form.ok:
        try:
            taken = [uploads.take(one, uploads.DOCUMENTS, "documents") for one in files]
            made = _sent(record, wish, taken, former)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Sent. The host names a price for %(number)s; you are told.", number=made.number), "good")
            target = url_for("quotes.show", organisation=organisation, host=host, inquiry_id=made.key.id)
            return redirect(target, 303)
    return _page(organisation, record, form, former)


def _wish(form: Form, record: ResourceRecord) -> Wish:
    asked, _fault = asked_from(request.form, record)
    hours = form.decimal("length", most="10000") if asked.kind is BookingKind.WINDOW else None
    since: date | None = form.day("wanted_from")
    until: date | None = form.day("wanted_until")
    samples = form.whole("samples", most=100_000) if asked.kind is not BookingKind.ACCESS else None
    return Wish(
        kind=asked.kind,
        mode=asked.mode,
        length_seconds=int((hours or 0) * 60) * 60,
        samples=samples or 0,
        wanted_from=since,
        wanted_until=until,
        description=form.text("description", required=True, longest=4000) or "",
        customer_id=asked.customer_id,
    )


def _sent(record: ResourceRecord, wish: Wish, taken: list[uploads.Taken], former: Inquiry | None) -> Inquiry:
    """Documents are rows of the customer's organisation; the bytes were stored before the unit."""
    with unit_of_work():
        files = [uploads.note(one, g.actor.organisation_id, person_id=g.actor.person_id) for one in taken]
        return service.ask_for_quote(
            record.key,
            wish,
            by=g.actor,
            files=[(f.organisation_id, f.id) for f in files],
            former=former.key if former is not None else None,
        )
