"""The funder's pages: overview, programmes and budgets, applications, payout runs, usage behind the money."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.adapters import xlsx
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.billing.rules import month_before, next_month
from resource_hub.domain.subsidy import service
from resource_hub.domain.subsidy.terms import (
    NEXT_STEP,
    RUN_STEPS,
    ClaimState,
    ProgrammeState,
    RunLineRecord,
    RunRecord,
    RunState,
    SampleResult,
)
from resource_hub.entrypoints.support import exports, money_text, paging, sentences
from resource_hub.entrypoints.support.formatting import named
from resource_hub.entrypoints.support.forms import Form, once, remember_zone
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.money import parts
from resource_hub.entrypoints.web.money.subsidy import card
from resource_hub.infra import clock
from resource_hub.kernel.errors import DomainError, NotFound, Reason
from resource_hub.kernel.keys import FunderKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import local_day, zone

blueprint = Blueprint("funder", __name__)

Answer = str | Response | tuple[str, int]
PEOPLE = service.FUNDERS_PEOPLE
ADMIN = (Role.FUNDER_ADMIN,)
COMPUTES = (Role.REVIEWER, Role.FUNDER_ADMIN)
APPROVES = (Role.FUNDER_APPROVER,)
LINES_SHOWN = 100


@blueprint.url_value_preprocessor
def _hat(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    g.hat = "funder"


def _me() -> UUID:
    funder_id: UUID = g.actor.organisation_id
    if "funder" not in g:
        g.funder = accounts.organisation(funder_id)
        remember_zone(g.funder.zone)
    return funder_id


def _today() -> date:
    _me()
    return local_day(clock.now(), zone(g.funder.zone))


def _tell(error: DomainError) -> None:
    for told in sentences.tell_all(error):
        flash(f"{told.sentence} {told.remedy}".strip(), "error")


# ---- overview


@blueprint.get("/o/<organisation>/overview")
@allows(*PEOPLE)
def overview(organisation: str) -> str:
    """Budget, held, accrued, paid; runs by state; what waits for whom."""
    funder_id = _me()
    year = _year()
    items = service.overview(funder_id, year, by=g.actor)
    runs = service.runs(funder_id, by=g.actor)
    waiting = [r for r in runs if r.state not in (RunState.PAID, RunState.CANCELLED)]
    names = {p.programme.id: p.programme for p in items}
    budgets = [i.budget for i in items if i.budget is not None]
    return render_template(
        "money/overview.html",
        organisation=organisation,
        year=year,
        items=items,
        waiting=[
            {
                "run": r,
                "programme": names.get(r.programme_id),
                "flags": _flags(r),
                "next": NEXT_STEP.get(r.state),
            }
            for r in waiting
        ],
        applications=service.quotas_of_funder(funder_id, waiting=True),
        totals={
            "amount": parts.total(b.amount for b in budgets),
            "held": parts.total(b.held for b in budgets),
            "accrued": parts.total(b.accrued for b in budgets),
            "paid": parts.total(b.paid for b in budgets),
        },
    )


def _year() -> int:
    try:
        return max(2000, min(2100, int(request.args.get("year", ""))))
    except ValueError:
        return _today().year


def _flags(run: RunRecord) -> list[Any]:
    return service.run_flags(run.key, service.run_lines(run.key, by=g.actor))


# ---- programmes


@blueprint.get("/o/<organisation>/programmes")
@allows(*PEOPLE)
def programmes(organisation: str) -> str:
    """Programmes with their rules, sources and money."""
    return _programmes_page(organisation, Form({"year": _today().year}))


def _programmes_page(organisation: str, form: Form, failed: UUID | None = None) -> str:
    funder_id = _me()
    year = _year()
    own = service.programmes(funder_id)
    money = {b.programme_id: b for b in service.budgets([p.id for p in own], year)} if own else {}
    taken = {p.scheme for p in own}
    return render_template(
        "money/programmes.html",
        organisation=organisation,
        year=year,
        cards=[{"programme": p, "card": card(p), "budget": money.get(p.id)} for p in own],
        schemes=[s for s in service.support_schemes() if s.code not in taken],
        may_change=g.actor.has(*ADMIN),
        form=form,
        failed=failed,
    )


@blueprint.post("/o/<organisation>/programmes")
@allows(*ADMIN)
@once
def open_programme(organisation: str) -> Answer:
    """Make a programme out of a scheme of the rulebook."""
    form = Form.sent()
    scheme = form.text("scheme", required=True, longest=120)
    code = form.text("code", required=True, longest=60)
    if form.ok and scheme and code:
        try:
            service.open_programme(_me(), code, scheme, by=g.actor)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("The programme is open."))
            return redirect(url_for("funder.programmes", organisation=organisation), 303)
    return _programmes_page(organisation, form), form.status


def _own(programme_id: UUID) -> Any:
    found = service.programme(programme_id)
    if found.funder_id != _me():
        raise NotFound()
    return found


@blueprint.post("/o/<organisation>/programmes/<uuid:programme_id>/budget")
@allows(*ADMIN)
@once
def budget(organisation: str, programme_id: UUID) -> Answer:
    """Set the money of a year."""
    found = _own(programme_id)
    form = Form.sent()
    amount = form.money("amount", required=True)
    year = form.whole("year", required=True, least=2000, most=2100)
    if form.ok and amount is not None and year:
        try:
            service.set_budget(found.id, year, amount, by=g.actor, version=form.version())
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Budget set."))
            return redirect(url_for("funder.programmes", organisation=organisation, year=year), 303)
    return _programmes_page(organisation, form, programme_id), form.status


@blueprint.post("/o/<organisation>/programmes/<uuid:programme_id>/state")
@allows(*ADMIN)
@once
def state(organisation: str, programme_id: UUID) -> Response:
    """Open or close a programme for new use."""
    found = _own(programme_id)
    wanted = ProgrammeState.CLOSED if found.state is ProgrammeState.OPEN else ProgrammeState.OPEN
    service.set_programme_state(found.id, wanted, by=g.actor)
    flash(_("The programme is closed.") if wanted is ProgrammeState.CLOSED else _("The programme is open."))
    return redirect(url_for("funder.programmes", organisation=organisation), 303)


@blueprint.post("/o/<organisation>/programmes/<uuid:programme_id>/entered")
@allows(*ADMIN)
@once
def entered(organisation: str, programme_id: UUID) -> Response:
    """Enter a value that cannot be read in the copy of the document."""
    found = _own(programme_id)
    form = Form.sent()
    name, value = form.text("name", required=True), form.text("value", required=True, longest=40)
    if name and value:
        try:
            service.enter_parameter(found.id, name, value, by=g.actor)
        except DomainError as error:
            _tell(error)
        else:
            flash(_("Entered; it is marked as such wherever it is used."))
    return redirect(url_for("funder.programmes", organisation=organisation), 303)


# ---- applications for quota


@blueprint.get("/o/<organisation>/applications")
@allows(*PEOPLE)
def applications(organisation: str) -> str:
    """Applications for quota: waiting ones first, then what was granted and used."""
    funder_id = _me()
    quotas = service.quotas_of_funder(funder_id)
    known = parts.names(
        customers={q.customer_id for q in quotas}, programmes={q.programme_id for q in quotas}
    )
    owners = accounts.organisation_names({c.organisation_id for c in known.customers.values()})
    rows: list[dict[str, Any]] = [
        {
            "quota": q,
            "customer": known.customers.get(q.customer_id),
            "owner": owners.get(known.customers[q.customer_id].organisation_id)
            if q.customer_id in known.customers
            else None,
            "programme": known.programmes.get(q.programme_id),
            "size": accounts.firm_size(q.customer_id, _today()),
        }
        for q in quotas
    ]
    return render_template(
        "money/applications.html",
        organisation=organisation,
        waiting=[r for r in rows if r["quota"].state == "requested"],
        decided=[r for r in rows if r["quota"].state != "requested"],
    )


@blueprint.post("/o/<organisation>/applications/<uuid:quota_id>")
@allows(*PEOPLE)
@once
def decide(organisation: str, quota_id: UUID) -> Response:
    """Grant (perhaps less) or refuse with a reason."""
    form = Form.sent()
    grant = form.value("answer") == "grant"
    amount = form.money("amount") if grant else None
    note = form.text("note", longest=2000) or ""
    try:
        service.decide_quota(
            FunderKey(_me(), quota_id), grant, by=g.actor, amount=amount, note=note, version=form.version()
        )
    except NotFound:
        raise
    except DomainError as error:
        _tell(error)
    else:
        flash(_("Granted.") if grant else _("Refused with your reason."))
    return redirect(url_for("funder.applications", organisation=organisation), 303)


# ---- runs


@blueprint.get("/o/<organisation>/runs")
@allows(*PEOPLE)
def runs(organisation: str) -> str:
    """Runs by state, and the form to compute the next one."""
    return _runs_page(organisation, Form(_next_period()))


def _next_period() -> dict[str, Any]:
    last = month_before(_today())
    return {"since": last, "until": next_month(last)}


def _runs_page(organisation: str, form: Form) -> str:
    funder_id = _me()
    own = {p.id: p for p in service.programmes(funder_id)}
    found = service.runs(funder_id, by=g.actor)
    waiting = {
        i.programme.id: i.sums.get(ClaimState.ACCRUED, (0, Money.zero()))
        for i in service.overview(funder_id, _today().year, by=g.actor)
    }
    return render_template(
        "money/runs.html",
        organisation=organisation,
        runs=found,
        programmes=own,
        waiting=waiting,
        may_compute=g.actor.has(*COMPUTES),
        form=form,
    )


@blueprint.post("/o/<organisation>/runs")
@allows(*COMPUTES)
@once
def compute(organisation: str) -> Answer:
    """Freeze what accrued in a period into a run."""
    form = Form.sent()
    programme_id = form.id("programme", required=True)
    since, until = form.day("since", required=True), form.day("until", required=True)
    if form.ok and programme_id and since and until:
        try:
            found = service.compute_run(_own(programme_id).id, since, until, by=g.actor)
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Computed and frozen."))
            return redirect(url_for("funder.run", organisation=organisation, run_id=found.key.id), 303)
    return _runs_page(organisation, form), form.status


def _key(run_id: UUID) -> FunderKey:
    return FunderKey(_me(), run_id)


@blueprint.get("/o/<organisation>/runs/<uuid:run_id>")
@allows(*PEOPLE)
def run(organisation: str, run_id: UUID) -> str:
    """A run: its steps, what blocks the next one, flags, and every line with the sentence that says why."""
    key = _key(run_id)
    found = service.run(key, by=g.actor)
    lines = service.run_lines(key, by=g.actor)
    people = accounts.people(
        {p for p in (found.computed_by, found.sampled_by, found.approved_by, found.paid_by) if p}
    )
    only = request.args.get("only", "")
    chosen = _chosen(lines, only)
    start = max(0, int(request.args.get("from", "0") or 0)) if request.args.get("from", "0").isdigit() else 0
    replay = service.replay_run(key, by=g.actor) if request.args.get("replay") == "1" else None
    return render_template(
        "money/run.html",
        organisation=organisation,
        run=found,
        programme=service.programme(found.programme_id),
        steps=_steps(found, people),
        blocks=service.run_blocks(key) + _notice_blocks(found),
        flags=[_flag(flag) for flag in service.run_flags(key, lines)],
        lines=_line_rows(chosen[start : start + LINES_SHOWN]),
        shown_from=start,
        line_count=len(chosen),
        page_size=LINES_SHOWN,
        samples=_line_rows([line for line in lines if line.sampled is not None]),
        people=people,
        objections=service.objections(key, by=g.actor),
        replay=replay,
        only=only,
        may_compute=g.actor.has(*COMPUTES),
        may_approve=g.actor.has(*APPROVES),
        second_person=g.actor.person_id not in (found.computed_by, found.sampled_by),
        today=_today(),
    )


def _chosen(lines: list[RunLineRecord], only: str) -> list[RunLineRecord]:
    """All lines, or those that a flag or the sample named."""
    if only == "sample":
        return [line for line in lines if line.sampled is not None]
    if only and all(part.isdigit() for part in only.split("-")):
        wanted = {int(part) for part in only.split("-")}
        return [line for line in lines if line.position in wanted]
    return lines


def _steps(run: RunRecord, people: dict[UUID, Any]) -> list[dict[str, Any]]:
    """The states as steps, with who and when."""
    notes = {
        RunState.COMPUTED: (run.computed_by, run.computed_at),
        RunState.SAMPLED: (run.sampled_by, run.sampled_at),
        RunState.APPROVED: (run.approved_by, run.approved_at),
        RunState.NOTICE: (None, None),
        RunState.PAID: (run.paid_by, run.paid_at),
    }
    if run.state is RunState.CANCELLED:
        reached = -1
    else:
        reached = RUN_STEPS.index(run.state)
    steps = []
    from resource_hub.entrypoints.support import formatting

    for index, one in enumerate(RUN_STEPS):
        who, when = notes[one]
        said = [people[who].name] if who and who in people else []
        if when is not None:
            said.append(formatting.stamp(when, g.funder.zone))
        if one is RunState.NOTICE and run.notice_until is not None:
            said.append(_("until %(day)s", day=formatting.day(run.notice_until, week=False)))
        state_now = (
            "done" if index <= reached else "current" if index == reached + 1 and reached >= 0 else "todo"
        )
        steps.append({"title": word("subsidy.run", one), "state": state_now, "note": " · ".join(said)})
    return steps


def _notice_blocks(run: RunRecord) -> list[Reason]:
    if run.state is RunState.NOTICE and run.notice_until is not None and _today() <= run.notice_until:
        return [Reason("subsidy.run.notice_runs", {"until": run.notice_until.isoformat()})]
    return []


def _flag(flag: Any) -> dict[str, Any]:
    return {
        "text": sentences.sentence(f"subsidy.flag.{flag.code}", flag.values),
        "weight": flag.weight,
        "only": "-".join(map(str, flag.lines[:200])),
        "bad": flag.weight >= 80,
    }


def _line_rows(lines: list[RunLineRecord]) -> list[dict[str, Any]]:
    known = parts.names(
        hosts={line.claim_key.institution_id for line in lines} | {line.beneficiary_id for line in lines},
        customers={line.customer_id for line in lines} | {line.beneficiary_id for line in lines},
    )
    rows = []
    for line in lines:
        host = known.hosts[line.claim_key.institution_id]
        rows.append(
            {
                "line": line,
                "position": line.position,
                "day": date.fromisoformat(line.body["day"]),
                "host": host,
                "customer": known.customers.get(line.customer_id),
                "beneficiary": known.hosts.get(line.beneficiary_id)
                or known.customers.get(line.beneficiary_id),
                "grade": line.body["facts"]["facts"].get("grade") or None,
                "base": Money(line.body["base_minor"], line.amount.currency),
                "amount": line.amount,
                "why": money_text.steps_text(line.body["steps"], line.amount.currency),
                "documents": money_text.documents(line.body["citations"]),
                "rule": line.body["rule_version"],
                "sampled": line.sampled,
                "note": line.sample_note,
                "href": url_for(
                    "subsidy.claim",
                    organisation=g.actor.organisation_code,
                    host=host.code,
                    claim_id=line.claim_key.id,
                ),
            }
        )
    return rows


def _act(organisation: str, run_id: UUID, action: Any, done: str) -> Response:
    form = Form.sent()
    try:
        action(_key(run_id), by=g.actor, version=form.version())
    except NotFound:
        raise
    except DomainError as error:
        _tell(error)
    else:
        flash(done)
    return redirect(url_for("funder.run", organisation=organisation, run_id=run_id), 303)


@blueprint.post("/o/<organisation>/runs/<uuid:run_id>/sample")
@allows(*COMPUTES)
@once
def sample(organisation: str, run_id: UUID) -> Response:
    return _act(organisation, run_id, service.sample_run, _("The sample is drawn."))


@blueprint.post("/o/<organisation>/runs/<uuid:run_id>/approve")
@allows(*APPROVES)
@once
def approve(organisation: str, run_id: UUID) -> Response:
    return _act(organisation, run_id, service.approve_run, _("Approved."))


@blueprint.post("/o/<organisation>/runs/<uuid:run_id>/notice")
@allows(*APPROVES, *COMPUTES)
@once
def notice(organisation: str, run_id: UUID) -> Response:
    return _act(organisation, run_id, service.publish_notice, _("On public notice."))


@blueprint.post("/o/<organisation>/runs/<uuid:run_id>/pay")
@allows(*APPROVES)
@once
def pay(organisation: str, run_id: UUID) -> Response:
    return _act(organisation, run_id, service.pay_run, _("Recorded as paid."))


@blueprint.post("/o/<organisation>/runs/<uuid:run_id>/cancel")
@allows(*APPROVES, *COMPUTES)
@once
def cancel(organisation: str, run_id: UUID) -> Response:
    return _act(organisation, run_id, service.cancel_run, _("Cancelled; its lines wait for the next run."))


@blueprint.post("/o/<organisation>/runs/<uuid:run_id>/lines/<int:position>")
@allows(*PEOPLE)
@once
def check(organisation: str, run_id: UUID, position: int) -> Response:
    """What the check of a drawn line found."""
    form = Form.sent()
    right = form.value("answer") == "right"
    note = form.text("note", longest=2000) or ""
    try:
        service.check_line(_key(run_id), position, right, note, by=g.actor)
    except NotFound:
        raise
    except DomainError as error:
        _tell(error)
    return redirect(url_for("funder.run", organisation=organisation, run_id=run_id) + "#sample", 303)


@blueprint.post("/o/<organisation>/runs/<uuid:run_id>/objections/<uuid:objection_id>")
@allows(*PEOPLE)
@once
def answer(organisation: str, run_id: UUID, objection_id: UUID) -> Response:
    form = Form.sent()
    upheld = form.value("answer") == "upheld"
    text = form.text("text", required=True, longest=4000)
    if text:
        try:
            service.answer_objection(_key(run_id), objection_id, upheld, text, by=g.actor)
        except NotFound:
            raise
        except DomainError as error:
            _tell(error)
    return redirect(url_for("funder.run", organisation=organisation, run_id=run_id) + "#objections", 303)


_EXPORT = (
    "position", "day", "host", "customer", "credit_code", "beneficiary", "grade", "base", "amount", "currency", "why",
    "documents", "rule_version", "sample", "claim", "charge", "entry", "digest",
)  # fmt: skip


def _export_head() -> list[str]:
    words = {
        "position": _("No."), "day": _("Day of use"), "host": _("Institution"), "customer": _("Customer"),
        "credit_code": _("Credit code"), "beneficiary": _("Paid to"), "grade": _("Evidence grade"),
        "base": _("Base"), "amount": _("Amount"), "currency": _("Currency"), "why": _("Why"),
        "documents": _("Documents"), "rule_version": _("Rule version"), "sample": _("Check"), "claim": _("Claim"),
        "charge": _("Charge"), "entry": _("Usage entry"), "digest": _("Digest of the run"),
    }  # fmt: skip
    return [words[name] for name in _EXPORT]


@blueprint.get("/o/<organisation>/runs/<uuid:run_id>/lines.<kind>")
@allows(*PEOPLE)
def export(organisation: str, run_id: UUID, kind: str) -> Response:
    """The run as XLSX or CSV: every line says why, with documents and the keys to recompute it."""
    if kind not in ("csv", "xlsx"):
        raise NotFound()
    key = _key(run_id)
    found = service.run(key, by=g.actor)
    rows = [
        (
            row["position"],
            row["day"].isoformat(),
            named(row["host"]),
            named(row["customer"]) if row["customer"] else "",
            row["line"].body["customer"],
            named(row["beneficiary"]) if row["beneficiary"] else "",
            row["grade"] or "",
            row["base"].amount,
            row["amount"].amount,
            row["amount"].currency,
            row["why"],
            "; ".join(row["documents"]),
            row["rule"],
            word("subsidy.sample", row["sampled"]) if row["sampled"] else "",
            row["line"].body["claim"],
            row["line"].body["charge"],
            row["line"].body["entry"] or "",
            found.digest,
        )
        for row in _line_rows(service.run_lines(key, by=g.actor))
    ]
    if kind == "csv":
        return exports.csv_response(f"{found.number}.csv", _export_head(), rows)
    book = xlsx.workbook([(found.number, _export_head(), rows)])
    return exports.file_response(f"{found.number}.xlsx", book, xlsx.MEDIA_TYPE)


# ---- what the reviewer and the auditor look at


@blueprint.get("/o/<organisation>/review")
@allows(*PEOPLE)
def review(organisation: str) -> str:
    """The bench: drawn lines that wait for a check, run by run, and open objections."""
    funder_id = _me()
    own = {p.id: p for p in service.programmes(funder_id)}
    benches = []
    for found in service.runs(funder_id, by=g.actor, states=(RunState.SAMPLED, RunState.NOTICE)):
        lines = service.run_lines(found.key, by=g.actor)
        waiting = [line for line in lines if line.sampled is SampleResult.OPEN]
        words = [o for o in service.objections(found.key, by=g.actor) if o.state == "open"]
        if waiting or words:
            benches.append(
                {
                    "run": found,
                    "programme": own[found.programme_id],
                    "lines": _line_rows(waiting),
                    "objections": words,
                }
            )
    return render_template("money/review.html", organisation=organisation, benches=benches)


@blueprint.get("/o/<organisation>/usage")
@allows(*PEOPLE)
def usage(organisation: str) -> str:
    """Every claim line behind the money, newest first, refused ones with their reasons."""
    funder_id = _me()
    state = request.args.get("state", "")
    programme = request.args.get("programme", "")
    states = (ClaimState(state),) if state in list(ClaimState) else ()
    own = {str(p.id): p for p in service.programmes(funder_id)}
    limit = paging.asked_limit(50)
    after = paging.unpack(paging.asked_after(), date, UUID)
    found = service.claims_of_funder(
        funder_id,
        by=g.actor,
        programme_id=own[programme].id if programme in own else None,
        states=states,
        after=(after[0], after[1]) if after else None,
        limit=limit + 1,
    )
    page = paging.page_of(found, limit, lambda claim: (claim.day, claim.key.id))
    return render_template(
        "money/usage.html",
        organisation=organisation,
        page=page,
        claims=parts.claim_rows(list(page.items)),
        state=state,
        programme=programme,
        programmes=own,
        states=list(ClaimState),
    )
