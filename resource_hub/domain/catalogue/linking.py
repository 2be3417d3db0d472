"""Resources that are booked together: a microscope, its preparation room, somebody who operates it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.catalogue.errors import ListingInvalid, ListingStale
from resource_hub.domain.catalogue.lookups import resource, resources
from resource_hub.domain.catalogue.managing import may_manage
from resource_hub.domain.catalogue.tables import ResourceLink
from resource_hub.domain.catalogue.terms import TIMED_KINDS, LinkRecord
from resource_hub.infra.database import reading
from resource_hub.infra.ids import new_id
from resource_hub.infra.keeping import remembered
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey

MOST = 10


def _rows(session: Session, keys: Iterable[HostKey]) -> list[LinkRecord]:
    keys = set(keys)
    t = ResourceLink
    rows = session.execute(
        select(t.institution_id, t.resource_id, t.helper_id, t.required)
        .where(
            t.institution_id.in_({key.institution_id for key in keys}),
            t.resource_id.in_({key.id for key in keys}),
        )
        .order_by(t.institution_id, t.resource_id, t.position)
    )
    return [LinkRecord(HostKey(i, r), HostKey(i, h), required) for i, r, h, required in rows]


@remembered(about=lambda keys: [key.id for key in keys])
def links_of(keys: Iterable[HostKey]) -> list[LinkRecord]:
    """What is booked together with these resources, in the host's order."""
    return _rows(reading(), keys)


def links_digest(links: Iterable[LinkRecord]) -> str:
    """A short mark of what is booked together: who saves it says which state it was made from."""
    plain = [[str(link.helper_key.id), link.required] for link in links]
    return digest(canonical_bytes(plain)).hex()[:16]


def save_links(
    key: HostKey, wanted: Mapping[UUID, bool], *, by: Actor, seen: str | None = None
) -> list[LinkRecord]:
    """Say what is booked together with a resource; ``wanted`` says of each helper whether it always is.

    Bookings that stand keep what they were made with.

    Args:
        seen: ``links_digest`` of what it was made from.

    Raises:
        ListingStale: somebody else changed it meanwhile.
        ListingInvalid: a helper of another host, one that is not booked by time, itself, or one with helpers of its
            own; or too many. NotYours, ResourceNotFound
    """
    with unit_of_work() as unit:
        record = resource(key)
        may_manage(by, key.institution_id, record.department_id)
        if seen is not None and links_digest(_rows(unit.session, [key])) != seen:
            raise ListingStale()
        keys = [HostKey(key.institution_id, helper_id) for helper_id in wanted]
        known = resources(keys)
        reasons = []
        if len(keys) > MOST:
            reasons.append(Reason("catalogue.links_most", {"most": MOST}, "helpers"))
        if any(one not in known or known[one].kind not in TIMED_KINDS or one == key for one in keys):
            reasons.append(Reason("catalogue.link_unfit", {}, "helpers"))
        if _rows(unit.session, keys) or _used_as_helper(unit.session, key, bool(keys)):
            reasons.append(Reason("catalogue.link_chain", {}, "helpers"))
        if reasons:
            raise ListingInvalid(*reasons)
        unit.session.execute(
            delete(ResourceLink).where(
                ResourceLink.institution_id == key.institution_id, ResourceLink.resource_id == key.id
            )
        )
        if keys:
            unit.session.execute(
                insert(ResourceLink),
                [
                    {
                        "institution_id": key.institution_id,
                        "id": new_id(),
                        "resource_id": key.id,
                        "helper_id": helper_id,
                        "required": required,
                        "position": number,
                    }
                    for number, (helper_id, required) in enumerate(wanted.items(), 1)
                ],
            )
        details = {str(helper_id): required for helper_id, required in wanted.items()}
        unit.audit(
            "catalogue.links",
            key.institution_id,
            f"{key.institution_id}:{key.id}",
            details,
            person_id=by.person_id,
        )
        return _rows(unit.session, [key])


def _used_as_helper(session: Session, key: HostKey, gets_helpers: bool) -> bool:
    """One level only: what is a helper of something else has none of its own."""
    return gets_helpers and bool(
        session.scalar(
            select(ResourceLink.id)
            .where(ResourceLink.institution_id == key.institution_id, ResourceLink.helper_id == key.id)
            .limit(1)
        )
    )
