"""How often the people of a host may have calendars fetched by their addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service
from resource_hub.domain.availability.calendar_looks import MOST_LOOKS, WITHIN
from resource_hub.domain.availability.errors import CalendarsLookedTooOften
from resource_hub.infra import clock
from tests.builders.accounts import make_actor, make_institution
from tests.builders.availability import moment
from tests.builders.booking import another_booker, make_scene
from tests.builders.catalogue import make_listing
from tests.support.databases import Database
from tests.support.racing import race

pytestmark = pytest.mark.usefixtures("in_app")
FIRST = moment("2026-03-02T08:00:20+08:00")


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets both clocks; limits go by that of the machine."""
    return lambda moment: monkeypatch.setattr(clock, "machine_now", lambda: moment)


@pytest.mark.parametrize(
    ("after", "may"),
    [
        (timedelta(minutes=59), False),
        (WITHIN - timedelta(seconds=1), False),
        (WITHIN, True),
        (timedelta(days=1), True),
    ],
)
def test_sixty_within_an_hour_then_it_says_when_again(
    at: Callable[[datetime], None], after: timedelta, may: bool
) -> None:
    host, other = make_institution(), make_institution()
    for n in range(MOST_LOOKS):
        at(FIRST + timedelta(seconds=n))
        service.note_look(host.id)
    at(FIRST + after)
    service.note_look(other.id)
    if may:
        service.note_look(host.id)
        return
    with pytest.raises(CalendarsLookedTooOften) as refused:
        service.note_look(host.id)
    [reason] = refused.value.reasons
    assert dict(reason.values) == {
        "most": MOST_LOOKS, "until": "2026-03-02T01:01:00+00:00", "zone": "Asia/Shanghai",
    }  # fmt: skip
    at(moment(reason.values["until"]))
    service.note_look(host.id)


def test_asking_for_a_reading_counts_once_and_the_job_never(at: Callable[[datetime], None]) -> None:
    host = make_institution()
    key, by = make_listing(host).key, make_actor(host, Role.MANAGER)
    at(FIRST)
    url = "https://lab.example/a.ics"
    made = service.add_calendar(key, name="Lab", zone_name="Asia/Shanghai", unit_id=None, url=url, by=by)
    for _ in range(MOST_LOOKS - 1):
        service.note_look(host.id)
    assert service.claim_due() is not None
    service.read_again(key, made.key.id, by=by)
    service.read_again(key, made.key.id, by=by)  # it waits for the job already: to ask twice is to ask once
    assert service.claim_due() is not None
    with pytest.raises(CalendarsLookedTooOften):
        service.read_again(key, made.key.id, by=by)
    for quarter in range(1, 2 * MOST_LOOKS):
        at(FIRST + timedelta(minutes=15 * quarter))
        assert service.claim_due() is not None


@pytest.mark.slow
@pytest.mark.xdist_group("race")
def test_of_eight_at_once_only_those_look_who_are_left(database: Database, tmp_path: Path) -> None:
    with clock.fixed(FIRST):
        scene = make_scene()
        for _ in range(MOST_LOOKS - 2):
            service.note_look(scene.host.id)
        people = []
        for _ in range(8):
            firm, person, _ = another_booker()
            people.append({"person_id": person.id, "organisation_id": firm.id, "key": scene.key})
        found = race(database, tmp_path, FIRST, "look", people)
    assert Counter(one[0] for one in found) == {"won": 2, CalendarsLookedTooOften.code: 6}
