"""Listings on their way to the office: made, drafted, handed in, taken back."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.catalogue import contents as contents_json
from resource_hub.domain.catalogue import rules, store
from resource_hub.domain.catalogue.classes import instrument_classes
from resource_hub.domain.catalogue.errors import (
    CodeTaken,
    ListingInvalid,
    WrongState,
)
from resource_hub.domain.catalogue.managing import (
    APPROVES,
    check,
    draft,
    fresh,
    locked,
    may_manage,
    new_change,
    open_row,
    recorded,
    subject,
    today_at,
    told,
)
from resource_hub.domain.catalogue.tables import Resource
from resource_hub.domain.catalogue.terms import (
    ChangeRecord,
    ChangeState,
    ListingContents,
    ListingState,
    ResourceKind,
    ResourceRecord,
    WorkingOrder,
)
from resource_hub.domain.catalogue.units import insert_units
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import Reason, refuse_if
from resource_hub.kernel.keys import HostKey


def create(
    institution_id: UUID,
    kind: ResourceKind,
    code: str,
    contents: ListingContents,
    *,
    by: Actor,
    department_id: UUID | None = None,
    units: int = 1,
    listed: bool = True,
) -> ResourceRecord:
    """A new resource as a draft, with its units.

    Args:
        units: number of identical lanes, 1 to 500; kinds that are not used by time get none.
        listed: False for a helper (preparation room, operator) that is only booked together with another.

    Raises:
        ListingInvalid: every fault of the code and the contents. CodeTaken: the code stands for another resource.
    """
    code = code.strip()
    with unit_of_work() as unit:
        may_manage(by, institution_id, department_id)
        if department_id is not None:
            accounts.department(institution_id, department_id)
        reasons = rules.check_code(code)
        reasons += rules.check_contents(kind, contents, instrument_classes(), complete=False)
        refuse_if(reasons, ListingInvalid)
        if store.resource_id_of_code(unit.session, institution_id, code) is not None:
            raise CodeTaken(Reason("catalogue.code_taken", {"code": code}, "code"))
        row = Resource(
            institution_id=institution_id,
            id=new_id(),
            code=code,
            kind=str(kind),
            department_id=department_id,
            state=str(ListingState.DRAFT),
            status=str(WorkingOrder.NORMAL),
            listed=listed,
            version=1,
            created_at=unit.now,
            changed_at=unit.now,
            **store.columns_of(contents),
        )
        unit.session.add(row)
        unit.session.flush()
        key = HostKey(institution_id, row.id)
        if listed:
            unit.session.add(new_change(unit, key, contents, number=1))
        if kind in (ResourceKind.INSTRUMENT, ResourceKind.FACILITY):
            insert_units(unit, row, units)
        unit.session.flush()
        unit.audit("catalogue.created", institution_id, subject(key), {"code": code}, person_id=by.person_id)
        return recorded(unit, row)


def save_draft(
    key: HostKey,
    contents: ListingContents,
    *,
    by: Actor,
    version: int | None = None,
    department_id: UUID | None | bool = False,
) -> ChangeRecord:
    """Keep what was typed as the draft of the next change; the public listing stays as it is.

    Args:
        version: of the resource, as the person saw it; each saving makes a new one.
        department_id: the department or None; leave it out to keep it.

    Raises:
        ListingStale: somebody else saved in between. WrongState: a change waits for approval; recall it first.
    """
    with unit_of_work() as unit:
        row = locked(unit, key, by)
        fresh(row, version)
        if department_id is not False:
            assert not isinstance(department_id, bool)
            may_manage(by, row.institution_id, department_id)
            row.department_id = department_id
        change = draft(unit, row, contents)
        unit.audit(
            "catalogue.draft_saved", key.institution_id, subject(key), {"change": change.number},
            person_id=by.person_id,
        )  # fmt: skip
        return store.change_record(change)


def submit(
    key: HostKey, *, by: Actor, effective_on: date | None = None, note: str = "", version: int | None = None
) -> ChangeRecord:
    """Hand the draft to the office.

    Args:
        effective_on: first day of the new contents in the host's zone; None for the day of approval.

    Raises:
        ListingInvalid: what a public listing still lacks, all at once. WrongState: there is no draft.
    """
    with unit_of_work() as unit:
        row = locked(unit, key, by)
        fresh(row, version)
        change = open_row(key)
        if change is None:
            raise WrongState(Reason("catalogue.no_draft", {}))
        refuse_if(rules.may_submit(ChangeState(change.state)), WrongState)
        contents = contents_json.from_json(change.document)
        check(ResourceKind(row.kind), contents, complete=True)
        if effective_on is not None and effective_on < today_at(unit, key.institution_id):
            raise ListingInvalid(
                Reason("catalogue.effective_in_past", {"day": effective_on.isoformat()}, "effective_on")
            )
        change.state = str(ChangeState.PENDING)
        change.effective_on = effective_on
        change.note = note
        change.decision_note = ""
        change.submitted_by, change.submitted_at = by.person_id, unit.now
        change.version += 1
        if row.state in (str(ListingState.DRAFT), str(ListingState.WITHDRAWN)):
            row.state = str(ListingState.PENDING)
        row.version += 1
        unit.session.flush()
        told(unit, row, change, "submitted", accounts.people_with_role(key.institution_id, *APPROVES), by)
        return store.change_record(change)


def recall(key: HostKey, *, by: Actor) -> ChangeRecord:
    """Take a change back from the office before it is decided; it is a draft again."""
    with unit_of_work() as unit:
        row = locked(unit, key, by)
        change = open_row(key)
        if change is None or change.state != str(ChangeState.PENDING):
            raise WrongState(
                Reason("catalogue.change_not_pending", {"state": change.state if change else "none"})
            )
        change.state = str(ChangeState.DRAFT)
        change.version += 1
        if row.state == str(ListingState.PENDING):
            row.state = str(ListingState.DRAFT)
        row.version += 1
        unit.audit("catalogue.recalled", key.institution_id, subject(key), {"change": change.number},
                   person_id=by.person_id)  # fmt: skip
        unit.session.flush()
        return store.change_record(change)
