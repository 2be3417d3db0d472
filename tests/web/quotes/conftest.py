"""An instrument whose price is by inquiry, with its manager signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders.booking import Scene, make_scene
from tests.web.availability.conftest import in_context, make_world, manager, now, other_host

__all__ = ["in_context", "make_world", "manager", "now", "other_host"]

ASK = {"format": 1, "currency": "CNY", "ask": True}


@pytest.fixture
def scene(now: None, in_context: Callable[..., Any]) -> Scene:
    return in_context(lambda: make_scene(tariff=ASK))  # type: ignore[no-any-return]
