"""Lists of inquiries: one's own as a customer, and what waits for a price at a host."""

from __future__ import annotations

from flask import g, render_template

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service
from resource_hub.domain.booking.inquiry_words import InquiryState
from resource_hub.entrypoints.support import forms
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.web.quotes.blueprints import blueprint, rows_of


@blueprint.get("/o/<organisation>/quotes")
@allows(MEMBER)
def index(organisation: str) -> str:
    """What this organisation's customers asked, at every host."""
    g.hat = "customer"
    rows = rows_of(service.inquiries_of(g.actor))
    return render_template("quotes/index.html", rows=rows, organisation_code=organisation)


@blueprint.get("/o/<organisation>/quotes/asked")
@allows(*service.STAFF)
def asked(organisation: str) -> str:
    """What waits for a price, the oldest first; what was given and is open; what was decided."""
    forms.remember_zone(accounts.organisation(organisation).zone)
    rows = rows_of(service.inquiries_at(g.actor))
    waiting = [row for row in rows if row.state is InquiryState.ASKED]
    return render_template(
        "quotes/asked.html",
        waiting=waiting[::-1],
        given=[row for row in rows if row.state is InquiryState.GIVEN],
        others=[row for row in rows if row.state not in (InquiryState.ASKED, InquiryState.GIVEN)],
        organisation_code=organisation,
    )
