"""A person's browser without a browser: signed in, filling the forms of pages with their tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
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
