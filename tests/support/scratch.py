"""Where the tests' databases live: in memory where the system offers that, since they are copied for every test."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ENOUGH = 2 * 1024**3


def new_folder() -> Path:
    """A folder of this process. Those of processes that were killed before they could tidy up are removed."""
    parent = _parent()
    for folder in parent.glob("rh-tests-*"):
        match = re.fullmatch(r"rh-tests-(\d+)-.*", folder.name)
        if match and not _alive(int(match[1])):
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"rh-tests-{os.getpid()}-", dir=parent))


def _parent() -> Path:
    with contextlib.suppress(OSError):
        if os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
            return MEMORY
    return Path(tempfile.gettempdir())


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
