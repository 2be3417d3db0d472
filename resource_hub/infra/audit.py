"""Append-only audit rows.

Address and device are kept as salted digests; the plain values stand in an erasable table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert

from resource_hub.infra.ids import new_id
from resource_hub.infra.tables import AuditEntry, AuditOrigin
from resource_hub.kernel.canonical import canonical_bytes, digest

if TYPE_CHECKING:
    from resource_hub.infra.unit_of_work import Unit


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a change comes from: who, from which address, with which device. Jobs and commands name themselves."""

    person_id: UUID | None = None
    address: str = ""
    device: str = ""
    salt: bytes = b""


origin: ContextVar[Origin | None] = ContextVar("audit_origin", default=None)


def append(
    unit: Unit,
    action: str,
    organisation_id: UUID,
    subject: str,
    details: Mapping[str, Any],
    person_id: UUID | None,
) -> None:
    source = origin.get() or Origin()
    entry_id = new_id()
    who = person_id or source.person_id
    body = canonical_bytes(
        {
            "action": action,
            "at": unit.now.isoformat(),
            "details": dict(details),
            "organisation": str(organisation_id),
            "person": str(who) if who else None,
            "subject": subject,
        }
    )
    unit.session.execute(
        insert(AuditEntry).values(
            organisation_id=organisation_id,
            id=entry_id,
            at=unit.now,
            person_id=who,
            action=action,
            subject=subject,
            origin_digest=hashlib.sha256(
                source.salt + f"{source.address}\n{source.device}".encode()
            ).digest(),
            format=1,
            body=body,
            digest=digest(body),
        )
    )
    if source.address or source.device:
        unit.session.execute(
            insert(AuditOrigin).values(
                organisation_id=organisation_id,
                audit_id=entry_id,
                address=source.address[:64],
                device=source.device[:300],
            )
        )
