"""Letters that come back: answers of calendar programs to invitations (iTIP REPLY, RFC 5546), read from raw mail.

The bytes are a stranger's. They are cut at a size, read by libraries, and only four values of them are kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses

import icalendar

MOST_BYTES = 1024 * 1024
MOST_CALENDAR = 64 * 1024
_ADDRESSED = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")


class NoAnswer(Exception):
    """A letter that is no answer to an invitation; the text says why."""


@dataclass(frozen=True, slots=True)
class CalendarAnswer:
    """``addresses`` are all to whom it was sent; one of them has the token. ``part`` is the PARTSTAT as it came."""

    addresses: tuple[str, ...]
    uid: str
    part: str
    sequence: int
    mark: str


def read(raw: bytes) -> CalendarAnswer:
    """The answer in a letter.

    Raises:
        NoAnswer
    """
    if len(raw) > MOST_BYTES:
        raise NoAnswer(f"the letter is larger than {MOST_BYTES} bytes")
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    for text in _calendars(message):
        found = _answer(text)
        if found is not None:
            uid, part, sequence, organizers = found
            mark = str(message.get("Message-ID", "")).strip() or hashlib.sha256(raw).hexdigest()
            return CalendarAnswer((*_addresses(message), *organizers), uid, part, sequence, mark[:300])
    raise NoAnswer("it holds no answer to an invitation")


def _addresses(message: EmailMessage) -> list[str]:
    headers = [str(value) for name in _ADDRESSED for value in message.get_all(name, [])]
    return [address for _name, address in getaddresses(headers) if address]


def _calendars(message: EmailMessage) -> Iterator[str]:
    for part in message.walk():
        if part.get_content_type() not in ("text/calendar", "application/ics"):
            continue
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes) and len(payload) <= MOST_CALENDAR:
            yield payload.decode("utf-8", "replace")


def _answer(text: str) -> tuple[str, str, int, list[str]] | None:
    try:
        calendar = icalendar.Calendar.from_ical(text)
        if str(calendar.get("METHOD", "")).upper() != "REPLY":
            return None
        for event in calendar.walk("VEVENT"):
            attendees = event.get("ATTENDEE", [])
            attendee = attendees[0] if isinstance(attendees, list) else attendees
            part = str(attendee.params.get("PARTSTAT", "")).upper()
            organizer = re.sub("(?i)^mailto:", "", str(event.get("ORGANIZER", "")))
            return str(event["UID"]), part, int(event.get("SEQUENCE", 0)), [organizer]
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        return None
    return None
