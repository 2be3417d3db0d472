"""The page of protected hours."""

from __future__ import annotations

import re
from typing import Any

import pytest

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Audience
from tests.builders.availability import make_weekly
from tests.web.availability.conftest import NOW


def page_of(scene: Any) -> str:
    return f"/o/{scene.host.code}/resources/{scene.key.id}/protected"


def test_nothing_is_protected(scene: Any, manager: Any) -> None:
    client, _send = manager
    answer = client.get(page_of(scene))
    assert answer.status_code == 200 and "<table" not in answer.get_data(as_text=True)
    hours = page_of(scene).replace("/protected", "/hours")
    assert re.search(f'<a class="button" href="{hours}">开放时间</a>', answer.get_data(as_text=True))
    for year in ("1999", "x", "9999", "2025"):
        assert client.get(f"{page_of(scene)}?year={year}").status_code == 200


@pytest.fixture
def kept(scene: Any, in_context: Any) -> None:
    weekly = make_weekly() + make_weekly(weekdays=[5], audience=Audience.OUTSIDE)
    in_context(lambda: availability.save_hours(scene.key, weekly, NOW.date(), by=scene.manager))


def test_months_and_export(scene: Any, manager: Any, kept: None) -> None:
    client, _send = manager
    text = client.get(page_of(scene)).get_data(as_text=True)
    assert text.count("<tr") >= 13
    # On a phone a month is its name and what is not nothing; what was promised always stands there.
    months = re.findall(r"<tr.*?</tr>", text.split("is-compact")[1], re.DOTALL)
    assert "is-zero" not in re.findall(r"<td[^>]*>", months[1])[1] and months[1].count("is-zero") == 6
    assert re.findall(r'aria-current="true">(\d{4})<', text) == ["2026"]
    csv = client.get(f"{page_of(scene)}?format=csv").get_data(as_text=True)
    rows = csv.strip().splitlines()
    assert len(rows) == 13 and rows[1].startswith("2026-01,0,")
    # Four Saturdays of eight hours in March.
    units = len(rows) and int(rows[3].split(",")[1]) // (4 * 8 * 3600)
    assert units >= 1 and rows[3].split(",")[1] == rows[3].split(",")[3]
