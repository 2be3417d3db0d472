"""Facts as plain JSON and back, so that a frozen score can be recomputed from its own document (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from resource_hub.domain.assessment.terms import Hours, Income, Inputs, InstrumentFacts, RatedClass
from resource_hub.kernel.money import Money


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _read_day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def dump(facts: InstrumentFacts) -> dict[str, Any]:
    """Format 1. Names stay out: they are no input of any rule and may change."""
    value = facts.original_value
    return {
        "resource": str(facts.resource_id),
        "code": facts.code,
        "kind": facts.kind,
        "class_code": facts.class_code,
        "department": None if facts.department_id is None else str(facts.department_id),
        "original_value": None if value is None else [value.minor, value.currency],
        "accepted_on": _day(facts.accepted_on),
        "listed_on": _day(facts.listed_on),
        "put_in_use_on": _day(facts.put_in_use_on),
        "first_used_on": _day(facts.first_used_on),
        "retired_on": _day(facts.retired_on),
        "bookable": facts.bookable,
        "open_outside": facts.open_outside,
        "exempt": facts.exempt,
        "hours": {
            "effective": facts.hours.effective,
            "external": facts.hours.external,
            "by_purpose": dict(facts.hours.by_purpose),
            "by_grade": dict(facts.hours.by_grade),
            "entries": facts.hours.entries,
            "samples": facts.hours.samples,
        },
        "income": {
            "external": [facts.income.external.minor, facts.income.external.currency],
            "internal": [facts.income.internal.minor, facts.income.internal.currency],
        },
        "inputs": {
            "values": dict(facts.inputs.values),
            "rated_class": facts.inputs.rated_class.value if facts.inputs.rated_class else None,
            "version": facts.inputs.version,
        },
    }


def load(row: Mapping[str, Any]) -> InstrumentFacts:
    value, hours, income, inputs = row["original_value"], row["hours"], row["income"], row["inputs"]
    return InstrumentFacts(
        resource_id=UUID(row["resource"]),
        code=row["code"],
        name_zh="",
        name_en="",
        kind=row["kind"],
        class_code=row["class_code"],
        department_id=None if row["department"] is None else UUID(row["department"]),
        original_value=None if value is None else Money(*value),
        accepted_on=_read_day(row["accepted_on"]),
        listed_on=_read_day(row["listed_on"]),
        put_in_use_on=_read_day(row["put_in_use_on"]),
        first_used_on=_read_day(row["first_used_on"]),
        retired_on=_read_day(row["retired_on"]),
        bookable=row["bookable"],
        open_outside=row["open_outside"],
        exempt=row["exempt"],
        hours=Hours(
            hours["effective"],
            hours["external"],
            hours["by_purpose"],
            hours["by_grade"],
            hours["entries"],
            hours["samples"],
        ),
        income=Income(Money(*income["external"]), Money(*income["internal"])),
        inputs=Inputs(
            inputs["values"],
            RatedClass(inputs["rated_class"]) if inputs["rated_class"] else None,
            inputs["version"],
        ),
    )
