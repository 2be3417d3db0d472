"""Home of a firm: with much data it asks no more of the database than with little."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from resource_hub.domain.accounts.terms import Actor, OrganisationRecord, PersonRecord, Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import Asked, BookingKind, WaitingState
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.usage.tables import SessionLine, UsageSession
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.accounts import actor, make_firm, make_person
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.support.queries import asked, queries
from tests.web.booking.pages.conftest import NOW, Desk

pytestmark = pytest.mark.any_engine

ALL = (Role.FIRM_ADMIN, Role.BOOKER, Role.APPROVER, Role.PAYER)


def _hours(scene: Scene, customer_id: object) -> None:
    """A use that has ended, at which nobody of the customer has looked."""
    session_id = new_id()
    with unit_of_work() as unit:
        unit.session.add(
            UsageSession(
                institution_id=scene.host.id, id=session_id, resource_id=scene.key.id, source="walk_up",
                mode="self_use", state="ended", day=NOW.date(), starts_at=NOW - timedelta(hours=2),
                ends_at=NOW - timedelta(hours=1), measuring_seconds=3600, idle_seconds=0, grade="C",
                grade_reason={}, flags=[], created_at=NOW,
            )
        )  # fmt: skip
        unit.session.flush()
        unit.session.add(
            SessionLine(
                institution_id=scene.host.id, id=new_id(), session_id=session_id, line=1,
                customer_id=customer_id, customer_class="firm_small", purpose="research", samples=0,
            )
        )  # fmt: skip


def _at_another_host(by: Actor) -> None:
    """One of everything that Home speaks of, at a host of its own."""
    scene = make_scene(modes=[Mode.SELF_USE, Mode.SEND_IN], units=1)
    make_booking(scene, by=by)
    parcel = Asked(BookingKind.SAMPLES, mode=Mode.SEND_IN, samples=2, description="粉末")
    service.approve(make_booking(scene, by=by, asked=parcel).key, by=scene.manager)
    _firm, _person, other = another_booker()
    given = make_booking(
        scene, by=other, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T10:00+08:00")
    )
    service.offer_hand_over(given.key, next(iter(by.customer_ids)), by=other)
    used = make_booking(scene, by=by, asked=make_asked("2026-03-02T09:00+08:00", "2026-03-02T10:00+08:00"))
    with clock.fixed(NOW + timedelta(minutes=70)), unit_of_work() as unit:
        service.started(unit, used.key)
        service.finished(unit, used.key, unit.now)
    _hours(scene, next(iter(by.customer_ids)))
    wish = make_asked("2026-03-05T09:00+08:00", "2026-03-05T12:00+08:00")
    taken = make_booking(scene, by=other, asked=wish)
    assert wish.span is not None
    service.join_line(scene.key, wish, wish.span.start, wish.span.end, wish.span.seconds, by=by)
    service.cancel(taken.key, by=other)
    outbox.deliver_due()
    assert [one.state for one in service.offers_to(by)].count(WaitingState.OFFERED) >= 1


@pytest.mark.parametrize(("roles", "most"), [((Role.BOOKER,), 24), (ALL, 28)])
def test_home_of_a_firm_with_much_asks_no_more_than_with_little(
    app: Flask, now: object, desk_of: Callable[[PersonRecord], Desk], roles: tuple[Role, ...], most: int
) -> None:
    def made() -> tuple[OrganisationRecord, PersonRecord]:
        firm = make_firm()
        return firm, make_person(roles=[(firm, role) for role in roles])

    with app.app_context():
        firm, person = made()
        db.session.remove()
    desk, path, counts = desk_of(person), f"/o/{firm.code}/home", []
    for hosts in (1, 4):
        with app.app_context():
            for _ in range(hosts):
                _at_another_host(actor(person, firm))
            db.session.remove()
        with clock.fixed(NOW + timedelta(minutes=90)):
            desk.see(path)
            with queries(app) as sent:
                page = desk.see(path)
        counts.append(len(asked(sent)))
        for words in (
            "You are offered a booking",
            "A time became free",
            "Send the samples",
            "Look at the hours",
        ):
            assert words in page, words
        assert "Rate the host" in page
    assert counts[0] == counts[1] <= most, counts
