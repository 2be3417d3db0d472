"""Where a funder stands, what its reviewers look at, and the use behind the money."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import g, render_template, request

from resource_hub.domain.subsidy import service
from resource_hub.domain.subsidy.terms import (
    NEXT_STEP,
    ClaimState,
    RunRecord,
    RunState,
    SampleResult,
)
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.guards import allows
from resource_hub.entrypoints.web.money import parts
from resource_hub.entrypoints.web.money.funder.common import (
    PEOPLE,
    blueprint,
    me,
    this_year,
)
from resource_hub.entrypoints.web.money.funder.lines import line_rows


@blueprint.get("/o/<organisation>/overview")
@allows(*PEOPLE)
def overview(organisation: str) -> str:
    """Budget, held, accrued, paid; runs by state; what waits for whom."""
    funder_id = me()
    year = this_year()
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


def _flags(run: RunRecord) -> list[Any]:
    return service.run_flags(run.key, service.run_lines(run.key, by=g.actor))


# ---- what the reviewer and the auditor look at


@blueprint.get("/o/<organisation>/review")
@allows(*PEOPLE)
def review(organisation: str) -> str:
    """The bench: drawn lines that wait for a check, run by run, and open objections."""
    funder_id = me()
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
                    "lines": line_rows(waiting),
                    "objections": words,
                }
            )
    return render_template("money/review.html", organisation=organisation, benches=benches)


@blueprint.get("/o/<organisation>/usage")
@allows(*PEOPLE)
def usage(organisation: str) -> str:
    """Every claim line behind the money, newest first, refused ones with their reasons."""
    funder_id = me()
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
