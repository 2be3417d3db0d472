"""Strikes through the services: given by the rules, told, appealed, decided by a second person, and what they bar."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

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
from resource_hub.domain.booking.terms import BookingState, StrikeKind, StrikeRecord, StrikeState
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, outbox
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.accounts import actor, make_person
from tests.builders.availability import moment
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

RULES = {
    "strike_no_show": True,
    "strike_late": True,
    "strike_late_cancel": 1440,
    "strike_limit": 2,
    "bar_days": 10,
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
    scene = make_scene(rules={**RULES, "strike_limit": 1})
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

    scene = make_scene(rules={**RULES, "strike_limit": 1})
    miss(scene, 3)
    with clock.fixed(moment("2026-03-04T08:00+08:00")):
        for everywhere in (False, True):
            other = make_listing(scene.host)
            with unit_of_work() as unit:
                rules = make_rules(strike_limit=1, strike_everywhere=everywhere)
                availability.set_hours_directly(unit, other.key, make_weekly(), rules)
            asked = make_asked("2026-03-05T09:00+08:00", "2026-03-05T10:00+08:00")
            found = service.judge(
                service.prepare(other.key, asked, by=scene.booker, now=clock.now()), clock.now()
            )
            assert ("booking.barred" in [r.code for r in found]) is everywhere


def test_a_ladder_warns_first_and_bars_with_the_next(now: datetime) -> None:
    ladder = {"kinds": ["no_show"], "count": 1, "within": 0, "ladder": [0, 3, 7]}
    scene = make_scene(rules={"strike_no_show": True, "bars": [ladder]})
    miss(scene, 3)
    miss(scene, 4)  # after a warning it can still be booked
    with clock.fixed(moment("2026-03-05T08:00+08:00")), pytest.raises(BookingRefused) as caught:
        make_booking(scene, asked=make_asked("2026-03-06T09:00+08:00", "2026-03-06T10:00+08:00"))
    (reason,) = caught.value.reasons
    assert reason.code == "booking.barred"
    assert datetime.fromisoformat(reason.values["until"]) == moment("2026-03-07T09:30+08:00")
