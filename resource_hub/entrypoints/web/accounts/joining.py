"""Register a firm, join an organisation, accept an invitation."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service
from resource_hub.entrypoints.support import guards
from resource_hub.entrypoints.support.formatting import named
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import PUBLIC, SIGNED_IN, allows
from resource_hub.entrypoints.support.language import select_locale
from resource_hub.entrypoints.support.protection import limiter
from resource_hub.entrypoints.web.accounts.blueprint import (
    GUESSING,
    SENDING,
    blueprint,
    me,
    sign_in_session,
)
from resource_hub.entrypoints.web.accounts.signing_in import Answer
from resource_hub.kernel.errors import DomainError


@blueprint.get("/register/firm")
@allows(SIGNED_IN)
def register_firm() -> Answer:
    return _firm_page(Form())


def _firm_page(form: Form, suspect: bool = False, exists: str = "") -> tuple[str, int]:
    return render_template(
        "accounts/register_firm.html", form=form, suspect=suspect, exists=exists
    ), form.status


@blueprint.post("/register/firm")
@allows(SIGNED_IN)
@limiter.limit(SENDING)
@once
def register_firm_now() -> Answer:
    form = Form.sent()
    fields = service.OrganisationFields(
        name_zh=form.text("name_zh", required=True) or "",
        name_en=form.text("name_en") or "",
        region_zh=form.text("region", longest=100) or "",
        region_en=form.text("region", longest=100) or "",
        address=form.text("address", longest=300) or "",
        website=form.text("website", longest=300) or "",
    )
    code = form.text("uscc", required=True, longest=60)
    suspect, exists = False, ""
    if form.ok and code:
        try:
            firm = service.register_firm(
                me().id, uscc=code, fields=fields, keep_suspect=form.flag("keep_suspect")
            )
        except DomainError as error:
            form.refuse(error)
            suspect = any(r.code.startswith("accounts.uscc.") for r in error.reasons) and error.code in (
                "accounts.uscc.suspect",
                "accounts.bad_input",
            )
            exists = code if error.code == "accounts.firm_exists" else ""
        else:
            if firm.state.value == "active":
                flash(_("%(name)s is registered. You are its administrator.", name=named(firm)), "good")
            else:
                flash(
                    _("%(name)s is registered and waits for a check by our staff.", name=named(firm)), "wait"
                )
            return redirect(url_for("team.index", organisation=firm.code), 303)
    return _firm_page(form, suspect, exists)


@blueprint.get("/join")
@allows(SIGNED_IN)
def join() -> Answer:
    text = request.args.get("q", "").strip()[:200]
    return render_template(
        "accounts/join.html",
        q=text,
        found=service.joinable(text),
        asked=service.my_requests(me().id),
        seats={seat.organisation.id for seat in service.seats(me().id)},
    )


@blueprint.post("/join/<uuid:organisation_id>")
@allows(SIGNED_IN)
@limiter.limit(SENDING)
@once
def join_now(organisation_id: UUID) -> Answer:
    service.ask_to_join(organisation_id, me().id)
    flash(_("Your request is on its way. You are told as soon as it is answered."), "good")
    return redirect(url_for("accounts.welcome"), 303)


@blueprint.post("/join/withdraw/<uuid:membership_id>")
@allows(SIGNED_IN)
def withdraw_request(membership_id: UUID) -> Answer:
    service.withdraw_request(membership_id, me().id)
    flash(_("Your request is withdrawn."), "good")
    return redirect(url_for("accounts.welcome"), 303)


@blueprint.get("/invitations/<token>")
@allows(PUBLIC)
@limiter.limit(GUESSING)
def invitation(token: str) -> Answer:
    return _invitation_page(token, Form())


def _invitation_page(token: str, form: Form) -> tuple[str, int]:
    try:
        found, organisation, known = service.invitation(token)
    except DomainError:
        return render_template("accounts/link_expired.html", purpose="invitation"), 410
    person = guards.person()
    html = render_template(
        "accounts/invitation.html",
        form=form,
        token=token,
        invitation=found,
        organisation=organisation,
        known=known,
        fits=person is not None and person.email == found.email,
    )
    return html, form.status


@blueprint.post("/invitations/<token>")
@allows(PUBLIC)
@limiter.limit(GUESSING)
@once
def accept_invitation(token: str) -> Answer:
    form = Form.sent()
    person = guards.person()
    try:
        _found, organisation, _known = service.invitation(token)
        if person is not None:
            service.accept_invitation(token, person.id)
        else:
            name = form.text("name", required=True, longest=120)
            password = form.secret("password")
            if not form.ok or not name or not password:
                return _invitation_page(token, form)
            sign_in_session(
                service.accept_invitation_as_new(
                    token, name=name, password=password, language=select_locale()
                )
            )
    except DomainError as error:
        if error.code == "accounts.link_expired":
            return render_template("accounts/link_expired.html", purpose="invitation"), 410
        form.refuse(error)
        return _invitation_page(token, form)
    flash(_("Welcome to %(name)s.", name=named(organisation)), "good")
    return redirect(url_for("shell.first_screen", organisation=organisation.code), 303)
