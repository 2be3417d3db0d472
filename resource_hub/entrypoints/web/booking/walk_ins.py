"""Walk-ins: the host's list, the question to a firm whether one is its own, and the firm's answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.accounts.walk_ins import ERASES
from resource_hub.domain.booking import service
from resource_hub.entrypoints.support import formatting, paging
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.booking.blueprints import bookings, calendar
from resource_hub.entrypoints.web.booking.lists import rows_of
from resource_hub.kernel.errors import DomainError, NotFound


@calendar.get("/o/<organisation>/walk-ins", endpoint="walk_ins")
@allows(*service.STAFF)
def index(organisation: str) -> tuple[str, int]:
    """Who was written down at the door and belongs to no firm yet."""
    return _page(Form(), None)


def _page(form: Form, at: UUID | None) -> tuple[str, int]:
    limit = paging.asked_limit(20)
    (after,) = paging.unpack(paging.asked_after(), UUID) or (None,)
    rows = accounts.walk_ins(g.actor, limit + 1, after)
    firms = accounts.organisation_names({row.asked_id for row in rows if row.asked_id})
    html = render_template(
        "booking/walk_ins.html",
        page=paging.page_of(rows, limit, lambda row: (row.customer.id,)),
        firms=firms,
        form=form,
        plain=Form(),
        at=at,
        erases=g.actor.has(*ERASES),
    )
    return html, form.status


@calendar.post("/o/<organisation>/walk-ins/<uuid:customer_id>/ask", endpoint="walk_in_asked")
@allows(*service.STAFF)
@once
def ask(organisation: str, customer_id: UUID) -> Any:
    """Ask the firm whether the walk-in is one of its own."""
    form = Form.sent()
    code = form.text("uscc", required=True, longest=18)
    if code is not None:
        try:
            firm = accounts.ask_firm(customer_id, code, by=g.actor)
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
        else:
            flash(
                _("Asked: %(firm)s answers.", firm=formatting.plain(firm.name_in(formatting.language()))),
                "good",
            )
            return redirect(url_for("calendar.walk_ins", organisation=organisation), 303)
    return _page(form, customer_id)


@calendar.get("/o/<organisation>/walk-ins/<uuid:customer_id>/erase", endpoint="walk_in_erase")
@allows(*ERASES)
def erase_form(organisation: str, customer_id: UUID) -> str:
    """What would be erased and what stays, before the click."""
    found = accounts.walk_in(customer_id, by=g.actor)
    return render_template(
        "booking/walk_in_erase.html",
        walk_in=found,
        bookings=service.bookings_of_customer_at(customer_id, by=g.actor),
        form=Form(),
    )


@calendar.post("/o/<organisation>/walk-ins/<uuid:customer_id>/erase", endpoint="walk_in_erased")
@allows(*ERASES)
@once
def erased(organisation: str, customer_id: UUID) -> Any:
    accounts.erase_contact(customer_id, by=g.actor)
    flash(_("The contact is erased. Bookings, use and bills stay."), "good")
    return redirect(url_for("calendar.walk_ins", organisation=organisation), 303)


@bookings.get("/o/<organisation>/walk-in/<uuid:customer_id>", endpoint="walk_in")
@allows(Role.FIRM_ADMIN)
def show(organisation: str, customer_id: UUID) -> str:
    """What the firm would take over: the bookings of the walk-in, with their prices."""
    found = accounts.asked_walk_in(customer_id, by=g.actor)
    return render_template(
        "booking/walk_in.html",
        walk_in=found,
        host=accounts.organisation(found.host_id),
        rows=rows_of(service.bookings_of_walk_in(customer_id, by=g.actor)),
        form=Form(),
    )


@bookings.post("/o/<organisation>/walk-in/<uuid:customer_id>", endpoint="walk_in_answered")
@allows(Role.FIRM_ADMIN)
@once
def answer(organisation: str, customer_id: UUID) -> Any:
    """The firm's yes or no."""
    accept = Form.sent().choice("answer", ["yes", "no"]) == "yes"
    accounts.answer_walk_in(customer_id, accept, by=g.actor)
    if accept:
        flash(_("Taken over: these bookings are yours now."), "good")
    else:
        flash(_("The host is told that it is none of yours."), "good")
    return redirect(url_for("bookings.index", organisation=organisation), 303)
