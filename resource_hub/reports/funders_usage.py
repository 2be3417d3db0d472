"""The usage behind a funder's money, in the order of a host's chain: what funders pull.

The cursor is the gap-free position that the sealer gives, so nothing that was committed late is ever skipped. Only
entries that the funder's programmes judged are handed out; positions in between belong to others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select

from resource_hub.domain.subsidy.tables import ClaimLine, Programme
from resource_hub.domain.usage.tables import ChainLink, UsageEntry
from resource_hub.infra.database import reading
from resource_hub.kernel.money import Money


@dataclass(frozen=True, slots=True)
class PulledClaim:
    id: UUID
    programme: str
    state: str
    amount: Money
    rule_version: str
    reasons: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PulledEntry:
    """A sealed entry at its place in the chain, with its sealed facts and what the funder's programmes made of it."""

    position: int
    entry_id: UUID
    entry_digest: str
    link_digest: str
    said: dict[str, Any]
    claims: tuple[PulledClaim, ...]


@dataclass(frozen=True, slots=True)
class Pulled:
    """``head`` is the newest position of the chain; ``next_after`` the cursor to go on with."""

    entries: tuple[PulledEntry, ...]
    head: int
    next_after: int


def pull(institution_id: UUID, funder_id: UUID, after: int, limit: int) -> Pulled:
    """Entries after a position, oldest first."""
    session = reading()
    chain = (ChainLink.institution_id == institution_id, ChainLink.kind == "usage")
    head = session.scalar(select(func.max(ChainLink.position)).where(*chain)) or 0
    judged = (
        select(ClaimLine.id)
        .where(
            ClaimLine.institution_id == ChainLink.institution_id,
            ClaimLine.entry_id == ChainLink.entry_id,
            ClaimLine.funder_id == funder_id,
        )
        .exists()
    )
    rows = session.execute(
        select(ChainLink, UsageEntry.body)
        .join(
            UsageEntry,
            and_(UsageEntry.institution_id == ChainLink.institution_id, UsageEntry.id == ChainLink.entry_id),
        )
        .where(*chain, ChainLink.position > after, judged)
        .order_by(ChainLink.position)
        .limit(limit)
    ).all()
    claims = _claims(institution_id, funder_id, [link.entry_id for link, _ in rows])
    entries = tuple(
        PulledEntry(
            link.position,
            link.entry_id,
            link.entry_digest.hex(),
            link.digest.hex(),
            json.loads(body),
            tuple(claims.get(link.entry_id, ())),
        )
        for link, body in rows
    )
    # A page that is not full has looked at everything up to the head.
    done = entries[-1].position if len(entries) == limit else head
    return Pulled(entries, head, max(after, done))


def _claims(institution_id: UUID, funder_id: UUID, entry_ids: list[UUID]) -> dict[UUID, list[PulledClaim]]:
    found: dict[UUID, list[PulledClaim]] = {}
    if not entry_ids:
        return found
    rows = reading().execute(
        select(ClaimLine, Programme.code)
        .join(Programme, Programme.id == ClaimLine.programme_id)
        .where(
            ClaimLine.institution_id == institution_id,
            ClaimLine.funder_id == funder_id,
            ClaimLine.entry_id.in_(entry_ids),
        )
        .order_by(ClaimLine.id)
    )
    for row, code in rows:
        if row.entry_id is not None:
            found.setdefault(row.entry_id, []).append(
                PulledClaim(
                    row.id,
                    code,
                    row.state,
                    Money(row.amount_minor, row.currency),
                    row.rule_version,
                    row.reasons,
                )
            )
    return found
