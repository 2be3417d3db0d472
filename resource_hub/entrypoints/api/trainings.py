"""Trainings: which a host has, who has passed them and until when, confirm one, take one back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.terms import QualificationRecord, QualificationTypeRecord
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.accounts import NameSchema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.common import host_key, own_house
from resource_hub.entrypoints.api.writing import CreateHeaders, EditHeaders, once, seen_number, tagged
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.fields import Identifier, Moment, Text
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.infra import clock
from resource_hub.kernel.time import local_day, zone

blueprint = Blueprint(
    "trainings_api", __name__, url_prefix="/api/v1", description="Trainings and who has passed them"
)
_TYPES = "/hosts/<host>/training-types"
_AT = "/hosts/<host>/trainings"
_ONE = f"{_AT}/<uuid:training_id>"


class TrainingTypeSchema(ma.Schema):
    """What a host teaches; house rules name it by its code."""

    id = Identifier(required=True)
    code = ma.fields.String(required=True)
    name = ma.fields.Nested(NameSchema, required=True)
    valid_months = ma.fields.Integer(required=True, metadata={"description": "0: for good"})
    active = ma.fields.Boolean(required=True)


class TrainingNameIn(ma.Schema):
    zh = Text(load_default="", validate=ma.validate.Length(max=120))
    en = Text(load_default="", validate=ma.validate.Length(max=120))


class TrainingTypeIn(ma.Schema):
    code = Text(required=True, validate=ma.validate.Length(1, 60), metadata={"example": "sem-basic"})
    name = ma.fields.Nested(TrainingNameIn, required=True)
    valid_months = ma.fields.Integer(load_default=0, strict=True, validate=ma.validate.Range(0, 240))


class TrainingSchema(ma.Schema):
    """A training that a person has passed. ``until`` is the first day on which it no longer holds; null: for good."""

    id = Identifier(required=True)
    host = ma.fields.String(required=True)
    type = ma.fields.Nested(TrainingTypeSchema, required=True)
    person_id = Identifier(required=True)
    person_name = ma.fields.String(required=True)
    since = ma.fields.Date(required=True)
    until = ma.fields.Date(required=True, allow_none=True)
    holds = ma.fields.Boolean(required=True, metadata={"description": "today, in the host's zone"})
    note = ma.fields.String(required=True)
    granted_by = Identifier(required=True)
    granted_at = Moment(required=True)
    revoked_at = Moment(required=True, allow_none=True)
    revoke_reason = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)


TrainingTypesPage, TrainingsPage = cursor_schema(TrainingTypeSchema), cursor_schema(TrainingSchema)


class TrainingArguments(CursorArguments):
    type_id = Identifier(load_default=None, metadata={"description": "only of this training"})


class GrantIn(ma.Schema):
    type_id = Identifier(required=True)
    email = ma.fields.Email(
        required=True,
        validate=ma.validate.Length(max=254),
        metadata={"description": "with which the person is registered"},
    )
    since = ma.fields.Date(required=True)
    until = ma.fields.Date(
        load_default=None, allow_none=True, metadata={"description": "as the training says when left out"}
    )
    note = Text(load_default="", validate=ma.validate.Length(max=500))


class WithdrawIn(ma.Schema):
    reason = Text(
        required=True, validate=ma.validate.Length(1, 500), metadata={"description": "the person reads it"}
    )


def _type_out(one: QualificationTypeRecord) -> dict[str, Any]:
    return {
        "id": one.key.id,
        "code": one.code,
        "name": {"zh": one.name_zh, "en": one.name_en},
        "valid_months": one.valid_months,
        "active": one.active,
    }


def _out(found: Sequence[QualificationRecord]) -> list[dict[str, Any]]:
    hosts = service.organisation_names({one.key.institution_id for one in found})
    people = service.people({one.person_id for one in found})
    now = clock.now()
    rows = []
    for one in found:
        host = hosts[one.key.institution_id]
        row = {
            name: getattr(one, name)
            for name in (
                "person_id", "since", "until", "note", "granted_by", "granted_at", "revoked_at", "revoke_reason",
                "version",
            )
        }  # fmt: skip
        rows.append(
            row
            | {
                "id": one.key.id,
                "host": host.code,
                "type": _type_out(one.type),
                "person_name": people[one.person_id].name if one.person_id in people else "",
                "holds": one.holds(local_day(now, zone(host.zone))),
            }
        )
    return rows


def _shown(record: QualificationRecord, status: int = 200) -> Any:
    return _out([record])[0], status, tagged(record.version)


def _page(found: Sequence[QualificationRecord], limit: int) -> dict[str, Any]:
    page = paging.page_of(found, limit, lambda one: (one.granted_at, one.key.id))
    return {"items": _out(page.items), "next_cursor": page.next_cursor}


@blueprint.get("/me/trainings")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, TrainingsPage)
@allows(MEMBER)
def mine(args: dict[str, Any]) -> dict[str, Any]:
    """Trainings of the token's person at every host, the newest first."""
    after = paging.unpack(args["after"], datetime, UUID)
    return _page(service.trainings_of(g.actor.person_id, args["limit"] + 1, after), args["limit"])


@blueprint.get(_TYPES)
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, TrainingTypesPage)
@allows(*service.TRAINS)
def types(args: dict[str, Any], host: str) -> dict[str, Any]:
    """The trainings of the token's host, by code."""
    own_house(host)
    found = sorted(service.training_types(g.actor.organisation_id), key=lambda one: one.code)
    after = paging.unpack(args["after"], str)
    page = paging.part_of(found, args["limit"], lambda one: (one.code,), after)
    return {"items": [_type_out(one) for one in page.items], "next_cursor": page.next_cursor}


@blueprint.post(_TYPES)
@blueprint.arguments(TrainingTypeIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, TrainingTypeSchema)
@allows(*service.TRAINS)
def add_type(data: dict[str, Any], headers: dict[str, Any], host: str) -> dict[str, Any]:
    """Add a training; house rules may ask for it from then on."""
    own_house(host)

    def made() -> dict[str, Any]:
        added = service.add_training_type(
            code=data["code"],
            name_zh=data["name"]["zh"],
            name_en=data["name"]["en"],
            valid_months=data["valid_months"],
            by=g.actor,
        )
        return {"id": str(added.key.id)}

    added = UUID(once(headers, made)["id"])
    return next(
        _type_out(one) for one in service.training_types(g.actor.organisation_id) if one.key.id == added
    )


@blueprint.get(_AT)
@blueprint.arguments(TrainingArguments, location="query")
@blueprint.response(200, TrainingsPage)
@allows(*service.TRAINS)
def listed(args: dict[str, Any], host: str) -> dict[str, Any]:
    """Who has passed what at the token's host and until when, those that were taken back too; the newest first."""
    own_house(host)
    after = paging.unpack(args["after"], datetime, UUID)
    found = service.trainings_at(g.actor, args["limit"] + 1, after, type_id=args["type_id"])
    return _page(found, args["limit"])


@blueprint.post(_AT)
@blueprint.arguments(GrantIn)
@blueprint.arguments(CreateHeaders, location="headers")
@blueprint.response(201, TrainingSchema)
@allows(*service.TRAINS)
def grant(data: dict[str, Any], headers: dict[str, Any], host: str) -> Any:
    """Confirm that a person has passed a training; the person is told."""
    own_house(host)

    def made() -> dict[str, Any]:
        found = service.grant_training(
            data["type_id"],
            data["email"],
            since=data["since"],
            until=data["until"],
            note=data["note"],
            by=g.actor,
        )
        return {"id": str(found.key.id)}

    return _shown(service.training(host_key(host, UUID(once(headers, made)["id"]))), 201)


@blueprint.get(_ONE)
@blueprint.response(200, TrainingSchema)
@allows(*service.TRAINS)
def show(host: str, training_id: UUID) -> Any:
    """One training of a person; its ``ETag`` is asked for when it is taken back."""
    own_house(host)
    return _shown(service.training(host_key(host, training_id)))


@blueprint.post(f"{_ONE}/withdrawal")
@blueprint.arguments(WithdrawIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, TrainingSchema)
@allows(*service.TRAINS)
def withdraw(data: dict[str, Any], headers: dict[str, Any], host: str, training_id: UUID) -> Any:
    """Take a training back from now on; the person is told why."""
    own_house(host)
    version, key = seen_number(headers["tag"]), host_key(host, training_id)
    return _shown(service.revoke_training(key, reason=data["reason"], by=g.actor, version=version))
