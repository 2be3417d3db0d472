"""Static files as small as they can be sent: compressed, and kept for ever when their address has a mark.

Fetched files have their twins (``.br``, ``.gz``) beside them, made once by ``tools/assets.py``; our own are compressed
when first asked for. Pages are another matter (``compression``): they hold form tokens and other people's words.
"""

from __future__ import annotations

import functools
import gzip
import mimetypes
from pathlib import Path
from typing import Any

from flask import Flask, Request, Response, current_app, request, send_from_directory
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from resource_hub.entrypoints.support.guards import is_api

_TEXT = (".css", ".js", ".svg", ".json", ".txt")
YEAR = 31_536_000


@functools.lru_cache(maxsize=64)
def _gzipped(path: str, _changed: float) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)


def send(filename: str) -> Response:
    """A file under ``static/``, compressed as the browser can take it."""
    folder = current_app.static_folder or "static"
    lasting = "v" in request.args or filename.startswith("vendor/")
    try:
        response = _compressed(folder, filename) or send_from_directory(
            folder, filename, max_age=YEAR if lasting else 0
        )
    except NotFound:
        # Not the page for it: its form would have a token of a session that is not kept.
        return Response("", 404, {"Cache-Control": "no-store"}, mimetype="text/plain")
    if lasting and response.status_code in (200, 304):
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    response.vary.add("Accept-Encoding")
    return response


def _compressed(folder: str, filename: str) -> Response | None:
    joined = safe_join(folder, filename)
    if joined is None or not filename.endswith(_TEXT):
        return None
    path = Path(joined)
    if not path.is_file():
        return None
    accepted: dict[str, Any] = {name: quality for name, quality in request.accept_encodings if quality > 0}
    kind = mimetypes.guess_type(filename)[0] or "text/plain"
    for coding, ending in (("br", ".br"), ("gzip", ".gz")):
        twin = path.with_name(path.name + ending)
        if coding in accepted and twin.is_file():
            return _answer(twin.read_bytes(), kind, coding, path)
    if "gzip" in accepted and path.stat().st_size > 1000:
        return _answer(_gzipped(str(path), path.stat().st_mtime), kind, "gzip", path)
    return None


def _answer(body: bytes, kind: str, coding: str, path: Path) -> Response:
    response = Response(body, mimetype=kind)
    response.headers["Content-Encoding"] = coding
    response.set_etag(f"{path.stat().st_mtime_ns:x}-{coding}")
    response.make_conditional(request)
    return response


class PagesOnly(SecureCookieSessionInterface):
    """Sessions of pages. A static file is the same for everybody: who asks for it is nobody, and it does not vary by
    the cookie, or browsers would fetch it anew whenever that changes. The API knows tokens only and reads no cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if _is_page(app, request) else self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if _is_page(app, request):
            super().save_session(app, session, response)


def _is_page(app: Flask, request: Request) -> bool:
    # The session is opened before the address is matched to an endpoint.
    return not (request.path.startswith(f"{app.static_url_path}/") or is_api(request.path))


def install(app: Flask) -> None:
    app.view_functions["static"] = send
    app.session_interface = PagesOnly()
