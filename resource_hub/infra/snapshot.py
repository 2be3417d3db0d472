"""Backup and restore as one portable file: the same archive goes back into SQLite and into PostgreSQL.

The archive is a gzip'd tar: ``manifest.json``, ``tables/<name>.jsonl`` with one row a line in key order, and the stored
files and keys of the installation. All tables are read in one transaction that sees one moment of the database.
Everything is checked against the manifest's digests before a single row is written, and all rows are written in one
transaction: a restore happens whole or not at all.

The archive holds private keys and personal data. It is written readable by its owner only; keep it so.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import Connection, Date, LargeBinary, String, Table, func, select
from sqlalchemy.types import TypeEngine

from resource_hub import __version__
from resource_hub.infra.bulk import insert_rows
from resource_hub.infra.clock import machine_now
from resource_hub.infra.database import Base, db
from resource_hub.infra.types import Bytes, Id, Instant
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import Conflict, Invalid

FORMAT = 1
MANIFEST = "manifest.json"
# Derived from other tables and rebuilt after a restore; who leads among schedulers is of this moment only, and stamps
# are drawn anew when rows come in.
LEFT_OUT = frozenset({"resource_index", "job_lease", "change_stamp"})
FOLDERS = ("files", "keys")
_BATCH = 2_000
_LONGEST_LINE = 64 * 1024 * 1024

Progress = Callable[[str, int], None]


class UnreadableArchive(Invalid):
    """The file is no archive of ours, is damaged, or was changed."""

    code = "backup.unreadable"


class OtherSchema(Invalid):
    """The archive was made at another version of the schema than the database has."""

    code = "backup.other_schema"


class NotEmpty(Conflict):
    """Restoring goes into an empty database only; nothing there is ever overwritten."""

    code = "backup.not_empty"


@dataclass(frozen=True, slots=True)
class Summary:
    """What an archive holds: rows by table, files, bytes, and the digest of its manifest."""

    rows: Mapping[str, int]
    files: int
    size: int
    digest: str
    taken_at: str
    engine: str

    @property
    def total_rows(self) -> int:
        return sum(self.rows.values())


def tables() -> list[Table]:
    """Tables of an archive, referenced ones first."""
    return [table for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT]


# ---- values ------------------------------------------------------------------------------------------------------


def _writer(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    if isinstance(kind, Id):
        return str
    if isinstance(kind, Instant):
        return lambda value: value.astimezone(UTC).isoformat()
    if isinstance(kind, Date):
        return lambda value: value.isoformat()
    if isinstance(kind, Bytes | LargeBinary):
        return lambda value: base64.b64encode(value).decode()
    return None


def _reader(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    if isinstance(kind, Id):
        return UUID
    if isinstance(kind, Instant):
        return datetime.fromisoformat
    if isinstance(kind, Date):
        return date.fromisoformat
    if isinstance(kind, Bytes | LargeBinary):
        return lambda value: base64.b64decode(value, validate=True)
    return None


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _line(row: Sequence[Any], writers: Sequence[Callable[[Any], Any] | None]) -> bytes:
    values = [
        value if value is None or write is None else write(value)
        for value, write in zip(row, writers, strict=True)
    ]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() + b"\n"


# ---- taking ------------------------------------------------------------------------------------------------------


def _snapshot_connection() -> Connection:
    """A connection whose transaction sees one moment: WAL's read snapshot, or REPEATABLE READ."""
    connection = db.engine.connect()
    if connection.dialect.name == "postgresql":
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


def schema_version(connection: Connection) -> str:
    """The revision of the schema, and a digest of tables and columns that says what a bare name cannot."""
    shape = {table.name: _columns(table) for table in tables()}
    mark = hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:16]
    revision = ""
    if connection.dialect.has_table(connection, "alembic_version"):
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or ""
    return f"{revision or 'none'}:{mark}"


def _write_table(connection: Connection, table: Table, target: BinaryIO) -> tuple[int, str]:
    # One order on both engines, so that the same rows give the same bytes: C collation, not the locale's.
    order = [
        column.collate("C")
        if isinstance(column.type, String) and connection.dialect.name == "postgresql"
        else column
        for column in table.primary_key.columns
    ]
    writers = [_writer(column.type) for column in table.columns]
    hasher, count = hashlib.sha256(), 0
    result = connection.execution_options(yield_per=_BATCH).execute(select(table).order_by(*order))
    for row in result:
        line = _line(tuple(row), writers)
        hasher.update(line)
        target.write(line)
        count += 1
    return count, hasher.hexdigest()


def _installation_files(instance_dir: Path) -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        root = instance_dir / folder
        for path in sorted(root.rglob("*")) if root.is_dir() else ():
            if path.is_file() and not path.is_symlink():
                yield f"{folder}/{path.relative_to(root).as_posix()}", path
    secret = instance_dir / "secret_key"
    if secret.is_file():
        yield "secret_key", secret


def take(target: Path, instance_dir: Path, progress: Progress = lambda name, rows: None) -> Summary:
    """Write an archive of the database and the installation's files.

    The target is replaced only when the archive is whole; a failed backup leaves the earlier file as it was.
    """
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    entries: dict[str, dict[str, Any]] = {}
    files: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as scratch:
        folder = Path(scratch)
        with _snapshot_connection() as connection, connection.begin():
            version, engine = schema_version(connection), connection.dialect.name
            for table in tables():
                with open(folder / f"{table.name}.jsonl", "wb") as out:
                    count, sha256 = _write_table(connection, table, out)
                entries[table.name] = {"rows": count, "sha256": sha256, "columns": _columns(table)}
                progress(table.name, count)
        # Files are named by their digest and written before the row that speaks of them, so whatever the snapshot
        # names is there by now.
        for name, path in _installation_files(instance_dir):
            files[name] = {"size": path.stat().st_size, "sha256": _sha256(path)}
        manifest = {
            "format": FORMAT,
            "product": __version__,
            "schema": version,
            "engine": engine,
            "taken_at": machine_now().isoformat(timespec="seconds"),
            "tables": entries,
            "files": files,
        }
        body = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode()
        (folder / MANIFEST).write_bytes(body)
        packed = folder / "archive.tar.gz"
        handle = os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz", compresslevel=6) as tar:
            _pack(tar, MANIFEST, folder / MANIFEST)
            for name in entries:
                _pack(tar, f"tables/{name}.jsonl", folder / f"{name}.jsonl")
            for name in files:
                _pack(tar, name, instance_dir / name)
            tar.close()
            raw.flush()
            os.fsync(raw.fileno())
        os.replace(packed, target)
    return _summary(manifest, body, target.stat().st_size)


def _pack(tar: tarfile.TarFile, name: str, path: Path) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = path.stat().st_size, 0o600
    with open(path, "rb") as source:
        tar.addfile(info, source)


def _sha256(path: Path) -> str:
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _summary(manifest: Mapping[str, Any], body: bytes, size: int) -> Summary:
    return Summary(
        rows={name: entry["rows"] for name, entry in manifest["tables"].items()},
        files=len(manifest["files"]),
        size=size,
        digest=hashlib.sha256(body).hexdigest(),
        taken_at=manifest["taken_at"],
        engine=manifest["engine"],
    )


# ---- putting back ------------------------------------------------------------------------------------------------


def restore(source: Path, instance_dir: Path, progress: Progress = lambda name, rows: None) -> Summary:
    """Put an archive into an empty, migrated database and an installation without files.

    Raises:
        UnreadableArchive: not ours, damaged or changed; nothing was written.
        OtherSchema: made at another version of the schema; migrate an installation of that version first.
        NotEmpty: the database has rows, or the installation has files; nothing was written.
    """
    with tempfile.TemporaryDirectory(prefix="resource-hub-restore-") as scratch:
        folder = Path(scratch)
        manifest, body = _unpack(source, folder)
        with db.engine.connect() as connection:
            here = schema_version(connection)
            if manifest["schema"] != here:
                raise OtherSchema(archive=manifest["schema"], database=here)
        occupied = [name for name in (*FOLDERS,) if any((instance_dir / name).glob("*"))]
        if occupied:
            raise NotEmpty(where=", ".join(occupied))
        with unit_of_work() as unit:
            _refuse_rows(unit)
            if unit.session.get_bind().dialect.name == "sqlite":
                # A row may name one that comes later in its own table; the check waits for the commit.
                unit.session.connection().exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            for table in tables():
                entry = manifest["tables"][table.name]
                count = _read_table(unit, table, folder / "tables" / f"{table.name}.jsonl")
                if count != entry["rows"]:
                    raise UnreadableArchive(what=f"{table.name}: {count} rows instead of {entry['rows']}")
                progress(table.name, count)
            _place_files(manifest, folder, instance_dir)
    return _summary(manifest, body, source.stat().st_size)


def _refuse_rows(unit: Unit) -> None:
    by_itself = ("job_lease", "change_stamp")
    filled = [
        table.name
        for table in Base.metadata.sorted_tables
        if table.name not in by_itself
        and unit.session.execute(select(func.count()).select_from(table)).scalar()
    ]
    if filled:
        raise NotEmpty(where=", ".join(filled))


def _read_table(unit: Unit, table: Table, path: Path) -> int:
    mapper = next(m for m in Base.registry.mappers if m.local_table is table)
    readers = [_reader(column.type) for column in table.columns]

    def rows() -> Iterator[list[Any]]:
        with open(path, "rb") as source:
            for number, line in enumerate(source, 1):
                try:
                    values = json.loads(line)
                    yield [
                        value if value is None or read is None else read(value)
                        for value, read in zip(values, readers, strict=True)
                    ]
                except (ValueError, TypeError) as fault:
                    raise UnreadableArchive(what=f"{table.name}, line {number}: {fault}") from None

    # Where a table refers to itself all its rows go in as one statement, so that their order does not matter.
    whole = any(fk.referred_table is table for fk in table.foreign_key_constraints)
    count, batch = 0, []
    for row in rows():
        batch.append(row)
        if not whole and len(batch) == _BATCH:
            count += insert_rows(unit.session, mapper.class_, _columns(table), batch)
            batch = []
    if batch:
        count += insert_rows(unit.session, mapper.class_, _columns(table), batch)
    return count


def _allowed(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return (
        name in (MANIFEST, "secret_key")
        or (len(parts) == 2 and parts[0] == "tables" and name.endswith(".jsonl"))
        or (len(parts) >= 2 and parts[0] in FOLDERS and ".." not in parts and not name.startswith("/"))
    )


def _unpack(source: Path, folder: Path) -> tuple[dict[str, Any], bytes]:
    """Unpack into a scratch folder and check every member against the manifest."""
    try:
        with tarfile.open(source, mode="r:gz") as tar:
            for member in tar:
                if not member.isreg() or not _allowed(member.name):
                    raise UnreadableArchive(what=f"a member that does not belong here: {member.name[:120]}")
                place = folder / member.name
                place.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content is not None
                with open(place, "xb") as out:
                    shutil.copyfileobj(content, out)
    except (tarfile.TarError, OSError, EOFError) as fault:
        raise UnreadableArchive(what=str(fault) or type(fault).__name__) from None
    try:
        body = (folder / MANIFEST).read_bytes()
        manifest = json.loads(body)
        if manifest["format"] != FORMAT:
            raise UnreadableArchive(what=f"format {manifest['format']!r}; this product reads {FORMAT}")
        listed = {f"tables/{name}.jsonl": entry["sha256"] for name, entry in manifest["tables"].items()}
        listed |= {name: entry["sha256"] for name, entry in manifest["files"].items()}
        missing_tables = [table.name for table in tables() if table.name not in manifest["tables"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise UnreadableArchive(what=f"manifest: {fault}") from None
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST}
    if present != set(listed):
        odd = sorted(present ^ set(listed))
        raise UnreadableArchive(what=f"members and manifest differ: {', '.join(odd[:5])}")
    for name, sha256 in listed.items():
        if _sha256(folder / name) != sha256:
            raise UnreadableArchive(what=f"{name} was changed or damaged")
    if missing_tables and manifest.get("schema"):
        # The schema check says this more plainly, once the database is asked.
        manifest["schema"] = f"{manifest['schema']} without {', '.join(missing_tables[:3])}"
    return manifest, body


def _place_files(manifest: Mapping[str, Any], folder: Path, instance_dir: Path) -> None:
    """Put files and keys in place, each under a passing name first; inside the unit, so a failure undoes the rows."""
    for name in manifest["files"]:
        place = instance_dir / name
        place.parent.mkdir(parents=True, exist_ok=True)
        passing = place.with_name(f".{place.name}.restoring")
        shutil.copyfile(folder / name, passing)
        os.chmod(passing, 0o600)
        os.replace(passing, place)
