"""What the hosts' own groups used in the past year, taken over from the laboratories' old log books in bulk."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerClass, CustomerRecord
from resource_hub.domain.availability import service as availability
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.records import BulkRow, Host
from resource_hub.entrypoints.demo.world import World
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.time import at, zone

_ZONE = zone("Asia/Shanghai")
Taken = Collection[tuple[UUID, date]]


def month(world: World, host_code: str, first: date, until: date, taken: Taken, draw: random.Random) -> int:
    """The log book of a month, entered on its last day; on days in ``taken`` others had the instrument."""
    organisation = world.organisations[host_code]
    host = Host(organisation.id, host_code, organisation.zone, organisation.jurisdiction)
    rows = list(_rows(world, host_code, first, until, taken, draw))
    if not rows:
        return 0
    entered: datetime = max(row.ends_at for row in rows) + timedelta(hours=1)
    with unit_of_work() as unit, unit.at(entered):
        return sum(step.created for step in usage.import_bulk(host, rows))


def _rows(
    world: World, host_code: str, first: date, until: date, taken: Taken, draw: random.Random
) -> Iterator[BulkRow]:
    groups = accounts.groups(world.organisations[host_code].id)
    for resource in world.of_host(host_code):
        if resource.key not in world.list_price or not groups:
            continue
        # Some instruments run nearly every day, some wait for their few users.
        busy = 0.35 + resource.key.id.int % 7 / 12
        lanes = catalogue.units(resource.key)
        for day in (first + timedelta(days=n) for n in range(31)):
            if day.month != first.month or day >= until or (resource.key.id, day) in taken:
                continue
            if not availability.is_working_day("CN-JS", day) or draw.random() > busy:
                continue
            yield _row(resource, draw.choice(lanes).key.id, draw.choice(groups), day, draw)


def _row(
    resource: ResourceRecord, unit_id: UUID, group: CustomerRecord, day: date, draw: random.Random
) -> BulkRow:
    own = group.department_id == resource.department_id
    start = at(day, 8 * 60 + 30 + draw.randrange(5) * 15, _ZONE)
    return BulkRow(
        source_key=f"log-book:{resource.code}:{day.isoformat()}",
        resource_id=resource.key.id,
        unit_id=unit_id,
        customer_id=group.id,
        customer_class=(CustomerClass.OWN_GROUP if own else CustomerClass.IN_HOUSE).value,
        starts_at=start,
        ends_at=start + timedelta(minutes=draw.randrange(18, 52) * 10),
        purpose=draw.choice(("research", "research", "teaching")),
    )
