"""Services need no pages: the application without them starts faster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from resource_hub.infra import clock
from tests.builders.money import NOW, MoneyScene, make_money_scene
from tests.support.application import application
from tests.support.databases import Database


@pytest.fixture
def in_app(database: Database, tmp_path: Path) -> Iterator[Flask]:
    with application(database, tmp_path, web=False) as made, made.app_context():
        yield made


@pytest.fixture
def scene(in_app: Flask) -> MoneyScene:
    with clock.fixed(NOW):
        return make_money_scene()
