"""Series: every day judged, clashes reported and resolved, changes that keep ids, one letter for all (R1, R9–R12)."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability import slot_store
from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.availability.terms import DatedException, ExceptionKind, WeeklyHours
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import (
    BookingRefused,
    InvalidOrder,
    NoSuchBooking,
    SeriesClash,
    SlotTaken,
    StaleBooking,
    WrongState,
)
from resource_hub.domain.booking.rules.recurrence import Frequency, Monthly, Recurrence
from resource_hub.domain.booking.rules.series_change import Stays
from resource_hub.domain.booking.tables import Booking, BookingSeries
from resource_hub.domain.booking.terms import BookingState, Scope
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.tables import OutboxEvent
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.test_linked import linked

DAILY5 = Recurrence(Frequency.DAILY, count=4)  # Tuesday to Friday
WEEKLY4 = Recurrence(Frequency.WEEKLY, count=4)  # Tuesdays, 3 to 24 March


def on(text: str) -> date:
    return date.fromisoformat(text)


def made(scene: Scene, rule: Recurrence = WEEKLY4, **more: Any) -> service.SeriesRecord:
    return service.create_series(scene.key, make_asked(), rule, by=scene.booker, **more)


def bookings(series: service.SeriesRecord) -> list[Any]:
    db.session.remove()
    return [one.booking for one in service.series_days(series.key)]


def hours(series: service.SeriesRecord) -> list[str]:
    shanghai = moment("2026-03-02T00:00+08:00").tzinfo
    return [
        f"{b.span.start.astimezone(shanghai):%m-%d %H:%M}–{b.span.end.astimezone(shanghai):%H:%M}"
        if b
        else "–"
        for b in bookings(series)
    ]


def rows(table: Any) -> int:
    db.session.remove()
    return reading().scalar(select(func.count()).select_from(table)) or 0


# ---- making ----------------------------------------------------------------------------------------------------


def test_every_day_is_a_booking_of_its_own(now: Any) -> None:
    scene = make_scene()
    series = made(scene)
    found = bookings(series)
    assert hours(series) == [
        "03-03 09:00–11:00", "03-10 09:00–11:00", "03-17 09:00–11:00", "03-24 09:00–11:00",
    ]  # fmt: skip
    assert {b.state for b in found} == {BookingState.APPROVED}
    assert len({b.key for b in found} | {b.number for b in found} | {b.ical_uid for b in found}) == 12
    assert {b.series_id for b in found} == {series.key.id}
    assert rows(Occupancy) == 4
    assert service.series_state(service.series_days(series.key)) == "live"


def test_the_look_says_the_same_as_the_booking_does(now: Any) -> None:
    scene = make_scene()
    look = service.look_series(scene.key, make_asked(), WEEKLY4, by=scene.booker)
    assert not look.clashes and len(look.booked) == 4
    assert look.sums is not None and look.sums.to_pay.minor == 4 * 60000
    assert rows(Booking) == 0
    series = made(scene)
    assert sum(s.to_pay.minor for s in service.sums_of(bookings(series)).values()) == look.sums.to_pay.minor


def test_clashes_are_reported_all_at_once_and_nothing_is_booked(now: Any) -> None:
    scene = make_scene()
    _, _, other = another_booker()
    make_booking(scene, by=other, asked=make_asked("2026-03-10T10:00+08:00", "2026-03-10T12:00+08:00"))
    rule = Recurrence(Frequency.DAILY, until=on("2026-03-10"))  # over a weekend too
    look = service.look_series(scene.key, make_asked(), rule, by=scene.booker)
    found = {d.day.isoformat(): [r.code for r in d.reasons] for d in look.clashes}
    assert found == {
        "2026-03-07": ["availability.closed_day"],
        "2026-03-08": ["availability.closed_day"],
        "2026-03-10": ["availability.slot_taken"],
    }
    assert all(d.alternatives for d in look.clashes)
    with pytest.raises(SeriesClash) as refused:
        made(scene, rule)
    assert [c["day"] for c in refused.value.values["clashes"]] == sorted(found)
    assert rows(Booking) == 1 and rows(BookingSeries) == 0


def test_a_clash_is_left_out_or_given_another_time_and_the_series_remembers(now: Any) -> None:
    scene = make_scene()
    _, _, other = another_booker()
    make_booking(scene, by=other, asked=make_asked("2026-03-10T10:00+08:00", "2026-03-10T12:00+08:00"))
    make_booking(scene, by=other, asked=make_asked("2026-03-17T10:00+08:00", "2026-03-17T12:00+08:00"))
    choices = {
        on("2026-03-10"): service.Choice(skip=True),
        on("2026-03-17"): service.Choice(span=span("2026-03-17T13:00+08:00", "2026-03-17T15:00+08:00")),
    }
    series = made(scene, choices=choices)
    assert hours(series) == ["03-03 09:00–11:00", "–", "03-17 13:00–15:00", "03-24 09:00–11:00"]
    days = service.series_days(series.key)
    assert [service.moved_by_hand(series, d, "Asia/Shanghai") for d in days] == [False, False, True, False]


def test_another_time_that_clashes_too_is_a_clash(now: Any) -> None:
    scene = make_scene()
    choices = {
        on("2026-03-10"): service.Choice(span=span("2026-03-10T20:00+08:00", "2026-03-10T22:00+08:00"))
    }
    with pytest.raises(SeriesClash) as refused:
        made(scene, choices=choices)
    assert [c["day"] for c in refused.value.values["clashes"]] == ["2026-03-10"]


@pytest.mark.parametrize(
    ("quota", "clashing"),
    [
        ({"per": "person", "period": "future", "measure": "bookings", "limit": 3}, ["2026-03-06"]),
        (
            {"per": "person", "period": "week", "measure": "minutes", "limit": 240},
            ["2026-03-05", "2026-03-06"],
        ),
        ({"per": "customer", "period": "month", "measure": "bookings", "limit": 4}, []),
    ],
)
def test_quotas_count_across_the_series(now: Any, quota: dict[str, Any], clashing: list[str]) -> None:
    scene = make_scene(rules={"quotas": [quota]})
    look = service.look_series(scene.key, make_asked(), DAILY5, by=scene.booker)
    assert [d.day.isoformat() for d in look.clashes] == clashing
    if clashing:
        with pytest.raises(SeriesClash) as refused:
            made(scene, DAILY5)
        assert [c["day"] for c in refused.value.values["clashes"]] == clashing
    else:
        made(scene, DAILY5)


def test_r12_pressing_twice_makes_one(now: Any) -> None:
    scene = make_scene()
    first = made(scene, request_key="one form")
    assert made(scene, request_key="one form").key == first.key
    assert rows(BookingSeries) == 1 and rows(Booking) == 4


def test_r12_an_overlapping_repeat_is_no_second_series_even_with_room(now: Any) -> None:
    scene = make_scene(units=2)
    made(scene)
    look = service.look_series(scene.key, make_asked(), WEEKLY4, by=scene.booker)
    assert [[r.code for r in d.reasons] for d in look.clashes] == [["booking.series_own"]] * 4
    with pytest.raises(SeriesClash):
        made(scene)
    assert rows(Booking) == 4


def test_a_colleague_may_have_the_second_unit(now: Any) -> None:
    scene = make_scene(units=2)
    made(scene)
    _, _, other = another_booker()
    service.create_series(scene.key, make_asked(), WEEKLY4, by=other)
    assert rows(Occupancy) == 8


def test_days_that_overlap_each_other_clash(now: Any) -> None:
    scene = make_scene(rules={"most": 0}, weekly=None)
    asked = make_asked("2026-03-03T09:00+08:00", "2026-03-04T10:00+08:00")
    look = service.look_series(scene.key, asked, DAILY5, by=scene.booker)
    assert len(look.clashes) == 4


def test_a_start_that_the_clock_skips_is_a_clash(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00-05:00")):
        scene = make_scene(zone="America/New_York")
        asked = make_asked("2026-03-07T02:30-05:00", "2026-03-07T03:30-05:00")
        look = service.look_series(scene.key, asked, Recurrence(Frequency.DAILY, count=3), by=scene.booker)
        assert [r.code for r in look.days[1].reasons] == ["booking.series_no_such_time"]


def test_of_a_start_that_comes_twice_the_first_is_taken_unless_it_was_said(in_app: Any) -> None:
    with clock.fixed(moment("2026-10-30T08:00-04:00")):
        weekly = tuple(WeeklyHours(day, 0, 1440) for day in range(7))
        scene = make_scene(zone="America/New_York", weekly=weekly)
        twice = Recurrence(Frequency.DAILY, count=2)
        before = make_asked("2026-10-31T01:30-04:00", "2026-10-31T02:00-04:00")
        first = service.create_series(scene.key, before, twice, by=scene.booker)
        assert [b.span.start.isoformat()[5:16] for b in bookings(first)] == ["10-31T05:30", "11-01T05:30"]
        said = make_asked("2026-11-01T01:30-05:00", "2026-11-01T02:00-05:00")
        second = service.create_series(scene.key, said, twice, by=scene.booker)
        assert [b.span.start.isoformat()[5:16] for b in bookings(second)] == ["11-01T06:30", "11-02T06:30"]
        days = [(one, service.series_days(one.key)) for one in (first, second)]
        assert not any(service.moved_by_hand(one, day, scene.resource.zone) for one, on in days for day in on)


def test_local_time_stays_through_a_clock_change(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00-05:00")):
        scene = make_scene(zone="America/New_York")
        asked = make_asked("2026-03-03T09:00-05:00", "2026-03-03T11:00-05:00")
        series = service.create_series(scene.key, asked, WEEKLY4, by=scene.booker)
        found = [b.span for b in bookings(series)]
        assert [s.start.isoformat()[5:16] for s in found] == [
            "03-03T14:00", "03-10T13:00", "03-17T13:00", "03-24T13:00",
        ]  # fmt: skip
        assert {s.seconds for s in found} == {7200}


def test_monthly_by_the_fifth_weekday(now: Any) -> None:
    scene = make_scene(rules={"horizon_days": 200})
    asked = make_asked("2026-03-30T09:00+08:00", "2026-03-30T11:00+08:00")
    rule = Recurrence(Frequency.MONTHLY, monthly=Monthly.WEEKDAY, count=3)
    series = service.create_series(scene.key, asked, rule, by=scene.booker)
    assert [h[:5] for h in hours(series)] == ["03-30", "04-27", "05-25"]


def test_strangers_see_no_series(now: Any) -> None:
    scene = make_scene()
    series = made(scene)
    _, _, other = another_booker()
    with pytest.raises(NoSuchBooking):
        service.series_for(series.key, other)
    assert service.series_for(series.key, scene.manager)[0] == series
    assert service.series_of(other) == [] and service.series_of(scene.booker) == [series]


def test_one_letter_for_all(now: Any) -> None:
    scene = make_scene()
    made(scene)
    with unit_of_work() as unit:
        events = list(unit.session.execute(select(OutboxEvent.name, OutboxEvent.payload)))
    loud = [name for name, payload in events if name.startswith("booking.") and not payload.get("quiet")]
    assert loud == ["booking.series_booked"]
    assert Counter(name for name, _ in events)["booking.approved"] == 4


# ---- changing --------------------------------------------------------------------------------------------------


def kept(series_days: list[Any]) -> list[tuple[Any, str, str]]:
    return [(b.key, b.number, b.ical_uid) for b in series_days]


def test_one_day_moves_alone(now: Any) -> None:
    scene = make_scene()
    series = made(scene)
    second = bookings(series)[1]
    service.change(second.key, span("2026-03-10T14:00+08:00", "2026-03-10T16:00+08:00"), by=scene.booker)
    assert hours(series)[1] == "03-10 14:00–16:00"
    assert hours(series)[2] == "03-17 09:00–11:00"
    assert bookings(series)[1].series_id == series.key.id


def test_this_and_following_leaves_the_earlier_part_its_id_and_uids(now: Any) -> None:
    scene = make_scene()
    series = made(scene)
    before = bookings(series)
    later = service.change_series(
        series.key, before[2].key.id, span("2026-03-17T13:00+08:00", "2026-03-17T16:00+08:00"), Scope.REST,
        by=scene.booker,
    )  # fmt: skip
    assert later.key != series.key and later.split_from == series.key.id
    assert hours(series) == ["03-03 09:00–11:00", "03-10 09:00–11:00"]
    assert hours(later) == ["03-17 13:00–16:00", "03-24 13:00–16:00"]
    after = bookings(series) + bookings(later)
    assert kept(after) == kept(before)
    assert [a.ical_sequence - b.ical_sequence for a, b in zip(after, before, strict=True)] == [0, 0, 1, 1]
    assert [a.version - b.version for a, b in zip(after, before, strict=True)] == [0, 0, 1, 1]
    assert {b.series_id for b in bookings(later)} == {later.key.id}
    assert service.series_for(series.key, scene.booker)[0].rule.until == on("2026-03-10")


def test_all_before_the_first_day_is_no_split(now: Any) -> None:
    scene = make_scene()
    series = made(scene)
    before = bookings(series)
    same = service.change_series(
        series.key, before[1].key.id, span("2026-03-10T10:00+08:00", "2026-03-10T12:00+08:00"), Scope.ALL,
        by=scene.booker,
    )  # fmt: skip
    assert same.key == series.key and same.version == series.version + 1
    assert [h[6:] for h in hours(series)] == ["10:00–12:00"] * 4
    assert kept(bookings(series)) == kept(before)


def test_r9_it_starts_today_and_nothing_has_happened_so_no_split(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene()
        series = made(scene)
    with clock.fixed(moment("2026-03-03T08:00+08:00")):
        same = service.change_series(
            series.key, bookings(series)[0].key.id, span("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00"),
            Scope.ALL, by=scene.booker,
        )  # fmt: skip
        assert same.key == series.key


def test_r9_of_a_running_series_the_past_stays_and_the_future_is_a_series_of_its_own(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene()
        series = made(scene)
    with clock.fixed(moment("2026-03-10T09:00+08:00")):
        before = bookings(series)
        look = service.look_change_series(
            series.key, before[3].key.id, span("2026-03-24T14:00+08:00", "2026-03-24T16:00+08:00"), Scope.ALL,
            by=scene.booker,
        )  # fmt: skip
        assert look.split and look.moving == 2
        later = service.change_series(
            series.key, before[3].key.id, span("2026-03-24T14:00+08:00", "2026-03-24T16:00+08:00"), Scope.ALL,
            by=scene.booker,
        )  # fmt: skip
        assert hours(series) == ["03-03 09:00–11:00", "03-10 09:00–11:00"]
        assert hours(later) == ["03-17 14:00–16:00", "03-24 14:00–16:00"]
        assert kept(bookings(series) + bookings(later)) == kept(before)
        with pytest.raises(WrongState):
            service.change_series(
                series.key, before[0].key.id, span("2026-03-03T14:00+08:00", "2026-03-03T16:00+08:00"), Scope.ALL,
                by=scene.booker,
            )  # fmt: skip


@pytest.mark.parametrize("days", [1, -1])
def test_a_daily_series_moves_by_a_day_through_its_own_times(in_app: Any, days: int) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene()
        asked = make_asked("2026-03-10T09:00+08:00", "2026-03-10T17:00+08:00")
        series = service.create_series(
            scene.key, asked, Recurrence(Frequency.DAILY, count=3), by=scene.booker
        )
        first = bookings(series)[0]
        look_span = TimeSpan(first.span.start + timedelta(days=days), first.span.end + timedelta(days=days))
        look = service.look_change_series(series.key, first.key.id, look_span, Scope.ALL, by=scene.booker)
        assert not look.clashes and look.moving == 3
        service.change_series(series.key, first.key.id, look_span, Scope.ALL, by=scene.booker)
        assert [h[3:5] for h in hours(series)] == [f"{day + days:02d}" for day in (10, 11, 12)]
        assert rows(Occupancy) == 3


def test_a_monthly_second_tuesday_moved_to_a_wednesday_is_the_second_wednesday(now: Any) -> None:
    scene = make_scene(rules={"horizon_days": 200})
    asked = make_asked("2026-03-10T09:00+08:00", "2026-03-10T11:00+08:00")
    rule = Recurrence(Frequency.MONTHLY, monthly=Monthly.WEEKDAY, count=3)
    series = service.create_series(scene.key, asked, rule, by=scene.booker)
    assert [h[:5] for h in hours(series)] == ["03-10", "04-14", "05-12"]
    first = bookings(series)[0]
    service.change_series(
        series.key, first.key.id, span("2026-03-11T09:00+08:00", "2026-03-11T11:00+08:00"), Scope.ALL,
        by=scene.booker,
    )  # fmt: skip
    assert [h[:5] for h in hours(series)] == ["03-11", "04-08", "05-13"]


def test_a_day_moved_by_hand_and_one_cancelled_stay_as_they_are(now: Any) -> None:
    scene = make_scene()
    series = made(scene)
    before = bookings(series)
    service.change(before[1].key, span("2026-03-10T14:00+08:00", "2026-03-10T16:00+08:00"), by=scene.booker)
    service.cancel(before[2].key, by=scene.booker)
    wish = span("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00")
    look = service.look_change_series(series.key, before[0].key.id, wish, Scope.ALL, by=scene.booker)
    assert [d.stays for d in look.days] == [None, Stays.BY_HAND, Stays.OVER, None]
    service.change_series(series.key, before[0].key.id, wish, Scope.ALL, by=scene.booker)
    assert hours(series) == [
        "03-03 10:00–12:00", "03-10 14:00–16:00", "03-17 09:00–11:00", "03-24 10:00–12:00",
    ]  # fmt: skip


def test_a_change_that_clashes_changes_nothing_until_every_clash_has_an_answer(now: Any) -> None:
    scene = make_scene()
    series = made(scene)
    before = bookings(series)
    _, _, other = another_booker()
    make_booking(scene, by=other, asked=make_asked("2026-03-17T14:00+08:00", "2026-03-17T16:00+08:00"))
    wish = span("2026-03-10T14:00+08:00", "2026-03-10T16:00+08:00")
    look = service.look_change_series(series.key, before[1].key.id, wish, Scope.REST, by=scene.booker)
    assert [d.day for d in look.clashes] == [on("2026-03-17")] and look.clashes[0].alternatives
    with pytest.raises(SeriesClash):
        service.change_series(series.key, before[1].key.id, wish, Scope.REST, by=scene.booker)
    assert [h[6:] for h in hours(series)] == ["09:00–11:00"] * 4
    later = service.change_series(
        series.key, before[1].key.id, wish, Scope.REST, by=scene.booker,
        choices={on("2026-03-17"): service.Choice(skip=True)},
    )  # fmt: skip
    assert hours(later) == ["03-10 14:00–16:00", "03-17 09:00–11:00", "03-24 14:00–16:00"]


def test_the_same_time_again_is_no_change_and_a_stale_form_is_told(now: Any) -> None:
    scene = make_scene()
    series = made(scene)
    first = bookings(series)[0]
    with pytest.raises(InvalidOrder):
        service.change_series(series.key, first.key.id, first.span, Scope.ALL, by=scene.booker)
    with pytest.raises(StaleBooking):
        service.change_series(
            series.key, first.key.id, span("2026-03-03T10:00+08:00", "2026-03-03T12:00+08:00"), Scope.ALL,
            by=scene.booker, version=series.version + 1,
        )  # fmt: skip


# ---- cancelling and answering ----------------------------------------------------------------------------------


def test_r10_cancel_one_the_rest_stay_cancel_the_last_and_the_series_is_cancelled(now: Any) -> None:
    scene = make_scene()
    series = made(scene)
    service.cancel(bookings(series)[0].key, by=scene.booker)
    assert [b.state.value for b in bookings(series)] == ["cancelled", "approved", "approved", "approved"]
    assert service.series_state(service.series_days(series.key)) == "live"
    assert service.cancel_series(series.key, Scope.ALL, by=scene.booker) == 3
    db.session.remove()
    assert service.series_state(service.series_days(series.key)) == "cancelled"
    assert rows(Occupancy) == 0
    with pytest.raises(BookingRefused) as refused:
        service.cancel_series(series.key, Scope.ALL, by=scene.booker)
    assert [r.code for r in refused.value.reasons] == ["booking.series_nothing_ahead"]


def test_cancel_this_and_following_with_the_fee_before_the_click(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene()
        series = made(scene)
    with clock.fixed(
        moment("2026-03-09T12:00+08:00")
    ):  # 21 h before the second day: inside the notice of 24 h
        look = service.look_cancel_series(series.key, Scope.REST, on("2026-03-10"), by=scene.booker)
        assert [one.day for one, _ in look.possible] == [on("2026-03-10"), on("2026-03-17"), on("2026-03-24")]
        assert look.fees == (Money(10000, "CNY"),)
        with pytest.raises(BookingRefused):
            service.cancel_series(
                series.key, Scope.REST, on("2026-03-10"), by=scene.booker, expected=[Money.zero("CNY")]
            )
        assert service.cancel_series(
            series.key, Scope.REST, on("2026-03-17"), by=scene.booker, expected=[Money.zero("CNY")]
        ) == 2  # fmt: skip


def test_what_may_not_be_cancelled_any_more_stays_and_was_told(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene(rules={"cancel_until": 24 * 60})
        series = made(scene)
    with clock.fixed(moment("2026-03-09T12:00+08:00")):
        look = service.look_cancel_series(series.key, Scope.ALL, by=scene.booker)
        assert [one.day for one, _ in look.kept] == [on("2026-03-10")]
        assert service.cancel_series(series.key, Scope.ALL, by=scene.booker) == 2
        assert [b.state.value for b in bookings(series)][1] == "approved"


def test_where_no_day_may_be_cancelled_any_more_the_refusal_says_why(in_app: Any) -> None:
    with clock.fixed(moment("2026-03-02T08:00+08:00")):
        scene = make_scene(rules={"cancel_until": 24 * 60})
        series = made(scene, Recurrence(Frequency.WEEKLY, count=2))
    with clock.fixed(moment("2026-03-09T12:00+08:00")), pytest.raises(BookingRefused) as refused:
        service.cancel_series(series.key, Scope.ALL, by=scene.booker)
    assert [reason.code for reason in refused.value.reasons] == ["booking.cancel_until"]


def test_b15_the_host_gives_a_reason(now: Any) -> None:
    scene = make_scene()
    series = made(scene)
    with pytest.raises(InvalidOrder):
        service.cancel_series(series.key, Scope.ALL, by=scene.manager)
    assert service.cancel_series(series.key, Scope.ALL, by=scene.manager, reason="维修") == 4


@pytest.mark.parametrize(("accept", "state"), [(True, "approved"), (False, "rejected")])
def test_the_host_answers_all_at_once(now: Any, accept: bool, state: str) -> None:
    scene = make_scene(rules={"approval": "always"})
    series = made(scene)
    assert {b.state.value for b in bookings(series)} == {"requested"}
    given = service.answer_series(series.key, accept, by=scene.manager, note="样品不合")
    assert [one.given.value for one in given] == ["confirmed" if accept else "refused"] * 4
    assert {b.state.value for b in bookings(series)} == {state}
    with pytest.raises(WrongState):
        service.answer_series(series.key, accept, by=scene.manager, note="x")


# ---- when the database itself speaks ---------------------------------------------------------------------------


def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sees what holds a unit, as if the lock had failed; the database does."""
    monkeypatch.setattr(slot_store, "around", lambda _session, _key, span: slot_store.Around(span, (), ()))
    monkeypatch.setattr(slot_store, "lock_with_helpers", lambda *_: slot_store.BehindLock({}, None))


@pytest.mark.parametrize("day", ["2026-03-03", "2026-03-10", "2026-03-24"])
def test_a_day_that_the_database_refuses_is_named_itself_and_takes_all_back(
    now: Any, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    """Its refusal comes with a later question, and is no clash of the day that asks it."""
    scene = make_scene()
    _, _, other = another_booker()
    make_booking(scene, by=other, asked=make_asked(f"{day}T10:00+08:00", f"{day}T12:00+08:00"))
    blind(monkeypatch)
    with pytest.raises(SlotTaken) as refused:
        made(scene)
    assert moment(refused.value.values["start"]) == moment(f"{day}T09:00+08:00")
    assert rows(Booking) == 1 and rows(BookingSeries) == 0 and rows(Occupancy) == 1


def test_days_that_move_onto_what_the_database_refuses_all_stay(
    now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene()
    series = made(scene)
    _, _, other = another_booker()
    make_booking(scene, by=other, asked=make_asked("2026-03-10T13:00+08:00", "2026-03-10T15:00+08:00"))
    before = hours(series)
    blind(monkeypatch)
    with pytest.raises(SlotTaken) as refused:
        service.change_series(
            series.key, bookings(series)[0].key.id, span("2026-03-03T14:00+08:00", "2026-03-03T16:00+08:00"),
            Scope.ALL, by=scene.booker,
        )  # fmt: skip
    assert moment(refused.value.values["start"]) == moment("2026-03-10T14:00+08:00")
    assert hours(series) == before


def test_a_series_of_more_than_a_year_is_booked_as_it_was_shown(now: Any) -> None:
    scene = make_scene(rules={"horizon_days": 720})
    asked = make_asked(customer_id=scene.customer_id)
    rule = Recurrence(Frequency.WEEKLY, interval=4, count=15)
    look = service.look_series(scene.key, asked, rule, by=scene.manager)
    choices = {one.day: service.Choice(skip=True) for one in look.clashes}
    series = service.create_series(scene.key, asked, rule, by=scene.manager, choices=choices)
    days = [one.booking for one in service.series_days(series.key) if one.booking is not None]
    assert len(days) == len(look.booked) > 12
    assert days[-1].span is not None and days[-1].span.start > now + timedelta(days=366)


AFTERNOON = span("2026-03-03T13:00+08:00", "2026-03-03T15:00+08:00")


def test_the_look_at_another_time_asks_for_what_is_booked_along(now: Any) -> None:
    one = linked()
    scene = one.scene
    series = made(scene, Recurrence(Frequency.WEEKLY, count=2))
    first, _second = bookings(series)
    closed = span("2026-03-10T12:00+08:00", "2026-03-10T17:00+08:00")
    closure = DatedException(ExceptionKind.CLOSURE, closed, reason_zh="检修")
    exception = availability.add_exception(one.room.key, closure, by=scene.manager)
    look = service.look_change_series(series.key, first.key.id, AFTERNOON, Scope.ALL, by=scene.booker)
    assert [day.clashes for day in look.days] == [False, True]
    assert look.days[1].reasons[0].code == "booking.helper_in_the_way"
    with pytest.raises(SeriesClash):
        service.change_series(series.key, first.key.id, AFTERNOON, Scope.ALL, by=scene.booker)
    availability.remove_exception(one.room.key, exception.id, by=scene.manager)
    look = service.look_change_series(series.key, first.key.id, AFTERNOON, Scope.ALL, by=scene.booker)
    assert [day.quote.sums.to_pay.minor for day in look.days if day.quote] == [70000, 70000]
    service.change_series(series.key, first.key.id, AFTERNOON, Scope.ALL, by=scene.booker)


def test_what_is_booked_along_with_days_that_move_away_is_in_no_way(now: Any) -> None:
    one = linked()
    series = made(one.scene, DAILY5)
    first = bookings(series)[0]
    # Each day takes the time of the one after it.
    later = span("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00")
    choices = {day.day: service.Choice(span=TimeSpan(day.booking.span.start + timedelta(hours=2), day.booking.span.end + timedelta(hours=2))) for day in service.series_days(series.key)[-1:]}  # type: ignore[union-attr]  # fmt: skip
    look = service.look_change_series(
        series.key, first.key.id, later, Scope.ALL, by=one.scene.booker, choices=choices
    )
    assert look.clashes == () and look.moving == 4
    service.change_series(series.key, first.key.id, later, Scope.ALL, by=one.scene.booker, choices=choices)
