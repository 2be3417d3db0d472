"""Organisations and people of a demonstration: written straight away, without registration, approval or letters.

Only for a database that is marked as demonstration; every function refuses in a real one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from resource_hub.domain.accounts import secrets, store
from resource_hub.domain.accounts.access import insert_person
from resource_hub.domain.accounts.firm import insert_firm_facts
from resource_hub.domain.accounts.groups import insert_group
from resource_hub.domain.accounts.registration import (
    OrganisationFields,
    ensure_platform,
    grant_row,
    insert_organisation,
)
from resource_hub.domain.accounts.rules import uscc
from resource_hub.domain.accounts.terms import (
    PLATFORM_ID,
    CustomerRecord,
    FirmFacts,
    OrganisationKind,
    OrganisationRecord,
    PersonRecord,
    Role,
)
from resource_hub.infra import clock
from resource_hub.infra.unit_of_work import Unit, unit_of_work


def _only_in_demonstration(unit: Unit) -> None:
    if not clock.is_demonstration(unit.session):
        raise clock.NotADemonstration("only a demonstration is filled with invented people")


def invented_uscc(stem: str, number: int) -> str:
    """A credit code with right check digits for an organisation that does not exist.

    ``stem`` is authority, type and region (8 characters); the organisation code is ``MA9`` and figures.
    """
    part = f"MA9{number:05d}"
    first = stem + part
    first += uscc.inner_check(part)
    return first + uscc.outer_check(first)


def seed_platform(name_zh: str, name_en: str) -> UUID:
    with unit_of_work() as unit:
        _only_in_demonstration(unit)
        ensure_platform(unit, name_zh, name_en)
        return PLATFORM_ID


def seed_organisation(
    kind: OrganisationKind,
    code: str,
    fields: OrganisationFields,
    *,
    credit_code: str | None = None,
    facts: FirmFacts | None = None,
    facts_since: date | None = None,
) -> OrganisationRecord:
    """An active organisation, for a firm with its facts from a day on."""
    with unit_of_work() as unit:
        _only_in_demonstration(unit)
        row = insert_organisation(unit, kind, code=code, fields=fields, uscc=credit_code)
        if facts is not None and facts_since is not None:
            insert_firm_facts(unit, row.id, facts, facts_since)
        return store.organisation_record(row)


def seed_person(
    name: str,
    email: str,
    password_hash: str,
    roles: Iterable[tuple[UUID, Role]],
    *,
    language: str = "zh",
    department_id: UUID | None = None,
    limit_minor: int | None = None,
) -> PersonRecord:
    """A person who can sign in, with roles. The hash is made once by the caller: hashing is slow on purpose."""
    with unit_of_work() as unit:
        _only_in_demonstration(unit)
        person = insert_person(
            unit,
            name=name,
            email=email,
            password_hash=password_hash,
            language=language,
            verified_at=clock.machine_now(),
            demo=True,
        )
        for organisation_id, role in roles:
            grant_row(
                unit,
                organisation_id,
                person.id,
                role,
                department_id=department_id,
                limit_minor=limit_minor if role is Role.APPROVER else None,
            )
        return store.person_record(person)


def seed_group(
    institution: OrganisationRecord,
    name_zh: str,
    name_en: str,
    department_id: UUID,
    leader_id: UUID,
) -> CustomerRecord:
    """A group of an institution; its leader may book for it."""
    with unit_of_work() as unit:
        _only_in_demonstration(unit)
        row = insert_group(unit, institution.id, institution.code, name_zh, name_en, department_id, leader_id)
        grant_row(unit, institution.id, leader_id, Role.BOOKER, customer_id=row.id)
        return store.customer_record(row)


def hashed(password: str) -> str:
    return secrets.hash_password(password)
