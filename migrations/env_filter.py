"""What comparing the database with the mapped classes leaves out, because migrations/guards.py makes it."""

from __future__ import annotations

from migrations.guards import PARTITIONED, PARTITIONS

_PARTITIONS = {f"{table}_p{n}" for table in PARTITIONED for n in range(PARTITIONS)}


def include_object(obj: object, name: str | None, type_: str, reflected: bool, compare_to: object) -> bool:
    """Not: partitions, the search table of FTS5 with its shadows, and indexes of the guards (``ex_…``)."""
    if type_ == "table" and name is not None and (name in _PARTITIONS or name.startswith("resource_text")):
        return False
    if type_ == "foreign_key_constraint" and reflected:
        # PostgreSQL keeps, for a reference to a partitioned table, one more to each of its partitions.
        return next(iter(obj.elements)).target_fullname.split(".")[0] not in _PARTITIONS  # type: ignore[attr-defined]
    return not (type_ == "index" and name is not None and name.startswith("ex_"))
