"""Money for programs: tariffs, statements, programmes, payout runs, and the usage that funders pull."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationKind, Role
from resource_hub.domain.billing import service as billing
from resource_hub.domain.billing.terms import ChargeRecord, StatementRecord
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.subsidy.terms import RunLineRecord, RunRecord
from resource_hub.entrypoints.api import CursorArguments, cursor_schema
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.support import money_text, paging
from resource_hub.entrypoints.support.fields import Identifier, Moment, MoneyString
from resource_hub.entrypoints.support.guards import MEMBER, PUBLIC, allows
from resource_hub.infra import clock
from resource_hub.kernel.errors import NotFound
from resource_hub.kernel.keys import FunderKey, HostKey
from resource_hub.reports import funders_usage
from resource_hub.rulebook import Version

blueprint = Blueprint(
    "money", __name__, url_prefix="/api/v1", description="Tariffs, statements, support, payout runs"
)

PEOPLE = subsidy.FUNDERS_PEOPLE
OFFICE = (Role.OFFICE, Role.INSTITUTION_ADMIN)
# Positions are 64-bit; beyond that no chain reaches.
_POSITION = ma.validate.Range(0, 2**62)


class ProgrammeNameSchema(ma.Schema):
    zh = ma.fields.String(required=True)
    en = ma.fields.String(required=True)


def _name(record: Any) -> dict[str, str]:
    return {"zh": record.name_zh, "en": record.name_en}


class SourceSchema(ma.Schema):
    """Where a rule stands; the marks G and MEM mean not verified."""

    document = ma.fields.String(required=True)
    article = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    mark = ma.fields.String(required=True)
    parameter = ma.fields.String(required=True)
    version = ma.fields.String(required=True)


# ---- tariffs


class TariffSchema(ma.Schema):
    """A tariff in force: the document that the price function reads, and the same as sentences."""

    host = ma.fields.String(required=True)
    resource = ma.fields.String(required=True)
    number = ma.fields.Integer(required=True)
    since = ma.fields.Date(required=True)
    until = ma.fields.Date(required=True, allow_none=True)
    currency = ma.fields.String(required=True)
    document = ma.fields.Dict(required=True)
    sentences = ma.fields.List(ma.fields.String(), required=True)


class OnArguments(ma.Schema):
    on = ma.fields.Date(load_default=None, metadata={"description": "the day asked for; today when left out"})


@blueprint.get("/hosts/<host>/resources/<code>/tariff")
@blueprint.arguments(OnArguments, location="query")
@blueprint.response(200, TariffSchema)
@allows(PUBLIC)
def tariff(args: dict[str, Any], host: str, code: str) -> dict[str, Any]:
    """The public tariff of a resource that is listed."""
    resource = catalogue.visible(catalogue.resource_of(host, code), g.get("actor"))
    found = pricing.tariff_in_force(resource.key, args["on"] or clock.now().date())
    if found is None:
        raise NotFound()
    return {
        "host": host,
        "resource": resource.code,
        "number": found.number,
        "since": found.since,
        "until": found.until,
        "currency": found.currency,
        "document": dict(found.document),
        "sentences": [money_text.sentence(r, found.currency) for r in pricing.read_back(found.document)],
    }


# ---- statements


class PriceLineSchema(ma.Schema):
    text = ma.fields.String(required=True)
    amount = MoneyString(required=True, allow_none=True)


class ChargeSchema(ma.Schema):
    """A line of a statement. ``amount = gross - deducted``; corrections are negative."""

    id = Identifier(required=True)
    kind = ma.fields.String(required=True)
    day = ma.fields.Date(required=True)
    resource_id = Identifier(required=True)
    booking_id = Identifier(required=True, allow_none=True)
    entry_id = Identifier(required=True, allow_none=True)
    gross = MoneyString(required=True)
    deducted = MoneyString(required=True)
    amount = MoneyString(required=True)
    lines = ma.fields.List(ma.fields.Nested(PriceLineSchema), required=True)


class StatementSchema(ma.Schema):
    """What a customer owes to one host for a month."""

    id = Identifier(required=True)
    host = ma.fields.String(required=True)
    number = ma.fields.String(required=True)
    customer_id = Identifier(required=True)
    period = ma.fields.String(required=True, metadata={"example": "2026-03"})
    state = ma.fields.String(required=True)
    currency = ma.fields.String(required=True)
    gross = MoneyString(required=True)
    deducted = MoneyString(required=True)
    total = MoneyString(required=True)
    paid = MoneyString(required=True)
    issued_at = Moment(required=True, allow_none=True)
    due_on = ma.fields.Date(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)


class FullStatementSchema(StatementSchema):
    charges = ma.fields.List(ma.fields.Nested(ChargeSchema), required=True)


StatementsPage = cursor_schema(StatementSchema)


def _statement(record: StatementRecord, host: str) -> dict[str, Any]:
    return {
        "id": record.key.id,
        "host": host,
        "number": record.number,
        "customer_id": record.customer_id,
        "period": f"{record.period:%Y-%m}",
        "state": str(record.state),
        "currency": record.total.currency,
        "gross": record.gross,
        "deducted": record.deducted,
        "total": record.total,
        "paid": record.paid,
        "issued_at": record.issued_at,
        "due_on": record.due_on,
        "version": record.version,
    }


def _charge(record: ChargeRecord) -> dict[str, Any]:
    return {
        "id": record.key.id,
        "kind": str(record.kind),
        "day": record.day,
        "resource_id": record.resource_id,
        "booking_id": record.booking_id,
        "entry_id": record.entry_id,
        "gross": record.gross,
        "deducted": record.deducted,
        "amount": record.amount,
        "lines": money_text.price_lines(record.lines, record.gross.currency),
    }


@blueprint.get("/statements")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, StatementsPage)
@allows(MEMBER)
def statements(args: dict[str, Any]) -> dict[str, Any]:
    """Statements, the newest period first: of the host for its office, of the token's customers for everybody else."""
    actor = g.actor
    place = paging.unpack(args["after"], date, UUID)
    after, limit = (place[0], place[1]) if place else None, args["limit"] + 1
    if actor.organisation_kind is OrganisationKind.INSTITUTION and actor.has(*OFFICE):
        found = billing.statements_of_host(actor.organisation_id, by=actor, limit=limit, after=after)
    else:
        found = billing.statements_of_customers(actor, limit, after)
    page = paging.page_of(found, args["limit"], lambda s: (s.period, s.key.id))
    hosts = accounts.organisation_names({s.key.institution_id for s in page.items})
    rows = [_statement(s, hosts[s.key.institution_id].code) for s in page.items]
    return {"items": rows, "next_cursor": page.next_cursor}


@blueprint.get("/hosts/<host>/statements/<uuid:statement_id>")
@blueprint.response(200, FullStatementSchema)
@allows(MEMBER)
def statement(host: str, statement_id: UUID) -> dict[str, Any]:
    """One statement with its charges."""
    record = accounts.organisation(host)
    found, lines = billing.statement(HostKey(record.id, statement_id), by=g.actor)
    return {**_statement(found, record.code), "charges": [_charge(line) for line in lines]}


# ---- programmes


class ParameterSchema(ma.Schema):
    name = ma.fields.String(required=True)
    unit = ma.fields.String(required=True)
    value = ma.fields.String(required=True, allow_none=True)
    rows = ma.fields.List(ma.fields.Dict(), required=True, allow_none=True)
    article = ma.fields.String(required=True)
    document = ma.fields.String(required=True)
    mark = ma.fields.String(required=True)


class ProgrammeSchema(ma.Schema):
    """A programme that runs here, with the rule version of today."""

    code = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    name = ma.fields.Nested(ProgrammeNameSchema, required=True)
    funder = ma.fields.String(required=True)
    scheme = ma.fields.String(required=True)
    version = ma.fields.String(required=True, allow_none=True)
    digest = ma.fields.String(required=True, allow_none=True)
    document = ma.fields.String(required=True, allow_none=True)
    parameters = ma.fields.List(ma.fields.Nested(ParameterSchema), required=True)


class ProgrammesSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ProgrammeSchema), required=True)


@blueprint.get("/programmes")
@blueprint.response(200, ProgrammesSchema)
@allows(PUBLIC)
def programmes() -> dict[str, Any]:
    """Programmes that run here, with every parameter and its source."""
    items = []
    for record in subsidy.programmes(open_only=True):
        p = subsidy.rules_of(record)
        version = p.version if p else None
        items.append(
            {
                "code": record.code,
                "kind": str(record.kind),
                "state": str(record.state),
                "name": _name(record),
                "funder": accounts.organisation(record.funder_id).code,
                "scheme": record.scheme,
                "version": version.name if version else None,
                "digest": version.digest if version else None,
                "document": version.source.document if version else None,
                "parameters": _parameters(version) if version else [],
            }
        )
    return {"items": items}


def _parameters(version: Version) -> list[dict[str, Any]]:
    return [
        {
            **p.as_json(),
            "document": p.document or version.source.document,
            "mark": p.mark or version.source.mark,
        }
        for p in (version.parameters[name] for name in sorted(version.parameters))
    ]


# ---- payout runs


class RunSchema(ma.Schema):
    """A payout run. ``digest`` covers programme, period and every frozen line."""

    id = Identifier(required=True)
    number = ma.fields.String(required=True)
    programme = ma.fields.String(required=True)
    since = ma.fields.Date(required=True)
    until = ma.fields.Date(required=True, metadata={"description": "the first day after the period"})
    state = ma.fields.String(required=True)
    lines = ma.fields.Integer(required=True)
    amount = MoneyString(required=True)
    currency = ma.fields.String(required=True)
    rule_version = ma.fields.String(required=True)
    digest = ma.fields.String(required=True)
    seed = ma.fields.String(required=True)
    computed_at = Moment(required=True)
    approved_at = Moment(required=True, allow_none=True)
    notice_until = ma.fields.Date(required=True, allow_none=True)
    paid_at = Moment(required=True, allow_none=True)
    version = ma.fields.Integer(required=True)


RunsPage = cursor_schema(RunSchema)


class RunLineSchema(ma.Schema):
    """A frozen line: who gets what and why, with the facts and sources to decide it again."""

    position = ma.fields.Integer(required=True)
    host = ma.fields.String(required=True)
    claim_id = Identifier(required=True)
    customer_id = Identifier(required=True)
    beneficiary_id = Identifier(required=True)
    day = ma.fields.Date(required=True)
    amount = MoneyString(required=True)
    why = ma.fields.String(required=True)
    rule_version = ma.fields.String(required=True)
    facts = ma.fields.Dict(required=True)
    citations = ma.fields.List(ma.fields.Nested(SourceSchema), required=True)
    sampled = ma.fields.String(required=True, allow_none=True)


class FromArguments(ma.Schema):
    after = ma.fields.Integer(load_default=0, validate=_POSITION)
    limit = ma.fields.Integer(load_default=100, validate=ma.validate.Range(1, 500))


class RunLinesSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(RunLineSchema), required=True)
    next = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "the next ``after``"})


def _run(record: RunRecord, codes: dict[UUID, str]) -> dict[str, Any]:
    return {
        "id": record.key.id,
        "number": record.number,
        "programme": codes[record.programme_id],
        "since": record.period_start,
        "until": record.period_end,
        "state": str(record.state),
        "lines": record.lines,
        "amount": record.amount,
        "currency": record.amount.currency,
        "rule_version": record.rule_version,
        "digest": record.digest,
        "seed": record.seed,
        "computed_at": record.computed_at,
        "approved_at": record.approved_at,
        "notice_until": record.notice_until,
        "paid_at": record.paid_at,
        "version": record.version,
    }


def _codes() -> dict[UUID, str]:
    return {p.id: p.code for p in subsidy.programmes(g.actor.organisation_id)}


@blueprint.get("/runs")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, RunsPage)
@allows(*PEOPLE)
def runs(args: dict[str, Any]) -> dict[str, Any]:
    """Payout runs of the token's funder, newest first."""
    codes, place = _codes(), paging.unpack(args["after"], datetime, UUID)
    found = subsidy.runs(
        g.actor.organisation_id,
        by=g.actor,
        limit=args["limit"] + 1,
        after=(place[0], place[1]) if place else None,
    )
    page = paging.page_of(found, args["limit"], lambda r: (r.computed_at, r.key.id))
    return {"items": [_run(r, codes) for r in page.items], "next_cursor": page.next_cursor}


@blueprint.get("/runs/<uuid:run_id>")
@blueprint.response(200, RunSchema)
@allows(*PEOPLE)
def run(run_id: UUID) -> dict[str, Any]:
    return _run(subsidy.run(FunderKey(g.actor.organisation_id, run_id), by=g.actor), _codes())


def _line(line: RunLineRecord, hosts: dict[UUID, Any]) -> dict[str, Any]:
    return {
        "position": line.position,
        "host": hosts[line.claim_key.institution_id].code,
        "claim_id": line.claim_key.id,
        "customer_id": line.customer_id,
        "beneficiary_id": line.beneficiary_id,
        "day": date.fromisoformat(line.body["day"]),
        "amount": line.amount,
        "why": money_text.steps_text(line.body["steps"], line.amount.currency),
        "rule_version": line.body["rule_version"],
        "facts": line.body["facts"],
        "citations": line.body["citations"],
        "sampled": str(line.sampled) if line.sampled else None,
    }


@blueprint.get("/runs/<uuid:run_id>/lines")
@blueprint.arguments(FromArguments, location="query")
@blueprint.response(200, RunLinesSchema)
@allows(*PEOPLE)
def run_lines(args: dict[str, Any], run_id: UUID) -> dict[str, Any]:
    """The frozen lines of a run, in order."""
    key = FunderKey(g.actor.organisation_id, run_id)
    subsidy.run(key, by=g.actor)
    later = [line for line in subsidy.run_lines(key, by=g.actor) if line.position > args["after"]]
    shown = later[: args["limit"]]
    hosts = accounts.organisation_names({line.claim_key.institution_id for line in shown})
    more = len(later) > len(shown)
    return {"items": [_line(line, hosts) for line in shown], "next": shown[-1].position if more else None}


# ---- what funders pull


class PulledClaimSchema(ma.Schema):
    id = Identifier(required=True)
    programme = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    amount = MoneyString(required=True)
    rule_version = ma.fields.String(required=True)
    reasons = ma.fields.List(ma.fields.Dict(), required=True)


class PulledEntrySchema(ma.Schema):
    """A sealed usage entry at its place in the host's chain."""

    position = ma.fields.Integer(required=True)
    entry_id = Identifier(required=True)
    entry_digest = ma.fields.String(required=True)
    link_digest = ma.fields.String(required=True)
    said = ma.fields.Dict(required=True, metadata={"description": "the sealed facts, as hashed"})
    claims = ma.fields.List(ma.fields.Nested(PulledClaimSchema), required=True)


class PulledSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(PulledEntrySchema), required=True)
    head = ma.fields.Integer(required=True, metadata={"description": "the newest position of the chain"})
    next = ma.fields.Integer(
        required=True, attribute="next_after", metadata={"description": "the next ``after``"}
    )


@blueprint.get("/hosts/<host>/funded-usage")
@blueprint.arguments(FromArguments, location="query")
@blueprint.response(200, PulledSchema)
@allows(*PEOPLE)
def funded_usage(args: dict[str, Any], host: str) -> dict[str, Any]:
    """Sealed usage of a host that the token's funder supports, by position in the host's chain.

    The cursor is the position: ask again with ``next``, at any later time, and nothing is skipped or sent twice.
    """
    record = accounts.organisation(host)
    if record.kind is not OrganisationKind.INSTITUTION:
        raise NotFound()
    found = funders_usage.pull(record.id, g.actor.organisation_id, args["after"], args["limit"])
    return {"items": list(found.entries), "head": found.head, "next_after": found.next_after}
