"""One's own account: profile, password, organisations, what one is told, access tokens."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, session, url_for
from flask_babel import gettext as _

from resource_hub.domain.accounts import service
from resource_hub.domain.notices import service as notices
from resource_hub.domain.notices.terms import ALWAYS_BY_MAIL, ONLY_BY_MAIL, Preference, usual
from resource_hub.entrypoints.support import sentences
from resource_hub.entrypoints.support.forms import Form, once
from resource_hub.entrypoints.support.guards import SIGNED_IN, allows
from resource_hub.entrypoints.support.protection import limiter
from resource_hub.entrypoints.web.accounts.blueprint import GUESSING, blueprint, me, sign_in_session
from resource_hub.entrypoints.web.accounts.signing_in import Answer
from resource_hub.kernel.errors import DomainError


@blueprint.get("/me")
@allows(SIGNED_IN)
def profile() -> Answer:
    return _profile_page(_profile_form(), Form())


def _profile_form() -> Form:
    person = me()
    return Form(
        {"name": person.name, "phone": person.phone, "language": person.language, "version": person.version}
    )


def _profile_page(form: Form, password: Form) -> tuple[str, int]:
    person = me()
    html = render_template(
        "accounts/profile.html",
        form=form,
        password=password,
        person=person,
        seats=service.seats(person.id),
        asked=service.my_requests(person.id),
        stale=form.stale.values["now"] if form.stale else None,
    )
    return html, form.status if form.status != 200 else password.status


@blueprint.post("/me")
@allows(SIGNED_IN)
@once
def profile_changed() -> Answer:
    form = Form.sent()
    name = form.text("name", required=True, longest=120)
    phone = form.text("phone", longest=40) or ""
    language = form.choice("language", service.LANGUAGES, required=True)
    version = form.version() or 0
    if form.ok and name and language:
        try:
            service.change_profile(me().id, name=name, phone=phone, language=language, version=version)
            session["language"] = language
            flash(_("Your profile is saved."), "good")
            return redirect(url_for("accounts.profile"), 303)
        except DomainError as error:
            form.refuse(error)
    return _profile_page(form, Form())


@blueprint.post("/me/password")
@allows(SIGNED_IN)
@limiter.limit(GUESSING)
def password_changed() -> Answer:
    form = Form.sent()
    present = form.secret("present")
    wanted = form.secret("password")
    if form.ok and present and wanted:
        try:
            sign_in_session(service.change_password(me().id, present, wanted))
            flash(_("Your password is changed. All other browsers were signed out."), "good")
            return redirect(url_for("accounts.profile"), 303)
        except DomainError as error:
            form.refuse(error)
    return _profile_page(_profile_form(), form)


@blueprint.post("/me/sessions/end")
@allows(SIGNED_IN)
def end_sessions() -> Answer:
    """Sign out everywhere else."""
    sign_in_session(service.end_sessions(me().id))
    flash(_("All other browsers were signed out."), "good")
    return redirect(url_for("accounts.profile"), 303)


# ---- what one is told


def known_kinds() -> dict[str, list[str]]:
    """Kinds of notices by area, as far as they have a sentence and can be chosen."""
    found: dict[str, list[str]] = {}
    for code in sorted(sentences.sentence_table()):
        kind = code.removeprefix("notice.")
        if code.startswith("notice.") and kind not in ONLY_BY_MAIL:
            found.setdefault(kind.partition(".")[0], []).append(kind)
    return found


def _kind_text(kind: str) -> str:
    """What a kind is about: its own label, else its sentence with gaps where the values will stand."""
    label = f"label.{kind}"
    return sentences.sentence(label if label in sentences.sentence_table() else f"notice.{kind}")


@blueprint.get("/me/notifications")
@allows(SIGNED_IN)
def notifications() -> Answer:
    return render_template(
        "accounts/notifications.html",
        areas=known_kinds(),
        chosen=notices.preferences(me().id),
        always=ALWAYS_BY_MAIL,
        usual=usual,
        kind_text=_kind_text,
        form=Form(),
    )


@blueprint.post("/me/notifications")
@allows(SIGNED_IN)
@once
def notifications_changed() -> Answer:
    form = Form.sent()
    kinds = [kind for kinds in known_kinds().values() for kind in kinds]
    inbox, mail = form.choices("inbox", kinds), form.choices("mail", kinds)
    if form.ok:
        notices.set_preferences(me().id, [Preference(k, k in inbox, k in mail) for k in kinds])
        flash(_("Your choice is saved."), "good")
    return redirect(url_for("accounts.notifications"), 303)


# ---- access tokens


@blueprint.get("/me/tokens")
@allows(SIGNED_IN)
def tokens() -> Answer:
    return _tokens_page(Form({"days": 365}))


def _tokens_page(form: Form, made: str = "") -> tuple[str, int]:
    person = me()
    seats = service.seats(person.id)
    rows = [
        (seat.organisation, token)
        for seat in seats
        for token in service.api_tokens(service.actor(person.id, seat.organisation.id))
    ]
    return render_template("accounts/tokens.html", form=form, seats=seats, rows=rows, made=made), form.status


@blueprint.post("/me/tokens")
@allows(SIGNED_IN)
@limiter.limit(GUESSING)
def token_created() -> Answer:
    """Shows the token once; it stands nowhere afterwards."""
    form = Form.sent()
    name = form.text("name", required=True, longest=100)
    days = form.whole("days", required=True, least=1, most=730)
    organisation_id = form.id("organisation_id", required=True)
    if form.ok and name and days and organisation_id:
        try:
            _record, token = service.create_api_token(
                service.actor(me().id, organisation_id), name, days=days
            )
            return _tokens_page(Form({"days": 365}), token)
        except DomainError as error:
            form.refuse(error)
    return _tokens_page(form)


@blueprint.post("/me/tokens/<uuid:organisation_id>/<uuid:token_id>/revoke")
@allows(SIGNED_IN)
def token_revoked(organisation_id: UUID, token_id: UUID) -> Answer:
    service.revoke_api_token(service.actor(me().id, organisation_id), token_id)
    flash(_("The token works no more."), "good")
    return redirect(url_for("accounts.tokens"), 303)
