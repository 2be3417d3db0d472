"""The document of a tariff record as the price function reads it."""

from __future__ import annotations

import json
from functools import lru_cache
from uuid import UUID

from resource_hub.domain.pricing.rules import read_tariff
from resource_hub.domain.pricing.rules.document import canonical_json
from resource_hub.domain.pricing.terms import Tariff, TariffRecord


@lru_cache(maxsize=2048)
def _tariff(_institution_id: UUID, _tariff_id: UUID, _version: int, text: str) -> Tariff:
    return read_tariff(json.loads(text))


def parsed(record: TariffRecord) -> Tariff:
    """The tariff of a record, ready for the price function. Kept in memory: approved documents never change."""
    return _tariff(record.key.institution_id, record.key.id, record.version, canonical_json(record.document))
