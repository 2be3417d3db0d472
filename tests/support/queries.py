"""How many questions a page asks of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from resource_hub.infra.database import db


@contextmanager
def queries(app: Flask) -> Iterator[list[str]]:
    """The statements that are sent inside the block."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def asked(sent: list[str]) -> list[str]:
    """Those that ask for something: no beginnings of transactions."""
    return [one for one in sent if not one.startswith("BEGIN")]
