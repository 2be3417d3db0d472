"""Fees of late cancellations of what was booked together: each by its own tariff, each waived by its own slot."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.billing import service as billing
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import BookingRefused
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import BookingRecord, ThreeSums
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import db, reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from tests.builders.accounts import make_actor
from tests.builders.availability import make_rules, make_weekly, moment
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing
from tests.integration.booking.test_linked import helper

pytestmark = pytest.mark.usefixtures("in_app")
BOOKED = moment("2026-03-02T08:00+08:00")
START = moment("2026-03-03T09:00+08:00")  # two hours; the instrument asks for a day's notice, else 100
FREE: dict[str, Any] = {"consequence": "none"}


def fee(amount: str, notice: int) -> dict[str, Any]:
    return {"consequence": "fee", "fee": {"all": amount}, "notice_minutes": notice}


def order(
    cancellation: dict[str, Any] | None, *, room_currency: str = "CNY", **rules: Any
) -> tuple[Scene, Any, Any]:
    """An instrument and its preparation room, which costs 50 an hour (None: has no tariff)."""
    with clock.fixed(BOOKED):
        scene = make_scene(**rules)
        room = helper(scene, "制样室")
        if cancellation is not None:
            document = {
                "format": 1,
                "currency": room_currency,
                "hour": {"all": "50.00"},
                "cancellation": cancellation,
            }
            pricing.adopt(room.key, document, date(2020, 1, 1))
        catalogue.save_links(scene.key, {room.key.id: True}, by=make_actor(scene.host, Role.OFFICE))
        return scene, room, make_booking(scene)


def both(made: Any) -> list[BookingRecord]:
    """The booking of the instrument, then that of the room, whatever became of it."""
    db.session.remove()
    child = reading().scalar(select(Booking.id).where(Booking.parent_id == made.key.id))
    assert child is not None
    return [service.booking(made.key), service.booking(HostKey(made.institution_id, child))]


def minor(made: Any) -> list[int]:
    return [one.cancel_fee.minor for one in both(made)]


@pytest.mark.parametrize(
    ("cancellation", "before", "expected"),
    [
        (None, timedelta(hours=1), [100_00, 0]),
        (FREE, timedelta(hours=1), [100_00, 0]),
        (fee("30.00", 720), timedelta(hours=24), [0, 0]),
        (fee("30.00", 720), timedelta(hours=24) - timedelta(seconds=1), [100_00, 0]),
        (fee("30.00", 720), timedelta(hours=12), [100_00, 0]),
        (fee("30.00", 720), timedelta(hours=12) - timedelta(seconds=1), [100_00, 30_00]),
        (fee("30.00", 2880), timedelta(hours=24, seconds=1), [0, 30_00]),
        ({"consequence": "booked", "notice_minutes": 720}, timedelta(hours=1), [100_00, 100_00]),
    ],
)
def test_each_by_its_own_tariff(cancellation: Any, before: timedelta, expected: list[int]) -> None:
    scene, _room, made = order(cancellation)
    whole = Money(sum(expected), "CNY")
    with clock.fixed(START - before):
        assert service.cancel_preview(made.key, by=scene.booker).fees == (whole,)
        if not whole.is_zero:
            with pytest.raises(BookingRefused, match="fee_rose"):
                service.cancel(made.key, by=scene.booker, expected=[whole - Money(1, "CNY")])
        service.cancel(made.key, by=scene.booker, expected=[whole])
    assert minor(made) == expected
    assert service.fees_together(both(made)[0]) == ((whole,), START if expected != [0, 0] else None)
    assert [one.fee_decides_at for one in both(made)] == [START if owed else None for owed in expected]


def test_the_host_cancels_without_a_fee_for_anything() -> None:
    scene, _room, made = order(fee("30.00", 720))
    with clock.fixed(START - timedelta(hours=1)):
        service.cancel(made.key, by=scene.manager, reason="故障")
    assert minor(made) == [0, 0]


def charges(made: Any) -> list[int]:
    """What was charged for instrument and room once their slots have begun."""
    with clock.fixed(START):
        service.decide_fees()
        while outbox.deliver_due():
            pass
        return [sum(c.gross.minor for c in billing.charges_of_booking(one.key)) for one in both(made)]


@pytest.mark.parametrize("taken", ["nothing", "instrument", "room", "both"])
def test_each_is_waived_by_its_own_slot(taken: str) -> None:
    scene, room, made = order(fee("30.00", 720))
    late = START - timedelta(hours=1)
    with clock.fixed(late):
        service.cancel(made.key, by=scene.booker)
        if taken == "both":
            make_booking(scene, by=another_booker()[2])
        elif taken != "nothing":
            # The link goes, so that each can be had by itself.
            catalogue.save_links(scene.key, {}, by=make_actor(scene.host, Role.OFFICE))
            if taken == "instrument":
                make_booking(scene, by=another_booker()[2])
            else:
                _take_room(scene, room)
    expected = {"nothing": [100_00, 30_00], "instrument": [0, 30_00], "room": [100_00, 0], "both": [0, 0]}
    assert charges(made) == expected[taken]
    assert charges(made) == expected[taken]  # decided once


def _take_room(scene: Scene, room: Any) -> None:
    """Another instrument of the host needs the room at that time."""
    other = make_listing(scene.host)
    pricing.adopt(other.key, {"format": 1, "currency": "CNY", "hour": {"all": "10.00"}}, date(2020, 1, 1))
    with unit_of_work() as unit:
        availability.set_hours_directly(unit, other.key, make_weekly(), make_rules())
        availability.rebuild(unit, [other.key], availability.kept_span())
    catalogue.save_links(other.key, {room.key.id: True}, by=make_actor(scene.host, Role.OFFICE))
    by = another_booker()[2]
    service.request(other.key, make_asked("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00"), by=by)


# ---- another currency ------------------------------------------------------------------------------------------

OWN, ROOM = Money(100_00, "CNY"), Money(30_00, "USD")


def abroad(notice: int = 720) -> tuple[Scene, Any, Any]:
    """An instrument in yuan with a room whose tariff is in dollars."""
    return order(fee("30.00", notice), room_currency="USD")


@pytest.mark.parametrize(
    ("notice", "before", "expected"),
    [
        (720, timedelta(hours=24), (Money.zero("CNY"),)),
        (720, timedelta(hours=12), (OWN,)),
        (720, timedelta(hours=12) - timedelta(seconds=1), (OWN, ROOM)),
        (2880, timedelta(hours=24), (Money.zero("CNY"), ROOM)),
        (2880, timedelta(hours=24) - timedelta(seconds=1), (OWN, ROOM)),
    ],
)
def test_each_currency_is_a_sum_of_its_own(
    notice: int, before: timedelta, expected: tuple[Money, ...]
) -> None:
    scene, _room, made = abroad(notice)
    with clock.fixed(START - before):
        assert service.cancel_preview(made.key, by=scene.booker).fees == expected
        service.cancel(made.key, by=scene.booker, expected=expected)
    own, room = both(made)
    assert (own.cancel_fee, room.cancel_fee) == (expected[0], ROOM if ROOM in expected else Money.zero("USD"))
    assert service.fees_together(own)[0] == expected
    with clock.fixed(START):
        service.decide_fees()
        while outbox.deliver_due():
            pass
        charged = [[c.gross for c in billing.charges_of_booking(one.key)] for one in (own, room)]
    assert charged == [[one] if one in expected and not one.is_zero else [] for one in (OWN, ROOM)]


@pytest.mark.parametrize(
    ("seen", "refused"),
    [
        ((OWN, ROOM), False),
        ((ROOM, OWN), False),
        (None, False),
        ((OWN,), True),
        ((OWN, ROOM - Money(1, "USD")), True),
        ((OWN - Money(1, "CNY"), ROOM), True),
        ((OWN + Money(30_00, "CNY"),), True),
    ],
)
def test_a_sum_that_was_not_seen_refuses(seen: Any, refused: bool) -> None:
    scene, _room, made = abroad()
    with clock.fixed(START - timedelta(hours=1)):
        if not refused:
            service.cancel(made.key, by=scene.booker, expected=seen)
            return
        with pytest.raises(BookingRefused, match="fee_rose") as told:
            service.cancel(made.key, by=scene.booker, expected=seen)
        assert told.value.reasons[0].values["fee"] == [OWN.as_json(), ROOM.as_json()]
    assert both(made)[0].cancelled_at is None


@pytest.mark.parametrize("taken", ["instrument", "room"])
def test_a_fee_in_another_currency_is_waived_by_its_own_slot(taken: str) -> None:
    scene, room, made = abroad()
    with clock.fixed(START - timedelta(hours=1)):
        service.cancel(made.key, by=scene.booker)
        catalogue.save_links(scene.key, {}, by=make_actor(scene.host, Role.OFFICE))
        if taken == "instrument":
            make_booking(scene, by=another_booker()[2])
        else:
            _take_room(scene, room)
    assert charges(made) == ([0, 30_00] if taken == "instrument" else [100_00, 0])


@pytest.mark.parametrize(
    ("currency", "expected"),
    [("CNY", [Money(700_00, "CNY")]), ("USD", [Money(600_00, "CNY"), Money(100_00, "USD")])],
)
def test_sums_of_lists_are_one_for_each_currency(currency: str, expected: list[Money]) -> None:
    scene, _room, made = order(FREE, room_currency=currency)
    sums = service.sums_of([made])[made.key]
    assert [one.to_pay for one in sums.each] == [one.list_price for one in sums.each] == expected
    with clock.fixed(BOOKED):
        later = make_asked("2026-03-05T09:00+08:00", "2026-03-05T11:00+08:00")
        rule = Recurrence(Frequency.DAILY, count=2)
        look = service.look_series(scene.key, later, rule, by=scene.booker)
    assert look.sums is not None
    assert [one.to_pay for one in look.sums.each] == [Money(2 * one.minor, one.currency) for one in expected]


def test_what_costs_nothing_in_another_currency_adds_no_sum() -> None:
    own, free = (ThreeSums.of(Money(minor, money), ()) for minor, money in ((600, "CNY"), (0, "USD")))
    assert own.plus(free) == own
    dear = ThreeSums.of(Money(5, "USD"), ())
    assert own.plus(dear).plus(free).plus(dear).each == (own, ThreeSums.of(Money(10, "USD"), ()))
