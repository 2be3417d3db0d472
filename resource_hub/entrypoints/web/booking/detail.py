"""One booking: what it is, what happens next and by when, its history, messages, and what each side may do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import g, redirect, render_template, request, url_for
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
from resource_hub.entrypoints.support import formatting, forms, money_text
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web import nav
from resource_hub.entrypoints.web.booking.blueprints import bookings
from resource_hub.entrypoints.web.booking.history import history
from resource_hub.entrypoints.web.booking.public import helper_lines
from resource_hub.entrypoints.web.booking.reading_forms import query_of, span_fields
from resource_hub.entrypoints.web.booking.views import calendar_url
from resource_hub.infra import clock
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
    """The page of a booking as its reader may see it; with a form that was refused, its faults."""
    found = service.detail(key, g.actor)
    nav.wear(found.side, g.actor)
    record, resource = found.record, found.resource
    forms.remember_zone(resource.zone)
    host = accounts.organisation(record.institution_id)
    html = render_template(
        "booking/show.html",
        record=record,
        state=found.state,
        resource=resource,
        host=host,
        organisation_code=organisation,
        is_host=found.side is Side.HOST,
        inquiry=service.inquiry_of_order(record),
        steps=_steps(record.kind, found.state),
        next_step=_next(found, host),
        **_place(found),
        **_people(found),
        **_price(found),
        **_cancelling(found),
        **_acting(found),
        **_results(found),
        **_rating(found),
        **_addresses(found, organisation, host),
        form=form or Form({"version": record.version, **span_fields(record.span, resource.zone)}),
        change=change,
        fault=request.args.get("fault", ""),
    )
    return html, (form.status if form else 200)


def _place(found: service.Detail) -> dict[str, Any]:
    """Where it takes place: the unit, and the department that keeps the resource."""
    host, unit_id, department_id = (
        found.record.institution_id, found.record.unit_id, found.resource.department_id
    )  # fmt: skip
    return {
        "unit": catalogue.unit(HostKey(host, unit_id)) if unit_id is not None else None,
        "department": accounts.department(host, department_id) if department_id is not None else None,
    }


def _people(found: service.Detail) -> dict[str, Any]:
    """Who it is for, who booked it, and who did and said what."""
    record = found.record
    people = accounts.people(
        {e.person_id for e in found.events if e.person_id}
        | {m.person_id for m in found.messages}
        | {record.person_id, record.booked_by}
    )
    booker_id = service.booked_for_others([record]).get(record.key)
    return {
        "customer": accounts.customer(record.customer_id),
        "person": people.get(record.person_id),
        "booker": people.get(booker_id) if booker_id else None,
        "people": people,
        "history": history(found.events, people),
        "answers": _answers(record),
    }


def _price(found: service.Detail) -> dict[str, Any]:
    """What it costs with all that is booked along, line by line, and the rules that this rests on."""
    helpers = service.helpers_of(found.record.key)
    quote = service.together(found.quote, [h.quote for h in helpers])
    support = quote.support if quote else ()
    return {
        "d": replace(found, quote=quote),
        "helpers": helpers,
        "lines": [
            *(money_text.price_lines(quote.lines, quote.currency) if quote else ()),
            *helper_lines((h.resource, h.quote) for h in helpers),
        ],
        "support_later": [s for s in support if s.kind == "later"],
        "documents": money_text.documents(c for s in support for c in s.citations),
    }


def _cancelling(found: service.Detail) -> dict[str, Any]:
    """What cancelling would do and cost, and what it did cost."""
    cancel = service.cancel_preview(found.record.key, by=g.actor) if Act.CANCEL in found.acts else None
    cancelled_fees, decides_at = service.fees_together(found.record)
    free = cancel is None or cancel.free
    return {
        "cancel": cancel,
        "cancel_fee": "" if cancel is None or free else money_text.sums(service.shown_fees(cancel.fees)),
        "cancel_effects": _cancel_effects(cancel, found.side),
        "seen_fees": money_text.packed(cancel.fees) if cancel is not None else "",
        "cancelled_fee": money_text.sums([fee for fee in cancelled_fees if not fee.is_zero]),
        "fee_decides_at": decides_at,
        "given_back": service.given_back_of(found.record, g.actor),
    }


def _acting(found: service.Detail) -> dict[str, Any]:
    """What this reader may do next."""
    record = found.record
    return {
        "can_change": Act.CHANGE in found.acts and record.span is not None,
        "can_approve": _may_answer(found, found.resource),
        "asked_answers": service.answers_of(record.key),
        "advances": [
            (act, word("booking.act", act))
            for act in ADVANCES
            if act in found.acts and record.kind is not BookingKind.WINDOW
        ],
        "file_kinds": [(kind.value, word("booking.file", kind)) for kind in HANDED_IN],
    }


def _rating(found: service.Detail) -> dict[str, Any]:
    return {
        "ratings": service.ratings_for(found.record.key, g.actor),
        "aspects": [(f"aspects.{name}", word("booking.aspect", name)) for name in ASPECTS[found.side]],
        "scores": [(str(n), str(n)) for n in range(MOST, LEAST - 1, -1)],
    }


def _addresses(found: service.Detail, organisation: str, host: OrganisationRecord) -> dict[str, Any]:
    """What leads on from here: how it was used, the week, the same order again, the calendar file."""
    record, resource = found.record, found.resource
    week = span_fields(record.span, resource.zone).get("start_day", "")
    again = query_of(replace(service.asked_of(record), span=None), resource.zone)
    return {
        "used": [
            url_for("usage.session", organisation=organisation, host=host.code, session_id=session.key.id)
            for session in usage.sessions_of_booking(record.key)
            if session.starts_at is not None
        ],
        "calendar_href": calendar_url(resource, week=week) if resource.bookable else "",
        "again_href": url_for("booking.book", host=resource.host_code, code=resource.code, **again),
        "ics_href": url_for("feeds.booking", host=host.code, booking_id=record.key.id) if record.span else "",
    }


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
            "Come on %(when)s and check in at the instrument.", when=formatting.moment(record.starts_at, here)
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


def refused(organisation: str, key: HostKey, error: DomainError, change: Any = None) -> tuple[str, int]:
    form = Form.sent()
    form.refuse(error)
    return show_page(organisation, key, form, change)
