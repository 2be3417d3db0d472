"""Results of an order, for programs: deliver, what was delivered, fetch one, take one back.

Fetching is a ``POST``, because it is written down. A file that is deleted leaves its name, size and checksum.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response, g

from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NotYours
from resource_hub.entrypoints.api.common import host_key
from resource_hub.entrypoints.api.uploading import ChecksumsField, FileField, FormBlueprint, same, take
from resource_hub.entrypoints.api.writing import CreateHeaders, EditHeaders, once, seen, tagged
from resource_hub.entrypoints.support import uploads
from resource_hub.entrypoints.support.fields import Identifier, Moment, Text
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.infra import clock

blueprint = FormBlueprint("results_api", __name__, url_prefix="/api/v1", description="Results of orders")
_AT = "/hosts/<host>/bookings/<uuid:booking_id>/results"


class ResultFileSchema(ma.Schema):
    id = Identifier(required=True)
    name = ma.fields.String(required=True)
    size = ma.fields.Integer(required=True)
    media_type = ma.fields.String(required=True)
    sha256 = ma.fields.String(required=True, metadata={"description": "of the bytes, as hexadecimal figures"})
    delivered_at = Moment(required=True)
    expires_on = ma.fields.Date(required=True, metadata={"description": "the last day, in the host's zone"})
    available = ma.fields.Boolean(required=True)
    ended_at = Moment(required=True, allow_none=True)
    deleted_at = Moment(required=True, allow_none=True)
    reason = ma.fields.String(required=True)
    downloads = ma.fields.Integer(required=True)


class ResultFilesSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ResultFileSchema), required=True)


class DeliverIn(ma.Schema):
    """Files of any kind, at most 30 MB each and 32 MB a request."""

    results: ma.fields.List[Any] = ma.fields.List(
        FileField(), required=True, validate=ma.validate.Length(1, service.MOST_RESULTS)
    )
    sha256 = ChecksumsField()
    expires_on = ma.fields.Date(
        required=True,
        metadata={"description": "the last day on which they can be fetched, in the host's zone"},
    )


class EndIn(ma.Schema):
    reason = Text(required=True, validate=ma.validate.Length(1, 500))


def _rows(host: str, booking_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Results of an order, and the headers of which there are."""
    now = clock.now()
    found = service.results_of(host_key(host, booking_id), g.actor)
    rows = {
        "items": [
            {
                "id": r.key.id,
                "name": r.name,
                "size": r.size,
                "media_type": r.media_type,
                "sha256": r.sha256.hex(),
                "delivered_at": r.delivered_at,
                "expires_on": r.expires_on,
                "available": r.available(now),
                "ended_at": r.ended_at,
                "deleted_at": r.deleted_at,
                "reason": r.reason,
                "downloads": r.downloads,
            }
            for r in found
        ]
    }
    return rows, tagged(service.results_digest(found))


@blueprint.get(_AT)
@blueprint.response(200, ResultFilesSchema)
@allows(MEMBER)
def listed(host: str, booking_id: UUID) -> Any:
    """Results of an order, the newest first, those that are deleted too; the ``ETag`` is asked for when one is taken
    back."""
    rows, tag = _rows(host, booking_id)
    return rows, 200, tag


@blueprint.post(_AT)
@blueprint.arguments(DeliverIn, location="multipart")
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, ResultFilesSchema)
@allows(MEMBER)
def deliver(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """The host delivers files with a last day; the customer is told. Answers what was delivered just now.

    A repetition is told what became of it since: ``deleted_at`` says that the bytes were erased, and they stay so.
    """
    key, until = host_key(host, booking_id), data["expires_on"]
    record, _side = service.booking_for(key, g.actor)
    if not service.may_host_results(record, g.actor):
        raise NotYours()
    taken = take(data["results"], data["sha256"], uploads.RESULTS, "results", headers)
    files = [service.NewFile(t.name, t.media_type, t.kept.size, t.kept.sha256) for t in taken]

    def made() -> dict[str, Any]:
        delivered = service.deliver_results(key, files, until, by=g.actor)
        return {"ids": [str(one.key.id) for one in delivered]}

    ids = once(headers, made, same(taken, until))["ids"]
    rows, tag = _rows(host, booking_id)
    return {"items": [row for row in rows["items"] if str(row["id"]) in ids]}, 201, tag


@blueprint.post(f"{_AT}/<uuid:result_id>/downloads")
@blueprint.response(
    200,
    {"type": "string", "format": "binary"},
    content_type="application/octet-stream",
    description="the bytes",
)
@allows(MEMBER)
def fetch(host: str, booking_id: UUID, result_id: UUID) -> Response:
    """Fetch a result; that it was fetched is written down."""
    record = service.fetch_result(host_key(host, booking_id), result_id, by=g.actor)
    return uploads.answer(record, download=True)


@blueprint.post(f"{_AT}/<uuid:result_id>/end")
@blueprint.arguments(EndIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, ResultFilesSchema)
@allows(MEMBER)
def end(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID, result_id: UUID) -> Any:
    """The host takes a result back before its last day, with the reason that the customer reads."""
    version = seen(headers["tag"])
    key = host_key(host, booking_id)
    service.end_result(key, result_id, by=g.actor, reason=data["reason"], seen=version)
    rows, tag = _rows(host, booking_id)
    return rows, 200, tag
