"""What usage hands out: frozen records, never mapped rows. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from resource_hub.domain.usage.terms import Hours
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan


@dataclass(frozen=True, slots=True)
class Host:
    """What usage needs to know of an institution."""

    id: UUID
    code: str
    zone: str
    jurisdiction: str = "CN"


@dataclass(frozen=True, slots=True)
class LineRecord:
    """One customer order that a session served, with its part of the session's seconds."""

    key: HostKey
    line: int
    booking_id: UUID | None
    customer_id: UUID
    customer_class: str
    person_id: UUID | None
    purpose: str
    share: int
    samples: int
    accepted_at: datetime | None
    hours: Hours = field(default_factory=Hours)


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as it stands. ``day`` is that on which it ended (or should) in the host's zone."""

    key: HostKey
    resource_id: UUID
    unit_id: UUID | None
    booking_id: UUID | None
    source: str
    mode: str
    state: str
    day: date
    booked_starts_at: datetime | None
    booked_ends_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    hours: Hours
    grade: str | None
    grade_reason: Mapping[str, Any]
    end_reason: str
    flags: tuple[str, ...]
    note: str
    seal_due_at: datetime | None
    sealed_at: datetime | None
    sealed_by: UUID | None
    version: int
    lines: tuple[LineRecord, ...] = ()

    @property
    def booked(self) -> TimeSpan | None:
        if self.booked_starts_at is None or self.booked_ends_at is None:
            return None
        return TimeSpan(self.booked_starts_at, self.booked_ends_at)

    @property
    def recorded(self) -> TimeSpan | None:
        if self.starts_at is None or self.ends_at is None or self.ends_at <= self.starts_at:
            return None
        return TimeSpan(self.starts_at, self.ends_at)

    @property
    def over(self) -> bool:
        return self.state in ("ended", "no_show", "sealed", "void")


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One thing that proves use: when it happened, when the hub got it, from what."""

    key: HostKey
    kind: str
    starts_at: datetime
    ends_at: datetime | None
    entered_at: datetime
    person_id: UUID | None
    customer_id: UUID | None
    by_customer: bool
    late: bool
    code_kind: str
    source: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class EntryRecord:
    """A sealed usage entry. A correction replaces what it points at: the newest entry of a line is what counts."""

    key: HostKey
    kind: str
    session_id: UUID
    line_id: UUID
    corrects_id: UUID | None
    day: date
    resource_id: UUID
    unit_id: UUID | None
    booking_id: UUID | None
    customer_id: UUID
    customer_class: str
    purpose: str
    grade: str
    starts_at: datetime | None
    ends_at: datetime | None
    effective_seconds: int
    samples: int
    body: bytes
    digest: bytes
    sealed_at: datetime

    @cached_property
    def said(self) -> Mapping[str, Any]:
        """The sealed bytes as a mapping."""
        return dict(json.loads(self.body))

    @property
    def hours(self) -> Hours:
        said = self.said
        return Hours(
            said["setup_seconds"], said["measuring_seconds"], said["post_seconds"], said["idle_seconds"]
        )

    @property
    def mode(self) -> str:
        return str(self.said["mode"])

    @property
    def no_show(self) -> bool:
        return self.said["outcome"] == "no_show"


@dataclass(frozen=True, slots=True)
class BulkRow:
    """One use of old records. ``source_key`` is its natural key within the institution (source and row)."""

    source_key: str
    resource_id: UUID
    unit_id: UUID | None
    customer_id: UUID
    customer_class: str
    starts_at: datetime
    ends_at: datetime
    purpose: str = "research"
    mode: str = "self_use"
    samples: int = 0
    outside: bool | None = None


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What an import did. ``differing``: known under the same key but with other times, and left alone."""

    created: int = 0
    unchanged: int = 0
    differing: int = 0

    def __add__(self, other: BulkResult) -> BulkResult:
        return BulkResult(
            self.created + other.created, self.unchanged + other.unchanged, self.differing + other.differing
        )


@dataclass(frozen=True, slots=True)
class UnitNow:
    """What the phone page at the instrument shows: this unit, now, for this person."""

    host: Host
    resource_id: UUID
    unit_id: UUID
    running: SessionRecord | None
    running_is_mine: bool
    mine: Any = None  # the booking of the reader that is current or next on this unit
    current: Any = None  # whoever is booked now
    following: Any = None
    customers: tuple[Any, ...] = ()
    reasons: tuple[Any, ...] = ()
    open_faults: int = 0


@dataclass(frozen=True, slots=True)
class FaultRecord:
    key: HostKey
    resource_id: UUID
    unit_id: UUID | None
    session_id: UUID | None
    severity: str
    text: str
    reported_by: UUID | None
    reported_at: datetime
    closed_at: datetime | None
    closing_note: str = ""


@dataclass(frozen=True, slots=True)
class RootRecord:
    """A signed head of a chain, with everything that checking it needs."""

    institution_id: UUID
    kind: str
    day: date
    last_position: int
    root: bytes
    key_id: UUID
    signature: bytes
    signed_at: datetime
    public_key: bytes = b""


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    key: HostKey
    resource_id: UUID
    unit_id: UUID
    name: str
    active: bool
    last_seen_at: datetime | None
    facts: Mapping[str, Any] = field(default_factory=dict)
