"""Walk-ins: customers without an account, named by hand when they stand at the door, and joined to a firm later.

A walk-in is an unregistered firm that nobody can enter. When it is joined, its customer goes over to the firm: what was
booked, used and charged keeps its keys, and the firm's people see and settle it; new orders go by the firm itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from resource_hub.domain.accounts import store
from resource_hub.domain.accounts.errors import BadInput, NotYours, UnknownCustomer
from resource_hub.domain.accounts.registration import OrganisationFields, insert_organisation
from resource_hub.domain.accounts.rules import uscc as codes
from resource_hub.domain.accounts.tables import Customer, Organisation
from resource_hub.domain.accounts.terms import (
    Actor,
    CustomerRecord,
    OrganisationKind,
    OrganisationRecord,
    OrganisationState,
    Role,
)
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import Reason

RECEIVES = (Role.MANAGER, Role.DEPUTY, Role.OPERATOR, Role.OFFICE, Role.INSTITUTION_ADMIN)
_MOST_NAME, _MOST_CONTACT = 200, 200


@dataclass(frozen=True, slots=True)
class WalkIn:
    """A walk-in of a host; ``contact`` is how to reach it, as written down at the door."""

    customer: CustomerRecord
    contact: str


def _source(host_id: UUID) -> str:
    return f"walk_in:{host_id}:"


def is_walk_in(organisation: OrganisationRecord) -> bool:
    return (organisation.source_key or "").startswith("walk_in:")


def add_walk_in(name: str, contact: str, *, by: Actor) -> CustomerRecord:
    """Write somebody down who stands at the door.

    Raises:
        NotYours: not a person of a host. BadInput: without a name, or too long.
    """
    if by.organisation_kind is not OrganisationKind.INSTITUTION or not by.has(*RECEIVES):
        raise NotYours()
    name, contact = name.strip(), contact.strip()
    reasons = [] if name else [Reason("accounts.name_missing", {}, "walk_in")]
    for text, most, place in ((name, _MOST_NAME, "walk_in"), (contact, _MOST_CONTACT, "contact")):
        if len(text) > most:
            reasons.append(Reason("form.too_long", {"limit": most}, place))
    if reasons:
        raise BadInput(*reasons)
    with unit_of_work() as unit:
        host = store.organisation_row(by.organisation_id)
        assert host is not None
        organisation_id = new_id()
        row = insert_organisation(
            unit,
            OrganisationKind.FIRM,
            code=f"walk-in-{organisation_id.hex[-12:]}",
            fields=OrganisationFields(name_zh=name, zone=host.zone, jurisdiction=host.jurisdiction),
            settings={"contact": contact},
            source_key=f"{_source(host.id)}{organisation_id}",
            organisation_id=organisation_id,
        )
        subject = f"organisation:{row.id}"
        unit.audit("accounts.walk_in_added", host.id, subject, {}, person_id=by.person_id)
        own = store.own_customer(row.id)
        assert own is not None
        return store.customer_record(own)


def walk_ins(by: Actor, limit: int = 200) -> list[WalkIn]:
    """Walk-ins of the actor's host that belong to no firm yet, the newest first."""
    if by.organisation_kind is not OrganisationKind.INSTITUTION or not by.has(*RECEIVES):
        return []
    rows = reading().execute(
        select(Customer, Organisation)
        .join(Organisation, Organisation.id == Customer.organisation_id)
        .where(
            Organisation.source_key.startswith(_source(by.organisation_id)),
            Organisation.state == OrganisationState.ACTIVE.value,
        )
        .order_by(Customer.created_at.desc(), Customer.id)
        .limit(limit)
    )
    return [
        WalkIn(store.customer_record(customer), str((organisation.settings or {}).get("contact", "")))
        for customer, organisation in rows
    ]


def join_walk_in(customer_id: UUID, uscc: str, *, by: Actor) -> OrganisationRecord:
    """Let what a walk-in booked belong to a registered firm, named by its credit code.

    Raises:
        UnknownCustomer: none such of this host, or joined before. BadInput: no active firm has this code.
    """
    with unit_of_work() as unit:
        customer = store.customer_row(customer_id)
        organisation = store.organisation_row(customer.organisation_id, lock=True) if customer else None
        ours = organisation is not None and (organisation.source_key or "").startswith(_source(by.organisation_id))
        open_ = organisation is not None and organisation.state == OrganisationState.ACTIVE.value
        if customer is None or organisation is None or not ours or not open_ or not by.has(*RECEIVES):
            raise UnknownCustomer()
        firm = store.organisation_by_uscc(codes.check(uscc).code)
        if firm is None or firm.state != OrganisationState.ACTIVE.value or firm.kind != OrganisationKind.FIRM.value:
            raise BadInput(Reason("accounts.no_such_firm", {}, "uscc"))
        customer.organisation_id, customer.state = firm.id, "closed"
        organisation.state = OrganisationState.MERGED.value
        # How to reach them is the firm's own affair from now on.
        organisation.settings = {"merged_into": str(firm.id)}
        organisation.version += 1
        details = {"customer": str(customer_id), "into": str(firm.id)}
        for whose in (by.organisation_id, firm.id):
            subject = f"organisation:{organisation.id}"
            unit.audit("accounts.walk_in_joined", whose, subject, details, person_id=by.person_id)
        payload = {
            "customer_id": str(customer_id), "organisation_id": str(firm.id), "host_id": str(by.organisation_id),
            "name": {"zh": customer.name_zh, "en": customer.name_en},
        }  # fmt: skip
        unit.publish("accounts.walk_in_joined", f"organisation:{organisation.id}", payload)
        return store.organisation_record(firm)
