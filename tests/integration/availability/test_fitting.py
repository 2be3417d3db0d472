"""Search for time: one pass over kept windows against a minute-by-minute oracle; exact first times for a page."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, insert, select, text

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service
from resource_hub.domain.availability.errors import InvalidWish, SlotTaken
from resource_hub.domain.availability.fitting import allowed, parts
from resource_hub.domain.availability.tables import FreeWindow, HouseRules
from resource_hub.domain.availability.terms import Audience, HouseDocument, OccupancyKind, OnHolidays, Wish
from resource_hub.domain.catalogue.service import Query
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, at, zone
from resource_hub.reports import free_times
from tests.builders.accounts import make_actor, make_group, make_institution
from tests.builders.availability import make_weekly, moment, span
from tests.builders.catalogue import make_listing

NOW = moment("2026-03-02T08:00+08:00")
MONDAY = date(2026, 3, 2)
HOUR = 3600


def week(seconds: int = HOUR, **changes: object) -> Wish:
    return replace(Wish(MONDAY, MONDAY + timedelta(days=6), seconds), **changes)  # type: ignore[arg-type]


def fits(wish: Wish) -> dict[UUID, datetime]:
    found = service.fitting(wish)
    return {row.resource_id: row.at for row in reading().execute(select(found))}


def opened(host: object = None, **rules: object) -> HostKey:
    where = host or make_institution()
    key = make_listing(where).key  # type: ignore[arg-type]
    manager = make_actor(where, Role.MANAGER)  # type: ignore[arg-type]
    service.save_hours(
        key, make_weekly() + make_weekly(weekdays=[5], audience=Audience.OUTSIDE), MONDAY, by=manager
    )
    if rules:
        service.save_rules(key, rules, MONDAY, by=manager)
    return key


def hold(key: HostKey, when: TimeSpan, kind: OccupancyKind = OccupancyKind.BOOKING, **more: object) -> None:
    with unit_of_work() as unit:
        service.occupy(unit, key, None, when, kind, new_id(), **more)  # type: ignore[arg-type]


# ---- the one pass ----------------------------------------------------------------------------------------------


def minutes_of(wish: Wish, zone_name: str) -> Iterator[datetime]:
    """Every minute from now on at which a time of this length may begin, by the wall clock alone."""
    tz = zone(zone_name)
    start = max(NOW, datetime.combine(wish.first, datetime.min.time(), tzinfo=tz) - timedelta(days=1))
    for n in range((wish.last - wish.first).days * 1440 + 3 * 1440):
        minute = (start + timedelta(minutes=n)).astimezone(tz)
        end = minute + timedelta(seconds=wish.seconds)
        for back in (0, 1):
            day = (minute - timedelta(days=back)).date()
            midnight = datetime.combine(day, datetime.min.time(), tzinfo=tz)
            first, last = midnight + timedelta(minutes=wish.starts), midnight + timedelta(minutes=wish.ends)
            if wish.whole_days:
                first = datetime.combine(wish.first, datetime.min.time(), tzinfo=tz)
                last = datetime.combine(wish.last + timedelta(days=1), datetime.min.time(), tzinfo=tz)
            elif not wish.first <= day <= wish.last:
                continue
            if first <= minute and end <= last:
                yield minute
                break


@pytest.mark.parametrize("seed", range(6))
def test_the_first_fit_is_the_one_that_an_oracle_finds(now: datetime, seed: int) -> None:
    rng = random.Random(seed)
    hosts = [make_institution(), make_institution(zone=rng.choice(["Asia/Tokyo", "Asia/Kathmandu"]))]
    kept: dict[UUID, tuple[str, list[TimeSpan]]] = {}
    rows = []
    for host in hosts:
        for _ in range(4):
            key = make_listing(host).key
            unit_id = service.plan(key, span("2026-03-02T00:00Z", "2026-03-03T00:00Z")).units[0].key.id
            spans, at = [], NOW - timedelta(hours=5)
            for _ in range(rng.randrange(1, 9)):
                start = at + timedelta(minutes=5 * rng.randrange(1, 200))
                at = start + timedelta(minutes=5 * rng.randrange(1, 400))
                spans.append(TimeSpan(start, at))
            kept[key.id] = (host.zone, spans)
            rows += [
                {"institution_id": host.id, "unit_id": unit_id, "audience": "outside", "starts_at": s.start,
                 "ends_at": s.end, "resource_id": key.id} for s in spans
            ]  # fmt: skip
    with unit_of_work() as unit:
        unit.session.execute(insert(FreeWindow), rows)
    for _ in range(8):
        starts = rng.choice([0, 480, 720, 1320, 1080])
        ends = rng.choice([starts + 240, starts + 600, starts + 1440])
        seconds = 300 * rng.randrange(1, 48)
        if ends - starts != 1440 and seconds > (ends - starts) * 60:
            continue
        first = MONDAY + timedelta(days=rng.randrange(0, 3))
        wish = Wish(first, first + timedelta(days=rng.randrange(0, 6)), seconds, starts, ends)
        expected = {}
        for resource_id, (zone_name, spans) in kept.items():
            for minute in minutes_of(wish, zone_name):
                whole = TimeSpan(minute, minute + timedelta(seconds=seconds))
                if any(s.contains(whole) for s in spans):
                    expected[resource_id] = whole.start
                    break
        assert fits(wish) == expected, wish


@pytest.mark.parametrize(
    ("wish", "at"),
    [
        (week(), "2026-03-02T09:00+08:00"),
        (week(8 * HOUR), "2026-03-02T09:00+08:00"),
        (week(8 * HOUR + 300), None),
        (week(starts=720, ends=1080), "2026-03-02T12:00+08:00"),
        (week(5 * HOUR, starts=720, ends=1080), "2026-03-02T12:00+08:00"),
        (week(5 * HOUR + 300, starts=720, ends=1080), None),
        (week(first=date(2026, 3, 7)), "2026-03-07T09:00+08:00"),
        (week(first=date(2026, 3, 8)), None),
        (week(starts=1320, ends=1320 + 600), None),
    ],
)
def test_days_length_and_part_of_the_day(now: datetime, wish: Wish, at: str | None) -> None:
    opened()
    assert list(fits(wish).values()) == ([moment(at)] if at else [])


def test_protected_hours_are_found_by_outsiders_only(now: datetime) -> None:
    key = opened()
    saturday = week(first=date(2026, 3, 7))
    assert key.id in fits(saturday)
    assert fits(replace(saturday, inside=frozenset({key.institution_id}))) == {}
    assert key.id in fits(replace(saturday, inside=frozenset({make_institution().id})))
    assert key.id in fits(week(inside=frozenset({key.institution_id})))


@pytest.mark.parametrize(
    ("wish", "codes"),
    [
        (week(last=date(2026, 3, 1)), ["availability.wish_days"]),
        (week(last=MONDAY + timedelta(days=62)), ["availability.wish_too_many_days"]),
        (week(299), ["availability.wish_length"]),
        (week(31 * 86400 + 1), ["availability.wish_length"]),
        (week(0, last=date(2026, 3, 1)), ["availability.wish_days", "availability.wish_length"]),
        (week(starts=1440, ends=1500), ["availability.wish_part"]),
        (week(starts=600, ends=600), ["availability.wish_part"]),
        (week(starts=600, ends=2041), ["availability.wish_part"]),
        (week(5 * HOUR, starts=720, ends=960), ["availability.wish_longer_than_part"]),
    ],
)
def test_what_cannot_be_meant(now: datetime, wish: Wish, codes: list[str]) -> None:
    with pytest.raises(InvalidWish) as caught:
        service.fitting(wish)
    assert [r.code for r in caught.value.reasons] == codes
    service.check_wish(week(last=MONDAY + timedelta(days=61)))
    service.check_wish(week(300))
    service.check_wish(week(31 * 86400))


def test_a_part_of_the_day_through_clock_changes() -> None:
    days = Wish(date(2026, 3, 28), date(2026, 3, 30), 600, 120, 180)
    found = parts(days, "Europe/Berlin", moment("2026-03-27T00:00Z"))
    # The hour from two to three does not happen on the 29th.
    assert found == [
        span("2026-03-28T01:00Z", "2026-03-28T02:00Z"),
        span("2026-03-30T00:00Z", "2026-03-30T01:00Z"),
    ]
    autumn = Wish(date(2026, 10, 25), date(2026, 10, 25), 600, 120, 240)
    assert parts(autumn, "Europe/Berlin", moment("2026-10-01T00:00Z")) == [
        span("2026-10-25T00:00Z", "2026-10-25T03:00Z")
    ]
    night = Wish(date(2026, 10, 24), date(2026, 10, 25), 600, 1320, 1320 + 600)
    assert [s.seconds // HOUR for s in parts(night, "Europe/Berlin", moment("2026-10-01T00:00Z"))] == [11, 10]


# ---- exact for the page ----------------------------------------------------------------------------------------


def first(key: HostKey, wish: Wish) -> datetime | None:
    found = service.first_fits([key], wish).get(key)
    return found.span.start if found else None


@pytest.mark.parametrize(
    ("rules", "wish", "at"),
    [
        ({}, week(), "2026-03-02T09:00+08:00"),
        ({"lead": {"all": 26 * 60}}, week(), "2026-03-03T10:00+08:00"),
        ({"lead_days": 3}, week(), "2026-03-05T09:00+08:00"),
        ({"lead_days": 3, "lead": {"all": 4 * 1440}}, week(), "2026-03-06T09:00+08:00"),
        ({"lead_days": 6}, week(), None),
        ({"horizon_days": 1}, week(first=date(2026, 3, 3)), "2026-03-03T09:00+08:00"),
        ({"horizon_days": 1}, week(first=date(2026, 3, 4)), None),
        ({"least": 120}, week(), None),
        ({"least": 60}, week(), "2026-03-02T09:00+08:00"),
        ({"most": 60}, week(HOUR), "2026-03-02T09:00+08:00"),
        ({"most": 60}, week(2 * HOUR), None),
        ({"step": 60}, week(90 * 60), None),
        ({"setup": 30, "teardown": 30}, week(8 * HOUR), "2026-03-02T09:00+08:00"),
    ],
)
def test_house_rules_decide_for_the_page(
    now: datetime, rules: dict[str, object], wish: Wish, at: str | None
) -> None:
    assert first(opened(**rules), wish) == (moment(at) if at else None)


@pytest.mark.parametrize(
    ("general", "own", "who", "at"),
    [
        # A group that may book further ahead than all, or less far.
        (1, 9, ["group"], True),
        (1, 9, ["other"], False),
        (1, 9, [], False),
        (1, 9, ["group", "other"], True),
        (9, 1, ["group"], False),
        (9, 1, ["other"], True),
        (9, 1, ["group", "other"], True),
    ],
)
def test_a_group_with_another_horizon_finds_what_it_may_book(
    now: datetime, general: int, own: int, who: list[str], at: bool
) -> None:
    host = make_institution()
    groups = {name: make_group(host).id for name in ("group", "other")}
    key = opened(host, horizon_days=general, ahead=[{"days": own, "group": str(groups["group"])}])
    wish = replace(
        week(first=date(2026, 3, 5)),
        inside=frozenset([host.id] if who else []),
        customers=frozenset(groups[one] for one in who),
    )
    assert first(key, wish) == (moment("2026-03-05T09:00+08:00") if at else None)


def test_the_step_of_the_house(now: datetime) -> None:
    key = opened(step=30)
    hold(key, span("2026-03-02T09:00+08:00", "2026-03-02T10:05+08:00"))
    assert first(key, week()) == moment("2026-03-02T10:30+08:00")
    assert fits(week())[key.id] == moment("2026-03-02T10:05+08:00")


def test_a_hold_that_lapses_gives_way_at_once(now: datetime) -> None:
    key = opened()
    hold(
        key, span("2026-03-02T09:00+08:00", "2026-03-02T17:00+08:00"), OccupancyKind.HOLD,
        expires_at=NOW + timedelta(minutes=15),
    )  # fmt: skip
    assert first(key, week()) == moment("2026-03-03T09:00+08:00")
    with clock.fixed(NOW + timedelta(minutes=15)):
        assert first(key, week()) == moment("2026-03-02T09:00+08:00")


def test_booking_by_the_day(now: datetime) -> None:
    host = make_institution()
    key = make_listing(host).key
    manager = make_actor(host, Role.MANAGER)
    service.save_hours(key, make_weekly(weekdays=range(7), starts=0, ends=1440), MONDAY, by=manager)
    service.save_rules(key, {"step": 1440, "least": 1440}, MONDAY, by=manager)
    assert first(key, week(86400)) == moment("2026-03-03T00:00+08:00")
    hold(key, span("2026-03-04T00:00+08:00", "2026-03-05T00:00+08:00"))
    assert first(key, week(2 * 86400)) == moment("2026-03-05T00:00+08:00")
    assert first(key, week(3 * 86400 + 3600)) is None


def test_allowed_is_cut_on_both_sides() -> None:
    rules = HouseDocument(lead={"all": 120}, horizon_days=2)
    whole = [span("2026-03-01T00:00+08:00", "2026-03-31T00:00+08:00")]
    assert allowed(rules, HOUR, whole, "Asia/Shanghai", NOW, outside=True) == [
        [span("2026-03-02T10:00+08:00", "2026-03-05T01:00+08:00")]
    ]
    assert (
        allowed(
            HouseDocument(lead={"all": 9 * 1440}, horizon_days=2),
            HOUR,
            whole,
            "Asia/Shanghai",
            NOW,
            outside=True,
        )
        == []
    )


def test_a_time_may_not_begin_at_the_midnight_after_the_last_day(now: datetime) -> None:
    key = opened()
    manager = make_actor(accounts.organisation(key.institution_id), Role.MANAGER)
    service.save_hours(key, make_weekly(weekdays=range(7), starts=0, ends=1440), MONDAY, by=manager)
    service.save_rules(key, {"horizon_days": 2}, MONDAY, by=manager)
    assert first(key, week(first=date(2026, 3, 5))) is None
    hold(key, span("2026-03-02T00:00+08:00", "2026-03-04T23:00+08:00"))
    assert first(key, week(2 * HOUR)) == moment("2026-03-04T23:00+08:00")


@pytest.mark.parametrize(
    ("horizon", "day", "found"),
    [(365, 77, True), (365, 365, True), (365, 366, False), (60, 60, True), (60, 61, False), (730, 730, True)],
)
def test_days_are_searched_as_far_ahead_as_they_can_be_booked(
    now: datetime, horizon: int, day: int, found: bool
) -> None:
    host = make_institution()
    key = make_listing(host).key
    manager = make_actor(host, Role.MANAGER)
    service.save_hours(key, make_weekly(weekdays=range(7), on_holidays=OnHolidays.OPEN), MONDAY, by=manager)
    service.save_rules(key, {"horizon_days": horizon}, MONDAY, by=manager)
    asked = MONDAY + timedelta(days=day)
    wish = Wish(asked, asked, HOUR)
    opens = datetime.combine(asked, datetime.min.time(), zone("Asia/Shanghai")) + timedelta(hours=9)
    assert first(key, wish) == (opens if found else None)
    if found:
        assert fits(wish) == {key.id: opens}
    with clock.fixed(NOW + timedelta(days=1)):
        assert service.roll_windows() == 1
        assert service.roll_windows() == 0
        if found:
            hold(key, TimeSpan(opens, opens + timedelta(hours=8)))
            assert fits(wish) == {}


@pytest.mark.parametrize("zone_name", ["Asia/Shanghai", "Europe/Berlin"])
def test_the_one_pass_and_the_page_agree_under_rules_of_lead_and_days(now: datetime, zone_name: str) -> None:
    rng = random.Random(zone_name)
    host = make_institution(zone=zone_name)
    keys = []
    for n in range(14):
        key = make_listing(host).key
        keys.append(key)
        manager = make_actor(host, Role.MANAGER)
        hours = make_weekly(weekdays=range(7), starts=0, ends=1440) if n % 2 else make_weekly()
        service.save_hours(key, hours, MONDAY, by=manager)
        rules: dict[str, object] = {"horizon_days": 60, "step": 5, "least": 5}
        if n % 2:
            rules |= {"step": 1440, "least": 1440}
        if rng.random() < 0.6:
            rules["lead"] = {"all": rng.randrange(0, 28 * 288) * 5}
        if rng.random() < 0.5:
            rules["lead_days"] = rng.randrange(0, 20)
        service.save_rules(key, rules, MONDAY, by=manager)
        for _ in range(6):
            start = at(MONDAY + timedelta(days=rng.randrange(35)), 5 * rng.randrange(288), zone(zone_name))
            with suppress(SlotTaken):
                hold(key, TimeSpan(start, start + timedelta(minutes=5 * rng.randrange(1, 2000))))
    for seconds in (300, 8 * HOUR, 86400, 2 * 86400):
        for _ in range(4):
            opens = MONDAY + timedelta(days=rng.randrange(32))
            wish = Wish(opens, opens + timedelta(days=rng.randrange(6)), seconds)
            if seconds % 86400:
                its = [key for key in keys if not service.house_rules(key)[0].by_day]
            else:
                its = keys
            exact = {key.id: found.span.start for key, found in service.first_fits(its, wish).items()}
            found = fits(wish)
            assert {one: when for one, when in found.items() if one in {key.id for key in its}} == exact, wish


def moment_left_open(rules: list[tuple[date, dict[str, object]]], host: object, mode: str) -> datetime:
    """When the rules of today let anybody begin, by the calendar alone."""
    today = NOW.astimezone(zone(host.zone)).date()  # type: ignore[attr-defined]
    in_force: dict[str, object] = max(
        (one for one in rules if one[0] <= today), default=(today, {}), key=lambda one: one[0]
    )[1]
    lead: dict[str, int] = in_force.get("lead", {})  # type: ignore[assignment]
    opens = NOW + timedelta(minutes=lead.get(mode, lead.get("all", 0)))
    if in_force.get("lead_days"):
        day = service.working_days_after(host.jurisdiction, today, in_force["lead_days"])  # type: ignore[attr-defined,arg-type]
        opens = max(opens, at(day, 0, zone(host.zone)))  # type: ignore[attr-defined]
    return opens


@pytest.mark.parametrize("seed", range(8))
def test_the_first_fit_knows_which_rules_hold_today(now: datetime, seed: int) -> None:
    """Leads by minutes, by mode and in working days; rules that begin later, and such that took an earlier lead back.
    Some resources have time at once, some a fortnight from now, of some units of several, or none."""
    rng = random.Random(seed)
    hosts = [
        make_institution(),
        make_institution(zone="Asia/Kathmandu"),
        make_institution(zone=rng.choice(["Asia/Shanghai", "Europe/Berlin"]), jurisdiction="DE-BE"),
    ]
    kept: dict[UUID, tuple[object, list[tuple[date, dict[str, object]]], list[TimeSpan]]] = {}
    rows = []
    for host in hosts:
        manager = make_actor(host, Role.MANAGER)
        for _ in range(6):
            key = make_listing(host, units=rng.choice([1, 1, 3])).key
            versions = []
            for day in sorted(rng.sample(range(-9, 4), rng.randrange(4))):
                rules: dict[str, object] = {"horizon_days": 60}
                if rng.random() < 0.7:
                    modes = rng.sample(["all", "self_use", "send_in"], rng.randrange(3))
                    rules["lead"] = {mode: 5 * rng.randrange(0, 2000) for mode in modes}
                if rng.random() < 0.5:
                    rules["lead_days"] = rng.choice([0, 1, 2, 3, 9, 20])
                versions.append((MONDAY + timedelta(days=day), rules))
                with clock.fixed(NOW - timedelta(days=10)):
                    service.save_rules(key, rules, versions[-1][0], by=manager)
            spans = []
            for unit in service.plan(key, span("2026-03-02T00:00Z", "2026-03-03T00:00Z")).units:
                begins = NOW + timedelta(days=rng.choice([0, 0, 2, 5, 12])) - timedelta(hours=5)
                for _ in range(rng.randrange(0, 9)):
                    start = begins + timedelta(minutes=5 * rng.randrange(1, 200))
                    begins = start + timedelta(minutes=5 * rng.randrange(1, 400))
                    spans.append(TimeSpan(start, begins))
                    rows.append(
                        {"institution_id": host.id, "unit_id": unit.key.id, "audience": "outside",
                         "starts_at": start, "ends_at": begins, "resource_id": key.id}
                    )  # fmt: skip
            kept[key.id] = (host, versions, spans)
    with unit_of_work() as unit:
        unit.session.execute(insert(FreeWindow), rows)
    for mode in ("all", "self_use", "staff_run", "send_in"):
        for _ in range(6):
            starts = rng.choice([0, 480, 1320])
            ends = rng.choice([starts + 600, starts + 1440])
            first = MONDAY + timedelta(days=rng.randrange(0, 4))
            days = timedelta(days=rng.choice([0, 2, 6, 13, 20]))
            wish = Wish(first, first + days, 300 * rng.randrange(1, 96), starts, ends, mode=mode)
            length = timedelta(seconds=wish.seconds)
            expected = {}
            for resource_id, (host, versions, spans) in kept.items():
                opens = moment_left_open(versions, host, mode)
                begins = [
                    begin
                    for free in spans
                    for part in parts(wish, host.zone, NOW)  # type: ignore[attr-defined]
                    if (begin := max(free.start, part.start, opens)) + length <= min(free.end, part.end)
                ]
                if begins:
                    expected[resource_id] = min(begins)
            assert fits(wish) == expected, wish


def test_a_lead_for_a_mode_counts_where_that_mode_alone_is_looked_for(now: datetime) -> None:
    key = opened(lead={"self_use": 26 * 60, "all": 3 * 60})
    for modes, opens in (
        ((), "2026-03-02T11:00+08:00"),
        ((Mode.SELF_USE,), "2026-03-03T10:00+08:00"),
        ((Mode.STAFF_RUN,), "2026-03-02T11:00+08:00"),
        ((Mode.SELF_USE, Mode.STAFF_RUN), "2026-03-02T11:00+08:00"),
    ):
        found = free_times.search(Query(modes=modes), week())
        assert [hit.next_free for hit in found.results.hits] == [moment(opens)], modes
        assert found.times[key].span.start == moment(opens)
    assert fits(week(mode="self_use")) == {key.id: moment("2026-03-03T10:00+08:00")}


@pytest.mark.parametrize(
    ("rules", "binds"),
    [
        ({}, False),
        ({"lead": {"all": 0, "self_use": 0}}, False),
        ({"lead": {"send_in": 5}}, True),
        ({"lead_days": 1}, True),
        ({"step": 1440, "least": 1440}, True),
        ({"step": 60, "least": 60, "setup": 30}, False),
    ],
)
def test_which_rules_a_search_holds_windows_against(
    now: datetime, rules: dict[str, object], binds: bool
) -> None:
    opened(**rules, horizon_days=30)
    assert reading().scalars(select(HouseRules.binds)).all() == [binds]


# ---- together with the catalogue -------------------------------------------------------------------------------


def test_the_soonest_first_with_counts_that_know_the_time(now: datetime) -> None:
    host = make_institution()
    late, soon, never = opened(host), opened(host), make_listing(host).key
    hold(late, span("2026-03-02T09:00+08:00", "2026-03-02T17:00+08:00"))
    found = free_times.search(Query(), week())
    assert [hit.resource.key for hit in found.results.hits] == [soon, late]
    assert [hit.next_free for hit in found.results.hits] == [
        moment("2026-03-02T09:00+08:00"), moment("2026-03-03T09:00+08:00")
    ]  # fmt: skip
    assert found.results.total == 2 and never not in found.times
    assert [(v.value, v.count) for v in found.results.facets["kind"]] == [("instrument", 2)]
    assert free_times.search(Query(), week(9 * HOUR)).results.total == 0


def test_what_the_rules_leave_open_first_stands_first(now: datetime) -> None:
    for _ in range(2):
        opened(lead={"all": 4 * 1440})
        opened(lead_days=2)
    opened()
    opened()
    times, cursor = [], ""
    while True:
        found = free_times.search(Query(order="soonest", timed=True, limit=2, cursor=cursor), week())
        times.append([f"{found.times[hit.resource.key].span.start:%d}" for hit in found.results.hits])
        cursor = found.results.next_cursor
        if not cursor:
            break
    assert times == [["02", "02"], ["04", "04"], ["06", "06"]]


def test_filters_text_and_pages(now: datetime) -> None:
    host, other = make_institution(), make_institution()
    keys = [opened(host) for _ in range(5)]
    opened(other)
    for n, key in enumerate(keys):
        hold(key, span("2026-03-02T09:00+08:00", f"2026-03-02T{10 + n}:00+08:00"))
    seen, cursor = [], ""
    while True:
        found = free_times.search(Query(hosts=(host.code,), limit=2, cursor=cursor), week())
        assert found.results.total == 5
        seen += [hit.resource.key for hit in found.results.hits]
        cursor = found.results.next_cursor
        if not cursor:
            break
    assert seen == keys
    by_name = free_times.search(Query(hosts=(host.code,), order="name"), week())
    assert {hit.resource.key for hit in by_name.results.hits} == set(keys)
    assert free_times.search(Query(text="没有这种仪器"), week()).results.total == 0


def test_the_number_of_queries_does_not_grow(now: datetime) -> None:
    """Neither with the resources, nor where each of them has a lead."""
    host = make_institution()
    opened(host)
    counts = []
    for more in (0, 6, 12):
        for n in range(more):
            opened(host, **({"lead": {"all": 60}}, {"lead_days": 2}, {"step": 15})[n % 3] if more > 6 else {})
        db.session.remove()
        seen: list[str] = []

        def count(_c, _cur, statement, *_rest):  # type: ignore[no-untyped-def]
            seen.append(statement)  # noqa: B023

        event.listen(db.engine, "before_cursor_execute", count)
        assert free_times.search(Query(), week()).results.total == (1, 7, 19)[len(counts)]
        event.remove(db.engine, "before_cursor_execute", count)
        counts.append(len(seen))
    assert counts[2] <= counts[1] <= counts[0] <= 17


def test_the_search_is_planned_for_its_values(now: datetime) -> None:
    """A plan for all values, which PostgreSQL takes after some times, sorts every window there is."""
    opened(lead={"all": 60})
    db.session.remove()
    db.engine.dispose()  # what tests before this one have had prepared
    for _ in range(9):
        assert free_times.search(Query(), week()).results.total == 1
    if db.engine.dialect.name == "postgresql":
        kept = reading().scalars(text("SELECT statement FROM pg_prepared_statements")).all()
        assert kept and not [statement for statement in kept if "free_window" in statement]


# ---- with what always is booked together ------------------------------------------------------------------------


def first_together(key: HostKey, *companions: HostKey) -> str:
    found = service.first_fits([key], week(2 * HOUR), {key: companions}).get(key)
    return f"{found.span.start.astimezone(zone('Asia/Shanghai')):%d %H:%M}" if found else ""


def test_what_comes_along_has_to_be_free_for_the_whole_time(now: datetime) -> None:
    key, room, operator = (opened() for _ in range(3))
    assert first_together(key, room, operator) == "02 09:00"
    hold(room, span("2026-03-02T10:30+08:00", "2026-03-02T11:00+08:00"))
    assert first_together(key, room, operator) == "02 11:00", "two hours from nine on would end in it"
    hold(operator, span("2026-03-02T12:30+08:00", "2026-03-02T17:00+08:00"))
    assert first_together(key, room, operator) == "03 09:00"
    assert first_together(key, room) == "02 11:00"
    assert first_together(key) == "02 09:00"
    for day in range(3, 8):
        hold(room, span(f"2026-03-{day:02d}T09:00+08:00", f"2026-03-{day:02d}T17:00+08:00"))
    assert first_together(key, room, operator) == ""


def test_any_unit_of_it_will_do_but_one_for_the_whole_time(now: datetime) -> None:
    host = make_institution()
    key, room = opened(host), make_listing(host, units=2).key
    service.save_hours(room, make_weekly(), MONDAY, by=make_actor(host, Role.MANAGER))
    one, other = service.free_units(room, span("2026-03-02T09:00+08:00", "2026-03-02T10:00+08:00"))
    with unit_of_work() as unit:
        early, late = (
            span(f"2026-03-02T{h:02d}:00+08:00", f"2026-03-02T{h + 1:02d}:00+08:00") for h in (9, 10)
        )
        service.occupy(unit, room, one, early, OccupancyKind.BOOKING, new_id())
        assert first_together(key, room) == "02 09:00"
        service.occupy(unit, room, other, late, OccupancyKind.BOOKING, new_id())
    assert first_together(key, room) == "02 10:00", "on the first unit; no unit is free from nine to eleven"


def test_a_search_goes_by_the_horizon_of_who_looks(now: datetime) -> None:
    host = make_institution()
    key = make_listing(host).key
    manager = make_actor(host, Role.MANAGER)
    service.save_hours(key, make_weekly(), MONDAY, by=manager)
    service.save_rules(
        key,
        {"horizon_days": 1, "ahead": [{"days": 3, "whom": "inside"}, {"days": 0, "whom": "outside"}]},
        MONDAY,
        by=manager,
    )
    hold(key, span("2026-03-02T09:00+08:00", "2026-03-03T17:00+08:00"))
    assert first(key, week()) is None
    assert first(key, week(inside=frozenset({host.id}))) == moment("2026-03-04T09:00+08:00")
