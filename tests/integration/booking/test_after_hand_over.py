"""What another firm took over is wholly its own: letters, terms, answers and rules."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import BookingRecord
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_booking, make_scene

LATER = span("2026-03-05T13:00+08:00", "2026-03-05T15:00+08:00")


def taken_over(scene: Scene, made: BookingRecord) -> tuple[BookingRecord, Actor]:
    told(scene.booker.person_id)
    _, _, taker = another_booker()
    offer = service.offer_hand_over(made.key, next(iter(taker.customer_ids)), by=scene.booker)
    done = service.accept_hand_over(offer.key, by=taker)
    db.session.remove()
    return done, taker


def told(person_id: Any) -> list[str]:
    while outbox.deliver_due():
        pass
    db.session.remove()
    return [one.kind for one in reversed(notices.inbox(person_id))]


def test_the_former_firm_is_told_of_nothing_any_more(now: Any) -> None:
    scene = make_scene()
    done, taker = taken_over(scene, make_booking(scene))
    assert done.booked_by == taker.person_id
    before, theirs = told(scene.booker.person_id), told(taker.person_id)
    assert "booking.hand_over_accepted" in before
    service.change(done.key, LATER, by=scene.manager, note="x")
    service.say(done.key, "Your result is ready", by=scene.manager)
    service.cancel(done.key, by=scene.manager, reason="the sample broke")
    assert told(scene.booker.person_id) == before
    assert Counter(told(taker.person_id)) - Counter(theirs) == Counter(
        ["booking.changed", "booking.message", "booking.cancelled"]
    )


def test_results_go_to_the_taker_alone(now: Any) -> None:
    scene = make_scene()
    done, taker = taken_over(scene, make_booking(scene))
    before = told(scene.booker.person_id)
    with clock.fixed(moment("2026-03-03T09:01+08:00")):
        with unit_of_work() as unit:
            service.started(unit, done.key)
        file = service.NewFile("result.csv", "text/csv", 3, b"x" * 32)
        service.deliver_results(done.key, [file], date(2026, 4, 1), by=scene.manager)
        assert told(scene.booker.person_id) == before
        assert "booking.results_delivered" in told(taker.person_id)
