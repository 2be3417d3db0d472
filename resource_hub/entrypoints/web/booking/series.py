"""Pages of series: booking again and again with every clash answered, and changing or cancelling one, the rest, all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationKind
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NoSuchBooking, SeriesClash
from resource_hub.domain.booking.rules.recurrence import MOST, Recurrence
from resource_hub.domain.booking.terms import Asked, BookingKind, BookingState, Hazard, Purpose, Scope, Side
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.entrypoints.support import (
    formatting,
    forms,
    guards,
    money_text,
    paging,
    sentences,
    wall_clock,
)
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, SIGNED_IN, allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web import nav
from resource_hub.entrypoints.web.booking.lists import Row, money_unit, rows_of
from resource_hub.entrypoints.web.booking.public import public_resource
from resource_hub.entrypoints.web.booking.reading_forms import (
    asked_from,
    read_form,
    span_fields,
    typed_fields,
    typed_span,
)
from resource_hub.entrypoints.web.booking.series_forms import (
    WEEKDAYS,
    left_as_they_are,
    others,
    read_choices,
    read_rule,
    rule_fields,
    told,
    weekday_name,
)
from resource_hub.entrypoints.web.booking.views import calendar_url
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan, local_day, zone

series = Blueprint("series", __name__)


def key_of(host: str, series_id: UUID) -> HostKey:
    return HostKey(accounts.organisation(host).id, series_id)


def back_to(organisation: str, host: str, key: HostKey) -> Any:
    return redirect(url_for("series.show", organisation=organisation, host=host, series_id=key.id), 303)


# ---- making one ------------------------------------------------------------------------------------------------


@series.get("/o/<organisation>/book/<host>/<code>/series")
@allows(MEMBER)
def start(organisation: str, host: str, code: str) -> tuple[str, int]:
    """The form of a series, with the time that was chosen before."""
    record = public_resource(host, code)
    asked, _fault = asked_from(request.args, record, BookingKind.WINDOW)
    first = local_day(asked.span.start, zone(record.zone)) if asked.span else None
    form = Form(
        {
            **typed_fields(request.args, asked.span, record.zone),
            **rule_fields(first),
            "mode": asked.mode,
            "customer": str(asked.customer_id or ""),
            "purpose": asked.purpose,
            "description": request.args.get("description", ""),
        }
    )
    return _form_page(record, form, asked, None, None)


def _with_customer(asked: Asked) -> Asked:
    if asked.customer_id is None and g.actor.customer_ids:
        return replace(asked, customer_id=sorted(g.actor.customer_ids)[0])
    return asked


def _form_page(
    record: ResourceRecord, form: Form, asked: Asked, rule: Recurrence | None, look: service.SeriesLook | None
) -> tuple[str, int]:
    forms.remember_zone(record.zone)
    rules, _number = availability.house_rules(record.key)
    sentence = ""
    if rule is not None and asked.span is not None:
        start_at = asked.span.start.astimezone(zone(record.zone))
        sentence = told(rule, start_at.date(), start_at.hour * 60 + start_at.minute, asked.span.seconds)
    customers = sorted(accounts.customers(g.actor.customer_ids).values(), key=lambda c: c.code)
    html = render_template(
        "booking/series_new.html",
        record=record,
        host=accounts.organisation(record.key.institution_id),
        form=form,
        asked=asked,
        look=look,
        sentence=sentence,
        rules=rules,
        helpers=service.offered_helpers(record.key),
        most=MOST,
        others=others,
        tell=sentences.tell_all,
        which_of_two=wall_clock.which_of_two,
        weekdays=[(str(n), weekday_name(n)) for n in WEEKDAYS],
        customers=[(str(c.id), c.name_in(formatting.language())) for c in customers],
        modes=[(m.value, word("booking.mode", m.value)) for m in record.modes if m is not Mode.SEND_IN],
        purposes=[(p.value, word("booking.purpose", p.value)) for p in Purpose],
        hazards=[(h.value, word("booking.hazard", h.value)) for h in Hazard],
        calendar_href=calendar_url(record),
    )
    return html, form.status


@series.post("/o/<organisation>/book/<host>/<code>/series")
@allows(MEMBER)
@once
def make(organisation: str, host: str, code: str) -> Any:
    """Show every day, or book them all. A day that clashes waits for the user's choice."""
    record = public_resource(host, code)
    form = Form.sent()
    rules, _number = availability.house_rules(record.key)
    asked = replace(_with_customer(read_form(form, record, rules)), kind=BookingKind.WINDOW, unit_id=None)
    rule = read_rule(form)
    look = None
    if form.ok and rule is not None and asked.span is not None:
        choices = read_choices(request.form, record.zone, asked.span.seconds)
        try:
            if request.form.get("book"):
                made = service.create_series(
                    record.key,
                    asked,
                    rule,
                    by=g.actor,
                    choices=choices,
                    request_key=forms.sending(),
                )
                _say_booked(made)
                return back_to(organisation, record.host_code, made.key)
        except SeriesClash as error:
            form.refuse(error)
        except DomainError as error:
            form.refuse(error)
            return _form_page(record, form, asked, rule, None)
        try:
            look = service.look_series(record.key, asked, rule, by=g.actor, choices=choices)
            if request.form.get("look") == "rest" and look.clashes:
                choices |= left_as_they_are(form, look.clashes)
                look = service.look_series(record.key, asked, rule, by=g.actor, choices=choices)
        except DomainError as error:
            form.refuse(error)
    return _form_page(record, form, asked, rule, look)


def _say_booked(made: service.SeriesRecord) -> None:
    days = [one.booking for one in service.series_days(made.key) if one.booking is not None]
    if any(booking.state is BookingState.REQUESTED for booking in days):
        flash(_("Sent. The host answers the series."), "good")
    else:
        flash(ngettext("%(num)d day booked.", "%(num)d days booked.", len(days)), "good")


# ---- one series ------------------------------------------------------------------------------------------------


@series.get("/o/<organisation>/series")
@allows(MEMBER)
def index(organisation: str) -> str:
    """Series of this organisation's customers, the newest first."""
    limit = paging.asked_limit(30)
    after = paging.unpack(paging.asked_after(), datetime, UUID)
    page = paging.page_of(
        service.series_of(g.actor, limit + 1, after), limit, lambda one: (one.created_at, one.key.id)
    )
    found = page.items
    days = service.series_days_of([one.key for one in found])
    resources = catalogue.resources({one.resource_key for one in found})
    now = clock.now()
    rows = []
    for one in found:
        resource, on = resources[one.resource_key], days[one.key]
        ahead = [d.booking.span for d in on if service.day_is_live(d, now) and d.booking and d.booking.span]
        rows.append(
            {
                "what": resource,
                "rule": _told(one, on),
                "state": service.series_state(on),
                "ahead": len(ahead),
                "next": min((s.start for s in ahead), default=None),
                "zone": resource.zone,
                "href": url_for(
                    "series.show", organisation=organisation, host=resource.host_code, series_id=one.key.id
                ),
            }
        )
    return render_template("booking/series_list.html", rows=rows, page=page)


def _told(record: service.SeriesRecord, days: list[service.Occurrence]) -> str:
    first = days[0].day if days else record.rule.until or record.created_at.date()
    return told(record.rule, first, record.starts_minute, record.length_seconds)


@series.get("/o/<organisation>/series/<host>/<uuid:series_id>")
@allows(MEMBER)
def show(organisation: str, host: str, series_id: UUID) -> tuple[str, int]:
    """A series with all its days, for either of its parties."""
    return show_page(organisation, key_of(host, series_id), None)


def show_page(
    organisation: str, key: HostKey, form: Form | None, kept: Sequence[Mapping[str, Any]] = ()
) -> tuple[str, int]:
    record, side = service.series_for(key, g.actor)
    nav.wear(side, g.actor)
    resource = catalogue.resource(record.resource_key)
    forms.remember_zone(resource.zone)
    days = service.series_days(key)
    now = clock.now()
    rows = {row.record.key: row for row in rows_of([d.booking for d in days if d.booking is not None])}
    customer = accounts.customer(record.customer_id)
    live = [d for d in days if service.day_is_live(d, now)]
    html = render_template(
        "booking/series.html",
        record=record,
        resource=resource,
        host=accounts.organisation(key.institution_id),
        customer=customer,
        is_host=side is Side.HOST,
        days=days,
        rows=rows,
        live={d.id for d in live},
        bookable={d.id for d in days if service.day_can_be_booked(d, now, resource.zone)},
        answerable=service.answerable_days(key, days, g.actor),
        ticked=None if form is None else set(form.values("day")),
        kept=[(date.fromisoformat(one["day"]), sentences.tell_all(one["reasons"])) for one in kept],
        state=service.series_state(days),
        sentence=_told(record, days),
        moved={d.id for d in days if service.moved_by_hand(record, d, resource.zone)},
        form=form or Form(),
        organisation_code=organisation,
        sums=_sums(rows.values()),
        money_unit=money_unit(rows.values()),
    )
    return html, form.status if form else 200


def _sums(rows: Iterable[Row]) -> tuple[Money, ...]:
    """What all days cost together, a sum for each currency."""
    dropped = (BookingState.CANCELLED, BookingState.REJECTED)
    return Money.by_currency(
        amount for row in rows if row.record.state not in dropped for amount in row.to_pay or ()
    )


def _cancel_view(key: HostKey, scope: Scope, since: date | None, side: Side) -> dict[str, Any]:
    """What cancelling would do, in sentences, before the click."""
    look = service.look_cancel_series(key, scope, since, by=g.actor)
    effects = [ngettext("%(num)d day is cancelled.", "%(num)d days are cancelled.", len(look.possible))]
    if look.kept:
        stay = formatting.listed([formatting.day(one.day) for one, _preview in look.kept])
        effects.append(_("These stay, their term to cancel is over: %(days)s.", days=stay))
    if side is Side.HOST:
        effects += [_("The customer is told, with your reason."), _("No fee is charged.")]
    elif not all(fee.is_zero for fee in look.fees):
        effects.append(
            _(
                "A fee of %(fee)s is charged, unless somebody takes the whole time before it begins.",
                fee=money_text.sums(service.shown_fees(look.fees)),
            )
        )
    else:
        effects.append(_("It costs nothing."))
    return {"look": look, "effects": effects, "scope": scope.value, "since": since}


@series.get("/hosts/<host>/series/<uuid:series_id>")
@allows(SIGNED_IN)
def permanent(host: str, series_id: UUID) -> Any:
    """The permanent address of a series opens in the organisation in which its reader may see it."""
    key = key_of(host, series_id)
    person = guards.person()
    assert person is not None
    actors = [accounts.actor(person.id, seat.organisation.code) for seat in accounts.seats(person.id)]
    actors.sort(key=lambda a: a.organisation_kind is OrganisationKind.INSTITUTION)
    for by in actors:
        try:
            service.series_for(key, by)
        except NoSuchBooking:
            continue
        return redirect(
            url_for("series.show", organisation=by.organisation_code, host=host, series_id=series_id)
        )
    raise NoSuchBooking()


# ---- changing --------------------------------------------------------------------------------------------------


def _scope(text: str | None) -> Scope:
    return Scope(text) if text in {s.value for s in Scope} else Scope.ONE


@series.get("/o/<organisation>/series/<host>/<uuid:series_id>/change/<uuid:booking_id>")
@allows(MEMBER)
def change_form(organisation: str, host: str, series_id: UUID, booking_id: UUID) -> tuple[str, int]:
    """Another time for this day, this and the following, or all; what it would mean for each day."""
    return _change_page(organisation, key_of(host, series_id), booking_id, None)


def _day(days: list[service.Occurrence], booking_id: UUID) -> service.Occurrence:
    for one in days:
        if one.booking is not None and one.booking.key.id == booking_id:
            return one
    raise NoSuchBooking()


def _change_page(organisation: str, key: HostKey, booking_id: UUID, form: Form | None) -> tuple[str, int]:
    record, side = service.series_for(key, g.actor)
    nav.wear(side, g.actor)
    resource = catalogue.resource(record.resource_key)
    forms.remember_zone(resource.zone)
    days = service.series_days(key)
    here = _day(days, booking_id)
    assert here.booking is not None
    look = None
    fees: tuple[Money, ...] = ()
    if form is None:
        form = Form(
            {**span_fields(here.booking.span, resource.zone), "scope": "rest", "version": record.version}
        )
    else:
        typed = typed_span(request.form, resource.zone)
        scope = _scope(form.value("scope"))
        if typed.span is not None and scope is Scope.ONE:
            with suppress(DomainError):
                fees = service.change_preview(here.booking.key, typed.span, by=g.actor).fees
        elif typed.span is not None:
            choices = read_choices(request.form, resource.zone, typed.span.seconds)
            try:
                look = service.look_change_series(
                    key, booking_id, typed.span, scope, by=g.actor, choices=choices
                )
                if request.form.get("look") == "rest" and look.clashes:
                    choices |= left_as_they_are(form, look.clashes)
                    look = service.look_change_series(
                        key, booking_id, typed.span, scope, by=g.actor, choices=choices
                    )
                fees = look.fees
            except DomainError as error:
                if form.ok:
                    form.refuse(error)
    html = render_template(
        "booking/series_change.html",
        record=record,
        resource=resource,
        host=accounts.organisation(key.institution_id),
        here=here,
        days=days,
        form=form,
        look=look,
        fee="" if all(fee.is_zero for fee in fees) else money_text.sums(service.shown_fees(fees)),
        seen_fees=money_text.packed(fees),
        others=others,
        tell=sentences.tell_all,
        which_of_two=wall_clock.which_of_two,
        is_host=side is Side.HOST,
        sentence=_told(record, days),
        organisation_code=organisation,
    )
    return html, form.status


@series.post("/o/<organisation>/series/<host>/<uuid:series_id>/change/<uuid:booking_id>")
@allows(MEMBER)
@once
def change(organisation: str, host: str, series_id: UUID, booking_id: UUID) -> Any:
    key, form = key_of(host, series_id), Form.sent()
    record, _side = service.series_for(key, g.actor)
    zone_name = catalogue.resource(record.resource_key).zone
    typed = typed_span(request.form, zone_name)
    scope = _scope(form.choice("scope", Scope, required=True))
    if typed.span is None:
        form.note("time", typed.fault or "booking.time_missing")
    elif form.ok and request.form.get("save"):
        try:
            changed = _changed(key, booking_id, typed.span, scope, form, zone_name)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Moved. Numbers and calendar entries stay the same."), "good")
            return back_to(organisation, host, changed)
    return _change_page(organisation, key, booking_id, form)


def _changed(
    key: HostKey, booking_id: UUID, span: TimeSpan, scope: Scope, form: Form, zone_name: str
) -> HostKey:
    note = form.text("note", longest=500) or ""
    seen = money_text.unpacked(form.text("fees")) or ()
    if scope is Scope.ONE:
        service.change(HostKey(key.institution_id, booking_id), span, by=g.actor, note=note, expected=seen)
        return key
    choices = read_choices(request.form, zone_name, span.seconds)
    return service.change_series(
        key, booking_id, span, scope, by=g.actor, choices=choices, version=form.version(), note=note,
        expected=seen,
    ).key  # fmt: skip


# ---- cancelling -------------------------------------------------------------------------------------


@series.get("/o/<organisation>/series/<host>/<uuid:series_id>/cancel")
@allows(MEMBER)
def cancel_form(organisation: str, host: str, series_id: UUID) -> tuple[str, int]:
    """What cancelling from a day on would do to each day, with the fee before the click."""
    return _cancel_page(organisation, key_of(host, series_id), None)


def _since(text: str | None) -> date | None:
    try:
        return datetime.fromisoformat(text).date() if text else None
    except ValueError:
        return None


def _cancel_page(organisation: str, key: HostKey, form: Form | None) -> tuple[str, int]:
    record, side = service.series_for(key, g.actor)
    nav.wear(side, g.actor)
    resource = catalogue.resource(record.resource_key)
    forms.remember_zone(resource.zone)
    since = _since(request.values.get("since"))
    view = _cancel_view(key, Scope.REST if since else Scope.ALL, since, side)
    html = render_template(
        "booking/series_cancel.html",
        record=record,
        resource=resource,
        host=accounts.organisation(key.institution_id),
        form=form or Form({"version": record.version}),
        view=view,
        look=view["look"],
        seen_fees=money_text.packed(view["look"].fees),
        sums=lambda fees: money_text.sums(service.shown_fees(fees)),
        tell=sentences.tell_all,
        is_host=side is Side.HOST,
        organisation_code=organisation,
    )
    return html, form.status if form else 200


@series.post("/o/<organisation>/series/<host>/<uuid:series_id>/cancel")
@allows(MEMBER)
@once
def cancel(organisation: str, host: str, series_id: UUID) -> Any:
    key, form = key_of(host, series_id), Form.sent()
    since = _since(request.form.get("since"))
    try:
        number = service.cancel_series(
            key,
            Scope.REST if since else Scope.ALL,
            since,
            by=g.actor,
            reason=form.text("reason", longest=500) or "",
            expected=money_text.unpacked(form.text("fees")),
            version=form.version(),
        )
    except DomainError as error:
        form.refuse(error)
        return _cancel_page(organisation, key, form)
    flash(ngettext("%(num)d day cancelled.", "%(num)d days cancelled.", number), "good")
    return back_to(organisation, host, key)
