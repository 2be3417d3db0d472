"""The blueprint of the pages that belong to one person, and what its files share."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, request, session
from flask_login import login_user, logout_user

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.terms import PersonRecord
from resource_hub.entrypoints.support import guards

blueprint = Blueprint("accounts", __name__)

# How often one browser address may try what could be used to guess or to flood; per process.
GUESSING = "20/minute;200/hour"
SENDING = "10/minute;60/hour"


def sign_in_session(person: PersonRecord) -> None:
    """Start a fresh browser session for a person; nothing of an earlier one stays but the language."""
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    session.permanent = True
    login_user(guards.SignedIn(person, service.session_key(person)))


def sign_out_session() -> None:
    language = session.get("language")
    logout_user()
    session.clear()
    if language:
        session["language"] = language


def me() -> PersonRecord:
    """The signed-in person; only in views that ask for one."""
    found: Any = guards.person()
    assert found is not None
    return found


def next_page(default: str) -> str:
    return guards.safe_next(request.values.get("next")) or default


def demonstration() -> bool:
    return bool(current_app.extensions.get("resource_hub_demonstration"))
