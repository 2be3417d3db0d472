"""Pages that belong to nobody in particular: the first page, home, language, demonstration time, health."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service as booking
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceKind
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.entrypoints.support import formatting, guards, language, sentences
from resource_hub.entrypoints.support.guards import MEMBER, PUBLIC, SIGNED_IN, allows
from resource_hub.entrypoints.support.protection import limiter
from resource_hub.entrypoints.web import nav
from resource_hub.entrypoints.web.context import LAST
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import instant, midnight
from resource_hub.kernel.time import zone as zone_of

blueprint = Blueprint("shell", __name__)


@blueprint.get("/")
@allows(PUBLIC)
def landing() -> str:
    """One search field over everything, what is free soon, which support exists. No account is asked for."""
    everything = catalogue.search(catalogue.Query(limit=1))
    return render_template(
        "shell/landing.html",
        kinds=everything.facets.get("kind", ()),
        free=_free_this_week(),
        soon=clock.now() + timedelta(minutes=5),
        support=_support(),
    )


def _free_this_week() -> list[Any]:
    """The instruments open to everybody whose first free time comes soonest, one of each host before a second one."""
    found = catalogue.search(
        catalogue.Query(
            kinds=(ResourceKind.INSTRUMENT, ResourceKind.FACILITY),
            open_to_outside=True,
            order="newest",
            limit=60,
        )
    )
    until = clock.now() + timedelta(days=7)
    soon = sorted(
        (hit for hit in found.hits if hit.next_free is not None and hit.next_free < until),
        key=lambda hit: (hit.next_free, hit.resource.code),
    )
    met: Counter[str] = Counter()
    ranked = []
    for hit in soon:
        ranked.append((met[hit.host.code], hit.next_free, hit.resource.code, hit))
        met[hit.host.code] += 1
    return [row[3] for row in sorted(ranked, key=lambda row: row[:3])[:8]]


def _support() -> list[Any]:
    """Programmes that are open now, with the name of who runs them."""
    opened = subsidy.programmes(open_only=True)[:6]
    funders = accounts.organisation_names({p.funder_id for p in opened})
    return [(p, funders.get(p.funder_id)) for p in opened]


@blueprint.get("/home")
@allows(SIGNED_IN)
def home() -> Response:
    """To the first screen of the organisation used last, else of the first one."""
    person = guards.person()
    assert person is not None
    seats = accounts.seats(person.id)
    if not seats:
        return redirect(url_for("accounts.welcome"))
    codes = [seat.organisation.code for seat in seats]
    last = request.cookies.get(LAST)
    return redirect(url_for("shell.first_screen", organisation=last if last in codes else codes[0]))


@blueprint.get("/o/<organisation>/")
@allows(MEMBER)
def first_screen(organisation: str) -> Response:
    """The first screen of this person in this organisation."""
    return redirect(nav.first_page(g.actor) or url_for("shell.landing"))


@blueprint.post("/language")
@allows(PUBLIC)
def switch_language() -> Response:
    """Switch this browser to the other language and go back."""
    wanted = request.form.get("language", "")
    if wanted not in language.LANGUAGES:
        abort(400)
    session["language"] = wanted
    return redirect(guards.safe_next(request.form.get("next")) or url_for("shell.landing"), 303)


@blueprint.post("/demo/advance")
@allows(PUBLIC)
@limiter.limit("60/minute")
def advance() -> Response:
    """Move the time of a demonstration forward; the scheduler then does what has become due. 404 elsewhere."""
    if not current_app.extensions.get("resource_hub_demonstration"):
        abort(404)
    now = clock.now()
    zone = zone_of(formatting.default_zone())
    today = now.astimezone(zone).date()
    to: datetime | None
    wanted = request.form.get("to")
    back = guards.safe_next(request.form.get("next")) or url_for("shell.landing")
    if wanted == "booking":
        to = _start_of_this(back, now) or _next_booking_start(now)
    elif wanted == "day":
        to = midnight(today + timedelta(days=1), zone)
    elif wanted == "month":
        to = midnight((today.replace(day=28) + timedelta(days=4)).replace(day=1), zone)
    else:
        abort(400)
    if to is None:
        flash(_("You have no booking ahead of you; time stays where it is."), "wait")
        return redirect(back, 303)
    with unit_of_work() as unit:
        clock.advance(unit.session, instant(to))
    return redirect(back, 303)


_BOOKING_PAGE = re.compile(r"/o/([^/]+)/bookings/([^/]+)/([0-9a-f-]{36})")


def _start_of_this(path: str, now: datetime) -> datetime | None:
    """Start of the booking whose page the visitor looks at, when it lies ahead."""
    person, found = guards.person(), _BOOKING_PAGE.match(path)
    if person is None or found is None:
        return None
    organisation, host, booking_id = found.groups()
    try:
        key = HostKey(accounts.organisation(host).id, UUID(booking_id))
        record, _side = booking.booking_for(key, accounts.actor(person.id, organisation))
    except (DomainError, ValueError):
        return None
    return record.span.start if record.span is not None and record.span.start > now else None


def _next_booking_start(now: datetime) -> datetime | None:
    """Start of the next booking of this person, whichever organisation it is for."""
    person = guards.person()
    if person is None:
        return None
    return booking.next_start_of(person.id, after=now)


@blueprint.get("/problems")
@allows(PUBLIC)
def problems() -> str:
    """All reasons by code: what the ``type`` of a problem answer points to."""
    codes = sorted(sentences.sentence_table())
    told = [sentences.Told(code, sentences.sentence(code), sentences.remedy(code)) for code in codes]
    return render_template("shell/problems.html", told=told)


@blueprint.get("/healthz")
@allows(PUBLIC)
def health() -> tuple[Response, int]:
    """200 when the database answers. Says nothing else to strangers."""
    try:
        reading().execute(text("SELECT 1"))
    except SQLAlchemyError:
        return jsonify(status="down"), 503
    return jsonify(status="up"), 200
