"""Strikes through the services: given by the rules, told, appealed, decided by a second person, and what they bar."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    NoSuchStrike,
    NotYours,
    StaleBooking,
    WrongState,
)
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.terms import (
    BookingRecord,
    BookingState,
    Scope,
    StrikeKind,
    StrikeRecord,
    StrikeState,
)
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from resource_hub.infra.tables import AuditEntry
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import NotFound
from tests.builders.accounts import actor, make_person
from tests.builders.availability import make_rules, moment
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

AT_ONCE = [{"count": 1, "ladder": [{"unit": "days", "count": 30}]}]
RULES = {
    "strike_no_show": True,
    "strike_late": True,
    "strike_late_cancel": 1440,
    "bars": [{"count": 2, "ladder": [{"unit": "days", "count": 10}]}],
}


def miss(scene: Scene, day: int) -> None:
    made = make_booking(
        scene, asked=make_asked(f"2026-03-{day:02d}T09:00+08:00", f"2026-03-{day:02d}T10:00+08:00")
    )
    with clock.fixed(moment(f"2026-03-{day:02d}T09:30+08:00")):
        with unit_of_work() as unit:
            service.missed(unit, made.key)
        outbox.deliver_due()
        outbox.deliver_due()  # what the strike itself made happen


def only(scene: Scene) -> StrikeRecord:
    (found,) = service.strikes_of(scene.booker_person.id)
    return found


def test_a_no_show_gives_a_strike_and_the_second_bars(now: datetime) -> None:
    scene = make_scene(rules=RULES)
    miss(scene, 3)
    first = only(scene)
    assert (first.kind, first.state, first.given_by) == (StrikeKind.NO_SHOW, StrikeState.GIVEN, None)
    assert first.expires_at == first.given_at + timedelta(days=365)
    inbox = notices.inbox(scene.booker_person.id)
    assert "booking.strike_given" in [notice.kind for notice in inbox]
    miss(scene, 4)
    with clock.fixed(moment("2026-03-05T08:00+08:00")), pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=make_asked("2026-03-06T09:00+08:00", "2026-03-06T10:00+08:00"))
    (reason,) = caught.value.reasons
    assert reason.code == "booking.barred" and reason.values["strikes"] == 2
    assert datetime.fromisoformat(reason.values["until"]) == moment("2026-03-14T09:30+08:00")
    # Others may book, the host may book for the person, and after the bar so may the person.
    with clock.fixed(moment("2026-03-05T08:00+08:00")):
        make_booking(
            scene,
            by=another_booker()[2],
            asked=make_asked("2026-03-06T09:00+08:00", "2026-03-06T10:00+08:00"),
        )
        by_host = make_asked("2026-03-06T10:00+08:00", "2026-03-06T11:00+08:00", customer_id=scene.customer_id,
                             person_id=scene.booker_person.id)  # fmt: skip
        make_booking(scene, by=scene.manager, asked=by_host)
    with clock.fixed(moment("2026-03-14T09:30+08:00")):
        late = make_asked("2026-03-16T09:00+08:00", "2026-03-16T10:00+08:00")
        assert make_booking(scene, asked=late).state is BookingState.APPROVED


def test_points_bar_where_strikes_alone_would_not(now: datetime) -> None:
    scene = make_scene(rules={**RULES, "points": {"no_show": 2}})
    miss(scene, 3)
    with clock.fixed(moment("2026-03-05T08:00+08:00")), pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=make_asked("2026-03-06T09:00+08:00", "2026-03-06T10:00+08:00"))
    assert [reason.code for reason in caught.value.reasons] == ["booking.barred"]
    with clock.fixed(moment("2026-03-05T08:00+08:00")):
        assert [one.person_id for one in service.barred_at(scene.manager)] == [scene.booker.person_id]
        assert service.try_rules(scene.key, make_rules(**RULES), by=scene.manager).barred_before == 1
        assert service.try_rules(scene.key, make_rules(**RULES), by=scene.manager).barred == 0


def test_delivered_twice_it_is_given_once(now: datetime) -> None:
    from resource_hub.domain.booking import strikes
    from resource_hub.infra.outbox import Event

    scene = make_scene(rules=RULES)
    miss(scene, 3)
    first = only(scene)
    payload = {"institution_id": str(first.key.institution_id), "booking_id": str(first.booking_id)}
    with unit_of_work() as unit:
        strikes.on_booking(unit, Event(1, "booking.no_show", "s", payload, now))  # type: ignore[arg-type]
    assert only(scene) == first


@pytest.mark.parametrize(("minutes", "given"), [(1440, 0), (1439, 1)])
def test_cancelling_at_exactly_the_notice_is_in_time(now: datetime, minutes: int, given: int) -> None:
    scene = make_scene(rules=RULES)
    made = make_booking(scene)
    assert made.span is not None
    with clock.fixed(made.span.start - timedelta(minutes=minutes)):
        service.cancel(made.key, by=scene.booker)
        outbox.deliver_due()
    assert len(service.strikes_of(scene.booker_person.id)) == given


def test_neither_the_hosts_cancellation_nor_a_withdrawn_request_is_a_strike(now: datetime) -> None:
    scene = make_scene(rules={**RULES, "approval": "always"})
    withdrawn = make_booking(scene)
    with clock.fixed(moment("2026-03-03T08:00+08:00")):
        service.cancel(withdrawn.key, by=scene.booker)
        other = make_booking(scene, asked=make_asked("2026-03-03T13:00+08:00", "2026-03-03T14:00+08:00"))
        service.approve(other.key, by=scene.manager)
        service.cancel(other.key, by=scene.manager, reason="停电")
        outbox.deliver_due()
    assert service.strikes_of(scene.booker_person.id) == []


def changed(scene: Scene, made: BookingRecord, start: str, end: str, when: datetime) -> None:
    with clock.fixed(when):
        service.change(
            made.key, make_asked(f"2026-03-{start}+08:00", f"2026-03-{end}+08:00").span, by=scene.booker
        )  # type: ignore[arg-type]
        deliver()


def deliver() -> None:
    while outbox.deliver_due():
        pass
    db.session.remove()


NOTICE = moment("2026-03-02T09:00+08:00")  # of what is booked on the third at nine: 24 hours
LATE = NOTICE + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("start", "end", "when", "given"),
    [
        ("10T09:00", "10T11:00", NOTICE, 0),
        ("10T09:00", "10T11:00", LATE, 1),  # moved away
        ("03T09:00", "03T10:00", LATE, 1),  # shortened
        ("03T10:00", "03T12:00", LATE, 1),  # moved on a little
        ("03T09:00", "03T12:00", LATE, 0),  # more of it
    ],
)
def test_giving_back_by_moving_or_shortening_late_is_a_strike_like_cancelling(
    now: datetime, start: str, end: str, when: datetime, given: int
) -> None:
    scene = make_scene(rules=RULES)
    made = make_booking(scene)
    changed(scene, made, start, end, when)
    found = service.strikes_of(scene.booker_person.id)
    assert [(one.kind, one.given_at) for one in found] == [(StrikeKind.LATE_CANCEL, when)] * given
    with clock.fixed(LATE):
        service.cancel(made.key, by=scene.booker)
        deliver()
    # One booking is one strike, however often it is changed and cancelled then.
    assert len(service.strikes_of(scene.booker_person.id)) == (given or start.startswith("03"))


def test_who_takes_all_of_it_back_has_given_nothing_back(now: datetime) -> None:
    scene = make_scene(rules=RULES)
    made = make_booking(scene)
    changed(scene, made, "03T09:00", "03T09:30", LATE)
    assert only(scene).state is StrikeState.GIVEN
    changed(scene, made, "03T09:00", "03T10:00", LATE + timedelta(minutes=1))
    assert only(scene).state is StrikeState.GIVEN
    changed(scene, made, "03T09:00", "03T11:00", LATE + timedelta(minutes=2))
    assert only(scene).state is StrikeState.LIFTED
    changed(scene, made, "03T10:00", "03T11:00", LATE + timedelta(minutes=3))
    assert only(scene).state is StrikeState.GIVEN


def test_what_was_confirmed_and_is_withdrawn_while_more_is_asked_for_is_cancelled_late(now: datetime) -> None:
    scene = make_scene(rules={**RULES, "approval": "always"})
    made = make_booking(scene)
    service.approve(made.key, by=scene.manager)
    changed(scene, made, "03T09:00", "03T12:00", LATE)
    assert service.booking(made.key).state is BookingState.REQUESTED
    assert service.strikes_of(scene.booker_person.id) == []
    with clock.fixed(LATE):
        service.cancel(made.key, by=scene.booker)
        deliver()
    assert only(scene).kind is StrikeKind.LATE_CANCEL


def test_neither_what_the_host_moves_nor_what_was_only_asked_for_is_given_back(now: datetime) -> None:
    scene = make_scene(rules={**RULES, "approval": "always"})
    asked = make_booking(scene)
    changed(scene, asked, "10T09:00", "10T11:00", LATE)
    other = make_booking(scene)
    with clock.fixed(LATE):
        service.approve(other.key, by=scene.manager)
        later = make_asked("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00").span
        assert later is not None
        service.change(other.key, later, by=scene.manager)
        deliver()
    changed(scene, other, "11T09:00", "11T11:00", LATE)
    assert service.strikes_of(scene.booker_person.id) == []


def test_who_took_it_over_answers_for_what_they_give_back_and_no_more(now: datetime) -> None:
    scene = make_scene(rules=RULES)
    made = make_booking(scene)
    colleague = make_person(roles=[(scene.firm, Role.BOOKER)])
    with clock.fixed(LATE):
        shorter = make_asked("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00").span
        assert shorter is not None
        service.change(made.key, shorter, by=scene.booker)
        service.hand_over(made.key, colleague.id, by=scene.booker)
        service.change(made.key, replace(shorter, end=moment("2026-03-03T10:30+08:00")), by=scene.booker)
        deliver()
    assert only(scene).kind is StrikeKind.LATE_CANCEL
    assert service.strikes_of(colleague.id) == []


def test_what_a_series_gives_back_late_counts_too(now: datetime) -> None:
    scene = make_scene(rules=RULES)
    series = service.create_series(
        scene.key, make_asked(), Recurrence(Frequency.DAILY, count=3), by=scene.booker
    )
    first = next(one.booking for one in service.series_days(series.key) if one.booking is not None)
    with clock.fixed(LATE):
        shorter = make_asked("2026-03-03T09:00+08:00", "2026-03-03T10:00+08:00").span
        assert shorter is not None
        service.change_series(series.key, first.key.id, shorter, Scope.ALL, by=scene.booker)
        deliver()
    assert only(scene).booking_id == first.key.id


@pytest.mark.parametrize(("minutes", "given"), [(15, 0), (16, 1)])
def test_coming_late_counts_from_the_moment_of_coming(now: datetime, minutes: int, given: int) -> None:
    scene = make_scene(rules=RULES)
    made = make_booking(scene)
    assert made.span is not None
    came = made.span.start + timedelta(minutes=minutes)
    with clock.fixed(came + timedelta(minutes=20)):
        with unit_of_work() as unit:
            service.started(unit, made.key, came)
        outbox.deliver_due()
    assert [s.kind for s in service.strikes_of(scene.booker_person.id)] == [StrikeKind.LATE] * given


def test_a_late_proof_takes_the_strike_of_a_no_show_back(now: datetime) -> None:
    scene = make_scene(rules=RULES)
    miss(scene, 3)
    found = only(scene)
    with unit_of_work() as unit:
        from resource_hub.kernel.keys import HostKey

        assert found.booking_id is not None
        service.started(
            unit, HostKey(found.key.institution_id, found.booking_id), moment("2026-03-03T09:05+08:00")
        )
    outbox.deliver_due()
    assert only(scene).state is StrikeState.LIFTED


def test_without_the_rule_nothing_is_given(now: datetime) -> None:
    scene = make_scene()
    miss(scene, 3)
    assert service.strikes_of(scene.booker_person.id) == []


def test_an_appeal_is_heard_once_and_a_lifted_strike_bars_no_more(now: datetime) -> None:
    scene = make_scene(rules={**RULES, "bars": AT_ONCE})
    miss(scene, 3)
    found = only(scene)
    later = moment("2026-03-04T08:00+08:00")
    asked = make_asked("2026-03-05T09:00+08:00", "2026-03-05T10:00+08:00")
    with clock.fixed(later):
        stranger = make_person()
        with pytest.raises(NoSuchStrike):
            service.appeal_strike(found.key, "仪器当时停机", person_id=stranger.id)
        with pytest.raises(InvalidOrder):
            service.appeal_strike(found.key, "  ", person_id=scene.booker_person.id)
        appealed = service.appeal_strike(
            found.key, "仪器当时停机", person_id=scene.booker_person.id, version=1
        )
        assert appealed.state is StrikeState.APPEALED
        with pytest.raises(WrongState):
            service.appeal_strike(found.key, "再来", person_id=scene.booker_person.id)
        with pytest.raises(BookingRefused):
            make_booking(scene, asked=asked)
        outbox.deliver_due()
        assert "booking.strike_appealed" in [n.kind for n in notices.inbox(scene.manager_person.id)]
        with pytest.raises(StaleBooking):
            service.decide_strike(found.key, lift=True, text="属实", by=scene.manager, version=1)
        with pytest.raises(NoSuchStrike):
            service.decide_strike(found.key, lift=True, text="属实", by=make_scene().manager)
        done = service.decide_strike(found.key, lift=True, text="属实", by=scene.manager, version=2)
        assert (done.state, done.decided_by) == (StrikeState.LIFTED, scene.manager_person.id)
        with pytest.raises(WrongState):
            service.decide_strike(found.key, lift=False, text="改判", by=scene.manager)
        assert make_booking(scene, asked=asked).state is BookingState.APPROVED
        outbox.deliver_due()
        assert "booking.strike_lifted" in [n.kind for n in notices.inbox(scene.booker_person.id)]


def test_who_gave_it_by_hand_does_not_decide(now: datetime) -> None:
    scene = make_scene(rules=RULES)
    made = make_booking(scene)
    with pytest.raises(InvalidOrder):
        service.give_strike("B26-0000-0000", note="未关机", by=scene.manager)
    given = service.give_strike(made.number, note="未关机离开", by=scene.manager)
    with pytest.raises(InvalidOrder):
        service.give_strike(made.number, note="未关机离开", by=scene.manager)
    service.appeal_strike(given.key, "我关了", person_id=scene.booker_person.id)
    with pytest.raises(NotYours):
        service.decide_strike(given.key, lift=False, text="维持", by=scene.manager)
    colleague: Any = actor(make_person(roles=[(scene.host, Role.DEPUTY)]), scene.host)
    assert service.decide_strike(given.key, lift=False, text="维持", by=colleague).state is StrikeState.UPHELD
    assert [s.key for s in service.strikes_at(scene.manager)] == [given.key]
    assert service.strikes_at(make_scene().manager) == []


def test_strikes_elsewhere_count_only_where_the_rules_say_so(now: datetime) -> None:
    from resource_hub.domain.availability import service as availability
    from tests.builders.availability import make_rules, make_weekly
    from tests.builders.catalogue import make_listing

    scene = make_scene(rules={**RULES, "bars": AT_ONCE})
    miss(scene, 3)
    with clock.fixed(moment("2026-03-04T08:00+08:00")):
        for everywhere in (False, True):
            other = make_listing(scene.host)
            with unit_of_work() as unit:
                rules = make_rules(bars=AT_ONCE, strike_everywhere=everywhere)
                availability.set_hours_directly(unit, other.key, make_weekly(), rules)
            asked = make_asked("2026-03-05T09:00+08:00", "2026-03-05T10:00+08:00")
            found = service.judge(
                service.prepare(other.key, asked, by=scene.booker, now=clock.now()), clock.now()
            )
            assert ("booking.barred" in [r.code for r in found]) is everywhere


def test_a_ladder_warns_first_and_bars_with_the_next(now: datetime) -> None:
    steps = [{"unit": "warning"}, {"unit": "days", "count": 3}, {"unit": "days", "count": 7}]
    ladder = {"kinds": ["no_show"], "count": 1, "within": 0, "ladder": steps}
    scene = make_scene(rules={"strike_no_show": True, "bars": [ladder]})
    miss(scene, 3)
    miss(scene, 4)  # after a warning it can still be booked
    with clock.fixed(moment("2026-03-05T08:00+08:00")), pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=make_asked("2026-03-06T09:00+08:00", "2026-03-06T10:00+08:00"))
    (reason,) = caught.value.reasons
    assert reason.code == "booking.barred"
    assert datetime.fromisoformat(reason.values["until"]) == moment("2026-03-07T09:30+08:00")


def barred_for_good(scene: Scene) -> None:
    with pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=make_asked("2026-03-06T09:00+08:00", "2026-03-06T10:00+08:00"))
    assert [(r.code, r.values["strikes"]) for r in caught.value.reasons] == [("booking.barred_for_good", 1)]


def test_a_bar_without_an_end_holds_until_it_is_lifted_and_the_next_strike_brings_another(
    now: datetime,
) -> None:
    scene = make_scene(rules={"strike_no_show": True, "bars": [{"count": 1, "ladder": [{"unit": "lifted"}]}]})
    miss(scene, 3)
    person = scene.booker_person.id
    with clock.fixed(moment("2026-03-05T08:00+08:00")):
        barred_for_good(scene)
        (found,) = service.barred_at(scene.manager)
        assert (found.person_id, found.bar.until, found.strikes) == (person, None, 1)
        assert service.bars_on(person) == [found]
        with pytest.raises(InvalidOrder):
            service.lift_bar(scene.key, person, reason=" ", by=scene.manager)
        for by in (scene.booker, make_scene().manager):
            with pytest.raises(NotFound):
                service.lift_bar(scene.key, person, reason="已谈话", by=by)
        service.lift_bar(scene.key, person, reason="已谈话", by=scene.manager)
        with pytest.raises(WrongState):
            service.lift_bar(scene.key, person, reason="已谈话", by=scene.manager)
        outbox.deliver_due()
        assert "booking.bar_lifted" in [n.kind for n in notices.inbox(person)]
        assert service.barred_at(scene.manager) == service.bars_on(person) == []
        assert only(scene).state is StrikeState.GIVEN
        make_booking(scene, asked=make_asked("2026-03-10T09:00+08:00", "2026-03-10T10:00+08:00"))
    with unit_of_work() as unit:
        (noted,) = unit.session.scalars(select(AuditEntry).where(AuditEntry.action == "booking.bar_lifted"))
        assert noted.subject == f"resource:{scene.key.id}" and noted.person_id == scene.manager_person.id
    miss(scene, 6)
    with clock.fixed(moment("2026-03-09T08:00+08:00")):
        (again,) = service.barred_at(scene.manager)
        assert (again.bar.since, again.strikes) == (moment("2026-03-06T09:30+08:00"), 2)


def test_strikes_everywhere_bar_where_the_rules_say_so_and_are_lifted_there_alone(now: datetime) -> None:
    from resource_hub.domain.availability import service as availability
    from tests.builders.availability import make_rules, make_weekly
    from tests.builders.catalogue import make_listing

    scene = make_scene(rules={**RULES, "bars": AT_ONCE})
    other = make_listing(scene.host)
    with unit_of_work() as unit:
        availability.set_hours_directly(
            unit, other.key, make_weekly(), make_rules(bars=AT_ONCE, strike_everywhere=True)
        )
    miss(scene, 3)
    with clock.fixed(moment("2026-03-04T08:00+08:00")):
        assert {one.resource_key for one in service.barred_at(scene.manager)} == {scene.key, other.key}
        service.lift_bar(other.key, scene.booker_person.id, reason="仅此仪器", by=scene.manager)
        assert [one.resource_key for one in service.barred_at(scene.manager)] == [scene.key]
