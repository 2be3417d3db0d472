"""Facts of an institution's year for assessment: instruments, hours and income in four set-based queries.

Hours come from the rollup of the sealed ledger, split at midnight in the host's zone; income from charges by the day on
which the use ended. External is who is not the host's legal person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, or_, select

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.assessment.terms import Hours, Income, InstrumentFacts
from resource_hub.domain.billing.tables import Charge
from resource_hub.domain.catalogue.tables import Resource
from resource_hub.domain.usage.tables import UsageRollup
from resource_hub.infra.database import reading
from resource_hub.kernel.money import Money

_ASSESSED_KINDS = ("instrument", "facility")
_INTERNAL = tuple(each.value for each in CustomerClass if not each.outside)


def _hours(
    institution_id: UUID, since: date, until: date, resource_ids: Sequence[UUID] | None
) -> dict[UUID, Hours]:
    query = (
        select(
            UsageRollup.resource_id,
            UsageRollup.outside,
            UsageRollup.purpose,
            UsageRollup.grade,
            func.sum(UsageRollup.effective_seconds),
            func.sum(UsageRollup.sessions),
            func.sum(UsageRollup.samples),
        )
        .where(
            UsageRollup.institution_id == institution_id, UsageRollup.day >= since, UsageRollup.day < until
        )
        .group_by(UsageRollup.resource_id, UsageRollup.outside, UsageRollup.purpose, UsageRollup.grade)
    )
    if resource_ids is not None:
        query = query.where(UsageRollup.resource_id.in_(list(resource_ids)))
    sums: dict[UUID, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    purposes: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    grades: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for resource_id, outside, purpose, grade, seconds, entries, samples in reading().execute(query):
        row, seconds = sums[resource_id], int(seconds)
        row[0] += seconds
        row[1] += seconds if outside else 0
        row[2] += int(entries)
        row[3] += int(samples)
        purposes[resource_id][purpose] += seconds
        grades[resource_id][grade] += seconds
    return {
        key: Hours(
            row[0],
            row[1],
            {purpose: seconds for purpose, seconds in sorted(purposes[key].items()) if seconds},
            {grade: seconds for grade, seconds in sorted(grades[key].items()) if seconds},
            row[2],
            row[3],
        )
        for key, row in sums.items()
    }


def _first_used(institution_id: UUID, resource_ids: Sequence[UUID] | None) -> dict[UUID, date]:
    query = (
        select(UsageRollup.resource_id, func.min(UsageRollup.day))
        .where(UsageRollup.institution_id == institution_id, UsageRollup.effective_seconds > 0)
        .group_by(UsageRollup.resource_id)
    )
    if resource_ids is not None:
        query = query.where(UsageRollup.resource_id.in_(list(resource_ids)))
    return {row.resource_id: row[1] for row in reading().execute(query)}


def _income(
    institution_id: UUID, since: date, until: date, resource_ids: Sequence[UUID] | None
) -> dict[tuple[UUID, str], tuple[int, int]]:
    """(external, internal) in minor units by resource and currency; gross, whoever pays it in the end."""
    internal = Charge.customer_class.in_(_INTERNAL)
    query = (
        select(Charge.resource_id, Charge.currency, internal, func.sum(Charge.gross_minor))
        .where(Charge.institution_id == institution_id, Charge.day >= since, Charge.day < until)
        .group_by(Charge.resource_id, Charge.currency, internal)
    )
    if resource_ids is not None:
        query = query.where(Charge.resource_id.in_(list(resource_ids)))
    found: dict[tuple[UUID, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for resource_id, currency, is_internal, minor in reading().execute(query):
        external_minor, internal_minor = found[resource_id, currency]
        if is_internal:
            internal_minor += int(minor)
        else:
            external_minor += int(minor)
        found[resource_id, currency] = (external_minor, internal_minor)
    return found


class YearFacts:
    """Implements assessment's port for facts."""

    def instruments(
        self, institution_id: UUID, since: date, until: date, resource_ids: Sequence[UUID] | None = None
    ) -> list[InstrumentFacts]:
        """Instruments and facilities that were the institution's in ``[since, until)``, used or not, by code.

        One that was taken out of use before, or accepted after, is not among them.
        """
        query = select(Resource).where(
            Resource.institution_id == institution_id,
            Resource.kind.in_(_ASSESSED_KINDS),
            Resource.listed.is_(True),
            or_(Resource.decommissioned_on.is_(None), Resource.decommissioned_on >= since),
            or_(Resource.accepted_on.is_(None), Resource.accepted_on < until),
        )
        if resource_ids is not None:
            query = query.where(Resource.id.in_(list(resource_ids)))
        rows = list(reading().scalars(query.order_by(Resource.code)))
        hours = _hours(institution_id, since, until, resource_ids)
        first = _first_used(institution_id, resource_ids)
        income = _income(institution_id, since, until, resource_ids)
        return [self._facts(row, hours, first, income) for row in rows]

    @staticmethod
    def _facts(
        row: Resource,
        hours: dict[UUID, Hours],
        first: dict[UUID, date],
        income: dict[tuple[UUID, str], tuple[int, int]],
    ) -> InstrumentFacts:
        external, internal = income.get((row.id, row.currency), (0, 0))
        public = row.state == "public"
        return InstrumentFacts(
            resource_id=row.id,
            code=row.code,
            name_zh=row.name_zh,
            name_en=row.name_en,
            kind=row.kind,
            class_code=row.class_code or None,
            department_id=row.department_id,
            original_value=None
            if row.original_value_minor is None
            else Money(row.original_value_minor, row.currency),
            accepted_on=row.accepted_on,
            listed_on=row.listed_on,
            put_in_use_on=row.commissioned_on,
            first_used_on=first.get(row.id),
            retired_on=row.decommissioned_on,
            bookable=public and row.bookable,
            open_outside=public and row.open_to_outside,
            hours=hours.get(row.id, Hours()),
            income=Income(Money(external, row.currency), Money(internal, row.currency)),
        )
