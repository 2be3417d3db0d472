"""Units of a resource: read by everybody, added, renamed, taken out of use and brought back by who keeps them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.booking import service as booking
from resource_hub.domain.catalogue import service
from resource_hub.domain.catalogue.terms import UnitRecord
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.accounts import NameSchema
from resource_hub.entrypoints.api.availability_schemas import DecidedIn, HitsSchema
from resource_hub.entrypoints.api.availability_values import hit_out, verdicts_in
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.common import KEEPS, kept, seen_resource
from resource_hub.entrypoints.api.writing import CreateHeaders, EditHeaders, once, seen, tagged
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.fields import Identifier, Text
from resource_hub.entrypoints.support.guards import PUBLIC, allows
from resource_hub.kernel.errors import NotFound
from resource_hub.kernel.keys import HostKey

blueprint = Blueprint("units_api", __name__, url_prefix="/api/v1", description="Units of resources")
_AT = "/resources/<host>/<code>/units"
_ONE = f"{_AT}/<uuid:unit_id>"


class UnitSchema(ma.Schema):
    id = Identifier(required=True)
    code = ma.fields.String(required=True)
    name = ma.fields.Nested(NameSchema, required=True)
    position = ma.fields.Integer(required=True)
    active = ma.fields.Boolean(required=True, metadata={"description": "false: out of use"})


UnitsPage = cursor_schema(UnitSchema)


class KeptUnitSchema(UnitSchema):
    """A unit as who keeps it sees it."""

    serial_number = ma.fields.String(required=True)


class AddedUnitsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(KeptUnitSchema), required=True)


class ChangedUnitSchema(KeptUnitSchema):
    hits = ma.fields.Integer(required=True, metadata={"description": "bookings on which was decided"})


class UnitsIn(ma.Schema):
    count = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Range(1, 500))


class UnitNameIn(ma.Schema):
    zh = Text(validate=ma.validate.Length(max=120))
    en = Text(validate=ma.validate.Length(max=120))


class UnitIn(DecidedIn):
    """What is left out stays. Out of use (``active`` false) needs a verdict on each booking that the preview named."""

    name = ma.fields.Nested(UnitNameIn, load_default=dict)
    serial_number = Text(validate=ma.validate.Length(max=100))
    active = ma.fields.Boolean()


def _out(one: UnitRecord) -> dict[str, Any]:
    return {
        "id": one.key.id,
        "code": one.code,
        "name": {"zh": one.name_zh, "en": one.name_en},
        "position": one.position,
        "active": one.active,
        "serial_number": one.serial_number,
    }


def _unit(host: str, code: str, unit_id: UUID) -> UnitRecord:
    """A unit of a resource that the token's person keeps."""
    record = kept(host, code)
    found = service.unit(HostKey(record.key.institution_id, unit_id))
    if found.resource_id != record.key.id:
        raise NotFound()
    return found


@blueprint.get(_AT)
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, UnitsPage)
@allows(PUBLIC)
def listed(args: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """The lanes that are booked one by one, by position, those out of use too."""
    after = paging.unpack(args["after"], int)
    page = paging.part_of(
        service.units(seen_resource(host, code).key), args["limit"], lambda one: (one.position,), after
    )
    return {"items": [_out(one) for one in page.items], "next_cursor": page.next_cursor}


@blueprint.post(_AT)
@blueprint.arguments(UnitsIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, AddedUnitsSchema)
@allows(*KEEPS)
def add(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """Add units behind those that are there; they can be booked at once. Answers what was added."""
    key = kept(host, code).key

    def made() -> dict[str, Any]:
        return {"ids": [str(one.key.id) for one in service.add_units(key, data["count"], by=g.actor)]}

    ids = set(once(headers, made)["ids"])
    return {"items": [_out(one) for one in service.units(key) if str(one.key.id) in ids]}


@blueprint.get(_ONE)
@blueprint.response(200, KeptUnitSchema)
@allows(*KEEPS)
def show(host: str, code: str, unit_id: UUID) -> Any:
    """A unit; its ``ETag`` is asked for when it is changed."""
    found = _unit(host, code, unit_id)
    return _out(found), 200, tagged(service.unit_digest(found))


@blueprint.post(f"{_ONE}/out/preview")
@blueprint.response(200, HitsSchema)
@allows(*KEEPS)
def out_preview(host: str, code: str, unit_id: UUID) -> dict[str, Any]:
    """Bookings that a unit still has, if it is taken out of use; nothing is written."""
    hits = booking.preview_unit_out(_unit(host, code, unit_id).key, by=g.actor)
    return {"hits": [hit_out(hit) for hit in hits]}


@blueprint.patch(_ONE)
@blueprint.arguments(UnitIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, ChangedUnitSchema)
@allows(*KEEPS)
def change(data: dict[str, Any], headers: dict[str, Any], host: str, code: str, unit_id: UUID) -> Any:
    """Rename a unit, take it out of use with a verdict on each of its bookings, or bring it back."""
    before, version = _unit(host, code, unit_id), seen(headers["tag"])
    hits = booking.change_unit(
        before.key,
        by=g.actor,
        name_zh=data["name"].get("zh", before.name_zh),
        name_en=data["name"].get("en", before.name_en),
        serial_number=data.get("serial_number", before.serial_number),
        active=data.get("active", before.active),
        verdicts=verdicts_in(data),
        reason=data["reason_to_customers"],
        seen=version,
    )
    found = service.unit(before.key)
    return _out(found) | {"hits": hits}, 200, tagged(service.unit_digest(found))
