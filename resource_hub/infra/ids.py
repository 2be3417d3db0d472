"""Identifiers made by the application: no sequence to share, nothing to guess, safe to merge between hubs."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from datetime import UTC, datetime
from uuid import UUID, SafeUUID

from resource_hub.kernel.keys import id_text

_VARIANT = 0b10 << 62
_LENGTHS = [length.to_bytes(4, "big") for length in range(256)]
_set = object.__setattr__
_unknown = SafeUUID.unknown
_lock = threading.Lock()
_last = 0


def _reset_after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


def uuid_of(number: int) -> UUID:
    """The UUID with this value. Its constructor spends most of its time on the other ways of spelling one."""
    made = UUID.__new__(UUID)
    _set(made, "int", number)
    _set(made, "is_safe", _unknown)
    return made


def new_id() -> UUID:
    """UUIDv7 (RFC 9562 §5.7) for what people enter; grows within a process even inside one millisecond."""
    global _last
    with _lock:
        # 48 bits of milliseconds and 12 of sub-millisecond fraction (method 3 of §6.2).
        nanoseconds = time.time_ns()
        stamp = (nanoseconds // 1_000_000) << 12 | ((nanoseconds % 1_000_000) * 4096 // 1_000_000)
        stamp = max(stamp, _last + 1)
        _last = stamp
    random = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return uuid_of((stamp >> 12) << 80 | 7 << 76 | (stamp & 0xFFF) << 64 | _VARIANT | random)


def derived_id(moment: datetime, *parts: object) -> UUID:
    """UUIDv8 (RFC 9562 §5.8) for what follows from something else: the source's time, then SHA-256 of its natural key.

    A job that runs twice makes the same id twice and so meets its own row.
    """
    milliseconds = int(moment.astimezone(UTC).timestamp() * 1000) & ((1 << 48) - 1)
    texts = [(id_text(part) if type(part) is UUID else str(part)).encode() for part in parts]
    key = b"".join([(_LENGTHS[len(t)] if len(t) < 256 else len(t).to_bytes(4, "big")) + t for t in texts])
    rest = int.from_bytes(hashlib.sha256(key).digest()[:10], "big")
    return uuid_of(
        milliseconds << 80 | 8 << 76 | ((rest >> 62) & 0xFFF) << 64 | _VARIANT | (rest & ((1 << 62) - 1))
    )
