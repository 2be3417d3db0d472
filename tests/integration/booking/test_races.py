"""Eight at once, one accepted: on every path, with processes of their own, on both engines."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.booking.tables import Booking
from resource_hub.infra.database import db, reading
from resource_hub.kernel.time import TimeSpan
from tests.builders.booking import another_booker, make_asked, make_booking, make_scene
from tests.support.databases import Database
from tests.support.racing import race

EIGHT = 8
pytestmark = pytest.mark.slow


def people(number: int = EIGHT) -> list[dict[str, Any]]:
    found = []
    for _ in range(number):
        firm, person, _ = another_booker()
        found.append({"person_id": person.id, "organisation_id": firm.id})
    return found


def rows(table: Any) -> int:
    db.session.remove()  # what the others committed is seen by a new snapshot only
    return reading().scalar(select(func.count()).select_from(table)) or 0


def assert_no_overlap() -> None:
    db.session.remove()
    found = reading().execute(
        select(Occupancy.unit_id, Occupancy.starts_at, Occupancy.ends_at).order_by(
            Occupancy.unit_id, Occupancy.starts_at
        )
    )
    before: dict[UUID, Any] = {}
    for unit_id, start, end in found:
        assert start >= before.get(unit_id, start)
        before[unit_id] = end


def test_eight_create_at_once(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    found = race(database, tmp_path, now, "request", [{"key": scene.key, **who} for who in people()])
    assert Counter(one[0] for one in found) == {"won": 1, "taken": EIGHT - 1}
    assert all(one[1] == 3 for one in found if one[0] == "taken")
    assert rows(Booking) == 1
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
    found = race(database, tmp_path, now, "request", payloads)
    assert Counter(one[0] for one in found) == {"won": 2, "taken": EIGHT - 2}
    assert_no_overlap()


def test_eight_move_into_one_slot(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene(weekly=None, rules={"step": 30})
    wish = TimeSpan(now + timedelta(days=3, hours=6), now + timedelta(days=3, hours=7))
    payloads = []
    for n, who in enumerate(people()):
        from resource_hub.domain.accounts import service as accounts

        by = accounts.actor(who["person_id"], who["organisation_id"])
        asked = make_asked(f"2026-03-03T{9 + n:02d}:00+08:00", f"2026-03-03T{10 + n:02d}:00+08:00")
        made = make_booking(scene, by=by, asked=asked)
        payloads.append({"booking": made.key, "span": wish, **who})
    found = race(database, tmp_path, now, "change", payloads)
    assert Counter(one[0] for one in found) == {"won": 1, "taken": EIGHT - 1}
    assert rows(Occupancy) == EIGHT
    assert_no_overlap()


def test_eight_hold_one_slot(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    found = race(database, tmp_path, now, "hold", [{"key": scene.key, **who} for who in people()])
    assert Counter(one[0] for one in found)["won"] == 1
    assert_no_overlap()


def test_eight_approve_one_request(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene(rules={"approval": "always"})
    made = make_booking(scene)
    who = {"person_id": scene.manager.person_id, "organisation_id": scene.host.id, "booking": made.key}
    found = race(database, tmp_path, now, "approve", [who] * EIGHT)
    assert Counter(one[0] for one in found) == {"won": 1, "booking.wrong_state": EIGHT - 1}


def test_eight_times_the_same_form_makes_one_booking(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    who = {
        "person_id": scene.booker.person_id,
        "organisation_id": scene.firm.id,
        "key": scene.key,
        "token": "one form",
    }
    found = race(database, tmp_path, now, "request", [who] * EIGHT)
    assert {one[0] for one in found} == {"won"}
    assert len({one[1] for one in found}) == 1
    assert rows(Booking) == 1
