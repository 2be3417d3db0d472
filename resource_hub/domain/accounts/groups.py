"""Groups (课题组) of an institution: customers of their own, with a leader and members."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from resource_hub.domain.accounts import store
from resource_hub.domain.accounts.errors import BadInput, NameTaken, NotYours, UnknownCustomer, UnknownPerson
from resource_hub.domain.accounts.held import event_facts, holds, note_change
from resource_hub.domain.accounts.registration import grant_row, slug
from resource_hub.domain.accounts.tables import Customer
from resource_hub.domain.accounts.terms import (
    Actor,
    CustomerKind,
    CustomerRecord,
    MemberRecord,
    OrganisationKind,
    Role,
    RoleRecord,
)
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import Reason


def add_group(
    *,
    name_zh: str,
    name_en: str = "",
    department_id: UUID | None = None,
    leader_id: UUID | None = None,
    by: Actor,
) -> CustomerRecord:
    """Add a group (课题组) of an institution; it books and pays as a customer of its own.

    Raises:
        NotYours, BadInput, UnknownPerson: the leader is no member of the institution.
    """
    if by.organisation_kind is not OrganisationKind.INSTITUTION or not by.has(
        Role.INSTITUTION_ADMIN, Role.OFFICE
    ):
        raise NotYours()
    reasons = []
    if not (name_zh.strip() or name_en.strip()) or max(len(name_zh), len(name_en)) > 200:
        reasons.append(Reason("accounts.name_missing", {}, "name_zh"))
    if department_id is not None and store.department_row(by.organisation_id, department_id) is None:
        reasons.append(Reason("accounts.unknown_department", {}, "department_id"))
    if reasons:
        raise BadInput(*reasons)
    with unit_of_work() as unit:
        if leader_id is not None and not store.memberships(by.organisation_id, leader_id):
            raise UnknownPerson()
        if any(g.name_zh == name_zh.strip() and name_zh.strip() for g in store.groups(by.organisation_id)):
            raise NameTaken(Reason("accounts.group_exists", {"name": name_zh.strip()}, "name_zh"))
        row = insert_group(
            unit, by.organisation_id, by.organisation_code, name_zh, name_en, department_id, leader_id
        )
        unit.audit(
            "group.added",
            by.organisation_id,
            f"customer:{row.id}",
            {"code": row.code},
            person_id=by.person_id,
        )
        return store.customer_record(row)


def insert_group(
    unit: Unit,
    institution_id: UUID,
    institution_code: str,
    name_zh: str,
    name_en: str = "",
    department_id: UUID | None = None,
    leader_id: UUID | None = None,
) -> Customer:
    base = f"{institution_code or 'group'}-{slug(name_en) or 'g'}"[:54]
    code, number = base, 1
    while store.customer_code_taken(code) or code.endswith("-g"):
        number += 1
        code = f"{base}{number}"
    row = Customer(
        id=new_id(),
        kind=CustomerKind.GROUP.value,
        organisation_id=institution_id,
        department_id=department_id,
        code=code,
        name_zh=name_zh.strip() or name_en.strip(),
        name_en=name_en.strip(),
        leader_id=leader_id,
        created_at=unit.now,
    )
    unit.session.add(row)
    unit.session.flush()
    return row


def _group(institution_id: UUID, customer_id: UUID) -> Customer:
    row = store.customer_row(customer_id)
    if row is None or row.kind != CustomerKind.GROUP.value or row.organisation_id != institution_id:
        raise UnknownCustomer()
    return row


def group_members(customer_id: UUID, *, by: Actor) -> list[MemberRecord]:
    """Members of a group, its leader first.

    Raises:
        UnknownCustomer: not a group of this institution.
    """
    group = _group(by.organisation_id, customer_id)
    rows = store.memberships(by.organisation_id, customer_id=customer_id)
    people = store.people([*(r.person_id for r in rows), *([group.leader_id] if group.leader_id else [])])
    held: dict[UUID, list[RoleRecord]] = {group.leader_id: []} if group.leader_id else {}
    for row in rows:
        held.setdefault(row.person_id, []).append(store.role_record(row))
    return [MemberRecord(people[p], tuple(roles)) for p, roles in held.items()]


def add_group_member(customer_id: UUID, person_id: UUID, *, by: Actor) -> RoleRecord:
    """Put a colleague into a group, so that they may book for it; by the office or by the group's leader.

    Raises:
        UnknownCustomer, UnknownPerson, NotYours
    """
    with unit_of_work() as unit:
        _group(by.organisation_id, customer_id)
        if customer_id not in by.led_customer_ids and not by.has(Role.INSTITUTION_ADMIN, Role.OFFICE):
            raise NotYours()
        if not store.memberships(by.organisation_id, person_id):
            raise UnknownPerson()
        held = holds(by.organisation_id, person_id, Role.BOOKER, None, customer_id)
        if held is not None:
            return store.role_record(held)
        row = grant_row(
            unit, by.organisation_id, person_id, Role.BOOKER, granted_by=by.person_id, customer_id=customer_id
        )
        note_change(unit, "group.member_added", row, by.person_id, {"group": str(customer_id)})
        unit.publish("accounts.role_changed", f"membership:{row.id}", event_facts(row))
        return store.role_record(row)


def set_group_leader(customer_id: UUID, person_id: UUID, *, by: Actor) -> CustomerRecord:
    """Name the leader of a group.

    Raises:
        UnknownCustomer, UnknownPerson, NotYours
    """
    if not by.has(Role.INSTITUTION_ADMIN, Role.OFFICE):
        raise NotYours()
    with unit_of_work() as unit:
        row = _group(by.organisation_id, customer_id)
        if not store.memberships(by.organisation_id, person_id):
            raise UnknownPerson()
        before = row.leader_id
        lead(unit, customer_id, person_id)
        unit.audit(
            "group.leader",
            by.organisation_id,
            f"customer:{row.id}",
            {"before": str(before) if before else None, "after": str(person_id)},
            person_id=by.person_id,
        )
        return store.customer_record(row)


def lead(unit: Unit, customer_id: UUID, person_id: UUID) -> None:
    row = unit.session.scalar(select(Customer).where(Customer.id == customer_id).with_for_update())
    if row is not None:
        row.leader_id = person_id
        unit.session.flush()
