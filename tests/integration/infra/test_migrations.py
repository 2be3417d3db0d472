"""Every revision goes up, down and up again on both engines, and ends where the mapped classes are."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from migrations import guards
from resource_hub.domain.availability.rules import document as documents
from resource_hub.domain.availability.tables import HouseRules
from resource_hub.domain.availability.terms import HouseDocument
from resource_hub.domain.booking.after_tables import Rating
from resource_hub.domain.notices.tables import Notice
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


def test_old_notices_keep_their_key_and_old_words_of_ratings_end(blank_database):
    """Written before they had a key of their own and an end: both come from what stands beside them."""
    url, role = blank_database.owner_url, blank_database.app_role
    schema.upgrade(url, role, "0024")
    schema.load_tables()
    person, rated, both, plain = (uuid4() for _ in range(4))
    given = datetime(2026, 3, 3, 4, tzinfo=UTC)
    closes, shown = given + timedelta(days=13), given + timedelta(days=2)
    engine = schema.owner_engine(url)

    def notice(kind, link, **values):
        return {
            "id": uuid4(), "person_id": person, "kind": kind, "values": {"number": "B26", **values},
            "link": link, "created_at": given,
        }  # fmt: skip

    def rating(booking_id, side, revealed_at):
        return {
            "institution_id": uuid4(), "id": uuid4(), "booking_id": booking_id, "resource_id": uuid4(),
            "side": side, "stars": 4, "aspects": {}, "words": "", "given_by": person, "given_at": given,
            "closes_at": closes, "revealed_at": revealed_at, "answer": "", "report": "", "hidden": False,
            "decision": "", "version": 1,
        }  # fmt: skip

    page = "/hosts/ustc/bookings/"
    notices = [
        notice("booking.rating_given", f"{page}{rated}", _key="event-1"),
        notice("booking.rating_given", f"{page}{both}", _key="event-2"),
        notice("booking.approved", f"{page}{plain}", _key="event-3"),
        notice("booking.message", f"{page}{plain}"),
    ]
    old = sa.Table("notice", sa.MetaData(), *[c._copy() for c in Notice.__table__.columns if c.name != "key"])
    # Rows by themselves, without what they refer to: SQLite asks for it where told to only.
    with sa.create_engine(schema.normal_url(url)).begin() as connection:
        if connection.dialect.name == "postgresql":
            references = """SELECT conrelid::regclass, conname FROM pg_constraint
                            WHERE contype = 'f' AND conparentid = 0 AND conrelid::regclass::text ~ '^(notice|rating)'"""
            for table, name in connection.execute(sa.text(references)).all():
                connection.execute(sa.text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        connection.execute(sa.insert(old), notices)
        ratings = [rating(rated, "host", None), *(rating(both, side, shown) for side in ("host", "customer"))]
        connection.execute(sa.insert(Rating), ratings)
    schema.upgrade(url, role, "0025")
    with engine.connect() as connection:
        found = {row.id: row for row in connection.execute(sa.select(Notice.__table__))}
    after = [found[one["id"]] for one in notices]
    assert [row.key for row in after] == ["event-1", "event-2", "event-3", None]
    assert [row.until for row in after] == [closes, shown, None, None]
    assert [row.link for row in after] == [
        f"{page}{rated}#ratings", f"{page}{both}#ratings", f"{page}{plain}", f"{page}{plain}",
    ]  # fmt: skip
    assert [row.values for row in after] == [{"number": "B26"}] * 4
    schema.downgrade(url, "0024", role)
    with engine.connect() as connection:
        kept = {row.id: row.values for row in connection.execute(sa.select(old.c.id, old.c["values"]))}
    assert [kept[one["id"]].get("_key") for one in notices] == ["event-1", "event-2", "event-3", None]
    engine.dispose()


def test_which_old_house_rules_a_search_holds_windows_against(blank_database):
    url, role = blank_database.owner_url, blank_database.app_role
    schema.upgrade(url, role, "0034")
    schema.load_tables()
    written = [
        {}, {"step": 1440, "least": 1440}, {"step": 60}, {"lead_days": 2}, {"lead_days": 0}, {"lead": {}},
        {"lead": {"all": 0}}, {"lead": {"all": 180}}, {"lead": {"all": 0, "send_in": 5}}, documents.write(HouseDocument()),
        documents.write(HouseDocument(lead={"self_use": 60})), documents.write(HouseDocument(lead_days=1)),
    ]  # fmt: skip
    old = sa.Table(
        "house_rules", sa.MetaData(), *[c._copy() for c in HouseRules.__table__.columns if c.name != "binds"]
    )
    rows = [
        {
            "institution_id": uuid4(), "id": uuid4(), "resource_id": uuid4(), "number": n, "since": date(2026, 3, 2),
            "document": document, "note": "", "created_by": None, "created_at": datetime(2026, 3, 2, tzinfo=UTC),
        }
        for n, document in enumerate(written)
    ]  # fmt: skip
    with sa.create_engine(schema.normal_url(url)).begin() as connection:
        if connection.dialect.name == "postgresql":
            for name in ("fk_house_rules_resource_id", "fk_house_rules_institution_id"):
                connection.execute(sa.text(f"ALTER TABLE house_rules DROP CONSTRAINT {name}"))
        connection.execute(sa.insert(old), rows)
    schema.upgrade(url, role, "0035")
    engine = schema.owner_engine(url)
    with engine.connect() as connection:
        found = connection.scalars(sa.select(HouseRules.binds).order_by(HouseRules.number)).all()
    engine.dispose()
    assert found == [documents.read(document).binds for document in written]
    assert sum(found) == 6


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


def test_a_booking_is_found_by_its_whole_key_before_postgresql_has_counted_any(database):
    """The server keeps the plan by which it checks a reference, and makes it when the first row is written."""
    if database.engine_name != "postgresql":
        pytest.skip("SQLite makes no plan by what it has counted since")
    with database.engine(owner=True) as engine, engine.connect() as connection:
        for table in (f"booking_p{n}" for n in range(guards.PARTITIONS)):
            plan = connection.exec_driver_sql(
                "EXPLAIN (GENERIC_PLAN, FORMAT JSON)"  # as the server asks it of itself
                f" SELECT 1 FROM ONLY {table} x WHERE institution_id = $1 AND id = $2 FOR KEY SHARE OF x"
            ).scalar_one()
            (scan,) = plan[0]["Plan"]["Plans"]
            assert scan["Index Name"] == f"{table}_pkey", scan
            assert "Filter" not in scan


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
