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


def test_cycles_go_although_another_block_goes_on():
    class Knot:
        pass

    with collector_off():
        with collector_off():
            knot = Knot()
            knot.itself = knot
            gone = weakref.ref(knot)
            del knot
        assert gone() is None
