"""The log tells what happened and nothing about people."""

from __future__ import annotations

import io
import json
import logging as standard
from collections.abc import Iterator

import pytest
import structlog

from resource_hub.infra import logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = standard.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.forget()
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_object_a_line_whoever_speaks() -> None:
    stream = io.StringIO()
    logging.configure("web", stream=stream)
    logging.bind(reference="ABCD-2345")
    standard.getLogger("a.library").warning("%d rows of %s", 3, "many", extra={"codes": ["x"]})
    structlog.get_logger("ours").info("did", count=2)
    standard.getLogger("a.library").debug("not shown")
    first, second = lines(stream)
    assert first["event"] == "3 rows of many" and first["codes"] == ["x"]
    assert (first["process"], first["level"], first["logger"]) == ("web", "warning", "a.library")
    assert second["event"] == "did" and second["count"] == 2
    assert {first["reference"], second["reference"]} == {"ABCD-2345"}
    assert first["at"].endswith("Z")


def test_no_people_and_no_secrets_not_even_in_a_traceback() -> None:
    stream = io.StringIO()
    logging.configure("web", stream=stream)
    secrets = (
        "li.si@example.org",
        "13812345678",
        "+86 138 1234 5678",
        "rh_Ab3dEfGh1jKlMn0pQrStUvWxYz-_9",
        "pass:word@host",
    )
    try:
        raise ValueError(f"mail to {secrets[0]} failed")
    except ValueError:
        standard.getLogger("x").exception(
            "at /feeds/person/%s.ics", secrets[3], extra={"deep": {"list": [secrets[1]]}}
        )
    standard.getLogger("x").warning("call %s, postgresql://u:%s", secrets[2], "word@host")
    text = stream.getvalue()
    for secret in secrets:
        assert secret not in text
    assert "ValueError" in lines(stream)[0]["exception"] and "<address>" in text
    assert "word@" not in text


@pytest.mark.parametrize(
    "text",
    ["leading as host-1:4711, epoch 12", "0198c0de-0000-7000-8000-000000000001", "institution:0198c0de-0000-7000-8000-000000000002", "ABCD-2345", "2026-03-05T09:00:00+08:00",
     "resource_hub.entrypoints.jobs.runner", "/o/<organisation>/team/<uuid:person_id>", "usage.open_expected",
     "SELECT booking.institution_id, booking.id FROM booking WHERE booking.customer_class = ?"],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert logging.scrubbed(text) == text


def test_readable_on_a_terminal() -> None:
    stream = io.StringIO()
    logging.configure("cli", stream=stream, as_json=False)
    standard.getLogger("x").warning("something")
    assert "something" in stream.getvalue() and not stream.getvalue().startswith("{")
