"""Hours of use with processes killed at random: ./dev soak [--minutes N] [--seed N] [--engine postgresql] [--drawn N].

First the tests that draw what they do (the booking machine, the interface) run with many times the examples that they
have among all tests, and others each time.

Round after round a day is booked, used, sealed and charged over HTTP while web and scheduler get a SIGKILL at moments
that chance draws; after each round nothing acknowledged may be missing, nothing doubled, and the ledger must hold.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path

from tests.support import drawn, killing, postgres
from tests.support.databases import POSTGRESQL, SQLITE, Database, Factory
from tests.support.installation import Installation, wait_for
from tests.support.killing import BOOKINGS, HOURS, REPORTED, Books, Day

DRAWN = ("tests/integration/booking/test_machine.py", "tests/web/booking/test_api_fuzz.py")


def one_round(day: Day, number: int, installation: Installation, books: Books, draw: random.Random) -> None:
    """A day from its first order to its last charge; ``number`` rounds are behind it when it is over."""
    before = (number - 1) * BOOKINGS
    kills = sorted(draw.sample(range(1, BOOKINGS - 1), k=draw.randint(1, 3)))
    acknowledged = killing.book(day, installation, kills)
    assert len(set(acknowledged.values())) == BOOKINGS
    assert books.count("booking") == before + BOOKINGS
    installation.scheduler.kill()
    killing.advance(day.first + timedelta(hours=HOURS, minutes=1))
    killing.report(day, installation, kills={draw.randrange(REPORTED)})
    installation.scheduler.start()
    killing.killed_when(
        installation, lambda: books.count("usage_session") >= before + draw.randrange(BOOKINGS)
    )
    killing.advance(day.over)
    assert wait_for(lambda: books.over() == before + BOOKINGS, 300), installation.said()
    killing.advance(day.over + timedelta(days=15))
    for table in draw.sample(("usage_entry", "charge", "money_entry", "chain_link"), k=draw.randint(1, 3)):
        wanted = books.count(table) + draw.randrange(1, BOOKINGS)
        wait_for(lambda at=table, least=wanted: books.count(at) >= least, 10, every=0.01)  # type: ignore[misc]
        installation.kill()
        installation.start()
    assert wait_for(lambda: books.settled(before + BOOKINGS), 300), installation.said()
    books.assert_nothing_doubled(number * BOOKINGS, used=number * REPORTED)
    killing.assert_ledger_holds(installation)


@contextmanager
def fresh_database(engine_name: str, folder: Path) -> Iterator[Database]:
    with ExitStack() as stack:
        server = stack.enter_context(postgres.running()) if engine_name == POSTGRESQL else None
        factory = stack.enter_context(closing(Factory(engine_name, folder, server, anew=True)))
        yield stack.enter_context(factory.migrated())


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev soak", description="Use the product while its processes are killed."
    )
    parser.add_argument("--minutes", type=float, default=60, help="no new round begins after so long")
    parser.add_argument("--seed", type=int, default=None, help="repeat an earlier run's draws")
    parser.add_argument("--engine", choices=(SQLITE, POSTGRESQL), default=SQLITE)
    parser.add_argument(
        "--drawn", type=int, default=10, help="times the examples of drawn tests; 0 leaves them out"
    )
    given = parser.parse_args()
    if given.drawn:
        run = [sys.executable, "-m", "pytest", "-q", "--engine", given.engine, *DRAWN]
        done = subprocess.run(run, env={**os.environ, drawn.TIMES: str(given.drawn)}, check=False)
        if done.returncode:
            return done.returncode
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}, {given.engine}, {given.minutes:g} minutes", flush=True)
    draw, until, number = random.Random(seed), time.monotonic() + given.minutes * 60, 0
    with tempfile.TemporaryDirectory(prefix="rh-soak-") as name:
        folder = Path(name)
        with (
            fresh_database(given.engine, folder) as database,
            killing.small_hub(database, folder) as day,
            database.engine() as engine,
        ):
            installation, books = Installation(database, folder), Books(engine)
            try:
                installation.start()
                while number == 0 or time.monotonic() < until:
                    number += 1
                    began = time.monotonic()
                    one_round(day, number, installation, books, draw)
                    seconds = time.monotonic() - began
                    print(f"round {number}: {number * BOOKINGS} bookings hold, {seconds:.0f} s", flush=True)
                    day = day.next()
            finally:
                installation.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
