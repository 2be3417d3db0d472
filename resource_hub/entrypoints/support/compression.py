"""Pages, API answers and calendar feeds compressed on their way out, without giving a secret away by their length.

Who watches the line and can make a reader ask for pages of their choosing can guess, letter by letter, a secret that
stands beside their own words in a compressed answer (the attack is known as BREACH). Held against it:

- The form token, the one secret on every page, is masked with fresh random bytes at each answer, so that its letters
  are never twice the same; an answer that holds a token unmasked is not compressed.
- Pages get a random length of up to 100 bytes more, in a field of the gzip header that browsers skip.
- The session cookie is not sent with what other sites ask for in the background (SameSite=Lax).

Streamed answers are left alone; static files have their own ways (``statics``).
"""

from __future__ import annotations

import base64
import gzip
import io
import secrets

from flask import Flask, Response, current_app, g, request
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf

SMALLEST = 1024
LEVEL = 5
PADDING = 100
_KINDS = frozenset(
    {
        "text/html", "text/plain", "text/calendar", "text/csv", "application/json", "application/problem+json",
        "image/svg+xml", "application/xml",
    }
)  # fmt: skip
_MASKED = "m~"


def masked_token() -> str:
    """The form token of this session as it stands in a page: one mask for an answer, another for the next."""
    if "masked_token" not in g:
        plain = generate_csrf().encode()
        mask = secrets.token_bytes(len(plain))
        mixed = bytes(a ^ b for a, b in zip(plain, mask, strict=True))
        g.masked_token = _MASKED + base64.urlsafe_b64encode(mask + mixed).decode().rstrip("=")
    return g.masked_token


def unmasked(token: str | None) -> str | None:
    """The token behind a mask; one that was never masked as it is. What cannot be read is no token."""
    if token is None or not token.startswith(_MASKED):
        return token
    try:
        body = token.removeprefix(_MASKED)
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        half = len(raw) // 2
        return bytes(a ^ b for a, b in zip(raw[:half], raw[half:], strict=True)).decode("ascii")
    except ValueError:
        return None


class MaskedProtect(CSRFProtect):
    """Flask-WTF's check of form tokens, which takes the mask off first."""

    def init_app(self, app: Flask) -> None:
        super().init_app(app)
        # Macros know globals only; templates see what the context processors say, the last one winning.
        app.jinja_env.globals["csrf_token"] = masked_token
        app.context_processor(lambda: {"csrf_token": masked_token})

    def _get_csrf_token(self) -> str | None:
        return unmasked(super()._get_csrf_token())


def compress(response: Response) -> Response:
    """The answer as gzip where that is worth it, the reader can take it, and nothing is given away."""
    if (
        response.is_streamed
        or response.direct_passthrough
        or response.mimetype not in _KINDS
        or "Content-Encoding" in response.headers
        or response.status_code in (204, 206, 304)
    ):
        return response
    response.vary.add("Accept-Encoding")
    if not request.accept_encodings["gzip"]:
        return response
    body = response.get_data()
    if len(body) < SMALLEST or _bare_token_in(body):
        return response
    packed = _padded(body) if response.mimetype == "text/html" else _packed(body)
    if len(packed) >= len(body):
        return response
    response.set_data(packed)
    response.headers["Content-Encoding"] = "gzip"
    etag, weak = response.get_etag()
    if etag and not weak:
        # The same contents in another coding are not the same bytes; weak marks still answer "unchanged".
        response.set_etag(etag, weak=True)
    return response


def _bare_token_in(body: bytes) -> bool:
    token = g.get(current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token"))
    return bool(token) and str(token).encode() in body


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)


def _padded(body: bytes) -> bytes:
    """Gzip with a name of random length and letters in its header (RFC 1952, 2.3)."""
    name = secrets.token_hex(PADDING)[: 1 + secrets.randbelow(PADDING)]
    buffer = io.BytesIO()
    with gzip.GzipFile(filename=name, mode="wb", compresslevel=LEVEL, fileobj=buffer, mtime=0) as file:
        file.write(body)
    return buffer.getvalue()


def install(app: Flask) -> None:
    """Call before every other hook is installed: hooks after a request run in the opposite order."""
    app.after_request(compress)
