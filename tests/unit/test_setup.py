"""Setting up: what the locks may hold, and that the machine's own settings are handed on."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools import bootstrap, check_python, dev

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("run", "dev", "node", "uv")


def _pins(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    return dict(re.findall(r"(?m)^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", text))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    assert _pins(lock)
    assert "://" not in text
    assert not re.search(r"(?m)^\s*-", text.replace("    --hash=sha256:", "")), (
        "an option of an index or a folder"
    )
    for entry in re.split(r"(?m)^(?=[\w])", text)[1:]:
        assert "--hash=sha256:" in entry


@pytest.mark.parametrize("name", ["package-lock.json", "tools/browser/package-lock.json"])
def test_the_npm_locks_hold_no_download_address(name: str) -> None:
    assert '"resolved"' not in (ROOT / name).read_text()


def test_the_development_lock_holds_the_products_own_versions() -> None:
    run, development = _pins("run"), _pins("dev")
    assert {name: development.get(name) for name in run} == run


def test_what_would_break_the_interface_tests_stays_out() -> None:
    assert not {"caldav", "urllib3-future", "niquests"} & set(_pins("dev"))


def test_pips_settings_are_handed_on_to_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS", "SSL_CERT_FILE", "UV_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    given = bootstrap.for_uv(
        {
            "index-url": "https://packages.example/simple",
            "extra-index-url": f"https://more.example/simple\n{(tmp_path / 'gone').as_uri()}",
            "find-links": str(tmp_path),
            "cert": "/certificates.pem",
        }
    )
    assert given["UV_DEFAULT_INDEX"] == "https://packages.example/simple"
    assert (
        given["UV_INDEX"] == "https://more.example/simple"
    )  # pip passes over a folder that is gone, uv would not
    assert given["UV_FIND_LINKS"] == str(tmp_path)
    assert given["SSL_CERT_FILE"] == "/certificates.pem"
    assert "UV_NO_INDEX" not in given


def test_what_is_set_for_uv_itself_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.example/simple")
    assert "UV_DEFAULT_INDEX" not in bootstrap.for_uv({"index-url": "https://packages.example/simple"})


def test_this_python_will_do() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "check_python.py")], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_old_python_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 8, 1))
    assert check_python.troubles() == ["it is Python 3.8 and 3.11 or newer is needed"]


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert dev._free_port(port) > port


def test_an_unknown_command_is_told_what_there_is() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "dev.py"), "tset"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "./dev test" in done.stderr
