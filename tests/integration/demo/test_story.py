"""The demonstration's clock moves forward only, and what becomes due is done: from a booking to a payout run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from resource_hub.app import create_app
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.billing import service as billing
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import BookingRecord
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.usage import service as usage
from resource_hub.entrypoints.commands.demo import demonstration_settings
from resource_hub.entrypoints.demo import fill, today
from resource_hub.entrypoints.jobs.runner import Runner
from resource_hub.infra import clock
from resource_hub.infra.database import db
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import zone
from tests.support.server import LiveServer
from tests.support.visitor import Page, Visitor

pytestmark = pytest.mark.slow


class Life:
    """A demonstration whose scheduler runs when the test says so."""

    def __init__(self, app: Flask, url: str) -> None:
        self.app, self.url = app, url
        self.runner = Runner(app)

    def enter(self, email: str) -> Visitor:
        visitor = Visitor(self.url)
        visitor.sign_in(email, fill.PASSWORD)
        return visitor

    def advance(self, visitor: Visitor, to: str) -> Page:
        page = visitor.send(visitor.get("/support").form("/demo/advance"), to=to)
        self.catch_up()
        return page

    def catch_up(self) -> None:
        self.runner.keep_lease()
        self.runner.catch_up()
        db.session.rollback()


@pytest.fixture
def life(filled_demonstration: Path, tmp_path: Path) -> Iterator[Life]:
    folder = tmp_path / "demonstration"
    shutil.copytree(filled_demonstration, folder)
    app = create_app(demonstration_settings(folder))
    with LiveServer(app) as server, app.app_context():
        yield Life(app, server.url)
        db.session.remove()
        db.engine.dispose()


def bookings_ahead(host_code: str) -> list[BookingRecord]:
    """What the visitor's engineer has booked at a host, by start."""
    firm, host = accounts.organisation(today.FIRM), accounts.organisation(host_code)
    engineer = accounts.demonstration_people()
    person = next(record for record, _ in engineer if record.email == "engineer@demo.example")
    found = booking.bookings_of(accounts.actor(person.id, firm.id))
    ahead = [
        b for b in found if b.institution_id == host.id and b.span is not None and b.span.start > clock.now()
    ]
    return sorted(ahead, key=lambda b: b.span.start)  # type: ignore[union-attr]


def test_a_booking_becomes_use_charge_statement_claim_and_run(life: Life) -> None:
    engineer, manager, funder = map(
        life.enter, ("engineer@demo.example", "manager@demo.example", "funder@demo.example")
    )
    booked = bookings_ahead(today.HOST)[0]
    assert booked.span is not None and booked.unit_id is not None

    # To the start of my booking: a session is expected.
    life.advance(engineer, "booking")
    assert booked.span.start <= clock.now() < booked.span.end
    (expected,) = usage.sessions_of_booking(booked.key)
    assert expected.state == "expected"

    # At the instrument.
    lane = catalogue.unit(HostKey(booked.institution_id, booked.unit_id))
    door = engineer.get(f"/u/{today.HOST}/{lane.code}")
    assert engineer.send(door.form("/tap"), action="start").status == 200
    db.session.rollback()
    (running,) = usage.sessions_of_booking(booked.key)
    assert running.state == "running"

    # To the end of the day: nobody pressed stop.
    life.advance(engineer, "day")
    (ended,) = usage.sessions_of_booking(booked.key)
    assert ended.state == "ended"
    assert "forgotten_log_out" in ended.flags

    # The manager closes the day: sealed, charged, linked into the ledger.
    close = manager.get(f"/o/{today.HOST}/day-close?day={ended.day.isoformat()}")
    assert manager.send(close.form("/day-close"), session=f"{ended.key.id}:{ended.version}").status == 200
    life.catch_up()
    (sealed,) = usage.sessions_of_booking(booked.key)
    assert sealed.state == "sealed"
    (charge,) = billing.charges_of_booking(booked.key)
    assert charge.gross.minor > 0

    # To the end of the month, and on until the host's days are sealed: a statement has the charge on it.
    life.advance(engineer, "month")
    with unit_of_work() as unit:
        clock.advance(unit.session, clock.now() + timedelta(days=9))
    life.catch_up()
    (charge,) = billing.charges_of_booking(booked.key)
    assert charge.statement_id is not None

    # What the programmes say to it, and a run that freezes it.
    claims = {claim.programme_id: claim for claim in subsidy.claims_of_charge(charge.key)}
    programme = subsidy.programme_of_code("js-voucher")
    assert claims[programme.id].amount.minor > 0
    runs = funder.get("/o/jsfund/runs")
    day = charge.day
    computed = funder.send(
        runs.form("/o/jsfund/runs"),
        programme=str(programme.id),
        since=day.replace(day=1).isoformat(),
        until=(day.replace(day=28) + timedelta(days=4)).replace(day=1).isoformat(),
    )
    assert computed.status == 200 and computed.path.startswith("/o/jsfund/runs/"), computed.text
    db.session.rollback()
    again = next(c for c in subsidy.claims_of_charge(charge.key) if c.programme_id == programme.id)
    assert again.state == "in_run"


def test_the_bar_moves_time_forward_only(life: Life) -> None:
    engineer = life.enter("engineer@demo.example")
    form = engineer.get("/support").form("/demo/advance")
    tz = zone("Asia/Shanghai")
    before = clock.now().astimezone(tz)
    assert engineer.send(form, to="day").status == 200
    db.session.rollback()
    reached = clock.now().astimezone(tz)
    assert reached.date() == before.date() + timedelta(days=1)
    assert engineer.send(form, to="yesterday").status == 400
    db.session.rollback()
    assert clock.now() >= reached


def test_the_bar_goes_to_the_booking_that_one_looks_at(life: Life) -> None:
    engineer = life.enter("engineer@demo.example")
    later = bookings_ahead(today.HOST)[-1]
    assert later.span is not None
    page = engineer.get(f"/o/{today.FIRM}/bookings/{today.HOST}/{later.key.id}")
    assert engineer.send(page.form("/demo/advance"), to="booking").status == 200
    db.session.rollback()
    assert later.span.start <= clock.now() < later.span.end
