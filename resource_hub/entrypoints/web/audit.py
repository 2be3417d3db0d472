"""The platform's page of audit rows: who changed what, in which organisation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationRecord, Role
from resource_hub.entrypoints.support import exports, paging
from resource_hub.entrypoints.support.formatting import default_zone
from resource_hub.entrypoints.support.guards import allows
from resource_hub.kernel.errors import NotFound
from resource_hub.kernel.time import midnight, zone
from resource_hub.reports import audit_trail

blueprint = Blueprint("audit", __name__)


@blueprint.get("/o/<organisation>/audit")
@allows(Role.PLATFORM_STAFF)
def index(organisation: str) -> str:
    """Rows of one organisation, the platform's own at first; filters stand in the address."""
    looked_at = _organisation(organisation)
    limit = paging.asked_limit(50)
    after = paging.unpack(paging.asked_after(), datetime, UUID)
    page: paging.Page[audit_trail.AuditRow] = paging.Page([])
    actions: list[str] = []
    if looked_at is not None:
        wanted = _filter(looked_at)
        found = audit_trail.rows(wanted, limit + 1, (after[0], after[1]) if after else None)
        page = paging.page_of(found, limit, key=lambda row: (row.at, row.id))
        actions = audit_trail.actions(looked_at.id)
    return render_template(
        "platform/audit.html",
        page=page,
        looked_at=looked_at,
        actions=actions,
        asked=request.args,
        text=details_text,
        shortened=shortened,
    )


@blueprint.get("/o/<organisation>/audit.csv")
@allows(Role.PLATFORM_STAFF)
def export(organisation: str) -> Response:
    """Exactly what the filters show, all of it. Heads are the fields' own names, so that a program can read them."""
    looked_at = _organisation(organisation)
    if looked_at is None:
        raise NotFound()
    head = ("at", "organisation", "action", "subject", "person_id", "person", "details", "intact", "id")

    def lines() -> Iterator[tuple[Any, ...]]:
        for row in audit_trail.every(_filter(looked_at)):
            details = json.dumps(dict(row.details), ensure_ascii=False, sort_keys=True)
            who = str(row.person_id) if row.person_id else ""
            yield (
                row.at.isoformat(), looked_at.code, row.action, row.subject, who, row.person or "", details,
                "yes" if row.intact else "no", str(row.id),
            )  # fmt: skip

    return exports.csv_response(f"audit-{looked_at.code}.csv", head, lines())


_UUID = re.compile(r"([0-9a-f]{4})[0-9a-f]{4}(?:-[0-9a-f]{4}){3}-[0-9a-f]{8}([0-9a-f]{4})")
_DIGEST = re.compile(r"\b([0-9a-f]{6})[0-9a-f]{58}\b")
LONGEST = 200


def shortened(text: str) -> str:
    """Ids and digests cut to what tells them apart; the whole text stands in the export."""
    return _DIGEST.sub(r"\1…", _UUID.sub(r"\1…\2", text))


def details_text(details: Mapping[str, Any]) -> str:
    """Details as one short line for the eye; nested values as they are stored."""
    parts = []
    for name, value in details.items():
        if value in (None, "", [], {}):
            continue
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        parts.append(f"{name}: {shown}")
    line = shortened(" · ".join(parts))
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"


def _organisation(default: str) -> OrganisationRecord | None:
    try:
        return accounts.organisation(request.args.get("of", "").strip() or default)
    except NotFound:
        return None


def _filter(looked_at: OrganisationRecord) -> audit_trail.Filter:
    tz = zone(default_zone())

    def day(name: str) -> date | None:
        try:
            return date.fromisoformat(request.args.get(name, ""))
        except ValueError:
            return None

    since, until = day("from"), day("to")
    return audit_trail.Filter(
        looked_at.id,
        action=request.args.get("action", "")[:80].strip(),
        subject=request.args.get("subject", "")[:200].strip(),
        person=request.args.get("person", "")[:254].strip(),
        since=midnight(since, tz) if since else None,
        until=midnight(until + timedelta(days=1), tz) if until and until < date.max else None,
    )
