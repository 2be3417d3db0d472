"""How people get in: registration of a person, confirming an address, sign-in, reset, password, profile, API tokens.

Answers never tell whether an address is known: the same words, and the same slow hash, for known and unknown ones.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update

from resource_hub.domain.accounts import secrets, store
from resource_hub.domain.accounts.errors import (
    BadInput,
    Changed,
    LinkExpired,
    SignInRefused,
    UnknownPerson,
    UnknownRequest,
    WrongPassword,
)
from resource_hub.domain.accounts.lookups import actor as actor_of
from resource_hub.domain.accounts.tables import ApiToken, Person, PersonToken, SignInAttempt
from resource_hub.domain.accounts.terms import (
    PLATFORM_ID,
    Actor,
    ApiTokenRecord,
    PersonRecord,
    PersonState,
    TokenPurpose,
)
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.keeping import remembered
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import NotFound, Reason, Refused

LANGUAGES = ("zh", "en")
RESET_VALID = timedelta(hours=2)
VERIFY_VALID = timedelta(days=3)
# Failed sign-ins for one address before it rests, whichever process saw them; the address may be unknown.
MAX_FAILURES = 10
REST = timedelta(minutes=15)
_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")


class TooManyTries(Refused):
    code = "accounts.too_many_tries"


class AddressNotConfirmed(Refused):
    """The password was right, but the address has not been confirmed yet; carries nothing but that."""

    code = "accounts.address_not_confirmed"


def folded(email: str) -> str:
    return email.strip().casefold()


def _checked_fields(name: str, email: str, language: str) -> tuple[str, str, str]:
    reasons = []
    name = " ".join(name.split())
    if not 1 <= len(name) <= 120:
        reasons.append(Reason("accounts.name_length", {"max": 120}, "name"))
    email = folded(email)
    if len(email) > 254 or not _ADDRESS.fullmatch(email):
        reasons.append(Reason("accounts.email_invalid", {}, "email"))
    if language not in LANGUAGES:
        reasons.append(Reason("accounts.language_unknown", {}, "language"))
    if reasons:
        raise BadInput(*reasons)
    return name, email, language


# ---- registration


def register_person(*, name: str, email: str, password: str, language: str = "zh", phone: str = "") -> None:
    """Register a person; a letter with a link to confirm the address follows.

    Says nothing about whether the address is known: who is registered already gets a letter that says so.

    Raises:
        BadInput, WeakPassword: with every reason.
    """
    name, email, language = _checked_fields(name, email, language)
    secrets.check_strength(password, email, name)
    password_hash = secrets.hash_password(password)
    with unit_of_work() as unit:
        known = store.person_by_email(email)
        if known is not None:
            _issue_link(unit, known, TokenPurpose.RESET, RESET_VALID, "accounts.already_registered")
            return
        person = insert_person(
            unit, name=name, email=email, password_hash=password_hash, language=language, phone=phone[:40]
        )
        _issue_link(unit, person, TokenPurpose.VERIFY, VERIFY_VALID, "accounts.confirm_address")
        unit.audit("person.registered", PLATFORM_ID, f"person:{person.id}", person_id=person.id)


def insert_person(
    unit: Unit,
    *,
    name: str,
    email: str,
    password_hash: str | None,
    language: str = "zh",
    phone: str = "",
    verified_at: datetime | None = None,
    demo: bool = False,
) -> Person:
    """A person's row inside a unit; the hash was made outside of it."""
    person = Person(
        id=new_id(),
        name=name,
        email=folded(email),
        phone=phone,
        locale=language,
        password_hash=password_hash,
        state=PersonState.ACTIVE.value,
        email_verified_at=verified_at,
        demo=demo,
        created_at=unit.now,
    )
    unit.session.add(person)
    unit.session.flush()
    return person


def _issue_link(unit: Unit, person: Person, purpose: TokenPurpose, valid: timedelta, kind: str) -> None:
    token_id = new_id()
    machine = clock.machine_now()
    recent = store.count(
        PersonToken, PersonToken.person_id == person.id, PersonToken.created_at > machine - timedelta(hours=1)
    )
    if recent >= 5:  # a stranger must not be able to flood a person's post box
        return
    unit.session.add(
        PersonToken(
            id=token_id,
            person_id=person.id,
            purpose=purpose.value,
            token_hash=secrets.token_digest(secrets.link_token(token_id, purpose.value)),
            created_at=machine,
            expires_at=machine + valid,
        )
    )
    unit.publish(
        "accounts.letter_wanted",
        f"person:{person.id}",
        {"kind": kind, "person_id": str(person.id), "token_id": str(token_id), "purpose": purpose.value},
    )


def send_confirmation_again(email: str) -> None:
    """Another letter for an address that is not confirmed yet; silent for every other one."""
    with unit_of_work() as unit:
        person = store.person_by_email(folded(email))
        if (
            person is not None
            and person.email_verified_at is None
            and person.state == PersonState.ACTIVE.value
        ):
            _issue_link(unit, person, TokenPurpose.VERIFY, VERIFY_VALID, "accounts.confirm_address")


def _usable(token: str, purpose: TokenPurpose) -> PersonToken:
    row = store.person_token(secrets.token_digest(token), purpose, lock=True)
    if row is None or row.used_at is not None or row.expires_at <= clock.machine_now():
        raise LinkExpired()
    return row


def confirm_address(token: str) -> PersonRecord:
    """Confirm an address by the token of its letter.

    Raises:
        LinkExpired: unknown, used or too old; which one is not said.
    """
    with unit_of_work() as unit:
        row = _usable(token, TokenPurpose.VERIFY)
        row.used_at = clock.machine_now()
        person = store.person_row(row.person_id, lock=True)
        if person is None or person.state != PersonState.ACTIVE.value:
            raise LinkExpired()
        person.email_verified_at = person.email_verified_at or clock.machine_now()
        unit.audit("person.address_confirmed", PLATFORM_ID, f"person:{person.id}", person_id=person.id)
        return store.person_record(person)


def link_holds(token: str, purpose: TokenPurpose) -> bool:
    """Whether a link could be used now; for showing its page."""
    row = store.person_token(secrets.token_digest(token), purpose)
    return row is not None and row.used_at is None and row.expires_at > clock.machine_now()


# ---- sign-in


def _attempt_key(email: str) -> bytes:
    return hashlib.sha256(b"sign-in\n" + folded(email).encode()).digest()


def _failures(key: bytes) -> int:
    since = clock.machine_now() - REST
    return (
        reading().scalar(
            select(func.coalesce(func.sum(SignInAttempt.count), 0)).where(
                SignInAttempt.subject_digest == key, SignInAttempt.at > since
            )
        )
        or 0
    )


def sign_in(email: str, password: str) -> PersonRecord:
    """The person with this address and password.

    Raises:
        SignInRefused: wrong address or password, or an account that is closed; the same for all of them.
        TooManyTries: ten failures for this address (known or not) within 15 minutes.
        AddressNotConfirmed: only after the right password.
    """
    key = _attempt_key(email)
    if _failures(key) >= MAX_FAILURES:
        raise TooManyTries(minutes=int(REST.total_seconds() // 60))
    row = store.person_by_email(folded(email))
    stored = row.password_hash if row is not None and row.state == PersonState.ACTIVE.value else None
    person_id = row.id if row is not None else None
    good = secrets.verify_password(stored, password)
    if not good or person_id is None:
        with unit_of_work() as unit:
            machine = clock.machine_now()
            unit.session.execute(delete(SignInAttempt).where(SignInAttempt.at < machine - 4 * REST))
            unit.session.add(SignInAttempt(id=new_id(), subject_digest=key, at=machine, count=1))
            if person_id is not None:
                unit.audit("sign_in.failed", PLATFORM_ID, f"person:{person_id}")
        raise SignInRefused()
    better = secrets.hash_password(password) if stored and secrets.needs_rehash(stored) else None
    with unit_of_work() as unit:
        person = store.person_row(person_id, lock=True)
        # The password may have been changed between the check and here.
        if person is None or person.password_hash != stored or person.state != PersonState.ACTIVE.value:
            raise SignInRefused()
        if person.email_verified_at is None:
            raise AddressNotConfirmed()
        if better is not None:
            person.password_hash = better
        unit.session.execute(delete(SignInAttempt).where(SignInAttempt.subject_digest == key))
        unit.audit("sign_in", PLATFORM_ID, f"person:{person.id}", person_id=person.id)
        return store.person_record(person)


def session_key(person: PersonRecord) -> str:
    """What stands in the browser's session: worthless once the person's epoch has grown."""
    return f"{person.id}.{person.session_epoch}"


def signed_in_person(key: str) -> PersonRecord | None:
    """The person of a browser session, or None when that session has been ended."""
    text, _, epoch = key.partition(".")
    row = store.person_row(UUID(text))
    if row is None or row.state != PersonState.ACTIVE.value or str(row.session_epoch) != epoch:
        return None
    return store.person_record(row)


def end_sessions(person_id: UUID) -> PersonRecord:
    """End all sign-ins of a person; returns the record whose `session_key` is good again."""
    with unit_of_work() as unit:
        person = store.person_row(person_id, lock=True)
        if person is None:
            raise UnknownPerson()
        person.session_epoch += 1
        unit.audit("person.sessions_ended", PLATFORM_ID, f"person:{person.id}", person_id=person.id)
        return store.person_record(person)


# ---- passwords


def request_reset(email: str) -> None:
    """Send a letter with a link to choose a new password, if the address belongs to somebody; silent either way."""
    with unit_of_work() as unit:
        person = store.person_by_email(folded(email))
        if person is not None and person.state == PersonState.ACTIVE.value:
            _issue_link(unit, person, TokenPurpose.RESET, RESET_VALID, "accounts.reset_password")


def reset_password(token: str, password: str) -> PersonRecord:
    """Set a new password by the token of a letter; ends all other sign-ins and confirms the address.

    Raises:
        LinkExpired, WeakPassword
    """
    row = store.person_token(secrets.token_digest(token), TokenPurpose.RESET)
    if row is None or row.used_at is not None or row.expires_at <= clock.machine_now():
        raise LinkExpired()
    known = store.person_row(row.person_id)
    secrets.check_strength(password, *((known.email or "", known.name) if known is not None else ()))
    password_hash = secrets.hash_password(password)
    with unit_of_work() as unit:
        held = _usable(token, TokenPurpose.RESET)
        held.used_at = clock.machine_now()
        person = store.person_row(held.person_id, lock=True)
        if person is None or person.state != PersonState.ACTIVE.value:
            raise LinkExpired()
        _set_password(unit, person, password_hash)
        person.email_verified_at = person.email_verified_at or clock.machine_now()
        if person.email:
            unit.session.execute(
                delete(SignInAttempt).where(SignInAttempt.subject_digest == _attempt_key(person.email))
            )
        unit.audit("person.password_reset", PLATFORM_ID, f"person:{person.id}", person_id=person.id)
        return store.person_record(person)


def _set_password(unit: Unit, person: Person, password_hash: str) -> None:
    person.password_hash = password_hash
    person.session_epoch += 1
    # Whoever asked for a link before the change must not be able to undo it.
    unit.session.execute(
        update(PersonToken)
        .where(PersonToken.person_id == person.id, PersonToken.used_at.is_(None))
        .values(used_at=clock.machine_now())
    )
    unit.publish("accounts.password_changed", f"person:{person.id}", {"person_id": str(person.id)})


def change_password(person_id: UUID, present: str, wanted: str) -> PersonRecord:
    """Change the password of a signed-in person; ends all other sign-ins.

    Raises:
        WrongPassword: the present one does not agree.
        WeakPassword: the wanted one is not good enough.
    """
    row = store.person_row(person_id)
    if row is None:
        raise UnknownPerson()
    stored, email, name = row.password_hash, row.email or "", row.name
    if not secrets.verify_password(stored, present):
        raise WrongPassword(Reason(WrongPassword.code, {}, "present"))
    secrets.check_strength(wanted, email, name)
    password_hash = secrets.hash_password(wanted)
    with unit_of_work() as unit:
        person = store.person_row(person_id, lock=True)
        if person is None or person.password_hash != stored:
            raise WrongPassword(Reason(WrongPassword.code, {}, "present"))
        _set_password(unit, person, password_hash)
        unit.audit("person.password_changed", PLATFORM_ID, f"person:{person.id}", person_id=person.id)
        return store.person_record(person)


# ---- profile


def change_profile(person_id: UUID, *, name: str, phone: str, language: str, version: int) -> PersonRecord:
    """Change name, phone and language.

    Raises:
        BadInput, Changed
    """
    with unit_of_work() as unit:
        person = store.person_row(person_id, lock=True)
        if person is None:
            raise UnknownPerson()
        name, _, language = _checked_fields(name, person.email or "", language)
        if person.version != version:
            raise Changed(
                yours=version, theirs=person.version,
                now={"name": person.name, "phone": person.phone, "language": person.locale},
            )  # fmt: skip
        before = {"phone": bool(person.phone), "language": person.locale}
        person.name, person.phone, person.locale = name, phone.strip()[:40], language
        person.version += 1
        unit.audit(
            "person.profile_changed",
            PLATFORM_ID,
            f"person:{person.id}",
            {"before": before, "after": {"phone": bool(person.phone), "language": language}},
            person_id=person.id,
        )
        return store.person_record(person)


# ---- API tokens


def create_api_token(by: Actor, name: str, *, days: int = 365) -> tuple[ApiTokenRecord, str]:
    """A bearer token for this person in this organisation; the token itself is returned once and never again.

    Raises:
        BadInput: a name is missing, or the term is not between 1 and 730 days.
    """
    name = " ".join(name.split())
    reasons = []
    if not 1 <= len(name) <= 100:
        reasons.append(Reason("accounts.name_length", {"max": 100}, "name"))
    if not 1 <= days <= 730:
        reasons.append(Reason("accounts.token_term", {"max": 730}, "days"))
    if reasons:
        raise BadInput(*reasons)
    token, prefix, digest = secrets.new_api_token()
    with unit_of_work() as unit:
        machine = clock.machine_now()
        row = ApiToken(
            id=new_id(),
            person_id=by.person_id,
            organisation_id=by.organisation_id,
            name=name,
            prefix=prefix,
            token_hash=digest,
            created_at=machine,
            expires_at=machine + timedelta(days=days),
        )
        unit.session.add(row)
        unit.audit(
            "api_token.created",
            by.organisation_id,
            f"api_token:{row.id}",
            {"prefix": prefix},
            person_id=by.person_id,
        )
        unit.publish(
            "accounts.api_token_created",
            f"person:{by.person_id}",
            {"person_id": str(by.person_id), "organisation_id": str(by.organisation_id), "name": name},
        )
        return store.api_token_record(row), token


def api_tokens(by: Actor) -> list[ApiTokenRecord]:
    """The person's own tokens in this organisation, newest first, revoked ones included."""
    return [store.api_token_record(row) for row in store.api_tokens(by.person_id, by.organisation_id)]


def revoke_api_token(by: Actor, token_id: UUID) -> None:
    """Make one's own token useless; doing it twice is fine.

    Raises:
        UnknownRequest: not this person's token in this organisation.
    """
    with unit_of_work() as unit:
        row = unit.session.get(ApiToken, token_id)
        if row is None or row.person_id != by.person_id or row.organisation_id != by.organisation_id:
            raise UnknownRequest()
        if row.revoked_at is None:
            row.revoked_at = clock.machine_now()
            unit.audit("api_token.revoked", by.organisation_id, f"api_token:{row.id}", person_id=by.person_id)


def actor_for_token(token: str) -> Actor | None:
    """The actor behind a bearer token, or None when it is unknown, revoked, expired or its owner has no role left."""
    if not token.startswith(secrets.API_PREFIX) or len(token) > 200:
        return None
    row = _token_in_use(secrets.token_digest(token))
    if row is None or row.revoked_at is not None or row.state != PersonState.ACTIVE.value:
        return None
    if row.expires_at is not None and row.expires_at <= clock.machine_now():
        return None
    try:
        return actor_of(row.person_id, row.organisation_id)
    except NotFound:
        return None


# Whose token it was when it was last seen, by its digest: only where to look first.
_HOLDERS_MOST = 10_000
_holders: dict[bytes, UUID] = {}


def _token_in_use(digest: bytes) -> store.TokenInUse | None:
    known = _holders.get(digest)
    if known is not None and (kept := _token_of(digest, known)) is not None and kept.person_id == known:
        return kept
    found = store.token_in_use(digest)
    if found is not None:
        if len(_holders) >= _HOLDERS_MOST:
            _holders.clear()
        _holders[digest] = found.person_id
    return found


@remembered(about=lambda _digest, person_id: (person_id,))
def _token_of(digest: bytes, _person_id: UUID) -> store.TokenInUse | None:
    return store.token_in_use(digest)
