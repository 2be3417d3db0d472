"""Pages of a list by cursor: the place after the last row shown, never a page number.

A cursor is the sort key of a row, packed; it holds when rows are added before it. ``Page`` is what services return
and what tables and the API show.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from flask import request, url_for

from resource_hub.kernel.errors import Invalid, Reason

T = TypeVar("T")
DEFAULT_LIMIT = 25
MAX_LIMIT = 200


class BadCursor(Invalid):
    code = "cursor.unreadable"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows of one page and the cursor of the next, or None at the end. ``total`` where it is cheap to know."""

    items: Sequence[T]
    next_cursor: str | None = None
    total: int | None = None


def pack(key: Sequence[Any]) -> str:
    """A sort key as opaque text."""
    raw = json.dumps([_out(v) for v in key], separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpack(cursor: str | None, *types: type) -> tuple[Any, ...] | None:
    """The sort key again, each value of the type named, moments with their offset; None without a cursor.

    Raises:
        BadCursor: when it was not made by ``pack`` for these types.
    """
    if not cursor:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if len(values) != len(types):
            raise ValueError(cursor)
        return tuple(_in(v, t) for v, t in zip(values, types, strict=True))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise BadCursor(Reason("cursor.unreadable", {}, "after")) from None


def _out(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _in(value: Any, kind: type) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment.astimezone(UTC)
    if kind is date:
        return date.fromisoformat(value)
    if kind is UUID:
        return UUID(value)
    if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
        raise ValueError(value)
    if isinstance(value, str) and "\0" in value.encode().decode():  # half a character cannot be encoded
        raise ValueError(value)
    return value


def page_of(
    rows: Sequence[T], limit: int, key: Callable[[T], Sequence[Any]], total: int | None = None
) -> Page[T]:
    """A page from ``limit + 1`` rows: the one too many only says that there is more."""
    shown = list(rows[:limit])
    more = len(rows) > limit and shown
    return Page(shown, pack(key(shown[-1])) if more else None, total)


def part_of(
    rows: Sequence[T], limit: int, key: Callable[[T], Sequence[Any]], after: Sequence[Any] | None
) -> Page[T]:
    """A page of rows that are all at hand, in the order of their keys."""
    rest = rows if after is None else [row for row in rows if tuple(key(row)) > tuple(after)]
    return page_of(rest, limit, key, total=len(rows))


def asked_limit(default: int = DEFAULT_LIMIT) -> int:
    """``?limit=`` of the request, within bounds."""
    try:
        return max(1, min(MAX_LIMIT, int(request.args.get("limit", default))))
    except ValueError:
        return default


def asked_after() -> str | None:
    """``?after=`` of the request."""
    return request.args.get("after") or None


def here(**changes: Any) -> str:
    """This address with some query values changed; None removes one. Filters stay in the address."""
    args: dict[str, Any] = request.args.to_dict(flat=False)
    for name, value in changes.items():
        if value is None:
            args.pop(name, None)
        else:
            args[name] = value
    return url_for(request.endpoint or "shell.landing", **(request.view_args or {}), **args)
