"""The frame: language, form tokens, headers, error answers, forms sent twice."""

from __future__ import annotations

import io
import re
import threading

import pytest
from flask import Blueprint, redirect, request

from resource_hub.entrypoints.support import forms, protection
from resource_hub.entrypoints.support.guards import PUBLIC, allows
from resource_hub.kernel.errors import Busy, Conflict, Forbidden, Invalid, NotFound, Reason, Refused, Stale
from tests.builders.accounts import make_person, sign_in
from tests.support.application import application

pytestmark = pytest.mark.any_engine

FAMILIES = {
    "notfound": (NotFound, 404),
    "forbidden": (Forbidden, 403),
    "invalid": (Invalid, 422),
    "refused": (Refused, 409),
    "conflict": (Conflict, 409),
    "stale": (Stale, 412),
    "busy": (Busy, 503),
}


@pytest.fixture
def guarded(database, tmp_path):
    """The application as people meet it: form tokens and rate limits on, with a few routes that go wrong."""
    extra = {"WTF_CSRF_ENABLED": True, "PROPAGATE_EXCEPTIONS": False}
    with application(database, tmp_path, extra=extra) as app:
        trial = Blueprint("trial", __name__)
        app.extensions["sent"] = sent = []

        @trial.get("/trial/<family>")
        @trial.get("/api/v1/trial/<family>")
        @allows(PUBLIC)
        def fail(family):
            if family == "crash":
                raise RuntimeError("secret detail")
            raise FAMILIES[family][0](
                Reason("form.above", {"limit": 8}, "count"), Reason("form.required", {}, "name")
            )

        @trial.route("/trial/send", methods=["POST"])
        @allows(PUBLIC)
        @forms.once
        def send():
            sent.append(request.form["_once"])
            if request.form.get("wrong"):
                return "again", 422
            return redirect(f"/made/{len(sent)}", 303)

        app.register_blueprint(trial)
        yield app


def form_token(client) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', client.get("/").get_data(as_text=True))[1]


def test_pages_carry_the_headers_that_protect(client):
    headers = client.get("/").headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=Lax" in headers["Set-Cookie"]


def test_no_page_has_inline_script(client):
    html = client.get("/patterns").get_data(as_text=True)
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", html)
    assert not re.search(r"\son[a-z]+=", html)
    assert "<style" not in html


def test_the_first_page_asks_for_no_account(client):
    answer = client.get("/")
    assert answer.status_code == 200
    html = answer.get_data(as_text=True)
    assert 'lang="zh-CN"' in html
    assert 'type="search"' in html
    assert "X-Untranslated" not in answer.headers, answer.headers.get("X-Untranslated")


def test_the_language_stays_switched(client):
    client.post("/language", data={"language": "en", "next": "/patterns"})
    html = client.get("/", headers={"Accept-Language": "zh-CN"}).get_data(as_text=True)
    assert 'lang="en"' in html
    assert client.post("/language", data={"language": "xx"}).status_code == 400
    away = client.post("/language", data={"language": "zh", "next": "//evil.example/"})
    assert away.location == "/"


def test_a_post_without_the_token_changes_nothing(guarded):
    client = guarded.test_client()
    answer = client.post("/language", data={"language": "en"})
    assert answer.status_code == 400
    assert 'lang="zh-CN"' in client.get("/").get_data(as_text=True)
    token = form_token(client)
    assert client.post("/language", data={"language": "en", "csrf_token": token}).status_code == 303


@pytest.mark.parametrize("family", FAMILIES)
def test_families_have_their_status_and_all_reasons_on_the_api(guarded, family):
    answer = guarded.test_client().get(f"/api/v1/trial/{family}", headers={"Accept-Language": "en"})
    assert answer.status_code == FAMILIES[family][1]
    assert answer.mimetype == "application/problem+json"
    assert [r["detail"] for r in answer.json["reasons"]] == ["At most 8.", "This is needed."]
    assert [r["place"] for r in answer.json["reasons"]] == ["count", "name"]
    assert re.fullmatch(r"[2-9A-Z]{4}-[2-9A-Z]{4}", answer.json["reference"])
    assert ("Retry-After" in answer.headers) == (family == "busy")


@pytest.mark.parametrize("family", FAMILIES)
def test_people_get_a_page_with_a_number_to_quote(guarded, family):
    answer = guarded.test_client().get(f"/trial/{family}", headers={"Accept-Language": "en", "Accept": "*/*"})
    assert answer.status_code == FAMILIES[family][1]
    assert answer.mimetype == "text/html"
    html = answer.get_data(as_text=True)
    assert re.search(r"Number to quote: [2-9A-Z]{4}-[2-9A-Z]{4}", html)
    assert ("At most 8." in html) == (family != "notfound")  # what is not there gives nothing away


def test_a_crash_tells_nothing_but_the_number(guarded):
    for path in ("/trial/crash", "/api/v1/trial/crash"):
        answer = guarded.test_client().get(path)
        assert answer.status_code == 500
        assert "secret detail" not in answer.get_data(as_text=True)


def test_http_errors_keep_the_headers_that_clients_need(client):
    answer = client.post("/api/v1/openapi.json")
    assert answer.status_code == 405
    assert answer.mimetype == "application/problem+json"
    assert "GET" in answer.headers["Allow"]
    assert client.post("/healthz").mimetype == "text/html"
    assert client.get("/nowhere", headers={"Accept": "application/json"}).mimetype == "text/html"
    assert client.get("/api/nowhere", headers={"Accept": "text/html"}).mimetype == "application/problem+json"


def test_the_api_description_is_openapi_3_1(client):
    spec = client.get("/api/v1/openapi.json").json
    assert spec["openapi"].startswith("3.1")
    assert spec["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_a_form_sent_twice_counts_once(guarded):
    client = guarded.test_client()
    token = form_token(client)
    first = client.post("/trial/send", data={"csrf_token": token, "_once": "abc"})
    second = client.post("/trial/send", data={"csrf_token": token, "_once": "abc"})
    other = client.post("/trial/send", data={"csrf_token": token, "_once": "def"})
    assert first.location == second.location == "/made/1"
    assert other.location == "/made/2"
    assert guarded.extensions["sent"] == ["abc", "def"]


def test_other_content_under_the_same_token_is_another_request(guarded):
    client = guarded.test_client()
    token = form_token(client)

    def send(text, *files):
        data = {"csrf_token": token, "_once": "abc", "text": text}
        data["file"] = [(io.BytesIO(content), name) for name, content in files]
        return client.post("/trial/send", data=data, content_type="multipart/form-data").location

    assert [send("first"), send("second"), send("first")] == ["/made/1", "/made/2", "/made/1"]
    assert send("first", ("a.txt", b"one")) == "/made/3"
    assert send("first", ("a.txt", b"two")) == "/made/4"
    assert send("first", ("a.txt", b"one")) == "/made/3"


def test_a_form_that_was_refused_can_be_sent_again(guarded):
    client = guarded.test_client()
    token = form_token(client)
    assert (
        client.post("/trial/send", data={"csrf_token": token, "_once": "x", "wrong": "1"}).status_code == 422
    )
    assert client.post("/trial/send", data={"csrf_token": token, "_once": "x"}).status_code == 303


def test_two_clicks_at_the_same_moment_count_once(guarded):
    clients = [guarded.test_client() for _ in range(4)]
    tokens = [form_token(client) for client in clients]
    answers = []

    def click(client, token):
        answers.append(client.post("/trial/send", data={"csrf_token": token, "_once": "same"}).location)

    threads = [threading.Thread(target=click, args=pair) for pair in zip(clients, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["/made/1"] * 4
    assert len(guarded.extensions["sent"]) == 1


def test_the_demonstration_bar_is_not_for_real_databases(client):
    assert client.post("/demo/advance", data={"to": "day"}).status_code == 404
    assert "demo/advance" not in client.get("/").get_data(as_text=True)


def test_health(client):
    assert client.get("/healthz").json == {"status": "up"}


def test_too_many_tries_are_told_so(database, tmp_path):
    extra = {"RATELIMIT_ENABLED": True}
    with application(database, tmp_path, extra=extra) as app:
        trial = Blueprint("trial", __name__)

        @trial.get("/api/v1/often")
        @allows(PUBLIC)
        @protection.limiter.limit("2/minute")
        def often():
            return "ok"

        app.register_blueprint(trial)
        client = app.test_client()
        statuses = [client.get("/api/v1/often").status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert "Retry-After" in client.get("/api/v1/often").headers
    protection.limiter.enabled = False


def test_static_files_are_sent_small_and_kept(client):
    link = re.search(r'href="(/static/css/app.css[^"]*)"', client.get("/").get_data(as_text=True))[1]
    answer = client.get(link, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < 15_000
    assert "immutable" in answer.headers["Cache-Control"]
    assert b"--accent" in client.get(link, headers={"Accept-Encoding": "identity"}).data
    again = client.get(link, headers={"Accept-Encoding": "gzip", "If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert client.get("/static/../config.py").status_code == 404
    assert client.get("/static/vendor/../../config.py").status_code == 404


@pytest.mark.parametrize("signed_in", [False, True])
def test_static_files_do_not_vary_by_the_reader_and_pages_do(guarded, signed_in):
    client = guarded.test_client()
    if signed_in:
        with guarded.app_context():
            sign_in(client, make_person())
    page = client.get("/")
    assert "Cookie" in page.vary
    assert ("/me" in page.text) is signed_in
    link = re.search(r'href="(/static/css/app.css[^"]*)"', page.text)[1]
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        first = client.get(link, headers=headers)
        again = client.get(link, headers={**headers, "If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code) == (200, 304)
        for answer in (first, again):
            assert "Cookie" not in answer.vary and "Accept-Encoding" in answer.vary
            assert "Set-Cookie" not in answer.headers
    missing = client.get("/static/css/none.css")
    assert missing.status_code == 404 and "Set-Cookie" not in missing.headers
    # Whoever was signed in is it still.
    assert ("/me" in client.get("/").text) is signed_in
