"""Reported ratings for the platform's programs: read them, hide or leave each, look again and decide otherwise.

A token of the platform sees the words, the report and the number of the order, and nothing else of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.ratings import LONGEST_TEXT
from resource_hub.domain.booking.terms import Side
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.common import host_key
from resource_hub.entrypoints.api.writing import EditHeaders, seen_number, tagged
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.fields import Identifier, Moment, Text
from resource_hub.entrypoints.support.guards import allows
from resource_hub.kernel.keys import HostKey

blueprint = Blueprint(
    "rating_reports_api", __name__, url_prefix="/api/v1", description="Ratings that were reported"
)
_ONE = "/hosts/<host>/ratings/<uuid:rating_id>"


class ReportedRatingSchema(ma.Schema):
    """``side``: who rated. ``decision``: the reason of the last decision, which both sides read."""

    id = Identifier(required=True)
    host = ma.fields.String(required=True)
    resource_code = ma.fields.String(required=True)
    booking_number = ma.fields.String(required=True)
    side = ma.fields.String(required=True, validate=ma.validate.OneOf([Side.CUSTOMER.value, Side.HOST.value]))
    stars = ma.fields.Integer(required=True)
    aspects = ma.fields.Dict(required=True)
    words = ma.fields.String(required=True)
    answer = ma.fields.String(required=True)
    given_at = Moment(required=True)
    report = ma.fields.String(required=True)
    reported_at = Moment(required=True)
    hidden = ma.fields.Boolean(required=True)
    decision = ma.fields.String(required=True)
    decided_at = Moment(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)


ReportedRatingsPage = cursor_schema(ReportedRatingSchema)


class ReportArguments(CursorArguments):
    decided = ma.fields.Boolean(
        load_default=None, metadata={"description": "only those decided, or only those that wait"}
    )


class RatingDecisionIn(ma.Schema):
    hide = ma.fields.Boolean(
        required=True, metadata={"description": "false leaves it to be read, or shows it again"}
    )
    reason = Text(
        required=True,
        validate=ma.validate.Length(1, LONGEST_TEXT),
        metadata={"description": "why; both sides read it"},
    )


def _out(records: Sequence[service.RatingRecord]) -> list[dict[str, Any]]:
    resources = catalogue.resources({HostKey(r.key.institution_id, r.resource_id) for r in records})
    hosts = accounts.organisation_names({r.key.institution_id for r in records})
    orders = service.records({r.booking_key for r in records})
    same = (
        "stars", "words", "answer", "given_at", "report", "reported_at", "hidden", "decision", "decided_at", "version",
    )  # fmt: skip
    return [
        {name: getattr(r, name) for name in same}
        | {
            "id": r.key.id,
            "host": hosts[r.key.institution_id].code,
            "resource_code": resources[HostKey(r.key.institution_id, r.resource_id)].code,
            "booking_number": orders[r.booking_key].number,
            "side": r.side.value,
            "aspects": dict(r.aspects),
        }
        for r in records
    ]


def _one(record: service.RatingRecord) -> Any:
    return _out([record])[0], 200, tagged(record.version)


@blueprint.get("/ratings/reported")
@blueprint.arguments(ReportArguments, location="query")
@blueprint.response(200, ReportedRatingsPage)
@allows(Role.PLATFORM_STAFF)
def reported(args: dict[str, Any]) -> dict[str, Any]:
    """What was reported at every host: those that wait for a decision first, then the newest."""
    after = paging.unpack(args["after"], bool, datetime, UUID)
    found = service.reported_ratings(g.actor, args["limit"] + 1, decided=args["decided"], after=after)
    page = paging.page_of(found, args["limit"], lambda r: (r.decided_at is not None, r.reported_at, r.key.id))
    return {"items": _out(page.items), "next_cursor": page.next_cursor}


@blueprint.get(_ONE)
@blueprint.response(200, ReportedRatingSchema)
@allows(Role.PLATFORM_STAFF)
def show(host: str, rating_id: UUID) -> Any:
    """One that was reported; its ``ETag`` is asked for when it is decided."""
    return _one(service.reported_rating(host_key(host, rating_id), g.actor))


@blueprint.post(f"{_ONE}/decision")
@blueprint.arguments(RatingDecisionIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, ReportedRatingSchema)
@allows(Role.PLATFORM_STAFF)
def decide(data: dict[str, Any], headers: dict[str, Any], host: str, rating_id: UUID) -> Any:
    """Hide a reported rating or leave it; after a second look it may be decided otherwise. Both sides are told."""
    version, key = seen_number(headers["tag"]), host_key(host, rating_id)
    return _one(
        service.decide_rating(key, hide=data["hide"], reason=data["reason"], by=g.actor, version=version)
    )
