"""Every revision goes up, down and up again on both engines, and ends where the mapped classes are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from resource_hub.infra import schema
from resource_hub.infra.database import Base


def guard_names(connection) -> set[str]:
    if connection.dialect.name == "postgresql":
        triggers = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        constraints = "SELECT conname FROM pg_constraint WHERE contype = 'x'"
        return set(connection.scalars(sa.text(triggers))) | set(connection.scalars(sa.text(constraints)))
    return set(connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))


def tables(connection) -> set[str]:
    return {name for name in sa.inspect(connection).get_table_names() if name != "alembic_version"}


def test_up_down_up(blank_database):
    url, role = blank_database.owner_url, blank_database.app_role
    revisions = [r.revision for r in ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions()][::-1]
    engine = schema.owner_engine(url)
    seen = {}
    for revision in revisions:
        schema.upgrade(url, role, revision)
        with engine.connect() as connection:
            seen[revision] = (tables(connection), guard_names(connection))
    for revision, before in zip(reversed(revisions), [*reversed(revisions[:-1]), "base"], strict=True):
        schema.downgrade(url, before, role)
        with engine.connect() as connection:
            if before == "base":
                assert not tables(connection), f"{revision} leaves tables behind"
            else:
                assert (tables(connection), guard_names(connection)) == seen[before], revision
    schema.upgrade(url, role)
    with engine.connect() as connection:
        assert (tables(connection), guard_names(connection)) == seen[revisions[-1]]
    engine.dispose()
    assert schema.is_current(url)


def test_revisions_and_mapped_classes_agree(database):
    from migrations import env_filter

    schema.load_tables()
    engine = schema.owner_engine(database.owner_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": env_filter.include_object, "compare_type": False}
        )
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_running_the_upgrade_again_changes_nothing(database):
    assert schema.is_current(database.owner_url)
    schema.upgrade(database.owner_url, database.app_role)
    assert schema.is_current(database.owner_url)
