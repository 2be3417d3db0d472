"""Closures, extra openings and maintenance: looked at first, published with the bookings settled, taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.availability import service
from resource_hub.domain.availability.terms import Audience, DatedException, ExceptionKind
from resource_hub.domain.booking import service as booking
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.availability.blueprints import MANAGES, blueprint, managed
from resource_hub.entrypoints.web.availability.hits import settled, taking_back, typed_verdicts
from resource_hub.entrypoints.web.availability.hours import Hits, hours_page
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.time import TimeSpan


def _typed(form: Form, record: ResourceRecord) -> DatedException | None:
    kind = form.choice("kind", ExceptionKind, required=True)
    start = form.moment("start", zone=record.zone, required=True)
    end = form.moment("end", zone=record.zone, required=True)
    audience = form.choice("audience", Audience) or Audience.ALL.value
    units = [unit.key.id for unit in catalogue.units(record.key, active_only=True)]
    unit = form.choice("unit", units)
    zh, en = form.text("reason_zh", longest=300) or "", form.text("reason_en", longest=300) or ""
    if start is not None and end is not None and end <= start:
        form.note("end", "booking.end_before_start")
    if not form.ok or kind is None or start is None or end is None:
        return None
    extra = kind == ExceptionKind.EXTRA
    return DatedException(
        ExceptionKind(kind),
        TimeSpan(start, end),
        Audience(audience) if extra else Audience.ALL,
        UUID(unit) if unit else None,
        zh,
        en,
    )


def _placed(error: DomainError) -> DomainError:
    """The end of an exception stands in the field ``end``."""
    error.reasons = tuple(replace(r, place="end") if r.place == "ends" else r for r in error.reasons)
    return error


def _back(organisation: str, resource_id: UUID) -> Any:
    address = url_for("availability.hours", organisation=organisation, resource_id=resource_id)
    return redirect(f"{address}#exceptions", 303)


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/exceptions")
@allows(*MANAGES)
@once
def exception_added(organisation: str, resource_id: UUID) -> Any:
    """Look first, then publish."""
    record = managed(resource_id)
    form = Form.sent({"reason": request.form.get("reason_zh") or request.form.get("reason_en")})
    wanted = _typed(form, record)
    if wanted is None:
        return hours_page(organisation, record, other=form)
    hits: Hits | None = None
    try:
        service.check_exception(wanted)
        hits = booking.preview_exception(record.key, wanted, by=g.actor)
        if request.form.get("look"):
            return hours_page(organisation, record, other=form, hits=hits)
        count = booking.publish_exception(
            record.key,
            wanted,
            by=g.actor,
            verdicts=typed_verdicts(form),
            reason=form.text("reason", longest=500) or "",
        )
    except DomainError as error:
        form.refuse(_placed(error))
        return hours_page(organisation, record, other=form, hits=hits)
    flash(_("Published; the calendar shows it.") + settled(count), "good")
    return _back(organisation, resource_id)


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/exceptions/<uuid:exception_id>/remove")
@allows(*MANAGES)
@once
def exception_removed(organisation: str, resource_id: UUID, exception_id: UUID) -> Any:
    """Bookings in time that closes again are shown first, and settled."""
    record = managed(resource_id)
    form = Form.sent()
    count = 0
    try:
        count = booking.take_back(
            record.key,
            exception_id,
            by=g.actor,
            verdicts=typed_verdicts(form),
            reason=form.text("reason", longest=500) or "",
        )
    except DomainError as error:
        hits = booking.preview_take_back(record.key, [exception_id], by=g.actor)
        if not hits:
            raise
        if request.form.get("publish"):
            form.refuse(error)
        about: dict[str, Any] = {"organisation": organisation, "resource_id": resource_id}
        return taking_back(
            record,
            form,
            hits,
            action=url_for("availability.exception_removed", exception_id=exception_id, **about),
            back=url_for("availability.hours", **about),
        )
    flash(_("Taken back.") + settled(count), "good")
    return _back(organisation, resource_id)
