"""The partition of a host's rows on PostgreSQL, for what is said so often that the server's planning counts.

A statement about a partitioned table is planned anew each time it is said, because only its values tell the partition:
1.1 ms for what holds a slot. About one partition the server plans once for a connection.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, FromClause, Table, column, table

# All growing tables of hosts are cut alike, and migrations/guards.py names their partitions.
_WHICH = (
    "SELECT n FROM (SELECT count(*)::int AS parts FROM pg_inherits WHERE inhparent = 'occupancy'::regclass) AS cut,"
    " generate_series(0, parts - 1) AS n WHERE satisfies_hash_partition('occupancy'::regclass, parts, n, %s)"
)
_MOST = 100_000
_numbers: dict[UUID, int] = {}


def partition_of(connection: Connection, institution_id: UUID) -> int | None:
    """The number of the partition of a host, None where tables are not cut (SQLite)."""
    if connection.dialect.name != "postgresql":
        return None
    number = _numbers.get(institution_id)
    if number is None:
        number = int(connection.exec_driver_sql(_WHICH, (institution_id,)).scalar_one())
        if len(_numbers) >= _MOST:
            _numbers.clear()
        _numbers[institution_id] = number
    return number


def is_cut(whole: Table) -> bool:
    """Whether a table stands in partitions by host."""
    return bool(whole.dialect_options["postgresql"]["partition_by"])


def part_name(whole: Table, number: int | None) -> str:
    """The table to say a statement about: the partition of this number, or the table itself."""
    return f"{whole.name}_p{number}" if number is not None and is_cut(whole) else whole.name


@cache
def part(whole: Table, number: int | None) -> FromClause:
    """The same to read from."""
    if number is None or not is_cut(whole):
        return whole
    columns: list[Any] = [column(one.name, one.type) for one in whole.columns]
    return table(part_name(whole, number), *columns)
