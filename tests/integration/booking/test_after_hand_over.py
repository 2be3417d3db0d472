"""What another firm took over is wholly its own: letters, terms, answers and rules."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import occupancy_store
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.rules import document
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NoSuchBooking, NotYours
from resource_hub.domain.booking.terms import BookingRecord, BookingState, FileKind
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, files, outbox
from resource_hub.infra.database import db, reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders.accounts import actor, make_person
from tests.builders.availability import make_rules, moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

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


def test_what_the_former_firm_wrote_is_not_for_the_taker(now: Any) -> None:
    scene = make_scene()
    asked = make_asked(
        description="secret alloy", project="P-1", hazards=frozenset({"toxic"}), hazard_note="powder"
    )
    made = make_booking(scene, asked=asked)
    service.say(made.key, "our alloy has 3 % of it", by=scene.booker)
    paper = files.register(
        scene.firm.id, name="recipe.txt", media_type="text/plain", size=1, sha256=b"x" * 32, person_id=None
    )
    service.attach(made.key, paper.organisation_id, paper.id, FileKind.ATTACHMENT, by=scene.booker)
    _done, taker = taken_over(scene, made)
    service.say(made.key, "good morning", by=taker)
    theirs, the_hosts = service.detail(made.key, taker), service.detail(made.key, scene.manager)
    record = theirs.record
    assert (record.description, record.project, record.hazard, dict(record.answers)) == ("", "", {}, {})
    assert [one.text for one in theirs.messages] == ["good morning"] and not theirs.files
    assert theirs.events[0].kind == "handed_over"
    # The host keeps what it was told.
    assert len(the_hosts.messages) == 2 and len(the_hosts.files) == 1
    assert the_hosts.events[0].kind == "requested"
    with pytest.raises(NoSuchBooking):
        service.file_of(made.key, the_hosts.files[0].id, taker)
    assert service.file_of(made.key, the_hosts.files[0].id, scene.manager).name == "recipe.txt"


# ---- terms and answers -----------------------------------------------------------------------------------------

FAR = make_asked("2026-03-20T09:00+08:00", "2026-03-20T11:00+08:00")
STEPS = {
    "approval": "always",
    "steps": [{"who": "approver", "hours": 24}, {"who": "manager", "hours": 24}],
}


def test_the_term_after_a_hand_over_runs_on_the_clock_of_the_rules(now: Any) -> None:
    scene = make_scene(rules={"approval": "always", "answer_working": True, "answer_hours": 4})
    with clock.fixed(moment("2026-03-06T16:00+08:00")):  # a Friday: one hour is left of it
        made = make_booking(scene, asked=FAR)
        assert made.answer_by == moment("2026-03-09T12:00+08:00")
        service.approve(made.key, by=scene.manager)
        done, _taker = taken_over(scene, made)
    assert done.answer_by == made.answer_by


def test_the_new_firms_approver_is_asked_and_the_old_ones_yes_is_gone(now: Any) -> None:
    scene = make_scene(rules=STEPS)
    approver = make_person(roles=[(scene.firm, Role.APPROVER)])
    made = make_booking(scene, asked=FAR)
    told(scene.booker.person_id)
    service.approve(made.key, by=actor(approver, scene.firm))
    firm, _, taker = another_booker()
    theirs = make_person(roles=[(firm, Role.APPROVER)])
    offer = service.offer_hand_over(made.key, next(iter(taker.customer_ids)), by=scene.booker)
    done = service.accept_hand_over(offer.key, by=taker)
    assert "booking.answer_wanted" in told(theirs.id)
    steps = service.answers_of(done.key)
    assert [(one.who.value, one.state.value, one.round) for one in steps] == [
        ("approver", "open", 2),
        ("manager", "waiting", 2),
    ]
    with pytest.raises(NotYours):
        service.approve(done.key, by=scene.manager)
    assert service.approve(done.key, by=actor(theirs, firm)).state is BookingState.REQUESTED
    assert service.approve(done.key, by=scene.manager).state is BookingState.APPROVED


def test_a_hand_over_is_judged_by_the_rules_whose_number_it_keeps(now: Any) -> None:
    asks = {"approval": "always", "silence": "consent", "answer_hours": 4}
    scene = make_scene(rules=asks)
    made = make_booking(scene, asked=FAR)
    service.approve(made.key, by=scene.manager)
    lapse = {**document.write(make_rules(**asks)), "silence": "lapse"}
    availability.save_rules(scene.key, lapse, date(2026, 3, 3), by=scene.manager)
    with clock.fixed(moment("2026-03-03T08:00+08:00")):
        done, taker = taken_over(scene, made)
        assert done.state is BookingState.REQUESTED and done.rules_number != made.rules_number
    with clock.fixed(moment("2026-03-03T12:00+08:00")):
        assert service.detail(done.key, taker).state is BookingState.EXPIRED
        _, _, other = another_booker()
        assert make_booking(scene, by=other, asked=FAR).state is BookingState.REQUESTED
        service.lapse_due()
        db.session.remove()
        assert service.booking(done.key).state is BookingState.EXPIRED


# ---- what was granted and booked -------------------------------------------------------------------------------


def test_how_many_working_days_ahead_is_not_asked_again(now: Any) -> None:
    scene = make_scene(rules={"lead_days": 3})
    with clock.fixed(moment("2026-02-26T08:00+08:00")):
        made = make_booking(scene, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00"))
    first, _second = service.split(made.key, moment("2026-03-04T10:00+08:00"), by=scene.booker)
    colleague = make_person(roles=[(scene.firm, Role.BOOKER)])
    assert service.hand_over(first.key, colleague.id, by=scene.booker).person_id == colleague.id


def beside_a_neighbour(scene: Scene) -> BookingRecord:
    """A booking with others just before and after it; then set-up and tear-down are asked for."""
    _, _, other = another_booker()
    for start, end in (("09", "11"), ("13", "15")):
        make_booking(scene, by=other, asked=make_asked(f"2026-03-04T{start}:00+08:00", f"2026-03-04T{end}:00+08:00"))  # fmt: skip
    made = make_booking(scene, asked=make_asked("2026-03-04T11:00+08:00", "2026-03-04T13:00+08:00"))
    rules = {**document.write(make_rules()), "setup": 30, "teardown": 30}
    availability.save_rules(scene.key, rules, date(2026, 3, 3), by=scene.manager)
    return made


def held(key: HostKey) -> tuple[int, int]:
    (one,) = occupancy_store.of_holder(reading(), key.institution_id, key.id)
    return one.setup_seconds, one.teardown_seconds


def test_a_side_that_stays_keeps_the_set_up_that_was_booked(now: Any) -> None:
    scene = make_scene()
    made = beside_a_neighbour(scene)
    with clock.fixed(moment("2026-03-03T08:00+08:00")):
        shorter = span("2026-03-04T11:00+08:00", "2026-03-04T12:00+08:00")
        assert service.change_preview(made.key, shorter, by=scene.booker).free
        done = service.change(made.key, shorter, by=scene.booker)
        assert (done.setup_seconds, done.teardown_seconds) == held(done.key) == (0, 1800)


def test_who_takes_it_over_as_it_is_holds_what_was_booked(now: Any) -> None:
    scene = make_scene()
    made = beside_a_neighbour(scene)
    with clock.fixed(moment("2026-03-03T08:00+08:00")):
        done, _taker = taken_over(scene, made)
        assert (done.setup_seconds, done.teardown_seconds) == held(done.key) == (0, 0)
