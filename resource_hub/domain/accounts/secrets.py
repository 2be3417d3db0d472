"""Passwords and tokens. Hashing is slow on purpose and stands outside of every unit of work.

Argon2id with 64 MiB takes about 0.2 s; the number of hashes at a time in one process is capped, so that a storm of
sign-ins can neither eat the memory nor all threads. Random tokens need no slow hash: they carry 256 bits.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from resource_hub.domain.accounts.errors import WeakPassword
from resource_hub.infra import app_key
from resource_hub.infra.database import current_unit
from resource_hub.kernel.errors import Busy, Reason

MIN_LENGTH = 10
MAX_LENGTH = 200
_WAIT_SECONDS = 10.0
_slots = threading.BoundedSemaphore(2)
_hasher = PasswordHasher()
# Verified when the address is unknown, so that the answer takes as long as for a known one.
_decoy: str | None = None

# Among the most used passwords that are long enough; the full lists add little once ten characters are asked for.
_COMMON = frozenset(
    "1234567890 0123456789 12345678910 1234567891 qwertyuiop password123 password1234 1q2w3e4r5t qwerty12345 "
    "abcd123456 a123456789 123456789a 1111111111 0000000000 woaini1314520 5201314520 asdfghjkl1 iloveyou123 "
    "1qaz2wsx3edc administrator letmein12345 welcome12345 qwe1234567".split()
)


class HashingBusy(Busy):
    code = "accounts.hashing_busy"


def use_fast_hashing() -> None:
    """Cheapest parameters, for tests only: a hash still verifies, but guards nothing."""
    global _hasher, _decoy
    _hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    _decoy = None


@contextmanager
def _slot() -> Iterator[None]:
    if current_unit.get() is not None:
        raise RuntimeError("password hashing is slow and must not stand inside a unit of work")
    if not _slots.acquire(timeout=_WAIT_SECONDS):
        raise HashingBusy()
    try:
        yield
    finally:
        _slots.release()


def check_strength(password: str, *personal: str) -> None:
    """Refuse what is too short, too long, common, or made of the person's own name or address.

    Raises:
        WeakPassword: with every reason.
    """
    reasons = []
    if len(password) < MIN_LENGTH:
        reasons.append(Reason("accounts.password_short", {"min": MIN_LENGTH}, "password"))
    if len(password) > MAX_LENGTH:
        reasons.append(Reason("accounts.password_long", {"max": MAX_LENGTH}, "password"))
    folded = password.casefold()
    if folded in _COMMON or len(set(folded)) < 4:
        reasons.append(Reason("accounts.password_common", {}, "password"))
    parts = {
        p for text in personal for p in (text.casefold(), text.casefold().partition("@")[0]) if len(p) >= 4
    }
    if any(folded == part or folded == part * 2 for part in parts):
        reasons.append(Reason("accounts.password_personal", {}, "password"))
    if reasons:
        raise WeakPassword(*reasons)


def hash_password(password: str) -> str:
    """Argon2id hash of a password. Not inside a unit of work.

    Raises:
        HashingBusy: no slot became free within ten seconds.
    """
    with _slot():
        return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password belongs to the stored hash; takes as long when there is no stored hash."""
    global _decoy
    if len(password) > MAX_LENGTH:
        return False
    with _slot():
        if _decoy is None:
            _decoy = _hasher.hash(secrets.token_urlsafe(16))
        try:
            return _hasher.verify(stored or _decoy, password) and stored is not None
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False


def needs_rehash(stored: str) -> bool:
    try:
        return _hasher.check_needs_rehash(stored)
    except InvalidHashError:
        return True


def link_token(row_id: UUID, purpose: str) -> str:
    """The token of a link that goes out by mail, made from the row's id and the installation's secret.

    So the database and the mail queue hold only its digest and the id: who reads them cannot open the link, and the
    sender can still write it into the letter.
    """
    mac = app_key.derived(f"accounts.link.{purpose}", row_id.bytes)
    return base64.urlsafe_b64encode(row_id.bytes + mac[:20]).decode().rstrip("=")


def token_digest(token: str) -> bytes:
    return hashlib.sha256(b"resource-hub token\n" + token.encode()).digest()


API_PREFIX = "rh_"


def new_api_token() -> tuple[str, str, bytes]:
    """A bearer token for the API: the whole token (shown once), its visible prefix, and the digest that is stored."""
    token = API_PREFIX + secrets.token_urlsafe(32)
    return token, token[:11], token_digest(token)
