"""Words for stored values, one module per area: ``WORDS``, keyed ``capability.thing.value``.

``word("booking.state", "approved")`` looks up ``booking.state.approved``. A value without a word is shown as stored
and counted in tests, so that it is found before a reader finds it.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from flask import current_app, g, has_app_context

from resource_hub.entrypoints.support.registry import merged
from resource_hub.entrypoints.support.text import Text, translate


@functools.cache
def table() -> dict[str, Text]:
    return merged(sys.modules[__name__], "WORDS")


def word(scope: str, value: Any) -> str:
    """The word for a stored value in the reader's language. Enum members are taken by their value; None is empty."""
    if value is None:
        return ""
    value = getattr(value, "value", value)
    key = f"{scope}.{str(value).lower() if isinstance(value, bool) else value}"
    text = table().get(key)
    if text is None:
        if has_app_context() and (current_app.testing or current_app.debug):
            g.setdefault("untranslated", []).append(f"word {key}")
        return str(value).replace("_", " ")
    return translate(text)
