"""The customer's support: quota, claims with their clocks and reasons, one claim explained."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerKind, Role
from resource_hub.domain.subsidy import service
from resource_hub.domain.subsidy.terms import ClaimState, ProgrammeRecord, Relation, Side
from resource_hub.entrypoints.support import money_text
from resource_hub.entrypoints.support.forms import Form, once, remember_zone
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.money import parts
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import HostKey
from resource_hub.rulebook import Parameters

blueprint = Blueprint("subsidy", __name__)

Answer = str | Response | tuple[str, int]
CUSTOMER = (Role.FIRM_ADMIN, Role.PAYER, Role.APPROVER, Role.BOOKER)
PARTIES = (
    *CUSTOMER, Role.OFFICE, Role.INSTITUTION_ADMIN, Role.MANAGER, Role.DEPUTY,
    Role.FUNDER_ADMIN, Role.REVIEWER, Role.FUNDER_APPROVER,
)  # fmt: skip


def chosen(p: Parameters, *names: str) -> list[dict[str, Any]]:
    """Parameters for the eye: name, value as text, article, document, mark."""
    rows = []
    for name in names or tuple(p.names()):
        if not p.states(name):
            continue
        parameter = p.version.parameters.get(name)
        readable = p.has(name)
        citation = p.cite(name) if readable else None
        value: Any = p.parameter(name).value if readable else None
        if readable and p.parameter(name).rows is not None:
            value = [dict(row) for row in p.rows(name)]
        rows.append(
            {
                "name": name,
                "unit": parameter.unit if parameter else "",
                "value": value,
                "article": parameter.article if parameter else "",
                "note": parameter.note if parameter else "",
                "document": citation.document if citation else p.version.source.document,
                "mark": citation.mark if citation else "G",
                "readable": readable,
            }
        )
    return rows


def card(programme: ProgrammeRecord) -> dict[str, Any] | None:
    """A programme with the rules of today in words; None where no version holds."""
    p = service.rules_of(programme)
    if p is None:
        return None
    scheme = p.scheme
    cap = p.money("cap_per_year") if p.has("cap_per_year") else None
    return {
        "programme": programme,
        "scheme": scheme,
        "summary": scheme.summary,
        "version": p.version,
        "cap": cap,
        "source": p.version.source,
        "quota_needed": p.has("quota_needed") and p.flag("quota_needed"),
        "at_once": p.has("deducted_at_once") and p.flag("deducted_at_once"),
        "unreadable": p.unreadable(),
        "claim_word": scheme.words.get("claim", {}),
        "parameters": chosen(p),
    }


@blueprint.get("/o/<organisation>/support")
@allows(*CUSTOMER)
def customer(organisation: str) -> str:
    """Quota, what is left of it, and every claim with the sentence that says why."""
    return _page(organisation, Form())


def _page(organisation: str, form: Form, failed: UUID | None = None) -> str:
    g.hat = "customer"
    mine = g.actor.customer_ids
    year = clock.now().year
    quotas = service.quotas_of_customers(mine)
    programmes = {p.id: p for p in service.programmes(ids={q.programme_id for q in quotas})}
    firm = _firm()
    open_cards = []
    for programme in service.programmes(open_only=True):
        if programme.side is Side.HOST or firm is None or not _speaks_to(programme, firm):
            continue
        found = card(programme)
        if found is None or not found["quota_needed"]:
            continue
        has = any(q.programme_id == programme.id and q.year == year for q in quotas)
        if not has:
            open_cards.append(found)
    claims = service.claims_of_customers(mine)
    return render_template(
        "money/support_own.html",
        organisation=organisation,
        quotas=[{"quota": q, "programme": programmes[q.programme_id]} for q in quotas],
        open_cards=open_cards,
        claims=parts.claim_rows(claims),
        sums=_sums(claims),
        year=year,
        may_apply=g.actor.has(*service.APPLIES) and firm is not None,
        form=form,
        failed=failed,
    )


def _firm() -> Any:
    """The firm for which this person applies; institutions and groups have none."""
    for customer_id in sorted(g.actor.customer_ids):
        found = accounts.customer(customer_id)
        if found.kind is CustomerKind.FIRM:
            return found
    return None


def _speaks_to(programme: ProgrammeRecord, firm: Any) -> bool:
    """Whether the programme is for firms of this area; its other conditions are judged at each use."""
    from resource_hub.domain.subsidy.rules.programme import in_area

    p = service.rules_of(programme)
    if p is None:
        return False
    area = service.area_of(accounts.organisation(firm.organisation_id))
    return not p.has("firm_areas") or in_area(area, p.words("firm_areas"))


def _sums(claims: list[Any]) -> dict[str, Any]:
    return {
        "accrued": parts.total(
            c.amount for c in claims if c.state in (ClaimState.ACCRUED, ClaimState.IN_RUN)
        ),
        "paid": parts.total(c.amount for c in claims if c.state is ClaimState.PAID),
        "refused": sum(c.state is ClaimState.REFUSED for c in claims),
    }


@blueprint.post("/o/<organisation>/support/<uuid:programme_id>/quota")
@allows(*service.APPLIES)
@once
def apply(organisation: str, programme_id: UUID) -> Answer:
    """Apply for quota, with the declaration about ties to hosts."""
    form = Form.sent()
    amount = form.money("amount", required=True)
    relation = form.choice("relation", [Relation.UNRELATED, Relation.RELATED], required=True)
    firm = _firm()
    if firm is None:
        raise NotFound()
    if form.ok and amount is not None and relation:
        try:
            service.request_quota(programme_id, firm.id, amount, by=g.actor, relation=Relation(relation))
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Applied. You get a message when it is decided."))
            return redirect(url_for("subsidy.customer", organisation=organisation), 303)
    return _page(organisation, form, programme_id), form.status


@blueprint.get("/o/<organisation>/claims/<host>/<uuid:claim_id>")
@allows(*PARTIES)
def claim(organisation: str, host: str, claim_id: UUID) -> str:
    """One claim: the arithmetic step by step, the facts that were judged, the rules with their sources."""
    record = accounts.organisation(host)
    remember_zone(record.zone)
    found = service.claim(HostKey(record.id, claim_id), by=g.actor)
    row = parts.claim_rows([found])[0]
    return render_template(
        "money/claim.html",
        organisation=organisation,
        host=record,
        row=row,
        claim=found,
        steps=[money_text.sentence(step, found.amount.currency) for step in found.steps],
        reasons=found.reasons,
        said=[money_text.sentence(reason, found.amount.currency) for reason in found.reasons],
        facts=found.facts.get("facts", {}),
        parts=found.facts.get("parts", []),
        customer=accounts.customer(found.customer_id),
        charge_href=url_for(
            "billing.charge", organisation=organisation, host=record.code, charge_id=found.charge_id
        ),
        session_href=parts.session_href(HostKey(record.id, found.entry_id) if found.entry_id else None),
        rule_href=parts.href(
            "rules.scheme",
            scheme=found.rule_version.partition("@")[0],
            version=found.rule_version.partition("@")[2],
        ),
        run_href=(
            url_for("funder.run", organisation=organisation, run_id=found.run_id)
            if found.run_id and g.actor.has(*service.FUNDERS_PEOPLE)
            else None
        ),
    )
