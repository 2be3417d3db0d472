"""The worked cases of booking rules: none is forgotten, each is held by a test, and plain arithmetic comes out as said."""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from resource_hub.domain.availability.rules.named_hours import inside
from resource_hub.domain.availability.terms import NamedHours
from resource_hub.entrypoints.support.reasons.rules import REMEDIES
from resource_hub.kernel.time import EmptySpan, TimeSpan, total_seconds

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "tests" / "examples" / "booking"
RULES = tomllib.loads((EXAMPLES / "rules.toml").read_text(encoding="utf-8"))
ROWS = tomllib.loads((EXAMPLES / "worked_cases.toml").read_text(encoding="utf-8"))["row"]
POLICY = tomllib.loads((EXAMPLES / "policy_cases.toml").read_text(encoding="utf-8"))["row"]
PRICES = [
    case["id"]
    for path in sorted((ROOT / "tests" / "examples" / "pricing").glob("*.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
]
# Numbers that the sources leave out do not exist there; M and U without booking are of billing, feeds and exports.
POLICY_IDS = {
    *(f"P{n}" for n in (1, 3, 4, 5, 6, 7, 9, 11, 12, 14, 15)),
    *(f"R{n}" for n in (1, 4, 6, 7, 8, 9, 10, 11, 12, 13)),
    "M4", "M5", "U1", "U3", "U5",
    "ShanghaiTech", "CUP", "HUST", "CAAS", "a biomedical test centre", "NYCU", "a shared group instrument", "Sichuan",
    "Shaanxi", "ShanghaiTech blacklist", "CAAS over use", "HUST off by an hour", "Xiamen fees", "a shared group's priority",
}  # fmt: skip
SHANGHAI = ZoneInfo("Asia/Shanghai")
NUMBERS = {*range(1, 42)} - {5, 27, 28, 30}


def span(pair: list[str]) -> TimeSpan:
    start, end = (datetime.fromisoformat(text).replace(tzinfo=SHANGHAI) for text in pair)
    return TimeSpan(start, end)


def named(case: dict[str, Any]) -> str:
    return str(case.get("name") or case["id"])


def test_no_row_is_forgotten() -> None:
    assert {row["id"] for row in ROWS} == {f"B{number}" for number in NUMBERS} | {"B27b"}


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_each_row_is_held_by_a_test_that_exists(row: dict[str, Any]) -> None:
    tables = [case["name"] for kind in ("case", "cancel", "change", "overlap", "off") for case in RULES[kind]]
    for place in row["held"]:
        if place == "rules.toml":
            assert any(name.startswith(f"{row['id']} ") for name in tables)
        else:
            path, test = place.split("::")
            assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8")


def test_no_row_of_policy_is_forgotten() -> None:
    assert {row["id"] for row in POLICY if "held" in row} == POLICY_IDS
    assert all(row["missing"] for row in POLICY if "held" not in row)


@pytest.mark.parametrize("row", [row for row in POLICY if "held" in row], ids=named)
def test_each_row_of_policy_is_held_by_a_test_that_exists(row: dict[str, Any]) -> None:
    tables = [case["name"] for kind in ("case", "cancel", "change") for case in RULES[kind]]
    for place in row["held"]:
        if place == "rules.toml":
            assert any(name.startswith((f"{row['id']} ", f"{row['id']}:")) for name in tables)
        elif place == "pricing":
            assert any(name.startswith((f"{row['id']}:", f"{row['id']} ")) for name in PRICES)
        else:
            path, test = place.split("::")
            assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8")


def test_a_span_ends_after_it_starts() -> None:
    for pair in (["2026-03-02T10:00", "2026-03-02T09:00"], ["2026-03-02T10:00", "2026-03-02T10:00"]):
        with pytest.raises(EmptySpan):
            span(pair)


@pytest.mark.parametrize("case", RULES["overlap"], ids=named)
def test_what_overlaps(case: dict[str, Any]) -> None:
    existing = span(case["existing"])
    assert not any(span(pair).overlaps(existing) for pair in case["free"])
    assert all(span(pair).overlaps(existing) for pair in case["clash"])


@pytest.mark.parametrize("case", RULES["off"], ids=named)
def test_what_does_not_count(case: dict[str, Any]) -> None:
    off = NamedHours("off", "", "Off", tuple(range(7)), *case["off"])
    assert total_seconds(inside([off], span(case["booking"]), "Asia/Shanghai")) == case["minutes"] * 60


def test_the_refusal_names_the_waiting_list() -> None:
    assert "waiting list" in str(REMEDIES["booking.quota_bookings_concurrent"])
