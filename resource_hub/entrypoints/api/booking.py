"""Booking for programs: price before the click, holds, bookings, answers, changes, cancellation, samples and access.

A booking is named by its host's code and its id. Who is neither of its two parties gets 404, as for one that is not
there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import g

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import Act, BookingKind, BookingRecord, BookingState, QuoteRecord
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.booking_schemas import (
    BookIn,
    BookingSchema,
    BookingsPage,
    CancelIn,
    CancelPreviewSchema,
    ChangeIn,
    ChangePreviewSchema,
    FullBookingSchema,
    ListArguments,
    MessageIn,
    MessageSchema,
    MessagesSchema,
    NoteIn,
    OrderIn,
    OwnListArguments,
    PreviewSchema,
    ProposalIn,
    QuoteSchema,
    ReasonIn,
    StepIn,
    TimeIn,
)
from resource_hub.entrypoints.api.booking_values import (
    answer_out,
    asked_in,
    booking_out,
    fees_in,
    fees_out,
    file_out,
    message_out,
    price_out,
    rows_out,
)
from resource_hub.entrypoints.api.common import host_key, own_house, seen_resource, span_of, times_out, told
from resource_hub.entrypoints.api.writing import CreateHeaders, EditHeaders, once, seen_number, tagged
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.believing import believes
from resource_hub.entrypoints.support.guards import MEMBER, PUBLIC, allows
from resource_hub.infra import clock
from resource_hub.kernel.keys import HostKey

blueprint = Blueprint(
    "booking_api", __name__, url_prefix="/api/v1", description="Quotes, holds, bookings and orders"
)
_AT = "/hosts/<host>/resources/<code>"
_ONE = "/hosts/<host>/bookings/<uuid:booking_id>"


def _made(record: BookingRecord, resource: ResourceRecord) -> Any:
    """The answer to who made an order of a resource that was looked up for it."""
    state, sums = service.judged_by_clock(record, clock.now()), service.sums_of([record]).get(record.key)
    return booking_out(record, state, resource.host_code, resource, sums), 201, tagged(record.version)


# ---- price and preview -----------------------------------------------------------------------------------------


@blueprint.post(f"{_AT}/bookings/preview")
@blueprint.arguments(OrderIn)
@blueprint.response(200, PreviewSchema)
@allows(PUBLIC)
def preview(data: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """What booking would mean, before it is done: reasons against it, price, free units; with what comes along.

    Nothing is written.
    """
    record = seen_resource(host, code)
    actor = g.get("actor")
    asked = asked_in(data, record)
    prepared = service.prepare(record.key, asked, by=actor, now=clock.now())
    reasons = service.judge(prepared, clock.now())
    helpers = service.prepared_helpers(prepared, actor, clock.now())
    reasons += service.reasons_against_helpers(helpers)
    priced = service.preview(record, prepared.asked, prepared.who)
    quote = service.together(priced.quote, [service.quote_for(one, clock.now()) for one in helpers])
    units: list[UUID] = []
    if asked.span is not None:
        outside = prepared.who.outside
        units = availability.free_units(record.key, asked.span, outside=outside)
        units = [unit for unit in units if asked.unit_id in (None, unit)]
        busy = service.busy_helper([one.resource for one in helpers], asked.span, outside=outside)
        if busy is not None:
            units = []
            taken = availability.taken(busy.key, asked.span).reasons
            reasons += service.helper_in_the_way(busy, taken)
    trouble = asked.span is not None and (not units or any(r.place == "time" for r in reasons))
    return {
        "reasons": told(reasons),
        "price": price_out(quote),
        "price_missing": told(priced.missing),
        "free_units": units,
        "alternatives": times_out(service.alternatives(record.key, asked, by=actor) if trouble else []),
    }


def _quote(quote: QuoteRecord, host: str) -> dict[str, Any]:
    row = price_out(quote)
    assert row is not None and quote.key is not None
    return row | {
        "id": quote.key.id,
        "host": host,
        "resource_id": quote.resource_key.id,
        "customer_id": quote.customer_id,
    }


@blueprint.post(f"{_AT}/quotes")
@blueprint.arguments(OrderIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, QuoteSchema)
@allows(MEMBER)
def quote(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """Freeze the price of an order for a while. It keeps no time: hold or book for that."""
    record = seen_resource(host, code)
    asked = asked_in(data, record)

    def made() -> dict[str, Any]:
        frozen = service.quote(record.key, asked, by=g.actor)
        assert frozen.key is not None
        return {"id": str(frozen.key.id)}

    key = HostKey(record.key.institution_id, UUID(once(headers, made)["id"]))
    return _quote(service.quote_of(key, g.actor), host)


@blueprint.get("/hosts/<host>/quotes/<uuid:quote_id>")
@blueprint.response(200, QuoteSchema)
@allows(MEMBER)
def show_quote(host: str, quote_id: UUID) -> dict[str, Any]:
    """A frozen price, for the customer and the host."""
    return _quote(service.quote_of(host_key(host, quote_id), g.actor), host)


# ---- holding and booking ---------------------------------------------------------------------------------------


@blueprint.post(f"{_AT}/holds")
@blueprint.arguments(OrderIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, BookingSchema)
@allows(MEMBER)
@believes
def hold(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> Any:
    """Keep a time for some minutes while the order is written. It lapses by itself, or is booked with ``hold_id``."""
    record = seen_resource(host, code)
    asked = asked_in(data, record)
    return answer_out(service.hold(record.key, asked, by=g.actor, idempotency_key=headers["key"]), 201)


@blueprint.post(f"{_AT}/bookings")
@blueprint.arguments(BookIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, BookingSchema)
@allows(MEMBER)
@believes
def book(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> Any:
    """Book a time, order work on samples, or ask for access. Approved at once or asked of the host, as its rules say.

    A refusal names every reason, and other times where the time was the trouble.
    """
    record = seen_resource(host, code)
    asked = replace(asked_in(data, record), override=data["override"])
    walk_in = data["walk_in"]
    if walk_in is not None:

        def received() -> dict[str, Any]:
            made = service.book_walk_in(record.key, asked, walk_in["name"], walk_in["contact"], by=g.actor)
            return {"id": str(made.key.id)}

        key = HostKey(record.key.institution_id, UUID(once(headers, received)["id"]))
        return answer_out(service.booking(key), 201)
    made = service.request(
        record.key,
        asked,
        by=g.actor,
        idempotency_key=headers["key"],
        quote_id=data["quote_id"],
        hold_id=data["hold_id"],
    )
    return _made(made, record)


# ---- reading ---------------------------------------------------------------------------------------------------


@blueprint.get(_ONE)
@blueprint.response(200, FullBookingSchema)
@allows(MEMBER)
def show(host: str, booking_id: UUID) -> Any:
    """One order with its history, messages and files; its ``ETag`` is asked for when it is changed."""
    found = service.detail(host_key(host, booking_id), g.actor)
    sums = service.sums_of([found.record]).get(found.record.key)
    row = booking_out(found.record, found.state, accounts.organisation(host).code, found.resource, sums)
    row |= {
        "side": found.side.value,
        "acts": sorted(act.value for act in found.acts),
        "events": [
            {"at": e.at, "kind": e.kind, "person_id": e.person_id, "details": dict(e.details)}
            for e in found.events
        ],
        "messages": [message_out(m) for m in found.messages],
        "files": [file_out(f) for f in found.files],
        "given_back": [
            {
                "start": one.span.start,
                "end": one.span.end,
                "resource_id": one.resource_id,
                "fee": one.fee,
                "currency": one.fee.currency,
                "decides_at": one.decides_at,
            }
            for one in service.given_back_of(found.record, g.actor)
        ],
    }
    return row, 200, tagged(found.record.version)


def _filters(args: dict[str, Any]) -> dict[str, Any]:
    return {
        "states": [BookingState(state) for state in args["state"]],
        "kinds": [BookingKind(kind) for kind in args["kind"]],
        "since": args["since"],
        "until": args["until"],
        "newest": args["newest"],
        "after": paging.unpack(args["after"], datetime, UUID),
        "limit": args["limit"] + 1,
    }


def _page(records: Sequence[BookingRecord], limit: int) -> dict[str, Any]:
    page = paging.page_of(records, limit, lambda r: (r.starts_at or r.created_at, r.key.id))
    return {"items": rows_out(page.items), "next_cursor": page.next_cursor}


@blueprint.get("/bookings")
@blueprint.arguments(OwnListArguments, location="query")
@blueprint.response(200, BookingsPage)
@allows(MEMBER)
def of_customers(args: dict[str, Any]) -> dict[str, Any]:
    """Orders of the token's customers, at whatever host."""
    records = service.bookings_of(g.actor, mine=args["mine"], **_filters(args))
    return _page(records, args["limit"])


@blueprint.get("/hosts/<host>/bookings")
@blueprint.arguments(ListArguments, location="query")
@blueprint.response(200, BookingsPage)
@allows(*service.STAFF)
def at_host(args: dict[str, Any], host: str) -> dict[str, Any]:
    """Orders at the token's host, as far as the person's roles reach."""
    own_house(host)
    return _page(service.bookings_at(g.actor, **_filters(args)), args["limit"])


# ---- answers of the host ---------------------------------------------------------------------------------------


@blueprint.post(f"{_ONE}/approval")
@blueprint.arguments(NoteIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, BookingSchema)
@allows(MEMBER)
def approve(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """Say yes to a request."""
    version = seen_number(headers["tag"])
    key = host_key(host, booking_id)
    return answer_out(service.approve(key, by=g.actor, version=version, note=data["note"]))


@blueprint.post(f"{_ONE}/rejection")
@blueprint.arguments(ReasonIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, BookingSchema)
@allows(MEMBER)
def reject(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """Say no to a request, with the reason that the customer reads; its time is free at once."""
    version = seen_number(headers["tag"])
    key = host_key(host, booking_id)
    return answer_out(service.reject(key, by=g.actor, reason=data["reason"], version=version))


@blueprint.post(f"{_ONE}/proposal")
@blueprint.arguments(ProposalIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, BookingSchema)
@allows(MEMBER)
def propose(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """Offer another time instead: the host moves the order, the customer may cancel for nothing."""
    version = seen_number(headers["tag"])
    key = host_key(host, booking_id)
    span = span_of(data["start"], data["end"])
    return answer_out(service.propose(key, span, by=g.actor, note=data["note"], version=version))


# ---- changing --------------------------------------------------------------------------------------------------


@blueprint.post(f"{_ONE}/change/preview")
@blueprint.arguments(TimeIn)
@blueprint.response(200, ChangePreviewSchema)
@allows(MEMBER)
def change_preview(data: dict[str, Any], host: str, booking_id: UUID) -> dict[str, Any]:
    """What another time would mean: reasons against it, its price, whether it is free. Nothing is written."""
    span = span_of(data["start"], data["end"])
    found = service.change_preview(host_key(host, booking_id), span, by=g.actor, unit_id=data["unit_id"])
    return {
        **fees_out(found.fees),
        "reasons": told(found.reasons),
        "price": price_out(found.quote),
        "free": found.free,
        "needs_answer": found.needs_answer,
    }


@blueprint.post(f"{_ONE}/change")
@blueprint.arguments(ChangeIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, BookingSchema)
@allows(MEMBER)
def change(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """Move, extend or shorten. Id, number and calendar UID stay; a refusal leaves the time as it was. Time given back
    inside the tariff's notice costs what its preview says, unless somebody takes it."""
    version = seen_number(headers["tag"])
    key = host_key(host, booking_id)
    span = span_of(data["start"], data["end"])
    record, _side = service.booking_for(key, g.actor)
    seen = fees_in(data, record.cancel_fee.currency)
    return answer_out(
        service.change(
            key, span, by=g.actor, version=version, unit_id=data["unit_id"], note=data["note"], expected=seen
        )
    )


@blueprint.get(f"{_ONE}/cancellation")
@blueprint.response(200, CancelPreviewSchema)
@allows(MEMBER)
def cancel_preview(host: str, booking_id: UUID) -> dict[str, Any]:
    """What cancelling would cost now, or why it is not possible."""
    found = service.cancel_preview(host_key(host, booking_id), by=g.actor)
    return {**fees_out(found.fees), "reasons": told(found.reasons)}


@blueprint.post(f"{_ONE}/cancellation")
@blueprint.arguments(CancelIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, BookingSchema)
@allows(MEMBER)
def cancel(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """Cancel; the time is free at once. The host gives a reason and takes no fee."""
    version = seen_number(headers["tag"])
    key = host_key(host, booking_id)
    record, _side = service.booking_for(key, g.actor)
    seen = fees_in(data, record.cancel_fee.currency)
    return answer_out(service.cancel(key, by=g.actor, reason=data["reason"], version=version, expected=seen))


# ---- messages, samples, access ---------------------------------------------------------------------------------


@blueprint.get(f"{_ONE}/messages")
@blueprint.response(200, MessagesSchema)
@allows(MEMBER)
def messages(host: str, booking_id: UUID) -> dict[str, Any]:
    """What the two parties wrote to each other, oldest first."""
    found = service.detail(host_key(host, booking_id), g.actor)
    return {"items": [message_out(m) for m in found.messages]}


@blueprint.post(f"{_ONE}/messages")
@blueprint.arguments(MessageIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, MessageSchema)
@allows(MEMBER)
def say(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> dict[str, Any]:
    """Write to the other party."""
    key = host_key(host, booking_id)

    def made() -> dict[str, Any]:
        return {"id": str(service.say(key, data["text"], by=g.actor))}

    message_id = UUID(once(headers, made)["id"])
    found = service.detail(key, g.actor).messages
    return message_out(next(m for m in found if m.id == message_id))


@blueprint.post(f"{_ONE}/steps")
@blueprint.arguments(StepIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, BookingSchema)
@allows(MEMBER)
def step(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """Take a sample order or an access request one step on: receive, begin, deliver, finish."""
    version = seen_number(headers["tag"])
    key = host_key(host, booking_id)
    return answer_out(service.advance(key, Act(data["step"]), by=g.actor, note=data["note"], version=version))
