"""Words of notices: what a person is told, where, and the letters that follow (pure).

A notice is a *kind* (``booking.approved``) with plain values. Its sentence is made for the reader from the message
``notice.<kind>``; its letter has that sentence, the link and, where there is one, the message ``letter.<kind>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class MailState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


# Letters that nobody can switch off: they carry a link the person asked for, or tell of a change to the account.
ALWAYS_BY_MAIL = frozenset(
    {
        "accounts.confirm_address",
        "accounts.already_registered",
        "accounts.reset_password",
        "accounts.password_changed",
        "accounts.invited",
    }
)
# Those of them that stand in no inbox: whoever reads them may not be able to sign in.
ONLY_BY_MAIL = frozenset(
    {"accounts.confirm_address", "accounts.already_registered", "accounts.reset_password", "accounts.invited"}
)

# Told after every single use of a laboratory: by mail only to those who choose so.
SELDOM_BY_MAIL = frozenset({"booking.rate_asked_at_host"})


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    id: UUID
    person_id: UUID
    kind: str
    values: Mapping[str, Any]
    link: str
    created_at: datetime
    read_at: datetime | None = None
    organisation_id: UUID | None = None

    @property
    def sentence_code(self) -> str:
        return f"notice.{self.kind}"

    @property
    def read(self) -> bool:
        return self.read_at is not None


@dataclass(frozen=True, slots=True)
class Preference:
    """Where a person wants to be told of a kind of notice."""

    kind: str
    inbox: bool = True
    mail: bool = True


def usual(kind: str) -> Preference:
    """What holds for who has not chosen: told in both ways."""
    return Preference(kind, mail=kind not in SELDOM_BY_MAIL)


@dataclass(frozen=True, slots=True)
class MailRecord:
    """A letter on its way. ``values`` may name a token (``token_id``, ``purpose``): the sender makes the link of it."""

    id: UUID
    message_id: str
    recipient: str
    language: str
    kind: str
    values: Mapping[str, Any]
    link: str
    state: MailState
    attempts: int
    created_at: datetime
    person_id: UUID | None = None
    sent_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """The part of a letter that calendar programs act on: an iTIP message (RFC 5546). ``method``: REQUEST, CANCEL."""

    method: str
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it is handed to the outside world."""

    message_id: str
    sender: str
    recipient: str
    subject: str
    text: str
    language: str
    date: datetime
    invitation: Invitation | None = None
