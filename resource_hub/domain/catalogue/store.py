"""Queries of the catalogue: rows → records. Never commits; used by this package only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from resource_hub.domain.catalogue import contents as contents_json
from resource_hub.domain.catalogue.tables import ImportRun, ListingChange, Resource, Unit
from resource_hub.domain.catalogue.terms import (
    ChangeRecord,
    ChangeState,
    Contact,
    ListingContents,
    ListingState,
    Mode,
    ResourceKind,
    ResourceRecord,
    UnitRecord,
    WorkingOrder,
)
from resource_hub.kernel.keys import HostKey

# Fields of the contents that stand in columns of the same name.
_SAME = (
    "name_zh", "name_en", "summary_zh", "summary_en", "class_code", "model", "maker", "country", "city", "place_zh",
    "place_en", "latitude_micro", "longitude_micro", "original_value_minor", "currency", "accepted_on",
    "commissioned_on", "decommissioned_on", "general_purpose", "accessories", "rules_zh", "rules_en", "bookable",
    "open_to_outside", "photo_id",
)  # fmt: skip
_OPEN_CHANGES = (ChangeState.DRAFT, ChangeState.REFUSED, ChangeState.PENDING, ChangeState.APPROVED)


def columns_of(contents: ListingContents) -> dict[str, Any]:
    """Contents as columns of ``resource``."""
    row = {name: getattr(contents, name) for name in _SAME}
    row["specification"] = [[key, value] for key, value in contents.specification]
    row["details"] = dict(contents.details)
    row["modes"] = [str(mode) for mode in contents.modes]
    contact = contents.contact
    row["contact_name"], row["contact_phone"] = contact.name, contact.phone
    row["contact_email"], row["contact_verified_on"] = contact.email, contact.verified_on
    return row


def contents_of(row: Resource) -> ListingContents:
    values = {name: getattr(row, name) for name in _SAME}
    return ListingContents(
        **values,
        specification=tuple((key, value) for key, value in row.specification),
        details=dict(row.details),
        modes=tuple(Mode(mode) for mode in row.modes),
        contact=Contact(row.contact_name, row.contact_phone, row.contact_email, row.contact_verified_on),
    )


def record_of(
    row: Resource, *, zone: str, host_code: str, units: int = 0, change_waits: bool = False
) -> ResourceRecord:
    return ResourceRecord(
        key=HostKey(row.institution_id, row.id),
        code=row.code,
        kind=ResourceKind(row.kind),
        state=ListingState(row.state),
        department_id=row.department_id,
        zone=zone,
        contents=contents_of(row),
        version=row.version,
        listed=row.listed,
        listed_on=row.listed_on,
        order=WorkingOrder(row.status),
        change_waits=change_waits,
        unit_count=units,
        host_code=host_code,
    )


def resource_row(session: Session, key: HostKey, *, lock: bool = False) -> Resource | None:
    query = select(Resource).where(Resource.institution_id == key.institution_id, Resource.id == key.id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def resource_id_of_code(session: Session, institution_id: UUID, code: str) -> UUID | None:
    return session.scalar(
        select(Resource.id).where(Resource.institution_id == institution_id, Resource.code == code)
    )


def rows_of_keys(session: Session, keys: Iterable[HostKey]) -> list[Resource]:
    keys = list(keys)
    if not keys:
        return []
    rows: list[Resource] = []
    for start in range(0, len(keys), 400):
        some = keys[start : start + 400]
        # Two plain lists use the key's index on both engines; pairs that nobody asked for are left out afterwards.
        wanted = set(some)
        found = session.scalars(
            select(Resource).where(
                Resource.institution_id.in_({key.institution_id for key in some}),
                Resource.id.in_([key.id for key in some]),
            )
        )
        rows += [row for row in found if HostKey(row.institution_id, row.id) in wanted]
    return rows


def rows_of_codes(session: Session, institution_id: UUID, codes: Sequence[str]) -> dict[str, Resource]:
    if not codes:
        return {}
    query = select(Resource).where(Resource.institution_id == institution_id, Resource.code.in_(codes))
    return {row.code: row for row in session.scalars(query)}


def unit_counts(session: Session, keys: Iterable[HostKey]) -> dict[HostKey, int]:
    """Active units by resource."""
    keys = list(keys)
    if not keys:
        return {}
    query = (
        select(Unit.institution_id, Unit.resource_id, func.count())
        .where(
            Unit.institution_id.in_({key.institution_id for key in keys}),
            Unit.resource_id.in_([key.id for key in keys]),
            Unit.active.is_(True),
        )
        .group_by(Unit.institution_id, Unit.resource_id)
    )
    return {HostKey(institution, resource): count for institution, resource, count in session.execute(query)}


def waiting(session: Session, keys: Iterable[HostKey]) -> set[HostKey]:
    """Which of these have a change on its way (draft, refused, pending, or approved for a later day)."""
    keys = list(keys)
    if not keys:
        return set()
    query = select(ListingChange.institution_id, ListingChange.resource_id).where(
        ListingChange.institution_id.in_({key.institution_id for key in keys}),
        ListingChange.resource_id.in_([key.id for key in keys]),
        ListingChange.state.in_([str(state) for state in _OPEN_CHANGES]),
    )
    return {HostKey(institution, resource) for institution, resource in session.execute(query)}


def managed_rows(
    session: Session,
    institution_id: UUID,
    *,
    department_ids: frozenset[UUID] | None,
    states: Sequence[ListingState] = (),
    kinds: Sequence[ResourceKind] = (),
    text: str = "",
    overdue_before: date | None = None,
    after: str = "",
    limit: int | None = None,
) -> list[Resource]:
    """Resources of a host by code. ``overdue_before``: never listed and accepted before that day."""
    query = select(Resource).where(Resource.institution_id == institution_id)
    if department_ids is not None:
        query = query.where(Resource.department_id.in_(department_ids))
    if states:
        query = query.where(Resource.state.in_([str(state) for state in states]))
    if kinds:
        query = query.where(Resource.kind.in_([str(kind) for kind in kinds]))
    if text:
        pattern = "%" + text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        query = query.where(
            or_(*(c.ilike(pattern, escape="\\") for c in (Resource.code, Resource.name_zh, Resource.name_en)))
        )
    if overdue_before is not None:
        query = query.where(Resource.listed_on.is_(None), Resource.accepted_on <= overdue_before)
    if after:
        query = query.where(Resource.code > after)
    query = query.order_by(Resource.code)
    return list(session.scalars(query.limit(limit) if limit else query))


def state_counts(
    session: Session, institution_id: UUID, department_ids: frozenset[UUID] | None
) -> dict[ListingState, int]:
    query = select(Resource.state, func.count()).where(Resource.institution_id == institution_id)
    if department_ids is not None:
        query = query.where(Resource.department_id.in_(department_ids))
    return {ListingState(state): count for state, count in session.execute(query.group_by(Resource.state))}


# ---- units ---------------------------------------------------------------------------------------------------


def unit_record(row: Unit) -> UnitRecord:
    return UnitRecord(
        HostKey(row.institution_id, row.id),
        row.resource_id,
        row.code,
        row.name_zh,
        row.name_en,
        row.position,
        row.active,
        row.serial_number,
    )


def unit_rows(session: Session, key: HostKey) -> list[Unit]:
    query = select(Unit).where(Unit.institution_id == key.institution_id, Unit.resource_id == key.id)
    return list(session.scalars(query.order_by(Unit.position)))


def units_of_resources(session: Session, keys: Sequence[HostKey]) -> list[Unit]:
    """Active units of many resources by position."""
    query = select(Unit).where(
        Unit.institution_id.in_({key.institution_id for key in keys}),
        Unit.resource_id.in_([key.id for key in keys]),
        Unit.active.is_(True),
    )
    return list(session.scalars(query.order_by(Unit.position)))


def unit_row(
    session: Session, institution_id: UUID, *, id: UUID | None = None, code: str = ""
) -> Unit | None:
    query = select(Unit).where(Unit.institution_id == institution_id)
    query = query.where(Unit.id == id) if id is not None else query.where(Unit.code == code)
    return session.scalars(query).one_or_none()


def unit_codes_taken(session: Session, institution_id: UUID, codes: Sequence[str]) -> set[str]:
    query = select(Unit.code).where(Unit.institution_id == institution_id, Unit.code.in_(codes))
    return set(session.scalars(query))


# ---- changes -------------------------------------------------------------------------------------------------


def change_record(row: ListingChange) -> ChangeRecord:
    return ChangeRecord(
        key=HostKey(row.institution_id, row.id),
        resource_id=row.resource_id,
        number=row.number,
        state=ChangeState(row.state),
        contents=contents_json.from_json(row.document),
        withdraws=row.withdraws,
        effective_on=row.effective_on,
        note=row.note,
        decision_note=row.decision_note,
        submitted_by=row.submitted_by,
        submitted_at=row.submitted_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        applied_at=row.applied_at,
        version=row.version,
    )


def change_row(session: Session, key: HostKey, *, lock: bool = False) -> ListingChange | None:
    query = select(ListingChange).where(
        ListingChange.institution_id == key.institution_id, ListingChange.id == key.id
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def change_rows(
    session: Session,
    institution_id: UUID,
    *,
    resource_id: UUID | None = None,
    states: Sequence[ChangeState] = (),
    newest_first: bool = True,
    limit: int | None = None,
    after: tuple[datetime, UUID] | None = None,
) -> list[ListingChange]:
    query = select(ListingChange).where(ListingChange.institution_id == institution_id)
    if resource_id is not None:
        query = query.where(ListingChange.resource_id == resource_id)
    if states:
        query = query.where(ListingChange.state.in_([str(state) for state in states]))
    if resource_id is not None:
        query = query.order_by(ListingChange.number.desc() if newest_first else ListingChange.number)
    else:
        place = tuple_(ListingChange.submitted_at, ListingChange.id)
        query = query.order_by(*place.clauses)
        if after is not None:
            query = query.where(place > tuple_(*map(literal, after, (c.type for c in place.clauses))))
    return list(session.scalars(query.limit(limit) if limit else query))


def pending_count(session: Session, institution_id: UUID) -> int:
    query = select(func.count()).select_from(ListingChange)
    query = query.where(
        ListingChange.institution_id == institution_id, ListingChange.state == str(ChangeState.PENDING)
    )
    return session.scalar(query) or 0


def next_number(session: Session, key: HostKey) -> int:
    found = session.scalar(
        select(func.max(ListingChange.number)).where(
            ListingChange.institution_id == key.institution_id, ListingChange.resource_id == key.id
        )
    )
    return (found or 0) + 1


def due_changes(
    session: Session, by: date, *, keys: Sequence[HostKey] | None = None, limit: int = 200
) -> list[ListingChange]:
    """Approved changes whose day has come, oldest number first."""
    query = select(ListingChange).where(
        ListingChange.state == str(ChangeState.APPROVED), ListingChange.effective_on <= by
    )
    if keys is not None:
        query = query.where(
            ListingChange.institution_id.in_({key.institution_id for key in keys}),
            ListingChange.resource_id.in_([key.id for key in keys]),
        )
    return list(
        session.scalars(query.order_by(ListingChange.effective_on, ListingChange.number).limit(limit))
    )


def has_public(session: Session, institution_id: UUID) -> bool:
    return bool(
        session.scalar(
            select(
                exists().where(
                    Resource.institution_id == institution_id, Resource.state == str(ListingState.PUBLIC)
                )
            )
        )
    )


# ---- imports -------------------------------------------------------------------------------------------------


def import_row(session: Session, key: HostKey, *, lock: bool = False) -> ImportRun | None:
    query = select(ImportRun).where(ImportRun.institution_id == key.institution_id, ImportRun.id == key.id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def import_rows(session: Session, institution_id: UUID, limit: int = 30) -> list[ImportRun]:
    query = select(ImportRun).where(ImportRun.institution_id == institution_id)
    return list(session.scalars(query.order_by(ImportRun.created_at.desc()).limit(limit)))


def imports_at_work(session: Session, limit: int = 5) -> list[ImportRun]:
    """Imports whose turn it is, oldest first: waiting ones, and running ones that their process may have left."""
    query = select(ImportRun).where(ImportRun.state.in_(["waiting", "running"]))
    return list(session.scalars(query.order_by(ImportRun.created_at).limit(limit)))
