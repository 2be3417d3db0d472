"""Makes .venv from a lock with hashes, and makes it again only when something changed.

Whatever the machine's pip is set up to use (an index of one's own, a folder of wheels, a certificate) is handed on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VAR = ROOT / "var"
LOCKS = ROOT / "requirements"
STAMP = VENV / "resource-hub.json"
LOG = VAR / "log" / "setup.log"

WINDOWS = os.name == "nt"
BIN = VENV / ("Scripts" if WINDOWS else "bin")
PYTHON = BIN / ("python.exe" if WINDOWS else "python")

# Begun by the shell: a path with a space, or a long one, may not stand after "#!".
SCRIPT = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys

from resource_hub.entrypoints.cli import main

if __name__ == "__main__":
    sys.exit(main())
"""


class SetupFailed(RuntimeError):
    """Setting up did not work; the message says what was tried and what can be done."""


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Say what takes time, and how long it took."""
    print(f"  {title} …", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - began:.1f} s", flush=True)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two ./dev at once in one checkout: the second waits until the first has set up."""
    VAR.mkdir(exist_ok=True)
    with open(VAR / "setup.lock", "w") as handle:
        if not WINDOWS:
            import fcntl

            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                print("  waiting for another ./dev to set up …", flush=True)
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def prepare(lock: str) -> Path:
    """Make sure that .venv holds what `requirements/<lock>.txt` says (dev holds run too); gives back its Python."""
    if _up_to_date(lock):
        return PYTHON
    with one_at_a_time():
        if not _up_to_date(lock):
            _install(lock)
    return PYTHON


def _digest(lock: str) -> str:
    return hashlib.sha256((LOCKS / f"{lock}.txt").read_bytes()).hexdigest()


def _stamp() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _up_to_date(lock: str) -> bool:
    stamp = _stamp()
    # Scripts and packages in there name their folder: a checkout that was moved needs a new one.
    if stamp.get("root") != str(ROOT) or not PYTHON.exists():
        return False
    # The lock for development holds the other one whole.
    return any(stamp.get(name) == _digest(name) for name in (lock, "dev"))


def _install(lock: str) -> None:
    stamp = _stamp()
    if stamp.get("root") != str(ROOT) or not _works(PYTHON):
        with step("virtual environment"):
            shutil.rmtree(VENV, ignore_errors=True)
            _run(
                [sys.executable, "-m", "venv", str(VENV)],
                os.environ,
                "The virtual environment could not be made.",
            )
        stamp = {"root": str(ROOT)}
    with step(f"packages ({lock})"):
        install_lock(lock)
        _make_package_known()
    # What another lock had put there may have been replaced: only this one is sure to be right now.
    STAMP.write_text(json.dumps({"root": str(ROOT), lock: _digest(lock)}), encoding="utf-8")


def install_lock(lock: str) -> None:
    """Install a lock into .venv: with uv, which takes seconds, else with pip."""
    path = str(LOCKS / f"{lock}.txt")
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    settings = pip_settings()
    environment = writable_caches(dict(os.environ))
    try:
        uv = BIN / ("uv.exe" if WINDOWS else "uv")
        wanted = _digest("uv")
        mark = VENV / "uv.sha256"
        if not uv.exists() or not mark.exists() or mark.read_text() != wanted:
            _run([*pip, "-r", str(LOCKS / "uv.txt")], environment, "uv could not be installed.")
            mark.write_text(wanted)
        _run(
            [str(uv), "pip", "install", "--quiet", "--python", str(PYTHON), "--require-hashes", "-r", path],
            environment | for_uv(settings),
            "uv could not install the packages.",
        )
    except SetupFailed as first:
        print(f" ({str(first).splitlines()[0]} Trying pip …)", end="", flush=True)
        _run([*pip, "-r", path], environment, "The packages could not be installed. Is the network there?")


def pip_settings() -> dict[str, str]:
    """What pip on this machine is told by its files and its environment, by the option's name."""
    said = subprocess.run([str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    settings: dict[str, str] = {}
    # Later sections win, as they do in pip: a file's [global], its [install], then the environment.
    for section in ("global.", "install.", ":env:."):
        for line in said.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(section):
                text = value.strip()[1:-1].encode().decode("unicode_escape")
                settings[name.removeprefix(section).replace("_", "-")] = text
    return settings


def for_uv(settings: dict[str, str]) -> dict[str, str]:
    """pip's settings in uv's words. By the environment, since an address may hold a password. What the caller has
    set for uv itself stays."""

    def many(name: str) -> list[str]:
        return settings.get(name, "").split()

    given = {
        "UV_DEFAULT_INDEX": settings.get("index-url", ""),
        # A folder that is not there is no matter to pip and an error to uv.
        "UV_INDEX": " ".join(filter(_there, many("extra-index-url"))),
        "UV_FIND_LINKS": ",".join(filter(_there, many("find-links"))),
        "UV_INSECURE_HOST": " ".join(many("trusted-host")),
        "SSL_CERT_FILE": settings.get("cert", ""),
        "HTTPS_PROXY": settings.get("proxy", ""),
        "UV_NO_INDEX": "1" if settings.get("no-index", "").lower() in ("1", "true", "yes", "on") else "",
        # As pip does it: the version decides, whichever index has it. The hashes say what may come.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_HTTP_TIMEOUT": settings.get("timeout", ""),
    }
    return {name: value for name, value in given.items() if value and not os.environ.get(name)}


def _there(place: str) -> bool:
    if "://" in place and not place.startswith("file://"):
        return True
    return Path(place.removeprefix("file://")).exists()


def writable_caches(environment: dict[str, str]) -> dict[str, str]:
    """With no home to write to, caches go to var/."""
    home = environment.get("HOME", "")
    if not WINDOWS and not (home and os.access(home, os.W_OK)):
        for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR", "npm_config_cache"):
            environment.setdefault(name, str(VAR / "cache" / name.partition("_")[0].lower()))
    return environment


def _make_package_known() -> None:
    """Let .venv use the package from the checkout, and give it the command `resource-hub`."""
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run(
        [str(PYTHON), "-c", where], capture_output=True, text=True, check=True
    ).stdout.strip()
    (Path(site) / "resource_hub_checkout.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    script = BIN / ("resource-hub-script.py" if WINDOWS else "resource-hub")
    script.write_text(SCRIPT.format(python=PYTHON), encoding="utf-8")
    script.chmod(0o755)
    if WINDOWS:
        (BIN / "resource-hub.cmd").write_text(f'@"{PYTHON}" "{script}" %*\r\n', encoding="utf-8")


def _works(python: Path) -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode == 0
    return False


def run_logged(
    command: list[str], environment: dict[str, str] | os._Environ[str], failure: str, folder: Path = ROOT
) -> None:
    """Run a program quietly; on failure raise with the end of what it said."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with open(LOG, "a", encoding="utf-8", errors="replace") as log:
        log.write(f"\n$ {' '.join(command)}\n")
        done = subprocess.run(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        log.write(done.stdout)
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-25:])
        raise SetupFailed(f"{failure}\n{last}\n(all of it: {LOG.relative_to(ROOT)})")


_run = run_logged
