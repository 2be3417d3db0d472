"""Quotas and gaps that reach beyond one instrument: what counts, for whom, and what it costs where none does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import BookingRefused
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders.accounts import actor, make_department, make_person
from tests.builders.availability import make_rules, make_weekly, moment
from tests.builders.booking import TARIFF, Scene, another_booker, make_asked, make_scene
from tests.builders.catalogue import make_contents, make_listing

TWO_HOURS = {"per": "customer", "period": "week", "measure": "minutes", "limit": 120}


@dataclass(frozen=True)
class Laboratory:
    """A scene, and more instruments of its host: in the laboratory, of the class, and neither."""

    scene: Scene
    first: HostKey
    beside: HostKey
    alike: HostKey
    apart: HostKey


def make_laboratory(*, elsewhere: bool = True, **rules: Any) -> Laboratory:
    scene = make_scene()
    lab = make_department(scene.host)
    plain, other = make_contents(class_code="010101"), make_contents(class_code="020202")
    made = [
        make_listing(scene.host, department=lab, contents=plain),
        make_listing(scene.host, department=lab, contents=other),
        make_listing(scene.host, department=make_department(scene.host), contents=plain),
        make_listing(scene.host, contents=other),
    ]
    for one in made:
        open_up(one.key, **(rules if elsewhere or one is made[0] else {}))
    return Laboratory(scene, *(one.key for one in made))


def open_up(key: HostKey, **rules: Any) -> None:
    with unit_of_work() as unit:
        availability.set_hours_directly(unit, key, make_weekly(), make_rules(**rules))
        availability.rebuild(unit, [key], availability.kept_span())
    pricing.adopt(key, TARIFF, date(2020, 1, 1))


def book(lab: Laboratory, key: HostKey, hour: int, day: int = 3, **more: Any) -> Any:
    asked = make_asked(f"2026-03-{day:02d}T{hour:02d}:00+08:00", f"2026-03-{day:02d}T{hour + 1:02d}:00+08:00")
    return service.request(key, asked, by=more.pop("by", lab.scene.booker), **more)


@pytest.mark.parametrize(
    ("reach", "counted"),
    [
        ("resource", {"first"}),
        ("department", {"first", "beside"}),
        ("class", {"first", "alike"}),
        ("host", {"first", "beside", "alike", "apart"}),
    ],
)
def test_a_quota_counts_as_far_as_it_reaches(now: datetime, reach: str, counted: set[str]) -> None:
    # One hour on each of those that count is the quota.
    quota = {**TWO_HOURS, "limit": 60 * len(counted), "reach": reach}
    lab = make_laboratory(elsewhere=False, quotas=[quota])
    for n, name in enumerate(("beside", "alike", "apart")):
        book(lab, getattr(lab, name), 9 + n)
    book(lab, lab.first, 13)
    with pytest.raises(BookingRefused) as caught:
        book(lab, lab.first, 15)
    (reason,) = caught.value.reasons
    assert reason.code == "booking.quota_minutes_week"
    assert reason.values["used_seconds"] == len(counted) * 3600
    more = {"more": {"word": ["booking.quota_reach", reach]}} if reach != "resource" else {}
    assert reason.values["per"] == {"word": ["booking.quota_per", "customer"], **more}
    # Next week is another week, and another customer another customer.
    book(lab, lab.first, 15, day=10)
    book(lab, lab.first, 15, by=another_booker()[2])


def test_what_comes_along_with_an_order_counts_once(now: datetime) -> None:
    lab = make_laboratory(quotas=[{**TWO_HOURS, "reach": "host"}])
    office = actor(make_person(roles=[(lab.scene.host, Role.OFFICE)]), lab.scene.host)
    catalogue.save_links(lab.beside, {lab.alike.id: True}, by=office)
    book(lab, lab.beside, 9)
    book(lab, lab.first, 10)
    with pytest.raises(BookingRefused):
        book(lab, lab.first, 11)


def test_a_gap_reaches_too_and_binds_the_person_only(now: datetime) -> None:
    lab = make_laboratory(gap=60, gap_reach="department")
    book(lab, lab.first, 10)
    with pytest.raises(BookingRefused) as caught:
        book(lab, lab.beside, 11)
    assert [reason.code for reason in caught.value.reasons] == ["booking.gap"]
    book(lab, lab.apart, 11)
    colleague = actor(make_person(roles=[(lab.scene.firm, Role.BOOKER)]), lab.scene.firm)
    book(lab, lab.beside, 11, by=colleague)


def test_moving_judges_again_and_does_not_count_itself(now: datetime) -> None:
    lab = make_laboratory(quotas=[{**TWO_HOURS, "period": "day", "reach": "department"}])
    book(lab, lab.beside, 9)
    book(lab, lab.first, 10)
    moved = book(lab, lab.first, 9, day=4)
    on_tuesday = make_asked("2026-03-03T14:00+08:00", "2026-03-03T15:00+08:00").span
    assert on_tuesday is not None
    with pytest.raises(BookingRefused):
        service.change(moved.key, on_tuesday, by=lab.scene.booker)
    later = make_asked("2026-03-04T14:00+08:00", "2026-03-04T16:00+08:00").span
    assert later is not None
    assert service.change(moved.key, later, by=lab.scene.booker).span == later
    # The host's own word is bound by no quota.
    assert service.change(moved.key, on_tuesday, by=lab.scene.manager).span == on_tuesday


def test_the_trial_counts_what_was_booked_elsewhere_before(now: datetime) -> None:
    lab = make_laboratory()
    book(lab, lab.beside, 9)
    with clock.fixed(moment("2026-03-02T09:00+08:00")):
        book(lab, lab.first, 10)
    with clock.fixed(moment("2026-03-02T10:00+08:00")):
        book(lab, lab.beside, 11)
        book(lab, lab.alike, 12)
    with clock.fixed(moment("2026-03-20T08:00+08:00")):
        for reach, limit, refused in (
            ("department", 60, 1),  # the one before it counts, the one after it does not
            ("department", 120, 0),
            ("class", 60, 0),
            ("resource", 60, 0),
        ):
            draft = make_rules(quotas=[{**TWO_HOURS, "limit": limit, "reach": reach}])
            assert service.try_rules(lab.first, draft, by=lab.scene.manager).refused == refused, (
                reach,
                limit,
            )
