"""Roles, who gives them, and customer classes."""

from __future__ import annotations

from uuid import UUID

import pytest

from resource_hub.domain.accounts.rules.customer_class import CustomerFacts, customer_class
from resource_hub.domain.accounts.rules.roles import grantable, last_administrator, may_grant
from resource_hub.domain.accounts.terms import (
    ROLES_OF_KIND,
    Actor,
    CustomerClass,
    CustomerKind,
    OrganisationKind,
    Role,
    SizeClass,
)

HOST, OTHER, FIRM = UUID(int=1), UUID(int=2), UUID(int=3)
PHYSICS, PHYSICS_LAB, CHEMISTRY = UUID(int=11), UUID(int=12), UUID(int=13)


def actor(kind: OrganisationKind, *roles: Role) -> Actor:
    return Actor(UUID(int=9), HOST, kind, frozenset(roles))


@pytest.mark.parametrize("kind", list(OrganisationKind))
def test_roles_of_other_kinds_are_never_given(kind: OrganisationKind) -> None:
    for giver_kind, roles in ROLES_OF_KIND.items():
        for giver in roles:
            for wanted in set(Role) - ROLES_OF_KIND[kind]:
                assert may_grant(actor(giver_kind, giver), wanted, kind)


@pytest.mark.parametrize(
    ("giver", "kind", "may"),
    [
        (Role.FIRM_ADMIN, OrganisationKind.FIRM, ROLES_OF_KIND[OrganisationKind.FIRM]),
        (Role.BOOKER, OrganisationKind.FIRM, set()),
        (Role.APPROVER, OrganisationKind.FIRM, set()),
        (Role.PAYER, OrganisationKind.FIRM, set()),
        (Role.INSTITUTION_ADMIN, OrganisationKind.INSTITUTION, ROLES_OF_KIND[OrganisationKind.INSTITUTION]),
        (
            Role.OFFICE,
            OrganisationKind.INSTITUTION,
            ROLES_OF_KIND[OrganisationKind.INSTITUTION] - {Role.INSTITUTION_ADMIN, Role.OFFICE},
        ),
        (Role.MANAGER, OrganisationKind.INSTITUTION, {Role.DEPUTY, Role.OPERATOR}),
        (Role.DEPUTY, OrganisationKind.INSTITUTION, set()),
        (Role.OPERATOR, OrganisationKind.INSTITUTION, set()),
        (Role.FUNDER_ADMIN, OrganisationKind.FUNDER, ROLES_OF_KIND[OrganisationKind.FUNDER]),
        (Role.REVIEWER, OrganisationKind.FUNDER, set()),
        (Role.FUNDER_APPROVER, OrganisationKind.FUNDER, set()),
        (Role.PLATFORM_STAFF, OrganisationKind.PLATFORM, {Role.PLATFORM_STAFF}),
    ],
)
def test_who_gives_what(giver: Role, kind: OrganisationKind, may: set[Role]) -> None:
    assert grantable(actor(kind, giver)) == may


def test_platform_staff_appoint_only_the_first_administrator_elsewhere() -> None:
    staff = actor(OrganisationKind.PLATFORM, Role.PLATFORM_STAFF)
    assert (
        may_grant(staff, Role.INSTITUTION_ADMIN, OrganisationKind.INSTITUTION, same_organisation=False) == []
    )
    refused = may_grant(staff, Role.MANAGER, OrganisationKind.INSTITUTION, same_organisation=False)
    assert [r.code for r in refused] == ["accounts.role_not_yours_to_give"]
    admin = actor(OrganisationKind.INSTITUTION, Role.INSTITUTION_ADMIN)
    assert may_grant(admin, Role.MANAGER, OrganisationKind.INSTITUTION, same_organisation=False)


def test_the_last_administrator_stays() -> None:
    assert last_administrator(OrganisationKind.FIRM, 1)
    assert last_administrator(OrganisationKind.FIRM, 2) == []


@pytest.mark.parametrize(
    ("customer", "path", "expected"),
    [
        (CustomerFacts(CustomerKind.GROUP, HOST, (PHYSICS,)), (PHYSICS,), CustomerClass.OWN_GROUP),
        (
            CustomerFacts(CustomerKind.GROUP, HOST, (PHYSICS_LAB, PHYSICS)),
            (PHYSICS,),
            CustomerClass.OWN_GROUP,
        ),
        (
            CustomerFacts(CustomerKind.GROUP, HOST, (PHYSICS,)),
            (PHYSICS_LAB, PHYSICS),
            CustomerClass.OWN_GROUP,
        ),
        (CustomerFacts(CustomerKind.GROUP, HOST, (CHEMISTRY,)), (PHYSICS,), CustomerClass.IN_HOUSE),
        (CustomerFacts(CustomerKind.GROUP, HOST), (PHYSICS,), CustomerClass.IN_HOUSE),
        (CustomerFacts(CustomerKind.GROUP, HOST, (PHYSICS,)), (), CustomerClass.IN_HOUSE),
        (CustomerFacts(CustomerKind.INSTITUTION, HOST), (PHYSICS,), CustomerClass.IN_HOUSE),
        (CustomerFacts(CustomerKind.GROUP, OTHER, (CHEMISTRY,)), (PHYSICS,), CustomerClass.ACADEMIC),
        (CustomerFacts(CustomerKind.INSTITUTION, OTHER), (PHYSICS,), CustomerClass.ACADEMIC),
        (CustomerFacts(CustomerKind.FIRM, FIRM, size=SizeClass.MICRO), (PHYSICS,), CustomerClass.FIRM_MICRO),
        (CustomerFacts(CustomerKind.FIRM, FIRM, size=SizeClass.LARGE), (PHYSICS,), CustomerClass.FIRM_LARGE),
        (CustomerFacts(CustomerKind.FIRM, FIRM), (PHYSICS,), CustomerClass.FIRM_UNSIZED),
    ],
)
def test_customer_classes(customer: CustomerFacts, path: tuple[UUID, ...], expected: CustomerClass) -> None:
    assert customer_class(customer, HOST, path) is expected


def test_outside_is_whoever_is_not_the_host() -> None:
    inside = {c for c in CustomerClass if not c.outside}
    assert inside == {CustomerClass.OWN_GROUP, CustomerClass.IN_HOUSE}
    assert CustomerClass.FIRM_UNSIZED.size is None and not CustomerClass.FIRM_UNSIZED.is_sme
    assert [c.size for c in CustomerClass if c.is_sme] == [SizeClass.MICRO, SizeClass.SMALL, SizeClass.MEDIUM]
