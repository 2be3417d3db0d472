"""Strikes for programs: one's own with the appeal, and those of a host's resources with the decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.booking import service
from resource_hub.domain.booking.strikes import LONGEST
from resource_hub.domain.booking.terms import StrikeRecord, StrikeState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.common import host_key, own_house
from resource_hub.entrypoints.api.writing import CreateHeaders, EditHeaders, once, seen_number, tagged
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.fields import Identifier, Moment, Text
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.infra import clock

blueprint = Blueprint(
    "strikes_api", __name__, url_prefix="/api/v1", description="Strikes, appeals, decisions"
)
_AT = "/hosts/<host>/strikes"
_ONE = f"{_AT}/<uuid:strike_id>"
_TEXT = ma.validate.Length(1, LONGEST)


class StrikeSchema(ma.Schema):
    """A strike. ``counts``: it counts now; it does until ``expires_at``, unless it is lifted."""

    id = Identifier(required=True)
    host = ma.fields.String(required=True)
    resource_id = Identifier(required=True)
    resource_code = ma.fields.String(required=True)
    booking_id = Identifier(required=True, allow_none=True)
    customer_id = Identifier(required=True)
    person_id = Identifier(required=True)
    kind = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    counts = ma.fields.Boolean(required=True)
    given_at = Moment(required=True)
    given_by = Identifier(required=True, allow_none=True)
    expires_at = Moment(required=True)
    note = ma.fields.String(required=True)
    appealed_at = Moment(required=True, allow_none=True)
    appeal = ma.fields.String(required=True)
    decided_at = Moment(required=True, allow_none=True)
    decided_by = Identifier(required=True, allow_none=True)
    decision = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)


StrikesPage = cursor_schema(StrikeSchema)


class StrikeArguments(CursorArguments):
    state = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf([s.value for s in StrikeState])), load_default=list
    )


class StrikeIn(ma.Schema):
    """A strike for misuse, given by hand."""

    number = Text(
        required=True,
        validate=ma.validate.Length(1, 30),
        metadata={"description": "of the booking", "example": "B26-7KQ2-M9XA"},
    )
    note = Text(required=True, validate=_TEXT, metadata={"description": "what happened; the person reads it"})


class StrikeAppealIn(ma.Schema):
    text = Text(required=True, validate=_TEXT, metadata={"example": "I was ill; the note is attached."})


class StrikeDecisionIn(ma.Schema):
    lift = ma.fields.Boolean(required=True, metadata={"description": "false upholds it after an appeal"})
    text = Text(required=True, validate=_TEXT, metadata={"description": "why; the person reads it"})


class BarSchema(ma.Schema):
    """A person barred from booking a resource now; without ``until`` it ends when the host lifts it."""

    host = ma.fields.String(required=True)
    resource_id = Identifier(required=True)
    resource_code = ma.fields.String(required=True)
    person_id = Identifier(required=True)
    customer_id = Identifier(required=True)
    since = Moment(required=True)
    until = Moment(required=True, allow_none=True)
    strikes = ma.fields.Integer(required=True, metadata={"description": "that count now"})


class BarsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(BarSchema), required=True)


class BarLiftIn(ma.Schema):
    reason = Text(required=True, validate=_TEXT, metadata={"description": "why; the person reads it"})


class BarLiftedSchema(ma.Schema):
    lifted_at = Moment(required=True)


def _bars_out(found: Sequence[service.BarredPerson]) -> dict[str, Any]:
    resources = catalogue.resources({one.resource_key for one in found})
    return {
        "items": [
            {
                "host": resources[one.resource_key].host_code,
                "resource_id": one.resource_key.id,
                "resource_code": resources[one.resource_key].code,
                "person_id": one.person_id,
                "customer_id": one.customer_id,
                "since": one.bar.since,
                "until": one.bar.until,
                "strikes": one.strikes,
            }
            for one in found
        ]
    }


def _strikes_out(found: Sequence[StrikeRecord]) -> list[dict[str, Any]]:
    resources = catalogue.resources({one.resource_key for one in found})
    now = clock.now()
    rows = []
    for one in found:
        row = {
            name: getattr(one, name)
            for name in (
                "resource_id", "booking_id", "customer_id", "person_id", "given_at", "given_by", "expires_at", "note",
                "appealed_at", "appeal", "decided_at", "decided_by", "decision", "version",
            )
        }  # fmt: skip
        resource = resources[one.resource_key]
        rows.append(
            row
            | {
                "id": one.key.id,
                "host": resource.host_code,
                "resource_code": resource.code,
                "kind": one.kind.value,
                "state": one.state.value,
                "counts": one.counts(now),
            }
        )
    return rows


def _strike(record: StrikeRecord, status: int = 200) -> Any:
    return _strikes_out([record])[0], status, tagged(record.version)


def _page(found: Sequence[StrikeRecord], limit: int) -> dict[str, Any]:
    page = paging.page_of(found, limit, lambda one: (one.given_at, one.key.id))
    return {"items": _strikes_out(page.items), "next_cursor": page.next_cursor}


@blueprint.get("/me/strikes")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, StrikesPage)
@allows(MEMBER)
def mine(args: dict[str, Any]) -> dict[str, Any]:
    """Strikes of the token's person at every host, the newest first."""
    after = paging.unpack(args["after"], datetime, UUID)
    return _page(service.strikes_of(g.actor.person_id, args["limit"] + 1, after), args["limit"])


@blueprint.get(_AT)
@blueprint.arguments(StrikeArguments, location="query")
@blueprint.response(200, StrikesPage)
@allows(*service.DECIDES)
def at_host(args: dict[str, Any], host: str) -> dict[str, Any]:
    """Strikes at the token's host, as far as the person's roles reach, the newest first."""
    own_house(host)
    states = [StrikeState(state) for state in args["state"]]
    after = paging.unpack(args["after"], datetime, UUID)
    found = service.strikes_at(g.actor, states=states, limit=args["limit"] + 1, after=after)
    return _page(found, args["limit"])


@blueprint.post(_AT)
@blueprint.arguments(StrikeIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, StrikeSchema)
@allows(*service.DECIDES)
def give(data: dict[str, Any], headers: dict[str, Any], host: str) -> Any:
    """Give a strike for misuse during a booking of the token's host."""
    own_house(host)

    def made() -> dict[str, Any]:
        return {"id": str(service.give_strike(data["number"], note=data["note"], by=g.actor).key.id)}

    return _strike(service.strike_for(host_key(host, UUID(once(headers, made)["id"])), g.actor), 201)


@blueprint.get(_ONE)
@blueprint.response(200, StrikeSchema)
@allows(MEMBER)
def show(host: str, strike_id: UUID) -> Any:
    """A strike, for the person whose it is and for who decides; its ``ETag`` is asked for when it is answered."""
    return _strike(service.strike_for(host_key(host, strike_id), g.actor))


@blueprint.post(f"{_ONE}/appeal")
@blueprint.arguments(StrikeAppealIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, StrikeSchema)
@allows(MEMBER)
def appeal(data: dict[str, Any], headers: dict[str, Any], host: str, strike_id: UUID) -> Any:
    """Say why one's own strike is not right; once, while it counts."""
    version, key = seen_number(headers["tag"]), host_key(host, strike_id)
    return _strike(service.appeal_strike(key, data["text"], person_id=g.actor.person_id, version=version))


@blueprint.post(f"{_ONE}/decision")
@blueprint.arguments(StrikeDecisionIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, StrikeSchema)
@allows(MEMBER)
def decide(data: dict[str, Any], headers: dict[str, Any], host: str, strike_id: UUID) -> Any:
    """Lift a strike, or uphold it after an appeal; never by who gave it."""
    version, key = seen_number(headers["tag"]), host_key(host, strike_id)
    return _strike(
        service.decide_strike(key, lift=data["lift"], text=data["text"], by=g.actor, version=version)
    )


# ---- bars ------------------------------------------------------------------------------------------------------


@blueprint.get("/me/bars")
@blueprint.response(200, BarsSchema)
@allows(MEMBER)
def my_bars() -> dict[str, Any]:
    """From which resources the token's person is barred now, of those where strikes were given."""
    return _bars_out(service.bars_on(g.actor.person_id))


@blueprint.get("/hosts/<host>/bars")
@blueprint.response(200, BarsSchema)
@allows(*service.DECIDES)
def bars(host: str) -> dict[str, Any]:
    """Who is barred now from the resources of the token's host, as far as the person's roles reach."""
    own_house(host)
    return _bars_out(service.barred_at(g.actor))


@blueprint.post("/hosts/<host>/bars/<uuid:resource_id>/<uuid:person_id>/lift")
@blueprint.arguments(BarLiftIn)
@blueprint.response(200, BarLiftedSchema)
@allows(*service.DECIDES)
def lift_bar(data: dict[str, Any], host: str, resource_id: UUID, person_id: UUID) -> dict[str, Any]:
    """End a bar before its time. Asked again it is refused: nobody is barred any more."""
    own_house(host)
    lifted_at = service.lift_bar(host_key(host, resource_id), person_id, reason=data["reason"], by=g.actor)
    return {"lifted_at": lifted_at}
