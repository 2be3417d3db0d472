"""Booking for a customer or a walk-in from the laboratory's calendar."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerRecord
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules import overriding
from resource_hub.domain.booking.terms import Asked, BookingKind, BookingRecord, Hazard, Purpose
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.entrypoints.support import formatting, forms, sentences
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.blueprints import calendar
from resource_hub.entrypoints.web.booking.reading_forms import asked_from, read_form
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, NotFound, Reason

WALK_IN = "walk_in"
# What a free piece of the calendar brings along.
CHOSEN = ("start_day", "start_time", "start_offset", "unit")
# So many who were here before are shown, and so many that a search by name finds.
_LATEST, _FOUND = 25, 20


def _resource(code: str) -> ResourceRecord:
    """A resource of the reader's house that the reader looks after."""
    record = catalogue.resource_of(g.actor.organisation_code, code)
    if not record.bookable or not service.is_staff(g.actor, record):
        raise NotFound()
    return record


# ---- for whom --------------------------------------------------------------------------------------------------


def _customers(text: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Whom one may book for, as groups of a select: who was here before, and whom a search finds; each with its
    people."""
    ids = list(service.customers_at(g.actor, _LATEST))
    if text:
        groups_of_house = [c for c in accounts.groups(g.actor.organisation_id) if _matches(c, text)]
        ids += [c.id for c in groups_of_house[:_FOUND]]
        ids += [accounts.customer_of(o.id).id for o in accounts.joinable(text)[:_FOUND]]
    found = accounts.customers(ids)
    groups = []
    for customer_id in dict.fromkeys(ids):
        customer = found[customer_id]
        if customer_id in g.actor.customer_ids or not customer.active:
            continue
        people = accounts.people(accounts.people_of_customer(customer_id))
        name = formatting.plain(customer.name_in(formatting.language()))
        options = sorted((f"{customer_id}:{p.id}", formatting.plain(p.name)) for p in people.values())
        groups.append((name, options or [(f"{customer_id}:", _("no person with an account"))]))
    return groups


def _matches(customer: CustomerRecord, text: str) -> bool:
    wanted = text.casefold()
    return any(wanted in name.casefold() for name in (customer.name_zh, customer.name_en, customer.code))


def _whom(form: Form) -> tuple[UUID | None, UUID | None]:
    """The customer and person chosen; nobody where it is a walk-in."""
    customer, _colon, person = str(form.value("whom")).partition(":")
    try:
        return UUID(customer), UUID(person) if person else None
    except ValueError:
        return None, None


# ---- the page --------------------------------------------------------------------------------------------------


@calendar.get("/o/<organisation>/calendar/<code>/book", endpoint="book_for")
@allows(*service.STAFF)
def start(organisation: str, code: str) -> tuple[str, int]:
    """The form for booking in somebody else's name, with the time that was chosen."""
    record = _resource(code)
    chosen = {name: request.args.get(name, "") for name in CHOSEN}
    form = Form({"mode": record.modes[0] if record.modes else "", **chosen})
    return _page(record, form, None, ())


def _page(record: ResourceRecord, form: Form, quote: Any, reasons: tuple[Reason, ...]) -> tuple[str, int]:
    forms.remember_zone(record.zone)
    rules, _number = availability.house_rules(record.key)
    text = str(form.value("search") or request.args.get("search", "")).strip()
    decides = service.is_staff(g.actor, record, service.DECIDES)
    html = render_template(
        "booking/on_behalf.html",
        record=record,
        form=form,
        chosen=CHOSEN,
        search=text,
        whom=[*_customers(text), (_("At the door"), [(WALK_IN, _("somebody without an account"))])],
        rules=rules,
        units=[
            (str(u.key.id), u.name(formatting.language()))
            for u in catalogue.units(record.key, active_only=True)
        ],
        quote=quote,
        reasons=sentences.tell_all(reasons),
        may_override=decides and overriding.waivable(reasons),
        modes=[(m.value, word("booking.mode", m.value)) for m in record.modes if m is not Mode.SEND_IN],
        purposes=[(p.value, word("booking.purpose", p.value)) for p in Purpose],
        hazards=[(h.value, word("booking.hazard", h.value)) for h in Hazard],
        helpers=service.offered_helpers(record.key),
        asked=asked_from(request.values, record)[0],
    )
    return html, form.status


@calendar.post("/o/<organisation>/calendar/<code>/book", endpoint="booked_for")
@allows(*service.STAFF)
@once
def book(organisation: str, code: str) -> Any:
    """Show price and rules for this customer, or book."""
    record, form = _resource(code), Form.sent()
    rules, _number = availability.house_rules(record.key)
    asked = replace(read_form(form, record, rules), kind=BookingKind.WINDOW)
    walk_in = form.value("whom") == WALK_IN
    customer_id, person_id = _whom(form)
    if customer_id is None and not walk_in:
        form.note("whom", "form.required")
    name = form.text("walk_in", required=walk_in, longest=200) or ""
    contact = form.text("contact", longest=200) or ""
    why = form.text("override", longest=overriding.LONGEST) or ""
    asked = replace(asked, customer_id=customer_id, person_id=person_id, override=why)
    if not form.ok or asked.span is None:
        return _page(record, form, None, ())
    if request.form.get("book"):
        try:
            return _booked(organisation, _made(record, asked, walk_in, name, contact))
        except DomainError as error:
            form.refuse(error)
    quote, reasons = _looked_at(record, asked, form)
    return _page(record, form, quote, reasons)


def _made(record: ResourceRecord, asked: Asked, walk_in: bool, name: str, contact: str) -> BookingRecord:
    if walk_in:
        return service.book_walk_in(record.key, asked, name, contact, by=g.actor)
    return service.request(record.key, asked, by=g.actor, idempotency_key=forms.sending())


def _looked_at(record: ResourceRecord, asked: Asked, form: Form) -> tuple[Any, tuple[Reason, ...]]:
    """The customer's price, and what the house rules say against it. Who stands at the door pays as any firm whose
    size is not known."""
    now = clock.now()
    try:
        prepared = service.prepare(record.key, asked, by=g.actor if asked.customer_id else None, now=now)
    except DomainError as error:
        if form.ok:
            form.refuse(error)
        return None, ()
    if asked.customer_id is None:
        prepared = replace(prepared, facts=replace(prepared.facts, by_host=True))
    helpers = service.prepared_helpers(prepared, g.actor, now)
    preview = service.preview(record, prepared.asked, prepared.who)
    quote = service.together(preview.quote, [service.quote_for(one, now) for one in helpers])
    return quote, service.judge(prepared, now) + service.reasons_against_helpers(helpers)


def _booked(organisation: str, made: BookingRecord) -> Any:
    flash(_("Booked. The number is %(number)s; the customer is told.", number=made.number), "good")
    return redirect(
        url_for("bookings.show", organisation=organisation, host=organisation, booking_id=made.key.id), 303
    )
