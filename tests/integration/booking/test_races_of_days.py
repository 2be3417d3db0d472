"""A calendar day is put in or taken back while eight book, move, confirm or repeat into it: none is outside unseen."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import DatedException, DayKind, ExceptionKind, SpecialDay
from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.booking.terms import HOLDING, BookingState, Fate, Verdict
from resource_hub.infra import outbox
from resource_hub.infra.database import db, reading
from tests.builders.accounts import actor, make_person, make_platform
from tests.builders.availability import span
from tests.builders.booking import Scene, another_booker, make_asked, make_scene
from tests.integration.booking.test_linked import linked
from tests.integration.booking.test_races import EIGHT, assert_no_overlap
from tests.support.databases import Database
from tests.support.racing import race

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("race")]

TUESDAY, SATURDAY = date(2026, 3, 3), date(2026, 3, 7)
HOLIDAY = SpecialDay(TUESDAY, DayKind.HOLIDAY, "校庆", "Anniversary")
MAKE_UP = SpecialDay(SATURDAY, DayKind.WORKDAY, "补班", "Make-up", stands_for=date(2026, 3, 4))
RULES = {"step": 30}
WAYS = ("request", "hold", "change", "series")


def who(by: Any) -> dict[str, Any]:
    return {"person_id": by.person_id, "organisation_id": by.organisation_id}


def staff() -> Any:
    platform = make_platform()
    return actor(make_person(roles=[(platform, Role.PLATFORM_STAFF)]), platform)


def pause(database: Database) -> float:
    """So that the day comes when some have booked and others wait: on SQLite all wait from the start."""
    return 0.04 if database.engine_name == "postgresql" else 0.0


def hours(day: date, n: int) -> tuple[str, str]:
    """An hour of a day, another for each, so that the day alone is in their way."""
    return f"{day}T{9 + n:02d}:00+08:00", f"{day}T{10 + n:02d}:00+08:00"


def wishes(key: Any, day: date, way: str) -> list[dict[str, Any]]:
    """Eight who want an hour of the day: by an order, a hold that is confirmed, a move, a series that begins there."""
    found = []
    for n in range(EIGHT):
        by, wish = another_booker()[2], hours(day, n)
        one: dict[str, Any] = {"job": way, "key": key, **who(by)}
        asked = dict(zip(("start", "end"), wish, strict=True))
        if way == "change":
            elsewhere = make_asked(*hours(date(2026, 3, 5), n))
            one |= {"booking": service.request(key, elsewhere, by=by).key, "span": span(*wish)}
        elif way == "hold":
            held = service.hold(key, make_asked(*wish), by=by)
            one |= {"job": "request", "asked": asked, "hold": held.key.id}
        elif way == "series":
            one |= {"asked": asked, "rule": Recurrence(Frequency.DAILY, interval=2, count=2)}
        else:
            one |= {"asked": asked}
        found.append(one)
    return found


def outside(scene: Scene, day: date) -> tuple[set[Any], set[Any]]:
    """Whose time is on the day, which is closed now, and who waits there for what becomes of them."""
    outbox.deliver_due()
    db.session.remove()
    whole = span(f"{day}T00:00+08:00", f"{day}T23:59+08:00")
    query = select(Booking.id).where(Booking.starts_at >= whole.start, Booking.starts_at < whole.end)
    stands = set(reading().scalars(query.where(Booking.state.in_([one.value for one in HOLDING]))))
    return stands, {hit.held.holder_id for hit in service.preview_outside(scene.key, by=scene.manager)}


@pytest.mark.parametrize("way", WAYS)
def test_a_holiday_is_put_in_while_eight_book_its_hours(
    now: Any, database: Database, tmp_path: Path, way: str
) -> None:
    scene = make_scene(rules=RULES)
    put_in = {"job": "days", "pause": pause(database), "key": scene.key, "days": [HOLIDAY], **who(staff())}
    found = race(database, tmp_path, now, "request", [*wishes(scene.key, TUESDAY, way), put_in])
    won = Counter(one[0] for one in found)["won"] - 1  # putting the day in always succeeds
    stands, waits = outside(scene, TUESDAY)
    assert stands == waits
    # Who holds has its time already, whatever becomes of the confirmation.
    assert len(stands) == (EIGHT if way == "hold" else won)
    assert_no_overlap()


@pytest.mark.parametrize("way", WAYS)
def test_a_make_up_workday_is_taken_back_while_eight_book_its_hours(
    now: Any, database: Database, tmp_path: Path, way: str
) -> None:
    scene = make_scene(rules=RULES)
    by = staff()
    availability.enter_days("CN", [MAKE_UP], by=by)
    outbox.deliver_due()
    take_back = {"job": "days", "pause": pause(database), "key": scene.key, "forget": SATURDAY, **who(by)}
    found = race(database, tmp_path, now, "request", [*wishes(scene.key, SATURDAY, way), take_back])
    won = Counter(one[0] for one in found)["won"] - 1
    stands, waits = outside(scene, SATURDAY)
    assert stands == waits
    assert len(stands) == (EIGHT if way == "hold" else won)
    assert_no_overlap()


@pytest.mark.parametrize("fate", [Fate.MOVES, Fate.CANCELLED])
def test_a_room_closes_and_its_order_gives_way_while_seven_book_the_instrument(
    now: Any, database: Database, tmp_path: Path, fate: Fate
) -> None:
    """Who closes the room changes the order of the instrument as well: all wait in one order of locks."""
    world = linked(rules=RULES)
    order = service.request(world.key, make_asked(*hours(TUESDAY, 7)), by=another_booker()[2])
    closed = DatedException(ExceptionKind.CLOSURE, span(*hours(TUESDAY, 7)))
    away = span(*hours(date(2026, 3, 5), 0))
    child = service.helpers_of(order.key)[0].record
    verdict = Verdict(fate, away if fate is Fate.MOVES else None, order.version)
    close: dict[str, Any] = {"job": "close", "key": world.room.key, "exception": closed}
    close |= {"verdicts": {child.key.id: verdict}, **who(world.scene.manager)}
    booked = wishes(world.key, TUESDAY, "request")[:7]
    found = race(database, tmp_path, now, "request", [close, *booked])
    assert Counter(one[0] for one in found) == {"won": EIGHT}
    db.session.remove()
    after = service.booking(order.key)
    assert after.span == away if fate is Fate.MOVES else after.state is BookingState.CANCELLED
    assert_no_overlap()
