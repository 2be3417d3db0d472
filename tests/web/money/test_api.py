"""Money for programs: the same values as on the pages, scoped by the token, with cursors that skip nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.billing import service as billing
from resource_hub.domain.billing.tables import Statement
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.subsidy.tables import PayoutRun
from resource_hub.domain.usage import service as usage
from resource_hub.infra import clock
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders import accounts as people
from tests.builders.money import NOW, MoneyScene, issue, make_money_scene, used

NINE = datetime.fromisoformat("2026-03-03T09:00+08:00")
APRIL = datetime.fromisoformat("2026-04-10T09:00+08:00")


@pytest.fixture
def scene(app: Flask) -> MoneyScene:
    with app.app_context():
        with clock.fixed(NOW):
            made = make_money_scene()
        used(made, NINE)
        used(made, NINE + timedelta(days=1))
        issue(made, APRIL, date(2026, 3, 1))
        with clock.fixed(APRIL):
            usage.link_due()
        return made


def asker(app: Flask, who: Actor) -> Any:
    client = app.test_client()
    with app.app_context():
        token = people.bearer(accounts.person(who.person_id), accounts.organisation(who.organisation_id))

    def ask(path: str, status: int = 200) -> Any:
        with clock.fixed(APRIL):
            answer = client.get(f"/api/v1/{path}", headers=token)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json()

    return ask


def test_a_statement_for_both_parties_and_nobody_else(app: Flask, scene: MoneyScene) -> None:
    (one,) = asker(app, scene.payer)("statements")["items"]
    assert (one["total"], one["deducted"], one["period"], one["state"]) == (
        "900.00",
        "300.00",
        "2026-03",
        "issued",
    )
    path = f"hosts/{scene.host.code}/statements/{one['id']}"
    full = asker(app, scene.office)(path)
    assert [c["amount"] for c in full["charges"]] == ["450.00", "450.00"]
    assert full["charges"][0]["lines"][0]["amount"] == "600.00"
    with app.app_context():
        stranger = people.make_actor(people.make_firm(), Role.PAYER)
    asker(app, stranger)(path, 404)
    assert asker(app, stranger)("statements")["items"] == []


def like_it(app: Flask, table: Any, **changes: Any) -> None:
    """Another row like the one there is."""
    with app.app_context(), unit_of_work() as unit:
        row = unit.session.scalars(select(table).limit(1)).one()
        values = {column.key: getattr(row, column.key) for column in table.__table__.columns}
        unit.session.add(table(**{**values, "id": new_id(), **changes}))


def in_pages(ask: Any, path: str) -> list[str]:
    found, cursor = [], ""
    while cursor is not None:
        page = ask(f"{path}?limit=1&after={cursor}")
        found += [one["number"] for one in page["items"]]
        cursor = page["next"]
    return found


def test_statements_and_runs_come_in_pages_to_the_last(app: Flask, scene: MoneyScene) -> None:
    with app.app_context(), clock.fixed(APRIL):
        subsidy.compute_run(scene.voucher.id, date(2026, 3, 1), date(2026, 4, 1), by=scene.reviewer)
    for n in (1, 2):
        like_it(app, Statement, number=f"S{n}", period=date(2025, n, 1))
        # Two of one moment, too.
        like_it(app, PayoutRun, number=f"R{n}", computed_at=APRIL - timedelta(days=100))
    for who in (scene.payer, scene.office):
        found = in_pages(asker(app, who), "statements")
        assert len(found) == 3 and found[1:] == ["S2", "S1"]
    runs = in_pages(asker(app, scene.reviewer), "runs")
    assert len(runs) == 3 and sorted(runs[1:]) == ["R1", "R2"]


def test_tariff_and_programmes_are_public(app: Flask, scene: MoneyScene) -> None:
    client = app.test_client()
    found = client.get(f"/api/v1/hosts/{scene.host.code}/resources/{scene.resource.code}/tariff").get_json()
    assert found["document"]["hour"]["outside"] == "300.00"
    assert found["sentences"]
    items = client.get("/api/v1/programmes").get_json()["items"]
    mine = next(p for p in items if p["code"] == scene.voucher.code)
    tiers = next(p for p in mine["parameters"] if p["name"] == "tiers")
    assert (tiers["rows"], tiers["document"], tiers["mark"]) == (
        [{"rate": "0.25"}],
        "苏科机发〔2020〕206号",
        "M",
    )


def test_funders_pull_usage_by_position_and_only_their_own(app: Flask, scene: MoneyScene) -> None:
    ask = asker(app, scene.reviewer)
    path = f"hosts/{scene.host.code}/funded-usage"
    first = ask(f"{path}?limit=1")
    assert (len(first["items"]), first["head"], first["next"]) == (1, 2, 1)
    second = ask(f"{path}?after={first['next']}")
    assert [i["position"] for i in second["items"]] == [2]
    assert second["items"][0]["said"]["resource"] == str(scene.resource.key.id)
    assert {c["programme"] for c in second["items"][0]["claims"]} == {scene.voucher.code, scene.reward.code}
    again = ask(f"{path}?after={second['next']}")
    assert (again["items"], again["next"]) == ([], 2)
    with app.app_context():
        other = people.make_actor(people.make_funder(), Role.REVIEWER)
    assert asker(app, other)(path)["items"] == []
    asker(app, scene.office)(path, 403)
    ask(f"{path}?after=-1", 422)


def test_a_run_and_its_lines(app: Flask, scene: MoneyScene) -> None:
    with app.app_context(), clock.fixed(APRIL):
        run = subsidy.compute_run(scene.voucher.id, date(2026, 3, 1), date(2026, 4, 1), by=scene.reviewer)
        assert billing.statements_of_customers(scene.payer)
    ask = asker(app, scene.approver)
    (one,) = ask("runs")["items"]
    assert (one["amount"], one["digest"]) == ("300.00", run.digest)
    page = ask(f"runs/{one['id']}/lines?limit=1")
    assert page["next"] == 1
    rest = ask(f"runs/{one['id']}/lines?after=1")
    assert rest["next"] is None
    assert rest["items"][0]["amount"] == "150.00"
    assert rest["items"][0]["citations"]
    asker(app, scene.payer)("runs", 403)
