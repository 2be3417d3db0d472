"""Invitations by letter: sent, withdrawn, and taken by who is known or is new."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from resource_hub.domain.accounts import secrets, store
from resource_hub.domain.accounts.access import _ADDRESS, folded, insert_person
from resource_hub.domain.accounts.errors import (
    AlreadyMember,
    BadInput,
    LinkExpired,
    NotYours,
    RoleRefused,
    UnknownOrganisation,
    UnknownRequest,
)
from resource_hub.domain.accounts.held import event_facts, holds, note_change
from resource_hub.domain.accounts.membership import PEOPLE_PAGE, check_grant
from resource_hub.domain.accounts.registration import grant_row
from resource_hub.domain.accounts.rules.roles import (
    ADMIN_OF_KIND,
    may_grant,
)
from resource_hub.domain.accounts.tables import Invitation
from resource_hub.domain.accounts.terms import (
    Actor,
    InvitationRecord,
    MembershipState,
    OrganisationKind,
    OrganisationRecord,
    OrganisationState,
    PersonRecord,
    Role,
    RoleRecord,
)
from resource_hub.infra import clock
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money

INVITATION_VALID = timedelta(days=14)


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
        check_grant(by, role, limit, department_id, customer_id)
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
    if not by.has(*PEOPLE_PAGE):
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
        if not by.has(*PEOPLE_PAGE):
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
