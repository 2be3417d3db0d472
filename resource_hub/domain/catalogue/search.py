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
    Text,
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
    union_all,
)
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.elements import ColumnElement

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.errors import UnknownOrganisation
from resource_hub.domain.accounts.terms import OrganisationRecord
from resource_hub.domain.catalogue import index, ordering, places, ports, prices, store
from resource_hub.domain.catalogue import text as words
from resource_hub.domain.catalogue.ports import IndicativePrice, PriceList
from resource_hub.domain.catalogue.tables import ResourceIndex as Index
from resource_hub.domain.catalogue.terms import MODE_BITS, Mode, ResourceKind, ResourceRecord
from resource_hub.infra.database import reading
from resource_hub.kernel.keys import HostKey

PAGE = 20
ORDERS = ("relevance", "name", "newest", "distance", "price", "soonest")
# A facet shows at most so many values; the commonest first.
FACET_VALUES = 15


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked. An empty one browses everything. Values of one facet are alternatives, facets add up."""

    text: str = ""
    kinds: tuple[ResourceKind, ...] = ()
    hosts: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    class_groups: tuple[str, ...] = ()
    modes: tuple[Mode, ...] = ()
    open_to_outside: bool = False
    near: str = ""
    order: str = ""
    cursor: str = ""
    limit: int = PAGE
    timed: bool = False  # a free time is looked for as well

    def effective_order(self) -> str:
        wanted = self.order in ORDERS and not (self.order == "distance" and not self.near)
        if wanted and not (self.order == "soonest" and not self.timed):
            return self.order if self.order != "relevance" or words.parse_query(self.text) else "name"
        if self.timed:
            return "soonest"
        if words.parse_query(self.text):
            return "relevance"
        return "distance" if self.near else "name"


@dataclass(frozen=True, slots=True)
class Hit:
    """One resource found, with what the list shows beside it."""

    resource: ResourceRecord
    host: OrganisationRecord
    kilometres: int | None = None
    price: IndicativePrice | None = None
    next_free: datetime | None = None


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: str
    count: int
    chosen: bool = False


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


def search(query: Query, *, customer_id: UUID | None = None, fitting: Subquery | None = None) -> Results:
    """Find public resources.

    Args:
        customer_id: for whom indicative prices are shown and sorted by; None for a visitor, who sees an outside firm's
            list price.
        fitting: only resources in these rows (``institution_id``, ``resource_id``), which carry a number to order the
            soonest by (``at_micros``): those that are free at a time. The counts of the facets know them too.
    """
    session = reading()
    postgresql = session.get_bind().dialect.name == "postgresql"
    terms = words.parse_query(query.text)
    near = _where_is(query.near) if query.near else None
    hosts = _hosts(query.hosts)
    filters = _filters(query, hosts)
    match = _match(terms, postgresql)
    if words.runs(query.text) == [] and query.text.strip():
        match = literal(False)
    order = replace(query, near=query.near if near else "", timed=fitting is not None).effective_order()
    price_list = ports.price_list(customer_id)
    if order == "price" and price_list is None:
        order = "name"
    wanted = None
    if fitting is not None and order != "relevance":
        wanted = ordering.ordering_of(order, near, fitting, price_list)
    total, facets, host_ids, keys, scores = _facets(query, match, filters, fitting, wanted)
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
    conditions = [c for c in (match, *_filters(plain, {}).values()) if c is not None]
    return session.scalar(select(func.count()).select_from(Index).where(*conditions)) or 0


def _hosts(codes: Sequence[str]) -> dict[str, UUID]:
    found: dict[str, UUID] = {}
    for code in codes:
        try:
            found[code] = accounts.organisation(code).id
        except UnknownOrganisation:
            continue
    return found


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


def _filters(query: Query, hosts: Mapping[str, UUID]) -> dict[str, ColumnElement[bool]]:
    """One condition a facet that is in use."""
    filters: dict[str, ColumnElement[bool]] = {}
    if query.kinds:
        filters["kind"] = Index.kind.in_([str(kind) for kind in query.kinds])
    if query.hosts:
        filters["host"] = Index.institution_id.in_(list(hosts.values()))
    if query.cities:
        filters["city"] = Index.city.in_([s for city in query.cities for s in places.spellings(city)])
    if query.class_groups:
        filters["class"] = or_(*(_class_condition(code) for code in query.class_groups))
    if query.modes:
        bits = 0
        for mode in query.modes:
            bits |= MODE_BITS[mode]
        filters["mode"] = Index.modes.bitwise_and(bits) != 0
    if query.open_to_outside:
        filters["open"] = Index.open_to_outside.is_(True)
    return filters


def _class_condition(code: str) -> ColumnElement[bool]:
    if len(code) <= 2:
        return Index.class_group == code
    return and_(Index.class_group == code[:2], Index.class_code.startswith(code, autoescape=True))


def _facets(
    query: Query,
    match: ColumnElement[bool] | None,
    filters: Mapping[str, ColumnElement[bool]],
    fitting: Subquery | None,
    sorting: ordering.Ordering | None,
) -> tuple[int, dict[str, tuple[FacetValue, ...]], set[UUID], list[HostKey], list[tuple[Any, int]]]:
    """Counts by facet in one statement. A facet's own choice does not narrow its counts.

    With an ordering the keys of the page come along, so that what fits is worked out once.
    """
    found = select(
        Index.kind, Index.institution_id, Index.city, Index.class_group, Index.class_code, Index.modes,
        Index.open_to_outside,
    )  # fmt: skip
    if match is not None:
        found = found.where(match)
    if fitting is not None:
        found = found.join(fitting, _same(fitting))
    # Conditions are written on the index's columns; the shared rows carry one flag a facet in use.
    flags = {name: case((condition, 1), else_=0).label(f"in_{name}") for name, condition in filters.items()}
    if sorting is not None and sorting.prices is not None:
        found = found.outerjoin(sorting.prices.rows, sorting.prices.beside)
    if sorting is not None:
        found = found.add_columns(Index.resource_id, Index.docid, sorting.value.label("score"))
    hits = found.add_columns(*flags.values()).cte("hits")

    def within(*leave_out: str) -> list[ColumnElement[bool]]:
        return [hits.c[f"in_{name}"] == 1 for name in filters if name not in leave_out]

    parts = [select(literal("total").label("facet"), literal("").label("value"), func.count().label("n"))]
    parts[0] = parts[0].select_from(hits).where(*within())
    postgresql = reading().get_bind().dialect.name == "postgresql"
    host_text = (
        func.replace(cast(hits.c.institution_id, Text), "-", "")
        if postgresql
        else func.hex(hits.c.institution_id)
    )
    for facet, value in (
        ("kind", hits.c.kind),
        ("host", host_text),
        ("city", hits.c.city),
        ("class", hits.c.class_group),
    ):
        parts.append(
            select(literal(facet), value, func.count())
            .select_from(hits)
            .where(*within(facet))
            .group_by(value)
        )
    for mode, bit in MODE_BITS.items():
        parts.append(
            select(literal("mode"), literal(str(mode)), func.count())
            .select_from(hits)
            .where(hits.c.modes.bitwise_and(bit) != 0, *within("mode"))
        )
    parts.append(
        select(literal("open"), literal("1"), func.count())
        .select_from(hits)
        .where(hits.c.open_to_outside.is_(True), *within("open"))
    )
    if sorting is not None:
        parts.append(
            ordering.page_part(query.cursor, query.limit, sorting, hits, host_text, within(), postgresql)
        )
    total = 0
    page: list[tuple[HostKey, Any, int]] = []
    counts: dict[str, dict[str, int]] = {
        name: {} for name in ("kind", "host", "city", "class", "mode", "open")
    }
    for facet, word, count in reading().execute(union_all(*parts)):
        if facet == "total":
            total = count
        elif facet == "page" and sorting is not None:
            host, resource, docid, score = str(word).split("|", 3)
            sorted_by = int(score) if sorting.number else score
            page.append((HostKey(UUID(host), UUID(resource)), sorted_by, int(docid)))
        elif count and word:
            counts[str(facet)][str(UUID(str(word))) if facet == "host" else str(word)] = count
    chosen = {
        "kind": {str(kind) for kind in query.kinds},
        "city": {s for city in query.cities for s in places.spellings(city)},
        "class": {code[:2] for code in query.class_groups},
        "mode": {str(mode) for mode in query.modes},
        "open": {"1"} if query.open_to_outside else set(),
        "host": {str(host) for host in _hosts(query.hosts).values()},
    }
    facets: dict[str, tuple[FacetValue, ...]] = {}
    for name, values in counts.items():
        ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
        kept = ordered[:FACET_VALUES]
        kept += [item for item in ordered[FACET_VALUES:] if item[0] in chosen[name]]
        # What was chosen stays in sight even where nothing is left of it, so that it can be taken back.
        if name == "city":
            kept += [
                (city, 0) for city in query.cities if not any(value in chosen[name] for value, _ in kept)
            ][:1]
        else:
            kept += [(value, 0) for value in sorted(chosen[name]) if value not in values]
        facets[name] = tuple(FacetValue(value, count, value in chosen[name]) for value, count in kept)
    page.sort(key=lambda row: row[2])
    page.sort(key=lambda row: row[1], reverse=sorting is not None and sorting.descending)
    keys, scores = [row[0] for row in page], [(row[1], row[2]) for row in page]
    return total, facets, {UUID(value.value) for value in facets["host"]}, keys, scores


def _same(fitting: Subquery) -> ColumnElement[bool]:
    return and_(Index.institution_id == fitting.c.institution_id, Index.resource_id == fitting.c.resource_id)


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
        source = (Index.__table__ if source is Index else source).join(fitting, _same(fitting))
    statement = (
        select(Index.institution_id, Index.resource_id, value, Index.docid)
        .select_from(source)
        .where(*conditions)
        .order_by(value.desc() if descending else value, Index.docid)
        .limit(min(max(query.limit, 1), ordering.MAX_PAGE) + 1)
    )
    rows = reading().execute(statement).all()
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
