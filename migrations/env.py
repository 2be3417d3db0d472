"""Alembic's environment: one database, migrations as the role that owns the tables."""

from __future__ import annotations

from alembic import context

from resource_hub.infra import schema
from resource_hub.infra.database import Base

config = context.config
schema.load_tables()

_PARTITION = {f"{table}_p{n}" for table in schema.guards().PARTITIONED for n in range(schema.guards().PARTITIONS)}


def include_object(obj: object, name: str | None, type_: str, reflected: bool, compare_to: object) -> bool:
    """Partitions, search tables and the overlap guard are made by migrations/guards.py, not by the mapped classes."""
    if type_ == "table" and name is not None and (name in _PARTITION or name.startswith("resource_text")):
        return False
    return not (type_ == "index" and name is not None and name.startswith("ex_"))


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
            schema.guards().install(connection, config.attributes.get("app_role") or None)
    engine.dispose()


run()
