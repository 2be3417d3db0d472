"""Payout runs: computed, sampled, approved by a second person, published, paid."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.billing.rules import month_before, next_month
from resource_hub.domain.subsidy import service
from resource_hub.domain.subsidy.terms import (
    RUN_STEPS,
    ClaimState,
    RunLineRecord,
    RunRecord,
    RunState,
)
from resource_hub.entrypoints.support import sentences
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.money.funder.common import (
    APPROVES,
    COMPUTES,
    PEOPLE,
    Answer,
    blueprint,
    me,
    own_programme,
    run_key,
    tell,
    today,
)
from resource_hub.entrypoints.web.money.funder.lines import line_rows
from resource_hub.kernel.errors import DomainError, NotFound, Reason
from resource_hub.kernel.money import Money

LINES_SHOWN = 100


@blueprint.get("/o/<organisation>/runs")
@allows(*PEOPLE)
def runs(organisation: str) -> str:
    """Runs by state, and the form to compute the next one."""
    return _runs_page(organisation, Form(_next_period()))


def _next_period() -> dict[str, Any]:
    last = month_before(today())
    return {"since": last, "until": next_month(last)}


def _runs_page(organisation: str, form: Form) -> str:
    funder_id = me()
    own = {p.id: p for p in service.programmes(funder_id)}
    found = service.runs(funder_id, by=g.actor)
    waiting = {
        i.programme.id: i.sums.get(ClaimState.ACCRUED, (0, Money.zero()))
        for i in service.overview(funder_id, today().year, by=g.actor)
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
            found = service.compute_run(own_programme(programme_id).id, since, until, by=g.actor)
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Computed and frozen."))
            return redirect(url_for("funder.run", organisation=organisation, run_id=found.key.id), 303)
    return _runs_page(organisation, form), form.status


@blueprint.get("/o/<organisation>/runs/<uuid:run_id>")
@allows(*PEOPLE)
def run(organisation: str, run_id: UUID) -> str:
    """A run: its steps, what blocks the next one, flags, and every line with the sentence that says why."""
    key = run_key(run_id)
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
        lines=line_rows(chosen[start : start + LINES_SHOWN]),
        shown_from=start,
        line_count=len(chosen),
        page_size=LINES_SHOWN,
        samples=line_rows([line for line in lines if line.sampled is not None]),
        people=people,
        objections=service.objections(key, by=g.actor),
        replay=replay,
        only=only,
        may_compute=g.actor.has(*COMPUTES),
        may_approve=g.actor.has(*APPROVES),
        second_person=g.actor.person_id not in (found.computed_by, found.sampled_by),
        today=today(),
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
    if run.state is RunState.NOTICE and run.notice_until is not None and today() <= run.notice_until:
        return [Reason("subsidy.run.notice_runs", {"until": run.notice_until.isoformat()})]
    return []


def _flag(flag: Any) -> dict[str, Any]:
    return {
        "text": sentences.sentence(f"subsidy.flag.{flag.code}", flag.values),
        "weight": flag.weight,
        "only": "-".join(map(str, flag.lines[:200])),
        "bad": flag.weight >= 80,
    }


def _act(organisation: str, run_id: UUID, action: Any, done: str) -> Response:
    form = Form.sent()
    try:
        action(run_key(run_id), by=g.actor, version=form.version())
    except NotFound:
        raise
    except DomainError as error:
        tell(error)
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
        service.check_line(run_key(run_id), position, right, note, by=g.actor)
    except NotFound:
        raise
    except DomainError as error:
        tell(error)
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
            service.answer_objection(run_key(run_id), objection_id, upheld, text, by=g.actor)
        except NotFound:
            raise
        except DomainError as error:
            tell(error)
    return redirect(url_for("funder.run", organisation=organisation, run_id=run_id) + "#objections", 303)
