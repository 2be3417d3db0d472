"""Feeds as a calendar program meets them: by their address, again and again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
from sqlalchemy import event, select

from resource_hub.domain.accounts import feeds
from resource_hub.domain.accounts.errors import UnknownRequest
from resource_hub.domain.accounts.feeds import FeedKind
from resource_hub.domain.accounts.tables import FeedSecret
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import BusyEvent, CalendarRead
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import BookingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.kernel.time import TimeSpan
from tests.builders import accounts as build
from tests.builders.booking import make_asked, make_booking, make_scene
from tests.builders.catalogue import make_listing
from tests.builders.feeds import change_booking, make_bookings
from tests.support.server import LiveServer

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def world(app: Any) -> dict[str, Any]:
    """A microscope at a host, booked three times by a firm; times are even hours from now on."""
    with app.app_context():
        host, firm, other = (
            build.make_institution(code="ustc"),
            build.make_firm(name_zh="安徽量子"),
            build.make_firm(),
        )
        lab, second = build.make_department(host), build.make_department(host)
        resource = make_listing(host, department=lab, code="SEM-01")
        unit = catalogue.units(resource.key)[0]
        booker = build.make_person(name="李四", roles=[(firm, Role.BOOKER)])
        start = clock.machine_now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
        customer = build.customer_of(firm)
        keys = make_bookings(
            resource.key,
            unit.key.id,
            customer.id,
            booker.id,
            [start + timedelta(hours=4 * n) for n in range(3)],
        )
        return {
            "host": host, "firm": firm, "lab": lab, "second": second, "resource": resource, "unit": unit,
            "booker": booker, "customer": customer, "keys": keys, "start": start,
            "stranger": build.make_person(roles=[(other, Role.BOOKER)], language="en"),
            "manager": build.make_person(roles=[(host, Role.MANAGER, {"department_id": lab.id})]),
            "colleague": build.make_person(roles=[(firm, Role.BOOKER)]),
        }  # fmt: skip


def make(app: Any, person: Any, kind: FeedKind, **more: Any) -> str:
    with app.app_context():
        record, secret = feeds.create_feed(person.id, kind, **more)
        return f"/feeds/{record.kind.value}/{secret}.ics"


def events(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    assert answer.content_type == "text/calendar; charset=utf-8"
    return icalendar.Calendar.from_ical(answer.get_data(as_text=True)).walk("VEVENT")


def resource_feed(app: Any, world: dict[str, Any], who: str) -> str:
    key = world["resource"].key
    return make(app, world[who], FeedKind.RESOURCE, organisation_id=key.institution_id, subject_id=key.id)


def test_own_bookings(app: Any, client: Any, world: dict[str, Any]) -> None:
    found = events(client.get(make(app, world["booker"], FeedKind.PERSON)))
    assert [e.decoded("DTSTART") for e in found] == [
        world["start"] + timedelta(hours=4 * n) for n in range(3)
    ]
    assert {str(e["UID"]) for e in found} == {f"{k.id}@resource-hub" for k in world["keys"]}
    assert "场发射" in str(found[0]["SUMMARY"])
    assert f"/hosts/ustc/bookings/{world['keys'][0].id}" in str(found[0]["URL"])
    assert found[0]["DTSTART"].params["TZID"] == "Asia/Shanghai"
    assert events(client.get(make(app, world["colleague"], FeedKind.PERSON))) == []


def test_a_stranger_sees_that_it_is_taken_and_nothing_else(
    app: Any, client: Any, world: dict[str, Any]
) -> None:
    answer = client.get(resource_feed(app, world, "stranger"))
    found = events(answer)
    assert [str(e["SUMMARY"]) for e in found] == ["Taken"] * 3
    text = answer.get_data(as_text=True)
    for secret in ("李四", "安徽量子", "research", "approved", *(str(k.id) for k in world["keys"])):
        assert secret not in text
    assert "已占用" in client.get(resource_feed(app, world, "booker")).get_data(as_text=True)


def test_cancelled_and_moved_ones_keep_their_mark(app: Any, client: Any, world: dict[str, Any]) -> None:
    own, public = make(app, world["booker"], FeedKind.PERSON), resource_feed(app, world, "stranger")
    before = {address: {str(e["UID"]) for e in events(client.get(address))} for address in (own, public)}
    with app.app_context():
        now = clock.machine_now()
        change_booking(world["keys"][0], state="cancelled", ical_sequence=2, changed_at=now)
    for address in (own, public):
        found = events(client.get(address))
        assert {str(e["UID"]) for e in found} == before[address]
        gone = [e for e in found if e["STATUS"] == "CANCELLED"]
        assert [(e.decoded("DTSTART"), e["SEQUENCE"]) for e in gone] == [(world["start"], 2)]
    with app.app_context():
        change_booking(world["keys"][0], changed_at=now - timedelta(days=31))
    for address in (own, public):
        assert len(events(client.get(address))) == 2


def test_stretches_of_one_calendar_that_was_read_are_told_apart(
    app: Any, client: Any, world: dict[str, Any]
) -> None:
    key, url = world["resource"].key, "https://lab.example/a.ics"
    with app.app_context():
        by = build.actor(world["manager"], world["host"])
        made = availability.add_calendar(
            key, name="Lab", zone_name="Asia/Shanghai", unit_id=None, url=url, by=by
        )
        free = [world["start"] + timedelta(hours=hours) for hours in (30, 40, 50)]
        busy = tuple(BusyEvent(TimeSpan(one, one + timedelta(hours=1)), "") for one in free)
        record = availability.calendar(key, made.key.id, by=by)
        read = CalendarRead("", len(busy), busy)
        availability.settle_calendar(record, read, availability.reading_span(clock.now()))
    address = resource_feed(app, world, "stranger")
    found = events(client.get(address))
    assert len({str(one["UID"]) for one in found}) == len(found) == 3 + 3
    assert {str(one["UID"]) for one in events(client.get(address))} == {str(one["UID"]) for one in found}


def test_a_time_that_was_only_kept_is_in_no_calendar_when_it_is_given_back(
    app: Any, client: Any, world: dict[str, Any]
) -> None:
    with app.app_context():
        scene = make_scene(units=2)
        with clock.fixed(datetime(2026, 3, 2, tzinfo=UTC)):
            kept = booking.hold(scene.key, make_asked(), by=scene.booker)
            booking.give_back(kept.key, by=scene.booker)
            lapsed = booking.hold(scene.key, make_asked(), by=scene.booker)
            ordered = booking.hold(scene.key, make_asked(), by=scene.booker)
            ordered = make_booking(scene, hold_id=ordered.key.id)
            booking.cancel(ordered.key, by=scene.booker)
        with clock.fixed(datetime(2026, 3, 2, 1, tzinfo=UTC)):
            booking.lapse_due()
            assert booking.booking(lapsed.key).state is BookingState.EXPIRED
    with clock.fixed(datetime(2026, 3, 2, 1, tzinfo=UTC)):
        [shown] = events(client.get(make(app, scene.booker_person, FeedKind.PERSON)))
    assert (str(shown["UID"]), str(shown["STATUS"])) == (ordered.ical_uid, "CANCELLED")


def test_who_handed_a_booking_over_learns_nothing_of_what_becomes_of_it(
    app: Any, client: Any, world: dict[str, Any]
) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    with app.app_context(), clock.fixed(now):
        scene = make_scene(units=2)
        other = build.make_person(roles=[(scene.firm, Role.BOOKER)])
        made = make_booking(scene)
        booking.hand_over(made.key, other.id, by=scene.booker)
        second = next(u.key.id for u in catalogue.units(scene.key) if u.key.id != made.unit_id)
    with clock.fixed(now + timedelta(hours=1)):
        address = make(app, scene.booker_person, FeedKind.PERSON)
        before = client.get(address).get_data(as_text=True)
        assert "STATUS:CANCELLED" in before
        with app.app_context():
            span = make_asked("2026-03-04T09:00+08:00", "2026-03-04T11:00+08:00").span
            booking.change(made.key, span, by=build.actor(other, scene.firm), unit_id=second)
        assert client.get(address).get_data(as_text=True) == before


def test_customer_and_laboratory(app: Any, client: Any, world: dict[str, Any]) -> None:
    firm, host = world["firm"].id, world["host"].id
    mine = make(
        app, world["colleague"], FeedKind.CUSTOMER, organisation_id=firm, subject_id=world["customer"].id
    )
    answer = client.get(mine)
    assert len(events(answer)) == 3
    assert "李四" not in answer.get_data(as_text=True)
    for subject in (None, world["lab"].id):
        lab = make(app, world["manager"], FeedKind.LABORATORY, organisation_id=host, subject_id=subject)
        assert len(events(client.get(lab))) == 3
        assert "李四" not in client.get(lab).get_data(as_text=True)


def test_rights_are_asked_when_made_and_each_time(app: Any, client: Any, world: dict[str, Any]) -> None:
    firm, host = world["firm"].id, world["host"].id
    with app.app_context():
        for person, kind, organisation, subject in (
            ("stranger", FeedKind.CUSTOMER, firm, world["customer"].id),
            ("booker", FeedKind.LABORATORY, host, None),
            ("manager", FeedKind.LABORATORY, host, world["second"].id),
        ):
            with pytest.raises(UnknownRequest):
                feeds.create_feed(world[person].id, kind, organisation_id=organisation, subject_id=subject)
    address = make(
        app, world["colleague"], FeedKind.CUSTOMER, organisation_id=firm, subject_id=world["customer"].id
    )
    assert client.get(address).status_code == 200
    with app.app_context():
        from resource_hub.domain.accounts.tables import Membership
        from resource_hub.infra.unit_of_work import unit_of_work

        with unit_of_work() as unit:
            row = unit.session.scalars(
                select(Membership).where(Membership.person_id == world["colleague"].id)
            ).one()
            row.state = "ended"
    assert client.get(address).status_code == 404


def test_only_the_digest_is_kept_and_a_revoked_address_is_unknown(
    app: Any, client: Any, world: dict[str, Any]
) -> None:
    address = make(app, world["booker"], FeedKind.PERSON)
    secret = address.split("/")[-1].removesuffix(".ics")
    with app.app_context():
        row = reading().scalars(select(FeedSecret)).one()
        assert secret.encode() not in row.secret_hash
        assert row.prefix == secret[:6]
        feed_id = row.id
        with pytest.raises(UnknownRequest):
            feeds.revoke_feed(world["stranger"].id, feed_id)
    assert client.get(address).status_code == 200
    assert client.get(address.replace("/person/", "/customer/")).status_code == 404
    assert client.get(address.replace(secret, "x" * 43)).status_code == 404
    with app.app_context():
        feeds.revoke_feed(world["booker"].id, feed_id)
        feeds.revoke_feed(world["booker"].id, feed_id)
    assert client.get(address).status_code == 404


def test_unchanged_is_said_in_one_line(app: Any, client: Any, world: dict[str, Any]) -> None:
    address = make(app, world["booker"], FeedKind.PERSON)
    first = client.get(address)
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    with app.app_context():
        change_booking(world["keys"][1], state="cancelled", changed_at=clock.machine_now())
    later = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert later.status_code == 200 and later.headers["ETag"] != first.headers["ETag"]


def test_a_withdrawn_resource_has_no_calendar(app: Any, client: Any, world: dict[str, Any]) -> None:
    address = resource_feed(app, world, "stranger")
    assert client.get(address).status_code == 200
    with app.app_context():
        from resource_hub.domain.catalogue.tables import Resource
        from resource_hub.infra.unit_of_work import unit_of_work

        with unit_of_work() as unit:
            unit.session.scalars(select(Resource)).one().state = "withdrawn"
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("who", "status"), [("booker", 200), ("colleague", 200), ("manager", 200), ("stranger", 404)]
)
def test_one_booking(app: Any, client: Any, world: dict[str, Any], who: str, status: int) -> None:
    with app.app_context():
        build.sign_in(client, world[who])
    answer = client.get(f"/hosts/ustc/bookings/{world['keys'][0].id}.ics")
    assert answer.status_code == status
    if status == 200:
        assert len(events(answer)) == 1
    assert app.test_client().get(f"/hosts/ustc/bookings/{world['keys'][0].id}.ics").status_code in (302, 401)


def test_the_page_makes_shows_once_and_revokes(app: Any, client: Any, world: dict[str, Any]) -> None:
    with app.app_context():
        build.sign_in(client, world["manager"])
    page = client.get("/me/feeds?resource=ustc/SEM-01")
    assert page.status_code == 200 and "X-Untranslated" not in page.headers
    offered = re.findall(r'<option value="([^"]+)"', page.get_data(as_text=True))
    assert [o.split(":")[0] for o in offered if o] == ["resource", "person", "laboratory", "laboratory"]
    for what in filter(None, offered):
        answer = client.post("/me/feeds", data={"what": what, "resource": "ustc/SEM-01"})
        assert answer.status_code == 200 and "X-Untranslated" not in answer.headers
        address = re.search(r"http://127\.0\.0\.1(/feeds/[^<\"]+\.ics)", answer.get_data(as_text=True))
        assert address is not None
        assert client.get(address[1]).status_code == 200
        # What is shown only once takes the focus.
        shown = answer.get_data(as_text=True).split("data-focus>")[1]
        assert address[1] in shown.split("</div>")[0]
    assert address[1] not in client.get("/me/feeds").get_data(as_text=True)
    foreign = f"customer:{world['firm'].id}:{world['customer'].id}"
    assert client.post("/me/feeds", data={"what": foreign}).status_code == 422
    with app.app_context():
        kept = feeds.feeds_of(world["manager"].id)
    assert client.post(f"/me/feeds/{kept[0].id}/revoke").status_code == 303
    with app.app_context():
        assert len(feeds.feeds_of(world["manager"].id)) == len(kept) - 1


def test_two_thousand_events_in_a_handful_of_questions(app: Any, client: Any, world: dict[str, Any]) -> None:
    with app.app_context():
        starts = [world["start"] + timedelta(days=2, hours=3 * n) for n in range(2000)]
        make_bookings(
            world["resource"].key, world["unit"].key.id, world["customer"].id, world["booker"].id, starts
        )
        engine = db.engine
    for address in (make(app, world["booker"], FeedKind.PERSON), resource_feed(app, world, "stranger")):
        client.get(address)
        asked: list[str] = []

        def note(*told: Any, into: list[str] = asked) -> None:
            into.append(told[2])

        event.listen(engine, "before_cursor_execute", note)
        answer = client.get(address)
        event.remove(engine, "before_cursor_execute", note)
        assert answer.get_data(as_text=True).count("BEGIN:VEVENT") == 2003
        assert len(asked) <= 10, "\n".join(asked)


def test_independent_clients_pull_and_list_it(app: Any, world: dict[str, Any], tmp_path: Path) -> None:
    """vdirsyncer fetches over HTTP, khal reads what it stored."""
    address = make(app, world["booker"], FeedKind.PERSON)
    with LiveServer(app) as server:
        config = tmp_path / "vdirsyncer"
        config.write_text(
            f'[general]\nstatus_path = "{tmp_path}/status/"\n'
            '[pair feed]\na = "here"\nb = "there"\ncollections = null\nconflict_resolution = "b wins"\n'
            f'[storage here]\ntype = "filesystem"\npath = "{tmp_path}/calendar/"\nfileext = ".ics"\n'
            f'[storage there]\ntype = "http"\nurl = "{server.url}{address}"\n'
        )
        environment = {**os.environ, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
        run("vdirsyncer", ["-c", str(config), "discover"], environment)
        run("vdirsyncer", ["-c", str(config), "sync"], environment)
    stored = list((tmp_path / "calendar").glob("*.ics"))
    assert len(stored) == 3
    khal = tmp_path / "khal.conf"
    khal.write_text(
        f"[calendars]\n[[feed]]\npath = {tmp_path}/calendar\n[locale]\nlocal_timezone = Asia/Shanghai\n"
        "default_timezone = Asia/Shanghai\ntimeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n"
        "datetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n[sqlite]\n"
        f"path = {tmp_path}/khal.db\n[default]\nenable_mouse = False\n"
    )
    day = world["start"].astimezone(icalendar_zone()).date()
    listed = run(
        "khal", ["-c", str(khal), "list", "--format", "{start} {title}", str(day), "3d"], environment
    )
    for n in range(3):
        when = (world["start"] + timedelta(hours=4 * n)).astimezone(icalendar_zone())
        assert f"{when:%Y-%m-%d %H:%M} 场发射扫描电子显微镜" in listed, listed


def icalendar_zone() -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo("Asia/Shanghai")


def run(program: str, arguments: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        env=environment, capture_output=True, text=True, timeout=60, input="y\n" * 5,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_unknown_keys(app: Any, client: Any, world: dict[str, Any]) -> None:
    assert client.get("/feeds/person/short.ics").status_code == 404
    assert client.get("/feeds/other/" + "x" * 43 + ".ics").status_code == 404


def test_a_unit_has_a_calendar_of_its_own(app: Any, client: Any, world: dict[str, Any]) -> None:
    key = world["resource"].key
    with app.app_context():
        catalogue.add_units(key, 1, by=build.actor(world["manager"], world["host"]))
        second = next(u.key.id for u in catalogue.units(key) if u.key != world["unit"].key)
        other = world["start"] + timedelta(days=1)
        make_bookings(key, second, world["customer"].id, world["booker"].id, [other])
    of_unit = {
        unit: events(
            client.get(
                make(
                    app, world["stranger"], FeedKind.UNIT, organisation_id=key.institution_id, subject_id=unit
                )
            )
        )
        for unit in (world["unit"].key.id, second)
    }
    assert [e.decoded("DTSTART") for e in of_unit[second]] == [other]
    assert len(of_unit[world["unit"].key.id]) == 3
    assert len(events(client.get(resource_feed(app, world, "stranger")))) == 4
    build.sign_in(client, world["stranger"])
    page = client.get("/me/feeds?resource=ustc/SEM-01").get_data(as_text=True)
    assert page.count(f'value="unit:{key.institution_id}') == 2


def test_free_and_busy(app: Any, client: Any, world: dict[str, Any]) -> None:
    with app.app_context():
        change_booking(world["keys"][2], state="cancelled", changed_at=clock.machine_now())
        unit = world["unit"].key.id
        # Touches the first one, so that both are one busy span.
        make_bookings(
            world["resource"].key,
            unit,
            world["customer"].id,
            world["booker"].id,
            [world["start"] + timedelta(hours=2)],
        )
    for address in (make(app, world["booker"], FeedKind.PERSON), resource_feed(app, world, "stranger")):
        answer = client.get(address.replace(".ics", ".ifb"))
        assert answer.content_type == "text/calendar; charset=utf-8"
        (found,) = icalendar.Calendar.from_ical(answer.get_data(as_text=True)).walk("VFREEBUSY")
        spans = found["FREEBUSY"]
        assert [(s.dt[0], s.dt[1]) for s in (spans if isinstance(spans, list) else [spans])] == [
            (world["start"], world["start"] + timedelta(hours=6))
        ]
        assert "SEM" not in answer.get_data(as_text=True)
    assert client.get("/feeds/person/" + "x" * 30 + ".ifb").status_code == 404
