"""./dev look: every page of the map as every person, in both languages, on a desk and on a phone, looked at and judged.

Writes the screenshots and one contact sheet a person to var/look/. A page fails on a server error, an error in the
browser's console, a serious finding of axe, a text without translation, a sideways scroll on the phone, or too many
bytes as sent. The tests call `visit` over the main pages.

The map is docs/map.toml (tools/sights.py).
"""

from __future__ import annotations

import argparse
import fnmatch
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, sync_playwright
from playwright.sync_api import Error as BrowserError

from tools import chromium
from tools.sights import Person, Sight, read_map

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "var" / "look"

LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
SIZES = {"desk": (1440, 900), "phone": (390, 844)}
MOST_BYTES = 300_000

# What we ask of axe: the rules of WCAG 2.2 up to AA, and what hinders a person for sure.
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE_IMPACTS = {"serious", "critical"}


# ---- looking at one page ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """Something wrong with a page."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass
class View:
    """One page as one person saw it once."""

    person: str
    name: str
    language: str
    size: str
    path: str
    sent: int = 0
    findings: list[Finding] = field(default_factory=list)
    picture: Path | None = None

    @property
    def title(self) -> str:
        return f"{self.person} · {self.name} · {self.language} · {self.size}"


class Watch:
    """Listens to a tab: errors, and the bytes that came over the wire."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.findings: list[Finding] = []
        self.sent = 0
        self._asked = 0
        self._open: set[Request] = set()
        page.on("request", self._request)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.findings.append(Finding("script error", str(error))))
        page.on("response", self._response)
        self._wire = page.context.new_cdp_session(page)
        self._wire.send("Network.enable")
        # Every page as on a first visit.
        self._wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
        self._wire.on("Network.loadingFinished", self._finished)

    def reset(self) -> None:
        self.findings, self.sent = [], 0
        self._open.clear()

    def settle(self, seconds: float = 20) -> None:
        """Wait until the page has what it asks for by itself: no request under way, and none begun for a while.

        A timer of the page's own, so that whatever the page was about to do comes before it.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            asked = self._asked
            self.page.evaluate("() => new Promise(done => setTimeout(done, 100))")
            if not self._open and self._asked == asked:
                return
        raise BrowserError(
            f"still asking after {seconds:.0f} s: {', '.join(_path(r.url) for r in self._open)}"
        )

    def _request(self, request: Request) -> None:
        self._asked += 1
        self._open.add(request)

    def _answered(self, request: Request) -> None:
        self._open.discard(request)

    def _console(self, message: Any) -> None:
        # A failed request is told by its own answer, below, with its address.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.findings.append(Finding("console error", message.text))

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.findings.append(Finding("server error", f"{response.status} for {_path(response.url)}"))
        elif response.status >= 400:
            self.findings.append(Finding("not there", f"{response.status} for {_path(response.url)}"))

    def _finished(self, event: dict[str, Any]) -> None:
        self.sent += int(event.get("encodedDataLength", 0))


def look_at(
    page: Page, watch: Watch, address: str, *, phone: bool = False, status: int = 200
) -> list[Finding]:
    """Open an address and say what is wrong with what comes; `status` is what the page itself should answer."""
    watch.reset()
    try:
        response = page.goto(address)
        watch.settle()
    except BrowserError as error:
        return [Finding("does not open", str(error).splitlines()[0])]
    findings = list(dict.fromkeys(watch.findings))
    if response and status >= 400 and response.status == status:
        findings = [found for found in findings if found.text != f"{status} for {_path(response.url)}"]
    elif response and response.status != status and response.status < 400:
        findings.append(Finding("wrong answer", f"{response.status} instead of {status}"))
    untranslated = response.headers.get("x-untranslated") if response else None
    if untranslated and not untranslated.startswith("0"):
        findings.append(Finding("untranslated", untranslated))
    if phone:
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if width > 0:
            findings.append(Finding("sideways scroll", f"{width} px: {page.evaluate(_WIDEST)}"))
    if watch.sent > MOST_BYTES:
        findings.append(Finding("heavy", f"{watch.sent // 1000} KB as sent, {MOST_BYTES // 1000} allowed"))
    findings += [Finding("axe", describe_finding(found)) for found in axe(page)]
    return findings


# The element that sticks out furthest to the right, so that one knows where to begin.
_WIDEST = """() => {
  let worst = null, right = document.documentElement.clientWidth;
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    if (box.right > right + 1 && box.width > 0) { worst = element; right = box.right; }
  }
  if (!worst) return "no element found";
  const name = worst.tagName.toLowerCase() + (worst.id ? "#" + worst.id : "");
  return name + (worst.classList.length ? "." + [...worst.classList].join(".") : "");
}"""


def axe(page: Page) -> list[dict[str, Any]]:
    """What axe finds on the page as it now stands, the serious and the critical."""
    # Not as a script tag: the page's own policy refuses scripts that are not the product's.
    page.evaluate(chromium.axe_source())
    result = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})",
        AXE_TAGS,
    )
    return [found for found in result["violations"] if found["impact"] in AXE_IMPACTS]


def describe_finding(found: dict[str, Any]) -> str:
    """One finding of axe as a line: the rule, what it asks, the first places."""
    places = [" ".join(map(str, node["target"])) for node in found["nodes"]]
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return f"{found['id']} ({found['impact']}): {found['help']} — {'; '.join(places[:3])}{more}"


# ---- looking at all of them ------------------------------------------------------------------------------------


def visit(
    browser: Browser,
    base_url: str,
    person: Person,
    sights: Iterable[Sight],
    *,
    languages: Iterable[str] = LANGUAGES,
    sizes: Iterable[str] = SIZES,
    sign_in: Callable[[Page, Person], None] | None = None,
    pictures: Path | None = None,
    password: str = "",
) -> list[View]:
    """Look at pages as one person, in each language and size; gives back what was seen, findings and all."""
    views = []
    sights = list(sights)
    enter = sign_in or (lambda page, who: sign_in_by_form(page, who, password))
    cookies: Any = None  # who has signed in once stays so
    for language in languages:
        for size in sizes:
            width, height = SIZES[size]
            context = browser.new_context(
                base_url=base_url,
                locale=LANGUAGES[language],
                timezone_id="Asia/Shanghai",
                viewport={"width": width, "height": height},
                is_mobile=size == "phone",
                has_touch=size == "phone",
                reduced_motion="reduce",
                storage_state=cookies,
            )
            context.set_default_timeout(20_000)
            try:
                views += visit_with(
                    context, person, sights, language, size, enter if cookies is None else None, pictures
                )
                cookies = context.storage_state()
            finally:
                context.close()
    return views


def visit_with(
    context: BrowserContext,
    person: Person,
    sights: list[Sight],
    language: str,
    size: str,
    enter: Callable[[Page, Person], None] | None,
    pictures: Path | None,
) -> list[View]:
    page = context.new_page()
    watch = Watch(page)
    if person.sign_in and enter:
        enter(page, person)
    speak(page, language)
    links: list[str] = []
    views = []
    plain = {sight.path for sight in sights if not sight.is_pattern}
    for sight in sights:
        # A page with an entry of its own is not what a shape stands for.
        path = (
            find_link(sight.path, (link for link in links if link not in plain))
            if sight.is_pattern
            else sight.path
        )
        view = View(person.key, sight.name, language, size, path or sight.path)
        views.append(view)
        if path is None:
            view.findings = [Finding("no way there", f"no page seen before links to {sight.path}")]
            continue
        view.findings = look_at(page, watch, path, phone=size == "phone", status=sight.status)
        view.sent = watch.sent
        found = page.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.href)")
        links += [_path(link) for link in found if link not in links]
        if pictures:
            view.picture = pictures / person.key / f"{sight.name}-{language}-{size}.png"
            view.picture.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=view.picture, full_page=True)
    return views


def sign_in_by_form(page: Page, person: Person, password: str) -> None:
    """Sign in as a person does."""
    page.goto("/sign-in")
    page.locator("input[type=email], input[name=email]").first.fill(person.sign_in)
    page.locator("input[type=password]").first.fill(password)
    with page.expect_navigation():
        page.locator("input[type=password]").first.press("Enter")
    if "/sign-in" in page.url:
        raise RuntimeError(f"{person.sign_in} could not sign in")


def speak(page: Page, language: str) -> None:
    """Switch the pages to a language with the switch that they have."""
    page.goto("/")
    if (page.locator("html").get_attribute("lang") or "").startswith(language):
        return
    switch = page.locator(f"[name=language][value={language}], [hreflang^={language}]").first
    with page.expect_navigation():
        # It may lie in a closed menu of the phone's layout.
        switch.evaluate("element => element.click()")
    page.goto("/")
    spoken = page.locator("html").get_attribute("lang") or ""
    if not spoken.startswith(language):
        raise RuntimeError(f"the switch to {language} left the page in {spoken}")


def find_link(pattern: str, links: Iterable[str]) -> str | None:
    """The first link of that shape, else the first one that asks for something more; a * stays inside one part."""
    shape = re.compile("[^/?#]+".join(map(re.escape, pattern.split("*"))))
    links = list(links)
    whole = (link for link in links if shape.fullmatch(link))
    return next(whole, None) or next(
        (link for link in links if shape.fullmatch(link.partition("?")[0])), None
    )


def _path(url: str) -> str:
    return re.sub(r"^https?://[^/]+", "", url) or "/"


# ---- contact sheets --------------------------------------------------------------------------------------------


def contact_sheet(browser: Browser, views: list[View], path: Path, title: str) -> None:
    """All pictures of a person on one page: an HTML file to click through, and a PNG of it."""
    cards = []
    for view in views:
        if view.picture is None:
            continue
        notes = "".join(f"<li>{html.escape(str(finding))}</li>" for finding in view.findings)
        picture = os.path.relpath(view.picture, path.parent)
        cards.append(
            f'<figure class="{view.size} {"bad" if view.findings else ""}"><figcaption>{html.escape(view.name)} · '
            f"{view.language} · {view.sent // 1000} KB</figcaption>"
            f'<a href="{html.escape(picture)}"><img src="{html.escape(picture)}" alt=""></a><ul>{notes}</ul></figure>'
        )
    path.write_text(_SHEET.format(title=html.escape(title), cards="".join(cards)), encoding="utf-8")
    page = browser.new_page(viewport={"width": 2000, "height": 1000})
    page.goto(path.as_uri())
    page.screenshot(path=path.with_suffix(".png"), full_page=True)
    page.close()


_SHEET = """<!doctype html><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.4 sans-serif; margin: 1rem; background: #ddd }}
main {{ display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start }}
figure {{ margin: 0; background: #fff; padding: .5rem; border-top: .3rem solid #393 }}
figure.bad {{ border-color: #c22 }}
img {{ display: block; object-fit: cover; object-position: top; max-height: 620px }}
.desk img, .desk ul {{ width: 620px }} .phone img, .phone ul {{ width: 220px }}
ul {{ margin: .3rem 0 0; padding-left: 1.2rem; color: #a00; overflow-wrap: anywhere }}
</style><h1>{title}</h1><main>{cards}</main>
"""


# ---- the demonstration -----------------------------------------------------------------------------------------


@contextmanager
def demonstration(folder: Path) -> Iterator[tuple[str, str]]:
    """A demonstration of its own, in a folder; gives its address and the password of its accounts."""
    from resource_hub.entrypoints.demo import fill  # only here: the tests bring an application of their own

    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    said = folder / "demonstration.log"
    with open(said, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from resource_hub.entrypoints.cli import main; main()",
             "demo", "run", "--host", "127.0.0.1", "--port", str(port), "--folder", str(folder / "demonstration")],
            cwd=ROOT,
            # Flask's own switch: the pages then count texts without a translation.
            env={**os.environ, "FLASK_DEBUG": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(url, process, said)
        yield url, fill.PASSWORD
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _wait_for(url: str, process: subprocess.Popen[bytes], said: Path, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.3)
    raise SystemExit(f"The demonstration did not start:\n{said.read_text(errors='replace')[-4000:]}")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---- command line ----------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev look", description="Look at every page of the map as every person."
    )
    parser.add_argument("--person", action="append", help="only this person (may be given again)")
    parser.add_argument(
        "--page", action="append", help="only pages of this name or shape (may be given again)"
    )
    parser.add_argument("--language", choices=LANGUAGES, action="append")
    parser.add_argument("--size", choices=SIZES, action="append")
    parser.add_argument("--url", help="look at a demonstration that runs already")
    given = parser.parse_args()

    program = chromium.find()
    if program is None:
        print(chromium.MISSING, file=sys.stderr)
        return 1
    the_map = read_map()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    views: list[View] = []
    with tempfile.TemporaryDirectory(prefix="rh-look-") as name:
        folder = Path(name)
        with _demonstration_or(given.url, folder) as (url, password), sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=program, args=list(chromium.FLAGS), env=dict(chromium.environment(folder))
            )
            for person in the_map.people.values():
                if given.person and person.key not in given.person:
                    continue
                sights = [s for s in the_map.of(person.key) if _asked_for(s, given.page)]
                if not sights:
                    continue
                seen = visit(
                    browser,
                    url,
                    person,
                    sights,
                    languages=given.language or LANGUAGES,
                    sizes=given.size or SIZES,
                    pictures=OUT,
                    password=password,
                )
                contact_sheet(browser, seen, OUT / f"{person.key}.html", person.title)
                bad = sum(bool(view.findings) for view in seen)
                print(f"{person.key}: {len(seen)} views, {bad} with findings", flush=True)
                views += seen
            browser.close()
    return _tell(views)


@contextmanager
def _demonstration_or(url: str | None, folder: Path) -> Iterator[tuple[str, str]]:
    if url:
        from resource_hub.entrypoints.demo import fill

        yield url.rstrip("/"), fill.PASSWORD
        return
    with demonstration(folder) as started:
        yield started


def _asked_for(sight: Sight, wanted: list[str] | None) -> bool:
    # What a page with a pattern is found from must be seen too, so this filter only makes sense for plain paths.
    return not wanted or any(fnmatch.fnmatch(sight.name, shape) for shape in wanted)


def _tell(views: list[View]) -> int:
    (OUT / "findings.json").write_text(
        json.dumps(
            [
                {
                    "view": view.title,
                    "path": view.path,
                    "sent": view.sent,
                    "findings": [str(f) for f in view.findings],
                }
                for view in views
            ],
            ensure_ascii=False,
            indent=1,
        ),
        encoding="utf-8",
    )
    bad = [view for view in views if view.findings]
    for view in bad:
        print(f"\n{view.title}  {view.path}")
        for finding in view.findings:
            print(f"  {finding}")
    print(f"\n{len(views)} views, {len(bad)} with findings; pictures in {OUT.relative_to(ROOT)}/")
    return 1 if bad or not views else 0


if __name__ == "__main__":
    sys.exit(main())
