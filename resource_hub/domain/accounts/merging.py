"""Organisations that arrive by import, and such that look like one: proposed for merging, decided by people."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from uuid import UUID

from sqlalchemy import insert, select

from resource_hub.domain.accounts import store
from resource_hub.domain.accounts.errors import (
    AlreadyAnswered,
    BadInput,
    NotYours,
    UnknownRequest,
)
from resource_hub.domain.accounts.registration import OrganisationFields, check_fields, slug
from resource_hub.domain.accounts.tables import Customer, Membership, MergeProposal, Organisation
from resource_hub.domain.accounts.terms import (
    PLATFORM_ID,
    Actor,
    CustomerKind,
    MergeProposalRecord,
    MergeState,
    OrganisationKind,
    OrganisationRecord,
    OrganisationState,
    Role,
)
from resource_hub.infra.ids import derived_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import Reason

_EPOCH_KEY = "accounts.import"


@dataclass(frozen=True, slots=True)
class InstitutionSeed:
    """An institution as a source lists it. ``source_key`` names the row for ever: the second import meets it."""

    source_key: str
    fields: OrganisationFields


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """``ids`` by source key, of all rows that stand after the import."""

    created: int
    updated: int
    unchanged: int
    ids: dict[str, UUID]


def fold_name(name: str) -> str:
    """A name for comparison: case, width and blanks folded."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def import_institutions(seeds: Sequence[InstitutionSeed]) -> ImportCounts:
    """Create or update institutions by source key, in one unit; give some hundreds at a time.

    Raises:
        BadInput: a seed without name or key; nothing of this call is kept.
    """
    created = updated = unchanged = 0
    ids: dict[str, UUID] = {}
    with unit_of_work() as unit:
        known = {
            row.source_key: row
            for start in range(0, len(seeds), 400)
            for row in unit.session.scalars(
                select(Organisation).where(
                    Organisation.source_key.in_([s.source_key for s in seeds[start : start + 400]])
                )
            )
        }
        wanted_codes = {
            s.source_key: slug(s.fields.name_en or s.fields.name_zh) or "institution" for s in seeds
        }
        taken = set(unit.session.scalars(select(Organisation.code))) | set(
            unit.session.scalars(select(Customer.code))
        )
        organisations, customers = [], []
        for seed in seeds:
            reasons = check_fields(seed.fields)
            if not seed.source_key or len(seed.source_key) > 200:
                reasons.append(Reason("accounts.source_key_missing", {}, "source_key"))
            if reasons:
                raise BadInput(*reasons)
            row = known.get(seed.source_key)
            if row is not None:
                ids[seed.source_key] = row.id
                changes = {
                    f.name: getattr(seed.fields, f.name)
                    for f in fields(seed.fields)
                    if getattr(row, f.name) != getattr(seed.fields, f.name)
                }
                if not changes:
                    unchanged += 1
                    continue
                for name, value in changes.items():
                    setattr(row, name, value)
                row.version += 1
                updated += 1
                unit.audit(
                    "organisation.imported", row.id, f"organisation:{row.id}", {"changed": sorted(changes)}
                )
                continue
            if seed.source_key in ids:
                raise BadInput(Reason("accounts.source_key_twice", {"key": seed.source_key}, "source_key"))
            base, number = wanted_codes[seed.source_key][:50], 1
            code = base
            while code in taken:
                number += 1
                code = f"{base}-{number}"
            taken.add(code)
            organisation_id = derived_id(unit.now, _EPOCH_KEY, seed.source_key)
            ids[seed.source_key] = organisation_id
            created += 1
            values = {f.name: getattr(seed.fields, f.name) for f in fields(seed.fields)}
            organisations.append(
                {
                    "id": organisation_id,
                    "kind": OrganisationKind.INSTITUTION.value,
                    "code": code,
                    "state": OrganisationState.ACTIVE.value,
                    "source_key": seed.source_key,
                    "settings": {},
                    "version": 1,
                    "created_at": unit.now,
                    **values,
                }
            )
            customers.append(
                {
                    "id": derived_id(unit.now, _EPOCH_KEY, "customer", seed.source_key),
                    "kind": CustomerKind.INSTITUTION.value,
                    "organisation_id": organisation_id,
                    "code": code,
                    "name_zh": seed.fields.name_zh,
                    "name_en": seed.fields.name_en,
                    "state": "active",
                    "created_at": unit.now,
                }
            )
        unit.session.flush()
        if organisations:
            unit.session.execute(insert(Organisation), organisations)
            unit.session.execute(insert(Customer), customers)
            unit.audit(
                "organisations.imported",
                PLATFORM_ID,
                "import",
                {"created": created, "keys": len(organisations)},
            )
    return ImportCounts(created, updated, unchanged, ids)


def propose_merges(ids: Iterable[UUID] | None = None) -> tuple[int, int]:
    """Propose institutions whose folded names are equal (of all, or among some) for merging; merges nothing.

    Returns how many groups of duplicates there are, and how many proposals are new.
    """
    with unit_of_work() as unit:
        found = store.organisations(
            kind=OrganisationKind.INSTITUTION, states=(OrganisationState.ACTIVE, OrganisationState.PENDING)
        )
        only = set(ids) if ids is not None else None
        by_name: dict[str, list[UUID]] = {}
        for record in found:
            if only is None or record.id in only:
                by_name.setdefault(fold_name(record.name_en or record.name_zh), []).append(record.id)
        groups = {name: members for name, members in by_name.items() if len(members) > 1}
        known = {
            row.folded_name: row
            for row in unit.session.scalars(select(MergeProposal).where(MergeProposal.kind == "organisation"))
        }
        new = 0
        for name, members in sorted(groups.items()):
            texts = sorted(str(m) for m in members)
            row = known.get(name)
            if row is None:
                unit.session.add(
                    MergeProposal(
                        id=derived_id(unit.now, "merge", name),
                        folded_name=name[:300],
                        member_ids=texts,
                        state=MergeState.OPEN.value,
                        created_at=unit.now,
                    )
                )
                new += 1
            elif not set(texts) <= set(row.member_ids):
                # A further one of the same name: ask again, whatever was decided about the earlier ones.
                row.member_ids = sorted({*row.member_ids, *texts})
                row.state, row.decided_by, row.decided_at = MergeState.OPEN.value, None, None
                new += 1
        if new:
            unit.audit("merges.proposed", PLATFORM_ID, "merges", {"groups": len(groups), "new": new})
        return len(groups), new


def merge_proposals(*, by: Actor, state: MergeState = MergeState.OPEN) -> list[MergeProposalRecord]:
    """Proposals with their organisations.

    Raises:
        NotYours
    """
    if not by.has(Role.PLATFORM_STAFF):
        raise NotYours()
    rows = store.merge_proposals(state.value)
    wanted = {UUID(m) for row in rows for m in row.member_ids}
    found: dict[UUID, OrganisationRecord] = {}
    ordered = sorted(wanted)
    for start in range(0, len(ordered), 400):
        found |= {o.id: o for o in store.organisations(ordered[start : start + 400], states=None)}
    return [
        MergeProposalRecord(
            row.id,
            row.folded_name,
            tuple(found[UUID(m)] for m in row.member_ids if UUID(m) in found),
            MergeState(row.state),
            row.created_at,
            row.decided_at,
        )
        for row in rows
    ]


def decide_merge(proposal_id: UUID, *, keep_id: UUID | None, by: Actor) -> None:
    """Merge all members of a proposal into ``keep_id``, or keep them apart when it is None.

    A merged organisation stays as a row (its resources, bookings and ledger keep their keys) but can no longer be
    entered or found; its people continue in the one that is kept, with the roles they had.

    Raises:
        NotYours, UnknownRequest, AlreadyAnswered, BadInput: ``keep_id`` is not among them.
    """
    if not by.has(Role.PLATFORM_STAFF):
        raise NotYours()
    with unit_of_work() as unit:
        row = unit.session.scalar(
            select(MergeProposal).where(MergeProposal.id == proposal_id).with_for_update()
        )
        if row is None:
            raise UnknownRequest()
        if row.state != MergeState.OPEN.value:
            raise AlreadyAnswered()
        if keep_id is not None and str(keep_id) not in row.member_ids:
            raise BadInput(Reason("accounts.merge_not_a_member", {}, "keep_id"))
        row.state = MergeState.KEPT_APART.value if keep_id is None else MergeState.MERGED.value
        row.decided_by, row.decided_at = by.person_id, unit.now
        if keep_id is not None:
            for other in (UUID(m) for m in row.member_ids if m != str(keep_id)):
                organisation = store.organisation_row(other, lock=True)
                if organisation is None or organisation.state == OrganisationState.MERGED.value:
                    continue
                organisation.state = OrganisationState.MERGED.value
                organisation.settings = {**(organisation.settings or {}), "merged_into": str(keep_id)}
                organisation.version += 1
                for membership in unit.session.scalars(
                    select(Membership).where(
                        Membership.organisation_id == other, Membership.state.in_(["active", "pending"])
                    )
                ):
                    # Departments and groups belong to the old key; the office of the kept one sets them anew.
                    membership.organisation_id = keep_id
                    membership.department_id = membership.customer_id = None
                    membership.version += 1
                unit.audit(
                    "organisation.merged",
                    other,
                    f"organisation:{other}",
                    {"into": str(keep_id)},
                    person_id=by.person_id,
                )
                unit.publish(
                    "accounts.organisation_merged",
                    f"organisation:{other}",
                    {"organisation_id": str(other), "into": str(keep_id)},
                )
        unit.audit(
            "merge.decided",
            PLATFORM_ID,
            f"merge:{row.id}",
            {"keep": str(keep_id) if keep_id else None, "members": list(row.member_ids)},
            person_id=by.person_id,
        )
