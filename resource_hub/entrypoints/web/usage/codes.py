"""The code that changes every 30 seconds on a screen at the machine."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from flask import current_app

from resource_hub.domain.usage.rules.taps import rotating_code, rotating_code_holds
from resource_hub.domain.usage.terms import CodeKind
from resource_hub.kernel.keys import HostKey


def _secret(unit: HostKey) -> bytes:
    """A unit's own secret, made from the installation's: nothing to store, and changed with it."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, b"kiosk\0" + unit.institution_id.bytes + unit.id.bytes, hashlib.sha256).digest()


def kiosk_code(unit: HostKey, now: datetime) -> str:
    return rotating_code(_secret(unit), now)


def code_kind(unit: HostKey, code: str | None, now: datetime) -> CodeKind:
    """Which of the two codes somebody came with. A rotating code that has passed counts as a printed one: it can have
    been photographed."""
    if code and code.isdigit() and rotating_code_holds(_secret(unit), code, now):
        return CodeKind.ROTATING
    return CodeKind.PRINTED
