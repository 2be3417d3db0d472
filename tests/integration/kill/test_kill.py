"""SIGKILL of web and scheduler in the middle of the story: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support import killing
from tests.support.databases import Database
from tests.support.installation import Installation, wait_for
from tests.support.killing import BOOKINGS, HOURS, REPORTED, Books

pytestmark = pytest.mark.slow


def test_killed_in_the_middle_nothing_is_lost_and_nothing_doubled(database: Database, tmp_path: Path) -> None:
    with killing.small_hub(database, tmp_path) as day, database.engine() as engine:
        books, installation = Books(engine), Installation(database, tmp_path)
        try:
            installation.start()
            live_through(day, installation, books)
        finally:
            installation.kill()


def live_through(day: killing.Day, installation: Installation, books: Books) -> None:
    # The power goes while bookings are made.
    acknowledged = killing.book(day, installation, kills=(BOOKINGS // 3,))
    assert sorted(acknowledged) == list(range(BOOKINGS))
    for number in (0, BOOKINGS // 3, BOOKINGS - 1):
        again = installation.post(*day.order(number))
        assert again is not None and again.body["id"] == acknowledged[number]
    assert books.count("booking") == books.count("occupancy") == BOOKINGS == len(set(acknowledged.values()))

    # The instruments report while nobody schedules, and the web dies half-way.
    installation.scheduler.kill()
    killing.advance(day.first + timedelta(hours=HOURS, minutes=1))
    killing.report(day, installation, kills={REPORTED // 2})

    # The scheduler dies while it opens and ends sessions.
    installation.scheduler.start()
    wait_for(lambda: books.count("usage_session") >= BOOKINGS // 3, every=0.01)
    installation.scheduler.kill()
    installation.scheduler.start()
    killing.advance(day.over)
    assert wait_for(lambda: books.over() == BOOKINGS, 180), installation.said()

    # It dies while entries are sealed, and both die while they are charged.
    killing.advance(day.over + timedelta(days=15))
    wait_for(lambda: books.count("usage_entry") >= BOOKINGS // 4, every=0.01)
    installation.scheduler.kill()
    installation.scheduler.start()
    killing.killed_when(installation, lambda: books.count("charge") >= BOOKINGS // 3)
    assert wait_for(lambda: books.settled(BOOKINGS), 180), installation.said()

    books.assert_nothing_doubled(BOOKINGS, used=REPORTED)
    killing.assert_ledger_holds(installation)
