"""Several days of a series answered on its page, by the host or by the customer's approver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import flash, g
from flask_babel import ngettext

from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.recurrence import MOST
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.web.booking.reading_forms import picked
from resource_hub.entrypoints.web.booking.series import back_to, key_of, series, show_page
from resource_hub.kernel.errors import DomainError


@series.post("/o/<organisation>/series/<host>/<uuid:series_id>/answer")
@allows(MEMBER)
@once
def answer(organisation: str, host: str, series_id: UUID) -> Any:
    """The answer to the days that are ticked; those that could not be answered are shown with their reasons."""
    key, form = key_of(host, series_id), Form.sent()
    accept = form.choice("answer", ["yes", "no"], required=True) == "yes"
    note = form.text("note", longest=500) or ""
    if not form.ok:
        return show_page(organisation, key, form)
    try:
        given = service.answer_series(
            key, accept, by=g.actor, note=note, version=form.version(), days=_ticked(form.values("day"))
        )
    except DomainError as error:
        form.refuse(error)
        return show_page(organisation, key, form, error.values.get("clashes", ()))
    _say_what_was_answered(given)
    kept = [
        {"day": one.day.isoformat(), "reasons": one.reasons}
        for one in given
        if one.given is service.Given.KEPT
    ]
    if kept:
        return show_page(organisation, key, None, kept)
    return back_to(organisation, host, key)


def _ticked(texts: Sequence[str]) -> dict[UUID, int | None]:
    """The days that are ticked: ids of their bookings with the version that was looked at."""
    return dict(one for one in map(picked, texts[:MOST]) if one is not None)


def _say_what_was_answered(given: Sequence[service.DayAnswer]) -> None:
    count = Counter(one.given for one in given)
    if number := count[service.Given.CONFIRMED]:
        flash(ngettext("%(num)d day confirmed.", "%(num)d days confirmed.", number), "good")
    if number := count[service.Given.NOTED]:
        text = ngettext(
            "Your yes to %(num)d day is noted; the next answer is wanted.",
            "Your yes to %(num)d days is noted; the next answers are wanted.",
            number,
        )
        flash(text, "good")
    if number := count[service.Given.REFUSED]:
        text = ngettext(
            "%(num)d day refused; who booked is told why.",
            "%(num)d days refused; who booked is told why.",
            number,
        )
        flash(text, "good")
