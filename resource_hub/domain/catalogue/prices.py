"""Indicative prices in a search: what results are put in order by, and what stands beside a hit.

Both come from the same whole-number arithmetic, so that the order never contradicts the figures shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, FromClause, and_, case, cast, func, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from resource_hub.domain.catalogue.ports import IndicativePrice, PriceList
from resource_hub.domain.catalogue.tables import ResourceIndex as Index
from resource_hub.domain.catalogue.terms import ResourceKind, ResourceRecord
from resource_hub.infra.database import reading
from resource_hub.infra.rows import by_host
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money

MILLION = 1_000_000
# Amounts of different units are not compared: by the hour first, then by the day, the sample and the order.
_UNITS = {"hour": 0, "day": 1, "sample": 2}
_OTHER_UNIT, _ASK, _NO_PRICE = 3, 8, 9
ASK = "ask"
# Above every amount: a whole number of fen has fifteen digits.
_RANK = 10**15


def after_support(list_minor: int, share: int) -> int:
    """What is left of a list price when programmes pay a share of it, in millionths; their part is cut to whole fen."""
    return list_minor - list_minor * share // MILLION


@dataclass(frozen=True, slots=True)
class Sorting:
    """Results by price: the rows to join, how they lie beside the index, and the value to sort by."""

    rows: FromClause
    beside: ColumnElement[bool]
    value: ColumnElement[Any]


def sorting(prices: PriceList) -> Sorting:
    """By a whole number that grows with the price in the end; who must be asked stands after every figure, and who says
    nothing after those."""
    # PostgreSQL reads them in one go: a plan that looks up the price of each resource takes four times as long. SQLite
    # looks them up: of rows read in one go it would read all for each resource.
    table: FromClause = prices.rows.subquery("prices")
    if reading().get_bind().dialect.name == "postgresql":
        table = prices.rows.cte("prices").prefix_with("MATERIALIZED")
    rows = table.c
    share = case(
        (Index.kind == ResourceKind.SERVICE.value, by_host(Index.institution_id, prices.service_support)),
        else_=by_host(Index.institution_id, prices.support),
    )
    rank = case(
        (rows.list_minor.is_not(None), case(_UNITS, value=rows.per, else_=_OTHER_UNIT)),
        (rows.per == ASK, _ASK),
        else_=_NO_PRICE,
    )
    listed = func.coalesce(rows.list_minor, 0)
    # SQLite and PostgreSQL both cut the quotient of whole numbers.
    left = listed - cast(listed * cast(share, BigInteger), BigInteger).op("/")(MILLION)
    return Sorting(
        table,
        and_(Index.institution_id == rows.institution_id, Index.resource_id == rows.resource_id),
        cast(rank, BigInteger) * _RANK + left,
    )


def of(records: Sequence[ResourceRecord], prices: PriceList | None) -> dict[HostKey, IndicativePrice]:
    """Prices of a page; resources of which nobody says anything are left out."""
    if not records or prices is None:
        return {}
    rows = prices.rows.subquery("prices").c
    keys = [tuple(record.key) for record in records]
    found = reading().execute(
        select(rows.institution_id, rows.resource_id, rows.list_minor, rows.per, rows.currency).where(
            tuple_(rows.institution_id, rows.resource_id).in_(keys)
        )
    )
    services = {record.key for record in records if record.kind is ResourceKind.SERVICE}
    result: dict[HostKey, IndicativePrice] = {}
    for institution_id, resource_id, minor, per, currency in found:
        key = HostKey(institution_id, resource_id)
        if minor is None:
            if per == ASK:
                result[key] = IndicativePrice(None, ASK)
            continue
        net = None
        if prices.personal:
            shares = prices.service_support if key in services else prices.support
            net = Money(after_support(minor, shares.at(institution_id)), currency)
        result[key] = IndicativePrice(Money(minor, currency), per, net)
    return result
