"""Shapes that table families share: keys of hosts and funders, whole-key references, lists of allowed words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, and_, case, literal, or_
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column
from sqlalchemy.sql.elements import ColumnElement

from resource_hub.infra.types import Id
from resource_hub.kernel.by_host import ByHost

# Growing tables of hosts stand in 8 hash partitions on PostgreSQL; migrations/guards.py makes the partitions.
BY_HOST: dict[str, Any] = {"postgresql_partition_by": "HASH (institution_id)"}


class HostRow:
    """A host's row: its key begins with the institution, so that hosts can be scoped, partitioned and moved."""

    institution_id: Mapped[UUID] = mapped_column(
        Id, ForeignKey("organisation.id"), primary_key=True, sort_order=-20
    )
    id: Mapped[UUID] = mapped_column(Id, primary_key=True, sort_order=-19)


class FunderRow:
    """A funder's row."""

    funder_id: Mapped[UUID] = mapped_column(
        Id, ForeignKey("organisation.id"), primary_key=True, sort_order=-20
    )
    id: Mapped[UUID] = mapped_column(Id, primary_key=True, sort_order=-19)


class SharedRow:
    """A small shared row."""

    id: Mapped[UUID] = mapped_column(Id, primary_key=True, sort_order=-20)


def host_fk(table: str, target: str, column: str | None = None) -> ForeignKeyConstraint:
    """Reference with the whole key: the database refuses a row that mixes two hosts."""
    column = column or f"{target}_id"
    return ForeignKeyConstraint(
        ["institution_id", column], [f"{target}.institution_id", f"{target}.id"], name=f"fk_{table}_{column}"
    )


def funder_fk(table: str, target: str, column: str | None = None) -> ForeignKeyConstraint:
    column = column or f"{target}_id"
    return ForeignKeyConstraint(
        ["funder_id", column], [f"{target}.funder_id", f"{target}.id"], name=f"fk_{table}_{column}"
    )


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    """The column holds one of the words. The name is completed by the naming convention."""
    allowed = ",".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


def equals_by_host(
    column: InstrumentedAttribute[Any], institution_id: InstrumentedAttribute[UUID], values: ByHost[Any]
) -> ColumnElement[bool]:
    """The column holds its host's value; said so that an index that begins with the column is of use."""
    hosts = _hosts_of(values)
    if not hosts:
        return column == values.usual
    elsewhere = and_(
        column == values.usual, institution_id.not_in([host for some in hosts.values() for host in some])
    )
    return or_(elsewhere, *(and_(column == value, institution_id.in_(some)) for value, some in hosts.items()))


def by_host(
    institution_id: ColumnElement[UUID] | InstrumentedAttribute[UUID], values: ByHost[Any]
) -> ColumnElement[Any]:
    """A value by host as an expression over the column of the host."""
    hosts = _hosts_of(values)
    usual = literal(values.usual)
    if not hosts:
        return usual
    return case(*((institution_id.in_(some), literal(value)) for value, some in hosts.items()), else_=usual)


def _hosts_of(values: ByHost[Any]) -> dict[Any, list[UUID]]:
    """The hosts of each value that is not the usual one."""
    hosts: dict[Any, list[UUID]] = {}
    for host, value in values.others.items():
        if value != values.usual:
            hosts.setdefault(value, []).append(host)
    return hosts
