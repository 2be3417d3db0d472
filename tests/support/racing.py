"""Several people at one slot at the same moment, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import queue
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.errors import SlotTaken
from resource_hub.domain.booking import service
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.kernel.errors import DomainError
from tests.builders.booking import make_asked
from tests.support.application import application
from tests.support.databases import Database

Found = tuple[str, Any, float]


def race(
    database: Database, folder: Path, now: datetime, job: str, payloads: list[dict[str, Any]]
) -> list[Found]:
    """Start a process for each payload, let them go at once, and say what each got: ``("won", id, seconds)``,
    ``("taken", number of alternatives, seconds)`` or ``(code, reasons, seconds)``. A crash fails."""
    # The modules are loaded once, in the server from which the eight are forked; their connections are their own.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["resource_hub.app", "tests.support.racing", "holidays.countries"])
    barrier, results = context.Barrier(len(payloads)), context.Queue()
    # The addresses only: a server belongs to the process that started it.
    plain = replace(database, server=None)
    workers = [
        context.Process(target=_worker, args=(plain, str(folder), now, job, payload, barrier, results))
        for payload in payloads
    ]
    for worker in workers:
        worker.start()
    found: list[Found] = []
    until = time.monotonic() + 120
    while len(found) < len(workers) and time.monotonic() < until:
        try:
            found.append(results.get(timeout=1))
        except queue.Empty:
            if not any(worker.is_alive() for worker in workers):
                break
    for worker in workers:
        worker.join(10)
    assert len(found) == len(workers) and not [one for one in found if one[0] == "crashed"], found
    return found


def _look(payload: dict[str, Any], by: Any) -> None:
    """Everybody has seen the page before they click, so connection, statements and rules are warm."""
    key = payload.get("key") or service.booking(payload["booking"]).resource_key
    resource = catalogue.resource(key)
    asked = make_asked()
    service.calendar(key, asked.span, by)  # type: ignore[arg-type]
    service.preview(
        resource, asked, service.buyer(resource, next(iter(by.customer_ids), None), date(2026, 3, 2))
    )
    availability.warm()
    db.session.remove()


def _worker(
    database: Database,
    folder: str,
    now: datetime,
    job: str,
    payload: dict[str, Any],
    barrier: Any,
    results: Any,
) -> None:
    """One person at one machine: its own process, application and connections."""
    with application(database, Path(folder), web=False) as app, app.app_context(), clock.fixed(now):
        by = accounts.actor(payload["person_id"], payload["organisation_id"])
        calls: dict[str, Callable[[], Any]] = {
            "request": lambda: service.request(
                payload["key"],
                make_asked(**payload.get("asked", {})),
                by=by,
                idempotency_key=payload.get("token"),
            ),
            "change": lambda: service.change(payload["booking"], payload["span"], by=by),
            "approve": lambda: service.approve(payload["booking"], by=by),
            "hold": lambda: service.hold(payload["key"], make_asked(), by=by),
            "close": lambda: service.publish_exception(
                payload["key"], payload["exception"], by=by, verdicts=payload["verdicts"], reason="检修"
            ),
        }
        _look(payload, by)
        barrier.wait(60)
        began = time.perf_counter()
        try:
            made = calls[payload.get("job", job)]()
            results.put(("won", str(made if isinstance(made, int) else made.key.id), time.perf_counter() - began))
        except SlotTaken as error:
            results.put(("taken", len(error.values.get("alternatives", [])), time.perf_counter() - began))
        except DomainError as error:
            results.put((error.code, [r.code for r in error.reasons], time.perf_counter() - began))
        except Exception as error:  # told to the test, which fails on it
            results.put(("crashed", repr(error)[:500], time.perf_counter() - began))
