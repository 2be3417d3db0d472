"""Letters: a kind with values, written in the reader's language when it is sent, with its link."""

from __future__ import annotations

from uuid import UUID

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _

import config
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.notices.terms import Letter, MailRecord
from resource_hub.entrypoints.feeds import inviting
from resource_hub.entrypoints.support import language, sentences

_PATHS = {"reset": "/reset/{}", "verify": "/confirm/{}", "invitation": "/invitations/{}"}


def _ready() -> None:
    # The scheduler runs without pages, but its letters are in two languages all the same.
    if "babel" not in current_app.extensions:
        language.install(current_app._get_current_object())  # type: ignore[attr-defined]


def link_of(mail: MailRecord, base_url: str) -> str:
    """The address a letter leads to; the token is made here and stands nowhere else."""
    token_id, purpose = mail.values.get("token_id"), mail.values.get("purpose")
    if token_id and purpose in _PATHS:
        return base_url + _PATHS[purpose].format(accounts.link_token(UUID(token_id), purpose))
    return base_url + mail.link if mail.link else ""


def written(mail: MailRecord) -> Letter:
    """A letter ready to be sent."""
    _ready()
    settings: config.Settings = current_app.extensions["resource_hub_settings"]
    with force_locale("en" if mail.language.startswith("en") else "zh"):
        subject = sentences.sentence(f"notice.{mail.kind}", mail.values)
        more = f"letter.{mail.kind}"
        lines = [subject]
        if more in sentences.sentence_table():
            lines = [sentences.sentence(more, mail.values)]
        if mail.values.get("name") and mail.kind in ("accounts.confirm_address", "accounts.reset_password"):
            lines.insert(0, _("%(name)s,", name=mail.values["name"]))
        if address := link_of(mail, settings.base_url):
            lines.append(address)
        lines.append("-- \n" + _("Resource Hub") + "\n" + settings.base_url)
        if not mail.values.get("token_id"):
            lines[-1] += "\n" + _("You choose what is sent to you under Profile and notifications.")
        invitation = inviting.invitation(mail, settings)
    return Letter(
        message_id=f"<{mail.message_id}>",
        sender=settings.mail_from,
        recipient=mail.recipient,
        subject=" ".join(subject.split())[:200],
        text="\n\n".join(lines) + "\n",
        language=mail.language,
        date=mail.created_at,
        invitation=invitation,
    )
