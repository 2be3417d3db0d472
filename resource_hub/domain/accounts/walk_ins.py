"""Walk-ins: customers without an account, named by hand when they stand at the door, and joined to a firm later.

A walk-in is an unregistered firm that nobody can enter. The host asks the firm whose it may be; when that one says yes,
the customer goes over to it: what was booked, used and charged keeps its keys, and the firm's people see and settle it;
new orders go by the firm itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import Reason

ERASES = (Role.MANAGER,)
RECEIVES = (Role.MANAGER, Role.DEPUTY, Role.OPERATOR, Role.OFFICE, Role.INSTITUTION_ADMIN)
_MOST_NAME, _MOST_CONTACT = 200, 200


@dataclass(frozen=True, slots=True)
class WalkIn:
    """A walk-in of a host; ``contact`` is how to reach it, as written down at the door, ``asked_id`` the firm that was
    asked whether it is one of its own. ``erased_at``: when the contact was erased; the use and its bills stay."""

    customer: CustomerRecord
    contact: str
    host_id: UUID
    asked_id: UUID | None
    erased_at: datetime | None = None


def _walk_in(customer: Customer, organisation: Organisation) -> WalkIn:
    settings = organisation.settings or {}
    asked = settings.get("asked")
    host_id = UUID((organisation.source_key or "").split(":")[1])
    contact = str(settings.get("contact", ""))
    erased = settings.get("contact_erased_at")
    return WalkIn(
        store.customer_record(customer),
        contact,
        host_id,
        UUID(asked) if asked else None,
        datetime.fromisoformat(erased) if erased else None,
    )


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


def walk_ins(by: Actor, limit: int = 200, after: UUID | None = None) -> list[WalkIn]:
    """Walk-ins of the actor's host that belong to no firm yet, the newest first, from the place after one."""
    if by.organisation_kind is not OrganisationKind.INSTITUTION or not by.has(*RECEIVES):
        return []
    statement = (
        select(Customer, Organisation)
        .join(Organisation, Organisation.id == Customer.organisation_id)
        .where(
            Organisation.source_key.startswith(_source(by.organisation_id)),
            Organisation.state == OrganisationState.ACTIVE.value,
        )
    )
    if after is not None:
        statement = statement.where(Customer.id < after)
    # Ids are drawn in the order of time.
    rows = reading().execute(statement.order_by(Customer.id.desc()).limit(limit))
    return [_walk_in(customer, organisation) for customer, organisation in rows]


def walk_in(customer_id: UUID, *, by: Actor) -> WalkIn:
    """A walk-in of the actor's host that belongs to no firm yet.

    Raises:
        UnknownCustomer: there is none.
    """
    found = _walk_in(*_open(customer_id))
    if found.host_id != by.organisation_id or not by.has(*RECEIVES):
        raise UnknownCustomer()
    return found


def erase_contact(customer_id: UUID, *, by: Actor) -> WalkIn:
    """Erase how to reach a walk-in. Its name, bookings, sessions and charges stay; that it was erased, when and by whom
    stands in the audit log. Again it changes nothing.

    Raises:
        UnknownCustomer: none such of this host, or joined before. NotYours: not a manager.
    """
    with unit_of_work() as unit:
        customer, organisation = _open(customer_id, lock=True)
        found = walk_in(customer_id, by=by)
        if not by.has(*ERASES):
            raise NotYours()
        if not found.contact:
            return found
        organisation.settings = {
            **(organisation.settings or {}),
            "contact": "",
            "contact_erased_at": unit.now.isoformat(),
        }
        organisation.version += 1
        unit.session.flush()
        unit.audit(
            "accounts.walk_in_contact_erased",
            found.host_id,
            f"organisation:{organisation.id}",
            {"customer": str(customer_id)},
            person_id=by.person_id,
        )
        return _walk_in(customer, organisation)


def _open(customer_id: UUID, *, lock: bool = False) -> tuple[Customer, Organisation]:
    """A walk-in that belongs to no firm yet.

    Raises:
        UnknownCustomer: there is none.
    """
    customer = store.customer_row(customer_id)
    organisation = store.organisation_row(customer.organisation_id, lock=lock) if customer else None
    if customer is None or organisation is None or not is_walk_in(store.organisation_record(organisation)):
        raise UnknownCustomer()
    if organisation.state != OrganisationState.ACTIVE.value:
        raise UnknownCustomer()
    return customer, organisation


def ask_firm(customer_id: UUID, uscc: str, *, by: Actor) -> OrganisationRecord:
    """Ask a registered firm, named by its credit code, whether a walk-in is one of its own. It answers itself: what was
    booked and charged becomes the firm's to pay.

    Raises:
        UnknownCustomer: none such of this host, or joined before. BadInput: no active firm has this code.
    """
    with unit_of_work() as unit:
        customer, organisation = _open(customer_id, lock=True)
        ours = (organisation.source_key or "").startswith(_source(by.organisation_id))
        if not ours or not by.has(*RECEIVES):
            raise UnknownCustomer()
        firm = store.organisation_by_uscc(codes.check(uscc).code)
        if (
            firm is None
            or firm.state != OrganisationState.ACTIVE.value
            or firm.kind != OrganisationKind.FIRM.value
        ):
            raise BadInput(Reason("accounts.no_such_firm", {}, "uscc"))
        organisation.settings = {**(organisation.settings or {}), "asked": str(firm.id)}
        organisation.version += 1
        _happened(unit, "asked", customer, firm.id, by)
        return store.organisation_record(firm)


def asked_walk_in(customer_id: UUID, *, by: Actor) -> WalkIn:
    """A walk-in on which the actor's firm is asked.

    Raises:
        UnknownCustomer: there is none, or somebody else is asked.
    """
    found = _walk_in(*_open(customer_id))
    if found.asked_id != by.organisation_id or not by.has(Role.FIRM_ADMIN):
        raise UnknownCustomer()
    return found


def walk_ins_asked(by: Actor, limit: int = 20) -> list[WalkIn]:
    """Walk-ins on which the actor's firm is asked and has not answered, the oldest first."""
    if not by.has(Role.FIRM_ADMIN):
        return []
    rows = reading().execute(
        select(Customer, Organisation)
        .join(Organisation, Organisation.id == Customer.organisation_id)
        .where(
            Organisation.source_key.startswith("walk_in:"),
            Organisation.state == OrganisationState.ACTIVE.value,
            Organisation.settings["asked"].as_string() == str(by.organisation_id),
        )
        .order_by(Customer.created_at, Customer.id)
        .limit(limit)
    )
    return [_walk_in(customer, organisation) for customer, organisation in rows]


def answer_walk_in(customer_id: UUID, accept: bool, *, by: Actor) -> None:
    """The firm's answer: the walk-in's bookings, sessions and charges become its own, or the host is told that they
    are not.

    Raises:
        UnknownCustomer: the firm is not asked, or has answered.
    """
    with unit_of_work() as unit:
        customer, organisation = _open(customer_id, lock=True)
        asked_walk_in(customer_id, by=by)
        if accept:
            customer.organisation_id, customer.state = by.organisation_id, "closed"
            organisation.state = OrganisationState.MERGED.value
            # How to reach them is the firm's own affair from now on.
            organisation.settings = {"merged_into": str(by.organisation_id)}
        else:
            organisation.settings = {k: v for k, v in (organisation.settings or {}).items() if k != "asked"}
        organisation.version += 1
        unit.session.flush()
        _happened(unit, "joined" if accept else "refused", customer, by.organisation_id, by, organisation)


def _happened(
    unit: Unit, what: str, customer: Customer, firm_id: UUID, by: Actor, walk_in: Organisation | None = None
) -> None:
    """Audit at both parties, and the message."""
    organisation = walk_in or store.organisation_row(customer.organisation_id)
    assert organisation is not None
    host_id = UUID((organisation.source_key or "").split(":")[1])
    details = {"customer": str(customer.id), "firm": str(firm_id)}
    for whose in (host_id, firm_id):
        subject = f"organisation:{organisation.id}"
        unit.audit(f"accounts.walk_in_{what}", whose, subject, details, person_id=by.person_id)
    payload = {"customer_id": str(customer.id), "firm_id": str(firm_id), "host_id": str(host_id)}
    unit.publish(f"accounts.walk_in_{what}", f"organisation:{organisation.id}", payload)
