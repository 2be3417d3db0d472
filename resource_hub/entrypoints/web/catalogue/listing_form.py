"""The form of a listing: contents → fields, fields → contents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from resource_hub.domain.catalogue import kinds as kind_fields
from resource_hub.domain.catalogue.contents import degrees
from resource_hub.domain.catalogue.importing import cells
from resource_hub.domain.catalogue.importing.cells import CellError
from resource_hub.domain.catalogue.terms import Contact, ListingContents, Mode, ResourceKind
from resource_hub.entrypoints.support.forms import Form

_SHORT = ("name_zh", "name_en", "model", "maker", "country", "city", "place_zh", "place_en", "class_code")
_LONG = ("summary_zh", "summary_en", "rules_zh", "rules_en", "accessories")
_DAYS = ("accepted_on", "commissioned_on", "decommissioned_on")


def initial(contents: ListingContents) -> dict[str, Any]:
    """What stands in the fields when the form opens."""
    values: dict[str, Any] = {name: getattr(contents, name) for name in (*_SHORT, *_LONG, *_DAYS)}
    values["latitude"], values["longitude"] = (
        degrees(contents.latitude_micro),
        degrees(contents.longitude_micro),
    )
    value = contents.original_value
    values["original_value"] = f"{value.amount:f}" if value is not None else ""
    values["currency"] = contents.currency
    values["specification"] = "\n".join(f"{key}: {text}" for key, text in contents.specification)
    values["contact_name"], values["contact_phone"] = contents.contact.name, contents.contact.phone
    values["contact_email"] = contents.contact.email
    values["modes"] = [str(mode) for mode in contents.modes]
    values["bookable"] = "1" if contents.bookable else ""
    values["open_to_outside"] = "1" if contents.open_to_outside else ""
    values["purpose"] = "general" if contents.general_purpose else "special"
    for name, text in contents.details.items():
        values[f"details.{name}"] = text
    return values


def read(form: Form, kind: ResourceKind, before: ListingContents, today: date) -> ListingContents:
    """The contents that were typed; what cannot be read is noted at its field and left as it was.

    A contact that was changed counts as checked on the day of the change.
    """
    values: dict[str, Any] = {name: form.text(name, longest=200) or "" for name in _SHORT}
    values |= {name: form.text(name, longest=20_000) or "" for name in _LONG}
    values |= {name: form.day(name) for name in _DAYS}
    values["currency"] = (form.text("currency", longest=3) or before.currency).upper()
    amount = _cell(form, "original_value", lambda text: cells.amount(text, 1, values["currency"]))
    values["original_value_minor"] = amount
    values["latitude_micro"] = _cell(form, "latitude", lambda text: cells.degrees(text, 90))
    values["longitude_micro"] = _cell(form, "longitude", lambda text: cells.degrees(text, 180))
    values["specification"] = _specification(form)
    if kind is ResourceKind.INSTRUMENT:
        chosen = set(form.choices("modes", Mode))
        values["modes"] = tuple(mode for mode in Mode if str(mode) in chosen)
        values["general_purpose"] = form.choice("purpose", ["general", "special"]) != "special"
    values["bookable"], values["open_to_outside"] = form.flag("bookable"), form.flag("open_to_outside")
    values["details"] = {
        item.name: text
        for item in kind_fields.fields_of(kind)
        if (text := form.text(f"details.{item.name}", longest=2_000 if item.long else 300) or "")
    }
    contact = Contact(
        form.text("contact_name", longest=120) or "",
        form.text("contact_phone", longest=60) or "",
        form.text("contact_email", longest=254) or "",
        before.contact.verified_on,
    )
    if contact != before.contact or form.flag("contact_checked"):
        contact = replace(contact, verified_on=None if contact.empty else today)
    values["contact"] = contact
    return replace(before, **values)


def _cell(form: Form, name: str, read_cell: Callable[[str], int]) -> int | None:
    text = form.text(name, longest=60)
    if text is None:
        return None
    try:
        return read_cell(text)
    except CellError as error:
        form.note(name, error.code, **error.values)
        return None


def _specification(form: Form) -> tuple[tuple[str, str], ...]:
    text = form.text("specification", longest=20_000)
    entries: dict[str, str] = {}
    for line in (text or "").splitlines():
        if not line.strip():
            continue
        key, mark, value = (
            line.partition("：") if "：" in line and ":" not in line.split("：")[0] else line.partition(":")
        )
        if not mark or not key.strip() or not value.strip():
            form.note("specification", "catalogue.specification_line", line=line[:60])
            continue
        key = " ".join(key.split())
        entries[key] = f"{entries[key]}; {value.strip()}" if key in entries else " ".join(value.split())
    return tuple(entries.items())
