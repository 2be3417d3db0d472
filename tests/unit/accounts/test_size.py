"""Size classes: the table as cases, and its shape as properties."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.accounts import parameters
from resource_hub.domain.accounts.rules.size import size_class, ten_thousands
from resource_hub.domain.accounts.terms import FirmFacts, SizeClass
from resource_hub.kernel.dated import NothingInForce

EXAMPLES = Path(__file__).parents[2] / "examples" / "accounts"
CASES = tomllib.loads((EXAMPLES / "size_class.toml").read_text(encoding="utf-8"))["case"]
DAY = date(2025, 6, 30)


def facts_of(case: dict[str, Any]) -> FirmFacts:
    money = {k: ten_thousands(case[k]) if k in case else None for k in ("income", "assets")}
    return FirmFacts(case["sector"], case.get("staff"), money["income"], money["assets"])


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["id"])
def test_size_class_table(case: dict[str, Any]) -> None:
    decision = size_class(facts_of(case), parameters.size_table(DAY))
    if "missing" in case:
        assert not decision.granted and decision.value is None
        assert sorted(r.values["measure"] for r in decision.reasons) == sorted(case["missing"])
        return
    assert decision.value is SizeClass(case["size"])
    assert decision.citations[0].document == "工信部联企业〔2011〕300号"
    assert decision.citations[0].mark == case.get("mark", "M")


def test_every_bound_of_every_sector_counts_the_number_itself() -> None:
    table = parameters.size_table(DAY)
    for sector, row in table.sectors.items():
        for size, bounds in row.items():
            exactly = FirmFacts(
                sector,
                bounds.get("staff", 10**6),
                ten_thousands(str(bounds.get("income", 10**7))),
                ten_thousands(str(bounds.get("assets", 10**7))),
            )
            assert size_class(exactly, table).value is size, (sector, size)
            for measure, bound in bounds.items():
                below = {"staff": exactly.staff, "income": exactly.income, "assets": exactly.assets}
                below[measure] = bound - 1 if measure == "staff" else ten_thousands(f"{bound - 1}.9999")
                lower = size_class(FirmFacts(sector, **below), table).value  # type: ignore[arg-type]
                assert lower is not None and lower is not size, (sector, size, measure)


@given(
    st.integers(0, 5000), st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(parameters.sectors())
)
def test_growing_never_makes_a_firm_smaller(staff: int, income: int, assets: int, sector: str) -> None:
    order = list(SizeClass)
    table = parameters.size_table(DAY)

    def rank(s: int, i: int, a: int) -> int:
        value = size_class(FirmFacts(sector, s, ten_thousands(str(i)), ten_thousands(str(a))), table).value
        assert value is not None
        return order.index(value)

    base = rank(staff, income, assets)
    assert rank(staff + 1, income, assets) >= base
    assert rank(staff, income + 1, assets) >= base
    assert rank(staff, income, assets + 1) >= base


def test_an_unknown_sector_is_refused() -> None:
    decision = size_class(FirmFacts("astrology", 5), parameters.size_table(DAY))
    assert [r.code for r in decision.reasons] == ["accounts.size.unknown_sector"]


def test_before_the_first_version_nothing_is_in_force() -> None:
    with pytest.raises(NothingInForce):
        parameters.size_table(date(2011, 6, 17))
    assert parameters.size_table(date(2011, 6, 18)).version == "2011"
