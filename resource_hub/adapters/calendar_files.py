"""Reading a calendar file in a process of its own, with limits of memory and time. Never inside a unit of work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from resource_hub.adapters import calendar_child
from resource_hub.adapters.calendar_expansion import MAX_BYTES
from resource_hub.domain.availability.errors import CalendarRefused
from resource_hub.domain.availability.terms import BusyEvent, CalendarRead
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import TimeSpan

SECONDS = 45
_ROOT = Path(__file__).resolve().parents[2]


def read(
    body: bytes,
    span: TimeSpan,
    zone: str,
    zones: Mapping[str, str] | None = None,
    *,
    seconds: float = SECONDS,
    memory: int = calendar_child.MEMORY_BYTES,
) -> CalendarRead:
    """Busy time of a calendar inside a span.

    Raises:
        CalendarRefused: no calendar, too large, or it took more time or memory than it is given.
    """
    if len(body) > MAX_BYTES:
        raise CalendarRefused(Reason("calendar.too_large", {"megabytes": MAX_BYTES // 1024 // 1024}))
    head = {
        "start": span.start.isoformat(),
        "end": span.end.isoformat(),
        "zone": zone,
        "zones": dict(zones or {}),
        "memory": memory,
        "cpu_seconds": calendar_child.CPU_SECONDS,
    }
    try:
        ended = subprocess.run(
            [sys.executable, "-m", calendar_child.__name__],
            input=json.dumps(head).encode() + b"\n" + body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CalendarRefused(Reason("calendar.too_heavy", {})) from error
    if ended.returncode != 0:
        raise CalendarRefused(Reason("calendar.too_heavy", {}))
    found = json.loads(ended.stdout)
    if "refused" in found:
        raise CalendarRefused(*(Reason.from_json(row) for row in found["refused"]))
    return CalendarRead(
        name=found["name"],
        events=found["events"],
        busy=tuple(
            BusyEvent(TimeSpan(datetime.fromisoformat(start), datetime.fromisoformat(end)), summary)
            for start, end, summary in found["busy"]
        ),
        faults=tuple(Reason.from_json(row) for row in found["faults"]),
        unknown_zones=tuple(found["unknown_zones"]),
    )
