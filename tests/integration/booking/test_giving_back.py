"""Time given back late, by moving or shortening, costs what cancelling that part late does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.billing import service as billing
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import BookingRefused
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.terms import BookingRecord, BookingState, Scope
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan
from tests.builders.accounts import actor, make_group, make_person
from tests.builders.availability import moment
from tests.builders.booking import TARIFF, Scene, another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.test_linked_fees import both, fee, order

pytestmark = pytest.mark.usefixtures("in_app")
BOOKED = moment("2026-03-02T08:00+08:00")
START = moment("2026-03-03T09:00+08:00")
EXACTLY = START - timedelta(hours=24)  # the notice of the tariff
LATE = EXACTLY + timedelta(seconds=1)
PRICE = {**TARIFF, "cancellation": {"consequence": "booked", "notice_minutes": 1440}}  # 300 an hour
STEPS = {**PRICE, "steps": [{"after_minutes": 120, "hour": {"outside": "150.00"}}]}


def at(hours: float, length: float) -> TimeSpan:
    """So many hours after nine, so long."""
    start = START + timedelta(hours=hours)
    return TimeSpan(start, start + timedelta(hours=length))


def booked(hours: float = 4, **contents: Any) -> tuple[Scene, BookingRecord]:
    with clock.fixed(BOOKED):
        scene = make_scene(**contents)
        asked = make_asked("2026-03-03T09:00+08:00", at(0, hours).end.isoformat())
        made = make_booking(scene, asked=asked)
        if made.state is BookingState.REQUESTED:
            made = service.approve(made.key, by=scene.manager)
        return scene, made


def changed(scene: Scene, made: BookingRecord, span: TimeSpan, now: datetime = LATE) -> int:
    """Change it after looking what that costs, in minor units."""
    db.session.remove()
    with clock.fixed(now):
        seen = service.change_preview(made.key, span, by=scene.booker).fees
        done = service.change(made.key, span, by=scene.booker, expected=seen)
        assert done.span == span
    return sum(one.minor for one in seen)


def charges(made: BookingRecord, now: datetime | None = None) -> list[int]:
    with clock.fixed(now or START + timedelta(hours=9)):
        service.decide_fees()
        while outbox.deliver_due():
            pass
        db.session.remove()
        return sorted(charge.gross.minor for charge in billing.charges_of_booking(made.key))


FAR = at(24 * 7, 4)


@pytest.mark.parametrize(
    ("tariff", "span", "now", "cost"),
    [
        # Exactly the notice before the start is in time, a second later is not.
        (TARIFF, at(0, 1), EXACTLY, 0),
        (TARIFF, at(0, 1), LATE, 75_00),
        (TARIFF, FAR, EXACTLY, 0),
        (TARIFF, FAR, LATE, 100_00),
        (PRICE, FAR, LATE, 1_200_00),
        # What is kept is not given back: an end, a start, both ends, or a bit of each.
        (TARIFF, at(1, 3), LATE, 25_00),
        (TARIFF, at(1, 2), LATE, 50_00),
        (TARIFF, at(2, 4), LATE, 50_00),
        (PRICE, at(0, 1), LATE, 900_00),
        (PRICE, at(1, 2), LATE, 600_00),
        (PRICE, at(2, 4), LATE, 600_00),
        # Dear first hours are paid for first, so that given back and kept cost what the whole did.
        (STEPS, at(0, 3), LATE, 150_00),
        (STEPS, at(0, 1), LATE, 600_00),
        (STEPS, FAR, LATE, 900_00),
        # More time gives nothing back.
        (TARIFF, at(0, 6), LATE, 0),
        ({**TARIFF, "cancellation": {"consequence": "none"}}, at(0, 1), LATE, 0),
        ({**TARIFF, "cancellation": {**TARIFF["cancellation"], "notice_minutes": 0}}, at(0, 1), LATE, 0),
    ],
)
def test_it_is_said_before_and_owed_when_the_time_begins(
    tariff: Any, span: TimeSpan, now: datetime, cost: int
) -> None:
    scene, made = booked(tariff=tariff)
    if cost:
        with clock.fixed(now), pytest.raises(BookingRefused, match="change_fee_rose"):
            service.change(made.key, span, by=scene.booker, expected=[Money(cost - 1, "CNY")])
    assert changed(scene, made, span, now) == cost
    assert charges(made, START - timedelta(seconds=1)) == []
    assert sum(charges(made)) == cost
    assert sum(charges(made)) == cost


@pytest.mark.parametrize("tariff", [TARIFF, PRICE, STEPS])
@pytest.mark.parametrize("steps", [[at(0, 3), at(0, 1)], [at(1, 3), at(2, 1)], [at(1, 2)]])
def test_shortening_first_and_cancelling_then_costs_what_cancelling_does(
    tariff: Any, steps: list[TimeSpan]
) -> None:
    scene, made = booked(tariff=tariff)
    with clock.fixed(LATE):
        whole = sum(one.minor for one in service.cancel_preview(made.key, by=scene.booker).fees)
    given = sum(changed(scene, made, span) for span in steps)
    with clock.fixed(LATE):
        service.cancel(made.key, by=scene.booker)
    assert 0 < given < whole
    assert sum(charges(made)) == whole


@pytest.mark.parametrize(
    ("others", "owed"),
    [
        ([], 75_00),
        ([at(1, 3)], 0),
        ([at(1, 2)], 75_00),
        ([at(1, 1), at(2, 2)], 0),
    ],
)
def test_nothing_is_owed_if_somebody_takes_all_of_it(others: list[TimeSpan], owed: int) -> None:
    scene, made = booked()
    changed(scene, made, at(0, 1))
    with clock.fixed(LATE):
        for other in others:
            asked = make_asked(other.start.isoformat(), other.end.isoformat())
            make_booking(scene, by=another_booker()[2], asked=asked)
    assert sum(charges(made)) == owed
    with clock.fixed(START):
        kinds = [event.kind for event in service.detail(made.key, scene.booker).events]
        left = service.given_back_of(made, scene.booker)
    assert ("fee_waived" in kinds) == (not owed)
    assert [(one.fee.minor, one.decides_at) for one in left] == ([(owed, None)] if owed else [])


@pytest.mark.parametrize(
    ("others", "owed"),
    [
        # Half an hour before and after each order nobody could have had.
        ([at(2, 2)], 0),
        ([at(2, 0.5), at(3.5, 0.5)], 0),
        ([at(2.5, 1.5)], 75_00),
        ([at(2, 1)], 75_00),
        ([], 75_00),
    ],
)
def test_set_up_and_tear_down_leave_nothing_empty(others: list[TimeSpan], owed: int) -> None:
    scene, made = booked(rules={"setup": 30, "teardown": 30})
    changed(scene, made, at(0, 1))
    with clock.fixed(LATE):
        for other in others:
            asked = make_asked(other.start.isoformat(), other.end.isoformat())
            make_booking(scene, by=another_booker()[2], asked=asked)
    assert sum(charges(made)) == owed


def test_the_fee_is_said_as_it_is_when_silence_has_confirmed_the_order() -> None:
    with clock.fixed(BOOKED):
        scene = make_scene(rules={"approval": "always", "silence": "consent", "answer_hours": 1})
        made = make_booking(scene, asked=make_asked("2026-03-03T09:00+08:00", at(0, 4).end.isoformat()))
    assert made.state is BookingState.REQUESTED
    assert changed(scene, made, at(0, 2)) == 50_00


@pytest.mark.parametrize(
    ("back", "owed"),
    [
        (at(0, 4), 0),  # all of it again
        (at(0, 3), 25_00),  # of the three hours given back two
        (at(0, 1), 75_00),
    ],
)
def test_of_what_the_order_takes_back_nothing_is_owed(back: TimeSpan, owed: int) -> None:
    scene, made = booked()
    changed(scene, made, at(0, 1))
    if back != at(0, 1):
        assert changed(scene, made, back) == 0
    assert sum(charges(made)) == owed


def test_moved_away_and_back_into_the_middle_both_ends_are_owed() -> None:
    scene, made = booked()
    changed(scene, made, FAR)
    assert changed(scene, made, at(1, 2)) == 0
    assert charges(made) == [25_00, 25_00]


def test_the_host_moves_for_nothing_and_so_does_whom_it_moved() -> None:
    scene, made = booked()
    with clock.fixed(LATE):
        assert service.change_preview(made.key, at(2, 4), by=scene.manager).fees[0].is_zero
        service.propose(made.key, at(2, 4), by=scene.manager)
    assert changed(scene, made, FAR) == 0
    assert charges(made) == []


def test_who_asks_for_more_and_withdraws_pays_for_what_was_confirmed() -> None:
    scene, made = booked(rules={"approval": "always"})
    assert changed(scene, made, at(0, 5)) == 0
    with clock.fixed(LATE):
        asked = service.booking(made.key)
        assert asked.state is BookingState.REQUESTED
        assert service.cancel_preview(made.key, by=scene.booker).fees == (Money(100_00, "CNY"),)
    assert changed(scene, made, at(0, 2)) == 50_00


def test_a_request_that_was_never_confirmed_costs_nothing() -> None:
    with clock.fixed(BOOKED):
        scene = make_scene(rules={"approval": "always"})
        made = make_booking(scene)
    assert changed(scene, made, FAR) == 0
    with clock.fixed(LATE):
        assert service.cancel_preview(made.key, by=scene.booker).free


@pytest.mark.parametrize(("now", "fee"), [(EXACTLY, 0), (LATE, 100_00)])
def test_who_took_it_over_and_waits_for_a_yes_pays_for_giving_it_back(now: datetime, fee: int) -> None:
    """A confirmed time that another firm took over is no fresh request: what cancelling costs goes over with it."""
    scene, made = booked(rules={"approval": "always"})
    taker = another_booker()[2]
    with clock.fixed(now):
        offer = service.offer_hand_over(made.key, next(iter(taker.customer_ids)), by=scene.booker)
        assert service.look_hand_over(offer.key, by=taker).fees == (Money(fee, "CNY"),)
        done = service.accept_hand_over(offer.key, by=taker)
        assert done.state is BookingState.REQUESTED
        assert service.cancel_preview(made.key, by=taker).fees == (Money(fee, "CNY"),)
        if fee:
            with pytest.raises(BookingRefused, match="fee_rose"):
                service.cancel(made.key, by=taker, expected=[Money(fee - 1, "CNY")])
        service.cancel(made.key, by=taker, expected=[Money(fee, "CNY")])
    assert sum(charges(made)) == fee
    if fee:
        (charge,) = billing.charges_of_booking(made.key)
        assert charge.customer_id == next(iter(taker.customer_ids))


def test_who_took_it_over_and_shortens_before_the_yes_pays_for_that_part() -> None:
    scene, made = booked(rules={"approval": "always"})
    taker = another_booker()[2]
    with clock.fixed(LATE):
        offer = service.offer_hand_over(made.key, next(iter(taker.customer_ids)), by=scene.booker)
        service.accept_hand_over(offer.key, by=taker)
        seen = service.change_preview(made.key, at(0, 1), by=taker).fees
        service.change(made.key, at(0, 1), by=taker, expected=seen)
        assert service.cancel_preview(made.key, by=taker).fees == (Money(25_00, "CNY"),)
    assert seen == (Money(75_00, "CNY"),)


def test_a_request_that_was_never_confirmed_stays_free_in_other_hands() -> None:
    with clock.fixed(BOOKED):
        scene = make_scene(rules={"approval": "always"})
        made = make_booking(scene)
    taker = another_booker()[2]
    with clock.fixed(LATE):
        offer = service.offer_hand_over(made.key, next(iter(taker.customer_ids)), by=scene.booker)
        assert service.look_hand_over(offer.key, by=taker).fees[0].is_zero
        service.accept_hand_over(offer.key, by=taker)
        assert service.cancel_preview(made.key, by=taker).free


def test_a_group_of_the_same_organisation_is_no_way_round_either() -> None:
    with clock.fixed(BOOKED):
        scene = make_scene(rules={"approval": "always"})
        leader = make_person(roles=[(scene.host, Role.BOOKER)])
        groups = [make_group(scene.host, leader=leader) for _ in range(2)]
        by = actor(leader, scene.host)
        asked = make_asked("2026-03-03T09:00+08:00", at(0, 4).end.isoformat(), customer_id=groups[0].id)
        made = service.approve(make_booking(scene, by=by, asked=asked).key, by=scene.manager)
    with clock.fixed(LATE):
        whole = service.cancel_preview(made.key, by=by).fees
        done = service.hand_over(made.key, leader.id, by=by, customer_id=groups[1].id)
        assert done.state is BookingState.REQUESTED
        assert service.cancel_preview(made.key, by=by).fees == whole and not whole[0].is_zero


def test_house_rules_that_lock_the_time_still_do() -> None:
    scene, made = booked(rules={"change_until": 1440})
    with clock.fixed(LATE), pytest.raises(BookingRefused, match="change_until"):
        service.change(made.key, at(0, 1), by=scene.booker)


def test_a_split_gives_nothing_back() -> None:
    scene, made = booked()
    with clock.fixed(LATE):
        service.split(made.key, at(2, 1).start, by=scene.booker)
        assert service.given_back_of(made, scene.booker) == []


def cancelled(by: Any, made: BookingRecord, now: datetime = LATE) -> int:
    """Cancel it after looking what that costs, in minor units."""
    db.session.remove()
    with clock.fixed(now):
        seen = service.cancel_preview(made.key, by=by).fees
        service.cancel(made.key, by=by, expected=seen)
    return sum(one.minor for one in seen)


@pytest.mark.parametrize(
    ("tariff", "now", "half", "whole"),
    [
        # The later half begins after the notice is over, and still belonged to what was bound.
        (TARIFF, LATE, 50_00, 100_00),
        (PRICE, LATE, 600_00, 1_200_00),
        # Split in time they are two orders, each with its own notice and fee.
        (TARIFF, EXACTLY, 0, 100_00),
    ],
)
def test_splitting_first_makes_no_part_of_it_cheaper_or_dearer(
    tariff: Any, now: datetime, half: int, whole: int
) -> None:
    scene, made = booked(tariff=tariff)
    with clock.fixed(now):
        first, second = service.split(made.key, at(2, 1).start, by=scene.booker)
    if half:
        with clock.fixed(LATE):
            quarter = service.change_preview(second.key, at(2, 1), by=scene.booker).fees
        assert sum(one.minor for one in quarter) == half // 2
    assert cancelled(scene.booker, second) == half
    assert half + cancelled(scene.booker, first) == whole
    assert sum(charges(first)) + sum(charges(second)) == whole


def test_a_half_that_is_split_again_or_moved_away_stays_a_share() -> None:
    scene, made = booked()
    with clock.fixed(LATE):
        first, second = service.split(made.key, at(2, 1).start, by=scene.booker)
        second, third = service.split(second.key, at(3, 1).start, by=scene.booker)
    assert changed(scene, second, FAR) == 25_00
    assert [cancelled(scene.booker, one) for one in (third, second, first)] == [25_00, 0, 50_00]


def test_a_split_halves_what_is_booked_along_by_its_own_tariff() -> None:
    scene, _room, made = order(fee("30.00", 2880))
    with clock.fixed(LATE):
        _first, second = service.split(made.key, at(1, 1).start, by=scene.booker)
    assert cancelled(scene.booker, second) == 50_00 + 15_00


@pytest.mark.parametrize(
    ("room", "expected"), [(fee("30.00", 720), [50_00, 0]), (fee("30.00", 2880), [50_00, 15_00])]
)
def test_what_is_booked_along_by_its_own_tariff(room: Any, expected: list[int]) -> None:
    scene, _room, made = order(room)
    assert changed(scene, made, at(0, 1)) == sum(expected)
    assert [sum(charges(one)) for one in both(made)] == expected


def test_of_a_series_the_days_inside_the_notice_cost_together() -> None:
    with clock.fixed(BOOKED):
        scene = make_scene()
        rule = Recurrence(Frequency.DAILY, count=3)
        series = service.create_series(scene.key, make_asked(), rule, by=scene.booker)
        days = [one.booking for one in service.series_days(series.key) if one.booking is not None]
    with clock.fixed(LATE):
        shorter = (days[0].key.id, at(0, 1), Scope.ALL)
        seen = service.look_change_series(series.key, *shorter, by=scene.booker)
        assert [sum(fee.minor for fee in one.fees) for one in seen.days] == [50_00, 0, 0]
        assert seen.fees == (Money(50_00, "CNY"),)
        with pytest.raises(BookingRefused, match="change_fee_rose"):
            service.change_series(series.key, *shorter, by=scene.booker, expected=())
        service.change_series(series.key, *shorter, by=scene.booker, expected=seen.fees)
    assert [sum(charges(one)) for one in days] == [50_00, 0, 0]
