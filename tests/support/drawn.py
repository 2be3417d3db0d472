"""How many examples are drawn where each takes seconds: some in a run of all tests, many times as many in a soak."""

from __future__ import annotations

import os

TIMES = "RESOURCE_HUB_EXAMPLES_TIMES"


def often(usual: int) -> int:
    """So many examples instead of the ``usual`` number: as many times as many as the environment says."""
    return usual * int(os.environ.get(TIMES) or 1)


def anew() -> bool:
    """Whether other examples are to be drawn than in every run."""
    return TIMES in os.environ
