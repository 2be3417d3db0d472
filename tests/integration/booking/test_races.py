"""Eight at once, one accepted: on every path, with processes of their own, on both engines."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability import window_store
from resource_hub.domain.availability.tables import Occupancy, OpeningException
from resource_hub.domain.availability.terms import Audience, ExceptionKind
from resource_hub.domain.booking import service
from resource_hub.domain.booking.bar_tables import BarLift
from resource_hub.domain.booking.inquiry_words import QuoteLine, Wish
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import HOLDING, BookingKind, BookingState
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan
from tests.builders.accounts import bearer, make_person
from tests.builders.availability import make_exception, make_rules, make_weekly, span
from tests.builders.booking import TARIFF, another_booker, make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing
from tests.support.databases import Database
from tests.support.racing import race

EIGHT = 8
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("race")]


def people(number: int = EIGHT) -> list[dict[str, Any]]:
    found = []
    for _ in range(number):
        firm, person, _ = another_booker()
        found.append({"person_id": person.id, "organisation_id": firm.id})
    return found


def rows(table: Any) -> int:
    db.session.remove()  # what the others committed is seen by a new snapshot only
    return reading().scalar(select(func.count()).select_from(table)) or 0


def assert_no_overlap() -> None:
    db.session.remove()
    found = reading().execute(
        select(Occupancy.unit_id, Occupancy.starts_at, Occupancy.ends_at).order_by(
            Occupancy.unit_id, Occupancy.starts_at
        )
    )
    before: dict[UUID, Any] = {}
    for unit_id, start, end in found:
        assert start >= before.get(unit_id, start)
        before[unit_id] = end


def day(start: int, end: int) -> tuple[str, str]:
    """Hours of the day on which everybody wants to book."""
    return f"2026-03-03T{start:02d}:00+08:00", f"2026-03-03T{end:02d}:00+08:00"


def assert_one_winner(found: list[Any]) -> None:
    """All others were told that the time is taken, and what is free instead; a manager is told the first only."""
    assert Counter(one[0] for one in found) == {"won": 1, "taken": EIGHT - 1}
    assert Counter(one[1] for one in found if one[0] == "taken")[3] >= EIGHT - 2


def assert_windows_are_kept(key: Any) -> None:
    """The free windows that searches read are those that hours and occupancies give."""
    db.session.remove()
    kept = availability.kept_span()
    now_kept = window_store.windows_of(reading(), [key], Audience.OUTSIDE, kept)
    for (_, unit_id), spans in now_kept.items():
        free = availability.free_times(key, kept, outside=True)
        assert spans == [one.span for one in free if one.unit_id == unit_id]


def test_eight_create_at_once(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    found = race(database, tmp_path, now, "request", [{"key": scene.key, **who} for who in people()])
    assert Counter(one[0] for one in found) == {"won": 1, "taken": EIGHT - 1}
    assert all(one[1] == 3 for one in found if one[0] == "taken")
    assert rows(Booking) == 1
    assert_no_overlap()


def test_eight_at_two_units_two_are_accepted(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene(units=2)
    # Half-overlapping wishes: no order of arrival may let two share a minute of a unit.
    payloads = [
        {
            "key": scene.key,
            "asked": {
                "start": f"2026-03-03T{10 + n % 2}:00+08:00",
                "end": f"2026-03-03T{12 + n % 2}:00+08:00",
            },
            **who,
        }
        for n, who in enumerate(people())
    ]
    found = race(database, tmp_path, now, "request", payloads)
    assert Counter(one[0] for one in found) == {"won": 2, "taken": EIGHT - 2}
    assert_no_overlap()


def test_eight_move_into_one_slot(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene(weekly=None, rules={"step": 30})
    wish = TimeSpan(now + timedelta(days=3, hours=6), now + timedelta(days=3, hours=7))
    payloads = []
    for n, who in enumerate(people()):
        by = accounts.actor(who["person_id"], who["organisation_id"])
        asked = make_asked(f"2026-03-03T{9 + n:02d}:00+08:00", f"2026-03-03T{10 + n:02d}:00+08:00")
        made = make_booking(scene, by=by, asked=asked)
        payloads.append({"booking": made.key, "span": wish, **who})
    found = race(database, tmp_path, now, "change", payloads)
    assert Counter(one[0] for one in found) == {"won": 1, "taken": EIGHT - 1}
    assert rows(Occupancy) == EIGHT
    assert_no_overlap()


def test_eight_hold_one_slot(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    found = race(database, tmp_path, now, "hold", [{"key": scene.key, **who} for who in people()])
    assert_one_winner(found)
    assert_no_overlap()


def test_four_hold_and_four_book_one_slot(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    payloads = [
        {"key": scene.key, "job": job, **who}
        for who, job in zip(people(), ["hold", "request"] * 4, strict=True)
    ]
    assert_one_winner(race(database, tmp_path, now, "request", payloads))
    assert rows(Occupancy) == rows(Booking) == 1


def test_a_hold_that_has_just_lapsed_is_its_owners_or_anothers_and_never_both(
    now: Any, database: Database, tmp_path: Path
) -> None:
    scene = make_scene()
    held = service.hold(scene.key, make_asked(), by=scene.booker)
    owner = {"person_id": scene.booker.person_id, "organisation_id": scene.firm.id, "hold": held.key.id}
    payloads = [{"key": scene.key, **who} for who in people(6)]
    payloads += [{"key": scene.key, **owner}, {"key": scene.key, **owner, "job": "lapse"}]
    found = race(database, tmp_path, held.hold_expires_at, "request", payloads)
    booked = [one for one in found if one[0] == "won" and one[1] not in ("0", "1")]
    assert len(booked) == 1
    assert rows(Occupancy) == 1
    assert_no_overlap()


def test_a_gap_is_extended_into_or_booked_and_never_both(
    now: Any, database: Database, tmp_path: Path
) -> None:
    scene = make_scene()
    before = make_booking(scene, asked=make_asked(*day(9, 11)))
    _, person, other = another_booker()
    after = make_booking(scene, by=other, asked=make_asked(*day(13, 15)))
    mine = {"person_id": scene.booker.person_id, "organisation_id": scene.firm.id}
    theirs = {"person_id": person.id, "organisation_id": other.organisation_id}
    payloads: list[dict[str, Any]] = [
        {"job": "change", "booking": before.key, "span": span(*day(9, 13)), **mine},
        {"job": "change", "booking": after.key, "span": span(*day(11, 15)), **theirs},
    ]
    payloads += [
        {"key": scene.key, "asked": dict(zip(("start", "end"), day(11, 13), strict=True)), **who}
        for who in people(6)
    ]
    assert_one_winner(race(database, tmp_path, now, "request", payloads))
    assert_no_overlap()


def test_eight_swap_places_and_nobody_waits_for_ever(now: Any, database: Database, tmp_path: Path) -> None:
    """Each moves to where the next one is: whoever comes while the place is held is refused and keeps its own."""
    scene = make_scene()
    payloads = []
    for n, who in enumerate(people()):
        by = accounts.actor(who["person_id"], who["organisation_id"])
        made = make_booking(scene, by=by, asked=make_asked(*day(9 + n, 10 + n)))
        payloads.append(
            {"booking": made.key, "span": span(*day(9 + (n + 1) % EIGHT, 10 + (n + 1) % EIGHT)), **who}
        )
    found = race(database, tmp_path, now, "change", payloads)
    assert {one[0] for one in found} <= {"won", "taken"}
    assert rows(Occupancy) == EIGHT
    assert_no_overlap()


@pytest.mark.parametrize("kind", ["closure", "maintenance"])
def test_a_closure_or_maintenance_comes_before_a_booking_or_after(
    now: Any, database: Database, tmp_path: Path, kind: str
) -> None:
    scene = make_scene()
    wanted = make_exception(ExceptionKind(kind), span=span(*day(10, 12)))
    host = {"person_id": scene.manager.person_id, "organisation_id": scene.host.id}
    payloads = [{"key": scene.key, **who} for who in people(7)]
    payloads.append({"key": scene.key, "job": "exception", "exception": wanted, **host})
    found = race(database, tmp_path, now, "request", payloads)
    kinds = Counter(one[0] for one in found)
    if kind == "maintenance":
        assert_one_winner(found)
    else:
        # The closure always comes to stand; at most one booking was there before it.
        assert kinds["won"] in (1, 2)
        assert {c for one in found if one[0] == "booking.refused" for c in one[1]} <= {
            "availability.closed_closure"
        }
        assert rows(Occupancy) == kinds["won"] - 1
    assert kinds["won"] + kinds["taken"] + kinds["booking.refused"] == EIGHT
    assert_no_overlap()
    assert_windows_are_kept(scene.key)


def test_busy_time_of_another_calendar_holds_what_nobody_booked(
    now: Any, database: Database, tmp_path: Path
) -> None:
    scene = make_scene()
    source = availability.add_calendar(
        scene.key,
        name="Group",
        zone_name="Asia/Shanghai",
        by=scene.manager,
        url="https://calendar.example/a.ics",
    )
    host = {"person_id": scene.manager.person_id, "organisation_id": scene.host.id}
    payloads = [{"key": scene.key, **who} for who in people(6)]
    imported = {
        "key": scene.key,
        "job": "import",
        "source": source.key.id,
        "busy": [span(*day(10, 12))],
        **host,
    }
    found = race(database, tmp_path, now, "request", [*payloads, imported, imported])
    # Importing never fails: it holds what is left, and the booking stands as a clash.
    assert Counter(one[0] for one in found)["won"] - 2 in (0, 1)
    assert_no_overlap()
    assert_windows_are_kept(scene.key)


def test_a_calendar_taken_away_while_it_is_read(now: Any, database: Database, tmp_path: Path) -> None:
    """Twice over the REST interface, while it is read and people book: nothing of it is held afterwards."""
    scene = make_scene()
    source = availability.add_calendar(
        scene.key,
        name="Group",
        zone_name="Asia/Shanghai",
        by=scene.manager,
        url="https://calendar.example/a.ics",
    )
    host = {"person_id": scene.manager.person_id, "organisation_id": scene.host.id}
    about = {"key": scene.key, **host}
    imported = {"job": "import", "source": source.key.id, "busy": [span(*day(9, 17))], **about}
    at = f"/api/v1/hosts/{scene.host.code}/resources/{scene.resource.code}/external-calendars/{source.key.id}"
    removed = {"job": "send", "method": "DELETE", "path": at, **about}
    removed["headers"] = bearer(scene.manager_person, scene.host) | {"If-Match": "*"}
    payloads = [imported, imported, removed, removed, *({"key": scene.key, **who} for who in people(4))]
    found = race(database, tmp_path, now, "request", payloads)
    # Who read it last found it gone before or after it held its time; taking it away twice is no error.
    assert [one[1] for one in found].count("204") == 2
    assert {one[0] for one in found} <= {"won", "taken", "calendar.not_found"}
    db.session.remove()
    held = select(func.count()).select_from(Occupancy).where(Occupancy.holder_id == source.key.id)
    assert reading().scalar(held) == 0
    assert_no_overlap()
    assert_windows_are_kept(scene.key)


def test_one_request_gets_one_answer(now: Any, database: Database, tmp_path: Path) -> None:
    """Yes, no, cancelled and moved at the same moment, each from the page that showed version 1."""
    scene = make_scene(rules={"approval": "always"})
    made = make_booking(scene)
    host = {"person_id": scene.manager.person_id, "organisation_id": scene.host.id}
    customer = {"person_id": scene.booker.person_id, "organisation_id": scene.firm.id}
    about = {"booking": made.key, "version": made.version}
    later = {"span": span(*day(13, 15))}
    payloads = [
        {"job": job, **about, **who, **later}
        for job, who in [("approve", host), ("reject", host), ("cancel", customer), ("change", customer)] * 2
    ]
    found = race(database, tmp_path, now, "approve", payloads)
    assert Counter(one[0] for one in found) == {"won": 1, "booking.stale": EIGHT - 1}
    done = service.booking(made.key)
    assert done.version == made.version + 1
    assert rows(Occupancy) == (done.state in HOLDING)


def test_eight_over_http_with_keys(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    path = f"/api/v1/hosts/{scene.host.code}/resources/{scene.resource.code}"
    order = {**dict(zip(("start", "end"), day(9, 11), strict=True)), "description": "断口形貌"}
    payloads = []
    for n in range(4):
        firm, person, _ = another_booker()
        headers = {**bearer(person, firm), "Idempotency-Key": f"order-{n}"}
        who = {"person_id": person.id, "organisation_id": firm.id, "headers": headers}
        # Each sends twice at the same moment.
        payloads += [{"key": scene.key, "path": f"{path}/bookings", "json": order, **who}] * 2
    found = race(database, tmp_path, now, "post", payloads)
    assert Counter(one[0] for one in found) == {"won": 2, "taken": 6}
    assert len({one[1] for one in found if one[0] == "won"}) == 1
    assert {one[1] for one in found if one[0] == "taken"} == {3}
    assert rows(Booking) == 1
    closure = {"kind": "closure", **dict(zip(("start", "end"), day(15, 16), strict=True))}
    headers = {**bearer(scene.manager_person, scene.host), "Idempotency-Key": "closure"}
    host = {"person_id": scene.manager.person_id, "organisation_id": scene.host.id, "headers": headers}
    once = {"key": scene.key, "path": f"{path}/exceptions", "json": closure, **host}
    assert len({one[1] for one in race(database, tmp_path, now, "post", [once] * 4)}) == 1
    assert rows(OpeningException) == 1


def test_eight_approve_one_request(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene(rules={"approval": "always"})
    made = make_booking(scene)
    who = {"person_id": scene.manager.person_id, "organisation_id": scene.host.id, "booking": made.key}
    found = race(database, tmp_path, now, "approve", [who] * EIGHT)
    assert Counter(one[0] for one in found) == {"won": 1, "booking.wrong_state": EIGHT - 1}


def test_eight_give_one_of_several_answers(now: Any, database: Database, tmp_path: Path) -> None:
    steps = [{"who": "manager", "hours": 24}, {"who": "office", "hours": 24}]
    scene = make_scene(rules={"approval": "always", "steps": steps})
    made = make_booking(scene)
    managers = [make_person(roles=[(scene.host, Role.MANAGER)]) for _ in range(EIGHT)]
    who = [{"person_id": p.id, "organisation_id": scene.host.id, "booking": made.key} for p in managers]
    found = race(database, tmp_path, now, "approve", who)
    assert Counter(one[0] for one in found) == {"won": 1, "booking.not_yours": EIGHT - 1}
    db.session.remove()
    assert service.booking(made.key).state is BookingState.REQUESTED
    assert [step.state.value for step in service.answers_of(made.key)] == ["approved", "open"]


def test_eight_lift_one_bar(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene(rules={"bars": [{"count": 1, "ladder": [{"unit": "lifted"}]}]})
    person = scene.booker_person.id
    service.give_strike(make_booking(scene).number, note="未关机离开", by=scene.manager)
    who = {
        "person_id": scene.manager.person_id,
        "organisation_id": scene.host.id,
        "key": scene.key,
        "person": person,
    }
    found = race(database, tmp_path, now, "lift", [who] * EIGHT)
    assert Counter(one[0] for one in found) == {"won": 1, "booking.wrong_state": EIGHT - 1}
    assert rows(BarLift) == 1 and service.bars_on(person) == []


def test_eight_split_one_booking_and_it_is_split_once(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    made = make_booking(scene, asked=make_asked(*day(9, 13)))
    who = {"person_id": scene.booker.person_id, "organisation_id": scene.firm.id, "booking": made.key}
    at = [make_asked(*day(10 + n % 3, 13)).span for n in range(EIGHT)]
    payloads = [{**who, "at": one.start, "version": made.version} for one in at if one is not None]
    found = race(database, tmp_path, now, "split", payloads)
    assert Counter(one[0] for one in found) == {"won": 1, "booking.stale": EIGHT - 1}
    assert rows(Booking) == rows(Occupancy) == 2
    assert_no_overlap()


def test_eight_hand_one_booking_over_and_one_gets_it(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    made = make_booking(scene)
    who = {"person_id": scene.booker.person_id, "organisation_id": scene.firm.id, "booking": made.key}
    colleagues = [make_person(roles=[(scene.firm, Role.BOOKER)]) for _ in range(EIGHT)]
    payloads = [{**who, "person": one.id, "version": made.version} for one in colleagues]
    found = race(database, tmp_path, now, "hand_over", payloads)
    assert Counter(one[0] for one in found) == {"won": 1, "booking.stale": EIGHT - 1}
    db.session.remove()
    assert service.booking(made.key).person_id in {one.id for one in colleagues}


def test_eight_book_a_series_over_http_with_keys(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    path = f"/api/v1/hosts/{scene.host.code}/resources/{scene.resource.code}/series"
    order = {**dict(zip(("start", "end"), day(9, 11), strict=True)), "description": "断口形貌"}
    order["rule"] = {"frequency": "weekly", "count": 3}  # type: ignore[assignment]
    payloads = []
    for n in range(4):
        firm, person, _ = another_booker()
        headers = {**bearer(person, firm), "Idempotency-Key": f"series-{n}"}
        who = {"person_id": person.id, "organisation_id": firm.id, "headers": headers}
        payloads += [{"key": scene.key, "path": path, "json": order, **who}] * 2
    found = race(database, tmp_path, now, "post", payloads)
    assert Counter(one[0] for one in found)["won"] == 2
    assert len({one[1] for one in found if one[0] == "won"}) == 1
    assert rows(Booking) == rows(Occupancy) == 3
    assert_no_overlap()


def test_eight_times_the_same_form_makes_one_booking(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    who = {
        "person_id": scene.booker.person_id,
        "organisation_id": scene.firm.id,
        "key": scene.key,
        "token": "one form",
    }
    found = race(database, tmp_path, now, "request", [who] * EIGHT)
    assert {one[0] for one in found} == {"won"}
    assert len({one[1] for one in found}) == 1
    assert rows(Booking) == 1


def test_eight_book_under_one_given_quote(now: Any, database: Database, tmp_path: Path) -> None:
    """There is room for all of them, but the price was named for one order."""
    scene = make_scene(units=EIGHT, tariff={"format": 1, "currency": "CNY", "ask": True})
    wish = Wish(BookingKind.WINDOW, Mode.SELF_USE, 7200, description="断口形貌")
    asked = service.ask_for_quote(scene.key, wish, by=scene.booker)
    line = QuoteLine("机时", Money.cny("600.00"))
    service.give_quote(asked.key, [line], date(2026, 3, 10), by=scene.manager)
    quote = service.accept_quote(asked.key, 1, by=scene.booker).quote
    assert quote is not None
    colleagues = [make_person(roles=[(scene.firm, Role.BOOKER)]) for _ in range(EIGHT)]
    found = race(
        database, tmp_path, now, "request",
        [
            {"key": scene.key, "person_id": one.id, "organisation_id": scene.firm.id, "asked": {"given_id": quote.key.id}}
            for one in colleagues
        ],
    )  # fmt: skip
    assert Counter(one[0] for one in found) == {"won": 1, "booking.quote_lapsed": EIGHT - 1}
    assert all(one[1] == ["booking.given_used"] for one in found if one[0] != "won")
    assert rows(Booking) == 1


def test_both_sides_rate_at_once(now: Any, database: Database, tmp_path: Path) -> None:
    """Whoever is second sees the first, so both are shown."""
    scene = make_scene()
    made = make_booking(scene)
    done = now + timedelta(days=1, hours=4)
    with clock.fixed(done), unit_of_work() as unit:
        service.started(unit, made.key)
        service.finished(unit, made.key, unit.now)
    sides = [(scene.booker_person, scene.firm), (scene.manager_person, scene.host)]
    found = race(
        database, tmp_path, done, "rate",
        [{"booking": made.key, "person_id": who.id, "organisation_id": of.id} for who, of in sides],
    )  # fmt: skip
    assert [one[0] for one in found] == ["won", "won"]
    db.session.remove()
    with clock.fixed(done):
        for by in (scene.booker, scene.manager):
            look = service.ratings_for(made.key, by)
            assert look.shown and look.own is not None and look.other is not None


def instruments(scene: Any, rules: dict[str, Any]) -> list[Any]:
    """Eight instruments of one host under the same rules, that of the scene first."""
    keys = [scene.key]
    for _ in range(EIGHT - 1):
        made = make_listing(scene.host)
        with unit_of_work() as unit:
            availability.set_hours_directly(unit, made.key, make_weekly(), make_rules(**rules))
            availability.rebuild(unit, [made.key], availability.kept_span())
        pricing.adopt(made.key, TARIFF, date(2020, 1, 1))
        keys.append(made.key)
    return keys


def colleagues(scene: Any) -> list[dict[str, Any]]:
    """Eight people of one firm."""
    people = [make_person(roles=[(scene.firm, Role.BOOKER)]) for _ in range(EIGHT)]
    return [{"person_id": person.id, "organisation_id": scene.firm.id} for person in people]


def test_eight_at_eight_instruments_with_one_shared_quota(
    now: Any, database: Database, tmp_path: Path
) -> None:
    # Two hours each: three of them are the quota.
    quota = {"per": "customer", "period": "week", "measure": "minutes", "limit": 360, "reach": "host"}
    scene = make_scene(rules={"quotas": [quota]})
    keys = instruments(scene, {"quotas": [quota]})
    payloads = [{"key": key, **who} for key, who in zip(keys, colleagues(scene), strict=True)]
    found = race(database, tmp_path, now, "request", payloads)
    assert Counter(one[0] for one in found) == {"won": 3, "booking.refused": EIGHT - 3}
    assert all(one[1] == ["booking.quota_minutes_week"] for one in found if one[0] != "won")
    assert rows(Booking) == rows(Occupancy) == 3


def test_four_book_under_a_shared_quota_while_four_move_there(
    now: Any, database: Database, tmp_path: Path
) -> None:
    quota = {"per": "customer", "period": "day", "measure": "bookings", "limit": 3, "reach": "host"}
    scene = make_scene(rules={"quotas": [quota]})
    payloads: list[dict[str, Any]] = []
    wish = make_asked(*day(10, 11)).span
    keys = instruments(scene, {"quotas": [quota]})
    for n, (key, who) in enumerate(zip(keys, colleagues(scene), strict=True)):
        if n >= 4:
            payloads.append({"key": key, **who})
            continue
        by = accounts.actor(who["person_id"], who["organisation_id"])
        asked = make_asked(f"2026-03-{9 + n:02d}T09:00+08:00", f"2026-03-{9 + n:02d}T10:00+08:00")
        made = service.request(key, asked, by=by)
        payloads.append({"job": "change", "booking": made.key, "span": wish, **who})
    found = race(database, tmp_path, now, "request", payloads)
    assert Counter(one[0] for one in found) == {"won": 3, "booking.refused": EIGHT - 3}
    db.session.remove()
    third = span(*day(0, 23))
    held = select(func.count()).where(Booking.starts_at >= third.start, Booking.ends_at <= third.end)
    assert reading().scalar(held) == 3
