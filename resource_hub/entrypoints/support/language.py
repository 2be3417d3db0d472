"""Which language an answer is in, and the catalogue behind it.

Source texts are English; the only catalogue is Chinese, so both are always offered. The order of choice: what the
person switched to in this browser, the person's own setting, what the browser asks for, Chinese.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, has_request_context, request, session
from flask_babel import Babel, Domain, get_locale

from resource_hub.entrypoints.support import guards

LANGUAGES = ("zh", "en")
TRANSLATIONS = Path(__file__).resolve().parents[2] / "translations"
HTML_LANG = {"zh": "zh-CN", "en": "en"}


def select_locale() -> str:
    if not has_request_context():
        return str(current_app.config.get("BABEL_DEFAULT_LOCALE", "zh"))
    if guards.is_api(request.path):
        return from_browser()
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    person = guards.person()
    if person is not None and person.language in LANGUAGES:
        return str(person.language)
    return from_browser()


def from_browser() -> str:
    """The best of our languages for ``Accept-Language``. Any zh-* is Chinese: best_match alone gives zh-TW English."""
    for wanted, quality in request.accept_languages:
        base = wanted.replace("_", "-").split("-")[0].lower()
        if quality > 0 and base in LANGUAGES:
            return base
    return "zh"


class _Missing:
    """Stands behind the catalogue and notes what it did not know."""

    def _note(self, message: str) -> None:
        if has_request_context() and message:
            g.setdefault("untranslated", []).append(message)

    def gettext(self, message: str) -> str:
        self._note(message)
        return message

    ugettext = gettext

    def ngettext(self, one: str, many: str, count: int) -> str:
        self._note(one)
        return one if count == 1 else many

    ungettext = ngettext

    def pgettext(self, context: str, message: str) -> str:
        self._note(message)
        return message

    upgettext = pgettext

    def npgettext(self, context: str, one: str, many: str, count: int) -> str:
        self._note(one)
        return one if count == 1 else many

    unpgettext = npgettext


class _CountingDomain(Domain):
    """In tests: counts texts for which the Chinese catalogue has no entry."""

    def get_translations(self) -> Any:
        found = super().get_translations()
        locale = get_locale()
        if locale is not None and locale.language == "zh" and not getattr(found, "_counts", False):
            found._fallback = _Missing()
            found._counts = True
        return found


def count_untranslated(response: Response) -> Response:
    """``X-Untranslated: 2; first text | second text`` in tests, so that a page in the wrong language is found."""
    missing = g.get("untranslated") or []
    if missing:
        shown = " | ".join(dict.fromkeys(str(m) for m in missing))[:500]
        response.headers["X-Untranslated"] = f"{len(missing)}; " + shown.encode(
            "ascii", "replace"
        ).decode().replace("\n", " ").replace("\r", " ")
    return response


def install(app: Flask) -> None:
    app.config.setdefault("BABEL_DEFAULT_LOCALE", "zh")
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(TRANSLATIONS))
    babel = Babel()
    babel.init_app(app, locale_selector=select_locale)
    if app.testing or app.debug:
        babel.__dict__["domain_instance"] = _CountingDomain(domain="messages")
        app.after_request(count_untranslated)
    app.jinja_env.globals["html_lang"] = HTML_LANG
