"""Pages of money through HTTP: everybody's pages in both languages, and the ways that change something, by clicks."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
import pypdf
import pytest
from flask import Flask

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.billing import service as billing
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.subsidy.terms import RunState
from resource_hub.entrypoints.web.money import tariff_form
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.kernel.money import Money
from tests.builders import accounts as people
from tests.builders.money import NOW, MoneyScene, issue, make_money_scene, used

pytestmark = pytest.mark.any_engine

NINE = datetime.fromisoformat("2026-03-03T09:00+08:00")
APRIL = datetime.fromisoformat("2026-04-10T09:00+08:00")
MARCH, END = date(2026, 3, 1), date(2026, 4, 1)


@pytest.fixture
def scene(app: Flask) -> MoneyScene:
    with app.app_context():
        with clock.fixed(NOW):
            made = make_money_scene()
        used(made, NINE)
        used(made, NINE + timedelta(days=1))
        issue(made, APRIL, MARCH)
        return made


@pytest.fixture
def run(app: Flask, scene: MoneyScene) -> Any:
    with app.app_context(), clock.fixed(APRIL):
        return subsidy.compute_run(scene.voucher.id, MARCH, END, by=scene.reviewer)


def client_of(app: Flask, person_id: Any, language: str = "zh") -> Any:
    client = app.test_client()
    with app.app_context():
        from resource_hub.domain.accounts import service

        people.sign_in(client, service.person(person_id))
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "zh-CN" if language == "zh" else "en"
    return client


def get(client: Any, address: str, status: int = 200) -> str:
    with clock.fixed(APRIL):
        answer = client.get(address)
    assert answer.status_code == status, (address, answer.status_code, answer.get_data(as_text=True)[:2000])
    return answer.get_data(as_text=True)


def send(client: Any, address: str, page: str, **fields: Any) -> Any:
    """Post a form with the token of its page."""
    text = get(client, page)
    token = re.search(r'name="csrf_token" value="([^"]+)"', text)
    with clock.fixed(APRIL):
        return client.post(address, data={"csrf_token": token[1] if token else "", **fields})


def followed(client: Any, answer: Any) -> str:
    assert answer.status_code == 303, answer.get_data(as_text=True)[:3000]
    return get(client, answer.headers["Location"])


def addresses(app: Flask, scene: MoneyScene, run: Any) -> dict[str, list[str]]:
    with app.app_context():
        (statement,) = billing.statements_of_customers(scene.payer)
        _, lines = billing.statement(statement.key, by=scene.payer)
        claim = subsidy.claims_of_customers([scene.customer_id])[0]
    firm, host, funder = scene.firm.code, scene.host.code, scene.funder.code
    charge = f"charges/{host}/{lines[0].key.id}"
    claimed = f"claims/{host}/{claim.key.id}"
    statement_path = f"statements/{host}/{statement.key.id}"
    return {
        "payer": [f"/o/{firm}/{path}" for path in ("statements", statement_path, charge, "support", claimed)],
        "office": [
            f"/o/{host}/{path}"
            for path in (
                "billing", "billing?period=2026-03&open=1", statement_path, charge, claimed, "approvals",
                f"resources/{scene.resource.key.id}/tariff", f"resources/{scene.resource.key.id}/tariff/edit",
            )
        ],
        "manager": [f"/o/{host}/resources/{scene.resource.key.id}/tariff", f"/o/{host}/resources/{scene.resource.key.id}"],
        "reviewer": [
            f"/o/{funder}/{path}"
            for path in (
                "overview", "programmes", "applications", "runs", f"runs/{run.key.id}", "review", "usage",
                "usage?state=refused", charge, claimed, f"runs/{run.key.id}?replay=1",
            )
        ],
    }  # fmt: skip


PUBLIC = ("/support", "/support?who=firm", "/support?who=host", "/notices", "/rules/cn-js/voucher",
          "/rules/cn-gd/voucher", "/rules/cn-ah/host_reward?version=2014")  # fmt: skip


def untold(text: str) -> list[str]:
    """Codes that stand on the page instead of a sentence."""
    return re.findall(r"\((?:pricing|billing|subsidy|rulebook)\.[a-z_.]+\)", text)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_everybody(app: Flask, scene: MoneyScene, run: Any, language: str) -> None:
    for who, paths in addresses(app, scene, run).items():
        client = client_of(app, getattr(scene, who).person_id, language)
        for path in paths:
            text = get(client, path)
            assert not untold(text), (path, untold(text))
    visitor = app.test_client()
    visitor.environ_base["HTTP_ACCEPT_LANGUAGE"] = "zh-CN" if language == "zh" else "en"
    for path in (*PUBLIC, f"/support/{scene.voucher.code}"):
        text = get(visitor, path)
        assert not untold(text), path


def test_the_rulebook_of_the_platform(app: Flask) -> None:
    with app.app_context():
        platform = people.make_platform()
        person = people.make_person(roles=[(platform, Role.PLATFORM_STAFF)])
    text = get(client_of(app, person.id), f"/o/{platform.code}/rulebook")
    assert "苏科机发〔2020〕206号" in text


def test_strangers_find_nothing(app: Flask, scene: MoneyScene, run: Any) -> None:
    with app.app_context():
        firm = people.make_firm()
        stranger = people.make_actor(firm, Role.PAYER)
        funder = people.make_funder()
        other = people.make_actor(funder, Role.REVIEWER)
    paths = addresses(app, scene, run)
    mine = client_of(app, stranger.person_id)
    for path in paths["payer"][1:3] + paths["payer"][4:]:
        get(mine, path.replace(f"/o/{scene.firm.code}/", f"/o/{firm.code}/"), 404)
        get(mine, path, 404)
    theirs = client_of(app, other.person_id)
    for path in paths["reviewer"][4:5] + paths["reviewer"][8:10]:
        get(theirs, path.replace(f"/o/{scene.funder.code}/", f"/o/{funder.code}/"), 404)


def test_a_source_that_is_not_verified_is_shown_as_such(app: Flask) -> None:
    text = get(app.test_client(), "/rules/cn-gd/voucher")
    assert "is-wait" in text


def test_a_tariff_from_the_form_to_force(app: Flask, scene: MoneyScene) -> None:
    page = f"/o/{scene.host.code}/resources/{scene.resource.key.id}/tariff"
    lab = client_of(app, scene.manager.person_id)
    fields = {
        "currency": "CNY", "since": "2026-05-01", "hour.outside": "320.00", "hour.in_house": "160",
        "band0.from": "20:00", "band0.to": "08:00", "band0.name_zh": "夜间", "band0.percent": "75",
        "no_show.consequence": "fee", "no_show.fee.outside": "100", "basis": "成本核算 2026",
        "no_show.times": "0，1、5", "no_show.within_days": "180",
    }  # fmt: skip
    looked = send(lab, f"{page}/edit", f"{page}/edit", action="look", **fields)
    text = looked.get_data(as_text=True)
    assert looked.status_code == 200
    assert "75%" in text
    assert "1,280.00" in text  # two uses of two hours at 320, tried on the past
    assert "同一人 180 天内" in text
    odd = send(lab, f"{page}/edit", f"{page}/edit", action="save", **{**fields, "no_show.times": "0, often"})
    assert odd.status_code == 422 and 'href="#f-no_show.times"' in odd.get_data(as_text=True)
    wrong = send(lab, f"{page}/edit", f"{page}/edit", action="save", **{**fields, "band0.to": "25:00"})
    assert wrong.status_code == 422
    assert 'href="#f-band0.to"' in wrong.get_data(as_text=True)
    assert "夜间" in wrong.get_data(as_text=True)  # what was typed stays
    followed(lab, send(lab, f"{page}/edit", f"{page}/edit", action="submit", **fields))
    with app.app_context():
        (waiting,) = pricing.tariffs_waiting(scene.host.id)
    office = client_of(app, scene.office.person_id)
    approvals = f"/o/{scene.host.code}/approvals"
    assert "320" in get(office, approvals)
    followed(
        office,
        send(
            office,
            f"/o/{scene.host.code}/tariffs/{waiting.key.id}/approve",
            approvals,
            version=waiting.version,
        ),
    )
    with app.app_context():
        assert pricing.tariff_in_force(scene.resource.key, date(2026, 5, 1)).number == waiting.number
        assert pricing.tariff_in_force(scene.resource.key, date(2026, 4, 30)).number == 1
        grows = pricing.tariff_in_force(scene.resource.key, date(2026, 5, 1)).document["no_show"]
        assert (grows["times"], grows["within_days"]) == (["0", "1", "5"], 180)
    assert tariff_form.initial({"no_show": grows})["no_show.times"] == "0, 1, 5"


def test_the_office_records_a_payment(app: Flask, scene: MoneyScene) -> None:
    with app.app_context():
        (statement,) = billing.statements_of_customers(scene.payer)
    page = f"/o/{scene.host.code}/statements/{scene.host.code}/{statement.key.id}"
    office = client_of(app, scene.office.person_id)
    wrong = send(
        office, f"{page}/payments", page, amount="900", again="90", reference="", paid_on="2026-04-10"
    )
    assert wrong.status_code == 422
    right = send(
        office,
        f"{page}/payments",
        page,
        amount="900.00",
        again="900",
        reference="ICBC-1",
        paid_on="2026-04-10",
    )
    assert "ICBC-1" in followed(office, right)
    payer = client_of(app, scene.payer.person_id)
    get(payer, page.replace(f"/o/{scene.host.code}", f"/o/{scene.firm.code}"))


def test_a_statement_on_paper_and_as_a_spreadsheet(app: Flask, scene: MoneyScene) -> None:
    with app.app_context():
        (statement,) = billing.statements_of_customers(scene.payer)
    page = f"/o/{scene.firm.code}/statements/{scene.host.code}/{statement.key.id}"
    payer = client_of(app, scene.payer.person_id)
    first, second = (payer.get(f"{page}/pdf").data for _ in range(2))
    assert first == second
    text = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(first)).pages)
    assert statement.number in text
    assert "900.00" in text
    assert scene.host.name_zh in text.replace(" ", "")
    rows = list(csv.reader(io.StringIO(payer.get(f"{page}/lines.csv").data.decode("utf-8-sig"))))
    assert len(rows) == 3
    assert rows[1][4:7] == ["600.00", "150.00", "450.00"]
    book = openpyxl.load_workbook(io.BytesIO(payer.get(f"{page}/lines.xlsx").data))
    assert book.active.max_row == 3
    assert get(payer, f"{page}/lines.exe", 404)


def test_a_run_by_clicks_and_its_files(app: Flask, scene: MoneyScene) -> None:
    base = f"/o/{scene.funder.code}/runs"
    reviewer, approver = (client_of(app, a.person_id) for a in (scene.reviewer, scene.approver))
    answer = send(
        reviewer, base, base, programme=str(scene.voucher.id), since="2026-03-01", until="2026-04-01"
    )
    page = answer.headers["Location"]
    followed(reviewer, answer)
    followed(reviewer, send(reviewer, f"{page}/sample", page))
    text = get(approver, page)
    position = re.search(rf"{page}/lines/(\d+)", text)[1]  # type: ignore[index]
    # Somebody who may not approve is not shown the button, and is refused when trying.
    assert f"{page}/approve" not in get(reviewer, page)
    assert send(reviewer, f"{page}/approve", page).status_code == 403
    followed(reviewer, send(reviewer, f"{page}/lines/{position}", page, answer="right"))
    followed(approver, send(approver, f"{page}/approve", page))
    followed(approver, send(approver, f"{page}/notice", page))
    with app.app_context():
        (found,) = subsidy.runs(scene.funder.id, by=scene.reviewer)
    assert found.state is RunState.NOTICE
    _check_files(reviewer, page, found)
    _check_notice(app, scene, found)


def _check_files(client: Any, page: str, run: Any) -> None:
    rows = list(csv.reader(io.StringIO(client.get(f"{page}/lines.csv").data.decode("utf-8-sig"))))
    assert len(rows) == run.lines + 1
    assert all("25%" in row[10] for row in rows[1:])  # every line says why
    assert all(row[11] and row[-1] == run.digest for row in rows[1:])
    assert sum(Money.cny(row[8]).minor for row in rows[1:]) == run.amount.minor
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{page}/lines.xlsx").data))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert len(list(book.active.rows)) == run.lines + 1


def _check_notice(app: Flask, scene: MoneyScene, run: Any) -> None:
    visitor = app.test_client()
    page = f"/notices/{scene.funder.code}/{run.key.id}"
    text = get(visitor, page)
    assert scene.host.name_zh in text.replace(" ", "")
    assert str(scene.customer_id) not in text
    followed(visitor, send(visitor, f"{page}/objections", page, text="该仪器当日停机"))
    with app.app_context():
        db.session.rollback()
        (word,) = subsidy.objections(run.key, by=scene.reviewer)
    reviewer = client_of(app, scene.reviewer.person_id)
    bench = f"/o/{scene.funder.code}/runs/{run.key.id}"
    assert "该仪器当日停机" in get(reviewer, bench)
    followed(
        reviewer, send(reviewer, f"{bench}/objections/{word.id}", bench, answer="dismissed", text="有记录")
    )


def test_applying_and_granting_by_clicks(app: Flask) -> None:
    with app.app_context(), clock.fixed(NOW):
        scene = make_money_scene(quota=None)
    page = f"/o/{scene.firm.code}/support"
    payer = client_of(app, scene.payer.person_id)
    wrong = send(payer, f"{page}/{scene.voucher.id}/quota", page, amount="900000")
    assert wrong.status_code == 422
    followed(
        payer, send(payer, f"{page}/{scene.voucher.id}/quota", page, amount="50000", relation="unrelated")
    )
    with app.app_context():
        (asked,) = subsidy.quotas_of_funder(scene.funder.id, waiting=True)
    reviewer = client_of(app, scene.reviewer.person_id)
    bench = f"/o/{scene.funder.code}/applications"
    followed(
        reviewer,
        send(
            reviewer, f"{bench}/{asked.key.id}", bench, answer="grant", amount="40000", version=asked.version
        ),
    )
    assert "40,000.00" in get(payer, page)


def test_a_funder_opens_a_programme_and_enters_what_cannot_be_read(app: Flask, scene: MoneyScene) -> None:
    page = f"/o/{scene.funder.code}/programmes"
    with app.app_context():
        admin = people.make_actor(scene.funder, Role.FUNDER_ADMIN)
    client = client_of(app, admin.person_id)
    followed(client, send(client, page, page, scheme="cn-gd/voucher", code="gd-voucher"))
    with app.app_context():
        made = subsidy.programme_of_code("gd-voucher")
    followed(client, send(client, f"{page}/{made.id}/budget", page, amount="5000", year="2026"))
    followed(client, send(client, f"{page}/{made.id}/entered", page, name="cap_per_year", value="300000"))
    followed(client, send(client, f"{page}/{made.id}/state", page))
    with app.app_context():
        assert subsidy.programme(made.id).settings["entered"] == {"cap_per_year": "300000"}
