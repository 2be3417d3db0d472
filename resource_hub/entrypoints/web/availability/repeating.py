"""Maintenance, closures and extra openings that come again: the dates looked at first, then entered as one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from resource_hub.domain.availability import service
from resource_hub.domain.availability.terms import Audience, DatedException, ExceptionKind
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.rules.recurrence import LAST, Frequency, Monthly, Recurrence
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import formatting, paging
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.availability import week_form
from resource_hub.entrypoints.web.availability.blueprints import MANAGES, blueprint, managed, today_of
from resource_hub.entrypoints.web.availability.hits import hit_rows, settled, taking_back, typed_verdicts
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.time import TimeSpan, at, zone

_PAGE = "/o/<organisation>/resources/<uuid:resource_id>/dates"
_MONTHLY = ("day", "weekday", "last")


@blueprint.get(_PAGE)
@allows(*MANAGES)
def dates(organisation: str, resource_id: UUID) -> Any:
    """What comes again, and the form for more of it."""
    return _page(organisation, managed(resource_id))


def _page(
    organisation: str,
    record: ResourceRecord,
    form: Form | None = None,
    looked: Any = None,
    hits: Sequence[booking.HitBooking] = (),
) -> tuple[str, int]:
    today = today_of(record)
    usual = {
        "kind": ExceptionKind.MAINTENANCE.value,
        "day": today + timedelta(days=1),
        "frequency": Frequency.WEEKLY.value,
        "interval": "1",
        "monthly": "weekday",
        "until": today + timedelta(days=182),
    }
    shown = form or Form(usual)
    units = catalogue.units(record.key, active_only=True)
    names = {unit.key.id: unit.name(formatting.language()) for unit in units}
    clashes = [row for row in looked or () if row.holders]
    html = render_template(
        "availability/dates.html",
        record=record,
        organisation_code=organisation,
        form=shown,
        looked=looked,
        clashes=clashes,
        hits=hit_rows(hits, shown) if hits else [],
        page=paging.part_of(
            service.dates_entered(record.key),
            paging.asked_limit(20),
            lambda row: row.place,
            paging.unpack(paging.asked_after(), datetime, UUID),
        ),
        unit_names=names,
        units=[(str(key), name) for key, name in names.items()],
        kinds=[(kind.value, word("availability.exception", kind)) for kind in _ordered_kinds()],
        audiences=[(a.value, word("availability.audience", a)) for a in Audience],
        frequencies=[
            ("daily", _("daily")),
            ("weekly", _("weekly")),
            ("monthly", _("monthly")),
        ],
        monthlies=[
            ("weekday", _("on the same weekday; a fifth one is the last")),
            ("last", _("on the last such weekday")),
            ("day", _("on the same day; the 31st is the last day")),
        ],
        weekdays=[(str(n), name) for n, name in enumerate(week_form.weekday_names())],
    )
    return html, shown.status


def _ordered_kinds() -> list[ExceptionKind]:
    return [ExceptionKind.MAINTENANCE, ExceptionKind.CLOSURE, ExceptionKind.EXTRA]


def _typed(form: Form, record: ResourceRecord) -> tuple[DatedException, Recurrence] | None:
    kind = form.choice("kind", ExceptionKind, required=True)
    day, until = form.day("day", required=True), form.day("until", required=True)
    starts, ends = form.minutes("starts", required=True), form.minutes("ends", required=True)
    frequency = form.choice("frequency", Frequency, required=True)
    interval = form.whole("interval", least=1, most=52) or 1
    weekdays = tuple(sorted(int(n) for n in form.choices("weekdays", [str(n) for n in range(7)])))
    monthly = form.choice("monthly", _MONTHLY) or "weekday"
    audience = form.choice("audience", Audience) or Audience.ALL.value
    unit = form.choice("unit", [u.key.id for u in catalogue.units(record.key, active_only=True)])
    zh, en = form.text("reason_zh", longest=300) or "", form.text("reason_en", longest=300) or ""
    if day is not None and until is not None and until <= day:
        form.note("until", "availability.wish_days")
    if not form.ok or day is None or until is None or starts is None or ends is None:
        return None
    tz = zone(record.zone)
    start, end = at(day, starts, tz), at(day, ends if ends > starts else ends + 1440, tz)
    if start >= end:
        form.note("starts", "booking.end_before_start")
        return None
    wanted = ExceptionKind(kind or "")
    first = DatedException(
        wanted,
        TimeSpan(start, end),
        Audience(audience) if wanted is ExceptionKind.EXTRA else Audience.ALL,
        UUID(unit) if unit else None,
        zh,
        en,
    )
    rule = Recurrence(
        Frequency(frequency or ""),
        interval,
        weekdays if frequency == "weekly" else (),
        Monthly.DAY if monthly == "day" else Monthly.WEEKDAY,
        LAST if frequency == "monthly" and monthly == "last" else None,
        None,
        until,
    )
    return _on_first_day(first, rule, day, record), rule


def _on_first_day(
    first: DatedException, rule: Recurrence, day: date, record: ResourceRecord
) -> DatedException:
    """A weekly rule on other weekdays than its first day begins on the next of them."""
    if not rule.weekdays or day.weekday() in rule.weekdays:
        return first
    ahead = min((n - day.weekday()) % 7 for n in rule.weekdays)
    tz = zone(record.zone)
    start, end = first.span.start.astimezone(tz), first.span.end.astimezone(tz)
    moved = day + timedelta(days=ahead)
    starts = start.hour * 60 + start.minute
    ends = (end.date() - start.date()).days * 1440 + end.hour * 60 + end.minute
    return DatedException(
        first.kind, TimeSpan(at(moved, starts, tz), at(moved, ends, tz)), first.audience, first.unit_id,
        first.reason_zh, first.reason_en,
    )  # fmt: skip


@blueprint.post(_PAGE)
@allows(*MANAGES)
@once
def dates_added(organisation: str, resource_id: UUID) -> Any:
    """Look at the dates first, then enter all of them with their bookings settled, or those that hit nobody."""
    record = managed(resource_id)
    form = Form.sent()
    typed = _typed(form, record)
    if typed is None:
        return _page(organisation, record, form)
    first, rule = typed
    looked = None
    hits: Sequence[booking.HitBooking] = ()
    try:
        looked = booking.preview_repeated(record.key, first, rule, by=g.actor)
        hits = booking.preview_hits(record.key, first, rule, by=g.actor)
        if request.form.get("look"):
            return _page(organisation, record, form, looked, hits)
        leave_out = request.form.get("publish") == "free"
        entered, left_out = booking.publish_repeated(
            record.key,
            first,
            rule,
            by=g.actor,
            leave_out=leave_out,
            verdicts=typed_verdicts(form),
            reason=form.text("reason", longest=500) or "",
        )
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, record, form, looked, hits)
    told = ngettext("%(num)d date is entered.", "%(num)d dates are entered.", entered)
    if left_out:
        more = ngettext("%(num)d date is left out.", "%(num)d dates are left out.", left_out)
        told = formatting.said((told, more))
    elif not leave_out:
        told += settled(len(hits))
    flash(told, "wait" if left_out else "good")
    return redirect(url_for("availability.dates", organisation=organisation, resource_id=resource_id), 303)


@blueprint.post(f"{_PAGE}/<uuid:series_id>/remove")
@allows(*MANAGES)
@once
def dates_removed(organisation: str, resource_id: UUID, series_id: UUID) -> Any:
    """Bookings in time that closes again are shown first, and settled."""
    record = managed(resource_id)
    form = Form.sent()
    about: dict[str, Any] = {"organisation": organisation, "resource_id": resource_id}
    try:
        gone, count = booking.take_back_dates(
            record.key,
            series_id,
            by=g.actor,
            verdicts=typed_verdicts(form),
            reason=form.text("reason", longest=500) or "",
        )
    except DomainError as error:
        ids = service.dates_ahead(record.key, series_id)
        hits = booking.preview_take_back(record.key, ids, by=g.actor)
        if not hits:
            raise
        if request.form.get("publish"):
            form.refuse(error)
        return taking_back(
            record,
            form,
            hits,
            action=url_for("availability.dates_removed", series_id=series_id, **about),
            back=url_for("availability.dates", **about),
        )
    told = ngettext("%(num)d date is taken back.", "%(num)d dates are taken back.", gone)
    flash(told + settled(count), "good")
    return redirect(url_for("availability.dates", **about), 303)
