"""Files that people hand in: judged by their first bytes, kept in the store, given back without trust.

::

    kept = uploads.take(form.file("photo"), uploads.PHOTOS)       # raises FileRefused with its reasons
    record = uploads.note(kept, organisation_id, person_id=...)
    return uploads.answer(record)                                  # with its own type, never sniffed
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote
from uuid import UUID

from flask import Response, current_app, request
from werkzeug.datastructures import FileStorage
from werkzeug.wsgi import wrap_file

from resource_hub.adapters.file_store import FileStore, Kept, TooLarge, read
from resource_hub.infra import files
from resource_hub.infra.files import FileRecord
from resource_hub.kernel.errors import Invalid, NotFound, Reason


class FileRefused(Invalid):
    """An upload whose bytes, size or kind cannot be taken."""

    code = "upload.refused"


class FileGone(NotFound):
    code = "upload.gone"


@dataclass(frozen=True, slots=True)
class Policy:
    """What is taken at one door: how much, and which kinds by their first bytes. Empty ``kinds``: anything."""

    limit: int
    kinds: tuple[str, ...] = ()


MB = 1 << 20
PHOTOS = Policy(6 * MB, ("image/jpeg", "image/png", "image/webp"))
SHEETS = Policy(32 * MB)
CALENDARS = Policy(10 * MB)
# Whatever an instrument writes; always a download.
RESULTS = Policy(30 * MB)
DOCUMENTS = Policy(20 * MB, ("application/pdf", "image/jpeg", "image/png", "image/webp", "application/zip"))

# A picture that unpacks into more points than this would hurt whoever looks at it.
MAX_POINTS = 50_000_000
# Kinds that a browser may show by itself; everything else is only downloaded.
SHOWN = {"image/jpeg", "image/png", "image/webp"}


def store() -> FileStore:
    return FileStore(current_app.extensions["resource_hub_settings"].files_dir)


def kind_of(head: bytes) -> str:
    """The media type that the first bytes speak of; ``application/octet-stream`` when they say nothing known."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "application/zip"
    return "application/octet-stream"


def points(head: bytes, kind: str) -> int | None:
    """Width times height that a picture claims; None where its head does not say."""
    reader: Callable[[bytes], tuple[int, int] | None] | None = _SIZES.get(kind)
    size = reader(head) if reader is not None else None
    return size[0] * size[1] if size else None


def _png(head: bytes) -> tuple[int, int] | None:
    if head[12:16] != b"IHDR" or len(head) < 24:
        return None
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def _jpeg(head: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 < len(head):
        if head[place] != 0xFF:
            return None
        marker = head[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[place + 5 : place + 9])
            return width, height
        place += 2 + struct.unpack(">H", head[place + 2 : place + 4])[0]
    return None


def _webp(head: bytes) -> tuple[int, int] | None:
    form = head[12:16]
    if form == b"VP8X" and len(head) >= 30:
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if form == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 " and len(head) >= 30:
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


_SIZES: Mapping[str, Callable[[bytes], tuple[int, int] | None]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/webp": _webp,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A file in the store that no row names yet."""

    kept: Kept
    media_type: str
    name: str


def take(upload: FileStorage, policy: Policy, place: str = "file", *, keep: bool = True) -> Taken:
    """Store an upload if the policy allows it; where not to ``keep``, only say what it is.

    Raises:
        FileRefused: empty, too large, of another kind than it may be, or a picture of too many points.
    """
    return take_stream(upload.stream, upload.filename or "", policy, place, keep=keep)


def take_stream(
    stream: IO[bytes], name: str, policy: Policy, place: str = "file", *, keep: bool = True
) -> Taken:
    try:
        kept = (store().keep if keep else read)(stream, limit=policy.limit)
    except TooLarge:
        raise FileRefused(Reason("upload.too_large", {"megabytes": policy.limit // MB}, place)) from None
    kind = kind_of(kept.head)
    reasons = []
    if kept.size == 0:
        reasons.append(Reason("upload.empty", {}, place))
    elif policy.kinds and kind not in policy.kinds:
        allowed = ", ".join(k.split("/")[1].upper() for k in policy.kinds)
        reasons.append(Reason("upload.kind", {"allowed": allowed}, place))
    else:
        found = points(kept.head, kind)
        if kind in SHOWN and (found is None or not 0 < found <= MAX_POINTS):
            reasons.append(Reason("upload.picture_size", {"limit": MAX_POINTS // 1_000_000}, place))
    if reasons:
        raise FileRefused(*reasons)
    return Taken(kept, kind, plain_name(name))


def plain_name(name: str) -> str:
    """A sender's file name without folders and without characters that mislead; never used as a path."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", last).strip()[:200] or "file"


def note(taken: Taken, organisation_id: UUID, *, person_id: UUID | None, public: bool = False) -> FileRecord:
    """Write the row of a stored file; joins the unit at hand."""
    return files.register(
        organisation_id,
        name=taken.name,
        media_type=taken.media_type,
        size=taken.kept.size,
        sha256=taken.kept.sha256,
        person_id=person_id,
        public=public,
    )


def answer(record: FileRecord, *, download: bool = False) -> Response:
    """The file as an answer: its own type, not to be sniffed, no scripts, shown only when it is a picture.

    Raises:
        FileGone: the row is there but not the bytes.
    """
    try:
        stream = store().open(record.sha256)
    except FileNotFoundError:
        raise FileGone() from None
    shown = "inline" if record.media_type in SHOWN and not download else "attachment"
    response = Response(
        wrap_file(request.environ, stream), mimetype=record.media_type, direct_passthrough=True
    )
    response.content_length = record.size
    headers: dict[str, Any] = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(record.name, safe='')}",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "public, max-age=86400, immutable" if record.public else "private, max-age=300",
    }
    response.headers.update(headers)
    response.set_etag(record.sha256.hex()[:32])
    response.make_conditional(request)
    return response
