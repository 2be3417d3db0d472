"""The whole application on a test's own database, in this process or in processes of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask

import config
from resource_hub.app import create_app
from resource_hub.infra.database import db
from tests.support.databases import Database

SECRET = "a key for tests only, never one of an installation"


def settings(database: Database, instance: Path, **changes: Any) -> config.Settings:
    """Settings for a test; `instance` is the folder for files, keys and mail."""
    values: dict[str, Any] = {
        "database_url": database.url,
        "migration_url": database.owner_url,
        "app_role": database.app_role,
        "instance_dir": instance,
        "secret_key": SECRET,
        "base_url": "http://127.0.0.1",
        "testing": True,
        **changes,
    }
    return config.Settings(**values)


@contextlib.contextmanager
def application(database: Database, instance: Path, *, web: bool = True, **changes: Any) -> Iterator[Flask]:
    """The application, its connections closed afterwards."""
    app = create_app(settings(database, instance, **changes), web=web)
    try:
        yield app
    finally:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def environment(database: Database, instance: Path, **more: str) -> dict[str, str]:
    """The same settings for a process of its own: a web server, a scheduler, the command line."""
    return {
        **os.environ,
        "RESOURCE_HUB_DATABASE_URL": database.url,
        "RESOURCE_HUB_MIGRATION_URL": database.owner_url,
        "RESOURCE_HUB_APP_ROLE": database.app_role,
        "RESOURCE_HUB_INSTANCE": str(instance),
        "RESOURCE_HUB_SECRET_KEY": SECRET,
        "PYTHONPATH": str(config.ROOT),
        **more,
    }
