"""What a connection keeps from one request to the next, and what becomes of it when the server drops it."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from resource_hub.domain.availability.tables import Occupancy
from resource_hub.infra import database as connections
from resource_hub.infra import partitions
from resource_hub.infra.clock import machine_now
from resource_hub.infra.database import db, reading, streamed
from resource_hub.infra.ids import new_id
from resource_hub.infra.tables import Setting
from resource_hub.infra.unit_of_work import unit_of_work
from tests.support.databases import Database


@pytest.fixture
def on_postgresql(core, engine_name: str) -> None:  # type: ignore[no-untyped-def]
    if engine_name != "postgresql":
        pytest.skip("PostgreSQL alone prepares, cuts tables and has connections to lose")


def test_what_the_driver_has_prepared_outlives_a_request(on_postgresql: None) -> None:
    db.engine.dispose()  # what tests before this one have had prepared
    for _ in range(8):
        assert reading().scalar(sa.select(Setting.name).where(Setting.name == "none")) is None
        db.session.remove()
    prepared = reading().scalar(
        sa.text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM setting%'")
    )
    assert prepared == 1


def test_reading_leaves_no_transaction_open(on_postgresql: None) -> None:
    reading().scalar(sa.select(Setting.name).limit(1))
    state = reading().scalar(sa.text("SELECT state FROM pg_stat_activity WHERE pid = pg_backend_pid()"))
    assert state == "active"
    with db.engine.connect() as other:
        idle = other.scalar(
            sa.text(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
        )
    assert idle == 0


def test_a_long_answer_is_one_answer(core) -> None:  # type: ignore[no-untyped-def]
    names = [f"t.{n:03d}" for n in range(300)]
    with unit_of_work() as unit:
        unit.session.add_all(Setting(name=name, value=1, changed_at=machine_now()) for name in names)
    query = sa.select(Setting.name).where(Setting.name.like("t.%")).order_by(Setting.name)
    rows = streamed(query, 50)
    found = [next(rows)[0]]
    with unit_of_work() as unit:
        unit.session.execute(sa.delete(Setting).where(Setting.name == names[-1]))
    found += [name for (name,) in rows]
    assert found == names, "as they were when the first was asked for"
    assert [name for (name,) in streamed(query, 50)] == names[:-1]


def _drop_the_connection(where: Database) -> None:
    pid = reading().scalar(sa.text("SELECT pg_backend_pid()"))
    db.session.remove()
    assert where.server is not None
    with where.server.connect(where.name) as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def test_a_connection_that_was_idle_is_asked_whether_it_is_still_there(
    on_postgresql: None, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_FRESH", 0)
    _drop_the_connection(database)
    for _ in range(3):
        assert reading().scalar(sa.select(sa.literal(1))) == 1
        db.session.remove()


def test_after_one_that_is_lost_the_others_are_made_anew(on_postgresql: None, database: Database) -> None:
    _drop_the_connection(database)
    failed = 0
    for _ in range(4):
        try:
            assert reading().scalar(sa.select(sa.literal(1))) == 1
        except OperationalError:
            failed += 1
        finally:
            db.session.remove()
    assert failed <= 1


def test_every_host_is_where_the_database_puts_it(core, engine_name: str) -> None:  # type: ignore[no-untyped-def]
    hosts: list[UUID] = [new_id() for _ in range(40)]
    with unit_of_work() as unit:
        connection = unit.session.connection()
        found = {host: partitions.partition_of(connection, host) for host in hosts}
        if engine_name != "postgresql":
            assert set(found.values()) == {None}
            assert partitions.part(Occupancy.__table__, None) is Occupancy.__table__
            return
        said = {
            host: connection.scalar(
                sa.text(
                    "SELECT n FROM generate_series(0, 7) AS n"
                    " WHERE satisfies_hash_partition('booking'::regclass, 8, n, CAST(:host AS uuid))"
                ),
                {"host": host},
            )
            for host in hosts
        }
    assert found == said
    assert len(set(found.values())) > 1
    assert partitions.part_name(Occupancy.__table__, 3) == "occupancy_p3"
    assert partitions.part_name(Setting.__table__, 3) == "setting"
