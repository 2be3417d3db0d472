"""Inbox, preferences, and letters that survive a crash with the same Message-ID."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from resource_hub.adapters import mail as adapter
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.notices import service
from resource_hub.domain.notices.terms import Letter, MailState, Preference
from resource_hub.entrypoints.jobs import JobContext
from resource_hub.entrypoints.jobs.notices import send_letters
from resource_hub.infra import clock, outbox
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders import accounts as build

pytestmark = pytest.mark.usefixtures("in_app")


def context() -> JobContext:
    return JobContext("notices.send_letters", clock.machine_now())


def tell(person: Any, kind: str = "accounts.role_changed", key: str | None = None, **values: Any) -> int:
    with unit_of_work() as unit:
        return service.notify(
            unit, [person.id], kind, values or {"organisation": {"zh": "甲", "en": "A"}}, "/me", key=key
        )


def files(app: Any) -> list[Any]:
    folder: Path = app.extensions["resource_hub_settings"].mail_dir
    return [message_from_bytes(p.read_bytes(), policy=policy.default) for p in sorted(folder.glob("*.eml"))]


def test_inbox_is_one_persons_own() -> None:
    person, other = build.make_person(), build.make_person()
    for _ in range(3):
        assert tell(person) == 1
    first = service.inbox(person.id, limit=2)
    rest = service.inbox(person.id, limit=2, before=(first[-1].created_at, first[-1].id))
    assert len({n.id for n in first + rest}) == 3 and service.unread_count(person.id) == 3
    assert service.notice(other.id, first[0].id) is None
    assert service.mark_read(other.id, [first[0].id]) == 0
    assert service.mark_read(person.id, [first[0].id]) == 1
    assert [n.id for n in service.inbox(person.id, unread_only=True)] == [first[1].id, rest[0].id]
    assert service.mark_read(person.id, [first[0].id], read=False) == 1
    assert service.mark_read(person.id) == 3 and service.unread_count(person.id) == 0


def test_the_same_happening_is_told_once() -> None:
    person = build.make_person()
    assert [tell(person, key="booking-1/start") for _ in range(3)] == [1, 0, 0]
    assert len(service.inbox(person.id)) == 1 and len(service.recent_letters(person_id=person.id)) == 1


@pytest.mark.parametrize(("inbox", "mail"), [(True, True), (True, False), (False, True), (False, False)])
def test_preferences_by_kind(inbox: bool, mail: bool) -> None:
    person = build.make_person()
    service.set_preferences(person.id, [Preference("accounts.role_changed", inbox, mail)])
    assert tell(person) == int(inbox or mail)
    assert len(service.inbox(person.id)) == inbox
    assert len(service.recent_letters(person_id=person.id)) == mail


def test_the_same_happening_is_told_once_however_much_was_told_since() -> None:
    """Also where no letter keeps its key."""
    person = build.make_person()
    kind = "accounts.role_changed"
    service.set_preferences(person.id, [Preference(kind, True, False)])
    assert tell(person, kind, key="first") == 1
    with unit_of_work() as unit:
        for n in range(250):
            service.notify(unit, [person.id], kind, {}, key=f"since {n}")
    assert tell(person, kind, key="first") == 0
    assert tell(person, "accounts.left", key="first") == 1


def test_letters_about_the_account_cannot_be_switched_off() -> None:
    person = build.make_person()
    service.set_preferences(person.id, [Preference("accounts.password_changed", False, False)])
    tell(person, "accounts.password_changed")
    assert len(service.recent_letters(person_id=person.id)) == 1


def test_letters_are_written_in_the_readers_language(in_app: Any) -> None:
    firm = build.make_firm(name_zh="甲公司", name_en="Firm A")
    admin = build.make_actor(firm, Role.FIRM_ADMIN)
    accounts.invite("zh@example.org", Role.BOOKER, by=admin, language="zh")
    accounts.invite("en@example.org", Role.BOOKER, by=admin, language="en")
    while outbox.deliver_due():
        pass
    assert send_letters(context()).done == 2
    by_address = {m["To"]: m for m in files(in_app)}
    assert by_address["en@example.org"]["Subject"] == "Firm A invites you as booker"
    assert (
        "甲公司" in by_address["zh@example.org"]["Subject"]
        and "预约人" in by_address["zh@example.org"]["Subject"]
    )
    body = by_address["en@example.org"].get_content()
    token = body.split("/invitations/")[1].split()[0]
    assert accounts.invitation(token)[0].email == "en@example.org"
    assert by_address["zh@example.org"]["Content-Language"] == "zh-CN"
    assert send_letters(context()).done == 0


def test_a_crash_between_sending_and_marking_repeats_the_same_message_id(
    in_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(build.make_person())
    sent: list[str] = []

    class Box:
        def send(self, letter: Letter) -> None:
            sent.append(letter.message_id)

    monkeypatch.setattr(adapter, "outgoing", lambda *_: Box())
    monkeypatch.setattr(service, "letter_sent", lambda *_: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        send_letters(context())
    monkeypatch.undo()
    monkeypatch.setattr(adapter, "outgoing", lambda *_: Box())
    assert send_letters(context()).done == 0  # still claimed
    later = clock.machine_now() + timedelta(minutes=6)
    monkeypatch.setattr(clock, "machine_now", lambda: later)
    assert send_letters(context()).done == 1
    assert len(sent) == 2 and sent[0] == sent[1]


def test_a_failing_server_is_tried_again_later_and_given_up_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = build.make_person()
    tell(person)

    class Down:
        def send(self, letter: Letter) -> None:
            raise adapter.MailUnavailable("down")

    monkeypatch.setattr(adapter, "outgoing", lambda *_: Down())
    moment = clock.machine_now()
    for _ in range(service.MAX_ATTEMPTS):
        monkeypatch.setattr(clock, "machine_now", lambda at=moment: at)
        send_letters(context())
        moment += timedelta(days=1)
    (mail,) = service.recent_letters(person_id=person.id)
    assert (mail.state, mail.attempts) == (MailState.FAILED, service.MAX_ATTEMPTS)


def test_an_address_refused_for_good_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    person = build.make_person()
    tell(person)

    class Server:
        def __enter__(self) -> Server:
            return self

        def __exit__(self, *_: object) -> None: ...

        def has_extn(self, _name: str) -> bool:
            return False

        def send_message(self, message: Any) -> None:
            raise smtplib.SMTPRecipientsRefused({message["To"]: (550, b"no such user")})

    smtp = adapter.SmtpMail("smtp://user:p%40ss@mail.example.org:2525")
    assert (smtp._host, smtp._port, smtp._user, smtp._password) == ("mail.example.org", 2525, "user", "p@ss")
    monkeypatch.setattr(smtp, "_connect", Server)
    monkeypatch.setattr(smtp, "_user", "")
    monkeypatch.setattr(adapter, "outgoing", lambda *_: smtp)
    send_letters(context())
    (mail,) = service.recent_letters(person_id=person.id)
    assert mail.state is MailState.FAILED and "no such user" in (mail.error or "")


def test_headers_cannot_be_broken_by_names() -> None:
    letter = Letter(
        "<1@resource-hub>", "hub@example.org", "a@example.org", "Hello\r\nBcc: victim@example.org", "text", "zh",
        datetime(2026, 3, 5, tzinfo=UTC),
    )  # fmt: skip
    message = adapter.as_message(letter)
    assert message["Bcc"] is None and message["Subject"] == "Hello Bcc: victim@example.org"


def test_everybody_concerned_is_told_of_joining(in_app: Any) -> None:
    firm = build.make_firm()
    admin = build.make_person(roles=[(firm, Role.FIRM_ADMIN)])
    person = build.make_person()
    request = accounts.ask_to_join(firm.id, person.id)
    while outbox.deliver_due():
        pass
    assert [n.kind for n in service.inbox(admin.id)] == ["accounts.join_asked"]
    accounts.answer_join(request.id, accept=True, by=build.actor(admin, firm))
    while outbox.deliver_due():
        pass
    assert [n.kind for n in service.inbox(person.id)] == ["accounts.join_accepted"]
