"""The waiting list for programs: stand in line for time, take or decline what is offered, see who waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.waiting import MOST_DAYS
from resource_hub.domain.booking.terms import WaitingKind
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.booking_schemas import BookingSchema, WishIn
from resource_hub.entrypoints.api.booking_values import answer_out, wish_in
from resource_hub.entrypoints.api.common import host_key, own_house, seen_resource
from resource_hub.entrypoints.api.writing import CreateHeaders, EditHeaders, once, seen_number, tagged
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.fields import Identifier, Moment
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.kernel.keys import HostKey

blueprint = Blueprint("waiting_api", __name__, url_prefix="/api/v1", description="The waiting list")
_ONE = "/hosts/<host>/waiting/<uuid:entry_id>"


class WaitIn(WishIn):
    """So much time between two moments, at most 30 days apart."""

    earliest = Moment(required=True, metadata={"example": "2026-03-03T09:00:00+08:00"})
    latest = Moment(required=True, metadata={"example": "2026-03-06T17:00:00+08:00"})
    minutes = ma.fields.Integer(
        required=True,
        strict=True,
        validate=ma.validate.Range(1, MOST_DAYS * 1440),
        metadata={"example": 120},
    )
    line = ma.fields.String(
        load_default=WaitingKind.QUEUE.value,
        validate=ma.validate.OneOf([kind.value for kind in WaitingKind]),
        metadata={
            "description": "``queue``: freed time is kept for a while; ``alert``: one is told, nothing is kept"
        },
    )


class PlaceSchema(ma.Schema):
    """A place in line. While something is offered, ``booking_id`` is the hold that keeps it until
    ``offered_until``."""

    id = Identifier(required=True)
    host = ma.fields.String(required=True)
    resource_id = Identifier(required=True)
    resource_code = ma.fields.String(required=True)
    unit_id = Identifier(
        required=True, allow_none=True, metadata={"description": "the only unit waited for; null for any"}
    )
    customer_id = Identifier(required=True)
    person_id = Identifier(required=True)
    line = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    earliest = Moment(required=True)
    latest = Moment(required=True)
    minutes = ma.fields.Integer(required=True)
    ahead = ma.fields.Integer(required=True, metadata={"description": "how many stand before"})
    booking_id = Identifier(required=True, allow_none=True)
    offered_until = Moment(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)
    created_at = Moment(required=True)


PlacesPage = cursor_schema(PlaceSchema)


def _places_out(found: Sequence[service.WaitingRecord]) -> list[dict[str, Any]]:
    resources = catalogue.resources({one.resource_key for one in found})
    ahead = service.ahead_of(found)
    return [
        {
            "id": one.key.id,
            "host": resources[one.resource_key].host_code,
            "resource_id": one.resource_id,
            "resource_code": resources[one.resource_key].code,
            "unit_id": one.unit_id,
            "customer_id": one.customer_id,
            "person_id": one.person_id,
            "line": one.kind.value,
            "state": one.state.value,
            "earliest": one.earliest,
            "latest": one.latest,
            "minutes": one.length_seconds // 60,
            "ahead": ahead.get(one.key, 0),
            "booking_id": one.booking_id,
            "offered_until": one.offered_until,
            "version": one.version,
            "created_at": one.created_at,
        }
        for one in found
    ]


def _place(record: service.WaitingRecord, status: int = 200) -> Any:
    return _places_out([record])[0], status, tagged(record.version)


@blueprint.post("/hosts/<host>/resources/<code>/waiting")
@blueprint.arguments(WaitIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, PlaceSchema)
@allows(MEMBER)
def join(data: dict[str, Any], headers: dict[str, Any], host: str, code: str) -> Any:
    """Stand in line. Where there is room already, it is offered at once; who waits for the same keeps the place."""
    record = seen_resource(host, code)

    def made() -> dict[str, Any]:
        place = service.join_line(
            record.key,
            wish_in(data, record),
            data["earliest"],
            data["latest"],
            data["minutes"] * 60,
            by=g.actor,
            kind=WaitingKind(data["line"]),
        )
        return {"id": str(place.key.id)}

    key = HostKey(record.key.institution_id, UUID(once(headers, made)["id"]))
    return _place(service.entry_for(key, g.actor), 201)


@blueprint.get("/waiting")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, PlacesPage)
@allows(MEMBER)
def of_customers(args: dict[str, Any]) -> dict[str, Any]:
    """Places in line of the token's customers, the newest first, with what became of them."""
    after = paging.unpack(args["after"], datetime, UUID)
    return _page(service.waits_of(g.actor, args["limit"] + 1, after), args["limit"])


@blueprint.get("/hosts/<host>/waiting")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, PlacesPage)
@allows(*service.STAFF)
def at_host(args: dict[str, Any], host: str) -> dict[str, Any]:
    """Who waits for what the token's person looks after, first come first."""
    own_house(host)
    after = paging.unpack(args["after"], datetime, UUID)
    return _page(service.waits_at(g.actor, args["limit"] + 1, after), args["limit"])


def _page(found: Sequence[service.WaitingRecord], limit: int) -> dict[str, Any]:
    page = paging.page_of(found, limit, lambda one: (one.created_at, one.key.id))
    return {"items": _places_out(page.items), "next_cursor": page.next_cursor}


@blueprint.get(_ONE)
@blueprint.response(200, PlaceSchema)
@allows(MEMBER)
def show(host: str, entry_id: UUID) -> Any:
    """A place in line; its ``ETag`` is asked for when it is answered or left."""
    return _place(service.entry_for(host_key(host, entry_id), g.actor))


@blueprint.post(f"{_ONE}/acceptance")
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, BookingSchema)
@allows(MEMBER)
def accept(headers: dict[str, Any], host: str, entry_id: UUID) -> Any:
    """Take what is offered, in time: the hold becomes the booking, with the same id."""
    version = seen_number(headers["tag"])
    return answer_out(service.accept_offer(host_key(host, entry_id), by=g.actor, version=version))


@blueprint.post(f"{_ONE}/refusal")
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, PlaceSchema)
@allows(MEMBER)
def decline(headers: dict[str, Any], host: str, entry_id: UUID) -> Any:
    """Decline what is offered: it goes to the next in line, and the place is given up."""
    version = seen_number(headers["tag"])
    return _place(service.decline_offer(host_key(host, entry_id), by=g.actor, version=version))


@blueprint.post(f"{_ONE}/departure")
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, PlaceSchema)
@allows(MEMBER)
def leave(headers: dict[str, Any], host: str, entry_id: UUID) -> Any:
    """Wait no longer; what is offered goes to the next in line."""
    version = seen_number(headers["tag"])
    return _place(service.leave_line(host_key(host, entry_id), by=g.actor, version=version))
