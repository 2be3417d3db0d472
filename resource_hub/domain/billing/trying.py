"""A tariff tried on the past: what it would have made of charges that stand."""

from __future__ import annotations

from typing import Any

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.billing.terms import ChargeRecord
from resource_hub.domain.pricing.rules import price as price_rule
from resource_hub.domain.pricing.rules import read_tariff
from resource_hub.domain.pricing.terms import Price, UseFacts
from resource_hub.kernel.errors import DomainError


def try_tariff(document: Any, charges: list[ChargeRecord]) -> list[tuple[ChargeRecord, Price | None, str]]:
    """What another tariff would have made of past charges; the reason code where it could not price one."""
    tariff = read_tariff(document)
    found: list[tuple[ChargeRecord, Price | None, str]] = []
    for charge in charges:
        try:
            use = UseFacts.from_json(charge.use)
            found.append((charge, price_rule(tariff, CustomerClass(charge.customer_class), use), ""))
        except DomainError as reason:
            found.append((charge, None, reason.code))
    return found
