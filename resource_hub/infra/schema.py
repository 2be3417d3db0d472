"""Creating and upgrading the schema, as the role that owns the tables."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.pool import NullPool

from resource_hub.infra.database import Base, prepare_engine, writing_engine

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def owner_engine(url: str) -> Engine:
    """An engine for schema work: no pool, and on SQLite transactions that begin IMMEDIATE."""
    engine = create_engine(normal_url(url), poolclass=NullPool)
    prepare_engine(engine)
    return writing_engine(engine)


def normal_url(url: str) -> str:
    """PostgreSQL addresses go through psycopg, however they are spelled."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def guards() -> ModuleType:
    """What the database holds beyond columns: migrations/guards.py."""
    from migrations import guards as module

    return module


def load_tables() -> None:
    """Import every mapped class, so that the metadata is whole."""
    import resource_hub.domain.accounts.tables
    import resource_hub.domain.assessment.tables
    import resource_hub.domain.availability.tables
    import resource_hub.domain.billing.tables
    import resource_hub.domain.booking.tables
    import resource_hub.domain.catalogue.tables
    import resource_hub.domain.notices.tables
    import resource_hub.domain.pricing.tables
    import resource_hub.domain.subsidy.tables
    import resource_hub.domain.usage.tables
    import resource_hub.infra.tables  # noqa: F401


def upgrade(url: str, app_role: str = "", revision: str = "head") -> None:
    """Run the migrations up to ``revision``; running them again changes nothing."""
    from alembic import command

    command.upgrade(alembic_config(url, app_role), revision)


def downgrade(url: str, revision: str, app_role: str = "") -> None:
    from alembic import command

    command.downgrade(alembic_config(url, app_role), revision)


def alembic_config(url: str, app_role: str = ""):  # type: ignore[no-untyped-def]
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    config.attributes["app_role"] = app_role
    return config


def create(url: str, app_role: str = "") -> None:
    """The whole schema at once from the mapped classes. For trying out a change before its migration is written."""
    load_tables()
    engine = owner_engine(url)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS btree_gist")
        Base.metadata.create_all(connection)
        guards().install(connection, app_role or None)
    engine.dispose()


def is_current(url: str) -> bool:
    """Whether the database stands at the newest revision."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    engine = owner_engine(url)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return False
            current = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    return current == ScriptDirectory(str(MIGRATIONS)).get_current_head()
