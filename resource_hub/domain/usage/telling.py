"""Notices of usage: who is told what. Run by the outbox, so that nobody at a machine waits for a letter."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from resource_hub.domain.usage import neighbours, store
from resource_hub.domain.usage.tables import Fault
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey


def _name(record: Any) -> dict[str, str]:
    return {"zh": record.name_zh or record.name_en, "en": record.name_en or record.name_zh}


def tell_forgotten(unit: Unit, event: Event) -> None:
    """The person who forgot to log out is told when the use was closed, and can say when they really left."""
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["session_id"]))
    row = store.session_row(unit.session, key)
    if row is None or row.ends_at is None:
        return
    host = neighbours.host(key.institution_id)
    resource = neighbours.resource(HostKey(key.institution_id, row.resource_id))
    for line in store.line_rows(unit.session, key.institution_id, [row.id]):
        if line.person_id is None:
            continue
        customer = neighbours.customers([line.customer_id])[line.customer_id]
        neighbours.notify(
            unit,
            [line.person_id],
            "usage.log_out_forgotten",
            {"resource": _name(resource), "end": row.ends_at.isoformat(), "zone": host.zone},
            f"/hosts/{host.code}/sessions/{row.id}",
            str(event.id),
            customer.organisation_id,
        )


def tell_fault(unit: Unit, event: Event) -> None:
    """Those who look after the resource are told of a fault at once."""
    institution_id = UUID(event.payload["institution_id"])
    fault = unit.session.get(Fault, (institution_id, UUID(event.payload["fault_id"])))
    if fault is None:
        return
    host = neighbours.host(institution_id)
    resource = neighbours.resource(HostKey(institution_id, fault.resource_id))
    neighbours.notify(
        unit,
        [p for p in neighbours.staff_of(institution_id, resource.department_id) if p != fault.reported_by],
        f"usage.fault_{fault.severity}",
        {"resource": _name(resource), "text": fault.text[:200]},
        f"/o/{host.code}/today",
        str(event.id),
        institution_id,
    )


def tell_root(unit: Unit, event: Event) -> None:
    """A signed root goes to the host's office and to the funders, who keep it as witnesses."""
    institution_id = UUID(event.payload["institution_id"])
    host = neighbours.host(institution_id)
    values = {
        "institution": host.code,
        "day": event.payload["day"],
        "position": event.payload["position"],
        "chain": {"word": ["usage.chain", event.payload["kind"]]},
        "head": event.payload["head"],
        "signature": event.payload["signature"],
    }
    link = f"/proofs/{host.code}/{event.payload['kind']}"
    neighbours.notify(
        unit,
        neighbours.office_of(institution_id),
        "usage.root_signed",
        values,
        link,
        str(event.id),
        institution_id,
    )
    for organisation_id, person_id in neighbours.funders_people():
        neighbours.notify(
            unit, [person_id], "usage.root_signed", values, link, str(event.id), organisation_id
        )
