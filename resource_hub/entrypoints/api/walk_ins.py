"""Walk-ins for programs: who was written down at the door, and joining them to a firm."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g
from flask_smorest import Blueprint

from resource_hub.domain.accounts import service
from resource_hub.domain.booking import service as booking
from resource_hub.entrypoints.api.accounts import NameSchema
from resource_hub.entrypoints.api.common import own_house
from resource_hub.entrypoints.api.writing import CreateHeaders, once
from resource_hub.entrypoints.support.fields import Identifier, Text
from resource_hub.entrypoints.support.guards import allows

blueprint = Blueprint("walk_ins_api", __name__, url_prefix="/api/v1", description="Customers without an account")
_AT = "/hosts/<host>/walk-ins"


class WalkInSchema(ma.Schema):
    customer_id = Identifier(required=True)
    name = ma.fields.Nested(NameSchema, required=True)
    contact = ma.fields.String(required=True)


class WalkInsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(WalkInSchema), required=True)


class JoinIn(ma.Schema):
    uscc = Text(
        required=True,
        validate=ma.validate.Length(1, 18),
        metadata={"description": "credit code of a registered firm", "example": "91340100MA2MRG1X0X"},
    )


class JoinedSchema(ma.Schema):
    """The firm to which the walk-in's bookings, sessions and charges belong from now on."""

    firm_id = Identifier(required=True)


@blueprint.get(_AT)
@blueprint.response(200, WalkInsSchema)
@allows(*booking.STAFF)
def listed(host: str) -> dict[str, Any]:
    """Walk-ins of the token's host that belong to no firm yet, the newest first."""
    own_house(host)
    return {
        "items": [
            {
                "customer_id": one.customer.id,
                "name": {"zh": one.customer.name_zh, "en": one.customer.name_en},
                "contact": one.contact,
            }
            for one in service.walk_ins(g.actor)
        ]
    }


@blueprint.post(f"{_AT}/<uuid:customer_id>/firm")
@blueprint.arguments(JoinIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, JoinedSchema)
@allows(*booking.STAFF)
def join(data: dict[str, Any], headers: dict[str, Any], host: str, customer_id: UUID) -> dict[str, Any]:
    """Let what a walk-in booked belong to a registered firm."""
    own_house(host)

    def made() -> dict[str, Any]:
        return {"id": str(service.join_walk_in(customer_id, data["uscc"], by=g.actor).id)}

    return {"firm_id": UUID(once(headers, made)["id"])}
