"""What writes on the API share: a key that makes a repetition count once, versions that are not overwritten unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g, request
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import PreconditionRequired

from resource_hub.infra import idempotency
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import retried, unit_of_work
from resource_hub.kernel.errors import Conflict, Reason, Stale


class KeyReused(Conflict):
    """The ``Idempotency-Key`` was used before for another request."""

    code = "key_reused"


class StaleVersion(Stale):
    """``If-Match`` names a version that is no longer the present one."""

    code = "precondition.stale"


class CreateHeaders(ma.Schema):
    """Sent again with the same key, a request gets the answer of the first."""

    key = ma.fields.String(
        load_default=None,
        data_key="Idempotency-Key",
        validate=ma.validate.Regexp(r"^[!-~]{1,80}$"),
        metadata={
            "description": "of your choice, up to 80 visible ASCII characters",
            "example": "order-4711",
        },
    )

    @ma.post_load
    def named(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        # Forms keep their tokens in the same place.
        return {"key": f"api:{data['key']}" if data["key"] else None}


class EditHeaders(ma.Schema):
    """Which version the change was made from: the ``ETag`` of what was read."""

    tag = ma.fields.String(
        load_default=None,
        data_key="If-Match",
        validate=ma.validate.Length(max=200),
        metadata={"description": 'the ETag that was read, or "*" for whatever is there', "example": '"3"'},
    )


def tagged(version: object) -> dict[str, str]:
    """The headers of an answer that can be edited."""
    return {"ETag": f'"{version}"'}


def seen(tag: str | None) -> str | None:
    """The version in ``If-Match``; None for ``*``.

    Raises:
        PreconditionRequired: there is no such header.
    """
    text = (tag or "").strip()
    if not text:
        error = PreconditionRequired()
        error.data = {"errors": {"If-Match": [Reason("precondition.missing")]}}  # type: ignore[attr-defined]
        raise error
    return None if text == "*" else text.removeprefix("W/").strip('"')


def seen_number(tag: str | None) -> int | None:
    """The same where versions are counted.

    Raises:
        StaleVersion: it is no number, so it cannot be the present version.
    """
    text = seen(tag)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise StaleVersion()
    return int(text)


def once(
    headers: dict[str, Any], make: Callable[[], dict[str, Any]], sent: bytes | None = None
) -> dict[str, Any]:
    """The answer of ``make``, made in one unit with its key; a repetition gets the answer that was kept.

    ``make`` gives plain JSON. A refusal leaves no key behind. ``sent`` is what makes two requests the same, where that
    is not the bytes of the body: a form with files has other boundaries each time.

    Raises:
        KeyReused: the key belongs to another request.
    """
    key = headers["key"]
    if key is None:
        return make()
    asked = f"{g.actor.organisation_id} {request.method} {request.path}\n".encode()
    asked += request.get_data() if sent is None else sent
    body = hashlib.sha256(asked).digest()
    try:
        return _made(g.actor.person_id, key, body, make)
    except IntegrityError as error:
        if not idempotency.collided(error):
            raise
        return _made(g.actor.person_id, key, body, make)


def sent_before(headers: dict[str, Any]) -> bool:
    """Whether a request with this key had its answer, so that ``once`` makes nothing."""
    key = headers["key"]
    return key is not None and idempotency.known(reading(), g.actor.person_id, key)


@retried()
def _made(person_id: UUID, key: str, body: bytes, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    with unit_of_work() as unit:
        before = idempotency.claim(unit, person_id, key, body)
        if before is None:
            answer = make()
            idempotency.remember(unit, person_id, key, answer)
            return answer
        if before.digest != body:
            raise KeyReused(Reason("key_reused", {}, "Idempotency-Key"))
        return dict(before.answer)
