"""One inquiry for both its sides: what was asked, every version of the price, and what each side may do now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NoSuchInquiry
from resource_hub.domain.booking.inquiry_words import Inquiry, InquiryState, QuoteLine
from resource_hub.domain.booking.rules import given_quotes as rules
from resource_hub.domain.booking.terms import BookingKind, Side
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import forms, uploads
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, SIGNED_IN, allows
from resource_hub.entrypoints.web.permanent import reader_of
from resource_hub.entrypoints.web.quotes.blueprints import blueprint, today_of
from resource_hub.infra import files as stored
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import HostKey

ROWS = 5
_ONE = "/o/<organisation>/quotes/<host>/<uuid:inquiry_id>"


def _key(host: str, inquiry_id: UUID) -> HostKey:
    return HostKey(accounts.organisation(host).id, inquiry_id)


@blueprint.get("/hosts/<host>/quotes/<uuid:inquiry_id>")
@allows(SIGNED_IN)
def permanent(host: str, inquiry_id: UUID) -> Response:
    """The permanent address of an inquiry."""
    key = _key(host, inquiry_id)
    by = reader_of(lambda actor: service.inquiry_for(key, actor), NoSuchInquiry)
    return redirect(
        url_for("quotes.show", organisation=by.organisation_code, host=host, inquiry_id=inquiry_id)
    )


@blueprint.get(_ONE)
@allows(MEMBER)
def show(organisation: str, host: str, inquiry_id: UUID) -> tuple[str, int]:
    return _page(organisation, _key(host, inquiry_id))


def _page(
    organisation: str, key: HostKey, form: Form | None = None, price: Form | None = None
) -> tuple[str, int]:
    found, side = service.inquiry_for(key, g.actor)
    g.hat = "customer" if side is Side.CUSTOMER else None
    resource = catalogue.resource(found.resource_key)
    forms.remember_zone(resource.zone)
    state = found.state_on(today_of(resource))
    versions = service.given_versions(key)
    people = accounts.people({found.person_id, *(v.given_by for v in versions)})
    prices = side is Side.HOST and service.may_price(found, g.actor)
    mine = found.customer_id in g.actor.customer_ids
    order = service.order_of_inquiry(found)
    later, former = service.inquiry_asked_again(found), service.former_of_inquiry(found)
    over = order is None and found.may_be_asked_again(today_of(resource))
    html = render_template(
        "quotes/show.html",
        organisation_code=organisation,
        found=found,
        state=state,
        resource=resource,
        host=accounts.organisation(key.institution_id),
        customer=accounts.customer(found.customer_id),
        people=people,
        versions=versions,
        today=today_of(resource),
        files=service.files_of_inquiry(key),
        is_host=side is Side.HOST,
        gives=prices and state in rules.MAY_GIVE and later is None,
        withdraws=prices and state is InquiryState.GIVEN,
        refuses=prices and state in rules.MAY_REFUSE,
        decides=mine and state in rules.MAY_DECIDE and not _named_it(found),
        takes_back=mine and state in rules.MAY_TAKE_BACK,
        order_href=_order_href(found, resource, organisation) if mine and order is None and not over else "",
        over=over,
        again_href=_again_href(found, resource, organisation) if mine and over and later is None else "",
        later=later,
        former=former,
        made_href=_made_href(order, organisation),
        rows=range(1, ROWS + 1),
        form=form or Form(),
        price=price or _fresh(found),
        plain=Form(),
    )
    return html, max(one.status if one else 200 for one in (form, price))


def _named_it(found: Inquiry) -> bool:
    return found.quote is not None and found.quote.given_by == g.actor.person_id


def _fresh(found: Inquiry) -> Form:
    """A renewed price begins with the lines of the one before."""
    values: dict[str, Any] = {"version": found.version}
    for number, line in enumerate(found.quote.lines if found.quote else (), 1):
        values |= {f"text{number}": line.text, f"amount{number}": line.amount}
    return Form(values)


def _order_href(found: Inquiry, resource: ResourceRecord, organisation: str) -> str:
    """Where an order is made at the accepted price."""
    if found.state is not InquiryState.ACCEPTED or found.quote is None:
        return ""
    values: dict[str, Any] = {"given": str(found.quote.key.id), "customer": str(found.customer_id)}
    if found.wish.mode is not None and found.wish.kind is not BookingKind.ACCESS:
        values["mode"] = found.wish.mode.value
    if found.wish.samples:
        values["samples"] = found.wish.samples
    return url_for(
        "booking.order", organisation=organisation, host=resource.host_code, code=resource.code, **values
    )


def _again_href(found: Inquiry, resource: ResourceRecord, organisation: str) -> str:
    """Where the same is asked once more."""
    return url_for(
        "quotes.ask",
        organisation=organisation,
        host=resource.host_code,
        code=resource.code,
        former=found.key.id,
    )


def _made_href(order: HostKey | None, organisation: str) -> str:
    if order is None:
        return ""
    host = accounts.organisation(order.institution_id)
    return url_for("bookings.show", organisation=organisation, host=host.code, booking_id=order.id)


@blueprint.get(f"{_ONE}/files/<uuid:file_id>")
@allows(MEMBER)
def file(organisation: str, host: str, inquiry_id: UUID, file_id: UUID) -> Any:
    """A document of the inquiry, for its two parties; always a download."""
    key = _key(host, inquiry_id)
    service.inquiry_for(key, g.actor)
    found = next((one for one in service.files_of_inquiry(key) if one.id == file_id), None)
    record = stored.find(found.file_organisation_id, found.file_id) if found is not None else None
    if record is None:
        raise uploads.FileGone()
    return uploads.answer(record, download=True)


# ---- what changes something ------------------------------------------------------------------------------------


@blueprint.post(f"{_ONE}/price")
@allows(MEMBER)
@once
def priced(organisation: str, host: str, inquiry_id: UUID) -> Any:
    """The host names a price, or another one."""
    key, form = _key(host, inquiry_id), Form.sent()
    found, _side = service.inquiry_for(key, g.actor)
    lines = _lines(form, catalogue.resource(found.resource_key).currency)
    until = form.day("valid_until", required=True)
    note = form.text("note", longest=4000) or ""
    if not form.ok or until is None:
        return _page(organisation, key, price=form)
    try:
        service.give_quote(key, lines, until, by=g.actor, note=note, version=form.version())
    except NotFound:
        raise
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, key, price=form)
    flash(_("Sent; the customer is told and answers by the last day."), "good")
    return redirect(url_for("quotes.show", organisation=organisation, host=host, inquiry_id=inquiry_id), 303)


def _lines(form: Form, currency: str) -> list[QuoteLine]:
    """The lines that were filled in, each with both its parts."""
    found = []
    for number in range(1, ROWS + 1):
        text, amount = f"text{number}", f"amount{number}"
        used = number == 1 or any(str(form.value(name)).strip() for name in (text, amount))
        if not used:
            continue
        said = form.text(text, required=True, longest=rules.LONGEST_LINE)
        money = form.money(amount, required=True, currency=currency)
        if said is not None and money is not None:
            found.append(QuoteLine(said, money))
    return found


@blueprint.post(f"{_ONE}/answer")
@allows(MEMBER)
@once
def answered(organisation: str, host: str, inquiry_id: UUID) -> Any:
    """Accept or decline, withdraw or refuse, take the inquiry back."""
    key, form = _key(host, inquiry_id), Form.sent()
    act = form.choice("act", ("accept", "decline", "withdraw", "refuse", "take_back"), required=True)
    number = form.whole("number", most=10_000) or 0
    reason = form.text("reason", longest=1000) or ""
    if act is None or not form.ok:
        return _page(organisation, key, form)
    seen: dict[str, Any] = {"by": g.actor, "version": form.version()}
    try:
        if act == "accept":
            service.accept_quote(key, number, **seen)
            flash(_("Accepted. An order can be made at this price now."), "good")
        elif act == "decline":
            service.decline_quote(key, number, reason=reason, **seen)
            flash(_("Declined; the host is told and may name another price."), "good")
        elif act == "withdraw":
            service.withdraw_quote(key, number, reason=reason, **seen)
            flash(_("Withdrawn; the customer reads your reason."), "good")
        elif act == "refuse":
            service.refuse_inquiry(key, reason=reason, **seen)
            flash(_("Refused; the customer reads your reason."), "good")
        else:
            service.take_back_inquiry(key, reason=reason, **seen)
            flash(_("Taken back; the host is told."), "good")
    except NotFound:
        raise
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, key, form)
    return redirect(url_for("quotes.show", organisation=organisation, host=host, inquiry_id=inquiry_id), 303)
