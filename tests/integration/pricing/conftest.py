"""Services of pricing need no pages: the application without them starts faster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.support.application import application
from tests.support.databases import Database


@pytest.fixture
def in_app(database: Database, tmp_path: Path) -> Iterator[Flask]:
    with application(database, tmp_path, web=False) as made, made.app_context():
        yield made
