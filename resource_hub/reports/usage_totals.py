"""What a load of many hosts left: sums over sealed hours, counts; and the planner's view of the tables after it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import and_, func, select

from resource_hub.domain.accounts.tables import Organisation
from resource_hub.domain.availability.tables import Occupancy
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


def sealed_of(institution_ids: Collection[UUID]) -> list[tuple[str, str, str, int]]:
    """How many sealed entries these hosts have, by source, grade and the zone of the host."""
    rows = reading().execute(
        select(UsageSession.source, UsageEntry.grade, Organisation.zone, func.count())
        .join(
            UsageSession,
            and_(
                UsageSession.institution_id == UsageEntry.institution_id,
                UsageSession.id == UsageEntry.session_id,
            ),
        )
        .join(Organisation, Organisation.id == UsageEntry.institution_id)
        .where(UsageEntry.institution_id.in_(list(institution_ids)))
        .group_by(UsageSession.source, UsageEntry.grade, Organisation.zone)
        .order_by(UsageSession.source, UsageEntry.grade, Organisation.zone)
    )
    return [(source, grade, zone, count) for source, grade, zone, count in rows]


def occupancies_of(institution_ids: Collection[UUID]) -> int:
    """How many spans of the units of these hosts are held."""
    return (
        reading().scalar(
            select(func.count())
            .select_from(Occupancy)
            .where(Occupancy.institution_id.in_(list(institution_ids)))
        )
        or 0
    )


def refresh_ledger_statistics() -> None:
    """Tell the database's planner how large the ledger has become."""
    with unit_of_work() as unit:
        refresh_statistics(unit.session, UsageSession, UsageEntry, ChainLink, UsageRollup, UnlinkedEntry)
