"""Writes that wait: said before anything is asked, in one statement where the database can."""

from __future__ import annotations

from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from resource_hub.infra import batches
from resource_hub.infra.clock import machine_now
from resource_hub.infra.database import db, reading
from resource_hub.infra.tables import Setting
from resource_hub.infra.together import add_later, amend_later, delete_later, say
from resource_hub.infra.unit_of_work import unit_of_work


def row(name: str, value: object = 1) -> dict[str, object]:
    return {"name": name, "value": value, "changed_at": machine_now()}


def names() -> set[str]:
    return set(reading().scalars(sa.select(Setting.name).where(Setting.name.like("t.%"))))


def test_what_waits_is_there_when_somebody_asks_and_at_the_end(core) -> None:  # type: ignore[no-untyped-def]
    with unit_of_work() as unit:
        add_later(unit.session, Setting, [row("t.a", {"字": None}), row("t.b")])
        assert names() == {"t.a", "t.b"}
        amend_later(unit.session, Setting, [{"name": "t.a"}], [{"value": [1, "二"]}])
        delete_later(unit.session, Setting, [{"name": "t.b"}])
        add_later(unit.session, Setting, [row("t.c")])
    assert names() == {"t.a", "t.c"}
    assert reading().scalar(sa.select(Setting.value).where(Setting.name == "t.a")) == [1, "二"]


def test_a_mapped_object_is_written_after_what_waits(core) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(IntegrityError), unit_of_work() as unit:
        add_later(unit.session, Setting, [row("t.a")])
        unit.session.add(Setting(**row("t.a")))
    assert names() == set()


def test_what_is_refused_takes_the_unit_back(core) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(IntegrityError), unit_of_work() as unit:
        add_later(unit.session, Setting, [row("t.a"), row("t.a")])
    assert names() == set()


def test_many_rows_do_not_wait(core) -> None:  # type: ignore[no-untyped-def]
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:  # type: ignore[no-untyped-def]
        sent.append(statement)

    with unit_of_work() as unit:
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            add_later(unit.session, Setting, [row(f"t.{n}") for n in range(500)])
            assert any("INSERT" in one for one in sent)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
    assert len(names()) == 500


def test_a_savepoint_takes_back_what_was_to_be_said_inside_it_and_nothing_else(core) -> None:  # type: ignore[no-untyped-def]
    with unit_of_work() as unit:
        add_later(unit.session, Setting, [row("t.before")])
        inside = unit.session.begin_nested()
        add_later(unit.session, Setting, [row("t.inside")])
        inside.rollback()
        add_later(unit.session, Setting, [row("t.after")])
    assert names() == {"t.before", "t.after"}


def test_a_savepoint_takes_back_what_was_said_past_the_session(core) -> None:  # type: ignore[no-untyped-def]
    with unit_of_work() as unit:
        add_later(unit.session, Setting, [row("t.before")])
        inside = unit.session.begin_nested()
        add_later(unit.session, Setting, [row("t.inside")])
        say(unit.session)
        inside.rollback()
        add_later(unit.session, Setting, [row("t.after")])
    assert names() == {"t.before", "t.after"}


def test_a_row_whose_writes_are_refused_is_left_and_the_unit_goes_on(core) -> None:  # type: ignore[no-untyped-def]
    with unit_of_work() as unit:
        for name in ("t.a", "t.b", "t.a", "t.c"):
            batches.apart(
                unit, "test", name, partial(add_later, unit.session, Setting, [row(name), row(f"{name}2")])
            )
    assert names() == {"t.a", "t.a2", "t.b", "t.b2", "t.c", "t.c2"}
