"""Backup and restore: figures and ledger are the same afterwards, on and between both engines."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.rules.periods import calendar_year, school_year
from resource_hub.domain.assessment.terms import InputCode, RatedClass
from resource_hub.domain.usage import sealer
from resource_hub.domain.usage.tables import ChainLink, UsageEntry
from resource_hub.infra import clock, snapshot
from resource_hub.infra.database import db, reading
from resource_hub.kernel.canonical import canonical_bytes
from resource_hub.kernel.keys import HostKey
from resource_hub.reports import ledger as report
from tests.builders import accounts
from tests.builders.assessment import HOUR, seed_charge, seed_instrument, seed_use
from tests.support.application import application
from tests.support.databases import ENGINES

NOW = datetime(2026, 1, 3, 2, 0, tzinfo=UTC)
YEAR, SCHOOL = calendar_year(2025), school_year(2024)


@pytest.fixture(autouse=True)
def _time():
    with clock.fixed(NOW):
        yield


def _fill(app) -> None:
    """A host with use, income, entered figures, a kept score, and a file; text that a careless archive would break."""
    host = accounts.make_institution(
        code="ustc", name_zh="中国“引号”大学\n第二行", name_en='Tab\t and "quote"'
    )
    firm = accounts.customer_of(accounts.make_firm())
    lab = accounts.make_department(host)
    accounts.make_department(host, parent=lab)
    office = accounts.make_actor(host, Role.OFFICE)
    sem = seed_instrument(host, "SEM", department_id=lab.id)
    for day in range(1, 8):
        seed_use(host, sem, firm.id, datetime(2025, 5, day, 15, 30, 7, tzinfo=UTC), 2 * HOUR + day)
    seed_charge(host, sem, firm.id, datetime(2025, 5, 2).date(), "1234.56")
    service.save_inputs(
        HostKey(host.id, sem), SCHOOL, {InputCode.OPERATORS: 3}, RatedClass.MECHANICAL, version=0, by=office
    )
    service.freeze(host.id, SCHOOL, by=office)
    assert sealer.link_due() == 7
    settings = app.extensions["resource_hub_settings"]
    (settings.files_dir / "ab").mkdir(parents=True)
    (settings.files_dir / "ab" / "abcdef").write_bytes(b"\x00stored\xff")
    settings.keys_dir.mkdir(parents=True, exist_ok=True)
    (settings.keys_dir / "signing.key").write_bytes(b"private")


def _figures() -> bytes:
    host = accounts.service.organisation("ustc")
    # Whoever asks: the person's id came back with the rest.
    from resource_hub.domain.accounts.tables import Membership

    person = (
        reading()
        .scalars(
            select(Membership.person_id).where(
                Membership.organisation_id == host.id, Membership.role == "office"
            )
        )
        .one()
    )
    by = accounts.service.actor(person, host.id)
    year = service.year(host.id, YEAR, by=by)
    school = service.year(host.id, SCHOOL, by=by)
    kept = service.frozen_scores(host.id, by=by)
    assert all(service.replayed(each).agrees for each in kept)
    return canonical_bytes(
        {
            "year": {code: figure.as_json() for code, figure in year.figures().items()},
            "school": {code: figure.as_json() for code, figure in school.instruments[0].figures().items()},
            "kept": [each.digest for each in kept],
        }
    )


def _ledger() -> list[tuple[bytes, ...]]:
    session = reading()
    entries = session.execute(
        select(UsageEntry.id, UsageEntry.body, UsageEntry.digest).order_by(UsageEntry.id)
    )
    links = session.execute(select(ChainLink.position, ChainLink.digest).order_by(ChainLink.position))
    verdicts = [list(report.verify(*chain))[-1] for chain in report.chains()]
    assert sum(verdict.links for verdict in verdicts) == 7 and all(verdict.holds for verdict in verdicts)
    return [*map(tuple, entries), *map(tuple, links)]


@pytest.fixture
def other(database_factory, request, tmp_path):
    """A second, empty, migrated database of the same engine."""
    with database_factory.migrated() as fresh:
        yield fresh


def test_figures_and_ledger_are_the_same_after_restoring(database, other, tmp_path):
    archive = tmp_path / "backup.tar.gz"
    with application(database, tmp_path / "one", web=False) as app, app.app_context():
        _fill(app)
        figures, ledger = _figures(), _ledger()
        taken = snapshot.take(archive, tmp_path / "one")
        assert taken.rows["usage_entry"] == 7
        assert taken.files >= 2
    with application(other, tmp_path / "two", web=False) as app, app.app_context():
        done = snapshot.restore(archive, tmp_path / "two")
        assert done.rows == taken.rows
        assert _figures() == figures
        assert _ledger() == ledger
        assert (tmp_path / "two" / "files" / "ab" / "abcdef").read_bytes() == b"\x00stored\xff"
        # The restored installation gives the same archive again, table by table.
        assert snapshot.take(tmp_path / "again.tar.gz", tmp_path / "two").rows == taken.rows
    assert _digests(tmp_path / "again.tar.gz") == _digests(archive)
    assert oct(archive.stat().st_mode & 0o777) == "0o600"


def _digests(path):
    with tarfile.open(path) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))
    return {name: entry["sha256"] for name, entry in manifest["tables"].items()}


def test_an_archive_goes_from_one_engine_to_the_other(database, request, tmp_path, tmp_path_factory):
    from tests.support.databases import SQLITE, Factory

    target_engine = next(name for name in ENGINES if name != database.engine_name)
    server = None if target_engine == SQLITE else request.getfixturevalue("postgres_server")
    factory = Factory(target_engine, tmp_path_factory.mktemp("templates"), server)
    archive = tmp_path / "backup.tar.gz"
    try:
        with application(database, tmp_path / "one", web=False) as app, app.app_context():
            _fill(app)
            figures, ledger = _figures(), _ledger()
            snapshot.take(archive, tmp_path / "one")
        with factory.migrated() as target, application(target, tmp_path / "two", web=False) as app:
            with app.app_context():
                snapshot.restore(archive, tmp_path / "two")
                assert _figures() == figures
                assert _ledger() == ledger
                snapshot.take(tmp_path / "again.tar.gz", tmp_path / "two")
        assert _digests(tmp_path / "again.tar.gz") == _digests(archive)
    finally:
        factory.close()


def test_nothing_is_overwritten(database, tmp_path):
    archive = tmp_path / "backup.tar.gz"
    with application(database, tmp_path / "one", web=False) as app, app.app_context():
        _fill(app)
        ledger = _ledger()
        snapshot.take(archive, tmp_path / "one")
        with pytest.raises(snapshot.NotEmpty):
            snapshot.restore(archive, tmp_path / "elsewhere")
        assert _ledger() == ledger


def test_an_installation_with_files_is_refused(database, other, tmp_path):
    archive = tmp_path / "backup.tar.gz"
    with application(database, tmp_path / "one", web=False) as app, app.app_context():
        _fill(app)
        snapshot.take(archive, tmp_path / "one")
    with application(other, tmp_path / "two", web=False) as app, app.app_context():
        (tmp_path / "two" / "files").mkdir(parents=True)
        (tmp_path / "two" / "files" / "old").write_bytes(b"x")
        with pytest.raises(snapshot.NotEmpty):
            snapshot.restore(archive, tmp_path / "two")
        assert _rows() == 0


def _rows() -> int:
    session = reading()
    return sum(len(session.execute(select(table)).all()) for table in snapshot.tables())


def _rewritten(source, target, change) -> None:
    """A copy of an archive with its members changed by ``change(name, body) -> body or None``."""
    with tarfile.open(source) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            body = change(member.name, old.extractfile(member).read())
            if body is not None:
                info = tarfile.TarInfo(member.name)
                info.size = len(body)
                new.addfile(info, io.BytesIO(body))


def test_a_damaged_archive_leaves_nothing_half_restored(database, other, tmp_path):
    archive, bad = tmp_path / "backup.tar.gz", tmp_path / "bad.tar.gz"
    with application(database, tmp_path / "one", web=False) as app, app.app_context():
        _fill(app)
        snapshot.take(archive, tmp_path / "one")
    with application(other, tmp_path / "two", web=False) as app, app.app_context():

        def refused() -> str:
            with pytest.raises((snapshot.UnreadableArchive, snapshot.OtherSchema)) as error:
                snapshot.restore(bad, tmp_path / "two")
            db.session.rollback()
            assert _rows() == 0
            assert not (tmp_path / "two" / "files").exists()
            return str(error.value)

        _rewritten(archive, bad, lambda n, b: b.replace(b"firm_small", b"firm_large") if "charge" in n else b)
        assert "charge" in refused()
        _rewritten(archive, bad, lambda n, b: None if n == "tables/charge.jsonl" else b)
        assert "charge" in refused()
        _rewritten(archive, bad, lambda n, b: b"not json" if n == "manifest.json" else b)
        refused()
        _rewritten(
            archive,
            bad,
            lambda n, b: b.replace(b'"schema": "', b'"schema": "x') if n == "manifest.json" else b,
        )
        assert "other_schema" in refused()
        bad.write_bytes(archive.read_bytes()[:-200])
        refused()
        bad.write_bytes(b"")
        refused()
        bad.write_bytes(gzip.compress(b"no tar at all"))
        refused()
        with tarfile.open(bad, "w:gz") as tar:
            info = tarfile.TarInfo("../outside")
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
        assert "outside" in refused()
        assert not (tmp_path / "outside").exists()
        with tarfile.open(bad, "w:gz") as tar:
            info = tarfile.TarInfo("files/link")
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(info)
        refused()
        # The good one still goes in.
        snapshot.restore(archive, tmp_path / "two")


def test_a_backup_sees_one_moment(database, tmp_path, monkeypatch):
    """Rows written while the archive is being made are in all of its tables or in none."""
    archive = tmp_path / "backup.tar.gz"
    with application(database, tmp_path / "one", web=False) as app, app.app_context():
        _fill(app)
        host = accounts.service.organisation("ustc")
        original, done = snapshot._write_table, []

        def slow(connection, table, target):
            found = original(connection, table, target)
            if not done:
                done.append(table.name)
                firm = accounts.customer_of(accounts.make_firm())
                sem = seed_instrument(host, "NEW")
                seed_use(host, sem, firm.id, datetime(2025, 6, 1, 1, tzinfo=UTC), HOUR)
            return found

        monkeypatch.setattr(snapshot, "_write_table", slow)
        taken = snapshot.take(archive, tmp_path / "one")
        assert done
        assert taken.rows["resource"] == 1
        assert taken.rows["usage_entry"] == 7


def test_a_failed_backup_leaves_the_earlier_file(database, tmp_path, monkeypatch):
    archive = tmp_path / "backup.tar.gz"
    archive.write_bytes(b"yesterday's")
    with application(database, tmp_path / "one", web=False) as app, app.app_context():
        monkeypatch.setattr(snapshot, "_pack", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError):
            snapshot.take(archive, tmp_path / "one")
    assert archive.read_bytes() == b"yesterday's"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".backup-")] == []
