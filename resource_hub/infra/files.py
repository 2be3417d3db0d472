"""Rows of ``stored_file``: what a stored file is called, whose it is, who may see it. The bytes are elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.tables import StoredFile
from resource_hub.infra.unit_of_work import unit_of_work


@dataclass(frozen=True, slots=True)
class FileRecord:
    """``media_type`` is what the first bytes say; ``name`` is what the sender called it, for downloads only."""

    organisation_id: UUID
    id: UUID
    name: str
    media_type: str
    size: int
    sha256: bytes
    public: bool
    created_at: datetime


def register(
    organisation_id: UUID,
    *,
    name: str,
    media_type: str,
    size: int,
    sha256: bytes,
    person_id: UUID | None,
    public: bool = False,
    expires_at: datetime | None = None,
) -> FileRecord:
    """Note a file whose bytes are in the store already; joins the unit at hand."""
    with unit_of_work() as unit:
        row = StoredFile(
            organisation_id=organisation_id,
            id=new_id(),
            name=name[:300],
            media_type=media_type,
            size=size,
            sha256=sha256,
            public=public,
            person_id=person_id,
            created_at=unit.now,
            expires_at=expires_at,
        )
        unit.session.add(row)
        unit.session.flush()
        return _record(row)


def find(organisation_id: UUID, file_id: UUID) -> FileRecord | None:
    row = (
        reading()
        .scalars(
            select(StoredFile).where(StoredFile.organisation_id == organisation_id, StoredFile.id == file_id)
        )
        .one_or_none()
    )
    return _record(row) if row is not None else None


def forget(session: Session, organisation_id: UUID, file_id: UUID) -> None:
    """Take the row of a stored file away; bytes that no row names any more are swept."""
    session.execute(
        delete(StoredFile).where(StoredFile.organisation_id == organisation_id, StoredFile.id == file_id)
    )


def unnamed(digests: Collection[bytes]) -> set[bytes]:
    """Those of these bytes that no row names."""
    named = reading().scalars(select(StoredFile.sha256).where(StoredFile.sha256.in_(list(digests))))
    return set(digests) - set(named)


def _record(row: StoredFile) -> FileRecord:
    return FileRecord(
        row.organisation_id,
        row.id,
        row.name,
        row.media_type,
        row.size,
        row.sha256,
        row.public,
        row.created_at,
    )
