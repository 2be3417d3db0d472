"""Listings on their way from draft to public and back, on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.catalogue import errors, service
from resource_hub.domain.catalogue.terms import ChangeState, Contact, ListingState, ResourceKind
from resource_hub.infra import clock
from resource_hub.kernel.keys import HostKey
from tests.builders import accounts as people
from tests.builders.catalogue import make_contents, make_listing

pytestmark = pytest.mark.usefixtures("in_app")

MARCH = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def test_a_draft_becomes_public_by_the_office() -> None:
    host = people.make_institution(code="ustc")
    manager = people.make_actor(host, Role.MANAGER)
    office = people.make_actor(host, Role.OFFICE)
    made = service.create(host.id, ResourceKind.INSTRUMENT, "SEM-01", make_contents(), by=manager, units=3)
    assert made.state is ListingState.DRAFT
    assert [unit.code for unit in service.units(made.key)] == ["SEM-01-1", "SEM-01-2", "SEM-01-3"]
    assert service.search(service.Query()).total == 0
    change = service.submit(made.key, by=manager, version=made.version)
    assert [p.change.key for p in service.pending(office)] == [change.key]
    assert service.resource(made.key).state is ListingState.PENDING
    with pytest.raises(errors.NotYours):
        service.approve(change.key, by=manager)
    service.approve(change.key, by=office)
    record = service.resource(made.key)
    assert record.state is ListingState.PUBLIC and record.bookable and record.unit_count == 3
    assert service.resource_of("ustc", "SEM-01") == record
    assert service.resource_of("ustc", str(made.key.id)) == record
    # 扫描电镜 is not how this name is written, but how people call it.
    assert service.search(service.Query(text="扫描电镜 合肥")).total == 1
    assert service.search(service.Query(text="扫描电子")).total == 1


def test_a_change_waits_for_its_day() -> None:
    host = people.make_institution()
    office = people.make_actor(host, Role.OFFICE)
    with clock.fixed(MARCH):
        record = make_listing(host, name_zh="旧名称")
        service.save_draft(record.key, make_contents(name_zh="新名称"), by=office, version=record.version)
        assert service.resource(record.key).name_zh == "旧名称"
        change = service.submit(record.key, by=office, effective_on=date(2026, 3, 10))
        shown = service.pending(office)[0]
        assert [(d.field, d.before, d.after) for d in shown.differences] == [("name_zh", "旧名称", "新名称")]
        approved = service.approve(change.key, by=office)
        assert approved.state is ChangeState.APPROVED
        assert service.resource(record.key).name_zh == "旧名称"
        assert service.take_effect() == 0
    # 10 March begins in Shanghai at 16:00 UTC of the 9th; the reader sees it then, whether or not the job has run.
    with clock.fixed(datetime(2026, 3, 9, 15, 59, tzinfo=UTC)):
        assert service.resource(record.key).name_zh == "旧名称"
        assert service.take_effect() == 0
    with clock.fixed(datetime(2026, 3, 9, 16, 0, tzinfo=UTC)):
        assert service.resource(record.key).name_zh == "新名称"
        assert service.search(service.Query(text="新名称")).total == 0
        assert service.take_effect() == 1
        assert service.take_effect() == 0
        assert service.search(service.Query(text="新名称")).total == 1
        assert service.resource(record.key).name_zh == "新名称"
    assert [c.state for c in service.changes(record.key)] == [ChangeState.IN_FORCE, ChangeState.SUPERSEDED]


def test_a_refusal_gives_its_reason_and_can_be_mended() -> None:
    host = people.make_institution()
    manager = people.make_actor(host, Role.MANAGER)
    office = people.make_actor(host, Role.OFFICE)
    record = make_listing(host, public=False)
    change = service.submit(record.key, by=manager)
    with pytest.raises(errors.ListingInvalid) as refused:
        service.refuse(change.key, by=office, note=" ")
    assert refused.value.reasons[0].code == "catalogue.refusal_needs_reason"
    service.refuse(change.key, by=office, note="原值与资产系统不符")
    assert service.resource(record.key).state is ListingState.DRAFT
    again = service.open_change(record.key)
    assert (
        again is not None
        and again.state is ChangeState.REFUSED
        and again.decision_note == "原值与资产系统不符"
    )
    service.save_draft(record.key, make_contents(original_value_minor=1), by=manager)
    change = service.submit(record.key, by=manager)
    with pytest.raises(errors.WrongState):
        service.save_draft(record.key, make_contents(), by=manager)
    service.recall(record.key, by=manager)
    with pytest.raises(errors.WrongState):
        service.approve(change.key, by=office)


def test_everything_missing_is_said_at_once() -> None:
    host = people.make_institution()
    manager = people.make_actor(host, Role.MANAGER)
    bare = make_contents(class_code="", modes=(), contact=Contact(), city="", place_zh="")
    record = service.create(host.id, ResourceKind.INSTRUMENT, "X-1", bare, by=manager)
    with pytest.raises(errors.ListingInvalid) as refused:
        service.submit(record.key, by=manager)
    assert {reason.code.removeprefix("catalogue.") for reason in refused.value.reasons} == {
        "class_missing",
        "modes_missing",
        "contact_missing",
        "place_missing",
    }


def test_a_stale_form_is_refused_and_codes_stand_once() -> None:
    host = people.make_institution()
    manager = people.make_actor(host, Role.MANAGER)
    record = make_listing(host, code="A", public=False)
    service.save_draft(record.key, make_contents(model="B"), by=manager, version=record.version)
    with pytest.raises(errors.ListingStale):
        service.save_draft(record.key, make_contents(model="C"), by=manager, version=record.version)
    with pytest.raises(errors.CodeTaken):
        service.create(host.id, ResourceKind.INSTRUMENT, "A", make_contents(), by=manager)
    other = people.make_institution()
    assert make_listing(other, code="A").code == "A"


def test_withdrawn_and_listed_again() -> None:
    host = people.make_institution()
    manager = people.make_actor(host, Role.MANAGER)
    office = people.make_actor(host, Role.OFFICE)
    record = make_listing(host)
    gone = service.withdraw(record.key, by=manager, note="搬迁")
    assert gone.state is ListingState.WITHDRAWN and not gone.bookable
    assert service.search(service.Query()).total == 0
    with pytest.raises(errors.ResourceNotFound):
        service.visible(service.resource(record.key), None)
    assert service.visible(service.resource(record.key), manager)
    service.relist(record.key, by=manager)
    service.approve(service.submit(record.key, by=manager).key, by=office)
    assert service.resource(record.key).state is ListingState.PUBLIC
    assert service.search(service.Query()).total == 1


def test_other_hosts_and_departments_are_closed() -> None:
    host, other = people.make_institution(), people.make_institution()
    lab, next_door = people.make_department(host), people.make_department(host)
    stranger = people.make_actor(other, Role.OFFICE)
    person = people.make_person(roles=[(host, Role.MANAGER, {"department_id": lab.id})])
    manager = people.actor(person, host)
    record = make_listing(host, department=next_door, public=False)
    for attempt in (
        lambda: service.save_draft(record.key, make_contents(), by=stranger),
        lambda: service.submit(record.key, by=stranger),
        lambda: service.withdraw(record.key, by=stranger, note="x"),
        lambda: service.add_units(record.key, 1, by=stranger),
        lambda: service.resource(HostKey(other.id, record.key.id)),
    ):
        with pytest.raises(errors.ResourceNotFound):
            attempt()
    with pytest.raises(errors.NotYours):
        service.save_draft(record.key, make_contents(), by=manager)
    assert service.resources_managed_by(manager) == []
    mine = make_listing(host, department=lab)
    assert [r.key for r in service.resources_managed_by(manager)] == [mine.key]


def test_settings_are_copied_after_a_look() -> None:
    host = people.make_institution()
    office = people.make_actor(host, Role.OFFICE)
    source = make_listing(host, rules_zh="提前一天预约", contact=Contact("李老师", "1", ""))
    same = make_listing(host, rules_zh="提前一天预约", contact=Contact("李老师", "1", ""))
    other = make_listing(host, rules_zh="旧", model="Z")
    draft = make_listing(host, rules_zh="", public=False, class_code="", modes=())
    targets = [same.key, other.key, draft.key]
    look = service.copy_preview(source.key, targets, ["rules", "contact"], by=office)
    assert {r.key: [d.field for d in found] for r, found in look} == {
        same.key: [],
        other.key: ["contact.name", "contact.phone", "contact.email", "rules_zh"],
        draft.key: ["contact.name", "contact.phone", "contact.email", "rules_zh"],
    }
    counts = service.copy_apply(source.key, targets, ["rules", "contact"], by=office)
    assert counts == {"submitted": 1, "drafts": 1, "unchanged": 1, "waiting": 0}
    assert service.resource(other.key).contents.rules_zh == "旧"
    service.approve(service.pending(office)[0].change.key, by=office)
    after = service.resource(other.key).contents
    assert (after.rules_zh, after.model, after.contact.name) == ("提前一天预约", "Z", "李老师")
    assert service.copy_apply(source.key, targets, ["rules", "contact"], by=office)["unchanged"] == 3


def test_the_listing_term() -> None:
    host = people.make_institution()
    with clock.fixed(datetime(2026, 3, 2, 1, tzinfo=UTC)):
        late = make_listing(host, public=False, accepted_on=date(2026, 1, 5))
        # The 30th working day after 5 January 2026 is Saturday 14 February, made a working day before the Spring Festival.
        found = service.listing_clock(service.resource(late.key))
        assert (
            found is not None
            and found.due_on == date(2026, 2, 14)
            and found.overdue
            and not found.provisional
        )
        listed = make_listing(host, accepted_on=date(2026, 1, 20))
        found = service.listing_clock(listed)
        assert found is not None and found.listed_in_time and not found.overdue
    abroad = people.make_institution(jurisdiction="US")
    assert service.listing_clock(make_listing(abroad, accepted_on=date(2026, 1, 5))) is None
