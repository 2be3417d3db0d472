"""Strikes at a host: appeals to decide on, strikes given by hand, and those that stand."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import StrikeState
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.catalogue import hooks
from resource_hub.entrypoints.web.standing.blueprints import bar_rows, blueprint, strike_rows
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import HostKey

MOST_APPEALS = 20
MOST_BARRED = 50
OTHERS = tuple(state for state in StrikeState if state is not StrikeState.APPEALED)


def _links(organisation: str, record: ResourceRecord) -> list[tuple[str, str]]:
    if record.takes_access_requests:
        return []
    return [(_("Strikes and appeals"), url_for("standing.strikes", organisation=organisation))]


hooks.manage_links.append(_links)


@blueprint.get("/o/<organisation>/strikes")
@allows(*booking.DECIDES)
def strikes(organisation: str) -> tuple[str, int]:
    return _page(organisation)


def _page(
    organisation: str, form: Form | None = None, at: UUID | str | None = None, hand: Form | None = None
) -> tuple[str, int]:
    now = clock.now()
    limit = paging.asked_limit(30)
    after = paging.unpack(paging.asked_after(), datetime, UUID)
    appeals = booking.strikes_at(g.actor, states=[StrikeState.APPEALED], limit=MOST_APPEALS + 1)
    found = booking.strikes_at(g.actor, states=OTHERS, limit=limit + 1, after=after)
    barred = booking.barred_at(g.actor)
    html = render_template(
        "standing/strikes.html",
        organisation_code=organisation,
        appeals=strike_rows(appeals[:MOST_APPEALS], now),
        more_appeals=len(appeals) > MOST_APPEALS,
        barred=bar_rows(barred[:MOST_BARRED]),
        more_barred=len(barred) > MOST_BARRED,
        page=paging.page_of(
            strike_rows(found, now), limit, lambda row: (row.record.given_at, row.record.key.id)
        ),
        form=form or Form(),
        at=at,
        hand=hand or Form(),
        plain=Form(),
        own_id=g.actor.person_id,
    )
    return html, max(form.status if form else 200, hand.status if hand else 200)


@blueprint.post("/o/<organisation>/strikes")
@allows(*booking.DECIDES)
@once
def strike_given(organisation: str) -> Any:
    hand = Form.sent()
    number = hand.text("number", required=True, longest=30)
    note = hand.text("note", required=True, longest=2000)
    if number is None or note is None:
        return _page(organisation, hand=hand)
    try:
        booking.give_strike(number, note=note, by=g.actor)
    except DomainError as error:
        hand.refuse(error)
        return _page(organisation, hand=hand)
    flash(_("Noted; the person is told and may appeal."), "good")
    return redirect(url_for("standing.strikes", organisation=organisation), 303)


@blueprint.post("/o/<organisation>/strikes/<uuid:strike_id>")
@allows(*booking.DECIDES)
@once
def strike_decided(organisation: str, strike_id: UUID) -> Any:
    form = Form.sent()
    key = HostKey(g.actor.organisation_id, strike_id)
    lift = form.choice("lift", ["0", "1"], required=True)
    text = form.text("decision", longest=2000) or ""
    if lift is None:
        return _page(organisation, form, strike_id)
    try:
        booking.decide_strike(key, lift=lift == "1", text=text, by=g.actor, version=form.version())
    except NotFound:
        raise
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, form, strike_id)
    told = _("Lifted; the person is told.") if lift == "1" else _("Upheld; the person is told.")
    flash(told, "good")
    return redirect(url_for("standing.strikes", organisation=organisation), 303)


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/bars/<uuid:person_id>")
@allows(*booking.DECIDES)
@once
def bar_lifted(organisation: str, resource_id: UUID, person_id: UUID) -> Any:
    form = Form.sent()
    key = HostKey(g.actor.organisation_id, resource_id)
    try:
        booking.lift_bar(key, person_id, reason=form.text("reason", longest=2000) or "", by=g.actor)
    except NotFound:
        raise
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, form, f"{resource_id}-{person_id}")
    flash(_("The bar is lifted; the person is told."), "good")
    return redirect(url_for("standing.strikes", organisation=organisation), 303)
