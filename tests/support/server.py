"""Real servers for tests: the application of the test behind a socket, or separate processes that may be killed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server


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
