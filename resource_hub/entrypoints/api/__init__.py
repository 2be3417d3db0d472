"""The REST interface under ``/api/v1``: OpenAPI 3.1, bearer tokens, problem answers (RFC 9457).

A blueprint of an area is a ``Blueprint`` (``api/blueprint.py``) with schemas beside it::

    blueprint = Blueprint("bookings", __name__, url_prefix="/api/v1/bookings", description="Bookings")

    @blueprint.get("/<host>/<uuid:booking_id>")
    @blueprint.response(200, BookingSchema)
    @allows(MEMBER)
    def show(host, booking_id): ...

The bearer token names person and organisation; the guard puts the actor into ``g.actor``. Lists answer
``{"items": [...], "next": cursor or null}`` (``cursor_schema``). Changes of a versioned thing take ``If-Match``.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

import marshmallow as ma
from flask import Flask
from flask_smorest import Api, Blueprint
from werkzeug.exceptions import HTTPException

from resource_hub.entrypoints.support import fields, guards, problems

AREAS: tuple[tuple[str, str], ...] = (
    ("accounts", "blueprint"),
    ("catalogue", "blueprint"),
    ("units", "blueprint"),
    ("availability", "blueprint"),
    ("calendars", "blueprint"),
    ("calendar_days", "blueprint"),
    ("free_times", "blueprint"),
    ("booking", "blueprint"),
    ("approving", "blueprint"),
    ("series", "blueprint"),
    ("waiting", "blueprint"),
    ("linked", "blueprint"),
    ("dividing", "blueprint"),
    ("hand_overs", "blueprint"),
    ("strikes", "blueprint"),
    ("trainings", "blueprint"),
    ("feeds", "blueprint"),
    ("quotes", "blueprint"),
    ("results", "blueprint"),
    ("documents", "blueprint"),
    ("walk_ins", "blueprint"),
    ("ratings", "blueprint"),
    ("rating_reports", "blueprint"),
    ("assessment", "blueprint"),
    ("money", "blueprint"),
    ("usage", "blueprint"),
)


class ReasonSchema(ma.Schema):
    """One reason of a refusal, with what can be done next."""

    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)
    remedy = ma.fields.String(required=True)
    place = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "JSON pointer or field"}
    )
    values = ma.fields.Dict(required=True)


class AlternativeSchema(ma.Schema):
    """A time that can be had instead."""

    unit_id = fields.Identifier(required=True)
    start = fields.Moment(required=True)
    end = fields.Moment(required=True)


class ClashSchema(ma.Schema):
    """A day of a series that cannot be had, and why."""

    day = ma.fields.Date(required=True)
    reasons = ma.fields.List(ma.fields.Nested(ReasonSchema), required=True)


class ProblemSchema(ma.Schema):
    """RFC 9457 problem with all reasons at once and a number to quote; other times where a time was the trouble, and
    the days of a series that clash."""

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String(required=True)
    instance = ma.fields.String(required=True)
    code = ma.fields.String(required=True)
    reference = ma.fields.String(required=True)
    reasons = ma.fields.List(ma.fields.Nested(ReasonSchema), required=True)
    alternatives = ma.fields.List(ma.fields.Nested(AlternativeSchema))
    clashes = ma.fields.List(ma.fields.Nested(ClashSchema))


class ResourceHubApi(Api):
    """flask-smorest with our problem answers.

    Its own handler answers JSON for every HTTP error of the whole application and drops ``Allow``, ``Retry-After`` and
    ``WWW-Authenticate``; ours looks at the path and keeps them.
    """

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_RESPONSE_CONTENT_TYPE: str = "application/json"

    def handle_http_exception(self, error: HTTPException) -> Any:
        return problems.on_http_error(error)

    def _register_responses(self) -> None:
        """Describe errors with the media type in which they are sent (RFC 9457)."""
        usual: str = self.DEFAULT_RESPONSE_CONTENT_TYPE
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        try:
            super()._register_responses()
        finally:
            self.DEFAULT_RESPONSE_CONTENT_TYPE = usual


def _say_what_is_public(app: Flask, api: Api) -> None:
    """Operations that need no token say so in the description."""
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/"):
            continue
        path = re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = api.spec._paths.get(path, {}).get(method.lower())
            if operation is not None and guards.declared(app, rule.endpoint, method) == frozenset(
                {guards.PUBLIC}
            ):
                operation["security"] = []


class CursorArguments(ma.Schema):
    """``?limit=&after=`` of a list."""

    limit = ma.fields.Integer(load_default=25, validate=ma.validate.Range(1, 200))
    after = ma.fields.String(load_default=None)


def cursor_schema(item: type[ma.Schema]) -> type[ma.Schema]:
    """Schema of one page of a list: the rows and the cursor of the next page in the body."""
    return ma.Schema.from_dict(
        {
            "items": ma.fields.List(ma.fields.Nested(item), required=True),
            "next": ma.fields.String(required=True, allow_none=True, attribute="next_cursor"),
        },
        name=f"{item.__name__.removesuffix('Schema')}Page",
    )


def blueprints() -> list[Blueprint]:
    return [getattr(importlib.import_module(f"{__name__}.{module}"), name) for module, name in AREAS]


def register(app: Flask) -> Api:
    """Set up the API and its description at ``/api/v1/openapi.json``."""
    app.config.update(
        API_TITLE="Resource Hub",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = ResourceHubApi(
        app,
        spec_kwargs={
            "info": {"description": "Booking, use, billing and support of shared research instruments."},
            "components": {
                "securitySchemes": {
                    "token": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "A token of a person for one organisation, made on the profile page.",
                    }
                }
            },
            "security": [{"token": []}],
        },
    )
    for field, kind, form in fields.OPENAPI_FIELDS:
        api.register_field(field, kind, form)
    for blueprint in blueprints():
        api.register_blueprint(blueprint)
    _say_what_is_public(app, api)
    return api
