"""Notices of tariffs: the office when one waits, the laboratory when it was decided. Run by the outbox."""

from __future__ import annotations

from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.notices import service as notices
from resource_hub.domain.pricing import store
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey


def tell(unit: Unit, event: Event) -> None:
    """Tell of a tariff's step; delivered again, it tells nobody twice."""
    institution_id = UUID(event.payload["institution_id"])
    row = store.row_of(unit.session, HostKey(institution_id, UUID(event.payload["tariff_id"])))
    if row is None:
        return
    resource = catalogue.resource(HostKey(institution_id, row.resource_id))
    host = accounts.organisation(institution_id)
    if event.name == "pricing.tariff_submitted":
        people = accounts.people_with_role(institution_id, Role.OFFICE, Role.INSTITUTION_ADMIN)
        link, actor = f"/o/{host.code}/approvals#tariffs", row.submitted_by
    else:
        people = [row.submitted_by] if row.submitted_by else []
        link, actor = f"/o/{host.code}/resources/{row.resource_id}/tariff", row.decided_by
    values = {
        "name": {"zh": resource.name_zh, "en": resource.name_en},
        "since": row.since.isoformat(),
        "note": row.decision_note or "–",
    }
    others = [person for person in people if person != actor]
    notices.notify(unit, others, event.name, values, link, institution_id, key=str(event.id))


SUBSCRIPTIONS = {
    name: [("pricing.tell", tell)]
    for name in ("pricing.tariff_submitted", "pricing.tariff_approved", "pricing.tariff_refused")
}
