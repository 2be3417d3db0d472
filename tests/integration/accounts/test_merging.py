"""Imported institutions: the second import meets the first, equal names are proposed and never merged silently."""

from __future__ import annotations

import pytest

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.errors import AlreadyAnswered, BadInput, NotYours, UnknownOrganisation
from resource_hub.domain.accounts.terms import OrganisationState, Role
from tests.builders import accounts as build

pytestmark = pytest.mark.usefixtures("in_app")


def seed(key: str, name: str, **more: str) -> service.InstitutionSeed:
    return service.InstitutionSeed(key, service.OrganisationFields(name_en=name, zone="UTC", **more))


SEEDS = [seed("c:1", "Genome Centre"), seed("c:2", "genome  centre"), seed("c:3", "Other Lab")]


def test_a_second_import_changes_nothing() -> None:
    first = service.import_institutions(SEEDS)
    assert (first.created, first.updated, first.unchanged) == (3, 0, 0)
    again = service.import_institutions(SEEDS)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 3)
    assert again.ids == first.ids
    changed = service.import_institutions([seed("c:3", "Other Laboratory"), *SEEDS[:2]])
    assert (changed.created, changed.updated, changed.unchanged) == (0, 1, 2)
    codes = {service.organisation(i).code for i in first.ids.values()}
    assert codes == {"genome-centre", "genome-centre-2", "other-lab"}
    assert service.customer_of(first.ids["c:1"]).kind.value == "institution"


def test_a_bad_row_keeps_nothing() -> None:
    with pytest.raises(BadInput):
        service.import_institutions([seed("c:1", "Good"), seed("c:2", "")])
    with pytest.raises(BadInput):
        service.import_institutions([seed("c:1", "Good"), seed("c:1", "Good")])
    assert service.organisations(text="good") == []


def test_equal_names_are_proposed_once_and_decided_by_staff() -> None:
    ids = service.import_institutions(SEEDS).ids
    staff = build.make_actor(build.make_platform(), Role.PLATFORM_STAFF)
    assert service.propose_merges() == (1, 1)
    assert service.propose_merges() == (1, 0)
    (proposal,) = service.merge_proposals(by=staff)
    assert {o.id for o in proposal.members} == {ids["c:1"], ids["c:2"]}
    assert all(service.organisation(i).state is OrganisationState.ACTIVE for i in ids.values())
    member = build.make_person(roles=[(ids["c:2"], Role.MANAGER)])
    with pytest.raises(NotYours):
        service.decide_merge(proposal.id, keep_id=None, by=service.actor(member.id, ids["c:2"]))
    with pytest.raises(BadInput):
        service.decide_merge(proposal.id, keep_id=ids["c:3"], by=staff)
    service.decide_merge(proposal.id, keep_id=ids["c:1"], by=staff)
    assert service.organisation(ids["c:2"]).state is OrganisationState.MERGED
    assert service.actor(member.id, ids["c:1"]).has(Role.MANAGER)
    with pytest.raises(UnknownOrganisation):
        service.actor(member.id, ids["c:2"])
    with pytest.raises(AlreadyAnswered):
        service.decide_merge(proposal.id, keep_id=None, by=staff)
    assert service.propose_merges() == (0, 0)


def test_kept_apart_is_not_asked_again_until_a_further_one_comes() -> None:
    service.import_institutions(SEEDS)
    staff = build.make_actor(build.make_platform(), Role.PLATFORM_STAFF)
    service.propose_merges()
    (proposal,) = service.merge_proposals(by=staff)
    service.decide_merge(proposal.id, keep_id=None, by=staff)
    assert service.propose_merges() == (1, 0)
    service.import_institutions([seed("c:4", "GENOME CENTRE")])
    assert service.propose_merges() == (1, 1)
    assert len(service.merge_proposals(by=staff)[0].members) == 3
