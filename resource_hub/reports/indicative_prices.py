"""What everything costs for one reader, roughly: list prices of his class, and what programmes would leave of them.

Kept are the list prices, by class and by the days of their tariffs; the share of support is that of the moment, since
it hangs on the customer's quota and on budgets. So nothing here grows stale when a tariff or a programme changes.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerClass, OrganisationKind
from resource_hub.domain.catalogue.ports import PriceList
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.infra import clock
from resource_hub.kernel.by_host import ByHost
from resource_hub.kernel.time import local_day, zone

# Most hosts live by this clock; those of others are looked up.
USUAL_ZONE = "Asia/Shanghai"


def price_list(customer_id: UUID | None, mode: Mode | None = None) -> PriceList:
    """Prices for a customer; None: an outside firm of which nothing is known, and so no support either. ``mode`` is
    the mode of use that is looked for."""
    days = today()
    if customer_id is None:
        return PriceList(pricing.prices_in_force(ByHost(CustomerClass.FIRM_UNSIZED), days, mode))
    classes = accounts.customer_classes(customer_id, days.usual)
    hosts = accounts.organisations(kind=OrganisationKind.INSTITUTION)
    shares = subsidy.shares(customer_id, classes, hosts, days.usual)
    return PriceList(
        pricing.prices_in_force(classes, days, mode), shares.usual, shares.services, personal=True
    )


def today() -> ByHost[date]:
    """The day that it is at every host."""
    now = clock.now()
    others = accounts.hosts_of_other_zones(USUAL_ZONE)
    return ByHost(
        local_day(now, zone(USUAL_ZONE)),
        {host: local_day(now, zone(name)) for host, name in others.items()},
    )
