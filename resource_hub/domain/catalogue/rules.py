"""Decisions of the catalogue (pure): what a listing must hold, who may change it, when its listing term ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from resource_hub.domain.catalogue import kinds
from resource_hub.domain.catalogue.classes import CodeList
from resource_hub.domain.catalogue.terms import (
    TIMED_KINDS,
    ChangeState,
    ListingClock,
    ListingContents,
    ResourceKind,
)
from resource_hub.kernel.errors import Reason

# Longest texts by field; no column is shorter.
LENGTHS = {
    "name_zh": 200, "name_en": 200, "model": 200, "maker": 200, "city": 80, "country": 80, "place_zh": 200,
    "place_en": 200, "summary_zh": 20_000, "summary_en": 20_000, "rules_zh": 20_000, "rules_en": 20_000,
    "accessories": 20_000,
}  # fmt: skip
CONTACT_LENGTHS = {"name": 120, "phone": 60, "email": 254}
MAX_SPECIFICATION = 100
# 100 billion yuan: beyond any instrument, far inside 64 bits.
MAX_VALUE_MINOR = 10_000_000_000_000
_CODE = re.compile(r"[^\s/?#%\\]([^/?#%\\\n\r\t]{0,58}[^\s/?#%\\])?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def check_code(code: str) -> list[Reason]:
    """A code stands in addresses: 1 to 60 characters without blanks at the ends and without / ? # % or backslash."""
    if not code:
        return [Reason("catalogue.code_missing", {}, "code")]
    if not _CODE.fullmatch(code):
        return [Reason("catalogue.code_shape", {"code": code[:80]}, "code")]
    return []


def check_contents(
    kind: ResourceKind, contents: ListingContents, classes: CodeList, *, complete: bool
) -> list[Reason]:
    """Everything wrong with the contents at once.

    Args:
        complete: ask also for what a public listing needs (place, contact, class, modes, required kind fields);
            a draft may lack it.
    """
    reasons: list[Reason] = []

    def bad(code: str, place: str, **values: object) -> None:
        reasons.append(Reason(f"catalogue.{code}", values, place))

    if not (contents.name_zh.strip() or contents.name_en.strip()):
        bad("name_missing", "name_zh")
    for place, limit in LENGTHS.items():
        if len(getattr(contents, place)) > limit:
            bad("too_long", place, limit=limit, length=len(getattr(contents, place)))
    for part, limit in CONTACT_LENGTHS.items():
        if len(getattr(contents.contact, part)) > limit:
            bad("too_long", f"contact_{part}", limit=limit, length=len(getattr(contents.contact, part)))
    reasons += _check_class(kind, contents, classes, complete=complete)
    reasons += _check_place(contents)
    value = contents.original_value_minor
    if value is not None and value < 0:
        bad("negative_value", "original_value", value=str(contents.original_value))
    elif value is not None and value > MAX_VALUE_MINOR:
        bad("value_too_large", "original_value", value=str(contents.original_value))
    accepted, commissioned, gone = contents.accepted_on, contents.commissioned_on, contents.decommissioned_on
    if gone and commissioned and gone < commissioned:
        bad("end_before_start", "decommissioned_on", start=commissioned.isoformat(), end=gone.isoformat())
    elif gone and accepted and gone < accepted:
        bad("end_before_start", "decommissioned_on", start=accepted.isoformat(), end=gone.isoformat())
    if len(contents.specification) > MAX_SPECIFICATION:
        bad("too_many_lines", "specification", limit=MAX_SPECIFICATION)
    keys = [key for key, _ in contents.specification]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        bad("specification_twice", "specification", name=key)
    email = contents.contact.email
    if email and not _EMAIL.fullmatch(email):
        bad("email_shape", "contact_email", email=email)
    reasons += kinds.check_details(kind, contents.details, complete=complete)
    if complete:
        if contents.contact.empty:
            bad("contact_missing", "contact_name")
        if kind in TIMED_KINDS and not (contents.place_zh or contents.place_en or contents.city):
            bad("place_missing", "place_zh")
        if kind is ResourceKind.INSTRUMENT and not contents.modes:
            bad("modes_missing", "modes")
    return reasons


def _check_class(
    kind: ResourceKind, contents: ListingContents, classes: CodeList, *, complete: bool
) -> list[Reason]:
    code = contents.class_code
    if code and not classes.known(code):
        return [Reason("catalogue.class_unknown", {"code": code, "list": classes.title}, "class_code")]
    if complete and not code and kind is ResourceKind.INSTRUMENT:
        return [Reason("catalogue.class_missing", {"list": classes.title}, "class_code")]
    return []


def _check_place(contents: ListingContents) -> list[Reason]:
    latitude, longitude = contents.latitude_micro, contents.longitude_micro
    reasons = []
    if (latitude is None) != (longitude is None):
        reasons.append(Reason("catalogue.half_coordinates", {}, "latitude"))
    if latitude is not None and abs(latitude) > 90_000_000:
        reasons.append(Reason("catalogue.coordinate_range", {"limit": 90}, "latitude"))
    if longitude is not None and abs(longitude) > 180_000_000:
        reasons.append(Reason("catalogue.coordinate_range", {"limit": 180}, "longitude"))
    return reasons


def warnings(kind: ResourceKind, contents: ListingContents, classes: CodeList) -> list[Reason]:
    """What deserves a second look but refuses nothing."""
    result: list[Reason] = []
    code = contents.class_code
    if code and classes.known(code) and len(code) < 6 and kind is ResourceKind.INSTRUMENT:
        result.append(Reason("catalogue.class_short", {"code": code}, "class_code"))
    if kind is ResourceKind.INSTRUMENT and contents.accepted_on is None:
        result.append(Reason("catalogue.accepted_missing", {}, "accepted_on"))
    if kind is ResourceKind.INSTRUMENT and contents.original_value_minor is None:
        result.append(Reason("catalogue.value_missing", {}, "original_value"))
    if not (contents.name_zh and contents.name_en):
        result.append(Reason("catalogue.name_one_language", {}, "name_en" if contents.name_zh else "name_zh"))
    return result


def may_submit(change: ChangeState) -> list[Reason]:
    if change not in (ChangeState.DRAFT, ChangeState.REFUSED):
        return [Reason("catalogue.change_not_draft", {"state": str(change)})]
    return []


def may_decide(change: ChangeState) -> list[Reason]:
    if change is not ChangeState.PENDING:
        return [Reason("catalogue.change_not_pending", {"state": str(change)})]
    return []


def listing_clock(
    accepted_on: date | None,
    listed_on: date | None,
    today: date,
    term: int,
    working_days_after: Callable[[date, int], tuple[date, bool]],
) -> ListingClock | None:
    """The listing term of one instrument, or None when nobody has said when it was accepted.

    The day of acceptance does not count: the term ends at the end of its last working day.

    Args:
        term: working days of the term (``cn/listing_duty``, 30).
        working_days_after: day and number → the working day so many after it, and whether the calendar of that year
            is only provisional (availability answers this).
    """
    if accepted_on is None:
        return None
    due, provisional = working_days_after(accepted_on, term)
    if listed_on is not None:
        return ListingClock(accepted_on, due, False, listed_on <= due, provisional)
    return ListingClock(accepted_on, due, today > due, None, provisional)
