"""What booking asks of rooms above it. The composition root installs the answers; without them nothing is expected,
nothing is held, and nobody stands badly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from resource_hub.domain.booking.terms import (
    ExpectedSupport,
    ExpectedSupportLine,
    FundsFacts,
    HoldOfFunds,
    Standing,
)
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.pricing.terms import Price
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey


class Training(Protocol):
    """Whether a person may work on a resource alone; None where nobody keeps account of it."""

    def qualified(self, person_id: UUID, key: HostKey, training: str, on: date) -> bool | None: ...


class Uses(Protocol):
    """How long bookings of a resource were used, in seconds, and when the last of it was sealed; those of which
    something is not sealed yet are left out."""

    def recorded(
        self, resource: HostKey, ids: Sequence[UUID], since: datetime
    ) -> Mapping[UUID, tuple[int, datetime]]: ...


class _NoUses:
    def recorded(
        self, resource: HostKey, ids: Sequence[UUID], since: datetime
    ) -> Mapping[UUID, tuple[int, datetime]]:
        return {}


class _NoSupport:
    def expected(
        self, institution_id: UUID, resource: ResourceRecord, customer_id: UUID, price: Price, on: date
    ) -> list[ExpectedSupportLine]:
        return []


class _NoFunds:
    def hold(self, unit: Unit, facts: FundsFacts) -> None:
        return None

    def release(self, unit: Unit, booking_key: HostKey) -> None:
        return None


class _GoodStanding:
    def reasons_against(self, customer_id: UUID, on: date, creditor_id: UUID | None = None) -> list[Reason]:
        return []


class _NoTraining:
    def qualified(self, person_id: UUID, key: HostKey, training: str, on: date) -> bool | None:
        return None


@dataclass(frozen=True, slots=True)
class _Ports:
    expected_support: ExpectedSupport = field(default_factory=_NoSupport)
    hold_of_funds: HoldOfFunds = field(default_factory=_NoFunds)
    standing: Standing = field(default_factory=_GoodStanding)
    training: Training = field(default_factory=_NoTraining)
    uses: Uses = field(default_factory=_NoUses)


_ports = _Ports()


def install(**answers: Any) -> None:
    """Put in answers by name: ``expected_support``, ``hold_of_funds``, ``standing``, ``training``,
    ``uses``."""
    global _ports
    _ports = replace(_ports, **answers)


def installed() -> _Ports:
    return _ports
