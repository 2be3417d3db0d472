"""Several people at one slot at the same moment, each in a process of its own. Mark tests of it xdist_group("race")."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from multiprocessing import connection
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import text

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.errors import SlotTaken
from resource_hub.domain.availability.terms import BusyEvent, CalendarRead
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import Scope
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from resource_hub.kernel.errors import Conflict, DomainError, Reason
from tests.builders.booking import make_asked
from tests.support.application import application
from tests.support.databases import Database

Found = tuple[str, Any, float]
READY, GO = "ready", "go"


class _Racer:
    """A process that stands for one person after the other.

    Kept between tests: it has composed its application and its statements already, which takes a process two seconds
    of work; the group keeps these tests in one process of the run. Its connections are closed after each race.
    """

    def __init__(self) -> None:
        # The modules are loaded once, in the server from which all are forked; their connections are their own.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["resource_hub.app", "tests.support.racing", "holidays.countries"])
        self.ours, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()


_racers: list[_Racer] = []


def _team(size: int) -> list[_Racer]:
    _racers[:] = [racer for racer in _racers if racer.process.is_alive()]
    _racers.extend(_Racer() for _ in range(size - len(_racers)))
    return _racers[:size]


def _dismiss() -> None:
    """No process that a race left behind in the middle of something takes part in another."""
    for racer in _racers:
        racer.process.kill()
        racer.process.join(10)
        racer.ours.close()
    _racers.clear()


def race(
    database: Database, folder: Path, now: datetime, job: str, payloads: list[dict[str, Any]]
) -> list[Found]:
    """Give each payload to a process of its own, let them go at once, and say what each got: ``("won", id, seconds)``,
    ``("taken", number of alternatives, seconds)`` or ``(code, reasons, seconds)``. A crash fails, and so does a
    deadlock, also one that a repetition has hidden.

    A payload may name a ``job`` of its own, and a moment ``now`` of its own.
    """
    # The addresses only: a server belongs to the process that started it.
    plain = replace(database, server=None, lasting=None)
    before = deadlocks()
    team = _team(len(payloads))
    for racer, payload in zip(team, payloads, strict=True):
        racer.ours.send((plain, str(folder), now, {"job": job, **payload}))
    found = _heard(team)
    if found == [READY] * len(team):
        for racer in team:
            racer.ours.send(GO)
        found = _heard(team)
    sound = len(found) == len(team) and not [one for one in found if one == READY or one[0] == "crashed"]
    if not sound:
        _dismiss()
    assert sound, found
    assert deadlocks() == before
    return found


def _heard(team: list[_Racer], seconds: float = 120) -> list[Any]:
    """What each of them says next, in the order of its coming; less, when one of them dies or says nothing."""
    said: list[Any] = []
    waiting: dict[Any, connection.Connection] = {racer.ours: racer.ours for racer in team}
    until = time.monotonic() + seconds
    while waiting and time.monotonic() < until:
        for end in connection.wait(waiting, timeout=1):
            with contextlib.suppress(EOFError, OSError):
                said.append(waiting.pop(end).recv())
    return said


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


def _days(payload: dict[str, Any], by: Any) -> Any:
    """Put calendar days in, or take one back, when some have booked; tell the hosts."""
    time.sleep(payload["pause"])
    if "forget" in payload:
        availability.forget_day("CN", payload["forget"], by=by)
    else:
        availability.enter_days("CN", payload["days"], by=by)
    return outbox.deliver_due()


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


def _send(payload: dict[str, Any], by: Any) -> Any:
    """Over HTTP, whatever is done: the status; a refusal as its reasons."""
    client = current_app.test_client()
    answer = client.open(
        payload["path"], method=payload["method"], json=payload.get("json"), headers=payload["headers"]
    )
    if answer.status_code < 400:
        return answer.status_code
    error = Conflict(*(Reason(reason["code"]) for reason in answer.get_json()["reasons"]))
    error.code = answer.get_json()["code"]
    raise error


def _upload(payload: dict[str, Any], by: Any) -> Any:
    """Hand files in over HTTP: the whole answer over the REST interface, where one is led to by a page."""
    client = current_app.test_client()
    fields = {name: _sent(value) for name, value in payload["form"].items()}
    if "page" in payload:
        with client.session_transaction() as session:
            session["_user_id"] = accounts.session_key(accounts.person(by.person_id))
            session["_fresh"] = True
        page = client.get(payload["page"]).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found is not None, page[:500]
        fields["csrf_token"] = found[1]
    answer = client.post(
        payload["path"], data=fields, headers=payload.get("headers"), content_type="multipart/form-data"
    )
    assert answer.status_code in (201, 303), (answer.status_code, answer.text[:500])
    return answer.location or json.dumps(answer.get_json(), sort_keys=True)


def _sent(value: Any) -> Any:
    """A field as it is sent; a file is its bytes and its name."""
    if isinstance(value, list):
        return [_sent(one) for one in value]
    return (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value


# Those that ask over HTTP.
_WEB = {"post", "send", "upload"}

JOBS: dict[str, Callable[[dict[str, Any], Any], Any]] = {
    "request": _request,
    "change": _change,
    "hold": lambda p, by: service.hold(p["key"], make_asked(), by=by).key.id,
    "lift": lambda p, by: service.lift_bar(p["key"], p["person"], reason="已谈话", by=by).isoformat(),
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
    "hours": lambda p, by: service.publish_hours(
        p["key"], p["rows"], p["since"], by=by, verdicts=p["verdicts"], reason="检修"
    ),
    "dates": lambda p, by: service.publish_repeated(
        p["key"], p["exception"], p["rule"], by=by, verdicts=p["verdicts"], reason="检修"
    ),
    "retire": lambda p, by: service.change_unit(
        p["unit"],
        by=by,
        name_zh="1 号机位",
        name_en="Unit 1",
        active=False,
        verdicts=p["verdicts"],
        reason="检修",
    ),
    "days": _days,
    "import": _import,
    "look": lambda p, by: availability.note_look(p["key"].institution_id),
    "post": _post,
    "send": _send,
    "upload": _upload,
    "offer": lambda p, by: service.offer_due(),
    "split": lambda p, by: service.split(p["booking"], p["at"], by=by, version=p.get("version"))[1].key.id,
    "hand_over": lambda p, by: (
        service.hand_over(p["booking"], p["person"], by=by, version=p.get("version")).key.id
    ),
    "take": lambda p, by: service.accept_hand_over(p["offer"], by=by).key.id,
    "withdraw": lambda p, by: service.withdraw_hand_over(p["offer"], by=by).key.id,
    "accept": lambda p, by: service.accept_offer(p["entry"], by=by).key.id,
    "answer": lambda p, by: (
        service.answered(
            p["booking"], by.person_id, service.Answer.DECLINED, sequence=p["sequence"], mark=p["mark"]
        ).value
    ),
    "walk_in": lambda p, by: service.book_walk_in(p["key"], make_asked(), p["name"], "", by=by).key.id,
    "rate": lambda p, by: service.rate(p["booking"], 4, by=by).key.id,
    "ask_again": lambda p, by: service.ask_for_quote(p["key"], p["wish"], by=by, former=p["former"]).key.id,
    "answer_series": lambda p, by: len(
        service.answer_series(p["series"], p["accept"], by=by, note="检定", version=p.get("version"))
    ),
    "change_series": lambda p, by: (
        service.change_series(
            p["series"], p["booking"], p["span"], Scope.REST, by=by, version=p["version"]
        ).key.id
    ),
    "series": lambda p, by: (
        service.create_series(
            p["key"], make_asked(**p.get("asked", {})), p["rule"], by=by, request_key=p.get("token")
        ).key.id
    ),
}


def _serve(end: connection.Connection) -> None:
    """The life of a racer: until its tests are gone."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            end.send(_take_part(end, *end.recv()))


def _take_part(
    end: connection.Connection, database: Database, folder: str, now: datetime, payload: dict[str, Any]
) -> Found:
    """One person at one machine: its own process, application and connections."""
    try:
        with (
            application(database, Path(folder), web=payload["job"] in _WEB) as app,
            app.app_context(),
            clock.fixed(payload.get("now", now)),
        ):
            by = accounts.actor(payload["person_id"], payload["organisation_id"])
            _look(payload, by)
            end.send(READY)
            end.recv()
            return _outcome(payload, by)
    except Exception as error:  # told to the test, which fails on it
        return "crashed", repr(error)[:500], 0.0


def _outcome(payload: dict[str, Any], by: Any) -> Found:
    began = time.perf_counter()
    try:
        made = JOBS[payload["job"]](payload, by)
        return "won", str(made), time.perf_counter() - began
    except SlotTaken as error:
        return "taken", len(error.values.get("alternatives", [])), time.perf_counter() - began
    except DomainError as error:
        return error.code, [r.code for r in error.reasons], time.perf_counter() - began
