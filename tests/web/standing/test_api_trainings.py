"""Trainings over the REST interface: added, confirmed once, listed in pages, taken back, closed to others."""

from __future__ import annotations

import threading
from typing import Any

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.errors import BadInput
from resource_hub.infra import clock
from resource_hub.infra.database import db
from tests.builders import accounts as people
from tests.support.door import NOW, Door, World, make_world, other_host, world
from tests.web.booking.test_api import codes

__all__ = ["make_world", "other_host", "world"]
SEM = {"code": "sem-basic", "name": {"zh": "扫描电镜培训"}, "valid_months": 12}


def at(world: World, rest: str = "trainings") -> str:
    return f"/hosts/{world.scene.host.code}/{rest}"


def add(world: World, **changes: Any) -> Any:
    return world.manager("POST", at(world, "training-types"), 201, json={**SEM, **changes}).json


def granted(world: World, kind: Any, status: int = 201, *, headers: Any = None, **changes: Any) -> Any:
    body = {"type_id": kind["id"], "email": world.scene.booker_person.email, "since": "2026-03-02", **changes}
    return world.manager("POST", at(world), status, json=body, headers=headers)


def test_from_adding_a_training_to_taking_it_back(world: World) -> None:
    key = {"Idempotency-Key": "kind"}
    kind = world.manager("POST", at(world, "training-types"), 201, json=SEM, headers=key).json
    assert (kind["name"], kind["valid_months"]) == ({"zh": "扫描电镜培训", "en": "扫描电镜培训"}, 12)
    assert world.manager("POST", at(world, "training-types"), 201, json=SEM, headers=key).json == kind
    again = world.manager("POST", at(world, "training-types"), 422, json=SEM)
    assert codes(again) == ["accounts.training_exists"] and again.json["reasons"][0]["remedy"]
    assert world.manager("GET", at(world, "training-types"), 200).json["items"] == [kind]
    key = {"Idempotency-Key": "grant"}
    made = granted(world, kind, headers=key)
    assert granted(world, kind, headers=key).json == made.json
    assert codes(granted(world, kind, 409, headers=key, note="x")) == ["key_reused"]
    assert (made.json["until"], made.json["holds"], made.json["type"]) == ("2027-03-02", True, kind)
    assert made.json["person_name"] == world.scene.booker_person.name
    one = f"{at(world)}/{made.json['id']}"
    assert world.manager("GET", one, 200).headers["ETag"] == made.headers["ETag"]
    assert world.booker("GET", "/me/trainings", 200).json["items"] == [made.json]
    assert world.stranger("GET", "/me/trainings", 200).json["items"] == []
    reason, tag = {"reason": "违规操作"}, {"If-Match": made.headers["ETag"]}
    world.manager("POST", f"{one}/withdrawal", 428, json=reason)
    world.manager("POST", f"{one}/withdrawal", 422, json={"reason": ""}, headers=tag)
    gone = world.manager("POST", f"{one}/withdrawal", 200, json=reason, headers=tag).json
    assert (gone["holds"], gone["revoke_reason"], gone["revoked_at"]) == (
        False,
        "违规操作",
        "2026-03-02T00:00:00Z",
    )
    stale = world.manager("POST", f"{one}/withdrawal", 412, json=reason, headers={"If-Match": "*"})
    assert codes(stale) == ["accounts.training_changed"] and stale.json["reasons"][0]["remedy"]
    assert world.manager("GET", at(world), 200).json["items"] == [gone]


def test_what_is_refused(world: World) -> None:
    for bad in ({"code": "扫描"}, {"name": {"zh": ""}}, {"valid_months": 241}, {"code": ""}, {"name": "SEM"}):
        assert world.manager("POST", at(world, "training-types"), 422, json={**SEM, **bad}).json["reasons"]
    kind = add(world)
    for changes, code in (
        ({"email": "nobody@example.org"}, "accounts.training_nobody"),
        ({"email": world.scene.manager_person.email}, "accounts.training_own"),
        ({"since": "2026-03-03"}, "accounts.training_future"),
        ({"until": "2026-03-02"}, "accounts.training_until"),
    ):
        answer = granted(world, kind, 422, **changes)
        assert codes(answer) == [code] and answer.json["reasons"][0]["remedy"]
    assert codes(granted(world, {"id": "01980000-0000-7000-8000-000000000000"}, 404)) == [
        "accounts.unknown_training"
    ]
    granted(world, kind, 422, email="no address")
    assert codes(world.manager("GET", f"{at(world)}?after=x", 422)) == ["cursor.unreadable"]


def test_lists_come_in_pages(world: World) -> None:
    kinds = [add(world, code=f"t-{n}") for n in (3, 1, 2)]
    found, after = [], ""
    while after is not None:
        page = world.manager("GET", f"{at(world, 'training-types')}?limit=2{after}", 200).json
        found += [one["code"] for one in page["items"]]
        after = f"&after={page['next']}" if page["next"] else None
    assert found == ["t-1", "t-2", "t-3"]
    made = {granted(world, kinds[n % 2], note=str(n)).json["id"] for n in range(5)}
    for door, path in ((world.manager, at(world)), (world.booker, "/me/trainings")):
        seen, after = [], ""
        while after is not None:
            page = door("GET", f"{path}?limit=2{after}", 200).json
            seen += [one["id"] for one in page["items"]]
            after = f"&after={page['next']}" if page["next"] else None
        assert len(seen) == 5 and set(seen) == made
    only = world.manager("GET", f"{at(world)}?type_id={kinds[1]['id']}", 200).json["items"]
    assert {one["note"] for one in only} == {"1", "3"}


def test_others_do_not_come_in(world: World, other_host: Door) -> None:
    kind = add(world)
    one = f"{at(world)}/{granted(world, kind).json['id']}"
    body = {"type_id": kind["id"], "email": world.scene.booker_person.email, "since": "2026-03-02"}
    for door, status in ((world.booker, 403), (world.visitor, 401), (other_host, 404)):
        for path in (at(world, "training-types"), at(world), one):
            door("GET", path, status)
        door("POST", at(world, "training-types"), status, json=SEM)
        door("POST", at(world), status, json=body)
        door("POST", f"{one}/withdrawal", status, json={"reason": "x"}, headers={"If-Match": "*"})
    world.visitor("GET", "/me/trainings", 401)
    assert len(world.manager("GET", at(world), 200).json["items"]) == 1


def test_two_add_the_same_training_at_the_same_moment(world: World) -> None:
    gate, said = threading.Barrier(2), []

    def run() -> None:
        with world.app.app_context(), clock.fixed(NOW):
            gate.wait()
            try:
                accounts.add_training_type(code="sem", name_zh="扫描电镜培训", by=world.scene.manager)
                said.append("added")
            except BadInput as error:
                said.extend(reason.code for reason in error.reasons)
            db.session.remove()

    both = [threading.Thread(target=run) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(said) == ["accounts.training_exists", "added"]


def test_a_training_of_another_host_is_not_there(world: World) -> None:
    with world.app.app_context(), clock.fixed(NOW):
        host = people.make_institution()
        theirs = accounts.add_training_type(
            code="x", name_zh="X", by=people.make_actor(host, accounts.TRAINS[0])
        )
    assert codes(granted(world, {"id": str(theirs.key.id)}, 404)) == ["accounts.unknown_training"]
