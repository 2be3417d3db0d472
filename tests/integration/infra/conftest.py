from __future__ import annotations

from pathlib import Path

import pytest

import config
from resource_hub.app import create_app


@pytest.fixture
def core(database, tmp_path: Path):
    """The application without pages, its context pushed."""
    app = create_app(config.Settings(database.url, tmp_path, secret_key="test", testing=True), web=False)
    with app.app_context():
        yield app
        from resource_hub.infra.database import db

        db.session.remove()
        db.engine.dispose()
