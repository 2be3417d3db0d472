"""Booking, calendars and search for time, on both engines. ``./dev bench booking``; ``--part`` for one part only.

commit    a booking through the service against the same statements and rows bare; with few and many bookings
http      sixteen clients over HTTP at two web workers; the clients run on the same machine
race      eight processes at one slot, 200 slots in a row
week      a week of 200 resources with 11,200 bookings, and with ten times as many in other weeks
feed      a calendar feed of 2,000 events
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from json import dumps
from pathlib import Path
from typing import Any

from flask import Flask

from benchmarks import _racing
from benchmarks._common import (
    TITLES,
    Database,
    Table,
    arguments,
    databases,
    deadlocks,
    engines,
    heard,
    median,
    milliseconds,
    say_again,
    worked,
)
from benchmarks._rows import fill
from benchmarks._wire import Wire
from resource_hub.domain.accounts.feeds import FeedKind, create_feed
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import OnHolidays
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock, stamps
from resource_hub.infra.database import db
from resource_hub.infra.together import say
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders import accounts as people
from tests.builders.availability import make_rules, make_weekly
from tests.builders.booking import TARIFF, Scene, another_booker, make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing
from tests.support.application import application, environment
from tests.support.databases import POSTGRESQL, Factory
from tests.support.server import Process

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
RULES = {"step": 30, "horizon_days": 700}
ALWAYS = make_weekly(weekdays=range(7), starts=0, ends=1440, on_holidays=OnHolidays.OPEN)


class _Undone(Exception):
    """Ends a unit of work without keeping anything."""


def main() -> int:
    parts: dict[str, Callable[[Factory, Table, Any], None]] = {
        "commit": commit, "http": http, "race": race, "week": week, "feed": feed,
    }  # fmt: skip
    asked = arguments(
        __doc__ or "",
        ("--part", {"choices": list(parts), "action": "append", "help": "this part only"}),
        (
            "--many",
            {
                "type": int,
                "default": 100_000,
                "help": "bookings that are many (the goal speaks of 1,000,000)",
            },
        ),
        ("--seconds", {"type": int, "default": 10, "help": "how long the clients of http go on"}),
    )
    table = Table()
    for engine in engines(asked.engine):
        with databases(engine) as factory:
            for name in asked.part or parts:
                table.title(f"{TITLES[engine]}: {name}")
                parts[name](factory, table, asked)
    return table.end()


@contextmanager
def hub(factory: Factory, *, web: bool = False) -> Iterator[tuple[Database, Path, Flask]]:
    """An application on a fresh database, its clock at a Monday morning."""
    with factory.migrated() as database, tempfile.TemporaryDirectory() as folder:
        with application(database, Path(folder), web=web) as app, app.app_context(), clock.fixed(NOW):
            yield database, Path(folder), app


def slot(n: int, first: datetime = NOW + timedelta(days=1)) -> dict[str, str]:
    start = first + timedelta(hours=n)
    return {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}


# ---- one booking after the other -------------------------------------------------------------------------------


FEW = 1_000


def commit(factory: Factory, table: Table, asked: Any) -> None:
    """Few and many take turns, one booking each, so that both meet the same machine."""
    with _filled(factory, FEW) as few, _filled(factory, asked.many) as many:
        found: list[list[tuple[float, ...]]] = [[], []]
        for n in range(80):
            for pairs, book in zip(found, (few, many), strict=True):
                pairs.append(book(n))
    throughs = []
    for pairs, bookings in zip(found, (FEW, asked.many), strict=True):
        # The first ones only warm.
        through, bare, worked, worked_bare = (median_of([pair[i] for pair in pairs[20:]]) for i in range(4))
        name = f"{bookings:,} bookings"
        table.row(f"{name}: through the service", milliseconds(through), "≤ 15 ms", through <= 0.015)
        table.row(f"{name}: the same statements bare", milliseconds(bare))
        table.row(f"{name}: ratio", f"{through / bare:.1f} ×", "≤ 3 ×", through <= 3 * bare)
        table.row(f"{name}: processor time here", f"{milliseconds(worked)} : {milliseconds(worked_bare)}")
        throughs.append(through)
    few_, many_ = throughs
    table.row("growth from few to many", f"{many_ / few_:.2f} ×", "≤ 1.25 ×", many_ <= few_ * 1.25)


@contextmanager
def _filled(factory: Factory, bookings: int) -> Iterator[Callable[[int], tuple[float, ...]]]:
    """A house with so many past bookings; what comes makes its ``n``-th pair of new ones."""
    with factory.migrated() as database, tempfile.TemporaryDirectory() as folder:
        # What is taken back makes a connection forget what it has prepared, so that is done through another program.
        with (
            application(database, Path(folder), web=False) as app,
            application(database, Path(folder), web=False, own=True) as other,
        ):
            with app.app_context(), clock.fixed(NOW):
                scene = make_scene(weekly=ALWAYS, rules=RULES)
                others = [make_listing(scene.host).key for _ in range(min(200, bookings // 100))]
                began = time.perf_counter()
                fill(scene, [scene.key, *others], bookings, NOW - timedelta(days=1), backwards=True)
                _joined()
                print(f"  ({bookings:,} bookings loaded in {time.perf_counter() - began:.0f} s)", flush=True)

            def book(n: int) -> tuple[float, ...]:
                return _pair(app, other, scene, n)

            yield book


def _pair(app: Flask, other: Flask, scene: Scene, n: int) -> tuple[float, float, float, float]:
    """One booking through the service and then the next one bare, so that both meet the same machine: seconds of
    both, processor time of both."""
    with app.app_context(), clock.fixed(NOW):
        started, used = time.perf_counter(), time.process_time()
        make_booking(scene, asked=make_asked(**slot(2 * n)))
        db.session.remove()
        through, worked = time.perf_counter() - started, time.process_time() - used
        engine = db.engine
    with other.app_context(), clock.fixed(NOW), heard(db.engine) as said:
        try:
            with unit_of_work() as unit:
                make_booking(scene, asked=make_asked(**slot(2 * n + 1)))
                say(unit.session)  # what waits to be written belongs to it
                raise _Undone
        except _Undone:
            pass
        db.session.remove()
    bare, worked_bare = say_again(engine, said)
    return through, bare, worked, worked_bare


def median_of(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


# ---- over HTTP -------------------------------------------------------------------------------------------------

CLIENTS = 16


def http(factory: Factory, table: Table, asked: Any) -> None:
    with factory.migrated() as database, tempfile.TemporaryDirectory() as folder:
        with application(database, Path(folder), web=True) as app, app.app_context():
            scene = make_scene(weekly=ALWAYS, rules=RULES)
            clients = []
            for _ in range(CLIENTS):
                listing = make_listing(scene.host)
                with unit_of_work() as unit:
                    availability.set_hours_directly(unit, listing.key, ALWAYS, make_rules(**RULES))
                    availability.rebuild(unit, [listing.key], availability.kept_span())
                _priced(listing.key)
                firm, person, _ = another_booker()
                path = f"/api/v1/hosts/{scene.host.code}/resources/{listing.code}/bookings"
                clients.append((path, people.bearer(person, firm)))
            _joined()
        bare = _bare_rate(database, Path(folder), asked.seconds)
        web = Process.web(environment(database, Path(folder)), log=Path(folder) / "web.log")
        with web:
            assert web.running is not None
            port = int(web.url.rsplit(":", 1)[1])
            _clients(port, clients, 2)  # warm
            before, used, own = deadlocks(database), worked(web.running.pid), time.process_time()
            times, failed = _clients(port, clients, asked.seconds, first=1_000)
            own, used = time.process_time() - own, worked(web.running.pid) - used
            stuck = deadlocks(database) - before
    rate = len(times) / asked.seconds
    goal = ("≥ 400/s", rate >= 400) if factory.engine_name == POSTGRESQL else ("", None)
    table.row(f"{CLIENTS} clients, {asked.seconds} s", f"{rate:.0f} bookings/s", *goal)
    table.row("  a bare Flask page with one query, the same way", f"{bare:.0f} pages/s")
    table.row("  ratio", f"{bare / max(rate, 1):.1f} ×")
    table.row(
        "  median, 95 of 100",
        f"{median_of(times) * 1000:.0f}, {sorted(times)[len(times) * 95 // 100] * 1000:.0f} ms",
    )
    if times:
        each = f"{milliseconds(used / len(times))}, {milliseconds(own / len(times))}"
        table.row("  processor time of the web and of the clients, each", each)
    table.row("  refused or failed, deadlocks", f"{failed}, {stuck}", "0, 0", failed == stuck == 0)


def _bare_rate(database: Database, folder: Path, seconds: int) -> float:
    """Pages a second of an application that only asks one thing, at the same server, from as many clients."""
    about = {**environment(database, folder), "BARE_DATABASE_URL": database.url}
    with Process.web(about, log=folder / "bare.log", program="benchmarks._bare:app") as web:
        port = int(web.url.rsplit(":", 1)[1])
        counts = [0] * CLIENTS

        def work(n: int, until: float) -> None:
            with closing(Wire(port, "GET", "/")) as wire:
                while time.perf_counter() < until:
                    status, _ = wire.ask()
                    counts[n] += status == 200

        for length in (1, seconds):  # the first only warms
            counts[:] = [0] * CLIENTS
            until = time.perf_counter() + length
            threads = [threading.Thread(target=work, args=(n, until)) for n in range(CLIENTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    return sum(counts) / seconds


def _joined() -> None:
    """What the scheduler does every hour: PostgreSQL has a stamp for each change of a house that was just made."""
    with unit_of_work() as unit:
        while stamps.join(unit):
            pass


def _priced(key: HostKey) -> None:
    pricing.adopt(key, TARIFF, date(2020, 1, 1))


def _clients(
    port: int, clients: list[tuple[str, dict[str, str]]], seconds: float, first: int = 0
) -> tuple[list[float], int]:
    until = time.perf_counter() + seconds
    times: list[float] = []
    failed: list[str] = []
    morning = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)

    def work(path: str, headers: dict[str, str]) -> None:
        n = first
        with closing(Wire(port, "POST", path, {**headers, "Content-Type": "application/json"})) as wire:
            while time.perf_counter() < until:
                body = dumps({**slot(n, morning), "description": "断口形貌"}).encode()
                started = time.perf_counter()
                status, said = wire.ask(body)
                if status == 201:
                    times.append(time.perf_counter() - started)
                else:
                    failed.append(said.decode())
                n += 1

    threads = [threading.Thread(target=work, args=client) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        print(f"  {len(failed)} failed, the first: {failed[0][:300]}")
    return times, len(failed)


# ---- eight at one slot -----------------------------------------------------------------------------------------

SLOTS = 200


def race(factory: Factory, table: Table, asked: Any) -> None:
    with hub(factory) as (database, folder, _app):
        scene = make_scene(weekly=ALWAYS, rules=RULES)
        who = [another_booker() for _ in range(8)]
        before = deadlocks(database)
        db.session.remove()
        found = _racing.run(database, folder, NOW, scene.key, [(p.id, f.id) for f, p, _ in who], SLOTS)
        stuck = deadlocks(database) - before
    winners = [sum(one.won for one in each) for each in found]
    refusals = [one for each in found for one in each if not one.won]
    slowest = max(one.seconds for each in found for one in each)
    table.row(f"{SLOTS} slots, one winner each", f"{winners.count(1)}", f"{SLOTS}", winners.count(1) == SLOTS)
    clear = sum(one.alternatives > 0 for one in refusals)
    table.row(
        "refusals that name other times", f"{clear} of {len(refusals)}", f"{7 * SLOTS}", clear == 7 * SLOTS
    )
    table.row("deadlocks", f"{stuck}", "0", stuck == 0)
    goal = ("< 500 ms", slowest < 0.5) if factory.engine_name == POSTGRESQL else ("", None)
    table.row("slowest of all", milliseconds(slowest), *goal)


# ---- a week of many resources ----------------------------------------------------------------------------------

RESOURCES, OF_A_WEEK = 200, 11_200


def week(factory: Factory, table: Table, asked: Any) -> None:
    with hub(factory, web=True) as (_, _, app):
        scene = make_scene(weekly=ALWAYS, rules=RULES)
        keys = [scene.key, *(make_listing(scene.host).key for _ in range(RESOURCES - 1))]
        with unit_of_work() as unit:
            for key in keys[1:]:
                availability.set_hours_directly(unit, key, ALWAYS, make_rules(**RULES))
        fill(scene, keys, OF_A_WEEK, NOW)
        few = _week(app, scene, table, f"{OF_A_WEEK:,} bookings")
        fill(scene, keys, 9 * OF_A_WEEK, NOW - timedelta(days=1), backwards=True, number=OF_A_WEEK)
        many = _week(app, scene, table, f"{10 * OF_A_WEEK:,} bookings")
    table.row("growth from few to many", f"{many / few:.2f} ×", "≤ 1.25 ×", many <= few * 1.25)


def _week(app: Flask, scene: Scene, table: Table, name: str) -> float:
    client = app.test_client()
    people.sign_in(client, scene.manager_person)
    path = f"/o/{scene.host.code}/calendar?view=week&day=2026-03-02"
    headers = {"Accept-Encoding": "gzip"}
    for _ in range(2):
        db.session.remove()
        answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.status_code
    with heard(db.engine) as said:
        answer = client.get(path, headers=headers)
    queries = [statement for statement, _, _ in said if not statement.startswith("BEGIN")]
    took = median(lambda _: client.get(path, headers=headers), 9)
    size = len(answer.data) / 1000
    if not answer.headers.get("Content-Encoding"):
        size = len(gzip.compress(answer.data, 5)) / 1000
    shown = answer.get_data() if not answer.headers.get("Content-Encoding") else gzip.decompress(answer.data)
    table.row(f"{name}: resources on the page", f"{shown.count(b'data-timetable')} of {RESOURCES}")
    table.row(f"{name}: page", milliseconds(took), "≤ 300 ms", took <= 0.3)
    table.row(f"{name}: as sent", f"{size:.0f} KB", "≤ 300 KB", size <= 300)
    table.row(f"{name}: queries", f"{len(queries)}", "≤ 10", len(queries) <= 10)
    return took


# ---- a feed ----------------------------------------------------------------------------------------------------

EVENTS = 2_000


def feed(factory: Factory, table: Table, asked: Any) -> None:
    with hub(factory, web=True) as (_, _, app):
        scene = make_scene(weekly=ALWAYS, rules=RULES)
        fill(scene, [scene.key], EVENTS, NOW)
        record, secret = create_feed(scene.booker.person_id, FeedKind.PERSON)
        path, client = f"/feeds/{record.kind.value}/{secret}.ics", app.test_client()
        for _ in range(2):
            answer = client.get(path)
        events = answer.get_data(as_text=True).count("BEGIN:VEVENT")
        took = median(lambda _: client.get(path), 9)
    table.row("events", f"{events:,}", f"{EVENTS:,}", events == EVENTS)
    table.row("feed", milliseconds(took), "≤ 100 ms", took <= 0.1)


if __name__ == "__main__":
    sys.exit(main())
