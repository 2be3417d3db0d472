"""Lists of inquiries: one's own as a customer, and what waits for a price at a host."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import g, render_template, request

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service
from resource_hub.domain.booking.inquiry_words import Inquiry, InquiryState
from resource_hub.entrypoints.support import forms, paging
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.web.quotes.blueprints import Row, blueprint, rows_of


@blueprint.get("/o/<organisation>/quotes")
@allows(MEMBER)
def index(organisation: str) -> str:
    """What this organisation's customers asked, at every host."""
    g.hat = "customer"
    limit, after = _asked()
    page = _page(service.inquiries_of(g.actor, limit + 1, after), limit)
    return render_template("quotes/index.html", page=page, organisation_code=organisation)


def _asked() -> tuple[int, Sequence[Any] | None]:
    return paging.asked_limit(30), paging.unpack(paging.asked_after(), datetime, UUID)


def _page(found: Sequence[Inquiry], limit: int) -> paging.Page[Row]:
    return paging.page_of(rows_of(found), limit, lambda row: (row.record.created_at, row.record.key.id))


@blueprint.get("/o/<organisation>/quotes/asked")
@allows(*service.STAFF)
def asked(organisation: str) -> str:
    """What waits for a price, the oldest first; what was named and decided, the newest first."""
    forms.remember_zone(accounts.organisation(organisation).zone)
    limit, after = _asked()
    named = request.args.get("view") == "named"
    states = [state for state in InquiryState if (state is not InquiryState.ASKED) is named]
    found = service.inquiries_at(g.actor, states, limit + 1, after, newest=named)
    return render_template(
        "quotes/asked.html", page=_page(found, limit), named=named, organisation_code=organisation
    )
