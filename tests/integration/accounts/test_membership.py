"""Invitations, roles, groups, leaving: everybody stays inside their own organisation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts import ports, secrets, service
from resource_hub.domain.accounts.errors import (
    AlreadyMember,
    Changed,
    HandOverNeeded,
    LastAdministrator,
    LinkExpired,
    NotYours,
    RoleRefused,
    UnknownCustomer,
    UnknownOrganisation,
    UnknownPerson,
    UnknownRequest,
)
from resource_hub.domain.accounts.terms import Role
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.tables import AuditEntry
from resource_hub.kernel.money import Money
from tests.builders import accounts as build

pytestmark = pytest.mark.usefixtures("in_app")
GOOD = "seven blue teapots"


def link(invitation: Any) -> str:
    return service.link_token(invitation.id, "invitation")


def test_a_newcomer_takes_an_invitation_and_is_signed_in_by_it() -> None:
    firm = build.make_firm()
    admin = build.make_actor(firm, Role.FIRM_ADMIN)
    sent = service.invite("New@Example.org", Role.APPROVER, limit=Money.cny(3000), by=admin)
    found, organisation, known = service.invitation(link(sent))
    assert (found.email, organisation.id, known) == ("new@example.org", firm.id, False)
    person = service.accept_invitation_as_new(link(sent), name="王五", password=GOOD)
    assert service.sign_in("new@example.org", GOOD).id == person.id
    by = service.actor(person.id, firm.id)
    assert (by.roles, by.approve_limit) == ({Role.APPROVER}, Money.cny(3000))
    with pytest.raises(LinkExpired):
        service.accept_invitation_as_new(link(sent), name="王五", password=GOOD)


def test_a_forwarded_invitation_opens_nothing() -> None:
    firm = build.make_firm()
    admin = build.make_actor(firm, Role.FIRM_ADMIN)
    invited, other = build.make_person(), build.make_person()
    sent = service.invite(invited.email, Role.BOOKER, by=admin)
    with pytest.raises(LinkExpired):
        service.accept_invitation(link(sent), other.id)
    service.accept_invitation(link(sent), invited.id)
    assert service.actor(invited.id, firm.id).has(Role.BOOKER)
    with pytest.raises(AlreadyMember):
        service.invite(invited.email, Role.BOOKER, by=admin)


def test_withdrawn_replaced_and_old_invitations_open_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    firm = build.make_firm()
    admin, stranger = (
        build.make_actor(firm, Role.FIRM_ADMIN),
        build.make_actor(build.make_firm(), Role.FIRM_ADMIN),
    )
    first = service.invite("a@example.org", Role.BOOKER, by=admin)
    second = service.invite("a@example.org", Role.BOOKER, by=admin)
    with pytest.raises(LinkExpired):
        service.invitation(link(first))
    with pytest.raises(UnknownRequest):
        service.withdraw_invitation(second.id, by=stranger)
    service.withdraw_invitation(second.id, by=admin)
    with pytest.raises(LinkExpired):
        service.invitation(link(second))
    third = service.invite("a@example.org", Role.BOOKER, by=admin)
    later = clock.machine_now() + timedelta(days=14)
    monkeypatch.setattr(clock, "machine_now", lambda: later)
    with pytest.raises(LinkExpired):
        service.accept_invitation_as_new(link(third), name="X", password=GOOD)


def test_what_may_not_be_granted_is_refused_with_every_reason() -> None:
    host, other = build.make_institution(), build.make_institution()
    lab, own_lab, foreign_lab = (build.make_department(o) for o in (host, host, other))
    manager = build.actor(
        build.make_person(roles=[(host, Role.MANAGER, {"department_id": own_lab.id})]), host
    )
    with pytest.raises(RoleRefused) as refused:
        service.invite("x@example.org", Role.OFFICE, limit=Money.cny(1), department_id=lab.id, by=manager)
    assert {r.code for r in refused.value.reasons} == {
        "accounts.role_not_yours_to_give",
        "accounts.limit_only_approver",
        "accounts.department_not_for_role",
    }
    for department in (lab, foreign_lab):
        with pytest.raises(RoleRefused):
            service.invite("x@example.org", Role.OPERATOR, department_id=department.id, by=manager)
    with pytest.raises(RoleRefused):
        service.invite("x@example.org", Role.OPERATOR, by=manager)
    assert service.invite("x@example.org", Role.OPERATOR, department_id=own_lab.id, by=manager)


def test_roles_stay_in_their_organisation() -> None:
    firm, other = build.make_firm(), build.make_firm()
    admin = build.make_actor(firm, Role.FIRM_ADMIN)
    stranger = build.make_person(roles=[(other, Role.BOOKER)])
    with pytest.raises(UnknownPerson):
        service.grant_role(stranger.id, Role.BOOKER, by=admin)
    (theirs,) = service.members(build.actor(stranger, other))
    with pytest.raises(UnknownRequest):
        service.end_role(theirs.roles[0].id, version=1, by=admin)
    with pytest.raises(UnknownPerson):
        service.leave(stranger.id, by=admin)


def test_the_same_role_with_another_limit_changes_the_limit() -> None:
    firm = build.make_firm()
    admin = build.make_actor(firm, Role.FIRM_ADMIN)
    person = build.make_person(roles=[(firm, Role.BOOKER)])
    first = service.grant_role(person.id, Role.APPROVER, limit=Money.cny(100), by=admin)
    again = service.grant_role(person.id, Role.APPROVER, limit=Money.cny(200), by=admin)
    assert again.id == first.id and again.version == first.version + 1
    assert service.actor(person.id, firm.id).approve_limit == Money.cny(200)
    assert service.grant_role(person.id, Role.APPROVER, by=admin).limit is None
    assert service.actor(person.id, firm.id).approve_limit is None
    with pytest.raises(Changed):
        service.end_role(first.id, version=1, by=admin)


def test_the_last_administrator_stays() -> None:
    firm = build.make_firm()
    admin = build.make_person(roles=[(firm, Role.FIRM_ADMIN)])
    by = build.actor(admin, firm)
    with pytest.raises(LastAdministrator):
        service.leave(admin.id, by=by)
    (own,) = service.members(by)
    with pytest.raises(LastAdministrator):
        service.end_role(own.roles[0].id, version=1, by=by)
    second = build.make_person(roles=[(firm, Role.FIRM_ADMIN)])
    service.leave(admin.id, by=by)
    with pytest.raises(UnknownOrganisation):
        service.actor(admin.id, firm.id)
    with pytest.raises(LastAdministrator):
        service.leave(second.id, by=build.actor(second, firm))


class Desk:
    """Stands for a room above: three bookings of one person."""

    def __init__(self, owner: UUID) -> None:
        self.owner, self.rows = owner, 3

    def count(self, organisation_id: UUID, person_id: UUID) -> Mapping[str, int]:
        return {"bookings": self.rows if person_id == self.owner else 0}

    def hand_over(self, unit: Any, organisation_id: UUID, person_id: UUID, successor_id: UUID) -> int:
        self.owner = successor_id
        return self.rows


def test_leaving_hands_over_bookings_groups_and_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    host = build.make_institution()
    leaver, colleague = (build.make_person(roles=[(host, Role.MANAGER)]) for _ in range(2))
    group = build.make_group(host, leader=leaver)
    office = build.make_actor(host, Role.INSTITUTION_ADMIN)
    stranger = build.make_person()
    desk = Desk(leaver.id)
    monkeypatch.setattr(ports, "_open_work", {"test": desk})
    _, token = service.create_api_token(build.actor(leaver, host), "t")
    assert service.open_work(leaver.id, by=office) == {"bookings": 3, "groups": 1}
    with pytest.raises(HandOverNeeded):
        service.leave(leaver.id, by=office)
    for nobody in (leaver.id, stranger.id):
        with pytest.raises(UnknownPerson):
            service.leave(leaver.id, by=office, successor_id=nobody)
    assert service.actor_for_token(token) is not None
    service.leave(leaver.id, by=office, successor_id=colleague.id)
    assert desk.owner == colleague.id
    assert service.customer(group.id).leader_id == colleague.id
    assert service.actor_for_token(token) is None
    assert service.seats(leaver.id) == []
    actions = set(reading().scalars(select(AuditEntry.action).where(AuditEntry.organisation_id == host.id)))
    assert {"person.left", "membership.ended"} <= actions


def test_a_manager_cannot_remove_the_office() -> None:
    host = build.make_institution()
    office = build.make_person(roles=[(host, Role.OFFICE)])
    with pytest.raises(NotYours):
        service.leave(office.id, by=build.make_actor(host, Role.MANAGER))


def test_groups_belong_to_their_institution() -> None:
    host, other = build.make_institution(), build.make_institution()
    office, foreign = build.make_actor(host, Role.OFFICE), build.make_actor(other, Role.OFFICE)
    leader, member = (build.make_person(roles=[(host, Role.MANAGER)]) for _ in range(2))
    group = service.add_group(name_zh="量子光学组", name_en="Quantum optics", leader_id=leader.id, by=office)
    for call in (
        lambda: service.group_members(group.id, by=foreign),
        lambda: service.add_group_member(group.id, member.id, by=foreign),
        lambda: service.set_group_leader(group.id, member.id, by=foreign),
    ):
        with pytest.raises(UnknownCustomer):
            call()
    assert group.id in build.actor(leader, host).led_customer_ids
    service.add_group_member(group.id, member.id, by=build.actor(leader, host))
    service.add_group_member(group.id, member.id, by=build.actor(leader, host))
    assert build.actor(member, host).customer_ids == {group.id}
    assert service.people_of_customer(group.id) == [leader.id, member.id]
    with pytest.raises(NotYours):
        service.add_group_member(group.id, member.id, by=build.actor(member, host))
    with pytest.raises(NotYours):
        service.add_group(name_zh="x", by=build.make_actor(build.make_firm(), Role.FIRM_ADMIN))


def test_staff_set_up_a_host_and_its_first_administrator_only() -> None:
    from resource_hub.domain.accounts.terms import OrganisationKind

    staff = build.make_actor(build.make_platform(), Role.PLATFORM_STAFF)
    host = service.create_organisation(
        OrganisationKind.INSTITUTION,
        code="hfut",
        fields=service.OrganisationFields(name_zh="合肥工业大学"),
        first_administrator="admin@example.org",
        by=staff,
    )
    admin_by = build.make_actor(host, Role.INSTITUTION_ADMIN)
    with pytest.raises(RoleRefused):
        service.appoint_first_administrator(host.id, "other@example.org", by=staff)
    with pytest.raises(NotYours):
        service.appoint_first_administrator(build.make_institution().id, "x@example.org", by=admin_by)
    with pytest.raises(NotYours):
        service.create_organisation(
            OrganisationKind.FUNDER, code="x", fields=service.OrganisationFields(name_zh="x"), by=admin_by
        )


def test_secrets_of_invitations_are_hashed() -> None:
    from resource_hub.domain.accounts.tables import Invitation

    admin = build.make_actor(build.make_firm(), Role.FIRM_ADMIN)
    sent = service.invite("a@example.org", Role.BOOKER, by=admin)
    assert reading().scalars(select(Invitation.token_hash)).one() == secrets.token_digest(link(sent))
