"""Units of a resource, and its working order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import insert

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.catalogue import ports, store
from resource_hub.domain.catalogue.errors import (
    ListingInvalid,
    ResourceNotFound,
)
from resource_hub.domain.catalogue.managing import locked, recorded, subject
from resource_hub.domain.catalogue.tables import Resource, Unit
from resource_hub.domain.catalogue.terms import (
    ResourceRecord,
    UnitRecord,
    WorkingOrder,
)
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit as Work
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey


def insert_units(unit: Work, row: Resource, count: int) -> None:
    have = store.unit_rows(unit.session, HostKey(row.institution_id, row.id))
    first = max((u.position for u in have), default=0) + 1
    rows = unit_rows(row.institution_id, row.id, row.code, first, count)
    taken = store.unit_codes_taken(unit.session, row.institution_id, [r["code"] for r in rows])
    for r in rows:
        if r["code"] in taken:
            r["code"] = f"{r['code'][:50]}-{str(r['id'])[-6:]}"
    if rows:
        unit.session.execute(insert(Unit), rows)


def unit_rows(
    institution_id: UUID, resource_id: UUID, code: str, first: int, count: int
) -> list[dict[str, Any]]:
    """Rows of ``count`` new lanes from position ``first`` on; a single lane has the resource's own code."""
    rows = []
    for position in range(first, first + count):
        own = code if count == 1 and position == 1 else f"{code[:54]}-{position}"
        rows.append(
            {
                "institution_id": institution_id,
                "id": new_id(),
                "resource_id": resource_id,
                "code": own,
                "name_zh": f"{position} 号机位",
                "name_en": f"Unit {position}",
                "position": position,
                "active": True,
                "serial_number": "",
            }
        )
    return rows


def unit_digest(unit: UnitRecord) -> str:
    """A short mark of a lane: who changes it says which state was seen."""
    plain = [unit.name_zh, unit.name_en, unit.serial_number, unit.active]
    return digest(canonical_bytes(plain)).hex()[:16]


def add_units(key: HostKey, count: int, *, by: Actor) -> list[UnitRecord]:
    """Add lanes; returns them. Not dated and not approved: they are the host's own affair."""
    if not 1 <= count <= 500:
        raise ListingInvalid(Reason("catalogue.unit_count", {"least": 1, "most": 500}, "units"))
    with unit_of_work() as unit:
        row = locked(unit, key, by)
        insert_units(unit, row, count)
        row.version += 1
        ports.units_changed(unit, [key])
        unit.audit("catalogue.units_added", key.institution_id, subject(key), {"count": count},
                   person_id=by.person_id)  # fmt: skip
        return [store.unit_record(u) for u in store.unit_rows(unit.session, key)][-count:]


def change_unit(
    unit_key: HostKey, *, by: Actor, name_zh: str, name_en: str, active: bool, serial_number: str = ""
) -> UnitRecord:
    """Rename a lane or take it out of use; its history stays."""
    with unit_of_work() as unit:
        found = store.unit_row(unit.session, unit_key.institution_id, id=unit_key.id)
        if found is None:
            raise ResourceNotFound()
        key = HostKey(unit_key.institution_id, found.resource_id)
        row = locked(unit, key, by)
        unit.session.refresh(found)
        in_use_before = found.active
        found.name_zh, found.name_en = name_zh.strip()[:120], name_en.strip()[:120]
        found.active, found.serial_number = active, serial_number.strip()[:100]
        row.version += 1
        unit.session.flush()
        if active != in_use_before:
            ports.units_changed(unit, [key])
        unit.audit("catalogue.unit_changed", unit_key.institution_id, subject(key),
                   {"unit": found.code, "active": active}, person_id=by.person_id)  # fmt: skip
        return store.unit_record(found)


def set_working_order(key: HostKey, order: WorkingOrder, *, by: Actor) -> ResourceRecord:
    """Say in what working order an instrument is; shown at once, because it is a fact and no promise."""
    with unit_of_work() as unit:
        row = locked(unit, key, by)
        if row.status != str(order):
            unit.audit("catalogue.working_order", key.institution_id, subject(key),
                       {"before": row.status, "after": str(order)}, person_id=by.person_id)  # fmt: skip
            row.status = str(order)
            row.version += 1
            row.changed_at = unit.now
            unit.session.flush()
        return recorded(unit, row)
