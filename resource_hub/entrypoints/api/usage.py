"""Signals of instruments, the sealed ledger by chain position, and the signed roots."""

from __future__ import annotations

from datetime import date
from typing import Any

import marshmallow as ma
from flask import g, request
from werkzeug.exceptions import Unauthorized

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.errors import NoSuchEntry
from resource_hub.domain.usage.terms import Phase
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.fields import Moment
from resource_hub.entrypoints.support.guards import PUBLIC, allows

blueprint = Blueprint("usage_api", __name__, url_prefix="/api/v1/hosts", description="Use of instruments")
READS = (Role.OFFICE, Role.INSTITUTION_ADMIN, Role.MANAGER, Role.DEPUTY)
MOST_SIGNALS = 500


class SignalSchema(ma.Schema):
    """One stretch that a machine reports. Sent again with the same sequence it changes nothing."""

    sequence = ma.fields.String(
        required=True,
        validate=ma.validate.Length(1, 200),
        metadata={"description": "the device's own number"},
    )
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    phase = ma.fields.String(
        load_default=Phase.MEASURING.value, validate=ma.validate.OneOf([p.value for p in Phase])
    )


class SignalsSchema(ma.Schema):
    signals = ma.fields.List(
        ma.fields.Nested(SignalSchema), required=True, validate=ma.validate.Length(1, MOST_SIGNALS)
    )


class ReceivedSchema(ma.Schema):
    new = ma.fields.Integer(required=True, metadata={"description": "messages that were new"})
    known = ma.fields.Integer(required=True, metadata={"description": "messages that were there already"})


class LinkSchema(ma.Schema):
    """One sealed row with its place in the chain. ``body`` holds the exact bytes that were hashed, as UTF-8 text."""

    position = ma.fields.Integer(required=True)
    body = ma.fields.String(required=True)
    digest = ma.fields.String(required=True, metadata={"description": "SHA-256 of the body, hex"})
    link = ma.fields.String(required=True, metadata={"description": "digest of the link, hex"})


class LedgerPageSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(LinkSchema), required=True)
    next = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "give it as 'after' for the next page; null at the end"},
    )


class LedgerArguments(ma.Schema):
    after = ma.fields.Integer(load_default=0, validate=ma.validate.Range(0, 2**62))
    limit = ma.fields.Integer(load_default=200, validate=ma.validate.Range(1, 1000))


class RootSchema(ma.Schema):
    """Where a chain stood when a day was over. ``root`` is the exact text that was signed."""

    day = ma.fields.Date(required=True)
    last_position = ma.fields.Integer(required=True)
    root = ma.fields.String(required=True)
    signature = ma.fields.String(required=True, metadata={"description": "Ed25519, hex"})
    public_key = ma.fields.String(required=True, metadata={"description": "32 bytes, hex"})


RootsPage = cursor_schema(RootSchema)


@blueprint.post("/<host>/signals")
@blueprint.arguments(SignalsSchema)
@blueprint.response(200, ReceivedSchema)
@blueprint.doc(security=[{"device": []}])
@allows(PUBLIC)
def signals(body: dict[str, Any], host: str) -> usage.Received:
    """Take in what an instrument reports. The device shows its own token: ``Authorization: Device …``."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "device" or not token.strip():
        raise Unauthorized()
    messages = [
        usage.Signal(m["sequence"], m["starts_at"], m["ends_at"], Phase(m["phase"])) for m in body["signals"]
    ]
    return usage.receive_signals(host, token.strip(), messages)


@blueprint.get("/<host>/ledger")
@blueprint.arguments(LedgerArguments, location="query")
@blueprint.response(200, LedgerPageSchema)
@allows(*READS)
def ledger(args: dict[str, Any], host: str) -> dict[str, Any]:
    """The host's sealed ledger by gap-free position: nothing can be missed between two calls."""
    record = accounts.organisation(host)
    if record.id != g.actor.organisation_id:
        raise NoSuchEntry()
    rows = usage.chain_page(record.id, "usage", args["after"], args["limit"])
    return {
        "items": [
            {"position": r.position, "body": r.body.decode(), "digest": r.digest.hex(), "link": r.link.hex()}
            for r in rows
        ],
        "next": rows[-1].position if len(rows) == args["limit"] else None,
    }


@blueprint.get("/<host>/roots")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, RootsPage)
@allows(PUBLIC)
def roots(args: dict[str, Any], host: str) -> dict[str, Any]:
    """Signed roots of the host's usage ledger, newest first, for everybody who wants to keep them."""
    (before,) = paging.unpack(args["after"], date) or (None,)
    found = usage.roots(accounts.organisation(host).id, limit=args["limit"] + 1, before=before)
    page = paging.page_of(found, args["limit"], lambda r: (r.day,))
    return {
        "items": [
            {
                "day": r.day,
                "last_position": r.last_position,
                "root": r.root.decode(),
                "signature": r.signature.hex(),
                "public_key": r.public_key.hex(),
            }
            for r in page.items
        ],
        "next_cursor": page.next_cursor,
    }
