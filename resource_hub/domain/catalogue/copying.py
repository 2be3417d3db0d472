"""Settings of one listing copied to others, with a look before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from resource_hub.domain.accounts.terms import Actor
from resource_hub.domain.catalogue import contents as contents_json
from resource_hub.domain.catalogue import rules, store
from resource_hub.domain.catalogue.classes import instrument_classes
from resource_hub.domain.catalogue.errors import (
    ListingInvalid,
    ResourceNotFound,
    WrongState,
)
from resource_hub.domain.catalogue.listings import submit
from resource_hub.domain.catalogue.managing import (
    draft,
    host_of,
    latest_contents,
    locked,
    may_manage,
    subject,
)
from resource_hub.domain.catalogue.terms import (
    FieldDifference,
    ListingContents,
    ResourceKind,
    ResourceRecord,
)
from resource_hub.infra.database import reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey

# Groups of settings that can be copied from one instrument to others.
COPYABLE: dict[str, tuple[str, ...]] = {
    "contact": ("contact",),
    "place": ("city", "place_zh", "place_en", "latitude_micro", "longitude_micro"),
    "modes": ("modes",),
    "rules": ("rules_zh", "rules_en"),
    "openness": ("bookable", "open_to_outside"),
    "summary": ("summary_zh", "summary_en"),
    "specification": ("specification", "accessories"),
    "class": ("class_code",),
}


def copied(source: ListingContents, target: ListingContents, groups: Sequence[str]) -> ListingContents:
    """The target with the chosen groups of settings from the source."""
    values = {name: getattr(source, name) for group in groups for name in COPYABLE[group]}
    return replace(target, **values)


def copy_preview(
    source: HostKey, targets: Sequence[HostKey], groups: Sequence[str], *, by: Actor
) -> list[tuple[ResourceRecord, list[FieldDifference]]]:
    """What copying would change, target by target; nothing is written."""
    unknown = [group for group in groups if group not in COPYABLE]
    if unknown or not groups:
        raise ListingInvalid(
            Reason("catalogue.copy_nothing_chosen", {"unknown": ", ".join(unknown)}, "groups")
        )
    session = reading()
    origin = store.resource_row(session, source)
    if origin is None:
        raise ResourceNotFound()
    may_manage(by, source.institution_id, origin.department_id)
    host = host_of(source.institution_id)
    result = []
    for row in store.rows_of_keys(session, [key for key in targets if key != source]):
        may_manage(by, row.institution_id, row.department_id)
        before = latest_contents(row)
        after = copied(latest_contents(origin), before, groups)
        record = store.record_of(row, zone=host.zone, host_code=host.code)
        result.append((record, contents_json.differences(before, after)))
    return sorted(result, key=lambda pair: pair[0].code)


def copy_apply(
    source: HostKey,
    targets: Sequence[HostKey],
    groups: Sequence[str],
    *,
    by: Actor,
    effective_on: date | None = None,
) -> dict[str, int]:
    """Copy the chosen settings; each target that differs gets a change handed to the office in one go.

    A target that is not complete enough for the office is left as a draft. Counts by what became of them:
    ``submitted``, ``drafts``, ``unchanged``, ``waiting`` (another change waits for the office).
    """
    counts = {"submitted": 0, "drafts": 0, "unchanged": 0, "waiting": 0}
    with unit_of_work() as unit:
        for record, different in copy_preview(source, targets, groups, by=by):
            if not different:
                counts["unchanged"] += 1
                continue
            row = locked(unit, record.key, by)
            origin = store.resource_row(unit.session, source)
            assert origin is not None
            contents = copied(latest_contents(origin), latest_contents(row), groups)
            try:
                draft(unit, row, contents)
            except WrongState:
                counts["waiting"] += 1
                continue
            lacking = rules.check_contents(
                ResourceKind(row.kind), contents, instrument_classes(), complete=True
            )
            if lacking:
                counts["drafts"] += 1
            else:
                submit(record.key, by=by, effective_on=effective_on, note="")
                counts["submitted"] += 1
        unit.audit("catalogue.settings_copied", source.institution_id, subject(source),
                   {"groups": ",".join(groups), **counts}, person_id=by.person_id)  # fmt: skip
    return counts
