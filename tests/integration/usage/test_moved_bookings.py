"""A booking whose start has come is moved away: its session goes with it, and the new time gets one of its own."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import current_app
from sqlalchemy import select

from resource_hub.domain.booking import service as bookings
from resource_hub.domain.booking.terms import BookingState
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.errors import WrongState
from resource_hub.domain.usage.tables import SessionLine, UsageSession
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db, reading
from resource_hub.kernel.keys import HostKey
from tests.builders.availability import moment, span
from tests.builders.booking import make_asked, make_booking, make_scene

START = "2026-03-03T09:00+08:00"
LATER = span("2026-03-05T09:00+08:00", "2026-03-05T11:00+08:00")


@pytest.fixture
def scene(in_app: Any) -> Any:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        yield make_scene()


def deliver() -> None:
    while outbox.deliver_due():
        pass


def opened(when: str) -> int:
    with clock.fixed(moment(when)):
        return usage.open_expected(moment(when))


def moved(scene: Any, to: Any = LATER, when: str = "2026-03-03T09:05+08:00") -> Any:
    """A booking that began, and that the host moved away five minutes later."""
    booked = make_booking(scene)
    deliver()
    assert opened(START) == 1
    with clock.fixed(moment(when)):
        return bookings.propose(booked.key, to, by=scene.manager, note="仪器故障")


def sessions() -> list[tuple[str, Any]]:
    db.session.rollback()
    rows = reading().scalars(select(UsageSession).order_by(UsageSession.booked_starts_at)).all()
    return [(row.state, row.booking_id) for row in rows]


def test_the_new_time_gets_a_session_of_its_own_and_others_get_theirs(scene: Any) -> None:
    booked = moved(scene)
    with clock.fixed(moment("2026-03-03T09:06+08:00")):
        deliver()
    assert sessions() == [("void", None)]
    other = make_scene(name_zh="别家的电镜")
    with clock.fixed(moment("2026-03-03T09:06+08:00")):
        theirs = make_booking(other, asked=make_asked("2026-03-05T09:00+08:00", "2026-03-05T10:00+08:00"))
    assert opened("2026-03-05T09:00+08:00") == 2
    assert opened("2026-03-05T09:00+08:00") == 0
    assert sorted(sessions(), key=str) == sorted(
        [("void", None), ("expected", booked.key.id), ("expected", theirs.key.id)], key=str
    )
    # and once more, with a third session
    with clock.fixed(moment("2026-03-05T09:05+08:00")):
        again = span("2026-03-06T09:00+08:00", "2026-03-06T11:00+08:00")
        bookings.propose(booked.key, again, by=scene.manager, note="仪器故障")
        deliver()
    assert opened("2026-03-06T09:00+08:00") == 1
    lines = reading().scalars(select(SessionLine).where(SessionLine.booking_id == booked.key.id)).all()
    assert len({line.session_id for line in lines}) == 3


@pytest.mark.parametrize("late", ["moved", "cancelled"])
def test_nobody_missed_what_is_not_due_though_the_news_is_late(scene: Any, late: str) -> None:
    booked = moved(scene)
    if late == "cancelled":
        with clock.fixed(moment("2026-03-03T09:06+08:00")):
            booked = bookings.cancel(booked.key, by=scene.manager, reason="仪器故障")
    now = moment("2026-03-03T09:31+08:00")
    with clock.fixed(now):
        assert usage.mark_no_shows(now) == 0
        deliver()
    db.session.rollback()
    assert bookings.booking(booked.key).state is BookingState(late if late == "cancelled" else "approved")
    assert [state for state, _ in sessions()] == ["void"]
    assert opened("2026-03-05T09:00+08:00") == (late == "moved")


def test_nor_when_the_term_for_sealing_is_over(scene: Any) -> None:
    booked = moved(scene, span("2026-03-20T09:00+08:00", "2026-03-20T11:00+08:00"))
    now = moment("2026-03-12T09:00+08:00")
    with clock.fixed(now):
        assert usage.seal_overdue(now) == 0
    db.session.rollback()
    assert bookings.booking(booked.key).state is BookingState.APPROVED


def test_the_button_refuses_likewise(scene: Any) -> None:
    booked = moved(scene)
    (row,) = reading().scalars(select(UsageSession)).all()
    with clock.fixed(moment("2026-03-03T09:40+08:00")), pytest.raises(WrongState):
        usage.mark_no_show(HostKey(row.institution_id, row.id), scene.manager)
    assert bookings.booking(booked.key).state is BookingState.APPROVED


def test_moved_within_the_day_the_grace_runs_from_the_new_start(scene: Any) -> None:
    moved(scene, span("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00"))
    assert opened("2026-03-03T10:00+08:00") == 0
    for when, missed in (("2026-03-03T10:10+08:00", 0), ("2026-03-03T10:31+08:00", 1)):
        with clock.fixed(moment(when)):
            assert usage.mark_no_shows(moment(when)) == missed


def test_schedulers_at_once_open_one(scene: Any) -> None:
    booked = moved(scene)
    with clock.fixed(moment("2026-03-03T09:06+08:00")):
        deliver()
    app, results = current_app._get_current_object(), []  # type: ignore[attr-defined]

    def go() -> None:
        with app.app_context():
            try:
                results.append(opened("2026-03-05T09:00+08:00"))
            finally:
                db.session.remove()

    threads = [threading.Thread(target=go) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == [0] * 5 + [1]
    assert sorted(state for state, _ in sessions()) == ["expected", "void"]
    assert bookings.booking(booked.key).state is BookingState.APPROVED
