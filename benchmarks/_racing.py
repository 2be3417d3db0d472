"""Eight people in processes of their own who want the same slot, again and again."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.errors import SlotTaken
from resource_hub.domain.booking import service
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.kernel.keys import HostKey
from tests.builders.booking import make_asked
from tests.support.application import application
from tests.support.databases import Database


@dataclass(frozen=True)
class Try:
    won: bool
    alternatives: int
    seconds: float


def run(
    database: Database,
    folder: Path,
    now: datetime,
    key: HostKey,
    who: Sequence[tuple[UUID, UUID]],
    slots: int,
) -> list[list[Try]]:
    """What each of the people got at each slot."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["resource_hub.app", "benchmarks._racing", "holidays.countries"])
    barrier, results = context.Barrier(len(who)), context.Queue()
    plain = replace(database, server=None, lasting=None)
    workers = [
        context.Process(target=_worker, args=(plain, str(folder), now, key, one, slots, barrier, results))
        for one in who
    ]
    for worker in workers:
        worker.start()
    by_worker = [results.get(timeout=600) for _ in workers]
    for worker in workers:
        worker.join(10)
    crashed = [found for found in by_worker if isinstance(found, str)]
    if crashed:
        raise SystemExit(crashed[0])
    return [list(each) for each in zip(*by_worker, strict=True)]


def _worker(
    database: Database,
    folder: str,
    now: datetime,
    key: HostKey,
    who: tuple[UUID, UUID],
    slots: int,
    barrier: Any,
    results: Any,
) -> None:
    try:
        with application(database, Path(folder), web=False) as app, app.app_context(), clock.fixed(now):
            by = accounts.actor(*who)
            availability.warm()
            results.put([_try(key, by, now, n, barrier) for n in range(-1, slots)][1:])
    except BaseException as error:
        barrier.abort()
        results.put(f"{type(error).__name__}: {error}")


def _try(key: HostKey, by: Any, now: datetime, n: int, barrier: Any) -> Try:
    """One slot; the one before the first only warms."""
    start = now + timedelta(days=1, hours=n + 1)
    asked = make_asked(start.isoformat(), (start + timedelta(hours=1)).isoformat())
    db.session.remove()
    barrier.wait(60)
    started = time.perf_counter()
    try:
        service.request(key, asked, by=by)
    except SlotTaken as error:
        return Try(False, len(error.values.get("alternatives", [])), time.perf_counter() - started)
    return Try(True, 0, time.perf_counter() - started)
