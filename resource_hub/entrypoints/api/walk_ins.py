"""Walk-ins for programs: who was written down at the door, and whether they are a firm's own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.accounts.walk_ins import ERASES
from resource_hub.domain.booking import service as booking
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.accounts import NameSchema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.booking_schemas import BookingSchema
from resource_hub.entrypoints.api.booking_values import rows_out
from resource_hub.entrypoints.api.common import own_house
from resource_hub.entrypoints.api.writing import CreateHeaders, once
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.fields import Identifier, Moment, Text
from resource_hub.entrypoints.support.guards import allows

blueprint = Blueprint(
    "walk_ins_api", __name__, url_prefix="/api/v1", description="Customers without an account"
)
_AT = "/hosts/<host>/walk-ins"


class WalkInSchema(ma.Schema):
    customer_id = Identifier(required=True)
    name = ma.fields.Nested(NameSchema, required=True)
    contact = ma.fields.String(required=True, metadata={"description": "empty once it was erased"})
    contact_erased_at = Moment(required=True, allow_none=True)
    asked_firm_id = Identifier(required=True, allow_none=True)


WalkInsPage = cursor_schema(WalkInSchema)


class WalkInBookingsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(BookingSchema), required=True)


class AskIn(ma.Schema):
    uscc = Text(
        required=True,
        validate=ma.validate.Length(1, 18),
        metadata={"description": "credit code of a registered firm", "example": "91340100MA2MRG1X0X"},
    )


class AskedSchema(ma.Schema):
    """The firm that answers whether the walk-in is one of its own."""

    firm_id = Identifier(required=True)


class WalkInAnswerIn(ma.Schema):
    accept = ma.fields.Boolean(
        required=True, metadata={"description": "true: bookings, sessions and charges become the firm's"}
    )


@blueprint.get(_AT)
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, WalkInsPage)
@allows(*booking.STAFF)
def listed(args: dict[str, Any], host: str) -> dict[str, Any]:
    """Walk-ins of the token's host that belong to no firm yet, the newest first."""
    own_house(host)
    (after,) = paging.unpack(args["after"], UUID) or (None,)
    found = service.walk_ins(g.actor, args["limit"] + 1, after)
    page = paging.page_of(found, args["limit"], lambda one: (one.customer.id,))
    return {
        "items": [
            {
                "customer_id": one.customer.id,
                "name": {"zh": one.customer.name_zh, "en": one.customer.name_en},
                "contact": one.contact,
                "contact_erased_at": one.erased_at,
                "asked_firm_id": one.asked_id,
            }
            for one in page.items
        ],
        "next_cursor": page.next_cursor,
    }


@blueprint.post(f"{_AT}/<uuid:customer_id>/firm")
@blueprint.arguments(AskIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, AskedSchema)
@allows(*booking.STAFF)
def ask(data: dict[str, Any], headers: dict[str, Any], host: str, customer_id: UUID) -> dict[str, Any]:
    """Ask a registered firm whether a walk-in is one of its own."""
    own_house(host)

    def made() -> dict[str, Any]:
        return {"id": str(service.ask_firm(customer_id, data["uscc"], by=g.actor).id)}

    return {"firm_id": UUID(once(headers, made)["id"])}


@blueprint.delete(f"{_AT}/<uuid:customer_id>/contact")
@blueprint.response(204)
@allows(*ERASES)
def erase(host: str, customer_id: UUID) -> None:
    """Erase how to reach a walk-in.

    Its name, bookings, use and bills stay; that it was erased, when and by whom is kept. Again it changes nothing.
    """
    own_house(host)
    service.erase_contact(customer_id, by=g.actor)


@blueprint.get("/walk-ins/<uuid:customer_id>/bookings")
@blueprint.response(200, WalkInBookingsSchema)
@allows(Role.FIRM_ADMIN)
def bookings(customer_id: UUID) -> dict[str, Any]:
    """What the token's firm, which is asked, would take over."""
    return {"items": rows_out(booking.bookings_of_walk_in(customer_id, by=g.actor))}


@blueprint.post("/walk-ins/<uuid:customer_id>/answer")
@blueprint.arguments(WalkInAnswerIn)
@blueprint.response(204)
@allows(Role.FIRM_ADMIN)
def answer(data: dict[str, Any], customer_id: UUID) -> None:
    """The firm's yes or no. Who answers again is told that nothing is asked any more."""
    service.answer_walk_in(customer_id, data["accept"], by=g.actor)
