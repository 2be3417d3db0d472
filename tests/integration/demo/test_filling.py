"""Filling a demonstration: once, and over again when it was interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

from resource_hub.entrypoints.commands import demo
from resource_hub.entrypoints.demo import fill, past, world, yearly


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world without its past."""
    monkeypatch.setattr(past, "tell", lambda *_: past.Counts())
    monkeypatch.setattr(yearly, "tell", lambda _: 0)


@pytest.mark.usefixtures("quick")
def test_a_filling_that_was_interrupted_starts_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(world, "_programmes", stopped)
        with pytest.raises(KeyboardInterrupt):
            demo.prepare(tmp_path, "127.0.0.1", 8000)
    settings = demo.demonstration_settings(tmp_path)
    assert fill.interrupted(settings)
    demo.prepare(tmp_path, "127.0.0.1", 8000)
    assert not fill.interrupted(settings)
    assert fill.ensure(settings) is False


@pytest.mark.usefixtures("quick")
def test_a_filled_one_is_left_as_it_is(tmp_path: Path) -> None:
    demo.prepare(tmp_path, "127.0.0.1", 8000)
    before = (tmp_path / "demo.db").stat().st_ino
    demo.prepare(tmp_path, "127.0.0.1", 8000)
    assert (tmp_path / "demo.db").stat().st_ino == before
