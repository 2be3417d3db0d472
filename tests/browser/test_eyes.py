"""The eyes themselves: a page with a planted fault must be found wanting, or a clean look would mean nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests.support.server import LiveServer
from tools import look, sights

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="zh-CN"><head><title>页</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"></head>
<body><main><h1>仪器</h1>{}</main></body></html>"""

FAULTS = {
    "server error": '<img src="/broken" alt="">',
    "not there": '<script src="/missing"></script>',
    "console error": '<script src="/shout"></script>',
    "script error": '<script src="/throw"></script>',
    "untranslated": "",
    "sideways scroll": '<div class="wide" style="width:500px">宽</div>',
    "axe": "<button></button>",
    "heavy": '<script src="/big"></script>',
}
# Asked for after the page is there, and after the answer to what it asked for first.
LATE = "<script>onload = () => setTimeout(() => fetch('/slow').then(() => fetch('/broken')), 50)</script>"


@pytest.fixture(scope="module")
def faulty() -> Iterator[LiveServer]:
    app = Flask("faulty")
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/")
    def landing() -> str:
        return PAGE.format("")

    @app.get("/<kind>.html")
    def page(kind: str) -> tuple[str, dict[str, str]]:
        headers = {"X-Untranslated": "1; Save"} if kind == "untranslated" else {}
        return PAGE.format(LATE if kind == "late" else FAULTS.get(kind.replace("-", " "), "")), headers

    @app.get("/slow")
    def slow() -> str:
        time.sleep(0.3)
        return ""

    @app.get("/<script>")
    def script(script: str) -> tuple[str, int, dict[str, str]]:
        text = {"shout": "console.error('no')", "throw": "throw new Error('no')", "big": " " * 400_000}
        status = 500 if script == "broken" else 200 if script in text else 404
        return text.get(script, ""), status, {"Content-Type": "text/javascript"}

    with LiveServer(app) as server:
        yield server


def _look(browser: Browser, url: str) -> list[look.Finding]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True)
    page = context.new_page()
    try:
        return look.look_at(page, look.Watch(page), url, phone=True)
    finally:
        context.close()


@pytest.mark.parametrize("kind", FAULTS)
def test_a_planted_fault_is_found(browser: Browser, faulty: LiveServer, kind: str) -> None:
    findings = _look(browser, f"{faulty.url}/{kind.replace(' ', '-')}.html")
    assert [finding.kind for finding in findings] == [kind]


def test_what_a_page_asks_for_by_itself_is_waited_for(browser: Browser, faulty: LiveServer) -> None:
    assert [finding.kind for finding in _look(browser, f"{faulty.url}/late.html")] == ["server error"]


def test_a_good_page_is_left_alone(browser: Browser, faulty: LiveServer) -> None:
    assert _look(browser, f"{faulty.url}/good.html") == []


def test_chinese_is_drawn_as_letters_and_not_as_boxes(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 60, "height": 60})
    pictures = set()
    for letter in "镜谱镓一":
        page.set_content(f'<body style="font-size:40px;margin:0">{letter}')
        pictures.add(page.screenshot())
    page.close()
    assert len(pictures) == 4  # boxes would all be alike


def test_a_contact_sheet_shows_every_view(browser: Browser, faulty: LiveServer, tmp_path: Path) -> None:
    seen = [sights.Sight("visitor", "/good.html", "good"), sights.Sight("visitor", "/axe.html", "bad")]
    visitor = sights.Person("visitor", "A visitor")
    context = browser.new_context(base_url=faulty.url)
    views = look.visit_with(context, visitor, seen, "zh", "desk", lambda page, person: None, tmp_path)
    context.close()
    look.contact_sheet(browser, views, tmp_path / "visitor.html", "A visitor")
    assert (tmp_path / "visitor.png").stat().st_size > 1000
    assert [bool(view.findings) for view in views] == [False, True]
