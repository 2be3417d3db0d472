"""Somebody leaves the firm: what they booked goes to a colleague, and nothing else moves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.errors import HandOverNeeded
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service as booking
from resource_hub.infra import clock
from tests.builders import accounts as build
from tests.builders.booking import another_booker, make_asked, make_booking, make_scene

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
        assert moved.version == ahead.version + 1
        assert booking.booking(cancelled.key).person_id == leaver.id
        assert booking.booking(theirs.key).person_id == foreign.person_id
