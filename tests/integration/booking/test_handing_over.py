"""Somebody leaves the firm: what they booked goes to a colleague, and nothing else moves."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.errors import HandOverNeeded
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.tables import Booking
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import reading
from tests.builders import accounts as build
from tests.builders.booking import another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.test_linked import helper

pytestmark = pytest.mark.usefixtures("in_app")


def test_bookings_of_a_leaver_go_to_the_colleague_named() -> None:
    with clock.fixed(datetime(2026, 3, 2, 1, tzinfo=UTC)):
        scene = make_scene(units=2)
        kept = build.make_person(roles=[(scene.firm, Role.BOOKER)])
        admin = build.make_actor(scene.firm, Role.FIRM_ADMIN)
        ahead = make_booking(scene)
        cancelled = make_booking(scene, asked=make_asked("2026-03-04T09:00+08:00", "2026-03-04T10:00+08:00"))
        booking.cancel(cancelled.key, by=scene.booker)
        _firm, _person, foreign = another_booker()
        theirs = make_booking(scene, by=foreign)
        leaver = scene.booker_person
        assert accounts.open_work(leaver.id, by=admin) == {"bookings": 1}
        with pytest.raises(HandOverNeeded):
            accounts.leave(leaver.id, by=admin)
        accounts.leave(leaver.id, by=admin, successor_id=kept.id)
        moved = booking.booking(ahead.key)
        assert (moved.person_id, moved.ical_uid, moved.state) == (kept.id, ahead.ical_uid, ahead.state)
        assert moved.version == ahead.version + 1 and moved.ical_sequence == ahead.ical_sequence + 1
        assert booking.booking(cancelled.key).person_id == leaver.id
        assert booking.booking(theirs.key).person_id == foreign.person_id


def told(person_id: UUID) -> list[str]:
    while outbox.deliver_due():
        pass
    return [one.kind for one in notices.inbox(person_id) if "handed" in one.kind and "booking" in one.kind]


def test_both_are_told_and_the_series_goes_along() -> None:
    with clock.fixed(datetime(2026, 3, 2, 1, tzinfo=UTC)):
        scene = make_scene()
        kept = build.make_person(roles=[(scene.firm, Role.BOOKER)])
        admin = build.make_actor(scene.firm, Role.FIRM_ADMIN)
        series = booking.create_series(
            scene.key, make_asked(), Recurrence(Frequency.WEEKLY, count=2), by=scene.booker
        )
        told(kept.id)
        accounts.leave(scene.booker_person.id, by=admin, successor_id=kept.id)
        assert told(kept.id) == ["booking.series_handed_over"]
        assert told(scene.booker_person.id) == ["booking.series_handed_away"]
        [letter] = [one for one in notices.inbox(kept.id) if one.kind == "booking.series_handed_over"]
        assert letter.values["bookings"] == 2 and letter.link.endswith(f"/series/{series.key.id}")
        found, _side = booking.series_for(series.key, build.actor(kept, scene.firm))
        assert found.person_id == kept.id and found.version == series.version + 1
        days = [day.booking for day in booking.series_days(series.key)]
        assert {day.person_id for day in days if day is not None} == {kept.id}


@pytest.mark.parametrize(
    ("left", "kinds"),
    [
        (1, ["booking.handed_over"]),
        (2, ["booking.series_handed_over"]),
        (3, ["booking.series_handed_over"]),
    ],
)
def test_of_a_series_the_days_that_are_left_make_one_letter(left: int, kinds: list[str]) -> None:
    with clock.fixed(datetime(2026, 3, 2, 1, tzinfo=UTC)):
        scene = make_scene(units=2)
        kept = build.make_person(roles=[(scene.firm, Role.BOOKER)])
        admin = build.make_actor(scene.firm, Role.FIRM_ADMIN)
        series = booking.create_series(
            scene.key, make_asked(), Recurrence(Frequency.DAILY, count=left + 1), by=scene.booker
        )
        days = [day.booking for day in booking.series_days(series.key)]
        assert days[0] is not None
        booking.cancel(days[0].key, by=scene.booker)
        alone = make_booking(scene)
        told(kept.id)
        accounts.leave(scene.booker_person.id, by=admin, successor_id=kept.id)
        assert sorted(told(kept.id)) == sorted([*kinds, "booking.handed_over"])
        away = [kind.replace("over", "away") for kind in [*kinds, "booking.handed_over"]]
        assert sorted(told(scene.booker_person.id)) == sorted(away)
        assert booking.booking(alone.key).person_id == kept.id


def test_what_is_booked_with_an_order_goes_along_and_is_counted_once() -> None:
    with clock.fixed(datetime(2026, 3, 2, 1, tzinfo=UTC)):
        scene = make_scene()
        room = helper(scene, "制样室")
        catalogue.save_links(scene.key, {room.key.id: True}, by=build.make_actor(scene.host, Role.OFFICE))
        kept = build.make_person(roles=[(scene.firm, Role.BOOKER)])
        admin = build.make_actor(scene.firm, Role.FIRM_ADMIN)
        make_booking(scene)
        assert accounts.open_work(scene.booker_person.id, by=admin) == {"bookings": 1}
        accounts.leave(scene.booker_person.id, by=admin, successor_id=kept.id)
        assert set(reading().scalars(select(Booking.person_id))) == {kept.id}
        assert told(kept.id) == ["booking.handed_over"]
