"""./dev: set up what is needed, then run the product or its tests. Started by the script `dev`, which finds a Python.

Standard library only, and it must run before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Started as a file, so Python has put tools/ itself in front: names in there must not hide the standard library's.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from tools import assets, bootstrap, lent_browser  # noqa: E402
from tools.bootstrap import BIN, PYTHON, ROOT, VAR, SetupFailed, step  # noqa: E402

HELP = """\
./dev run [--port N] [--fresh] …  set up, fill a demonstration and start it (web and scheduler); --fresh starts over.
                                  Warm it is up in seconds. Other options go to `resource-hub demo run`.
./dev test [pytest's arguments]   all checks and tests, on SQLite and PostgreSQL and in a browser. With arguments: only
                                  these tests, without the checks. --engine sqlite|postgresql: on one engine only.
./dev lint [--fix]                ruff, layout of the source, mypy, import contracts
./dev look [options]              screenshots of every page as every person, and what is wrong with them; --help
./dev bench NAME [arguments]      a measurement from benchmarks/; without a name: which there are
./dev soak [arguments]            drawn tests many times over, then hours of use with processes killed at random
./dev i18n [arguments]            the message catalogues (tools/messages.py)
./dev setup                       everything that the above would install or make, for working on the code
./dev help                        this

Everything is kept in .venv, node_modules, static/vendor and var; remove them to start from nothing.

  RESOURCE_HUB_PYTHON             a Python >= 3.11 to use instead of the first one found
  RESOURCE_HUB_TEST_POSTGRES_URL  a PostgreSQL >= 17 for the tests, instead of one of their own
  RESOURCE_HUB_TEST_WORKERS       how many tests run at a time (by default one more than there are cores)
  RESOURCE_HUB_CHROMIUM           a Chromium or Chrome for the browser tests
  RESOURCE_HUB_REQUIRE_BROWSER    1: a missing browser is a failure, not a warning
  RESOURCE_HUB_DATA               the folder with the real inputs (by default ../shared/data)
"""

DEFAULT_PORT = 8000


def main(arguments: list[str]) -> int:
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    commands: dict[str, Callable[[list[str]], int]] = {
        "run": run,
        "test": test,
        "lint": lint,
        "look": look,
        "bench": bench,
        "soak": soak,
        "i18n": i18n,
        "setup": setup,
        "help": show_help,
        "--help": show_help,
        "-h": show_help,
    }
    command = commands.get(name)
    if command is None:
        print(f"./dev knows no '{name}'.\n\n{HELP}", file=sys.stderr)
        return 2
    try:
        return command(rest)
    except SetupFailed as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def show_help(_: list[str]) -> int:
    print(HELP, end="")
    return 0


# ---- setting up ------------------------------------------------------------------------------------------------


def prepare(lock: str) -> None:
    """Packages, front-end files and message catalogues; each only where something changed."""
    began = time.monotonic()
    bootstrap.prepare(lock)
    assets.prepare(for_tests=lock == "dev")
    if lock == "dev":
        lent_browser.prepare()
    compile_messages()
    seconds = time.monotonic() - began
    if seconds > 2:
        print(f"  set up in {seconds:.1f} s", flush=True)


def compile_messages() -> None:
    """The catalogues a person edits become those the product reads."""
    if not (ROOT / "tools" / "messages.py").exists():
        return
    catalogues = sorted((ROOT / "resource_hub").rglob("*.po"))
    total = hashlib.sha256((ROOT / "tools" / "messages.py").read_bytes())
    for path in catalogues:
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    stamp = VAR / "messages.sha256"
    made = any((ROOT / "resource_hub").rglob("*.mo"))
    if made and stamp.exists() and stamp.read_text() == total.hexdigest():
        return
    with step("message catalogues"):
        bootstrap.run_logged(
            [str(PYTHON), "-m", "tools.messages", "compile"],
            os.environ,
            "The message catalogues do not compile.",
        )
    VAR.mkdir(exist_ok=True)
    stamp.write_text(total.hexdigest())


def in_venv(*command: str, **more: str) -> int:
    """Run a Python module or file in the checkout with what was set up."""
    done = subprocess.run([str(PYTHON), *command], cwd=ROOT, env=environment(**more))
    return done.returncode


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}", **more}


# ---- commands --------------------------------------------------------------------------------------------------


def setup(_: list[str]) -> int:
    prepare("dev")
    return 0


def run(arguments: list[str]) -> int:
    prepare("run")
    rest, wanted = _port(arguments)
    if "--fresh" in rest:
        rest.remove("--fresh")
        _start_over(rest)
    port = _free_port(wanted)
    if port != wanted:
        print(f"  port {wanted} is taken, using {port}", flush=True)
    command = [str(PYTHON), str(_script()), "demo", "run", "--host", "127.0.0.1", "--port", str(port), *rest]
    os.chdir(ROOT)
    if os.name == "nt":
        return subprocess.run(command, env=environment()).returncode
    sys.stdout.flush()
    # In our place: an interrupt or a signal to stop then goes to the demonstration itself.
    os.execve(command[0], command, environment())


def _start_over(arguments: list[str]) -> None:
    """Remove the demonstration's folder; never one that holds anything else."""
    folder = VAR / "demo"
    for place, argument in enumerate(arguments):
        if argument.startswith("--folder"):
            folder = Path(argument.partition("=")[2] or "".join(arguments[place + 1 : place + 2]))
    if (folder / "demo.db").exists():
        with step(f"removing the demonstration in {folder.name}"):
            shutil.rmtree(folder)


def _script() -> Path:
    return BIN / ("resource-hub-script.py" if os.name == "nt" else "resource-hub")


def _port(arguments: list[str]) -> tuple[list[str], int]:
    rest, port = [], DEFAULT_PORT
    given = iter(arguments)
    for argument in given:
        if argument == "--port" or argument.startswith("--port="):
            text = argument.partition("=")[2] or next(given, "")
            if not text.isdigit() or not 0 < int(text) < 65536:
                raise SetupFailed(f"--port needs a number between 1 and 65535, not '{text}'.")
            port = int(text)
        else:
            rest.append(argument)
    return rest, port


def _free_port(wanted: int) -> int:
    for port in range(wanted, min(wanted + 100, 65536)):
        with socket.socket() as probe:
            # As a server does it: a port that was just closed is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SetupFailed(f"No free port from {wanted} on. Name another one: ./dev run --port N")


CHECKS = {
    "ruff": ["-m", "ruff", "check", "--output-format=concise", "."],
    "layout (./dev lint --fix)": ["-m", "ruff", "format", "--check", "--quiet", "."],
    "mypy": ["-m", "mypy"],
    "import contracts": ["-c", "from importlinter.cli import lint_imports_command as c; c()"],
}


def check() -> list[str]:
    """All checks of the source at once; gives back the names of those that failed."""
    began = time.monotonic()
    running = {
        name: subprocess.Popen(
            [str(PYTHON), *command],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, command in CHECKS.items()
    }
    failed = []
    for name, process in running.items():
        said, _ = process.communicate()
        if process.returncode:
            failed.append(name)
            print(f"---- {name}: failed\n{said}", flush=True)
        else:
            print(f"---- {name}: clean", flush=True)
    print(f"---- checked in {time.monotonic() - began:.1f} s", flush=True)
    return failed


def lint(arguments: list[str]) -> int:
    prepare("dev")
    if "--fix" in arguments:
        for command in (["check", "--fix", "."], ["format", "."]):
            subprocess.run([str(PYTHON), "-m", "ruff", *command], cwd=ROOT, env=environment(), check=False)
    return 1 if check() else 0


def test(arguments: list[str]) -> int:
    prepare("dev")
    whole = not arguments
    failed = check() if whole else []
    options = list(arguments)
    if whole:
        # Two more than there are cores: a good part of the time is spent on waiting for browsers and servers.
        workers = os.environ.get("RESOURCE_HUB_TEST_WORKERS") or str((os.cpu_count() or 1) + 2)
        # Tests that share something costly to start name it as their group and stay together; groups begin first.
        options = ["-q", "-n", workers, "--dist", "loadgroup"]
    code = in_venv("-m", "pytest", *options)
    if failed:
        print(f"FAILED besides the tests: {', '.join(failed)} (see above; ./dev lint)", flush=True)
    return code or (1 if failed else 0)


def look(arguments: list[str]) -> int:
    prepare("dev")
    return in_venv("-m", "tools.look", *arguments)


def bench(arguments: list[str]) -> int:
    known = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.stem.startswith("_"))
    if not arguments or arguments[0] not in known:
        print(f"./dev bench NAME, with one of: {', '.join(known) or 'none yet'}", file=sys.stderr)
        return 2
    prepare("dev")
    return in_venv("-m", f"benchmarks.{arguments[0]}", *arguments[1:])


def soak(arguments: list[str]) -> int:
    return bench(["soak", *arguments])


def i18n(arguments: list[str]) -> int:
    prepare("dev")
    return in_venv("-m", "tools.messages", *arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
