"""Offering a booking to another organisation, and taking or declining what is offered."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service
from resource_hub.domain.booking.hand_over_offers import LONGEST
from resource_hub.domain.booking.terms import BookingState, HandOverState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.support import formatting, money_text, paging, sentences
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.web.booking.blueprints import bookings
from resource_hub.entrypoints.web.booking.detail import back_to, key_of
from resource_hub.entrypoints.web.booking.dividing import divide_page
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError

MOST_OPEN = 20


def _name(customer: Any) -> str:
    return formatting.plain(customer.name_in(formatting.language())) if customer else "–"


@bookings.post("/o/<organisation>/bookings/<host>/<uuid:booking_id>/offer", endpoint="offer_hand_over")
@allows(MEMBER)
@once
def offer(organisation: str, host: str, booking_id: UUID) -> Any:
    """Find the organisation by name or credit code, or offer the booking to the one that was chosen."""
    key, form = key_of(host, booking_id), Form.sent()
    record, _side = service.booking_for(key, g.actor)
    to = (
        form.choice("to", [code for code, _name in found_organisations(form)])
        if form.value("offer")
        else None
    )
    note = form.text("offer_note", longest=LONGEST) or ""
    if form.value("offer") and to is None and form.ok:
        form.note("to", "form.required")
    if to is None or not form.ok:
        return divide_page(organisation, key, form, found_organisations(form))
    try:
        customer = accounts.customer_of(accounts.organisation(to).id)
        made = service.offer_hand_over(key, customer.id, by=g.actor, note=note, version=form.version())
    except DomainError as error:
        form.refuse(error)
        return divide_page(organisation, key, form, found_organisations(form))
    flash(
        _(
            "Offered to %(taker)s until %(until)s; until then the booking stays yours.",
            taker=_name(customer),
            until=formatting.moment(made.expires_at, catalogue.resource(record.resource_key).zone),
        ),
        "good",
    )
    return back_to(organisation, host, booking_id)


def found_organisations(form: Form) -> list[tuple[str, str]]:
    """Organisations that the typed name or credit code finds, but not the reader's own."""
    found = accounts.joinable(str(form.value("search")))
    own = g.actor.organisation_id
    return [(o.code, formatting.plain(o.name_in(formatting.language()))) for o in found if o.id != own]


@bookings.get("/o/<organisation>/hand-overs", endpoint="hand_overs")
@allows(MEMBER)
def index(organisation: str) -> tuple[str, int]:
    """What is offered to the reader's side, what it offered, and what became of it."""
    return _list(None, None)


def _list(form: Form | None, at: UUID | None) -> tuple[str, int]:
    limit = paging.asked_limit(20)
    after = paging.unpack(paging.asked_after(), datetime, UUID)
    # Each that waits is priced for the reader: the rest follow once these are answered.
    waiting = service.hand_overs_of(g.actor, MOST_OPEN + 1, waiting=True) if after is None else []
    open_ = _rows(waiting[:MOST_OPEN])
    past = service.hand_overs_of(g.actor, limit + 1, after, waiting=False)
    html = render_template(
        "booking/hand_overs.html",
        mine=[row for row in open_ if row.ours],
        given=[row for row in open_ if not row.ours],
        more=len(waiting) > MOST_OPEN,
        page=paging.page_of(_rows(past), limit, lambda row: (row.one.offered_at, row.one.key.id)),
        form=form or Form(),
        plain=Form(),
        at=at,
    )
    return html, form.status if form else 200


def _rows(found: list[service.HandOverRecord]) -> list[SimpleNamespace]:
    booked = service.records([one.booking_key for one in found])
    resources = catalogue.resources({record.resource_key for record in booked.values()})
    customers = accounts.customers({i for one in found for i in (one.from_customer_id, one.to_customer_id)})
    ours = g.actor.customer_ids | g.actor.led_customer_ids
    now = clock.now()
    rows = []
    for one in found:
        record = booked[one.booking_key]
        resource, state = resources[record.resource_key], one.state_at(now)
        mine = one.to_customer_id in ours
        waits = state is HandOverState.OPEN and mine
        rows.append(
            SimpleNamespace(
                one=one,
                state=state,
                ours=mine,
                record=record,
                what=resource,
                giver=_name(customers.get(one.from_customer_id)),
                taker=_name(customers.get(one.to_customer_id)),
                look=_look(one) if waits else None,
                people=_people(one.to_customer_id) if waits else [],
            )
        )
    return rows


def _look(one: service.HandOverRecord) -> SimpleNamespace:
    try:
        look = service.look_hand_over(one.key, by=g.actor)
    except DomainError as error:
        return SimpleNamespace(reasons=sentences.tell_all(error), quote=None, fee="")
    owed = [fee for fee in look.fees if not fee.is_zero]
    return SimpleNamespace(
        reasons=sentences.tell_all(look.reasons), quote=look.quote, fee=money_text.sums(owed) if owed else ""
    )


def _people(customer_id: UUID) -> list[tuple[str, str]]:
    people = accounts.people(accounts.people_of_customer(customer_id))
    return sorted(((str(i), formatting.plain(p.name)) for i, p in people.items()), key=lambda one: one[1])


@bookings.post(
    "/o/<organisation>/hand-overs/<host>/<uuid:offer_id>/<any(accept,decline,withdraw):answer>",
    endpoint="hand_over_answered",
)
@allows(MEMBER)
@once
def answered(organisation: str, host: str, offer_id: UUID, answer: str) -> Any:
    """Take the booking over, leave it, or take the offer back."""
    key, form = key_of(host, offer_id), Form.sent()
    reason = form.text("reason", longest=LONGEST) or ""
    try:
        if answer == "accept":
            offered, _ours = service.hand_over_for(key, g.actor)
            chosen = form.choice("person", [value for value, _name in _people(offered.to_customer_id)])
            person_id = UUID(chosen) if chosen else None
            done = service.accept_hand_over(key, by=g.actor, person_id=person_id, version=form.version())
            if done.state is BookingState.REQUESTED:
                flash(_("Taken over. The host answers first."), "wait")
            else:
                flash(_("Taken over. It is your booking now."), "good")
            return back_to(organisation, host, done.key.id)
        if answer == "decline":
            service.decline_hand_over(key, by=g.actor, reason=reason, version=form.version())
            flash(_("Declined. It stays with who offered it."), "good")
        else:
            service.withdraw_hand_over(key, by=g.actor, version=form.version())
            flash(_("Taken back. The booking stays yours."), "good")
    except DomainError as error:
        form.refuse(error)
        return _list(form, offer_id)
    return redirect(url_for("bookings.hand_overs", organisation=organisation), 303)
