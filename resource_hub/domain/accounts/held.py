"""Roles as they are held: finding one, noting a change, what an event says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import store
from resource_hub.domain.accounts.tables import Membership
from resource_hub.domain.accounts.terms import Role
from resource_hub.infra.unit_of_work import Unit


def holds(
    organisation_id: UUID, person_id: UUID, role: Role, department_id: UUID | None, customer_id: UUID | None
) -> Membership | None:
    for row in store.memberships(organisation_id, person_id, roles=[role]):
        if row.department_id == department_id and row.customer_id == customer_id:
            return row
    return None


def note_change(
    unit: Unit, action: str, row: Membership, by: UUID | None, details: Mapping[str, Any]
) -> None:
    unit.audit(
        action,
        row.organisation_id,
        f"membership:{row.id}",
        {"person": str(row.person_id), "role": row.role, **details},
        person_id=by,
    )


def event_facts(row: Membership) -> dict[str, str]:
    return {
        "membership_id": str(row.id),
        "organisation_id": str(row.organisation_id),
        "person_id": str(row.person_id),
        "role": row.role,
    }
