"""Arithmetic of billing: what is priced of a sealed line, the exact bytes of a money entry, months (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.pricing.terms import Occasion, UseFacts
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan

MONEY_FORMAT = 1


def month_of(day: date) -> date:
    return day.replace(day=1)


def next_month(period: date) -> date:
    return (period.replace(day=28) + timedelta(days=4)).replace(day=1)


def month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def use_of_entry(
    said: Mapping[str, Any],
    *,
    reserved: TimeSpan | None,
    extras: frozenset[str] = frozenset(),
    items: Mapping[str, int] | None = None,
) -> UseFacts:
    """What the price function is given for a sealed usage entry (its bytes as a mapping) and its booking.

    The line bears the part of the session's time that its effective seconds are of the session's.
    """
    start, end = datetime.fromisoformat(said["starts_at"]), datetime.fromisoformat(said["ends_at"])
    no_show = said["outcome"] == "no_show"
    used = (TimeSpan(start, end),) if end > start and not no_show else ()
    whole, part = int(said["session_effective_seconds"]), int(said["effective_seconds"])
    mode = Mode(said["mode"]) if said["mode"] in list(Mode) else None
    return UseFacts(
        zone=said["zone"],
        mode=mode,
        reserved=reserved if reserved is not None else (used[0] if used else None),
        used=used,
        samples=int(said["samples"]),
        items=dict(items or {}),
        extras=extras,
        share=(part, whole) if 0 < part < whole else (1, 1),
        occasion=Occasion.NO_SHOW if no_show else Occasion.USE,
    )


def money_bytes(
    *,
    host_code: str,
    kind: str,
    source_key: str,
    customer_id: UUID,
    charge_id: UUID | None,
    statement_id: UUID | None,
    day: date,
    amount: Money,
    reference: str,
) -> bytes:
    """The exact bytes of a money entry. Format 1: inputs and natural keys only, no clock and no drawn id."""
    return canonical_bytes(
        {
            "format": MONEY_FORMAT,
            "host": host_code,
            "kind": kind,
            "source_key": source_key,
            "customer": str(customer_id),
            "charge": str(charge_id) if charge_id else None,
            "statement": str(statement_id) if statement_id else None,
            "day": day.isoformat(),
            "amount_minor": amount.minor,
            "currency": amount.currency,
            "reference": reference,
        }
    )


def money_digest(body: bytes) -> bytes:
    return digest(b"money/1", body)


def statement_number(host_code: str, period: date, sequence: int) -> str:
    """``USTC-202603-0007``: what people read out on the phone."""
    return f"{host_code.upper()}-{period:%Y%m}-{sequence:04d}"
