from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from resource_hub.domain.accounts import parameters
from resource_hub.domain.accounts.rules.size import ten_thousands
from resource_hub.domain.accounts.rules.tech_sme import TechSmeFacts, tech_sme
from resource_hub.kernel.money import Money

EXAMPLES = Path(__file__).parents[2] / "examples" / "accounts"
CASES = tomllib.loads((EXAMPLES / "tech_sme.toml").read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["id"])
def test_tech_sme_table(case: dict[str, Any]) -> None:
    facts = TechSmeFacts(
        staff=case["staff"],
        tech_staff=case["tech_staff"],
        sales=ten_thousands(case["sales"]),
        assets=ten_thousands(case.get("assets", "100")),
        rd_spending=ten_thousands(case["rd"]),
        rd_basis=case.get("basis", "sales"),
        costs=ten_thousands(case["costs"]) if "costs" in case else None,
        class_one_rights=case.get("class_one", 0),
        class_two_rights=case.get("class_two", 0),
        hnte_certificate=case.get("hnte", False),
    )
    decision = tech_sme(facts, parameters.tech_sme_table(date(2025, 1, 1)))
    score = decision.value
    assert [score.staff_points, score.rd_points, score.property_points] == case["points"]
    assert decision.granted is case["passes"]
    assert [r.code for r in decision.reasons] == case.get("failed", [])
    assert decision.citations[0].document == "国科发政〔2017〕115号"


def test_costs_must_be_given_to_be_measured_against() -> None:
    facts = TechSmeFacts(10, 3, Money.zero(), Money.zero(), Money.zero(), rd_basis="costs")
    with pytest.raises(ValueError, match="costs"):
        tech_sme(facts, parameters.tech_sme_table(date(2025, 1, 1)))


def test_a_firm_without_sales_has_no_ratio_and_no_points() -> None:
    facts = TechSmeFacts(10, 3, Money.zero(), Money.zero(), Money.cny(100))
    assert tech_sme(facts, parameters.tech_sme_table(date(2025, 1, 1))).value.rd_points == 0
