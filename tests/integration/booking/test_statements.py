"""How many statements a booking takes: a bound that only a new question or a forgotten loop breaks, never a slow machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from sqlalchemy import event

from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import SlotTaken
from resource_hub.infra.database import db
from tests.builders.booking import another_booker, make_asked, make_booking, make_scene


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to the database inside the block."""
    db.session.remove()
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:  # type: ignore[no-untyped-def]
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def slot(day: int, hour: int) -> tuple[str, str]:
    return f"2026-03-{day:02d}T{hour:02d}:00+08:00", f"2026-03-{day:02d}T{hour + 1:02d}:00+08:00"


@pytest.mark.parametrize("units", [1, 12])
def test_a_booking_takes_as_many_statements_whatever_stands_around_it(now: datetime, units: int) -> None:
    scene = make_scene(units=units, rules={"step": 30})
    counts = []
    for day in (3, 4, 5):
        with statements() as sent:
            make_booking(scene, asked=make_asked(*slot(day, 12)))
        counts.append(len(sent))
        for hour in (9, 10, 11, 14, 15, 16):
            make_booking(scene, asked=make_asked(*slot(day, hour)))
    # The first one asks for what the next ones find in memory.
    assert counts[0] <= 31, counts
    # PostgreSQL is asked once behind the lock, and told once what is written.
    assert counts[1] == counts[2] <= (2 if db.engine.dialect.name == "postgresql" else 11), counts


def test_a_refusal_with_alternatives_stays_small(now: datetime) -> None:
    scene = make_scene()
    make_booking(scene)
    _, _, other = another_booker()
    with statements() as sent, pytest.raises(SlotTaken) as refused:
        service.request(scene.key, make_asked(), by=other)
    assert len(refused.value.values["alternatives"]) == 3
    assert len(sent) <= 30, len(sent)


def test_what_holds_a_unit_is_found_by_its_key_however_much_the_host_has(now: datetime) -> None:
    """SQLite begins with the rows that it thinks are few, and went through all that a host ever had."""
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL knows how many rows there are")
    scene = make_scene(units=2)
    plans: list[str] = []

    def note(_connection, cursor, statement, values, _context, many) -> None:  # type: ignore[no-untyped-def]
        if "occupancy" in statement and statement.startswith("SELECT") and not many:
            rows = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.extend(row[3] for row in rows if "occupancy" in row[3] or "free_window" in row[3])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        make_booking(scene)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert plans and all("unit_id=?" in plan for plan in plans), plans
