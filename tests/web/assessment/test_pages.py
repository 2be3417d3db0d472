"""Pages of the year and its tables: they open, in both languages, for those who may see them, and agree."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.rules.periods import calendar_year, school_year
from resource_hub.infra import clock
from tests.builders import accounts as build
from tests.builders.assessment import HOUR, seed_charge, seed_instrument, seed_use

pytestmark = pytest.mark.any_engine

NOW = datetime(2026, 1, 3, 2, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _time():
    with clock.fixed(NOW):
        yield


@pytest.fixture
def world(app: Any) -> dict[str, Any]:
    with app.app_context():
        host, firm = (
            build.make_institution(code="ustc", uscc=None),
            build.make_firm(name_zh='=HYPERLINK("x")科技'),
        )
        customer, group = build.customer_of(firm), build.make_group(host)
        lab = build.make_department(host)
        sem = seed_instrument(host, "SEM", department_id=lab.id, model="Quanta", name_zh="=1+1 扫描电镜")
        xrd = seed_instrument(host, "XRD", accepted_on=None, value="499999")
        for month in range(1, 13):
            seed_use(
                host, sem, customer.id, datetime(2025, month, 3, 1, tzinfo=UTC), 3 * HOUR + month, samples=2
            )
            seed_use(
                host, sem, group.id, datetime(2025, month, 4, 12, 30, tzinfo=UTC), 5 * HOUR,
                customer_class="own_group", grade="B", purpose="teaching",
            )  # fmt: skip
        seed_charge(host, sem, customer.id, date(2025, 3, 5), "3000.50")
        seed_charge(host, sem, group.id, date(2025, 3, 5), "100", "own_group")
        return {
            "host": host, "sem": sem, "xrd": xrd, "customer": customer,
            "office": build.make_person(roles=[(host, Role.OFFICE)]),
            "manager": build.make_person(roles=[(host, Role.MANAGER, {"department_id": lab.id})]),
            "operator": build.make_person(roles=[(host, Role.OPERATOR)]),
            "stranger": build.make_person(roles=[(build.make_institution(code="pku"), Role.OFFICE)]),
        }  # fmt: skip


def visitor(app: Any, world: dict[str, Any], who: str, language: str = "zh") -> Any:
    client = app.test_client()
    with app.app_context():
        build.sign_in(client, world[who])
    with client.session_transaction() as session:
        session["language"] = language
    return client


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_open(app: Any, world: dict[str, Any], language: str) -> None:
    client, sem, xrd = visitor(app, world, "office", language), world["sem"], world["xrd"]
    with app.app_context():
        by = build.actor(world["office"], world["host"])
        kept = service.freeze(world["host"].id, school_year(2024), by=by)
        codes = [
            f"/o/ustc/year/figures/{c}?period=2025"
            for c in service.year(world["host"].id, calendar_year(2025), by=by).figures()
        ]
        codes += [
            f"/o/ustc/year/{sem}/figures/{c}?period=2024-2025"
            for c in service.indicators(world["host"].id, sem, school_year(2024), by=by)
        ]
    pages = [
        "/o/ustc/year", "/o/ustc/year?period=2025", "/o/ustc/year?period=2024-2025", "/o/ustc/year?period=2031",
        f"/o/ustc/year/{sem}", f"/o/ustc/year/{sem}?period=2025", f"/o/ustc/year/{sem}?period=2024-2025",
        f"/o/ustc/year/{xrd}?period=2025", f"/o/ustc/year/{sem}/inputs?period=2024-2025", "/o/ustc/reports",
        "/o/ustc/reports?period=2025", f"/o/ustc/year/kept/{kept.id}", "/o/ustc/year/watch/idle?period=2025",
        "/o/ustc/year/watch/below_half_rated?period=2025", *codes,
    ]  # fmt: skip
    wrong = []
    for path in pages:
        answer = client.get(path)
        if answer.status_code != 200 or "X-Untranslated" in answer.headers:
            wrong.append((path, answer.status_code, answer.headers.get("X-Untranslated")))
    assert wrong == []


def test_who_may_enter(app: Any, world: dict[str, Any]) -> None:
    sem, xrd = world["sem"], world["xrd"]

    def status(who: str, path: str) -> int:
        return visitor(app, world, who).get(path).status_code

    assert status("manager", f"/o/ustc/year/{sem}?period=2025") == 200
    assert status("manager", f"/o/ustc/year/{xrd}?period=2025") == 404  # another laboratory's
    assert status("manager", "/o/ustc/year") == 403
    assert status("manager", "/o/ustc/reports/sj3.csv?period=2025") == 403
    assert status("operator", f"/o/ustc/year/{sem}") == 403
    assert status("stranger", "/o/ustc/year") == 404
    assert status("stranger", f"/o/pku/year/{sem}?period=2025") == 404
    assert app.test_client().get("/o/ustc/year").status_code == 302


@pytest.mark.parametrize("period", ["x", "20256", "2025-2027", "-1"])
def test_no_such_year_says_how_to_write_one(app: Any, world: dict[str, Any], period: str) -> None:
    answer = visitor(app, world, "office", "en").get(f"/o/ustc/year?period={period}")
    assert answer.status_code == 422
    assert "2024-2025" in answer.text


def test_one_value_on_page_figure_proof_export_and_api(app: Any, world: dict[str, Any]) -> None:
    client, sem = visitor(app, world, "office", "en"), world["sem"]
    seconds = 12 * 8 * HOUR + sum(range(1, 13))
    written = f"{seconds // 3600}:{seconds % 3600 // 60:02d}"
    assert f">{written}<" in client.get(f"/o/ustc/year/{sem}?period=2025").text
    assert written in client.get("/o/ustc/year?period=2025").text
    figure = client.get(f"/o/ustc/year/{sem}/figures/hours.effective?period=2025").text
    assert written in figure
    assert re.search(r"/hosts/ustc/sessions/[0-9a-f-]{36}", figure)
    proof = client.get(f"/o/ustc/year/figures/hours.effective/proof.csv?period=2025&resource={sem}").text
    rows = list(csv.DictReader(io.StringIO(proof.lstrip("\ufeff"))))
    assert sum(int(row["counted_seconds"]) for row in rows) == seconds
    table = client.get("/o/ustc/reports/instruments.csv?period=2025").text
    [row] = [r for r in csv.DictReader(io.StringIO(table.lstrip("\ufeff"))) if r["code"] == "SEM"]
    assert int(row["hours.effective_seconds"]) == seconds
    with app.app_context():
        headers = build.bearer(world["office"], world["host"])
    answer = (
        app.test_client()
        .get(f"/api/v1/hosts/ustc/resources/{sem}/figures?period=2025", headers=headers)
        .get_json()
    )
    [api] = [f for f in answer["figures"] if f["code"] == "hours.effective"]
    assert api["low"] == {"shown": str(seconds), "exact": str(seconds)}
    assert api["state"] == "exact"


def test_api_figures_of_the_institution(app: Any, world: dict[str, Any]) -> None:
    with app.app_context():
        headers = build.bearer(world["office"], world["host"])
        manager = build.bearer(world["manager"], world["host"])
    client = app.test_client()
    answer = client.get("/api/v1/hosts/ustc/figures?period=2025", headers=headers)
    assert answer.status_code == 200
    by_code = {f["code"]: f for f in answer.get_json()["figures"]}
    assert by_code["national.total"]["state"] == "unknown"
    assert by_code["national.total"]["low"] is None
    assert by_code["ratio.opening"]["verified"] is False
    assert client.get("/api/v1/hosts/pku/figures", headers=headers).status_code == 404
    assert client.get("/api/v1/hosts/ustc/figures?period=nonsense", headers=headers).status_code == 422
    assert client.get("/api/v1/hosts/ustc/figures", headers=manager).status_code == 403
    assert client.get("/api/v1/hosts/ustc/figures").status_code == 401


@pytest.mark.parametrize("name", ["figures", "instruments", "sj3", "nrii", "booked-used"])
def test_exports_as_csv_and_xlsx_say_the_same_and_run_no_formula(
    app: Any, world: dict[str, Any], name: str
) -> None:
    import zipfile

    from python_calamine import CalamineWorkbook

    client = visitor(app, world, "office", "en")
    text = client.get(f"/o/ustc/reports/{name}.csv?period=2025").text
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    assert len(rows) >= 2
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "@")]
    body = client.get(f"/o/ustc/reports/{name}.xlsx?period=2025").data
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python()
    assert [str(c) for c in sheet[0]] == rows[0]
    assert len(sheet) == len(rows)
    with zipfile.ZipFile(io.BytesIO(body)) as unpacked:
        assert b"<f>" not in unpacked.read("xl/worksheets/sheet1.xml")


def test_the_ministrys_table(app: Any, world: dict[str, Any]) -> None:
    client = visitor(app, world, "office")
    text = client.get("/o/ustc/reports/sj3.csv?period=2025").text
    first, second = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    assert [first["仪器编号"], second["仪器编号"]] == ["SEM", "XRD"]
    # 12 × 5 h of teaching; 12 × 3 h and 78 s of research by a firm, in whole hours.
    assert [first[f"使用机时:{k}"] for k in ("教学", "科研", "社会服务", "其中开放使用机时")] == [
        "60",
        "36",
        "0",
        "36",
    ]
    assert first["测样数"] == "24"


def test_entering_figures_of_the_year(app: Any, world: dict[str, Any]) -> None:
    client, sem = visitor(app, world, "manager", "en"), world["sem"]
    address = f"/o/ustc/year/{sem}/inputs?period=2024-2025"
    page = client.get(address).text
    assert 'name="operators"' in page
    sent = {
        "operators": "3",
        "assisted": "",
        "rated_class": "mechanical",
        "version": "0",
        "note": "培训记录 2025-01",
    }
    assert client.post(address, data=sent).status_code == 303
    again = client.get(address).text
    assert 'value="3"' in again
    assert "培训记录 2025-01" in again
    # A stale form shows both and keeps what was typed.
    stale = client.post(address, data={**sent, "operators": "9"})
    assert stale.status_code == 412
    assert 'value="9"' in stale.text
    # What cannot be is said at the field; nothing is half-saved.
    wrong = client.post(address, data={**sent, "version": "1", "operators": "-2", "shown": "many"})
    assert wrong.status_code == 422
    assert "e-operators" in wrong.text
    assert "e-shown" in wrong.text
    with app.app_context():
        by = build.actor(world["office"], world["host"])
        from resource_hub.kernel.keys import HostKey

        standing = service.instrument_year(
            HostKey(world["host"].id, sem), school_year(2024), by=by
        ).facts.inputs
    assert standing.version == 1
    assert standing.values == {"operators": 3}


def test_rate_and_keeping(app: Any, world: dict[str, Any]) -> None:
    client = visitor(app, world, "office", "en")
    client.post(
        "/o/ustc/year/rate?period=2024-2025", data={"internal_rate": "2.5", "version": "0", "note": ""}
    )
    assert 'value="2.5"' in client.get("/o/ustc/year?period=2024-2025").text
    refused = client.post(
        "/o/ustc/year/rate?period=2024-2025",
        data={"internal_rate": "-1", "version": "1"},
        follow_redirects=True,
    )
    assert "below zero" in refused.text
    answer = client.post("/o/ustc/year/freeze?period=2024-2025", follow_redirects=True)
    assert "everything agrees" in answer.text
    name = re.search(r"/o/ustc/year/kept/([0-9a-f-]{36})\.json", answer.text)
    assert name is not None
    body = client.get(name[0]).data
    import json

    from resource_hub.kernel.canonical import canonical_bytes, digest

    assert canonical_bytes(json.loads(body)) == body
    assert digest(body).hex() in answer.text
    running = client.post("/o/ustc/year/freeze?period=2025-2026")
    assert running.status_code == 409
