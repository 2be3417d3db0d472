"""The installation's secret, for values that are derived instead of stored."""

from __future__ import annotations

import hashlib
import hmac

from flask import current_app


def derived(purpose: str, *parts: bytes) -> bytes:
    """32 bytes that only this installation can make, bound to a purpose and the parts."""
    secret = str(current_app.config["SECRET_KEY"]).encode()
    mac = hmac.new(secret, purpose.encode(), hashlib.sha256)
    for part in parts:
        mac.update(len(part).to_bytes(4, "big") + part)
    return mac.digest()
