"""A person with a browser without scripts: pages are fetched, forms are sent as the page gave them."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar


@dataclass
class SentForm:
    """A form as it would be sent if nobody touched it."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[SentForm] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = True
            self.found.append(SentForm(given.get("action", "")))
        elif tag == "input" and self._inside and "name" in given:
            chosen = given.get("type") not in ("checkbox", "radio") or "checked" in given
            if chosen and given.get("type") != "submit":
                self.found[-1].fields.append((given["name"], given.get("value", "on")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


@dataclass(frozen=True)
class Page:
    status: int
    path: str
    text: str

    def form(self, action: str) -> SentForm:
        """The first form whose action ends so."""
        parser = _Forms()
        parser.feed(self.text)
        for found in parser.found:
            if found.action.partition("?")[0].endswith(action):
                return found
        raise AssertionError(
            f"{self.path} has no form for {action}: {[found.action for found in parser.found]}"
        )


class Visitor:
    """One browser: its cookies, and what it asks of a server."""

    def __init__(self, url: str, timeout: float = 30) -> None:
        self.url, self._timeout = url, timeout
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> Page:
        return self._ask(path, None)

    def send(self, form: SentForm, **changes: str) -> Page:
        """Send a form, with some fields filled in."""
        fields = [(name, value) for name, value in form.fields if name not in changes]
        return self._ask(form.action, urllib.parse.urlencode([*fields, *changes.items()]).encode())

    def sign_in(self, email: str, password: str) -> Page:
        page = self.send(self.get("/sign-in").form("/sign-in"), email=email, password=password)
        assert page.status == 200, page.text
        assert not page.path.startswith("/sign-in"), f"{email} could not sign in"
        return page

    def _ask(self, path: str, body: bytes | None) -> Page:
        try:
            answer = self._opener.open(urllib.parse.urljoin(self.url, path), body, timeout=self._timeout)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            where = urllib.parse.urlsplit(answer.url)
            text = answer.read().decode("utf-8", "replace")
            return Page(answer.status, where.path + (f"?{where.query}" if where.query else ""), text)
