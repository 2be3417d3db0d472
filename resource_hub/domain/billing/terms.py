"""Words of billing: charges, money entries, statements, and the port through which support lowers a charge (pure).

Amounts are whole minor units with a currency. On an account a positive amount means that the customer owes more.
A charge belongs to the day on which its use ended in the host's zone, and so to that month's statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money

if TYPE_CHECKING:
    from resource_hub.infra.unit_of_work import Unit


class ChargeKind(StrEnum):
    """``correction`` takes an earlier charge back; ``problem`` is a use that no tariff could price, for the office."""

    USE = "use"
    CORRECTION = "correction"
    NO_SHOW = "no_show"
    CANCELLATION = "cancellation"
    MANUAL = "manual"
    PROBLEM = "problem"


class MoneyEntryKind(StrEnum):
    CHARGE = "charge"
    PAYMENT = "payment"
    CREDIT = "credit"
    REFUND = "refund"
    WRITE_OFF = "write_off"


class StatementState(StrEnum):
    ISSUED = "issued"
    PAID = "paid"
    DISPUTED = "disputed"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class ChargeFacts:
    """A charge before it is written, as support sees it. ``reverses`` is the charge that it takes back."""

    key: HostKey
    kind: ChargeKind
    entry_id: UUID | None
    line_id: UUID | None
    booking_id: UUID | None
    resource_id: UUID
    customer_id: UUID
    customer_class: str
    day: date
    gross: Money
    purpose: str = ""
    grade: str = ""
    mode: str = ""
    samples: int = 0
    reverses: HostKey | None = None


@dataclass(frozen=True, slots=True)
class ChargeRecord:
    """What one sealed line, no-show or cancellation costs. ``lines`` say which rule made which part."""

    key: HostKey
    kind: ChargeKind
    entry_id: UUID | None
    booking_id: UUID | None
    resource_id: UUID
    customer_id: UUID
    customer_class: str
    day: date
    tariff_id: UUID | None
    use: Mapping[str, Any]
    lines: tuple[Mapping[str, Any], ...]
    gross: Money
    deducted: Money
    amount: Money
    created_at: datetime
    statement_id: UUID | None = None
    source_key: str = ""


@dataclass(frozen=True, slots=True)
class StatementRecord:
    """What a customer owes to one institution for a month. ``period`` is the first day of the month."""

    key: HostKey
    number: str
    customer_id: UUID
    period: date
    state: StatementState
    gross: Money
    deducted: Money
    total: Money
    paid: Money
    issued_at: datetime | None
    due_on: date | None
    note: str
    version: int

    @property
    def open(self) -> Money:
        return self.total - self.paid

    def overdue(self, on: date) -> bool:
        return (
            self.state in (StatementState.ISSUED, StatementState.DISPUTED)
            and self.due_on is not None
            and self.due_on < on
            and not self.open.is_zero
        )


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """Where a customer stands with a host: everything charged, everything paid, and what is not yet on a statement."""

    institution_id: UUID
    customer_id: UUID
    balance: Money
    open_statements: Money
    unbilled: Money


@dataclass(frozen=True, slots=True)
class MoneyEntryRecord:
    key: HostKey
    kind: MoneyEntryKind
    customer_id: UUID
    charge_id: UUID | None
    statement_id: UUID | None
    day: date
    amount: Money
    reference: str
    entered_by: UUID | None
    created_at: datetime
    digest: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class TriedLine:
    """A past charge beside what another tariff would have made of it; None where it could not price it."""

    charge: ChargeRecord
    would_be: Money | None
    reason: str = ""


class DeductAtOnce(Protocol):
    """Implemented by subsidy: what programmes take off a charge at once, written in the same unit as the charge.

    For a charge that takes back another it answers with the (negative) amount that goes back.
    """

    def deduct(self, unit: Unit, facts: ChargeFacts) -> Money: ...
