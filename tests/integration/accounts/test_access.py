"""Ways in: nobody learns which addresses are known, links work once, a changed password ends other sign-ins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts import secrets, service
from resource_hub.domain.accounts.errors import (
    BadInput,
    Changed,
    LinkExpired,
    SignInRefused,
    UnknownRequest,
    WeakPassword,
    WrongPassword,
)
from resource_hub.domain.accounts.tables import ApiToken, Person, PersonToken
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.notices import service as notices
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import reading
from resource_hub.infra.tables import AuditEntry, OutboxEvent
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders import accounts as build

pytestmark = pytest.mark.usefixtures("in_app")
GOOD = "seven blue teapots"


def letters(kind: str) -> list[Any]:
    while outbox.deliver_due():
        pass
    return [m for m in notices.recent_letters(100) if m.kind == kind]


def token_of(mail: Any) -> str:
    from uuid import UUID

    return service.link_token(UUID(mail.values["token_id"]), mail.values["purpose"])


def test_registration_confirmation_and_sign_in() -> None:
    service.register_person(name=" 李  四 ", email="Li@Example.org", password=GOOD)
    with pytest.raises(service.AddressNotConfirmed):
        service.sign_in("li@example.org", GOOD)
    (mail,) = letters("accounts.confirm_address")
    person = service.confirm_address(token_of(mail))
    assert (person.name, person.email) == ("李 四", "li@example.org")
    assert service.sign_in(" LI@example.org ", GOOD).id == person.id
    with pytest.raises(LinkExpired):
        service.confirm_address(token_of(mail))


def test_registering_a_known_address_looks_the_same_and_warns_its_owner() -> None:
    known = build.make_person(email="known@example.org")
    assert service.register_person(name="X", email="known@example.org", password=GOOD) is None
    (mail,) = letters("accounts.already_registered")
    assert mail.recipient == known.email
    assert service.sign_in(known.email, build.PASSWORD)  # nothing about the account changed


def test_wrong_address_and_wrong_password_are_told_alike() -> None:
    person = build.make_person()
    answers = []
    for email, password in [(person.email, "wrong wrong wrong"), ("nobody@example.org", build.PASSWORD)]:
        with pytest.raises(SignInRefused) as refused:
            service.sign_in(email, password)
        answers.append([(r.code, dict(r.values)) for r in refused.value.reasons])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("known", [True, False])
def test_ten_failures_then_a_rest_whether_known_or_not(known: bool) -> None:
    email = build.make_person().email if known else "nobody@example.org"
    for _ in range(10):
        with pytest.raises(SignInRefused):
            service.sign_in(email, "wrong wrong wrong")
    with pytest.raises(service.TooManyTries):
        service.sign_in(email, build.PASSWORD)


def test_a_new_password_ends_the_rest() -> None:
    person = build.make_person()
    for _ in range(10):
        with pytest.raises(SignInRefused):
            service.sign_in(person.email, "wrong wrong wrong")
    service.request_reset(person.email)
    (mail,) = letters("accounts.reset_password")
    service.reset_password(token_of(mail), GOOD)
    assert service.sign_in(person.email, GOOD).id == person.id


def test_a_right_password_clears_the_failures() -> None:
    person = build.make_person()
    for _ in range(9):
        with pytest.raises(SignInRefused):
            service.sign_in(person.email, "wrong wrong wrong")
    service.sign_in(person.email, build.PASSWORD)
    with pytest.raises(SignInRefused):
        service.sign_in(person.email, "wrong wrong wrong")


def test_reset_works_once_ends_sessions_and_other_links() -> None:
    person = build.make_person()
    key = service.session_key(person)
    service.request_reset(person.email)
    service.request_reset(person.email)
    first, second = letters("accounts.reset_password")
    assert service.reset_password(token_of(second), GOOD).id == person.id
    assert service.signed_in_person(key) is None
    for mail in (first, second):
        with pytest.raises(LinkExpired):
            service.reset_password(token_of(mail), GOOD + "!")
    assert service.sign_in(person.email, GOOD)
    assert letters("accounts.password_changed")


def test_reset_for_an_unknown_address_says_and_does_nothing() -> None:
    assert service.request_reset("nobody@example.org") is None
    assert letters("accounts.reset_password") == []


def test_a_stranger_cannot_flood_a_post_box() -> None:
    person = build.make_person()
    for _ in range(9):
        service.request_reset(person.email)
    assert len(letters("accounts.reset_password")) == 5


@pytest.mark.parametrize(
    ("age", "holds"), [(timedelta(hours=2, seconds=-5), True), (timedelta(hours=2), False)]
)
def test_a_reset_link_holds_two_hours(age: timedelta, holds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    person = build.make_person()
    service.request_reset(person.email)
    (mail,) = letters("accounts.reset_password")
    later = clock.machine_now() + age
    monkeypatch.setattr(clock, "machine_now", lambda: later)
    if holds:
        service.reset_password(token_of(mail), GOOD)
    else:
        with pytest.raises(LinkExpired):
            service.reset_password(token_of(mail), GOOD)


def test_the_database_and_the_queue_hold_no_usable_link() -> None:
    person = build.make_person()
    service.request_reset(person.email)
    (mail,) = letters("accounts.reset_password")
    token = token_of(mail)
    (row,) = reading().scalars(select(PersonToken))
    assert row.token_hash == secrets.token_digest(token)
    stored = [repr(mail)] + [repr(e) for e in reading().scalars(select(OutboxEvent.payload))]
    stored += [bytes(b).decode("utf-8", "replace") for b in reading().scalars(select(AuditEntry.body))]
    assert not any(token in text for text in stored)


def test_change_of_password() -> None:
    person = build.make_person()
    with pytest.raises(WrongPassword):
        service.change_password(person.id, "wrong wrong wrong", GOOD)
    with pytest.raises(WeakPassword):
        service.change_password(person.id, build.PASSWORD, "short")
    changed = service.change_password(person.id, build.PASSWORD, GOOD)
    assert service.signed_in_person(service.session_key(person)) is None
    assert service.signed_in_person(service.session_key(changed)) == changed


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("123456789", {"accounts.password_short"}),
        ("1234567890", {"accounts.password_common"}),
        ("aaaaaaaaaaaa", {"accounts.password_common"}),
        ("x" * 201, {"accounts.password_long", "accounts.password_common"}),
        ("lisi@example.org", {"accounts.password_personal"}),
        ("aaaa", {"accounts.password_short", "accounts.password_common"}),
    ],
)
def test_weak_passwords_are_told_with_every_reason(password: str, codes: set[str]) -> None:
    with pytest.raises(WeakPassword) as refused:
        secrets.check_strength(password, "lisi@example.org", "李四")
    assert {r.code for r in refused.value.reasons} == codes


def test_hashing_never_stands_in_a_unit() -> None:
    with unit_of_work(), pytest.raises(RuntimeError, match="unit"):
        secrets.hash_password(GOOD)


def test_a_stale_profile_shows_both_versions() -> None:
    person = build.make_person()
    service.change_profile(person.id, name="甲", phone="1", language="zh", version=person.version)
    with pytest.raises(Changed) as stale:
        service.change_profile(person.id, name="乙", phone="2", language="en", version=person.version)
    assert stale.value.values["now"]["name"] == "甲"
    with pytest.raises(BadInput) as refused:
        service.change_profile(person.id, name=" ", phone="", language="fr", version=2)
    assert {r.place for r in refused.value.reasons} == {"name", "language"}


def test_api_tokens() -> None:
    firm, other = build.make_firm(), build.make_firm()
    person = build.make_person(roles=[(firm, Role.BOOKER), (other, Role.BOOKER)])
    stranger = build.make_actor(firm, Role.FIRM_ADMIN)
    by = build.actor(person, firm)
    record, token = service.create_api_token(by, "script", days=30)
    assert token.startswith(record.prefix) and len(token) > 40
    assert service.actor_for_token(token) == by
    assert reading().scalars(select(ApiToken.token_hash)).one() == secrets.token_digest(token)
    assert service.actor_for_token(token + "x") is None
    for wrong in (stranger, build.actor(person, other)):
        with pytest.raises(UnknownRequest):
            service.revoke_api_token(wrong, record.id)
    service.revoke_api_token(by, record.id)
    service.revoke_api_token(by, record.id)
    assert service.actor_for_token(token) is None
    with pytest.raises(BadInput):
        service.create_api_token(by, "", days=0)


def test_an_expired_token_and_a_lost_role_open_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    firm = build.make_firm()
    build.make_actor(firm, Role.FIRM_ADMIN)
    person = build.make_person(roles=[(firm, Role.BOOKER)])
    _, token = service.create_api_token(build.actor(person, firm), "t", days=1)
    _, lasting = service.create_api_token(build.actor(person, firm), "t", days=700)
    later = clock.machine_now() + timedelta(days=1)
    monkeypatch.setattr(clock, "machine_now", lambda: later)
    assert service.actor_for_token(token) is None
    assert service.actor_for_token(lasting) is not None
    service.leave(person.id, by=build.actor(person, firm))
    assert service.actor_for_token(lasting) is None


def test_an_erased_person_is_nobody() -> None:
    person = build.make_person()
    with unit_of_work() as unit:
        unit.session.get(Person, person.id).state = "suspended"
    assert service.signed_in_person(service.session_key(person)) is None
    with pytest.raises(SignInRefused):
        service.sign_in(person.email, build.PASSWORD)
