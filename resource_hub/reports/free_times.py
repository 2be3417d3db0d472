"""Which resources of a search are free when somebody needs them: the catalogue's filters and the kept free windows in
one statement, exact times for the page shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerKind, CustomerRecord, OrganisationKind
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import FreeTime, Wish
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.kernel.keys import HostKey


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search for time. ``times`` has the exact first time of each hit; a hit without one has free time,
    but its house rules do not allow a booking there."""

    results: catalogue.Results
    times: Mapping[HostKey, FreeTime]


def search(
    query: catalogue.Query, wish: Wish, *, class_for: Callable[[UUID], str | None] | None = None
) -> Found:
    """Find public resources that are free for so long.

    Raises:
        InvalidWish
    """
    results = catalogue.search(query, class_for=class_for, fitting=availability.fitting(wish))
    times = availability.first_fits([hit.resource.key for hit in results.hits], wish)
    hits = tuple(
        replace(hit, next_free=times[hit.resource.key].span.start if hit.resource.key in times else None)
        for hit in results.hits
    )
    return Found(replace(results, hits=hits), times)


def inside_of(customers: list[CustomerRecord]) -> frozenset[UUID]:
    """Hosts at which one of these customers is no outsider: its own institution."""
    found = {c.organisation_id for c in customers if c.kind is CustomerKind.GROUP}
    others = {c.organisation_id for c in customers if c.kind is not CustomerKind.GROUP}
    known = accounts.organisation_names(others)
    return frozenset(
        found | {o for o in others if o in known and known[o].kind is OrganisationKind.INSTITUTION}
    )
