"""What assessment needs from elsewhere, handed in by the composition root.

The facts of a year cross catalogue, usage and billing; a report reads them in a few set-based queries, and assessment,
which stands above all three but may not read their tables, is given the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

from resource_hub.domain.assessment.terms import InstrumentFacts


class FactSource(Protocol):
    """Reads an institution's instruments with their hours and income."""

    def instruments(
        self, institution_id: UUID, since: date, until: date, resource_ids: Sequence[UUID] | None = None
    ) -> list[InstrumentFacts]:
        """Facts of ``[since, until)`` in local days, without what people enter; ordered by code."""


class NotInstalled(RuntimeError):
    """The composition root forgot to hand in a port."""


_facts: FactSource | None = None


def install(*, facts: FactSource) -> None:
    """Hand in the implementation; called once from the composition root."""
    global _facts
    _facts = facts


def facts() -> FactSource:
    if _facts is None:
        raise NotInstalled("assessment.ports.install(facts=...)")
    return _facts
