"""Public holidays and make-up workdays, as published and as entered here; the yearly notice can be pasted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationRecord, Role
from resource_hub.domain.availability import service
from resource_hub.domain.availability.service import COUNTRY
from resource_hub.domain.availability.terms import DayKind, SpecialDay
from resource_hub.domain.booking import service as booking
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.availability.blueprints import calendar_days
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError


@calendar_days.get("/o/<organisation>/calendar-days", endpoint="index")
@allows(Role.PLATFORM_STAFF)
def days(organisation: str) -> tuple[str, int]:
    """Public holidays and make-up workdays of a year, as published and as entered here."""
    return _page(organisation)


def _year(values: Mapping[str, str]) -> int:
    this = clock.now().year
    text = values.get("year", "")
    year = int(text) if text.isascii() and text.isdigit() else this
    return year if 2000 <= year <= this + 10 else this


def _page(
    organisation: str,
    form: Form | None = None,
    *,
    notice: Form | None = None,
    read: service.ReadNotice | None = None,
    looked: Sequence[SpecialDay] = (),
    forgetting: date | None = None,
) -> tuple[str, int]:
    year = forgetting.year if forgetting else _year(request.values)
    found, entered = service.calendar_year(COUNTRY, year)
    special = [found[day] for day in sorted(found)]
    this = clock.now().year
    single = form or Form({"kind": DayKind.HOLIDAY.value})
    pasted = notice or Form()
    html = render_template(
        "availability/calendar_days.html",
        organisation_code=organisation,
        year=year,
        special=special,
        entered=entered,
        published=bool(special) and not service.is_provisional(COUNTRY, year),
        form=single,
        notice=pasted,
        read=read,
        looked=looked,
        forgetting=forgetting and service.published_day(COUNTRY, forgetting),
        hits=_hits(
            booking.preview_forgetting(COUNTRY, forgetting)
            if forgetting
            else booking.preview_days(COUNTRY, looked or (read.days if read is not None else ()))
        ),
        kinds=[(k.value, word("availability.day", k)) for k in DayKind],
        year_tabs=[
            {
                "title": str(one),
                "href": url_for("calendar_days.index", organisation=organisation, year=one),
                "current": one == year,
            }
            for one in sorted({this - 1, this, this + 1, year - 1, year, year + 1})
        ],
    )
    return html, max(single.status, pasted.status)


@calendar_days.post("/o/<organisation>/calendar-days", endpoint="entered")
@allows(Role.PLATFORM_STAFF)
@once
def entered(organisation: str) -> Any:
    """One day, or some days in a row with one name."""
    form = Form.sent()
    day, until = form.day("day", required=True), form.day("until")
    kind = form.choice("kind", DayKind, required=True)
    zh, en = form.text("name_zh", longest=100) or "", form.text("name_en", longest=100) or ""
    stands_for = form.day("stands_for")
    source = form.text("source", longest=300) or ""
    if day is not None and until is not None and not day <= until <= day + timedelta(days=31):
        form.note("until", "availability.days_range")
    if not form.ok or day is None or kind is None:
        return _page(organisation, form)
    count = ((until or day) - day).days + 1
    wanted = [
        SpecialDay(day + timedelta(days=n), DayKind(kind), zh, en, stands_for, False, source)
        for n in range(count)
    ]
    if request.form.get("look"):
        return _page(organisation, form, looked=wanted)
    try:
        service.enter_days(COUNTRY, wanted, by=g.actor)
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, form, looked=wanted)
    return _told(organisation, day.year, count)


def _hits(found: Mapping[UUID, int]) -> list[tuple[OrganisationRecord, int]]:
    """How many bookings of each host days would leave outside its hours, most first."""
    hosts = accounts.organisation_names(found)
    return sorted(((hosts[one], number) for one, number in found.items()), key=lambda row: -row[1])


def _told(organisation: str, year: int, count: int) -> Any:
    flash(
        ngettext(
            "%(num)d day entered. Calendars follow within a minute.",
            "%(num)d days entered. Calendars follow within a minute.",
            count,
        ),
        "good",
    )
    return redirect(url_for("calendar_days.index", organisation=organisation, year=year), 303)


@calendar_days.post("/o/<organisation>/calendar-days/notice", endpoint="notice")
@allows(Role.PLATFORM_STAFF)
@once
def notice(organisation: str) -> Any:
    """The yearly notice as pasted: read back day by day first, then entered all at once."""
    form = Form.sent()
    text = form.text("text", required=True, longest=5000)
    source = form.text("source", required=not request.form.get("look"), longest=300) or ""
    read = service.read_notice(text, _year(request.form)) if text else None
    if read is not None and not read.days:
        form.note("text", "availability.notice_unread")
    if not form.ok or read is None or request.form.get("look"):
        return _page(organisation, notice=form, read=read if read is not None and read.days else None)
    try:
        service.enter_days(COUNTRY, [replace(day, source=source) for day in read.days], by=g.actor)
    except DomainError as error:
        form.refuse(error)
        return _page(organisation, notice=form, read=read)
    return _told(organisation, _year(request.form), len(read.days))


@calendar_days.post("/o/<organisation>/calendar-days/<day>/forget", endpoint="forgotten")
@allows(Role.PLATFORM_STAFF)
def forgotten(organisation: str, day: str) -> Any:
    """Hosts whose bookings the published calendar would leave outside their hours are shown first."""
    try:
        gone = date.fromisoformat(day)
    except ValueError:
        return redirect(url_for("calendar_days.index", organisation=organisation), 303)
    if not request.form.get("enter") and booking.preview_forgetting(COUNTRY, gone):
        return _page(organisation, forgetting=gone)
    service.forget_day(COUNTRY, gone, by=g.actor)
    flash(_("The published calendar holds again for this day."), "good")
    return redirect(url_for("calendar_days.index", organisation=organisation, year=gone.year), 303)
