"""What a laboratory publishes: weekly hours, closures, extra openings, maintenance, house rules; and special days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service
from resource_hub.domain.availability.errors import InvalidRules
from resource_hub.domain.availability.rules.document import LEAD_KEYS
from resource_hub.domain.availability.terms import (
    Approval,
    Audience,
    DatedException,
    DayKind,
    ExceptionKind,
    HouseDocument,
    OnHolidays,
    QuotaMeasure,
    QuotaPer,
    QuotaPeriod,
    Silence,
    SpecialDay,
    WeeklyHours,
)
from resource_hub.domain.booking import service as booking
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import formatting, forms, sentences
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.booking.lists import rows_of
from resource_hub.entrypoints.web.catalogue import hooks
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, local_day, zone

blueprint = Blueprint("availability", __name__)
calendar_days = Blueprint("calendar_days", __name__)
MANAGES = (Role.MANAGER, Role.DEPUTY, Role.OFFICE, Role.INSTITUTION_ADMIN)
ROWS = 21
QUOTAS = 4
FIELDS = 5


def _links(organisation: str, record: ResourceRecord) -> list[tuple[str, str]]:
    if record.takes_access_requests:
        return []
    about: dict[str, Any] = {"organisation": organisation, "resource_id": record.key.id}
    return [
        (_("Opening hours and closures"), url_for("availability.hours", **about)),
        (_("House rules"), url_for("availability.rules", **about)),
    ]


hooks.manage_links.append(_links)


def _resource(resource_id: UUID) -> ResourceRecord:
    """The resource, when the actor looks after it.

    Raises:
        NotFound, NotYourResource
    """
    key = HostKey(g.actor.organisation_id, resource_id)
    service.may_manage(key, g.actor)
    record = catalogue.resource(key)
    forms.remember_zone(record.zone)
    return record


def _today(record: ResourceRecord) -> date:
    return local_day(clock.now(), zone(record.zone))


# ---- weekly hours ----------------------------------------------------------------------------------------------


def _clock(minute: int) -> str:
    return "24:00" if minute == 1440 else f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def _initial(rows: list[WeeklyHours]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for n, row in enumerate(sorted(rows, key=lambda r: (r.weekday, r.starts))[:ROWS]):
        values |= {
            f"weekday.{n}": str(row.weekday),
            f"starts.{n}": _clock(row.starts),
            f"ends.{n}": _clock(row.ends),
            f"audience.{n}": row.audience.value,
            f"on_holidays.{n}": row.on_holidays.value,
        }
    return values


def _typed_rows(form: Form) -> list[WeeklyHours]:
    """The stretches in the form; a line without times is no stretch. An end not after the start is on the next day."""
    found = []
    for n in range(ROWS):
        starts, ends = form.minutes(f"starts.{n}"), form.minutes(f"ends.{n}")
        if starts is None and ends is None:
            continue
        if starts is None or ends is None:
            form.note(f"starts.{n}" if starts is None else f"ends.{n}", "form.required")
            continue
        weekday = form.choice(f"weekday.{n}", [str(d) for d in range(7)], required=True)
        audience = form.choice(f"audience.{n}", Audience) or Audience.ALL.value
        holidays = form.choice(f"on_holidays.{n}", OnHolidays) or OnHolidays.CLOSED.value
        if weekday is None:
            continue
        if ends <= starts:
            ends += 1440
        found.append(
            WeeklyHours(
                int(weekday), starts, ends, audience=Audience(audience), on_holidays=OnHolidays(holidays)
            )
        )
    return found


@blueprint.get("/o/<organisation>/resources/<uuid:resource_id>/hours")
@allows(*MANAGES)
def hours(organisation: str, resource_id: UUID) -> tuple[str, int]:
    """Weekly hours from a day on, and what differs from them on single days."""
    return _hours_page(organisation, _resource(resource_id))


def _hours_page(
    organisation: str,
    record: ResourceRecord,
    form: Form | None = None,
    hits: Any = None,
    other: Form | None = None,
) -> tuple[str, int]:
    today = _today(record)
    every = service.weekly_hours(record.key)
    now_rows = [r for r in every if r.since <= today and (r.until is None or r.until > today)]
    later = sorted({r.since for r in every if r.since > today})
    span = TimeSpan(clock.now() - timedelta(days=7), clock.now() + timedelta(days=400))
    exceptions = service.exceptions(record.key, span)
    units = catalogue.units(record.key, active_only=True)
    names = {u.key.id: u.name(formatting.language()) for u in units}
    initial = {**_initial(now_rows), "since": today, "seen": service.hours_digest(every)}
    shown = form or Form(initial)
    filled = max([n for n in range(ROWS) if shown.value(f"starts.{n}")], default=-1) + 1
    html = render_template(
        "availability/hours.html",
        record=record,
        organisation_code=organisation,
        form=shown,
        rows=range(min(ROWS, max(filled + 2, 7))),
        hits=_hit_rows(hits, record) if hits is not None else None,
        later=[(day, [r for r in every if r.since == day]) for day in later],
        weekdays=[(str(n), name) for n, name in enumerate(_weekday_names())],
        audiences=[(a.value, word("availability.audience", a)) for a in Audience],
        holidays=[(h.value, word("availability.on_holidays", h)) for h in OnHolidays],
        exceptions=[(e, names.get(e.unit_id, "") if e.unit_id else "") for e in exceptions],
        units=[(str(u.key.id), names[u.key.id]) for u in units],
        kinds=[(k.value, word("availability.exception", k)) for k in ExceptionKind],
        other=other or Form({"kind": "closure"}),
        week=_week_text(now_rows),
    )
    return html, max(shown.status, other.status if other else 200)


def _weekday_names() -> list[str]:
    first = date(2026, 3, 2)
    return [formatting.weekday(first + timedelta(days=n)) for n in range(7)]


def _week_text(rows: list[WeeklyHours]) -> list[tuple[str, str]]:
    """The week in words, days with the same hours together."""
    days: dict[int, str] = {}
    for n in range(7):
        own = sorted((r for r in rows if r.weekday == n), key=lambda r: r.starts)
        days[n] = formatting.listed(
            f"{_clock(r.starts)}–{_clock(r.ends)}"
            + (f" ({word('availability.look', 'protected')})" if r.audience is Audience.OUTSIDE else "")
            for r in own
        )
    names = _weekday_names()
    result: list[tuple[str, str]] = []
    for n in range(7):
        if result and days[n] == days[n - 1]:
            first = result[-1][0].split("–")[0]
            result[-1] = (f"{first}–{names[n]}", days[n])
        else:
            result.append((names[n], days[n]))
    return [(name, text or word("availability.look", "closed")) for name, text in result]


def _hit_rows(hits: Any, record: ResourceRecord) -> list[SimpleNamespace]:
    keys = [HostKey(record.key.institution_id, h.held.holder_id) for h in hits]
    booked = booking.records(keys)
    rows = {row.record.key: row for row in rows_of(list(booked.values()))}
    return [
        SimpleNamespace(row=rows.get(key), held=hit.held, told=sentences.tell_all(hit.reasons))
        for key, hit in zip(keys, hits, strict=True)
    ]


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/hours")
@allows(*MANAGES)
@once
def hours_saved(organisation: str, resource_id: UUID) -> Any:
    """Look first, then publish: the same form, with what it would hit in between."""
    record = _resource(resource_id)
    form = Form.sent()
    rows = _typed_rows(form)
    since = form.day("since", required=True)
    if since is not None and since < _today(record):
        form.note("since", "availability.rules_past", today=_today(record).isoformat())
    if not form.ok or since is None:
        return _hours_page(organisation, record, form)
    try:
        if request.form.get("look"):
            return _hours_page(
                organisation, record, form, service.preview_hours(record.key, rows, since, by=g.actor)
            )
        hits = service.save_hours(record.key, rows, since, by=g.actor, seen=form.text("seen"))
    except DomainError as error:
        form.refuse(_placed(error))
        return _hours_page(organisation, record, form)
    flash(_hours_told(since, len(hits)), "wait" if hits else "good")
    return redirect(url_for("availability.hours", organisation=organisation, resource_id=resource_id), 303)


def _hours_told(since: date, hits: int) -> str:
    saved = _("Saved; the hours hold from %(day)s.", day=formatting.day(since))
    if not hits:
        return saved
    more = ngettext(
        "%(num)d booking lies outside now and stays; write to its customer.",
        "%(num)d bookings lie outside now and stay; write to their customers.",
        hits,
    )
    return f"{saved} {more}"


def _placed(error: DomainError) -> DomainError:
    """Faults of ``hours.3`` stand at the start of that line."""
    error.reasons = tuple(
        replace(r, place=f"starts.{r.place.split('.')[1]}") if r.place and r.place.startswith("hours.") else r
        for r in error.reasons
    )
    return error


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/exceptions")
@allows(*MANAGES)
@once
def exception_added(organisation: str, resource_id: UUID) -> Any:
    record = _resource(resource_id)
    form = Form.sent()
    kind = form.choice("kind", ExceptionKind, required=True)
    start = form.moment("start", zone=record.zone, required=True)
    end = form.moment("end", zone=record.zone, required=True)
    audience = form.choice("audience", Audience) or Audience.ALL.value
    unit_id = form.id("unit")
    zh, en = form.text("reason_zh", longest=300) or "", form.text("reason_en", longest=300) or ""
    if start is not None and end is not None and end <= start:
        form.note("end", "booking.end_before_start")
    if not form.ok or kind is None or start is None or end is None:
        return _hours_page(organisation, record, other=form)
    wanted = DatedException(ExceptionKind(kind), TimeSpan(start, end), Audience(audience), unit_id, zh, en)
    try:
        hits = service.preview_exception(record.key, wanted, by=g.actor)
        if request.form.get("look"):
            return _hours_page(organisation, record, hits=hits, other=form)
        service.add_exception(record.key, wanted, by=g.actor)
    except DomainError as error:
        form.refuse(error)
        return _hours_page(organisation, record, other=form)
    flash(_("Entered; the calendar shows it."), "good")
    return redirect(
        url_for("availability.hours", organisation=organisation, resource_id=resource_id) + "#exceptions", 303
    )


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/exceptions/<uuid:exception_id>/remove")
@allows(*MANAGES)
def exception_removed(organisation: str, resource_id: UUID, exception_id: UUID) -> Any:
    record = _resource(resource_id)
    service.remove_exception(record.key, exception_id, by=g.actor)
    flash(_("Taken back."), "good")
    return redirect(
        url_for("availability.hours", organisation=organisation, resource_id=resource_id) + "#exceptions", 303
    )


# ---- house rules -----------------------------------------------------------------------------------------------

_NUMBERS = (
    "step", "least", "most", "horizon_days", "setup", "teardown", "gap", "cancel_until", "change_until",
    "answer_hours", "hold", "samples_most", "late_grace", "no_show_after",
)  # fmt: skip
# Written in hours on the page, kept in minutes.
_HOURS = {"cancel_until", "change_until", "gap"}


def _rules_values(rules: HouseDocument) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in _NUMBERS:
        number = getattr(rules, name)
        values[name] = str(_in_hours(number) if name in _HOURS else number)
    values |= {f"lead.{key}": str(_in_hours(rules.lead[key])) for key in rules.lead}
    values |= {
        "approval": rules.approval,
        "silence": rules.silence,
        "hazard": rules.hazard,
        "training": rules.training,
    }
    for n, quota in enumerate(rules.quotas[:QUOTAS]):
        limit = _in_hours(quota.limit) if quota.measure is QuotaMeasure.MINUTES else quota.limit
        values |= {
            f"quota_per.{n}": quota.per, f"quota_period.{n}": quota.period, f"quota_measure.{n}": quota.measure,
            f"quota_limit.{n}": str(limit),
        }  # fmt: skip
    for n, asked in enumerate(rules.fields[:FIELDS]):
        values |= {f"field_code.{n}": asked.code, f"field_zh.{n}": asked.name_zh, f"field_en.{n}": asked.name_en,
                   f"field_required.{n}": asked.required}  # fmt: skip
    return values


def _in_hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return str(hours) if not rest else f"{minutes / 60:.2f}".rstrip("0").rstrip(".")


def _typed_rules(form: Form) -> dict[str, Any]:
    """The document in the form; what cannot be read is noted at its field."""
    document: dict[str, Any] = {}
    for name in _NUMBERS:
        if name in _HOURS:
            amount = form.decimal(name)
            document[name] = int(amount * 60) if amount is not None else 0
        else:
            number = form.whole(name)
            if number is not None:
                document[name] = number
    lead = {}
    for key in LEAD_KEYS:
        amount = form.decimal(f"lead.{key}")
        if amount:
            lead[key] = int(amount * 60)
    document["lead"] = lead
    document["approval"] = form.choice("approval", Approval) or Approval.NEVER.value
    document["silence"] = form.choice("silence", Silence) or Silence.LAPSE.value
    document["hazard"] = form.flag("hazard")
    document["training"] = form.text("training", longest=60) or ""
    quotas = []
    for n in range(QUOTAS):
        limit = form.decimal(f"quota_limit.{n}")
        if limit:
            measure = form.choice(f"quota_measure.{n}", QuotaMeasure, required=True)
            quotas.append(
                {
                    "per": form.choice(f"quota_per.{n}", QuotaPer, required=True),
                    "period": form.choice(f"quota_period.{n}", QuotaPeriod, required=True),
                    "measure": measure,
                    "limit": int(limit * 60) if measure == QuotaMeasure.MINUTES.value else int(limit),
                }
            )
    document["quotas"] = quotas
    asked = []
    for n in range(FIELDS):
        zh, en = form.text(f"field_zh.{n}", longest=80), form.text(f"field_en.{n}", longest=80)
        if zh or en:
            asked.append(
                {
                    "code": form.text(f"field_code.{n}", longest=40) or f"field_{n + 1}",
                    "name_zh": zh or "",
                    "name_en": en or "",
                    "required": form.flag(f"field_required.{n}"),
                }
            )
    document["fields"] = asked
    return document


@blueprint.get("/o/<organisation>/resources/<uuid:resource_id>/rules")
@allows(*MANAGES)
def rules(organisation: str, resource_id: UUID) -> tuple[str, int]:
    """The rules of the house as a form, read back as sentences; versions are dated and never rewritten."""
    return _rules_page(organisation, _resource(resource_id))


def _rules_page(
    organisation: str, record: ResourceRecord, form: Form | None = None, draft: HouseDocument | None = None
) -> tuple[str, int]:
    today = _today(record)
    present, number = service.house_rules(record.key, today)
    history = service.rules_history(record.key)
    first = today + timedelta(days=1) if any(v.since == today for v in history) else today
    shown = form or Form({**_rules_values(present), "since": first})
    before, after = sentences.tell_all(service.rules_sentences(present)), None
    if draft is not None:
        after = sentences.tell_all(service.rules_sentences(draft))
    old = {t.sentence for t in before}
    new = {t.sentence for t in after or ()}
    html = render_template(
        "availability/rules.html",
        record=record,
        organisation_code=organisation,
        form=shown,
        number=number,
        before=before,
        added=[t for t in after or () if t.sentence not in old],
        dropped=[t for t in before if t.sentence not in new] if after is not None else (),
        draft=after,
        history=history,
        approvals=[(a.value, word("availability.approval", a)) for a in Approval],
        silences=[(s.value, word("availability.silence", s)) for s in Silence],
        pers=[(p.value, word("booking.quota_per", p)) for p in QuotaPer],
        periods=[(p.value, word("booking.quota_period", p)) for p in QuotaPeriod],
        measures=[
            (m.value, _("hours") if m is QuotaMeasure.MINUTES else word("booking.quota_measure", m))
            for m in QuotaMeasure
        ],
        leads=[(k, word("booking.mode", k)) for k in LEAD_KEYS],
        quotas=range(QUOTAS),
        fields=range(FIELDS),
    )
    return html, shown.status


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/rules")
@allows(*MANAGES)
@once
def rules_saved(organisation: str, resource_id: UUID) -> Any:
    """Look at the sentences first, then publish from a day on."""
    record = _resource(resource_id)
    form = Form.sent()
    document = _typed_rules(form)
    since = form.day("since", required=True)
    draft = None
    try:
        draft = service.read_rules(document)
    except InvalidRules as error:
        form.refuse(error)
    if not form.ok or since is None or draft is None or request.form.get("look"):
        return _rules_page(organisation, record, form, draft)
    try:
        number = service.save_rules(
            record.key, document, since, note=form.text("note", longest=500) or "", by=g.actor
        )
    except DomainError as error:
        form.refuse(error)
        return _rules_page(organisation, record, form, draft)
    flash(_("Version %(number)s holds from %(day)s.", number=number, day=formatting.day(since)), "good")
    return redirect(url_for("availability.rules", organisation=organisation, resource_id=resource_id), 303)


# ---- special days ----------------------------------------------------------------------------------------------


@calendar_days.get("/o/<organisation>/calendar-days", endpoint="index")
@allows(Role.PLATFORM_STAFF)
def days(organisation: str) -> tuple[str, int]:
    """Public holidays and make-up workdays of a year, as published and as entered here."""
    return _days_page(organisation)


def _year(values: Mapping[str, str]) -> int:
    this = clock.now().year
    text = values.get("year", "")
    year = int(text) if text.isascii() and text.isdigit() else this
    return year if 2000 <= year <= this + 10 else this


def _days_page(organisation: str, form: Form | None = None) -> tuple[str, int]:
    year = _year(request.values)
    found, entered = service.calendar_year("CN", year)
    special = [found[day] for day in sorted(found)]
    html = render_template(
        "availability/calendar_days.html",
        organisation_code=organisation,
        year=year,
        special=special,
        entered=entered,
        provisional=any(d.provisional for d in special),
        form=form or Form({"kind": "holiday"}),
        kinds=[(k.value, word("availability.day", k)) for k in DayKind],
        years=[year - 1, year, year + 1],
    )
    return html, form.status if form is not None else 200


@calendar_days.post("/o/<organisation>/calendar-days", endpoint="entered")
@allows(Role.PLATFORM_STAFF)
@once
def entered(organisation: str) -> Any:
    form = Form.sent()
    day, until = form.day("day", required=True), form.day("until")
    kind = form.choice("kind", DayKind, required=True)
    zh, en = form.text("name_zh", longest=100) or "", form.text("name_en", longest=100) or ""
    stands_for = form.day("stands_for")
    source = form.text("source", longest=300) or ""
    if day is not None and until is not None and not day <= until <= day + timedelta(days=31):
        form.note("until", "availability.days_range")
    if not form.ok or day is None or kind is None:
        return _days_page(organisation, form)
    try:
        for n in range(((until or day) - day).days + 1):
            one = SpecialDay(day + timedelta(days=n), DayKind(kind), zh, en, stands_for, False, source)
            service.enter_day("CN", one, by=g.actor)
    except DomainError as error:
        form.refuse(error)
        return _days_page(organisation, form)
    flash(_("Entered. Calendars follow within a minute."), "good")
    return redirect(url_for("calendar_days.index", organisation=organisation, year=day.year), 303)


@calendar_days.post("/o/<organisation>/calendar-days/<day>/forget", endpoint="forgotten")
@allows(Role.PLATFORM_STAFF)
def forgotten(organisation: str, day: str) -> Any:
    try:
        gone = date.fromisoformat(day)
    except ValueError:
        return redirect(url_for("calendar_days.index", organisation=organisation), 303)
    service.forget_day("CN", gone, by=g.actor)
    flash(_("The published calendar holds again for this day."), "good")
    return redirect(url_for("calendar_days.index", organisation=organisation, year=gone.year), 303)
