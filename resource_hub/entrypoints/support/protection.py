"""Headers, form tokens and rate limits."""

from __future__ import annotations

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from resource_hub.entrypoints.support.compression import MaskedProtect
from resource_hub.entrypoints.support.guards import is_api

csrf = MaskedProtect()
# memory:// counts per process; a deployment with several names a shared store in RATELIMIT_STORAGE_URI.
limiter = Limiter(key_func=get_remote_address, headers_enabled=True)

# Only our own scripts and style sheets. Style *attributes* are let through (style-src-attr): lanes of a timetable are
# placed by them; a style sheet or script from anywhere else, or written into the page, is not.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


# Where an answer does not say otherwise.
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=()",
}


def security_headers(response: Response) -> Response:
    present = {name.lower() for name, _ in response.headers}
    for name, value in _HEADERS.items():
        if name.lower() not in present:
            response.headers.add(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static" and "cache-control" not in present:
        # Pages hold what only this reader may see.
        response.headers["Cache-Control"] = "no-store" if response.status_code >= 400 else "private, no-cache"
    return response


def install(app: Flask) -> None:
    # Tests post without a form, and faster than a person; those of this file switch both on.
    app.config.setdefault("WTF_CSRF_ENABLED", not app.testing)
    app.config.setdefault("RATELIMIT_ENABLED", not app.testing)
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", 12 * 3600)
    app.config.setdefault("WTF_CSRF_SSL_STRICT", True)
    app.config.setdefault("WTF_CSRF_CHECK_DEFAULT", False)
    app.config.setdefault("RATELIMIT_STORAGE_URI", "memory://")
    app.config.setdefault("SESSION_COOKIE_HTTPONLY", True)
    app.config.setdefault("SESSION_COOKIE_SAMESITE", "Lax")
    csrf.init_app(app)
    limiter.init_app(app)
    # It would look for limits of the whole application at every request. There are none: routes have theirs, each asked
    # for by its own decorator.
    if app.config["RATELIMIT_ENABLED"]:
        app.before_request_funcs[None].remove(limiter._check_request_limit)

    @app.before_request
    def check_form_token() -> None:
        # The API knows tokens only, never the browser's cookie, so nobody can ride on a session there.
        if app.config.get("WTF_CSRF_ENABLED", True) and not is_api(request.path):
            csrf.protect()

    app.after_request(security_headers)
