"""The process in which calendars of strangers are read: ``python -m resource_hub.adapters.calendar_child``.

Takes one line of JSON (span, zones) and then the file on standard input, answers with one JSON document. It limits its
own memory and processor time before it looks at anything.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 30


def limit(memory: int, cpu_seconds: int) -> None:
    """Where the system can: no more memory, processor time or files than this."""
    try:
        import resource
    except ImportError:  # a system without such limits; the reader's time limit still holds
        return
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
    ):
        _soft, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(kind, (most, hard))


def main() -> None:
    head = json.loads(sys.stdin.buffer.readline())
    limit(head["memory"], head["cpu_seconds"])
    body = sys.stdin.buffer.read()
    json.dump(answer(head, body), sys.stdout)


def answer(head: dict[str, Any], body: bytes) -> dict[str, Any]:
    from resource_hub.adapters.calendar_expansion import expand
    from resource_hub.domain.availability.errors import CalendarRefused
    from resource_hub.kernel.time import TimeSpan

    span = TimeSpan(datetime.fromisoformat(head["start"]), datetime.fromisoformat(head["end"]))
    try:
        found = expand(body, span, head["zone"], head["zones"])
    except CalendarRefused as error:
        return {"refused": [reason.as_json() for reason in error.reasons]}
    return {
        "name": found.name,
        "events": found.events,
        "busy": [[e.span.start.isoformat(), e.span.end.isoformat(), e.summary] for e in found.busy],
        "faults": [reason.as_json() for reason in found.faults],
        "unknown_zones": list(found.unknown_zones),
    }


if __name__ == "__main__":
    main()
