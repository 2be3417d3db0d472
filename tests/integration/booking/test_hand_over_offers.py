"""A booking goes to another organisation only when that one takes it, within the term and at its own price."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.booking import errors, service
from resource_hub.domain.booking.terms import BookingRecord, BookingState, HandOverState
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from tests.builders.accounts import actor, make_group, make_person
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.support.databases import Database
from tests.support.racing import race


@dataclass(frozen=True)
class Offered:
    scene: Scene
    booking: BookingRecord
    taker: Actor
    customer_id: UUID
    offer: service.HandOverRecord


def offered(*, rules: Any = None, **more: Any) -> Offered:
    scene = make_scene(rules=rules)
    made = make_booking(scene, **more)
    if made.state is BookingState.REQUESTED:
        service.approve(made.key, by=scene.manager)
    _, _, taker = another_booker()
    customer_id = next(iter(taker.customer_ids))
    return Offered(
        scene, made, taker, customer_id, service.offer_hand_over(made.key, customer_id, by=scene.booker)
    )


def state(one: Offered) -> HandOverState:
    db.session.remove()
    return service.hand_over_for(one.offer.key, one.taker)[0].state


def told(person_id: UUID) -> list[str]:
    outbox.deliver_due()
    return [one.kind for one in notices.inbox(person_id)]


def test_until_it_is_taken_nothing_changes_and_then_everything_is_the_takers(now: Any) -> None:
    one = offered()
    assert one.offer.expires_at == min(now + timedelta(hours=48), one.booking.span.start)  # type: ignore[union-attr]
    before = service.booking(one.booking.key)
    assert (before.customer_id, before.quote_id) == (one.booking.customer_id, one.booking.quote_id)
    with pytest.raises(errors.NoSuchBooking):
        service.booking_for(one.booking.key, one.taker)
    assert "booking.hand_over_offered" in told(one.taker.person_id)
    look = service.look_hand_over(one.offer.key, by=one.taker)
    assert look.reasons == () and look.quote is not None and look.quote.sums.to_pay.minor == 60000
    done = service.accept_hand_over(one.offer.key, by=one.taker)
    assert (done.key, done.number, done.ical_uid) == (
        one.booking.key,
        one.booking.number,
        one.booking.ical_uid,
    )
    assert (done.customer_id, done.person_id) == (one.customer_id, one.taker.person_id)
    assert done.quote_id != one.booking.quote_id and state(one) is HandOverState.ACCEPTED
    with pytest.raises(errors.NoSuchBooking):
        service.booking_for(one.booking.key, one.scene.booker)
    assert "booking.hand_over_accepted" in told(one.scene.booker.person_id)
    assert "booking.hand_over_accepted_at_host" in told(one.scene.manager.person_id)


def test_a_group_of_the_host_takes_it_at_the_price_of_the_house(now: Any) -> None:
    scene = make_scene()
    made = make_booking(scene)
    leader = make_person(roles=[(scene.host, Role.BOOKER)])
    group = make_group(scene.host, leader=leader)
    one = service.offer_hand_over(made.key, group.id, by=scene.booker)
    by = actor(leader, scene.host)
    done = service.accept_hand_over(one.key, by=by)
    assert service.sums_of([done])[done.key].to_pay.minor == 30000


def test_the_host_is_asked_again_where_its_rules_say_so(now: Any) -> None:
    one = offered(rules={"approval": "always"})
    assert service.accept_hand_over(one.offer.key, by=one.taker).state is BookingState.REQUESTED


@pytest.mark.parametrize(("hours", "seconds"), [(1, 3600), (24, 24 * 3600), (720, 25 * 3600)])
def test_the_term_is_the_house_rule_and_ends_at_the_start(now: Any, hours: int, seconds: int) -> None:
    one = offered(rules={"hand_over_hours": hours})
    assert one.offer.expires_at == now + timedelta(seconds=seconds)
    last = one.offer.expires_at - timedelta(seconds=1)
    with clock.fixed(one.offer.expires_at):
        with pytest.raises(errors.WrongState):
            service.accept_hand_over(one.offer.key, by=one.taker)
        assert service.open_hand_over_of(one.booking.key) is None
    with clock.fixed(last):
        assert service.accept_hand_over(one.offer.key, by=one.taker).customer_id == one.customer_id


def test_an_offer_that_nobody_answers_falls_back_and_may_be_made_again(now: Any) -> None:
    one = offered(rules={"hand_over_hours": 1})
    with pytest.raises(errors.WrongState):
        service.offer_hand_over(one.booking.key, one.customer_id, by=one.scene.booker)
    with clock.fixed(one.offer.expires_at):
        # Before any job has run the term has done its work.
        again = service.offer_hand_over(one.booking.key, one.customer_id, by=one.scene.booker)
        assert state(one) is HandOverState.EXPIRED
    with clock.fixed(again.expires_at):
        assert service.expire_hand_overs() == 1 and service.expire_hand_overs() == 0
        assert "booking.hand_over_expired" in told(one.scene.booker.person_id)
        assert "booking.hand_over_expired_for_taker" in told(one.taker.person_id)
        assert service.booking(one.booking.key).customer_id == one.booking.customer_id


def test_offers_that_wait_come_by_their_term(now: Any) -> None:
    """The one to be answered first stands first, whenever it was made."""
    scene = make_scene()
    days = [
        make_booking(scene, asked=make_asked(f"2026-03-0{day}T09:00+08:00", f"2026-03-0{day}T11:00+08:00"))
        for day in (3, 6, 4)
    ]
    _, _, taker = another_booker()
    customer_id = next(iter(taker.customer_ids))
    made = [service.offer_hand_over(one.key, customer_id, by=scene.booker) for one in days]
    waiting = service.hand_overs_of(taker, waiting=True)
    assert [one.expires_at for one in waiting] == sorted(one.expires_at for one in made)
    assert waiting[0].key == made[0].key and service.hand_overs_of(taker, 1, waiting=True) == waiting[:1]
    assert service.hand_overs_of(taker, waiting=False) == []
    with clock.fixed(made[0].expires_at):
        assert [one.key for one in service.hand_overs_of(taker, waiting=False)] == [made[0].key]


def test_declined_and_taken_back(now: Any) -> None:
    one = offered()
    with pytest.raises(errors.NoSuchBooking):
        service.withdraw_hand_over(one.offer.key, by=one.taker)
    done = service.decline_hand_over(one.offer.key, by=one.taker, reason="已有安排")
    assert (done.state, done.reason) == (HandOverState.DECLINED, "已有安排")
    assert "booking.hand_over_declined" in told(one.scene.booker.person_id)
    with pytest.raises(errors.WrongState):
        service.accept_hand_over(one.offer.key, by=one.taker)
    again = service.offer_hand_over(one.booking.key, one.customer_id, by=one.scene.booker)
    with pytest.raises(errors.NoSuchBooking):
        service.decline_hand_over(again.key, by=one.scene.booker)
    assert service.withdraw_hand_over(again.key, by=one.scene.booker).state is HandOverState.WITHDRAWN
    with pytest.raises(errors.WrongState):
        service.accept_hand_over(again.key, by=one.taker)


def test_what_was_cancelled_or_has_begun_cannot_be_taken(now: Any) -> None:
    one = offered()
    service.cancel(one.booking.key, by=one.scene.booker)
    with pytest.raises(errors.WrongState):
        service.accept_hand_over(one.offer.key, by=one.taker)


def test_what_was_changed_since_has_to_be_offered_anew(now: Any) -> None:
    one = offered()
    with clock.fixed(now + timedelta(minutes=1)):
        service.change(
            one.booking.key,
            make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00").span,
            by=one.scene.booker,
        )
        assert [r.code for r in service.look_hand_over(one.offer.key, by=one.taker).reasons] == [
            "booking.hand_over_changed"
        ]
        with pytest.raises(errors.WrongState):
            service.accept_hand_over(one.offer.key, by=one.taker)
        service.withdraw_hand_over(one.offer.key, by=one.scene.booker)
        again = service.offer_hand_over(one.booking.key, one.customer_id, by=one.scene.booker)
        assert service.accept_hand_over(again.key, by=one.taker).customer_id == one.customer_id


def test_the_takers_own_rules_hold(now: Any) -> None:
    quota = {"per": "person", "period": "future", "measure": "bookings", "limit": 1}
    one = offered(rules={"quotas": [quota]})
    make_booking(
        one.scene, by=one.taker, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T10:00+08:00")
    )
    reasons = service.look_hand_over(one.offer.key, by=one.taker).reasons
    with pytest.raises(errors.BookingRefused) as refused:
        service.accept_hand_over(one.offer.key, by=one.taker)
    assert refused.value.reasons == reasons and reasons[0].code == "booking.quota_bookings_future"
    assert state(one) is HandOverState.OPEN


def test_only_another_organisation_is_asked_and_strangers_see_nothing(now: Any) -> None:
    one = offered()
    _, _, stranger = another_booker()
    for act in (service.accept_hand_over, service.decline_hand_over, service.withdraw_hand_over):
        with pytest.raises(errors.NoSuchBooking):
            act(one.offer.key, by=stranger)
    with pytest.raises(errors.NoSuchBooking):
        service.look_hand_over(one.offer.key, by=one.scene.booker)
    assert service.hand_overs_of(stranger) == []
    assert [o.key for o in service.hand_overs_of(one.taker)] == [one.offer.key]
    other = make_booking(one.scene, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T10:00+08:00"))
    with pytest.raises(errors.InvalidOrder):
        service.offer_hand_over(other.key, one.scene.customer_id, by=one.scene.booker)
    with pytest.raises(errors.InvalidOrder):
        service.accept_hand_over(one.offer.key, by=one.taker, person_id=stranger.person_id)


@pytest.mark.slow
@pytest.mark.xdist_group("race")
def test_eight_answer_one_offer_at_once(now: Any, database: Database, tmp_path: Path) -> None:
    one = offered()
    taker = {"person_id": one.taker.person_id, "organisation_id": one.taker.organisation_id}
    giver = {"person_id": one.scene.booker.person_id, "organisation_id": one.scene.firm.id}
    about = {"key": one.scene.key, "offer": one.offer.key, "booking": one.booking.key}
    payloads = [{"job": "take", **about, **taker}] * 5 + [{"job": "withdraw", **about, **giver}] * 3
    found = race(database, tmp_path, now, "take", payloads)
    # Who comes later finds the offer answered, or the booking in other hands.
    assert Counter(f[0] for f in found)["won"] == 1
    assert {f[0] for f in found} <= {"won", "booking.wrong_state", "booking.not_found"}
    db.session.remove()
    taken = service.booking(one.booking.key).customer_id == one.customer_id
    assert state(one) is (HandOverState.ACCEPTED if taken else HandOverState.WITHDRAWN)
