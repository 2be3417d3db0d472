"""The lines of a payout run as a file."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import g, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.adapters import xlsx
from resource_hub.domain.subsidy import service
from resource_hub.domain.subsidy.terms import (
    RunLineRecord,
)
from resource_hub.entrypoints.support import exports, money_text
from resource_hub.entrypoints.support.formatting import named
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.money import parts
from resource_hub.entrypoints.web.money.funder.common import (
    PEOPLE,
    blueprint,
    run_key,
)
from resource_hub.kernel.errors import NotFound
from resource_hub.kernel.money import Money

_EXPORT = (
    "position", "day", "host", "customer", "credit_code", "beneficiary", "grade", "base", "amount", "currency", "why",
    "documents", "rule_version", "sample", "claim", "charge", "entry", "digest",
)  # fmt: skip


def _export_head() -> list[str]:
    words = {
        "position": _("No."), "day": _("Day of use"), "host": _("Institution"), "customer": _("Customer"),
        "credit_code": _("Credit code"), "beneficiary": _("Paid to"), "grade": _("Evidence grade"),
        "base": _("Base"), "amount": _("Amount"), "currency": _("Currency"), "why": _("Why"),
        "documents": _("Documents"), "rule_version": _("Rule version"), "sample": _("Check"), "claim": _("Claim"),
        "charge": _("Charge"), "entry": _("Usage entry"), "digest": _("Digest of the run"),
    }  # fmt: skip
    return [words[name] for name in _EXPORT]


@blueprint.get("/o/<organisation>/runs/<uuid:run_id>/lines.<kind>")
@allows(*PEOPLE)
def export(organisation: str, run_id: UUID, kind: str) -> Response:
    """The run as XLSX or CSV: every line says why, with documents and the keys to recompute it."""
    if kind not in ("csv", "xlsx"):
        raise NotFound()
    key = run_key(run_id)
    found = service.run(key, by=g.actor)
    rows = [
        (
            row["position"],
            row["day"].isoformat(),
            named(row["host"]),
            named(row["customer"]) if row["customer"] else "",
            row["line"].body["customer"],
            named(row["beneficiary"]) if row["beneficiary"] else "",
            row["grade"] or "",
            row["base"].amount,
            row["amount"].amount,
            row["amount"].currency,
            row["why"],
            "; ".join(row["documents"]),
            row["rule"],
            word("subsidy.sample", row["sampled"]) if row["sampled"] else "",
            row["line"].body["claim"],
            row["line"].body["charge"],
            row["line"].body["entry"] or "",
            found.digest,
        )
        for row in line_rows(service.run_lines(key, by=g.actor))
    ]
    if kind == "csv":
        return exports.csv_response(f"{found.number}.csv", _export_head(), rows)
    book = xlsx.workbook([(found.number, _export_head(), rows)])
    return exports.file_response(f"{found.number}.xlsx", book, xlsx.MEDIA_TYPE)


def line_rows(lines: list[RunLineRecord]) -> list[dict[str, Any]]:
    known = parts.names(
        hosts={line.claim_key.institution_id for line in lines} | {line.beneficiary_id for line in lines},
        customers={line.customer_id for line in lines} | {line.beneficiary_id for line in lines},
    )
    rows = []
    for line in lines:
        host = known.hosts[line.claim_key.institution_id]
        rows.append(
            {
                "line": line,
                "position": line.position,
                "day": date.fromisoformat(line.body["day"]),
                "host": host,
                "customer": known.customers.get(line.customer_id),
                "beneficiary": known.hosts.get(line.beneficiary_id)
                or known.customers.get(line.beneficiary_id),
                "grade": line.body["facts"]["facts"].get("grade") or None,
                "base": Money(line.body["base_minor"], line.amount.currency),
                "amount": line.amount,
                "why": money_text.steps_text(line.body["steps"], line.amount.currency),
                "documents": money_text.documents(line.body["citations"]),
                "rule": line.body["rule_version"],
                "sampled": line.sampled,
                "note": line.sample_note,
                "href": url_for(
                    "subsidy.claim",
                    organisation=g.actor.organisation_code,
                    host=host.code,
                    claim_id=line.claim_key.id,
                ),
            }
        )
    return rows
