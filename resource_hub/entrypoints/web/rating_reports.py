"""Ratings that were reported: the platform hides them or leaves them, with a reason that both sides read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.formatting import language, plain
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import HostKey

blueprint = Blueprint("rating_reports", __name__)


@dataclass(frozen=True, slots=True)
class Row:
    """A reported rating with what it is about; of the order no more than its number."""

    record: service.RatingRecord
    what: str
    host: str
    host_code: str
    number: str
    zone: str


def _rows(records: Sequence[service.RatingRecord]) -> list[Row]:
    resources = catalogue.resources({HostKey(r.key.institution_id, r.resource_id) for r in records})
    hosts = accounts.organisation_names({r.key.institution_id for r in records})
    orders = service.records({r.booking_key for r in records})
    return [
        Row(
            r,
            plain(resources[HostKey(r.key.institution_id, r.resource_id)].name(language())),
            plain(hosts[r.key.institution_id].name_in(language())),
            hosts[r.key.institution_id].code,
            orders[r.booking_key].number,
            hosts[r.key.institution_id].zone,
        )
        for r in records
    ]


@blueprint.get("/o/<organisation>/ratings")
@allows(Role.PLATFORM_STAFF)
def index(organisation: str) -> tuple[str, int]:
    return _page(organisation)


def _page(organisation: str, form: Form | None = None, at: UUID | None = None) -> tuple[str, int]:
    limit = paging.asked_limit(20)
    after = paging.unpack(paging.asked_after(), bool, datetime, UUID)
    found = service.reported_ratings(g.actor, limit + 1, after=after)
    page = paging.page_of(found, limit, lambda r: (r.decided_at is not None, r.reported_at, r.key.id))
    rows = _rows(page.items)
    html = render_template(
        "platform/ratings.html",
        organisation_code=organisation,
        waiting=[row for row in rows if row.record.decided_at is None],
        decided=[row for row in rows if row.record.decided_at is not None],
        page=page,
        form=form or Form(),
        at=at,
        plain=Form(),
    )
    return html, form.status if form else 200


@blueprint.post("/o/<organisation>/ratings/<host>/<uuid:rating_id>")
@allows(Role.PLATFORM_STAFF)
@once
def decided(organisation: str, host: str, rating_id: UUID) -> Any:
    """Hide it, or leave it."""
    form = Form.sent()
    key = HostKey(accounts.organisation(host).id, rating_id)
    hide = form.choice("hide", ("0", "1"), required=True)
    reason = form.text("reason", longest=1000) or ""
    if hide is None:
        return _page(organisation, form, rating_id)
    try:
        service.decide_rating(key, hide=hide == "1", reason=reason, by=g.actor, version=form.version())
    except NotFound:
        raise
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, form, rating_id)
    flash(
        _("Hidden; both sides are told.") if hide == "1" else _("Left as it is; both sides are told."), "good"
    )
    return redirect(url_for("rating_reports.index", organisation=organisation), 303)
