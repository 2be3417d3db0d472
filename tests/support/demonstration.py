"""The demonstration for browser tests: filled once a run, copied for each test that changes something in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import scratch
from tests.support.databases import one_at_a_time
from tests.support.server import ROOT, Process, free_port

START = "import sys; from resource_hub.entrypoints.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Demonstration:
    """A running demonstration: web and scheduler as an evaluator starts them.

    `url` is where it stands, `password` opens every account in it, `folder` holds its database.
    """

    url: str
    password: str
    folder: Path


def filled(shared: Path) -> Path:
    """The folder of a filled demonstration that is not running; made by whichever process asks first."""
    folder, done = shared / "demonstration", shared / "demonstration.done"
    with one_at_a_time(shared / "demonstration.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            filling = subprocess.run(
                [sys.executable, "-c", START, "demo", "fill", "--folder", str(folder)],
                cwd=ROOT,
                env=_environment(),
                capture_output=True,
                text=True,
            )
            assert filling.returncode == 0, f"{filling.stdout}{filling.stderr}"
            done.touch()
    return folder


@contextlib.contextmanager
def running(filled_folder: Path) -> Iterator[Demonstration]:
    """A demonstration of its own, on a copy."""
    from resource_hub.entrypoints.demo import fill

    place = scratch.new_folder()
    port = free_port()
    try:
        folder = place / "demonstration"
        shutil.copytree(filled_folder, folder)
        process = Process(
            [sys.executable, "-c", START, "demo", "run", "--port", str(port), "--folder", str(folder)],
            _environment(),
            place / "demonstration.log",
            f"http://127.0.0.1:{port}",
        )
        with process:
            yield Demonstration(process.url, fill.PASSWORD, folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _environment() -> dict[str, str]:
    # Flask's own switch: the pages then count texts without a translation.
    return {**os.environ, "FLASK_DEBUG": "1"}
