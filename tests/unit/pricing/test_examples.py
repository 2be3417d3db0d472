"""The worked cases of prices, as tables that a non-programmer can check."""

from __future__ import annotations

import tomllib
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.pricing.rules import price, read_tariff
from resource_hub.domain.pricing.terms import Occasion, UseFacts
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan, local_exact, zone

EXAMPLES = Path(__file__).parents[2] / "examples" / "pricing"


def _cases() -> list[Any]:
    rows = []
    for path in sorted(EXAMPLES.glob("*.toml")):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        for case in content["case"]:
            document = content["tariff"][case["tariff"]]
            expect = case["expect"]
            variants = expect.items() if isinstance(expect, dict) else [("", expect)]
            for charge_on, wanted in variants:
                own = {**document, "charge_on": charge_on} if charge_on else document
                rows.append(
                    pytest.param(own, case, wanted, id=f"{path.stem}: {case['id']} {charge_on}".strip())
                )
    return rows


def _span(texts: list[str] | None, zone_name: str) -> TimeSpan | None:
    if texts is None:
        return None
    tz = zone(zone_name)
    start, end = (local_exact(datetime.fromisoformat(text), tz) for text in texts)
    return TimeSpan(start, end)


def facts_of(case: dict[str, Any]) -> UseFacts:
    where = case.get("zone", "Asia/Shanghai")
    used = _span(case.get("used"), where)
    return UseFacts(
        zone=where,
        mode=Mode(case.get("mode", "self_use")),
        reserved=_span(case.get("reserved"), where),
        used=(used,) if used else None,
        samples=case.get("samples", 0),
        items=case.get("items", {}),
        extras=frozenset(case.get("extras", [])),
        occasion=Occasion(case.get("occasion", "use")),
        notice_seconds=case.get("notice_seconds"),
        missed=tuple(
            local_exact(datetime.fromisoformat(text), zone(where)) for text in case.get("missed", ())
        ),
    )


@pytest.mark.parametrize(("document", "case", "wanted"), _cases())
def test_worked_case(document: dict[str, Any], case: dict[str, Any], wanted: str) -> None:
    tariff = read_tariff(document)
    found = price(tariff, CustomerClass(case.get("class", "academic")), facts_of(case))
    assert found.total == Money.of(wanted, document["currency"])
    assert sum(line.amount.minor for line in found.lines) == found.total.minor
    if "exact" in case:
        assert sum(line.exact for line in found.lines) == Fraction(case["exact"]) * 100
    if "seconds" in case:
        assert found.charged_seconds == case["seconds"]
