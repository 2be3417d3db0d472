"""For everybody: what support exists, the rules with their sources, runs on public notice, objections."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationKind
from resource_hub.domain.subsidy import service
from resource_hub.domain.subsidy.terms import ProgrammeKind, Side
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import PUBLIC, allows
from resource_hub.entrypoints.web.money import parts
from resource_hub.entrypoints.web.money.rulebook import scheme_card
from resource_hub.entrypoints.web.money.subsidy import card
from resource_hub.kernel.errors import DomainError, NotFound
from resource_hub.kernel.keys import FunderKey

support = Blueprint("support", __name__)
notices = Blueprint("notices", __name__)

Answer = str | Response | tuple[str, int]


@support.get("/support")
@allows(PUBLIC)
def index() -> str:
    """What could I get: programmes that run here first, then every scheme the rulebook knows, with its source."""
    own = []
    for programme in service.programmes(open_only=True):
        found = card(programme)
        if found is not None:
            found["funder"] = accounts.organisation(programme.funder_id)
            found["side"] = programme.side
            own.append(found)
    running = {found["programme"].scheme for found in own}
    others = [scheme_card(s) for s in service.support_schemes() if s.code not in running]
    who = request.args.get("who", "")
    if who in ("firm", "host"):
        wanted = Side.CUSTOMER if who == "firm" else Side.HOST
        own = [found for found in own if found["side"] is wanted]
        others = [o for o in others if (o["scheme"].kind == ProgrammeKind.HOST_REWARD) is (who == "host")]
    return render_template("money/support.html", own=own, others=others, who=who)


@support.get("/support/<code>")
@allows(PUBLIC)
def programme(code: str) -> str:
    """One programme that runs here: rules of today in words and numbers, each with its source."""
    record = service.programme_of_code(code)
    found = card(record)
    if found is None:
        raise NotFound()
    return render_template(
        "money/programme.html", card=found, funder=accounts.organisation(record.funder_id), programme=record
    )


@notices.get("/notices")
@allows(PUBLIC)
def public() -> str:
    """Runs on public notice."""
    runs = service.notices()
    known = parts.names(hosts={r.key.funder_id for r in runs}, programmes={r.programme_id for r in runs})
    return render_template("money/notices.html", runs=runs, known=known)


def _funder_key(funder: str, run_id: UUID) -> FunderKey:
    record = accounts.organisation(funder)
    if record.kind is not OrganisationKind.FUNDER:
        raise NotFound()
    return FunderKey(record.id, run_id)


@notices.get("/notices/<funder>/<uuid:run_id>")
@allows(PUBLIC)
def show(funder: str, run_id: UUID) -> str:
    """One run on notice: who is to receive how much, and the form to object."""
    return _show(funder, run_id, Form())


def _show(funder: str, run_id: UUID, form: Form) -> str:
    key = _funder_key(funder, run_id)
    run, lines = service.notice(key)
    known = parts.names(
        hosts={line.beneficiary_id for line in lines}, customers={line.beneficiary_id for line in lines}
    )
    rows: list[dict[str, Any]] = [
        {
            "name": known.hosts.get(line.beneficiary_id) or known.customers.get(line.beneficiary_id),
            "lines": line.lines,
            "amount": line.amount,
        }
        for line in lines
    ]
    return render_template(
        "money/notice.html",
        run=run,
        rows=rows,
        funder=accounts.organisation(key.funder_id),
        programme=service.programme(run.programme_id),
        form=form,
    )


@notices.post("/notices/<funder>/<uuid:run_id>/objections")
@allows(PUBLIC)
@once
def object_to(funder: str, run_id: UUID) -> Answer:
    form = Form.sent()
    text = form.text("text", required=True, longest=4000)
    contact = form.text("contact", longest=254) or ""
    if form.ok and text:
        try:
            service.object_to_run(_funder_key(funder, run_id), text, contact)
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Your objection was handed in. The run is not paid before it is answered."))
            return redirect(url_for("notices.show", funder=funder, run_id=run_id), 303)
    return _show(funder, run_id, form), form.status
