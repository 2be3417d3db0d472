"""Which resources of a search are free when somebody needs them: the catalogue's filters and the kept free windows in
one statement, exact times and prices for the page shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerClass, CustomerKind, CustomerRecord, OrganisationKind
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import FreeTime, Wish
from resource_hub.domain.booking.terms import ExpectedSupportLine, ThreeSums
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import LinkRecord, Mode, ResourceRecord
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.pricing.terms import Price, UseFacts
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.infra.keeping import keeping
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import local_day, zone


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search for time.

    Attributes:
        times: the exact first time of each hit; a hit without one has free time, but it, or what always is booked
            together with it, is not to be had there: by its house rules, or at all.
        sums: what that time costs by the one price, of those whose price time alone decides; for a visitor without
            support. What always is booked together with it is in it.
        included: what that is, where it costs something.
        without: what always is booked together with it but is not in the sums, because its price is on request or in
            another currency.
    """

    results: catalogue.Results
    times: Mapping[HostKey, FreeTime]
    sums: Mapping[HostKey, ThreeSums]
    included: Mapping[HostKey, tuple[ResourceRecord, ...]]
    without: Mapping[HostKey, tuple[ResourceRecord, ...]]


@dataclass(frozen=True, slots=True)
class _Part:
    """One resource of what would be booked at a time: the one that was found, or what always comes along."""

    found: HostKey
    resource: ResourceRecord
    day: date
    use: UseFacts


def search(query: catalogue.Query, wish: Wish, *, customer_id: UUID | None = None) -> Found:
    """Find public resources that are free for so long.

    Raises:
        InvalidWish
    """
    with keeping(joining=True):
        return _search(query, wish, customer_id)


def _search(query: catalogue.Query, wish: Wish, customer_id: UUID | None) -> Found:
    if query.mode is not None:
        wish = replace(wish, mode=query.mode.value)
    fitting = availability.fitting(wish)
    results = catalogue.search(query, customer_id=customer_id, fitting=fitting, inside=wish.inside)
    links = [one for one in catalogue.links_of([hit.resource.key for hit in results.hits]) if one.required]
    helpers = catalogue.resources({link.helper_key for link in links}) if links else {}
    together: dict[HostKey, list[HostKey]] = defaultdict(list)
    for link in links:
        together[link.resource_key].append(link.helper_key)
    wanted = [
        hit.resource.key
        for hit in results.hits
        if _to_be_had(hit.resource, wish)
        and all(_to_be_had(helpers[one], wish) for one in together.get(hit.resource.key, ()))
    ]
    times = availability.first_fits(wanted, wish, together)
    hits = tuple(
        replace(hit, next_free=times[hit.resource.key].span.start if hit.resource.key in times else None)
        for hit in results.hits
    )
    parts = _parts([hit.resource for hit in hits], times, links, helpers, query.modes)
    sums, included, without = _sums(parts, customer_id)
    return Found(replace(results, hits=hits), times, sums, included, without)


def _to_be_had(resource: ResourceRecord, wish: Wish) -> bool:
    """Whether the asker may book it at any time."""
    return resource.bookable and (resource.open_to_outside or resource.key.institution_id in wish.inside)


def _parts(
    resources: list[ResourceRecord],
    times: Mapping[HostKey, FreeTime],
    links: Sequence[LinkRecord],
    helpers: Mapping[HostKey, ResourceRecord],
    modes: Sequence[Mode],
) -> list[_Part]:
    """What each time would book, as an order would, in the first mode that is looked for: the resource, then what
    always is booked together with it."""
    timed = [r for r in resources if r.key in times and r.contents.modes]
    links = [link for link in links if link.resource_key in times]
    found = []
    for resource in timed:
        span = times[resource.key].span
        day = local_day(span.start, zone(resource.zone))
        mode = next((one for one in resource.contents.modes if one in modes), resource.contents.modes[0])
        use = UseFacts(zone=resource.zone, mode=mode, reserved=span)
        found.append(_Part(resource.key, resource, day, use))
        # Whoever comes along is run by the laboratory.
        of_helper = replace(use, mode=Mode.STAFF_RUN)
        found += [
            _Part(resource.key, helpers[link.helper_key], day, of_helper)
            for link in links
            if link.resource_key == resource.key
        ]
    return found


_Names = dict[HostKey, tuple[ResourceRecord, ...]]


def _sums(parts: list[_Part], customer_id: UUID | None) -> tuple[dict[HostKey, ThreeSums], _Names, _Names]:
    """The three sums of each time, as booking it would quote them; what is in them, and what is not."""
    classes = _classes(parts, customer_id)
    asked = [
        pricing.Wanted(part.resource.key, part.day, its, part.use)
        for part, its in zip(parts, classes, strict=True)
    ]
    answers = list(zip(parts, pricing.prices_of_page(asked), strict=True))
    priced = [(part, price) for part, price in answers if isinstance(price, Price)]
    support: list[list[ExpectedSupportLine]] = [[] for _ in priced]
    if customer_id is not None:
        support = subsidy.Expected().of_page(
            customer_id, [(part.resource, price, part.day) for part, price in priced]
        )
    own = {
        id(part): ThreeSums.of(price.total, lines)
        for (part, price), lines in zip(priced, support, strict=True)
    }
    sums: dict[HostKey, ThreeSums] = {}
    included: _Names = {}
    without: _Names = {}
    for part, answer in answers:  # the resource itself comes before what comes along
        key, its = part.found, own.get(id(part))
        if part.resource.key == key:
            if its is not None:
                sums[key] = its
        elif answer is None or key not in sums:
            continue  # without a tariff it costs nothing, as in an order
        elif its is not None and its.to_pay.currency == sums[key].to_pay.currency:
            sums[key] = sums[key].plus(its)
            included[key] = (*included.get(key, ()), part.resource)
        else:
            without[key] = (*without.get(key, ()), part.resource)
    return sums, included, without


def _classes(parts: list[_Part], customer_id: UUID | None) -> list[CustomerClass]:
    """What the customer is for each part on its day; only at home it matters which department keeps it."""
    if customer_id is None:
        return [CustomerClass.FIRM_UNSIZED] * len(parts)
    by_day = {day: accounts.customer_classes(customer_id, day) for day in {part.day for part in parts}}
    at_home: dict[tuple[UUID | None, UUID, date], CustomerClass] = {}
    found = []
    for part in parts:
        its = by_day[part.day].at(part.resource.key.institution_id)
        if its is CustomerClass.IN_HOUSE:
            where = (part.resource.department_id, part.resource.key.institution_id, part.day)
            if where not in at_home:
                at_home[where] = accounts.customer_class(
                    part.resource.key.institution_id, part.resource.department_id, customer_id, part.day
                )
            its = at_home[where]
        found.append(its)
    return found


def inside_of(customers: list[CustomerRecord]) -> frozenset[UUID]:
    """Hosts at which one of these customers is no outsider: its own institution."""
    found = {c.organisation_id for c in customers if c.kind is CustomerKind.GROUP}
    others = {c.organisation_id for c in customers if c.kind is not CustomerKind.GROUP}
    known = accounts.organisation_names(others)
    return frozenset(
        found | {o for o in others if o in known and known[o].kind is OrganisationKind.INSTITUTION}
    )
