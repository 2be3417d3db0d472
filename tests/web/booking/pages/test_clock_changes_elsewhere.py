"""The night on which the clock goes back, and the one on which it goes on, in the other forms that ask for a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from resource_hub.domain.availability.tables import OpeningException
from resource_hub.domain.booking.tables import WaitingEntry
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.tables import UsageEntry, UsageSession
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from tests.builders.booking import make_asked, make_booking
from tests.web.booking.pages.test_clock_changes import SECOND, around_the_clock
from tests.web.booking.pages.test_ordering import address, bookings

pytestmark = pytest.mark.any_engine

NIGHT = "2026-11-01"
# Half past one comes at 05:30 and at 06:30 of UTC.
FIRST_HALF = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
GAP_NIGHT = "2027-03-14"


@pytest.fixture
def scene(app):
    with clock.fixed(datetime(2026, 10, 30, 12, tzinfo=UTC)):
        yield around_the_clock(app)


@pytest.fixture
def manager(scene, desk_of):
    return desk_of(scene.manager_person)


def rows(app, table):
    with app.app_context():
        found = list(reading().scalars(select(table)))
        db.session.expunge_all()
        db.session.remove()
    return found


def asked_which(answer, *names):
    """The form asks which of the two is meant, at each of its fields."""
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for name in names:
        assert re.search(rf'<select name="{name}_offset">.*?value="-04:00".*?value="-05:00"', text, re.S), (
            name
        )
        assert f'id="e-{name}"' in text


def moment(name, day=NIGHT, time="01:30", offset=None):
    fields = {f"{name}_day": day, f"{name}_time": time}
    return {**fields, f"{name}_offset": offset} if offset else fields


def test_a_hit_of_the_search_for_time_leads_to_its_order(app, scene, desk):
    with app.app_context():
        make_booking(scene, asked=make_asked("2026-11-01T00:00-04:00", "2026-11-01T01:30-05:00"))
        db.session.remove()
    page = desk.see("/search", **{"length": "60", "from": NIGHT, "until": NIGHT, "part": "any"})
    found = re.search(r'href="([^"]*start_time=01:30[^"]*)#choose"', page)
    assert found is not None and "start_offset=-05:00" in found[1]
    query = dict(pair.split("=") for pair in found[1].split("?")[1].split("&"))
    order = {**query, "mode": "self_use", "purpose": "research", "description": "断口形貌"}
    page = desk.see(address(scene), **query)
    assert '<option value="-05:00" selected>' in page
    assert desk.send(address(scene), page, **order).status_code == 303
    assert SECOND.start in {one.starts_at for one in bookings(app)}


@pytest.mark.parametrize("kind", ["closure", "extra", "maintenance"])
def test_a_closure_or_maintenance(app, scene, manager, kind):
    hours = f"/o/{scene.host.code}/resources/{scene.key.id}/hours"
    where = f"/o/{scene.host.code}/resources/{scene.key.id}/exceptions"
    page = manager.see(hours)
    wish = {"kind": kind, "audience": "all", "reason_en": "Service", **moment("end", time="02:30")}
    asked_which(manager.send(where, page, publish="1", **wish, **moment("start")), "start")
    assert rows(app, OpeningException) == []
    sent = manager.send(where, page, publish="1", **wish, **moment("start", offset="-05:00"))
    assert sent.status_code == 303
    [made] = rows(app, OpeningException)
    assert (made.starts_at, made.ends_at) == (SECOND.start, SECOND.end)
    # Over the hour that comes twice the end may show an earlier time than the start.
    back = {**moment("start", time="01:45", offset="-04:00"), **moment("end", time="01:15", offset="-05:00")}
    assert manager.send(where, page, look="1", **{**wish, **back}).status_code == 200
    gap = {**moment("start", GAP_NIGHT, "02:30"), **moment("end", GAP_NIGHT, "04:00")}
    seen = manager.send(where, page, publish="1", **{**wish, **gap})
    assert seen.status_code == 422 and 'id="e-start"' in seen.get_data(as_text=True)


def test_a_place_on_the_waiting_list(app, scene, desk):
    where = f"{address(scene)}/waiting"
    page = desk.see(where)
    wish = {"kind": "queue", "mode": "self_use", "purpose": "research", "length": "0:30"}
    both = {**moment("earliest"), **moment("latest", time="02:30")}
    asked_which(desk.send(where, page, **wish, **both), "earliest")
    gap = {**moment("earliest", GAP_NIGHT, "02:30"), **moment("latest", GAP_NIGHT, "04:00")}
    assert desk.send(where, page, **wish, **gap).status_code == 422
    assert rows(app, WaitingEntry) == []
    assert desk.send(where, page, **wish, **both, earliest_offset="-05:00").status_code == 303
    [entry] = rows(app, WaitingEntry)
    assert (entry.earliest, entry.latest) == (SECOND.start, SECOND.end)


def test_a_split(app, scene, desk):
    with app.app_context():
        made = make_booking(scene, asked=make_asked("2026-11-01T00:30-04:00", "2026-11-01T02:30-05:00"))
        db.session.remove()
    where = f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}"
    page = desk.see(f"{where}/divide")
    # The middle of it is one o'clock in winter time.
    assert re.search(r'name="at_offset".*?<option value="-05:00" selected>01:00', page, re.S)
    version = {"version": str(made.version)}
    asked_which(desk.send(f"{where}/split", page, **version, **moment("at")), "at")
    assert len(bookings(app)) == 1
    assert desk.send(f"{where}/split", page, **version, **moment("at", offset="-05:00")).status_code == 303
    assert SECOND.start in {one.starts_at for one in bookings(app)}


@pytest.mark.parametrize(
    ("at", "status", "second"),
    [
        ("02:00", 422, None),
        ("02:55", 422, None),
        ("03:00", 303, datetime(2027, 3, 14, 7, tzinfo=UTC)),
        ("01:45", 303, datetime(2027, 3, 14, 6, 45, tzinfo=UTC)),
    ],
)
def test_a_split_in_the_hour_that_is_left_out(app, desk_of, at, status, second):
    with clock.fixed(datetime(2027, 3, 12, 12, tzinfo=UTC)):
        scene = around_the_clock(app)
        desk = desk_of(scene.booker_person)
        with app.app_context():
            made = make_booking(scene, asked=make_asked("2027-03-14T01:00-05:00", "2027-03-14T04:00-04:00"))
            db.session.remove()
        where = f"/o/{scene.firm.code}/bookings/{scene.host.code}/{made.key.id}"
        page = desk.see(f"{where}/divide")
        assert (
            'name="at_time" aria-label="Time" value="03:00"' in page
        )  # two hours long: its middle is at seven of UTC
        sent = desk.send(f"{where}/split", page, version=str(made.version), **moment("at", GAP_NIGHT, at))
        assert sent.status_code == status
        if second is None:
            text = sent.get_data(as_text=True)
            assert 'id="e-at"' in text and f'value="{at}"' in text and len(bookings(app)) == 1
        else:
            halves = sorted(bookings(app), key=lambda one: one.starts_at)
            assert [(one.starts_at, one.ends_at) for one in halves] == [
                (made.starts_at, second), (second, made.ends_at),
            ]  # fmt: skip


@pytest.mark.parametrize(
    ("starts", "ends", "wrong", "seconds"),
    [
        (("02:30", None), ("04:00", None), ["starts"], None),
        (("01:30", None), ("02:15", None), ["ends"], None),
        (("02:00", None), ("02:45", None), ["starts", "ends"], None),
        (("01:30", None), ("03:30", None), [], 3600),
    ],
)
def test_a_use_in_the_hour_that_is_left_out(app, desk_of, starts, ends, wrong, seconds):
    use_entered(app, desk_of, datetime(2027, 3, 15, 12, tzinfo=UTC), GAP_NIGHT, starts, ends, wrong, seconds)


@pytest.mark.parametrize(
    ("starts", "ends", "wrong", "seconds"),
    [
        (("01:45", None), ("01:15", None), ["starts", "ends"], None),
        (("01:45", "-04:00"), ("01:15", None), ["ends"], None),
        (("01:45", "-04:00"), ("01:15", "-05:00"), [], 1800),
        (("00:30", None), ("01:30", "-05:00"), [], 7200),
        (("01:30", "-04:00"), ("01:30", "-05:00"), [], 3600),
        (("01:45", "-05:00"), ("01:15", "-04:00"), None, None),  # the end comes before the start
    ],
)
def test_a_use_over_the_hour_that_comes_twice(app, desk_of, starts, ends, wrong, seconds):
    use_entered(app, desk_of, datetime(2026, 11, 2, 12, tzinfo=UTC), NIGHT, starts, ends, wrong, seconds)


def use_entered(app, desk_of, now, day, starts, ends, wrong, seconds):
    with clock.fixed(now - timedelta(days=4)):
        scene = around_the_clock(app)
        with app.app_context():
            asked = make_asked(
                f"{day}T00:00:00-0{4 + (day == GAP_NIGHT)}:00", f"{day}T05:00-0{5 - (day == GAP_NIGHT)}:00"
            )
            made = make_booking(scene, asked=asked)
            db.session.remove()
    with clock.fixed(now):
        manager = desk_of(scene.manager_person)
        where = f"/o/{scene.host.code}/use"
        page = manager.see(where, order=str(made.key.id))
        typed = moment("starts", day, *starts) | moment("ends", day, *ends)
        sent = manager.send(
            where, page, order=str(made.key.id), mode="staff_run", purpose="research", **typed
        )
        if seconds is not None:
            assert sent.status_code == 303
            [session] = rows(app, UsageSession)
            assert session.ends_at - session.starts_at == timedelta(seconds=seconds)
            return
        text = sent.get_data(as_text=True)
        assert sent.status_code == 422 and rows(app, UsageSession) == []
        if wrong is not None:
            assert [name for name in ("starts", "ends") if f'id="e-{name}"' in text] == wrong
        # What was typed stands there still.
        assert f'value="{starts[0]}"' in text and f'value="{ends[0]}"' in text


def test_a_use_entered_by_hand_and_its_correction(app, scene, manager):
    with app.app_context():
        make_booking(scene, asked=make_asked(SECOND.start.isoformat(), SECOND.end.isoformat()))
        db.session.remove()
    with clock.fixed(SECOND.end):
        with app.app_context():
            usage.open_expected(clock.now())
            db.session.remove()
        [expected] = rows(app, UsageSession)
        where = f"/o/{scene.host.code}/use"
        page = manager.see(where, session=str(expected.id))
        # What was booked stands there, and sent as it stands it is that.
        assert '<option value="-05:00" selected>01:30 (winter time)</option>' in page
        use = {"session": expected.id, **moment("starts"), **moment("ends", time="02:30")}
        asked_which(manager.send(where, page, **use), "starts")
        assert manager.send(where, page, **use, starts_offset="-05:00").status_code == 303
        [session] = rows(app, UsageSession)
        assert (session.starts_at, session.ends_at) == (SECOND.start, SECOND.end)
        close, page = (
            f"/o/{scene.host.code}/day-close",
            manager.see(f"/o/{scene.host.code}/day-close", day=NIGHT),
        )
        accepted = {"day": NIGHT, "session": f"{session.id}:{session.version}"}
        assert manager.send(close, page, **accepted).status_code == 303
        [entry] = rows(app, UsageEntry)
        where = f"/o/{scene.host.code}/sessions/{scene.host.code}/{session.id}"
        page = manager.see(where)
        assert '<option value="-05:00" selected>01:30 (winter time)</option>' in page
        right = {"entry": entry.id, "samples": "0", "reason": "早停", **moment("ends", time="02:00")}
        asked_which(manager.send(f"{where}/correct", page, **right, **moment("starts")), "starts")
        sent = manager.send(f"{where}/correct", page, **right, **moment("starts", offset="-05:00"))
        assert sent.status_code == 303
        corrected = next(one for one in rows(app, UsageEntry) if one.kind == "correction")
        assert corrected.starts_at == SECOND.start and corrected.effective_seconds == 1800
