"""Who belongs where: asking to join, invitations, roles, groups, and handing over when somebody leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update

from resource_hub.domain.accounts import ports, secrets, store
from resource_hub.domain.accounts.access import _ADDRESS, folded, insert_person
from resource_hub.domain.accounts.errors import (
    AlreadyAnswered,
    AlreadyMember,
    BadInput,
    Changed,
    HandOverNeeded,
    LastAdministrator,
    LinkExpired,
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
from resource_hub.domain.accounts.tables import ApiToken, Invitation, Membership
from resource_hub.domain.accounts.terms import (
    Actor,
    InvitationRecord,
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
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money

INVITATION_VALID = timedelta(days=14)
# What a newcomer asks for; the administrator who answers may give something else.
_NEWCOMER = {OrganisationKind.FIRM: Role.BOOKER, OrganisationKind.INSTITUTION: Role.BOOKER}
_PEOPLE_PAGE = (Role.FIRM_ADMIN, Role.INSTITUTION_ADMIN, Role.OFFICE, Role.FUNDER_ADMIN, Role.PLATFORM_STAFF)


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
    if not by.has(*_PEOPLE_PAGE):
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
        if not by.has(*_PEOPLE_PAGE):
            raise NotYours()
        if accept:
            wanted = role or Role(row.role)
            _check_grant(by, wanted, limit, department_id, customer_id)
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


def _check_grant(
    by: Actor, role: Role, limit: Money | None, department_id: UUID | None, customer_id: UUID | None
) -> None:
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


# ---- invitations


def invite(
    email: str,
    role: Role,
    *,
    by: Actor,
    limit: Money | None = None,
    department_id: UUID | None = None,
    customer_id: UUID | None = None,
    language: str = "zh",
) -> InvitationRecord:
    """Invite somebody by mail into a role; the link holds 14 days. A newer invitation replaces an open one.

    Raises:
        BadInput, RoleRefused, AlreadyMember
    """
    address = folded(email)
    if len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise BadInput(Reason("accounts.email_invalid", {}, "email"))
    with unit_of_work() as unit:
        _check_grant(by, role, limit, department_id, customer_id)
        known = store.person_by_email(address)
        if known is not None and holds(by.organisation_id, known.id, role, department_id, customer_id):
            raise AlreadyMember(Reason(AlreadyMember.code, {}, "email"))
        machine = clock.machine_now()
        unit.session.execute(
            update(Invitation)
            .where(
                Invitation.organisation_id == by.organisation_id,
                Invitation.email == address,
                Invitation.role == role.value,
                Invitation.used_at.is_(None),
            )
            .values(used_at=machine)
        )
        row = insert_invitation(
            unit, by.organisation_id, address, role, limit, department_id, customer_id, by.person_id
        )
        unit.audit(
            "invitation.sent",
            row.organisation_id,
            f"invitation:{row.id}",
            {"role": role.value},
            person_id=by.person_id,
        )
        _publish_invitation(unit, row, language)
        return store.invitation_record(row)


def insert_invitation(
    unit: Unit,
    organisation_id: UUID,
    email: str,
    role: Role,
    limit: Money | None,
    department_id: UUID | None,
    customer_id: UUID | None,
    invited_by: UUID | None,
) -> Invitation:
    machine = clock.machine_now()
    row_id = new_id()
    row = Invitation(
        id=row_id,
        organisation_id=organisation_id,
        email=email,
        role=role.value,
        customer_id=customer_id,
        department_id=department_id,
        limit_minor=limit.minor if limit is not None else None,
        token_hash=secrets.token_digest(secrets.link_token(row_id, "invitation")),
        invited_by=invited_by,
        created_at=machine,
        expires_at=machine + INVITATION_VALID,
    )
    unit.session.add(row)
    unit.session.flush()
    return row


def _publish_invitation(unit: Unit, row: Invitation, language: str) -> None:
    unit.publish(
        "accounts.invited",
        f"invitation:{row.id}",
        {
            "invitation_id": str(row.id),
            "organisation_id": str(row.organisation_id),
            "invited_by": str(row.invited_by) if row.invited_by else None,
            "email": row.email,
            "role": row.role,
            "language": language,
        },
    )


def appoint_first_administrator(organisation_id: UUID, email: str, *, by: Actor) -> InvitationRecord:
    """Platform staff invite the first administrator of an institution or funder (or of a firm that lost its own).

    Raises:
        NotYours, BadInput, RoleRefused: it has an administrator, who appoints the others.
    """
    address = folded(email)
    if not _ADDRESS.fullmatch(address):
        raise BadInput(Reason("accounts.email_invalid", {}, "email"))
    with unit_of_work() as unit:
        organisation = store.organisation_row(organisation_id, lock=True)
        if organisation is None:
            raise UnknownOrganisation()
        kind = OrganisationKind(organisation.kind)
        role = ADMIN_OF_KIND[kind]
        if reasons := may_grant(by, role, kind, same_organisation=False):
            raise NotYours(*reasons)
        if store.administrators(organisation_id, role):
            raise RoleRefused(Reason("accounts.has_administrator", {}, "email"))
        row = insert_invitation(unit, organisation_id, address, role, None, None, None, by.person_id)
        unit.audit(
            "invitation.sent",
            organisation_id,
            f"invitation:{row.id}",
            {"role": role.value},
            person_id=by.person_id,
        )
        _publish_invitation(unit, row, "zh")
        return store.invitation_record(row)


def open_invitations(by: Actor) -> list[InvitationRecord]:
    """Invitations that were not used yet, expired ones included.

    Raises:
        NotYours
    """
    if not by.has(*_PEOPLE_PAGE):
        raise NotYours()
    return store.open_invitations(by.organisation_id)


def withdraw_invitation(invitation_id: UUID, *, by: Actor) -> None:
    """Make the link of an invitation useless.

    Raises:
        UnknownRequest, NotYours
    """
    with unit_of_work() as unit:
        row = unit.session.get(Invitation, invitation_id)
        if row is None or row.organisation_id != by.organisation_id:
            raise UnknownRequest()
        if not by.has(*_PEOPLE_PAGE):
            raise NotYours()
        if row.used_at is None:
            row.used_at = clock.machine_now()
            unit.audit(
                "invitation.withdrawn", row.organisation_id, f"invitation:{row.id}", person_id=by.person_id
            )


def invitation(token: str) -> tuple[InvitationRecord, OrganisationRecord, bool]:
    """The invitation behind a link, who invites, and whether the address has an account already.

    Raises:
        LinkExpired: unknown, used, withdrawn or too old.
    """
    row = _usable_invitation(token)
    organisation = store.organisation_row(row.organisation_id)
    assert organisation is not None
    known = store.person_by_email(row.email) is not None
    return store.invitation_record(row), store.organisation_record(organisation), known


def _usable_invitation(token: str, lock: bool = False) -> Invitation:
    row = store.invitation_by_token(secrets.token_digest(token), lock=lock)
    if row is None or row.used_at is not None or row.expires_at <= clock.machine_now():
        raise LinkExpired()
    return row


def accept_invitation(token: str, person_id: UUID) -> RoleRecord:
    """A signed-in person takes the role of an invitation that was sent to their address.

    Raises:
        LinkExpired: also when it was sent to somebody else's address: a forwarded link opens nothing.
    """
    with unit_of_work() as unit:
        row = _usable_invitation(token, lock=True)
        person = store.person_row(person_id)
        if person is None or person.email != row.email:
            raise LinkExpired()
        return _take(unit, row, person_id)


def accept_invitation_as_new(token: str, *, name: str, password: str, language: str = "zh") -> PersonRecord:
    """Somebody without an account takes an invitation: account and role in one; the link has proved the address.

    Raises:
        LinkExpired, BadInput, WeakPassword
    """
    row = _usable_invitation(token)
    name = " ".join(name.split())
    if not 1 <= len(name) <= 120:
        raise BadInput(Reason("accounts.name_length", {"max": 120}, "name"))
    secrets.check_strength(password, row.email, name)
    password_hash = secrets.hash_password(password)
    with unit_of_work() as unit:
        row = _usable_invitation(token, lock=True)
        if store.person_by_email(row.email) is not None:
            raise LinkExpired()
        person = insert_person(
            unit,
            name=name,
            email=row.email,
            password_hash=password_hash,
            language=language if language in ("zh", "en") else "zh",
            verified_at=clock.machine_now(),
        )
        _take(unit, row, person.id)
        return store.person_record(person)


def _take(unit: Unit, row: Invitation, person_id: UUID) -> RoleRecord:
    organisation = store.organisation_row(row.organisation_id)
    if organisation is None or organisation.state not in (
        OrganisationState.ACTIVE.value,
        OrganisationState.PENDING.value,
    ):
        raise LinkExpired()
    row.used_at = clock.machine_now()
    role = Role(row.role)
    held = holds(row.organisation_id, person_id, role, row.department_id, row.customer_id)
    if held is not None:
        return store.role_record(held)
    membership = grant_row(
        unit, row.organisation_id, person_id, role,
        granted_by=row.invited_by, department_id=row.department_id, customer_id=row.customer_id,
        limit_minor=row.limit_minor,
    )  # fmt: skip
    _end_requests(unit, row.organisation_id, person_id)
    note_change(unit, "membership.granted", membership, person_id, {"invitation": str(row.id)})
    unit.publish("accounts.joined", f"membership:{membership.id}", event_facts(membership))
    return store.role_record(membership)


def _end_requests(unit: Unit, organisation_id: UUID, person_id: UUID) -> None:
    for row in store.memberships(organisation_id, person_id, (MembershipState.PENDING,)):
        row.state, row.until = MembershipState.ENDED.value, unit.now


# ---- roles


def members(by: Actor) -> list[MemberRecord]:
    """Everybody with a role in the actor's organisation, by name."""
    rows = store.memberships(by.organisation_id)
    people = store.people(row.person_id for row in rows)
    held: dict[UUID, list[RoleRecord]] = {}
    for row in rows:
        held.setdefault(row.person_id, []).append(store.role_record(row))
    found = [MemberRecord(people[p], tuple(roles)) for p, roles in held.items()]
    return sorted(found, key=lambda m: (m.person.name, m.person.id))


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
        _check_grant(by, role, limit, department_id, customer_id)
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
