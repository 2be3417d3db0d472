"""Offers to another organisation to take a booking over, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service
from resource_hub.domain.booking.hand_over_offers import LONGEST
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.booking_schemas import AmountSchema, BookingSchema, OrderPriceSchema
from resource_hub.entrypoints.api.booking_values import answer_out, fees_out, price_out
from resource_hub.entrypoints.api.common import WhySchema, host_key, told
from resource_hub.entrypoints.api.writing import CreateHeaders, EditHeaders, once, seen_number, tagged
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.fields import Identifier, Moment, MoneyString, Text
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.infra import clock

blueprint = Blueprint("hand_overs_api", __name__, url_prefix="/api/v1", description="Taking a booking over")
_ONE = "/hosts/<host>/hand-overs/<uuid:offer_id>"


class HandOverOfferIn(ma.Schema):
    organisation = Text(
        required=True,
        validate=ma.validate.Length(1, 60),
        metadata={"description": "code of the organisation that is asked", "example": "anhui-materials"},
    )
    note = Text(load_default="", validate=ma.validate.Length(max=LONGEST))


class TakeIn(ma.Schema):
    person_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={"description": "who will use it; the token's person when left out"},
    )


class DeclineIn(ma.Schema):
    reason = Text(load_default="", validate=ma.validate.Length(max=LONGEST))


class HandOverSchema(ma.Schema):
    """An offer. Until it is accepted the booking stays with who offered it; ``expires_at`` ends it by itself. ``ours``:
    it is made to the reader's side."""

    id = Identifier(required=True)
    host = ma.fields.String(required=True)
    booking_id = Identifier(required=True)
    resource_code = ma.fields.String(required=True)
    start = Moment(required=True, allow_none=True)
    end = Moment(required=True, allow_none=True)
    from_customer_id = Identifier(required=True)
    to_customer_id = Identifier(required=True)
    ours = ma.fields.Boolean(required=True)
    state = ma.fields.String(required=True)
    note = ma.fields.String(required=True)
    offered_at = Moment(required=True)
    expires_at = Moment(required=True)
    answered_at = Moment(required=True, allow_none=True)
    reason = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)


HandOversPage = cursor_schema(HandOverSchema)


class TakeOverSchema(ma.Schema):
    """What taking it would mean now: every reason against it, and the price of the taker's class. ``fee`` is what
    cancelling it at once would cost the taker, in the currency of the order; ``more`` are fees in others."""

    reasons = ma.fields.List(ma.fields.Nested(WhySchema), required=True)
    price = ma.fields.Nested(OrderPriceSchema, required=True, allow_none=True)
    fee = MoneyString(required=True)
    currency = ma.fields.String(required=True)
    more = ma.fields.List(ma.fields.Nested(AmountSchema), required=True)


def _offers_out(found: Sequence[service.HandOverRecord]) -> list[dict[str, Any]]:
    booked = service.records([one.booking_key for one in found])
    resources = catalogue.resources({record.resource_key for record in booked.values()})
    ours = g.actor.customer_ids | g.actor.led_customer_ids
    now = clock.now()
    rows = []
    for one in found:
        record = booked[one.booking_key]
        resource = resources[record.resource_key]
        rows.append(
            {
                "id": one.key.id,
                "host": resource.host_code,
                "booking_id": one.booking_id,
                "resource_code": resource.code,
                "start": record.starts_at,
                "end": record.ends_at,
                "from_customer_id": one.from_customer_id,
                "to_customer_id": one.to_customer_id,
                "ours": one.to_customer_id in ours,
                "state": one.state_at(now).value,
                "note": one.note,
                "offered_at": one.offered_at,
                "expires_at": one.expires_at,
                "answered_at": one.answered_at,
                "reason": one.reason,
                "version": one.version,
            }
        )
    return rows


def _offer(record: service.HandOverRecord, status: int = 200) -> Any:
    return _offers_out([record])[0], status, tagged(record.version)


@blueprint.post("/hosts/<host>/bookings/<uuid:booking_id>/hand-overs")
@blueprint.arguments(HandOverOfferIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, HandOverSchema)
@allows(MEMBER)
def offer(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """Offer a booking that has not begun to another organisation; it answers within the term of the house rules."""
    key = host_key(host, booking_id)
    customer = accounts.customer_of(accounts.organisation(data["organisation"]).id)

    def made() -> dict[str, Any]:
        found = service.offer_hand_over(key, customer.id, by=g.actor, note=data["note"])
        return {"id": str(found.key.id)}

    found, _ours = service.hand_over_for(host_key(host, UUID(once(headers, made)["id"])), g.actor)
    return _offer(found, 201)


@blueprint.get("/hand-overs")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, HandOversPage)
@allows(MEMBER)
def listed(args: dict[str, Any]) -> dict[str, Any]:
    """Offers to and from the token's customers, the newest first."""
    after = paging.unpack(args["after"], datetime, UUID)
    found = service.hand_overs_of(g.actor, args["limit"] + 1, after)
    page = paging.page_of(found, args["limit"], lambda one: (one.offered_at, one.key.id))
    return {"items": _offers_out(page.items), "next_cursor": page.next_cursor}


@blueprint.get(_ONE)
@blueprint.response(200, HandOverSchema)
@allows(MEMBER)
def show(host: str, offer_id: UUID) -> Any:
    """An offer, for who made it and whom it is made to; its ``ETag`` is asked for when it is answered."""
    found, _ours = service.hand_over_for(host_key(host, offer_id), g.actor)
    return _offer(found)


@blueprint.get(f"{_ONE}/preview")
@blueprint.response(200, TakeOverSchema)
@allows(MEMBER)
def preview(host: str, offer_id: UUID) -> dict[str, Any]:
    """What taking the booking over would mean: reasons against it and its price. Nothing is written."""
    look = service.look_hand_over(host_key(host, offer_id), by=g.actor)
    return {"reasons": told(look.reasons), "price": price_out(look.quote), **fees_out(look.fees)}


@blueprint.post(f"{_ONE}/acceptance")
@blueprint.arguments(TakeIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, BookingSchema)
@allows(MEMBER)
def accept(data: dict[str, Any], headers: dict[str, Any], host: str, offer_id: UUID) -> Any:
    """Take the booking over, at the price of one's own class."""
    version, key = seen_number(headers["tag"]), host_key(host, offer_id)
    return answer_out(service.accept_hand_over(key, by=g.actor, person_id=data["person_id"], version=version))


@blueprint.post(f"{_ONE}/refusal")
@blueprint.arguments(DeclineIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, HandOverSchema)
@allows(MEMBER)
def decline(data: dict[str, Any], headers: dict[str, Any], host: str, offer_id: UUID) -> Any:
    """Leave the booking with who offered it."""
    version, key = seen_number(headers["tag"]), host_key(host, offer_id)
    return _offer(service.decline_hand_over(key, by=g.actor, reason=data["reason"], version=version))


@blueprint.post(f"{_ONE}/withdrawal")
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, HandOverSchema)
@allows(MEMBER)
def withdraw(headers: dict[str, Any], host: str, offer_id: UUID) -> Any:
    """Take an offer back that nobody has answered."""
    version, key = seen_number(headers["tag"]), host_key(host, offer_id)
    return _offer(service.withdraw_hand_over(key, by=g.actor, version=version))
