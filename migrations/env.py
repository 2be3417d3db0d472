"""Alembic's environment: one database, migrations as the role that owns the tables."""

from __future__ import annotations

from alembic import context

from migrations import guards
from migrations.env_filter import include_object
from resource_hub.infra import schema
from resource_hub.infra.database import Base

config = context.config
schema.load_tables()


def run() -> None:
    url = config.attributes.get("url")
    if url is None:
        from config import from_environment

        settings = from_environment()
        url = settings.migration_url or settings.database_url
        config.attributes["app_role"] = settings.app_role
    engine = schema.owner_engine(url)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include_object,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        if connection.in_transaction():
            connection.commit()
        # Rights belong to an installation, not to a revision: renewed after every run.
        with connection.begin():
            guards.install(connection, config.attributes.get("app_role") or None)
    engine.dispose()


run()
