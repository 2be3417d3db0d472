"""Fresh databases for tests, on both engines, cheaply: the schema is made once a run and copied for each test, on
PostgreSQL for those that need one beside another and for those that come after a test which changed more than rows."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import Engine

from tests.support import postgres, scratch
from tests.support.lasting import Lasting

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
ENGINES = (SQLITE, POSTGRESQL)
TITLES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}

NEW = 1
"""When the file of an SQLite database was last changed, until something is written to it."""

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"


@dataclass(frozen=True)
class Database:
    """One test's own database.

    `url` is the address the product uses. `owner_url` may also change the schema: on PostgreSQL another role,
    on SQLite the same file.
    """

    engine_name: str
    url: str
    owner_url: str
    name: str
    server: postgres.Server | None = None
    lasting: Lasting | None = None
    """On PostgreSQL: when the next test will have it too, its rows taken out."""

    @property
    def app_role(self) -> str:
        """The role that the migrations give the application's rights to; empty on SQLite, which knows no roles."""
        return postgres.APPLICATION if self.server else ""

    @contextlib.contextmanager
    def engine(self, *, owner: bool = False) -> Iterator[Engine]:
        """A plain SQLAlchemy engine beside the product's own, to look (or to strike) from outside."""
        engine = create_engine(self.owner_url if owner else self.url)
        try:
            yield engine
        finally:
            engine.dispose()


class Factory:
    """Makes databases on one engine. `shared` is a folder that all processes of this run of the tests see. `anew`: each
    is made for its one use, as measurements want it."""

    def __init__(
        self, engine_name: str, shared: Path, server: postgres.Server | None = None, *, anew: bool = False
    ) -> None:
        self.engine_name, self.shared, self.server, self.anew = engine_name, shared, server, anew
        # Not in pytest's own folder: it keeps those of earlier runs, and these copies are not worth it.
        self._scratch = scratch.new_folder()
        self._free: list[Lasting] = []

    def close(self) -> None:
        for lasting in self._free:
            self._throw_away(lasting)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def template(self) -> str:
        """The name of the migrated, empty database that tests copy. Made by whichever process asks first."""
        note = self.shared / f"template-{self.engine_name}"
        with one_at_a_time(self.shared / f"template-{self.engine_name}.lock"):
            if not note.exists():
                note.write_text(self._make_template(), encoding="utf-8")
            return note.read_text(encoding="utf-8")

    def _make_template(self) -> str:
        if self.server:
            name = self.server.create_database(self.server.fresh_name())
            migrate(self.server.url(name, postgres.OWNER))
            self.server.disconnect(name)
            return name
        path = self.shared / "template.sqlite"
        migrate(_sqlite_url(path))
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return str(path)

    @contextlib.contextmanager
    def migrated(self) -> Iterator[Database]:
        """A database with the newest schema and no rows, gone after the block, or without rows again."""
        if self.server and self.server.is_superuser and not self.anew:
            with self._lasting(self.server) as database:
                yield database
        else:
            with self._new(self.template()) as database:
                yield database

    @contextlib.contextmanager
    def _lasting(self, server: postgres.Server) -> Iterator[Database]:
        if not self._free:
            name = server.create_database(server.fresh_name(), self.template())
            self._free.append(Lasting(server, name))
        lasting = self._free.pop()
        try:
            yield self._on(server, lasting.name, lasting)
        finally:
            if lasting.put_back(server.staying):
                self._free.append(lasting)
            else:
                self._throw_away(lasting)

    def _throw_away(self, lasting: Lasting) -> None:
        assert self.server is not None
        lasting.close()
        self.server.drop_database(lasting.name)

    def _on(self, server: postgres.Server, name: str, lasting: Lasting | None = None) -> Database:
        application, owner = server.url(name, postgres.APPLICATION), server.url(name, postgres.OWNER)
        return Database(self.engine_name, application, owner, name, server, lasting)

    @contextlib.contextmanager
    def blank(self) -> Iterator[Database]:
        """A database without any table, gone after the block."""
        with self._new(None) as database:
            yield database

    @contextlib.contextmanager
    def _new(self, template: str | None) -> Iterator[Database]:
        if self.server:
            name = self.server.create_database(self.server.fresh_name(), template)
            try:
                yield self._on(self.server, name)
            finally:
                self.server.drop_database(name)
            return
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        path = folder / "hub.sqlite"
        if template:
            shutil.copyfile(template, path)
            os.utime(path, (NEW, NEW))
        try:
            yield Database(self.engine_name, _sqlite_url(path), _sqlite_url(path), str(path))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def migrate(owner_url: str) -> None:
    """Bring a database to the newest schema, the way an installation does it."""
    from resource_hub.infra import schema

    # Until the first migration is cut the tables come straight from the mapped classes.
    make: Callable[..., object] = schema.upgrade if list(MIGRATIONS.glob("*.py")) else schema.create
    make(owner_url, app_role=postgres.APPLICATION if owner_url.startswith(POSTGRESQL) else "")


def _sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Hold a lock between the processes of a run of the tests."""
    with open(path, "w") as handle:
        if os.name == "posix":
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
