"""A small hub that is used over HTTP while its web and scheduler are killed, and what must hold of its books afterwards."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from resource_hub.domain.availability.terms import OnHolidays
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.usage import service as usage
from resource_hub.infra import clock
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import at, zone
from tests.builders.accounts import bearer
from tests.builders.availability import make_weekly
from tests.builders.booking import Scene, another_booker, make_scene
from tests.support.application import application
from tests.support.databases import Database
from tests.support.installation import Installation, wait_for

UNITS, HOURS = 3, 8
BOOKINGS = UNITS * HOURS
REPORTED = (UNITS - 1) * HOURS
ZONE = zone("Asia/Shanghai")
START = "import sys; from resource_hub.entrypoints.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Day:
    """What is booked on one day: one person a unit, an hour after the other; devices of all units but the last report."""

    scene: Scene
    units: tuple[HostKey, ...]
    people: tuple[dict[str, str], ...]
    devices: tuple[str, ...]
    first: datetime

    @property
    def over(self) -> datetime:
        return self.first + timedelta(hours=HOURS + 3)

    def next(self) -> Day:
        """The same on a day after everything of this one is settled."""
        return replace(self, first=self.first + timedelta(days=21))

    def order(self, number: int) -> tuple[str, dict[str, Any], dict[str, str]]:
        """Address, body and headers of the order of that number."""
        unit, hour = divmod(number, HOURS)
        start = self.first + timedelta(hours=hour)
        body = {
            "start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat(),
            "unit_id": str(self.units[unit].id), "description": f"{number}",
        }  # fmt: skip
        path = f"/hosts/{self.scene.host.code}/resources/{self.scene.resource.code}/bookings"
        return path, body, {**self.people[unit], "Idempotency-Key": f"order-{self.first:%Y%m%d}-{number:04d}"}

    def signal(self, number: int) -> tuple[str, dict[str, Any], dict[str, str]]:
        """What the instrument reports of the use of that number."""
        unit, hour = divmod(number, HOURS)
        start = self.first + timedelta(hours=hour, minutes=3)
        message = {
            "sequence": f"{self.first:%Y%m%d}-{number}", "starts_at": start.isoformat(),
            "ends_at": (start + timedelta(minutes=50)).isoformat(),
        }  # fmt: skip
        headers = {"Authorization": f"Device {self.devices[unit]}"}
        return f"/hosts/{self.scene.host.code}/signals", {"signals": [message]}, headers


@contextmanager
def small_hub(database: Database, folder: Path) -> Iterator[Day]:
    """A host with one resource, in a database whose time may be moved forward; its context is pushed."""
    with application(database, folder, web=False) as app, app.app_context():
        with unit_of_work() as unit:
            clock.mark_demonstration(unit.session)
        app.extensions["resource_hub_demonstration"] = True
        weekly = make_weekly(weekdays=range(7), starts=0, ends=24 * 60, on_holidays=OnHolidays.OPEN)
        scene = make_scene(units=UNITS, weekly=weekly)
        lanes = catalogue.units(scene.key)
        bookers = [another_booker() for _ in lanes]
        today = clock.now().astimezone(ZONE).date()
        yield Day(
            scene,
            tuple(lane.key for lane in lanes),
            tuple(bearer(person, firm) for firm, person, _ in bookers),
            tuple(usage.add_device(scene.manager, lane.key, "机台")[1] for lane in lanes[:-1]),
            at(today + timedelta(days=2), 9 * 60, ZONE).astimezone(UTC),
        )


def advance(to: datetime) -> None:
    with unit_of_work() as unit:
        clock.advance(unit.session, to)


def book(day: Day, installation: Installation, kills: Sequence[int]) -> dict[int, str]:
    """Order everything at once, killing the installation after so many acknowledgements; what got no answer is sent
    again under its own key. Gives back the acknowledged ids by number."""
    acknowledged: dict[int, str] = {}
    changed = threading.Condition()

    def persist(number: int) -> None:
        for _ in range(600):
            answer = installation.post(*day.order(number))
            if answer is not None and answer.status == 201:
                with changed:
                    acknowledged[number] = answer.body["id"]
                    changed.notify_all()
                return
            assert answer is None or answer.status >= 500, answer
            threading.Event().wait(0.2)
        raise AssertionError(f"order {number} was never answered\n{installation.said()}")

    with ThreadPoolExecutor(UNITS) as pool:
        orders = pool.map(persist, range(BOOKINGS))
        for after in kills:
            with changed:
                assert changed.wait_for(partial(_as_many, acknowledged, after), 180), installation.said()
            installation.kill()
            installation.start()
        list(orders)
    return acknowledged


def _as_many(found: Collection[int], least: int) -> bool:
    return len(found) >= least


def report(day: Day, installation: Installation, kills: Collection[int]) -> None:
    """The instruments report each use; the web is killed before those numbers, and everything is reported again."""
    for number in range(REPORTED):
        if number in kills:
            installation.web.kill()
            installation.web.start()
        answer = installation.post(*day.signal(number))
        assert answer is not None and answer.status == 200, (answer, installation.said())
    for number in range(REPORTED):
        answer = installation.post(*day.signal(number))
        assert answer is not None and answer.body == {"new": 0, "known": 1}, answer


def killed_when(installation: Installation, ready: Callable[[], bool]) -> None:
    """Kill web and scheduler at that moment, and start them again."""
    wait_for(ready, every=0.01)
    installation.kill()
    installation.start()


class Books:
    """What stands in the database, looked at from outside."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, statement: str) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(text(statement)))

    def count(self, table: str, where: str = "1 = 1") -> int:
        return int(self.ask(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def over(self) -> int:
        """Sessions that ended one way or another."""
        return self.count("usage_session", "state IN ('ended', 'no_show', 'sealed')")

    def settled(self, sessions: int) -> bool:
        """Whether all these sessions are sealed and nothing is left to do."""
        return (
            self.count("usage_entry") == sessions
            and self.count("outbox_delivery", "state <> 'done'") == 0
            and self.count("chain_link") == sessions + self.count("money_entry")
        )

    def assert_nothing_doubled(self, bookings: int, used: int) -> None:
        for table, *key in (
            ("usage_session", "institution_id", "booking_id"),
            ("usage_entry", "institution_id", "session_id"),
            ("charge", "institution_id", "source_key"),
            ("money_entry", "institution_id", "source_key"),
            ("evidence", "institution_id", "source", "source_key"),
        ):
            names = ", ".join(key)
            twice = self.ask(f"SELECT {names}, count(*) FROM {table} GROUP BY {names} HAVING count(*) > 1")
            assert twice == [], table
        told = self.ask("SELECT person_id, kind, key FROM notice")
        assert len(told) == len(set(told))
        assert self.count("booking") == self.count("usage_session") == self.count("usage_entry") == bookings
        assert self.count("charge", "kind = 'use'") == used
        assert self.count("charge", "kind = 'no_show'") == bookings - used


def assert_ledger_holds(installation: Installation) -> None:
    verify = subprocess.run(
        [sys.executable, "-c", START, "ledger", "verify"],
        env=installation.environment,
        capture_output=True,
        text=True,
    )
    assert verify.returncode == 0, verify.stdout + verify.stderr
