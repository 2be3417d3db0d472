"""Trainings on the pages: added, confirmed and revoked by the laboratory, read by the person, closed to others."""

from __future__ import annotations

from typing import Any

from resource_hub.domain.accounts import service as accounts
from tests.builders.booking import make_scene
from tests.support.pages import signed_in


def test_from_adding_a_training_to_revoking_it(app: Any, scene: Any, manager: Any, in_context: Any) -> None:
    client, send = manager
    page = f"/o/{scene.host.code}/trainings"
    bad = send(page, f"{page}/types", code="扫描", name_zh="扫描电镜培训")
    assert bad.status_code == 422 and 'id="e-code"' in bad.text
    assert (
        send(page, f"{page}/types", code="sem", name_zh="扫描电镜培训", valid_months="12").status_code == 303
    )
    (kind,) = in_context(lambda: accounts.training_types(scene.host.id))
    fields = {"type": str(kind.key.id), "since": "2026-03-02"}
    nobody = send(page, page, email="nobody@example.org", **fields)
    assert nobody.status_code == 422 and 'id="e-email"' in nobody.text
    assert send(page, page, email=scene.booker_person.email, **fields).status_code == 303
    booker, _send = signed_in(app, scene.booker_person)
    assert "扫描电镜培训" in booker.get("/me/standing").text
    (found,) = in_context(lambda: accounts.trainings_of(scene.booker_person.id))
    target = f"{page}/{found.key.id}/revoke"
    assert send(page, target, reason=" ", version="1").status_code == 422
    assert send(page, target, reason="违规操作", version="1").status_code == 303
    assert "违规操作" in booker.get("/me/standing").text
    assert "违规操作" in client.get(page).text


def test_another_host_reaches_nothing(app: Any, scene: Any, manager: Any, in_context: Any) -> None:
    _client, send = manager
    page = f"/o/{scene.host.code}/trainings"
    send(page, f"{page}/types", code="sem", name_zh="扫描电镜培训")
    (kind,) = in_context(lambda: accounts.training_types(scene.host.id))
    send(page, page, email=scene.booker_person.email, type=str(kind.key.id), since="2026-03-02")
    (found,) = in_context(lambda: accounts.trainings_of(scene.booker_person.id))
    other = in_context(make_scene)
    theirs, their_send = signed_in(app, other.manager_person)
    assert theirs.get(page).status_code in (403, 404)
    own = f"/o/{other.host.code}/trainings"
    assert "扫描电镜培训" not in theirs.get(own).text
    assert their_send(own, f"{own}/{found.key.id}/revoke", reason="x").status_code == 404
    booker, _ = signed_in(app, scene.booker_person)
    assert booker.get(page).status_code in (403, 404)
