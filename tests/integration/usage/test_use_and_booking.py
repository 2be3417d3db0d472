"""What was used, held against what was booked: once all of it is sealed, and again when it is corrected."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service as bookings
from resource_hub.domain.booking.terms import StrikeKind, StrikeState
from resource_hub.domain.usage.tables import UsageEntry
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders.availability import make_rules, make_weekly
from tests.builders.usage import make_booking, make_scene
from tests.integration.usage.test_day_close import correct
from tests.integration.usage.test_sessions import at, check_in, check_out, close


@pytest.fixture
def scene(in_app):
    return make_scene()


def rule(scene, **rules) -> None:
    with unit_of_work() as unit:
        resource = HostKey(scene.host.id, scene.resource_id)
        availability.set_hours_directly(unit, resource, make_weekly(), make_rules(**rules))


def strikes(scene):
    return [(s.kind, s.state) for s in bookings.strikes_of(scene.engineer)]


def used(scene, minutes: int) -> HostKey:
    """Two hours booked and so many minutes used, sealed; answers the entry."""
    check_in(scene, 0, make_booking(scene))
    close(scene, check_out(scene, minutes))
    row = reading().query(UsageEntry).one()
    return HostKey(row.institution_id, row.id)


MISMATCH = (StrikeKind.MISMATCH, StrikeState.GIVEN)


@pytest.mark.parametrize(("rules", "minutes", "given"), [
    # CAAS: booked more than twice what was used
    ({"strike_over_booked": 100}, 60, []),
    ({"strike_over_booked": 100}, 59, [MISMATCH]),
    # HUST: an hour apart, either way
    ({"strike_off": 60}, 60, []),
    ({"strike_off": 60}, 59, [MISMATCH]),
    ({"strike_off": 60, "logout_grace": 90}, 181, [MISMATCH]),
    ({}, 10, []),
])  # fmt: skip
def test_a_mismatch_is_known_when_the_use_is_sealed(scene, rules, minutes, given) -> None:
    rule(scene, **rules)
    used(scene, minutes)
    assert strikes(scene) == given


def test_a_correction_takes_the_strike_back_and_another_gives_none_again(scene) -> None:
    rule(scene, strike_over_booked=100)
    key = used(scene, 30)
    assert strikes(scene) == [MISMATCH]
    corrected = correct(scene, key, ends_at=at(118))
    assert strikes(scene) == [(StrikeKind.MISMATCH, StrikeState.LIFTED)]
    correct(scene, corrected.key, ends_at=at(20))
    assert strikes(scene) == [(StrikeKind.MISMATCH, StrikeState.LIFTED)]


def test_the_trial_knows_what_was_used(scene) -> None:
    rule(scene)
    used(scene, 30)
    draft = make_rules(
        strike_over_booked=100, bars=[{"count": 1, "ladder": [{"unit": "months", "count": 1}]}]
    )
    resource = HostKey(scene.host.id, scene.resource_id)
    with clock.fixed(at(60 * 24 * 9)):
        from tests.integration.usage.test_sessions import manager

        (bar,) = bookings.try_rules(resource, draft, by=manager(scene)).bars
        assert bar.person_id == scene.engineer and bar.bar.until is not None
        assert bar.bar.until - bar.bar.since == timedelta(days=31)
        lenient = make_rules(strike_over_booked=400, bars=[{"count": 1, "ladder": [{"unit": "lifted"}]}])
        assert bookings.try_rules(resource, lenient, by=manager(scene)).bars == ()
