"""Documents of an order, for programs: add one from either side, read it again. Results are delivered elsewhere."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response, g

from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import HANDED_IN, FileKind
from resource_hub.entrypoints.api.booking_schemas import FileSchema
from resource_hub.entrypoints.api.booking_values import file_out
from resource_hub.entrypoints.api.common import host_key
from resource_hub.entrypoints.api.uploading import ChecksumsField, FileField, FormBlueprint, same, take
from resource_hub.entrypoints.api.writing import CreateHeaders, once
from resource_hub.entrypoints.support import uploads
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.infra import files
from resource_hub.infra.unit_of_work import unit_of_work

blueprint = FormBlueprint("documents_api", __name__, url_prefix="/api/v1", description="Documents of orders")
_AT = "/hosts/<host>/bookings/<uuid:booking_id>/files"


class OrderDocumentIn(ma.Schema):
    """PDF, JPEG, PNG, WebP or ZIP by its first bytes, at most 20 MB."""

    document = FileField(required=True)
    kind = ma.fields.String(
        load_default=FileKind.ATTACHMENT.value,
        validate=ma.validate.OneOf([kind.value for kind in HANDED_IN]),
    )
    sha256 = ChecksumsField()


@blueprint.post(_AT)
@blueprint.arguments(OrderDocumentIn, location="multipart")
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, FileSchema)
@allows(MEMBER)
def add(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> dict[str, Any]:
    """Add a document; the other party is told."""
    key, kind = host_key(host, booking_id), FileKind(data["kind"])
    service.booking_for(key, g.actor)
    (taken,) = take([data["document"]], data["sha256"], uploads.DOCUMENTS, "document", headers)

    def made() -> dict[str, Any]:
        with unit_of_work():  # the file is named and belongs to the order, or neither
            stored = uploads.note(taken, g.actor.organisation_id, person_id=g.actor.person_id)
            return {"id": str(service.attach(key, stored.organisation_id, stored.id, kind, by=g.actor))}

    added = UUID(once(headers, made, same([taken], kind))["id"])
    return file_out(service.file_of(key, added, g.actor))


@blueprint.get(f"{_AT}/<uuid:file_id>")
@blueprint.response(
    200,
    {"type": "string", "format": "binary"},
    content_type="application/octet-stream",
    description="the bytes",
)
@allows(MEMBER)
def fetch(host: str, booking_id: UUID, file_id: UUID) -> Response:
    """A document of the order, always as a download."""
    found = service.file_of(host_key(host, booking_id), file_id, g.actor)
    record = files.find(found.file_organisation_id, found.file_id)
    if record is None:
        raise uploads.FileGone()
    return uploads.answer(record, download=True)
