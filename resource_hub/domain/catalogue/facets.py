"""Counts of a search by facet, and with an ordering its page, in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Executable,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement

from resource_hub.domain.catalogue import ordering, places
from resource_hub.domain.catalogue.query import Query, hosts_of
from resource_hub.domain.catalogue.tables import ResourceIndex as Index
from resource_hub.domain.catalogue.terms import MODE_BITS
from resource_hub.infra.database import PLANNED_ANEW, reading
from resource_hub.kernel.keys import HostKey

# A facet shows at most so many values; the commonest first.
FACET_VALUES = 15


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: str
    count: int
    chosen: bool = False


def facets_and_page(
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
        found = found.join(fitting, same_as(fitting))
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
    statement = union_all(*parts).execution_options(**{PLANNED_ANEW: fitting is not None})
    return _read(query, statement, sorting)


def _read(
    query: Query, statement: Executable, sorting: ordering.Ordering | None
) -> tuple[int, dict[str, tuple[FacetValue, ...]], set[UUID], list[HostKey], list[tuple[Any, int]]]:
    """The rows of the one statement, each where it belongs."""
    total = 0
    page: list[tuple[HostKey, Any, int]] = []
    counts: dict[str, dict[str, int]] = {
        name: {} for name in ("kind", "host", "city", "class", "mode", "open")
    }
    for facet, word, count in reading().execute(statement):
        if facet == "total":
            total = count
        elif facet == "page" and sorting is not None:
            host, resource, docid, score = str(word).split("|", 3)
            sorted_by = int(score) if sorting.number else score
            page.append((HostKey(UUID(host), UUID(resource)), sorted_by, int(docid)))
        elif count and word:
            counts[str(facet)][str(UUID(str(word))) if facet == "host" else str(word)] = count
    facets = _shown(query, counts)
    page.sort(key=lambda row: row[2])
    page.sort(key=lambda row: row[1], reverse=sorting is not None and sorting.descending)
    keys, scores = [row[0] for row in page], [(row[1], row[2]) for row in page]
    return total, facets, {UUID(value.value) for value in facets["host"]}, keys, scores


def same_as(fitting: Subquery) -> ColumnElement[bool]:
    return and_(Index.institution_id == fitting.c.institution_id, Index.resource_id == fitting.c.resource_id)


def _shown(query: Query, counts: Mapping[str, dict[str, int]]) -> dict[str, tuple[FacetValue, ...]]:
    """The values that a facet shows, the commonest first."""
    chosen = {
        "kind": {str(kind) for kind in query.kinds},
        "city": {s for city in query.cities for s in places.spellings(city)},
        "class": {code[:2] for code in query.class_groups},
        "mode": {str(mode) for mode in query.modes},
        "open": {"1"} if query.open_to_outside else set(),
        "host": {str(host) for host in hosts_of(query.hosts).values()},
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
    return facets
