"""Who changed what in an organisation: audit rows by page, newest first. Reads only; the rows can never change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select

from resource_hub.domain.accounts.tables import Person
from resource_hub.infra.database import reading
from resource_hub.infra.tables import AuditEntry
from resource_hub.kernel.canonical import digest

CHUNK = 500


@dataclass(frozen=True, slots=True)
class AuditRow:
    """``intact``: the kept bytes still give the kept digest. ``person`` is None for jobs and commands."""

    id: UUID
    at: datetime
    action: str
    subject: str
    person_id: UUID | None
    person: str | None
    details: Mapping[str, Any]
    intact: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """What to look for; empty texts do not narrow. ``action`` and ``subject`` match from their beginning."""

    organisation_id: UUID
    action: str = ""
    subject: str = ""
    person: str = ""
    since: datetime | None = None
    until: datetime | None = None


def rows(wanted: Filter, limit: int, after: tuple[datetime, UUID] | None = None) -> list[AuditRow]:
    """So many rows at most, from the place after ``after`` on."""
    statement = _narrowed(wanted)
    if after is not None:
        at, last = after
        statement = statement.where(or_(AuditEntry.at < at, and_(AuditEntry.at == at, AuditEntry.id < last)))
    return [_row(row) for row in reading().execute(statement.limit(limit))]


def every(wanted: Filter) -> Iterator[AuditRow]:
    """All rows, read in pieces, for an export."""
    after: tuple[datetime, UUID] | None = None
    while True:
        found = rows(wanted, CHUNK, after)
        yield from found
        if len(found) < CHUNK:
            return
        after = (found[-1].at, found[-1].id)


def actions(organisation_id: UUID) -> list[str]:
    """The deeds that stand in an organisation's rows, for the choice of a filter."""
    return list(
        reading().scalars(
            select(AuditEntry.action)
            .where(AuditEntry.organisation_id == organisation_id)
            .distinct()
            .order_by(AuditEntry.action)
        )
    )


def _narrowed(wanted: Filter) -> Select[*tuple[Any, ...]]:
    statement: Select[*tuple[Any, ...]] = (
        select(
            AuditEntry.id,
            AuditEntry.at,
            AuditEntry.action,
            AuditEntry.subject,
            AuditEntry.person_id,
            Person.name,
            AuditEntry.body,
            AuditEntry.digest,
        )
        .outerjoin(Person, Person.id == AuditEntry.person_id)
        .where(AuditEntry.organisation_id == wanted.organisation_id)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    )
    if wanted.action:
        statement = statement.where(AuditEntry.action.startswith(wanted.action, autoescape=True))
    if wanted.subject:
        statement = statement.where(AuditEntry.subject.startswith(wanted.subject, autoescape=True))
    if wanted.person:
        statement = statement.where(AuditEntry.person_id.in_(_people(wanted.person)))
    if wanted.since is not None:
        statement = statement.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditEntry.at < wanted.until)
    return statement


def _people(text: str) -> Select[Any]:
    """Ids of the people meant by an id, an address, or a part of a name."""
    text = text.strip()
    try:
        return select(Person.id).where(Person.id == UUID(text))
    except ValueError:
        return select(Person.id).where(
            or_(
                Person.email == text.casefold(),
                func.lower(Person.name).contains(text.lower(), autoescape=True),
            )
        )


def _row(row: Any) -> AuditRow:
    said = json.loads(row.body)
    return AuditRow(
        row.id, row.at, row.action, row.subject, row.person_id, row.name, said.get("details", {}),
        digest(row.body) == row.digest,
    )  # fmt: skip
