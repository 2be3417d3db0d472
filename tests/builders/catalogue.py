"""Builders of catalogue facts: keywords, sane defaults."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import DepartmentRecord, OrganisationRecord, Role
from resource_hub.domain.catalogue import service
from resource_hub.domain.catalogue.terms import (
    Contact,
    ListingContents,
    ListingState,
    Mode,
    ResourceKind,
    ResourceRecord,
    UnitRecord,
)
from resource_hub.infra.ids import new_id
from resource_hub.kernel.keys import HostKey
from tests.builders.accounts import make_actor

_numbers = itertools.count(1)


def make_contents(**changes: Any) -> ListingContents:
    """A complete listing of a scanning electron microscope in Hefei."""
    values: dict[str, Any] = {
        "name_zh": "场发射扫描电子显微镜",
        "name_en": "Field-emission scanning electron microscope",
        "summary_zh": "用于材料表面形貌与成分分析",
        "summary_en": "Surface morphology and composition of materials",
        "class_code": "010101",
        "model": "Quanta 250 FEG",
        "maker": "FEI",
        "country": "US",
        "city": "合肥",
        "place_zh": "理化科学实验中心 103 室",
        "latitude_micro": 31_840_000,
        "longitude_micro": 117_260_000,
        "original_value_minor": 320_000_000,
        "specification": (("分辨率", "1.0 nm @ 30 kV"), ("加速电压", "0.2–30 kV")),
        "contact": Contact("电镜室", "0551-00000000", "sem@example.edu.cn"),
        "modes": (Mode.SELF_USE, Mode.STAFF_RUN, Mode.SEND_IN),
        "rules_zh": "自主上机须先通过培训考核。",
        "rules_en": "Self-use needs a passed training.",
    }
    values.update(changes)
    return ListingContents(**values)


def make_resource(
    *,
    institution_id: UUID | None = None,
    code: str = "SEM-01",
    kind: ResourceKind = ResourceKind.INSTRUMENT,
    state: ListingState = ListingState.PUBLIC,
    department_id: UUID | None = None,
    zone: str = "Asia/Shanghai",
    contents: ListingContents | None = None,
    **changes: Any,
) -> ResourceRecord:
    """A record as `catalogue.service.resource` gives it, without a database."""
    key = HostKey(institution_id or new_id(), changes.pop("id", None) or new_id())
    return ResourceRecord(
        key, code, kind, state, department_id, zone, contents or make_contents(), unit_count=1, **changes
    )


def make_unit(resource: ResourceRecord, *, position: int = 1, code: str = "", **changes: Any) -> UnitRecord:
    key = HostKey(resource.key.institution_id, changes.pop("id", None) or new_id())
    code = code or f"{resource.code}-{position}"
    name = changes.pop("name", f"{position} 号机")
    return UnitRecord(
        key, resource.key.id, code, name, changes.pop("name_en", f"No. {position}"), position, **changes
    )


def make_listing(
    host: OrganisationRecord,
    *,
    code: str | None = None,
    kind: ResourceKind = ResourceKind.INSTRUMENT,
    units: int = 1,
    public: bool = True,
    department: DepartmentRecord | None = None,
    listed: bool = True,
    contents: ListingContents | None = None,
    **changes: Any,
) -> ResourceRecord:
    """A resource of a host in the database, public unless told otherwise; further keywords change its contents."""
    n = next(_numbers)
    office = make_actor(host, Role.OFFICE)
    made = service.create(
        host.id,
        kind,
        code or f"SEM-{n:02d}",
        contents or make_contents(**changes),
        by=office,
        department_id=department.id if department else None,
        units=units,
        listed=listed,
    )
    if public and listed:
        change = service.submit(made.key, by=office)
        service.approve(change.key, by=office)
    return service.resource(made.key)
