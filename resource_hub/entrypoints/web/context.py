"""What the frame of every page shows: organisations, entries, inbox, the demonstration's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from flask import Flask, Response, current_app, g, request, url_for

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service as booking
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.notices import service as notices
from resource_hub.domain.pricing import service as pricing
from resource_hub.entrypoints.support import formatting, guards, words
from resource_hub.entrypoints.support.text import translate
from resource_hub.entrypoints.web import nav
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError

# The cookie that remembers for which organisation a person worked last.
LAST = "organisation"


# What waits behind an entry: shown as a number beside it.
WAITING: dict[str, Callable[[Any], int]] = {
    "requests.index": booking.requests_waiting,
    "approvals.index": lambda actor: (
        catalogue.pending_count(actor.organisation_id) + pricing.tariffs_waiting_count(actor.organisation_id)
    ),
}


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
    person = guards.person()
    seats = accounts.seats(person.id) if person is not None else []
    actor = g.get("actor") or _last_actor(person, seats)
    code = actor.organisation_code if actor is not None else None
    shell.everybody = list(nav.shown(nav.EVERYBODY))
    shell.foot = list(nav.shown(nav.FOOT))
    if person is None:
        shell.foot = list(nav.shown(nav.FOOT_OF_VISITORS)) + shell.foot
        if nav.SIGN_IN in current_app.view_functions and request.endpoint != nav.SIGN_IN:
            back = request.full_path.rstrip("?") if request.method == "GET" and request.endpoint else None
            shell.sign_in = url_for(nav.SIGN_IN, next=None if back in (None, "/") else back)
    else:
        _signed_in(shell, person, seats, actor, code)
    if current_app.extensions.get("resource_hub_demonstration"):
        shell.foot += nav.shown(nav.FOOT_OF_DEMONSTRATION)
        shell.demo = SimpleNamespace(now=clock.now(), booking=person is not None)
    return shell


def _last_actor(person: Any, seats: list[Any]) -> Any:
    """On public pages the frame stays that of the organisation used last; rights never come from it."""
    if not seats:
        return None
    codes = [seat.organisation.code for seat in seats]
    last = request.cookies.get(LAST, "")
    try:
        return accounts.actor(person.id, last if last in codes else codes[0])
    except DomainError:
        return None


def _signed_in(shell: Shell, person: Any, seats: list[Any], actor: Any, code: str | None) -> None:
    shell.personal = list(nav.shown(nav.PERSONAL, code))
    if nav.SIGN_OUT in current_app.view_functions:
        shell.sign_out = url_for(nav.SIGN_OUT)
    inbox = list(nav.shown((nav.INBOX,)))
    for entry in inbox:
        entry["count"] = notices.unread_count(person.id)
    shell.everybody += inbox
    for seat in seats:
        row = {
            "code": seat.organisation.code,
            "name": formatting.named(seat.organisation),
            "roles": [words.word("accounts.role", role) for role in sorted(seat.roles)],
        }
        shell.organisations.append(row)
        if actor is not None and seat.organisation.id == actor.organisation_id:
            shell.organisation = row
            if g.get("actor") is not None:
                g.setdefault("zone", seat.organisation.zone)
    if actor is None:
        return
    hat = nav.hat_now(actor)
    if hat is None:
        return
    shell.hat = translate(hat.label)
    shell.entries = list(nav.shown(hat.entries, code, actor))
    for entry in shell.entries:
        waits = WAITING.get(entry["endpoint"])
        entry["count"] = waits(actor) if waits else 0
    for other in nav.hats_of(actor):
        first = next(iter(nav.shown(other.entries, code, actor)), None)
        if other is not hat and first is not None:
            shell.hats.append({"label": translate(other.label), "href": first["href"]})


def remember(response: Response) -> Response:
    """Keep the organisation of the page for the next visit."""
    actor = g.get("actor")
    if (
        actor is not None
        and not guards.is_api(request.path)
        and response.status_code < 400
        and request.cookies.get(LAST) != actor.organisation_code
    ):
        response.set_cookie(
            LAST,
            actor.organisation_code,
            max_age=31_536_000,
            httponly=True,
            samesite="Lax",
            secure=bool(current_app.config.get("SESSION_COOKIE_SECURE")),
        )
    return response


def install(app: Flask) -> None:
    app.after_request(remember)

    @app.context_processor
    def frame() -> dict[str, Any]:
        if "shell" not in g:
            g.shell = make()
        return {"shell": g.shell}
