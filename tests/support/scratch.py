"""Where the tests' databases live: in memory where the system offers that, since they are copied for every test."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
ENOUGH = 2 * 1024**3


def folder() -> str | None:
    """The parent for temporary folders with databases; None stands for the system's usual one."""
    if os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        return str(MEMORY)
    return None
