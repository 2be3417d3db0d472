"""Keeping the search index in step with what is public, in the unit that changed it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import OrganisationRecord
from resource_hub.domain.catalogue import places, store, synonyms, text
from resource_hub.domain.catalogue.classes import instrument_classes
from resource_hub.domain.catalogue.tables import Resource, ResourceIndex
from resource_hub.domain.catalogue.terms import MODE_BITS, ListingContents, ListingState, ResourceRecord
from resource_hub.infra.bulk import insert_rows
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey


def refresh(session: Session, keys: Iterable[HostKey]) -> None:
    """Rewrite the index rows of these resources from what stands in their rows; not public means no row."""
    keys = list(keys)
    session.flush()
    refresh_rows(session, keys, store.rows_of_keys(session, keys))


def refresh_rows(session: Session, keys: list[HostKey], rows: Iterable[Resource]) -> None:
    if not keys:
        return
    remove(session, keys)
    public = [row for row in rows if row.state == str(ListingState.PUBLIC) and row.listed]
    hosts = accounts.organisation_names({row.institution_id for row in public})
    entries = [
        entry(
            store.record_of(
                row, zone=hosts[row.institution_id].zone, host_code=hosts[row.institution_id].code
            ),
            hosts[row.institution_id],
            postgresql=session.get_bind().dialect.name == "postgresql",
        )
        for row in public
    ]
    if entries:
        columns = list(entries[0])
        insert_rows(session, ResourceIndex, columns, [[row[name] for name in columns] for row in entries])


def remove(session: Session, keys: list[HostKey]) -> None:
    by_host: dict[UUID, list[UUID]] = {}
    for key in keys:
        by_host.setdefault(key.institution_id, []).append(key.id)
    for institution_id, ids in by_host.items():
        session.execute(
            delete(ResourceIndex)
            .where(ResourceIndex.institution_id == institution_id, ResourceIndex.resource_id.in_(ids))
            .execution_options(synchronize_session=False)
        )


def entry(record: ResourceRecord, host: OrganisationRecord, *, postgresql: bool) -> dict[str, Any]:
    """The index row of one public resource."""
    contents = record.contents
    words = text.tokens(searched(record.code, contents, host))
    latitude, longitude = whereabouts(contents, host) or (None, None)
    modes = 0
    for mode in contents.modes:
        modes |= MODE_BITS[mode]
    return {
        "institution_id": record.key.institution_id,
        "resource_id": record.key.id,
        "kind": str(record.kind),
        "class_code": contents.class_code,
        "class_group": contents.class_code[:2],
        "city": contents.city,
        "modes": modes,
        "open_to_outside": contents.open_to_outside,
        "latitude_micro": latitude,
        "longitude_micro": longitude,
        "sort_name": text.fold(contents.name_zh or contents.name_en)[:120],
        "listed_on": record.listed_on,
        "words": " ".join(dict.fromkeys(text.runs(f"{contents.name_zh} {contents.name_en}")))[:500],
        "tokens": text.tsvector(words) if postgresql else " ".join(words),
    }


def whereabouts(contents: ListingContents, host: OrganisationRecord) -> tuple[int, int] | None:
    """Where a resource is, in millionths of a degree: its own place, else its city's middle, else its host's."""
    if contents.latitude_micro is not None and contents.longitude_micro is not None:
        return contents.latitude_micro, contents.longitude_micro
    city = places.locate(contents.city) if contents.city else None
    if city is not None:
        return city
    if not contents.city and host.latitude is not None and host.longitude is not None:
        return round(host.latitude * 1_000_000), round(host.longitude * 1_000_000)
    return None


def searched(code: str, contents: ListingContents, host: OrganisationRecord) -> list[str]:
    """What is searched, best first; names stand twice so that they weigh more."""
    classes = instrument_classes()
    group = contents.class_code[:4]
    return [
        contents.name_zh,
        contents.name_en,
        contents.name_zh,
        contents.name_en,
        " · ".join(synonyms.others(f"{contents.name_zh} · {contents.name_en}")),
        contents.model,
        contents.maker,
        code,
        classes.name(group, "zh") if group else "",
        classes.name(group, "en") if group else "",
        host.name_zh,
        host.name_en,
        contents.city,
        contents.place_zh,
        contents.place_en,
        contents.summary_zh,
        contents.summary_en,
        " ".join(f"{key} {value}" for key, value in contents.specification),
        contents.accessories,
        " ".join(value for value in contents.details.values()),
    ]


def rebuild(size: int = 500) -> int:
    """Write the index of every public resource anew, a unit per batch; returns how many. For a restored database."""
    query = select(Resource.institution_id, Resource.id).where(Resource.state == str(ListingState.PUBLIC))
    with unit_of_work() as unit:
        keys = [
            HostKey(*row)
            for row in unit.session.execute(query.order_by(Resource.institution_id, Resource.id))
        ]
    for start in range(0, len(keys), size):
        with unit_of_work() as unit:
            refresh(unit.session, keys[start : start + size])
    return len(keys)
