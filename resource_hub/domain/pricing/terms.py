"""Words of pricing: a tariff, the facts of a use, and the price made of them (pure).

A *tariff* is the dated price list of one resource by customer class. It is kept as a plain document (see
``rules.document``) so that the version a booking was quoted with can be kept byte for byte. A *price* is a list of
lines that add up to the total exactly; each line says which rule made it.

Units: rates are exact fractions of minor units (fen); time is in whole seconds; the total is whole minor units,
rounded once, at the end, by the tariff's named rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan


class TariffState(StrEnum):
    """``approved`` holds from its first day until the next approved one starts."""

    DRAFT = "draft"
    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ChargeOn(StrEnum):
    """Which time is charged: what was used, what was reserved, or both taken together (from the earlier start to
    the later end)."""

    USE = "use"
    RESERVED = "reserved"
    LONGER = "longer"


class Occasion(StrEnum):
    """What is priced: a use (or, before it, the booking), a no-show, or a late cancellation."""

    USE = "use"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


class Consequence(StrEnum):
    """What a no-show or late cancellation costs: nothing, a fee, or the price of the booked time."""

    NONE = "none"
    FEE = "fee"
    BOOKED = "booked"


class ExtraKind(StrEnum):
    """``factor`` multiplies time and samples, ``hour`` adds to the hourly rate, ``fee`` adds per order, hour, sample
    or counted item; ``item`` adds per item and sample."""

    FACTOR = "factor"
    HOUR = "hour"
    FEE = "fee"


class Per(StrEnum):
    ORDER = "order"
    HOUR = "hour"
    SAMPLE = "sample"
    ITEM = "item"
    ITEM_AND_SAMPLE = "item_and_sample"


URGENT = "urgent"
BY_DAY = "by_day"

# A tariff may name a class directly or a wider word; the first one found holds.
WIDER: dict[str, tuple[str, ...]] = {
    "own_group": ("own_group", "in_house", "all"),
    "in_house": ("in_house", "all"),
    "academic": ("academic", "outside", "all"),
    **{
        f"firm_{size}": (f"firm_{size}", "firm", "outside", "all")
        for size in ("micro", "small", "medium", "large", "unsized")
    },
}
CLASS_WORDS = tuple(dict.fromkeys(word for words in WIDER.values() for word in words))


@dataclass(frozen=True, slots=True)
class PerClass:
    """Amounts by class word, in exact minor units. Empty means that the tariff has no such charge."""

    amounts: Mapping[str, Fraction] = field(default_factory=dict)

    def of(self, customer_class: CustomerClass | str) -> Fraction | None:
        """The amount for a class, by its own word or the next wider one; None when the tariff names none."""
        for word in WIDER[str(customer_class)]:
            if word in self.amounts:
                return self.amounts[word]
        return None

    @property
    def empty(self) -> bool:
        return not self.amounts


NO_AMOUNTS = PerClass()
UNCHANGED = Fraction(1)


@dataclass(frozen=True, slots=True)
class Band:
    """Part of the week with a rate of its own, by the host's wall clock. Minutes after midnight; ``end`` may pass
    1440 and then reaches into the next day. ``days`` are ISO weekdays on which the band starts."""

    code: str
    name_zh: str
    name_en: str
    days: tuple[int, ...]
    start: int
    end: int
    factor: Fraction | None = None
    hour: PerClass = NO_AMOUNTS
    minimum: PerClass = NO_AMOUNTS


@dataclass(frozen=True, slots=True)
class Step:
    """From so many charged minutes on, another hourly rate holds for the time beyond."""

    after_minutes: int
    hour: PerClass


@dataclass(frozen=True, slots=True)
class FirstBlock:
    minutes: int
    price: PerClass


@dataclass(frozen=True, slots=True)
class SampleBreak:
    """From so many samples on, this price holds for all of them."""

    from_count: int
    sample: PerClass


@dataclass(frozen=True, slots=True)
class Extra:
    """Something that the customer chooses or that staff adds: urgent work, a special mode, components."""

    code: str
    name_zh: str
    name_en: str
    kind: ExtraKind
    factor: Fraction | None = None
    amount: PerClass = NO_AMOUNTS
    per: Per = Per.ORDER
    from_count: int = 1


@dataclass(frozen=True, slots=True)
class Penalty:
    """What a no-show or a cancellation inside ``notice_minutes`` costs. Notice 0 is never a fee.

    ``times``: how often the fee is due for the first no-show of a person within ``within_days``, the second and so on,
    the last figure from there on; empty is once, always.
    """

    consequence: Consequence = Consequence.NONE
    fee: PerClass = NO_AMOUNTS
    notice_minutes: int = 0
    times: tuple[Fraction, ...] = ()
    within_days: int = 365


@dataclass(frozen=True, slots=True)
class Tariff:
    """A tariff as the price function reads it. Built only by ``rules.document.read_tariff``."""

    currency: str
    ask: bool = False
    hour: PerClass = NO_AMOUNTS
    staff_hour: PerClass = NO_AMOUNTS
    day: PerClass = NO_AMOUNTS
    sample: PerClass = NO_AMOUNTS
    start_fee: PerClass = NO_AMOUNTS
    minimum: PerClass = NO_AMOUNTS
    factors: Mapping[str, Fraction] = field(default_factory=dict)
    bands: tuple[Band, ...] = ()
    steps: tuple[Step, ...] = ()
    first_block: FirstBlock | None = None
    unit_minutes: int = 0
    unit_threshold_minutes: int = 0
    minimum_minutes: int = 0
    sample_breaks: tuple[SampleBreak, ...] = ()
    extras: tuple[Extra, ...] = ()
    no_show: Penalty = Penalty()
    cancellation: Penalty = Penalty()
    charge_on: ChargeOn = ChargeOn.USE
    cut_to_minute: bool = False
    rounding: str = "ROUND_HALF_UP"
    round_to: int = 1

    def factor_of(self, customer_class: CustomerClass | str) -> Fraction:
        for word in WIDER[str(customer_class)]:
            if word in self.factors:
                return self.factors[word]
        return UNCHANGED


@dataclass(frozen=True, slots=True)
class UseFacts:
    """What a price is made from. A quote has only ``reserved``; a charge has ``used`` too.

    Attributes:
        zone: the host's zone; bands go by its wall clock.
        mode: self-use, staff-run or send-in; None for an untimed resource (dataset, literature, specimen).
        share: the part of the session's time that this order bears, as numerator and denominator.
        notice_seconds: for a cancellation, how long before the start it came (negative: after the start).
        kept: what stays booked where only part of ``reserved`` is cancelled.
        part: what part of a whole is cancelled, as numerator and denominator; a fixed fee is taken for that part.
    """

    zone: str
    mode: Mode | None = Mode.SELF_USE
    reserved: TimeSpan | None = None
    used: tuple[TimeSpan, ...] | None = None
    samples: int = 0
    items: Mapping[str, int] = field(default_factory=dict)
    extras: frozenset[str] = frozenset()
    share: tuple[int, int] = (1, 1)
    occasion: Occasion = Occasion.USE
    notice_seconds: int | None = None
    missed: tuple[datetime, ...] = ()
    kept: TimeSpan | None = None
    part: tuple[int, int] = (1, 1)

    def as_json(self) -> dict[str, Any]:
        """Plain values, in a stated order, for keeping beside a charge."""

        def span(value: TimeSpan) -> list[str]:
            return [value.start.isoformat(), value.end.isoformat()]

        return {
            "zone": self.zone,
            "mode": str(self.mode) if self.mode else None,
            "reserved": span(self.reserved) if self.reserved else None,
            "used": [span(s) for s in self.used] if self.used is not None else None,
            "samples": self.samples,
            "items": dict(sorted(self.items.items())),
            "extras": sorted(self.extras),
            "share": list(self.share),
            "occasion": str(self.occasion),
            "notice_seconds": self.notice_seconds,
            **({"missed": [moment.isoformat() for moment in self.missed]} if self.missed else {}),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> UseFacts:
        def span(value: list[str]) -> TimeSpan:
            return TimeSpan(datetime.fromisoformat(value[0]), datetime.fromisoformat(value[1]))

        return cls(
            zone=row["zone"],
            mode=Mode(row["mode"]) if row["mode"] else None,
            reserved=span(row["reserved"]) if row["reserved"] else None,
            used=tuple(span(s) for s in row["used"]) if row["used"] is not None else None,
            samples=row["samples"],
            items=dict(row["items"]),
            extras=frozenset(row["extras"]),
            share=(row["share"][0], row["share"][1]),
            occasion=Occasion(row["occasion"]),
            notice_seconds=row["notice_seconds"],
            missed=tuple(datetime.fromisoformat(moment) for moment in row.get("missed", ())),
        )


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of a price. ``why`` carries a code and values for its sentence; ``exact`` is before rounding.

    The amounts of all lines add up to the total: what rounding leaves over went to the largest remainders.
    """

    why: Reason
    exact: Fraction
    amount: Money

    def as_json(self) -> dict[str, Any]:
        return {
            **self.why.as_json(),
            "exact": f"{self.exact.numerator}/{self.exact.denominator}",
            "amount_minor": self.amount.minor,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any], currency: str) -> PriceLine:
        return cls(Reason.from_json(row), Fraction(row["exact"]), Money(row["amount_minor"], currency))


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one use for one customer class, with the tariff version that made it."""

    total: Money
    lines: tuple[PriceLine, ...]
    customer_class: CustomerClass
    charged_seconds: int = 0
    tariff_id: UUID | None = None
    version: int = 0

    @property
    def currency(self) -> str:
        return self.total.currency

    def lines_json(self) -> list[dict[str, Any]]:
        return [line.as_json() for line in self.lines]


@dataclass(frozen=True, slots=True)
class AgreedPrice:
    """A price that the host named by hand for one order and the customer accepted. ``number`` and ``version`` say which
    quote it is; each line has its text and its amount."""

    number: str
    version: int
    lines: tuple[tuple[str, Money], ...]
    currency: str

    @property
    def total(self) -> Money:
        return Money.sum((amount for _text, amount in self.lines), self.currency)


@dataclass(frozen=True, slots=True)
class TariffRecord:
    """A dated tariff of a resource. ``until`` is the day on which the next approved one starts, if there is one."""

    key: HostKey
    resource_id: UUID
    number: int
    state: TariffState
    since: date
    until: date | None
    document: Mapping[str, Any]
    currency: str = "CNY"
    basis: str = ""
    note: str = ""
    submitted_by: UUID | None = None
    submitted_at: datetime | None = None
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    decision_note: str = ""
    version: int = 1

    @property
    def institution_id(self) -> UUID:
        return self.key.institution_id

    @property
    def resource_key(self) -> HostKey:
        return HostKey(self.key.institution_id, self.resource_id)
