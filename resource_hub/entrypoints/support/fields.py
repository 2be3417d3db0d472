"""Fields of the API's schemas: exact amounts, aware moments, ids. Marshmallow only here and in the API's schemas."""

from __future__ import annotations

import re
import typing
from datetime import datetime
from decimal import Decimal

import marshmallow as ma
from flask_babel import gettext

from resource_hub.entrypoints.support.text import N_
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money, MoneyError
from resource_hub.kernel.time import NaiveTime, instant

# Sentences of marshmallow and webargs that reach readers; translated when an answer is made.
MESSAGES = {
    "Missing data for required field.": N_("Missing data for required field."),
    "Field may not be null.": N_("Field may not be null."),
    "Unknown field.": N_("Unknown field."),
    "Not a valid string.": N_("Not a valid string."),
    "Not a valid integer.": N_("Not a valid integer."),
    "Not a valid boolean.": N_("Not a valid boolean."),
    "Not a valid date.": N_("Not a valid date."),
    "Not a valid list.": N_("Not a valid list."),
    "Not a valid UUID.": N_("Not a valid UUID."),
    "Not a valid mapping type.": N_("Not a valid mapping type."),
    "Invalid input type.": N_("Invalid input type."),
    "Invalid JSON body.": N_("The body is not JSON."),
    "Not a valid amount.": N_("Write an amount with at most two decimals, such as 300 or 12.50."),
    "There are invisible control characters in this text.": N_(
        "There are invisible control characters in this text."
    ),
    "Not a valid moment.": N_("Write a moment with its offset, such as 2026-03-05T09:00:00+08:00."),
}


def translated(message: str) -> str:
    """A message of marshmallow in the reader's language, where we know it."""
    known = MESSAGES.get(message)
    return gettext(known) if known else message


class MoneyString(ma.fields.Field):
    """An amount as text in major units, ``"12.50"``; the currency stands beside it or is the field's own.

    Never a JSON number: a float would lose fen.
    """

    default_error_messages = {"invalid": "Not a valid amount."}

    def __init__(self, *, currency: str = "CNY", **kwargs: typing.Any) -> None:
        kwargs["metadata"] = {"example": "12.50", **(kwargs.get("metadata") or {})}
        super().__init__(**kwargs)
        self.currency = currency

    def _serialize(
        self, value: typing.Any, attr: str | None, obj: typing.Any, **kwargs: typing.Any
    ) -> str | None:
        return None if value is None else f"{value.amount:f}"

    def _deserialize(
        self, value: typing.Any, attr: str | None, data: typing.Any, **kwargs: typing.Any
    ) -> Money:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            amount = Money.of(value.strip(), self.currency)
        except MoneyError:
            raise self.make_error("invalid") from None
        if abs(amount.minor) > 10**15:
            raise self.make_error("invalid")
        return amount


class Moment(ma.fields.Field):
    """An instant with its offset (RFC 3339). Naive times are refused, not guessed; answers are in UTC."""

    default_error_messages = {"invalid": "Not a valid moment."}
    # A little more than a lifetime to either side; sums with periods stay inside the calendar.
    years = range(1900, 2200)

    def _serialize(
        self, value: typing.Any, attr: str | None, obj: typing.Any, **kwargs: typing.Any
    ) -> str | None:
        return None if value is None else instant(value).isoformat().replace("+00:00", "Z")

    def _deserialize(
        self, value: typing.Any, attr: str | None, data: typing.Any, **kwargs: typing.Any
    ) -> datetime:
        if not isinstance(value, str) or "T" not in value.upper():
            raise self.make_error("invalid")
        try:
            found = instant(datetime.fromisoformat(value))
        except NaiveTime:
            raise ma.ValidationError([Reason("moment.naive", {"text": value})]) from None  # type: ignore[list-item]
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None
        if found.year not in self.years:
            raise self.make_error("invalid")
        return found


class Text(ma.fields.String):
    """Text without control characters other than tab and line breaks, which no database and no feed could keep."""

    default_error_messages = {"control": "There are invisible control characters in this text."}
    _FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

    def _deserialize(
        self, value: typing.Any, attr: str | None, data: typing.Any, **kwargs: typing.Any
    ) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if self._FORBIDDEN.search(text):
            raise self.make_error("control")
        return text


class Identifier(ma.fields.UUID):
    """An id of ours."""


class Ratio(ma.fields.Field):
    """An exact ratio as decimal text, ``"0.40"``."""

    default_error_messages = {"invalid": "Not a valid amount."}

    def _serialize(
        self, value: typing.Any, attr: str | None, obj: typing.Any, **kwargs: typing.Any
    ) -> str | None:
        return None if value is None else f"{Decimal(value):f}"


# (field, JSON schema type, format) for flask-smorest's register_field.
OPENAPI_FIELDS = (
    (MoneyString, "string", "decimal"),
    (Moment, "string", "date-time"),
    (Ratio, "string", "decimal"),
)
