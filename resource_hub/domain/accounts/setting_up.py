"""Institutions and funders, set up by the platform's staff."""

from __future__ import annotations

from uuid import UUID

from resource_hub.domain.accounts import store
from resource_hub.domain.accounts.errors import BadInput, NameTaken, NotYours, UnknownPerson
from resource_hub.domain.accounts.inviting import appoint_first_administrator
from resource_hub.domain.accounts.registration import (
    OrganisationFields,
    check_fields,
    grant_row,
    insert_organisation,
    valid_code,
)
from resource_hub.domain.accounts.rules import uscc as codes
from resource_hub.domain.accounts.rules.roles import ADMIN_OF_KIND
from resource_hub.domain.accounts.terms import Actor, OrganisationKind, OrganisationRecord, Role
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import Reason


def create_organisation(
    kind: OrganisationKind,
    *,
    code: str,
    fields: OrganisationFields,
    by: Actor,
    uscc: str | None = None,
    administrator_id: UUID | None = None,
    first_administrator: str | None = None,
) -> OrganisationRecord:
    """Platform staff set up an institution or funder, with its first administrator: a person, or an address to invite.

    Raises:
        NotYours: not platform staff.
        BadInput, CodeInvalid, NameTaken: of the code, by another organisation.
    """
    if not by.has(Role.PLATFORM_STAFF):
        raise NotYours()
    reasons = check_fields(fields)
    if not valid_code(code):
        reasons.append(Reason("accounts.code_invalid", {}, "code"))
    credit_code = None
    if uscc:
        verdict = codes.check(uscc)
        credit_code = verdict.code
        if not verdict.overridable:
            reasons.extend(verdict.problems)
    if reasons:
        raise BadInput(*reasons)
    with unit_of_work() as unit:
        taken = []
        if store.code_taken(code):
            taken.append(Reason("accounts.code_taken", {"code": code}, "code"))
        if credit_code and store.organisation_by_uscc(credit_code) is not None:
            taken.append(Reason("accounts.uscc_taken", {"code": credit_code}, "uscc"))
        if taken:
            raise NameTaken(*taken)
        organisation = insert_organisation(unit, kind, code=code, fields=fields, uscc=credit_code)
        if administrator_id is not None:
            if store.person_row(administrator_id) is None:
                raise UnknownPerson()
            grant_row(unit, organisation.id, administrator_id, ADMIN_OF_KIND[kind], granted_by=by.person_id)
        unit.audit(
            "organisation.created",
            organisation.id,
            f"organisation:{organisation.id}",
            {"kind": kind.value, "code": code},
            person_id=by.person_id,
        )
        if first_administrator is not None:
            appoint_first_administrator(organisation.id, first_administrator, by=by)
        return store.organisation_record(organisation)
