"""Cells and rows of an import."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from resource_hub.domain.catalogue.classes import instrument_classes
from resource_hub.domain.catalogue.importing import cells, mapping
from resource_hub.domain.catalogue.importing.cells import CellError
from resource_hub.domain.catalogue.importing.rows import RowFacts, read_row
from resource_hub.domain.catalogue.importing.sheet import SheetRow
from resource_hub.domain.catalogue.terms import ListingContents, Mode, ResourceKind
from tests.builders.catalogue import make_contents


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1,280,000.00", 128_000_000), ("￥12.5", 1_250), ("12.50 元", 1_250), ("67.81万", 67_810_000),
        ("128 万元", 128_000_000), ("０", 0), ("1280000", 128_000_000),
    ],
)  # fmt: skip
def test_amounts(text: str, minor: int) -> None:
    assert cells.amount(text) == minor


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("-3", "cell_amount_negative"), ("(12)", "cell_amount_negative"), ("−0.01", "cell_amount_negative"),
        ("12.345", "cell_amount_digits"), ("abc", "cell_amount"), ("1e9", "cell_amount"), ("NaN", "cell_amount"),
        ("9" * 20, "cell_amount"),
    ],
)  # fmt: skip
def test_amounts_refused(text: str, code: str) -> None:
    with pytest.raises(CellError) as refused:
        cells.amount(text)
    assert refused.value.code == f"catalogue.{code}"


@pytest.mark.parametrize(
    "text", ["2024-03-05", "2024/3/5", "2024.3.5", "2024年3月5日", "20240305", "2024-03-05 00:00:00",
             "2024-03-05T09:30:00+08:00", "２０２４-03-05"],
)  # fmt: skip
def test_days(text: str) -> None:
    assert cells.day(text) == date(2024, 3, 5)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("03/05/2024", "cell_day_order"), ("45356", "cell_day_serial"), ("2024-02-30", "cell_day_impossible"),
        ("2024-03-05 09:30", "cell_naive_time"), ("yesterday", "cell_day"), ("1024-01-01", "cell_day_far"),
        ("2024-03-05 rubbish", "cell_day"),
    ],
)  # fmt: skip
def test_days_refused(text: str, code: str) -> None:
    with pytest.raises(CellError) as refused:
        cells.day(text)
    assert refused.value.code == f"catalogue.{code}"


def test_other_cells() -> None:
    assert cells.degrees("31.8400001", 90) == 31_840_000
    assert cells.modes("送样检测、自主上机") == (Mode.SELF_USE, Mode.SEND_IN)
    assert cells.flag("是") and not cells.flag("No")
    assert cells.kind("仪器设备") is ResourceKind.INSTRUMENT
    assert cells.specification('{"分辨率": "0.2 nm", "分辨率": "0.1 nm"}') == (("分辨率", "0.2 nm; 0.1 nm"),)
    assert cells.specification("管压：40 kV；管流：40 mA") == (("管压", "40 kV"), ("管流", "40 mA"))
    assert cells.specification("高灵敏度") == (("主要技术指标", "高灵敏度"),)
    for text, code in (("=1+1", "cell_formula"), ("#REF!", "cell_sheet_error"), ("＝A1", "cell_formula")):
        with pytest.raises(CellError) as refused:
            cells.plain(text)
        assert refused.value.code == f"catalogue.{code}"


HEADINGS = ("编号", "名称", "价格", "验收日期", "分类编码", "主要技术指标", "纬度", "经度")


def read(*texts: str, **document: Any) -> RowFacts | dict[str, str]:
    """The facts of one row, or reason by heading."""
    columns = mapping.from_json(document) if document else mapping.guess(HEADINGS)
    row = (*texts, *[""] * (len(HEADINGS) - len(texts)))
    found = read_row(SheetRow(7, row), HEADINGS, columns, instrument_classes())
    if isinstance(found, list):
        assert all(problem.line == 7 for problem in found)
        return {problem.heading: problem.reason.code.removeprefix("catalogue.") for problem in found}
    return found


def test_every_wrong_cell_is_told() -> None:
    assert read("", "", "-1", "2024-13-01", "987654", "{x", "91", "1") == {
        "编号": "code_missing",
        "名称": "name_missing",
        "价格": "cell_amount_negative",
        "验收日期": "cell_day_impossible",
        "分类编码": "class_unknown",
        "主要技术指标": "cell_json",
        "纬度": "cell_degrees_range",
    }


def test_a_row_changes_only_what_its_sheet_speaks_of() -> None:
    found = read("A1", "新名称", "1", "", "010101")
    assert isinstance(found, RowFacts)
    before = make_contents(accepted_on=date(2020, 1, 1))
    after = found.onto(before)
    assert (after.name_zh, after.original_value_minor, after.accepted_on) == ("新名称", 100, None)
    assert (after.model, after.contact, after.modes, after.name_en) == (
        before.model, before.contact, before.modes, before.name_en,
    )  # fmt: skip
    assert found.onto(after) == after


def test_constants_and_words() -> None:
    found = read(
        "A1", "离心机",
        columns={"编号": "code", "名称": "name", "价格": "status"}, constants={"city": "广州", "kind": "facility"},
        values={"status": {"坏": "awaiting_repair"}},
    )  # fmt: skip
    assert isinstance(found, RowFacts)
    assert found.kind is ResourceKind.FACILITY and found.onto(ListingContents()).city == "广州"
