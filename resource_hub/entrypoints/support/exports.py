"""Files for spreadsheets: cells that a spreadsheet would run as a formula are made harmless."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from flask import Response, stream_with_context

# Also behind blanks and full-width forms, which some programs fold.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_safe(value: Any) -> Any:
    """The value as it may stand in a CSV cell; text that begins like a formula gets an apostrophe in front.

    Numbers stay numbers: only text can have come from outside.
    """
    if not isinstance(value, str):
        return "" if value is None else value
    if value.lstrip(" \u00a0\u3000").startswith(_FORMULA) and not _is_number(value):
        return "'" + value
    return value


def _is_number(value: str) -> bool:
    body = value[1:] if value[:1] in "+-" else value
    return body.replace(".", "", 1).isascii() and body.replace(".", "", 1).isdigit()


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """CSV as a stream of chunks, with the mark that makes spreadsheets read UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([csv_safe(cell) for cell in head])
    for count, row in enumerate(rows, 1):
        writer.writerow([csv_safe(cell) for cell in row])
        if count % 500 == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def csv_response(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A CSV download, streamed. ``name`` may hold Chinese characters."""
    response = Response(stream_with_context(csv_lines(head, rows)), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response


def file_response(name: str, body: bytes, media_type: str) -> Response:
    """A finished file as a download; never shown in place, whatever it holds."""
    response = Response(body, mimetype=media_type)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response
