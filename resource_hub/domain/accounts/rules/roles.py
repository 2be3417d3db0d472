"""Who may hold which role, who may give it, and what must not be left without a holder."""

from __future__ import annotations

from resource_hub.domain.accounts.terms import (
    ADMIN_OF_KIND,
    ROLES_OF_KIND,
    Actor,
    OrganisationKind,
    Role,
)
from resource_hub.kernel.errors import Reason

# Who may give and take which roles in their own organisation. Nobody gives a role that reaches further than their own.
_GRANTS: dict[Role, frozenset[Role]] = {
    Role.FIRM_ADMIN: ROLES_OF_KIND[OrganisationKind.FIRM],
    Role.INSTITUTION_ADMIN: ROLES_OF_KIND[OrganisationKind.INSTITUTION],
    Role.OFFICE: frozenset(
        {Role.MANAGER, Role.DEPUTY, Role.OPERATOR, Role.BOOKER, Role.APPROVER, Role.PAYER}
    ),
    Role.MANAGER: frozenset({Role.DEPUTY, Role.OPERATOR}),
    Role.FUNDER_ADMIN: ROLES_OF_KIND[OrganisationKind.FUNDER],
    Role.PLATFORM_STAFF: frozenset({Role.PLATFORM_STAFF}),
}

# Roles that a department bounds; the others always reach the whole organisation.
DEPARTMENT_ROLES = frozenset({Role.MANAGER, Role.DEPUTY, Role.OPERATOR})

# Platform staff appoint the first administrator of an organisation of any kind, and nothing else in it.
_FIRST_ADMINS = frozenset(ADMIN_OF_KIND.values())


def grantable(actor: Actor) -> frozenset[Role]:
    """Roles that this actor may give in the organisation for which they act."""
    roles: frozenset[Role] = frozenset()
    for role in actor.roles:
        roles |= _GRANTS.get(role, frozenset())
    return roles & ROLES_OF_KIND[actor.organisation_kind]


def may_grant(
    actor: Actor, role: Role, kind: OrganisationKind, same_organisation: bool = True
) -> list[Reason]:
    """Reasons against ``actor`` giving (or taking) ``role`` in an organisation of ``kind``."""
    if role not in ROLES_OF_KIND[kind]:
        return [Reason("accounts.role_of_other_kind", {"role": role.value, "kind": kind.value}, "role")]
    if same_organisation:
        allowed = role in grantable(actor)
    else:
        allowed = actor.has(Role.PLATFORM_STAFF) and role in _FIRST_ADMINS
    return [] if allowed else [Reason("accounts.role_not_yours_to_give", {"role": role.value}, "role")]


def last_administrator(kind: OrganisationKind, administrators: int) -> list[Reason]:
    """Reasons against taking away one of ``administrators`` holders of the administrator's role."""
    if administrators <= 1:
        return [Reason("accounts.last_administrator", {"role": ADMIN_OF_KIND[kind].value})]
    return []


def books_for(role: Role) -> bool:
    """Whether the role lets its holder book, approve or pay for the organisation as a customer."""
    return role in (
        Role.FIRM_ADMIN, Role.BOOKER, Role.APPROVER, Role.PAYER, Role.OFFICE, Role.INSTITUTION_ADMIN,
    )  # fmt: skip
