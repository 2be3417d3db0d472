"""Quotes given by hand, for programs: ask for one, name a price, accept or decline it.

An inquiry is named by its host's code and its id; who is neither of its two parties gets 404. An order is made at an
accepted quote by its ``given_quote_id`` (see the bookings of a resource).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service
from resource_hub.domain.booking.inquiry_words import (
    GivenQuote,
    GivenState,
    Inquiry,
    InquiryState,
    QuoteLine,
    Wish,
)
from resource_hub.domain.booking.rules import given_quotes as rules
from resource_hub.domain.booking.terms import BookingKind
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.common import host_key, seen_resource
from resource_hub.entrypoints.api.writing import CreateHeaders, EditHeaders, once, seen_number, tagged
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.fields import Identifier, Moment, MoneyString, Text
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.infra import clock
from resource_hub.kernel.errors import Invalid, NotFound, Reason
from resource_hub.kernel.money import Money, MoneyError
from resource_hub.kernel.time import local_day, zone

blueprint = Blueprint(
    "quotes_api", __name__, url_prefix="/api/v1", description="Quotes that a host gives by hand"
)
_AT = "/hosts/<host>/resources/<code>/inquiries"
_ONE = "/hosts/<host>/inquiries/<uuid:inquiry_id>"


# ---- what is sent and answered ---------------------------------------------------------------------------------


class InquiryIn(ma.Schema):
    """What a price is asked for. Machine time needs ``length_seconds``, send-in samples ``samples``."""

    kind = ma.fields.String(
        load_default=BookingKind.WINDOW.value,
        validate=ma.validate.OneOf([kind.value for kind in BookingKind]),
    )
    mode = ma.fields.String(load_default=None, validate=ma.validate.OneOf([mode.value for mode in Mode]))
    length_seconds = ma.fields.Integer(load_default=0, strict=True, validate=ma.validate.Range(0, 36_000_000))
    samples = ma.fields.Integer(load_default=0, strict=True, validate=ma.validate.Range(0, 100_000))
    wanted_from = ma.fields.Date(load_default=None, allow_none=True)
    wanted_until = ma.fields.Date(load_default=None, allow_none=True)
    description = Text(required=True, validate=ma.validate.Length(1, 4000))
    customer_id = Identifier(load_default=None, allow_none=True)


class AgainIn(ma.Schema):
    """What is other than before; left out, it is asked for the same, on days that are still to be found."""

    wanted_from = ma.fields.Date(allow_none=True)
    wanted_until = ma.fields.Date(allow_none=True)
    description = Text(validate=ma.validate.Length(1, 4000))


class QuoteLineIn(ma.Schema):
    text = Text(required=True, validate=ma.validate.Length(1, rules.LONGEST_LINE))
    amount = ma.fields.String(
        required=True,
        validate=ma.validate.Length(1, 30),
        metadata={"description": "net, in major units of the resource's currency", "example": "880.00"},
    )


class PriceIn(ma.Schema):
    lines = ma.fields.List(
        ma.fields.Nested(QuoteLineIn), required=True, validate=ma.validate.Length(1, rules.MOST_LINES)
    )
    valid_until = ma.fields.Date(
        required=True,
        metadata={"description": "the last day on which it may be accepted, in the host's zone"},
    )
    note = Text(load_default="", validate=ma.validate.Length(max=4000))


class QuoteDecisionIn(ma.Schema):
    number = ma.fields.Integer(
        required=True, strict=True, metadata={"description": "the version of the quote that was read"}
    )
    reason = Text(load_default="", validate=ma.validate.Length(max=1000))


class QuoteReasonIn(ma.Schema):
    reason = Text(load_default="", validate=ma.validate.Length(max=1000))


class QuoteLineSchema(ma.Schema):
    text = ma.fields.String(required=True)
    amount = MoneyString(required=True)


class GivenQuoteSchema(ma.Schema):
    """One version of the host's answer; ``id`` is the ``given_quote_id`` of an order."""

    id = Identifier(required=True)
    number = ma.fields.Integer(required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf([s.value for s in GivenState]))
    lines = ma.fields.List(ma.fields.Nested(QuoteLineSchema), required=True)
    total = MoneyString(required=True)
    currency = ma.fields.String(required=True)
    valid_until = ma.fields.Date(required=True)
    order_until = ma.fields.Date(
        required=True,
        metadata={"description": "the last day on which an order may be made at it, in the host's zone"},
    )
    note = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)
    given_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)


class InquirySchema(ma.Schema):
    id = Identifier(required=True)
    number = ma.fields.String(required=True)
    host = ma.fields.String(required=True)
    resource_id = Identifier(required=True)
    customer_id = Identifier(required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf([s.value for s in InquiryState]))
    reason = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    mode = ma.fields.String(required=True, allow_none=True)
    length_seconds = ma.fields.Integer(required=True)
    samples = ma.fields.Integer(required=True)
    wanted_from = ma.fields.Date(required=True, allow_none=True)
    wanted_until = ma.fields.Date(required=True, allow_none=True)
    description = ma.fields.String(required=True)
    quote = ma.fields.Nested(GivenQuoteSchema, required=True, allow_none=True)
    former_id = Identifier(
        required=True, allow_none=True, metadata={"description": "the inquiry that this one asks again"}
    )
    version = ma.fields.Integer(required=True)
    created_at = Moment(required=True)


InquiriesPage = cursor_schema(InquirySchema)


class VersionsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(GivenQuoteSchema), required=True)


def _given(found: Inquiry, quote: GivenQuote, today: Any) -> dict[str, Any]:
    return {
        "id": quote.key.id,
        "number": quote.number,
        "state": quote.state_on(today).value,
        "lines": [{"text": line.text, "amount": line.amount} for line in quote.lines],
        "total": quote.total,
        "currency": quote.total.currency,
        "valid_until": quote.valid_until,
        "order_until": replace(found, quote=quote).order_until,
        "note": quote.note,
        "reason": quote.reason,
        "given_at": quote.given_at,
        "decided_at": quote.decided_at,
    }


def _row(found: Inquiry, host: str, zone_name: str, former_id: UUID | None) -> dict[str, Any]:
    wish, today = found.wish, local_day(clock.now(), zone(zone_name))
    return {
        "id": found.key.id,
        "number": found.number,
        "host": host,
        "resource_id": found.resource_id,
        "customer_id": found.customer_id,
        "state": found.state_on(today).value,
        "reason": found.reason,
        "kind": wish.kind.value,
        "mode": wish.mode.value if wish.mode else None,
        "length_seconds": wish.length_seconds,
        "samples": wish.samples,
        "wanted_from": wish.wanted_from,
        "wanted_until": wish.wanted_until,
        "description": wish.description,
        "quote": _given(found, found.quote, today) if found.quote else None,
        "former_id": former_id,
        "version": found.version,
        "created_at": found.created_at,
    }


def _rows(found: Sequence[Inquiry], limit: int) -> dict[str, Any]:
    page = paging.page_of(found, limit, lambda one: (one.created_at, one.key.id))
    records = page.items
    hosts = accounts.organisation_names({r.key.institution_id for r in records})
    resources = catalogue.resources({r.resource_key for r in records})
    formers = service.formers_of_inquiries(records)
    return {
        "items": [
            _row(r, hosts[r.key.institution_id].code, resources[r.resource_key].zone, formers.get(r.key))
            for r in records
        ],
        "next_cursor": page.next_cursor,
    }


def _answer(found: Inquiry, status: int = 200) -> Any:
    return _rows([found], 1)["items"][0], status, tagged(found.version)


# ---- doors -----------------------------------------------------------------------------------------------------


@blueprint.post(_AT)
@blueprint.arguments(InquiryIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, InquirySchema)
@allows(MEMBER)
def ask(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> Any:
    """Ask what something would cost, where no tariff says it."""
    record = seen_resource(host, code)
    kind = BookingKind(data["kind"])
    mode = Mode(data["mode"]) if data["mode"] else next(iter(record.modes), None)
    if kind is not BookingKind.WINDOW:
        mode = Mode.SEND_IN if kind is BookingKind.SAMPLES else None
    wish = Wish(**{**data, "kind": kind, "mode": mode})

    def made() -> dict[str, Any]:
        return {"id": str(service.ask_for_quote(record.key, wish, by=g.actor).key.id)}

    found, _side = service.inquiry_for(host_key(host, UUID(once(headers, made)["id"])), g.actor)
    return _answer(found, 201)


@blueprint.post(f"{_ONE}/repetition")
@blueprint.arguments(AgainIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, InquirySchema)
@allows(MEMBER)
def ask_again(data: dict[str, Any], headers: dict[str, Any], host: str, inquiry_id: UUID) -> Any:
    """Ask once more what a former inquiry asked, once its price is over: nobody accepted it or ordered at it in time.
    A new inquiry is made, which names the former one and has its documents."""
    key = host_key(host, inquiry_id)
    former, _side = service.inquiry_for(key, g.actor)
    # The days of the former one are over, as its price is.
    wish = replace(former.wish, **{"wanted_from": None, "wanted_until": None, **data})

    def made() -> dict[str, Any]:
        return {"id": str(service.ask_for_quote(former.resource_key, wish, by=g.actor, former=key).key.id)}

    found, _side = service.inquiry_for(host_key(host, UUID(once(headers, made)["id"])), g.actor)
    return _answer(found, 201)


@blueprint.get("/inquiries")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, InquiriesPage)
@allows(MEMBER)
def of_customers(args: dict[str, Any]) -> dict[str, Any]:
    """What the token's customers asked, at whatever host, the newest first."""
    after = paging.unpack(args["after"], datetime, UUID)
    return _rows(service.inquiries_of(g.actor, args["limit"] + 1, after), args["limit"])


@blueprint.get("/hosts/<host>/inquiries")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, InquiriesPage)
@allows(*service.STAFF)
def at_host(args: dict[str, Any], host: str) -> dict[str, Any]:
    """What was asked at the token's host, as far as the person's roles reach, the newest first."""
    if accounts.organisation(host).id != g.actor.organisation_id:
        raise NotFound()
    after = paging.unpack(args["after"], datetime, UUID)
    return _rows(service.inquiries_at(g.actor, limit=args["limit"] + 1, after=after), args["limit"])


@blueprint.get(_ONE)
@blueprint.response(200, InquirySchema)
@allows(MEMBER)
def show(host: str, inquiry_id: UUID) -> Any:
    """One inquiry with the newest version of the host's answer."""
    return _answer(service.inquiry_for(host_key(host, inquiry_id), g.actor)[0])


@blueprint.get(f"{_ONE}/quotes")
@blueprint.response(200, VersionsSchema)
@allows(MEMBER)
def versions(host: str, inquiry_id: UUID) -> dict[str, Any]:
    """Every version of the host's answer, the newest first."""
    key = host_key(host, inquiry_id)
    found, _side = service.inquiry_for(key, g.actor)
    today = local_day(clock.now(), zone(catalogue.resource(found.resource_key).zone))
    return {"items": [_given(found, one, today) for one in service.given_versions(key)]}


@blueprint.post(f"{_ONE}/quotes")
@blueprint.arguments(PriceIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(201, InquirySchema)
@allows(MEMBER)
def give(data: dict[str, Any], headers: dict[str, Any], host: str, inquiry_id: UUID) -> Any:
    """Name a price, or another one: each is a version of its own. For those who write the resource's tariffs."""
    version, key = seen_number(headers["tag"]), host_key(host, inquiry_id)
    found, _side = service.inquiry_for(key, g.actor)
    currency = catalogue.resource(found.resource_key).currency
    lines = [
        QuoteLine(line["text"], _money(line["amount"], currency, n)) for n, line in enumerate(data["lines"])
    ]
    made = service.give_quote(key, lines, data["valid_until"], by=g.actor, note=data["note"], version=version)
    return _answer(made, 201)


def _money(text: str, currency: str, index: int) -> Money:
    try:
        return Money.of(text.strip(), currency)
    except MoneyError:
        raise Invalid(Reason("form.not_an_amount", {}, f"lines/{index}/amount")) from None


@blueprint.post(f"{_ONE}/acceptance")
@blueprint.arguments(QuoteDecisionIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, InquirySchema)
@allows(MEMBER)
def accept(data: dict[str, Any], headers: dict[str, Any], host: str, inquiry_id: UUID) -> Any:
    """Take the host's price, to the end of its last day."""
    version = seen_number(headers["tag"])
    return _answer(
        service.accept_quote(host_key(host, inquiry_id), data["number"], by=g.actor, version=version)
    )


@blueprint.post(f"{_ONE}/decline")
@blueprint.arguments(QuoteDecisionIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, InquirySchema)
@allows(MEMBER)
def decline(data: dict[str, Any], headers: dict[str, Any], host: str, inquiry_id: UUID) -> Any:
    """Say no to the host's price."""
    version, key = seen_number(headers["tag"]), host_key(host, inquiry_id)
    return _answer(
        service.decline_quote(key, data["number"], by=g.actor, reason=data["reason"], version=version)
    )


@blueprint.post(f"{_ONE}/price-withdrawal")
@blueprint.arguments(QuoteDecisionIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, InquirySchema)
@allows(MEMBER)
def withdraw(data: dict[str, Any], headers: dict[str, Any], host: str, inquiry_id: UUID) -> Any:
    """The host takes a price back before it is accepted, with its reason."""
    version, key = seen_number(headers["tag"]), host_key(host, inquiry_id)
    return _answer(
        service.withdraw_quote(key, data["number"], by=g.actor, reason=data["reason"], version=version)
    )


@blueprint.post(f"{_ONE}/refusal")
@blueprint.arguments(QuoteReasonIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, InquirySchema)
@allows(MEMBER)
def refuse(data: dict[str, Any], headers: dict[str, Any], host: str, inquiry_id: UUID) -> Any:
    """The host names no price, with its reason."""
    version, key = seen_number(headers["tag"]), host_key(host, inquiry_id)
    return _answer(service.refuse_inquiry(key, by=g.actor, reason=data["reason"], version=version))


@blueprint.post(f"{_ONE}/withdrawal")
@blueprint.arguments(QuoteReasonIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, InquirySchema)
@allows(MEMBER)
def take_back(data: dict[str, Any], headers: dict[str, Any], host: str, inquiry_id: UUID) -> Any:
    """The customer needs no price any more."""
    version, key = seen_number(headers["tag"]), host_key(host, inquiry_id)
    return _answer(service.take_back_inquiry(key, by=g.actor, reason=data["reason"], version=version))
