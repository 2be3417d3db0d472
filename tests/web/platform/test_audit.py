"""The page of audit rows: filters, pages by cursor, export, and that a changed row would show."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import PLATFORM_ID, Role
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.reports import audit_trail
from tests.builders import accounts as build


@pytest.fixture
def world(app: Any) -> dict[str, Any]:
    with app.app_context():
        platform, firm = build.make_platform(), build.make_firm(code="quantum")
        staff = build.make_person(
            name="王五", email="wang@example.org", roles=[(platform, Role.PLATFORM_STAFF)]
        )
        with unit_of_work() as unit:
            for n in range(7):
                unit.audit(
                    "test.done", firm.id, f"thing:{n}", {"note": "=1+1", "list": [1, n]}, person_id=staff.id
                )
            unit.audit("test.other", firm.id, "thing:x")
        return {
            "platform": platform,
            "firm": firm,
            "staff": staff,
            "admin": build.make_person(roles=[(firm, Role.FIRM_ADMIN)]),
        }


def look(app: Any, world: dict[str, Any], path: str, who: str = "staff", language: str = "zh") -> Any:
    client = app.test_client()
    with app.app_context():
        build.sign_in(client, world[who])
    with client.session_transaction() as session:
        session["language"] = language
    return client.get(path)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_opens_and_goes_on_by_cursor(app: Any, world: dict[str, Any], language: str) -> None:
    assert look(app, world, "/o/platform/audit", language=language).status_code == 200
    path = "/o/platform/audit?of=quantum&action=test.&limit=3"
    seen: list[str] = []
    while path:
        answer = look(app, world, path, language=language)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200 and "X-Untranslated" not in answer.headers, answer.headers
        seen += re.findall(r">(thing:\w)</code>", text)
        following = re.search(
            r'href="([^"]*after=[^"]+)"[^>]*rel="next"|rel="next"[^>]*href="([^"]+)"|href="([^"]*after=[^"]+)"',
            text,
        )
        path = next((g for g in following.groups() if g), "").replace("&amp;", "&") if following else ""
    assert seen == ["thing:x", *(f"thing:{n}" for n in range(6, -1, -1))]


@pytest.mark.parametrize(
    ("query", "count"),
    [("person=wang@example.org", 7), ("person=王五", 7), ("person=nobody", 0), ("action=test.other", 1),
     ("subject=thing:3", 1), ("from=2000-01-01&to=2001-01-01", 0), ("from=2000-01-01&action=test.", 8), ("from=junk&action=test.", 8)],
)  # fmt: skip
def test_filters_and_export_agree(app: Any, world: dict[str, Any], query: str, count: int) -> None:
    page = look(app, world, f"/o/platform/audit?of=quantum&{query}").get_data(as_text=True)
    assert page.count("thing:") // 2 == count or len(set(re.findall(r">(thing:\w)</code>", page))) == count
    exported = look(app, world, f"/o/platform/audit.csv?of=quantum&{query}")
    rows = list(csv.DictReader(io.StringIO(exported.get_data(as_text=True).removeprefix("\ufeff"))))
    assert len(rows) == count
    assert all(row["intact"] == "yes" and not row["details"].startswith("=") for row in rows)


def test_only_platform_staff(app: Any, world: dict[str, Any]) -> None:
    assert look(app, world, "/o/platform/audit", "admin").status_code == 404
    assert look(app, world, "/o/quantum/audit", "admin").status_code == 403
    assert look(app, world, "/o/platform/audit?of=nowhere").status_code == 200
    assert look(app, world, "/o/platform/audit.csv?of=nowhere").status_code == 404


def test_all_rows_are_walked_in_pieces(
    app: Any, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_trail, "CHUNK", 3)
    with app.app_context():
        wanted = audit_trail.Filter(world["firm"].id, action="test.")
        assert len({row.id for row in audit_trail.every(wanted)}) == 8
        assert "platform.initialised" not in audit_trail.actions(world["firm"].id)
        assert isinstance(audit_trail.actions(PLATFORM_ID), list)
