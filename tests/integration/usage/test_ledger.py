"""The ledger on a real database: sealing, linking, roots, and every tampering named at its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from resource_hub.adapters.signing import FileSigner
from resource_hub.domain.usage import bulk, sealer
from resource_hub.domain.usage.tables import ChainLink, UnlinkedEntry, UsageEntry, UsageRollup
from resource_hub.entrypoints.cli import cli
from resource_hub.entrypoints.commands.ledger import in_words
from resource_hub.infra import batches, clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.reports import ledger
from tests.builders.usage import NINE, make_bulk_row, make_scene
from tests.support.application import environment

LATER = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@pytest.fixture
def scene(in_app):
    return make_scene()


def seal(scene, count: int = 7, size: int = 3):
    rows = [make_bulk_row(scene, n) for n in range(1, count + 1)]
    with clock.fixed(LATER):
        result = sum(bulk.import_bulk(scene.host, rows, batch_size=size), start=bulk.BulkResult())
        while sealer.link_due(2):
            pass
    return result


def verdict(scene):
    db.session.rollback()
    return list(ledger.verify(scene.host.id))[-1]


def test_history_is_sealed_linked_and_verifies(scene):
    assert seal(scene).created == 7
    found = verdict(scene)
    assert (found.holds, found.links, found.waiting) == (True, 7, 0)
    positions = reading().scalars(select(ChainLink.position).order_by(ChainLink.position)).all()
    assert positions == list(range(1, 8))


def test_one_hosts_bad_chain_holds_up_no_other(scene, monkeypatch, tmp_path):
    other = make_scene("zju")
    seal(scene)
    seal(other)
    real, signer = sealer._sign, FileSigner(tmp_path)

    def failing(host, *rest):
        if host.id == scene.host.id:
            raise RuntimeError("a chain that cannot be")
        return real(host, *rest)

    monkeypatch.setattr(sealer, "_sign", failing)
    db.session.rollback()
    with batches.counted() as failures:
        assert sealer.sign_roots(LATER + timedelta(days=1), signer) == 1
    assert "a chain that cannot be" in str(failures)
    monkeypatch.undo()
    db.session.rollback()
    assert sealer.sign_roots(LATER + timedelta(days=1), signer) == 1


def test_a_second_import_creates_nothing(scene):
    seal(scene)
    again = seal(scene)
    assert (again.created, again.unchanged) == (0, 7)
    assert verdict(scene).links == 7


def test_a_known_row_with_other_times_is_left_alone_and_said(scene):
    seal(scene, 2)
    changed = replace(make_bulk_row(scene, 1), ends_at=NINE + timedelta(hours=9))
    with clock.fixed(LATER):
        [result] = bulk.import_bulk(scene.host, [changed])
    assert result == bulk.BulkResult(0, 0, 1)


def test_rollups_equal_the_entries_and_split_at_midnight(scene):
    # 23:30 to 00:30 in Shanghai: half an hour on each day, the session on the day on which it ended.
    row = make_bulk_row(scene, starts_at=datetime(2026, 3, 5, 15, 30, tzinfo=UTC),
                        ends_at=datetime(2026, 3, 5, 16, 30, tzinfo=UTC))  # fmt: skip
    with clock.fixed(LATER):
        list(bulk.import_bulk(scene.host, [row, make_bulk_row(scene, 2)]))
    rows = reading().execute(
        select(UsageRollup.day, UsageRollup.effective_seconds, UsageRollup.sessions).order_by(UsageRollup.day)
    )
    assert [tuple(r) for r in rows] == [(date(2026, 3, 5), 1800 + 3000, 1), (date(2026, 3, 6), 1800, 1)]


def test_a_day_is_signed_once_when_it_is_over(scene, tmp_path):
    seal(scene)
    signer = FileSigner(tmp_path)
    assert sealer.sign_roots(LATER, signer) == 0
    assert sealer.sign_roots(LATER + timedelta(days=1), signer) == 1
    assert sealer.sign_roots(LATER + timedelta(days=2), signer) == 0
    [root] = sealer.roots(scene.host.id)
    assert (root.day, root.last_position) == (date(2026, 3, 10), 7)
    found = verdict(scene)
    assert (found.holds, found.roots) == (True, 1)


def back_to_the_queue(database):
    """As if what is linked had been sealed one by one and still waited for the sealer."""
    tamper(
        database,
        "INSERT INTO unlinked_entry (institution_id, kind, entry_id, digest, sealing_day)"
        " SELECT institution_id, kind, entry_id, entry_digest, sealing_day FROM chain_link",
        None,
    )
    tamper(database, "DELETE FROM chain_link", None)
    tamper(database, "UPDATE chain_head SET position = 0", None)


def test_a_row_that_waits_for_the_sealer_holds_back_the_root(scene, database, tmp_path):
    seal(scene, 2)
    back_to_the_queue(database)
    with clock.fixed(LATER):
        sealer.link_batch(scene.host.id, "usage", 1)
    assert sealer.sign_roots(LATER + timedelta(days=1), FileSigner(tmp_path)) == 0
    assert verdict(scene).waiting == 1


@pytest.mark.parametrize("statement", ["UPDATE usage_entry SET effective_seconds = 1", "DELETE FROM usage_entry",
                                       "UPDATE chain_link SET position = 99", "DELETE FROM chain_link"])  # fmt: skip
def test_the_database_refuses_to_change_sealed_rows(scene, statement):
    seal(scene, 1)
    with pytest.raises(DBAPIError), unit_of_work() as unit:
        unit.session.execute(text(statement))
    assert verdict(scene).holds


TAMPERS = {
    "hours in a column": (
        "UPDATE usage_entry SET effective_seconds = 99999 WHERE id = :id",
        4,
        "column:effective_seconds",
    ),
    "customer's class": (
        "UPDATE usage_entry SET customer_class = 'academic' WHERE id = :id",
        4,
        "column:class",
    ),
    "the sealed bytes": ("UPDATE usage_entry SET body = :other WHERE id = :id", 4, "body"),
    "a row taken away": ("DELETE FROM usage_entry WHERE id = :id", 4, "entry_missing"),
    "a link taken away": ("DELETE FROM chain_link WHERE position = 4", 4, "gap"),
    "a link rewritten": ("UPDATE chain_link SET digest = :other WHERE position = 4", 4, "digest"),
}


@pytest.mark.parametrize("name", TAMPERS)
def test_tampering_behind_the_guards_is_named_at_the_first_row(scene, database, name):
    seal(scene)
    statement, position, what = TAMPERS[name]
    entry_id = reading().scalar(select(ChainLink.entry_id).where(ChainLink.position == 4))
    tamper(database, statement, entry_id)
    found = verdict(scene)
    assert (found.broken.position, found.broken.what) == (position, what)


def test_a_row_slipped_in_is_found(scene, database):
    seal(scene, 3)
    tamper(database, "DELETE FROM chain_link WHERE position = 3", None)
    found = verdict(scene)
    assert found.broken.what == "entry_without_place"


def test_a_chain_rewritten_to_its_end_does_not_match_its_signed_root(scene, database, tmp_path):
    seal(scene, 3)
    sealer.sign_roots(LATER + timedelta(days=1), FileSigner(tmp_path))
    # Somebody with every right takes back the last entry and its link, leaving a chain that holds by itself.
    entry_id = reading().scalar(select(ChainLink.entry_id).where(ChainLink.position == 3))
    tamper(database, "DELETE FROM usage_entry WHERE id = :id", entry_id)
    tamper(database, "DELETE FROM chain_link WHERE position = 3", None)
    assert verdict(scene).broken.what == "root_head:2026-03-10"


def ledger_verify(database, tmp_path, monkeypatch, *arguments):
    db.session.rollback()
    for name, value in environment(database, tmp_path).items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(cli, ["ledger", "verify", *arguments])


@pytest.mark.parametrize("name", TAMPERS)
def test_the_command_names_the_first_broken_row(scene, database, tmp_path, monkeypatch, name):
    whole = make_scene("whole")
    seal(scene)
    seal(whole, 2)
    statement, position, what = TAMPERS[name]
    entry_id = reading().scalar(
        select(ChainLink.entry_id).where(
            ChainLink.institution_id == scene.host.id, ChainLink.position == position
        )
    )
    good = ledger_verify(database, tmp_path, monkeypatch)
    assert good.exit_code == 0 and "2 chains, 9 rows" in good.output and "; 0 broken." in good.output
    tamper(database, statement, entry_id)
    bad = ledger_verify(database, tmp_path, monkeypatch)
    assert bad.exit_code == 1
    row = "" if what == "gap" else f" (row {entry_id})"
    assert f"{scene.host.code} usage: BROKEN at position {position}{row}: {what}, " in bad.output
    assert "; 1 broken." in bad.output and f"{whole.host.code} usage: 2 rows hold" in bad.output
    one = ledger_verify(database, tmp_path, monkeypatch, "--institution", whole.host.code)
    assert one.exit_code == 0 and "1 chains, 2 rows" in one.output


def test_every_break_has_words():
    for what in (
        "root_signature:2026-03-10",
        "root_row:2026-03-10",
        "root_head:2026-03-10",
        "entry_without_place",
    ):
        assert in_words(what).startswith(f"{what}, ")


def tamper(database, statement, entry_id):
    """Change rows as the owner of the tables could, with the triggers out of the way."""
    db.session.rollback()
    with database.engine(owner=True) as engine, engine.begin() as connection:
        if database.engine_name == "sqlite":
            for table in ("usage_entry", "chain_link"):
                for event in ("update", "delete"):
                    connection.exec_driver_sql(f"DROP TRIGGER tr_{table}_no_{event}") if _has(
                        connection, f"tr_{table}_no_{event}"
                    ) else None
            value = None if entry_id is None else entry_id.bytes
        else:
            for table in ("usage_entry", "chain_link"):
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER tr_{table}_append_only")
            value = entry_id
        parameters = {"id": value, "other": b"{}" + bytes(30)}
        connection.execute(text(statement), {k: v for k, v in parameters.items() if f":{k}" in statement})


def _has(connection, name):
    return connection.exec_driver_sql(f"SELECT 1 FROM sqlite_master WHERE name = '{name}'").first()


def test_each_host_has_its_own_chain(in_app):
    first, second = make_scene("one"), make_scene("two")
    seal(first, 3)
    seal(second, 2)
    assert verdict(first).links == 3 and verdict(second).links == 2


def test_sealers_and_an_import_at_once_leave_one_chain_without_gaps(scene, database):
    import threading

    from flask import current_app

    app = current_app._get_current_object()
    seal(scene, 40)
    back_to_the_queue(database)
    more = [make_bulk_row(scene, n) for n in range(41, 81)]

    def work():
        with app.app_context():
            while sealer.backlog():
                db.session.rollback()
                sealer.link_batch(scene.host.id, "usage", 3)
                db.session.rollback()

    def load():
        with app.app_context():
            list(bulk.import_bulk(scene.host, more, batch_size=5))

    threads = [threading.Thread(target=target) for target in (work, load, work, work)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = verdict(scene)
    assert found.holds and found.links == 80 and found.waiting == 0


def test_the_bytes_do_not_depend_on_when_they_were_sealed(scene):
    seal(scene, 2)
    bodies = reading().scalars(select(UsageEntry.body).order_by(UsageEntry.id)).all()
    assert not any(b"2026-03-10" in body for body in bodies)
    assert reading().scalar(select(func.count()).select_from(UnlinkedEntry)) == 0


def test_a_row_that_ends_before_it_starts_is_refused_and_nothing_half_written(scene):
    good = make_bulk_row(scene, 1)
    bad = replace(make_bulk_row(scene, 2), ends_at=NINE)
    with pytest.raises(ValueError, match="before its start"):
        list(bulk.import_bulk(scene.host, [good, bad]))
    assert reading().scalar(select(func.count()).select_from(UsageEntry)) == 0
