"""The invitation in a letter about a booking, made when the letter is sent, so that it tells the newest time."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import replace
from datetime import datetime
from email.utils import parseaddr
from uuid import UUID

import config
from resource_hub.domain.booking import service as booking
from resource_hub.domain.notices.terms import Invitation, MailRecord
from resource_hub.entrypoints.feeds import ical, showing
from resource_hub.infra import app_key
from resource_hub.reports import calendar_feed

TOKEN = "{token}"  # noqa: S105 - a place in an address, not a secret
_MAC = 8


def reply_token(mail_id: UUID) -> str:
    """Names a letter so that nobody can name one that was not sent to them. 39 characters fit into an address."""
    mac = app_key.derived("mail.reply", mail_id.bytes)[:_MAC]
    return base64.b32encode(mail_id.bytes + mac).decode().rstrip("=").lower()


def mail_of_token(token: str) -> UUID | None:
    """The letter that a reply is to; None when the token was not made here."""
    try:
        raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 16 + _MAC:
        return None
    mail_id = UUID(bytes=raw[:16])
    mac = app_key.derived("mail.reply", mail_id.bytes)[:_MAC]
    return mail_id if hmac.compare_digest(mac, raw[16:]) else None


def invitation(mail: MailRecord, settings: config.Settings) -> Invitation | None:
    """What a calendar program makes of a letter; None where the booking has no time, or has gone meanwhile."""
    named = mail.values.get(booking.INVITATION)
    key = booking.invited_to(str(named)) if named else None
    row = calendar_feed.of_booking(key) if key is not None else None
    if key is None or row is None:
        return None
    away = mail.kind == booking.HANDED_AWAY
    if away:
        who = calendar_feed.customer_and_person(key)
        if who is None or who[1] == mail.person_id:
            return None  # it has come back to them meanwhile
    elif (mail.kind in booking.INVITATION_ENDS) != row.gone:
        return None
    event = showing.event_of(row)
    if away:
        # Of what has become of it the former holder learns no more.
        start, end = (datetime.fromisoformat(str(mail.values[side])) for side in ("start", "end"))
        event = replace(event, status="CANCELLED", start=start, end=end, description="", url="")
    method = "CANCEL" if event.status == "CANCELLED" else "REQUEST"
    organizer, answers = parseaddr(settings.mail_from)[1], False
    if TOKEN in settings.mail_replies:
        organizer, answers = settings.mail_replies.replace(TOKEN, reply_token(mail.id)), True
    text = ical.invitation(method, event, organizer=organizer, attendee=mail.recipient, answer_wanted=answers)
    return Invitation(method, text)
