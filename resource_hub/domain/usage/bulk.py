"""Importing old records of use into the ledger: no occupancies, no events, grade E."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import select

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.usage.entries import ToSeal, append_entries
from resource_hub.domain.usage.records import BulkResult, BulkRow, Host
from resource_hub.domain.usage.rules.hours import day_of
from resource_hub.domain.usage.sealer import hold_head, link_written
from resource_hub.domain.usage.tables import SessionLine, UsageSession
from resource_hub.domain.usage.terms import (
    ChainKind,
    EntryFacts,
    EntryKind,
    Grade,
    Hours,
    SessionSource,
    SessionState,
)
from resource_hub.infra.bulk import collector_off, insert_rows
from resource_hub.infra.ids import derived_id
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.time import zone

_SESSION_COLUMNS = (
    "institution_id", "id", "resource_id", "unit_id", "source", "mode", "state", "day", "starts_at", "ends_at",
    "setup_seconds", "measuring_seconds", "post_seconds", "idle_seconds", "grade", "grade_reason", "end_reason",
    "flags", "note", "sealed_at", "source_key", "version", "created_at",
)  # fmt: skip
_LINE_COLUMNS = (
    "institution_id", "id", "session_id", "line", "customer_id", "customer_class", "purpose", "share", "samples",
)  # fmt: skip
_REASON = {
    "grade": "E",
    "signal": False,
    "user_action": False,
    "booking": False,
    "operator": "none",
    "bulk": True,
}


def batches(rows: Iterable[BulkRow], size: int) -> Iterator[list[BulkRow]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


def import_bulk(host: Host, rows: Iterable[BulkRow], *, batch_size: int = 500) -> Iterator[BulkResult]:
    """Seal old records of one institution, a unit per batch; yields what each batch did.

    A row whose natural key is known already is left alone, so that a second run creates nothing; where its times
    have changed since it is counted as differing, because what is sealed changes by a correction only. Times are cut to
    whole seconds. The rows are sealed and linked at once: nobody can close a day of years ago, and their grade says
    what they are.

    Raises:
        ValueError: a row that ends before it starts.
    """
    for batch in batches(rows, batch_size):
        with collector_off(), unit_of_work() as unit:
            result = _import_batch(unit, host, batch)
        yield result


def session_id_of(host: Host, row: BulkRow) -> UUID:
    return derived_id(row.starts_at, "bulk", host.id, row.source_key)


def _import_batch(unit: Unit, host: Host, batch: Sequence[BulkRow]) -> BulkResult:
    by_key = {row.source_key: row for row in batch}
    known = {
        str(key): (starts, ends)
        for key, starts, ends in unit.session.execute(
            select(UsageSession.source_key, UsageSession.starts_at, UsageSession.ends_at).where(
                UsageSession.institution_id == host.id, UsageSession.source_key.in_(list(by_key))
            )
        )
    }
    fresh = [(session_id_of(host, row), row) for key, row in by_key.items() if key not in known]
    differing = sum(
        (by_key[key].starts_at.replace(microsecond=0), by_key[key].ends_at.replace(microsecond=0)) != span
        for key, span in known.items()
    )
    if not fresh:
        return BulkResult(0, len(batch) - differing, differing)
    now, tz = unit.now.replace(microsecond=0), zone(host.zone)
    source, sealed_state, no_flags = SessionSource.BULK.value, SessionState.SEALED.value, list[str]()
    sessions: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    sealed: list[ToSeal] = []
    for session_id, row in fresh:
        starts, ends = row.starts_at.replace(microsecond=0), row.ends_at.replace(microsecond=0)
        if ends < starts:
            raise ValueError(
                f"{row.source_key}: ends at {ends.isoformat()}, before its start {starts.isoformat()}"
            )
        length = ends - starts
        seconds = length.days * 86_400 + length.seconds
        day = day_of(ends, tz) if seconds else starts.astimezone(tz).date()
        line_id = derived_id(row.starts_at, "session_line", host.id, session_id, 1)
        sessions.append(
            (
                host.id, session_id, row.resource_id, row.unit_id, source, row.mode, sealed_state, day, starts, ends,
                0, seconds, 0, 0, "E", _REASON, "bulk", no_flags, "", now, row.source_key, 1, now,
            )
        )  # fmt: skip
        lines.append(
            (
                host.id, line_id, session_id, 1, row.customer_id, row.customer_class, row.purpose, 1, row.samples,
            )
        )  # fmt: skip
        facts = EntryFacts(
            host_code=host.code,
            resource_id=row.resource_id,
            unit_id=row.unit_id,
            session_id=session_id,
            line=1,
            revision=1,
            kind=EntryKind.USE,
            corrects=None,
            source=SessionSource.BULK,
            source_ref=row.source_key,
            mode=row.mode,
            state=SessionState.ENDED.value,
            booking_id=None,
            customer_id=row.customer_id,
            customer_class=row.customer_class,
            purpose=row.purpose,
            starts_at=starts,
            ends_at=ends,
            zone=host.zone,
            day=day,
            hours=Hours(measuring=seconds),
            session_effective_seconds=seconds,
            samples=row.samples,
            grade=Grade.E,
        )
        outside = CustomerClass(row.customer_class).outside if row.outside is None else row.outside
        sealed.append(ToSeal(facts, line_id, outside))
    insert_rows(unit.session, UsageSession, _SESSION_COLUMNS, sessions)
    insert_rows(unit.session, SessionLine, _LINE_COLUMNS, lines)
    hold_head(unit.session, host.id, ChainKind.USAGE.value)
    written = append_entries(unit.session, host.id, sealed, now)
    link_written(unit.session, host.id, ChainKind.USAGE.value, written, now.astimezone(tz).date())
    return BulkResult(len(fresh), len(batch) - len(fresh) - differing, differing)
