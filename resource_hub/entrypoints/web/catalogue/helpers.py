"""What a resource is booked together with: chosen by its manager on the resource's page."""

from __future__ import annotations

from uuid import UUID

from flask import g

from resource_hub.domain.catalogue import service
from resource_hub.domain.catalogue.terms import TIMED_KINDS, ResourceRecord
from resource_hub.entrypoints.support.forms import Form

SHOWN = 200


def options(record: ResourceRecord) -> list[tuple[ResourceRecord, str]]:
    """Everything of the house that is booked by time, and whether it comes along now; what does stands first."""
    now = {
        link.helper_key: "required" if link.required else "optional"
        for link in service.links_of([record.key])
    }
    others = [
        r for r in service.resources_managed_by(g.actor, kinds=tuple(TIMED_KINDS)) if r.key != record.key
    ]
    known = {r.key: r for r in others} | service.resources(now)
    rows = [(r, now.get(key, "")) for key, r in known.items()]
    return sorted(rows, key=lambda row: (not row[1], row[0].listed, row[0].code))[:SHOWN]


def read(form: Form) -> dict[UUID, bool]:
    """Helpers as chosen: whether each always comes along."""
    assert form.typed is not None
    found = {}
    for name, value in form.typed.items():
        if name.startswith("link.") and value in ("required", "optional"):
            try:
                found[UUID(name.removeprefix("link."))] = value == "required"
            except ValueError:
                continue
    return found
