"""What is booked together, for programs: the helpers of a resource, and those of an order.

An order names the helpers that it wishes for in ``helpers``; those that always come along come along. All are booked,
moved and cancelled with it, or none is.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.booking import service
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.linking import MOST
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.api.accounts import NameSchema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.booking_schemas import BookingSchema
from resource_hub.entrypoints.api.booking_values import rows_out
from resource_hub.entrypoints.api.common import host_key, seen_resource
from resource_hub.entrypoints.api.writing import EditHeaders, seen, tagged
from resource_hub.entrypoints.support.fields import Identifier
from resource_hub.entrypoints.support.guards import MEMBER, PUBLIC, allows

blueprint = Blueprint("linked_api", __name__, url_prefix="/api/v1", description="What is booked together")
_AT = "/hosts/<host>/resources/<code>/helpers"


class LinkIn(ma.Schema):
    resource_id = Identifier(required=True)
    required = ma.fields.Boolean(
        load_default=False, metadata={"description": "it always comes along; else where it is wished for"}
    )


class LinksIn(ma.Schema):
    """All of them, in the order in which they are shown."""

    helpers = ma.fields.List(ma.fields.Nested(LinkIn), required=True, validate=ma.validate.Length(max=MOST))


class HelperSchema(LinkIn):
    code = ma.fields.String(required=True)
    name = ma.fields.Nested(NameSchema, required=True)


class HelpersSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(HelperSchema), required=True)


class HelperBookingsSchema(ma.Schema):
    """The bookings under an order, each with its own time, unit and part of the price."""

    items = ma.fields.List(ma.fields.Nested(BookingSchema), required=True)


def _helpers(record: ResourceRecord) -> Any:
    items = [
        {
            "resource_id": helper.key.id,
            "required": required,
            "code": helper.code,
            "name": {"zh": helper.name_zh, "en": helper.name_en},
        }
        for helper, required in service.offered_helpers(record.key)
    ]
    return {"items": items}, 200, tagged(catalogue.links_digest(catalogue.links_of([record.key])))


@blueprint.get(_AT)
@blueprint.response(200, HelpersSchema)
@allows(PUBLIC)
def helpers(host: str, code: str) -> Any:
    """What a resource is booked together with, and whether always; the ``ETag`` is asked for when it is changed."""
    return _helpers(seen_resource(host, code))


@blueprint.put(_AT)
@blueprint.arguments(LinksIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, HelpersSchema)
@allows(*catalogue.MANAGES)
def save_helpers(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> Any:
    """Say what is booked together with a resource. Bookings that stand keep what they were made with."""
    record = seen_resource(host, code)
    wanted = {row["resource_id"]: row["required"] for row in data["helpers"]}
    catalogue.save_links(record.key, wanted, by=g.actor, seen=seen(headers["tag"]))
    return _helpers(record)


@blueprint.get("/hosts/<host>/bookings/<uuid:booking_id>/helpers")
@blueprint.response(200, HelperBookingsSchema)
@allows(MEMBER)
def of_booking(host: str, booking_id: UUID) -> dict[str, Any]:
    """What was booked together with an order, for its two parties."""
    key = host_key(host, booking_id)
    service.booking_for(key, g.actor)
    return {"items": rows_out([one.record for one in service.helpers_of(key)])}
