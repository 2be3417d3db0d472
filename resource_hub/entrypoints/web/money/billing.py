"""Statements and charges, seen by the customer and by the institution's office; payments; what has no price yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.adapters import xlsx
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationRecord, Role
from resource_hub.domain.billing import service
from resource_hub.domain.billing.rules import month_before, next_month
from resource_hub.domain.billing.terms import ChargeRecord, StatementRecord
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.usage import service as usage
from resource_hub.entrypoints.support import exports, paging
from resource_hub.entrypoints.support.formatting import named
from resource_hub.entrypoints.support.forms import Form, once, remember_zone
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.money import parts
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import local_day, zone

blueprint = Blueprint("billing", __name__)


def negative(amount: Money) -> Money:
    """What was taken off or paid, as it stands in a column of what is owed."""
    return -amount


blueprint.add_app_template_filter(negative)

Answer = str | Response | tuple[str, int]
CUSTOMER = (Role.FIRM_ADMIN, Role.PAYER, Role.APPROVER, Role.BOOKER)
READS = (*CUSTOMER, Role.OFFICE, Role.INSTITUTION_ADMIN, Role.MANAGER, Role.DEPUTY)


def _host(code: str) -> OrganisationRecord:
    host = accounts.organisation(code)
    remember_zone(host.zone)
    return host


def _today(host: OrganisationRecord) -> date:
    return local_day(clock.now(), zone(host.zone))


# ---- the customer


@blueprint.get("/o/<organisation>/statements")
@allows(*CUSTOMER)
def customer(organisation: str) -> str:
    """What is owed and due, host by host, and every statement so far."""
    g.hat = "customer"
    customers = g.actor.customer_ids | g.actor.led_customer_ids
    limit = paging.asked_limit()
    page = _page_of(service.statements_of_customers(g.actor, limit + 1, _asked_place()), limit)
    owed = service.statements_owed(g.actor, 1)
    standing = service.accounts_of_customers(customers)
    known = parts.names(
        hosts={s.key.institution_id for s in page.items} | {a.institution_id for a in standing},
        customers=customers,
    )
    today = _today(accounts.organisation(g.actor.organisation_id))
    return render_template(
        "money/statements.html",
        organisation=organisation,
        rows=[_statement_row(s, known, today) for s in page.items],
        page=page,
        standing=standing,
        known=known,
        several=len(customers) > 1,
        open_sums=service.open_sums(customers),
        overdue=service.overdue_count(g.actor, today),
        due=owed[0].due_on if owed else None,
    )


def _asked_place() -> tuple[date, UUID] | None:
    """The place after which the page of statements begins: a period and an id."""
    place = paging.unpack(paging.asked_after(), date, UUID)
    return (place[0], place[1]) if place else None


def _page_of(found: Sequence[StatementRecord], limit: int) -> paging.Page[StatementRecord]:
    return paging.page_of(found, limit, lambda s: (s.period, s.key.id))


def _statement_row(statement: StatementRecord, known: parts.Names, today: date) -> dict[str, Any]:
    return {
        "record": statement,
        "number": statement.number,
        "host": known.hosts.get(statement.key.institution_id),
        "customer": known.customers.get(statement.customer_id),
        "period": statement.period,
        "state": "overdue" if statement.overdue(today) else statement.state,
        "due_on": statement.due_on,
        "total": statement.total,
        "open": statement.open,
        "href": _statement_href(statement),
    }


def _statement_href(statement: StatementRecord) -> str:
    return url_for(
        "billing.statement",
        organisation=g.actor.organisation_code,
        host=accounts.organisation(statement.key.institution_id).code,
        statement_id=statement.key.id,
    )


# ---- one statement, for both parties


def _found(host: str, statement_id: UUID) -> tuple[OrganisationRecord, StatementRecord, list[ChargeRecord]]:
    record = _host(host)
    found, lines = service.statement(HostKey(record.id, statement_id), by=g.actor)
    return record, found, lines


@blueprint.get("/o/<organisation>/statements/<host>/<uuid:statement_id>")
@allows(*READS)
def statement(organisation: str, host: str, statement_id: UUID) -> str:
    """A statement line by line; every amount leads to its charge and the session behind it."""
    record, found, lines = _found(host, statement_id)
    return _statement_page(
        organisation, record, found, lines, Form({"amount": found.open, "paid_on": _today(record)})
    )


def _statement_page(
    organisation: str, host: OrganisationRecord, found: StatementRecord, lines: list[ChargeRecord], form: Form
) -> str:
    keeper = g.actor.organisation_id == host.id and g.actor.has(*service.KEEPS_BOOKS)
    g.hat = "office" if keeper else "customer"
    buyer = accounts.customer(found.customer_id)
    return render_template(
        "money/statement.html",
        organisation=organisation,
        host=host,
        statement=found,
        customer=buyer,
        owner=accounts.organisation(buyer.organisation_id),
        rows=parts.charge_rows(lines),
        payments=service.payments(found.key),
        overdue=found.overdue(_today(host)),
        keeper=keeper,
        form=form,
        back=url_for("billing.host" if keeper else "billing.customer", organisation=organisation),
    )


@blueprint.get("/o/<organisation>/statements/<host>/<uuid:statement_id>/pdf")
@allows(*READS)
def statement_pdf(organisation: str, host: str, statement_id: UUID) -> Response:
    """The statement on paper."""
    from resource_hub.entrypoints.web.money import paper

    record, found, lines = _found(host, statement_id)
    body = paper.statement(record, found, parts.charge_rows(lines), service.payments(found.key))
    return exports.file_response(f"{found.number}.pdf", body, "application/pdf")


_HEAD = ("day", "resource", "kind", "lines", "gross", "deducted", "amount", "currency", "charge", "entry")


def _rows(lines: list[ChargeRecord]) -> list[tuple[Any, ...]]:
    """The lines of a statement as exact values for a spreadsheet."""
    return [
        (
            row["day"].isoformat(),
            named(row["resource"]) if row["resource"] else "",
            word("billing.kind", row["kind"]),
            "; ".join(line["text"] for line in row["lines"]),
            row["gross"].amount,
            row["charge"].deducted.amount,
            row["amount"].amount,
            row["gross"].currency,
            str(row["charge"].key.id),
            str(row["charge"].entry_id or ""),
        )
        for row in parts.charge_rows(lines)
    ]


def _head() -> list[str]:
    words = {
        "day": _("Day"), "resource": _("Instrument"), "kind": _("Kind"), "lines": _("How it came about"),
        "gross": _("Price"), "deducted": _("Taken off by programmes"), "amount": _("To pay"),
        "currency": _("Currency"), "charge": _("Charge"), "entry": _("Usage entry"),
    }  # fmt: skip
    return [words[name] for name in _HEAD]


@blueprint.get("/o/<organisation>/statements/<host>/<uuid:statement_id>/lines.<kind>")
@allows(*READS)
def statement_file(organisation: str, host: str, statement_id: UUID, kind: str) -> Response:
    """The lines as CSV or XLSX."""
    _record, found, lines = _found(host, statement_id)
    return _file(found.number, kind, _head(), _rows(lines))


def _file(name: str, kind: str, head: list[str], rows: list[tuple[Any, ...]]) -> Response:
    if kind == "csv":
        return exports.csv_response(f"{name}.csv", head, rows)
    if kind == "xlsx":
        return exports.file_response(f"{name}.xlsx", xlsx.workbook([(name, head, rows)]), xlsx.MEDIA_TYPE)
    raise NotFound()


@blueprint.post("/o/<organisation>/statements/<host>/<uuid:statement_id>/payments")
@allows(*service.KEEPS_BOOKS)
@once
def pay(organisation: str, host: str, statement_id: UUID) -> Answer:
    """The office records that money came in: the amount is typed twice."""
    record, found, lines = _found(host, statement_id)
    form = Form.sent()
    amount = form.money("amount", required=True, currency=found.total.currency)
    again = form.money("again", required=True, currency=found.total.currency)
    reference = form.text("reference", required=True, longest=200)
    paid_on = form.day("paid_on", required=True)
    if form.ok and amount is not None and again is not None and reference and paid_on:
        try:
            service.record_payment(
                found.key, amount, again, reference, paid_on, by=g.actor, version=form.version()
            )
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Payment recorded."))
            return redirect(_statement_href(found), 303)
    return _statement_page(organisation, record, found, lines, form), form.status


# ---- one charge


@blueprint.get("/o/<organisation>/charges/<host>/<uuid:charge_id>")
@allows(*READS, Role.REVIEWER, Role.FUNDER_ADMIN, Role.FUNDER_APPROVER)
def charge(organisation: str, host: str, charge_id: UUID) -> str:
    """One charge: what was used, which rule made which part, what programmes gave, which statement it stands on."""
    record = _host(host)
    key = HostKey(record.id, charge_id)
    funder = g.actor.has(*subsidy.FUNDERS_PEOPLE)
    if funder:
        # A funder sees the charges that its own programmes judged, and no others.
        mine = [c for c in subsidy.claims_of_charge(key) if c.funder_id == g.actor.organisation_id]
        if not mine:
            raise NotFound()
        found, claims = service.charge_for_rules(key), mine
    else:
        found, claims = service.charge(key, by=g.actor), subsidy.claims_of_charge(key)
    entry_key = HostKey(record.id, found.entry_id) if found.entry_id else None
    buyer = accounts.customer(found.customer_id)
    return render_template(
        "money/charge.html",
        organisation=organisation,
        host=record,
        row=parts.charge_rows([found])[0],
        customer=buyer,
        claims=parts.claim_rows(claims),
        entry=usage.entry(entry_key) if entry_key else None,
        session_href=parts.session_href(entry_key),
        tariff=_tariff(found),
        funder=funder,
    )


def _tariff(found: ChargeRecord) -> Any:
    from resource_hub.domain.pricing import service as pricing

    return pricing.tariff(HostKey(found.key.institution_id, found.tariff_id)) if found.tariff_id else None


# ---- the office


@blueprint.get("/o/<organisation>/billing")
@allows(*service.KEEPS_BOOKS)
def host(organisation: str) -> str:
    """Months, statements by state, debts, and uses that no tariff could price."""
    return _host_page(organisation, Form())


def _host_page(organisation: str, form: Form, failed: UUID | None = None) -> str:
    g.hat = "office"
    record = _host(organisation)
    today = _today(record)
    period = _asked_period()
    open_only = request.args.get("open") == "1"
    limit = paging.asked_limit()
    page = _page_of(
        service.statements_of_host(
            record.id,
            by=g.actor,
            period=period,
            open_only=open_only,
            limit=limit + 1,
            after=_asked_place(),
        ),
        limit,
    )
    standing = service.accounts_of_host(record.id)
    problems = service.problems(record.id)
    known = parts.names(
        hosts=[record.id],
        customers={s.customer_id for s in page.items}
        | {a.customer_id for a in standing}
        | {p.customer_id for p in problems},
    )
    months = service.months(record.id, today.replace(year=today.year - 1, day=1))
    last = month_before(today)
    return render_template(
        "money/billing.html",
        organisation=organisation,
        host=record,
        rows=[_statement_row(s, known, today) for s in page.items],
        page=page,
        standing=[a for a in standing if not a.balance.is_zero],
        known=known,
        months=months,
        problems=parts.charge_rows(problems),
        period=period,
        open_only=open_only,
        last=last,
        last_closed=any(month == last for month, *_rest in months),
        issue_after=service.ISSUE_AFTER_DAYS,
        form=form,
        failed=failed,
        owed=parts.total(a.balance for a in standing),
        unbilled=parts.total(a.unbilled for a in standing),
        income=_income(record.id, today),
    )


def _asked_period() -> date | None:
    text = request.args.get("period", "")
    try:
        return date.fromisoformat(f"{text}-01") if text else None
    except ValueError:
        return None


def _income(institution_id: UUID, today: date) -> list[dict[str, Any]]:
    rows = service.income(institution_id, date(today.year, 1, 1), next_month(today))
    return [{"class": c, "gross": gross, "deducted": deducted} for c, gross, deducted in rows]


@blueprint.post("/o/<organisation>/billing/issue")
@allows(*service.KEEPS_BOOKS)
@once
def issue(organisation: str) -> Response:
    """Issue the statements of a month now; the job does it by itself a week after the month's end."""
    form = Form.sent()
    period = form.month("period", required=True)
    if period is not None:
        try:
            count = service.issue_statements(g.actor.organisation_id, period, by=g.actor)
        except DomainError as error:
            from resource_hub.entrypoints.support import sentences

            for told in sentences.tell_all(error):
                flash(told.whole, "error")
        else:
            flash(_("%(n)s statements issued.", n=count))
    return redirect(url_for("billing.host", organisation=organisation), 303)


@blueprint.post("/o/<organisation>/billing/problems/<uuid:charge_id>")
@allows(*service.KEEPS_BOOKS)
@once
def solve(organisation: str, charge_id: UUID) -> Answer:
    """The office's price for a use that no tariff could price."""
    form = Form.sent()
    amount = form.money("amount", required=True)
    note = form.text("note", required=True, longest=500)
    if form.ok and amount is not None and note:
        try:
            service.solve_problem(HostKey(g.actor.organisation_id, charge_id), amount, note, by=g.actor)
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Priced."))
            return redirect(url_for("billing.host", organisation=organisation), 303)
    return _host_page(organisation, form, charge_id), form.status
