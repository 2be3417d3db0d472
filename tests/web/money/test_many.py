"""Statements and what waits for the office, with many rows: page by page to the last one, and no more is asked of the
database the more there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.billing.tables import Statement
from resource_hub.domain.billing.terms import StatementState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.pricing.tables import Tariff
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders import accounts as people
from tests.builders.catalogue import make_contents, make_listing
from tests.builders.money import NOW, MoneyScene, make_money_scene
from tests.support.pages import signed_in
from tests.support.queries import asked, queries
from tests.web.booking.test_many import pages_of

FEW, MANY = 3, 60
TODAY = date(2026, 3, 2)


@pytest.fixture
def now() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def scene(app: Flask, now: None) -> MoneyScene:
    with app.app_context():
        return make_money_scene()


def month_of(n: int) -> date:
    return date(2026 - n // 12, 12 - n % 12, 1)


def statements(scene: MoneyScene, numbers: Iterable[int]) -> None:
    """One a month and back in time; all are paid but the oldest, which was due long ago."""
    with unit_of_work() as unit:
        for n in numbers:
            oldest = n == MANY - 1
            values = {
                "institution_id": scene.host.id,
                "id": new_id(),
                "number": f"S-{n:03d}",
                "customer_id": scene.customer_id,
                "period": month_of(n + 10),
                "state": StatementState.ISSUED.value if oldest else StatementState.PAID.value,
                "gross_minor": 100,
                "deducted_minor": 0,
                "total_minor": 100,
                "paid_minor": 0 if oldest else 100,
                "currency": "CNY",
                "issued_at": unit.now,
                "due_on": date(2021, 6, 1),
                "created_at": unit.now,
            }
            unit.session.execute(insert(Statement).values(values))


def listings(scene: MoneyScene, numbers: Iterable[int]) -> None:
    office = people.actor(people.make_person(roles=[(scene.host, Role.OFFICE)]), scene.host)
    for n in numbers:
        made = make_listing(scene.host, code=f"N-{n:03d}", public=False)
        catalogue.submit(made.key, by=office)


def later(scene: MoneyScene, numbers: Iterable[int]) -> None:
    office = people.actor(people.make_person(roles=[(scene.host, Role.OFFICE)]), scene.host)
    for n in numbers:
        made = make_listing(scene.host, code=f"L-{n:03d}")
        catalogue.save_draft(made.key, make_contents(model=f"Model {n}"), by=office)
        change = catalogue.submit(made.key, by=office)
        catalogue.approve(change.key, by=office, effective_on=TODAY + timedelta(days=30))


def tariffs(scene: MoneyScene, numbers: Iterable[int]) -> None:
    """Many that wait, each for a resource of its own that has one in force."""
    with unit_of_work() as unit:
        source = unit.session.query(Tariff).filter_by(resource_id=scene.resource.key.id).first()
        assert source is not None
        document = source.document
    for n in numbers:
        made = make_listing(scene.host, code=f"T-{n:03d}")
        with unit_of_work() as unit:
            for number, state in ((1, "approved"), (2, "pending")):
                values = {
                    "institution_id": scene.host.id,
                    "id": new_id(),
                    "resource_id": made.key.id,
                    "number": number,
                    "state": state,
                    "since": TODAY + timedelta(days=30 * number - 60),
                    "document": document,
                    "currency": "CNY",
                    "submitted_at": unit.now + timedelta(seconds=n),
                    "created_at": unit.now,
                }
                unit.session.execute(insert(Tariff).values(values))


CASES: dict[str, tuple[str, str, str, Callable[[MoneyScene, Iterable[int]], None], str]] = {
    "statements": ("payer", "/o/{firm}/statements", "", statements, 'data-label="Month"'),
    "statements of the host": ("office", "/o/{host}/billing", "", statements, 'data-label="Due on"'),
    "listings": ("office", "/o/{host}/approvals", "/listings", listings, 'id="c-'),
    "tariffs": ("office", "/o/{host}/approvals", "/tariffs", tariffs, "/refuse"),
    "later": ("office", "/o/{host}/approvals", "/later", later, 'data-label="Fields"'),
}


def english(app: Flask, person: Any) -> Any:
    client, _send = signed_in(app, person)
    with client.session_transaction() as session:
        session["language"] = "en"
    return client


def reader(scene: MoneyScene, who: str) -> Any:
    organisation, role = (scene.firm, Role.PAYER) if who == "payer" else (scene.host, Role.OFFICE)
    return people.make_person(roles=[(organisation, role)])


@pytest.mark.parametrize("name", CASES)
def test_a_long_list_comes_in_pages_and_asks_no_more(app: Flask, scene: MoneyScene, name: str) -> None:
    who, path, part, fill, mark = CASES[name]
    address = path.format(firm=scene.firm.code, host=scene.host.code)
    with app.app_context():
        person = reader(scene, who)
    client, counts = english(app, person), []
    for numbers in (range(FEW), range(FEW, MANY)):
        with app.app_context():
            fill(scene, numbers)
            db.session.remove()
        client.get(address)
        with queries(app) as sent:
            text = client.get(address).text
        counts.append(len(asked(sent)))
    assert counts[1] <= counts[0] + 1, counts
    assert text.count(mark) == 25
    if part:
        assert f'href="{address}{part}"' in text
    assert pages_of(client, address + part, mark) == [25, 25, 10]


def test_an_old_debt_is_said_however_many_statements_came_after(app: Flask, scene: MoneyScene) -> None:
    """On the page of statements and on Home, where the debt itself stands pages away."""
    with app.app_context():
        statements(scene, range(MANY))
        client = english(app, reader(scene, "payer"))
        db.session.remove()
    page = client.get(f"/o/{scene.firm.code}/statements").text
    assert "1 statement is overdue" in page and "due by 1 Jun 2021" in page
    assert "overdue since 1 Jun 2021" in client.get(f"/o/{scene.firm.code}/home").text


def test_the_number_beside_approvals_counts_tariffs_too(app: Flask, scene: MoneyScene) -> None:
    with app.app_context():
        tariffs(scene, range(2))
        listings(scene, range(3))
        client = english(app, reader(scene, "office"))
        db.session.remove()
    text = client.get(f"/o/{scene.host.code}/approvals").text
    assert "2 tariffs wait" in text and "3 listings wait" in text
    entry = text[text.index(f'href="/o/{scene.host.code}/approvals"') :]
    assert ">5<" in entry[:600]
