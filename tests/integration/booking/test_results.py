"""Results of an order: delivered with a last day, fetched by the two parties, deleted after it, a record left."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from resource_hub.adapters.file_store import FileStore
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.after_tables import ResultDownload
from resource_hub.domain.booking.errors import InvalidOrder, NoSuchBooking, NotYours, WrongState
from resource_hub.domain.booking.rules.results import remind_at
from resource_hub.domain.booking.terms import BookingRecord, FileKind
from resource_hub.domain.notices import service as notices
from resource_hub.entrypoints.jobs import JobContext
from resource_hub.entrypoints.jobs import results as jobs
from resource_hub.infra import clock, files, outbox
from resource_hub.infra.database import db, reading
from resource_hub.infra.tables import AuditEntry, StoredFile
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.accounts import make_actor
from tests.builders.availability import moment
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

DATA = b"element,wt%\nFe,71.2\n"
LAST_DAY = date(2026, 3, 20)
LAST_MOMENT, OVER = "2026-03-20T23:59:59+08:00", "2026-03-21T00:00+08:00"


@pytest.fixture
def scene(now: datetime) -> Scene:
    return make_scene()


@pytest.fixture
def done(scene: Scene) -> Iterator[BookingRecord]:
    """A booking that was used, and the day after."""
    record = make_booking(scene)
    with clock.fixed(moment("2026-03-03T11:00+08:00")):
        with unit_of_work() as unit:
            service.started(unit, record.key)
            service.finished(unit, record.key, unit.now)
    with clock.fixed(moment("2026-03-04T09:00+08:00")):
        yield service.booking(record.key)


def store() -> FileStore:
    return FileStore(current_app.extensions["resource_hub_settings"].files_dir)


def new_file(data: bytes = DATA, name: str = "能谱.csv") -> service.NewFile:
    kept = store().keep(io.BytesIO(data), limit=1000)
    # Bytes that came ten minutes ago or more: nobody is handing them in just now.
    os.utime(store().path(kept.sha256), (0, 0))
    return service.NewFile(name, "application/octet-stream", kept.size, kept.sha256)


def deliver(scene: Scene, done: BookingRecord, *given: service.NewFile, until: date = LAST_DAY) -> Any:
    return service.deliver_results(done.key, given or [new_file()], until, by=scene.manager)[0]


def run_end() -> Any:
    return jobs.end(JobContext("booking.end_results", clock.machine_now()))


def audited(result: Any) -> list[str]:
    subject = f"result:{result.key.id}"
    rows = reading().scalars(
        select(AuditEntry.action).where(AuditEntry.subject == subject).order_by(AuditEntry.id)
    )
    return list(rows)


def test_delivered_told_and_fetched(scene: Scene, done: BookingRecord) -> None:
    made = deliver(scene, done)
    assert (made.size, made.sha256) == (len(DATA), hashlib.sha256(DATA).digest())
    outbox.deliver_due()
    told = [n for n in notices.inbox(scene.booker_person.id) if n.kind == "booking.results_delivered"]
    assert len(told) == 1 and told[0].values["until"] == "2026-03-20"
    for by in (scene.booker, scene.manager):
        record = service.fetch_result(done.key, made.key.id, by=by)
        assert record.sha256 == made.sha256
    (found,) = service.results_of(done.key, scene.booker)
    assert found.downloads == 2 and found.last_download == clock.now()
    with pytest.raises(DBAPIError), unit_of_work() as unit:
        unit.session.execute(ResultDownload.__table__.delete())


def test_strangers_find_nothing(scene: Scene, done: BookingRecord) -> None:
    made = deliver(scene, done)
    stranger, rival = another_booker()[2], make_scene().manager
    mine = make_booking(scene, asked=make_asked("2026-03-05T09:00+08:00", "2026-03-05T11:00+08:00"))
    for by in (stranger, rival):
        with pytest.raises(NoSuchBooking):
            service.results_of(done.key, by)
        with pytest.raises(NoSuchBooking):
            service.fetch_result(done.key, made.key.id, by=by)
        with pytest.raises(NoSuchBooking):
            service.end_result(done.key, made.key.id, by=by, reason="x")
    # A result of another order, asked for by way of one's own.
    with pytest.raises(NoSuchBooking):
        service.fetch_result(mine.key, made.key.id, by=scene.booker)
    # The way of ordinary documents leads to no result either: each fetch is written down.
    with pytest.raises(NoSuchBooking):
        service.file_of(done.key, made.key.id, scene.booker)


def test_only_the_host_delivers_and_only_what_is_there(scene: Scene, done: BookingRecord) -> None:
    with pytest.raises(NotYours):
        service.deliver_results(done.key, [new_file()], LAST_DAY, by=scene.booker)
    ahead = make_booking(scene, asked=make_asked("2026-03-05T09:00+08:00", "2026-03-05T11:00+08:00"))
    with pytest.raises(WrongState):
        service.deliver_results(ahead.key, [new_file()], LAST_DAY, by=scene.manager)
    for until, ok in (
        (date(2026, 3, 3), False), (date(2026, 3, 4), True), (date(2026, 3, 4) + timedelta(days=3 * 366), True),
        (date(2026, 3, 5) + timedelta(days=3 * 366), False),
    ):  # fmt: skip
        if ok:
            deliver(scene, done, until=until)
        else:
            with pytest.raises(InvalidOrder):
                deliver(scene, done, until=until)
    with pytest.raises(InvalidOrder):
        service.deliver_results(done.key, [], LAST_DAY, by=scene.manager)
    stored = files.register(scene.host.id, name="x", media_type="x", size=1, sha256=b"x", person_id=None)
    with pytest.raises(InvalidOrder):
        service.attach(done.key, stored.organisation_id, stored.id, FileKind.RESULT, by=scene.manager)


@pytest.mark.parametrize(("at", "there"), [(LAST_MOMENT, True), (OVER, False)])
def test_the_last_day_counts_whole_and_no_job_is_waited_for(
    scene: Scene, done: BookingRecord, at: str, there: bool
) -> None:
    made = deliver(scene, done)
    with clock.fixed(moment(at)):
        if there:
            service.fetch_result(done.key, made.key.id, by=scene.booker)
            assert run_end().done == 0 and store().has(made.sha256)
        else:
            with pytest.raises(WrongState):
                service.fetch_result(done.key, made.key.id, by=scene.booker)


def test_after_it_only_the_record_stays(scene: Scene, done: BookingRecord) -> None:
    made = deliver(scene, done)
    with clock.fixed(moment(OVER)):
        assert run_end().done == 2  # ended, and erased
        assert run_end().done == 0
        assert not store().has(made.sha256)
        assert reading().scalar(select(func.count()).select_from(StoredFile)) == 0
        (left,) = service.results_of(done.key, scene.booker)
        assert (left.name, left.size, left.sha256) == (made.name, made.size, made.sha256)
        assert left.deleted_at == clock.now() and left.ended_by is None
        assert service.detail(done.key, scene.booker).files == ()
    assert audited(made) == ["booking.result_delivered", "booking.result_ended", "booking.result_deleted"]


def test_what_died_between_the_steps_is_taken_up(scene: Scene, done: BookingRecord) -> None:
    made = deliver(scene, done)
    with clock.fixed(moment(OVER)):
        assert service.end_results() == 1
        assert store().has(made.sha256)  # the power went before the bytes did
        assert run_end().done == 1
        assert not store().has(made.sha256)
        assert service.results_erased([made.key]) == 0


def test_bytes_that_somebody_else_handed_in_stay(scene: Scene, done: BookingRecord) -> None:
    made = deliver(scene, done)
    files.register(
        scene.firm.id, name="x.csv", media_type="x", size=made.size, sha256=made.sha256, person_id=None
    )
    with clock.fixed(moment(OVER)):
        assert run_end().done == 2
        assert store().has(made.sha256)
        (left,) = service.results_of(done.key, scene.booker)
        assert left.deleted_at is not None


def test_bytes_that_just_came_wait(scene: Scene, done: BookingRecord) -> None:
    made = deliver(scene, done)
    store().keep(io.BytesIO(DATA), limit=1000)  # somebody hands the same in; its row is not written yet
    with clock.fixed(moment(OVER)):
        assert run_end().done == 1 and store().has(made.sha256)
        os.utime(store().path(made.sha256), (0, 0))
        assert run_end().done == 1 and not store().has(made.sha256)


def test_taken_back_by_the_host(scene: Scene, done: BookingRecord) -> None:
    made = deliver(scene, done)
    with pytest.raises(NotYours):
        service.end_result(done.key, made.key.id, by=scene.booker, reason="x")
    with pytest.raises(InvalidOrder):
        service.end_result(done.key, made.key.id, by=scene.manager, reason=" ")
    service.end_result(done.key, made.key.id, by=scene.manager, reason="样品弄错")
    with pytest.raises(WrongState):
        service.fetch_result(done.key, made.key.id, by=scene.booker)
    run_end()
    (left,) = service.results_of(done.key, scene.booker)
    assert (left.ended_by, left.reason) == (
        scene.manager_person.id,
        "样品弄错",
    ) and left.deleted_at is not None
    outbox.deliver_due()
    assert "booking.result_ended" in [n.kind for n in notices.inbox(scene.booker_person.id)]


def test_told_a_week_before_once(scene: Scene, done: BookingRecord) -> None:
    deliver(scene, done)
    week_before = moment(OVER) - timedelta(days=7)
    for at, expected in ((week_before - timedelta(seconds=1), 0), (week_before, 1), (week_before, 0)):
        with clock.fixed(at):
            assert service.remind_results() == expected
            outbox.deliver_due()
    told = [n for n in notices.inbox(scene.booker_person.id) if n.kind == "booking.result_expiring"]
    assert len(told) == 1 and told[0].values["file"] == "能谱.csv"


def test_a_short_time_is_told_half_way() -> None:
    start = moment("2026-03-01T00:00+08:00")
    assert remind_at(start, start + timedelta(days=4)) == start + timedelta(days=2)
    assert remind_at(start, start + timedelta(days=14)) == start + timedelta(days=7)
    assert remind_at(start, start + timedelta(days=90)) == start + timedelta(days=83)


def test_an_operator_may_deliver(scene: Scene, done: BookingRecord, in_app: Flask) -> None:
    operator = make_actor(scene.host, Role.OPERATOR)
    assert service.may_deliver(done, operator) and not service.may_deliver(done, scene.booker)
    service.deliver_results(done.key, [new_file()], LAST_DAY, by=operator)
    db.session.remove()
