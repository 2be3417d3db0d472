"""A template compiled for one reader speaks to the next one in the language of that one."""

from __future__ import annotations

import pytest
from flask import Flask, session


@pytest.mark.parametrize("first", ["zh", "en"])
def test_a_word_on_a_constant_is_each_readers_own(app: Flask, first: str) -> None:
    template = app.jinja_env.from_string(
        "{{ 'taken'|word('availability.look') }} {{ ['taken']|map('word', 'availability.look')|join }}"
    )
    found = {}
    for language in (first, "en" if first == "zh" else "zh"):
        with app.test_request_context("/"):
            session["language"] = language
            found[language] = template.render()
    assert found == {"zh": "已占 已占", "en": "taken taken"}
