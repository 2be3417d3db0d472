"""What laboratories decide over the REST interface, at the same moment as others: decided once, nobody left behind."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from resource_hub.domain.accounts import feeds
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import DayKind, ExceptionKind, SpecialDay
from resource_hub.domain.booking import service
from resource_hub.domain.booking.history_store import events
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.terms import HOLDING, BookingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import outbox
from resource_hub.infra.database import db, reading
from tests.builders.accounts import actor, bearer, make_person, make_platform
from tests.builders.availability import make_exception, span
from tests.builders.booking import Scene, make_booking, make_scene
from tests.integration.booking.test_races import EIGHT, assert_no_overlap, assert_windows_are_kept, people
from tests.support.databases import Database
from tests.support.racing import race

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("race")]
SATURDAY = span("2026-03-07T10:00+08:00", "2026-03-07T12:00+08:00")


def by_manager(scene: Scene, method: str, rest: str, key: str | None = None, **body: Any) -> dict[str, Any]:
    """One request of the manager for a race."""
    headers = bearer(scene.manager_person, scene.host) | ({"Idempotency-Key": key} if key else {})
    return {
        "job": "send",
        "method": method,
        "path": f"/api/v1/hosts/{scene.host.code}/resources/{scene.resource.code}/{rest}",
        "json": body,
        "headers": headers,
        "key": scene.key,
        "person_id": scene.manager.person_id,
        "organisation_id": scene.host.id,
    }


def test_bookings_outside_the_hours_are_settled_once(now: Any, database: Database, tmp_path: Path) -> None:
    """Four times with one key and twice without, while the customer moves it and cancels it."""
    scene = make_scene()
    made = make_booking(scene)
    platform = make_platform()
    staff = actor(make_person(roles=[(platform, Role.PLATFORM_STAFF)]), platform)
    availability.enter_days("CN", [SpecialDay(date(2026, 3, 3), DayKind.HOLIDAY, "校庆")], by=staff)
    outbox.deliver_due()
    db.session.remove()
    goes = [{"booking_id": str(made.key.id), "fate": "cancelled"}]
    asked = {"verdicts": goes, "reason_to_customers": "放假"}
    customer = {"person_id": scene.booker.person_id, "organisation_id": scene.firm.id, "booking": made.key}
    moved = {"job": "change", "span": span("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00"), **customer}
    payloads = [by_manager(scene, "POST", "outside-hours", "one", **asked) for _ in range(4)]
    payloads += [by_manager(scene, "POST", "outside-hours", **asked) for _ in range(2)]
    found = race(database, tmp_path, now, "request", [*payloads, moved, {"job": "cancel", **customer}])
    assert [one[1] for one in found].count("200") >= 4
    db.session.remove()
    after = service.booking(made.key)
    assert after.state is BookingState.CANCELLED or after.span == moved["span"]
    assert not service.outside_hours(scene.manager)
    names = Counter(event.kind for event in events(reading(), made.key))
    assert names["cancelled"] <= 1 and names["changed"] <= 1
    assert_no_overlap()


def test_an_extra_opening_is_taken_back_while_seven_book_it(
    now: Any, database: Database, tmp_path: Path
) -> None:
    """Either the dates went first and nobody is in them, or somebody was first and they wait for a decision."""
    scene = make_scene()
    extra = make_exception(ExceptionKind.EXTRA, span=SATURDAY)
    service.publish_repeated(scene.key, extra, Recurrence(Frequency.WEEKLY, count=3), by=scene.manager)
    (entered,) = availability.dates_entered(scene.key)
    db.session.remove()
    asked = {"start": SATURDAY.start.isoformat(), "end": SATURDAY.end.isoformat()}
    taken_back = by_manager(scene, "DELETE", f"exceptions/repeated/{entered.id}")
    taken_back["headers"] |= {"If-Match": "*"}
    payloads = [taken_back]
    payloads += [{"key": scene.key, "asked": asked, **who} for who in people(EIGHT - 1)]
    found = race(database, tmp_path, now, "request", payloads)
    fate = Counter(one[0] for one in found)
    db.session.remove()
    inside = [b for b in service.of_resources([scene.key], SATURDAY) if b.state in HOLDING]
    if availability.dates_entered(scene.key):
        assert fate["booking.hits_undecided"] == 1 and len(inside) == 1
    else:
        assert fate["won"] == 1 and not inside
    assert_no_overlap()
    assert_windows_are_kept(scene.key)


def test_one_key_adds_once(now: Any, database: Database, tmp_path: Path) -> None:
    """Eight send the same at the same moment: units are added once, one feed is made."""
    scene = make_scene()
    units = by_manager(scene, "POST", "", "units", count=3)
    units["path"] = f"/api/v1/resources/{scene.host.code}/{scene.resource.code}/units"
    feed = by_manager(scene, "POST", "", "feed", kind="laboratory")
    feed["path"] = "/api/v1/me/feeds"
    found = race(database, tmp_path, now, "request", [*[units] * 4, *[feed] * 4])
    assert [one[1] for one in found] == ["201"] * EIGHT
    db.session.remove()
    assert len(catalogue.units(scene.key)) == 4
    assert len(feeds.feeds_of(scene.manager_person.id)) == 1
