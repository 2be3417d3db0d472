"""Units that are added, taken out of use and brought back: kept windows follow in the same unit of work."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

from resource_hub.domain.accounts.terms import OrganisationRecord, Role
from resource_hub.domain.availability import service
from resource_hub.domain.availability.terms import ExceptionKind, Wish
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.importing import mapping, sheet
from resource_hub.domain.catalogue.service import Query
from resource_hub.kernel.keys import HostKey
from resource_hub.reports import free_times
from tests.builders.accounts import make_actor, make_institution
from tests.builders.availability import make_exception, make_weekly, moment, span
from tests.builders.catalogue import make_listing

MONDAY = date(2026, 3, 2)
WEEK = span("2026-03-02T00:00+08:00", "2026-03-09T00:00+08:00")


def opened(units: int = 1) -> tuple[OrganisationRecord, HostKey]:
    host = make_institution()
    key = make_listing(host, units=units, code="SEM-01").key
    service.save_hours(key, make_weekly(), MONDAY, by=make_actor(host, Role.MANAGER))
    return host, key


def found() -> list[tuple[HostKey, datetime | None]]:
    hits = free_times.search(Query(), Wish(MONDAY, MONDAY + timedelta(days=6), 3600)).results
    assert hits.total == len(hits.hits)
    return [(hit.resource.key, hit.next_free) for hit in hits.hits]


def close_week(host: OrganisationRecord, key: HostKey, kind: ExceptionKind, **more: object) -> None:
    service.add_exception(key, make_exception(kind, span=WEEK, **more), by=make_actor(host, Role.MANAGER))


def in_use(host: OrganisationRecord, key: HostKey, position: int, active: bool) -> None:
    unit = catalogue.units(key)[position]
    catalogue.change_unit(
        unit.key, by=make_actor(host, Role.MANAGER), name_zh=unit.name_zh, name_en=unit.name_en, active=active
    )


def test_a_new_unit_is_found_by_the_search_for_time(now: datetime) -> None:
    host, key = opened()
    [unit] = catalogue.units(key)
    close_week(host, key, ExceptionKind.MAINTENANCE, unit_id=unit.key.id)
    assert found() == []
    catalogue.add_units(key, 1, by=make_actor(host, Role.MANAGER))
    assert found() == [(key, moment("2026-03-02T09:00+08:00"))]


def test_a_unit_out_of_use_is_not_counted_until_it_is_back(now: datetime) -> None:
    host, key = opened()
    in_use(host, key, 0, active=False)
    assert found() == [] and sum(service.hours_free([key], WEEK)[key]) == 0
    in_use(host, key, 0, active=True)
    assert found() == [(key, moment("2026-03-02T09:00+08:00"))]


def test_maintenance_takes_a_unit_that_comes_later(now: datetime) -> None:
    host, key = opened(units=2)
    in_use(host, key, 1, active=False)
    close_week(host, key, ExceptionKind.MAINTENANCE)
    in_use(host, key, 1, active=True)
    catalogue.add_units(key, 1, by=make_actor(host, Role.MANAGER))
    assert found() == []
    assert service.free_units(key, span("2026-03-03T09:00+08:00", "2026-03-03T11:00+08:00")) == []


def test_units_of_an_import_are_found_as_well(now: datetime, tmp_path: Path) -> None:
    host, key = opened()
    close_week(host, key, ExceptionKind.MAINTENANCE, unit_id=catalogue.units(key)[0].key.id)
    path = tmp_path / "sheet.csv"
    path.write_text("仪器编号,仪器名称,机位数\nSEM-01,场发射扫描电子显微镜,2\n", encoding="utf-8")
    read = sheet.open_sheet(path)
    outcome = catalogue.import_directly(
        read, mapping.guess(read.shape.headings), host.id, catalogue.ImportOptions()
    )
    assert outcome.updated == 1 and len(catalogue.units(key)) == 2
    assert found() == [(key, moment("2026-03-02T09:00+08:00"))]
