"""Words of quotes that a host gives by hand: the inquiry of a customer, and each version of the host's answer (pure).

Money is for the order as a whole: what the host named and the customer accepted is what the order is charged at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from resource_hub.domain.booking.terms import BookingKind
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.pricing.terms import AgreedPrice
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money

# An order is made within so many days after the last day on which its price could be accepted.
ORDER_WITHIN = timedelta(days=90)


class InquiryState(StrEnum):
    """``expired`` is never stored: it is what a given quote is after its last day, whoever asks."""

    ASKED = "asked"
    GIVEN = "given"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REFUSED = "refused"  # the host gives no price
    WITHDRAWN = "withdrawn"  # the customer took the inquiry back
    EXPIRED = "expired"


class GivenState(StrEnum):
    """Of one version of the host's answer; ``expired`` is never stored."""

    GIVEN = "given"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"  # by the host, before it was accepted
    REPLACED = "replaced"  # by a newer version
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a price is asked for."""

    kind: BookingKind
    mode: Mode | None = None
    length_seconds: int = 0
    samples: int = 0
    wanted_from: date | None = None
    wanted_until: date | None = None
    description: str = ""
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line of a quote: what it is for, and its net amount."""

    text: str
    amount: Money

    def as_json(self) -> dict[str, Any]:
        return {"text": self.text, "minor": self.amount.minor}

    @classmethod
    def from_json(cls, row: Mapping[str, Any], currency: str) -> QuoteLine:
        return cls(row["text"], Money(row["minor"], currency))


@dataclass(frozen=True, slots=True)
class GivenQuote:
    """A version of the host's answer. ``valid_until`` is the last day on which it may be accepted, in the host's
    zone."""

    key: HostKey
    inquiry_id: UUID
    number: int
    state: GivenState
    lines: tuple[QuoteLine, ...]
    total: Money
    valid_until: date
    note: str
    given_by: UUID
    given_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    reason: str

    def state_on(self, today: date) -> GivenState:
        over = self.state is GivenState.GIVEN and today > self.valid_until
        return GivenState.EXPIRED if over else self.state


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A customer's question what something would cost. ``reason`` is why it was refused or taken back."""

    key: HostKey
    number: str
    resource_id: UUID
    customer_id: UUID
    person_id: UUID
    wish: Wish
    state: InquiryState
    reason: str
    version: int
    created_at: datetime
    changed_at: datetime
    quote: GivenQuote | None = None  # the newest version, where one was given

    @property
    def resource_key(self) -> HostKey:
        return HostKey(self.key.institution_id, self.resource_id)

    def state_on(self, today: date) -> InquiryState:
        """The state as it is on a day of the host's calendar."""
        if self.state is InquiryState.GIVEN and self.quote is not None and today > self.quote.valid_until:
            return InquiryState.EXPIRED
        return self.state

    @property
    def order_until(self) -> date | None:
        """The last day on which an order may be made at the newest price, in the host's zone: so many days after the
        last day of the price, or the last wanted day where that is later."""
        if self.quote is None:
            return None
        usual = self.quote.valid_until + ORDER_WITHIN
        return max(usual, self.wish.wanted_until or usual)

    def may_be_asked_again(self, today: date) -> bool:
        """Whether the price is over: nobody accepted it in time, or nobody ordered at it in time."""
        if self.state is InquiryState.ACCEPTED:
            return self.order_until is not None and today > self.order_until
        return self.state_on(today) is InquiryState.EXPIRED

    def agreed(self) -> AgreedPrice:
        """The price that was accepted, as charges are made of it."""
        assert self.quote is not None
        return AgreedPrice(
            self.number,
            self.quote.number,
            tuple((line.text, line.amount) for line in self.quote.lines),
            self.quote.total.currency,
        )
