"""What holds at every host but a few: a customer's class, a day of the calendar, a share of support."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ByHost(Generic[T]):
    """A value by institution: ``usual``, and the hosts at which it is another."""

    usual: T
    others: Mapping[UUID, T] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[UUID, T], otherwise: T) -> ByHost[T]:
        """The commonest value is the usual one; ``otherwise`` where there are none."""
        usual = Counter(values.values()).most_common(1)[0][0] if values else otherwise
        return cls(usual, {host: value for host, value in values.items() if value != usual})

    def at(self, institution_id: UUID) -> T:
        return self.others.get(institution_id, self.usual)
