"""Canonical bytes: one spelling for one value, so that a digest can be recomputed anywhere.

Format 1: JSON with sorted keys, no blanks, UTF-8 without escapes. Allowed are text, whole numbers, booleans, null,
lists and objects with text keys; floats are refused because their spelling differs between machines.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

FORMAT = 1


def _check(value: Any, place: str) -> None:
    if value is None or isinstance(value, (str, bool, int)):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{place}: keys must be text")
            _check(item, f"{place}.{key}")
        return
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check(item, f"{place}[{index}]")
        return
    raise TypeError(f"{place}: {type(value).__name__} has no canonical spelling")


def canonical_bytes(value: Any) -> bytes:
    _check(value, "value")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(*parts: bytes) -> bytes:
    """SHA-256 over the parts, each with its length before it, so that no two lists of parts collide."""
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.digest()
