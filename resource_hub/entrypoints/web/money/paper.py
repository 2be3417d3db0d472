"""Statements on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _

from resource_hub.adapters import pdf
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationRecord
from resource_hub.domain.billing.terms import MoneyEntryRecord, StatementRecord
from resource_hub.entrypoints.support import formatting


def statement(
    host: OrganisationRecord,
    found: StatementRecord,
    rows: Sequence[dict[str, Any]],
    payments: Sequence[MoneyEntryRecord],
) -> bytes:
    """The statement as PDF in the reader's language. The same statement gives the same bytes."""
    customer = accounts.customer(found.customer_id)
    owner = accounts.organisation(customer.organisation_id)
    facts = [
        (_("From"), formatting.named(host)),
        (_("To"), formatting.named(customer)),
        (_("Month"), formatting.month(found.period)),
        (_("Credit code"), owner.uscc or "–"),
        (_("Issued"), formatting.stamp(found.issued_at, host.zone) if found.issued_at else "–"),
        (_("Due on"), formatting.stamp(found.due_on) if found.due_on else "–"),
    ]
    currency = found.total.currency
    notes = [
        _("Payment of %(day)s, %(reference)s: %(amount)s",
          day=formatting.stamp(p.day), reference=p.reference, amount=formatting.money(-p.amount))
        for p in payments
    ]  # fmt: skip
    notes.append(_("Still open: %(amount)s", amount=formatting.money(found.open)))
    data = {
        "title": _("Statement %(number)s", number=found.number),
        "lang": formatting.language(),
        "facts": facts,
        "columns": [
            {"title": _("Day"), "right": False},
            {"title": _("What for"), "right": False},
            {"title": f"{_('Price')} {currency}", "right": True},
            {"title": _("Taken off by programmes"), "right": True},
            {"title": _("To pay"), "right": True},
        ],
        "rows": [
            [
                formatting.stamp(row["day"]),
                [
                    formatting.named(row["resource"]) if row["resource"] else "–",
                    *(x["text"] for x in row["lines"]),
                ],
                formatting.money(row["gross"], False),
                formatting.money(row["deducted"], False),
                formatting.money(row["amount"], False),
            ]
            for row in rows
        ],
        "foot": [
            _("Total"),
            "",
            formatting.money(found.gross, False),
            formatting.money(-found.deducted, False),
            formatting.money(found.total, False),
        ],
        "notes": notes,
        "page": _("Page %(page)s of %(pages)s", page="{page}", pages="{pages}"),
    }
    return pdf.table_document(
        data, (found.issued_at or datetime(2000, 1, 1, tzinfo=UTC)).replace(microsecond=0)
    )
