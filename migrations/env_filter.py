"""What comparing the database with the mapped classes leaves out, because migrations/guards.py makes it."""

from __future__ import annotations

from migrations.guards import PARTITIONED, PARTITIONS

_PARTITIONS = {f"{table}_p{n}" for table in PARTITIONED for n in range(PARTITIONS)}


def include_object(obj: object, name: str | None, type_: str, reflected: bool, compare_to: object) -> bool:
    """Not: partitions and references between them, the search table of FTS5 with its shadows, and indexes of the guards (``ex_…``)."""
    if type_ == "table" and name is not None and (name in _PARTITIONS or name.startswith("resource_text")):
        return False
    if type_ == "foreign_key_constraint":
        target = next(iter(obj.elements)).target_fullname.split(".")[0]  # type: ignore[attr-defined]
        # PostgreSQL keeps, for a reference to a partitioned table, one more to each of its partitions; and between two
        # partitioned tables the guards put it on the partitions.
        between = target in PARTITIONED and obj.table.name in PARTITIONED  # type: ignore[attr-defined]
        return not between and not (reflected and target in _PARTITIONS)
    return not (type_ == "index" and name is not None and name.startswith("ex_"))
