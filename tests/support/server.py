"""Real servers for tests: the application of the test behind a socket, or separate processes that may be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

ROOT = Path(__file__).resolve().parents[2]


class LiveServer:
    """The application served on the loopback address by a thread for each request, inside this process.

    >>> with LiveServer(app) as server:
    ...     page.goto(server.url)
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._moment: datetime | None = None
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        assert self._server is not None, "the server runs inside its with-block only"
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextlib.contextmanager
    def fixed(self, moment: datetime) -> Iterator[None]:
        """Business time stands still at `moment` for every request served inside the block, and for the caller."""
        from resource_hub.infra import clock

        before, self._moment = self._moment, moment
        try:
            with clock.fixed(moment):
                yield
        finally:
            self._moment = before

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self._moment is None:
            return self.app.wsgi_app(environ, start_response)
        from resource_hub.infra import clock

        # A request's thread does not inherit the caller's context; and the body may be made while it is read.
        with clock.fixed(self._moment):
            return list(self.app.wsgi_app(environ, start_response))

    def __enter__(self) -> LiveServer:
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: pytest's output is for what failed."""


class Process:
    """A part of the product as a process of its own, which a test may stop, freeze or kill.

    >>> with Process.web(application.environment(database, tmp_path), log=tmp_path / "web.log") as web:
    ...     urllib.request.urlopen(web.url)
    ...     web.kill()
    """

    def __init__(self, command: list[str], environment: dict[str, str], log: Path, url: str = "") -> None:
        self.command, self.environment, self.log, self.url = command, environment, log, url
        self.running: subprocess.Popen[bytes] | None = None

    @classmethod
    def web(
        cls,
        environment: dict[str, str],
        *,
        log: Path,
        workers: int = 2,
        threads: int = 4,
        program: str = "wsgi:app",
    ) -> Process:
        """gunicorn as in an installation, on a free port of the loopback address."""
        port = free_port()
        command = [
            sys.executable, "-m", "gunicorn", program, "--bind", f"127.0.0.1:{port}",
            "--workers", str(workers), "--threads", str(threads), "--worker-class", "gthread",
            "--no-control-socket", "--worker-tmp-dir", str(log.parent),
        ]  # fmt: skip
        return cls(command, environment, log, f"http://127.0.0.1:{port}")

    @classmethod
    def command_line(cls, *arguments: str, environment: dict[str, str], log: Path) -> Process:
        """`resource-hub <arguments>`: the scheduler, say."""
        start = "import sys; from resource_hub.entrypoints.cli import main; sys.exit(main())"
        return cls([sys.executable, "-c", start, *arguments], environment, log)

    def start(self) -> Process:
        with open(self.log, "ab") as log:
            # A group of its own, so that the whole of it can be killed, workers and all.
            self.running = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self.url:
            self._wait_for_answer()
        return self

    def _wait_for_answer(self, seconds: float = 120) -> None:
        """Wait until a page comes, be it a refusal: the port is open long before the workers are there."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.running is not None
            if self.running.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        self.kill()
        raise AssertionError(f"{self.command} did not start:\n{self.said()}")

    def said(self) -> str:
        """All that the process has written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and all its children: SIGKILL as a power cut, SIGSTOP as a hang."""
        assert self.running is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.running.pid, number)

    def kill(self) -> None:
        """End it without a warning, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        assert self.running is not None
        self.running.wait(10)

    def stop(self, seconds: float = 15) -> int:
        """Ask it to stop, as an operator does; gives back its exit code."""
        assert self.running is not None
        if self.running.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.running.terminate()
            try:
                self.running.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return int(self.running.returncode)

    def __enter__(self) -> Process:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running is not None:
            self.signal(signal.SIGCONT)
            self.stop()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
