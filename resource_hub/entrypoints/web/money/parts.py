"""What the pages of money share: names of customers, hosts and resources, charges as rows, claims as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import current_app, g, url_for

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.billing.terms import ChargeRecord
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.subsidy.terms import ClaimLineRecord, ProgrammeRecord, RunRecord
from resource_hub.domain.usage import service as usage
from resource_hub.entrypoints.support import money_text
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money


def href(endpoint: str, **values: Any) -> str | None:
    """Address of a page of another area, or None while it has none."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def session_href(entry: HostKey | None) -> str | None:
    """The page of the session behind a sealed entry."""
    if entry is None:
        return None
    try:
        found = usage.entry(entry)
    except DomainError:
        return None
    host = accounts.organisation(entry.institution_id)
    return href(
        "usage.session", organisation=g.actor.organisation_code, host=host.code, session_id=found.session_id
    )


@dataclass(frozen=True, slots=True)
class Names:
    """Records by id, read in a few queries for a whole page."""

    hosts: dict[UUID, Any]
    customers: dict[UUID, Any]
    resources: dict[HostKey, Any]
    programmes: dict[UUID, ProgrammeRecord]


def names(
    *,
    hosts: Iterable[UUID] = (),
    customers: Iterable[UUID] = (),
    resources: Iterable[HostKey] = (),
    programmes: Iterable[UUID] = (),
) -> Names:
    return Names(
        accounts.organisation_names(set(hosts)),
        accounts.customers(set(customers)),
        catalogue.resources(set(resources)),
        {p.id: p for p in subsidy.programmes(ids=set(programmes))},
    )


def charge_rows(charges: Sequence[ChargeRecord]) -> list[dict[str, Any]]:
    """Charges with the words and links that a reader needs."""
    known = names(resources=(HostKey(c.key.institution_id, c.resource_id) for c in charges))
    rows = []
    for charge in charges:
        rows.append(
            {
                "charge": charge,
                "day": charge.day,
                "kind": charge.kind,
                "resource": known.resources.get(HostKey(charge.key.institution_id, charge.resource_id)),
                "lines": money_text.price_lines(charge.lines, charge.gross.currency),
                "gross": charge.gross,
                "deducted": -charge.deducted,
                "amount": charge.amount,
                "href": charge_href(charge),
            }
        )
    return rows


def charge_href(charge: ChargeRecord) -> str:
    return url_for(
        "billing.charge",
        organisation=g.actor.organisation_code,
        host=accounts.organisation(charge.key.institution_id).code,
        charge_id=charge.key.id,
    )


def claim_href(claim: ClaimLineRecord) -> str:
    return url_for(
        "subsidy.claim",
        organisation=g.actor.organisation_code,
        host=accounts.organisation(claim.key.institution_id).code,
        claim_id=claim.key.id,
    )


def claim_rows(claims: Sequence[ClaimLineRecord]) -> list[dict[str, Any]]:
    """Claim lines with programme, host, clock and the sentence that says why."""
    known = names(
        hosts=(c.key.institution_id for c in claims),
        customers=(c.customer_id for c in claims),
        programmes={c.programme_id for c in claims},
    )
    runs = subsidy.runs_of_claims(claims)
    return [
        {
            "claim": claim,
            "day": claim.day,
            "programme": known.programmes.get(claim.programme_id),
            "host": known.hosts.get(claim.key.institution_id),
            "customer": known.customers.get(claim.customer_id),
            "state": claim.state,
            "base": claim.base,
            "amount": claim.amount,
            "why": money_text.why(claim),
            "documents": money_text.documents(claim.citations),
            "run": runs.get(claim.run_id) if claim.run_id else None,
            "clock": _clock(claim, runs.get(claim.run_id) if claim.run_id else None),
            "href": claim_href(claim),
        }
        for claim in claims
    ]


def _clock(claim: ClaimLineRecord, run: RunRecord | None) -> Any:
    """Since when the claim stands where it stands."""
    if run is None:
        return claim.created_at
    return run.paid_at or run.approved_at or run.sampled_at or run.computed_at


def total(amounts: Iterable[Money], currency: str = "CNY") -> Money:
    return Money.sum((amount for amount in amounts if amount.currency == currency), currency)
