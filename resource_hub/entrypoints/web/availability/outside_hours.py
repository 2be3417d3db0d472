"""Bookings that a public holiday or make-up workday left outside the hours: the laboratory settles its own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, g, redirect, url_for
from flask_babel import gettext as _

from resource_hub.domain.booking import service as booking
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.availability.blueprints import MANAGES, blueprint, managed
from resource_hub.entrypoints.web.availability.hits import settled, settling_page, typed_verdicts
from resource_hub.kernel.errors import DomainError

_PAGE = "/o/<organisation>/resources/<uuid:resource_id>/outside-hours"


@blueprint.get(_PAGE)
@allows(*MANAGES)
def outside_hours(organisation: str, resource_id: UUID) -> tuple[str, int]:
    """Bookings of a resource that wait for what becomes of them."""
    return _page(organisation, resource_id, Form())


def _page(organisation: str, resource_id: UUID, form: Form) -> tuple[str, int]:
    record = managed(resource_id)
    about: dict[str, Any] = {"organisation": organisation, "resource_id": resource_id}
    return settling_page(
        record,
        form,
        booking.preview_outside(record.key, by=g.actor),
        title=_("Bookings outside the opening hours"),
        lead=_("The calendar of holidays changed after they were booked. They stand until you decide."),
        button=_("Settle"),
        nothing=_("No booking lies outside the opening hours"),
        action=url_for("availability.outside_hours_settled", **about),
        back=url_for("availability.hours", **about),
    )


@blueprint.post(_PAGE)
@allows(*MANAGES)
@once
def outside_hours_settled(organisation: str, resource_id: UUID) -> Any:
    """Settle them, and go on to the next resource that has some."""
    record = managed(resource_id)
    form = Form.sent()
    try:
        count = booking.settle_outside(
            record.key,
            by=g.actor,
            verdicts=typed_verdicts(form),
            reason=form.text("reason", longest=500) or "",
        )
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, resource_id, form)
    flash(settled(count).strip() or _("Nothing is left to settle."), "good")
    left = next(iter(booking.outside_hours(g.actor)), None)
    page = "availability.outside_hours" if left else "availability.hours"
    there = left.id if left else resource_id
    return redirect(url_for(page, organisation=organisation, resource_id=there), 303)
