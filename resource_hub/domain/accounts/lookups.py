"""Questions to accounts: who is this, what may they do, what is a customer for a host on a day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from uuid import UUID

from resource_hub.domain.accounts import parameters, store
from resource_hub.domain.accounts.errors import UnknownCustomer, UnknownOrganisation, UnknownPerson
from resource_hub.domain.accounts.rules.customer_class import CustomerFacts
from resource_hub.domain.accounts.rules.customer_class import customer_class as classify
from resource_hub.domain.accounts.rules.roles import DEPARTMENT_ROLES, books_for
from resource_hub.domain.accounts.rules.size import size_class
from resource_hub.domain.accounts.terms import (
    Actor,
    CustomerClass,
    CustomerKind,
    CustomerRecord,
    DepartmentRecord,
    FirmFactsRecord,
    MembershipState,
    OrganisationKind,
    OrganisationRecord,
    OrganisationState,
    PersonRecord,
    Role,
    Seat,
    SizeClass,
    StandingRecord,
)
from resource_hub.infra.keeping import kept, remembered
from resource_hub.kernel.by_host import ByHost
from resource_hub.kernel.dated import NothingInForce
from resource_hub.kernel.decision import Citation
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money

# An organisation that waits for a check can be entered, but books nothing; others cannot be entered at all.
_ENTERED = (OrganisationState.ACTIVE, OrganisationState.PENDING)
_NOBODY = UUID(int=0)
_ADMINS = frozenset({Role.FIRM_ADMIN, Role.INSTITUTION_ADMIN, Role.FUNDER_ADMIN})


def organisation(which: UUID | str) -> OrganisationRecord:
    """An organisation by id or code, whatever its state.

    Raises:
        UnknownOrganisation: there is none.
    """
    if isinstance(which, UUID):
        return _by_id(which)
    # Codes may change, so an id known from before is only where to look first.
    known = _ids.get(which)
    if known is not None:
        with suppress(UnknownOrganisation):
            found = _by_id(known)
            if found.code == which:
                return found
    found = _by_code(which)
    _ids[which] = found.id
    return found


# Where organisations were found by code.
_ids: dict[str, UUID] = {}


@kept(about=lambda organisation_id: (organisation_id,))
def _by_id(organisation_id: UUID) -> OrganisationRecord:
    return _found(organisation_id)


@kept
def _by_code(code: str) -> OrganisationRecord:
    return _found(code)


def _found(which: UUID | str) -> OrganisationRecord:
    row = store.organisation_row(which)
    if row is None:
        raise UnknownOrganisation()
    return store.organisation_record(row)


def organisations(
    ids: Iterable[UUID] | None = None,
    *,
    kind: OrganisationKind | None = None,
    states: Sequence[OrganisationState] | None = (OrganisationState.ACTIVE,),
    text: str = "",
    limit: int | None = None,
    after: UUID | None = None,
) -> list[OrganisationRecord]:
    """Organisations in order of their ids; by default only active ones."""
    return store.organisations(ids, kind, states, text, limit, after)


@kept
def hosts_of_other_zones(zone: str) -> dict[UUID, str]:
    """Zones of the institutions where the wall clock shows another time than in this zone's."""
    return store.hosts_of_other_zones(zone)


# In one order: a set gives the same ids in this or that, and the same stamps would be another answer's.
@kept(about=sorted)
def organisation_names(ids: Iterable[UUID]) -> dict[UUID, OrganisationRecord]:
    """Records by id, whatever their state: for lists that show who was meant."""
    return {record.id: record for record in store.organisations(set(ids), states=None)}


def departments(institution_id: UUID) -> list[DepartmentRecord]:
    return store.departments(institution_id)


def department(institution_id: UUID, department_id: UUID) -> DepartmentRecord:
    """One department of this institution; another institution's is unknown here.

    Raises:
        UnknownOrganisation
    """
    row = store.department_row(institution_id, department_id)
    if row is None:
        raise UnknownOrganisation()
    return store.department_record(row)


def person(person_id: UUID) -> PersonRecord:
    """A person, erased ones included (with a placeholder for the name).

    Raises:
        UnknownPerson: there is none.
    """
    row = store.person_row(person_id)
    if row is None:
        raise UnknownPerson()
    return store.person_record(row)


@kept
def people(ids: Iterable[UUID]) -> dict[UUID, PersonRecord]:
    """Records by id, in one or a few queries."""
    return store.people(ids)


def seats(person_id: UUID) -> list[Seat]:
    """The organisations that a person may switch to, with their roles, by code."""
    roles: dict[UUID, set[Role]] = {}
    for row in store.memberships(person_id=person_id):
        roles.setdefault(row.organisation_id, set()).add(Role(row.role))
    found = [o for o in organisation_names(list(roles)).values() if o.state in _ENTERED]
    return sorted((Seat(o, frozenset(roles[o.id])) for o in found), key=lambda s: s.organisation.code)


def actor(person_id: UUID, which: UUID | str) -> Actor:
    """The person acting for an organisation given by code or id.

    Raises:
        UnknownOrganisation: no such organisation, or no role there; the two are not told apart.
    """
    return _actor(person_id, which if isinstance(which, UUID) else organisation(which).id)


@kept(about=lambda _person_id, organisation_id: (organisation_id,))
def _actor(person_id: UUID, organisation_id: UUID) -> Actor:
    row = store.organisation_row(organisation_id)
    if row is None or OrganisationState(row.state) not in _ENTERED:
        raise UnknownOrganisation()
    held = store.memberships(row.id, person_id)
    if not held:
        raise UnknownOrganisation()
    kind = OrganisationKind(row.kind)
    roles = frozenset(Role(m.role) for m in held)
    led = (
        frozenset(store.led_groups(person_id, row.id))
        if kind is OrganisationKind.INSTITUTION
        else frozenset()
    )
    customers: set[UUID] = set()
    if row.state == OrganisationState.ACTIVE.value and kind in (
        OrganisationKind.FIRM,
        OrganisationKind.INSTITUTION,
    ):
        customers = {m.customer_id for m in held if m.customer_id is not None} | led
        if any(m.customer_id is None and books_for(Role(m.role)) for m in held):
            own = store.own_customers(row.id)
            customers |= {one.id for one in own[:1] if one.state == "active"}
            led |= {one.id for one in own[1:]}
    return Actor(
        person_id=person_id,
        organisation_id=row.id,
        organisation_kind=kind,
        organisation_code=row.code,
        roles=roles,
        customer_ids=frozenset(customers),
        approve_limit=_approve_limit(roles, held),
        department_ids=_reach(row.id, roles, held),
        led_customer_ids=led,
    )


def _approve_limit(roles: frozenset[Role], held: Sequence[store.Membership]) -> Money | None:
    if roles & _ADMINS:
        return None
    limits = [m for m in held if m.role == Role.APPROVER.value]
    if not limits or any(m.limit_minor is None for m in limits):
        return None
    best = max(limits, key=lambda m: m.limit_minor or 0)
    return Money(best.limit_minor or 0, best.currency)


def _reach(
    institution_id: UUID, roles: frozenset[Role], held: Sequence[store.Membership]
) -> frozenset[UUID] | None:
    if roles & {Role.INSTITUTION_ADMIN, Role.OFFICE}:
        return None
    bound = [m for m in held if Role(m.role) in DEPARTMENT_ROLES]
    if not bound or any(m.department_id is None for m in bound):
        return None
    return store.department_tree(institution_id, (m.department_id for m in bound if m.department_id))


@kept
def people_with_role(organisation_id: UUID, *roles: Role, department_id: UUID | None = None) -> list[UUID]:
    """Active people with one of the roles, oldest first; with a department only those whose role reaches it."""
    path = store.department_path(organisation_id, department_id) if department_id is not None else None
    return store.holders(organisation_id, roles, path)


@kept
def people_of_customer(customer_id: UUID, *roles: Role) -> list[UUID]:
    """Who acts for a customer: members and leader of a group, or the holders of booking roles of a firm or institution.

    With roles only people who hold one of them (a group's leader always counts).
    """
    record = customer(customer_id)
    wanted = roles or tuple(role for role in Role if books_for(role))
    found = []
    if record.kind is CustomerKind.GROUP:
        if record.leader_id is not None:
            found.append(record.leader_id)
        found += [
            m.person_id
            for m in store.memberships(record.organisation_id, customer_id=customer_id)
            if Role(m.role) in wanted
        ]
    else:
        found = [
            m.person_id
            for m in store.memberships(record.organisation_id, roles=wanted)
            if m.customer_id is None
        ]
    active = store.people(found)
    return [p for p in dict.fromkeys(found) if p in active and active[p].active]


@kept(about=lambda customer_id: (customer_id,))
def customer(customer_id: UUID) -> CustomerRecord:
    """A customer by id.

    Raises:
        UnknownCustomer: there is none.
    """
    row = store.customer_row(customer_id)
    if row is None:
        raise UnknownCustomer()
    return store.customer_record(row)


def customers(ids: Iterable[UUID]) -> dict[UUID, CustomerRecord]:
    """Records by id."""
    return {record.id: record for record in store.customers(set(ids))}


@kept(about=lambda organisation_id: (organisation_id,))
def customer_of(organisation_id: UUID) -> CustomerRecord:
    """The customer that is the firm or institution itself.

    Raises:
        UnknownCustomer: funders and the platform are no customers.
    """
    row = store.own_customer(organisation_id)
    if row is None:
        raise UnknownCustomer()
    return store.customer_record(row)


def customers_of_organisation(organisation_id: UUID) -> list[CustomerRecord]:
    """The firm or institution as a customer, and all its groups."""
    return store.customers(where=store.belongs_to(organisation_id))


def customers_of(person_id: UUID) -> list[CustomerRecord]:
    """All customers for which a person may act, in all their organisations."""
    ids: set[UUID] = set()
    for seat in seats(person_id):
        ids |= actor(person_id, seat.organisation.id).customer_ids
    return store.customers(ids)


def groups(institution_id: UUID) -> list[CustomerRecord]:
    return store.groups(institution_id)


def _class_is_about(
    institution_id: UUID, _department_id: UUID | None, customer_id: UUID, _on: date
) -> tuple[UUID, ...]:
    return institution_id, customer_id, customer(customer_id).organisation_id


@kept(about=_class_is_about)
def customer_class(
    institution_id: UUID, department_id: UUID | None, customer_id: UUID, on: date
) -> CustomerClass:
    """What a customer is for a host on a day; the host's own dated decision wins over what is derived.

    ``department_id`` is the one that keeps the resource; without it a group of the host is in-house.
    """
    decided = next((word for since, word in _class_overrides(institution_id, customer_id) if since <= on), "")
    # An empty word ends an earlier decision: from that day on the class is derived again.
    if decided:
        return CustomerClass(decided)
    record = customer(customer_id)
    facts = CustomerFacts(
        record.kind,
        record.organisation_id,
        _path(record.organisation_id, record.department_id),
        firm_size(customer_id, on) if record.kind is CustomerKind.FIRM else None,
    )
    return classify(facts, institution_id, _path(institution_id, department_id))


@remembered(about=lambda _institution_id, customer_id: (customer_id,))
def _class_overrides(institution_id: UUID, customer_id: UUID) -> list[tuple[date, str]]:
    return store.classes_decided(institution_id, customer_id)


@remembered(about=lambda institution_id, _department_id: (institution_id,))
def _path(institution_id: UUID, department_id: UUID | None) -> tuple[UUID, ...]:
    return store.department_path(institution_id, department_id)


@kept
def customer_classes(customer_id: UUID, on: date) -> ByHost[CustomerClass]:
    """What a customer is for every host on a day, whatever the department that keeps the resource."""
    record = customer(customer_id)
    size = firm_size(customer_id, on) if record.kind is CustomerKind.FIRM else None
    facts = CustomerFacts(record.kind, record.organisation_id, (), size)
    # No host has the id of nobody, so this is what the customer is where it is not at home.
    elsewhere = classify(facts, _NOBODY)
    home = (
        {}
        if record.kind is CustomerKind.FIRM
        else {record.organisation_id: classify(facts, record.organisation_id)}
    )
    return ByHost(elsewhere, home | store.class_overrides(customer_id, on))


@kept(about=lambda organisation_id, _on: (organisation_id,))
def firm_facts(organisation_id: UUID, on: date) -> FirmFactsRecord | None:
    """The facts that hold on a day, with the size class made of them by the table in force on that day."""
    row = next((row for row in _facts(organisation_id) if row.as_of <= on), None)
    return None if row is None else _sized(row, on)


@remembered(about=lambda organisation_id: (organisation_id,))
def _facts(organisation_id: UUID) -> list[store.FactsRow]:
    return store.all_facts(organisation_id)


def firm_facts_history(organisation_id: UUID) -> list[FirmFactsRecord]:
    """All facts of a firm, newest first, each sized by the table of its own day."""
    return [_sized(row, row.as_of) for row in _facts(organisation_id)]


def _sized(row: store.FactsRow, on: date) -> FirmFactsRecord:
    facts = row.facts
    size: SizeClass | None = None
    reasons: tuple[Reason, ...] = ()
    citations: tuple[Citation, ...] = ()
    try:
        decision = size_class(facts, parameters.size_table(on))
        size, reasons, citations = decision.value, decision.reasons or decision.steps, decision.citations
    except NothingInForce:
        reasons = (Reason("accounts.size.no_table", {"day": on.isoformat()}),)
    return FirmFactsRecord(
        row.id,
        row.organisation_id,
        row.as_of,
        facts,
        size,
        reasons,
        citations,
        row.tech_sme_number,
        row.entered_at,
    )


def firm_size(customer_id: UUID, on: date) -> SizeClass | None:
    """Size class of a firm on a day, or None: not a firm, no facts by then, or facts that do not decide it."""
    record = customer(customer_id)
    if record.kind is not CustomerKind.FIRM:
        return None
    found = firm_facts(record.organisation_id, on)
    return found.size if found is not None else None


@kept
def standings_on(kind: str, on: date) -> dict[UUID, StandingRecord]:
    """What is said in this respect of every organisation of which something is said on a day; the latest entry wins."""
    return store.standings_on(kind, on)


def standing(organisation_id: UUID, kind: str, on: date) -> StandingRecord | None:
    """What is said of an organisation on a day (kind ``grade``, ``bar``, …); the latest entry wins."""
    for found in standings(organisation_id, kind):
        if found.since <= on and (found.until is None or on < found.until):
            return found
    return None


def standings(organisation_id: UUID, kind: str) -> list[StandingRecord]:
    """All that was ever said of an organisation in this respect, the latest first."""
    return [found for found in _standings(organisation_id) if found.kind == kind]


@kept(about=lambda organisation_id: (organisation_id,))
def _standings(organisation_id: UUID) -> list[StandingRecord]:
    return store.standings(organisation_id)


def waiting_requests(organisation_id: UUID) -> int:
    """How many people wait for an answer to their request to join."""
    return len(store.memberships(organisation_id, states=(MembershipState.PENDING,)))


def demonstration_people() -> list[tuple[PersonRecord, list[Seat]]]:
    """People of a demonstration with what they are, for its sign-in page; a real database has none."""
    return [(record, seats(record.id)) for record in store.demonstration_people()]
