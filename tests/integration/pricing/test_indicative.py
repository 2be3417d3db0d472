"""Kept list prices: one row a class of customer and tariff, in force by the day asked."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select

from resource_hub.domain.accounts.terms import CustomerClass, Role
from resource_hub.domain.pricing import indicative
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.pricing.tables import IndicativePrice
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.by_host import ByHost
from resource_hub.kernel.keys import HostKey
from tests.builders.accounts import make_actor, make_institution
from tests.builders.catalogue import make_listing
from tests.builders.money import NOW, TARIFF

pytestmark = pytest.mark.usefixtures("in_app")
FIRM, HOUSE = ByHost(CustomerClass.FIRM_SMALL), ByHost(CustomerClass.IN_HOUSE)


def prices(classes: ByHost[CustomerClass], days: date | ByHost[date]) -> dict[UUID, tuple[int | None, str]]:
    asked = days if isinstance(days, ByHost) else ByHost(days)
    rows = reading().execute(pricing.prices_in_force(classes, asked))
    return {row.resource_id: (row.list_minor, row.per) for row in rows}


def hourly(amount: str) -> dict[str, Any]:
    return {"format": 1, "currency": "CNY", "hour": {"outside": amount}}


def test_a_class_has_its_own_price() -> None:
    key = make_listing(make_institution()).key
    assert prices(FIRM, date(2026, 3, 2)) == {}
    pricing.adopt(key, TARIFF, date(2026, 1, 1))
    assert prices(FIRM, date(2026, 3, 2)) == {key.id: (300_00, "hour")}
    assert prices(HOUSE, date(2026, 3, 2)) == {key.id: (150_00, "hour")}
    assert prices(
        ByHost(CustomerClass.FIRM_SMALL, {key.institution_id: CustomerClass.IN_HOUSE}), date(2026, 3, 2)
    ) == {key.id: (150_00, "hour")}


def test_without_a_rate_and_on_request_there_is_no_figure() -> None:
    host = make_institution()
    outside, ask = make_listing(host).key, make_listing(host).key
    pricing.adopt(outside, hourly("300.00"), date(2026, 1, 1))
    pricing.adopt(ask, {"format": 1, "currency": "CNY", "ask": True}, date(2026, 1, 1))
    assert prices(HOUSE, date(2026, 3, 2)) == {outside.id: (None, pricing.NONE), ask.id: (None, pricing.ASK)}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 12, 31), None),
        (date(2026, 1, 1), 300_00),
        (date(2026, 5, 31), 300_00),
        (date(2026, 6, 1), 400_00),
        (date(2026, 6, 30), 400_00),
        (date(2026, 7, 1), 500_00),
        (date(2030, 1, 1), 500_00),
    ],
)
def test_the_day_chooses_the_tariff(day: date, expected: int | None) -> None:
    key = make_listing(make_institution()).key
    for amount, since in (("300.00", (2026, 1, 1)), ("500.00", (2026, 7, 1)), ("400.00", (2026, 6, 1))):
        pricing.adopt(key, hourly(amount), date(*since))
    found = prices(FIRM, day).get(key.id)
    assert (found[0] if found else None) == expected


def test_each_host_has_its_own_day() -> None:
    here, there = (make_listing(make_institution()).key for _ in range(2))
    for key in (here, there):
        pricing.adopt(key, hourly("300.00"), date(2026, 1, 1))
        pricing.adopt(key, hourly("400.00"), date(2026, 3, 2))
    days = ByHost(date(2026, 3, 2), {there.institution_id: date(2026, 3, 1)})
    assert prices(FIRM, days) == {here.id: (400_00, "hour"), there.id: (300_00, "hour")}


def test_a_tariff_that_the_office_approves_is_kept_at_once_and_a_draft_is_not() -> None:
    host = make_institution()
    key = make_listing(host).key
    manager, office = make_actor(host, Role.MANAGER), make_actor(host, Role.OFFICE)
    with clock.fixed(NOW):
        draft = pricing.save_draft(key, hourly("320.00"), date(2026, 3, 2), by=manager)
        pricing.submit(draft.key, by=manager)
        assert prices(FIRM, date(2026, 3, 2)) == {}
        pricing.approve(HostKey(host.id, draft.key.id), by=office)
    assert prices(FIRM, date(2026, 3, 2)) == {key.id: (320_00, "hour")}


def test_what_is_missing_is_derived_once() -> None:
    host = make_institution()
    keys = [make_listing(host).key for _ in range(3)]
    for key in keys:
        pricing.adopt(key, TARIFF, date(2026, 1, 1))
    before = prices(FIRM, date(2026, 3, 2))
    with unit_of_work() as unit:
        unit.session.execute(delete(IndicativePrice))
    assert [pricing.keep_missing(2), pricing.keep_missing(2), pricing.keep_missing(2)] == [2, 1, 0]
    reading().rollback()
    assert prices(FIRM, date(2026, 3, 2)) == before
    assert reading().scalar(select(func.count()).select_from(IndicativePrice)) == 3 * len(
        CustomerClass
    ) * len(indicative.MODES)
