"""A person's browser without a browser: signed in, filling the forms of pages with their tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from resource_hub.infra.database import db
from tests.builders import accounts as build

Send = Callable[..., TestResponse]


def signed_in(app: Flask, person: Any) -> tuple[FlaskClient, Send]:
    """A client of a person, and ``send(page, action, **fields)``, which takes the tokens of a page and sends a form."""
    client = app.test_client()
    with app.app_context():
        build.sign_in(client, person)
        db.session.remove()

    def send(page: str, action: str, **fields: Any) -> TestResponse:
        text = client.get(page).get_data(as_text=True)
        token = re.search(r'name="csrf_token" value="([^"]+)"', text)
        assert token, text[:500]
        data = {"csrf_token": token[1], **fields}
        seen = re.search(r'name="seen" value="([^"]+)"', text)
        if seen:
            data.setdefault("seen", seen[1])
        return client.post(action, data=data)

    return client, send


class _Fields(HTMLParser):
    """What a browser would send of a form as it stands, buttons aside."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self._action = action
        self._inside = False
        self._select = ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = at.get("action", "").split("#")[0] == self._action
        if not self._inside:
            return
        if tag == "input" and (at.get("type") not in ("checkbox", "radio") or "checked" in at):
            self._add(at.get("name", ""), at.get("value", ""))
        elif tag == "select":
            self._select = at.get("name", "")
        elif tag == "option" and self._select:
            if "selected" in at or self._select not in self.found:
                self.found[self._select] = [at.get("value", "")]
        elif tag == "textarea":
            self._area = at.get("name", "")
            self._add(self._area, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._inside and self._area:
            self.found[self._area][-1] += data

    def _add(self, name: str, value: str) -> None:
        if name:
            self.found.setdefault(name, []).append(value)


def fields_of(text: str, action: str) -> dict[str, Any]:
    """The fields of the form of a page that goes to ``action``, as a browser would send them."""
    parser = _Fields(action)
    parser.feed(text)
    return {name: values[0] if len(values) == 1 else values for name, values in parser.found.items()}
