"""What search results are sorted by, and where the next page begins: a cursor holds the value and the row number."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.sql.elements import ColumnElement

from resource_hub.domain.catalogue import places, prices
from resource_hub.domain.catalogue.ports import PriceList
from resource_hub.domain.catalogue.tables import ResourceIndex as Index

MAX_PAGE = 100


@dataclass(frozen=True, slots=True)
class Ordering:
    """What a page of a search for time is sorted by."""

    order: str
    value: ColumnElement[Any]
    number: bool
    descending: bool
    prices: prices.Sorting | None = None


def ordering_of(
    order: str, near: tuple[int, int] | None, fitting: Subquery, price_list: PriceList | None
) -> Ordering:
    if order == "soonest":
        return Ordering(order, fitting.c.at_micros, True, False)
    if order == "distance" and near is not None:
        return Ordering(order, distance(near), True, False)
    if order == "price" and price_list is not None:
        by_price = prices.sorting(price_list)
        return Ordering(order, by_price.value, True, False, by_price)
    if order == "newest":
        return Ordering(order, listed(), False, True)
    return Ordering(order, type_coerce(Index.sort_name, Text), False, False)


def listed() -> ColumnElement[Any]:
    return func.coalesce(func.replace(cast(Index.listed_on, Text), "-", ""), "")


def page_part(
    cursor: str,
    limit: int,
    ordering: Ordering,
    hits: CTE,
    host_text: ColumnElement[Any],
    conditions: list[ColumnElement[bool]],
    postgresql: bool,
) -> Select[Any]:
    """Keys of one page and one more as rows of the statement of the facets: host, resource, row number, value."""
    value = hits.c.score
    if ordering.order == "distance":
        conditions.append(value.is_not(None))
    given = decode(cursor, ordering.order) if cursor else None
    if given is not None:
        after, docid = given
        further = (
            value < bindparam("after", after) if ordering.descending else value > bindparam("after", after)
        )
        conditions.append(or_(further, and_(value == bindparam("after", after), hits.c.docid > docid)))
    resource_text = (
        func.replace(cast(hits.c.resource_id, Text), "-", "") if postgresql else func.hex(hits.c.resource_id)
    )
    word = host_text + "|" + resource_text + "|" + cast(hits.c.docid, Text) + "|" + cast(value, Text)
    chosen = (
        select(word.label("word"))
        .select_from(hits)
        .where(*conditions)
        .order_by(value.desc() if ordering.descending else value, hits.c.docid)
        .limit(min(max(limit, 1), MAX_PAGE) + 1)
        .subquery("page")
    )
    return select(literal("page"), chosen.c.word, literal(0))


def distance(near: tuple[int, int]) -> ColumnElement[Any]:
    """A whole number that grows with the distance: squared thousandths of degrees, longitude shrunk as it is there."""
    latitude, longitude = near
    dy = (Index.latitude_micro - latitude) / 1000
    dx = (Index.longitude_micro - longitude) / 1000 * places.scale_at(latitude) / 1000
    return cast(dy * dy + dx * dx, BigInteger)


def encode(order: str, score: tuple[Any, int]) -> str:
    body = json.dumps([order, score[0], score[1]], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def decode(cursor: str, order: str) -> tuple[Any, int] | None:
    """Where the last page ended; None for a cursor of another order, or one that is none."""
    try:
        body = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        kind, value, docid = json.loads(body)
    except (ValueError, TypeError):
        return None
    wanted: type = str if order in ("name", "newest") else int
    if (
        kind != order
        or not isinstance(value, wanted)
        or not isinstance(docid, int)
        or isinstance(docid, bool)
    ):
        return None
    return value, docid
