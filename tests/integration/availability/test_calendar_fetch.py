"""Addresses of calendars: what is asked, what never is, and how long and how much is waited for."""

from __future__ import annotations

import gzip
import ipaddress
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from resource_hub.adapters.calendar_fetch import Address, Fetched, allowed_networks, fetch, is_public
from resource_hub.domain.availability.errors import CalendarAway, CalendarRefused

BODY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
LOOPBACK = allowed_networks(["127.0.0.0/8"])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        getattr(self, "on_" + self.path.strip("/").split("/")[0].split("?")[0])()

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def on_plain(self) -> None:
        if self.headers.get("If-None-Match") == '"1"':
            self.send_response(304)
            self.end_headers()
            return
        self.answer(BODY, ETag='"1"', Last_Modified="Mon, 02 Mar 2026 00:00:00 GMT")

    def on_packed(self) -> None:
        self.answer(gzip.compress(BODY), Content_Encoding="gzip")

    def on_bomb(self) -> None:
        self.answer(gzip.compress(b" " * 5_000_000), Content_Encoding="gzip")

    def on_strange(self) -> None:
        self.answer(BODY, Content_Encoding="br")

    def on_large(self) -> None:
        self.answer(b" " * 2_000_001)

    def on_short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(BODY)

    def on_gone(self) -> None:
        self.answer(b"", 404)

    def on_down(self) -> None:
        self.answer(b"", 503)

    def on_leads(self) -> None:
        self.answer(b"", 302, Location="/plain")

    def on_circle(self) -> None:
        self.answer(b"", 302, Location="/circle")

    def on_inside(self) -> None:
        self.answer(b"", 302, Location=f"http://127.0.0.2:{self.server.server_port}/plain")  # type: ignore[attr-defined]

    def on_elsewhere(self) -> None:
        self.answer(b"", 302, Location="file:///etc/passwd")

    def on_drips(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            try:
                self.wfile.write(b" ")
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    def on_dripping_head(self) -> None:
        for _ in range(100):
            try:
                self.wfile.write(b"H")
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    def on_host(self) -> None:
        self.answer(self.headers["Host"].encode())


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def refused(url: str, **more: Any) -> str:
    with pytest.raises((CalendarRefused, CalendarAway)) as caught:
        fetch(url, **more)
    (reason,) = caught.value.reasons
    assert reason.place == "url"
    return reason.code


INSIDE = [
    "http://127.0.0.1/", "http://127.8.8.8/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/latest/",
    "http://10.0.0.1/", "http://172.16.5.5/", "http://192.168.1.1/", "http://100.64.0.1/", "http://0.0.0.0/",
    "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:10.0.0.1]/", "http://[fe80::1]/", "http://[fd00::1]/", "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://224.0.0.1/", "http://[ff02::1]/", "http://255.255.255.255/", "http://[::]/",
    "https://127.0.0.1/", "webcal://10.0.0.1/x.ics",
]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_nothing_inside_a_network_is_asked(url: str) -> None:
    assert refused(url) == "calendar.url_inside"


def test_the_reason_names_the_address() -> None:
    with pytest.raises(CalendarRefused) as caught:
        fetch("http://2130706433/")
    assert caught.value.reasons[0].values == {"host": "2130706433", "address": "127.0.0.1"}


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["::1"], ["2606:4700::1111", "fe80::1"]]
)
def test_a_name_that_points_inside_even_in_part(addresses: list[str]) -> None:
    def resolve(_host: str, _port: int) -> list[Address]:
        return [ipaddress.ip_address(one) for one in addresses]

    assert refused("http://calendar.example/", resolve=resolve) == "calendar.url_inside"


def test_a_name_is_looked_up_once_and_the_connection_goes_there(server: str) -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[Address]:
        asked.append(host)
        return [ipaddress.ip_address("127.0.0.1" if len(asked) == 1 else "192.0.2.1")]

    port = server.rsplit(":", 1)[1]
    got = fetch(f"http://calendar.example:{port}/host", allowed=LOOPBACK, resolve=resolve)
    assert got.body == f"calendar.example:{port}".encode()
    assert asked == ["calendar.example"]


def test_a_redirection_is_judged_like_the_first_address(server: str) -> None:
    assert fetch(f"{server}/leads", allowed=LOOPBACK).body == BODY
    only_one = allowed_networks(["127.0.0.1/32"])
    assert refused(f"{server}/inside", allowed=only_one) == "calendar.url_inside"
    assert refused(f"{server}/elsewhere", allowed=LOOPBACK) == "calendar.url_scheme"
    assert refused(f"{server}/circle", allowed=LOOPBACK) == "calendar.url_redirects"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "calendar.url_scheme"),
        ("calendar.ics", "calendar.url_scheme"),
        ("file:///etc/passwd", "calendar.url_scheme"),
        ("ftp://calendar.example/x.ics", "calendar.url_scheme"),
        ("gopher://calendar.example/", "calendar.url_scheme"),
        ("javascript:alert(1)", "calendar.url_scheme"),
        ("http://", "calendar.url_broken"),
        ("http://calendar.example:99999/", "calendar.url_broken"),
        ("http://calendar.example:0/", "calendar.url_broken"),
        ("http://[::1/", "calendar.url_broken"),
        ("http://calendar.example/a\r\nX-Evil: 1", "calendar.url_broken"),
        ("http://calendar.example/a b", "calendar.url_broken"),
        ("http://user:word@calendar.example/", "calendar.url_password"),
        ("http://user@calendar.example/", "calendar.url_password"),
    ],
)
def test_what_is_no_address_to_ask(url: str, code: str) -> None:
    assert refused(url) == code


def test_a_name_without_an_address() -> None:
    def resolve(_host: str, _port: int) -> list[Address]:
        raise OSError("no such name")

    assert refused("http://calendar.example/", resolve=resolve) == "calendar.url_unknown_host"


def test_marks_are_kept_and_sent_back(server: str) -> None:
    first = fetch(f"{server}/plain", allowed=LOOPBACK)
    assert first == Fetched(BODY, '"1"', "Mon, 02 Mar 2026 00:00:00 GMT")
    assert fetch(f"{server}/plain", etag=first.etag, allowed=LOOPBACK).body is None


def test_packed_and_unpacked(server: str) -> None:
    assert fetch(f"{server}/packed", allowed=LOOPBACK).body == BODY
    assert refused(f"{server}/strange", allowed=LOOPBACK) == "calendar.url_encoding"


@pytest.mark.parametrize("path", ["large", "bomb"])
def test_no_more_than_the_limit(server: str, path: str) -> None:
    assert refused(f"{server}/{path}", allowed=LOOPBACK, limit=2_000_000) == "calendar.too_large"


def test_exactly_the_limit_is_taken(server: str) -> None:
    assert fetch(f"{server}/plain", allowed=LOOPBACK, limit=len(BODY)).body == BODY
    assert refused(f"{server}/plain", allowed=LOOPBACK, limit=len(BODY) - 1) == "calendar.too_large"


@pytest.mark.parametrize("path", ["drips", "dripping_head"])
def test_an_answer_that_drips_is_cut_off(server: str, path: str) -> None:
    assert refused(f"{server}/{path}", allowed=LOOPBACK, seconds=0.4) == "calendar.url_slow"


def test_half_an_answer_is_none(server: str) -> None:
    assert refused(f"{server}/short", allowed=LOOPBACK, seconds=5) == "calendar.url_no_answer"


def test_statuses(server: str) -> None:
    with pytest.raises(CalendarRefused):
        fetch(f"{server}/gone", allowed=LOOPBACK)
    with pytest.raises(CalendarAway):
        fetch(f"{server}/down", allowed=LOOPBACK)


def test_nobody_listens() -> None:
    assert refused("http://127.0.0.1:9/", allowed=LOOPBACK, seconds=2) in (
        "calendar.url_no_answer",
        "calendar.url_slow",
    )


@pytest.mark.parametrize("text", ["1.1.1.1", "2606:4700::1111", "2002:0101:0101::"])
def test_public_addresses(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))
