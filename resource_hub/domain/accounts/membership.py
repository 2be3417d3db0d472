"""Who belongs where: asking to join, roles, groups, and handing over when somebody leaves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import update

from resource_hub.domain.accounts import ports, store
from resource_hub.domain.accounts.errors import (
    AlreadyAnswered,
    AlreadyMember,
    Changed,
    HandOverNeeded,
    LastAdministrator,
    NotActive,
    NotYours,
    RoleRefused,
    UnknownOrganisation,
    UnknownPerson,
    UnknownRequest,
)
from resource_hub.domain.accounts.groups import lead
from resource_hub.domain.accounts.held import event_facts, holds, note_change
from resource_hub.domain.accounts.registration import grant_row
from resource_hub.domain.accounts.rules.roles import (
    ADMIN_OF_KIND,
    DEPARTMENT_ROLES,
    grantable,
    last_administrator,
    may_grant,
)
from resource_hub.domain.accounts.tables import ApiToken, Membership
from resource_hub.domain.accounts.terms import (
    Actor,
    MemberRecord,
    MembershipState,
    OrganisationKind,
    OrganisationRecord,
    OrganisationState,
    PersonRecord,
    Role,
    RoleRecord,
)
from resource_hub.domain.accounts.walk_ins import is_walk_in
from resource_hub.infra import clock
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money

# What a newcomer asks for; the administrator who answers may give something else.
_NEWCOMER = {OrganisationKind.FIRM: Role.BOOKER, OrganisationKind.INSTITUTION: Role.BOOKER}
# Who answers for the people of an organisation.
PEOPLE_PAGE = (Role.FIRM_ADMIN, Role.INSTITUTION_ADMIN, Role.OFFICE, Role.FUNDER_ADMIN, Role.PLATFORM_STAFF)


def joinable(text: str) -> list[OrganisationRecord]:
    """Active firms and institutions that match a name or a whole credit code; at most 20, for the page that joins.
    What somebody at a door was written down as is none of them."""
    if len(text.strip()) < 2:
        return []
    found = store.organisations(states=(OrganisationState.ACTIVE,), text=text.strip(), limit=60)
    return [o for o in found if o.kind in _NEWCOMER and not is_walk_in(o)][:20]


def ask_to_join(organisation_id: UUID, person_id: UUID) -> RoleRecord:
    """Ask to join a firm or institution; its administrators are told. Asking twice is one request.

    Raises:
        UnknownOrganisation, NotActive, AlreadyMember
    """
    with unit_of_work() as unit:
        organisation = store.organisation_row(organisation_id, lock=True)
        if organisation is None or OrganisationKind(organisation.kind) not in _NEWCOMER:
            raise UnknownOrganisation()
        if organisation.state != OrganisationState.ACTIVE.value:
            raise NotActive()
        held = store.memberships(
            organisation_id, person_id, (MembershipState.ACTIVE, MembershipState.PENDING)
        )
        if any(m.state == MembershipState.ACTIVE.value for m in held):
            raise AlreadyMember(organisation=_name(organisation))
        if held:
            return store.role_record(held[0])
        row = grant_row(
            unit,
            organisation_id,
            person_id,
            _NEWCOMER[OrganisationKind(organisation.kind)],
            state=MembershipState.PENDING,
        )
        note_change(unit, "membership.asked", row, person_id, {})
        unit.publish("accounts.join_asked", f"membership:{row.id}", event_facts(row))
        return store.role_record(row)


def _name(row: Any) -> dict[str, str]:
    return {"zh": row.name_zh, "en": row.name_en}


def join_requests(by: Actor) -> list[tuple[RoleRecord, PersonRecord]]:
    """Requests that wait for this administrator, oldest first.

    Raises:
        NotYours
    """
    if not by.has(*PEOPLE_PAGE):
        raise NotYours()
    rows = store.memberships(by.organisation_id, states=(MembershipState.PENDING,))
    people = store.people(row.person_id for row in rows)
    return [(store.role_record(row), people[row.person_id]) for row in rows]


def my_requests(person_id: UUID) -> list[tuple[RoleRecord, OrganisationRecord]]:
    """What a person asked for and has no answer to."""
    rows = store.memberships(person_id=person_id, states=(MembershipState.PENDING,))
    found = {o.id: o for o in store.organisations([r.organisation_id for r in rows], states=None)}
    return [(store.role_record(r), found[r.organisation_id]) for r in rows]


def answer_join(
    membership_id: UUID,
    *,
    accept: bool,
    by: Actor,
    role: Role | None = None,
    limit: Money | None = None,
    department_id: UUID | None = None,
    customer_id: UUID | None = None,
) -> RoleRecord:
    """Accept (with the role asked for, or another) or refuse a request to join.

    Raises:
        UnknownRequest: not of this organisation.
        AlreadyAnswered, RoleRefused, BadInput
    """
    with unit_of_work() as unit:
        row = store.membership_row(membership_id, by.organisation_id, lock=True)
        if row is None:
            raise UnknownRequest()
        if row.state != MembershipState.PENDING.value:
            raise AlreadyAnswered()
        if not by.has(*PEOPLE_PAGE):
            raise NotYours()
        if accept:
            wanted = role or Role(row.role)
            check_grant(by, wanted, limit, department_id, customer_id)
            row.role, row.state, row.since = wanted.value, MembershipState.ACTIVE.value, unit.now
            row.limit_minor = limit.minor if limit is not None else None
            row.department_id, row.customer_id = department_id, customer_id
        else:
            row.state, row.until = MembershipState.REFUSED.value, unit.now
        row.granted_by = by.person_id
        row.version += 1
        note_change(unit, "membership.accepted" if accept else "membership.refused", row, by.person_id, {})
        unit.publish(
            "accounts.join_answered", f"membership:{row.id}", {**event_facts(row), "accepted": accept}
        )
        return store.role_record(row)


def withdraw_request(membership_id: UUID, person_id: UUID) -> None:
    """Take back one's own request.

    Raises:
        UnknownRequest, AlreadyAnswered
    """
    with unit_of_work() as unit:
        row = unit.session.get(Membership, membership_id)
        if row is None or row.person_id != person_id:
            raise UnknownRequest()
        if row.state != MembershipState.PENDING.value:
            raise AlreadyAnswered()
        row.state, row.until = MembershipState.ENDED.value, unit.now
        row.version += 1
        note_change(unit, "membership.withdrawn", row, person_id, {})


def check_grant(
    by: Actor, role: Role, limit: Money | None, department_id: UUID | None, customer_id: UUID | None
) -> None:
    """Whether an actor may give a role with this limit and reach.

    Raises:
        RoleRefused
    """
    reasons = may_grant(by, role, by.organisation_kind)
    if limit is not None and role is not Role.APPROVER:
        reasons.append(Reason("accounts.limit_only_approver", {}, "limit"))
    if limit is not None and limit.is_negative:
        reasons.append(Reason("form.negative", {}, "limit"))
    if department_id is not None:
        if role not in DEPARTMENT_ROLES:
            reasons.append(Reason("accounts.department_not_for_role", {"role": role.value}, "department_id"))
        elif store.department_row(by.organisation_id, department_id) is None:
            reasons.append(Reason("accounts.unknown_department", {}, "department_id"))
    if role in DEPARTMENT_ROLES and by.department_ids is not None and department_id not in by.department_ids:
        reasons.append(Reason("accounts.department_not_yours", {}, "department_id"))
    if customer_id is not None:
        group = store.customer_row(customer_id)
        if group is None or group.organisation_id != by.organisation_id or group.kind != "group":
            reasons.append(Reason("accounts.unknown_group", {}, "customer_id"))
    if reasons:
        raise RoleRefused(*reasons)


# ---- roles


def members(by: Actor, limit: int | None = None, after: tuple[str, UUID] | None = None) -> list[MemberRecord]:
    """Everybody with a role in the actor's organisation, by name; so many, from the one after a name and id on."""
    if limit is None:
        rows = store.memberships(by.organisation_id)
        people = store.people(row.person_id for row in rows)
    else:
        people = {one.id: one for one in store.members_page(by.organisation_id, limit, after)}
        rows = store.memberships(by.organisation_id, people=list(people))
    held: dict[UUID, list[RoleRecord]] = {}
    for row in rows:
        held.setdefault(row.person_id, []).append(store.role_record(row))
    found = [MemberRecord(person, tuple(held[person.id])) for person in people.values()]
    return found if limit is not None else sorted(found, key=lambda m: (m.person.name, m.person.id))


def grant_role(
    person_id: UUID,
    role: Role,
    *,
    by: Actor,
    limit: Money | None = None,
    department_id: UUID | None = None,
    customer_id: UUID | None = None,
) -> RoleRecord:
    """Give a colleague another role (or the same one with another limit).

    Raises:
        UnknownPerson: not a member of this organisation; strangers are invited.
        RoleRefused: with every reason.
    """
    with unit_of_work() as unit:
        check_grant(by, role, limit, department_id, customer_id)
        if not store.memberships(by.organisation_id, person_id):
            raise UnknownPerson()
        held = holds(by.organisation_id, person_id, role, department_id, customer_id)
        minor = limit.minor if limit is not None else None
        if held is not None:
            if held.limit_minor != minor:
                before, held.limit_minor = held.limit_minor, minor
                held.version += 1
                note_change(unit, "membership.limit", held, by.person_id, {"before": before, "after": minor})
                unit.publish("accounts.role_changed", f"membership:{held.id}", event_facts(held))
            return store.role_record(held)
        row = grant_row(
            unit, by.organisation_id, person_id, role, granted_by=by.person_id,
            department_id=department_id, customer_id=customer_id, limit_minor=minor,
        )  # fmt: skip
        note_change(unit, "membership.granted", row, by.person_id, {"limit": minor})
        unit.publish("accounts.role_changed", f"membership:{row.id}", event_facts(row))
        return store.role_record(row)


def end_role(membership_id: UUID, *, version: int, by: Actor) -> None:
    """Take one role away. The last role of a person goes by `leave`, which hands over what they had.

    Raises:
        UnknownRequest, RoleRefused, LastAdministrator, Changed, HandOverNeeded
    """
    with unit_of_work() as unit:
        store.organisation_row(
            by.organisation_id, lock=True
        )  # two administrators must not remove each other at once
        row = store.membership_row(membership_id, by.organisation_id, lock=True)
        if row is None or row.state != MembershipState.ACTIVE.value:
            raise UnknownRequest()
        role = Role(row.role)
        if reasons := may_grant(by, role, by.organisation_kind):
            raise RoleRefused(*reasons)
        if row.version != version:
            raise Changed(yours=version, theirs=row.version, now={"role": row.role})
        _keep_an_administrator(by.organisation_kind, by.organisation_id, role)
        others = [m for m in store.memberships(by.organisation_id, row.person_id) if m.id != row.id]
        if not others and (work := ports.open_work(by.organisation_id, row.person_id)):
            raise HandOverNeeded(work=work)
        _end(unit, row, by.person_id)
        unit.publish("accounts.role_changed", f"membership:{row.id}", event_facts(row))


def _keep_an_administrator(kind: OrganisationKind, organisation_id: UUID, role: Role) -> None:
    if role is ADMIN_OF_KIND[kind]:
        if reasons := last_administrator(kind, len(store.administrators(organisation_id, role))):
            raise LastAdministrator(*reasons)


def _end(unit: Unit, row: Membership, by: UUID) -> None:
    row.state, row.until = MembershipState.ENDED.value, unit.now
    row.version += 1
    unit.session.flush()
    note_change(unit, "membership.ended", row, by, {})


def open_work(person_id: UUID, *, by: Actor) -> dict[str, int]:
    """What would be left behind by a person who leaves: numbers by kind, groups they lead included."""
    work = ports.open_work(by.organisation_id, person_id)
    if led := len(store.led_groups(person_id, by.organisation_id)):
        work["groups"] = led
    return work


def leave(person_id: UUID, *, by: Actor, successor_id: UUID | None = None) -> None:
    """Somebody leaves the organisation: roles end, tokens die, and open work goes to a colleague, in one unit.

    One may leave oneself; others are removed by whoever may take away each of their roles.

    Raises:
        UnknownPerson: no member, or the successor is none.
        NotYours, LastAdministrator
        HandOverNeeded: there is open work and nobody was named.
    """
    with unit_of_work() as unit:
        organisation = store.organisation_row(by.organisation_id, lock=True)
        held = store.memberships(by.organisation_id, person_id)
        if organisation is None or not held:
            raise UnknownPerson()
        roles = {Role(m.role) for m in held}
        if person_id != by.person_id and (roles - grantable(by)):
            raise NotYours()
        if ADMIN_OF_KIND[by.organisation_kind] in roles:
            _keep_an_administrator(
                by.organisation_kind, by.organisation_id, ADMIN_OF_KIND[by.organisation_kind]
            )
        work = open_work(person_id, by=by)
        if successor_id is not None and (
            successor_id == person_id or not store.memberships(by.organisation_id, successor_id)
        ):
            raise UnknownPerson(Reason("accounts.successor_unknown", {}, "successor_id"))
        if work and successor_id is None:
            raise HandOverNeeded(Reason(HandOverNeeded.code, {"work": work}, "successor_id"))
        moved: dict[str, int] = {}
        if successor_id is not None:
            moved = ports.hand_over(unit, by.organisation_id, person_id, successor_id)
            for group_id in store.led_groups(person_id, by.organisation_id):
                lead(unit, group_id, successor_id)
        for row in held:
            _end(unit, row, by.person_id)
        unit.session.execute(
            update(ApiToken)
            .where(
                ApiToken.person_id == person_id,
                ApiToken.organisation_id == by.organisation_id,
                ApiToken.revoked_at.is_(None),
            )
            .values(revoked_at=clock.machine_now())
        )
        unit.audit(
            "person.left",
            by.organisation_id,
            f"person:{person_id}",
            {"successor": str(successor_id) if successor_id else None, "moved": moved},
            person_id=by.person_id,
        )
        unit.publish(
            "accounts.left",
            f"organisation:{by.organisation_id}",
            {
                "organisation_id": str(by.organisation_id),
                "person_id": str(person_id),
                "successor_id": str(successor_id) if successor_id else None,
                "by": str(by.person_id),
            },
        )
