"""Orders that several people answer one after another: order of answers, terms, silence, escalation, and a race."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Actor, PersonRecord, Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import NotYours, SlotTaken, WrongState
from resource_hub.domain.booking.terms import BookingRecord, BookingState
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, outbox
from resource_hub.kernel.money import Money
from tests.builders.accounts import actor, make_person
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

STEPS = [{"who": "manager", "hours": 24}, {"who": "office", "hours": 12}]
FAR = {"start": "2026-03-20T09:00+08:00", "end": "2026-03-20T11:00+08:00"}


def somebody(scene: Scene, organisation: Any, role: Role, **more: Any) -> tuple[PersonRecord, Actor]:
    person = make_person(roles=[(organisation, role)])
    return person, actor(person, organisation)


def scene_with(steps: list[dict[str, Any]] = STEPS, **rules: Any) -> Scene:
    return make_scene(rules={"approval": "always", "steps": steps, **rules})


def states(made: BookingRecord) -> list[str]:
    return [step.state.value for step in service.answers_of(made.key)]


def kinds(person: PersonRecord) -> list[str]:
    return [notice.kind for notice in notices.inbox(person.id)]


def test_the_laboratory_then_the_office(now: datetime) -> None:
    scene = scene_with()
    office_person, office = somebody(scene, scene.host, Role.OFFICE)
    made = make_booking(scene, asked=make_asked(**FAR))
    assert made.state is BookingState.REQUESTED and made.answer_by == now + timedelta(hours=24)
    outbox.deliver_due()
    assert states(made) == ["open", "waiting"]
    with pytest.raises(NotYours):
        service.approve(made.key, by=office)
    first = service.approve(made.key, by=scene.manager, note="可以")
    assert first.state is BookingState.REQUESTED and first.answer_by == now + timedelta(hours=12)
    outbox.deliver_due()
    outbox.deliver_due()
    assert "booking.answer_wanted" in kinds(office_person)
    with pytest.raises(NotYours):
        service.approve(made.key, by=scene.manager)
    assert service.approve(made.key, by=office).state is BookingState.APPROVED
    assert states(made) == ["approved", "approved"]
    with pytest.raises(WrongState):
        service.approve(made.key, by=office)


def test_before_any_event_was_delivered_the_answers_are_wanted_all_the_same(now: datetime) -> None:
    scene = scene_with()
    _, office = somebody(scene, scene.host, Role.OFFICE)
    made = make_booking(scene, asked=make_asked(**FAR))
    with pytest.raises(NotYours):
        service.approve(made.key, by=office)
    assert service.approve(made.key, by=scene.manager).state is BookingState.REQUESTED


def test_nobody_gives_two_answers(now: datetime) -> None:
    scene = scene_with()
    both = make_person(roles=[(scene.host, Role.MANAGER), (scene.host, Role.OFFICE)])
    by = actor(both, scene.host)
    made = make_booking(scene, asked=make_asked(**FAR))
    service.approve(made.key, by=by)
    with pytest.raises(NotYours) as caught:
        service.approve(made.key, by=by)
    assert [r.code for r in caught.value.reasons] == ["booking.answer_second_person"]


def test_who_answered_is_not_asked_reminded_or_told_of_the_next_answer(now: datetime) -> None:
    """Nobody gives two answers, so the next one is the others' to give, from the letter to the last term."""
    steps = [
        {"who": "manager", "hours": 24},
        {"who": "office", "hours": 24},
        {"who": "approver", "hours": 24},
    ]
    scene = scene_with(steps, remind_hours=4, escalate_hours=12)
    office_person, office = somebody(scene, scene.host, Role.OFFICE)
    both_person = make_person(roles=[(scene.host, Role.MANAGER), (scene.host, Role.OFFICE)])
    approver_person, _ = somebody(scene, scene.firm, Role.APPROVER)
    made = make_booking(scene, asked=make_asked(**FAR))
    outbox.deliver_due()
    service.approve(made.key, by=actor(both_person, scene.host))
    outbox.deliver_due()
    with clock.fixed(now + timedelta(hours=20)):
        assert service.remind_answers() == 1
        outbox.deliver_due()
    asked = {"booking.answer_wanted", "booking.answer_reminder"}
    assert asked <= set(kinds(office_person)) and not asked & set(kinds(both_person))
    with clock.fixed(now + timedelta(hours=24)):
        assert service.remind_answers() == 1
        outbox.deliver_due()
    assert "booking.answer_escalated" not in kinds(both_person)
    service.approve(made.key, by=office)
    outbox.deliver_due()
    assert "booking.answer_wanted" in kinds(approver_person)


def test_one_no_is_enough_and_frees_the_time(now: datetime) -> None:
    scene = scene_with()
    made = make_booking(scene, asked=make_asked(**FAR))
    assert service.reject(made.key, by=scene.manager, reason="维护").state is BookingState.REJECTED
    assert states(made) == ["rejected", "dropped"]
    _, _, other = another_booker()
    make_booking(scene, by=other, asked=make_asked(**FAR))


def test_the_customers_own_approver_above_a_sum(now: datetime) -> None:
    steps = [{"who": "approver", "hours": 24, "above": 50_000}, {"who": "manager", "hours": 24}]
    scene = scene_with(steps)
    approver_person, approver = somebody(scene, scene.firm, Role.APPROVER)
    dear = make_booking(scene, asked=make_asked(**FAR))  # 600 yuan
    outbox.deliver_due()
    outbox.deliver_due()
    assert "booking.answer_wanted" in kinds(approver_person)
    with pytest.raises(NotYours):
        service.approve(dear.key, by=scene.manager)
    with pytest.raises(NotYours):
        service.approve(dear.key, by=scene.booker)
    assert service.approve(dear.key, by=approver).state is BookingState.REQUESTED
    assert service.approve(dear.key, by=scene.manager).state is BookingState.APPROVED
    cheap = make_booking(scene, asked=make_asked("2026-03-19T09:00+08:00", "2026-03-19T10:00+08:00"))
    assert service.approve(cheap.key, by=scene.manager).state is BookingState.APPROVED
    assert [step.who.value for step in service.answers_of(cheap.key)] == ["manager"]


def test_who_approves_and_books_is_not_asked_again(now: datetime) -> None:
    scene = scene_with([{"who": "approver", "hours": 24}])
    _, approver = somebody(scene, scene.firm, Role.APPROVER)
    made = make_booking(scene, by=approver, asked=make_asked(**FAR))
    # Nobody else is left to ask, so the laboratory answers as where one answer is enough.
    assert service.approve(made.key, by=scene.manager).state is BookingState.APPROVED
    assert service.answers_of(made.key) == []


def test_what_an_approver_books_beyond_the_own_limit_is_anothers_to_approve(now: datetime) -> None:
    scene = scene_with([{"who": "approver", "hours": 24}])
    limited = {"limit_minor": 1_000}
    person = make_person(roles=[(scene.firm, Role.APPROVER, limited)])
    chief_person, chief = somebody(scene, scene.firm, Role.APPROVER)
    made = make_booking(scene, by=actor(person, scene.firm), asked=make_asked(**FAR))  # 600 yuan
    outbox.deliver_due()
    outbox.deliver_due()
    assert states(made) == ["open"]
    assert "booking.answer_wanted" in kinds(chief_person)
    for nobodys in (actor(person, scene.firm), scene.manager):
        with pytest.raises(NotYours):
            service.approve(made.key, by=nobodys)
    assert service.approve(made.key, by=chief).state is BookingState.APPROVED


@pytest.mark.parametrize("others", [0, 1])
def test_what_no_approvers_limit_reaches_is_the_administrators_at_once(now: datetime, others: int) -> None:
    scene = scene_with([{"who": "approver", "hours": 24}, {"who": "manager", "hours": 24}])
    small = make_person(roles=[(scene.firm, Role.APPROVER, {"limit_minor": 59_999})])
    reaching = [
        make_person(roles=[(scene.firm, Role.APPROVER, {"limit_minor": 60_000})]) for _ in range(others)
    ]
    admin_person, admin = somebody(scene, scene.firm, Role.FIRM_ADMIN)
    made = make_booking(scene, asked=make_asked(**FAR))  # 600 yuan
    while outbox.deliver_due():
        pass
    asked = [p.id for p in (small, admin_person, *reaching) if "booking.answer_wanted" in kinds(p)]
    assert asked == ([one.id for one in reaching] or [admin_person.id])
    assert service.may_answer_now(made, admin) is not bool(others)
    assert [(one.mine, one.above) for one in service.to_approve(admin)] == [(not others, bool(others))]
    assert [one.mine for one in service.to_approve(actor(small, scene.firm))] == [False]
    if others:
        with pytest.raises(NotYours):
            service.approve(made.key, by=admin)
    else:
        assert service.approve(made.key, by=admin).state is BookingState.REQUESTED
        assert service.approve(made.key, by=scene.manager).state is BookingState.APPROVED


def test_an_approver_answers_up_to_a_limit(now: datetime) -> None:

    scene = scene_with([{"who": "approver", "hours": 24}])
    _, approver = somebody(scene, scene.firm, Role.APPROVER)
    made = make_booking(scene, asked=make_asked(**FAR))
    with pytest.raises(NotYours):
        service.approve(made.key, by=replace(approver, approve_limit=Money.cny("599.99")))
    done = service.approve(made.key, by=replace(approver, approve_limit=Money.cny("600")))
    assert done.state is BookingState.APPROVED


def test_from_the_term_on_the_office_may_answer_for_the_laboratory(now: datetime) -> None:
    scene = scene_with([{"who": "manager", "hours": 24}], escalate_hours=12, remind_hours=4)
    office_person, office = somebody(scene, scene.host, Role.OFFICE)
    made = make_booking(scene, asked=make_asked(**FAR))
    outbox.deliver_due()
    assert made.answer_by == now + timedelta(hours=36)
    with clock.fixed(now + timedelta(hours=20)):
        assert service.remind_answers() == 1
        assert service.remind_answers() == 0
        outbox.deliver_due()
    assert "booking.answer_reminder" in kinds(scene.manager_person)
    with clock.fixed(now + timedelta(hours=24) - timedelta(seconds=1)), pytest.raises(NotYours):
        service.approve(made.key, by=office)
    with clock.fixed(now + timedelta(hours=24)):
        assert service.remind_answers() == 1
        outbox.deliver_due()
        assert "booking.answer_escalated" in kinds(office_person)
        assert service.approve(made.key, by=office).state is BookingState.APPROVED


def test_silence_lapses_at_the_end_of_the_first_term(now: datetime) -> None:
    scene = scene_with(silence="lapse")
    made = make_booking(scene, asked=make_asked(**FAR))
    outbox.deliver_due()
    _, _, other = another_booker()
    with clock.fixed(now + timedelta(hours=24) - timedelta(seconds=1)), pytest.raises(SlotTaken):
        make_booking(scene, by=other, asked=make_asked(**FAR))
    with clock.fixed(now + timedelta(hours=24)):
        service.lapse_due()
        assert service.booking(made.key).state is BookingState.EXPIRED
        assert states(made) == ["dropped", "dropped"]
        make_booking(scene, by=other, asked=make_asked(**FAR))


def test_a_yes_in_time_keeps_the_slot_for_the_next_answer(now: datetime) -> None:
    scene = scene_with(silence="lapse")
    made = make_booking(scene, asked=make_asked(**FAR))
    with clock.fixed(now + timedelta(hours=23)):
        service.approve(made.key, by=scene.manager)
    _, _, other = another_booker()
    with clock.fixed(now + timedelta(hours=30)), pytest.raises(SlotTaken):
        make_booking(scene, by=other, asked=make_asked(**FAR))
    with clock.fixed(now + timedelta(hours=35)):
        make_booking(scene, by=other, asked=make_asked(**FAR))


def test_silence_is_consent_of_each_in_turn(now: datetime) -> None:
    scene = scene_with(silence="consent")
    _, office = somebody(scene, scene.host, Role.OFFICE)
    made = make_booking(scene, asked=make_asked(**FAR))
    outbox.deliver_due()
    assert made.answer_by == now + timedelta(hours=36)
    with clock.fixed(now + timedelta(hours=24)):
        assert service.judged_by_clock(service.booking(made.key), clock.now()) is BookingState.REQUESTED
        assert service.reject(made.key, by=office, reason="停机").state is BookingState.REJECTED
    assert states(made) == ["consented", "rejected"]
    again = make_booking(scene, asked=make_asked(**FAR))
    with clock.fixed(now + timedelta(hours=36)):
        service.lapse_due()
        assert service.booking(again.key).state is BookingState.APPROVED


@pytest.mark.parametrize("escalate", [0, 6])
def test_whose_turn_comes_by_silence_is_asked_when_it_comes(now: datetime, escalate: int) -> None:
    """Nobody need open the order for that: silence of the next one would be a yes as well."""
    steps = [
        {"who": "approver", "hours": 24},
        {"who": "office", "hours": 12},
        {"who": "manager", "hours": 12},
    ]
    scene = scene_with(steps, silence="consent", escalate_hours=escalate)
    somebody(scene, scene.firm, Role.APPROVER)
    admin_person, _ = somebody(scene, scene.firm, Role.FIRM_ADMIN)
    office_person, office = somebody(scene, scene.host, Role.OFFICE)
    made = make_booking(scene, asked=make_asked(**FAR))
    outbox.deliver_due()
    end = now + timedelta(hours=24 + escalate)

    def come_round() -> None:
        while service.remind_answers():
            outbox.deliver_due()
        outbox.deliver_due()

    with clock.fixed(end - timedelta(seconds=1)):
        come_round()
        assert ("booking.answer_escalated" in kinds(admin_person)) is bool(escalate)
        assert "booking.answer_wanted" not in kinds(office_person)
    with clock.fixed(end + timedelta(minutes=1)):
        come_round()
        assert states(made) == ["consented", "open", "waiting"]
        (letter,) = [n for n in notices.inbox(office_person.id) if n.kind == "booking.answer_wanted"]
        assert datetime.fromisoformat(letter.values["until"]) == end + timedelta(hours=12)
        assert service.approve(made.key, by=office).state is BookingState.REQUESTED
    with clock.fixed(end + timedelta(minutes=1, hours=12 + escalate)):
        come_round()
        service.lapse_due()
        assert service.booking(made.key).state is BookingState.APPROVED


def test_another_time_is_answered_anew(now: datetime) -> None:
    scene = scene_with()
    _, office = somebody(scene, scene.host, Role.OFFICE)
    made = make_booking(scene, asked=make_asked(**FAR))
    service.approve(made.key, by=scene.manager)
    service.change(made.key, span("2026-03-19T09:00+08:00", "2026-03-19T11:00+08:00"), by=scene.booker)
    with pytest.raises(NotYours):
        service.approve(made.key, by=office)
    assert service.approve(made.key, by=scene.manager).state is BookingState.REQUESTED
    assert service.approve(made.key, by=office).state is BookingState.APPROVED


def test_terms_in_working_hours(now: datetime) -> None:
    # Asked on Friday 6 March at 16:00: two working hours end on Monday at 10:00.
    scene = scene_with([{"who": "manager", "hours": 2}], answer_working=True)
    with clock.fixed(moment("2026-03-06T16:00+08:00")):
        made = make_booking(scene, asked=make_asked(**FAR))
    assert made.answer_by == moment("2026-03-09T10:00+08:00")


def test_what_waits_for_somebody_is_counted_for_whom_it_waits(now: datetime) -> None:
    scene = scene_with()
    _office, office = somebody(scene, scene.host, Role.OFFICE)
    _operator, operator = somebody(scene, scene.host, Role.OPERATOR)
    first = make_booking(scene, asked=make_asked(**FAR))
    other = make_booking(scene, asked=make_asked("2026-03-23T09:00+08:00", "2026-03-23T11:00+08:00"))
    outbox.deliver_due()

    def counted(by: Actor) -> tuple[int, int]:
        """For this actor, and for others; each as the list of them has it, and in the order of terms."""
        for mine in (True, False):
            found = service.requests(by, mine=mine)
            assert len(found) == service.waiting_count(by, mine=mine)
            steps = service.open_answers(found)
            told = [service.may_answer(one, steps[one.key], by, clock.now()) for one in found]
            assert told == [mine] * len(found)
            assert found == sorted(found, key=lambda one: one.answer_by)
        return service.waiting_count(by), service.waiting_count(by, mine=False)

    assert (counted(scene.manager), counted(office), counted(operator)) == ((2, 0), (0, 2), (0, 2))
    service.approve(first.key, by=scene.manager)
    outbox.deliver_due()
    assert (counted(scene.manager), counted(office), counted(operator)) == ((1, 1), (1, 1), (0, 2))
    assert [one.key for one in service.requests(scene.manager, mine=True)] == [other.key]
    assert service.requests_waiting(scene.manager) == 1 and service.requests_waiting(operator) == 0


def test_what_somebody_answered_already_waits_for_others(now: datetime) -> None:
    scene = scene_with()
    both = make_person(roles=[(scene.host, Role.MANAGER), (scene.host, Role.OFFICE)])
    by = actor(both, scene.host)
    _office, office = somebody(scene, scene.host, Role.OFFICE)
    made = make_booking(scene, asked=make_asked(**FAR))
    outbox.deliver_due()
    assert (service.waiting_count(by), service.may_answer_now(made, by)) == (1, True)
    passed_on = service.approve(made.key, by=by)
    outbox.deliver_due()
    for one, mine in ((by, False), (office, True)):
        assert (service.waiting_count(one), service.waiting_count(one, mine=False)) == (mine, not mine)
        assert bool(service.requests_waiting(one)) is mine
        assert service.may_answer_now(passed_on, one) is mine
        (step,) = service.open_answers([passed_on]).values()
        assert service.may_answer(passed_on, step, one, clock.now()) is mine
    # Asked anew after a change, it is theirs again.
    service.change(made.key, span("2026-03-19T09:00+08:00", "2026-03-19T11:00+08:00"), by=scene.booker)
    outbox.deliver_due()
    assert (service.waiting_count(by), service.may_answer_now(service.booking(made.key), by)) == (1, True)
    assert (service.waiting_count(office), service.waiting_count(office, mine=False)) == (0, 1)


@pytest.mark.parametrize(
    ("limit", "mine"),
    [
        (None, True),
        (Money.cny("300"), True),
        (Money.cny("299.99"), False),
        (Money.of("300", "USD"), False),  # says nothing of yuan
    ],
)
def test_what_an_approvers_limit_does_not_reach_waits_for_others(
    now: datetime, limit: Money | None, mine: bool
) -> None:
    scene = scene_with([{"who": "approver", "hours": 24}, {"who": "manager", "hours": 24}])
    person = make_person(roles=[(scene.host, Role.OPERATOR), (scene.host, Role.APPROVER)])
    by = replace(actor(person, scene.host), approve_limit=limit)
    _booker, booker = somebody(scene, scene.host, Role.BOOKER)
    made = make_booking(scene, by=booker, asked=make_asked(**FAR))  # in the house: 300 yuan
    outbox.deliver_due()
    assert service.may_answer_now(made, by) is mine
    assert (service.waiting_count(by), service.waiting_count(by, mine=False)) == (mine, not mine)
    assert bool(service.requests(by, mine=True)) is bool(service.requests_waiting(by)) is mine
    assert [one.mine for one in service.to_approve(by)] == [mine]


def test_from_the_term_on_it_waits_for_those_above_as_well(now: datetime) -> None:
    scene = scene_with(silence="consent")
    _office, office = somebody(scene, scene.host, Role.OFFICE)
    make_booking(scene, asked=make_asked(**FAR))
    outbox.deliver_due()
    (step,) = service.open_answers(service.requests(office)).values()
    assert step.answer_by is not None
    for moment_, mine in ((step.answer_by - timedelta(seconds=1), 0), (step.answer_by, 1)):
        with clock.fixed(moment_):
            assert service.waiting_count(office) == mine


def test_where_one_answer_is_enough_it_waits_for_those_who_decide(now: datetime) -> None:
    scene = make_scene(rules={"approval": "always"})
    _operator, operator = somebody(scene, scene.host, Role.OPERATOR)
    make_booking(scene, asked=make_asked(**FAR))
    for by, counts in ((scene.manager, (1, 0)), (operator, (0, 1)), (another_booker()[2], (0, 0))):
        assert tuple(service.waiting_count(by, mine=mine) for mine in (True, False)) == counts
