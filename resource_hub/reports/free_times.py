"""Which resources of a search are free when somebody needs them: the catalogue's filters and the kept free windows in
one statement, exact times and prices for the page shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerClass, CustomerKind, CustomerRecord, OrganisationKind
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import FreeTime, Wish
from resource_hub.domain.booking.terms import ThreeSums
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.pricing.terms import UseFacts
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.infra.keeping import keeping
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search for time.

    Attributes:
        times: the exact first time of each hit; a hit without one has free time, but its house rules do not allow a
            booking there.
        sums: what that time costs by the one price, of those whose price time alone decides; for a visitor without
            support. What is booked together with it is not in it.
    """

    results: catalogue.Results
    times: Mapping[HostKey, FreeTime]
    sums: Mapping[HostKey, ThreeSums]


def search(query: catalogue.Query, wish: Wish, *, customer_id: UUID | None = None) -> Found:
    """Find public resources that are free for so long.

    Raises:
        InvalidWish
    """
    with keeping(joining=True):
        return _search(query, wish, customer_id)


def _search(query: catalogue.Query, wish: Wish, customer_id: UUID | None) -> Found:
    results = catalogue.search(query, customer_id=customer_id, fitting=availability.fitting(wish))
    times = availability.first_fits([hit.resource.key for hit in results.hits], wish)
    hits = tuple(
        replace(hit, next_free=times[hit.resource.key].span.start if hit.resource.key in times else None)
        for hit in results.hits
    )
    sums = _sums([hit.resource for hit in hits], times, customer_id)
    return Found(replace(results, hits=hits), times, sums)


def _sums(
    resources: list[ResourceRecord], times: Mapping[HostKey, FreeTime], customer_id: UUID | None
) -> dict[HostKey, ThreeSums]:
    """The three sums of each time, as booking it would quote them."""
    timed = {
        resource.key: resource for resource in resources if resource.key in times and resource.contents.modes
    }
    days = {key: local_day(times[key].span.start, zone(resource.zone)) for key, resource in timed.items()}
    classes = _classes(timed, customer_id, days)
    prices = pricing.prices_of_page(
        [
            pricing.Wanted(
                key,
                days[key],
                classes[key],
                UseFacts(zone=resource.zone, mode=resource.contents.modes[0], reserved=times[key].span),
            )
            for key, resource in timed.items()
        ]
    )
    support = {}
    if customer_id is not None:
        asked = [(timed[key], price, days[key]) for key, price in prices.items()]
        support = dict(zip(prices, subsidy.Expected().of_page(customer_id, asked), strict=True))
    return {key: ThreeSums.of(price.total, support.get(key, ())) for key, price in prices.items()}


def _classes(
    timed: Mapping[HostKey, ResourceRecord], customer_id: UUID | None, days: Mapping[HostKey, date]
) -> dict[HostKey, CustomerClass]:
    """What the customer is for each resource on its day; only at home it matters which department keeps it."""
    if customer_id is None:
        return dict.fromkeys(timed, CustomerClass.FIRM_UNSIZED)
    by_day = {day: accounts.customer_classes(customer_id, day) for day in set(days.values())}
    found = {key: by_day[days[key]].at(key.institution_id) for key in timed}
    for key, resource in timed.items():
        if found[key] is CustomerClass.IN_HOUSE:
            found[key] = accounts.customer_class(
                key.institution_id, resource.department_id, customer_id, days[key]
            )
    return found


def inside_of(customers: list[CustomerRecord]) -> frozenset[UUID]:
    """Hosts at which one of these customers is no outsider: its own institution."""
    found = {c.organisation_id for c in customers if c.kind is CustomerKind.GROUP}
    others = {c.organisation_id for c in customers if c.kind is not CustomerKind.GROUP}
    known = accounts.organisation_names(others)
    return frozenset(
        found | {o for o in others if o in known and known[o].kind is OrganisationKind.INSTITUTION}
    )
