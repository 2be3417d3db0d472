"""The rulebook says what the transcribed documents say."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from resource_hub.domain.assessment import schemes
from resource_hub.domain.assessment.rules.benefit import ITEMS
from resource_hub.domain.assessment.rules.periods import school_year
from resource_hub.domain.assessment.terms import Grade, RatedClass

FORM = schemes.benefit(schemes.parameters(schemes.BENEFIT, school_year(2024)))


@pytest.fixture(scope="module")
def said(data_dir: Path) -> dict[str, Any]:
    return json.loads(
        (data_dir / "assessment" / "published_rules_and_results.json").read_text(encoding="utf-8")
    )


def test_weights_rated_hours_and_grades(said: dict[str, Any]) -> None:
    form = said["moe_form"]
    assert [FORM.weights[item] for item in ITEMS] == [row["weight"] for row in form["items"]]
    assert "20" in form["items"][2]["weight_note"]
    assert FORM.research_weight_elsewhere == 20
    assert [FORM.rated_seconds[each] // 3600 for each in RatedClass] == [
        row["hours"] for row in form["rated_hours"].values()
    ]
    words = {"优秀": Grade.EXCELLENT, "良好": Grade.GOOD, "合格": Grade.PASS, "不合格": Grade.FAIL}
    assert [(limit, grade) for limit, grade in FORM.grade_from] == [
        (row.get("min", 0), words[row["grade"]]) for row in form["grades"]
    ]
    assert "not legible" in form["items"][3]["score"]["校内服务收入"]
    assert FORM.internal_points is None


def test_national_results(said: dict[str, Any]) -> None:
    ours = {found.round_year: found for found in schemes.published(date(2026, 1, 1))}
    for row in said["national_results"]:
        found = ours[row["year"]]
        assert found.units == row["units"]
        assert found.mean_effective_hours == row.get("avg_effective_hours")
        assert found.mean_external_hours == row.get("avg_external_hours")
        for name, count in zip(("excellent", "good", "qualified", "poor"), found.grades, strict=True):
            if name in row:
                assert count == row[name]
