"""One booking: what it is, what happens next and by when, its history, messages, and what each side may do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationRecord
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.ratings import ASPECTS, LEAST, MOST
from resource_hub.domain.booking.rules.results import USUAL
from resource_hub.domain.booking.rules.states import PATHS
from resource_hub.domain.booking.terms import (
    FINAL,
    HANDED_IN,
    Act,
    BookingKind,
    BookingRecord,
    BookingState,
    FileKind,
    Side,
)
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.usage import service as usage
from resource_hub.entrypoints.support import formatting, forms, money_text, uploads
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.blueprints import bookings
from resource_hub.entrypoints.web.booking.history import history
from resource_hub.entrypoints.web.booking.public import helper_lines
from resource_hub.entrypoints.web.booking.reading_forms import query_of, span_fields
from resource_hub.entrypoints.web.booking.views import calendar_url
from resource_hub.infra import clock, files
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone

ADVANCES = (Act.RECEIVE, Act.BEGIN, Act.DELIVER, Act.FINISH)


def key_of(host: str, booking_id: UUID) -> HostKey:
    return HostKey(accounts.organisation(host).id, booking_id)


def back_to(organisation: str, host: str, booking_id: UUID, anchor: str = "") -> Any:
    return redirect(
        url_for("bookings.show", organisation=organisation, host=host, booking_id=booking_id) + anchor, 303
    )


@bookings.get("/o/<organisation>/bookings/<host>/<uuid:booking_id>")
@allows(MEMBER)
def show(organisation: str, host: str, booking_id: UUID) -> tuple[str, int]:
    """One booking for either of its parties."""
    return show_page(organisation, key_of(host, booking_id))


def show_page(
    organisation: str, key: HostKey, form: Form | None = None, change: Any = None
) -> tuple[str, int]:
    found = service.detail(key, g.actor)
    record, resource = found.record, found.resource
    forms.remember_zone(resource.zone)
    host = accounts.organisation(record.institution_id)
    people = accounts.people(
        {e.person_id for e in found.events if e.person_id}
        | {m.person_id for m in found.messages}
        | {record.person_id, record.booked_by}
    )
    unit = None
    if record.unit_id is not None:
        unit = catalogue.unit(HostKey(record.institution_id, record.unit_id))
    customer = accounts.customer(record.customer_id)
    cancel = service.cancel_preview(key, by=g.actor) if Act.CANCEL in found.acts else None
    department = None
    if resource.department_id is not None:
        department = accounts.department(record.institution_id, resource.department_id)
    booker_id = service.booked_for_others([record]).get(key)
    helpers = service.helpers_of(key)
    quote = service.together(found.quote, [h.quote for h in helpers])
    cancelled_fees, fee_decides_at = service.fees_together(record)
    html = render_template(
        "booking/show.html",
        d=replace(found, quote=quote),
        helpers=helpers,
        inquiry=service.inquiry_of_order(record),
        record=record,
        state=found.state,
        resource=resource,
        host=host,
        department=department,
        unit=unit,
        customer=customer,
        person=people.get(record.person_id),
        booker=people.get(booker_id) if booker_id else None,
        people=people,
        is_host=found.side is Side.HOST,
        cancel=cancel,
        cancelled_fee=money_text.sums([fee for fee in cancelled_fees if not fee.is_zero]),
        cancel_fee="" if cancel is None or cancel.free else money_text.sums(service.shown_fees(cancel.fees)),
        seen_fees=money_text.packed(cancel.fees) if cancel is not None else "",
        fee_decides_at=fee_decides_at,
        cancel_effects=_cancel_effects(cancel, found.side),
        can_change=Act.CHANGE in found.acts and record.span is not None,
        can_approve=_may_answer(found, resource),
        asked_answers=service.answers_of(record.key),
        advances=[
            (a, word("booking.act", a))
            for a in ADVANCES
            if a in found.acts and record.kind is not BookingKind.WINDOW
        ],
        lines=[
            *(money_text.price_lines(quote.lines, quote.currency) if quote else ()),
            *helper_lines((h.resource, h.quote) for h in helpers),
        ],
        support_later=[s for s in quote.support if s.kind == "later"] if quote else (),
        documents=money_text.documents(c for s in quote.support for c in s.citations) if quote else (),
        steps=_steps(record.kind, found.state),
        history=history(found.events, people),
        answers=_answers(record),
        used=[
            url_for("usage.session", organisation=organisation, host=host.code, session_id=session.key.id)
            for session in usage.sessions_of_booking(key)
            if session.starts_at is not None
        ],
        file_kinds=[(k.value, word("booking.file", k)) for k in HANDED_IN],
        **_results(found),
        ratings=service.ratings_for(key, g.actor),
        aspects=[(f"aspects.{name}", word("booking.aspect", name)) for name in ASPECTS[found.side]],
        scores=[(str(n), str(n)) for n in range(MOST, LEAST - 1, -1)],
        next_step=_next(found, host),
        form=form or Form({"version": record.version, **span_fields(record.span, resource.zone)}),
        change=change,
        calendar_href=calendar_url(
            resource, week=span_fields(record.span, resource.zone).get("start_day", "")
        )
        if resource.bookable
        else "",
        again_href=url_for(
            "booking.book",
            host=resource.host_code,
            code=resource.code,
            **query_of(replace(service.asked_of(record), span=None), resource.zone),
        ),
        ics_href=url_for("feeds.booking", host=host.code, booking_id=record.key.id) if record.span else "",
        organisation_code=organisation,
        fault=request.args.get("fault", ""),
    )
    return html, (form.status if form else 200)


def _results(found: service.Detail) -> dict[str, Any]:
    """What was delivered, what is left of it, and whether more may be."""
    results = service.results_of(found.record.key, g.actor)
    today = local_day(clock.now(), zone(found.resource.zone))
    return {
        "results": results,
        "results_now": clock.now(),
        "delivers": service.may_deliver(found.record, g.actor),
        "usual_expiry": (today + USUAL).isoformat(),
        "documents_of": [f for f in found.files if f.kind is not FileKind.RESULT],
    }


def _may_answer(found: service.Detail, resource: ResourceRecord) -> bool:
    """Whether the yes or no is this reader's: the laboratory's, or that of whom several answers are wanted."""
    if found.state is not BookingState.REQUESTED:
        return False
    several = service.may_answer_now(found.record, g.actor)
    return service.is_staff(g.actor, resource, service.DECIDES) if several is None else several


def _answers(record: BookingRecord) -> list[tuple[str, str]]:
    """What the host asked and what was answered; questions that the rules ask no longer keep their code as name."""
    rules, _number = availability.house_rules(record.resource_key)
    names = {asked.code: formatting.named(asked) for asked in rules.fields}
    return [(names.get(code) or code, str(answer)) for code, answer in record.answers.items() if answer]


def _cancel_effects(cancel: Any, side: Side) -> list[str]:
    """What a cancellation would do, before the click."""
    if cancel is None or cancel.reasons:
        return []
    effects = [_("The time is free for others at once.")]
    if side is Side.HOST:
        effects += [_("The customer is told, with your reason."), _("No fee is charged.")]
    elif cancel.free:
        effects += [_("The laboratory is told."), _("It costs nothing.")]
    else:
        effects += [
            _("The laboratory is told."),
            _(
                "A fee of %(fee)s is charged, unless somebody takes the whole time before it begins.",
                fee=money_text.sums(service.shown_fees(cancel.fees)),
            ),
        ]
    return effects


def _steps(kind: BookingKind, state: BookingState) -> list[dict[str, str]]:
    """The usual way of an order, with where it stands."""
    path = PATHS[kind]
    titles = [(s, word("booking.state", s.value)) for s in path]
    if state in path:
        here = path.index(state)
        done = state in (BookingState.DONE,)
        return [
            {"title": t, "state": "done" if n < here or done else "current" if n == here else "todo"}
            for n, (_s, t) in enumerate(titles)
        ]
    if state in FINAL or state is BookingState.HELD:
        return [
            {"title": word("booking.state", state.value), "state": "blocked" if state in FINAL else "current"}
        ]
    return [{"title": t, "state": "todo"} for _s, t in titles]


def _next(found: Any, host: OrganisationRecord) -> str:
    """What happens next and by when, in one sentence for this side."""
    record, state = found.record, found.state
    hosts = found.side is Side.HOST
    here = found.resource.zone
    if state is BookingState.REQUESTED:
        when = formatting.moment(record.answer_by, here) if record.answer_by else ""
        if hosts:
            return _("Answer by %(when)s.", when=when) if when else _("Waits for your answer.")
        return (
            _("The host answers by %(when)s; you are told.", when=when)
            if when
            else _("The host answers; you are told.")
        )
    if state is BookingState.APPROVED and record.kind is BookingKind.WINDOW:
        if hosts:
            return _("Begins %(when)s.", when=formatting.moment(record.starts_at, here))
        return _(
            "Come at %(when)s and check in at the instrument.", when=formatting.moment(record.starts_at, here)
        )
    if state is BookingState.APPROVED and record.kind is BookingKind.SAMPLES:
        if hosts:
            return _("Waits for the samples.")
        return _("Send the samples with the number %(number)s on the parcel.", number=record.number)
    if state is BookingState.APPROVED:
        return _("Deliver what was asked for.") if hosts else _("The host delivers; you are told.")
    if state is BookingState.DELIVERED:
        return (
            _("Waits for the customer.")
            if hosts
            else _("Look at what was delivered and confirm that it is all there.")
        )
    if state is BookingState.IN_USE:
        return _("In use until %(when)s.", when=formatting.moment(record.ends_at, here))
    if state is BookingState.DONE:
        return _("The use is confirmed by the laboratory, then it is charged.")
    return ""


# ---- what changes something ------------------------------------------------------------------------------------


def refused(organisation: str, key: HostKey, error: DomainError, change: Any = None) -> tuple[str, int]:
    form = Form.sent()
    form.refuse(error)
    return show_page(organisation, key, form, change)


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
