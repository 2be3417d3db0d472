"""A fair lock between processes for SQLite's one writer.

SQLite's own waiters poll and starve: with four writers back to back one of them committed once in five seconds. A
blocking ``flock`` on a file beside the database lets the kernel queue the waiters and free the lock when a process
dies. Each holder opens the file anew, so that threads queue as well.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resource_hub.kernel.errors import Busy

if os.name == "nt":  # pragma: no cover - not tested here
    import msvcrt

    def _lock(handle: int, blocking: bool) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_LOCK if blocking else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int, blocking: bool) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if blocking else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class WriterBusy(Busy):
    """The writer's queue did not move within the time limit."""

    code = "database.busy"


@contextmanager
def writer_lock(path: str | Path, timeout: float = 10.0) -> Iterator[None]:
    """Hold the writer's lock; waits in the kernel's queue.

    Raises:
        WriterBusy: after ``timeout`` seconds; nothing was done and trying again is safe.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    if not _lock(handle, blocking=False):
        handle = _wait(handle, timeout)
    try:
        yield
    finally:
        os.close(handle)


def _wait(handle: int, timeout: float) -> int:
    """Wait in a thread, because a blocking flock cannot be given a time limit and a polling one starves."""
    done = threading.Event()
    guard = threading.Lock()
    abandoned = False

    def wait() -> None:
        _lock(handle, blocking=True)
        with guard:
            done.set()
            if abandoned:
                os.close(handle)

    threading.Thread(target=wait, daemon=True, name="writer-lock").start()
    if not done.wait(timeout):
        with guard:
            if not done.is_set():
                abandoned = True
                raise WriterBusy(seconds=int(timeout))
    return handle
