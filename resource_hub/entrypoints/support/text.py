"""Marks for texts that are translated later: in tables of sentences and words, where no reader is known yet.

``N_("text")`` marks one text, ``NP_("context", "text")`` one whose meaning needs a context ("open" the state, not the
deed), ``NN_("%(n)s day", "%(n)s days", "n")`` one with a plural that follows the value named last.
``tools/messages.py`` finds all three; ``translate`` turns each into the reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask_babel import gettext, ngettext, pgettext

CONTEXT = "\x04"


class Plural(NamedTuple):
    """A text with an English plural; ``by`` names the value that decides."""

    one: str
    many: str
    by: str


Text = str | Plural


def N_(message: str) -> str:
    return message


def NP_(context: str, message: str) -> str:
    return f"{context}{CONTEXT}{message}"


def NN_(one: str, many: str, by: str) -> Plural:
    return Plural(one, many, by)


def translate(text: Text, values: Mapping[str, Any] | None = None) -> str:
    """The text in the reader's language, not yet filled in; ``values`` decide between singular and plural."""
    if isinstance(text, Plural):
        count = (values or {}).get(text.by, 0)
        # Without keyword values flask-babel still formats; hand the placeholders through unchanged.
        from flask_babel import get_translations

        return get_translations().ungettext(text.one, text.many, count if isinstance(count, int) else 0)
    if not text:
        return ""
    if CONTEXT in text:
        context, message = text.split(CONTEXT, 1)
        return pgettext(context, message)
    return gettext(text)


__all__ = ["NN_", "NP_", "N_", "Plural", "Text", "gettext", "ngettext", "pgettext", "translate"]
