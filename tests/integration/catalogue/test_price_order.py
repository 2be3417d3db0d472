"""Search in order of the price in the end, for a visitor and for a firm with support; on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import BigInteger, event, literal, select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import OccupancyKind, Wish
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import Asked
from resource_hub.domain.catalogue import ordering, prices, service
from resource_hub.domain.catalogue.ports import PriceList
from resource_hub.domain.catalogue.service import Query
from resource_hub.domain.catalogue.terms import Mode, ResourceKind
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.subsidy.tables import Quota
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.by_host import ByHost
from resource_hub.kernel.money import Money
from resource_hub.reports import free_times, indicative_prices
from tests.builders.accounts import make_actor, make_group, make_institution
from tests.builders.availability import make_rules, make_weekly
from tests.builders.catalogue import make_contents, make_listing
from tests.builders.money import NOW, MoneyScene, make_money_scene

DAY = date(2026, 1, 1)
CHEAPEST = Query(order="price")
WEEK = Wish(date(2026, 3, 2), date(2026, 3, 8), 7200)


@pytest.fixture
def now(in_app: object) -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def listed(host: Any, code: str, kind: ResourceKind = ResourceKind.INSTRUMENT, **document: Any) -> Any:
    record = make_listing(host, code=code, kind=kind)
    if document:
        pricing.adopt(record.key, {"format": 1, "currency": "CNY", **document}, DAY)
    return record


def codes(query: Query = CHEAPEST, customer_id: Any = None) -> list[str]:
    """Every page, two at a time."""
    found: list[str] = []
    cursor = ""
    while True:
        page = service.search(replace(query, cursor=cursor, limit=2), customer_id=customer_id)
        found += [hit.resource.code for hit in page.hits]
        cursor = page.next_cursor
        if not cursor:
            return found


@pytest.mark.usefixtures("now")
def test_figures_first_then_who_asks_then_who_says_nothing() -> None:
    host = make_institution()
    listed(host, "NOTHING")
    listed(host, "ASK", ask=True)
    listed(host, "HOUSE-ONLY", hour={"in_house": "1.00"})
    listed(host, "ORDER", start_fee={"all": "1.00"})
    listed(host, "SAMPLE", sample={"all": "2.00"})
    listed(host, "DAY", day={"all": "3.00"})
    listed(host, "DEAR", hour={"all": "99999.99"})
    listed(host, "SAME-1", hour={"all": "5.00"})
    listed(host, "SAME-2", hour={"all": "5.00"})
    listed(host, "CHEAP", hour={"all": "4.99"})
    listed(host, "FREE", hour={"all": "0.00"})
    assert codes() == [
        "FREE", "CHEAP", "SAME-1", "SAME-2", "DEAR", "DAY", "SAMPLE", "ORDER", "ASK", "NOTHING", "HOUSE-ONLY",
    ]  # fmt: skip


@pytest.mark.usefixtures("now")
def test_what_stands_beside_a_hit() -> None:
    host = make_institution()
    listed(host, "NOTHING")
    listed(host, "ASK", ask=True)
    listed(host, "HOUR", hour={"all": "300.00"})
    shown = {hit.resource.code: hit.price for hit in service.search(CHEAPEST).hits}
    assert shown["NOTHING"] is None
    assert shown["ASK"] is not None and shown["ASK"].list_price is None
    assert shown["HOUR"] is not None and shown["HOUR"].list_price == Money.cny("300")
    assert shown["HOUR"].net_price is None  # nobody is known who could have support


@pytest.mark.parametrize("share", [0, 1, 333_333, 500_000, 999_999, 1_000_000])
@pytest.mark.parametrize("minor", [0, 1, 2, 3, 299_99, 10**14])
def test_the_database_cuts_as_the_figures_do(in_app: object, share: int, minor: int) -> None:
    # Beyond 9 × 10¹² fen the product would leave 64 bits; no hour costs that.
    minor = min(minor, 9 * 10**12)
    host = make_institution()
    record = listed(host, "ONE")
    row = select(
        literal(host.id, prices.Index.institution_id.type).label("institution_id"),
        literal(record.key.id, prices.Index.resource_id.type).label("resource_id"),
        literal(minor, BigInteger()).label("list_minor"),
        literal("hour").label("per"),
        literal("CNY").label("currency"),
    )
    by_price = prices.sorting(PriceList(row, ByHost(share), ByHost(0)))
    value = reading().scalar(
        select(by_price.value).select_from(prices.Index.__table__.join(by_price.rows, by_price.beside))
    )
    assert value == prices.after_support(minor, share)


# ---- a firm with support -----------------------------------------------------------------------------------------


@pytest.fixture
def firm(now: object) -> MoneyScene:
    """A firm whose voucher pays a quarter."""
    return make_money_scene()


def test_a_firm_sees_what_it_pays_in_the_end(firm: MoneyScene) -> None:
    own = next(h.price for h in service.search(CHEAPEST, customer_id=firm.customer_id).hits)
    assert own is not None and (own.list_price, own.net_price) == (Money.cny("300"), Money.cny("225"))
    group = make_group(firm.host)
    inside = next(h.price for h in service.search(CHEAPEST, customer_id=group.id).hits)
    assert inside is not None and (inside.list_price, inside.net_price) == (
        Money.cny("150"),
        Money.cny("150"),
    )


def test_support_changes_the_order(firm: MoneyScene) -> None:
    """A host to which the firm is tied gives no support: its lower list price is the higher price in the end."""
    tied = make_institution()
    for code, amount in (("T-224", "224.99"), ("T-225", "225.00"), ("T-226", "225.01")):
        listed(tied, code, hour={"all": amount})
    own = firm.resource.code
    with_support = {"T-224": "168.75", "T-225": "168.75", "T-226": "168.76", own: "225.00"}
    found = service.search(CHEAPEST, customer_id=firm.customer_id).hits
    assert {h.resource.code: h.price and h.price.net_price for h in found} == {
        code: Money.cny(amount) for code, amount in with_support.items()
    }
    # The declaration names the host.
    _declare(firm, tied.id)
    assert codes(customer_id=firm.customer_id) == ["T-224", own, "T-225", "T-226"]
    assert codes() == ["T-224", "T-225", "T-226", own]


def _declare(firm: MoneyScene, host_id: Any) -> None:
    with unit_of_work() as unit:
        for row in unit.session.scalars(select(Quota)):
            row.declaration = {**row.declaration, "related_hosts": [str(host_id)]}
    db.session.remove()


def test_without_a_quota_or_a_budget_nothing_is_promised(firm: MoneyScene) -> None:
    subsidy.set_budget(firm.voucher.id, 2026, Money.cny("0"))
    price = service.search(CHEAPEST, customer_id=firm.customer_id).hits[0].price
    assert price is not None and price.net_price == price.list_price == Money.cny("300")


def test_a_time_has_the_sums_that_its_booking_would_quote(firm: MoneyScene) -> None:
    found = free_times.search(Query(order="price"), WEEK, customer_id=firm.customer_id)
    sums = found.sums[firm.resource.key]
    assert (sums.list_price, sums.to_pay, sums.net) == (Money.cny("600"), Money.cny("450"), Money.cny("450"))
    visitor = free_times.search(Query(order="price"), WEEK)
    assert visitor.sums[firm.resource.key].net == Money.cny("600")


BY_MODE = {"hour": {"all": "300.00"}, "staff_hour": {"all": "120.00"}, "sample": {"all": "80.00"}}


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(
    ("modes", "amount", "per"),
    [
        ((), "300", "hour"),
        ((Mode.SELF_USE,), "300", "hour"),
        ((Mode.STAFF_RUN,), "420", "hour"),
        ((Mode.SEND_IN,), "80", "sample"),
        ((Mode.SELF_USE, Mode.STAFF_RUN), "300", "hour"),
    ],
)
def test_the_price_is_that_of_the_mode_that_is_looked_for(modes: Any, amount: str, per: str) -> None:
    host = make_institution()
    all_modes = (Mode.SELF_USE, Mode.STAFF_RUN, Mode.SEND_IN)
    record = make_listing(host, contents=make_contents(modes=all_modes))
    pricing.adopt(record.key, {"format": 1, "currency": "CNY", **BY_MODE}, DAY)
    (hit,) = service.search(Query(modes=modes)).hits
    assert hit.price is not None and (hit.price.list_price, hit.price.per) == (Money.cny(amount), per)


@pytest.mark.usefixtures("now")
def test_who_looks_for_a_mode_sorts_by_its_price() -> None:
    host = make_institution()
    for code, hour, staff in (("A", "100.00", "500.00"), ("B", "200.00", "100.00"), ("C", "250.00", None)):
        document: dict[str, Any] = {"hour": {"all": hour}, "sample": {"all": "1.00"}}
        if staff:
            document["staff_hour"] = {"all": staff}
        made = make_listing(host, code=code, contents=make_contents(modes=(Mode.SELF_USE, Mode.STAFF_RUN)))
        pricing.adopt(made.key, {"format": 1, "currency": "CNY", **document}, DAY)
    assert codes() == ["A", "B", "C"]
    assert codes(Query(order="price", modes=(Mode.STAFF_RUN,))) == ["C", "B", "A"]


@pytest.mark.usefixtures("now")
def test_samples_without_a_price_of_their_own_are_asked_for() -> None:
    record = make_listing(make_institution(), contents=make_contents(modes=(Mode.SELF_USE, Mode.SEND_IN)))
    pricing.adopt(record.key, {"format": 1, "currency": "CNY", "hour": {"all": "300.00"}}, DAY)
    (hit,) = service.search(Query(modes=(Mode.SEND_IN,))).hits
    assert hit.price is not None and (hit.price.list_price, hit.price.per) == (None, "ask")


@pytest.mark.parametrize(
    ("modes", "amount"), [((), "600"), ((Mode.STAFF_RUN,), "840"), ((Mode.SELF_USE,), "600")]
)
def test_a_time_costs_what_the_mode_looked_for_costs(firm: MoneyScene, modes: Any, amount: str) -> None:
    key = firm.resource.key
    pricing.adopt(key, {"format": 1, "currency": "CNY", **BY_MODE}, date(2026, 3, 1))
    assert firm.resource.modes[0] is Mode.SELF_USE
    found = free_times.search(Query(modes=modes), WEEK)
    assert found.sums[key].list_price == Money.cny(amount)
    asked = Asked(
        span=found.times[key].span, mode=modes[0] if modes else Mode.SELF_USE, customer_id=firm.customer_id
    )
    made = booking.request(key, asked, by=firm.booker)
    assert booking.sums_of([made])[made.key].list_price == Money.cny(amount)


def along(firm: MoneyScene, name: str, required: bool, currency: str = "CNY", **document: Any) -> Any:
    """What is booked together with the instrument, priced or not; what was linked before stays linked."""
    made = make_listing(
        firm.host, kind=ResourceKind.FACILITY, listed=False, bookable=True, name_zh=name, name_en=name
    )
    _open(made.key)
    if document:
        pricing.adopt(made.key, {"format": 1, "currency": currency, **document}, DAY)
    before = {link.helper_key.id: link.required for link in service.links_of([firm.resource.key])}
    office = make_actor(firm.host, Role.OFFICE)
    service.save_links(firm.resource.key, {**before, made.key.id: required}, by=office)
    return made


def test_the_sums_are_those_of_the_order_with_what_always_comes_along(firm: MoneyScene) -> None:
    room = along(firm, "制样室", True, hour={"all": "50.00"})
    along(firm, "操作员", False, hour={"all": "70.00"})
    along(firm, "无价", True)
    for customer_id in (firm.customer_id, None):
        found = free_times.search(Query(order="price"), WEEK, customer_id=customer_id)
        sums, key = found.sums[firm.resource.key], firm.resource.key
        assert sums.list_price == Money.cny("700")
        assert [one.key for one in found.included[key]] == [room.key] and key not in found.without
    span = found.times[key].span
    asked = Asked(span=span, mode=firm.resource.modes[0], customer_id=firm.customer_id)
    made = booking.request(key, asked, by=firm.booker)
    exact = free_times.search(Query(order="price"), WEEK, customer_id=firm.customer_id).sums[key]
    assert booking.sums_of([made])[made.key] == exact


def test_the_time_shown_is_one_at_which_what_always_comes_along_is_free(firm: MoneyScene) -> None:
    room = along(firm, "制样室", True, hour={"all": "50.00"})
    key = firm.resource.key
    before = free_times.search(CHEAPEST, WEEK).times[key].span
    with unit_of_work() as unit:
        availability.occupy(unit, room.key, None, before, OccupancyKind.BOOKING, new_id())
    after = free_times.search(CHEAPEST, WEEK).times[key].span
    assert after.start >= before.end
    asked = Asked(span=after, mode=firm.resource.modes[0], customer_id=firm.customer_id)
    assert booking.request(key, asked, by=firm.booker).span == after


@pytest.mark.parametrize(
    "document",
    [
        {"currency": "USD", "hour": {"all": "50.00"}},
        {"ask": True},
        {"hour": {"in_house": "50.00"}},
    ],
)
def test_what_cannot_be_added_is_named_as_left_out(firm: MoneyScene, document: dict[str, Any]) -> None:
    room = along(firm, "制样室", True, **document)
    found = free_times.search(Query(order="price"), WEEK, customer_id=firm.customer_id)
    key = firm.resource.key
    assert found.sums[key].list_price == Money.cny("600")
    assert [one.key for one in found.without[key]] == [room.key] and key not in found.included


def test_one_room_of_two_instruments_is_priced_with_each(firm: MoneyScene) -> None:
    room = along(firm, "制样室", True, hour={"all": "50.00"})
    second = listed(firm.host, "SECOND", hour={"all": "100.00"})
    _open(second.key)
    service.save_links(second.key, {room.key.id: True}, by=make_actor(firm.host, Role.OFFICE))
    found = free_times.search(CHEAPEST, WEEK)
    assert {found.sums[key].list_price for key in (firm.resource.key, second.key)} == {
        Money.cny("700"),
        Money.cny("300"),
    }


def test_times_in_order_of_price_page_by_page(firm: MoneyScene) -> None:
    for n, amount in enumerate(("310.00", "290.00", None)):
        record = listed(firm.host, f"R{n}", **({"hour": {"all": amount}} if amount else {"ask": True}))
        _open(record.key)
    shown, cursor = [], ""
    while True:
        page = free_times.search(
            Query(order="price", limit=1, cursor=cursor), WEEK, customer_id=firm.customer_id
        )
        shown += [hit.resource.code for hit in page.results.hits]
        assert page.results.total == 4
        cursor = page.results.next_cursor
        if not cursor:
            break
    assert shown == ["R1", firm.resource.code, "R0", "R2"]


def _open(key: Any) -> None:
    with unit_of_work() as unit:
        availability.set_hours_directly(unit, key, make_weekly(), make_rules())
        availability.rebuild(unit, [key], availability.kept_span())


@contextmanager
def statements() -> Iterator[list[str]]:
    db.session.remove()
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:  # type: ignore[no-untyped-def]
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_the_number_of_queries_does_not_grow(firm: MoneyScene) -> None:
    counts = []
    for more in (0, 8):
        for n in range(more):
            record = listed(make_institution(), f"M{n}", hour={"all": "200.00"})
            _open(record.key)
        with statements() as sent:
            found = free_times.search(CHEAPEST, WEEK, customer_id=firm.customer_id)
        assert len(found.sums) == 1 + more
        counts.append(len(sent))
        with statements() as sent:
            free_times.search(CHEAPEST, WEEK)
        assert len(sent) <= 17
    # One more where the page's hosts are not the ones that the support was asked of.
    assert counts[1] <= counts[0] + 1 <= 35


def test_the_day_is_the_one_at_the_host(now: object) -> None:
    tokyo = make_institution(zone="Asia/Tokyo")
    late = clock.fixed(NOW + timedelta(hours=15, minutes=30))  # 23:30 in Beijing, half past midnight in Tokyo
    with late:
        days = indicative_prices.today()
    assert (days.usual, days.at(tokyo.id)) == (date(2026, 3, 2), date(2026, 3, 3))


def test_a_cursor_of_another_order_begins_anew(now: object) -> None:
    host = make_institution()
    listed(host, "A", hour={"all": "2.00"})
    listed(host, "B", hour={"all": "1.00"})
    by_name = service.search(Query(order="name", limit=1)).next_cursor
    assert [h.resource.code for h in service.search(replace(CHEAPEST, cursor=by_name)).hits] == ["B", "A"]
    assert ordering.decode(by_name, "price") is None
