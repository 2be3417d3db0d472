"""Ratings on the page of an order, and what everybody reads of them on the page of a resource."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, g
from flask_babel import gettext as _

from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.ratings import ASPECTS, LEAST, MOST
from resource_hub.domain.booking.telling_ratings import ASKED
from resource_hub.domain.booking.terms import Side
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.notices import service as notices
from resource_hub.domain.notices.terms import usual
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.web.booking.blueprints import bookings
from resource_hub.entrypoints.web.booking.detail import back_to, key_of, refused, show_page
from resource_hub.entrypoints.web.catalogue import hooks
from resource_hub.kernel.errors import DomainError, NotFound


def asks_to_rate(side: Side) -> bool:
    """Whether the reader wants to be asked after a use; the choice is that of the notice."""
    kind = ASKED[side]
    return (notices.preferences(g.actor.person_id).get(kind) or usual(kind)).inbox


_ONE = "/o/<organisation>/bookings/<host>/<uuid:booking_id>/rating"


def _shown(record: ResourceRecord) -> dict[str, Any]:
    return {"public_ratings": service.public_ratings(record.key)}


hooks.resource_context.append(_shown)


@bookings.post(_ONE)
@allows(MEMBER)
@once
def rated(organisation: str, host: str, booking_id: UUID) -> Any:
    """Give a rating, or say it otherwise while it is blind."""
    key, form = key_of(host, booking_id), Form.sent()
    _record, side = service.booking_for(key, g.actor)
    stars = form.whole("stars", required=True, least=LEAST, most=MOST)
    aspects = _aspects(form, side)
    words = form.text("words", longest=2000) or ""
    if not form.ok or stars is None:
        return show_page(organisation, key, form)
    try:
        service.rate(key, stars, aspects=aspects, words=words, by=g.actor, version=form.version())
    except DomainError as error:
        return refused(organisation, key, error)
    flash(_("Noted. It is shown once both have rated, or when the two weeks are over."), "good")
    return back_to(organisation, host, booking_id, "#ratings")


def _aspects(form: Form, side: Side) -> dict[str, int]:
    """What was said of single things; what was left blank is not said."""
    given = {name: form.whole(f"aspects.{name}", least=LEAST, most=MOST) for name in ASPECTS[side]}
    return {name: value for name, value in given.items() if value is not None}


@bookings.post(f"{_ONE}/answer")
@allows(MEMBER)
@once
def rating_answered(organisation: str, host: str, booking_id: UUID) -> Any:
    """The host's answer, for everybody to read."""
    key, form = key_of(host, booking_id), Form.sent()
    try:
        service.answer_rating(key, form.text("answer", longest=1000) or "", by=g.actor)
    except NotFound:
        raise
    except DomainError as error:
        return refused(organisation, key, error)
    flash(_("Your answer stands beside the rating now."), "good")
    return back_to(organisation, host, booking_id, "#ratings")


@bookings.post(f"{_ONE}/report")
@allows(MEMBER)
@once
def rating_reported(organisation: str, host: str, booking_id: UUID) -> Any:
    """Report what the other side said to the platform."""
    key, form = key_of(host, booking_id), Form.sent()
    try:
        service.report_rating(key, form.text("report", longest=1000) or "", by=g.actor)
    except NotFound:
        raise
    except DomainError as error:
        return refused(organisation, key, error)
    flash(_("Reported; the platform looks at it, and you are told."), "good")
    return back_to(organisation, host, booking_id, "#ratings")
