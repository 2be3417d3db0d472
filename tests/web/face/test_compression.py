"""What is sent small, and what is sent as it is."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from flask import Flask, Response
from flask_wtf.csrf import generate_csrf
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.entrypoints.support import compression
from resource_hub.entrypoints.support.guards import PUBLIC, allows

GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def small_app() -> Flask:
    """A bare application with the hook and the check of form tokens, and answers of every sort."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="x", TESTING=True, WTF_CSRF_ENABLED=True)
    compression.install(app)
    protect = compression.MaskedProtect()
    protect.init_app(app)

    def views(**bodies: Any) -> None:
        for name, view in bodies.items():
            app.add_url_rule(
                f"/{name}", name, allows(PUBLIC)(view), methods=["GET", "POST"] if name == "post" else None
            )

    views(
        page=lambda: "<p>" + "words " * 1000 + compression.masked_token(),
        bare=lambda: "words " * 1000 + generate_csrf(),
        short=lambda: "short",
        streamed=lambda: Response((c * 1000 for c in "ab"), mimetype="text/csv"),
        picture=lambda: Response(b"x" * 5000, mimetype="image/png"),
        json=lambda: {"rows": ["row"] * 1000},
        marked=lambda: _marked(),
        post=lambda: "done",
    )
    return app


def _marked() -> Response:
    from flask import request

    response = Response("event\r\n" * 500, mimetype="text/calendar")
    response.add_etag()
    return response.make_conditional(request)


def test_pages_are_small_and_their_length_says_nothing(small_app: Flask) -> None:
    client = small_app.test_client()
    answers = [client.get("/page", headers=GZIP) for _ in range(40)]
    for answer in answers:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert int(answer.headers["Content-Length"]) == len(answer.data) < 1000
        assert gzip.decompress(answer.data).startswith(b"<p>words")
    assert len({len(a.data) for a in answers}) > 10
    assert len({re.search(rb"m~[\w-]+", gzip.decompress(a.data))[0] for a in answers}) == 40  # type: ignore[index]


def test_who_cannot_read_it_gets_it_plain(small_app: Flask) -> None:
    for headers in ({}, {"Accept-Encoding": "br"}, {"Accept-Encoding": "gzip;q=0"}):
        answer = small_app.test_client().get("/page", headers=headers)
        assert "Content-Encoding" not in answer.headers
        assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("path", ["bare", "short", "streamed", "picture"])
def test_left_as_it_is(small_app: Flask, path: str) -> None:
    assert "Content-Encoding" not in small_app.test_client().get(f"/{path}", headers=GZIP).headers


def test_json(small_app: Flask) -> None:
    answer = small_app.test_client().get("/json", headers=GZIP)
    assert answer.headers["Content-Encoding"] == "gzip" and len(answer.data) < 300


def test_unchanged_is_still_known(small_app: Flask) -> None:
    client = small_app.test_client()
    first = client.get("/marked", headers=GZIP)
    assert first.headers["Content-Encoding"] == "gzip" and first.headers["ETag"].startswith('W/"')
    again = client.get("/marked", headers={**GZIP, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_masked_token_is_taken_and_a_broken_one_refused(small_app: Flask) -> None:
    client = small_app.test_client()
    token = re.search(r"m~[\w-]+", client.get("/page").text)[0]  # type: ignore[index]
    bare = client.get("/bare").text.rpartition(" ")[2]
    assert client.post("/post", data={"csrf_token": token}).status_code == 200
    assert client.post("/post", headers={"X-CSRFToken": token}).status_code == 200
    assert client.post("/post", data={"csrf_token": bare}).status_code == 200
    for broken in (
        "",
        "m~",
        "m~!!",
        "m~é",
        token[:-4],
        # Not the last sign: some of its bits say nothing.
        token[:-6] + ("A" if token[-6] != "A" else "Q") + token[-5:],
        "m~" + "AAAA" * 9,
    ):
        assert client.post("/post", data={"csrf_token": broken}).status_code == 400, broken
    assert small_app.test_client().post("/post", data={"csrf_token": token}).status_code == 400


@given(st.text())
def test_no_text_breaks_the_unmasking(text: str) -> None:
    compression.unmasked("m~" + text)


def test_a_static_file_that_is_not_there_is_no_page(client):
    answer = client.get("/static/nope.css")
    assert (answer.status_code, answer.text, answer.headers["Cache-Control"]) == (404, "", "no-store")
