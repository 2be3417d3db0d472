"""Vouchers and rewards: the worked cases V1–V26 as tables over the product's own rulebook."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from resource_hub.domain.subsidy.rules import barred_until, decide, own_share
from resource_hub.domain.subsidy.terms import Relation, Support, SupportFacts
from resource_hub.kernel.decision import Decision
from resource_hub.kernel.money import Money
from resource_hub.rulebook import NotInForce, Parameter, Parameters, Scheme, Version, rulebook
from resource_hub.rulebook.terms import series

EXAMPLES = Path(__file__).parents[2] / "examples" / "subsidy"


def with_parameters(scheme: Scheme, changed: dict[str, Any]) -> Scheme:
    """The scheme with some parameters set, for cases about what one document alone does not say."""
    versions = []
    for version in scheme.all_versions():
        parameters = dict(version.parameters)
        for name, value in changed.items():
            base = parameters.get(name, Parameter(name, "CNY"))
            if isinstance(value, str):
                parameters[name] = replace(base, value=value, rows=None)
            else:
                parameters[name] = replace(base, value=None, rows=tuple(value))
        versions.append(
            Version(version.name, version.valid_from, version.valid_to, version.source, parameters)
        )
    return replace(scheme, versions=series(versions))


def facts_of(case: dict[str, Any], cost: str) -> SupportFacts:
    row = dict(case["facts"])
    for name in ("quota_left", "instrument_value"):
        if name in row:
            row[name] = Money.cny(row[name])
    if "firm_marks" in row:
        row["firm_marks"] = frozenset(row["firm_marks"])
    row["relation"] = Relation(row.get("relation", "undeclared"))
    return SupportFacts(cost=Money.cny(cost), day=case["day"], **row)


def _cases() -> list[Any]:
    found = []
    for path in sorted(EXAMPLES.glob("*.toml")):
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            found.append(pytest.param(case, id=case["id"]))
    return found


def parameters_of(case: dict[str, Any]) -> Parameters:
    scheme = rulebook().scheme(case["scheme"])
    if "with" in case:
        scheme = with_parameters(scheme, case["with"])
    return scheme.on(case["day"]).with_entered(case.get("entered", {}))


def check(decision: Decision[Support], wanted: str, case: dict[str, Any]) -> None:
    if wanted == "refused":
        assert not decision.granted
        if "refusal" in case:
            assert case["refusal"] in [reason.code for reason in decision.reasons]
        return
    assert decision.granted, decision.reasons
    assert decision.value.amount == Money.cny(wanted)
    assert decision.citations
    for payer, part in case.get("parts", {}).items():
        assert dict(decision.value.parts)[payer] == Money.cny(part)


@pytest.mark.parametrize("case", _cases())
def test_worked_case(case: dict[str, Any]) -> None:
    for cost, wanted in case.get("table", []):
        if wanted == "not in force":
            with pytest.raises(NotInForce):
                parameters_of(case)
            continue
        check(decide(parameters_of(case), facts_of(case, cost)), wanted, case)
    cumulative = granted = Money.zero()
    for cost, wanted, *service in case.get("steps", []):
        p = parameters_of(case)
        facts = replace(facts_of(case, cost), cumulative_before=cumulative, granted_before=granted)
        if service:
            facts = replace(facts, service_class=service[0])
        decision = decide(p, facts)
        check(decision, wanted, case)
        if decision.granted:
            cumulative += decision.value.base
            granted += own_share(p, decision.value)


def test_v26_a_bar_for_fraud_found_in_2016_lasts_through_2019() -> None:
    gansu = with_parameters(rulebook().scheme("cn-ah/host_reward"), {"bar_years": "3"})
    until = barred_until(gansu.on(date(2016, 5, 4)), date(2016, 5, 4))
    assert until == date(2019, 12, 31)
    for year, barred in ((2016, True), (2019, True), (2020, False)):
        facts = SupportFacts(
            cost=Money.cny("1000"), day=date(year, 12, 31) if barred else date(year, 1, 1), firm_area="340104",
            host_area="340111", instrument_value=Money.cny("300000"), host_barred_until=until,
        )  # fmt: skip
        decision = decide(gansu.on(facts.day), facts)
        assert decision.granted is not barred
