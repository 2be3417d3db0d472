"""The page of calendars kept elsewhere: added by address or file, read by the job, clashes shown, taken away again."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask

from resource_hub.domain.availability import service as availability
from resource_hub.entrypoints.jobs import JobContext
from resource_hub.entrypoints.jobs.calendars import read_calendars
from resource_hub.entrypoints.web import calendars
from resource_hub.infra import clock
from tests.builders import accounts as build
from tests.builders.booking import make_asked, make_booking
from tests.support.pages import signed_in
from tests.web.availability.conftest import NOW

LAB = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Lab\r\n"
    b"BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Group meeting\r\nDTSTART;TZID=Asia/Shanghai:20260303T090000\r\n"
    b"DURATION:PT2H\r\nRRULE:FREQ=WEEKLY;COUNT=10\r\nEND:VEVENT\r\n"
    b"BEGIN:VEVENT\r\nUID:2\r\nSUMMARY:Beat\r\nDTSTART:20260303T090000Z\r\nDURATION:PT1M\r\n"
    b"RRULE:FREQ=MINUTELY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
BEIJING = LAB.replace(b"TZID=Asia/Shanghai", b'TZID="(UTC+08:00) Beijing"')


class Handler(BaseHTTPRequestHandler):
    body = LAB
    asked: list[str | None] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("If-None-Match"))
        mark = f'"{hash(self.body)}"'
        if self.headers.get("If-None-Match") == mark:
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", mark)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.body, Handler.asked = LAB, []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/lab.ics"
    running.shutdown()
    running.server_close()


@pytest.fixture
def may_ask_here(app: Flask) -> Iterator[None]:
    from dataclasses import replace

    before = app.extensions["resource_hub_settings"]
    app.extensions["resource_hub_settings"] = replace(before, calendar_networks=("127.0.0.0/8",))
    yield
    app.extensions["resource_hub_settings"] = before


@pytest.fixture
def manager(app: Flask, scene: Any) -> Any:
    """The manager, who reads English."""
    client, send = signed_in(app, scene.manager_person)
    with client.session_transaction() as session:
        session["language"] = "en"
    return client, send


def page_of(scene: Any) -> str:
    return f"/o/{scene.host.code}/resources/{scene.key.id}/calendars"


def run_job(in_context: Any) -> int:
    return in_context(lambda: read_calendars(JobContext("availability.calendars", clock.now())).done)  # type: ignore[no-any-return]


def known(in_context: Any, scene: Any) -> Any:
    return in_context(lambda: availability.calendars(scene.key, by=scene.manager))


def text_of(client: Any, page: str) -> str:
    return str(client.get(page).get_data(as_text=True))


def test_an_address_is_looked_at_taken_up_and_read(
    server: str, may_ask_here: None, scene: Any, manager: Any, in_context: Any
) -> None:
    client, send = manager
    page = page_of(scene)
    assert "No calendar is read yet" in text_of(client, page)
    sent = send(page, page, name="Lab", way="url", url=server, zone="Asia/Shanghai")
    assert sent.status_code == 303, sent.get_data(as_text=True)
    assert "waits to be read" in text_of(client, page)
    assert run_job(in_context) == 1
    shown = text_of(client, page)
    assert "read in part" in shown and "MINUTELY" in shown and "127.0.0.1" in shown and "lab.ics" not in shown
    (record,) = known(in_context, scene)
    assert (record.events, record.stretches) == (2, 10)
    # Nothing is due now; a quarter of an hour later it has not changed.
    assert run_job(in_context) == 0
    with clock.fixed(NOW + timedelta(minutes=15)):
        assert run_job(in_context) == 1
        assert Handler.asked[-1] is not None
        Handler.body = LAB.replace(b"COUNT=10", b"COUNT=3")
    with clock.fixed(NOW + timedelta(minutes=30)):
        assert run_job(in_context) == 1
        assert known(in_context, scene)[0].stretches == 3


def test_a_file_is_taken_up_and_a_booking_stands(scene: Any, manager: Any, in_context: Any) -> None:
    client, send = manager
    page = page_of(scene)
    booked = in_context(lambda: make_booking(scene))
    lab = LAB.replace(
        b"20260303T090000\r\n", f"{booked.span.start.astimezone().strftime('%Y%m%dT%H%M%S')}\r\n".encode()
    )
    lab = lab.replace(b";TZID=Asia/Shanghai:", b":").replace(
        booked.span.start.astimezone().strftime("%Y%m%dT%H%M%S").encode() + b"\r\n",
        f"{booked.span.start:%Y%m%dT%H%M%SZ}\r\n".encode(),
    )
    sent = send(page, page, name="Lab", way="file", file=(io.BytesIO(lab), "lab.ics"), zone="Asia/Shanghai")
    assert sent.status_code == 303, sent.get_data(as_text=True)
    assert run_job(in_context) == 1
    shown = text_of(client, page)
    assert "Clashes with bookings" in shown and "Group meeting" in shown
    assert str(booked.key.id) in shown and "uploaded file" in shown
    (record,) = known(in_context, scene)
    assert f'action="{page}/{record.key.id}/remove"' in shown
    send(page, f"{page}/{record.key.id}/remove")
    assert known(in_context, scene) == []
    assert "Clashes with bookings" not in text_of(client, page)


def test_of_many_clashes_the_first_are_shown_and_the_rest_counted(
    scene: Any, manager: Any, in_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, send = manager
    page = page_of(scene)
    for hour in (9, 10):
        asked = make_asked(f"2026-03-03T{hour:02}:00+08:00", f"2026-03-03T{hour + 1:02}:00+08:00")
        in_context(lambda asked=asked: make_booking(scene, asked=asked))
    send(page, page, name="Lab", way="file", file=(io.BytesIO(LAB), "lab.ics"), zone="Asia/Shanghai")
    run_job(in_context)
    assert "moves up once these are settled" not in text_of(client, page)
    monkeypatch.setattr(calendars, "MOST_CLASHES", 1)
    assert "1 later clash moves up once these are settled" in text_of(client, page)


def test_many_faults_are_folded_and_a_failure_says_what_is_held(
    server: str, may_ask_here: None, scene: Any, manager: Any, in_context: Any
) -> None:
    client, send = manager
    page = page_of(scene)
    whole, beat = LAB.split(b"BEGIN:VEVENT\r\nUID:2")[0], b"BEGIN:VEVENT\r\nUID:2" + LAB.split(b"UID:2")[1]
    beat = beat.removesuffix(b"END:VCALENDAR\r\n")
    Handler.body = whole + b"".join(beat.replace(b"UID:2", b"UID:%d" % (n + 2)) for n in range(8))
    Handler.body += b"END:VCALENDAR\r\n"
    send(page, page, name="Lab", way="url", url=server, zone="Asia/Shanghai")
    run_job(in_context)
    shown, folded = text_of(client, page).split('<details class="more-faults">')
    assert shown.count("MINUTELY") == 5 and folded.count("MINUTELY") == 3 and "<summary>3 more" in folded
    Handler.body = b"<html>sign in first</html>"
    with clock.fixed(NOW + timedelta(minutes=15)):
        run_job(in_context)
        shown = text_of(client, page)
    assert "the time held from the last reading stays" in shown and "last attempt failed" in shown


def test_a_zone_that_nobody_knows_is_asked_for(scene: Any, manager: Any, in_context: Any) -> None:
    client, send = manager
    page = page_of(scene)
    send(page, page, name="Lab", way="file", file=(io.BytesIO(BEIJING), "lab.ics"), zone="Asia/Shanghai")
    run_job(in_context)
    shown = text_of(client, page)
    assert "(UTC+08:00) Beijing" in shown and "1 event is left out" in shown
    (record,) = known(in_context, scene)
    assert record.stretches == 0
    wrong = send(page, f"{page}/{record.key.id}/zones", **{"zone.0": "Middle/Earth"})
    assert wrong.status_code == 422 and "Middle/Earth" in wrong.get_data(as_text=True)
    seen = re.search(r'name="seen" value="([^"]+)"', shown)
    assert seen
    assert send(page, f"{page}/{record.key.id}/zones", **{"zone.0": "Asia/Shanghai"}).status_code == 303
    # Another tab that still shows it as it was says nothing over it, nor takes it away.
    for tail in ("zones", "remove"):
        old = send(page, f"{page}/{record.key.id}/{tail}", seen=seen[1], **{"zone.0": "Europe/Berlin"})
        assert old.status_code == 412 and 'class="summary"' in old.get_data(as_text=True)
    assert dict(known(in_context, scene)[0].zones) == {"(UTC+08:00) Beijing": "Asia/Shanghai"}
    assert run_job(in_context) == 1
    assert known(in_context, scene)[0].stretches == 10


def test_who_looks_too_often_is_told_when_again(
    scene: Any, manager: Any, in_context: Any, server: str
) -> None:
    _client, send = manager
    page = page_of(scene)
    for _ in range(60):
        in_context(lambda: availability.note_look(scene.host.id))
    sent = send(page, page, name="Lab", way="url", url=server, zone="Asia/Shanghai")
    text = sent.get_data(as_text=True)
    assert sent.status_code == 409 and "had 60 calendars fetched within an hour" in text
    assert re.search(r"Try again from [^.]+ on\.", text)
    assert Handler.asked == [] and known(in_context, scene) == []
    # What is handed in as a file is not fetched from anybody.
    filed = send(page, page, name="Lab", way="file", file=(io.BytesIO(LAB), "lab.ics"), zone="Asia/Shanghai")
    assert filed.status_code == 303


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"way": "url", "url": "http://127.0.0.1/lab.ics"}, "inside a network"),
        ({"way": "url", "url": "http://2130706433/"}, "inside a network"),
        ({"way": "url", "url": "file:///etc/passwd"}, "http or https"),
        ({"way": "url", "url": ""}, "url"),
        ({"way": "file", "file": (b"<html>", "page.ics")}, "no iCalendar file"),
        ({"way": "file", "file": (b"", "empty.ics")}, "file"),
        ({"way": "file"}, "file"),
        ({"way": "url", "url": "http://127.0.0.1/", "zone": "Middle/Earth"}, "Middle/Earth"),
        ({"way": "neither", "url": "http://127.0.0.1/"}, "way"),
    ],
)
def test_what_is_refused_stays_in_the_form(
    fields: dict[str, Any], said: str, scene: Any, manager: Any, in_context: Any
) -> None:
    _client, send = manager
    page = page_of(scene)
    values = {k: (io.BytesIO(v[0]), v[1]) if isinstance(v, tuple) else v for k, v in fields.items()}
    answer = send(page, page, **{"name": "Lab", "zone": "Asia/Shanghai", **values})
    assert answer.status_code == 422
    text = answer.get_data(as_text=True)
    assert said in text and 'value="Lab"' in text
    assert known(in_context, scene) == []


def test_others_do_not_come_in(app: Flask, scene: Any, manager: Any, in_context: Any) -> None:
    stranger = in_context(lambda: build.make_person())
    client, _ = signed_in(app, stranger)
    assert client.get(page_of(scene)).status_code == 404
    assert app.test_client().get(page_of(scene)).status_code in (302, 303, 401)
