"""The builders that every other area starts from."""

from __future__ import annotations

from datetime import date

import pytest

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.terms import CustomerClass, Role, SizeClass
from tests.builders import accounts as build

pytestmark = pytest.mark.usefixtures("in_app")


def test_a_small_world() -> None:
    host = build.make_institution(code="ustc")
    lab = build.make_department(host, code="sem")
    other = build.make_institution()
    firm = build.make_firm()
    unsized = build.make_firm(as_of=None)
    manager = build.make_person(roles=[(host, Role.MANAGER, {"department_id": lab.id})])
    booker = build.make_person(roles=[(firm, Role.BOOKER)])
    group = build.make_group(host, department=lab, leader=booker)
    on = date(2025, 3, 1)
    assert service.firm_size(build.customer_of(firm).id, on) is SizeClass.SMALL
    assert service.firm_size(build.customer_of(firm).id, date(2019, 12, 31)) is None
    classes = [
        service.customer_class(host.id, lab.id, c.id, on)
        for c in (group, build.customer_of(other), build.customer_of(firm), build.customer_of(unsized))
    ]
    assert classes == [
        CustomerClass.OWN_GROUP,
        CustomerClass.ACADEMIC,
        CustomerClass.FIRM_SMALL,
        CustomerClass.FIRM_UNSIZED,
    ]
    assert build.actor(booker, firm).customer_ids == {build.customer_of(firm).id}
    assert build.actor(manager, host).department_ids == {lab.id}
    assert service.people_with_role(host.id, Role.MANAGER, department_id=lab.id) == [manager.id]
    assert service.sign_in(booker.email, build.PASSWORD).id == booker.id
