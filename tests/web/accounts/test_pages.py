"""Every page of people opens, in both languages, for those who may see it."""

from __future__ import annotations

from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Role
from tests.builders import accounts as build

pytestmark = pytest.mark.any_engine


@pytest.fixture
def world(app: Any) -> dict[str, Any]:
    with app.app_context():
        platform = build.make_platform()
        host, firm, funder = build.make_institution(), build.make_firm(), build.make_funder()
        lab = build.make_department(host)
        office = build.make_person(roles=[(host, Role.OFFICE), (host, Role.INSTITUTION_ADMIN)])
        return {
            "platform": platform, "host": host, "firm": firm, "funder": funder, "lab": lab, "office": office,
            "admin": build.make_person(roles=[(firm, Role.FIRM_ADMIN)]),
            "booker": build.make_person(roles=[(firm, Role.BOOKER)], language="en"),
            "staff": build.make_person(roles=[(platform, Role.PLATFORM_STAFF)]),
            "manager": build.make_person(roles=[(host, Role.MANAGER, {"department_id": lab.id})]),
            "funded": build.make_person(roles=[(funder, Role.FUNDER_ADMIN)]),
            "nobody": build.make_person(),
            "group": build.make_group(host, leader=office, department=lab),
        }  # fmt: skip


def look(app: Any, world: dict[str, Any], who: str | None, path: str, language: str = "zh") -> Any:
    client = app.test_client()
    if who:
        with app.app_context():
            build.sign_in(client, world[who])
    with client.session_transaction() as session:
        session["language"] = language
    return client.get(path)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_open(app: Any, world: dict[str, Any], language: str) -> None:
    firm, host = world["firm"].code, world["host"].code
    pages = [
        (None, "/sign-in"), (None, "/register"), (None, "/reset"),
        ("nobody", "/welcome"), ("nobody", "/me"), ("nobody", "/me/notifications"), ("nobody", "/me/tokens"),
        ("nobody", "/inbox"), ("nobody", "/join"), ("nobody", "/join?q=院"), ("nobody", "/register/firm"),
        ("admin", "/me"), ("admin", "/me/tokens"), ("admin", f"/o/{firm}/team"), ("admin", f"/o/{firm}/size"),
        ("admin", f"/o/{firm}/team/{world['booker'].id}"), ("booker", f"/o/{firm}/team"),
        ("booker", f"/o/{firm}/team/{world['booker'].id}"), ("booker", f"/o/{firm}/size"),
        ("office", f"/o/{host}/team"), ("office", f"/o/{host}/team/groups/{world['group'].id}"),
        ("office", f"/o/{host}/team/{world['manager'].id}"), ("manager", f"/o/{host}/team"),
        ("funded", f"/o/{world['funder'].code}/team"), ("staff", "/o/platform/organisations"),
        ("staff", "/o/platform/organisations?kind=firm&state=active&q=科技"), ("staff", "/o/platform/team"),
    ]  # fmt: skip
    wrong = []
    for who, path in pages:
        answer = look(app, world, who, path, language)
        if answer.status_code != 200 or "X-Untranslated" in answer.headers:
            wrong.append((path, answer.status_code, answer.headers.get("X-Untranslated")))
    assert wrong == []


def test_pages_of_others_are_unknown(app: Any, world: dict[str, Any]) -> None:
    firm, host = world["firm"].code, world["host"].code
    for who, path, status in [
        ("nobody", f"/o/{firm}/team", 404),
        ("office", f"/o/{firm}/team", 404),
        ("admin", f"/o/{host}/team", 404),
        ("admin", f"/o/{firm}/team/{world['manager'].id}", 404),
        ("booker", f"/o/{firm}/team/{world['admin'].id}", 404),
        ("manager", f"/o/{host}/team/groups/{world['group'].id}", 404),
        ("admin", "/o/platform/organisations", 404),
        ("office", f"/o/{host}/organisations", 403),
        (None, f"/o/{firm}/team", 302),
        (None, "/me", 302),
        (None, "/demo/mail", 404),
    ]:
        assert look(app, world, who, path).status_code == status, (who, path)
