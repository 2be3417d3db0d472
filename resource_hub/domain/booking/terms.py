"""Words of booking: orders, their states and steps, quotes, and the ports that upper capabilities implement (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.availability.terms import Answerer, Reach
from resource_hub.domain.availability.terms import StrikeKind as StrikeKind
from resource_hub.domain.catalogue.terms import Mode, ResourceRecord
from resource_hub.domain.pricing.terms import Price, PriceLine
from resource_hub.kernel.decision import Citation
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan

# The unit of work of the booking; upper capabilities join it. Words know no infrastructure, hence no type of it.
Unit = Any


class BookingKind(StrEnum):
    """What was ordered: a window of time, work on samples that are sent in, or access to something untimed."""

    WINDOW = "window"
    SAMPLES = "samples"
    ACCESS = "access"


class BookingState(StrEnum):
    HELD = "held"
    REQUESTED = "requested"
    APPROVED = "approved"
    IN_USE = "in_use"
    DONE = "done"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    NO_SHOW = "no_show"
    RECEIVED = "received"
    IN_PROGRESS = "in_progress"
    DELIVERED = "delivered"


class Act(StrEnum):
    """What moves an order from one state to the next."""

    REQUEST = "request"
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    LAPSE = "lapse"
    START = "start"
    FINISH = "finish"
    MISS = "miss"
    RECEIVE = "receive"
    BEGIN = "begin"
    DELIVER = "deliver"
    CHANGE = "change"


class Side(StrEnum):
    """Who may do it: the customer's people, the host's people, or the clock."""

    CUSTOMER = "customer"
    HOST = "host"
    SYSTEM = "system"


class Fate(StrEnum):
    """What becomes of a booking that new hours, a closure or maintenance would hit."""

    STAYS = "stays"
    MOVES = "moves"
    CANCELLED = "cancelled"


class WaitingKind(StrEnum):
    """``queue``: freed time is kept for the first in line; ``alert``: one is told of freed time, nothing is kept."""

    QUEUE = "queue"
    ALERT = "alert"


class WaitingState(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"
    BOOKED = "booked"
    MISSED = "missed"  # the offer ran out
    LEFT = "left"
    OVER = "over"  # the wished time has passed


class Scope(StrEnum):
    """How much of a series a change is about, seen from one of its days."""

    ONE = "one"
    REST = "rest"
    ALL = "all"


class Purpose(StrEnum):
    """What the time is for; usage carries it into the yearly form."""

    RESEARCH = "research"
    TEACHING = "teaching"
    SOCIAL_SERVICE = "social_service"
    OTHER = "other"


class FileKind(StrEnum):
    ATTACHMENT = "attachment"
    HAZARD = "hazard"
    RESULT = "result"
    CONTRACT = "contract"


# What either side may add to an order; results are delivered, with a last day.
HANDED_IN = (FileKind.ATTACHMENT, FileKind.HAZARD)


class Hazard(StrEnum):
    """What must be said about what is brought along."""

    NONE = "none"
    FLAMMABLE = "flammable"
    TOXIC = "toxic"
    CORROSIVE = "corrosive"
    BIOLOGICAL = "biological"
    RADIOACTIVE = "radioactive"
    NANOPARTICLES = "nanoparticles"
    MAGNETIC = "magnetic"
    OTHER = "other"


class StrikeState(StrEnum):
    GIVEN = "given"
    APPEALED = "appealed"
    UPHELD = "upheld"
    LIFTED = "lifted"


class HandOverState(StrEnum):
    """Of an offer to another organisation to take a booking over."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class StepState(StrEnum):
    """Of one of several answers; ``consented`` is silence that counted as a yes."""

    WAITING = "waiting"
    OPEN = "open"
    APPROVED = "approved"
    CONSENTED = "consented"
    REJECTED = "rejected"
    DROPPED = "dropped"


# States in which an order holds its time.
HOLDING = frozenset({BookingState.HELD, BookingState.REQUESTED, BookingState.APPROVED, BookingState.IN_USE})
# States in which time counts against a quota: what was missed counts too.
COUNTED = HOLDING | {BookingState.DONE, BookingState.NO_SHOW}
FINAL = frozenset(
    {
        BookingState.DONE, BookingState.CANCELLED, BookingState.REJECTED, BookingState.EXPIRED, BookingState.NO_SHOW,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnTime:
    """Another booking of the same person or customer, for quotas and gaps; ``within`` says how far a rule has to
    reach to see it: one of this resource is seen by all."""

    span: TimeSpan
    state: BookingState
    person_id: UUID
    customer_id: UUID
    within: frozenset[Reach] = frozenset(Reach)


@dataclass(frozen=True, slots=True)
class BookingFacts:
    """Everything the rule engine looks at; gathered before, so that the judgement is a pure function.

    Attributes:
        closed: what opening hours say against the span.
        standing: what the customer's standing says against it (debts, bars).
        qualified: whether the person has the training that the rules ask for; None where nobody asks.
        by_host: the host books for somebody; lead, horizon and quotas do not bind it, opening hours do.
        earliest_day: first day that the lead in working days leaves open, where the rules ask for one.
        taken: what holds the resource near the span, where the rules make some hours depend on others.
    """

    kind: BookingKind
    mode: Mode | None
    zone: str
    span: TimeSpan | None = None
    outside: bool = True
    by_host: bool = False
    person_id: UUID | None = None
    customer_id: UUID | None = None
    own: tuple[OwnTime, ...] = ()
    closed: tuple[Reason, ...] = ()
    standing: tuple[Reason, ...] = ()
    qualified: bool | None = None
    booked_by: UUID | None = None
    earliest_day: date | None = None
    taken: tuple[TimeSpan, ...] = ()
    samples: int = 0
    purpose: str = ""
    description: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    hazards: frozenset[str] = frozenset()
    hazard_note: str = ""
    modes: tuple[Mode, ...] = ()
    bookable: bool = True
    open_to_outside: bool = True


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """What stands and what is wanted, when a booking is moved, extended or shortened."""

    state: BookingState
    before: TimeSpan
    after: TimeSpan
    by_host: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the host decided on a booking that is hit: ``span`` is where it moves, ``version`` what was looked at."""

    fate: Fate
    span: TimeSpan | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class ExpectedSupportLine:
    """What one programme is expected to pay towards an order.

    ``kind``: ``deducted`` lowers what is paid now, ``later`` comes back afterwards. ``reserved`` money is kept for this
    order, else the amount is an estimate. ``by_when`` is the day by which it usually arrives.
    """

    programme_code: str
    payer: str
    kind: str
    amount: Money
    reserved: bool = False
    by_when: date | None = None
    citations: tuple[Citation, ...] = ()
    name_zh: str = ""
    name_en: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "programme_code": self.programme_code,
            "payer": self.payer,
            "kind": self.kind,
            "amount_minor": self.amount.minor,
            "currency": self.amount.currency,
            "reserved": self.reserved,
            "by_when": self.by_when.isoformat() if self.by_when else None,
            "citations": [c.as_json() for c in self.citations],
            "name_zh": self.name_zh,
            "name_en": self.name_en,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> ExpectedSupportLine:
        return cls(
            row["programme_code"],
            row["payer"],
            row["kind"],
            Money(row["amount_minor"], row["currency"]),
            row["reserved"],
            date.fromisoformat(row["by_when"]) if row["by_when"] else None,
            tuple(Citation(**c) for c in row["citations"]),
            row.get("name_zh", ""),
            row.get("name_en", ""),
        )


@dataclass(frozen=True, slots=True)
class ThreeSums:
    """What an order costs whom and when. The three are never mixed; ``net = to_pay − back``. ``more`` are the sums of
    what is booked together in other currencies."""

    list_price: Money
    to_pay: Money
    back: Money
    more: tuple[ThreeSums, ...] = ()

    @property
    def net(self) -> Money:
        return self.to_pay - self.back

    @property
    def currency(self) -> str:
        return self.list_price.currency

    @property
    def each(self) -> tuple[ThreeSums, ...]:
        """The sums of each currency, the order's own first."""
        return (replace(self, more=()), *self.more)

    def plus(self, other: ThreeSums) -> ThreeSums:
        """Both together, a sum for each currency; what costs nothing adds none."""
        found = {one.currency: one for one in self.each}
        for one in other.each:
            before = found.get(one.currency)
            if before is not None:
                found[one.currency] = ThreeSums(
                    before.list_price + one.list_price, before.to_pay + one.to_pay, before.back + one.back
                )
            elif not one.list_price.is_zero:
                found[one.currency] = one
        own, *more = found.values()
        return replace(own, more=tuple(more))

    @classmethod
    def of(cls, price: Money, support: Sequence[ExpectedSupportLine]) -> ThreeSums:
        deducted = Money.sum((s.amount for s in support if s.kind == "deducted"), price.currency)
        later = Money.sum((s.amount for s in support if s.kind == "later"), price.currency)
        return cls(price, price - deducted, later)


@dataclass(frozen=True, slots=True)
class QuoteRecord:
    """A price with its three sums. ``key`` is None for a preview, which is stored nowhere."""

    resource_key: HostKey
    customer_id: UUID | None
    customer_class: CustomerClass
    lines: tuple[PriceLine, ...]
    support: tuple[ExpectedSupportLine, ...]
    sums: ThreeSums
    use: Mapping[str, Any]
    tariff_id: UUID | None
    valid_until: datetime
    key: HostKey | None = None
    given_id: UUID | None = None  # the quote that the host gave by hand, where the price is no tariff's
    asked_by: UUID | None = None

    @property
    def currency(self) -> str:
        return self.sums.list_price.currency


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to book, as read from a form or the API.

    ``given_id``: at the price of this quote, which the host gave by hand.
    ``override``: why the host's people set rules of the house aside, when they book for a customer.
    """

    kind: BookingKind = BookingKind.WINDOW
    mode: Mode | None = Mode.SELF_USE
    span: TimeSpan | None = None
    unit_id: UUID | None = None
    customer_id: UUID | None = None
    person_id: UUID | None = None
    purpose: str = Purpose.RESEARCH.value
    project: str = ""
    description: str = ""
    samples: int = 0
    items: Mapping[str, int] = field(default_factory=dict)
    extras: frozenset[str] = frozenset()
    answers: Mapping[str, str] = field(default_factory=dict)
    hazards: frozenset[str] = frozenset()
    hazard_note: str = ""
    helpers: frozenset[UUID] = frozenset()
    given_id: UUID | None = None
    override: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """What a calendar shows of a booking."""

    key: HostKey
    number: str
    kind: BookingKind
    state: BookingState
    customer_id: UUID


@dataclass(frozen=True, slots=True)
class BookingRecord:
    """An order as others read it. ``span`` is the booked time without set-up and tear-down."""

    key: HostKey
    number: str
    kind: BookingKind
    mode: Mode | None
    state: BookingState
    resource_id: UUID
    unit_id: UUID | None
    customer_id: UUID
    customer_class: CustomerClass
    person_id: UUID
    booked_by: UUID
    span: TimeSpan | None
    setup_seconds: int
    teardown_seconds: int
    purpose: str
    project: str
    description: str
    samples: int
    hazard: Mapping[str, Any]
    answers: Mapping[str, Any]
    quote_id: UUID | None
    tariff_id: UUID | None
    rules_number: int | None
    ical_uid: str
    ical_sequence: int
    hold_expires_at: datetime | None
    answer_by: datetime | None
    decided_by: UUID | None
    decided_at: datetime | None
    decision_note: str
    cancelled_at: datetime | None
    cancelled_by: UUID | None
    cancel_reason: str
    cancel_fee: Money
    version: int
    created_at: datetime
    changed_at: datetime
    series_id: UUID | None = None
    parent_id: UUID | None = None
    fee_decides_at: datetime | None = None
    extras: tuple[str, ...] = ()
    items: Mapping[str, int] = field(default_factory=dict)
    # Known to who has just made it; all others ask for it.
    sums: ThreeSums | None = field(default=None, compare=False)

    @property
    def institution_id(self) -> UUID:
        return self.key.institution_id

    @property
    def resource_key(self) -> HostKey:
        return HostKey(self.key.institution_id, self.resource_id)

    @property
    def series_key(self) -> HostKey | None:
        return HostKey(self.key.institution_id, self.series_id) if self.series_id is not None else None

    @property
    def starts_at(self) -> datetime | None:
        return self.span.start if self.span else None

    @property
    def ends_at(self) -> datetime | None:
        return self.span.end if self.span else None

    @property
    def held(self) -> TimeSpan | None:
        """What it holds of its unit, set-up and tear-down included."""
        return self.span.widened(self.setup_seconds, self.teardown_seconds) if self.span else None

    @property
    def final(self) -> bool:
        return self.state in FINAL


@dataclass(frozen=True, slots=True)
class GivenBackRecord:
    """A stretch of an order that was given back late. ``decides_at`` is None once its fee is owed, or waived and zero;
    ``booking_id`` is the order's or that of what is booked along with it."""

    key: HostKey
    order_id: UUID
    booking_id: UUID
    resource_id: UUID
    unit_id: UUID | None
    customer_id: UUID
    customer_class: CustomerClass
    tariff_id: UUID
    span: TimeSpan
    fee: Money
    given_at: datetime
    decides_at: datetime | None

    @property
    def order_key(self) -> HostKey:
        return HostKey(self.key.institution_id, self.order_id)

    @property
    def resource_key(self) -> HostKey:
        return HostKey(self.key.institution_id, self.resource_id)


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One of several answers that an order waits for. ``answer_by`` is its own term; from then on whoever stands above
    may answer as well. ``answered_by`` gave another answer of the same round, and gives no second one."""

    key: HostKey
    booking_id: UUID
    round: int
    position: int
    who: Answerer
    state: StepState
    opened_at: datetime | None
    answer_by: datetime | None
    decided_at: datetime | None
    decided_by: UUID | None
    note: str
    answered_by: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class StrikeRecord:
    """A strike as others read it. It counts from ``given_at`` until ``expires_at``, unless it is lifted."""

    key: HostKey
    resource_id: UUID
    booking_id: UUID | None
    customer_id: UUID
    person_id: UUID
    kind: StrikeKind
    state: StrikeState
    given_at: datetime
    given_by: UUID | None
    expires_at: datetime
    note: str
    appealed_at: datetime | None
    appeal: str
    decided_at: datetime | None
    decided_by: UUID | None
    decision: str
    version: int

    @property
    def resource_key(self) -> HostKey:
        return HostKey(self.key.institution_id, self.resource_id)

    def counts(self, now: datetime) -> bool:
        return self.state is not StrikeState.LIFTED and self.given_at <= now < self.expires_at


@dataclass(frozen=True, slots=True)
class EventRecord:
    at: datetime
    person_id: UUID | None
    kind: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MessageRecord:
    id: UUID
    at: datetime
    person_id: UUID
    from_host: bool
    text: str


@dataclass(frozen=True, slots=True)
class FileRecord:
    id: UUID
    kind: FileKind
    file_organisation_id: UUID
    file_id: UUID
    name: str = ""
    size: int = 0
    media_type: str = ""
    sha256: bytes = b""


@dataclass(frozen=True, slots=True)
class FundsFacts:
    """What the holder of funds is told inside the booking's unit."""

    booking_key: HostKey
    customer_id: UUID
    resource: ResourceRecord
    to_pay: Money
    support: tuple[ExpectedSupportLine, ...]
    on: date


class ExpectedSupport(Protocol):
    """Implemented by subsidy: what programmes would pay towards a price."""

    def expected(
        self, institution_id: UUID, resource: ResourceRecord, customer_id: UUID, price: Price, on: date
    ) -> list[ExpectedSupportLine]: ...


class HoldOfFunds(Protocol):
    """Implemented by subsidy and billing: reserve and release budget in the same unit as the slot."""

    def hold(self, unit: Unit, facts: FundsFacts) -> None: ...

    def release(self, unit: Unit, booking_key: HostKey) -> None: ...


class Standing(Protocol):
    """Implemented by billing: the debts for which a customer may not book now, to one host or to all."""

    def reasons_against(
        self, customer_id: UUID, on: date, creditor_id: UUID | None = None
    ) -> list[Reason]: ...
