"""Calendar feeds of the token's person: which there are, make one with its secret address shown once, revoke one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import feeds as service
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.feeds import FeedKind, FeedRecord
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.writing import CreateHeaders, once
from resource_hub.entrypoints.feeds import showing
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.fields import Identifier, Moment, Text
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.support.protection import limiter
from resource_hub.kernel.errors import Invalid, NotFound, Reason

blueprint = Blueprint("feeds_api", __name__, url_prefix="/api/v1", description="Calendar feeds")
_AT = "/me/feeds"


class FeedSchema(ma.Schema):
    """A feed; of its secret only the beginning is known. ``organisation`` is the host's code, or the customer's."""

    id = Identifier(required=True)
    kind = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    organisation = ma.fields.String(required=True, allow_none=True)
    subject_id = Identifier(
        required=True,
        allow_none=True,
        metadata={"description": "resource, unit, customer or department; null: all of it"},
    )
    prefix = ma.fields.String(required=True)
    created_at = Moment(required=True)


class MadeFeedSchema(FeedSchema):
    address = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "shown this once; null when a request is repeated: revoke it, make another"},
    )


FeedsPage = cursor_schema(FeedSchema)


class FeedIn(ma.Schema):
    """``resource`` and ``unit`` name ``host`` and ``resource``, a unit its id as well; ``customer`` names the customer;
    ``laboratory`` is all that one looks after at the token's host, or one department of it; ``person`` is one's own
    bookings everywhere."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf([kind.value for kind in FeedKind]))
    host = Text(load_default=None, allow_none=True, validate=ma.validate.Length(max=60))
    resource = Text(load_default=None, allow_none=True, validate=ma.validate.Length(max=60))
    unit_id = Identifier(load_default=None, allow_none=True)
    customer_id = Identifier(load_default=None, allow_none=True)
    department_id = Identifier(load_default=None, allow_none=True)


# What each kind needs to be named.
_NEEDS = {
    FeedKind.RESOURCE: ("host", "resource"),
    FeedKind.UNIT: ("host", "resource", "unit_id"),
    FeedKind.CUSTOMER: ("customer_id",),
}


def _subject(kind: FeedKind, data: dict[str, Any]) -> tuple[UUID | None, UUID | None]:
    """Organisation and subject of a feed as named.

    Raises:
        Invalid: something is not named. NotFound: it is not there, or cannot be had as a feed.
    """
    missing = [Reason("form.required", {}, name) for name in _NEEDS.get(kind, ()) if data[name] is None]
    if missing:
        raise Invalid(*missing)
    if kind is FeedKind.PERSON:
        return None, None
    if kind is FeedKind.CUSTOMER:
        return g.actor.organisation_id, data["customer_id"]
    if kind is FeedKind.LABORATORY:
        return g.actor.organisation_id, data["department_id"]
    record = catalogue.resource_of(data["host"], data["resource"])
    subject = showing.subject_of(record, data["unit_id"] if kind is FeedKind.UNIT else None)
    return record.key.institution_id, subject


def _out(record: FeedRecord) -> dict[str, Any]:
    try:
        name = showing.name_of(record)
    except NotFound:
        name = ""
    organisation_id = record.organisation_id
    return {
        "id": record.id,
        "kind": record.kind.value,
        "name": name,
        "organisation": accounts.organisation(organisation_id).code if organisation_id else None,
        "subject_id": record.subject_id,
        "prefix": record.prefix,
        "created_at": record.created_at,
    }


@blueprint.get(_AT)
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, FeedsPage)
@allows(MEMBER)
def listed(args: dict[str, Any]) -> dict[str, Any]:
    """The feeds that still answer, in the order in which they were made."""
    after = paging.unpack(args["after"], datetime, UUID)
    found = sorted(service.feeds_of(g.actor.person_id), key=lambda one: (one.created_at, one.id))
    page = paging.part_of(found, args["limit"], lambda one: (one.created_at, one.id), after)
    return {"items": [_out(one) for one in page.items], "next_cursor": page.next_cursor}


@blueprint.post(_AT)
@limiter.limit(showing.MAKING)
@blueprint.arguments(FeedIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, MadeFeedSchema)
@allows(MEMBER)
def create(data: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    """Make a feed. Its secret address is answered this once and stands nowhere afterwards, under no key either."""
    kind = FeedKind(data["kind"])
    organisation_id, subject_id = _subject(kind, data)
    shown: dict[str, str] = {}

    def made() -> dict[str, Any]:
        record, secret = service.create_feed(
            g.actor.person_id, kind, organisation_id=organisation_id, subject_id=subject_id
        )
        shown["address"], shown["id"] = showing.address(record.kind, secret), str(record.id)
        return {"id": str(record.id)}

    made_id = once(headers, made)["id"]
    record = service.feed_of(g.actor.person_id, UUID(made_id))
    # A try that was taken back, because another with the same key was first, shows nothing.
    return _out(record) | {"address": shown["address"] if shown.get("id") == made_id else None}


@blueprint.delete(f"{_AT}/<uuid:feed_id>")
@blueprint.response(204)
@allows(MEMBER)
def revoke(feed_id: UUID) -> None:
    """Make an address useless; doing it twice is no error."""
    service.revoke_feed(g.actor.person_id, feed_id)
