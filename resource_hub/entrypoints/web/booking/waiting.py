"""Pages of the waiting list: stand in line for time, take or leave what is offered, see who waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.waiting import MOST_DAYS
from resource_hub.domain.booking.terms import BookingKind, Hazard, Purpose, WaitingKind, WaitingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.entrypoints.support import formatting, forms, paging, wall_clock
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.public import public_resource
from resource_hub.entrypoints.web.booking.reading_forms import asked_from
from resource_hub.entrypoints.web.booking.views import calendar_url
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, local_day, midnight, zone

waiting = Blueprint("waiting", __name__)

SEES = (Role.MANAGER, Role.DEPUTY, Role.OPERATOR, Role.OFFICE, Role.INSTITUTION_ADMIN)


def _form(record: ResourceRecord) -> Form:
    """What stands in a fresh form: the day of the time that was wished for before, and its length."""
    asked, _fault = asked_from(request.args, record, BookingKind.WINDOW)
    rules, _number = availability.house_rules(record.key)
    start = asked.span.start if asked.span else clock.now()
    tz = zone(record.zone)
    day = local_day(start, tz)
    seconds = asked.span.seconds if asked.span else max(rules.least, 60) * 60
    return Form(
        {
            "mode": asked.mode,
            "customer": str(asked.customer_id or ""),
            "purpose": asked.purpose,
            "samples": asked.samples or "",
            "unit": str(asked.unit_id or ""),
            "given": str(asked.given_id or ""),
            **wall_clock.fields("earliest", midnight(day, tz) if asked.span else start, record.zone),
            **wall_clock.fields(
                "latest", midnight(day + timedelta(days=1 if asked.span else 7), tz), record.zone
            ),
            "length": formatting.hours(seconds),
            "kind": WaitingKind.QUEUE.value,
        }
    )


@waiting.get("/o/<organisation>/book/<host>/<code>/waiting")
@allows(MEMBER)
def start(organisation: str, host: str, code: str) -> tuple[str, int]:
    """The form for standing in line, with the time that was wished for."""
    record = public_resource(host, code)
    return _form_page(record, _form(record))


def _form_page(record: ResourceRecord, form: Form) -> tuple[str, int]:
    forms.remember_zone(record.zone)
    rules, _number = availability.house_rules(record.key)
    customers = sorted(accounts.customers(g.actor.customer_ids).values(), key=lambda c: c.code)
    html = render_template(
        "booking/waiting_new.html",
        record=record,
        host=accounts.organisation(record.key.institution_id),
        form=form,
        rules=rules,
        helpers=service.offered_helpers(record.key),
        most_days=MOST_DAYS,
        customers=[(str(c.id), c.name_in(formatting.language())) for c in customers],
        modes=[(m.value, word("booking.mode", m.value)) for m in record.modes if m is not Mode.SEND_IN],
        units=[
            (str(u.key.id), u.name(formatting.language()))
            for u in catalogue.units(record.key, active_only=True)
        ],
        purposes=[(p.value, word("booking.purpose", p.value)) for p in Purpose],
        hazards=[(h.value, word("booking.hazard", h.value)) for h in Hazard],
        kinds=_kinds(rules),
        calendar_href=calendar_url(record),
    )
    return html, form.status


def _kinds(rules: HouseDocument) -> list[tuple[str, str, str]]:
    term = formatting.duration(rules.offer * 60)
    kept = _("Freed time is kept for you for up to %(term)s, in the order of the line.", term=term)
    told = _("You are told of freed time; nothing is kept.")
    return [
        (WaitingKind.QUEUE.value, _("Keep it for me"), kept),
        (WaitingKind.ALERT.value, _("Only tell me"), told),
    ]


@waiting.post("/o/<organisation>/book/<host>/<code>/waiting")
@allows(MEMBER)
@once
def join(organisation: str, host: str, code: str) -> Any:
    record = public_resource(host, code)
    form = Form.sent()
    asked, _fault = asked_from(request.form, record, BookingKind.WINDOW)
    earliest = form.moment("earliest", zone=record.zone, required=True)
    latest = form.moment("latest", zone=record.zone, required=True)
    minutes = form.minutes("length", required=True)
    kind = form.choice("kind", WaitingKind, required=True)
    form.text("description", longest=4000)
    if form.ok and earliest and latest and minutes is not None and kind:
        try:
            made = service.join_line(
                record.key, asked, earliest, latest, minutes * 60, by=g.actor, kind=WaitingKind(kind)
            )
        except DomainError as error:
            form.refuse(error)
        else:
            if made.state is WaitingState.OFFERED:
                flash(_("There is room already: this is kept for you."), "good")
            elif made.kind is WaitingKind.ALERT:
                flash(_("You are told when time becomes free."), "good")
            else:
                flash(_("You stand in line and are told when time becomes free."), "good")
            return redirect(url_for("waiting.index", organisation=organisation), 303)
    return _form_page(record, form)


@waiting.get("/o/<organisation>/waiting")
@allows(MEMBER)
def index(organisation: str) -> tuple[str, int]:
    """What is offered to the reader's side, for what it waits, and what became of it."""
    return _list(None)


def _list(form: Form | None) -> tuple[str, int]:
    past = request.args.get("view") == "past"
    limit = paging.asked_limit(30)
    after = paging.unpack(paging.asked_after(), datetime, UUID)
    page = _page_of(service.waits_of(g.actor, limit + 1, after, waiting=not past), limit)
    html = render_template(
        "booking/waiting.html",
        form=form,
        past=past,
        offers=_rows(service.offers_to(g.actor)) if not past and after is None else [],
        page=page,
    )
    return html, form.status if form else 200


def _page_of(found: Sequence[service.WaitingRecord], limit: int) -> paging.Page[SimpleNamespace]:
    return paging.page_of(_rows(found), limit, lambda row: (row.since, row.one.key.id))


def _rows(found: Sequence[service.WaitingRecord]) -> list[SimpleNamespace]:
    resources = catalogue.resources({one.resource_key for one in found})
    people = accounts.people({one.person_id for one in found})
    customers = accounts.customers({one.customer_id for one in found})
    ahead = service.ahead_of(found)
    chosen = catalogue.units_of(sorted({one.resource_key for one in found if one.unit_id is not None}))
    units = {unit.key.id: unit.name(formatting.language()) for lanes in chosen.values() for unit in lanes}
    booked = service.records(
        [HostKey(one.key.institution_id, one.booking_id) for one in found if one.booking_id is not None]
    )
    result = []
    for one in found:
        resource = resources[one.resource_key]
        record = booked.get(HostKey(one.key.institution_id, one.booking_id)) if one.booking_id else None
        person, customer = people.get(one.person_id), customers.get(one.customer_id)
        result.append(
            SimpleNamespace(
                one=one,
                state=one.state,
                kind=one.kind,
                what=resource,
                unit=units.get(one.unit_id, "") if one.unit_id is not None else "",
                zone=resource.zone,
                wish=TimeSpan(one.earliest, one.latest),
                length=one.length_seconds,
                booking=record,
                person=person.name if person else "–",
                customer=customer.name_in(formatting.language()) if customer else "–",
                ahead=ahead.get(one.key, 0),
                since=one.created_at,
                host_code=resource.host_code,
            )
        )
    return result


def _key(host: str, entry_id: UUID) -> HostKey:
    return HostKey(accounts.organisation(host).id, entry_id)


@waiting.post("/o/<organisation>/waiting/<host>/<uuid:entry_id>/accept")
@allows(MEMBER)
@once
def accept(organisation: str, host: str, entry_id: UUID) -> Any:
    """Take what is offered; the hold becomes the booking."""
    form = Form.sent()
    try:
        booked = service.accept_offer(_key(host, entry_id), by=g.actor)
    except DomainError as error:
        form.refuse(error)
        return _list(form)
    if booked.state.value == "approved":
        flash(_("Booked. Your number is %(number)s.", number=booked.number), "good")
    else:
        flash(_("Sent. The host answers your request %(number)s.", number=booked.number), "good")
    return redirect(
        url_for("bookings.show", organisation=organisation, host=host, booking_id=booked.key.id), 303
    )


@waiting.post("/o/<organisation>/waiting/<host>/<uuid:entry_id>/leave")
@allows(MEMBER)
@once
def leave(organisation: str, host: str, entry_id: UUID) -> Any:
    form = Form.sent()
    try:
        service.leave_line(_key(host, entry_id), by=g.actor)
    except DomainError as error:
        form.refuse(error)
        return _list(form)
    flash(_("You wait no longer."), "good")
    return redirect(url_for("waiting.index", organisation=organisation), 303)


@waiting.get("/o/<organisation>/waiting-list")
@allows(*SEES)
def hosts_list(organisation: str) -> str:
    """Who waits for what one looks after, first come first; with ``?resource=code`` for one of them."""
    host = accounts.organisation(organisation)
    forms.remember_zone(host.zone)
    limit = paging.asked_limit(30)
    after = paging.unpack(paging.asked_after(), datetime, UUID)
    lines = catalogue.resources(service.waited_for(g.actor))
    chosen = next((r for r in lines.values() if r.code == request.args.get("resource")), None)
    found = service.waits_at(g.actor, limit + 1, after, resource=chosen.key if chosen else None)
    return render_template(
        "booking/waiting_host.html",
        page=_page_of(found, limit),
        host=host,
        resources=sorted(
            ((r.code, formatting.plain(r.name(formatting.language()))) for r in lines.values()),
            key=lambda pair: pair[1],
        ),
        chosen=chosen.code if chosen else "",
    )
