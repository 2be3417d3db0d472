"""Every revision goes up, down and up again on both engines, and ends where the mapped classes are."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from migrations import guards
from resource_hub.domain.usage.tables import EvidencePrivate
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


def references_between_partitioned() -> list[sa.ForeignKeyConstraint]:
    schema.load_tables()
    return [
        reference
        for table in Base.metadata.sorted_tables
        for reference in table.foreign_key_constraints
        if {table.name, reference.referred_table.name} <= set(guards.PARTITIONED)
    ]


def test_references_between_partitioned_tables_stand_between_their_partitions(database):
    parts = range(guards.PARTITIONS) if database.engine_name == "postgresql" else [None]
    references = references_between_partitioned()
    assert len(references) >= 10
    with database.engine(owner=True) as engine:
        inspector = sa.inspect(engine)
        for reference in references:
            for n in parts:
                ending = "" if n is None else f"_p{n}"
                found = {
                    (tuple(key["constrained_columns"]), key["referred_table"], tuple(key["referred_columns"]))
                    for key in inspector.get_foreign_keys(reference.table.name + ending)
                }
                assert (
                    tuple(reference.column_keys),
                    reference.referred_table.name + ending,
                    tuple(element.column.name for element in reference.elements),
                ) in found, reference.name


def test_a_row_that_refers_to_nothing_is_refused_in_every_partition(database):
    """Private parts of evidence that does not exist, at enough institutions to meet every partition."""
    met = set()
    engine = schema.owner_engine(database.owner_url)
    with engine.connect() as connection:
        for _ in range(60):
            values = {"institution_id": uuid4(), "evidence_id": uuid4(), "salt": b"", "details": {}}
            with pytest.raises(sa.exc.IntegrityError) as refused:
                connection.execute(sa.insert(EvidencePrivate).values(values))
                connection.commit()
            part = re.search(r'"evidence_private_p(\d)"', str(refused.value))
            met.add(part and part[1])
            connection.rollback()
    engine.dispose()
    assert met == (
        {str(n) for n in range(guards.PARTITIONS)} if database.engine_name == "postgresql" else {None}
    )


def test_running_the_upgrade_again_changes_nothing(database):
    assert schema.is_current(database.owner_url)
    schema.upgrade(database.owner_url, database.app_role)
    assert schema.is_current(database.owner_url)
