"""The collector of cycles rests during a batch, and only then."""

from __future__ import annotations

import gc
import weakref

import pytest

from resource_hub.infra.bulk import collector_off


@pytest.fixture(autouse=True)
def _on():
    gc.enable()
    yield
    gc.enable()


def test_it_rests_inside_and_works_afterwards():
    with collector_off():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_blocks_that_overlap_leave_it_on():
    first, second = collector_off(), collector_off()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()


def test_who_turned_it_off_before_finds_it_off():
    gc.disable()
    with collector_off():
        pass
    assert not gc.isenabled()


class Knot:
    """Refers to itself, so that only the collector finds it when nobody else does any more."""

    def __init__(self):
        self.itself = self


def test_cycles_go_although_another_block_goes_on():
    with collector_off():
        with collector_off():
            gone = weakref.ref(Knot())
            assert gone() is not None
        assert gone() is None


def test_what_counted_as_old_when_it_was_thrown_away_goes_too_although_another_block_goes_on():
    with collector_off():
        knot = Knot()
        gone = weakref.ref(knot)
        for generation in (0, 1):
            gc.collect(generation)
        del knot
        for _ in range(8):
            assert not gc.isenabled()
            with collector_off():
                pass
        assert gone() is None
