"""Does the ledger hold? Recomputes every chain from the kept bytes and checks the signed roots, streaming.

Reads tables of several capabilities, as reports may; changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import Session

from resource_hub.adapters.signing import signature_holds
from resource_hub.domain.billing.rules import money_digest
from resource_hub.domain.billing.tables import MoneyEntry
from resource_hub.domain.usage.rules.ledger import Broken, Link, body_digest, instant_text, verify_links
from resource_hub.domain.usage.tables import ChainLink, DayRoot, SigningKey, UnlinkedEntry, UsageEntry
from resource_hub.infra.bulk import collector_off
from resource_hub.infra.database import reading

_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found of one chain. ``waiting``: sealed rows that the sealer has not linked yet."""

    institution_id: UUID
    kind: str
    links: int
    roots: int
    waiting: int
    broken: Broken | None = None

    @property
    def holds(self) -> bool:
        return self.broken is None


def chains(institution_id: UUID | None = None) -> list[tuple[UUID, str]]:
    """Chains that have anything to verify: links, rows that wait, or sealed rows that should have either."""
    session = reading()
    found: set[tuple[UUID, str]] = set()
    for table in (ChainLink, UnlinkedEntry):
        rows = select(table.institution_id, table.kind).distinct()
        if institution_id is not None:
            rows = rows.where(table.institution_id == institution_id)
        found |= {(row[0], row[1]) for row in session.execute(rows)}
    for kind, entries in _ENTRIES.items():
        rows = select(entries.institution_id).distinct()
        if institution_id is not None:
            rows = rows.where(entries.institution_id == institution_id)
        found |= {(row[0], kind) for row in session.execute(rows)}
    return sorted(found)


def verify(institution_id: UUID, kind: str = "usage") -> Iterator[Verdict]:
    """Walk one chain; yields a growing verdict now and then for progress, the last one is the answer."""
    session = reading()
    roots = session.execute(
        select(DayRoot, SigningKey.public_key)
        .outerjoin(SigningKey, SigningKey.id == DayRoot.key_id)
        .where(DayRoot.institution_id == institution_id, DayRoot.kind == kind)
        .order_by(DayRoot.day)
    ).all()
    heads: dict[int, bytes] = {}
    wanted = frozenset(root.last_position for root, _ in roots)
    count = 0
    links = _links(session, institution_id, kind)
    for checked, broken in verify_links(links, heads, wanted, _DIGEST[kind]):
        count = checked
        if broken is not None:
            yield Verdict(institution_id, kind, count, 0, 0, broken)
            return
        if count % 20_000 == 0:
            yield Verdict(institution_id, kind, count, 0, 0)
    for root, public_key in roots:
        problem = _root_problem(root, public_key, heads)
        if problem:
            yield Verdict(institution_id, kind, count, 0, 0, Broken(root.last_position, None, problem))
            return
    waiting = _count(session, UnlinkedEntry, institution_id, UnlinkedEntry.kind == kind)
    entries = _count(session, _ENTRIES[kind], institution_id)
    # The exact question is asked only when the counts differ: it is the one expensive one.
    stray = _stray(session, institution_id, kind) if entries != count + waiting else None
    if stray is not None:
        yield Verdict(
            institution_id, kind, count, len(roots), waiting, Broken(0, stray, "entry_without_place")
        )
        return
    yield Verdict(institution_id, kind, count, len(roots), waiting)


def _count(session: Session, table: Any, institution_id: UUID, *conditions: Any) -> int:
    return (
        session.scalar(
            select(func.count()).select_from(table).where(table.institution_id == institution_id, *conditions)
        )
        or 0
    )


def _root_problem(root: DayRoot, public_key: bytes | None, heads: dict[int, bytes]) -> str | None:
    if public_key is None or not signature_holds(public_key, root.root, root.signature):
        return f"root_signature:{root.day.isoformat()}"
    said = json.loads(root.root)
    if said["day"] != root.day.isoformat() or said["last_position"] != root.last_position:
        return f"root_row:{root.day.isoformat()}"
    if heads.get(root.last_position, b"").hex() != said["head"]:
        return f"root_head:{root.day.isoformat()}"
    return None


def _stray(session: Session, institution_id: UUID, kind: str) -> UUID | None:
    """A sealed row that stands neither in the chain nor in the sealer's queue: somebody slipped it in."""
    entries = _ENTRIES[kind]
    link = and_(
        ChainLink.institution_id == entries.institution_id,
        ChainLink.kind == kind,
        ChainLink.entry_id == entries.id,
    )
    queue = and_(
        UnlinkedEntry.institution_id == entries.institution_id,
        UnlinkedEntry.kind == kind,
        UnlinkedEntry.entry_id == entries.id,
    )
    return session.scalar(
        select(entries.id)
        .outerjoin(ChainLink, link)
        .outerjoin(UnlinkedEntry, queue)
        .where(
            entries.institution_id == institution_id,
            ChainLink.entry_id.is_(None),
            UnlinkedEntry.entry_id.is_(None),
        )
        .limit(1)
    )


def _links(session: Session, institution_id: UUID, kind: str) -> Iterator[Link]:
    """The links of a chain with their entries, in order, a thousand at a time.

    A server-side cursor would pin the connection for minutes; a join would lean on the planner's statistics, which a
    database just filled does not have. Both questions of a page go by the primary key.
    """
    entries = _ENTRIES[kind]
    after = 0
    while True:
        with collector_off():
            places = session.execute(
                select(ChainLink.position, ChainLink.entry_id, ChainLink.entry_digest, ChainLink.digest)
                .where(
                    ChainLink.institution_id == institution_id,
                    ChainLink.kind == kind,
                    ChainLink.position > after,
                )
                .order_by(ChainLink.position)
                .limit(_CHUNK)
            ).all()
            found = {
                row.id: row
                for row in session.execute(
                    select(entries.id, *_COLUMNS[kind]).where(
                        entries.institution_id == institution_id, entries.id.in_([p.entry_id for p in places])
                    )
                )
            }
            links = [_link(place, found.get(place.entry_id)) for place in places]
        yield from links
        if len(places) < _CHUNK:
            return
        after = places[-1].position


def _link(place: Any, row: Row[Any] | None) -> Link:
    body = None if row is None else row.body
    said = _usage_columns(row) if row is not None and hasattr(row, "effective_seconds") else {}
    return Link(place.position, place.entry_digest, place.digest, place.entry_id, body, said)


def _usage_columns(row: Row[Any]) -> dict[str, Any]:
    """What the plain columns say, in the spelling of the sealed bytes."""
    return {
        "kind": row.kind,
        "session": str(row.session_id),
        "day": row.day.isoformat(),
        "resource": str(row.resource_id),
        "unit": None if row.unit_id is None else str(row.unit_id),
        "booking": None if row.booking_id is None else str(row.booking_id),
        "customer": str(row.customer_id),
        "class": row.customer_class,
        "purpose": row.purpose,
        "grade": row.grade,
        "starts_at": None if row.starts_at is None else instant_text(row.starts_at),
        "ends_at": None if row.ends_at is None else instant_text(row.ends_at),
        "effective_seconds": row.effective_seconds,
        "samples": row.samples,
    }


_E = UsageEntry
_ENTRIES: dict[str, Any] = {"usage": UsageEntry, "money": MoneyEntry}
_DIGEST = {"usage": body_digest, "money": money_digest}
_COLUMNS: dict[str, tuple[Any, ...]] = {
    "usage": (
        _E.body, _E.kind, _E.session_id, _E.day, _E.resource_id, _E.unit_id, _E.booking_id, _E.customer_id,
        _E.customer_class, _E.purpose, _E.grade, _E.starts_at, _E.ends_at, _E.effective_seconds, _E.samples,
    ),
    "money": (MoneyEntry.body,),
}  # fmt: skip
