"""Web server and scheduler as child processes: started together, watched, and stopped together."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from types import FrameType, TracebackType

import config


def web_command(host: str, port: int, workers: int = 2, threads: int = 4) -> list[str]:
    """The command line of the web server for this platform."""
    if os.name == "nt":  # pragma: no cover - not tested here
        listen = f"--listen={host}:{port}"
        return [sys.executable, "-m", "waitress", listen, f"--threads={threads * workers}", "wsgi:app"]
    return [
        sys.executable, "-m", "gunicorn", "wsgi:app",
        "--bind", f"{host}:{port}",
        "--workers", str(workers),
        "--threads", str(threads),
        "--worker-class", "gthread",
        "--worker-tmp-dir", "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir(),
        "--no-control-socket",
        "--graceful-timeout", "5",
        "--log-level", "warning",
    ]  # fmt: skip


def scheduler_command() -> list[str]:
    return [sys.executable, "-m", "resource_hub.entrypoints.cli", "scheduler"]


class Processes:
    """Children that live and die together.

    A child that dies by itself is started again, because that is what an installation's service manager does.
    """

    def __init__(self, commands: Mapping[str, list[str]], environment: Mapping[str, str]) -> None:
        self._commands = dict(commands)
        # Several web processes add up their counts through files; a folder of each start's own, so that none are stale.
        self._counts = tempfile.mkdtemp(prefix="resource-hub-counts-")
        self._environment = {**environment, "PROMETHEUS_MULTIPROC_DIR": self._counts}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = False

    def __enter__(self) -> Processes:
        for name in self._commands:
            self._start(name)
        return self

    def _start(self, name: str) -> None:
        self._children[name] = subprocess.Popen(
            self._commands[name], cwd=config.ROOT, env=self._environment, start_new_session=True
        )

    def pid(self, name: str) -> int:
        return self._children[name].pid

    def watch(self) -> None:
        """Wait until a signal to stop arrives; start again what died meanwhile."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        while not self._stopping:
            for name, child in self._children.items():
                code = child.poll()
                if code is not None and not self._stopping:
                    print(f"{name} ended with status {code}; starting it again", file=sys.stderr, flush=True)
                    time.sleep(1)
                    self._start(name)
            time.sleep(0.3)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + 8
        for child in self._children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self._counts, ignore_errors=True)


def wait_until_up(url: str, seconds: float = 120) -> bool:
    """Whether the web server answers within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False
