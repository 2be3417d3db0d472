"""The store of handed-in files: a folder in which a file's name is the digest of its bytes.

Bytes are written beside their place, synchronised and moved there, so that a file is whole or not there. The same bytes
are kept once. What a file is called, whose it is and who may see it stand in the table ``stored_file``.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

_CHUNK = 1 << 16
_ARRIVING = ".arriving-"


class TooLarge(ValueError):
    """More bytes than the limit; nothing was kept."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Kept:
    """What is in the store, or would be: digest, length, and the first bytes, by which its kind is judged."""

    sha256: bytes
    size: int
    head: bytes


def read(stream: IO[bytes], *, limit: int, into: IO[bytes] | None = None) -> Kept:
    """What the store would keep of a stream, written nowhere else than ``into``.

    Raises:
        TooLarge: as soon as the limit is passed.
    """
    hasher, size, head = hashlib.sha256(), 0, b""
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise TooLarge(limit)
        if len(head) < _CHUNK:
            head += chunk
        hasher.update(chunk)
        if into is not None:
            into.write(chunk)
    return Kept(hasher.digest(), size, head)


class FileStore:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: bytes) -> Path:
        name = sha256.hex()
        return self.folder / name[:2] / name[2:]

    def keep(self, stream: IO[bytes], *, limit: int) -> Kept:
        """Store what a stream gives.

        Raises:
            TooLarge: as soon as the limit is passed, so that an endless stream fills no disk.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=_ARRIVING)
        try:
            with os.fdopen(handle, "wb") as file:
                kept = read(stream, limit=limit, into=file)
                file.flush()
                os.fsync(file.fileno())
            place = self.path(kept.sha256)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(name, place)
            self._sync(place.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return kept

    def open(self, sha256: bytes) -> IO[bytes]:
        """The bytes of a stored file.

        Raises:
            FileNotFoundError: they are not there (erased, or not restored from a backup).
        """
        return self.path(sha256).open("rb")

    def has(self, sha256: bytes) -> bool:
        return self.path(sha256).is_file()

    def erase(self, sha256: bytes, *, unless_since: datetime | None = None) -> bool:
        """Remove the bytes; the caller knows that no row names them any more. Whether they are gone.

        Bytes that came after ``unless_since`` (machine time) stay: somebody is handing in the same file, and its row
        is not written yet.
        """
        place = self.path(sha256)
        try:
            if unless_since and place.stat().st_mtime > unless_since.timestamp():
                return False
        except FileNotFoundError:
            return True
        place.unlink(missing_ok=True)
        return True

    def settled(self, before: datetime) -> Iterator[bytes]:
        """Digests of the bytes that came before a moment of machine time. What was still arriving then, and never
        arrived because its process died, is removed."""
        for place in self.folder.glob("*"):
            if place.name.startswith(_ARRIVING):
                if place.stat().st_mtime < before.timestamp():
                    place.unlink(missing_ok=True)
                continue
            for file in place.glob("*"):
                if file.stat().st_mtime < before.timestamp():
                    yield bytes.fromhex(place.name + file.name)

    @staticmethod
    def _sync(folder: Path) -> None:
        # The move itself must survive a power cut, not only the bytes.
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:  # a system that does not open folders
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
