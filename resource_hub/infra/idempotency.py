"""A write that a client may send twice counts once: its key and its answer are kept in the transaction of the write.

::

    with unit_of_work() as unit:
        before = claim(unit, person_id, key, digest)
        if before is not None:
            return before.answer
        answer = …
        remember(unit, person_id, key, answer)

Who comes second with the same key waits at ``claim`` for the first to commit; ``collided`` says that it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from resource_hub.infra import clock
from resource_hub.infra.tables import IdempotencyKey
from resource_hub.infra.unit_of_work import Unit

# A key counts as a repetition for so long, and stays a little longer: who was told that it is known has time to finish.
TERM = timedelta(days=7)
MARGIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a key was used for before: the digest of the request and the answer that it got."""

    digest: bytes
    answer: Mapping[str, Any]


def claim(unit: Unit, person_id: UUID, key: str, digest: bytes) -> Kept | None:
    """Take a key, or what was kept under it. Comes first in the unit: nothing is done twice while others wait.

    Raises:
        IntegrityError: another request took the key at the same moment and has committed; see ``collided``.
    """
    row = unit.session.execute(
        select(IdempotencyKey.request_digest, IdempotencyKey.answer).where(
            IdempotencyKey.person_id == person_id, IdempotencyKey.key == key
        )
    ).one_or_none()
    if row is not None:
        return Kept(bytes(row.request_digest), row.answer)
    unit.session.execute(
        insert(IdempotencyKey).values(
            person_id=person_id, key=key, request_digest=digest, answer={}, created_at=clock.machine_now()
        )
    )
    return None


def known(session: Session, person_id: UUID, key: str) -> bool:
    """Whether a key was used within its term, by a request that has committed: ``claim`` finds it then, even if the
    term ends and the keys are swept before it is asked."""
    used = select(IdempotencyKey.key).where(
        IdempotencyKey.person_id == person_id,
        IdempotencyKey.key == key,
        IdempotencyKey.created_at >= clock.machine_now() - TERM,
    )
    return session.scalar(used) is not None


def sweep(unit: Unit) -> int:
    """Forget keys that nobody will send again; how many they were."""
    old = clock.machine_now() - TERM - MARGIN
    gone = unit.session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < old))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def remember(unit: Unit, person_id: UUID, key: str, answer: Mapping[str, Any]) -> None:
    """Keep the answer under a claimed key."""
    unit.session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.person_id == person_id, IdempotencyKey.key == key)
        .values(answer=dict(answer))
    )


def collided(error: IntegrityError) -> bool:
    """Whether two requests with one key met; the other one was first, and its answer can be read now."""
    return "idempotency" in str(error.orig).lower()
