"""A PostgreSQL database that one test after the other uses, put back after each as its template made it.

To make a database and to remove it takes 33 ms of the server's work, and its first connections, which know nothing of
its tables yet, as much again; to look through all tables and to empty those that hold rows takes three. What cannot
be put back so (a schema, statistics, settings of the database), and what has been written to often, is thrown away.
"""

from __future__ import annotations

from collections.abc import Collection

import psycopg
from psycopg import sql

from tests.support import postgres

WORN = 5_000
"""So many rows removed in all, and a database is thrown away: each leaves something in its table and indexes."""

# Each of these says of something that a test may change: how much there is, and how much is newer than the database.
_CATALOGUES = (
    "pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_enum", "pg_extension", "pg_index",
    "pg_inherits", "pg_largeobject_metadata", "pg_namespace", "pg_policy", "pg_proc", "pg_rewrite", "pg_statistic", "pg_trigger",
    "pg_type",
)  # fmt: skip


class Lasting:
    """The database ``name`` of a server, new when this begins."""

    def __init__(self, server: postgres.Server, name: str) -> None:
        self.name = name
        self.connection = server.connect(name)
        self.connection.execute("SET lock_timeout = '5s'")
        # As an administrator whose writing rings no trigger: what is only ever added to can be emptied. For good, because
        # the server forgets all it has prepared when this is changed.
        self.connection.execute("SET session_replication_role = replica")
        self._worn = 0
        tables = [
            str(table)
            for (table,) in self.connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            )
        ]
        self._filled = sorted(table for table in tables if self._rows(table))
        self._written = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM ONLY {})").format(
                sql.Literal(table), sql.Identifier(table)
            )
            for table in tables
            if table not in self._filled
        )
        self._marks = self._question()
        self._as_new = self._shape()

    def close(self) -> None:
        self.connection.close()

    def written(self) -> list[str]:
        """The tables that hold rows now and were empty when the database was new."""
        return [str(table) for (table,) in self.connection.execute(self._written, prepare=True)]

    def put_back(self, staying: Collection[int] = ()) -> bool:
        """Make it as it was when it was new, and say whether it is. Only the connections ``staying`` outlive this."""
        try:
            return self._put_back(staying)
        except psycopg.Error:  # somebody holds a lock, or has ended our connection
            return False

    def _put_back(self, staying: Collection[int]) -> bool:
        self.connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND pid <> ALL(%s)",
            (list(staying),),
            prepare=True,
        )
        if self._shape() != self._as_new:
            return False
        tables = self.written()
        if tables:
            said = self.connection.execute(
                sql.SQL("; ").join(
                    sql.SQL("DELETE FROM ONLY {}").format(sql.Identifier(table)) for table in tables
                )
            )
            self._worn += said.rowcount
            while said.nextset():
                self._worn += said.rowcount
        numbers = self.connection.execute(
            "SELECT setval(format('%I.%I', schemaname, sequencename), start_value, false) FROM pg_sequences"
            " WHERE last_value IS NOT NULL",
            prepare=True,
        )
        numbers.fetchall()
        return self._worn < WORN

    def _rows(self, table: str) -> list[str]:
        rows = self.connection.execute(
            sql.SQL("SELECT t::text FROM ONLY {} AS t ORDER BY 1").format(sql.Identifier(table))
        )
        return [str(row) for (row,) in rows]

    def _question(self) -> sql.Composed:
        row = self.connection.execute("SELECT pg_current_xact_id()::xid::text").fetchone()
        assert row is not None
        newest = sql.SQL("count(*) FILTER (WHERE age(xmin) < age({}::xid))").format(sql.Literal(row[0]))
        parts: list[sql.Composable] = [
            sql.SQL("SELECT count(*)::float8, {}::float8 FROM {}").format(newest, sql.Identifier(catalogue))
            for catalogue in _CATALOGUES
        ]
        # What VACUUM and ANALYZE note there is no new row.
        parts.append(sql.SQL("SELECT sum(reltuples), sum(relpages)::float8 FROM pg_class"))
        parts.append(
            sql.SQL(
                "SELECT count(*), 0 FROM pg_db_role_setting"
                " WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
        return sql.SQL(" UNION ALL ").join(parts)

    def _shape(self) -> object:
        """All that a database is beside the rows of its tables, and the rows that came with it."""
        return (
            self.connection.execute(self._marks, prepare=True).fetchall(),
            {table: self._rows(table) for table in self._filled},
        )
