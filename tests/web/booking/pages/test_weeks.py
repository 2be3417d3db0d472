"""A week of everything that one looks after takes as many queries as a week of one thing."""

from __future__ import annotations

import re
from html import unescape

import pytest

from resource_hub.domain.availability import service as availability
from resource_hub.domain.booking import service
from resource_hub.domain.pricing import service as pricing
from resource_hub.entrypoints.web.booking import hosting
from resource_hub.infra.database import db
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.availability import make_rules, make_weekly
from tests.builders.booking import TARIFF, make_asked
from tests.builders.catalogue import make_listing
from tests.support.queries import asked, queries
from tests.web.booking.pages.conftest import NOW

pytestmark = pytest.mark.any_engine


def add(scene, count):
    for n in range(count):
        key = make_listing(scene.host).key
        with unit_of_work() as unit:
            availability.set_hours_directly(unit, key, make_weekly(), make_rules())
        pricing.adopt(key, TARIFF, NOW.date().replace(year=2020))
        hour = 9 + n % 7
        wish = make_asked(f"2026-03-04T{hour:02d}:00+08:00", f"2026-03-04T{hour + 1:02d}:00+08:00")
        service.request(key, wish, by=scene.booker)
    db.session.remove()


def test_a_week_of_many_takes_ten_queries(app, scene, desk_of):
    path, desk = f"/o/{scene.host.code}/calendar", desk_of(scene.manager_person)
    counts = []
    for more in (2, 12):
        with app.app_context():
            add(scene, more)
        first = desk.see(path, view="week", day="2026-03-02")
        with queries(app) as sent:
            assert desk.see(path, view="week", day="2026-03-02").count("data-timetable") == first.count(
                "data-timetable"
            )
        counts.append(len(asked(sent)))
        assert counts[-1] <= 10, "\n".join(
            s[:40] + s[s.find("FROM") :][:60].replace("\n", " ") for s in asked(sent)
        )
    assert counts[0] == counts[1]


def test_a_week_shows_what_was_closed_a_moment_ago(app, scene, desk_of):
    """Plans are found again in memory; a change of them is seen at once."""
    path, desk = f"/o/{scene.host.code}/calendar", desk_of(scene.manager_person)
    before = desk.see(path, view="week", day="2026-03-02")
    with app.app_context():
        availability.save_hours(scene.key, make_weekly(weekdays=[0]), NOW.date(), by=scene.manager)
        db.session.remove()
    assert desk.see(path, view="week", day="2026-03-02") != before


def test_many_come_a_screen_at_a_time_and_none_twice(app, scene, desk_of, monkeypatch):
    monkeypatch.setattr(hosting, "SHOWN", 2)
    with app.app_context():
        add(scene, 4)
    desk, path = desk_of(scene.manager_person), f"/o/{scene.host.code}/calendar?view=week&day=2026-03-02"
    found, sizes = [], []
    while path:
        page = desk.see(path)
        sizes.append(page.count("data-timetable"))
        found += re.findall(r'aria-labelledby="r-([^"]+)"', page)
        following = re.search(r'<div class="no-print" hx-get="([^"]+)" hx-trigger="revealed"', page)
        path = following and unescape(following[1])
        assert path is None or f'rel="next" href="{path}"' in unescape(page)
    assert sizes == [2, 2, 1]
    assert len(found) == len(set(found)) == 5


def test_a_place_in_the_list_that_nobody_gave_is_refused(scene, desk_of):
    for after in ("x", "WyJ4Il0"):
        answer = desk_of(scene.manager_person).client.get(
            f"/o/{scene.host.code}/calendar?view=week&after={after}"
        )
        assert answer.status_code == 422


def test_who_has_a_stretch_stands_in_full_beside_it(app, scene, desk_of):
    with app.app_context():
        add(scene, 1)
    page = desk_of(scene.manager_person).see(f"/o/{scene.host.code}/calendar", view="week", day="2026-03-02")
    names = re.findall(r'is-taken.*?tt-word">(.*?)</span> <span class="tt-why">(.*?)</span>', page)
    assert names and all(re.sub(r"<[^>]+>", "", word) == why for word, why in names), names
