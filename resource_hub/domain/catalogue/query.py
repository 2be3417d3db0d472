"""What a search asks for, and its filters as conditions on the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    and_,
    or_,
)
from sqlalchemy.sql.elements import ColumnElement

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.errors import UnknownOrganisation
from resource_hub.domain.catalogue import places
from resource_hub.domain.catalogue import text as words
from resource_hub.domain.catalogue.tables import ResourceIndex as Index
from resource_hub.domain.catalogue.terms import MODE_BITS, Mode, ResourceKind

PAGE = 20
ORDERS = ("relevance", "name", "newest", "distance", "price", "soonest")


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

    @property
    def mode(self) -> Mode | None:
        """The one mode of use that is looked for."""
        return self.modes[0] if len(self.modes) == 1 else None

    def effective_order(self) -> str:
        wanted = self.order in ORDERS and not (self.order == "distance" and not self.near)
        if wanted and not (self.order == "soonest" and not self.timed):
            return self.order if self.order != "relevance" or words.parse_query(self.text) else "name"
        if self.timed:
            return "soonest"
        if words.parse_query(self.text):
            return "relevance"
        return "distance" if self.near else "name"


def hosts_of(codes: Sequence[str]) -> dict[str, UUID]:
    found: dict[str, UUID] = {}
    for code in codes:
        try:
            found[code] = accounts.organisation(code).id
        except UnknownOrganisation:
            continue
    return found


def filters_of(query: Query, hosts: Mapping[str, UUID]) -> dict[str, ColumnElement[bool]]:
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
