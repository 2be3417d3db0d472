"""Pages of the catalogue through HTTP: who sees what, and the way of a listing by clicks."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.catalogue import service
from resource_hub.domain.catalogue.terms import ImportState, ListingState, ResourceKind
from tests.builders import accounts as people
from tests.builders.catalogue import make_listing

pytestmark = pytest.mark.any_engine

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


@pytest.fixture
def world(app: Flask) -> dict[str, Any]:
    with app.app_context():
        host = people.make_institution(
            code="ustc", name_zh="中国科学技术大学", name_en="USTC", latitude=31.8, longitude=117.2
        )
        other = people.make_institution(code="sjtu")
        return {
            "host": host,
            "office": people.make_person(roles=[(host, Role.OFFICE)]),
            "manager": people.make_person(roles=[(host, Role.MANAGER)]),
            "stranger": people.make_person(roles=[(other, Role.OFFICE)]),
            "public": make_listing(host, code="SEM-01", units=2),
            "draft": make_listing(host, code="TEM-01", public=False, name_zh="透射电镜"),
            "data": make_listing(
                host, code="DATA-1", kind=ResourceKind.DATASET, name_zh="大气数据集", name_en="Air data",
                class_code="", details={"identifier": "10.1/x", "creator": "X", "publisher": "USTC",
                                        "publication_year": "2024", "resource_type": "Dataset"},
            ),
        }  # fmt: skip


def signed_in(app: Flask, person: Any) -> Any:
    client = app.test_client()
    with app.app_context():
        people.sign_in(client, person)
    return client


def send(client: Any, address: str, page: str | None = None, **fields: Any) -> Any:
    """Post a form with the token of its page."""
    text = client.get(page or address).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', text)
    return client.post(address, data={"csrf_token": token[1] if token else "", **fields})


def test_everybody_finds_and_reads(app: Flask, world: dict[str, Any]) -> None:
    client = app.test_client()
    page = client.get("/search?q=扫描电子").get_data(as_text=True)
    assert "场发射扫描电子显微镜" in page and "透射电镜" not in page
    for language, word in (("zh", "自主上机"), ("en", "self-use")):
        text = client.get("/hosts/ustc/resources/SEM-01", headers={"Accept-Language": language}).get_data(
            as_text=True
        )
        assert word in text
    assert client.get(f"/hosts/ustc/resources/{world['public'].key.id}").status_code == 302
    assert client.get("/hosts/ustc/resources/TEM-01").status_code == 404
    assert client.get("/hosts/sjtu/resources/SEM-01").status_code == 404
    assert "DataCite" not in client.get("/hosts/ustc/resources/DATA-1").get_data(as_text=True)
    assert client.get("/hosts/ustc").status_code == 200
    assert client.get("/hosts/nobody").status_code == 404
    for odd in (
        "?after=rubbish",
        "?kind=rubbish&mode=x&class=01'--",
        "?q=%00",
        "?near=" + "x" * 500,
        "?order=distance",
    ):
        assert client.get("/search" + odd).status_code == 200


def test_strangers_stay_out(app: Flask, world: dict[str, Any]) -> None:
    stranger, manager = signed_in(app, world["stranger"]), signed_in(app, world["manager"])
    own = world["draft"].key.id
    for path in ("resources", f"resources/{own}", f"resources/{own}/edit", "approvals", "import"):
        assert stranger.get(f"/o/ustc/{path}").status_code == 404
        assert app.test_client().get(f"/o/ustc/{path}").status_code == 302
    assert stranger.get(f"/o/sjtu/resources/{own}").status_code == 404
    assert manager.get("/o/ustc/approvals").status_code == 403


def test_from_form_to_public(app: Flask, world: dict[str, Any]) -> None:
    manager, office = signed_in(app, world["manager"]), signed_in(app, world["office"])
    assert manager.get("/o/ustc/resources").status_code == 200
    assert manager.get("/o/ustc/resources/new").status_code == 200
    new = "/o/ustc/resources/new?kind=instrument"
    fields = {
        "kind": "instrument", "code": "XRD-9", "name_zh": "X射线衍射仪", "units": "1", "currency": "CNY",
        "original_value": "12,800.50", "specification": "管压: 40 kV\n管流：40 mA", "bookable": "1",
    }  # fmt: skip
    bad = send(manager, "/o/ustc/resources/new", new, **{**fields, "original_value": "-5", "code": "a/b"})
    assert bad.status_code == 422
    answer = send(manager, "/o/ustc/resources/new", new, **fields)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    page = answer.location
    edit = page + "/edit"
    text = manager.get(page).get_data(as_text=True)
    assert "XRD-9" in text
    version = re.search(r'name="version" value="(\d+)"', manager.get(edit).get_data(as_text=True))[1]
    more = {
        **fields, "version": version, "class_code": "0103", "modes": ["send_in"], "city": "合肥",
        "contact_name": "李老师", "photo": (io.BytesIO(PNG), "../../evil.svg"),
    }  # fmt: skip
    assert send(manager, edit, **more).status_code == 303
    stale = send(manager, edit, **{**more, "photo": (io.BytesIO(b""), "")})
    assert stale.status_code == 412
    assert send(manager, page + "/submit", page, note="请审").status_code == 303
    approvals = office.get("/o/ustc/approvals").get_data(as_text=True)
    assert "X射线衍射仪" in approvals and "管压" in approvals
    approve = re.search(r'action="(/o/ustc/approvals/[^"]+/approve)"', approvals)[1]
    refuse = approve.replace("/approve", "/refuse")
    assert send(office, refuse, "/o/ustc/approvals", note="").status_code == 422
    assert send(office, approve, "/o/ustc/approvals").status_code == 303
    public = app.test_client().get("/hosts/ustc/resources/XRD-9").get_data(as_text=True)
    assert "12,800.50" in public and "40 mA" in public
    photo = app.test_client().get(re.search(r'src="(/hosts/ustc/photos/[^"]+)"', public)[1])
    assert photo.mimetype == "image/png" and photo.headers["X-Content-Type-Options"] == "nosniff"
    assert send(manager, page + "/withdraw", page, note="搬迁").status_code == 303
    assert app.test_client().get("/hosts/ustc/resources/XRD-9").status_code == 404
    with app.app_context():
        assert service.resource_of("ustc", "XRD-9").state is ListingState.WITHDRAWN


def test_hostile_photos(app: Flask, world: dict[str, Any]) -> None:
    manager = signed_in(app, world["manager"])
    edit = f"/o/ustc/resources/{world['draft'].key.id}/edit"
    huge = bytearray(PNG)
    huge[16:24] = b"\x00\x01\x00\x00" * 2
    for body, name in (
        (b"<svg onload=alert(1)>", "x.svg"),
        (b"<html>", "x.png"),
        (b"GIF89a" + b"\0" * 50, "x.gif"),
        (bytes(huge), "x.png"),
        (b"\x89PNG\r\n\x1a\n", "x.png"),
    ):
        answer = send(manager, edit, name_zh="透射电镜", photo=(io.BytesIO(body), name))
        assert answer.status_code == 422, name


def test_copy_settings(app: Flask, world: dict[str, Any]) -> None:
    manager = signed_in(app, world["manager"])
    page = f"/o/ustc/resources/{world['public'].key.id}/copy"
    assert manager.get(page).status_code == 200
    chosen = f"?groups=rules&groups=openness&targets={world['draft'].key.id}"
    assert manager.get(page + chosen).status_code == 200


def test_import_by_clicks(app: Flask, world: dict[str, Any]) -> None:
    office = signed_in(app, world["office"])
    sheet = "设备编号*,设备名称*,价格,所属实训室*\nA1,离心机,12.50,一室\nA2,冰箱,-3,一室\nSEM-01,改名,1,\n"
    answer = send(office, "/o/ustc/import", file=(io.BytesIO(sheet.encode("gb18030")), "设备.csv"))
    assert answer.status_code == 303
    page = answer.location
    text = office.get(page).get_data(as_text=True)
    assert "GB18030" in text and "离心机" in text
    version = re.search(r'name="version" value="(\d+)"', text)[1]
    columns = {"column-0": "code", "column-1": "name", "column-2": "original_value", "column-3": "department"}
    looked = send(
        office, page, **columns, version=version, kind="instrument", make_departments="1", save_as="资产处"
    )
    assert looked.status_code == 303
    text = office.get(page).get_data(as_text=True)
    assert "is-wrong" in text and "/go" not in text  # a bad row, and nobody asked for the others
    version = re.search(r'name="version" value="(\d+)"', text)[1]
    send(office, page, **columns, version=version, kind="instrument", make_departments="1", partial="1")
    text = office.get(page).get_data(as_text=True)
    version = re.search(r'/go"[^§]*?name="version" value="(\d+)"', text)[1]
    assert send(office, page + "/go", page, version=version).status_code == 303
    with app.app_context():
        from resource_hub.entrypoints.jobs import catalogue as jobs

        assert jobs.run_imports(None).done == 1
        run = service.imports_at_work()
        assert run == []
    text = office.get(page).get_data(as_text=True)
    with app.app_context():
        actor = people.actor(world["office"], world["host"])
        record = service.import_runs(actor)[0]
        assert record.state is ImportState.DONE
        assert (record.created, record.updated, record.refused) == (1, 1, 1)
        assert (
            service.resource_of("ustc", "SEM-01").name_zh != "改名"
        )  # a change for the office, not the listing
    report = office.get(page + "/report.csv").get_data(as_text=True)
    assert report.count("\n") == 2 and "-3" in report
    broken = send(office, "/o/ustc/import", file=(io.BytesIO(b"PK\x03\x04rubbish"), "x.xlsx"))
    assert office.get(broken.location).status_code == 200
