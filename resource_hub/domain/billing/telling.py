"""Notices of money: payers when a statement is there, the office when a use has no price. Run by the outbox."""

from __future__ import annotations

from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerKind, Role
from resource_hub.domain.billing import store
from resource_hub.domain.notices import service as notices
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey

_PAYERS = (Role.PAYER, Role.FIRM_ADMIN)


def tell_statement(unit: Unit, event: Event) -> None:
    """A statement was issued, or a payment was recorded."""
    institution_id = UUID(event.payload["institution_id"])
    row = store.statement_row(unit.session, HostKey(institution_id, UUID(event.payload["statement_id"])))
    if row is None or (event.name == "billing.statement_issued" and row.total_minor <= 0):
        return
    host = accounts.organisation(institution_id)
    customer = accounts.customer(row.customer_id)
    owner = accounts.organisation(customer.organisation_id)
    people = accounts.people_of_customer(row.customer_id, *_PAYERS)
    if customer.kind is CustomerKind.GROUP or not people:
        people = accounts.people_of_customer(row.customer_id)
    values = {
        "number": row.number,
        "host": {"zh": host.name_zh, "en": host.name_en},
        "amount": {"minor": row.total_minor, "currency": row.currency},
        "due": row.due_on.isoformat() if row.due_on else "–",
    }
    link = f"/o/{owner.code}/statements/{host.code}/{row.id}"
    notices.notify(unit, people, event.name, values, link, owner.id, key=str(event.id))


def tell_problem(unit: Unit, event: Event) -> None:
    """A use that no tariff could price waits for the office."""
    institution_id = UUID(event.payload["institution_id"])
    host = accounts.organisation(institution_id)
    customer = accounts.customer(UUID(event.payload["customer_id"]))
    people = accounts.people_with_role(institution_id, Role.OFFICE, Role.INSTITUTION_ADMIN)
    values = {"customer": {"zh": customer.name_zh, "en": customer.name_en}}
    notices.notify(
        unit,
        people,
        event.name,
        values,
        f"/o/{host.code}/billing#problems",
        institution_id,
        key=str(event.id),
    )


SUBSCRIPTIONS = {
    "billing.statement_issued": [("billing.tell", tell_statement)],
    "billing.statement_paid": [("billing.tell", tell_statement)],
    "billing.problem": [("billing.tell", tell_problem)],
}
