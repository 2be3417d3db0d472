"""The log: one JSON object a line, or readable lines on a terminal. It holds no personal data and no secrets.

``event`` says what happened, ``reference`` is the number that the reader of an error page can quote, ``process`` is
web, scheduler or cli. Messages of libraries go the same way. Addresses of people, telephone numbers and whatever looks
like a secret are blotted out wherever they turn up, a traceback included; ids stay, since they name nobody by
themselves.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

_ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w-])(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?![\w-])")
# Tokens and secrets of ours are at least this long; ids (with their four dashes) and references are not meant.
_SECRET = re.compile(
    r"(?<![\w-])(?!(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})(?![\w-]))"
    r"(?=[\w~-]*[0-9])(?=[\w~-]*[A-Za-z])[\w~-]{24,}"
)
_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")

# A telephone number has eleven figures, a secret more letters.
_SHORTEST = 11

# What libraries say on every beat of theirs.
_QUIET = {
    **dict.fromkeys(("alembic", "werkzeug", "fontTools"), logging.WARNING),
    # A ring that comes while the last one is still answered is left out on purpose.
    "apscheduler": logging.ERROR,
}


def scrubbed(text: str) -> str:
    """The text without addresses, telephone numbers and secrets."""
    if len(text) < _SHORTEST and "@" not in text:
        return text
    text = _PASSWORD.sub(r"\1:***@", text)
    text = _ADDRESS.sub("<address>", text)
    text = _PHONE.sub("<phone>", text)
    return _SECRET.sub("<secret>", text)


def _scrub(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in entry.items():
        entry[name] = _clean(value)
    return entry


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, dict):
        return {name: _clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def configure(
    process: str, *, level: str = "INFO", stream: TextIO | None = None, as_json: bool | None = None
) -> None:
    """Set up the log of this process; call once at its start, again is harmless.

    ``as_json`` by default unless the stream is a terminal.
    """
    stream = stream or sys.stderr
    as_json = not stream.isatty() if as_json is None else as_json
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    last: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _scrub,
        _named(process),
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty()),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(quiet)
    # The web server brings handlers of its own; its words belong into the one log.
    for name in ("gunicorn.error", "gunicorn.access", "waitress"):
        server = logging.getLogger(name)
        server.handlers.clear()
        server.propagate = True


def _named(process: str) -> Any:
    def add(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        entry["process"] = process
        return entry

    return add


def bind(**values: Any) -> None:
    """Values that every line of this request, job or command carries from now on."""
    structlog.contextvars.bind_contextvars(**values)


def forget() -> None:
    """End what ``bind`` began."""
    structlog.contextvars.clear_contextvars()
