"""Who the token speaks for, its organisation, people and customers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.terms import FirmFacts, FirmFactsRecord, Role, RoleRecord
from resource_hub.domain.notices import service as notices
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.writing import EditHeaders, seen, tagged
from resource_hub.entrypoints.support import paging, sentences
from resource_hub.entrypoints.support.fields import Identifier, Moment, MoneyString
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.infra import clock
from resource_hub.kernel.errors import NotFound

blueprint = Blueprint("me", __name__, url_prefix="/api/v1", description="The token's person and organisation")
_ADMINS = (Role.FIRM_ADMIN, Role.INSTITUTION_ADMIN, Role.OFFICE, Role.FUNDER_ADMIN, Role.PLATFORM_STAFF)
_ROLES = [role.value for role in Role]


class NameSchema(ma.Schema):
    zh = ma.fields.String(required=True)
    en = ma.fields.String(required=True)


class OrganisationSchema(ma.Schema):
    """An organisation as its members see it."""

    id = Identifier(required=True)
    code = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    name = ma.fields.Nested(NameSchema, required=True)
    uscc = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "unified social credit code"}
    )
    zone = ma.fields.String(required=True)
    version = ma.fields.Integer(required=True)


class CustomerSchema(ma.Schema):
    """Who books and pays: a firm, an institution, or a group."""

    id = Identifier(required=True)
    code = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    name = ma.fields.Nested(NameSchema, required=True)


class MeSchema(ma.Schema):
    """The person and organisation behind the token."""

    person_id = Identifier(required=True)
    name = ma.fields.String(required=True)
    email = ma.fields.String(required=True)
    organisation = ma.fields.Nested(OrganisationSchema, required=True)
    roles = ma.fields.List(ma.fields.String(), required=True)
    customers = ma.fields.List(ma.fields.Nested(CustomerSchema), required=True)
    approve_limit = MoneyString(required=True, allow_none=True)


class HeldRoleSchema(ma.Schema):
    id = Identifier(required=True)
    role = ma.fields.String(required=True)
    department_id = Identifier(required=True, allow_none=True)
    customer_id = Identifier(required=True, allow_none=True)
    limit = MoneyString(required=True, allow_none=True)
    since = Moment(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)


class MemberSchema(ma.Schema):
    """A person with their roles in the token's organisation."""

    person_id = Identifier(required=True)
    name = ma.fields.String(required=True)
    email = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "for administrators only"}
    )
    roles = ma.fields.List(ma.fields.Nested(HeldRoleSchema), required=True)


MembersPage = cursor_schema(MemberSchema)


class InvitationIn(ma.Schema):
    email = ma.fields.Email(required=True, validate=ma.validate.Length(max=254))
    role = ma.fields.String(required=True, validate=ma.validate.OneOf(_ROLES))
    limit = MoneyString(load_default=None, allow_none=True)
    department_id = Identifier(load_default=None, allow_none=True)
    customer_id = Identifier(load_default=None, allow_none=True)


class InvitationSchema(ma.Schema):
    id = Identifier(required=True)
    email = ma.fields.String(required=True)
    role = ma.fields.String(required=True)
    expires_at = Moment(required=True)


class FirmFactsIn(ma.Schema):
    """Facts as of a day; what is not known is left out, never zero."""

    as_of = ma.fields.Date(required=True)
    sector = ma.fields.String(required=True, validate=ma.validate.Length(max=40))
    staff = ma.fields.Integer(load_default=None, allow_none=True, strict=True)
    income = MoneyString(load_default=None, allow_none=True, metadata={"description": "yuan, last full year"})
    assets = MoneyString(load_default=None, allow_none=True, metadata={"description": "yuan, at its end"})


class FirmFactsSchema(ma.Schema):
    as_of = ma.fields.Date(required=True)
    sector = ma.fields.String(required=True)
    size = ma.fields.String(required=True, allow_none=True)


class NoticeSchema(ma.Schema):
    id = Identifier(required=True)
    kind = ma.fields.String(required=True)
    sentence = ma.fields.String(required=True)
    link = ma.fields.String(required=True)
    created_at = Moment(required=True)
    read = ma.fields.Boolean(required=True)


class NoticeArguments(ma.Schema):
    limit = ma.fields.Integer(load_default=25, validate=ma.validate.Range(1, 200))
    after = ma.fields.String(load_default=None)
    unread = ma.fields.Boolean(load_default=False)


def _name(record: Any) -> dict[str, str]:
    return {"zh": record.name_zh, "en": record.name_en}


def _organisation(record: Any) -> dict[str, Any]:
    return {
        "id": record.id, "code": record.code, "kind": record.kind.value, "state": record.state.value,
        "name": _name(record), "uscc": record.uscc, "zone": record.zone, "version": record.version,
    }  # fmt: skip


def _role(record: RoleRecord) -> dict[str, Any]:
    return {
        "id": record.id, "role": record.role.value, "department_id": record.department_id,
        "customer_id": record.customer_id, "limit": record.limit, "since": record.since, "version": record.version,
    }  # fmt: skip


@blueprint.get("/me")
@blueprint.response(200, MeSchema)
@allows(MEMBER)
def me() -> dict[str, Any]:
    """Who the token speaks for."""
    actor = g.actor
    person = service.person(actor.person_id)
    customers = sorted(service.customers(actor.customer_ids).values(), key=lambda c: c.code)
    return {
        "person_id": person.id,
        "name": person.name,
        "email": person.email,
        "organisation": _organisation(service.organisation(actor.organisation_id)),
        "roles": sorted(actor.roles),
        "customers": [
            {"id": c.id, "code": c.code, "kind": c.kind.value, "name": _name(c)} for c in customers
        ],
        "approve_limit": actor.approve_limit,
    }


@blueprint.get("/members")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, MembersPage)
@allows(MEMBER)
def members(args: dict[str, Any]) -> dict[str, Any]:
    """The people of the token's organisation, by name; addresses are shown to its administrators."""
    shown = g.actor.has(*_ADMINS)
    after = paging.unpack(args["after"], str, UUID)
    found = service.members(g.actor, args["limit"] + 1, (after[0], after[1]) if after else None)
    page = paging.page_of(found, args["limit"], lambda m: (m.person.name, m.person.id))
    return {
        "items": [
            {
                "person_id": m.person.id,
                "name": m.person.name,
                "email": m.person.email if shown or m.person.id == g.actor.person_id else None,
                "roles": [_role(r) for r in m.roles],
            }
            for m in page.items
        ],
        "next_cursor": page.next_cursor,
    }


@blueprint.post("/invitations")
@blueprint.arguments(InvitationIn)
@blueprint.response(201, InvitationSchema)
@allows(*_ADMINS, Role.MANAGER)
def invite(data: dict[str, Any]) -> Any:
    """Invite somebody by mail; an open invitation for the same address and role is replaced."""
    return service.invite(
        data["email"],
        Role(data["role"]),
        by=g.actor,
        limit=data["limit"],
        department_id=data["department_id"],
        customer_id=data["customer_id"],
    )


@blueprint.delete("/invitations/<uuid:invitation_id>")
@blueprint.response(204)
@allows(*_ADMINS)
def withdraw(invitation_id: UUID) -> None:
    """Make the link of an invitation useless."""
    service.withdraw_invitation(invitation_id, by=g.actor)


@blueprint.get("/firm-facts")
@blueprint.response(200, FirmFactsSchema)
@allows(Role.FIRM_ADMIN, Role.BOOKER, Role.APPROVER, Role.PAYER)
def firm_facts() -> Any:
    """Facts and size class in force today; the ``ETag`` is asked for when they are changed."""
    found = service.firm_facts(g.actor.organisation_id, clock.now().date())
    if found is None:
        raise NotFound()
    return _facts_out(found)


def _facts_out(found: FirmFactsRecord) -> Any:
    row = {
        "as_of": found.as_of,
        "sector": found.facts.sector,
        "size": found.size.value if found.size else None,
    }
    return row, 200, tagged(service.facts_digest(g.actor.organisation_id))


@blueprint.put("/firm-facts")
@blueprint.arguments(FirmFactsIn)
@blueprint.arguments(EditHeaders, location="headers")
@blueprint.response(200, FirmFactsSchema)
@allows(Role.FIRM_ADMIN)
def record_firm_facts(data: dict[str, Any], headers: dict[str, Any]) -> Any:
    """Record facts as of a day; the same day again replaces them. Where none are known yet, ``If-Match`` is ``*``."""
    found = service.record_firm_facts(
        g.actor.organisation_id,
        FirmFacts(data["sector"], data["staff"], data["income"], data["assets"]),
        as_of=data["as_of"],
        by=g.actor,
        seen=seen(headers["tag"]),
    )
    return _facts_out(found)


@blueprint.get("/notices")
@blueprint.arguments(NoticeArguments, location="query")
@blueprint.response(200, cursor_schema(NoticeSchema))
@allows(MEMBER)
def inbox(args: dict[str, Any]) -> Any:
    """The person's inbox, newest first."""
    after = paging.unpack(args["after"], datetime, UUID)
    found = notices.inbox(
        g.actor.person_id,
        unread_only=args["unread"],
        limit=args["limit"] + 1,
        before=(after[0], after[1]) if after else None,
    )
    rows = [
        {
            "id": n.id, "kind": n.kind, "sentence": sentences.sentence(n.sentence_code, n.values), "link": n.link,
            "created_at": n.created_at, "read": n.read,
        }
        for n in found
    ]  # fmt: skip
    return paging.page_of(rows, args["limit"], lambda n: (n["created_at"], n["id"]))


@blueprint.post("/notices/<uuid:notice_id>/read")
@blueprint.response(204)
@allows(MEMBER)
def read(notice_id: UUID) -> None:
    """Mark a notice as read; one of somebody else is unknown."""
    if notices.notice(g.actor.person_id, notice_id) is None:
        raise NotFound()
    notices.mark_read(g.actor.person_id, [notice_id])
