"""The command line in processes of its own: backup, restore, and a kept self-assessment recomputed from its file."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.assessment import service
from resource_hub.domain.assessment.rules.periods import school_year
from resource_hub.entrypoints.cli import cli
from resource_hub.infra import clock
from tests.builders import accounts
from tests.builders.assessment import HOUR, seed_instrument, seed_use
from tests.support.application import application, environment

CODE = "from resource_hub.entrypoints.cli import main; main()"


@pytest.fixture
def run(tmp_path):
    def call(database, instance, *arguments):
        return subprocess.run(
            [sys.executable, "-c", CODE, *map(str, arguments)],
            env=environment(database, tmp_path / instance),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return call


@pytest.fixture
def filled(database, tmp_path):
    """A host with one use, and the file of its kept self-assessment."""
    with application(database, tmp_path / "one", web=False) as app, app.app_context():
        host = accounts.make_institution(code="ustc")
        firm = accounts.customer_of(accounts.make_firm())
        sem = seed_instrument(host, "SEM")
        seed_use(host, sem, firm.id, datetime(2024, 10, 1, 1, tzinfo=UTC), 7 * HOUR)
        office = accounts.make_actor(host, Role.OFFICE)
        with clock.fixed(datetime(2026, 1, 3, tzinfo=UTC)):
            kept = service.frozen_score(service.freeze(host.id, school_year(2024), by=office), by=office)
    file = tmp_path / "kept.json"
    file.write_bytes(kept.body)
    return file, kept.digest


def test_backup_and_restore_from_the_command_line(database, database_factory, filled, run, tmp_path):
    archive = tmp_path / "hub.tar.gz"
    done = run(database, "one", "backup", archive)
    assert done.returncode == 0, done.stderr
    assert "usage_entry: 1" in done.stdout
    with database_factory.migrated() as other:
        done = run(other, "two", "restore", archive)
        assert done.returncode == 0, done.stderr
        figures = [
            run(one, place, "assessment", "figures", "ustc", "--period", "2024-2025", "--json").stdout
            for one, place in ((database, "one"), (other, "two"))
        ]
        assert figures[0] == figures[1]
        assert {f["code"]: f["value"] for f in json.loads(figures[0])}["hours.effective"] == [
            "25200",
            "25200",
        ]
        again = run(other, "two", "restore", archive)
        assert again.returncode == 1
        assert "Traceback" not in again.stderr
    absent = run(database, "one", "restore", tmp_path / "nothing.tar.gz")
    assert absent.returncode == 2


def test_a_kept_file_is_recomputed_without_a_database(database, filled, run, tmp_path):
    file, digest = filled
    good = run(database, "none", "assessment", "verify", file, "--digest", digest)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "recomputed, the same" in good.stdout
    file.write_bytes(file.read_bytes().replace(b'"effective":25200', b'"effective":35200'))
    bad = run(database, "none", "assessment", "verify", file, "--digest", digest)
    assert bad.returncode == 1
    assert "DIFFERS" in bad.stdout
    for text in (b"", b"[]", b"{}", b'{"facts": 3}', b"\xff\xfe"):
        file.write_bytes(text)
        broken = CliRunner().invoke(cli, ["assessment", "verify", str(file)])
        assert broken.exit_code == 1
        assert "is no kept self-assessment" in broken.stderr
        assert isinstance(broken.exception, SystemExit)  # said, and not raised
