"""What waits for the customer's own approver: the list, and the answer from there."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import BookingState
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.web.booking.blueprints import bookings
from resource_hub.entrypoints.web.booking.detail import key_of
from resource_hub.entrypoints.web.booking.hosting import URGENT
from resource_hub.entrypoints.web.booking.lists import rows_of
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError


@bookings.get("/o/<organisation>/to-approve", endpoint="to_approve")
@allows(MEMBER)
def index(organisation: str) -> tuple[str, int]:
    """Bookings of the reader's side that wait for its approver, the nearest term first."""
    return _page(None, None)


def _page(form: Form | None, at: UUID | None) -> tuple[str, int]:
    limit = paging.asked_limit(20)
    after = paging.unpack(paging.asked_after(), datetime, UUID)
    page = paging.page_of(service.to_approve(g.actor, limit + 1, after), limit, lambda one: one.place)
    rows = {row.record.key: row for row in rows_of([one.record for one in page.items])}
    html = render_template(
        "booking/to_approve.html",
        found=[(one, rows[one.record.key]) for one in page.items],
        page=page,
        limit=g.actor.approve_limit,
        form=form or Form(),
        plain=Form(),
        at=at,
        now=clock.now(),
        urgent=URGENT,
    )
    return html, form.status if form else 200


@bookings.post("/o/<organisation>/to-approve/<host>/<uuid:booking_id>", endpoint="approved_for_firm")
@allows(MEMBER)
@once
def answered(organisation: str, host: str, booking_id: UUID) -> Any:
    """The approver's yes or no; a no says why."""
    key, form = key_of(host, booking_id), Form.sent()
    note = form.text("reason", longest=500) or ""
    answer = form.choice("answer", ["yes", "no"], required=True)
    try:
        if answer == "yes":
            done = service.approve(key, by=g.actor, version=form.version(), note=note)
            if done.state is BookingState.REQUESTED:
                flash(_("Your yes is noted; the next answer is wanted."), "good")
            else:
                flash(_("Confirmed: %(number)s.", number=done.number), "good")
        elif answer == "no":
            done = service.reject(key, by=g.actor, reason=note, version=form.version())
            flash(_("Refused: %(number)s. Who booked is told why.", number=done.number), "good")
        else:
            return _page(form, booking_id)
    except DomainError as error:
        form.refuse(error)
        return _page(form, booking_id)
    return redirect(url_for("bookings.to_approve", organisation=organisation), 303)
