"""Search over everything that is public: text in both languages, facets with counts, pages by cursor, distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Integer,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.elements import ColumnElement

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationRecord
from resource_hub.domain.catalogue import index, ordering, places, ports, prices, store
from resource_hub.domain.catalogue import text as words
from resource_hub.domain.catalogue.facets import FacetValue, facets_and_page, same_as
from resource_hub.domain.catalogue.ports import IndicativePrice, PriceList
from resource_hub.domain.catalogue.query import Query, filters_of, hosts_of
from resource_hub.domain.catalogue.tables import ResourceIndex as Index
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.infra.database import PLANNED_ANEW, reading
from resource_hub.kernel.keys import HostKey


@dataclass(frozen=True, slots=True)
class Hit:
    """One resource found, with what the list shows beside it."""

    resource: ResourceRecord
    host: OrganisationRecord
    kilometres: int | None = None
    price: IndicativePrice | None = None
    next_free: datetime | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """A page of hits, how many there are in all, counts by facet, and the way on.

    ``hosts`` names the values of the host facet. ``suggestions`` are nearest words when nothing was found.
    """

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, tuple[FacetValue, ...]]
    next_cursor: str = ""
    hosts: Mapping[str, OrganisationRecord] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()
    near: tuple[int, int] | None = None
    place_unknown: bool = False


_FTS = sql_table("resource_text", sql_column("rowid"), sql_column("rank"))


def search(
    query: Query,
    *,
    customer_id: UUID | None = None,
    fitting: Subquery | None = None,
    inside: frozenset[UUID] = frozenset(),
) -> Results:
    """Find public resources.

    Args:
        customer_id: for whom indicative prices are shown and sorted by; None for a visitor, who sees an outside firm's
            list price.
        fitting: only resources in these rows (``institution_id``, ``resource_id``), which carry a number to order the
            soonest by (``at_micros``): those that are free at a time. The counts of the facets know them too.
        inside: hosts at whose resources the reader is no outsider; of others only what is open to outsiders has a time.
    """
    session = reading()
    postgresql = session.get_bind().dialect.name == "postgresql"
    terms = words.parse_query(query.text)
    near = _where_is(query.near) if query.near else None
    hosts = hosts_of(query.hosts)
    filters = filters_of(query, hosts)
    match = _match(terms, postgresql)
    if words.runs(query.text) == [] and query.text.strip():
        match = literal(False)
    if fitting is not None:
        ours = or_(Index.open_to_outside.is_(True), Index.institution_id.in_(sorted(inside)))
        match = ours if match is None else and_(match, ours)
    order = replace(query, near=query.near if near else "", timed=fitting is not None).effective_order()
    price_list = ports.price_list(customer_id, query.mode)
    if order == "price" and price_list is None:
        order = "name"
    wanted = None
    if fitting is not None and order != "relevance":
        wanted = ordering.ordering_of(order, near, fitting, price_list)
    total, facets, host_ids, keys, scores = facets_and_page(query, match, filters, fitting, wanted)
    if wanted is None:
        keys, scores = _page(query, order, terms, match, filters, near, postgresql, fitting, price_list)
    limit = min(max(query.limit, 1), ordering.MAX_PAGE)
    more = len(keys) > limit
    shown = keys[:limit]
    hits = _hits(shown, near, price_list, timed=fitting is not None)
    names = accounts.organisation_names(host_ids | {key.institution_id for key in shown})
    facets["host"] = tuple(
        replace(value, value=names[UUID(value.value)].code)
        for value in facets["host"]
        if UUID(value.value) in names
    )
    return Results(
        hits=hits,
        total=total,
        facets=facets,
        next_cursor=ordering.encode(order, scores[limit - 1]) if more else "",
        hosts={record.code: record for record in names.values()},
        suggestions=() if total or not terms else suggestions(query.text),
        near=near,
        place_unknown=bool(query.near) and near is None,
    )


def nearest_elsewhere(query: Query) -> int:
    """How many there would be without the filters of place, host and mode: said when a search finds nothing."""
    plain = Query(text=query.text, kinds=query.kinds)
    session = reading()
    match = _match(words.parse_query(plain.text), session.get_bind().dialect.name == "postgresql")
    conditions = [c for c in (match, *filters_of(plain, {}).values()) if c is not None]
    return session.scalar(select(func.count()).select_from(Index).where(*conditions)) or 0


def _where_is(name: str) -> tuple[int, int] | None:
    """A place by its name: the table of cities, else the middle of what is listed there."""
    known = places.locate(name)
    if known:
        return known
    row = (
        reading()
        .execute(
            select(func.avg(Index.latitude_micro), func.avg(Index.longitude_micro)).where(
                Index.city == name.strip(), Index.latitude_micro.is_not(None)
            )
        )
        .one()
    )
    return (int(row[0]), int(row[1])) if row[0] is not None else None


def _match(terms: list[words.Term], postgresql: bool) -> ColumnElement[bool] | None:
    if not terms:
        return None
    if postgresql:
        return Index.tokens.bool_op("@@")(cast(literal(words.tsquery(terms)), TSQUERY))
    found = select(_FTS.c.rowid).where(
        text("resource_text MATCH :fts").bindparams(fts=words.fts5_query(terms))
    )
    return Index.docid.in_(found)


def _page(
    query: Query,
    order: str,
    terms: list[words.Term],
    match: ColumnElement[bool] | None,
    filters: Mapping[str, ColumnElement[bool]],
    near: tuple[int, int] | None,
    postgresql: bool,
    fitting: Subquery | None,
    price_list: PriceList | None,
) -> tuple[list[HostKey], list[tuple[Any, int]]]:
    """Keys of one page and one more, with the sorting value of each for the cursor."""
    source: Any = Index
    value: Any
    descending = False
    conditions = [condition for condition in (match, *filters.values()) if condition is not None]
    if order == "relevance":
        descending = True
        if postgresql:
            rank = func.ts_rank_cd(Index.tokens, cast(literal(words.tsquery(terms)), TSQUERY), 1)
            value = cast(rank * 1_000_000, BigInteger) * _weight()
        else:
            # The index is asked once, with its rank; the condition from `_match` would ask it again.
            conditions = [
                *filters.values(),
                literal_column("resource_text").op("MATCH")(literal(words.fts5_query(terms))),
            ]
            source = _FTS.join(Index.__table__, _FTS.c.rowid == Index.docid)
            value = cast(literal_column("bm25(resource_text)") * -1_000_000, Integer) * _weight()
    elif order == "distance" and near is not None:
        value = ordering.distance(near)
        conditions.append(Index.latitude_micro.is_not(None))
    elif order == "price" and price_list is not None:
        by_price = prices.sorting(price_list)
        value = by_price.value
        source = Index.__table__.outerjoin(by_price.rows, by_price.beside)
    elif order == "newest":
        descending = True
        value = ordering.listed()
    else:
        value = Index.sort_name
    if query.cursor:
        given = ordering.decode(query.cursor, order)
        if given is not None:
            after, docid = given
            further = value < bindparam("after", after) if descending else value > bindparam("after", after)
            conditions.append(or_(further, and_(value == bindparam("after", after), Index.docid > docid)))
    if fitting is not None:
        source = (Index.__table__ if source is Index else source).join(fitting, same_as(fitting))
    statement = (
        select(Index.institution_id, Index.resource_id, value, Index.docid)
        .select_from(source)
        .where(*conditions)
        .order_by(value.desc() if descending else value, Index.docid)
        .limit(min(max(query.limit, 1), ordering.MAX_PAGE) + 1)
    )
    rows = reading().execute(statement.execution_options(**{PLANNED_ANEW: fitting is not None})).all()
    return [HostKey(row[0], row[1]) for row in rows], [(row[2], row[3]) for row in rows]


def _weight() -> ColumnElement[Any]:
    """Who searches for a method wants machines first; tests sold one by one have short texts that rank too high."""
    return case((Index.kind.in_(["instrument", "facility"]), 3), else_=2)


def _hits(
    keys: list[HostKey],
    near: tuple[int, int] | None,
    price_list: PriceList | None,
    *,
    timed: bool,
) -> tuple[Hit, ...]:
    session = reading()
    rows = {HostKey(row.institution_id, row.id): row for row in store.rows_of_keys(session, keys)}
    hosts = accounts.organisation_names({key.institution_id for key in keys})
    counts = store.unit_counts(session, keys)
    free = {} if timed else ports.next_free(keys)
    records = []
    for key in keys:
        row, host = rows.get(key), hosts.get(key.institution_id)
        if row is not None and host is not None:
            records.append(
                store.record_of(row, zone=host.zone, host_code=host.code, units=counts.get(key, 0))
            )
    costs = prices.of(records, price_list)
    hits = []
    for record in records:
        host = hosts[record.key.institution_id]
        here = index.whereabouts(record.contents, host)
        away = places.kilometres(near, here) if near and here else None
        hits.append(Hit(record, host, away, costs.get(record.key), free.get(record.key)))
    return tuple(hits)


def prices_for(
    records: Sequence[ResourceRecord], customer_id: UUID | None = None
) -> dict[HostKey, IndicativePrice]:
    """Indicative prices of some resources for a customer."""
    return prices.of(records, ports.price_list(customer_id))


def suggestions(query: str, limit: int = 5) -> tuple[str, ...]:
    """Words of listings nearest to those of a query that finds nothing."""
    session = reading()
    known: dict[str, None] = {}
    for line in session.scalars(select(Index.words).limit(20_000)):
        known.update(dict.fromkeys(line.split()))
    result: dict[str, None] = {}
    for run in words.runs(query)[:4]:
        result.update(dict.fromkeys(words.closest(run, known, limit)))
    return tuple(result)[:limit]
