"""Words of the catalogue: kinds of resource, how they may be used, states of a listing, and the records others read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money


class ResourceKind(StrEnum):
    """What is listed."""

    INSTRUMENT = "instrument"
    FACILITY = "facility"
    NATURAL = "natural"
    DATASET = "dataset"
    LITERATURE = "literature"
    SERVICE = "service"


# Kinds whose use takes a stretch of time on a unit; the others are asked for and delivered.
TIMED_KINDS = frozenset({ResourceKind.INSTRUMENT, ResourceKind.FACILITY})


class Mode(StrEnum):
    """How an instrument is used: by the customer, by the host's staff with the customer there, or on posted samples."""

    SELF_USE = "self_use"
    STAFF_RUN = "staff_run"
    SEND_IN = "send_in"


MODE_BITS = {Mode.SELF_USE: 1, Mode.STAFF_RUN: 2, Mode.SEND_IN: 4}


class ListingState(StrEnum):
    """State of a resource as the public sees it. A change that waits does not alter a public listing."""

    DRAFT = "draft"
    PENDING = "pending"
    PUBLIC = "public"
    WITHDRAWN = "withdrawn"


class ChangeState(StrEnum):
    """State of one set of changes to a listing. Approved ones wait for their day."""

    DRAFT = "draft"
    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"


class WorkingOrder(StrEnum):
    """Working order of an instrument, after the national platform's status codes 1, 4, 5, 6 and 7."""

    NORMAL = "normal"
    OCCASIONAL_FAULTS = "occasional_faults"
    FREQUENT_FAULTS = "frequent_faults"
    AWAITING_REPAIR = "awaiting_repair"
    AWAITING_SCRAPPING = "awaiting_scrapping"


class ImportState(StrEnum):
    """State of an import: stored, checked against the mapping, waiting for its turn, running, done or failed."""

    UPLOADED = "uploaded"
    CHECKED = "checked"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask; shown in public. ``verified_on`` is the day on which somebody last confirmed it."""

    name: str = ""
    phone: str = ""
    email: str = ""
    verified_on: date | None = None

    @property
    def empty(self) -> bool:
        return not (self.name or self.phone or self.email)


@dataclass(frozen=True, slots=True)
class ListingContents:
    """Everything the public reads of a resource, and what an office approves as one.

    Coordinates are whole millionths of a degree (WGS 84), so that the contents have one canonical spelling.
    ``details`` holds the fields of the kind (``kinds.FIELDS``); ``modes`` and ``specification`` keep their order.
    """

    name_zh: str = ""
    name_en: str = ""
    summary_zh: str = ""
    summary_en: str = ""
    class_code: str = ""
    model: str = ""
    maker: str = ""
    country: str = ""
    city: str = ""
    place_zh: str = ""
    place_en: str = ""
    latitude_micro: int | None = None
    longitude_micro: int | None = None
    original_value_minor: int | None = None
    currency: str = "CNY"
    accepted_on: date | None = None
    commissioned_on: date | None = None
    decommissioned_on: date | None = None
    general_purpose: bool = True
    specification: tuple[tuple[str, str], ...] = ()
    accessories: str = ""
    contact: Contact = Contact()
    modes: tuple[Mode, ...] = ()
    rules_zh: str = ""
    rules_en: str = ""
    bookable: bool = True
    open_to_outside: bool = True
    photo_id: UUID | None = None
    details: Mapping[str, str] = field(default_factory=dict)

    def name(self, language: str) -> str:
        """The name for a reader; the other language's when there is none."""
        first, second = (
            (self.name_zh, self.name_en) if language.startswith("zh") else (self.name_en, self.name_zh)
        )
        return first or second

    def summary(self, language: str) -> str:
        zh, en = self.summary_zh, self.summary_en
        return (zh or en) if language.startswith("zh") else (en or zh)

    def place(self, language: str) -> str:
        zh, en = self.place_zh, self.place_en
        return (zh or en) if language.startswith("zh") else (en or zh)

    def rules_text(self, language: str) -> str:
        return (
            (self.rules_zh or self.rules_en)
            if language.startswith("zh")
            else (self.rules_en or self.rules_zh)
        )

    @property
    def original_value(self) -> Money | None:
        return None if self.original_value_minor is None else Money(self.original_value_minor, self.currency)


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """A resource as it stands for its reader: identity, state, and the contents in force (or of the draft)."""

    key: HostKey
    code: str
    kind: ResourceKind
    state: ListingState
    department_id: UUID | None
    zone: str
    contents: ListingContents
    version: int = 1
    listed: bool = True
    listed_on: date | None = None
    order: WorkingOrder = WorkingOrder.NORMAL
    change_waits: bool = False
    unit_count: int = 0
    host_code: str = ""

    def name(self, language: str) -> str:
        return self.contents.name(language) or self.code

    @property
    def name_zh(self) -> str:
        return self.contents.name_zh

    @property
    def name_en(self) -> str:
        return self.contents.name_en

    @property
    def modes(self) -> tuple[Mode, ...]:
        return self.contents.modes

    @property
    def class_code(self) -> str:
        return self.contents.class_code

    @property
    def original_value(self) -> Money | None:
        return self.contents.original_value

    @property
    def currency(self) -> str:
        return self.contents.currency

    @property
    def accepted_on(self) -> date | None:
        return self.contents.accepted_on

    @property
    def bookable(self) -> bool:
        """May be booked by time: a timed kind that is public (or a helper that is never listed), not marked closed."""
        there = self.state is ListingState.PUBLIC or not self.listed
        return there and self.contents.bookable and self.kind in TIMED_KINDS

    @property
    def open_to_outside(self) -> bool:
        return self.contents.open_to_outside

    @property
    def takes_access_requests(self) -> bool:
        """Asked for instead of booked: datasets, literature, natural resources, services."""
        return self.kind not in TIMED_KINDS


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """A helper that is booked together with a resource: always, or where the customer wishes it."""

    resource_key: HostKey
    helper_key: HostKey
    required: bool


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """One bookable lane. An inactive one keeps its history and takes no new bookings."""

    key: HostKey
    resource_id: UUID
    code: str
    name_zh: str
    name_en: str
    position: int
    active: bool = True
    serial_number: str = ""

    def name(self, language: str) -> str:
        zh, en = self.name_zh, self.name_en
        return ((zh or en) if language.startswith("zh") else (en or zh)) or self.code


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One set of changes to a listing on its way: the contents as they will be, and what became of it."""

    key: HostKey
    resource_id: UUID
    number: int
    state: ChangeState
    contents: ListingContents
    withdraws: bool
    effective_on: date | None
    note: str
    decision_note: str
    submitted_by: UUID | None
    submitted_at: datetime | None
    decided_by: UUID | None
    decided_at: datetime | None
    applied_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field that differs between two contents, as text for the eye."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ListingClock:
    """The 30-working-day listing term (国发〔2014〕70号 follow-up, 国科发基〔2017〕289号 art. 11).

    ``provisional`` says that the due day falls into a year whose holidays are not published yet.
    """

    accepted_on: date
    due_on: date
    overdue: bool
    listed_in_time: bool | None
    provisional: bool = False
