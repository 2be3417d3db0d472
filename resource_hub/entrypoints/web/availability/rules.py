"""The rules of the house: a form, read back as sentences, compared with what is in force, then dated."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability import service
from resource_hub.domain.availability.errors import InvalidRules
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.entrypoints.support import formatting, paging, sentences
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.availability import rules_form, trial
from resource_hub.entrypoints.web.availability.blueprints import MANAGES, blueprint, managed, today_of
from resource_hub.kernel.errors import DomainError


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
    tomorrow = today + timedelta(days=1)
    first = (
        tomorrow if any(v.since == today for v in service.rules_history(record.key, 1, tomorrow)) else today
    )
    limit = paging.asked_limit(10)
    (before,) = paging.unpack(paging.asked_after(), date) or (None,)
    history = service.rules_history(record.key, limit + 1, before)
    shown = form or Form({**rules_form.initial(present), "since": first})
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
        said=None if not shown.ok else rules_form.parts_said(after or before),
        blank=rules_form.blank_lines(shown),
        said_lines=rules_form.lines_said(
            shown, (present, before), *([(draft, after)] if draft and after else [])
        ),
        added=[t for t in after or () if t.sentence not in old],
        dropped=[t for t in before if t.sentence not in new] if after is not None else (),
        draft=after,
        trial=trial.tried(record, draft, shown) if draft is not None else None,
        history=paging.page_of(history, limit, lambda version: (version.since,)),
        seen=service.newest_rules_number(record.key),
        trainings=[
            (one.code, formatting.named({"name": {"zh": one.name_zh, "en": one.name_en}}))
            for one in accounts.training_types(record.key.institution_id, active_only=True)
        ],
        **rules_form.choices(
            shown,
            [
                (str(group.id), formatting.plain(group.name_in(formatting.language())))
                for group in accounts.groups(record.key.institution_id)
            ],
        ),
    )
    return html, shown.status


@blueprint.post("/o/<organisation>/resources/<uuid:resource_id>/rules")
@allows(*MANAGES)
@once
def rules_saved(organisation: str, resource_id: UUID) -> Any:
    """Look at the sentences first, then publish from a day on."""
    record = managed(resource_id)
    form = Form.sent()
    document = rules_form.typed(form)
    since = form.day("since", required=True)
    seen = form.whole("seen")
    if seen != service.newest_rules_number(record.key):
        form.refuse(service.RulesChanged())
    draft = None
    try:
        draft = service.read_rules(document)
    except InvalidRules as error:
        form.refuse(rules_form.placed(form, error))
    if not form.ok or since is None or draft is None or request.form.get("look"):
        return _rules_page(organisation, record, form, draft)
    try:
        number = service.save_rules(
            record.key, document, since, note=form.text("note", longest=500) or "", by=g.actor, seen=seen
        )
    except DomainError as error:
        form.refuse(rules_form.placed(form, error) if isinstance(error, InvalidRules) else error)
        return _rules_page(organisation, record, form, draft)
    flash(_("Version %(number)s holds from %(day)s.", number=number, day=formatting.day(since)), "good")
    return redirect(url_for("availability.rules", organisation=organisation, resource_id=resource_id), 303)
