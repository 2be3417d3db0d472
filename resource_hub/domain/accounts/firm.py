"""Dated facts: a firm's size, a host's own decision on a customer's class, an organisation's standing."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select

from resource_hub.domain.accounts import parameters, store
from resource_hub.domain.accounts.errors import (
    BadInput,
    Changed,
    NotYours,
    UnknownCustomer,
    UnknownOrganisation,
)
from resource_hub.domain.accounts.lookups import firm_facts
from resource_hub.domain.accounts.rules.size import size_class
from resource_hub.domain.accounts.tables import CustomerClassOverride, Standing
from resource_hub.domain.accounts.tables import FirmFacts as FirmFactsRow
from resource_hub.domain.accounts.terms import (
    Actor,
    CustomerClass,
    FirmFacts,
    FirmFactsRecord,
    OrganisationKind,
    Role,
    SizeClass,
)
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.decision import Decision
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money


def try_size(facts: FirmFacts, on: date) -> Decision[SizeClass | None]:
    """What class these facts would make on a day, with the reasons; nothing is kept."""
    return size_class(facts, parameters.size_table(on))


def facts_digest(organisation_id: UUID) -> str:
    """A short mark of all that was entered about a firm: who enters more says which state was seen."""
    plain = [
        [row.as_of.isoformat(), row.facts.sector, row.facts.staff, row.tech_sme_number]
        + [None if one is None else one.minor for one in (row.facts.income, row.facts.assets)]
        for row in store.all_facts(organisation_id)
    ]
    return digest(canonical_bytes(plain)).hex()[:16]


def record_firm_facts(
    organisation_id: UUID,
    facts: FirmFacts,
    *,
    as_of: date,
    by: Actor,
    tech_sme_number: str | None = None,
    seen: str | None = None,
) -> FirmFactsRecord:
    """Record a firm's facts as of a day; for the same day the newer entry stands, and the audit log keeps the older.

    Args:
        seen: ``facts_digest`` of the entries that were looked at.

    Raises:
        Changed: somebody else entered facts meanwhile.
        NotYours: neither the firm's administrator nor platform staff.
        BadInput: an unknown sector, a negative figure, a day in the future.
    """
    own = by.organisation_id == organisation_id and by.has(Role.FIRM_ADMIN)
    if not own and not by.has(Role.PLATFORM_STAFF):
        raise NotYours()
    reasons = []
    if facts.sector not in parameters.sectors():
        reasons.append(Reason("accounts.size.unknown_sector", {"sector": facts.sector}, "sector"))
    if facts.staff is not None and facts.staff < 0:
        reasons.append(Reason("form.negative", {}, "staff"))
    for place in ("income", "assets"):
        amount: Money | None = getattr(facts, place)
        if amount is not None and amount.is_negative:
            reasons.append(Reason("form.negative", {}, place))
    with unit_of_work() as unit:
        if as_of > unit.now.date():
            reasons.append(Reason("accounts.day_in_future", {}, "as_of"))
        if reasons:
            raise BadInput(*reasons)
        row = store.organisation_row(organisation_id, lock=True)
        if row is None or row.kind != OrganisationKind.FIRM.value:
            raise UnknownOrganisation()
        if seen is not None and facts_digest(organisation_id) != seen:
            raise Changed()
        insert_firm_facts(unit, organisation_id, facts, as_of, by.person_id, tech_sme_number)
        found = firm_facts(organisation_id, as_of)
        assert found is not None
        unit.audit(
            "firm_facts.recorded",
            organisation_id,
            f"organisation:{organisation_id}",
            {
                "as_of": as_of.isoformat(),
                "sector": facts.sector,
                "staff": facts.staff,
                "income_minor": facts.income.minor if facts.income is not None else None,
                "assets_minor": facts.assets.minor if facts.assets is not None else None,
                "size": found.size.value if found.size else None,
            },
            person_id=by.person_id,
        )
        return found


def insert_firm_facts(
    unit: Unit,
    organisation_id: UUID,
    facts: FirmFacts,
    as_of: date,
    entered_by: UUID | None = None,
    tech_sme_number: str | None = None,
) -> None:
    row = unit.session.scalar(
        select(FirmFactsRow).where(
            FirmFactsRow.organisation_id == organisation_id, FirmFactsRow.as_of == as_of
        )
    )
    if row is None:
        row = FirmFactsRow(id=new_id(), organisation_id=organisation_id, as_of=as_of)
        unit.session.add(row)
    row.sector, row.staff = facts.sector, facts.staff
    row.income_minor = facts.income.minor if facts.income is not None else None
    row.assets_minor = facts.assets.minor if facts.assets is not None else None
    row.tech_sme_number = tech_sme_number
    row.entered_by, row.entered_at = entered_by, unit.now
    unit.session.flush()


def decide_class(
    institution_id: UUID,
    customer_id: UUID,
    wanted: CustomerClass | None,
    *,
    since: date,
    reason: str,
    by: Actor,
) -> None:
    """A host decides what a customer is for it from a day on; None returns to what is derived.

    Raises:
        NotYours, BadInput, UnknownCustomer
    """
    if by.organisation_id != institution_id or not by.has(Role.OFFICE, Role.INSTITUTION_ADMIN):
        raise NotYours()
    if not reason.strip():
        raise BadInput(Reason("accounts.reason_needed", {}, "reason"))
    with unit_of_work() as unit:
        if store.customer_row(customer_id) is None:
            raise UnknownCustomer()
        row = unit.session.scalar(
            select(CustomerClassOverride).where(
                CustomerClassOverride.institution_id == institution_id,
                CustomerClassOverride.customer_id == customer_id,
                CustomerClassOverride.since == since,
            )
        )
        if row is None:
            row = CustomerClassOverride(
                institution_id=institution_id, id=new_id(), customer_id=customer_id, since=since
            )
            unit.session.add(row)
        row.customer_class = wanted.value if wanted is not None else ""
        row.reason, row.entered_by, row.entered_at = reason.strip(), by.person_id, unit.now
        unit.audit(
            "customer_class.decided",
            institution_id,
            f"customer:{customer_id}",
            {"class": row.customer_class, "since": since.isoformat(), "reason": reason.strip()},
            person_id=by.person_id,
        )


def record_standing(
    unit: Unit,
    organisation_id: UUID,
    kind: str,
    value: str,
    *,
    since: date,
    until: date | None = None,
    source: str = "",
) -> None:
    """Say something dated of an organisation (a published grade, a bar); called by the rooms above in their unit."""
    unit.session.add(
        Standing(
            id=new_id(),
            organisation_id=organisation_id,
            kind=kind,
            value=value,
            since=since,
            until=until,
            source=source,
            entered_at=unit.now,
        )
    )
    unit.audit(
        "standing.recorded",
        organisation_id,
        f"organisation:{organisation_id}",
        {
            "kind": kind,
            "value": value,
            "since": since.isoformat(),
            "until": until.isoformat() if until else None,
        },
    )
