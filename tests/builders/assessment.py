"""Builders of assessment: facts of an instrument's year with sane defaults."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from resource_hub.domain.assessment.terms import (
    BENEFIT_INPUTS,
    Hours,
    Income,
    Inputs,
    InstrumentFacts,
    RatedClass,
)
from resource_hub.kernel.money import Money

HOUR = 3600


def make_inputs(
    rated_class: RatedClass | None = RatedClass.INSTRUMENT_GENERAL, version: int = 1, **values: int
) -> Inputs:
    """Every input of the form entered, as nothing unless said (one original function, used)."""
    filled = (
        {code.value: 0 for code in BENEFIT_INPUTS} | {"functions_original": 1, "functions_used": 1} | values
    )
    return Inputs(filled, rated_class, version)


def make_hours(
    effective_hours: int = 0,
    external_hours: int = 0,
    *,
    by_purpose: Mapping[str, int] | None = None,
    by_grade: Mapping[str, int] | None = None,
    entries: int = 0,
) -> Hours:
    effective = effective_hours * HOUR
    return Hours(
        effective,
        external_hours * HOUR,
        by_purpose or {"research": effective},
        by_grade or {"A": effective},
        entries or bool(effective_hours),
    )


def make_instrument(number: int = 1, **changes: Any) -> InstrumentFacts:
    """An instrument of 2,000,000 yuan, listed in time, open and bookable, with nothing used."""
    values: dict[str, Any] = {
        "resource_id": UUID(int=number),
        "code": f"SEM-{number:03d}",
        "name_zh": f"扫描电子显微镜 {number}",
        "name_en": f"Scanning electron microscope {number}",
        "kind": "instrument",
        "class_code": "010101",
        "original_value": Money.cny(2_000_000),
        "accepted_on": date(2023, 3, 1),
        "listed_on": date(2023, 3, 20),
        "put_in_use_on": date(2023, 4, 1),
        "first_used_on": date(2023, 4, 3),
        "bookable": True,
        "open_outside": True,
        "hours": Hours(),
        "income": Income(),
        "inputs": make_inputs(),
    }
    return InstrumentFacts(**(values | changes))
