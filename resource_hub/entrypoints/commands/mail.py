"""``resource-hub mail``: what comes in by mail."""

from __future__ import annotations

import re
import sys

import click


def register(cli: click.Group) -> None:
    @cli.group()
    def mail() -> None:
        """Letters that come back."""

    @mail.command()
    def receive() -> None:
        """Take one letter from standard input, as a mail server hands it over: answers to invitations.

        A letter that is none is left alone; it ends with status 0 all the same, so that nothing bounces.
        """
        from resource_hub.adapters import incoming_mail
        from resource_hub.app import create_app

        raw = sys.stdin.buffer.read(incoming_mail.MOST_BYTES + 1)
        with create_app(web=False).app_context():
            click.echo(take(raw))


def take(raw: bytes) -> str:
    """Take a letter and say in a word what became of it."""
    from flask import current_app

    from resource_hub.adapters import incoming_mail
    from resource_hub.domain.booking import service as booking
    from resource_hub.domain.booking.errors import NoSuchBooking
    from resource_hub.domain.notices import service as notices
    from resource_hub.entrypoints.feeds import inviting

    settings = current_app.extensions["resource_hub_settings"]
    before, place, after = settings.mail_replies.partition(inviting.TOKEN)
    if not place:
        return "ignored: RESOURCE_HUB_MAIL_REPLIES is not set"
    try:
        answer = incoming_mail.read(raw)
    except incoming_mail.NoAnswer as reason:
        return f"ignored: {reason}"
    address = re.compile(re.escape(before) + "([a-z2-7]+)" + re.escape(after), re.I)
    tokens = [found[1] for found in map(address.fullmatch, answer.addresses) if found]
    letter_id = next(filter(None, map(inviting.mail_of_token, tokens)), None)
    letter = notices.letter(letter_id) if letter_id else None
    named = letter.values.get(booking.INVITATION) if letter else None
    if letter is None or letter.person_id is None or not named:
        return "ignored: it answers no invitation of this hub"
    if answer.part not in {a.value.upper() for a in booking.Answer}:
        return f"ignored: the answer {answer.part[:20] or 'is missing'}"
    key = booking.invited_to(str(named))
    try:
        if booking.booking(key).ical_uid != answer.uid:
            return "ignored: it names another event"
        outcome = booking.answered(
            key,
            letter.person_id,
            booking.Answer(answer.part.lower()),
            sequence=answer.sequence,
            mark=answer.mark,
        )
    except NoSuchBooking:
        return "ignored: the person has no part in the booking any more"
    return outcome.value
