"""The sealed form of a use: exact bytes, digests, links, roots. Pure.

An entry's bytes are the canonical spelling (``kernel.canonical`` format 1: keys in alphabetical order) of inputs and
natural keys only. They hold no clock of the sealing run and no id drawn in it, so that sealing the same use again
gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from resource_hub.domain.usage.terms import EntryFacts, EntryKind, EvidenceFact, Grade, Hours, SessionSource
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.keys import id_text

ENTRY_FORMAT = 1
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
GENESIS = bytes(32)
"""What the first link of a chain points at."""


def instant_text(moment: datetime) -> str:
    """``2026-03-05T06:00:00Z``: whole seconds in UTC, one spelling only."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat()[:19] + "Z"


def _id(value: UUID | None) -> str | None:
    return None if value is None else id_text(value)


def _instant(value: datetime | None) -> str | None:
    return None if value is None else instant_text(value)


def evidence_row(fact: EvidenceFact, salted: str) -> dict[str, Any]:
    """What of a piece of evidence goes into a sealed entry: kind and times in the open, the rest as a digest.

    ``salted`` is the salted digest of the whole evidence row; when its salt and row are erased, the entry still
    verifies and tells nothing.
    """
    return {
        "kind": fact.kind.value,
        "code": fact.code_kind.value,
        "occurred_at": instant_text(fact.occurred_at),
        "entered_at": instant_text(fact.entered_at),
        "late": fact.late,
        "by_customer": fact.by_customer,
        "digest": salted,
    }


def salted_digest(salt: bytes, body: Mapping[str, Any]) -> str:
    return digest(salt, canonical_bytes(dict(body))).hex()


def entry_bytes(facts: EntryFacts) -> bytes:
    """The exact bytes that are hashed and kept. Format 1.

    The same spelling as ``canonical_bytes``, whose check for floats and foreign types the typed facts make needless;
    the keys stand in alphabetical order here, so that they need not be sorted for every entry.
    """
    hours = facts.hours
    return _ENCODER.encode(
        {
            "booked_ends_at": _instant(facts.booked_ends_at),
            "booked_starts_at": _instant(facts.booked_starts_at),
            "booking": _id(facts.booking_id),
            "class": facts.customer_class,
            "corrects": facts.corrects,
            "customer": _id(facts.customer_id),
            "day": facts.day.isoformat(),
            "effective_seconds": hours.effective,
            "ends_at": instant_text(facts.ends_at),
            "evidence": [dict(sorted(row.items())) for row in facts.evidence],
            "format": ENTRY_FORMAT,
            "grade": facts.grade,
            "host": facts.host_code,
            "idle_seconds": hours.idle,
            "kind": facts.kind,
            "line": facts.line,
            "measuring_seconds": hours.measuring,
            "mode": facts.mode,
            "outcome": facts.state,
            "post_seconds": hours.post,
            "purpose": facts.purpose,
            "resource": _id(facts.resource_id),
            "revision": facts.revision,
            "samples": facts.samples,
            "session": _id(facts.session_id),
            "session_effective_seconds": facts.session_effective_seconds,
            "setup_seconds": hours.setup,
            "source": facts.source,
            "source_ref": facts.source_ref,
            "starts_at": instant_text(facts.starts_at),
            "unit": _id(facts.unit_id),
            "zone": facts.zone,
        }
    ).encode()


def facts_of(body: bytes) -> EntryFacts:
    """The facts that an entry was made of, read back from its bytes.

    Raises:
        ValueError: bytes of a format that is not known here.
    """
    said = json.loads(body)
    if said.get("format") != ENTRY_FORMAT:
        raise ValueError(f"an entry of format {said.get('format')!r} cannot be read here")
    return EntryFacts(
        host_code=said["host"],
        resource_id=UUID(said["resource"]),
        unit_id=_uuid(said["unit"]),
        session_id=UUID(said["session"]),
        line=said["line"],
        revision=said["revision"],
        kind=EntryKind(said["kind"]),
        corrects=said["corrects"],
        source=SessionSource(said["source"]),
        source_ref=said["source_ref"],
        mode=said["mode"],
        state=said["outcome"],
        booking_id=_uuid(said["booking"]),
        customer_id=UUID(said["customer"]),
        customer_class=said["class"],
        purpose=said["purpose"],
        starts_at=datetime.fromisoformat(said["starts_at"]),
        ends_at=datetime.fromisoformat(said["ends_at"]),
        booked_starts_at=_moment(said["booked_starts_at"]),
        booked_ends_at=_moment(said["booked_ends_at"]),
        zone=said["zone"],
        day=date.fromisoformat(said["day"]),
        hours=Hours(
            said["setup_seconds"], said["measuring_seconds"], said["post_seconds"], said["idle_seconds"]
        ),
        session_effective_seconds=said["session_effective_seconds"],
        samples=said["samples"],
        grade=Grade(said["grade"]),
        evidence=tuple(said["evidence"]),
    )


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def body_digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def link_digest(previous: bytes, entry_digest: bytes) -> bytes:
    """Digest of a link: the one before it, then the entry's."""
    return digest(previous, entry_digest)


def columns_match(body: bytes, columns: Mapping[str, Any]) -> str | None:
    """The name of the first column that says something else than the sealed bytes; None when all agree."""
    try:
        said = json.loads(body)
    except ValueError:
        return "body"
    if columns.items() <= said.items():
        return None
    for name, value in columns.items():
        if said.get(name) != value:
            return name
    return None


@dataclass(frozen=True, slots=True)
class Link:
    """One row of a chain with the entry it points at, as verification reads it."""

    position: int
    entry_digest: bytes
    digest: bytes
    entry_id: UUID
    body: bytes | None
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Broken:
    """The first row at which a chain does not hold, and what is wrong with it."""

    position: int
    entry_id: UUID | None
    what: str


def verify_links(
    links: Iterable[Link],
    heads: dict[int, bytes] | None = None,
    wanted: frozenset[int] = frozenset(),
    digest_of: Callable[[bytes], bytes] = body_digest,
) -> Iterator[tuple[int, Broken | None]]:
    """Walk a chain from its first link; yields ``(checked, None)`` per link and stops at the first broken one.

    ``digest_of`` is how rows of this chain's kind are hashed. ``wanted`` positions get their link digest put into
    ``heads`` for the check of signed roots.
    """
    previous, expected = GENESIS, 1
    for link in links:
        problem = _problem(link, expected, previous, digest_of)
        if problem:
            place = expected if problem == "gap" else link.position
            yield expected - 1, Broken(place, None if problem == "gap" else link.entry_id, problem)
            return
        previous = link.digest
        if heads is not None and link.position in wanted:
            heads[link.position] = link.digest
        yield expected, None
        expected += 1


def _problem(link: Link, expected: int, previous: bytes, digest_of: Callable[[bytes], bytes]) -> str | None:
    if link.position != expected:
        return "gap"
    if link.body is None:
        return "entry_missing"
    if digest_of(link.body) != link.entry_digest:
        return "body"
    if link_digest(previous, link.entry_digest) != link.digest:
        return "digest"
    wrong = columns_match(link.body, link.columns)
    return f"column:{wrong}" if wrong else None


def root_bytes(host_code: str, kind: str, day: date, last_position: int, head: bytes, key_id: str) -> bytes:
    """What is signed for a day: where the chain stood when the day was over."""
    return canonical_bytes(
        {
            "format": ENTRY_FORMAT,
            "host": host_code,
            "chain": kind,
            "day": day.isoformat(),
            "last_position": last_position,
            "head": head.hex(),
            "key": key_id,
        }
    )
