"""Calendar feeds: addresses that calendar programs ask every few minutes, without a sign-in.

Whoever has the address sees what it shows, so each is a secret of one person, can be revoked, and shows no names.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, Response, abort, request
from flask_babel import force_locale

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.feeds import FeedKind, FeedRecord, feed_behind
from resource_hub.entrypoints.feeds import showing
from resource_hub.entrypoints.support import guards
from resource_hub.entrypoints.support.guards import PUBLIC, SIGNED_IN, allows
from resource_hub.entrypoints.support.protection import limiter
from resource_hub.kernel.keys import HostKey

blueprint = Blueprint("feeds", __name__)

# Programs ask a few times an hour. The limit is per address, and a campus may stand behind one.
ASKING = "120/minute"
KEPT_SECONDS = 300


@blueprint.get("/feeds/<any(resource, unit, person, customer, laboratory):kind>/<secret>.ics")
@allows(PUBLIC)
@limiter.limit(ASKING)
def feed(kind: str, secret: str) -> Response:
    """A calendar by its secret address. What is unknown, revoked or no longer allowed looks the same: 404."""
    return _shown(kind, secret, showing.feed, "calendar.ics")


@blueprint.get("/feeds/<any(resource, unit, person, customer, laboratory):kind>/<secret>.ifb")
@allows(PUBLIC)
@limiter.limit(ASKING)
def busy(kind: str, secret: str) -> Response:
    """The same address asked for free and busy time only."""
    return _shown(kind, secret, showing.free_busy, "busy.ifb")


def _shown(kind: str, secret: str, show: Callable[[FeedRecord], str | None], name: str) -> Response:
    found = feed_behind(kind, secret)
    if found is None:
        abort(404)
    with force_locale(accounts.person(found.person_id).language):
        shown = show(found)
    if shown is None:
        abort(404)
    return _answer(shown, name)


@blueprint.get("/hosts/<host>/bookings/<uuid:booking_id>.ics")
@allows(SIGNED_IN)
def booking(host: str, booking_id: UUID) -> Response:
    """One booking, to be opened in a calendar program: for its customer's people and the host's."""
    key = HostKey(accounts.organisation(host).id, booking_id)
    person = guards.person()
    shown = showing.booking(key, person.id) if person is not None else None
    if shown is None:
        abort(404)
    return _answer(shown, "booking.ics")


def _answer(text: str, name: str) -> Response:
    response = Response(text, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Cache-Control"] = f"private, max-age={KEPT_SECONDS}"
    # Search engines and link previews have no business with a secret address.
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.add_etag()
    response.make_conditional(request)
    return response


__all__ = ["FeedKind", "blueprint"]
