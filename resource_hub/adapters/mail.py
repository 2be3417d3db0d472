"""Mail to the outside world: by SMTP where the settings name a server, else as files that can be looked at.

Both take a `Letter` and nothing else; the Message-ID is the letter's own, so that a repetition after a crash can be
recognised by whoever receives it.
"""

from __future__ import annotations

import os
import re
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from resource_hub.domain.notices.terms import Letter

TIMEOUT_SECONDS = 20


class MailRefused(Exception):
    """The server will never take this letter (no such address, say); trying again is useless."""


class MailUnavailable(Exception):
    """The server could not be reached or is busy; trying again later may help."""


class Outgoing(Protocol):
    def send(self, letter: Letter) -> None:
        """Hand a letter over.

        Raises:
            MailRefused, MailUnavailable
        """


def as_message(letter: Letter) -> EmailMessage:
    """The letter as an RFC 5322 message; headers cannot be broken by what stands in names."""
    message = EmailMessage()
    message["Message-ID"] = letter.message_id
    message["Date"] = format_datetime(letter.date)
    message["From"] = letter.sender
    message["To"] = letter.recipient
    message["Subject"] = re.sub(r"[\r\n\x00]+", " ", letter.subject)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, charset="utf-8")
    message["Content-Language"] = "en" if letter.language.startswith("en") else "zh-CN"
    if letter.invitation is not None:
        # As an alternative for programs that answer invitations, and as a file for those that only open one.
        message.add_alternative(
            letter.invitation.text,
            subtype="calendar",
            charset="utf-8",
            cte="base64",
            params={"method": letter.invitation.method},
        )
        message.add_attachment(
            letter.invitation.text.encode(), maintype="application", subtype="ics", filename="invite.ics"
        )
    return message


class SmtpMail:
    """``smtp://user:password@host:port`` (STARTTLS where the server offers it) or ``smtps://…``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("the mail server is written as smtp://user:password@host:port")
        self._secure = parts.scheme == "smtps"
        self._host, self._port = parts.hostname, parts.port or (465 if self._secure else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")

    def send(self, letter: Letter) -> None:
        try:
            with self._connect() as server:
                if not self._secure and server.has_extn("starttls"):
                    server.starttls(context=ssl.create_default_context())
                    server.ehlo()
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(as_message(letter))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            kind = MailRefused if all(code >= 500 for code in codes) else MailUnavailable
            raise kind(str(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailUnavailable(f"{type(error).__name__}: {error}") from error

    def _connect(self) -> smtplib.SMTP:
        if self._secure:
            return smtplib.SMTP_SSL(
                self._host, self._port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
        server.ehlo()
        return server


class FileMail:
    """Letters as ``.eml`` files in a folder, one a letter: the same letter twice is the same file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, letter: Letter) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", letter.message_id.strip("<>"))[:150]
        draft = self._folder / f".{name}.{os.getpid()}"
        draft.write_bytes(as_message(letter).as_bytes())
        os.replace(draft, self._folder / f"{name}.eml")


def outgoing(mail_url: str, mail_dir: Path) -> Outgoing:
    """The adapter that the settings ask for."""
    return SmtpMail(mail_url) if mail_url else FileMail(mail_dir)
