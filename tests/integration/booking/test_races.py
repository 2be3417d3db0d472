"""Eight at once, one accepted: on every path, with processes of their own, on both engines."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import SlotTaken
from resource_hub.domain.booking.tables import Booking
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.time import TimeSpan
from tests.builders.booking import another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.conftest import NOW
from tests.support.application import application
from tests.support.databases import Database

EIGHT = 8
pytestmark = pytest.mark.slow


def _worker(
    database: Database, folder: str, job: str, payload: dict[str, Any], barrier: Any, results: Any
) -> None:
    """One person at one machine: its own process, application and connections."""
    from resource_hub.domain.accounts import service as accounts

    with application(database, Path(folder), web=False) as app, app.app_context(), clock.fixed(NOW):
        by = accounts.actor(payload["person_id"], payload["organisation_id"])
        calls: dict[str, Callable[[], Any]] = {
            "request": lambda: service.request(
                payload["key"], make_asked(**payload.get("asked", {})), by=by, idempotency_key=payload.get("token")
            ),
            "change": lambda: service.change(payload["booking"], payload["span"], by=by),
            "approve": lambda: service.approve(payload["booking"], by=by),
            "hold": lambda: service.hold(payload["key"], make_asked(), by=by),
        }
        reading().execute(select(func.count()).select_from(Occupancy))  # a warm connection
        barrier.wait(60)
        began = time.perf_counter()
        try:
            made = calls[job]()
            results.put(("won", str(made.key.id), time.perf_counter() - began))
        except SlotTaken as error:
            results.put(("taken", len(error.values.get("alternatives", [])), time.perf_counter() - began))
        except DomainError as error:
            results.put((error.code, [r.code for r in error.reasons], time.perf_counter() - began))
        except Exception as error:  # told to the test, which fails on it
            results.put(("crashed", repr(error)[:500], time.perf_counter() - began))


def race(database: Database, folder: Path, job: str, payloads: list[dict[str, Any]]) -> list[tuple[str, Any, float]]:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(len(payloads)), context.Queue()
    workers = [
        context.Process(target=_worker, args=(_plain(database), str(folder), job, payload, barrier, results))
        for payload in payloads
    ]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join(30)
    assert not [one for one in found if one[0] == "crashed"], found
    return found


def _plain(database: Database) -> Database:
    """The addresses only: a server belongs to the process that started it."""
    from dataclasses import replace

    return replace(database, server=None)


def people(number: int = EIGHT) -> list[dict[str, Any]]:
    found = []
    for _ in range(number):
        firm, person, _ = another_booker()
        found.append({"person_id": person.id, "organisation_id": firm.id})
    return found


def assert_no_overlap() -> None:
    rows = reading().execute(
        select(Occupancy.unit_id, Occupancy.starts_at, Occupancy.ends_at).order_by(Occupancy.unit_id, Occupancy.starts_at)
    )
    before: dict[UUID, Any] = {}
    for unit_id, start, end in rows:
        assert start >= before.get(unit_id, start)
        before[unit_id] = end


def test_eight_create_at_once(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    found = race(database, tmp_path, "request", [{"key": scene.key, **who} for who in people()])
    assert Counter(one[0] for one in found) == {"won": 1, "taken": EIGHT - 1}
    assert all(one[1] == 3 for one in found if one[0] == "taken")
    assert reading().scalar(select(func.count()).select_from(Booking)) == 1
    assert_no_overlap()


def test_eight_at_two_units_two_are_accepted(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene(units=2)
    # Half-overlapping wishes: no order of arrival may let two share a minute of a unit.
    payloads = [
        {
            "key": scene.key,
            "asked": {
                "start": f"2026-03-03T{10 + n % 2}:00+08:00",
                "end": f"2026-03-03T{12 + n % 2}:00+08:00",
            },
            **who,
        }
        for n, who in enumerate(people())
    ]
    found = race(database, tmp_path, "request", payloads)
    assert Counter(one[0] for one in found) == {"won": 2, "taken": EIGHT - 2}
    assert_no_overlap()


def test_eight_move_into_one_slot(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene(weekly=None, rules={"step": 30})
    wish = TimeSpan(NOW + timedelta(days=3, hours=6), NOW + timedelta(days=3, hours=7))
    payloads = []
    for n, who in enumerate(people()):
        from resource_hub.domain.accounts import service as accounts

        by = accounts.actor(who["person_id"], who["organisation_id"])
        asked = make_asked(f"2026-03-03T{9 + n}:00+08:00", f"2026-03-03T{10 + n}:00+08:00")
        made = make_booking(scene, by=by, asked=asked)
        payloads.append({"booking": made.key, "span": wish, **who})
    found = race(database, tmp_path, "change", payloads)
    assert Counter(one[0] for one in found) == {"won": 1, "taken": EIGHT - 1}
    assert reading().scalar(select(func.count()).select_from(Occupancy)) == EIGHT
    assert_no_overlap()


def test_eight_hold_one_slot(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    found = race(database, tmp_path, "hold", [{"key": scene.key, **who} for who in people()])
    assert Counter(one[0] for one in found)["won"] == 1
    assert_no_overlap()


def test_eight_approve_one_request(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene(rules={"approval": "always"})
    made = make_booking(scene)
    who = {"person_id": scene.manager.person_id, "organisation_id": scene.host.id, "booking": made.key}
    found = race(database, tmp_path, "approve", [who] * EIGHT)
    assert Counter(one[0] for one in found) == {"won": 1, "booking.wrong_state": EIGHT - 1}


def test_eight_times_the_same_form_makes_one_booking(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    who = {
        "person_id": scene.booker.person_id,
        "organisation_id": scene.firm.id,
        "key": scene.key,
        "token": "one form",
    }
    found = race(database, tmp_path, "request", [who] * EIGHT)
    assert {one[0] for one in found} == {"won"}
    assert len({one[1] for one in found}) == 1
    assert reading().scalar(select(func.count()).select_from(Booking)) == 1


