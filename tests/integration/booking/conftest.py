"""Services need no pages: the application without them starts faster."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask

from resource_hub.infra import clock
from tests.builders.availability import moment
from tests.support.application import application
from tests.support.databases import Database

NOW = moment("2026-03-02T08:00+08:00")


@pytest.fixture
def in_app(database: Database, tmp_path: Path) -> Iterator[Flask]:
    with application(database, tmp_path, web=False) as made, made.app_context():
        yield made


@pytest.fixture
def now(in_app: Flask) -> Iterator[datetime]:
    with clock.fixed(NOW):
        yield NOW
