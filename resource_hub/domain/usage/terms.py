"""Words of usage: what was really used, by whom, on what proof. Pure.

Durations are whole seconds. Instants are aware UTC, cut to whole seconds when they are recorded, so that sums of
pieces equal the whole to the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from resource_hub.kernel.time import TimeSpan


class SessionState(StrEnum):
    """``expected`` and ``running`` are open; ``sealed`` and ``void`` (its booking was withdrawn) are final."""

    EXPECTED = "expected"
    RUNNING = "running"
    ENDED = "ended"
    NO_SHOW = "no_show"
    SEALED = "sealed"
    VOID = "void"


class SessionSource(StrEnum):
    """How the session came to be: by a booking, at the machine without one, by an operator, or from old records."""

    BOOKING = "booking"
    WALK_UP = "walk_up"
    OPERATOR = "operator"
    BULK = "bulk"


class Mode(StrEnum):
    SELF_USE = "self_use"
    STAFF_RUN = "staff_run"
    SEND_IN = "send_in"
    DELIVERY = "delivery"


class Purpose(StrEnum):
    """What the time was for; the yearly form of the ministry counts the first three apart."""

    RESEARCH = "research"
    TEACHING = "teaching"
    SOCIAL_SERVICE = "social_service"
    MAINTENANCE = "maintenance"
    OTHER = "other"


class EvidenceKind(StrEnum):
    MACHINE_SIGNAL = "machine_signal"
    CHECK_IN = "check_in"
    CHECK_OUT = "check_out"
    OPERATOR_ENTRY = "operator_entry"
    DOCUMENT = "document"
    ACCEPTANCE = "acceptance"
    NO_SHOW = "no_show"
    FAULT = "fault"
    BULK = "bulk"


class CodeKind(StrEnum):
    """What was scanned: a printed code can be photographed, a rotating one proves presence, none means a page."""

    NONE = "none"
    PRINTED = "printed"
    ROTATING = "rotating"


class Phase(StrEnum):
    """What a machine says it was doing. Idle running is not effective time."""

    SETUP = "setup"
    MEASURING = "measuring"
    POST = "post"
    IDLE = "idle"


class Grade(StrEnum):
    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


class OperatorEntry(StrEnum):
    """What an operator entered for a session, judged against the sealing term."""

    NONE = "none"
    DOCUMENTED = "documented"
    UNDOCUMENTED = "undocumented"
    LATE = "late"


class EntryKind(StrEnum):
    USE = "use"
    CORRECTION = "correction"


class ChainKind(StrEnum):
    """Each institution has one chain per kind."""

    USAGE = "usage"
    MONEY = "money"


USER_ACTION_BY_ACCEPTANCE = frozenset({Mode.STAFF_RUN, Mode.SEND_IN, Mode.DELIVERY})
"""Where the machine is not worked by the customer, the customer's acceptance before sealing is the user action."""

OPEN_STATES = frozenset({SessionState.EXPECTED, SessionState.RUNNING})
SEALABLE_STATES = frozenset({SessionState.ENDED, SessionState.NO_SHOW})


@dataclass(frozen=True, slots=True)
class HouseTerms:
    """Terms of a host that bear on use, in seconds unless named otherwise.

    Without ``no_show_release`` a slot stays its customer's to the end; only then it is known that nobody came.
    """

    no_show_grace_seconds: int = 15 * 60
    no_show_release: bool = True
    logout_grace_seconds: int = 15 * 60
    check_in_early_seconds: int = 15 * 60
    sealing_term_working_days: int = 3
    rotating_code_required: bool = False
    training: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceFact:
    """One piece of proof as the rules see it.

    ``occurred_at`` is when it happened by its own clock, ``entered_at`` when the hub got it. ``by_customer`` says
    whether the person belongs to the customer of the session; ``late`` marks what came in too late to count as
    itself (an offline tap after an hour, an operator entry after the term).
    """

    kind: EvidenceKind
    occurred_at: datetime
    entered_at: datetime
    span: TimeSpan | None = None
    by_customer: bool = False
    late: bool = False
    code_kind: CodeKind = CodeKind.NONE
    phase: Phase | None = None
    person_id: UUID | None = None
    document_digest: str | None = None


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    phase: Phase
    span: TimeSpan


@dataclass(frozen=True, slots=True)
class Hours:
    """Seconds of a session by what they were; ``effective`` is the part that counts."""

    setup: int = 0
    measuring: int = 0
    post: int = 0
    idle: int = 0

    @property
    def effective(self) -> int:
        return self.setup + self.measuring + self.post

    @property
    def total(self) -> int:
        return self.effective + self.idle


@dataclass(frozen=True, slots=True)
class LineFact:
    """One customer order that a session served. ``weight`` is its part of the time; parts sum to the session."""

    line: int
    customer_id: UUID
    purpose: str
    customer_class: str
    weight: int = 1
    samples: int = 0
    booking_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class GradeReason:
    """A grade with what it was judged on, as codes and plain values, for the session page."""

    grade: Grade
    signal: bool
    user_action: bool
    booking: bool
    operator: OperatorEntry
    bulk: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "grade": self.grade.value,
            "signal": self.signal,
            "user_action": self.user_action,
            "booking": self.booking,
            "operator": self.operator.value,
            "bulk": self.bulk,
        }


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """Everything a usage entry proves. Ids are opaque; no name, no clock of the sealing run."""

    host_code: str
    resource_id: UUID
    unit_id: UUID | None
    session_id: UUID
    line: int
    revision: int
    kind: EntryKind
    corrects: str | None
    source: SessionSource
    source_ref: str | None
    mode: str
    state: str
    booking_id: UUID | None
    customer_id: UUID
    customer_class: str
    purpose: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    day: date
    hours: Hours
    session_effective_seconds: int
    samples: int
    grade: Grade
    evidence: tuple[Mapping[str, Any], ...] = field(default=())
    booked_starts_at: datetime | None = None
    booked_ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tap:
    """One press on the phone page. ``phone_at`` and ``clock_offset_seconds`` (server minus phone, measured by the
    page) are there when it waited in the phone's queue."""

    action: EvidenceKind
    received_at: datetime
    phone_at: datetime | None = None
    clock_offset_seconds: int | None = None
    code_kind: CodeKind = CodeKind.PRINTED
    tap_id: str | None = None


class Signer(Protocol):
    """Holder of an Ed25519 key; its private half never enters the database."""

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes of the public key."""

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""
