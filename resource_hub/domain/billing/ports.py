"""What billing asks of rooms above it; the composition root installs the answers."""

from __future__ import annotations

from resource_hub.domain.billing.terms import ChargeFacts, DeductAtOnce
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.money import Money


class _NoSupport:
    """Without programmes nothing is taken off."""

    def deduct(self, unit: Unit, facts: ChargeFacts) -> Money:
        return Money.zero(facts.gross.currency)


_deduct_at_once: DeductAtOnce = _NoSupport()


def install(*, deduct_at_once: DeductAtOnce | None = None) -> None:
    """Put in the upper room's answer; None brings back "no support"."""
    global _deduct_at_once
    _deduct_at_once = deduct_at_once or _NoSupport()


def deduct(unit: Unit, facts: ChargeFacts) -> Money:
    return _deduct_at_once.deduct(unit, facts)
