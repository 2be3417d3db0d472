"""Taps from a phone at the instrument: when a press counts, and the code that changes every 30 s. Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from resource_hub.domain.usage.terms import Tap

COUNTS_WITHIN = timedelta(hours=1)
"""An offline press counts at its own time when it arrives within an hour (face §6)."""

CLOCK_SLACK = timedelta(seconds=30)
"""A press may seem to lie this far ahead of its arrival through rounding of the measured clock difference."""

ROTATES_EVERY = 30
"""Seconds for which one rotating code stands on the screen at the machine."""


@dataclass(frozen=True, slots=True)
class Counted:
    """When a tap counts, and whether it is a late entry."""

    at: datetime
    late: bool


def counted(tap: Tap) -> Counted:
    """The moment at which a tap counts.

    A press that came in at once counts at its arrival. One that waited in the phone counts at the phone's time,
    put right by the measured clock difference, if it arrives within an hour; after that, or when it claims to be
    from the future, it is a late entry.
    """
    arrived = tap.received_at.replace(microsecond=0)
    if tap.phone_at is None:
        return Counted(arrived, False)
    own = (tap.phone_at + timedelta(seconds=tap.clock_offset_seconds or 0)).replace(microsecond=0)
    if own > arrived + CLOCK_SLACK:
        return Counted(arrived, True)
    return Counted(min(own, arrived), arrived - own > COUNTS_WITHIN)


def rotating_code(secret: bytes, at: datetime) -> str:
    """Six digits for the 30 seconds around ``at``; HMAC-SHA-256 of the step number, cut as in RFC 4226."""
    step = int(at.timestamp()) // ROTATES_EVERY
    mac = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha256).digest()
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def rotating_code_holds(secret: bytes, code: str, at: datetime) -> bool:
    """Whether the code was on the screen at ``at`` or one step before (the walk from screen to phone)."""
    return any(
        hmac.compare_digest(rotating_code(secret, at - timedelta(seconds=back)), code)
        for back in (0, ROTATES_EVERY)
    )
