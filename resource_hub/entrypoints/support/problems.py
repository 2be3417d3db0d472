"""What went wrong, told to whom asked: RFC 9457 problem answers on the API, pages for people.

One table turns families of domain errors into a status. Every answer carries all reasons, each as sentence and remedy,
and a reference number that also stands in the log.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, has_request_context, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from resource_hub.entrypoints.support import formatting, sentences
from resource_hub.entrypoints.support.guards import is_api
from resource_hub.kernel.errors import (
    Busy,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    Reason,
    Refused,
    Stale,
)

log = logging.getLogger("resource_hub.problems")

STATUS: dict[type[DomainError], int] = {
    NotFound: 404,
    Forbidden: 403,
    Invalid: 422,
    Refused: 409,
    Conflict: 409,
    Stale: 412,
    Busy: 503,
}

_HTTP_CODES = {
    400: "bad_request",
    401: "not_signed_in",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "stale",
    413: "too_large",
    422: "invalid",
    428: "precondition_required",
    429: "too_many",
    503: "busy",
}
# Headers of HTTP errors that a client needs; flask-smorest's own handler drops them.
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def status_of(error: DomainError) -> int:
    """Status of a domain error, by its family."""
    for family in type(error).__mro__:
        if family in STATUS:
            return STATUS[family]
    return 409


def reference() -> str:
    """The number to quote: one per request, without letters that are mistaken for one another."""
    if not has_request_context():
        return _new_reference()
    if "reference" not in g:
        g.reference = _new_reference()
    return g.reference


def _new_reference() -> str:
    drawn = secrets.randbelow(len(_ALPHABET) ** 8)
    letters = "".join(_ALPHABET[drawn // len(_ALPHABET) ** n % len(_ALPHABET)] for n in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def _messages(of: Any, place: str = "") -> list[Reason]:
    """Marshmallow's nested messages as flat reasons with a JSON pointer."""
    if isinstance(of, Mapping):
        return [reason for key, value in of.items() for reason in _messages(value, f"{place}/{key}")]
    if isinstance(of, list | tuple):
        return [reason for value in of for reason in _messages(value, place)]
    if isinstance(of, Reason):
        return [Reason(of.code, of.values, of.place or place or None)]
    return [Reason("field", {"message": str(of)}, place or None)]


def problem(
    status: int,
    code: str,
    reasons: list[sentences.Told] | None = None,
    headers: Mapping[str, str] | None = None,
    detail: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """An ``application/problem+json`` answer; ``more`` are members of its own kind, such as other times to book."""
    body: dict[str, Any] = {
        "type": f"/problems#{code}",
        "title": sentences.sentence(code)
        if code in sentences.sentence_table()
        else HTTPStatus(status).phrase,
        "status": status,
        "detail": detail or formatting.said(t.sentence for t in reasons or []) or sentences.sentence(code),
        "instance": request.path,
        "code": code,
        "reference": reference(),
        "reasons": reasons_out(reasons or []),
        **(more or {}),
    }
    response = jsonify(body)
    response.status_code = status
    response.mimetype = "application/problem+json"
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def reasons_out(told: Sequence[sentences.Told]) -> list[dict[str, Any]]:
    """Reasons as values of ``ReasonSchema``."""
    return [
        {
            "code": t.code,
            "detail": t.sentence,
            "remedy": t.remedy,
            "place": t.place,
            "values": dict(t.values or {}),
        }
        for t in told
    ]


def page(
    status: int,
    code: str,
    reasons: list[sentences.Told] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error page: what happened, what was kept, what to do, and a number to quote."""
    told = reasons or [sentences.Told(code, sentences.sentence(code), sentences.remedy(code))]
    fragment = request.headers.get("HX-Request") == "true"
    html = render_template(
        "errors/fragment.html" if fragment else "errors/error.html",
        status=status,
        told=told,
        heading=sentences.sentence(
            code if code in sentences.sentence_table() else _HTTP_CODES.get(status, "error")
        ),
        advice=sentences.remedy(_HTTP_CODES.get(status, "internal")),
        reference=reference(),
    )
    response = make_response(html, status)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def _more(error: DomainError) -> dict[str, Any]:
    """What a refusal on the API carries beside its reasons, where the domain found it: other times, days that clash."""
    more = {"alternatives": error.values["alternatives"]} if "alternatives" in error.values else {}
    if "clashes" in error.values:
        more["clashes"] = [
            {"day": one["day"], "reasons": reasons_out(sentences.tell_all(one["reasons"]))}
            for one in error.values["clashes"]
        ]
    return more


def on_domain_error(error: DomainError) -> Response:
    status = status_of(error)
    headers = {"Retry-After": "2"} if status == 503 else None
    told = sentences.tell_all(error)
    log.info("refused %s %s", error.code, reference(), extra={"codes": [t.code for t in told]})
    if is_api(request.path):
        return problem(status, error.code, told, headers, more=_more(error))
    if isinstance(error, NotFound):
        # What exists and what only others may see is told apart nowhere, so not by the sentence either.
        told = []
    return page(status, error.code if told else _HTTP_CODES.get(status, error.code), told, headers)


def on_http_error(error: HTTPException) -> Response | HTTPException:
    """Every HTTP error of the application, API or page; flask-smorest's handler is replaced by this one."""
    status = error.code or 500
    if status < 400:
        return error  # redirects are exceptions too
    original = error.get_response()
    headers = {name: original.headers[name] for name in _KEPT_HEADERS if name in original.headers}
    code = "form_expired" if isinstance(error, CSRFError) else _HTTP_CODES.get(status, "internal")
    if status == 401 and is_api(request.path):
        headers.setdefault("WWW-Authenticate", 'Bearer realm="resource-hub"')
    if status >= 500:
        log.error("failed %s %s", reference(), request.url_rule)
    data = getattr(error, "data", None) or {}
    if is_api(request.path):
        messages = data.get("errors") or data.get("messages")
        told = [_told_field(reason) for reason in _messages(messages)] if messages else []
        headers.update(data.get("headers") or {})
        return problem(status, code, told, headers, detail=data.get("message"))
    return page(status, code, None, headers)


def _told_field(reason: Reason) -> sentences.Told:
    place = reason.place
    for location in ("/json", "/query", "/path", "/headers", "/form", "/files", "/multipart"):
        if place and place.startswith(location + "/"):
            place = place[len(location) :]
    if reason.code == "field":
        from resource_hub.entrypoints.support.fields import translated

        return sentences.Told("invalid", translated(str(reason.values["message"])), "", place, {})
    return sentences.tell(replace(reason, place=place))


def on_crash(error: Exception) -> Response | HTTPException:
    """Anything nobody thought of. The traceback goes to the log under the reference; the reader gets the number."""
    log.exception("crashed %s %s", reference(), request.url_rule)
    return on_http_error(InternalServerError(original_exception=error))


def install(app: Flask) -> None:
    app.register_error_handler(DomainError, on_domain_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Exception, on_crash)
