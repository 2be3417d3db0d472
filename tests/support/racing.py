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

from flask import current_app
from sqlalchemy import text

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.errors import SlotTaken
from resource_hub.domain.availability.terms import BusyEvent, CalendarRead
from resource_hub.domain.booking import service
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.kernel.errors import Conflict, DomainError, Reason
from tests.builders.booking import make_asked
from tests.support.application import application
from tests.support.databases import Database

Found = tuple[str, Any, float]


def race(
    database: Database, folder: Path, now: datetime, job: str, payloads: list[dict[str, Any]]
) -> list[Found]:
    """Start a process for each payload, let them go at once, and say what each got: ``("won", id, seconds)``,
    ``("taken", number of alternatives, seconds)`` or ``(code, reasons, seconds)``. A crash fails, and so does a
    deadlock, also one that a repetition has hidden.

    A payload may name a ``job`` of its own, and a moment ``now`` of its own.
    """
    # The modules are loaded once, in the server from which the eight are forked; their connections are their own.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["resource_hub.app", "tests.support.racing", "holidays.countries"])
    barrier, results = context.Barrier(len(payloads)), context.Queue()
    # The addresses only: a server belongs to the process that started it.
    plain = replace(database, server=None)
    before = deadlocks()
    workers = [
        context.Process(
            target=_worker, args=(plain, str(folder), now, {"job": job, **payload}, barrier, results)
        )
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
    assert deadlocks() == before
    return found


def deadlocks() -> int:
    """Deadlocks of this database so far; SQLite has one writer and knows none."""
    if db.engine.dialect.name != "postgresql":
        return 0
    db.session.remove()
    with db.engine.connect() as connection:
        counted = connection.scalar(
            text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        )
    return int(counted or 0)


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


def _request(payload: dict[str, Any], by: Any) -> Any:
    asked = make_asked(**payload.get("asked", {}))
    key, token, hold = payload["key"], payload.get("token"), payload.get("hold")
    return service.request(key, asked, by=by, idempotency_key=token, hold_id=hold).key.id


def _change(payload: dict[str, Any], by: Any) -> Any:
    return service.change(payload["booking"], payload["span"], by=by, version=payload.get("version")).key.id


def _exception(payload: dict[str, Any], by: Any) -> Any:
    return availability.add_exception(payload["key"], payload["exception"], by=by).id


def _import(payload: dict[str, Any], by: Any) -> Any:
    record = availability.calendar(payload["key"], payload["source"], by=by)
    busy = tuple(BusyEvent(span, "") for span in payload["busy"])
    read = CalendarRead("", len(busy), busy)
    return availability.settle_calendar(record, read, availability.reading_span(clock.now()))


def _post(payload: dict[str, Any], by: Any) -> Any:
    """Over HTTP: the id of what was made; a refusal as the domain error that it tells of."""
    client = current_app.test_client()
    answer = client.post(payload["path"], json=payload["json"], headers=payload["headers"])
    body = answer.get_json()
    if answer.status_code == 201:
        return body["id"]
    if body["code"] == SlotTaken.code:
        error = SlotTaken()
        error.values["alternatives"] = body["alternatives"]
        raise error
    raise Conflict(*(Reason(reason["code"]) for reason in body["reasons"]))


JOBS: dict[str, Callable[[dict[str, Any], Any], Any]] = {
    "request": _request,
    "change": _change,
    "hold": lambda p, by: service.hold(p["key"], make_asked(), by=by).key.id,
    "approve": lambda p, by: service.approve(p["booking"], by=by, version=p.get("version")).key.id,
    "reject": lambda p, by: (
        service.reject(p["booking"], by=by, reason="检定", version=p.get("version")).key.id
    ),
    "cancel": lambda p, by: service.cancel(p["booking"], by=by, version=p.get("version")).key.id,
    "lapse": lambda p, by: service.lapse_due(),
    "exception": _exception,
    "close": lambda p, by: service.publish_exception(
        p["key"], p["exception"], by=by, verdicts=p["verdicts"], reason="检修"
    ),
    "import": _import,
    "post": _post,
    "offer": lambda p, by: service.offer_due(),
    "split": lambda p, by: service.split(p["booking"], p["at"], by=by, version=p.get("version"))[1].key.id,
    "hand_over": lambda p, by: (
        service.hand_over(p["booking"], p["person"], by=by, version=p.get("version")).key.id
    ),
    "take": lambda p, by: service.accept_hand_over(p["offer"], by=by).key.id,
    "withdraw": lambda p, by: service.withdraw_hand_over(p["offer"], by=by).key.id,
    "accept": lambda p, by: service.accept_offer(p["entry"], by=by).key.id,
    "rate": lambda p, by: service.rate(p["booking"], 4, by=by).key.id,
    "series": lambda p, by: (
        service.create_series(p["key"], make_asked(), p["rule"], by=by, request_key=p.get("token")).key.id
    ),
}


def _worker(
    database: Database, folder: str, now: datetime, payload: dict[str, Any], barrier: Any, results: Any
) -> None:
    """One person at one machine: its own process, application and connections."""
    job = payload["job"]
    with (
        application(database, Path(folder), web=job == "post") as app,
        app.app_context(),
        clock.fixed(payload.get("now", now)),
    ):
        by = accounts.actor(payload["person_id"], payload["organisation_id"])
        _look(payload, by)
        barrier.wait(60)
        began = time.perf_counter()
        try:
            made = JOBS[job](payload, by)
            results.put(("won", str(made), time.perf_counter() - began))
        except SlotTaken as error:
            results.put(("taken", len(error.values.get("alternatives", [])), time.perf_counter() - began))
        except DomainError as error:
            results.put((error.code, [r.code for r in error.reasons], time.perf_counter() - began))
        except Exception as error:  # told to the test, which fails on it
            results.put(("crashed", repr(error)[:500], time.perf_counter() - began))
