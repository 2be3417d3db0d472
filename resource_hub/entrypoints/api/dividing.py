"""Splitting a booking in two and handing it over, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service
from resource_hub.entrypoints.api.accounts import NameSchema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.booking_schemas import BookingSchema
from resource_hub.entrypoints.api.booking_values import answer_out, rows_out
from resource_hub.entrypoints.api.common import host_key
from resource_hub.entrypoints.api.writing import EditHeaders, seen_number
from resource_hub.entrypoints.support.fields import Identifier, Moment
from resource_hub.entrypoints.support.guards import MEMBER, allows

blueprint = Blueprint(
    "dividing_api", __name__, url_prefix="/api/v1", description="Splitting and handing over"
)
_ONE = "/hosts/<host>/bookings/<uuid:booking_id>"


class SplitIn(ma.Schema):
    at = Moment(
        required=True,
        metadata={"description": "where the second half begins", "example": "2026-03-03T10:00:00+08:00"},
    )


class HalvesSchema(ma.Schema):
    """The first half is the booking that was split; the second has an id and number of its own."""

    first = ma.fields.Nested(BookingSchema, required=True)
    second = ma.fields.Nested(BookingSchema, required=True)


class HandOverIn(ma.Schema):
    person_id = Identifier(required=True)
    customer_id = Identifier(
        load_default=None, allow_none=True, metadata={"description": "the same customer when left out"}
    )


class SuccessorSchema(ma.Schema):
    id = Identifier(required=True)
    name = ma.fields.String(required=True)


class SuccessorsSchema(ma.Schema):
    """People of one customer who may take a booking over."""

    customer_id = Identifier(required=True)
    name = ma.fields.Nested(NameSchema, required=True)
    people = ma.fields.List(ma.fields.Nested(SuccessorSchema), required=True)


class AllSuccessorsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(SuccessorsSchema), required=True)


@blueprint.post(f"{_ONE}/split")
@blueprint.arguments(SplitIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, HalvesSchema)
@allows(MEMBER)
def split(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> dict[str, Any]:
    """Make two bookings of one that has not begun."""
    version = seen_number(headers["tag"])
    first, second = rows_out(
        service.split(host_key(host, booking_id), data["at"], by=g.actor, version=version)
    )
    return {"first": first, "second": second}


@blueprint.get(f"{_ONE}/successors")
@blueprint.response(200, AllSuccessorsSchema)
@allows(MEMBER)
def successors(host: str, booking_id: UUID) -> dict[str, Any]:
    """Who may take a booking over, by customer."""
    found = service.successors(host_key(host, booking_id), by=g.actor)
    customers = accounts.customers(found)
    people = accounts.people({person_id for ids in found.values() for person_id in ids})
    return {
        "items": [
            {
                "customer_id": customer_id,
                "name": {"zh": customers[customer_id].name_zh, "en": customers[customer_id].name_en},
                "people": [{"id": i, "name": people[i].name} for i in ids if i in people],
            }
            for customer_id, ids in found.items()
        ]
    }


@blueprint.post(f"{_ONE}/hand-over")
@blueprint.arguments(HandOverIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, BookingSchema)
@allows(MEMBER)
def hand_over(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """Let another person of the same organisation use a booking; another organisation is offered it (``hand-overs``).
    For another customer the price is made anew, and the host is asked again where its rules ask for a yes."""
    version = seen_number(headers["tag"])
    done = service.hand_over(
        host_key(host, booking_id),
        data["person_id"],
        by=g.actor,
        customer_id=data["customer_id"],
        version=version,
    )
    return answer_out(done)
