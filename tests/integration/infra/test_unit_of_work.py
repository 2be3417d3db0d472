"""Who commits, who may not write, what the database refuses by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from resource_hub.domain.accounts.tables import Organisation
from resource_hub.domain.availability.tables import Occupancy
from resource_hub.domain.catalogue.tables import Resource, Unit
from resource_hub.infra import clock, schema
from resource_hub.infra.database import Base, WriteOutsideUnit, reading
from resource_hub.infra.ids import derived_id, new_id
from resource_hub.infra.tables import AuditEntry, DemoState, Setting
from resource_hub.infra.unit_of_work import unit_of_work

NINE = datetime(2026, 3, 2, 1, tzinfo=UTC)


def organisation(unit, code: str, kind: str = "institution"):
    row = Organisation(id=new_id(), kind=kind, code=code, name_zh=code, state="active", created_at=unit.now)
    unit.session.add(row)
    unit.session.flush()
    return row.id


def resource_with_unit(unit, institution_id, code="sem"):
    resource = Resource(
        institution_id=institution_id, id=new_id(), code=code, kind="instrument", name_zh="电镜",
        state="public", created_at=unit.now, changed_at=unit.now,
    )  # fmt: skip
    unit.session.add(resource)
    unit.session.flush()
    lane = Unit(institution_id=institution_id, id=new_id(), resource_id=resource.id, code=f"{code}-1")
    unit.session.add(lane)
    unit.session.flush()
    return resource.id, lane.id


def occupancy(institution_id, resource_id, unit_id, start, end):
    return Occupancy(
        institution_id=institution_id, id=new_id(), resource_id=resource_id, unit_id=unit_id,
        starts_at=start, ends_at=end, kind="booking", holder_id=new_id(),
    )  # fmt: skip


def test_the_outer_unit_commits_and_a_failure_rolls_all_back(core):
    with pytest.raises(RuntimeError), unit_of_work() as outer:
        organisation(outer, "a")
        with unit_of_work() as inner:
            assert inner is outer
            organisation(inner, "b")
        raise RuntimeError
    assert reading().scalar(sa.select(sa.func.count()).select_from(Organisation)) == 0


def test_the_read_session_refuses_to_write(core):
    reading().add(
        Organisation(id=new_id(), kind="firm", code="x", name_zh="x", state="active", created_at=NINE)
    )
    with pytest.raises(WriteOutsideUnit):
        reading().flush()
    reading().rollback()
    with pytest.raises(WriteOutsideUnit):
        reading().execute(sa.delete(Organisation))


def test_instants_ids_and_json_read_back_as_written(core):
    with unit_of_work() as unit:
        key = organisation(unit, "a")
    row = reading().get(Organisation, key)
    assert row.id == key and row.created_at.tzinfo is not None
    assert abs(row.created_at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("start", "end", "free"),
    [
        (-60, 0, True), (60, 120, True), (-60, 1, False), (59, 120, False),
        (10, 20, False), (-10, 70, False), (0, 60, False),
    ],
)  # fmt: skip
def test_overlaps_are_refused_by_the_database(core, start, end, free):
    with unit_of_work() as unit:
        host = organisation(unit, "h")
        resource, lane = resource_with_unit(unit, host)
        unit.session.add(occupancy(host, resource, lane, NINE, NINE + timedelta(minutes=60)))

    def add():
        with unit_of_work() as unit:
            unit.session.add(
                occupancy(
                    host, resource, lane, NINE + timedelta(minutes=start), NINE + timedelta(minutes=end)
                )
            )

    if free:
        add()
    else:
        with pytest.raises(DBAPIError, match="ex_occupancy_overlap|occupancy_p"):
            add()


def test_moving_into_another_occupancy_is_refused(core):
    with unit_of_work() as unit:
        host = organisation(unit, "h")
        resource, lane = resource_with_unit(unit, host)
        first = occupancy(host, resource, lane, NINE, NINE + timedelta(hours=1))
        second = occupancy(host, resource, lane, NINE + timedelta(hours=1), NINE + timedelta(hours=2))
        unit.session.add_all([first, second])
    with pytest.raises(DBAPIError), unit_of_work() as unit:
        unit.session.execute(
            sa.update(Occupancy)
            .where(Occupancy.id == second.id)
            .values(starts_at=NINE + timedelta(minutes=59))
        )


def test_a_row_that_mixes_two_hosts_is_refused(core):
    with unit_of_work() as unit:
        one, two = organisation(unit, "one"), organisation(unit, "two")
        resource, _ = resource_with_unit(unit, one)
    with pytest.raises(IntegrityError), unit_of_work() as unit:
        unit.session.add(Unit(institution_id=two, id=new_id(), resource_id=resource, code="stray"))


def test_append_only_rows_stay(core, database):
    with unit_of_work() as unit:
        host = organisation(unit, "h")
        unit.audit("organisation.created", host, f"organisation:{host}", {"code": "h"})
    for statement in (
        sa.update(AuditEntry).values(action="other"),
        sa.delete(AuditEntry),
    ):
        with pytest.raises(DBAPIError, match="append_only|permission denied"), unit_of_work() as unit:
            unit.session.execute(statement)
    # The owner of the tables is refused as well, by the trigger.
    engine = schema.owner_engine(database.owner_url)
    statements = ["UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"]
    if database.engine_name == "postgresql":
        statements.append("TRUNCATE audit_entry")
    for text in statements:
        with pytest.raises(DBAPIError, match="append_only"), engine.begin() as connection:
            connection.execute(sa.text(text))
    engine.dispose()
    if database.engine_name == "sqlite":
        with pytest.raises(DBAPIError, match="append_only"), unit_of_work() as unit:
            unit.session.execute(sa.text("INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry"))
    assert reading().scalar(sa.select(sa.func.count()).select_from(AuditEntry)) == 1


def test_every_promised_guard_exists(core, database):
    guards = schema.guards()
    tables = set(Base.metadata.tables)
    assert set(guards.APPEND_ONLY) <= tables
    partitioned = {
        name
        for name, table in Base.metadata.tables.items()
        if table.dialect_options["postgresql"]["partition_by"]
    }
    assert partitioned == set(guards.PARTITIONED)
    engine = schema.owner_engine(database.owner_url)
    with engine.connect() as connection:
        if database.engine_name == "postgresql":
            found = set(connection.scalars(sa.text("SELECT DISTINCT tgname FROM pg_trigger")))
            expected = {f"tr_{table}_append_only" for table in guards.APPEND_ONLY}
            assert connection.scalar(
                sa.text("SELECT count(*) FROM pg_constraint WHERE contype = 'x' AND conparentid = 0")
            )
            owned = connection.scalar(
                sa.text(
                    "SELECT count(*) FROM pg_tables WHERE tableowner = 'rh_app' AND schemaname = 'public'"
                )
            )
            assert owned == 0
        else:
            found = set(connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))
            expected = {
                f"tr_{table}_no_{event}" for table in guards.APPEND_ONLY for event in ("update", "delete")
            }
            expected |= {"tr_occupancy_overlap_insert", "tr_occupancy_overlap_update"}
        assert expected <= found
    engine.dispose()


def test_time_of_a_real_database_cannot_be_moved(core):
    with pytest.raises(clock.NotADemonstration), unit_of_work() as unit:
        clock.advance(unit.session, datetime.now(UTC) + timedelta(days=1))


def test_time_of_a_demonstration_only_goes_forward(core):
    with unit_of_work() as unit:
        unit.session.add(DemoState(id=1, offset_seconds=0))
    core.extensions["resource_hub_demonstration"] = True
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with unit_of_work() as unit:
        clock.advance(unit.session, tomorrow)
    assert abs(clock.now() - tomorrow) < timedelta(seconds=5)
    with unit_of_work() as unit:
        clock.advance(unit.session, tomorrow - timedelta(hours=5))
    assert abs(clock.now() - tomorrow) < timedelta(seconds=5)


def test_asking_the_time_of_a_demonstration_writes_nothing(core):
    with unit_of_work() as unit:
        unit.session.add(DemoState(id=1, offset_seconds=0))
    core.extensions["resource_hub_demonstration"] = True
    with unit_of_work() as unit:
        half_made = Setting(name="half-made", value=1)
        unit.session.add(half_made)
        half_made.changed_at = unit.now


def test_derived_ids_repeat_and_new_ones_grow():
    assert derived_id(NINE, "a", 1) == derived_id(NINE, "a", 1) != derived_id(NINE, "a", 2)
    assert derived_id(NINE, "ab", "c") != derived_id(NINE, "a", "bc")
    made = [new_id() for _ in range(5000)]
    assert made == sorted(made) and len(set(made)) == 5000
    assert {key.version for key in made} == {7}
