"""One's own strikes and trainings: what they are for, until when they count, and the appeal."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service as booking
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import SIGNED_IN, allows
from resource_hub.entrypoints.web.accounts.blueprint import me
from resource_hub.entrypoints.web.standing.blueprints import (
    bar_rows,
    blueprint,
    strike_rows,
    training_rows,
)
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import HostKey


@blueprint.get("/me/standing")
@allows(SIGNED_IN)
def mine() -> tuple[str, int]:
    return _page()


def _page(form: Form | None = None, at: UUID | None = None) -> tuple[str, int]:
    limit = paging.asked_limit(30)
    after = paging.unpack(paging.asked_after(), datetime, UUID)
    rows = strike_rows(booking.strikes_of(me().id, limit + 1, after), clock.now())
    html = render_template(
        "standing/mine.html",
        page=paging.page_of(rows, limit, lambda row: (row.record.given_at, row.record.key.id)),
        barred=bar_rows(booking.bars_on(me().id)),
        trainings=training_rows(accounts.trainings_of(me().id)),
        form=form or Form(),
        plain=Form(),
        at=at,
    )
    return html, form.status if form is not None else 200


@blueprint.post("/me/strikes/<host>/<uuid:strike_id>/appeal", endpoint="mine_appealed")
@allows(SIGNED_IN)
@once
def appealed(host: str, strike_id: UUID) -> Any:
    form = Form.sent()
    key = HostKey(accounts.organisation(host).id, strike_id)
    try:
        booking.appeal_strike(
            key, form.text("appeal", longest=2000) or "", person_id=me().id, version=form.version()
        )
    except NotFound:
        raise
    except DomainError as error:
        form.refuse(error)
        return _page(form, strike_id)
    flash(_("Your appeal was sent; you will be told what was decided."), "good")
    return redirect(url_for("standing.mine"), 303)
