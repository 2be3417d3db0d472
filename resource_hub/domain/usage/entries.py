"""Writing sealed entries: the exact bytes, the queue of the sealer, the rollups, all in the caller's unit.

Used by the day close, by the term that runs out, by corrections and by the import of history, so that there is one
spelling of an entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from resource_hub.domain.usage.rules.hours import by_day
from resource_hub.domain.usage.rules.ledger import ENTRY_FORMAT, body_digest, entry_bytes
from resource_hub.domain.usage.tables import UnlinkedEntry, UsageEntry, UsageRollup
from resource_hub.domain.usage.terms import ChainKind, EntryFacts
from resource_hub.infra.bulk import insert_rows
from resource_hub.infra.ids import derived_id
from resource_hub.kernel.time import TimeSpan, zone

_ENTRY_COLUMNS = (
    "institution_id", "id", "kind", "session_id", "line_id", "corrects_id", "day", "resource_id", "unit_id",
    "booking_id", "customer_id", "customer_class", "purpose", "grade", "starts_at", "ends_at", "effective_seconds",
    "samples", "format", "body", "digest", "sealed_at",
)  # fmt: skip
_QUEUE_COLUMNS = ("institution_id", "kind", "entry_id", "digest", "sealing_day")


@dataclass(frozen=True, slots=True)
class ToSeal:
    """One session line as it is to be sealed. ``outside``: not the host's legal person."""

    facts: EntryFacts
    line_id: UUID
    outside: bool
    corrects_id: UUID | None = None
    has_span: bool = True


class Rollups:
    """Sums to be added to the kept figures, gathered in memory and written in one statement."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Any, ...], list[int]] = {}

    def add(self, facts: EntryFacts, outside: bool, *, sign: int = 1, has_span: bool = True) -> None:
        """Hours go to the days on which they fell; the session and its samples to the day on which it ended."""
        rest = (facts.customer_class, outside, facts.purpose, facts.grade.value)
        span = (
            TimeSpan(facts.starts_at, facts.ends_at) if has_span and facts.ends_at > facts.starts_at else None
        )
        # Only the first line counts the session, so that sessions sum to sessions.
        sessions = sign if facts.line == 1 and facts.state != "no_show" else 0
        of_day = {facts.day: (0, sessions, sign * facts.samples)}
        for day, seconds in by_day(span, facts.hours.effective, zone(facts.zone), facts.day):
            of_day[day] = (sign * seconds, *of_day.get(day, (0, 0, 0))[1:])
        for day, more in of_day.items():
            sums = self._sums.setdefault((facts.resource_id, day, *rest), [0, 0, 0])
            for place, number in enumerate(more):
                sums[place] += number

    def write(self, session: Session, institution_id: UUID) -> None:
        rows = [
            {
                "institution_id": institution_id,
                "resource_id": key[0],
                "day": key[1],
                "customer_class": key[2],
                "outside": key[3],
                "purpose": key[4],
                "grade": key[5],
                "effective_seconds": sums[0],
                "sessions": sums[1],
                "samples": sums[2],
            }
            # In one order everywhere, so that two units never wait for each other's rows crosswise.
            for key, sums in sorted(self._sums.items(), key=lambda item: [str(part) for part in item[0]])
        ]
        if not rows:
            return
        insert = postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
        statement = insert(UsageRollup)
        statement = statement.on_conflict_do_update(
            index_elements=[c.name for c in UsageRollup.__mapper__.primary_key],
            set_={
                name: getattr(UsageRollup, name) + getattr(statement.excluded, name)
                for name in ("effective_seconds", "sessions", "samples")
            },
        )
        session.execute(statement, rows)


def entry_id(facts: EntryFacts, institution_id: UUID) -> UUID:
    """The same use sealed twice gets the same id, and the database refuses the second."""
    return derived_id(
        facts.ends_at, "usage_entry", institution_id, facts.session_id, facts.line, facts.revision
    )


def write_entries(
    session: Session, institution_id: UUID, lines: Sequence[ToSeal], *, sealed_at: datetime, sealing_day: date
) -> list[UUID]:
    """Append entries, queue them for the sealer, and add them to the rollups. Returns their ids in order."""
    written = append_entries(session, institution_id, lines, sealed_at)
    queue = [(institution_id, ChainKind.USAGE.value, new, digest, sealing_day) for new, digest in written]
    insert_rows(session, UnlinkedEntry, _QUEUE_COLUMNS, queue)
    return [new for new, _ in written]


def append_entries(
    session: Session, institution_id: UUID, lines: Sequence[ToSeal], sealed_at: datetime
) -> list[tuple[UUID, bytes]]:
    """Append entries and add them to the rollups; returns ids and digests in order. The caller sees to their links."""
    entries, written = [], []
    rollups = Rollups()
    for line in lines:
        facts = line.facts
        body = entry_bytes(facts)
        digest = body_digest(body)
        new = entry_id(facts, institution_id)
        written.append((new, digest))
        entries.append(
            (
                institution_id, new, facts.kind.value, facts.session_id, line.line_id, line.corrects_id, facts.day,
                facts.resource_id, facts.unit_id, facts.booking_id, facts.customer_id, facts.customer_class,
                facts.purpose, facts.grade.value, facts.starts_at, facts.ends_at, facts.hours.effective,
                facts.samples, ENTRY_FORMAT, body, digest, sealed_at,
            )
        )  # fmt: skip
        rollups.add(facts, line.outside, has_span=line.has_span)
    insert_rows(session, UsageEntry, _ENTRY_COLUMNS, entries)
    rollups.write(session, institution_id)
    return written


def take_back(session: Session, institution_id: UUID, lines: Iterable[ToSeal]) -> None:
    """Take the figures of entries that a correction replaces out of the rollups; the entries themselves stay."""
    rollups = Rollups()
    for line in lines:
        rollups.add(line.facts, line.outside, sign=-1, has_span=line.has_span)
    rollups.write(session, institution_id)
