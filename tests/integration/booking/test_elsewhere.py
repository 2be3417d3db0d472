"""What else of the same kind is free when a time cannot be had."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from resource_hub.domain.availability.terms import Audience, OnHolidays
from resource_hub.reports.elsewhere import MOST, elsewhere
from tests.builders.availability import make_weekly, span
from tests.builders.booking import Scene, make_asked, make_booking, make_scene

MORNING = span("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")
MICROSCOPE, OTHER_KIND = "070305", "030102"


WHERE = {
    "合肥": (31_820_000, 117_230_000), "南京": (32_060_000, 118_790_000),
    "上海": (31_230_000, 121_470_000), "北京": (39_900_000, 116_400_000),
}  # fmt: skip


def instrument(city: str, class_code: str = MICROSCOPE, **more: object) -> Scene:
    latitude, longitude = WHERE[city]
    return make_scene(
        city=city,
        class_code=class_code,
        latitude_micro=latitude,
        longitude_micro=longitude,
        **more,  # type: ignore[arg-type]
    )


def codes(wished: Scene, wish: object = MORNING, **more: object) -> list[str]:
    return [one.hit.resource.code for one in elsewhere(wished.resource, wish, **more)]  # type: ignore[arg-type]


def test_the_nearest_of_the_same_kind_that_are_free_at_that_time(now: datetime) -> None:
    wished = instrument("合肥")
    far, near, busy = instrument("北京"), instrument("南京"), instrument("上海")
    instrument("合肥", OTHER_KIND)
    instrument("合肥", open_to_outside=False)
    make_booking(busy)
    found = elsewhere(wished.resource, MORNING)
    assert [one.hit.resource.key for one in found] == [near.key, far.key]
    assert {one.time.span for one in found} == {MORNING}
    kilometres = [one.hit.kilometres for one in found]
    assert kilometres == sorted(kilometres, key=lambda km: km or 0) and None not in kilometres
    assert [one.sums.to_pay.minor for one in found if one.sums] == [60_000, 60_000]


def test_where_none_is_free_then_another_time_of_the_day(now: datetime) -> None:
    wished, other = instrument("合肥"), instrument("南京")
    make_booking(other)
    (one,) = elsewhere(wished.resource, MORNING)
    assert one.time.span == span("2026-03-03T11:00+08:00", "2026-03-03T13:00+08:00")
    make_booking(other, asked=make_asked("2026-03-03T11:00+08:00", "2026-03-03T17:00+08:00"))
    assert elsewhere(wished.resource, MORNING) == (), "not on other days"


def test_at_most_three_and_never_itself(now: datetime) -> None:
    wished = instrument("合肥")
    for _ in range(MOST + 2):
        instrument("合肥")
    found = codes(wished)
    assert len(found) == MOST and wished.resource.code not in found


def test_protected_hours_are_for_outsiders_alone(now: datetime) -> None:
    wished = instrument("合肥")
    other = instrument("南京", weekly=make_weekly(audience=Audience.OUTSIDE))
    assert codes(wished) == [other.resource.code]
    assert codes(wished, inside=frozenset({other.host.id})) == []


def test_over_midnight_over_days_and_too_long(now: datetime) -> None:
    always = make_weekly(weekdays=range(7), starts=0, ends=1440, on_holidays=OnHolidays.OPEN)
    rules = {"most": 40 * 1440}
    wished = instrument("合肥")
    other = instrument("南京", weekly=always, rules=rules)
    night = span("2026-03-03T22:00+08:00", "2026-03-04T06:00+08:00")
    (one,) = elsewhere(wished.resource, night)
    assert (one.hit.resource.key, one.time.span) == (other.key, night)
    days = span("2026-03-03T09:00+08:00", "2026-03-05T09:00+08:00")
    (one,) = elsewhere(wished.resource, days)
    assert one.time.span.seconds == days.seconds
    assert elsewhere(wished.resource, span("2026-03-03T09:00+08:00", "2026-06-03T09:00+08:00")) == ()


def test_what_has_no_class_has_no_like(now: datetime) -> None:
    wished = instrument("合肥")
    instrument("合肥")
    unclassed = replace(wished.resource, contents=replace(wished.resource.contents, class_code=""))
    assert elsewhere(unclassed, MORNING) == ()
