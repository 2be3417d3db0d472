"""Unit tests are for what decides and counts; a fence keeps the database out, so that they stay quick and pure."""

from __future__ import annotations

import sqlite3
from typing import Any, NoReturn

import psycopg
import pytest

WHY = "Unit tests do not touch the database: move this test to tests/integration."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = __file__.rpartition("conftest.py")[0]
    for item in items:
        if str(item.path).startswith(here) and "engine_name" in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(f"{item.nodeid}: {WHY}")


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError(WHY)

    monkeypatch.setattr(sqlite3, "connect", refuse)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", refuse)
    monkeypatch.setattr(psycopg, "connect", refuse)
    monkeypatch.setattr(psycopg.Connection, "connect", refuse)
