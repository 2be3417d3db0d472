"""Eight at once where something that stands already meets those who book: offers, series, helpers, holds, answers."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from resource_hub.domain.accounts.tables import Customer
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.availability.terms import OnHolidays
from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import WrongState
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import HOLDING, BookingState, WaitingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.time import zone
from tests.builders.accounts import actor, bearer, make_actor, make_person
from tests.builders.availability import make_rules, make_weekly, moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing
from tests.integration.booking.test_linked import ROOM, Linked, linked
from tests.integration.booking.test_races import (
    EIGHT,
    assert_no_overlap,
    assert_windows_are_kept,
    day,
    people,
    rows,
)
from tests.integration.booking.test_waiting import state, waits
from tests.support import application
from tests.support.databases import Database
from tests.support.racing import race
from tests.support.server import Process

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("race")]
SECOND = timedelta(seconds=1)


def who(by: Any) -> dict[str, Any]:
    return {"person_id": by.person_id, "organisation_id": by.organisation_id}


def bookers(key: Any, number: int, hours: tuple[str, str] = day(9, 11), **more: Any) -> list[dict[str, Any]]:
    """People of as many firms who want one time."""
    asked = dict(zip(("start", "end"), hours, strict=True))
    return [{"job": "request", "key": key, "asked": asked, **more, **one} for one in people(number)]


def codes(found: list[Any]) -> Counter[str]:
    return Counter(one[0] for one in found)


def holding() -> int:
    db.session.remove()
    states = [one.value for one in HOLDING]
    query = select(func.count()).select_from(Booking).where(Booking.state.in_(states))
    return reading().scalar(query.where(Booking.parent_id.is_(None))) or 0


# ---- the waiting list ------------------------------------------------------------------------------------------


def offered(scene: Scene) -> tuple[Any, Any]:
    """Somebody waited, and the slot of somebody else who cancelled is kept for them."""
    made = make_booking(scene)
    by = another_booker()[2]
    one = waits(scene, by, *day(9, 11))
    service.cancel(made.key, by=scene.booker)
    assert state(one) is WaitingState.OFFERED
    return one, by


def test_an_offer_is_taken_by_its_owner_while_seven_want_the_slot(
    now: Any, database: Database, tmp_path: Path
) -> None:
    scene = make_scene()
    one, by = offered(scene)
    take = {"job": "accept", "key": scene.key, "entry": one.key, **who(by)}
    found = race(database, tmp_path, now, "accept", [take, *bookers(scene.key, 7)])
    assert codes(found) == {"won": 1, "taken": 7}
    assert state(one) is WaitingState.BOOKED
    assert rows(Occupancy) == holding() == 1
    assert_no_overlap()
    assert_windows_are_kept(scene.key)


def test_an_offer_at_its_term_is_its_owners_or_anothers(now: Any, database: Database, tmp_path: Path) -> None:
    """Its owner presses in the last second, by the clock of one machine; by that of another the term is over."""
    scene = make_scene()
    one, by = offered(scene)
    term = service.entry_for(one.key, by).offered_until
    assert term is not None
    take = {"job": "accept", "key": scene.key, "entry": one.key, "now": term - SECOND, **who(by)}
    others = [{**b, "now": term} for b in bookers(scene.key, 6)]
    lapse = {"job": "lapse", "key": scene.key, "now": term, **who(by)}
    found = race(database, tmp_path, now, "accept", [take, *others, lapse])
    booked = [f for f in found if f[0] == "won" and f[1] not in ("0", "1")]
    assert len(booked) == 1
    assert set(codes(found)) <= {"won", "taken", "booking.wrong_state"}
    assert rows(Occupancy) == holding() == 1
    assert_no_overlap()
    assert_windows_are_kept(scene.key)


def test_time_that_opens_is_offered_to_who_waits_or_booked(
    now: Any, database: Database, tmp_path: Path
) -> None:
    """The round of the waiting list comes by while seven book what has just been opened."""
    scene = make_scene(weekly=())
    by = another_booker()[2]
    one = waits(scene, by)
    with unit_of_work() as unit:
        availability.set_hours_directly(unit, scene.key, make_weekly(starts=9 * 60, ends=11 * 60), None)
        availability.rebuild(unit, [scene.key], availability.kept_span())
    offer = {"job": "offer", "key": scene.key, **who(by)}
    found = race(database, tmp_path, now, "offer", [offer, *bookers(scene.key, 7)])
    booked = codes(found)["won"] - 1  # coming round always succeeds
    assert booked in (0, 1) and codes(found)["taken"] == 7 - booked
    assert state(one) is (WaitingState.WAITING if booked else WaitingState.OFFERED)
    assert rows(Occupancy) == 1
    assert_no_overlap()
    assert_windows_are_kept(scene.key)


# ---- series ----------------------------------------------------------------------------------------------------


def test_this_day_and_the_following_move_or_one_of_them_is_booked_by_somebody(
    now: Any, database: Database, tmp_path: Path
) -> None:
    scene = make_scene()
    series = service.create_series(
        scene.key, make_asked(), Recurrence(Frequency.WEEKLY, count=4), by=scene.booker
    )
    days = service.series_days(series.key)
    second, third = days[1].booking, days[2].booking
    assert second is not None and third is not None
    change = {
        "job": "change_series",
        "key": scene.key,
        "series": series.key,
        "booking": second.key.id,
        "span": span("2026-03-10T13:00+08:00", "2026-03-10T15:00+08:00"),
        "version": series.version,
        **who(scene.booker),
    }
    # They want the third day, so that the second was moved before the clash is seen.
    wanted = ("2026-03-17T13:00+08:00", "2026-03-17T15:00+08:00")
    found = race(database, tmp_path, now, "request", [change, change, *bookers(scene.key, 6, wanted)])
    db.session.remove()
    moved = [o.booking.span.start.astimezone(zone("Asia/Shanghai")).hour for o in _days(scene)]
    if codes(found)["taken"] == 6:
        assert codes(found) == {"won": 1, "taken": 6, "booking.stale": 1}
        assert moved == [9, 13, 13, 13]
        assert rows(Occupancy) == 4
    else:
        assert codes(found) == {"won": 1, "taken": 5, "booking.series_clash": 2}
        assert moved == [9, 9, 9, 9]
        assert rows(Occupancy) == 5
    assert_no_overlap()
    assert_windows_are_kept(scene.key)


def _days(scene: Scene) -> list[Any]:
    found = [o for s in service.series_of(scene.booker) for o in service.series_days(s.key)]
    return sorted(found, key=lambda one: one.day)


# ---- linked resources: the helper is what there is too little of -------------------------------------------------


def instruments(world: Linked, number: int) -> list[ResourceRecord]:
    """Instruments of the house that all need its one operator."""
    office = make_actor(world.scene.host, Role.OFFICE)
    made = []
    for _ in range(number):
        one = make_listing(world.scene.host)
        with unit_of_work() as unit:
            availability.set_hours_directly(unit, one.key, make_weekly(), make_rules())
            availability.rebuild(unit, [one.key], availability.kept_span())
        pricing.adopt(one.key, ROOM, date(2020, 1, 1))
        catalogue.save_links(one.key, {world.operator.key.id: True}, by=office)
        made.append(one)
    return made


def test_eight_instruments_move_to_where_one_operator_is_free(
    now: Any, database: Database, tmp_path: Path
) -> None:
    world = linked()
    payloads = []
    for n, one in enumerate(instruments(world, EIGHT)):
        by = another_booker()[2]
        made = service.request(one.key, make_asked(*day(9 + n, 10 + n)), by=by)
        wish = span("2026-03-04T09:00+08:00", "2026-03-04T10:00+08:00")
        payloads.append({"booking": made.key, "span": wish, **who(by)})
    found = race(database, tmp_path, now, "change", payloads)
    assert codes(found) == {"won": 1, "taken": EIGHT - 1}
    assert rows(Occupancy) == rows(Booking) == 2 * EIGHT
    assert_together()
    assert_no_overlap()
    assert_windows_are_kept(world.operator.key)


def test_the_operators_gap_is_extended_into_or_booked(now: Any, database: Database, tmp_path: Path) -> None:
    world = linked()
    found = instruments(world, EIGHT)
    payloads: list[dict[str, Any]] = []
    for one, hours, longer in ((found[0], day(9, 11), day(9, 13)), (found[1], day(13, 15), day(11, 15))):
        by = another_booker()[2]
        made = service.request(one.key, make_asked(*hours), by=by)
        payloads.append({"job": "change", "booking": made.key, "span": span(*longer), **who(by)})
    for one in found[2:]:
        payloads += bookers(one.key, 1, day(11, 13))
    ended = race(database, tmp_path, now, "request", payloads)
    assert codes(ended) == {"won": 1, "taken": EIGHT - 1}
    assert_together()
    assert_no_overlap()
    assert_windows_are_kept(world.operator.key)


def assert_together() -> None:
    """Each helper has the time and the state of its order."""
    db.session.remove()
    found = list(reading().scalars(select(Booking)))
    orders = {one.id: one for one in found}
    for child in found:
        if child.parent_id is not None:
            order = orders[child.parent_id]
            assert (child.starts_at, child.ends_at, child.state) == (
                order.starts_at,
                order.ends_at,
                order.state,
            )


# ---- one hold ----------------------------------------------------------------------------------------------------


def test_eight_confirm_one_hold_and_it_is_booked_once(now: Any, database: Database, tmp_path: Path) -> None:
    scene = make_scene()
    held = service.hold(scene.key, make_asked(), by=scene.booker)
    payload = {"key": scene.key, "hold": held.key.id, **who(scene.booker)}
    found = race(database, tmp_path, now, "request", [payload] * EIGHT)
    # The others are told what has become of it, and not that it never was.
    assert codes(found) == {"won": 1, "booking.wrong_state": EIGHT - 1}
    assert next(one[1] for one in found if one[0] == "won") == str(held.key.id)
    assert rows(Booking) == rows(Occupancy) == 1


def test_eight_times_the_same_form_of_one_hold_gives_one_booking(
    now: Any, database: Database, tmp_path: Path
) -> None:
    scene = make_scene()
    held = service.hold(scene.key, make_asked(), by=scene.booker)
    payload = {"key": scene.key, "hold": held.key.id, "token": "one form", **who(scene.booker)}
    found = race(database, tmp_path, now, "request", [payload] * EIGHT)
    assert {one[:2] for one in found} == {("won", str(held.key.id))}
    assert rows(Booking) == rows(Occupancy) == 1


# ---- answers at the last moment ------------------------------------------------------------------------------------


def test_a_request_at_its_term_is_confirmed_or_its_time_is_anothers(
    now: Any, database: Database, tmp_path: Path
) -> None:
    """The clocks of the machines differ by a second: by some the term is over and the time free."""
    scene = make_scene(rules={"approval": "always", "answer_hours": 6})
    made = make_booking(scene)
    term = made.answer_by
    assert term is not None
    host = {"booking": made.key, "key": scene.key, **who(scene.manager)}
    payloads = [{"job": "approve", "now": term - SECOND, **host}] * 3
    payloads += [{"job": "lapse", "now": term, **host}] * 2
    payloads += [{**one, "now": term} for one in bookers(scene.key, 3)]
    found = race(database, tmp_path, now, "approve", payloads)
    db.session.remove()
    after = service.booking(made.key).state
    approved = sum(one[0] == "won" and one[1] == str(made.key.id) for one in found)
    assert set(codes(found)) <= {"won", "taken", "booking.wrong_state"}
    assert approved == (after is BookingState.APPROVED)
    assert codes(found)["won"] == 2 + 1  # the two rounds of the job, and one who has the time
    assert codes(found)["taken"] == (3 if approved else 2)
    assert rows(Occupancy) == 1
    assert_no_overlap()
    assert_windows_are_kept(scene.key)


def test_a_yes_by_a_clock_that_is_behind_gives_nobody_a_time_that_another_has(now: Any) -> None:
    scene = make_scene(rules={"approval": "always", "answer_hours": 6})
    made = make_booking(scene)
    assert made.answer_by is not None
    with clock.fixed(made.answer_by):
        other = make_booking(scene, by=another_booker()[2])
    with clock.fixed(made.answer_by - SECOND), pytest.raises(WrongState):
        service.approve(made.key, by=scene.manager)
    db.session.remove()
    assert service.booking(made.key).state is not BookingState.APPROVED
    [held] = reading().scalars(select(Occupancy))
    assert held.holder_id == other.key.id


def test_a_no_from_a_calendar_comes_before_a_move_or_after(
    now: Any, database: Database, tmp_path: Path
) -> None:
    scene = make_scene()
    made = make_booking(scene, asked=make_asked("2026-03-05T09:00+08:00", "2026-03-05T11:00+08:00"))
    later = span("2026-03-05T13:00+08:00", "2026-03-05T15:00+08:00")
    mine = {"booking": made.key, **who(scene.booker)}
    payloads: list[dict[str, Any]] = []
    for n in range(4):
        payloads.append({"job": "change", "span": later, "version": made.version, **mine})
        payloads.append({"job": "answer", "sequence": made.ical_sequence, "mark": f"letter {n}", **mine})
    found = race(database, tmp_path, now, "change", payloads)
    db.session.remove()
    after = service.booking(made.key)
    answers = Counter(one[1] for one in found if one[0] == "won" and one[1] != str(made.key.id))
    if after.state is BookingState.CANCELLED:
        assert answers == {"cancelled": 1, "stale": 3} and codes(found)["booking.stale"] == 4
        assert rows(Occupancy) == 0
    else:
        assert answers == {"stale": 4} and codes(found) == {"won": 5, "booking.stale": 3}
        assert after.span == later and rows(Occupancy) == 1
    assert_windows_are_kept(scene.key)


# ---- the host's people and the customers at one slot ---------------------------------------------------------------


def test_on_behalf_at_the_door_and_by_themselves_one_has_the_slot(
    now: Any, database: Database, tmp_path: Path
) -> None:
    scene = make_scene()
    staff = [actor(make_person(roles=[(scene.host, Role.OPERATOR)]), scene.host) for _ in range(5)]
    payloads: list[dict[str, Any]] = [
        {"job": "walk_in", "key": scene.key, "name": f"来客 {n}", **who(by)} for n, by in enumerate(staff[:3])
    ]
    payloads += [
        {"job": "request", "key": scene.key, "asked": {"customer_id": scene.customer_id}, **who(by)}
        for by in staff[3:]
    ]
    before = rows(Customer)
    strangers = bookers(scene.key, 3)
    found = race(database, tmp_path, now, "request", [*payloads, *strangers])
    assert codes(found) == {"won": 1, "taken": EIGHT - 1}
    assert {one[1] for one in found if one[0] == "taken"} == {3}
    assert rows(Booking) == rows(Occupancy) == 1
    [made] = reading().scalars(select(Booking))
    # Of those at the door only who was booked is written down.
    at_the_door = made.booked_by in {by.person_id for by in staff[:3]}
    assert rows(Customer) == before + len(strangers) + at_the_door
    assert_no_overlap()


# ---- real web workers -----------------------------------------------------------------------------------------------


def test_eight_clients_of_two_web_workers_want_one_slot(
    in_app: Any, database: Database, tmp_path: Path
) -> None:
    scene = make_scene(weekly=make_weekly(weekdays=range(7), on_holidays=OnHolidays.OPEN))
    on = clock.now().astimezone(zone("Asia/Shanghai")).date() + timedelta(days=2)
    order = {
        "start": f"{on}T09:00:00+08:00",
        "end": f"{on}T11:00:00+08:00",
        "description": "断口形貌",
    }
    clients = []
    for _ in range(EIGHT):
        firm, person, _by = another_booker()
        clients.append(bearer(person, firm))
    db.session.remove()
    path = f"/api/v1/hosts/{scene.host.code}/resources/{scene.resource.code}/bookings"
    environment = application.environment(database, tmp_path)
    answers: list[tuple[int, Any]] = []
    with Process.web(environment, log=tmp_path / "web.log", workers=2, threads=4) as web:
        together = threading.Barrier(EIGHT)

        def send(headers: dict[str, str]) -> None:
            asking = urllib.request.Request(
                web.url + path,
                data=json.dumps(order).encode(),
                headers={**headers, "Content-Type": "application/json"},
            )
            together.wait(60)
            try:
                with urllib.request.urlopen(asking, timeout=60) as answer:
                    answers.append((answer.status, json.load(answer)))
            except urllib.error.HTTPError as refusal:
                answers.append((refusal.code, json.load(refusal)))

        threads = [threading.Thread(target=send, args=(headers,)) for headers in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
    assert Counter(status for status, _ in answers) == {201: 1, 409: EIGHT - 1}, answers
    for status, body in answers:
        if status == 409:
            assert body["code"] == "availability.slot_taken" and len(body["alternatives"]) == 3
            for other in body["alternatives"]:
                assert moment(other["start"]) >= moment(order["end"]) or moment(other["end"]) <= moment(
                    order["start"]
                )
    assert rows(Booking) == rows(Occupancy) == 1
