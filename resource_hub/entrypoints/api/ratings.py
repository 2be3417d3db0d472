"""Ratings for programs: give one's own, read both once they are shown, answer, report; what everybody reads."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules import ratings as rules
from resource_hub.domain.booking.terms import Side
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.common import host_key, seen_resource
from resource_hub.entrypoints.api.writing import EditHeaders, seen_number, tagged
from resource_hub.entrypoints.support.fields import Moment, Text
from resource_hub.entrypoints.support.guards import MEMBER, PUBLIC, allows

blueprint = Blueprint(
    "ratings_api", __name__, url_prefix="/api/v1", description="Ratings by both sides of an order"
)
_AT = "/hosts/<host>/bookings/<uuid:booking_id>/rating"
_STAR = ma.validate.Range(rules.LEAST, rules.MOST)
_ASPECTS = sorted({name for names in rules.ASPECTS.values() for name in names})


class RateIn(ma.Schema):
    """The customer rates ``equipment support punctuality results``, the host ``preparation punctuality care
    communication``; each is optional."""

    stars = ma.fields.Integer(required=True, strict=True, validate=_STAR)
    aspects = ma.fields.Dict(
        keys=ma.fields.String(validate=ma.validate.OneOf(_ASPECTS)),
        values=ma.fields.Integer(strict=True, validate=_STAR),
        load_default=dict,
    )
    words = Text(load_default="", validate=ma.validate.Length(max=rules.LONGEST))


class RatingTextIn(ma.Schema):
    text = Text(required=True, validate=ma.validate.Length(1, 1000))


class SaidSchema(ma.Schema):
    stars = ma.fields.Integer(required=True)
    aspects = ma.fields.Dict(required=True)
    words = ma.fields.String(required=True)
    answer = ma.fields.String(required=True)


class RatingSchema(SaidSchema):
    given_at = Moment(required=True)
    reported = ma.fields.Boolean(required=True)
    hidden = ma.fields.Boolean(required=True)
    decision = ma.fields.String(required=True)


class BothRatingsSchema(ma.Schema):
    """Ratings as the token's side sees them; the other side's stays away until both are shown, or once it is hidden."""

    side = ma.fields.String(required=True, validate=ma.validate.OneOf([Side.CUSTOMER.value, Side.HOST.value]))
    own = ma.fields.Nested(RatingSchema, required=True, allow_none=True)
    other = ma.fields.Nested(RatingSchema, required=True, allow_none=True)
    other_given = ma.fields.Boolean(required=True)
    closes_at = Moment(required=True, allow_none=True)
    open = ma.fields.Boolean(required=True)
    shown = ma.fields.Boolean(required=True)


class PublicRatingsSchema(ma.Schema):
    """Empty as long as fewer than three customers rated."""

    mean = ma.fields.String(required=True, allow_none=True, metadata={"example": "4.6"})
    count = ma.fields.Integer(required=True, allow_none=True)
    items = ma.fields.List(ma.fields.Nested(SaidSchema), required=True)


def _said(found: service.RatingRecord) -> dict[str, Any]:
    return {
        "stars": found.stars,
        "aspects": dict(found.aspects),
        "words": found.words,
        "answer": found.answer,
    }


def _rating(found: service.RatingRecord | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return _said(found) | {
        "given_at": found.given_at,
        "reported": found.reported_at is not None,
        "hidden": found.hidden,
        "decision": found.decision,
    }


def _both(host: str, booking_id: UUID) -> Any:
    """Both ratings, with the version of the reader's own; 0 while there is none."""
    look = service.ratings_for(host_key(host, booking_id), g.actor)
    body = {
        "side": look.side.value,
        "own": _rating(look.own),
        "other": _rating(look.other if look.other is None or not look.other.hidden else None),
        "other_given": look.other_given,
        "closes_at": look.closes_at,
        "open": look.open,
        "shown": look.shown,
    }
    return body, 200, tagged(look.own.version if look.own is not None else 0)


@blueprint.get(_AT)
@blueprint.response(200, BothRatingsSchema)
@allows(MEMBER)
def show(host: str, booking_id: UUID) -> Any:
    """Ratings of an order; the ``ETag`` is that of the side's own, which is asked for when it is given or changed."""
    return _both(host, booking_id)


@blueprint.put(_AT)
@blueprint.arguments(RateIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, BothRatingsSchema)
@allows(MEMBER)
def rate(data: dict[str, Any], headers: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """Give the rating of the token's side, or say it otherwise until both are shown."""
    version = seen_number(headers["tag"])
    key = host_key(host, booking_id)
    service.rate(
        key, data["stars"], aspects=data["aspects"], words=data["words"], by=g.actor, version=version
    )
    return _both(host, booking_id)


@blueprint.post(f"{_AT}/answer")
@blueprint.arguments(RatingTextIn)
@blueprint.response(200, BothRatingsSchema)
@allows(MEMBER)
def answer(data: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """The host answers the customer's rating, once and for everybody to read."""
    service.answer_rating(host_key(host, booking_id), data["text"], by=g.actor)
    return _both(host, booking_id)


@blueprint.post(f"{_AT}/report")
@blueprint.arguments(RatingTextIn)
@blueprint.response(200, BothRatingsSchema)
@allows(MEMBER)
def report(data: dict[str, Any], host: str, booking_id: UUID) -> Any:
    """Report what the other side said to the platform."""
    service.report_rating(host_key(host, booking_id), data["text"], by=g.actor)
    return _both(host, booking_id)


@blueprint.get("/hosts/<host>/resources/<code>/ratings")
@blueprint.response(200, PublicRatingsSchema)
@allows(PUBLIC)
def of_resource(host: str, code: str) -> dict[str, Any]:
    """What customers say of a resource: mean, number, and words without names."""
    found = service.public_ratings(seen_resource(host, code).key)
    if found is None:
        return {"mean": None, "count": None, "items": []}
    return {"mean": str(found.mean), "count": found.count, "items": [_said(one) for one in found.items]}
