"""The published log of 188,041 uses: loaded, sealed and verified, on both engines. ``./dev bench usage``.

The bare baseline of the same run is the same rows put into the same tables by the driver alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import config
from benchmarks._common import TITLES, Database, Table, arguments, databases, engines
from tests.support.application import environment

_TABLES = ("usage_session", "session_line", "usage_entry", "chain_link")
_RATE = re.compile(r" load, seal and verify ([\d,]+) rows/s")
_WITH_READING = re.compile(r"with reading and setting up ([\d,]+)")
_MEMORY = re.compile(r"peak memory ([\d,]+) MB")


def main() -> int:
    asked = arguments(__doc__ or "")
    data = Path(os.environ.get("RESOURCE_HUB_DATA") or config.ROOT.parent / "shared" / "data")
    table = Table()
    for engine in engines(asked.engine):
        with databases(engine) as factory, factory.migrated() as database:
            table.title(TITLES[engine])
            said, used = _rehearse(database, data)
            rate, memory = _number(_RATE, said), _number(_MEMORY, said)
            table.row("load, seal and verify", f"{rate:,} rows/s", "≥ 5,000", rate >= 5_000)
            table.row("  with reading and setting up", f"{_number(_WITH_READING, said):,} rows/s")
            table.row("  processor time of the client", f"{used:.1f} s")
            table.row("  peak memory", f"{memory:,} MB", "< 500 MB", memory < 500)
            table.row("hours equal the file's", "to the second", "", "equal to the second" in said)
            bare = _bare(database)
            table.row("the same rows, bare", f"{188_041 / bare:,.0f} rows/s")
            table.row("  ratio", f"{188_041 / rate / bare:.1f} ×")
            again, _ = _rehearse(database, data)
            table.row("a second run creates", _last(again), "0 created", _last(again).startswith("0 created"))
    return table.end()


def _rehearse(database: Database, data: Path) -> tuple[str, float]:
    command = [
        sys.executable, "-m", "resource_hub.entrypoints.cli", "rehearse", "--data", str(data), "--only", "usage",
        "--db", database.url, "--migration-url", database.owner_url, "--app-role", database.app_role,
    ]  # fmt: skip
    before = os.times()
    with tempfile.TemporaryDirectory() as instance:
        done = subprocess.run(
            command,
            env=environment(database, Path(instance)),
            capture_output=True,
            text=True,
            cwd=config.ROOT,
        )
    after = os.times()
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return done.stdout, used


def _bare(database: Database) -> float:
    """Seconds for the rows of the four tables into copies without keys or checks, read before the clock starts."""
    seconds = 0.0
    with database.engine(owner=True) as engine, engine.connect() as connection:
        for name in _TABLES:
            raw = connection.connection.cursor()
            raw.execute(f"SELECT * FROM {name}")
            rows = raw.fetchall()
            names = [column[0] for column in raw.description]
            raw.execute(f"CREATE TEMPORARY TABLE bare_{name} AS SELECT * FROM {name} LIMIT 0")
            started = time.perf_counter()
            if database.server is None:
                marks = ", ".join("?" * len(names))
                raw.executemany(f"INSERT INTO bare_{name} VALUES ({marks})", rows)
            else:
                with raw.copy(f"COPY bare_{name} FROM STDIN") as copy:  # type: ignore[attr-defined]
                    for row in rows:
                        copy.write_row([_plain(value) for value in row])
            connection.connection.commit()
            seconds += time.perf_counter() - started
    return seconds


def _plain(value: object) -> object:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def _number(pattern: re.Pattern[str], text: str) -> int:
    return int(pattern.findall(text)[-1].replace(",", ""))


def _last(text: str) -> str:
    return text.strip().splitlines()[-1].split(",")[0]


if __name__ == "__main__":
    sys.exit(main())
