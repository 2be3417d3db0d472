"""The sealer: links sealed rows into their chains afterwards, and signs where each chain stood when a day was over.

One chain per institution and kind, so that writers never queue behind one global chain. The queue holds the digests,
so that the sealer needs to know nothing of the rows themselves and serves every kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from resource_hub.domain.usage import neighbours
from resource_hub.domain.usage.records import Host, RootRecord
from resource_hub.domain.usage.rules.ledger import GENESIS, link_digest, root_bytes
from resource_hub.domain.usage.tables import (
    ChainHead,
    ChainLink,
    DayRoot,
    SigningKey,
    UnlinkedEntry,
    UsageEntry,
)
from resource_hub.domain.usage.terms import Signer
from resource_hub.infra import batches
from resource_hub.infra.bulk import collector_off, insert_rows
from resource_hub.infra.database import reading
from resource_hub.infra.ids import derived_id
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work
from resource_hub.kernel.time import midnight, zone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LINK_COLUMNS = ("institution_id", "kind", "position", "entry_id", "entry_digest", "digest", "sealing_day")


def head(session: Session, institution_id: UUID, kind: str) -> tuple[int, bytes]:
    """Position and digest of the newest link; ``(0, GENESIS)`` of an empty chain."""
    row = session.execute(
        select(ChainLink.position, ChainLink.digest)
        .where(ChainLink.institution_id == institution_id, ChainLink.kind == kind)
        .order_by(ChainLink.position.desc())
        .limit(1)
    ).one_or_none()
    return (row.position, row.digest) if row else (0, GENESIS)


def waiting_chains() -> list[tuple[UUID, str]]:
    """Chains that have rows to link."""
    rows = reading().execute(select(UnlinkedEntry.institution_id, UnlinkedEntry.kind).distinct())
    return sorted((row[0], row[1]) for row in rows)


def backlog() -> int:
    return reading().scalar(select(func.count()).select_from(UnlinkedEntry)) or 0


def link_batch(institution_id: UUID, kind: str, size: int = 500, lease: Lease | None = None) -> int:
    """Link the next rows of one chain in the order of their ids; returns how many.

    Two sealers at once queue at the head of the chain. Where a chain has none yet they meet at the key of its first
    position: one wins, the other's unit is rolled back and its rows wait in the queue for the next turn.
    """
    try:
        with collector_off(), unit_of_work(lease=lease) as unit:
            _lock_head(unit.session, institution_id, kind)
            waiting = unit.session.execute(
                select(UnlinkedEntry.entry_id, UnlinkedEntry.digest, UnlinkedEntry.sealing_day)
                .where(UnlinkedEntry.institution_id == institution_id, UnlinkedEntry.kind == kind)
                .order_by(UnlinkedEntry.entry_id)
                .limit(size)
            ).all()
            if not waiting:
                return 0
            _append_links(unit.session, institution_id, kind, [(row[0], row[1], row[2]) for row in waiting])
            # New rows may have come in between since; only what was read and linked leaves the queue.
            _leave_queue(unit.session, institution_id, kind, [row[0] for row in waiting])
            return len(waiting)
    except IntegrityError:
        return 0


def hold_head(session: Session, institution_id: UUID, kind: str) -> None:
    """Make sure that a chain has a head and hold it until the unit ends, so that nobody else links meanwhile."""
    insert = postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    session.execute(
        insert(ChainHead)
        .values(institution_id=institution_id, kind=kind, position=0, rooted_position=0, verified_position=0)
        .on_conflict_do_nothing()
    )
    _lock_head(session, institution_id, kind)


def link_written(
    session: Session,
    institution_id: UUID,
    kind: str,
    entries: Iterable[tuple[UUID, bytes]],
    sealing_day: date,
) -> None:
    """Link rows that this unit has just written, past the queue. The caller holds the head of the chain."""
    _append_links(session, institution_id, kind, [(new, digest, sealing_day) for new, digest in entries])


def _lock_head(session: Session, institution_id: UUID, kind: str) -> None:
    session.execute(
        select(ChainHead.position)
        .where(ChainHead.institution_id == institution_id, ChainHead.kind == kind)
        .with_for_update()
    )


def _append_links(
    session: Session, institution_id: UUID, kind: str, entries: Sequence[tuple[UUID, bytes, date]]
) -> None:
    position, previous = head(session, institution_id, kind)
    links = []
    for entry_id, digest, sealing_day in entries:
        position += 1
        previous = link_digest(previous, digest)
        links.append((institution_id, kind, position, entry_id, digest, previous, sealing_day))
    insert_rows(session, ChainLink, _LINK_COLUMNS, links)
    _move_head(session, institution_id, kind, position)


def _move_head(session: Session, institution_id: UUID, kind: str, position: int) -> None:
    row = session.get(ChainHead, (institution_id, kind))
    if row is None:
        session.add(ChainHead(institution_id=institution_id, kind=kind, position=position, rooted_position=0))
    else:
        row.position = position


def _leave_queue(session: Session, institution_id: UUID, kind: str, entry_ids: Sequence[UUID]) -> None:
    for start in range(0, len(entry_ids), 1000):
        session.execute(
            delete(UnlinkedEntry).where(
                UnlinkedEntry.institution_id == institution_id,
                UnlinkedEntry.kind == kind,
                UnlinkedEntry.entry_id.in_(entry_ids[start : start + 1000]),
            )
        )


def link_due(limit: int = 500, lease: Lease | None = None) -> int:
    """Link up to ``limit`` rows of each waiting chain."""
    job = "usage.link"
    chains = batches.found(job, lambda _many: waiting_chains(), limit)
    return batches.each(job, chains, lambda chain: link_batch(*chain, limit, lease))


def sign_roots(
    now: datetime, signer: Signer, *, lease: Lease | None = None, include_today: bool = False
) -> int:
    """Sign where each chain that grew stood when a day was over in its host's zone; returns how many roots.

    A day's root waits until all rows sealed up to that day are linked. Days on which a chain did not grow need none:
    the next root covers them. ``include_today`` signs the present day as well, when nothing more will come (an
    import that is done, a hub that is handed over).
    """
    grown = reading().execute(
        select(ChainHead.institution_id, ChainHead.kind, ChainHead.rooted_position).where(
            ChainHead.position > ChainHead.rooted_position
        )
    )

    def sign(chain: tuple[UUID, str, int]) -> int:
        institution_id, kind, rooted = chain
        host = neighbours.host(institution_id)
        days = reading().scalars(
            select(ChainLink.sealing_day)
            .where(
                ChainLink.institution_id == institution_id,
                ChainLink.kind == kind,
                ChainLink.position > rooted,
            )
            .distinct()
            .order_by(ChainLink.sealing_day)
        )
        return sum(
            _sign(host, kind, day, signer, lease)
            for day in days.all()
            if include_today or now >= midnight(day + timedelta(days=1), zone(host.zone))
        )

    job = "usage.sign_roots"
    chains = [(row[0], row[1], row[2]) for row in grown]
    return batches.each(job, batches.found(job, lambda _many: chains, len(chains)), sign)


def _sign(host: Host, kind: str, day: date, signer: Signer, lease: Lease | None) -> int:
    with unit_of_work(lease=lease) as unit:
        session = unit.session
        mine = (ChainLink.institution_id == host.id, ChainLink.kind == kind)
        still = session.scalar(
            select(func.count())
            .select_from(UnlinkedEntry)
            .where(
                UnlinkedEntry.institution_id == host.id,
                UnlinkedEntry.kind == kind,
                UnlinkedEntry.sealing_day <= day,
            )
        )
        if still or session.get(DayRoot, (host.id, kind, day)) is not None:
            return 0
        position = session.scalar(
            select(func.max(ChainLink.position)).where(*mine, ChainLink.sealing_day <= day)
        )
        digest = session.scalar(select(ChainLink.digest).where(*mine, ChainLink.position == position))
        assert position and digest
        key_id = register_key(unit, signer)
        root = root_bytes(host.code, kind, day, position, digest, str(key_id))
        signature = signer.sign(root)
        session.add(
            DayRoot(
                institution_id=host.id,
                kind=kind,
                day=day,
                last_position=position,
                root=root,
                key_id=key_id,
                signature=signature,
                signed_at=unit.now,
            )
        )
        session.execute(
            update(ChainHead)
            .where(ChainHead.institution_id == host.id, ChainHead.kind == kind)
            .values(rooted_position=position)
        )
        unit.publish(
            "usage.root_signed",
            f"{host.id}:{kind}",
            {
                "institution_id": str(host.id),
                "kind": kind,
                "day": day.isoformat(),
                "position": position,
                "head": digest.hex(),
                "key": str(key_id),
                "signature": signature.hex(),
            },
        )
    return 1


def register_key(unit: Unit, signer: Signer) -> UUID:
    """The id of the signer's key, its public half kept. The id follows from the key, so that keys can rotate."""
    key_id = derived_id(_EPOCH, "signing_key", signer.public_key.hex())
    if unit.session.get(SigningKey, key_id) is None:
        unit.session.add(SigningKey(id=key_id, public_key=signer.public_key, created_at=unit.now))
        unit.session.flush()
    return key_id


def roots(
    institution_id: UUID, kind: str = "usage", limit: int = 400, before: date | None = None
) -> list[RootRecord]:
    """Signed roots of a chain, newest first, with the public keys to check them by; those before a day."""
    rows = reading().execute(
        select(DayRoot, SigningKey.public_key)
        .join(SigningKey, SigningKey.id == DayRoot.key_id)
        .where(
            DayRoot.institution_id == institution_id,
            DayRoot.kind == kind,
            *([DayRoot.day < before] if before is not None else []),
        )
        .order_by(DayRoot.day.desc())
        .limit(limit)
    )
    return [
        RootRecord(
            r.institution_id,
            r.kind,
            r.day,
            r.last_position,
            r.root,
            r.key_id,
            r.signature,
            r.signed_at,
            public,
        )
        for r, public in rows
    ]


@dataclass(frozen=True, slots=True)
class ChainRow:
    """A sealed use with its place in the chain."""

    position: int
    body: bytes
    digest: bytes
    link: bytes


def chain_page(institution_id: UUID, kind: str, after: int, limit: int) -> list[ChainRow]:
    """Rows of a host's usage chain after a position: the gap-free cursor for whoever pulls the ledger."""
    rows = reading().execute(
        select(ChainLink.position, UsageEntry.body, ChainLink.entry_digest, ChainLink.digest)
        .join(
            UsageEntry,
            (UsageEntry.institution_id == ChainLink.institution_id) & (UsageEntry.id == ChainLink.entry_id),
        )
        .where(ChainLink.institution_id == institution_id, ChainLink.kind == kind, ChainLink.position > after)
        .order_by(ChainLink.position)
        .limit(limit)
    )
    return [ChainRow(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Verified:
    """When a chain was last verified, how far, and what was found first to be wrong (None: nothing)."""

    institution_id: UUID
    kind: str
    position: int
    verified_position: int
    verified_at: datetime | None
    broken: str | None


def note_verified(
    institution_id: UUID, kind: str, position: int, broken: str | None, lease: Lease | None = None
) -> None:
    """Keep what a verification found, for the operations page."""
    with unit_of_work(lease=lease) as unit:
        unit.session.execute(
            update(ChainHead)
            .where(ChainHead.institution_id == institution_id, ChainHead.kind == kind)
            .values(verified_position=position, verified_at=unit.now, broken=broken)
        )


def verified() -> list[Verified]:
    """All chains, those never or longest ago verified first."""
    rows = reading().scalars(select(ChainHead).order_by(ChainHead.institution_id, ChainHead.kind))
    found = [
        Verified(r.institution_id, r.kind, r.position, r.verified_position, r.verified_at, r.broken)
        for r in rows
    ]
    return sorted(found, key=lambda v: v.verified_at or _EPOCH)
