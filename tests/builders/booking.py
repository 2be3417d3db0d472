"""Builders of facts for the rule engine: keywords, sane defaults, no database."""

from __future__ import annotations

from typing import Any

from resource_hub.domain.booking.terms import BookingFacts, BookingKind, BookingState, OwnTime
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.infra.ids import new_id
from tests.builders.availability import span

ME = new_id()
MY_FIRM = new_id()


def make_facts(start: str = "2026-03-02T09:00+08:00", end: str = "2026-03-02T11:00+08:00", **changes: Any) -> BookingFacts:
    """Two hours of self-use on a Monday morning in Shanghai, by somebody from outside, with nothing against it."""
    values: dict[str, Any] = {
        "kind": BookingKind.WINDOW,
        "mode": Mode.SELF_USE,
        "zone": "Asia/Shanghai",
        "span": span(start, end),
        "person_id": ME,
        "customer_id": MY_FIRM,
    }
    values.update(changes)
    return BookingFacts(**values)


def make_own(start: str, end: str, state: BookingState = BookingState.APPROVED, **changes: Any) -> OwnTime:
    values: dict[str, Any] = {"person_id": ME, "customer_id": MY_FIRM}
    values.update(changes)
    return OwnTime(span(start, end), state, **values)
