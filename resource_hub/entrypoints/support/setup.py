"""Wires what the doors share into an application, in the order that the request hooks need."""

from __future__ import annotations

from flask import Flask, g, request

from resource_hub.entrypoints.support import formatting, guards, language, pages, problems, protection
from resource_hub.infra import audit


def init_app(app: Flask) -> None:
    """Before blueprints are registered: languages, protection, guards, formats, error answers."""
    language.install(app)
    app.before_request(_name_origin)
    protection.install(app)
    guards.install(app)
    formatting.install(app)
    pages.install(app)
    problems.install(app)


def finish(app: Flask) -> None:
    """After the last route.

    Raises:
        UndeclaredRoute: naming every route that does not say who may enter.
    """
    # flask-smorest put its own handler over ours when the API was registered.
    problems.install(app)
    guards.refuse_undeclared(app)


def _name_origin() -> None:
    """Audit rows of this request say from where it came."""
    device = (request.user_agent.string or "")[:300]
    salt = str(request.environ.get("resource_hub.salt", "")).encode()
    g.origin_token = audit.origin.set(audit.Origin(None, request.remote_addr or "", device, salt))
