"""Free time over 10,000 resources and a fortnight; a laboratory's calendar of 10,000 events. ``./dev bench search``.

The bare baseline of the search is the statement that it asks, said again through the driver alone.
"""

from __future__ import annotations

import random
import resource
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import insert, select, text

from benchmarks._common import (
    TITLES,
    Database,
    Table,
    arguments,
    databases,
    engines,
    heard,
    median,
    milliseconds,
    say_again,
    timed,
)
from resource_hub.adapters import calendar_files
from resource_hub.domain.availability.rules import document as documents
from resource_hub.domain.availability.tables import FreeWindow, HouseRules, OpeningHours
from resource_hub.domain.availability.terms import HouseDocument, Wish
from resource_hub.domain.catalogue.service import Query
from resource_hub.domain.catalogue.tables import Resource, ResourceIndex, Unit
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.pricing.tables import IndicativePrice, Tariff
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.infra import clock
from resource_hub.infra.bulk import collector_off, insert_rows, refresh_statistics
from resource_hub.infra.database import db, reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan
from resource_hub.reports import free_times
from tests.builders.accounts import customer_of, make_firm, make_funder, make_institution, make_uscc
from tests.builders.catalogue import make_listing
from tests.builders.money import TARIFF
from tests.support.application import application

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
HOSTS = 20
KEPT_DAYS = 60
# As in a process that has run for a while: a connection prepares what it has said five times.
_WARM = 8
_HOURS = (
    "institution_id", "id", "resource_id", "weekday", "starts_minute", "ends_minute", "since", "audience",
    "on_holidays",
)  # fmt: skip
_WINDOW = ("institution_id", "unit_id", "audience", "starts_at", "ends_at", "resource_id")


@dataclass(frozen=True, slots=True)
class Asked:
    name: str
    wish: Wish
    order: str = ""
    firm: bool = False  # asked by a firm with a voucher


FORTNIGHT = (date(2026, 3, 2), date(2026, 3, 15))
WISHES = (
    Asked("two hours, any time of day", Wish(*FORTNIGHT, 7200)),
    Asked("two hours, afternoons", Wish(*FORTNIGHT, 7200, 720, 1080)),
    Asked("two hours, a visitor's cheapest first", Wish(*FORTNIGHT, 7200), "price"),
    Asked("two hours, a firm's cheapest in the end first", Wish(*FORTNIGHT, 7200), "price", firm=True),
    # A few have none in the near days.
    Asked("six hours, any time of day", Wish(*FORTNIGHT, 21600)),
    Asked("two hours in two months", Wish(FORTNIGHT[0], date(2026, 4, 28), 7200)),
)

LEADS = (
    Asked("two hours, each house with a lead", Wish(*FORTNIGHT, 7200)),
    Asked("six hours, each house with a lead", Wish(*FORTNIGHT, 21600)),
)
# Seconds that a search over 10,000 resources may take.
GOALS = {"postgresql": 0.2, "sqlite": 0.8}


def main() -> int:
    asked = arguments(__doc__ or "", ("--resources", {"type": int, "default": 10_000}))
    table = Table()
    # First, while no server of databases is among the children whose memory is looked at.
    table.title("A calendar of 10,000 events")
    _calendar(table)
    for engine in engines(asked.engine):
        with databases(engine) as factory, factory.migrated() as database:
            table.title(f"{TITLES[engine]}, {asked.resources:,} resources")
            with (
                tempfile.TemporaryDirectory() as folder,
                application(database, Path(folder), web=False) as app,
                app.app_context(),
                clock.fixed(NOW),
            ):
                _fill(asked.resources)
                firm = _firm()
                _settled(database)
                goal = GOALS[engine] if asked.resources == 10_000 else None
                for one in WISHES:
                    _search(table, one, asked.resources, firm if one.firm else None, goal)
                _lead_everywhere()
                for one in LEADS:
                    _search(table, one, asked.resources, None, goal)
    return table.end()


def _settled(database: Database) -> None:
    """What PostgreSQL does by itself soon after a load: which pages every transaction may see is noted, so that a
    search reads the index alone, and nothing of it is left to be done while something is measured."""
    if database.server is None:
        return
    with database.engine(owner=True) as engine:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM"))


def _search(table: Table, asked: Asked, resources: int, customer_id: UUID | None, goal: float | None) -> None:
    def once(_n: int) -> None:
        db.session.remove()
        found = free_times.search(Query(order=asked.order), asked.wish, customer_id=customer_id)
        assert found.results.total > 0.99 * resources and len(found.times) == len(found.sums) == 20

    for _ in range(_WARM):
        once(0)
    with heard(db.engine) as said:
        once(0)
    taken = median(once, 9)
    bare = min(say_again(db.engine, said)[0] for _ in range(5))
    limit = f"≤ {goal * 1000:.0f} ms" if goal else ""
    table.row(asked.name, milliseconds(taken), limit, taken <= goal if goal else None)
    table.row("  the same statements, bare", milliseconds(bare))
    table.row("  ratio", f"{taken / bare:.1f} ×")
    most = 45 if customer_id else 18
    table.row("  statements", str(len(said)), f"≤ {most}", len(said) <= most)


def _lead_everywhere() -> None:
    """House rules of every resource: three hours or two working days ahead."""
    leads = [HouseDocument(lead={"all": 180}), HouseDocument(lead_days=2)]
    with collector_off(), unit_of_work() as unit:
        rows = [
            {
                "institution_id": host, "id": new_id(), "resource_id": key, "number": 1, "since": date(2020, 1, 1),
                "document": documents.write(leads[n % 2]), "binds": leads[n % 2].binds, "note": "", "created_by": None,
                "created_at": NOW,
            }
            for n, (host, key) in enumerate(unit.session.execute(select(Resource.institution_id, Resource.id)))
        ]  # fmt: skip
        unit.session.execute(insert(HouseRules), rows)
        refresh_statistics(unit.session, HouseRules)


def _firm() -> UUID:
    """A small firm of Jiangsu that may use the province's voucher."""
    customer_id = customer_of(make_firm(uscc=make_uscc(4711, region="320505"))).id
    voucher = subsidy.open_programme(make_funder().id, "voucher", "cn-js/voucher")
    subsidy.set_budget(voucher.id, NOW.year, Money.cny("1000000"))
    subsidy.grant_quota(voucher.id, customer_id, Money.cny("100000"), year=NOW.year)
    return customer_id


def _fill(count: int) -> None:
    """Copies of one listing, each open for eight hours a day with a booking somewhere in it."""
    hosts = [make_institution() for _ in range(HOSTS)]
    model = make_listing(hosts[0])
    pricing.adopt(model.key, TARIFF, date(2020, 1, 1))
    session = reading()
    rows = {
        table: dict(session.execute(select(table.__table__).where(key == model.key.id)).mappings().one())
        for table, key in (
            (Resource, Resource.id),
            (Unit, Unit.resource_id),
            (ResourceIndex, ResourceIndex.resource_id),
            (Tariff, Tariff.resource_id),
        )
    }
    prices = session.execute(select(IndicativePrice.__table__)).mappings().all()
    rows[ResourceIndex].pop("docid")
    made: dict[type, list[list[object]]] = {Resource: [], Unit: [], ResourceIndex: [], Tariff: []}
    kept: list[list[object]] = []
    windows: list[tuple[object, ...]] = []
    hours: list[tuple[object, ...]] = []
    chance = random.Random(1)
    with collector_off(), unit_of_work() as unit:
        for n in range(count - 1):
            host, key, unit_id = hosts[n % HOSTS].id, new_id(), new_id()
            own = {"institution_id": host}
            made[Resource].append(list({**rows[Resource], **own, "id": key, "code": f"B{n}"}.values()))
            made[Unit].append(
                list({**rows[Unit], **own, "id": unit_id, "resource_id": key, "code": f"B{n}"}.values())
            )
            made[ResourceIndex].append(
                list({**rows[ResourceIndex], **own, "resource_id": key, "sort_name": f"b{n:07}"}.values())
            )
            made[Tariff].append(
                list({**rows[Tariff], **own, "id": (tariff_id := new_id()), "resource_id": key}.values())
            )
            own |= {"resource_id": key, "tariff_id": tariff_id, "list_minor": chance.randrange(5, 200) * 1000}
            kept += [list({**row, **own}.values()) for row in prices]
            windows += _windows(host, unit_id, key, chance)
            hours += [
                (host, new_id(), key, day, 540, 1020, date(2020, 1, 1), "all", "open") for day in range(7)
            ]
        host = model.key.institution_id
        windows += _windows(host, rows[Unit]["id"], model.key.id, chance)
        hours += [
            (host, new_id(), model.key.id, day, 540, 1020, date(2020, 1, 1), "all", "open")
            for day in range(7)
        ]
        for table, found in made.items():
            insert_rows(unit.session, table, list(rows[table]), found)
        insert_rows(unit.session, IndicativePrice, list(prices[0]), kept)
        insert_rows(unit.session, FreeWindow, list(_WINDOW), windows)
        insert_rows(unit.session, OpeningHours, list(_HOURS), hours)
        refresh_statistics(
            unit.session, Resource, Unit, ResourceIndex, FreeWindow, OpeningHours, Tariff, IndicativePrice
        )


def _windows(host: object, unit_id: object, key: object, chance: random.Random) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for day in range(KEPT_DAYS):
        opens = NOW + timedelta(days=day, hours=1)
        booked = chance.randrange(0, 8)
        for audience in ("all", "outside"):
            if booked:
                found.append((host, unit_id, audience, opens, opens + timedelta(hours=booked), key))
            if booked < 7:
                after = opens + timedelta(hours=booked + 1)
                found.append((host, unit_id, audience, after, opens + timedelta(hours=8), key))
    return found


def _calendar(table: Table) -> None:
    start = NOW
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nSUMMARY:Event {n}\r\nDTSTART:{start + timedelta(hours=n):%Y%m%dT%H%M%SZ}\r\n"
        f"DURATION:PT30M\r\nDESCRIPTION:{'x' * 200}\r\nEND:VEVENT\r\n"
        for n in range(10_000)
    )
    body = f"BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n".encode()
    span = TimeSpan(NOW, NOW + timedelta(days=800))
    taken = timed(lambda: calendar_files.read(body, span, "Asia/Shanghai"))
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    table.row("read in a process of its own", f"{taken:.1f} s")
    table.row("  its peak memory", f"{memory:,.0f} MB", "< 300 MB", memory < 300)


if __name__ == "__main__":
    raise SystemExit(main())
