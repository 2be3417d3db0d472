"""Sums over the sealed hours of many hosts, and the planner's view of the ledger's tables after a large import."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from resource_hub.domain.usage.tables import ChainLink, UnlinkedEntry, UsageEntry, UsageRollup, UsageSession
from resource_hub.infra.bulk import refresh_statistics
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import unit_of_work


def seconds_by_host_and_day(institution_ids: Collection[UUID]) -> list[tuple[UUID, date, int]]:
    """Effective seconds of each host and day, split at the host's midnights."""
    rows = reading().execute(
        select(UsageRollup.institution_id, UsageRollup.day, func.sum(UsageRollup.effective_seconds))
        .where(UsageRollup.institution_id.in_(list(institution_ids)))
        .group_by(UsageRollup.institution_id, UsageRollup.day)
    )
    return [(institution_id, day, int(seconds)) for institution_id, day, seconds in rows]


def refresh_ledger_statistics() -> None:
    """Tell the database's planner how large the ledger has become."""
    with unit_of_work() as unit:
        refresh_statistics(unit.session, UsageSession, UsageEntry, ChainLink, UsageRollup, UnlinkedEntry)
