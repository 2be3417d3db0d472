"""Wires what the doors share into an application, in the order that the request hooks need."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Flask, current_app, g, request, session

from resource_hub.entrypoints.support import (
    believing,
    compression,
    formatting,
    guards,
    language,
    pages,
    problems,
    protection,
    statics,
    watching,
)
from resource_hub.infra import audit, stamps


def init_app(app: Flask) -> None:
    """Before blueprints are registered: languages, protection, guards, formats, error answers."""
    watching.install(app)
    compression.install(app)
    language.install(app)
    protection.install(app)
    app.before_request(_read_by_stamps)
    app.teardown_request(_end_stamps)
    guards.install(app)
    app.before_request(_name_origin)
    app.teardown_request(_forget_origin)
    formatting.install(app)
    pages.install(app)
    problems.install(app)
    statics.install(app)


def finish(app: Flask) -> None:
    """After the last route.

    Raises:
        UndeclaredRoute: naming every route that does not say who may enter.
    """
    # flask-smorest put its own handler over ours when the API was registered.
    problems.install(app)
    guards.refuse_undeclared(app)
    believing.finish(app)


def _read_by_stamps() -> None:
    """What a request reads outside of its units may come from memory where nothing about it has changed."""
    who = request.headers.get("Authorization") or (
        "" if guards.is_api(request.path) else session.get("_user_id")
    )
    g.stamps_kind = hash((request.method, request.path, who))
    g.stamps_token = stamps.begin(g.stamps_kind)
    believing.begin()


def _end_stamps(_error: Any) -> None:
    token = g.pop("stamps_token", None)
    if token is not None:
        stamps.end(token, g.pop("stamps_kind", 0))


def _name_origin() -> None:
    """Audit rows of this request say who asked, from which address, with which device."""
    secret = str(current_app.config.get("SECRET_KEY", "")).encode()
    g.origin_token = audit.origin.set(
        audit.Origin(
            guards.person_id(),
            request.remote_addr or "",
            request.user_agent.string[:300],
            hashlib.sha256(b"audit origin" + secret).digest(),
        )
    )


def _forget_origin(_error: Any) -> None:
    token = g.pop("origin_token", None)
    if token is not None:
        audit.origin.reset(token)
