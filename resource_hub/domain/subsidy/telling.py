"""Notices of support: applications, decisions, steps of runs, objections. Run by the outbox."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.notices import service as notices
from resource_hub.domain.subsidy import store
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import FunderKey

_OFFICE = (Role.OFFICE, Role.INSTITUTION_ADMIN)
# Who of the funder is told of which step: whoever takes the next one.
_NEXT = {
    "subsidy.run_computed": (Role.REVIEWER, Role.FUNDER_ADMIN),
    "subsidy.run_sampled": (Role.FUNDER_APPROVER,),
    "subsidy.run_approved": (Role.FUNDER_APPROVER, Role.REVIEWER),
    "subsidy.objection": (Role.REVIEWER, Role.FUNDER_ADMIN),
    "subsidy.quota_requested": (Role.REVIEWER, Role.FUNDER_ADMIN),
}


def tell_quota(unit: Unit, event: Event) -> None:
    """An application came in, or was decided."""
    row = store.quota_by_key(
        unit.session, FunderKey(UUID(event.payload["funder_id"]), UUID(event.payload["quota_id"]))
    )
    if row is None:
        return
    programme = store.programme_row(unit.session, row.programme_id)
    assert programme is not None
    customer = accounts.customer(row.customer_id)
    values = {
        "customer": {"zh": customer.name_zh, "en": customer.name_en},
        "programme": {"zh": programme.name_zh, "en": programme.name_en},
        "amount": {"minor": row.amount_minor, "currency": row.currency},
        "state": {"word": ["subsidy.quota", row.state]},
        "note": row.decision_note or "–",
    }
    if event.name == "subsidy.quota_requested":
        funder = accounts.organisation(row.funder_id)
        people = accounts.people_with_role(row.funder_id, *_NEXT[event.name])
        link, organisation_id = f"/o/{funder.code}/applications", row.funder_id
    else:
        owner = accounts.organisation(customer.organisation_id)
        people = accounts.people_with_role(owner.id, Role.FIRM_ADMIN, Role.PAYER)
        link, organisation_id = f"/o/{owner.code}/support", owner.id
    notices.notify(unit, people, event.name, values, link, organisation_id, key=str(event.id))


def tell_run(unit: Unit, event: Event) -> None:
    """A run took a step: the funder's people who take the next one; at payment those who receive the money."""
    key = FunderKey(UUID(event.payload["funder_id"]), UUID(event.payload["run_id"]))
    row = store.run_row(unit.session, key)
    if row is None:
        return
    programme = store.programme_row(unit.session, row.programme_id)
    assert programme is not None
    funder = accounts.organisation(key.funder_id)
    values: dict[str, Any] = {
        "run": row.number,
        "programme": {"zh": programme.name_zh, "en": programme.name_en},
        "amount": {"minor": row.amount_minor, "currency": row.currency},
        "until": row.notice_until.isoformat() if row.notice_until else "–",
    }
    if event.name in _NEXT:
        people = accounts.people_with_role(key.funder_id, *_NEXT[event.name])
        done_by = (row.computed_by, row.sampled_by) if event.name != "subsidy.objection" else ()
        others = [person for person in people if person not in done_by]
        link = f"/o/{funder.code}/runs/{row.id}"
        notices.notify(unit, others, event.name, values, link, key.funder_id, key=str(event.id))
        return
    _tell_beneficiaries(unit, event, key, values)


def _tell_beneficiaries(unit: Unit, event: Event, key: FunderKey, values: dict[str, Any]) -> None:
    """Each beneficiary is told its own sum, never another's."""
    sums: dict[UUID, int] = {}
    for line, _ in store.lines_of_run(unit.session, key):
        sums[line.beneficiary_id] = sums.get(line.beneficiary_id, 0) + line.amount_minor
    customers = accounts.customers(set(sums))
    for beneficiary_id, minor in sorted(sums.items(), key=lambda item: str(item[0])):
        customer = customers.get(beneficiary_id)
        organisation = accounts.organisation(customer.organisation_id if customer else beneficiary_id)
        roles = (Role.FIRM_ADMIN, Role.PAYER) if customer else _OFFICE
        link = f"/o/{organisation.code}/{'support' if customer else 'billing'}"
        own = {**values, "amount": {"minor": minor, "currency": "CNY"}}
        people = accounts.people_with_role(organisation.id, *roles)
        notices.notify(unit, people, event.name, own, link, organisation.id, key=str(event.id))


SUBSCRIPTIONS = {
    "subsidy.quota_requested": [("subsidy.tell", tell_quota)],
    "subsidy.quota_decided": [("subsidy.tell", tell_quota)],
    **{
        name: [("subsidy.tell", tell_run)]
        for name in (
            "subsidy.run_computed", "subsidy.run_sampled", "subsidy.run_approved", "subsidy.run_on_notice",
            "subsidy.run_paid", "subsidy.objection",
        )
    },
}  # fmt: skip
