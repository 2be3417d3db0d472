"""The phone at the instrument in a real browser: a press without a connection waits, is sent once, and counts when made."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.tables import Evidence, UsageSession
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from tests.builders.usage import make_booking, make_scene
from tests.support.accessibility import assert_accessible
from tests.support.installation import wait_for

pytestmark = pytest.mark.browser


@pytest.fixture
def scene(app, page, live_server):
    """A booking that runs now, and its engineer signed in on a phone."""
    now = clock.machine_now().replace(second=0, microsecond=0)
    with app.app_context():
        found = make_scene()
        make_booking(found, starts_at=now - timedelta(minutes=5), ends_at=now + timedelta(hours=2))
        usage.open_expected(clock.now())
        client = app.test_client()
        from tests.builders import accounts as build

        build.sign_in(client, accounts.person(found.engineer))
        cookie = client.get_cookie("session")
        db.session.remove()
    page.context.add_cookies([{"name": "session", "value": cookie.value, "url": live_server.url}])
    page.set_viewport_size({"width": 390, "height": 844})
    return found


def sessions(app):
    with app.app_context():
        found = [
            (s.state, s.starts_at, len(reading().scalars(select(Evidence)).all()))
            for s in reading().scalars(select(UsageSession))
        ]
        db.session.remove()
    return found


def test_start_and_stop_with_one_thumb(app, page, scene):
    page.goto("/u/ustc/sem-1-a")
    assert_accessible(page)
    box = page.get_by_role("button", name="上机", exact=True).bounding_box()
    assert box["height"] >= 44 and box["width"] > 200
    page.get_by_role("button", name="上机", exact=True).click()
    page.get_by_role("button", name="下机").wait_for()
    page.get_by_role("button", name="下机").click()
    page.get_by_role("button", name="下机").wait_for(state="detached")
    assert sessions(app)[0][0] == "ended"


def clock_is_known(page):
    """The page has learnt the server's time. Asked again from here: it lets nobody watch it by evaluated text."""
    assert wait_for(lambda: page.evaluate("localStorage.getItem('hub-clock')") is not None, 10)


def test_a_press_without_a_connection_waits_and_counts_when_it_was_made(app, page, scene):
    page.goto("/u/ustc/sem-1-a")
    clock_is_known(page)
    page.context.set_offline(True)
    page.get_by_role("button", name="上机", exact=True).click()
    page.get_by_text("没有网络").wait_for()
    pressed = clock.machine_now()
    assert sessions(app)[0][0] == "expected"
    page.wait_for_timeout(2500)
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.get_by_role("button", name="下机").wait_for(timeout=20_000)
    [(state, starts_at, evidence)] = sessions(app)
    assert state == "running" and evidence == 1
    assert abs((starts_at - pressed).total_seconds()) <= 2
    assert page.evaluate("JSON.parse(localStorage.getItem('hub-taps:ustc/sem-1-a')).length") == 0


def test_an_answer_that_was_lost_on_its_way_does_not_start_twice(app, page, scene):
    """The server took the press, the phone never heard of it: the same press is sent again and changes nothing."""
    page.goto("/u/ustc/sem-1-a")
    clock_is_known(page)
    lost = []

    def lose(route):
        if lost:
            route.continue_()
            return
        lost.append(route.fetch())
        route.abort()

    page.route("**/tap", lose)
    page.get_by_role("button", name="上机", exact=True).click()
    page.get_by_role("button", name="下机").wait_for(timeout=20_000)
    assert lost[0].ok
    [(state, _starts, evidence)] = sessions(app)
    assert state == "running" and evidence == 1


def test_a_refused_press_says_why_and_what_to_do(app, page, scene):
    page.goto("/u/ustc/sem-1-a")
    with app.app_context():
        usage.mark_no_shows(clock.now() + timedelta(hours=1))
        db.session.remove()
    page.get_by_role("button", name="上机", exact=True).click()
    page.get_by_text("时段已释放").wait_for()
