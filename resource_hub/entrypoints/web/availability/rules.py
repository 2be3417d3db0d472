"""The rules of the house: a form, read back as sentences, compared with what is in force, then dated."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.availability import service
from resource_hub.domain.availability.errors import InvalidRules
from resource_hub.domain.availability.rules.document import LEAD_KEYS
from resource_hub.domain.availability.terms import (
    Approval,
    HouseDocument,
    QuotaMeasure,
    QuotaPer,
    QuotaPeriod,
    Silence,
)
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import formatting, sentences
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.availability.blueprints import MANAGES, blueprint, managed, today_of
from resource_hub.kernel.errors import DomainError

QUOTAS = 4
FIELDS = 5

_NUMBERS = (
    "step", "least", "most", "horizon_days", "setup", "teardown", "gap", "cancel_until", "change_until",
    "answer_hours", "hold", "samples_most", "late_grace", "no_show_after",
)  # fmt: skip
# Numbers for which none at all is no answer.
_NEEDED = {"step", "least", "horizon_days", "answer_hours", "hold", "no_show_after"}
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
    """The document in the form; what cannot be read is noted at its field. An empty limit is none."""
    document: dict[str, Any] = {}
    for name in _NUMBERS:
        if name in _HOURS:
            amount = form.decimal(name)
            document[name] = int(amount * 60) if amount is not None else 0
        else:
            number = form.whole(name, required=name in _NEEDED)
            document[name] = number or 0
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


# Rows of the document and the field of the form at which their faults stand.
_ROWS = {"quotas": "quota_limit", "fields": "field_zh"}


def _placed(error: InvalidRules) -> InvalidRules:
    places = [(reason, *(reason.place or "").partition(".")[::2]) for reason in error.reasons]
    error.reasons = tuple(
        replace(reason, place=f"{_ROWS[name]}.{row}") if name in _ROWS else reason
        for reason, name, row in places
    )
    return error


@blueprint.get("/o/<organisation>/resources/<uuid:resource_id>/rules")
@allows(*MANAGES)
def rules(organisation: str, resource_id: UUID) -> tuple[str, int]:
    """The rules of the house as a form, read back as sentences; versions are dated and never rewritten."""
    return _rules_page(organisation, managed(resource_id))


def _rules_page(
    organisation: str, record: ResourceRecord, form: Form | None = None, draft: HouseDocument | None = None
) -> tuple[str, int]:
    today = today_of(record)
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
    record = managed(resource_id)
    form = Form.sent()
    document = _typed_rules(form)
    since = form.day("since", required=True)
    draft = None
    try:
        draft = service.read_rules(document)
    except InvalidRules as error:
        form.refuse(_placed(error))
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
