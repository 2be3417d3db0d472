"""Contents of a listing as JSON and back, and what differs between two of them (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any
from uuid import UUID

from resource_hub.domain.catalogue.terms import Contact, FieldDifference, ListingContents, Mode
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.money import Money

_DATES = ("accepted_on", "commissioned_on", "decommissioned_on")


def to_json(contents: ListingContents) -> dict[str, Any]:
    """Plain JSON with every field, so that leaving a field out later cannot change what was approved."""
    row: dict[str, Any] = {}
    for item in fields(contents):
        value = getattr(contents, item.name)
        if isinstance(value, date):
            value = value.isoformat()
        elif isinstance(value, UUID):
            value = str(value)
        elif isinstance(value, Contact):
            verified = value.verified_on.isoformat() if value.verified_on else None
            value = {"name": value.name, "phone": value.phone, "email": value.email, "verified_on": verified}
        elif item.name == "specification":
            value = [[key, text] for key, text in value]
        elif item.name == "modes":
            value = [str(mode) for mode in value]
        elif item.name == "details":
            value = dict(value)
        row[item.name] = value
    return row


def from_json(row: Mapping[str, Any]) -> ListingContents:
    """The contents that `to_json` wrote; unknown keys of a later version are an error, missing ones take defaults."""
    values = dict(row)
    for name in _DATES:
        if values.get(name):
            values[name] = date.fromisoformat(values[name])
    if values.get("photo_id"):
        values["photo_id"] = UUID(values["photo_id"])
    if "contact" in values:
        contact = dict(values["contact"])
        if contact.get("verified_on"):
            contact["verified_on"] = date.fromisoformat(contact["verified_on"])
        values["contact"] = Contact(**contact)
    if "specification" in values:
        values["specification"] = tuple((key, text) for key, text in values["specification"])
    if "modes" in values:
        values["modes"] = tuple(Mode(mode) for mode in values["modes"])
    return ListingContents(**values)


def contents_digest(contents: ListingContents) -> str:
    """Names the contents: equal digests mean that nothing differs."""
    return digest(canonical_bytes(to_json(contents))).hex()


def differences(before: ListingContents, after: ListingContents) -> list[FieldDifference]:
    """What differs, field by field, in the order of the form; details and specification entry by entry.

    Values are plain text for the eye: amounts in major units with their currency, coordinates in degrees, modes as
    their codes joined by a comma.
    """
    result: list[FieldDifference] = []

    def add(name: str, old: str, new: str) -> None:
        if old != new:
            result.append(FieldDifference(name, old, new))

    for item in fields(ListingContents):
        old, new = getattr(before, item.name), getattr(after, item.name)
        if old == new and not (item.name == "currency"):
            continue
        if item.name in ("specification", "details"):
            left, right = dict(old), dict(new)
            for key in [*left, *(key for key in right if key not in left)]:
                add(f"{item.name}.{key}", left.get(key, ""), right.get(key, ""))
            if not any(d.field.startswith(f"{item.name}.") for d in result):
                # Another order, or an entry without text: shown as a whole.
                add(item.name, " · ".join(f"{k}: {v}" for k, v in left.items()),
                    " · ".join(f"{k}: {v}" for k, v in right.items()))  # fmt: skip
        elif item.name == "contact":
            for part in ("name", "phone", "email", "verified_on"):
                add(f"contact.{part}", _plain(getattr(old, part)), _plain(getattr(new, part)))
        elif item.name == "original_value_minor":
            add("original_value", _money(before), _money(after))
        elif item.name == "currency":
            if before.original_value_minor == after.original_value_minor:
                add("original_value", _money(before), _money(after))
        elif item.name in ("latitude_micro", "longitude_micro"):
            add(item.name.removesuffix("_micro"), degrees(old), degrees(new))
        else:
            add(item.name, _plain(old), _plain(new))
    return result


def degrees(micro: int | None) -> str:
    """Millionths of a degree as exact decimal text: 31840000 → ``31.84``."""
    if micro is None:
        return ""
    sign, rest = ("-" if micro < 0 else ""), abs(micro)
    text = f"{sign}{rest // 1_000_000}.{rest % 1_000_000:06d}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _money(contents: ListingContents) -> str:
    value: Money | None = contents.original_value
    return "" if value is None else f"{value.amount:,.2f} {value.currency}"


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return str(value)
