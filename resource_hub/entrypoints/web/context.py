"""What the frame of every page shows: organisations, entries, inbox, the demonstration's clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from flask import Flask, current_app, g, request, url_for

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.notices import service as notices
from resource_hub.entrypoints.support import formatting, guards, words
from resource_hub.entrypoints.support.text import translate
from resource_hub.entrypoints.web import nav
from resource_hub.infra import clock


@dataclass(slots=True)
class Shell:
    """Facts for ``templates/base.html``."""

    organisation: Any = None
    organisations: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    everybody: list[dict[str, Any]] = field(default_factory=list)
    personal: list[dict[str, Any]] = field(default_factory=list)
    foot: list[dict[str, Any]] = field(default_factory=list)
    hats: list[dict[str, Any]] = field(default_factory=list)
    hat: str = ""
    sign_in: str | None = None
    sign_out: str | None = None
    demo: Any = None


def make() -> Shell:
    """The frame for this request; read once, when a page is rendered."""
    shell = Shell()
    actor = g.get("actor")
    person = guards.person()
    code = actor.organisation_code if actor is not None else None
    shell.everybody = list(nav.shown(nav.EVERYBODY))
    shell.foot = list(nav.shown(nav.FOOT))
    if person is None:
        shell.foot = list(nav.shown(nav.FOOT_OF_VISITORS)) + shell.foot
        if nav.SIGN_IN in current_app.view_functions and request.endpoint != nav.SIGN_IN:
            back = request.full_path.rstrip("?") if request.method == "GET" and request.endpoint else None
            shell.sign_in = url_for(nav.SIGN_IN, next=None if back in (None, "/") else back)
    else:
        _signed_in(shell, person, actor, code)
    if current_app.extensions.get("resource_hub_demonstration"):
        shell.foot += nav.shown(nav.FOOT_OF_DEMONSTRATION)
        shell.demo = SimpleNamespace(now=clock.now(), booking=person is not None)
    return shell


def _signed_in(shell: Shell, person: Any, actor: Any, code: str | None) -> None:
    shell.personal = list(nav.shown(nav.PERSONAL, code))
    if nav.SIGN_OUT in current_app.view_functions:
        shell.sign_out = url_for(nav.SIGN_OUT)
    inbox = list(nav.shown((nav.INBOX,)))
    for entry in inbox:
        entry["count"] = notices.unread_count(person.id)
    shell.everybody += inbox
    for seat in accounts.seats(person.id):
        row = {
            "code": seat.organisation.code,
            "name": formatting.named(seat.organisation),
            "roles": [words.word("accounts.role", role) for role in sorted(seat.roles)],
        }
        shell.organisations.append(row)
        if actor is not None and seat.organisation.id == actor.organisation_id:
            shell.organisation = row
            g.setdefault("zone", seat.organisation.zone)
    if actor is None:
        return
    hat = nav.hat_now(actor)
    if hat is None:
        return
    shell.hat = translate(hat.label)
    shell.entries = list(nav.shown(hat.entries, code))
    for other in nav.hats_of(actor):
        first = next(iter(nav.shown(other.entries, code)), None)
        if other is not hat and first is not None:
            shell.hats.append({"label": translate(other.label), "href": first["href"]})


def install(app: Flask) -> None:
    @app.context_processor
    def frame() -> dict[str, Any]:
        if "shell" not in g:
            g.shell = make()
        return {"shell": g.shell}
