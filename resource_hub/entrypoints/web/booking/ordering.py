"""The order on one page: time, purpose and samples, dangers, documents, the price line by line. Check, then book."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import (
    Asked,
    BookingKind,
    BookingRecord,
    FileKind,
    Hazard,
    Purpose,
    QuoteRecord,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.pricing.terms import Per
from resource_hub.entrypoints.support import formatting, forms, sentences, uploads
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.blueprints import blueprint
from resource_hub.entrypoints.web.booking.public import answer_to, public_resource
from resource_hub.entrypoints.web.booking.reading_forms import asked_from, query_of, read_form, typed_fields
from resource_hub.entrypoints.web.booking.views import calendar_url
from resource_hub.infra import clock
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey

MOST_FILES = 5


def options(scope: str, values: Any) -> list[tuple[str, str]]:
    return [(v.value, word(scope, v.value)) for v in values]


@blueprint.get("/o/<organisation>/book/<host>/<code>")
@allows(MEMBER)
def order(organisation: str, host: str, code: str) -> tuple[str, int]:
    """The page of an order, with the time that was chosen before."""
    record = public_resource(host, code)
    asked, fault = asked_from(request.args, record)
    asked = _with_customer(asked)
    form = Form(
        {
            **typed_fields(request.args, asked.span, record.zone),
            "kind": asked.kind.value,
            "mode": asked.mode,
            "unit": str(asked.unit_id or ""),
            "customer": str(asked.customer_id or ""),
            "purpose": asked.purpose,
            "samples": asked.samples or "",
        }
    )
    return _page(record, form, asked, fault)


def _with_customer(asked: Asked) -> Asked:
    if asked.customer_id is None and g.actor.customer_ids:
        return replace(asked, customer_id=sorted(g.actor.customer_ids)[0])
    return asked


def _page(record: ResourceRecord, form: Form, asked: Asked, fault: str | None) -> tuple[str, int]:
    forms.remember_zone(record.zone)
    rules, number = availability.house_rules(record.key)
    answer = answer_to(record, asked, fault, g.actor)
    customers = sorted(accounts.customers(g.actor.customer_ids).values(), key=lambda c: c.code)
    cancel_notes, no_show = _consequences(record, asked, answer["booking_price"])
    modes = [(m.value, word("booking.mode", m.value)) for m in record.modes]
    html = render_template(
        "booking/order.html",
        record=record,
        host=accounts.organisation(record.key.institution_id),
        form=form,
        asked=asked,
        **answer,
        rules=rules,
        rules_number=number,
        rules_told=sentences.tell_all(availability.rules_sentences(rules)),
        customers=[(str(c.id), c.name_in(formatting.language())) for c in customers],
        modes=modes,
        units=[
            (str(u.key.id), u.name(formatting.language()))
            for u in catalogue.units(record.key, active_only=True)
        ],
        takes_samples=Mode.SEND_IN in record.modes,
        extras=_extras(record, answer["booking_price"].quote),
        helpers=service.offered_helpers(record.key),
        purposes=options("booking.purpose", Purpose),
        hazards=options("booking.hazard", Hazard),
        is_window=asked.kind is BookingKind.WINDOW,
        is_samples=asked.kind is BookingKind.SAMPLES,
        is_access=asked.kind is BookingKind.ACCESS,
        calendar_href=calendar_url(record, **query_of(asked, record.zone)) if record.bookable else "",
        cancel_notes=cancel_notes,
        no_show=no_show,
        by_hand=asked.given_id is not None,
        kept=service.own_hold(record.key, g.actor) if form.errors else None,
    )
    return html, form.status


# What a customer may ask for without counting pieces.
_SIMPLE = (Per.ORDER, Per.HOUR, Per.SAMPLE)


def _extras(record: ResourceRecord, quote: Any) -> list[tuple[str, str]]:
    """What the tariff offers beside the time: urgent work, a special mode."""
    if quote is None or quote.tariff_id is None:
        return []
    tariff = pricing.parsed(pricing.tariff(HostKey(record.key.institution_id, quote.tariff_id)))
    return [(e.code, formatting.named(e) or e.code) for e in tariff.extras if e.per in _SIMPLE]


def _consequences(record: ResourceRecord, asked: Asked, price: Any) -> tuple[list[str], list[str]]:
    """What cancelling and not coming would cost, said before booking; each also for what is booked with it."""
    quote = price.quote
    if quote is None or asked.span is None:
        return [], []
    # As it is booked: a helper is staffed, and what belongs to the instrument alone is not asked of it.
    along = replace(asked, mode=Mode.STAFF_RUN, samples=0, items={}, extras=frozenset(), given_id=None)
    late, missing = [], []
    for what, wish, its in ((record, asked, quote), *((helper, along, its) for helper, its in price.with_it)):
        if its is None:
            continue
        name = "" if what is record else f"{formatting.plain(what.name(formatting.language()))}: "
        if note := _late_note(what, wish, its):
            late.append(name + note)
        fee = service.no_show_fee(what, wish, its.customer_class, its.tariff_id, clock.now())
        if fee is not None and not fee.is_zero:
            missing.append(name + _("Not coming costs %(fee)s.", fee=formatting.money(fee)))
    return late, missing


def _late_note(record: ResourceRecord, asked: Asked, quote: QuoteRecord) -> str:
    """Until when cancelling is free by a tariff, and what it costs then; empty where it never costs anything."""
    if quote.tariff_id is None or asked.span is None:
        return ""
    tariff = pricing.parsed(pricing.tariff(HostKey(record.key.institution_id, quote.tariff_id)))
    notice = tariff.cancellation.notice_minutes
    if not notice or tariff.cancellation.consequence.value == "none":
        return ""
    late = service.cancellation_fee(record, asked, quote.customer_class, quote.tariff_id, asked.span.start)
    return _(
        "Free until %(notice)s before the start, then %(fee)s.",
        notice=formatting.duration(notice * 60),
        fee=formatting.money(late),
    )


@blueprint.post("/o/<organisation>/book/<host>/<code>")
@allows(MEMBER)
@once
def ordered(organisation: str, host: str, code: str) -> Any:
    """Book. What the rules say against it is told at once, with times that would do; what was typed stays."""
    record = public_resource(host, code)
    form = Form.sent()
    rules, _number = availability.house_rules(record.key)
    asked = _with_customer(read_form(form, record, rules))
    if request.form.get("look"):
        # Another time or way of use was chosen on this page: show its price, book nothing.
        form.errors.clear()
        form.status = 200
        return _page(record, form, asked, None)
    files = [f for f in request.files.getlist("documents") if f.filename]
    if len(files) > MOST_FILES:
        form.note("documents", "booking.too_many_files", most=MOST_FILES)
    taken = []
    if form.ok:
        try:
            taken = [uploads.take(one, uploads.DOCUMENTS, "documents") for one in files]
            booked = service.request_kept(record.key, asked, by=g.actor)
            _attach(booked, taken)
            _say_what_next(booked)
            return redirect(
                url_for(
                    "bookings.show",
                    organisation=organisation,
                    host=record.host_code,
                    booking_id=booked.key.id,
                ),
                303,
            )
        except DomainError as error:
            form.refuse(error)
    return _page(record, form, asked, None)


@blueprint.post("/o/<organisation>/book/<host>/<code>/hold")
@allows(MEMBER)
def held(organisation: str, host: str, code: str) -> str:
    """Keep the chosen time while the order is being written, and say until when; without scripts nothing is kept.

    A person has one kept slot of a resource at a time: the one of another wish is given back.
    """
    record = public_resource(host, code)
    forms.remember_zone(record.zone)
    asked, fault = asked_from(request.form, record)
    asked = _with_customer(asked)
    kept = service.own_hold(record.key, g.actor)
    try:
        if kept is not None and kept.span != asked.span:
            service.give_back(kept.key, by=g.actor)
            kept = None
        if kept is None and fault is None and asked.kind is BookingKind.WINDOW:
            kept = service.hold(record.key, asked, by=g.actor)
    except DomainError:
        kept = None  # the page itself says why this time cannot be had
    return render_template("booking/_hold.html", record=record, kept=kept)


@blueprint.post("/o/<organisation>/book/<host>/<code>/hold/give-back")
@allows(MEMBER)
def given_back(organisation: str, host: str, code: str) -> str:
    """Give the kept time back before it lapses by itself."""
    record = public_resource(host, code)
    kept = service.own_hold(record.key, g.actor)
    if kept is not None:
        service.give_back(kept.key, by=g.actor)
    return render_template("booking/_hold.html", record=record, kept=None, given=True)


def _attach(booked: BookingRecord, taken: list[uploads.Taken]) -> None:
    """Documents are rows of the customer's organisation; the bytes were stored before the unit."""
    if not taken:
        return
    with unit_of_work():
        for one in taken:
            record = uploads.note(one, g.actor.organisation_id, person_id=g.actor.person_id)
            service.attach(booked.key, record.organisation_id, record.id, FileKind.ATTACHMENT, by=g.actor)


def _say_what_next(booked: BookingRecord) -> None:
    if booked.state.value == "approved":
        flash(_("Booked. Your number is %(number)s.", number=booked.number), "good")
    else:
        flash(_("Sent. The host answers your request %(number)s.", number=booked.number), "good")
