"""Firms: registration by code, doubts and who overrides them, joining, sizes by date."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.errors import (
    AlreadyAnswered,
    AlreadyMember,
    BadInput,
    Changed,
    CodeInvalid,
    CodeSuspect,
    FirmExists,
    NotYours,
    UnknownOrganisation,
    UnknownRequest,
)
from resource_hub.domain.accounts.terms import (
    CustomerClass,
    FirmFacts,
    MembershipState,
    OrganisationState,
    Role,
    SizeClass,
)
from resource_hub.infra import clock
from resource_hub.kernel.money import Money
from tests.builders import accounts as build

pytestmark = pytest.mark.usefixtures("in_app")
FIELDS = service.OrganisationFields(name_zh="合肥某某科技有限公司", name_en="Hefei Something Ltd.")
GOOD = "91110000600037341L"
SUSPECT = "91350211M00013FA1N"


def test_a_good_code_is_active_at_once_and_makes_a_customer() -> None:
    person = build.make_person()
    firm = service.register_firm(person.id, uscc=" 91110000 60003734 1l", fields=FIELDS)
    assert (firm.uscc, firm.state, firm.code) == (GOOD, OrganisationState.ACTIVE, "hefei-something-ltd")
    by = service.actor(person.id, firm.code)
    assert by.has(Role.FIRM_ADMIN) and by.customer_ids == {service.customer_of(firm.id).id}


def test_the_same_code_twice_offers_joining() -> None:
    service.register_firm(build.make_person().id, uscc=GOOD, fields=FIELDS)
    with pytest.raises(FirmExists):
        service.register_firm(build.make_person().id, uscc=GOOD.lower(), fields=FIELDS)
    assert [o.uscc for o in service.joinable(GOOD)] == [GOOD]


def test_shape_is_refused_check_digits_are_warned_about() -> None:
    person = build.make_person()
    with pytest.raises(CodeInvalid):
        service.register_firm(person.id, uscc="12345", fields=FIELDS, keep_suspect=True)
    with pytest.raises(CodeSuspect) as warned:
        service.register_firm(person.id, uscc=SUSPECT, fields=FIELDS)
    assert [r.code for r in warned.value.reasons] == ["accounts.uscc.check"]
    with pytest.raises(BadInput) as all_at_once:
        service.register_firm(person.id, uscc=SUSPECT, fields=service.OrganisationFields(zone="Mars/Base"))
    assert {r.place for r in all_at_once.value.reasons} == {"name_zh", "zone", "uscc"}


def test_a_suspect_code_waits_books_nothing_and_is_overridden_by_staff_with_a_reason() -> None:
    platform = build.make_platform()
    staff = build.make_actor(platform, Role.PLATFORM_STAFF)
    person = build.make_person()
    firm = service.register_firm(person.id, uscc=SUSPECT, fields=FIELDS, keep_suspect=True)
    assert firm.state is OrganisationState.PENDING
    assert service.actor(person.id, firm.id).customer_ids == frozenset()
    assert [o.id for o in service.registrations_to_check(staff)] == [firm.id]
    with pytest.raises(NotYours):
        service.decide_registration(
            firm.id, accept=True, reason="执照", version=1, by=service.actor(person.id, firm.id)
        )
    with pytest.raises(BadInput):
        service.decide_registration(firm.id, accept=True, reason=" ", version=1, by=staff)
    with pytest.raises(Changed):
        service.decide_registration(firm.id, accept=True, reason="已核对执照", version=9, by=staff)
    made = service.decide_registration(firm.id, accept=True, reason="已核对执照", version=1, by=staff)
    assert made.state is OrganisationState.ACTIVE and made.uscc_override_reason == "已核对执照"
    assert service.actor(person.id, firm.id).customer_ids
    with pytest.raises(AlreadyAnswered):
        service.decide_registration(firm.id, accept=False, reason="again", version=2, by=staff)


def test_a_refused_registration_gives_the_code_free() -> None:
    staff = build.make_actor(build.make_platform(), Role.PLATFORM_STAFF)
    person = build.make_person()
    firm = service.register_firm(person.id, uscc=SUSPECT, fields=FIELDS, keep_suspect=True)
    service.decide_registration(firm.id, accept=False, reason="no such firm", version=1, by=staff)
    with pytest.raises(UnknownOrganisation):
        service.actor(person.id, firm.id)
    assert service.register_firm(person.id, uscc=SUSPECT, fields=FIELDS, keep_suspect=True).id != firm.id


def test_joining_is_answered_by_the_administrator_of_that_firm_only() -> None:
    firm, other = build.make_firm(), build.make_firm()
    admin, stranger = build.make_actor(firm, Role.FIRM_ADMIN), build.make_actor(other, Role.FIRM_ADMIN)
    booker = build.make_actor(firm, Role.BOOKER)
    person = build.make_person()
    request = service.ask_to_join(firm.id, person.id)
    assert service.ask_to_join(firm.id, person.id).id == request.id
    assert [r.id for r, _ in service.join_requests(admin)] == [request.id]
    with pytest.raises(UnknownRequest):
        service.answer_join(request.id, accept=True, by=stranger)
    with pytest.raises(NotYours):
        service.answer_join(request.id, accept=True, by=booker)
    with pytest.raises(UnknownOrganisation):
        service.actor(person.id, firm.id)
    made = service.answer_join(request.id, accept=True, role=Role.APPROVER, limit=Money.cny(5000), by=admin)
    assert made.state is MembershipState.ACTIVE
    assert service.actor(person.id, firm.id).approve_limit == Money.cny(5000)
    with pytest.raises(AlreadyAnswered):
        service.answer_join(request.id, accept=False, by=admin)
    with pytest.raises(AlreadyMember):
        service.ask_to_join(firm.id, person.id)


def test_a_request_can_be_withdrawn_by_whoever_made_it() -> None:
    firm = build.make_firm()
    person, other = build.make_person(), build.make_person()
    request = service.ask_to_join(firm.id, person.id)
    with pytest.raises(UnknownRequest):
        service.withdraw_request(request.id, other.id)
    service.withdraw_request(request.id, person.id)
    assert service.my_requests(person.id) == []


def test_funders_and_the_platform_cannot_be_joined() -> None:
    person = build.make_person()
    for organisation in (build.make_funder(), build.make_platform()):
        with pytest.raises(UnknownOrganisation):
            service.ask_to_join(organisation.id, person.id)


def test_size_by_date_and_its_class_for_a_host() -> None:
    host, firm = build.make_institution(), build.make_firm(as_of=None)
    admin = build.make_actor(firm, Role.FIRM_ADMIN)
    customer = service.customer_of(firm.id).id
    with clock.fixed(datetime(2025, 7, 1, 4, tzinfo=UTC)):
        for day, staff, income in [(date(2024, 1, 1), 300, "2000"), (date(2025, 7, 1), 1000, "40000")]:
            service.record_firm_facts(
                firm.id,
                FirmFacts("industry", staff, Money.cny(income) * 10_000, Money.cny(1)),
                as_of=day,
                by=admin,
            )
        with pytest.raises(BadInput) as future:
            service.record_firm_facts(
                firm.id, FirmFacts("industry", -1, Money.cny(-1)), as_of=date(2025, 7, 2), by=admin
            )
    assert {r.place for r in future.value.reasons} == {"staff", "income", "as_of"}
    expected = {
        date(2023, 12, 31): (None, CustomerClass.FIRM_UNSIZED),
        date(2024, 1, 1): (SizeClass.MEDIUM, CustomerClass.FIRM_MEDIUM),
        date(2025, 6, 30): (SizeClass.MEDIUM, CustomerClass.FIRM_MEDIUM),
        date(2025, 7, 1): (SizeClass.LARGE, CustomerClass.FIRM_LARGE),
    }
    for day, (size, customer_class) in expected.items():
        assert service.firm_size(customer, day) is size
        assert service.customer_class(host.id, None, customer, day) is customer_class
    assert len(service.firm_facts_history(firm.id)) == 2


def test_facts_are_the_firms_own_affair() -> None:
    firm = build.make_firm()
    for by in (build.make_actor(firm, Role.BOOKER), build.make_actor(build.make_firm(), Role.FIRM_ADMIN)):
        with pytest.raises(NotYours):
            service.record_firm_facts(firm.id, FirmFacts("industry", 1), as_of=date(2024, 1, 1), by=by)


def test_a_hosts_own_decision_on_a_class_holds_from_its_day_until_withdrawn() -> None:
    host, firm = build.make_institution(), build.make_firm()
    office = build.make_actor(host, Role.OFFICE)
    customer = service.customer_of(firm.id).id
    service.decide_class(
        host.id, customer, CustomerClass.ACADEMIC, since=date(2025, 3, 1), reason="共建", by=office
    )
    service.decide_class(host.id, customer, None, since=date(2025, 6, 1), reason="到期", by=office)
    classes = [
        service.customer_class(host.id, None, customer, day)
        for day in (date(2025, 2, 28), date(2025, 3, 1), date(2025, 5, 31), date(2025, 6, 1))
    ]
    assert classes == [
        CustomerClass.FIRM_SMALL,
        CustomerClass.ACADEMIC,
        CustomerClass.ACADEMIC,
        CustomerClass.FIRM_SMALL,
    ]
    assert service.customer_class(build.make_institution().id, None, customer, date(2025, 4, 1)).is_firm
