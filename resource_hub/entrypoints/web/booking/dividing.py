"""Splitting a booking into two and handing it over, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import flash, g, render_template, request
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.booking import service
from resource_hub.domain.booking.terms import BookingState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.entrypoints.support import formatting, forms, wall_clock
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.web import nav
from resource_hub.entrypoints.web.booking.blueprints import bookings
from resource_hub.entrypoints.web.booking.detail import back_to, key_of
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey


@bookings.get("/o/<organisation>/bookings/<host>/<uuid:booking_id>/divide")
@allows(MEMBER)
def divide_form(organisation: str, host: str, booking_id: UUID) -> tuple[str, int]:
    """Split in two, or hand over to somebody else."""
    return divide_page(organisation, key_of(host, booking_id), None)


def _people(key: HostKey) -> list[tuple[str, list[tuple[str, str]]]]:
    """Who may take a booking over, by customer."""
    found = service.successors(key, by=g.actor)
    customers = accounts.customers(found)
    people = accounts.people({person_id for ids in found.values() for person_id in ids})
    groups = []
    for customer_id, ids in found.items():
        options = sorted(
            ((f"{customer_id}:{p}", formatting.plain(people[p].name)) for p in ids if p in people),
            key=lambda option: option[1],
        )
        groups.append((formatting.plain(customers[customer_id].name_in(formatting.language())), options))
    return groups


def divide_page(
    organisation: str, key: HostKey, form: Form | None, found: Sequence[tuple[str, str]] = ()
) -> tuple[str, int]:
    """The page; ``found`` are organisations that a search for a taker found."""
    record, side = service.booking_for(key, g.actor)
    nav.wear(side, g.actor)
    resource = catalogue.resource(record.resource_key)
    forms.remember_zone(resource.zone)
    middle: dict[str, str] = {}
    if record.span is not None:
        half = record.span.start + (record.span.end - record.span.start) / 2
        half -= timedelta(minutes=half.minute % 5, seconds=half.second, microseconds=half.microsecond)
        middle = wall_clock.fields("at", half, resource.zone)
    html = render_template(
        "booking/divide.html",
        record=record,
        resource=resource,
        host=accounts.organisation(key.institution_id),
        form=form or Form({"version": record.version, **middle}),
        people=_people(key),
        found=found,
        offer=service.open_hand_over_of(key),
        open=record.state in (BookingState.REQUESTED, BookingState.APPROVED) and record.span is not None,
        organisation_code=organisation,
    )
    return html, form.status if form else 200


@bookings.post("/o/<organisation>/bookings/<host>/<uuid:booking_id>/split")
@allows(MEMBER)
@once
def split(organisation: str, host: str, booking_id: UUID) -> Any:
    key, form = key_of(host, booking_id), Form.sent()
    record, _side = service.booking_for(key, g.actor)
    at = form.moment("at", zone=catalogue.resource(record.resource_key).zone, required=True)
    if at is not None:
        try:
            _first, second = service.split(key, at, by=g.actor, version=form.version())
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Split. The rest is the booking %(number)s.", number=second.number), "good")
            return back_to(organisation, host, booking_id)
    return divide_page(organisation, key, form)


@bookings.post("/o/<organisation>/bookings/<host>/<uuid:booking_id>/hand-over")
@allows(MEMBER)
@once
def hand_over(organisation: str, host: str, booking_id: UUID) -> Any:
    key, form = key_of(host, booking_id), Form.sent()
    customer_id, person_id = _chosen(request.form.get("person", ""))
    if person_id is None or customer_id is None:
        form.note("person", "form.required")
        return divide_page(organisation, key, form)
    try:
        done = service.hand_over(key, person_id, by=g.actor, customer_id=customer_id, version=form.version())
    except DomainError as error:
        form.refuse(error)
        return divide_page(organisation, key, form)
    if done.state is BookingState.REQUESTED:
        flash(_("Handed over. The host answers first."), "wait")
    else:
        flash(_("Handed over. Number and calendar entry stay the same."), "good")
    return back_to(organisation, host, booking_id)


def _chosen(value: str) -> tuple[UUID | None, UUID | None]:
    customer, _colon, person = value.partition(":")
    try:
        return UUID(customer), UUID(person)
    except ValueError:
        return None, None
