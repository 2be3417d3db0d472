"""A whole installation that may be killed: web and scheduler as processes of their own on one database."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.support import application
from tests.support.databases import Database
from tests.support.server import Process

LEASE_SECONDS = "2"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any


class Installation:
    """Web and scheduler, started, killed without a warning, and started again."""

    def __init__(self, database: Database, folder: Path) -> None:
        environment = application.environment(database, folder)
        self.environment = environment
        self.web = Process.web(environment, log=folder / "web.log", workers=1, threads=8)
        self.scheduler = Process.command_line(
            "scheduler",
            "--lease-seconds",
            LEASE_SECONDS,
            environment=environment,
            log=folder / "scheduler.log",
        )

    def start(self) -> None:
        self.scheduler.start()
        self.web.start()

    def kill(self) -> None:
        """As when the power goes."""
        for process in (self.web, self.scheduler):
            if process.running is not None:
                process.kill()

    def post(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str], timeout: float = 30
    ) -> Answer | None:
        """What the server says; None when it died before it had said all of it."""
        request = urllib.request.Request(
            f"{self.web.url}/api/v1{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", **headers},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answer(answer.status, json.loads(answer.read()))
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, json.loads(refused.read()))
        except (OSError, ValueError, HTTPException):
            return None

    def said(self) -> str:
        return f"web:\n{self.web.said()[-3000:]}\nscheduler:\n{self.scheduler.said()[-3000:]}"


def wait_for(what: Callable[[], bool], seconds: float = 60, every: float = 0.05) -> bool:
    """Whether it came true within the time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(every)
    return what()
