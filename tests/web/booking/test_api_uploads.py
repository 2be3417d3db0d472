"""Results and documents handed in over the REST interface: the limits of the pages, checksums, keys that count once."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from resource_hub.adapters.file_store import FileStore
from resource_hub.domain.booking import service
from resource_hub.entrypoints.api.writing import once
from resource_hub.entrypoints.jobs import JobContext
from resource_hub.entrypoints.jobs import results as jobs
from resource_hub.entrypoints.support import uploads
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.tables import IdempotencyKey, StoredFile
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders.availability import moment
from tests.support.door import Door, World
from tests.web.booking.test_api import book, codes

DATA, MORE = b"<html><script>alert(1)</script>", b"second"
PDF = b"%PDF-1.7 hello"
PNG_BOMB = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01\x00\x00\x00\x01\x00\x00\x08\x06\x00\x00\x00"
AT = moment("2026-03-03T12:00+08:00")


def part(data: bytes, name: str) -> tuple[bytes, str]:
    return (data, name)


def form_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as the client sends them; a stream is read once, so each sending has its own."""

    def sent(value: Any) -> Any:
        if isinstance(value, list):
            return [sent(one) for one in value]
        return (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value

    return {name: sent(value) for name, value in fields.items()}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def used(world: World) -> str:
    """The id of an order that was used and may get results."""
    made = book(world)
    with world.app.app_context(), clock.fixed(AT), unit_of_work() as unit:
        key = HostKey(world.scene.host.id, UUID(made["id"]))
        service.started(unit, key)
        service.finished(unit, key, unit.now)
    return str(made["id"])


def deliver(world: World, order: str, status: int = 201, *, door: Door | None = None, **fields: Any) -> Any:
    form = {"expires_on": "2026-03-20", "results": [part(DATA, "图谱.html")], **fields}
    headers = form.pop("headers", None)
    path = f"{world.one(order)}/results"
    return (door or world.manager)(
        "POST", path, status, data=form_of(form), headers=headers, content_type="multipart/form-data"
    )


def attach(world: World, order: str, status: int = 201, *, door: Door | None = None, **fields: Any) -> Any:
    form = {"document": part(PDF, "方案.pdf"), **fields}
    headers = form.pop("headers", None)
    path = f"{world.one(order)}/files"
    return (door or world.booker)(
        "POST", path, status, data=form_of(form), headers=headers, content_type="multipart/form-data"
    )


# ---- results ---------------------------------------------------------------------------------------------------


def test_results_are_delivered_and_fetched(world: World, used: str) -> None:
    files = [part(DATA, "../图谱.html"), part(MORE, "b.txt")]
    made = deliver(world, used, results=files, sha256=[sha(DATA), sha(MORE).upper()]).json["items"]
    assert {(one["name"], one["sha256"], one["expires_on"]) for one in made} == {
        ("图谱.html", sha(DATA), "2026-03-20"),
        ("b.txt", sha(MORE), "2026-03-20"),
    }
    (first,) = [one for one in made if one["name"] == "图谱.html"]
    got = world.booker("POST", f"{world.one(used)}/results/{first['id']}/downloads", 200)
    assert got.data == DATA and got.headers["Content-Disposition"].startswith("attachment")


def test_a_key_counts_once_whatever_the_boundaries(world: World, used: str) -> None:
    headers = {"Idempotency-Key": "results-1"}
    first = deliver(world, used, headers=headers).json
    assert deliver(world, used, headers=headers).json == first
    assert len(world.manager("GET", f"{world.one(used)}/results", 200).json["items"]) == 1
    for other in ({"expires_on": "2026-03-21"}, {"results": [part(MORE, "图谱.html")]}):
        assert codes(deliver(world, used, 409, headers=headers, **other)) == ["key_reused"]
    assert len(world.manager("GET", f"{world.one(used)}/results", 200).json["items"]) == 1


def test_what_was_erased_does_not_come_back_with_a_repetition(world: World, used: str) -> None:
    """The answer says that it was erased, and no byte is written."""
    headers, store = (
        {"Idempotency-Key": "results-1"},
        FileStore(world.app.extensions["resource_hub_settings"].files_dir),
    )
    digest = bytes.fromhex(sha(DATA))
    (made,) = deliver(world, used, headers=headers).json["items"]
    ending, seen = f"{world.one(used)}/results/{made['id']}/end", {"If-Match": "*"}
    world.manager("POST", ending, 200, json={"reason": "误传"}, headers=seen)
    (ended,) = deliver(world, used, headers=headers).json["items"]
    assert (ended["id"], ended["available"], ended["reason"]) == (made["id"], False, "误传")
    os.utime(store.path(digest), (1, 1))
    with world.app.app_context():
        jobs.end(JobContext("booking.end_results", clock.machine_now()))
    assert not store.has(digest)
    (erased,) = deliver(world, used, headers=headers).json["items"]
    assert erased["id"] == made["id"] and not erased["available"] and erased["deleted_at"]
    assert not store.has(digest) and list(store.folder.rglob(".arriving-*")) == []
    # What is not the same is told so, and leaves nothing either.
    assert codes(deliver(world, used, 409, headers=headers, results=[part(MORE, "b.txt")])) == ["key_reused"]
    assert not store.has(bytes.fromhex(sha(MORE)))
    # Delivered anew it is there again.
    deliver(world, used, headers={"Idempotency-Key": "results-2"})
    assert store.has(digest)


@pytest.mark.parametrize(
    ("fields", "place", "code"),
    [
        ({"results": []}, "/results", "invalid"),
        ({"results": [part(b"x", f"{n}.txt") for n in range(21)]}, "/results", "invalid"),
        ({"results": [part(b"", "empty.txt")]}, "results", "upload.empty"),
        ({"results": ["no file"]}, "/results/0", "upload.no_file"),
        ({"expires_on": ""}, "/expires_on", "invalid"),
        ({"expires_on": "2026-03-01"}, "expires_on", "booking.result_past"),
        ({"expires_on": "2039-03-01"}, "expires_on", "booking.result_too_long"),
        ({"sha256": [sha(MORE)]}, "sha256/0", "upload.checksum"),
        ({"sha256": [sha(DATA), sha(MORE)]}, "sha256", "upload.checksum_shape"),
        ({"sha256": ["short"]}, "/sha256/0", "invalid"),
        ({"surprise": "1"}, "/surprise", "invalid"),
    ],
)
def test_what_is_not_delivered_says_why(
    world: World, used: str, fields: dict[str, Any], place: str, code: str
) -> None:
    answer = deliver(world, used, 422, **fields)
    assert [(one["place"], one["code"]) for one in answer.json["reasons"]] == [(place, code)]
    assert world.manager("GET", f"{world.one(used)}/results", 200).json["items"] == []


def test_results_come_from_the_host_only_and_when_there_is_something(world: World, used: str) -> None:
    deliver(world, used, 403, door=world.booker)
    deliver(world, used, 404, door=world.stranger)
    deliver(world, used, 401, door=world.visitor)
    again = {"start": "2026-03-04T09:00:00+08:00", "end": "2026-03-04T11:00:00+08:00"}
    early = deliver(world, book(world, **again)["id"], 409)
    assert codes(early) == ["booking.result_too_early"]


@pytest.mark.parametrize("over", [0, 1])
def test_the_limits_are_those_of_the_pages(
    world: World, used: str, monkeypatch: pytest.MonkeyPatch, over: int
) -> None:
    monkeypatch.setattr(uploads, "RESULTS", uploads.Policy(len(DATA) - over))
    monkeypatch.setattr(uploads, "DOCUMENTS", uploads.Policy(len(PDF) - over, uploads.DOCUMENTS.kinds))
    for answer in (deliver(world, used, None), attach(world, used, None)):
        if over:
            assert answer.status_code == 422 and codes(answer) == ["upload.too_large"]
        else:
            assert answer.status_code == 201, answer.text


# ---- documents -------------------------------------------------------------------------------------------------


def test_a_document_from_either_side_is_read_by_both(world: World) -> None:
    order = book(world)["id"]
    headers = {"Idempotency-Key": "document-1"}
    mine = attach(world, order, kind="hazard", sha256=[sha(PDF)], headers=headers).json
    assert (mine["kind"], mine["name"], mine["media_type"], mine["sha256"]) == (
        "hazard", "方案.pdf", "application/pdf", sha(PDF),
    )  # fmt: skip
    assert attach(world, order, kind="hazard", headers=headers).json == mine
    theirs = attach(world, order, door=world.manager, document=part(PDF + b"2", "a.pdf")).json
    shown = world.booker("GET", world.one(order), 200).json
    assert shown["files"] == [mine, theirs]
    for door in (world.booker, world.manager):
        got = door("GET", f"{world.one(order)}/files/{mine['id']}", 200)
        assert got.data == PDF and got.headers["Content-Disposition"].startswith("attachment")
        assert got.headers["X-Content-Type-Options"] == "nosniff"
    world.stranger("GET", f"{world.one(order)}/files/{mine['id']}", 404)
    attach(world, order, 404, door=world.stranger)
    attach(world, order, 401, door=world.visitor)
    assert codes(attach(world, order, 409, headers=headers)) == ["key_reused"]


@pytest.mark.parametrize(
    ("fields", "place", "code"),
    [
        ({"document": part(DATA, "looks.pdf")}, "document", "upload.kind"),
        ({"document": part(b"", "empty.pdf")}, "document", "upload.empty"),
        ({"document": part(PNG_BOMB, "bomb.png")}, "document", "upload.picture_size"),
        ({"document": "text"}, "/document", "upload.no_file"),
        ({"kind": "result"}, "/kind", "invalid"),
        ({"kind": "contract"}, "/kind", "invalid"),
        ({"sha256": [sha(DATA)]}, "sha256/0", "upload.checksum"),
    ],
)
def test_a_document_that_is_not_taken_says_why(
    world: World, fields: dict[str, Any], place: str, code: str
) -> None:
    order = book(world)["id"]
    answer = attach(world, order, 422, **fields)
    assert [(one["place"], one["code"]) for one in answer.json["reasons"]] == [(place, code)]
    assert world.booker("GET", world.one(order), 200).json["files"] == []


def test_a_result_is_not_read_past_its_door(world: World, used: str) -> None:
    made = deliver(world, used).json["items"][0]
    world.booker("GET", f"{world.one(used)}/files/{made['id']}", 404)


def test_the_description_says_forms_with_files(world: World) -> None:
    paths = world.visitor("GET", "/openapi.json", 200).json["paths"]
    for end, field in (("results", "results"), ("files", "document")):
        post = paths[f"/api/v1/hosts/{{host}}/bookings/{{booking_id}}/{end}"]["post"]
        assert list(post["requestBody"]["content"]) == ["multipart/form-data"]
        assert {one["in"] for one in post["parameters"]} == {"header"}, (end, field)


def test_a_document_is_named_and_added_or_neither(
    world: World, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(service, "attach", breaks)
    form = form_of({"kind": "attachment", "document": part(PDF, "a.pdf")})
    world.booker("POST", f"{world.one(used)}/files", 500, data=form)
    with world.app.app_context():
        assert reading().scalar(sa.select(sa.func.count()).select_from(StoredFile)) == 0


# ---- keys of a week --------------------------------------------------------------------------------------------


def aged(world: World, age: timedelta) -> None:
    """Every key was first sent so long ago."""
    with world.app.app_context(), unit_of_work() as unit:
        unit.session.execute(sa.update(IdempotencyKey).values(created_at=clock.machine_now() - age))


def erased_result(world: World, used: str, headers: dict[str, str]) -> Any:
    """A result that was delivered under a key, taken back, and whose bytes are gone."""
    store = FileStore(world.app.extensions["resource_hub_settings"].files_dir)
    (made,) = deliver(world, used, headers=headers).json["items"]
    ending, seen = f"{world.one(used)}/results/{made['id']}/end", {"If-Match": "*"}
    world.manager("POST", ending, 200, json={"reason": "误传"}, headers=seen)
    os.utime(store.path(bytes.fromhex(sha(DATA))), (1, 1))
    with world.app.app_context():
        jobs.end(JobContext("booking.end_results", clock.machine_now()))
    return made


def whole(world: World) -> bool:
    """Whether every result that can be fetched has its bytes."""
    store = FileStore(world.app.extensions["resource_hub_settings"].files_dir)
    with world.app.app_context():
        named = reading().scalars(sa.select(StoredFile.sha256)).all()
        return all(store.has(one) for one in named)


def test_a_key_that_ends_while_it_is_sent_again_leaves_no_row_without_bytes(
    world: World, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its week is over, and old keys are swept, after the files were looked at and before the answer is made."""
    headers = {"Idempotency-Key": "results-1"}
    made = erased_result(world, used, headers)
    aged(world, timedelta(days=7) - timedelta(seconds=5))

    def swept_first(*args: Any) -> Any:
        aged(world, timedelta(days=7) + timedelta(seconds=5))
        service.sweep_keys()
        return once(*args)

    monkeypatch.setattr("resource_hub.entrypoints.api.results.once", swept_first)
    (again,) = deliver(world, used, headers=headers).json["items"]
    assert again["id"] == made["id"] and not again["available"]
    assert whole(world)


@pytest.mark.parametrize("days", [6, 7, 8, 9])
def test_a_key_of_some_days_is_a_repetition_or_a_new_request(world: World, used: str, days: int) -> None:
    """Never half of each."""
    headers = {"Idempotency-Key": "results-1"}
    made = erased_result(world, used, headers)
    aged(world, timedelta(days=days, seconds=1))
    with world.app.app_context():
        service.sweep_keys()
    (again,) = deliver(world, used, headers=headers).json["items"]
    assert (again["id"] == made["id"]) is (days < 8) and again["available"] is (days >= 8)
    assert whole(world)
