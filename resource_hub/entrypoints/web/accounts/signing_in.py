"""Sign in and out, register a person, confirm an address, choose a new password."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.terms import TokenPurpose
from resource_hub.domain.notices import service as notices
from resource_hub.entrypoints.support import guards, letters
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.support.guards import PUBLIC, SIGNED_IN, allows
from resource_hub.entrypoints.support.language import select_locale
from resource_hub.entrypoints.support.protection import limiter
from resource_hub.entrypoints.web.accounts.blueprint import (
    GUESSING,
    SENDING,
    blueprint,
    demonstration,
    next_page,
    sign_in_session,
    sign_out_session,
)
from resource_hub.kernel.errors import DomainError

Answer = str | Response | tuple[str, int]


@blueprint.get("/sign-in")
@allows(PUBLIC)
def sign_in() -> Answer:
    if guards.person() is not None:
        return redirect(next_page(url_for("shell.home")))
    return _sign_in_page(Form({"next": guards.safe_next(request.args.get("next")) or ""}))


def _sign_in_page(form: Form, unconfirmed: bool = False) -> tuple[str, int]:
    html = render_template(
        "accounts/sign_in.html",
        form=form,
        next=next_page(""),
        unconfirmed=unconfirmed,
        demo_people=service.demonstration_people() if demonstration() else [],
    )
    return html, form.status


@blueprint.post("/sign-in")
@allows(PUBLIC)
@limiter.limit(GUESSING)
def sign_in_now() -> Answer:
    form = Form.sent()
    email = form.text("email", required=True, longest=254)
    password = form.secret("password")
    unconfirmed = False
    if form.ok and email and password:
        try:
            sign_in_session(service.sign_in(email, password))
            return redirect(next_page(url_for("shell.home")), 303)
        except service.AddressNotConfirmed as error:
            unconfirmed = True
            form.refuse(error)
        except DomainError as error:
            form.refuse(error)
    return _sign_in_page(form, unconfirmed)


@blueprint.post("/sign-in/as/<uuid:person_id>")
@allows(PUBLIC)
@limiter.limit(GUESSING)
def sign_in_as(person_id) -> Answer:  # type: ignore[no-untyped-def]
    """One click into a person of the demonstration; there is no such door in a real database."""
    if not demonstration():
        abort(404)
    chosen = next((p for p, _seats in service.demonstration_people() if p.id == person_id), None)
    if chosen is None:
        abort(404)
    sign_in_session(chosen)
    return redirect(next_page(url_for("shell.home")), 303)


@blueprint.post("/sign-out")
@allows(PUBLIC)
def sign_out() -> Response:
    sign_out_session()
    flash(_("You are signed out."), "good")
    return redirect(url_for("shell.landing"), 303)


# ---- registration of a person


@blueprint.get("/register")
@allows(PUBLIC)
def register() -> Answer:
    """One account for a person; firms are registered, and joined, with it."""
    if guards.person() is not None:
        return redirect(url_for("accounts.register_firm"))
    return _register_page(Form({"next": guards.safe_next(request.args.get("next")) or ""}))


def _register_page(form: Form) -> tuple[str, int]:
    return render_template("accounts/register.html", form=form, next=next_page("")), form.status


@blueprint.post("/register")
@allows(PUBLIC)
@limiter.limit(SENDING)
def register_now() -> Answer:
    form = Form.sent()
    name = form.text("name", required=True, longest=120)
    email = form.email("email", required=True)
    phone = form.text("phone", longest=40) or ""
    password = form.secret("password")
    if form.ok and name and email and password:
        try:
            service.register_person(
                name=name, email=email, password=password, phone=phone, language=select_locale()
            )
            return render_template("accounts/check_mail.html", email=email, demonstration=demonstration())
        except DomainError as error:
            form.refuse(error)
    return _register_page(form)


@blueprint.post("/confirm/again")
@allows(PUBLIC)
@limiter.limit(SENDING)
def confirm_again() -> Answer:
    form = Form.sent()
    email = form.email("email", required=True)
    if form.ok and email:
        service.send_confirmation_again(email)
    return render_template("accounts/check_mail.html", email=email or "", demonstration=demonstration())


@blueprint.get("/confirm/<token>")
@allows(PUBLIC)
@limiter.limit(GUESSING)
def confirm(token: str) -> Answer:
    """Asks for one click, so that a mail program that opens links ahead of its reader uses nothing up."""
    if not service.link_holds(token, TokenPurpose.VERIFY):
        return render_template("accounts/link_expired.html", purpose="verify"), 410
    return render_template("accounts/confirm.html", token=token)


@blueprint.post("/confirm/<token>")
@allows(PUBLIC)
@limiter.limit(GUESSING)
def confirm_now(token: str) -> Answer:
    try:
        person = service.confirm_address(token)
    except DomainError:
        return render_template("accounts/link_expired.html", purpose="verify"), 410
    sign_in_session(person)
    flash(_("Your address is confirmed, and you are signed in."), "good")
    return redirect(url_for("accounts.welcome"), 303)


# ---- a new password


@blueprint.get("/reset")
@allows(PUBLIC)
def reset() -> Answer:
    return render_template("accounts/reset.html", form=Form())


@blueprint.post("/reset")
@allows(PUBLIC)
@limiter.limit(SENDING)
def reset_asked() -> Answer:
    form = Form.sent()
    email = form.email("email", required=True)
    if not form.ok or not email:
        return render_template("accounts/reset.html", form=form), form.status
    service.request_reset(email)
    return render_template("accounts/check_mail.html", email=email, demonstration=demonstration(), reset=True)


@blueprint.get("/reset/<token>")
@allows(PUBLIC)
@limiter.limit(GUESSING)
def reset_with(token: str) -> Answer:
    if not service.link_holds(token, TokenPurpose.RESET):
        return render_template("accounts/link_expired.html", purpose="reset"), 410
    return render_template("accounts/new_password.html", form=Form(), token=token)


@blueprint.post("/reset/<token>")
@allows(PUBLIC)
@limiter.limit(GUESSING)
def reset_now(token: str) -> Answer:
    form = Form.sent()
    password = form.secret("password")
    if form.ok and password:
        try:
            sign_in_session(service.reset_password(token, password))
            flash(_("Your password is changed. All other browsers were signed out."), "good")
            return redirect(url_for("shell.home"), 303)
        except DomainError as error:
            if error.code == "accounts.link_expired":
                return render_template("accounts/link_expired.html", purpose="reset"), 410
            form.refuse(error)
    return render_template("accounts/new_password.html", form=form, token=token), form.status


# ---- the demonstration's letters


@blueprint.get("/demo/mail")
@allows(PUBLIC)
def outgoing_mail() -> Answer:
    """The letters of the demonstration, which go nowhere else. 404 in a real database: letters are private."""
    if not demonstration():
        abort(404)
    rows = [(mail, letters.written(mail)) for mail in notices.recent_letters(60)]
    return render_template("accounts/outgoing_mail.html", rows=rows)


@blueprint.get("/demo/mail/<uuid:mail_id>")
@allows(PUBLIC)
def outgoing_letter(mail_id) -> Answer:  # type: ignore[no-untyped-def]
    if not demonstration():
        abort(404)
    mail = notices.letter(mail_id)
    if mail is None:
        abort(404)
    letter = letters.written(mail)
    link = letters.link_of(mail, "")
    return render_template("accounts/letter.html", mail=mail, letter=letter, link=link)


@blueprint.get("/welcome")
@allows(SIGNED_IN)
def welcome() -> Answer:
    """What to do next without an organisation yet: join one, register one, or look around."""
    from resource_hub.entrypoints.web.accounts.blueprint import me

    g.setdefault("actor", None)
    return render_template(
        "accounts/welcome.html", seats=service.seats(me().id), asked=service.my_requests(me().id)
    )
