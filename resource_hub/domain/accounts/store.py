"""Queries of accounts: rows in, records out. Never commits; used by this package only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, func, literal, or_, select, tuple_

from resource_hub.domain.accounts.tables import (
    ApiToken,
    Customer,
    CustomerClassOverride,
    Department,
    FirmFacts,
    Invitation,
    Membership,
    MergeProposal,
    Organisation,
    Person,
    PersonToken,
    Standing,
)
from resource_hub.domain.accounts.terms import (
    ApiTokenRecord,
    CustomerClass,
    CustomerKind,
    CustomerRecord,
    DepartmentKind,
    DepartmentRecord,
    InvitationRecord,
    MembershipState,
    OrganisationKind,
    OrganisationRecord,
    OrganisationState,
    PersonRecord,
    PersonState,
    Role,
    RoleRecord,
    StandingRecord,
    TokenPurpose,
)
from resource_hub.domain.accounts.terms import FirmFacts as FirmFactsValue
from resource_hub.infra.database import reading
from resource_hub.kernel.money import Money

ACTIVE = MembershipState.ACTIVE.value


# ---- rows → records


def organisation_record(row: Organisation) -> OrganisationRecord:
    return OrganisationRecord(
        id=row.id,
        kind=OrganisationKind(row.kind),
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        state=OrganisationState(row.state),
        uscc=row.uscc,
        uscc_override_reason=row.uscc_override_reason,
        zone=row.zone,
        jurisdiction=row.jurisdiction,
        region_zh=row.region_zh,
        region_en=row.region_en,
        address=row.address,
        latitude=row.latitude,
        longitude=row.longitude,
        website=row.website,
        about_zh=row.about_zh,
        about_en=row.about_en,
        settings=dict(row.settings or {}),
        source_key=row.source_key,
        version=row.version,
    )


def department_record(row: Department) -> DepartmentRecord:
    return DepartmentRecord(
        row.institution_id,
        row.id,
        row.code,
        row.name_zh,
        row.name_en,
        row.parent_id,
        DepartmentKind(row.kind),
    )


def customer_record(row: Customer) -> CustomerRecord:
    return CustomerRecord(
        id=row.id,
        kind=CustomerKind(row.kind),
        organisation_id=row.organisation_id,
        name_zh=row.name_zh,
        name_en=row.name_en,
        code=row.code,
        department_id=row.department_id,
        leader_id=row.leader_id,
        active=row.state == "active",
    )


def person_record(row: Person) -> PersonRecord:
    return PersonRecord(
        id=row.id,
        name=row.name,
        email=row.email or "",
        phone=row.phone,
        language=row.locale,
        state=PersonState(row.state),
        session_epoch=row.session_epoch,
        demo=row.demo,
        version=row.version,
    )


def _limit(minor: int | None, currency: str = "CNY") -> Money | None:
    return None if minor is None else Money(minor, currency)


def role_record(row: Membership) -> RoleRecord:
    return RoleRecord(
        id=row.id,
        person_id=row.person_id,
        organisation_id=row.organisation_id,
        role=Role(row.role),
        state=MembershipState(row.state),
        department_id=row.department_id,
        customer_id=row.customer_id,
        limit=_limit(row.limit_minor, row.currency),
        since=row.since,
        version=row.version,
    )


def invitation_record(row: Invitation) -> InvitationRecord:
    return InvitationRecord(
        id=row.id,
        organisation_id=row.organisation_id,
        email=row.email,
        role=Role(row.role),
        expires_at=row.expires_at,
        created_at=row.created_at,
        department_id=row.department_id,
        customer_id=row.customer_id,
        limit=_limit(row.limit_minor),
        used_at=row.used_at,
    )


def api_token_record(row: ApiToken) -> ApiTokenRecord:
    return ApiTokenRecord(
        row.id, row.person_id, row.organisation_id, row.name, row.prefix, row.created_at,
        row.expires_at, row.last_used_at, row.revoked_at,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FactsRow:
    """What was entered about a firm for a day."""

    id: UUID
    organisation_id: UUID
    as_of: date
    facts: FirmFactsValue
    tech_sme_number: str | None
    entered_at: datetime


def facts_value(row: FirmFacts) -> FirmFactsValue:
    return FirmFactsValue(
        row.sector, row.staff, _limit(row.income_minor, row.currency), _limit(row.assets_minor, row.currency)
    )


# ---- organisations and departments


def organisation_row(which: UUID | str, lock: bool = False) -> Organisation | None:
    column = Organisation.id if isinstance(which, UUID) else Organisation.code
    statement = select(Organisation).where(column == which)
    return reading().scalar(statement.with_for_update() if lock else statement)


def organisation_by_uscc(code: str) -> Organisation | None:
    return reading().scalar(select(Organisation).where(Organisation.uscc == code))


def organisation_by_source(source_key: str) -> Organisation | None:
    return reading().scalar(select(Organisation).where(Organisation.source_key == source_key))


def hosts_of_other_zones(zone: str) -> dict[UUID, str]:
    rows = reading().execute(
        select(Organisation.id, Organisation.zone).where(
            Organisation.kind == OrganisationKind.INSTITUTION, Organisation.zone != zone
        )
    )
    return {row.id: row.zone for row in rows}


def organisations(
    ids: Iterable[UUID] | None = None,
    kind: OrganisationKind | None = None,
    states: Sequence[OrganisationState] | None = None,
    text: str = "",
    limit: int | None = None,
    after: UUID | None = None,
) -> list[OrganisationRecord]:
    statement = select(Organisation)
    if ids is not None:
        ids = list(ids)
        if not ids:
            return []
        statement = statement.where(Organisation.id.in_(list(ids)))
    if kind is not None:
        statement = statement.where(Organisation.kind == kind.value)
    if states is not None:
        statement = statement.where(Organisation.state.in_([s.value for s in states]))
    if text:
        pattern = f"%{_escaped(text.casefold())}%"
        statement = statement.where(
            or_(
                func.lower(Organisation.name_zh).like(pattern, escape="\\"),
                func.lower(Organisation.name_en).like(pattern, escape="\\"),
                Organisation.uscc == text.strip().upper(),
                Organisation.code == text.strip().lower(),
            )
        )
    if after is not None:
        statement = statement.where(Organisation.id > after)
    statement = statement.order_by(Organisation.id)
    if limit is not None:
        statement = statement.limit(limit)
    return [organisation_record(row) for row in reading().scalars(statement)]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def code_taken(code: str) -> bool:
    return reading().scalar(select(Organisation.id).where(Organisation.code == code)) is not None


def customer_code_taken(code: str) -> bool:
    return reading().scalar(select(Customer.id).where(Customer.code == code)) is not None


def departments(institution_id: UUID) -> list[DepartmentRecord]:
    statement = select(Department).where(Department.institution_id == institution_id)
    return [department_record(row) for row in reading().scalars(statement.order_by(Department.code))]


def department_row(institution_id: UUID, department_id: UUID) -> Department | None:
    return reading().get(Department, (institution_id, department_id))


def department_path(institution_id: UUID, department_id: UUID | None) -> tuple[UUID, ...]:
    """A laboratory and the departments above it, nearest first; stops at a loop."""
    path: list[UUID] = []
    while department_id is not None and department_id not in path:
        path.append(department_id)
        department_id = reading().scalar(
            select(Department.parent_id).where(
                Department.institution_id == institution_id, Department.id == department_id
            )
        )
    return tuple(path)


def department_tree(institution_id: UUID, roots: Iterable[UUID]) -> frozenset[UUID]:
    """The departments and every laboratory below them."""
    found = set(roots)
    if not found:
        return frozenset()
    pairs = reading().execute(
        select(Department.id, Department.parent_id).where(Department.institution_id == institution_id)
    )
    parents = {row.id: row.parent_id for row in pairs}
    grew = True
    while grew:
        below = {child for child, parent in parents.items() if parent in found} - found
        grew = bool(below)
        found |= below
    return frozenset(found)


# ---- people


def person_row(person_id: UUID, lock: bool = False) -> Person | None:
    statement = select(Person).where(Person.id == person_id)
    return reading().scalar(statement.with_for_update() if lock else statement)


def person_by_email(folded: str) -> Person | None:
    return reading().scalar(select(Person).where(Person.email == folded))


def people(ids: Iterable[UUID]) -> dict[UUID, PersonRecord]:
    wanted = list(dict.fromkeys(ids))
    found: dict[UUID, PersonRecord] = {}
    for start in range(0, len(wanted), 500):
        rows = reading().scalars(select(Person).where(Person.id.in_(wanted[start : start + 500])))
        found |= {row.id: person_record(row) for row in rows}
    return found


def demonstration_people(limit: int = 40) -> list[PersonRecord]:
    statement = select(Person).where(Person.demo.is_(True), Person.state == PersonState.ACTIVE.value)
    return [person_record(row) for row in reading().scalars(statement.order_by(Person.id).limit(limit))]


# ---- memberships


def membership_row(membership_id: UUID, organisation_id: UUID, lock: bool = False) -> Membership | None:
    statement = select(Membership).where(
        Membership.id == membership_id, Membership.organisation_id == organisation_id
    )
    return reading().scalar(statement.with_for_update() if lock else statement)


def memberships(
    organisation_id: UUID | None = None,
    person_id: UUID | None = None,
    states: Sequence[MembershipState] = (MembershipState.ACTIVE,),
    roles: Sequence[Role] | None = None,
    customer_id: UUID | None = None,
    people: Sequence[UUID] | None = None,
) -> list[Membership]:
    statement = select(Membership).where(Membership.state.in_([s.value for s in states]))
    if people is not None:
        statement = statement.where(Membership.person_id.in_(people))
    if organisation_id is not None:
        statement = statement.where(Membership.organisation_id == organisation_id)
    if person_id is not None:
        statement = statement.where(Membership.person_id == person_id)
    if roles is not None:
        statement = statement.where(Membership.role.in_([r.value for r in roles]))
    if customer_id is not None:
        statement = statement.where(Membership.customer_id == customer_id)
    return list(reading().scalars(statement.order_by(Membership.since, Membership.id)))


def members_page(organisation_id: UUID, limit: int, after: tuple[str, UUID] | None) -> list[PersonRecord]:
    """People with a role in an organisation, by name as the database orders it, from the place after one on."""
    p, m = Person, Membership
    within = select(m.person_id).where(m.organisation_id == organisation_id, m.state == ACTIVE)
    statement = select(p).where(p.id.in_(within)).order_by(p.name, p.id).limit(limit)
    if after is not None:
        statement = statement.where(
            tuple_(p.name, p.id) > tuple_(literal(after[0], p.name.type), literal(after[1], p.id.type))
        )
    return [person_record(row) for row in reading().scalars(statement)]


def administrators(organisation_id: UUID, role: Role) -> list[UUID]:
    statement = (
        select(Membership.person_id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.role == role.value,
            Membership.state == ACTIVE,
            Person.state == PersonState.ACTIVE.value,
        )
        .distinct()
    )
    return list(reading().scalars(statement))


def holders(organisation_id: UUID, roles: Sequence[Role], path: tuple[UUID, ...] | None = None) -> list[UUID]:
    """People with one of the roles; with a department's path only those whose role reaches it."""
    statement = (
        select(Membership.person_id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.role.in_([r.value for r in roles]),
            Membership.state == ACTIVE,
            Person.state == PersonState.ACTIVE.value,
        )
    )
    if path is not None:
        statement = statement.where(
            or_(Membership.department_id.is_(None), Membership.department_id.in_(list(path)))
        )
    return list(dict.fromkeys(reading().scalars(statement.order_by(Membership.since, Membership.id))))


# ---- customers


def customer_row(customer_id: UUID) -> Customer | None:
    return reading().get(Customer, customer_id)


def own_customer(organisation_id: UUID) -> Customer | None:
    """The customer that *is* the firm or institution."""
    return next(iter(own_customers(organisation_id)), None)


def own_customers(organisation_id: UUID) -> list[Customer]:
    """The customer that *is* the firm or institution, then the walk-ins that were joined to it."""
    statement = select(Customer).where(Customer.organisation_id == organisation_id, Customer.kind != "group")
    # Joining closes a walk-in: "active" comes first.
    return list(reading().scalars(statement.order_by(Customer.state, Customer.created_at, Customer.id)))


def customers(
    ids: Iterable[UUID] | None = None, where: ColumnElement[bool] | None = None
) -> list[CustomerRecord]:
    statement = select(Customer)
    if ids is not None:
        statement = statement.where(Customer.id.in_(list(ids)))
    if where is not None:
        statement = statement.where(where)
    return [customer_record(row) for row in reading().scalars(statement.order_by(Customer.code))]


def belongs_to(organisation_id: UUID) -> ColumnElement[bool]:
    return Customer.organisation_id == organisation_id


def groups(institution_id: UUID) -> list[CustomerRecord]:
    return customers(where=and_(Customer.organisation_id == institution_id, Customer.kind == "group"))


def led_groups(person_id: UUID, institution_id: UUID) -> list[UUID]:
    return list(
        reading().scalars(
            select(Customer.id).where(
                Customer.leader_id == person_id,
                Customer.organisation_id == institution_id,
                Customer.kind == "group",
                Customer.state == "active",
            )
        )
    )


def classes_decided(institution_id: UUID, customer_id: UUID) -> list[tuple[date, str]]:
    """What a host decided about a customer's class and since when, the latest first."""
    rows = reading().execute(
        select(CustomerClassOverride.since, CustomerClassOverride.customer_class)
        .where(
            CustomerClassOverride.institution_id == institution_id,
            CustomerClassOverride.customer_id == customer_id,
        )
        .order_by(CustomerClassOverride.since.desc())
    )
    return [(since, word) for since, word in rows]


def class_overrides(customer_id: UUID, on: date) -> dict[UUID, CustomerClass]:
    """Host → class, where the host has decided and not ended it."""
    rows = reading().execute(
        select(CustomerClassOverride.institution_id, CustomerClassOverride.customer_class)
        .where(CustomerClassOverride.customer_id == customer_id, CustomerClassOverride.since <= on)
        .order_by(CustomerClassOverride.since)
    )
    latest = {row.institution_id: row.customer_class for row in rows}
    return {host: CustomerClass(word) for host, word in latest.items() if word}


# ---- facts and standings


def all_facts(organisation_id: UUID) -> list[FactsRow]:
    """What was ever entered about a firm, the latest day first."""
    rows = reading().scalars(
        select(FirmFacts).where(FirmFacts.organisation_id == organisation_id).order_by(FirmFacts.as_of.desc())
    )
    return [
        FactsRow(r.id, r.organisation_id, r.as_of, facts_value(r), r.tech_sme_number, r.entered_at)
        for r in rows
    ]


def standings(organisation_id: UUID) -> list[StandingRecord]:
    """All that was ever said of an organisation, the latest first."""
    rows = reading().scalars(
        select(Standing)
        .where(Standing.organisation_id == organisation_id)
        .order_by(Standing.since.desc(), Standing.entered_at.desc())
    )
    return [StandingRecord(r.organisation_id, r.kind, r.value, r.since, r.until, r.source) for r in rows]


def standings_on(kind: str, on: date) -> dict[UUID, StandingRecord]:
    """By organisation, what holds on a day; of several the latest."""
    rows = reading().scalars(
        select(Standing)
        .where(
            Standing.kind == kind, Standing.since <= on, or_(Standing.until.is_(None), Standing.until > on)
        )
        .order_by(Standing.since, Standing.entered_at)
    )
    return {
        r.organisation_id: StandingRecord(r.organisation_id, r.kind, r.value, r.since, r.until, r.source)
        for r in rows
    }


# ---- tokens, invitations, proposals


def person_token(digest: bytes, purpose: TokenPurpose, lock: bool = False) -> PersonToken | None:
    statement = select(PersonToken).where(
        PersonToken.token_hash == digest, PersonToken.purpose == purpose.value
    )
    return reading().scalar(statement.with_for_update() if lock else statement)


def invitation_by_token(digest: bytes, lock: bool = False) -> Invitation | None:
    statement = select(Invitation).where(Invitation.token_hash == digest)
    return reading().scalar(statement.with_for_update() if lock else statement)


def open_invitations(organisation_id: UUID) -> list[InvitationRecord]:
    rows = reading().scalars(
        select(Invitation)
        .where(Invitation.organisation_id == organisation_id, Invitation.used_at.is_(None))
        .order_by(Invitation.created_at.desc())
    )
    return [invitation_record(row) for row in rows]


class TokenInUse(NamedTuple):
    """For whom a token is, until when, and the state of that person."""

    person_id: UUID
    organisation_id: UUID
    expires_at: datetime | None
    revoked_at: datetime | None
    state: str


def token_in_use(digest: bytes) -> TokenInUse | None:
    row = reading().execute(_TOKEN, {"digest": digest}).one_or_none()
    return TokenInUse(*row) if row is not None else None


_TOKEN = (
    select(
        ApiToken.person_id, ApiToken.organisation_id, ApiToken.expires_at, ApiToken.revoked_at, Person.state
    )
    .join(Person, Person.id == ApiToken.person_id)
    .where(ApiToken.token_hash == bindparam("digest"))
)


def api_tokens(person_id: UUID, organisation_id: UUID | None = None) -> list[ApiToken]:
    statement = select(ApiToken).where(ApiToken.person_id == person_id)
    if organisation_id is not None:
        statement = statement.where(ApiToken.organisation_id == organisation_id)
    return list(reading().scalars(statement.order_by(ApiToken.created_at.desc())))


def merge_proposals(state: str = "open") -> list[MergeProposal]:
    return list(
        reading().scalars(
            select(MergeProposal).where(MergeProposal.state == state).order_by(MergeProposal.folded_name)
        )
    )


def count(table: Any, *where: ColumnElement[bool]) -> int:
    return reading().scalar(select(func.count()).select_from(table).where(*where)) or 0
