"""The inbox, what people want to be told, and the queue of letters.

``notify`` is called inside the unit in which something happened, or by a subscriber of the outbox; it writes the
notice and the letter's row. Letters are sent by a job, outside of any unit: claim (one short unit), send, mark (another
one). A crash in between sends the letter again with the same Message-ID, and that is the only thing that may repeat.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.notices.tables import MailMessage, Notice, NoticePreference
from resource_hub.domain.notices.terms import (
    ALWAYS_BY_MAIL,
    ONLY_BY_MAIL,
    MailRecord,
    MailState,
    NoticeRecord,
    Preference,
    usual,
)
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import reading
from resource_hub.infra.ids import derived_id, new_id
from resource_hub.infra.unit_of_work import Lease, Unit, unit_of_work

MAX_ATTEMPTS = 8
# A claimed letter that was neither marked sent nor failed is tried again after this time.
CLAIM = timedelta(minutes=5)


_silent: ContextVar[bool] = ContextVar("notices_silent", default=False)


@contextmanager
def silence() -> Iterator[None]:
    """Nobody is told inside the block, nor later of what happened in it: while a demonstration's past is told."""
    token = _silent.set(True)
    try:
        with outbox.leaving_out(_tells):
            yield
    finally:
        _silent.reset(token)


def _tells(subscriber: str) -> bool:
    """Whether a subscriber of the outbox does nothing but tell people, by its name."""
    room, _, what = subscriber.partition(".")
    return room == "notices" or what.startswith("tell")


def notify(
    unit: Unit,
    person_ids: Iterable[UUID],
    kind: str,
    values: Mapping[str, Any],
    link: str = "",
    organisation_id: UUID | None = None,
    *,
    key: str | None = None,
    until: datetime | None = None,
) -> int:
    """Tell people something, each where they want to be told; returns how many were told anywhere.

    Args:
        kind: ``capability.what_happened``; the sentence is the message ``notice.<kind>``.
        values: plain JSON for the sentence.
        link: path on this site, ``/o/…`` or ``/hosts/…``.
        key: natural key of the happening; the same key tells a person once, however often a job runs.
        until: when a question ends; from then on it stands in no inbox.
    """
    wanted = list(dict.fromkeys(person_ids))
    if not wanted or _silent.get():
        return 0
    people = accounts.people(wanted)
    preferences = _preferences(unit, wanted, kind)
    told = 0
    for person_id in wanted:
        person = people.get(person_id)
        if person is None or not person.active:
            continue
        choice = preferences.get(person_id, usual(kind))
        inbox = choice.inbox and kind not in ONLY_BY_MAIL
        mail = (choice.mail or kind in ALWAYS_BY_MAIL) and bool(person.email)
        notice_id = derived_id(unit.now, "notice", person_id, key) if key else new_id()
        if key is not None and _told_already(unit, person_id, kind, key):
            continue
        if inbox:
            unit.session.add(
                Notice(
                    id=notice_id,
                    person_id=person_id,
                    organisation_id=organisation_id,
                    kind=kind,
                    values=dict(values),
                    link=link,
                    created_at=unit.now,
                    key=key,
                    until=until,
                )
            )
            unit.session.flush()
        if mail:
            queue_letter(
                unit,
                recipient=person.email,
                language=person.language,
                kind=kind,
                values=values,
                link=link,
                person_id=person_id,
                notice_id=notice_id if inbox else None,
                key=f"{person_id}/{kind}/{key}" if key else None,
            )
        told += 1 if inbox or mail else 0
    return told


def _told_already(unit: Unit, person_id: UUID, kind: str, key: str) -> bool:
    mail = select(MailMessage.id).where(MailMessage.message_id == _message_id(f"{person_id}/{kind}/{key}"))
    notice = select(Notice.id).where(Notice.person_id == person_id, Notice.kind == kind, Notice.key == key)
    return any(unit.session.scalar(told.limit(1)) is not None for told in (mail, notice))


_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


def _message_id(natural_key: str) -> str:
    # The time is not part of it: the same happening has the same id whenever it is told.
    return f"{derived_id(_ZERO, 'mail', natural_key)}@resource-hub"


def queue_letter(
    unit: Unit,
    *,
    recipient: str,
    language: str,
    kind: str,
    values: Mapping[str, Any],
    link: str = "",
    person_id: UUID | None = None,
    notice_id: UUID | None = None,
    key: str | None = None,
) -> None:
    """Put a letter into the queue, inside a unit. With a key the same letter is queued once."""
    row_id = new_id()
    message_id = _message_id(key) if key else f"{row_id}@resource-hub"
    if key and unit.session.scalar(select(MailMessage.id).where(MailMessage.message_id == message_id)):
        return
    unit.session.add(
        MailMessage(
            id=row_id,
            person_id=person_id,
            notice_id=notice_id,
            message_id=message_id,
            recipient=recipient,
            locale=language,
            kind=kind,
            values=dict(values),
            link=link,
            state=MailState.WAITING.value,
            not_before=clock.machine_now(),
            created_at=unit.now,
        )
    )
    unit.session.flush()


# ---- preferences


def _preferences(unit: Unit, person_ids: Sequence[UUID], kind: str) -> dict[UUID, Preference]:
    rows = unit.session.scalars(
        select(NoticePreference).where(
            NoticePreference.person_id.in_(list(person_ids)), NoticePreference.kind == kind
        )
    )
    return {row.person_id: Preference(kind, row.inbox, row.mail) for row in rows}


def preferences(person_id: UUID) -> dict[str, Preference]:
    """What a person chose, by kind; for a kind that is missing ``terms.usual`` holds."""
    rows = reading().scalars(select(NoticePreference).where(NoticePreference.person_id == person_id))
    return {row.kind: Preference(row.kind, row.inbox, row.mail) for row in rows}


def set_preferences(person_id: UUID, choices: Iterable[Preference]) -> None:
    """Keep what a person chose; letters about the account itself cannot be switched off."""
    with unit_of_work() as unit:
        for choice in choices:
            row = unit.session.get(NoticePreference, (person_id, choice.kind))
            if row is None:
                row = NoticePreference(person_id=person_id, kind=choice.kind)
                unit.session.add(row)
            row.inbox = choice.inbox
            row.mail = choice.mail or choice.kind in ALWAYS_BY_MAIL


# ---- inbox


def _record(row: Notice) -> NoticeRecord:
    return NoticeRecord(
        row.id,
        row.person_id,
        row.kind,
        dict(row.values),
        row.link,
        row.created_at,
        row.read_at,
        row.organisation_id,
    )


def _standing(now: datetime) -> ColumnElement[bool]:
    """Not a question that was answered or is over."""
    return or_(Notice.until.is_(None), Notice.until > now)


def settle(unit: Unit, person_ids: Collection[UUID], kinds: Collection[str], link: str) -> None:
    """A question is answered: it goes from the inboxes of these people."""
    unit.session.execute(
        update(Notice)
        .where(
            Notice.person_id.in_(person_ids),
            Notice.kind.in_(kinds),
            Notice.link == link,
            Notice.until > unit.now,
        )
        .values(until=unit.now)
        .execution_options(synchronize_session=False)
    )


def unread_count(person_id: UUID) -> int:
    """How many notices a person has not read."""
    return (
        reading().scalar(
            select(func.count())
            .select_from(Notice)
            .where(Notice.person_id == person_id, Notice.read_at.is_(None), _standing(clock.now()))
        )
        or 0
    )


def inbox(
    person_id: UUID,
    *,
    unread_only: bool = False,
    limit: int = 25,
    before: tuple[datetime, UUID] | None = None,
) -> list[NoticeRecord]:
    """Notices of a person, newest first; ``before`` is time and id of the last one seen."""
    statement = select(Notice).where(Notice.person_id == person_id, _standing(clock.now()))
    if unread_only:
        statement = statement.where(Notice.read_at.is_(None))
    if before is not None:
        moment, last = before
        statement = statement.where(
            (Notice.created_at < moment) | ((Notice.created_at == moment) & (Notice.id < last))
        )
    statement = statement.order_by(Notice.created_at.desc(), Notice.id.desc()).limit(limit)
    return [_record(row) for row in reading().scalars(statement)]


def notice(person_id: UUID, notice_id: UUID) -> NoticeRecord | None:
    """One notice of this person, or None: others' are unknown here."""
    row = reading().get(Notice, notice_id)
    return _record(row) if row is not None and row.person_id == person_id else None


def mark_read(person_id: UUID, notice_ids: Iterable[UUID] | None = None, *, read: bool = True) -> int:
    """Mark some of a person's notices (or all) as read or unread; others' are left alone. Returns how many changed."""
    with unit_of_work() as unit:
        statement = update(Notice).where(Notice.person_id == person_id)
        statement = statement.where(Notice.read_at.is_(None) if read else Notice.read_at.is_not(None))
        if notice_ids is not None:
            statement = statement.where(Notice.id.in_(list(notice_ids)))
        result = unit.session.execute(statement.values(read_at=unit.now if read else None))
        return int(result.rowcount)  # type: ignore[attr-defined]


# ---- the queue of letters


def _mail(row: MailMessage) -> MailRecord:
    return MailRecord(
        id=row.id,
        message_id=row.message_id,
        recipient=row.recipient,
        language=row.locale,
        kind=row.kind,
        values=dict(row.values),
        link=row.link,
        state=MailState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        person_id=row.person_id,
        sent_at=row.sent_at,
        error=row.error,
    )


def claim_letters(limit: int = 20, lease: Lease | None = None) -> list[MailRecord]:
    """Take letters that are due; each is left alone by others for five minutes."""
    with unit_of_work(lease=lease) as unit:
        machine = clock.machine_now()
        rows = list(
            unit.session.scalars(
                select(MailMessage)
                .where(MailMessage.state == MailState.WAITING.value, MailMessage.not_before <= machine)
                .order_by(MailMessage.not_before, MailMessage.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
        )
        for row in rows:
            row.attempts += 1
            row.not_before = machine + CLAIM
        return [_mail(row) for row in rows]


def letter_sent(mail_id: UUID, lease: Lease | None = None) -> None:
    with unit_of_work(lease=lease) as unit:
        row = unit.session.get(MailMessage, mail_id)
        if row is not None and row.state == MailState.WAITING.value:
            row.state, row.sent_at, row.error = MailState.SENT.value, clock.machine_now(), None


def letter_failed(mail_id: UUID, error: str, lease: Lease | None = None, *, final: bool = False) -> None:
    """Note why a letter could not be sent; it is tried again later, with growing pauses, eight times in all."""
    with unit_of_work(lease=lease) as unit:
        row = unit.session.get(MailMessage, mail_id)
        if row is None or row.state != MailState.WAITING.value:
            return
        row.error = error[:2000]
        if final or row.attempts >= MAX_ATTEMPTS:
            row.state = MailState.FAILED.value
        else:
            row.not_before = clock.machine_now() + timedelta(seconds=30 * 2**row.attempts)


def letters_waiting() -> int:
    return (
        reading().scalar(
            select(func.count()).select_from(MailMessage).where(MailMessage.state == MailState.WAITING.value)
        )
        or 0
    )


def recent_letters(limit: int = 50, person_id: UUID | None = None) -> list[MailRecord]:
    """The newest letters, for the demonstration's page of outgoing mail and for the operations page."""
    statement = select(MailMessage)
    if person_id is not None:
        statement = statement.where(MailMessage.person_id == person_id)
    rows = reading().scalars(
        statement.order_by(MailMessage.created_at.desc(), MailMessage.id.desc()).limit(limit)
    )
    return [_mail(row) for row in rows]


def letters_about(unit: Unit, link: str, kinds: Collection[str]) -> list[MailRecord]:
    """Letters of these kinds about one thing, as their link names it, the oldest first."""
    rows = unit.session.scalars(
        select(MailMessage)
        .where(MailMessage.link == link, MailMessage.kind.in_(kinds))
        .order_by(MailMessage.id)
    )
    return [_mail(row) for row in rows]


def letter(mail_id: UUID) -> MailRecord | None:
    row = reading().get(MailMessage, mail_id)
    return _mail(row) if row is not None else None
