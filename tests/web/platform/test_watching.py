"""Every answer is counted and logged by the pattern of its address; counts are for this machine and the token."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.application import application
from tests.support.databases import Database


def test_an_answer_leaves_a_line_and_a_number(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "resource_hub.web"):
        answer = client.get("/feeds/person/" + "s3cret" * 7 + ".ics")
    line = next(r for r in caplog.records if r.message == "answered")
    assert (line.status, line.method) == (404, "GET")
    assert line.route.startswith("/feeds/") and "s3cret" not in str(line.__dict__)
    assert len(answer.headers["X-Reference"]) == 9


def test_counts(client: Any) -> None:
    client.get("/sign-in")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    text = answer.text
    assert 'resource_hub_requests_total{method="GET",route="/sign-in",status="200"}' in text
    assert 'resource_hub_outbox_deliveries{state="parked"} 0.0' in text
    assert "resource_hub_scheduler_leads 0.0" in text


def test_who_may_see_them(database: Database, tmp_path: Path) -> None:
    with application(database, tmp_path, metrics_token="open sesame") as app:
        client = app.test_client()
        assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 404
        assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
        assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
        assert client.get("/metrics", environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
        far = client.get(
            "/metrics",
            environ_base={"REMOTE_ADDR": "203.0.113.9"},
            headers={"Authorization": "Bearer open sesame"},
        )
        assert far.status_code == 200


def test_several_processes_add_up(tmp_path: Path) -> None:
    code = (
        "from resource_hub.infra import metrics; metrics.observe('/x', 'GET', 200, 0.01)\n"
        "from prometheus_client import CollectorRegistry, generate_latest\n"
        "from prometheus_client.multiprocess import MultiProcessCollector\n"
        "r = CollectorRegistry(); MultiProcessCollector(r); print(generate_latest(r).decode())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
    assert 'resource_hub_requests_total{method="GET",route="/x",status="200"} 2.0' in done.stdout


def test_the_log_of_the_web_server_is_json(database: Database, tmp_path: Path) -> None:
    from tests.support.application import environment

    code = "import wsgi; c = wsgi.app.test_client(); c.get('/healthz'); c.get('/nowhere?mail=li@example.org')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(database, tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert any(
        line["event"] == "answered" and line["status"] == 404 and line["process"] == "web" for line in lines
    )
    assert "li@example.org" not in done.stderr
