"""Bytes that no row names go after a day; all others stay."""

from __future__ import annotations

import io
import os
from datetime import timedelta
from pathlib import Path

from flask import Flask

from resource_hub.entrypoints.jobs import JobContext
from resource_hub.entrypoints.jobs.platform import UNNAMED, sweep_files
from resource_hub.entrypoints.support import uploads
from resource_hub.infra import clock, files
from resource_hub.infra.database import db
from tests.builders.accounts import make_institution


def kept(data: bytes, age: timedelta) -> bytes:
    digest = uploads.store().keep(io.BytesIO(data), limit=1000).sha256
    _aged(uploads.store().path(digest), age)
    return digest


def _aged(place: Path, age: timedelta) -> None:
    then = (clock.machine_now() - age).timestamp()
    os.utime(place, (then, then))


def test_bytes_without_a_row_go_after_a_day(in_app: Flask) -> None:
    store, second = uploads.store(), timedelta(seconds=5)
    named, lost = kept(b"named", 2 * UNNAMED), kept(b"refused", UNNAMED + second)
    young = kept(b"just now", UNNAMED - second)
    files.register(make_institution().id, name="a", media_type="x", size=5, sha256=named, person_id=None)
    for name, age in ((".arriving-old", 2 * UNNAMED), (".arriving-new", second)):
        (store.folder / name).write_bytes(b"half")
        _aged(store.folder / name, age)
    db.session.remove()
    done = sweep_files(JobContext("platform.sweep_files", clock.machine_now()))
    assert done.done == 1
    assert [store.has(digest) for digest in (named, lost, young)] == [True, False, True]
    assert not (store.folder / ".arriving-old").exists() and (store.folder / ".arriving-new").exists()
    again = sweep_files(JobContext("platform.sweep_files", clock.machine_now()))
    assert again.done == 0


def test_what_is_handed_in_again_meanwhile_stays(in_app: Flask) -> None:
    lost = kept(b"refused", 2 * UNNAMED)
    before = clock.machine_now() - UNNAMED
    settled = uploads.store().settled(before)
    assert next(settled) == lost
    kept(b"refused", timedelta())
    assert not uploads.store().erase(lost, unless_since=before) and uploads.store().has(lost)


def test_a_store_that_was_never_used_has_nothing(in_app: Flask) -> None:
    assert sweep_files(JobContext("platform.sweep_files", clock.machine_now())).done == 0
