"""The dated parameters of accounts, read once from the rulebook's files."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from resource_hub.domain.accounts.rules.size import SizeTable
from resource_hub.domain.accounts.rules.tech_sme import TechSmeTable
from resource_hub.kernel.dated import DatedSeries, InForce


def _entries(name: str) -> list[dict[str, Any]]:
    text = (files("resource_hub.rulebook") / "data" / "cn" / name).read_text(encoding="utf-8")
    return list(tomllib.loads(text)["in_force"])


@lru_cache(maxsize=1)
def _sizes() -> DatedSeries[SizeTable]:
    return DatedSeries(
        InForce(e["since"], SizeTable.from_data(e), e.get("until")) for e in _entries("sme_size.toml")
    )


@lru_cache(maxsize=1)
def _tech() -> DatedSeries[TechSmeTable]:
    return DatedSeries(
        InForce(e["since"], TechSmeTable.from_data(e), e.get("until")) for e in _entries("tech_sme.toml")
    )


def size_table(on: date) -> SizeTable:
    """The table of size classes in force on a day.

    Raises:
        NothingInForce: before the first version.
    """
    return _sizes().on(on).value


def tech_sme_table(on: date) -> TechSmeTable:
    """The assessment of technology SMEs in force on a day.

    Raises:
        NothingInForce: before the first version.
    """
    return _tech().on(on).value


def sectors() -> tuple[str, ...]:
    """Sector keys of the newest size table, in the order of the document."""
    return tuple(list(_sizes())[-1].value.sectors)
