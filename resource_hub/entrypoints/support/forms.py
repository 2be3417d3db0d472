"""A thin helper for HTML forms: what was typed stays, every error stands beside its field and in a summary.

::

    form = Form({"name": record.name, "version": record.version})          # GET: what stands in the fields
    form = Form.sent()                                                     # POST: what was typed
    name = form.text("name", required=True, longest=200)
    start = form.moment("start", zone="Asia/Shanghai", required=True)
    if form.ok:
        try:
            service.rename(key, name, version=form.version(), by=g.actor)
            return redirect(...)
        except DomainError as error:
            form.refuse(error)           # reasons with a place go to their field, the others into the summary
    return render_template("area/page.html", form=form), form.status

Reading a field returns the value or None and notes an error; nothing is raised, so that all errors are told at once.
``@once`` on the view makes what was sent twice count once. CSRF is checked for every POST by flask-wtf.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, ParamSpec
from uuid import UUID

from flask import g, make_response, redirect, request
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.wrappers import Response

from resource_hub.entrypoints.support import formatting, guards, sentences, wall_clock
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.tables import IdempotencyKey
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import Conflict, DomainError, Reason
from resource_hub.kernel.money import Money, MoneyError
from resource_hub.kernel.time import NoSuchLocalTime, RepeatedLocalTime
from resource_hub.kernel.time import zone as zone_of

P = ParamSpec("P")
ONCE = "_once"
_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")


class Form:
    """Typed values, initial values and errors of one form."""

    def __init__(
        self, initial: Mapping[str, Any] | None = None, sent: MultiDict[str, str] | None = None
    ) -> None:
        self.initial = dict(initial or {})
        self.typed = sent
        self.errors: list[sentences.Told] = []
        self.stale: DomainError | None = None
        self.status = 200
        self._read: set[str] = set()

    @classmethod
    def sent(cls, initial: Mapping[str, Any] | None = None) -> Form:
        """The form of this request."""
        return cls(initial, request.form)

    # ---- what templates ask

    @property
    def ok(self) -> bool:
        return not self.errors

    def value(self, name: str, default: Any = "") -> Any:
        """What stands in the field: what was typed, else the initial value, written as the field wants it."""
        if self.typed is not None and (name in self.typed or self._is_box(name)):
            return self.typed.get(name, "")
        value = self.initial.get(name, default)
        if name.endswith("_offset") and isinstance(moment := self.initial.get(name[:-7]), datetime):
            value = wall_clock.offset(moment, str(moment.tzinfo)) if moment.tzinfo else ""
        if isinstance(value, Money):
            return f"{value.amount:f}"
        if isinstance(value, bool) or value is None:
            return value or ""
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%dT%H:%M")
        if isinstance(value, date):
            return value.isoformat()
        return getattr(value, "value", value)

    def values(self, name: str) -> list[str]:
        """All values of a field that may have several."""
        if self.typed is not None:
            return self.typed.getlist(name)
        value = self.initial.get(name) or []
        return [str(getattr(v, "value", v)) for v in ([value] if isinstance(value, str) else value)]

    def _is_box(self, name: str) -> bool:
        # An unticked box is not sent at all; the form sends a mark for each box it showed.
        return self.typed is not None and f"_box.{name}" in self.typed

    def twice(self, name: str, zone: str | None = None, since: str = "") -> list[tuple[str, str]]:
        """Both readings of a time that a clock change repeats; none where there is nothing to choose."""
        whole = str(self.value(name))

        def part(field: str) -> str:
            text = str(self.value(field))
            if text or "T" not in whole:
                return text
            return {f"{name}_day": whole[:10], f"{name}_time": whole[11:16]}.get(field, "")

        return wall_clock.choices(part, name, zone or formatting.default_zone(), since)

    def error(self, name: str) -> str:
        return next((told.sentence for told in self.errors if told.place == name), "")

    def once_token(self) -> str:
        """A fresh token for each time the form is shown."""
        return secrets.token_urlsafe(18)

    # ---- noting errors

    def note(self, place: str | None, code: str, **values: Any) -> None:
        """An error at a field, or of the whole form when ``place`` is None."""
        self.errors.append(sentences.tell(Reason(code, values, place)))
        self.status = 422

    def refuse(self, error: DomainError) -> None:
        """Take over the reasons of a domain error."""
        from resource_hub.entrypoints.support.problems import status_of
        from resource_hub.kernel.errors import Stale

        self.errors.extend(sentences.tell_all(error))
        self.status = status_of(error)
        if isinstance(error, Stale):
            self.stale = error

    # ---- reading fields

    def _raw(self, name: str, required: bool) -> str | None:
        text = (self.typed or MultiDict()).get(name, "")
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
        if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in text):
            self.note(name, "form.control_characters")
            return None
        if not text:
            if required:
                self.note(name, "form.required")
            return None
        return text

    def text(self, name: str, *, required: bool = False, longest: int = 200, shortest: int = 0) -> str | None:
        text = self._raw(name, required)
        if text is None:
            return None
        if len(text) > longest:
            self.note(name, "form.too_long", limit=longest)
            return None
        if len(text) < shortest:
            self.note(name, "form.too_short", limit=shortest)
            return None
        return text

    def secret(self, name: str, *, required: bool = True, longest: int = 1024) -> str | None:
        """A password: taken exactly as typed."""
        text = (self.typed or MultiDict()).get(name, "")
        if not text:
            if required:
                self.note(name, "form.required")
            return None
        if len(text) > longest:
            self.note(name, "form.too_long", limit=longest)
            return None
        return text

    def email(self, name: str, *, required: bool = False) -> str | None:
        text = self.text(name, required=required, longest=254)
        if text is None:
            return None
        if not _ADDRESS.fullmatch(text):
            self.note(name, "form.not_an_address")
            return None
        return text

    def whole(self, name: str, *, required: bool = False, least: int = 0, most: int = 10**9) -> int | None:
        text = self._raw(name, required)
        if text is None:
            return None
        folded = unicodedata.normalize("NFKC", text).replace(",", "").replace("−", "-")
        if not re.fullmatch(r"-?\d{1,18}", folded, re.ASCII):
            self.note(name, "form.not_a_number")
            return None
        return self._within(name, int(folded), least, most)

    def decimal(
        self, name: str, *, required: bool = False, least: str = "0", most: str = "1000000000000"
    ) -> Decimal | None:
        text = self._raw(name, required)
        if text is None:
            return None
        try:
            value = Decimal(unicodedata.normalize("NFKC", text).replace(",", "").replace("−", "-"))
            if not value.is_finite():
                raise InvalidOperation
        except InvalidOperation:
            self.note(name, "form.not_a_decimal")
            return None
        return self._within(name, value, Decimal(least), Decimal(most))

    def _within(self, name: str, value: Any, least: Any, most: Any) -> Any:
        if value < least:
            if least == 0:
                self.note(name, "form.negative")
            else:
                self.note(name, "form.below", limit=str(least))
            return None
        if value > most:
            self.note(name, "form.above", limit=str(most))
            return None
        return value

    def money(
        self, name: str, *, required: bool = False, currency: str = "CNY", negative: bool = False
    ) -> Money | None:
        text = self._raw(name, required)
        if text is None:
            return None
        folded = unicodedata.normalize("NFKC", text).replace(",", "").replace("−", "-").strip("¥ 元")
        try:
            if not re.fullmatch(r"-?\d{1,13}(\.\d+)?", folded, re.ASCII):
                raise MoneyError(folded)
            amount = Money.of(folded, currency)
        except MoneyError:
            self.note(name, "form.not_an_amount")
            return None
        if amount.is_negative and not negative:
            self.note(name, "form.negative")
            return None
        return amount

    def day(self, name: str, *, required: bool = False) -> date | None:
        text = self._raw(name, required)
        if text is None:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.note(name, "form.not_a_date")
            return None

    def month(self, name: str, *, required: bool = False) -> date | None:
        """The first day of a month typed as ``2026-03``."""
        text = self._raw(name, required)
        if text is None:
            return None
        try:
            return date.fromisoformat(f"{text}-01")
        except ValueError:
            self.note(name, "form.not_a_date")
            return None

    def minutes(self, name: str, *, required: bool = False) -> int | None:
        """Minutes after midnight from ``09:30``; ``24:00`` is the end of the day."""
        text = self._raw(name, required)
        if text is None:
            return None
        found = re.fullmatch(r"(\d{1,2})[::](\d\d)(?::00)?", text)
        if not found or int(found[1]) * 60 + int(found[2]) > 1440 or int(found[2]) > 59:
            self.note(name, "form.not_a_time")
            return None
        return int(found[1]) * 60 + int(found[2])

    def moment(self, name: str, *, zone: str, required: bool = False) -> datetime | None:
        """A UTC instant from a wall-clock time of the zone.

        Sent as one value (``2026-03-05T09:30``) or as two fields ``<name>_day`` and ``<name>_time``. Of a time that
        the clock repeats ``<name>_offset`` says which one.
        """
        typed = self.typed or MultiDict()
        if f"{name}_day" in typed:
            parts = typed.get(f"{name}_day", "").strip(), typed.get(f"{name}_time", "").strip()
            text = "T".join(parts) if all(parts) else None
            if text is None and (required or any(parts)):
                self.note(name, "form.not_a_moment" if any(parts) else "form.required")
        else:
            text = self._raw(name, required)
        if text is None:
            return None
        try:
            wall = datetime.fromisoformat(text.replace(" ", "T"))
            if wall.tzinfo is not None:
                return wall.astimezone(zone_of("UTC"))
            return wall_clock.exact(wall, typed.get(f"{name}_offset", ""), zone)
        except RepeatedLocalTime:
            self.note(name, "form.repeated_time")
        except NoSuchLocalTime:
            self.note(name, "form.skipped_time")
        except (ValueError, OverflowError):
            self.note(name, "form.not_a_moment")
        return None

    def choice(self, name: str, choices: Iterable[Any], *, required: bool = False) -> str | None:
        """One of the stored values listed (strings or enum members)."""
        text = self._raw(name, required)
        if text is None:
            return None
        if text not in {str(getattr(c, "value", c)) for c in choices}:
            self.note(name, "form.not_a_choice")
            return None
        return text

    def choices(self, name: str, choices: Iterable[Any], *, required: bool = False) -> list[str]:
        allowed = {str(getattr(c, "value", c)) for c in choices}
        given = list(dict.fromkeys((self.typed or MultiDict()).getlist(name)))
        if any(v not in allowed for v in given):
            self.note(name, "form.not_a_choice")
            return []
        if required and not given:
            self.note(name, "form.required")
        return given

    def flag(self, name: str) -> bool:
        return (self.typed or MultiDict()).get(name, "") not in ("", "0", "false", "off")

    def id(self, name: str, *, required: bool = False) -> UUID | None:
        text = self._raw(name, required)
        if text is None:
            return None
        try:
            return UUID(text)
        except ValueError:
            self.note(name, "form.not_an_id")
            return None

    def version(self) -> int | None:
        """The hidden field ``version``: which state of the thing the person saw."""
        return self.whole("version", most=2**31)

    def file(
        self,
        name: str,
        *,
        required: bool = False,
        most_bytes: int = 10_000_000,
        endings: tuple[str, ...] = (),
    ) -> FileStorage | None:
        """An uploaded file of an allowed size and ending; what it holds is for the receiver to check."""
        found = request.files.get(name)
        if found is None or not found.filename:
            if required:
                self.note(name, "form.file_missing")
            return None
        found.stream.seek(0, 2)
        length = found.stream.tell()
        found.stream.seek(0)
        if length > most_bytes:
            self.note(name, "form.file_too_large", limit=most_bytes // 1_000_000)
            return None
        if endings and not found.filename.lower().endswith(endings):
            self.note(name, "form.file_type", allowed=list(endings))
            return None
        return found


class AlreadySent(Conflict):
    """The first sending of this form is still at work."""

    code = "form.already_sent"


def once(view: Callable[P, Any]) -> Callable[P, Any]:
    """A form with ``once_token`` counts once: the same sent again is led to where the first sending arrived.

    Another content under the same token (back, something else chosen, sent) is another request. An answer that is no
    redirect (the form again, with errors) leaves nothing behind, so it can be sent again. Keys are kept beside the
    API's idempotency keys and are swept with them.
    """

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        sent = sending()
        if sent is None:
            return view(*args, **kwargs)
        who = guards.person_id() or UUID(int=0)
        key = f"form:{sent}"
        if not _claim(who, key):
            return redirect(_first_answer(who, key), 303)
        try:
            response: Response = make_response(view(*args, **kwargs))
        except BaseException:
            _forget(who, key)
            raise
        if 300 <= response.status_code < 400 and response.location:
            _keep(who, key, response.location)
        else:
            _forget(who, key)
        return response

    return guarded


def sending() -> str | None:
    """By what this sending of a form is known again: a digest of its token, where it went and what was typed; None
    without a token."""
    token = request.form.get(ONCE, "")
    if request.method != "POST" or not token:
        return None
    typed = [pair for pair in request.form.items(multi=True) if pair[0] not in (ONCE, "csrf_token")]
    files = [(name, found.filename, _digest_of(found)) for name, found in request.files.items(multi=True)]
    return hashlib.sha256(json.dumps([token, request.path, typed, files]).encode()).hexdigest()


def _digest_of(found: FileStorage) -> str:
    found.stream.seek(0)
    digest = hashlib.file_digest(found.stream, "sha256").hexdigest()  # type: ignore[arg-type]
    found.stream.seek(0)
    return digest


def _claim(who: UUID, key: str) -> bool:
    digest = hashlib.sha256(key.encode()).digest()
    try:
        with unit_of_work() as unit:
            unit.session.execute(
                insert(IdempotencyKey).values(
                    person_id=who, key=key, request_digest=digest, answer={}, created_at=clock.machine_now()
                )
            )
    except IntegrityError:
        return False
    return True


def _row(who: UUID, key: str) -> tuple[Any, ...]:
    return (IdempotencyKey.person_id == who, IdempotencyKey.key == key)


def _keep(who: UUID, key: str, location: str) -> None:
    with unit_of_work() as unit:
        unit.session.execute(
            update(IdempotencyKey).where(*_row(who, key)).values(answer={"location": location})
        )


def _forget(who: UUID, key: str) -> None:
    with unit_of_work() as unit:
        unit.session.execute(delete(IdempotencyKey).where(*_row(who, key)))


def _first_answer(who: UUID, key: str, patience: float = 8.0) -> str:
    """Where the first sending arrived; waits a little for it."""
    until = clock.machine_now() + timedelta(seconds=patience)
    while clock.machine_now() < until:
        session = reading()
        answer = session.scalar(select(IdempotencyKey.answer).where(*_row(who, key)))
        session.rollback()  # a new snapshot for the next look
        if answer is None:
            break  # the first one was refused; the person sees its answer in the other tab
        if answer.get("location"):
            return str(answer["location"])
        time.sleep(0.15)
    raise AlreadySent()


def version_header() -> int | None:
    """``If-Match: "3"`` of an API request as a version number."""
    found = re.fullmatch(r'(?:W/)?"?(\d{1,9})"?', request.headers.get("If-Match", "").strip())
    return int(found[1]) if found else None


def remember_zone(zone: str) -> None:
    """Times on this page are of this zone."""
    g.zone = zone
