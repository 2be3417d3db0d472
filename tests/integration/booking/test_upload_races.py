"""Eight hand files in at once, with processes of their own: a key counts once, and of what is kept all is whole."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from resource_hub.adapters.file_store import FileStore
from resource_hub.domain.booking import service
from resource_hub.domain.booking.tables import BookingEvent, BookingFile
from resource_hub.domain.booking.terms import BookingRecord
from resource_hub.infra import files
from resource_hub.infra.database import db, reading
from resource_hub.infra.tables import OutboxEvent, StoredFile
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.accounts import bearer
from tests.builders.booking import Scene, make_booking, make_scene
from tests.support.application import settings
from tests.support.databases import Database
from tests.support.racing import race

EIGHT = 8
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("race")]
# Longer than what is read at once.
BODY = b"%PDF-1.7 " + bytes(range(256)) * 2000
DOORS = ["results", "files"]


@pytest.fixture
def used(now: datetime) -> tuple[Scene, BookingRecord]:
    """An order that was used and may get results."""
    scene = make_scene()
    made = make_booking(scene)
    with unit_of_work() as unit:
        service.started(unit, made.key)
        service.finished(unit, made.key, unit.now)
    return scene, made


def rows(table: Any, *where: Any) -> int:
    db.session.remove()
    return reading().scalar(select(func.count()).select_from(table).where(*where)) or 0


def form(door: str, *data: bytes) -> dict[str, Any]:
    if door == "files":
        return {"kind": "attachment", "document": (data[0], "0.pdf")}
    return {"expires_on": "2026-03-20", "results": [(one, f"{n}.pdf") for n, one in enumerate(data)]}


def sender(scene: Scene, made: BookingRecord, **more: Any) -> dict[str, Any]:
    who = {"person_id": scene.manager.person_id, "organisation_id": scene.host.id}
    return {"booking": made.key, **who, **more}


def path(scene: Scene, made: BookingRecord, door: str) -> str:
    return f"/api/v1/hosts/{scene.host.code}/bookings/{made.key.id}/{door}"


def assert_whole(database: Database, folder: Path, made: BookingRecord, expected: list[bytes]) -> None:
    """Every file that is named is there with its bytes, nothing is still arriving, and each is told of once."""
    db.session.remove()
    store = FileStore(settings(database, folder).files_dir)
    named = list(reading().execute(select(BookingFile.file_organisation_id, BookingFile.file_id)))
    kept = [files.find(*one) for one in named]
    bodies = [store.path(one.sha256).read_bytes() for one in kept if one is not None]
    assert sorted(bodies) == sorted(expected)
    assert all(hashlib.sha256(b).digest() == one.sha256 for b, one in zip(bodies, kept, strict=True) if one)
    assert list(store.folder.glob(".arriving-*")) == []
    assert rows(StoredFile) == len(expected)


def told(made: BookingRecord, door: str) -> tuple[int, int]:
    kind, name = ("results_delivered",) * 2 if door == "results" else ("attached",) * 2
    return (
        rows(BookingEvent, BookingEvent.booking_id == made.key.id, BookingEvent.kind == kind),
        rows(OutboxEvent, OutboxEvent.name == f"booking.{name}"),
    )


@pytest.mark.parametrize("door", DOORS)
def test_one_key_is_one_delivery_and_eight_same_answers(
    now: datetime, used: Any, database: Database, tmp_path: Path, door: str
) -> None:
    scene, made = used
    data = [BODY, BODY + b"2"][: 2 if door == "results" else 1]
    headers = {**bearer(scene.manager_person, scene.host), "Idempotency-Key": "same"}
    one = sender(scene, made, path=path(scene, made, door), headers=headers, form=form(door, *data))
    found = race(database, tmp_path, now, "upload", [one] * EIGHT)
    assert [code for code, *_ in found] == ["won"] * EIGHT
    assert len({answer for _code, answer, _seconds in found}) == 1
    assert_whole(database, tmp_path, made, data)
    assert told(made, door) == (1, 1)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("same", [True, False])
def test_eight_keys_are_eight_deliveries_also_of_the_same_bytes(
    now: datetime, used: Any, database: Database, tmp_path: Path, door: str, same: bool
) -> None:
    scene, made = used
    auth = bearer(scene.manager_person, scene.host)
    payloads, expected = [], []
    for n in range(EIGHT):
        data = [BODY + (b"" if same else b"%d" % n), b"%d" % n][: 2 if door == "results" else 1]
        expected += data
        checksums = [hashlib.sha256(one).hexdigest() for one in data]
        more = {
            "headers": {**auth, "Idempotency-Key": f"key-{n}"},
            "form": {**form(door, *data), "sha256": checksums},
        }
        payloads.append(sender(scene, made, path=path(scene, made, door), **more))
    found = race(database, tmp_path, now, "upload", payloads)
    assert [code for code, *_ in found] == ["won"] * EIGHT
    assert_whole(database, tmp_path, made, expected)
    assert told(made, door) == (EIGHT, EIGHT)
    answers = [json.loads(answer) for _code, answer, _seconds in found]
    if door == "results":
        # Each answer names its own two, in the order in which they were sent.
        assert {tuple(one["name"] for one in answer["items"]) for answer in answers} == {("0.pdf", "1.pdf")}
        sums = {tuple(one["sha256"] for one in answer["items"]) for answer in answers}
        assert sums == {tuple(payload["form"]["sha256"]) for payload in payloads}
        ids = [one["id"] for answer in answers for one in answer["items"]]
        listed = [str(one.key.id) for one in service.results_of(made.key, scene.booker)]
    else:
        assert sorted(a["sha256"] for a in answers) == sorted(p["form"]["sha256"][0] for p in payloads)
        ids = [answer["id"] for answer in answers]
        listed = [str(one.id) for one in service.detail(made.key, scene.booker).files]
    assert len(set(ids)) == len(expected) and sorted(ids) == sorted(listed)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("same", [True, False])
def test_a_form_that_is_sent_eight_times_counts_once_and_eight_forms_count_each(
    now: datetime, used: Any, database: Database, tmp_path: Path, door: str, same: bool
) -> None:
    scene, made = used
    page = f"/o/{scene.host.code}/bookings/{scene.host.code}/{made.key.id}"
    payloads = [
        sender(
            scene, made, page=page, path=f"{page}/{door}",
            form={**form(door, BODY + (b"" if same else b"%d" % n)), "_once": "one" if same else f"form-{n}"},
        )
        for n in range(EIGHT)
    ]  # fmt: skip
    found = race(database, tmp_path, now, "upload", payloads)
    assert [code for code, *_ in found] == ["won"] * EIGHT
    anchor = "results" if door == "results" else "documents"
    assert {answer for _code, answer, _seconds in found} == {f"{page}#{anchor}"}
    expected = [BODY] if same else [BODY + b"%d" % n for n in range(EIGHT)]
    assert_whole(database, tmp_path, made, expected)
    assert told(made, door) == (len(expected), len(expected))
