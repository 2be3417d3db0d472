"""The people of an organisation: members, requests, invitations, groups, and a firm's size."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.terms import FirmFacts, OrganisationKind, Role
from resource_hub.entrypoints.support import words
from resource_hub.entrypoints.support.formatting import named
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import MEMBER, allows
from resource_hub.entrypoints.support.language import select_locale
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import local_day
from resource_hub.kernel.time import zone as zone_of

blueprint = Blueprint("team", __name__)
Answer = str | Response | tuple[str, int]
_ADMINS = (Role.FIRM_ADMIN, Role.INSTITUTION_ADMIN, Role.OFFICE, Role.FUNDER_ADMIN, Role.PLATFORM_STAFF)
_TEN_THOUSAND = 10_000


# An institution's own work comes before what it may do as a customer.
_AS_CUSTOMER = (Role.BOOKER, Role.APPROVER, Role.PAYER)


def _role_options(roles: Any) -> list[tuple[str, str, str]]:
    order = [r for r in Role if r in roles and r not in _AS_CUSTOMER] + [
        r for r in _AS_CUSTOMER if r in roles
    ]
    return [(r.value, words.word("accounts.role", r), words.word("accounts.role_hint", r)) for r in order]


def _places() -> dict[str, Any]:
    """Laboratories and groups of an institution, for the choices in forms."""
    if g.actor.organisation_kind is not OrganisationKind.INSTITUTION:
        return {"departments": [], "groups": []}
    return {
        "departments": service.departments(g.actor.organisation_id),
        "groups": service.groups(g.actor.organisation_id),
    }


@blueprint.get("/o/<organisation>/team")
@allows(MEMBER)
def index(organisation: str) -> Answer:
    return _page(organisation, Form())


def _page(organisation: str, form: Form) -> tuple[str, int]:
    actor = g.actor
    may_manage = actor.has(*_ADMINS)
    record = service.organisation(organisation)
    facts = None
    if record.kind is OrganisationKind.FIRM:
        facts = service.firm_facts(record.id, clock.now().date())
    members = service.members(actor)
    html = render_template(
        "accounts/team.html",
        form=form,
        record=record,
        members=members,
        people={m.person.id: m.person for m in members},
        may_manage=may_manage,
        requests=service.join_requests(actor) if may_manage else [],
        invitations=service.open_invitations(actor) if may_manage else [],
        roles=_role_options(service.grantable(actor)),
        facts=facts,
        now=clock.machine_now(),
        **_places(),
    )
    return html, form.status


def _grant_fields(form: Form) -> dict[str, Any]:
    """Role, limit, laboratory and group of a form; the limit is asked of approvers only."""
    role = form.choice("role", Role, required=True)
    limit = form.money("limit") if role == Role.APPROVER.value else None
    return {
        "role": Role(role) if role else None,
        "limit": limit,
        "department_id": form.id("department_id"),
        "customer_id": form.id("customer_id"),
    }


@blueprint.post("/o/<organisation>/team/invite")
@allows(*_ADMINS, Role.MANAGER)
@once
def invite(organisation: str) -> Answer:
    form = Form.sent()
    email = form.email("email", required=True)
    fields = _grant_fields(form)
    if form.ok and email and fields["role"]:
        try:
            service.invite(email, by=g.actor, language=select_locale(), **fields)
            flash(_("The invitation to %(email)s is on its way.", email=email), "good")
            return redirect(url_for("team.index", organisation=organisation), 303)
        except DomainError as error:
            form.refuse(error)
    return _page(organisation, form)


@blueprint.post("/o/<organisation>/team/invitations/<uuid:invitation_id>/withdraw")
@allows(*_ADMINS)
def withdraw_invitation(organisation: str, invitation_id: UUID) -> Answer:
    service.withdraw_invitation(invitation_id, by=g.actor)
    flash(_("The invitation works no more."), "good")
    return redirect(url_for("team.index", organisation=organisation), 303)


@blueprint.post("/o/<organisation>/team/requests/<uuid:membership_id>")
@allows(*_ADMINS)
@once
def answer(organisation: str, membership_id: UUID) -> Answer:
    form = Form.sent()
    accept = form.choice("answer", ("accept", "refuse"), required=True) == "accept"
    fields = _grant_fields(form) if accept else {}
    if form.ok:
        try:
            service.answer_join(membership_id, accept=accept, by=g.actor, **fields)
            flash(_("Accepted.") if accept else _("Refused. The person is told."), "good")
            return redirect(url_for("team.index", organisation=organisation), 303)
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
    return _page(organisation, form)


# ---- one member


def _member(person_id: UUID) -> Any:
    found = next((m for m in service.members(g.actor) if m.person.id == person_id), None)
    if found is None:
        raise NotFound()
    return found


@blueprint.get("/o/<organisation>/team/<uuid:person_id>")
@allows(MEMBER)
def member(organisation: str, person_id: UUID) -> Answer:
    return _member_page(organisation, person_id, Form())


def _member_page(organisation: str, person_id: UUID, form: Form) -> tuple[str, int]:
    found = _member(person_id)
    may_manage = g.actor.has(*_ADMINS)
    if not may_manage and person_id != g.actor.person_id:
        raise NotFound()
    places = _places()
    html = render_template(
        "accounts/member.html",
        form=form,
        member=found,
        record=service.organisation(organisation),
        may_manage=may_manage,
        own=person_id == g.actor.person_id,
        roles=_role_options(service.grantable(g.actor)),
        grantable={r.value for r in service.grantable(g.actor)},
        colleagues=[m.person for m in service.members(g.actor) if m.person.id != person_id],
        work=service.open_work(person_id, by=g.actor),
        department_names={d.id: d for d in places["departments"]},
        group_names={c.id: c for c in places["groups"]},
        **places,
    )
    return html, form.status


@blueprint.post("/o/<organisation>/team/<uuid:person_id>/roles")
@allows(*_ADMINS, Role.MANAGER)
@once
def grant(organisation: str, person_id: UUID) -> Answer:
    form = Form.sent()
    fields = _grant_fields(form)
    if form.ok and fields["role"]:
        try:
            service.grant_role(person_id, by=g.actor, **fields)
            flash(_("The role is given."), "good")
            return redirect(url_for("team.member", organisation=organisation, person_id=person_id), 303)
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
    return _member_page(organisation, person_id, form)


@blueprint.post("/o/<organisation>/team/<uuid:person_id>/roles/<uuid:membership_id>/end")
@allows(*_ADMINS, Role.MANAGER)
def end_role(organisation: str, person_id: UUID, membership_id: UUID) -> Answer:
    form = Form.sent()
    version = form.version() or 0
    try:
        service.end_role(membership_id, version=version, by=g.actor)
    except NotFound:
        raise
    except DomainError as error:
        form.refuse(error)
        return _member_page(organisation, person_id, form)
    flash(_("The role is taken away."), "good")
    still = (
        any(m.person.id == person_id for m in service.members(g.actor))
        if person_id != g.actor.person_id
        else True
    )
    target = (
        url_for("team.member", organisation=organisation, person_id=person_id)
        if still
        else url_for("team.index", organisation=organisation)
    )
    return redirect(target, 303)


@blueprint.post("/o/<organisation>/team/<uuid:person_id>/leave")
@allows(MEMBER)
@once
def leave(organisation: str, person_id: UUID) -> Answer:
    """Leave oneself, or be removed; open work goes to the colleague chosen."""
    form = Form.sent()
    successor = form.id("successor_id")
    if form.ok:
        try:
            service.leave(person_id, by=g.actor, successor_id=successor)
        except DomainError as error:
            if error.code == "accounts.unknown_person" and not successor:
                raise NotFound() from None
            form.refuse(error)
        else:
            if person_id == g.actor.person_id:
                flash(_("You have left."), "good")
                return redirect(url_for("shell.home"), 303)
            flash(_("The person is no longer a member."), "good")
            return redirect(url_for("team.index", organisation=organisation), 303)
    return _member_page(organisation, person_id, form)


# ---- groups of an institution


@blueprint.post("/o/<organisation>/team/groups")
@allows(Role.INSTITUTION_ADMIN, Role.OFFICE)
@once
def add_group(organisation: str) -> Answer:
    form = Form.sent()
    name_zh, name_en = form.text("name_zh") or "", form.text("name_en") or ""
    department_id, leader_id = form.id("group_department_id"), form.id("leader_id")
    if form.ok:
        try:
            made = service.add_group(
                name_zh=name_zh, name_en=name_en, department_id=department_id, leader_id=leader_id, by=g.actor
            )
            flash(_("The group %(name)s is there.", name=named(made)), "good")
            return redirect(url_for("team.group", organisation=organisation, customer_id=made.id), 303)
        except DomainError as error:
            form.refuse(error)
    return _page(organisation, form)


@blueprint.get("/o/<organisation>/team/groups/<uuid:customer_id>")
@allows(MEMBER)
def group(organisation: str, customer_id: UUID) -> Answer:
    return _group_page(organisation, customer_id, Form())


def _group_page(organisation: str, customer_id: UUID, form: Form) -> tuple[str, int]:
    members = service.group_members(customer_id, by=g.actor)
    office = g.actor.has(Role.INSTITUTION_ADMIN, Role.OFFICE)
    may_manage = office or customer_id in g.actor.led_customer_ids
    if not may_manage and customer_id not in g.actor.customer_ids:
        raise NotFound()
    inside = {m.person.id for m in members}
    html = render_template(
        "accounts/group.html",
        form=form,
        group=service.customer(customer_id),
        members=members,
        may_manage=may_manage,
        office=office,
        others=[m.person for m in service.members(g.actor) if m.person.id not in inside]
        if may_manage
        else [],
        organisation=organisation,
    )
    return html, form.status


@blueprint.post("/o/<organisation>/team/groups/<uuid:customer_id>/members")
@allows(MEMBER)
@once
def add_group_member(organisation: str, customer_id: UUID) -> Answer:
    form = Form.sent()
    person_id = form.id("person_id", required=True)
    if form.ok and person_id:
        service.add_group_member(customer_id, person_id, by=g.actor)
        flash(_("Added to the group."), "good")
        return redirect(url_for("team.group", organisation=organisation, customer_id=customer_id), 303)
    return _group_page(organisation, customer_id, form)


@blueprint.post("/o/<organisation>/team/groups/<uuid:customer_id>/leader")
@allows(Role.INSTITUTION_ADMIN, Role.OFFICE)
def set_leader(organisation: str, customer_id: UUID) -> Answer:
    form = Form.sent()
    person_id = form.id("person_id", required=True)
    if form.ok and person_id:
        service.set_group_leader(customer_id, person_id, by=g.actor)
        flash(_("The group has a new leader."), "good")
        return redirect(url_for("team.group", organisation=organisation, customer_id=customer_id), 303)
    return _group_page(organisation, customer_id, form)


@blueprint.post("/o/<organisation>/team/departments")
@allows(Role.INSTITUTION_ADMIN, Role.OFFICE)
@once
def add_department(organisation: str) -> Answer:
    form = Form.sent()
    code = form.text("code", required=True, longest=60) or ""
    name_zh, name_en = form.text("department_zh") or "", form.text("department_en") or ""
    parent_id = form.id("parent_id")
    if form.ok:
        try:
            service.add_department(
                g.actor.organisation_id,
                code=code,
                name_zh=name_zh,
                name_en=name_en,
                parent_id=parent_id,
                by=g.actor,
            )
            flash(_("The laboratory is there."), "good")
            return redirect(url_for("team.index", organisation=organisation) + "#places", 303)
        except DomainError as error:
            form.refuse(error)
    return _page(organisation, form)


# ---- size of a firm


@blueprint.get("/o/<organisation>/size")
@allows(Role.FIRM_ADMIN, Role.PAYER, Role.APPROVER, Role.BOOKER)
def size(organisation: str) -> Answer:
    now = service.firm_facts(g.actor.organisation_id, _today())
    initial: dict[str, Any] = {"as_of": _today()}
    if now is not None:
        initial |= {
            "sector": now.facts.sector,
            "staff": now.facts.staff,
            "income": _in_ten_thousands(now.facts.income),
            "assets": _in_ten_thousands(now.facts.assets),
            "tech_sme_number": now.tech_sme_number,
        }
    return _size_page(organisation, Form(initial))


def _today() -> Any:
    return local_day(clock.now(), zone_of(service.organisation(g.actor.organisation_id).zone))


def _in_ten_thousands(amount: Money | None) -> str:
    return "" if amount is None else f"{(amount.amount / _TEN_THOUSAND).normalize():f}"


def _size_page(organisation: str, form: Form) -> tuple[str, int]:
    html = render_template(
        "accounts/size.html",
        form=form,
        record=service.organisation(organisation),
        history=service.firm_facts_history(g.actor.organisation_id),
        seen=service.facts_digest(g.actor.organisation_id),
        sectors=[(s, words.word("accounts.sector", s)) for s in service.sectors()],
        now=service.firm_facts(g.actor.organisation_id, _today()),
        bounds=_bounds(form),
        may_change=g.actor.has(Role.FIRM_ADMIN),
    )
    return html, form.status


def _bounds(form: Form) -> list[tuple[str, dict[str, int]]]:
    """The row of the table in force for the sector chosen, largest class first."""
    table = service.size_table(_today())
    row = table.sectors.get(str(form.value("sector")))
    return [(size.value, dict(bounds)) for size, bounds in row.items()] if row else []


@blueprint.post("/o/<organisation>/size")
@allows(Role.FIRM_ADMIN)
@once
def record_size(organisation: str) -> Answer:
    form = Form.sent()
    sector = form.choice("sector", service.sectors(), required=True)
    as_of = form.day("as_of", required=True)
    staff = form.whole("staff", most=10_000_000)
    income, assets = form.decimal("income", most="1000000000"), form.decimal("assets", most="1000000000")
    number = form.text("tech_sme_number", longest=60)
    if form.ok and sector and as_of:
        try:
            amounts = [
                None if a is None else Money(int(a * _TEN_THOUSAND * 100), "CNY") for a in (income, assets)
            ]
            service.record_firm_facts(
                g.actor.organisation_id,
                FirmFacts(sector, staff, *amounts),
                as_of=as_of,
                by=g.actor,
                tech_sme_number=number,
                seen=form.text("seen") or "",
            )
            flash(_("Saved. Quotes from this day on go by it."), "good")
            return redirect(url_for("team.size", organisation=organisation), 303)
        except DomainError as error:
            form.refuse(error)
    return _size_page(organisation, form)
